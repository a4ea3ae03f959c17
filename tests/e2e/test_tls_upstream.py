"""TLS towards servers: whom Sluice believes, what it says of itself, and that bodies and ends come through."""

import hashlib
import json
import socket
import ssl
import unittest

from certificates import Authority
from client import NAME
from harness import Case, Connection, Pattern, chunked, free_port, get, until

KIB, MIB = 1024, 1024 * 1024
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class TlsUpstream(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.certificate = cls.authority.certificate()  # for NAME and 127.0.0.1

    def towards(self, port, expected_errors=(), tls=None, upstream=None, **more):
        """Sluice without TLS itself, in front of a server with it."""
        self.port = None
        options = {"ca": self.authority.file, **(tls or {})}
        options = {key: value for key, value in options.items() if value is not None}
        return self.proxy({"servers": [f"127.0.0.1:{port}"], "tls": options, **(upstream or {})}, expected_errors, **more)

    def tls_origin(self, routes=None, version=None, **options):
        return self.origin(routes, tls=self.authority.server(self.certificate, version), **options)


class Bodies(TlsUpstream):
    def test_bodies_of_all_shapes_arrive_whole(self):
        shapes = ["/length/0", "/length/1", f"/length/{70 * KIB}", f"/length/{3 * MIB}", f"/chunked/{MIB}/{100 * KIB}"]
        shapes += [f"/chunked/{100 * KIB}/700"]
        for version, number in VERSIONS.items():
            origin = self.tls_origin(version=number)
            sluice = self.towards(origin.port)
            for target in shapes:
                with self.subTest(version=version, target=target):
                    self.assert_whole(get(self.port, target, expected=Pattern.at), int(target.split("/")[2]))
            self.assert_way(sluice.log_line(f"/length/{3 * MIB}"), "buffered", "encrypted")
            data = Pattern.at(0, 3 * MIB)
            for framing, body in ((f"Content-Length: {len(data)}", data), ("Transfer-Encoding: chunked", chunked(data, 9000))):
                with self.subTest(version=version, framing=framing), Connection(self.port) as connection:
                    connection.send(f"POST /hash HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n", body)
                    told = json.loads(connection.read_response().text)
                    self.assertEqual((told["size"], told["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
            sluice.assert_nothing_left()

    def test_a_body_ends_with_close_notify_or_is_cut(self):
        def closes(connection, request):
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            connection.send_pattern(50000)
            if request.target == "/closes/whole":
                connection.finish()
            return False

        sluice = self.towards(self.tls_origin({"closes": closes}).port)
        self.assert_whole(get(self.port, "/closes/whole", expected=Pattern.at), 50000)
        self.assert_cut(get(self.port, "/closes/cut", expected=Pattern.at))
        self.assertEqual(sluice.log_line("/closes/cut")["end"], "upstream-cut")
        sluice.assert_nothing_left()

    def test_idle_connections_outlive_the_tickets_that_arrive(self):
        for version, number in VERSIONS.items():
            with self.subTest(version=version):
                origin = self.tls_origin(version=number)
                sluice = self.towards(origin.port)
                for _ in range(5):
                    self.assert_whole(get(self.port, "/length/10", expected=Pattern.at), 10)
                    until(lambda: sluice.counter("upstream_idle") == 1, "it is kept")
                self.assertEqual(origin.accepted, 1)
                self.assertEqual(sluice.counter("upstream_reuses"), 4)
                origin.close_connections()
                until(lambda: sluice.counter("upstream_idle") == 0, "its end is noticed")

    def test_tcp_to_a_server_with_tls(self):
        def echo(connection):
            while data := connection.read_some():
                connection.send(data)

        origin = self.origin(script=echo, tls=self.authority.server(self.certificate))
        tcp_port = free_port()
        tcp = {"listen": f"127.0.0.1:{tcp_port}", "protocol": "tcp", "upstream": "app"}
        self.towards(origin.port, more_listeners=[tcp])
        with Connection(tcp_port) as connection:
            for at in range(0, MIB, 64 * KIB):
                connection.send(Pattern.at(at, 64 * KIB))
                got = b""
                while len(got) < 64 * KIB:
                    got += connection.read_some()
                self.assertEqual(got, Pattern.at(at, 64 * KIB))


class Trust(TlsUpstream):
    def test_a_certificate_that_is_believed(self):
        origin = self.nginx(files={"a": 5000}, tls=self.certificate, more="add_header X-Sni $ssl_server_name;")
        self.towards(origin.port)
        self.assert_whole(get(self.port, "/a", expected=Pattern.at), 5000)
        self.assertIsNone(get(self.port, "/a").get("X-Sni"))  # an address is no server name
        self.towards(origin.port, tls={"name": NAME})
        self.assertEqual(get(self.port, "/a").get("X-Sni"), NAME)

    def assert_refused(self, port, *words, **options):
        sluice = self.towards(port, **options)
        self.assertEqual(get(self.port, "/a").status, 502)
        self.assertEqual(sluice.log_line("/a")["end"], "connect-failed")
        for word in words:
            self.assertIn(word, sluice.stderr())

    def test_a_certificate_that_is_not(self):
        origin = self.nginx(files={"a": 5000}, tls=self.certificate)
        other = Authority()
        self.addCleanup(other.remove)
        self.assert_refused(origin.port, "no TLS with 127.0.0.1", "issuer certificate", tls={"ca": other.file})
        self.assert_refused(origin.port, "ostname mismatch", tls={"name": "other.example"})
        self.towards(origin.port, tls={"ca": None, "verify": False})
        self.assert_whole(get(self.port, "/a", expected=Pattern.at), 5000)

    def test_our_own_certificate(self):
        asks = f"ssl_verify_client on; ssl_client_certificate {self.authority.file}; add_header X-Dn $ssl_client_s_dn;"
        origin = self.nginx(files={"a": 5000}, tls=self.certificate, more=asks)
        own = self.authority.certificate("sluice.example")
        self.towards(origin.port, tls={"certificate": own.file, "key": own.key})
        response = get(self.port, "/a", expected=Pattern.at)
        self.assert_whole(response, 5000)
        self.assertEqual(response.get("X-Dn"), "CN=sluice.example")
        self.towards(origin.port)
        self.assertEqual(get(self.port, "/a").status, 400)  # nginx's own words

    def test_a_session_goes_on(self):
        for version in VERSIONS:
            more = f"add_header X-Reused $ssl_session_reused; ssl_protocols TLSv{version}; ssl_session_cache shared:a:1m;"
            origin = self.nginx(files={"a": 5000}, tls=self.certificate, more=more)
            self.towards(origin.port, upstream={"idle_connections": 0})
            with self.subTest(version=version):
                self.assertEqual([get(self.port, "/a").get("X-Reused") for _ in range(3)], [".", "r", "r"])

    def test_a_server_that_shakes_no_hands(self):
        silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(silent.close)
        sluice = self.towards(silent.getsockname()[1], timeouts={"connect": "300ms"})
        self.assertEqual(get(self.port, "/a").status, 504)
        sluice.assert_nothing_left()

    def test_a_server_without_tls(self):
        self.assert_refused(self.nginx(files={"a": 5}).port, "no TLS with 127.0.0.1", "wrong version number")


if __name__ == "__main__":
    unittest.main()
