"""TLS towards clients: every body, every end, whatever the version; and clients that shake no hands."""

import hashlib
import json
import socket
import ssl
import subprocess
import threading
import unittest

from certificates import Authority
from client import NAME
from harness import Case, Connection, Pattern, chunked, free_port, get, run, until
from sluice import sanitized

KIB, MIB = 1024, 1024 * 1024
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.certificate = cls.authority.certificate()
        cls.contexts = {name: cls.authority.client(version=version) for name, version in VERSIONS.items()}
        cls.client = cls.authority.client()

    def listener(self, **more):
        tls = {"certificates": [{"certificate": self.certificate.file, "key": self.certificate.key}], "http2": False}
        return {"listen": f"127.0.0.1:{self.tls_port}", "tls": {**tls, **more.pop("tls", {})}, **more}

    def https(self, servers, listener=None, expected_errors=(), **more):
        """A plain listener for the status page, and one with TLS beside it."""
        self.port = None
        self.tls_port = free_port()
        return self.proxy(servers, expected_errors, more_listeners=[self.listener(**(listener or {}))], **more)

    def connect(self, version=None, **options):
        return Connection(self.tls_port, tls=self.contexts[version] if version else self.client, **options)

    def assert_echo(self, connection, size):
        """In turns: a connection of Python's ssl is not for two threads at a time."""
        for begin in range(0, size, 64 * KIB):
            sent = Pattern.at(begin, min(64 * KIB, size - begin))
            connection.send(sent)
            got = b""
            while len(got) < len(sent):
                got += connection.read_some()
            self.assertEqual(got, sent)

    def shake_no_hands(self):
        """A connection that says nothing."""
        connection = Connection(self.tls_port)
        self.addCleanup(connection.close)
        return connection


