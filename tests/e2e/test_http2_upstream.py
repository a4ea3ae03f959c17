"""HTTP/2 towards the origin, from clients of both protocols: bodies, trailers, cuts, shared connections and their ends."""

import hashlib
import signal
import socket
import ssl
import threading
import unittest

import http2_origin as origin2
from certificates import Authority
from client import Connection, Pattern, chunked, get
from harness import LONGEST_WAIT, Case, until
from http2_client import Http2
from http2_origin import Codes, Errors, Http2Origin

SIZES = (1, 1000, 16_384, 70_000, 3_000_000)


class Upstream(Case):
    """Each test takes well under a second."""

    def setUp(self):
        self.gate = threading.Event()
        self.addCleanup(self.gate.set)
        self.routes = {
            "length": origin2.pattern,
            "stream": origin2.stream_pattern,
            "take": origin2.take,
            "empty": lambda s: s.answer(status=204),
            "hello": lambda s: s.answer(b"hello"),
            "wait": self.wait,
            "cut": self.cut,
            "goaway": self.goaway,
            "echo": self.echo,
            "early": lambda s: (s.answer(b"enough", status=413), s.reset(Errors.NO_ERROR)),
            "continue": self.expect,
        }

    def begin(self, settings=None, refuse=0, upstream=None, tls=None, **more):
        self.server = Http2Origin(self.routes, settings, refuse, tls)
        self.addCleanup(self.server.stop)
        whole = {"servers": [f"127.0.0.1:{self.server.port}"], "protocol": "h2", **(upstream or {})}
        return self.proxy(whole, **more)

    # --- scripts ---------------------------------------------------------------------------------------------

    def wait(self, stream):
        """Half of the answer, and the rest when it is told to."""
        stream.head(200, ("content-length", "10"))
        stream.send(b"first")
        self.gate.wait(LONGEST_WAIT)
        stream.send(b"later", end=True)

    def cut(self, stream):
        stream.head(200, *([("content-length", "100000")] if stream.argument() else []))
        stream.send(bytes(1000))
        stream.reset(Errors.INTERNAL_ERROR)

    def goaway(self, stream):
        """Answers, and says that nothing new shall come."""
        stream.connection.goaway(stream.number)
        stream.answer(b"the last one")

    def echo(self, stream):
        stream.head(200)
        while data := stream.read():
            stream.send(data)
        if stream.trailers:
            stream.tail(*stream.trailers)
        else:
            stream.send(b"", end=True)

    def expect(self, stream):
        stream.head(100)
        stream.answer(stream.read_all())

    # --- bodies ----------------------------------------------------------------------------------------------

    def test_downloads(self):
        sluice = self.begin()
        with Connection(self.port) as one, Http2(self.port) as two:
            for kind in ("length", "stream"):
                for size in SIZES:
                    with self.subTest(kind=kind, size=size):
                        response = one.get(f"/{kind}/{size}", "TE: trailers", "Connection: TE", expected=Pattern.at)
                        self.assert_whole(response, size)
                        stream = two.get(f"/{kind}/{size}", ("te", "trailers"), expected=Pattern.at)
                        self.assertEqual((stream.status, stream.body.size, stream.body.wrong_at, stream.ended),
                                         (200, size, None, True))  # fmt: skip
                        if kind == "stream":
                            digest = hashlib.sha256(Pattern.at(0, size)).hexdigest()[:16]
                            self.assertEqual(response.trailers, [("x-sum", digest)])
                            self.assertEqual(stream.trailers, [("x-sum", digest)])
        self.assertEqual(len(self.server.connections), 1)
        self.assertEqual(self.server.resets, [])
        line = sluice.log_line("/length/1000")
        why = "portable-build" if self.portable else "framed"
        self.assertEqual((line["end"], line["upstream_protocol"], line["why"]), ("completed", "HTTP/2", why))
        sluice.assert_nothing_left()

    def test_uploads(self):
        sluice = self.begin()
        with Connection(self.port) as one, Http2(self.port) as two:
            for size in SIZES:
                body = Pattern.at(0, size)
                digest = hashlib.sha256(body).hexdigest()
                plain, with_trailer = f"{size} {digest} {{}}", f"{size} {digest} {{'x-last': '1'}}"
                with self.subTest(size=size):
                    one.send("POST /take HTTP/1.1\r\nHost: h\r\n", f"Content-Length: {size}\r\n\r\n", body)
                    response = one.read_response()
                    self.assertEqual((response.text, response.get("x-length")), (plain, str(size)))
                    one.send("POST /take HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
                             chunked(body, 30_000)[:-2], "x-last: 1\r\n\r\n")  # fmt: skip
                    response = one.read_response()
                    self.assertEqual((response.text, response.get("x-length")), (with_trailer, "-"))

                    stream = two.ask("/take", ("content-length", str(size)), method="POST", end=False)
                    two.send(stream, body, end=True)
                    self.assertEqual(two.until_over(stream).text, plain)
                    stream = two.ask("/take", ("te", "trailers"), method="POST", end=False)
                    two.send(stream, body)
                    two.trailers(stream, ("x-last", "1"))
                    two.until_over(stream)
                    self.assertEqual((stream.text, stream.get("x-te")), (with_trailer, "trailers"))
        self.assertEqual(len(self.server.connections), 1)
        sluice.assert_nothing_left()

    def test_an_empty_body_that_comes_with_its_head(self):
        """The request's end is known before its head has left for the origin."""
        sluice = self.begin()
        none = hashlib.sha256(b"").hexdigest()
        with Http2(self.port) as two:
            two.get("/hello")  # the connection to the origin stands
            for _ in range(3):
                with two.together():
                    stream = two.ask("/take", method="POST", end=False)
                    two.send(stream, b"", end=True)
                self.assertEqual(two.until_over(stream).text, f"0 {none} {{}}")
                with two.together():
                    stream = two.ask("/take", ("te", "trailers"), method="POST", end=False)
                    two.trailers(stream, ("x-last", "1"))
                self.assertEqual(two.until_over(stream).text, f"0 {none} {{'x-last': '1'}}")
        sluice.assert_nothing_left()

    def test_without_a_body(self):
        sluice = self.begin()
        with Connection(self.port) as one, Http2(self.port) as two:
            response = one.get("/length/1000", method="HEAD")
            self.assertEqual((response.status, response.get("content-length")), (200, "1000"))
            self.assertEqual(one.get("/empty").status, 204)
            self.assertEqual(one.get("/hello").text, "hello")
            stream = two.get("/length/1000", method="HEAD")
            self.assertEqual((stream.status, stream.get("content-length"), stream.body.size), (200, "1000", 0))
            self.assertEqual(two.get("/empty").status, 204)
            self.assertEqual(two.get("/hello").text, "hello")
        pseudo = self.server.requests[0].pseudo
        self.assertEqual(pseudo, {":method": "HEAD", ":scheme": "http", ":authority": "test.example",
                                  ":path": "/length/1000"})  # fmt: skip
        forwarded = {n for n, _ in self.server.requests[0].fields}
        self.assertLessEqual({"x-forwarded-for", "via"}, forwarded)
        self.assertFalse(forwarded & {"connection", "host", "transfer-encoding", "keep-alive"})
        sluice.assert_nothing_left()

    def test_both_directions_at_once(self):
        """Each piece comes back before the next is sent, and the trailers behind the last."""
        sluice = self.begin()
        with Http2(self.port) as two:
            stream = two.ask("/echo", method="POST", end=False)
            for n in range(1, 50):
                two.send(stream, b"piece")
                self.assertTrue(two.until(lambda n=n: stream.body.size == 5 * n))
            two.trailers(stream, ("x-status", "done"))
            two.until_over(stream)
            self.assertEqual((stream.text, stream.trailers), ("piece" * 49, [("x-status", "done")]))
        sluice.assert_nothing_left()

    def test_interim(self):
        sluice = self.begin()
        with Connection(self.port) as one:
            one.send("POST /continue HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            self.assertEqual(one.read_head().status, 100)
            one.send("abc")
            self.assertEqual(one.read_response().text, "abc")
        sluice.assert_nothing_left()

    def test_an_answer_before_the_request_has_ended(self):
        sluice = self.begin()
        with Connection(self.port) as one:
            one.send("POST /early HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", bytes(10))
            response = one.read_response()
            self.assertEqual((response.status, response.text, response.cut), (413, "enough", False))
        with Http2(self.port) as two:
            stream = two.ask("/early", method="POST", end=False)
            two.send(stream, bytes(10))
            two.until(lambda: stream.reset is not None)
            self.assertEqual((stream.status, stream.text, stream.reset_behind_end, stream.reset),
                             (413, "enough", True, 0))  # fmt: skip
        sluice.assert_nothing_left()

    def test_cuts_are_seen(self):
        sluice = self.begin()
        for path in ("/cut/1", "/cut/0"):
            response = get(self.port, path)
            self.assertEqual(response.status, 200)
            self.assert_cut(response)
            with Http2(self.port) as two:
                stream = two.get(path)
                self.assertEqual((stream.ended, stream.body.size), (False, 1000))
                self.assertIsNotNone(stream.reset)
        sluice.log_lines(lambda line: line["end"] == "upstream-cut", count=4)
        with Http2(self.port) as two:  # and the other way: the origin sees that the body is not whole
            stream = two.ask("/take", method="POST", end=False)
            two.send(stream, bytes(1000))
            until(lambda: any(s.path == "/take" for s in self.server.requests), "the request")
            two.cancel(stream)
            until(lambda: self.server.resets, "a reset")
        self.assertEqual(len(self.server.connections), 1)
        sluice.assert_nothing_left()

    # --- tunnels ----------------------------------------------------------------------------------------------

    HANDSHAKE = ("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")  # fmt: skip

    def test_websocket(self):
        """An HTTP/1 handshake becomes an extended CONNECT, an extended CONNECT stays one."""
        sluice = self.begin(settings={Codes.ENABLE_CONNECT_PROTOCOL: 1})
        with Connection(self.port) as one:
            one.send(self.HANDSHAKE, "early")
            head = one.read_head()
            self.assertEqual((head.status, head.get("upgrade"), head.get("sec-websocket-accept")),
                             (101, "websocket", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))  # fmt: skip
            one.send(" and late")
            one.finish()
            self.assertEqual(b"".join(iter(one.read_some, b"")), b"early and late")
        request = self.server.requests[0]
        self.assertEqual((request.method, request.pseudo[":protocol"], request.get("sec-websocket-version")),
                         ("CONNECT", "websocket", "13"))  # fmt: skip
        self.assertIsNone(request.get("sec-websocket-key"))
        with Http2(self.port) as two:
            stream = two.ask("/echo", method="CONNECT", end=False, pseudo=[(":protocol", "websocket")])
            two.send(stream, b"hello", end=True)
            two.until_over(stream)
            self.assertEqual((stream.status, stream.text), (200, "hello"))
        sluice.assert_nothing_left()

    def test_websocket_where_the_server_takes_none(self):
        sluice = self.begin()
        with Connection(self.port) as one:
            one.send(self.HANDSHAKE)
            self.assertEqual(one.read_response().status, 502)
        self.assertEqual(sluice.log_line("/echo")["why"], "no-extended-connect")
        self.assertEqual(self.server.requests, [])
        self.assertEqual(get(self.port, "/hello", "Connection: upgrade", "Upgrade: other/1").text, "hello")
        sluice.assert_nothing_left()

    # --- TLS --------------------------------------------------------------------------------------------------

    def test_tls(self):
        """By ALPN; a server that offers no HTTP/2 is not asked anything."""
        authority = Authority()
        self.addCleanup(authority.remove)
        certificate = authority.certificate()
        offers = {}
        for protocols in (["h2"], ["http/1.1"]):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.file, certificate.key)
            context.set_alpn_protocols(protocols)
            offers[protocols[0]] = context
        tls = {"ca": str(authority.file), "name": "test.example"}
        sluice = self.begin(upstream={"tls": tls}, tls=offers["h2"])
        with Connection(self.port) as one, Http2(self.port) as two:
            for size in SIZES:
                self.assert_whole(one.get(f"/length/{size}", expected=Pattern.at), size)
                stream = two.ask("/take", method="POST", end=False)
                two.send(stream, Pattern.at(0, size), end=True)
                told = f"{size} {hashlib.sha256(Pattern.at(0, size)).hexdigest()} {{}}"
                self.assertEqual(two.until_over(stream).text, told)
        self.assertEqual(self.server.requests[0].pseudo[":scheme"], "https")
        self.assertEqual(len(self.server.connections), 1)
        self.server.tls = offers["http/1.1"]
        self.server.connections[0].close()
        until(lambda: sluice.counter("upstream_idle") == 0, "the connection is gone")
        self.assertEqual(get(self.port, "/hello").status, 502)
        sluice.wait_for_stderr("offers no HTTP/2")
        sluice.assert_nothing_left()

    # --- flow control ----------------------------------------------------------------------------------------

    def test_a_slow_client_stops_its_own_stream_alone(self):
        sluice = self.begin()
        with Connection(self.port, receive_buffer=16 * 1024) as slow:
            slow.send("GET /length/20000000 HTTP/1.1\r\nHost: h\r\n\r\n")
            slow.read_head()
            for _ in range(3):
                self.assert_whole(get(self.port, "/length/3000000", expected=Pattern.at), 3_000_000)
            held = self.server.connections[0].h2.local_flow_control_window(self.server.requests[0].number)
            self.assertEqual(held, 0)  # of the stream: nobody reads it
        until(lambda: self.server.resets == [Errors.CANCEL], "the stream is cancelled")
        self.assertEqual(len(self.server.connections), 1)
        sluice.assert_nothing_left()

    # --- connections -----------------------------------------------------------------------------------------

    def test_many_share_one(self):
        sluice = self.begin()
        with Http2(self.port) as two:
            streams = [two.ask("/wait") for _ in range(80)]
            two.until(lambda: all(s.body.size == 5 for s in streams))
            self.assertEqual(len(self.server.connections), 1)
            self.gate.set()
            two.until(lambda: all(s.ended for s in streams))
            self.assertEqual({s.text for s in streams}, {"firstlater"})
        counters = sluice.status()
        self.assertEqual((counters["upstream_connects"], counters["upstream_reuses"]), (1, 79))
        sluice.assert_nothing_left()

    def test_as_many_connections_as_the_streams_need(self):
        sluice = self.begin(settings={Codes.MAX_CONCURRENT_STREAMS: 10}, upstream={"idle_connections": 2})
        with Http2(self.port) as two:
            streams = [two.ask("/wait") for _ in range(45)]
            two.until(lambda: all(s.body.size == 5 for s in streams))
            per = [sum(r.connection is c for r in self.server.requests) for c in self.server.connections]
            self.assertLessEqual(max(per), 10)
            self.gate.set()
            two.until(lambda: all(s.ended for s in streams))
        until(lambda: sum(not c.closed for c in self.server.connections) == 2, "two idle connections stay")
        sluice.assert_nothing_left()

    def test_idle_connections_close(self):
        sluice = self.begin(upstream={"idle_timeout": "200ms"})
        self.assertEqual(get(self.port, "/hello").text, "hello")
        until(lambda: self.server.connections[0].closed, "the idle connection closes")
        self.assertEqual(get(self.port, "/hello").text, "hello")
        self.assertEqual(len(self.server.connections), 2)
        sluice.assert_nothing_left()

    def test_goaway_while_busy(self):
        """Running streams end well, new ones go to a new connection."""
        sluice = self.begin()
        with Http2(self.port) as two:
            before = [two.ask("/wait") for _ in range(5)]
            two.until(lambda: all(s.body.size == 5 for s in before))
            self.assertEqual(two.get("/goaway").text, "the last one")
            self.assertEqual(two.get("/hello").text, "hello")
            self.assertEqual(len(self.server.connections), 2)
            self.gate.set()
            two.until(lambda: all(s.ended for s in before))
            self.assertEqual({s.text for s in before}, {"firstlater"})
        until(lambda: self.server.connections[0].closed, "the old connection closes")
        sluice.assert_nothing_left()

    def test_beyond_a_goaway(self):
        """The server has not acted on it: a POST is sent again, as its body is still here."""
        sluice = self.begin()
        with Http2(self.port) as two:
            self.assertEqual(two.get("/hello").text, "hello")
            first = self.server.connections[0]
            self.routes["post"] = lambda s: s.connection is first and s.connection.goaway(1) or s.answer(b"again")
            stream = two.get("/post", method="POST")
            self.assertEqual((stream.status, stream.text), (200, "again"))
        self.assertEqual(sluice.status()["upstream_retries"], 1)
        sluice.assert_nothing_left()

    def test_refused_streams(self):
        sluice = self.begin(refuse=2)
        response = get(self.port, "/hello", "Content-Length: 0", method="POST")
        self.assertEqual((response.status, response.text), (200, "hello"))
        self.server.refuse = 10
        self.assertEqual(get(self.port, "/hello").status, 502)
        self.server.refuse = 0
        counters = sluice.status()
        self.assertEqual(counters["server_marked_down"], 0)
        self.assertEqual(len(self.server.connections), 1)
        self.assertEqual(get(self.port, "/hello").text, "hello")
        sluice.assert_nothing_left()

    def test_an_origin_that_dies(self):
        """All streams are cut; it is one failure to the server's health."""
        sluice = self.begin(upstream={"max_fails": 2})
        with Http2(self.port) as two:
            streams = [two.ask("/wait") for _ in range(10)]
            posts = [two.ask("/take", method="POST", end=False) for _ in range(10)]
            two.until(lambda: all(s.body.size == 5 for s in streams))
            until(lambda: len(self.server.requests) == 20, "all requests")
            self.server.stop_listening()
            self.server.connections[0].close()
            two.until(lambda: all(s.over for s in streams + posts))
            self.assertTrue(all(s.reset is not None for s in streams))
            self.assertEqual({s.status for s in posts}, {502})
            self.assertEqual(sluice.status()["server_marked_down"], 0)
            self.assertEqual(two.get("/hello").status, 502)  # refused: the second failure
            self.assertEqual(sluice.status()["server_marked_down"], 1)
        sluice.assert_nothing_left()

    def test_an_origin_of_another_protocol(self):
        """HTTP/1 is no HTTP/2: nothing is sent, and the client hears 502."""
        def script(connection):
            connection.read_until(b"\r\n\r\n")
            connection.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        other = self.origin(script=script)
        sluice = self.proxy({"servers": [f"127.0.0.1:{other.port}"], "protocol": "h2"}, timeouts={"connect": "500ms"})
        self.assertIn(get(self.port, "/").status, (502, 504))
        sluice.assert_nothing_left()

    def test_a_silent_origin(self):
        """It accepts and says nothing: those who wait for the connection hear 504 together."""
        self.routes = {}
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        sluice = self.proxy({"servers": [f"127.0.0.1:{listener.getsockname()[1]}"], "protocol": "h2"},
                            timeouts={"connect": "300ms"})  # fmt: skip
        with Http2(self.port) as two:
            streams = [two.ask("/") for _ in range(5)]
            two.until(lambda: all(s.over for s in streams))
            self.assertEqual({s.status for s in streams}, {504})
        self.assertEqual(sluice.status()["upstream_connects"], 1)
        sluice.assert_nothing_left()

    def test_reload_while_busy(self):
        """Streams of the old configuration go on; their connection ends with them."""
        sluice = self.begin()
        with Http2(self.port) as two:
            stream = two.ask("/wait")
            two.until(lambda: stream.body.size == 5)
            config = self.http_config({"servers": [f"127.0.0.1:{self.server.port}"], "protocol": "h2", "max_fails": 7})
            sluice.write(config)
            sluice.signal(signal.SIGHUP)
            sluice.wait_for_stderr("reloaded")
            self.assertEqual(two.get("/hello").text, "hello")
            self.assertEqual(len(self.server.connections), 2)
            self.gate.set()
            self.assertEqual(two.until_over(stream).text, "firstlater")
        until(lambda: self.server.connections[0].closed, "the old connection closes")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