class Bodies(Tls):
    def test_bodies_of_all_shapes_arrive_whole(self):
        origin = self.origin()
        sluice = self.https([origin.port])
        shapes = ["/length/0", "/length/1", "/length/1400", f"/length/{70 * KIB}", f"/length/{3 * MIB}"]
        shapes += [f"/chunked/{3 * MIB}/{100 * KIB}", f"/chunked/{200 * KIB}/700", f"/close/{MIB}", f"/close10/{MIB}"]
        for version, context in self.contexts.items():
            for target in shapes:
                with self.subTest(version=version, target=target):
                    response = get(self.tls_port, target, expected=Pattern.at, tls=context)
                    self.assert_whole(response, int(target.split("/")[2]))
            encrypted = f"TLSv{version}"
            large = f"/length/{3 * MIB}"
            entry = sluice.log_lines(lambda line: (line["target"], line.get("tls")) == (large, encrypted))[-1]  # pylint: disable=cell-var-from-loop
            self.assertEqual(entry["sni"], NAME)
            self.assertEqual((entry["path"], entry["zero_copy"]), ("buffered", 0))
            self.assertIn(entry["why"], ("portable-build",) if self.portable else ("encrypted",))
        sluice.assert_nothing_left()

    def test_files_arrive_whole(self):
        origin = self.nginx(files={"a.bin": 3 * MIB, "small.txt": 700})
        self.https([origin.port], routes=[{"path": "/files", "strip_prefix": True, "files": str(origin.root)}])
        for version, context in self.contexts.items():
            with self.subTest(version=version), Connection(self.tls_port, tls=context) as connection:
                self.assert_whole(connection.get("/files/a.bin", expected=Pattern.at), 3 * MIB)
                part = connection.get("/files/a.bin", "Range: bytes=70001-", expected=lambda at, n: Pattern.at(at + 70001, n))
                self.assert_whole(part, 3 * MIB - 70001, 206)
                self.assert_whole(connection.get("/files/small.txt", expected=Pattern.at), 700)
                self.assertEqual(connection.get("/files/a.bin", method="HEAD").get("Content-Length"), str(3 * MIB))

    def test_requests_follow_one_another(self):
        origin = self.origin()
        self.https([origin.port])
        for version in VERSIONS:
            with self.subTest(version=version), self.connect(version) as connection:
                for size in (1, 100 * KIB, 0, 7):
                    self.assert_whole(connection.get(f"/length/{size}", expected=Pattern.at), size)
                many = "".join(f"GET /length/{size} HTTP/1.1\r\nHost: a\r\n\r\n" for size in range(200))
                connection.send(many)  # in as few records as can be
                for size in range(200):
                    self.assert_whole(connection.read_response(expected=Pattern.at), size)

    def test_uploads_arrive_whole(self):
        origin = self.origin()
        sluice = self.https([origin.port])
        data = Pattern.at(0, 5 * MIB)
        for version in VERSIONS:
            for framing, body in ((f"Content-Length: {len(data)}", data), ("Transfer-Encoding: chunked", chunked(data, 90000))):
                with self.subTest(version=version, framing=framing), self.connect(version) as connection:
                    connection.send(f"POST /hash HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n", body)
                    told = json.loads(connection.read_response().text)
                    self.assertEqual((told["size"], told["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
                    self.assertIn(["X-Forwarded-Proto", "https"], told["fields"])
        sluice.assert_nothing_left()

    def test_a_slow_reader_costs_little_memory(self):
        origin = self.origin(mss=1400)
        sluice = self.https([origin.port])
        before = sluice.rss_anon()
        readers = []
        for _ in range(20):
            reader = self.connect(receive_buffer=16 * KIB, mss=1400)
            self.addCleanup(reader.close)
            reader.send(f"GET /length/{64 * MIB} HTTP/1.1\r\nHost: a\r\n\r\n")
            reader.read_head()
            readers.append(reader)
        until(lambda: sluice.counter("buffers_in_use") >= 20, "all are stuck")
        # A block of the body, one of records, and what OpenSSL has for a connection.
        if not sanitized():  # a quarantine grows
            self.assertLess((sluice.rss_anon() - before) / len(readers), 350 * KIB)
        for reader in readers:
            reader.reset()
        sluice.assert_nothing_left()

    def test_curl_speaks_with_it(self):
        origin = self.nginx(files={"a.bin": MIB})
        self.https([origin.port])
        for version, most in (("1.2", "--tls-max 1.2"), ("1.3", "--tlsv1.3")):
            told = run(
                "curl", "-sS", "--http1.1", *most.split(), "--cacert", self.authority.file,
                "--resolve", f"{NAME}:{self.tls_port}:127.0.0.1", "-o", "/dev/null",
                "-w", "%{http_code} %{size_download} %{ssl_verify_result}", f"https://{NAME}:{self.tls_port}/a.bin",
            )  # fmt: skip
            self.assertEqual(told, f"200 {MIB} 0", version)


class Ends(Tls):
    def test_a_cut_body_looks_cut(self):
        def cuts(connection, request):
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            connection.send_pattern(50000)
            return False

        def cuts_a_chunk(connection, request):
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send_chunks(50000, 10000)
            return False

        def resets(connection, request):
            connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            connection.send_pattern(50000)
            connection.origin.go.wait(10)
            connection.reset()

        origin = self.origin({"cut": cuts, "chunk": cuts_a_chunk, "reset": resets})
        origin.go = threading.Event()
        sluice = self.https([origin.port])
        for target, curls in (("/cut", (18, 56)), ("/chunk", (18, 56)), ("/reset", (18, 56))):
            with self.subTest(target=target):
                for version in VERSIONS:
                    origin.go.clear()
                    with self.connect(version) as connection:
                        connection.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")
                        head = connection.read_head()
                        origin.go.set()
                        body = connection.read_body(head, type("Any", (), {"take": lambda *_: None})())
                        self.assertTrue(body.cut)
                origin.go.set()
                url = f"https://{NAME}:{self.tls_port}{target}"
                resolve = ["--resolve", f"{NAME}:{self.tls_port}:127.0.0.1"]
                done = subprocess.run(
                    ["curl", "-sS", "--http1.1", "--cacert", self.authority.file, *resolve, "-o", "/dev/null", url],
                    capture_output=True, text=True, check=False, timeout=30,
                )  # fmt: skip
                self.assertIn(done.returncode, curls, done.stderr)
        sluice.assert_nothing_left()

    def test_a_whole_body_ends_with_close_notify(self):
        origin = self.origin()
        self.https([origin.port])
        for target in ("/close/5000", "/length/5000"):
            with self.subTest(target=target), self.connect() as connection:
                connection.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                self.assert_whole(connection.read_response(expected=Pattern.at), 5000)
                self.assertTrue(connection.at_end())  # a bare FIN would be a Cut

    def test_a_bare_fin_between_requests_is_no_error(self):
        origin = self.origin()
        sluice = self.https([origin.port])
        with self.connect() as connection:
            self.assert_whole(connection.get("/length/10"), 10)
            connection.finish()
            self.assertTrue(connection.at_end())
        sluice.assert_nothing_left()
        counters = sluice.status()
        self.assertEqual(counters["endings_completed"], counters["requests"] - 1)  # the one that asks is under way

    def test_an_upload_that_tls_cuts_short_is_cut_short(self):
        origin = self.origin()
        sluice = self.https([origin.port])
        with self.connect() as connection:
            connection.send("POST /hash/cut HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", b"x" * 5000)
            until(lambda: origin.requests, "the request arrives")
            connection.finish()
            entry = sluice.log_line("/hash/cut")
            self.assertEqual(entry["end"], "client-body-cut" if entry["status"] == 0 else entry["end"], entry)
            self.assertNotEqual(entry["end"], "completed", entry)
        sluice.assert_nothing_left()

    def test_an_upgraded_connection(self):
        def upgrades(connection, request):
            connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            while data := connection.read_some():
                connection.send(data)
            return False

        origin = self.origin({"echo": upgrades})
        sluice = self.https([origin.port])
        with self.connect() as connection:
            connection.send("GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            self.assertEqual(connection.read_response().status, 101)
            for size in (1, 70000, 3):
                self.assert_echo(connection, size)
        sluice.assert_nothing_left()

    def test_tcp_over_tls(self):
        def echo(connection):
            while data := connection.read_some():
                connection.send(data)
            connection.finish()

        origin = self.origin(script=echo)
        sluice = self.https([origin.port], listener={"protocol": "tcp", "upstream": "app"})
        done = subprocess.run(
            ["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{self.tls_port}", "-CAfile", self.authority.file],
            input=b"", capture_output=True, check=False, timeout=30,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        for version in VERSIONS:
            with self.subTest(version=version), self.connect(version) as connection:
                self.assert_echo(connection, 3 * MIB)
        entry = sluice.log_lines(lambda line: line["protocol"] == "tcp" and line["bytes_in"] == 3 * MIB, count=2)[0]
        self.assertEqual((entry["bytes_out"], entry["tls"], entry["sni"]), (3 * MIB, "TLSv1.2", NAME))
        sluice.assert_nothing_left()


class Handshakes(Tls):
    def test_half_open_ones_are_bounded_and_others_wait(self):
        origin = self.origin()
        sluice = self.https([origin.port], limits={"handshakes": 3}, timeouts={"handshake": "1m"})
        silent = [self.shake_no_hands() for _ in range(3)]
        until(lambda: sluice.counter("tls_handshaking") == 3, "three are under way")
        raw = socket.create_connection(("127.0.0.1", self.tls_port), 10)  # the kernel lets it in, and there it waits
        raw.settimeout(0.3)
        client = ssl.create_default_context(cafile=self.authority.file)
        with self.assertRaises(TimeoutError):
            client.wrap_socket(raw, server_hostname=NAME)
        raw.close()
        self.assertEqual(sluice.counter("tls_handshaking"), 3)
        silent[0].close()
        self.assert_whole(get(self.tls_port, "/length/5", tls=self.client), 5)
        self.assertEqual(get(self.port, "/length/5").status, 200)  # others never waited
        for one in silent:
            one.close()
        until(lambda: sluice.counter("tls_handshaking") == 0, "none is left")
        sluice.assert_nothing_left()

    def test_one_that_takes_too_long_is_ended(self):
        sluice = self.https([self.origin().port], timeouts={"handshake": "300ms"})
        connection = self.shake_no_hands()
        connection.send(b"\x16\x03\x01")
        self.assertTrue(connection.at_end())
        until(lambda: sluice.counter("tls_failed") >= 1, "it is counted")
        self.assertIn("not over in time", sluice.stderr())
        sluice.assert_nothing_left()

    def test_http_without_tls_is_told_so(self):
        sluice = self.https([self.origin().port])
        response = get(self.tls_port, "/length/5")
        self.assertEqual(response.status, 400)
        self.assertIn("https://", response.text)
        entry = sluice.log_lines(lambda line: line["status"] == 400)[0]
        self.assertEqual((entry["why"], entry.get("tls")), ("plain-http", None))
        sluice.assert_nothing_left()

    def test_junk_is_counted_and_told(self):
        sluice = self.https([self.origin().port])
        with self.shake_no_hands() as connection:
            connection.send(b"\x80\x00 what is this?" * 10)
            try:
                while connection.read_some():  # an alert
                    pass
            except ConnectionResetError:
                pass
        until(lambda: sluice.counter("tls_failed") >= 1, "it is counted")
        self.assertIn("TLS handshake with 127.0.0.1:", sluice.stderr())
        sluice.assert_nothing_left()

    def test_an_absolute_https_target_is_right_here(self):
        self.https([self.origin().port])
        with self.connect() as connection:
            connection.send(f"GET https://{NAME}/length/5 HTTP/1.1\r\nHost: {NAME}\r\n\r\n")
            self.assert_whole(connection.read_response(expected=Pattern.at), 5)

    def test_many_at_a_time(self):
        origin = self.origin()
        sluice = self.https([origin.port], workers=2)
        failures = []

        def play():
            try:
                for _ in range(10):
                    self.assert_whole(get(self.tls_port, f"/length/{20 * KIB}", expected=Pattern.at, tls=self.client), 20 * KIB)
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)

        threads = [threading.Thread(target=play) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertGreaterEqual(sluice.counter("tls_handshakes"), 200)
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
