"""HTTP/2 towards clients, without TLS: every body by every handler, many streams, and what attackers do with them."""

import hashlib
import json
import re
import signal
import socket
import struct
import subprocess
import unittest

import h2.settings

from harness import Case, Connection, Pattern, answer, run, until
from http2_client import PREFACE, Http2, frame

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, SETTINGS_TIMEOUT, REFUSED, CANCEL, CALM = 0, 1, 2, 4, 7, 8, 11
SIZES = (0, 1, 1000, 16384, 16385, 65535, 65536, 300000)


class Http2Case(Case):
    def setUp(self):
        self.raw = self.origin(self.routes())
        files = self.nginx(files={f"f{size}": size for size in SIZES})
        self.root = files.root
        self.port = None
        self.config = self.http_config(
            [self.raw.port],
            routes=[
                {"path": "/files", "files": str(files.root), "strip_prefix": True, "server_timing": True},
                {"path": "/nginx", "proxy": "nginx", "strip_prefix": True},
                {"path": "/small", "respond": {"status": 200, "body": "hello"}},
                {"path": "/none", "respond": 204},
            ],
            **self.options(),
        )
        self.config["upstreams"]["nginx"] = {"servers": [f"127.0.0.1:{files.port}"]}
        self.sluice = self.start(self.config)

    def routes(self):
        return {}

    def options(self):
        return {}

    def connect(self, **options):
        connection = Http2(self.port, **options)
        self.addCleanup(connection.close)
        return connection

    def assert_body(self, stream, size, status=200):
        self.assertIsNone(stream.reset, stream)
        self.assertEqual((stream.status, stream.ended), (status, True))
        self.assertIsNone(stream.body.wrong_at, "first wrong byte")
        self.assertEqual(stream.body.size, size)


class Bodies(Http2Case):
    def routes(self):
        def trailing(connection, _request):
            connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n")
            connection.send_chunks(100000, 30000)
            connection.send("0\r\nX-Sum: 7\r\nGrpc-Status: 0\r\n\r\n")

        def cut(connection, _request):
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            connection.send_pattern(50000)
            return False

        def early(connection, _request):
            answer(connection, "no", status="403 Forbidden")
            return False

        def interim(connection, _request):
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            answer(connection, "yes", "Connection: keep-alive", "Keep-Alive: timeout=5")

        return {"trailing": trailing, "cut": cut, "early": early, "interim": interim, "silent": silent}

    def test_every_shape_by_every_handler(self):
        connection = self.connect()
        for size in SIZES:
            for path in (f"/files/f{size}", f"/nginx/f{size}", f"/length/{size}", f"/chunked/{size}/9000",
                         f"/chunked/{size}/100", f"/close/{size}"):  # fmt: skip
                with self.subTest(path=path):
                    self.assert_body(connection.get(path, expected=Pattern.at), size)
        self.assertEqual(connection.get("/small").text, "hello")
        none = connection.get("/none")
        self.assertEqual((none.status, none.body.size, none.get("content-length")), (204, 0, None))
        head = connection.get("/files/f300000", method="HEAD")
        self.assertEqual((head.status, head.ended, head.get("content-length")), (200, True, "300000"))
        missing = connection.get("/files/nothing")
        self.assertEqual(missing.status, 404)
        part = connection.get("/files/f65536", ("range", "bytes=100-40099"), expected=lambda at, n: Pattern.at(at + 100, n))
        self.assert_body(part, 40000, 206)
        same = connection.get("/files/f1000", ("if-none-match", connection.get("/files/f1000").get("etag")))
        self.assertEqual((same.status, same.body.size), (304, 0))
        connection.close()
        self.sluice.assert_nothing_left()

    def test_the_log_tells_protocol_and_path(self):
        connection = self.connect()
        for path in ("/files/f300000", "/length/300000", "/small"):
            connection.get(path)
        line = self.sluice.log_line("/files/f300000")
        self.assertEqual((line["protocol"], line["end"], line["bytes_out"]), ("HTTP/2", "completed", 300000))
        self.assert_way(line, "sendfile", "file")
        line = self.sluice.log_line("/length/300000")
        self.assert_way(line, "splice", "large")
        if not self.portable:
            self.assertGreater(line["zero_copy"], 200000)
        self.assertIn("made-here", self.sluice.log_line("/small")["why"])
        self.assertEqual(self.sluice.counter("http2_connections"), 1)
        self.assertEqual(self.sluice.counter("http2_streams"), 3)

    def test_fields_are_translated_both_ways(self):
        connection = self.connect()
        told = json.loads(connection.get("/hash", ("x-a", "b"), ("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers")).text)
        fields = {name.lower(): value for name, value in told["fields"]}
        self.assertEqual(told["version"], "HTTP/1.1")
        self.assertEqual(fields["via"], "2.0 sluice")
        self.assertEqual((fields["host"], fields["x-a"], fields["cookie"]), ("test.example", "b", "a=1; b=2"))
        self.assertEqual((fields["te"], fields.get("transfer-encoding"), fields.get("content-length")), ("trailers", None, None))
        stream = connection.get("/interim")
        self.assertEqual((stream.interim, stream.text), ([103], "yes"))
        self.assertEqual([n for n, _ in stream.fields if n in ("connection", "keep-alive", "transfer-encoding")], [])
        self.assertEqual([n for n, _ in stream.fields], [n.lower() for n, _ in stream.fields])

    def test_uploads(self):
        connection = self.connect()
        data = Pattern.at(0, 700000)
        for fields in ((("content-length", str(len(data))),), ()):
            stream = connection.ask("/hash", *fields, method="POST", end=False)
            connection.send(stream, data, end=True)
            told = json.loads(connection.until_over(stream).text)
            self.assertEqual((told["size"], told["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))
        stream = connection.ask("/hash", method="POST", end=False)
        connection.send(stream, b"abc")
        connection.trailers(stream, ("x-sum", "9"), ("host", "evil"))
        told = json.loads(connection.until_over(stream).text)
        self.assertEqual((told["size"], told["trailers"]), (3, [["x-sum", "9"]]))
        stream = connection.ask("/hash", ("content-length", "3"), ("expect", "100-continue"), method="POST", end=False)
        connection.until(lambda: stream.interim)
        connection.send(stream, b"abc", end=True)
        self.assertEqual(json.loads(connection.until_over(stream).text)["size"], 3)
        connection.close()
        self.sluice.assert_nothing_left()

    def test_trailers_come_through(self):
        stream = self.connect().get("/trailing", expected=Pattern.at)
        self.assert_body(stream, 100000)
        self.assertEqual(stream.trailers, [("x-sum", "7"), ("grpc-status", "0")])

    def test_a_cut_is_seen_and_harms_nobody_else(self):
        connection = self.connect()
        slow = connection.ask("/length/300000", expected=Pattern.at)
        stream = connection.get("/cut", expected=Pattern.at)
        self.assertEqual((stream.reset, stream.ended), (INTERNAL_ERROR, False))
        self.assertEqual(self.sluice.log_line("/cut")["end"], "upstream-cut")
        self.assert_body(connection.until_over(slow), 300000)

    def test_a_cancelled_stream_stops_its_upstream_at_once(self):
        connection = self.connect()
        stream = connection.ask("/silent")
        until(lambda: any(r.target == "/silent" for r in self.raw.requests), "the origin is asked")
        connection.cancel(stream)
        self.assertEqual(self.sluice.log_line("/silent")["end"], "client-gone")
        self.assertEqual(connection.get("/small").text, "hello")

    def test_an_answer_before_the_body_ends_the_stream_without_error(self):
        connection = self.connect()
        for path, status in (("/early", 403), ("/small", 200), ("/files/f1000", 200)):
            with self.subTest(path=path):
                stream = connection.ask(path, method="POST" if path == "/early" else "GET", end=False)
                connection.send(stream, b"x" * 1000)
                connection.until(lambda s=stream: s.reset is not None)
                self.assertEqual((stream.status, stream.reset, stream.reset_behind_end), (status, NO_ERROR, True))
        self.assertEqual(connection.get("/small").text, "hello")

    def test_real_clients(self):
        out = run("curl", "-s", "--http2-prior-knowledge", f"http://127.0.0.1:{self.port}/nginx/f300000", "-o", "/dev/null",
                  "-w", "%{http_version} %{http_code} %{size_download}")  # fmt: skip
        self.assertEqual(out, "2 200 300000")
        out = run("nghttp", "-ns", *[f"http://127.0.0.1:{self.port}/files/f{size}" for size in SIZES])
        self.assertEqual(len(re.findall(r" 200 ", out)), len(SIZES), out)
        out = run("h2load", "-n", "2000", "-c", "4", "-m", "32", f"http://127.0.0.1:{self.port}/nginx/f1000",
                  f"http://127.0.0.1:{self.port}/files/f16385", f"http://127.0.0.1:{self.port}/small")  # fmt: skip
        self.assertIn("2000 succeeded, 0 failed, 0 errored, 0 timeout", out)
        self.sluice.assert_nothing_left()

    def test_the_kernel_carries_cleartext_payload(self):
        if self.portable:
            self.skip("a portable build copies everything")
        trace = self.sluice.directory / "trace"
        with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=splice,sendfile,sendmsg", "-o", trace, "-p",
                               str(self.sluice.process.pid)], stderr=subprocess.PIPE) as tracer:  # fmt: skip
            try:
                connection = self.connect()
                until(lambda: connection.get("/small").text and trace.exists() and "sendmsg" in trace.read_text(), "strace")
                self.assert_body(connection.get("/files/f300000", expected=Pattern.at), 300000)
                self.assert_body(connection.get("/length/300000", expected=Pattern.at), 300000)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(10)
        text = trace.read_text()
        carried = {name: sum(int(n) for n in re.findall(rf"{name}\(.*= (\d+)$", text, re.M)) for name in ("sendfile", "splice")}
        self.assertGreater(carried["sendfile"], 250000)
        self.assertGreater(carried["splice"], 2 * 200000)  # in and out


class Streams(Http2Case):
    """Many on one connection, and how they share it."""

    def options(self):
        return {"timeouts": {"body_idle": "2s"}, "http2": {"streams": 50}}

    def test_many_at_once(self):
        connection = self.connect()
        connection.until(lambda: 3 in connection.settings)
        self.assertEqual(connection.settings[3], 50)
        asked = [(size, connection.ask(f"/{kind}/{size}{more}", expected=Pattern.at))
                 for size in SIZES for kind, more in (("length", ""), ("chunked", "/7000"), ("close", ""))]  # fmt: skip
        for size, stream in asked:
            self.assert_body(connection.until_over(stream), size)
        connection.close()
        self.sluice.assert_nothing_left()

    def test_a_stream_nobody_reads_stops_only_its_own_upstream(self):
        connection = self.connect(windows=False)
        slow = connection.ask("/length/10000000")
        connection.until(lambda: slow.body.size == 65535)
        connection.h2.increment_flow_control_window(1 << 20)
        connection.flush()
        quick = connection.get("/length/60000", expected=Pattern.at)
        self.assert_body(quick, 60000)
        self.assertEqual(slow.body.size, 65535)
        connection.until(lambda: slow.reset is not None)  # body_idle
        self.assertEqual(self.sluice.log_line("/length/10000000")["end"], "client-stalled")
        self.assertEqual(connection.get("/small").text, "hello")

    def test_a_client_that_reads_nothing_is_ended_in_time(self):
        connection = self.connect(receive_buffer=4096)
        connection.h2.increment_flow_control_window(1 << 30)
        for _ in range(10):
            stream = connection.ask("/length/10000000")
            connection.h2.increment_flow_control_window(1 << 30, stream.id)
        connection.flush()
        lines = self.sluice.log_lines(lambda line: line["target"] == "/length/10000000", count=10)
        self.assertEqual({line["end"] for line in lines}, {"client-stalled"})

    def test_more_streams_than_allowed_are_refused(self):
        connection = self.connect()
        connection.until(lambda: 3 in connection.settings)
        connection.h2.remote_settings[h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS] = 1000  # it does not care
        connection.h2.remote_settings.acknowledge()
        held = [connection.ask("/hash", method="POST", end=False) for _ in range(50)]
        more = connection.ask("/small")
        connection.until(lambda: more.over or connection.goaway)
        self.assertTrue(more.reset == REFUSED or connection.goaway[0][0] == PROTOCOL_ERROR)
        connection.close()
        until(lambda: self.sluice.counter("clients") == 1, "the connection's end")
        self.assertTrue(held)

    def test_the_urgent_comes_first(self):
        """Both wait for room in a narrow pipe; what is urgent gets all of it."""
        connection = self.connect(receive_buffer=8192)
        connection.h2.increment_flow_control_window(1 << 30)
        late = connection.ask("/files/f300000", ("priority", "u=7"), expected=Pattern.at)
        rest = [connection.ask("/length/8000000", ("priority", "u=6"), expected=Pattern.at)]
        urgent = connection.ask("/length/4000000", ("priority", "u=0"), expected=Pattern.at)
        for stream in (late, urgent, *rest):
            connection.h2.increment_flow_control_window(1 << 30, stream.id)
        connection.flush()
        connection.windows = False
        connection.until(lambda: urgent.over)
        self.assert_body(urgent, 4000000)
        self.assertLess(rest[0].body.size, 6000000)

    def test_memory_is_bounded(self):
        before = self.sluice.rss_anon()
        connections = []
        for _ in range(10):
            connection = self.connect(receive_buffer=4096)
            connections.append(connection)
            for _ in range(40):
                connection.ask("/files/f300000")
        until(lambda: self.sluice.counter("http2_streams") >= 400, "all have begun")
        self.assertLess(self.sluice.rss_anon() - before, 24 << 20)
        for connection in connections:
            connection.reset()
        until(lambda: self.sluice.counter("clients") == 1, "all are gone")
        self.sluice.assert_nothing_left()


class Lives(Http2Case):
    """How connections begin and end."""

    def options(self):
        return {"timeouts": {"keep_alive": "700ms", "head": "1s", "linger": "500ms", "drain": "5s"}}

    def test_the_preface_may_come_byte_by_byte(self):
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            plain.settimeout(10)
            for byte in PREFACE + frame(4):
                plain.sendall(bytes([byte]))
            self.assertEqual(plain.recv(9)[3], 4)

    def test_what_only_begins_like_it_is_http1(self):
        for text in ("PUT /small HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "PRI * HTTP/1.1\r\nHost: a\r\n\r\n"):
            response = raw_http1(self.port, text)
            self.assertTrue(response.startswith("HTTP/1.1 "), response)

    def test_an_idle_connection_is_told_and_closed(self):
        connection = self.connect()
        connection.get("/small")
        connection.until_closed()
        self.assertEqual([code for code, _ in connection.goaway], [NO_ERROR, NO_ERROR])
        self.assertEqual(connection.goaway[-1][1], 1)
        until(lambda: self.sluice.counter("http2_goaways_graceful") == 1, "it is counted")

    def test_drain_lets_streams_end(self):
        connection = self.connect(windows=False)
        stream = connection.ask("/length/300000", expected=Pattern.at)
        connection.until(lambda: stream.body.size > 60000)
        self.sluice.process.send_signal(signal.SIGTERM)
        connection.until(lambda: len(connection.goaway) == 2)
        connection.windows = True
        connection.h2.increment_flow_control_window(1 << 20)
        connection.h2.increment_flow_control_window(1 << 20, stream.id)
        connection.flush()
        self.assert_body(connection.until_over(stream), 300000)
        connection.until_closed()
        self.assertEqual(self.sluice.process.wait(10), 0)

    def test_settings_must_be_answered(self):
        with socket.create_connection(("127.0.0.1", self.port)) as plain:
            plain.settimeout(10)
            plain.sendall(PREFACE + frame(4))
            data = b""
            while more := plain.recv(4096):
                data += more
            self.assertIn(struct.pack(">I", SETTINGS_TIMEOUT), data)

    def test_an_unfinished_head_ends_in_time(self):
        connection = self.connect()
        connection.get("/small")
        connection.raw(frame(1, 0, 3, b"\x82"))
        connection.until_closed()
        until(lambda: self.sluice.counter("http2_goaways_timeout") == 1, "it is counted")


def raw_http1(port, text):
    with Connection(port) as connection:
        connection.send(text)
        return connection.read_until(b"\r\n").decode()


def silent(connection, _request):
    connection.wait_for_end()
    return False


class Floods(Http2Case):
    def routes(self):
        return {"silent": silent}

    def options(self):
        return {"http2": {"resets": 40, "control_frames": 200, "streams": 20}, "limits": {"head": "8KiB"}}

    def assert_sent_away(self, connection, cause):
        connection.until_closed()
        self.assertIn(CALM, [code for code, _ in connection.goaway])
        until(lambda: self.sluice.counter(f"http2_goaways_{cause}") == 1, "it is counted")
        self.assertEqual(self.connect().get("/small").text, "hello")

    def flood(self, connection, data):
        try:
            for _ in range(50):
                connection.raw(data)
        except OSError:
            pass

    def test_rapid_reset(self):
        connection = self.connect()
        try:
            for _ in range(60):
                connection.cancel(connection.ask("/silent"))
        except OSError:
            pass
        self.assert_sent_away(connection, "reset_flood")

    def test_ping_flood(self):
        connection = self.connect()
        self.flood(connection, frame(6, 0, 0, b"12345678") * 20)
        self.assert_sent_away(connection, "control_flood")

    def test_settings_flood(self):
        connection = self.connect()
        self.flood(connection, frame(4) * 20)
        self.assert_sent_away(connection, "control_flood")

    def test_priority_flood(self):
        connection = self.connect()
        self.flood(connection, frame(2, 0, 1, b"\0\0\0\0\x10") * 20)
        self.assert_sent_away(connection, "control_flood")

    def test_empty_data_flood(self):
        connection = self.connect()
        stream = connection.ask("/hash", method="POST", end=False)
        self.flood(connection, frame(0, 0, stream.id) * 20)
        self.assert_sent_away(connection, "control_flood")

    def test_continuation_flood(self):
        connection = self.connect()
        connection.raw(frame(1, 0, 1, b"\x82"))
        self.flood(connection, frame(9, 0, 1, b"\x40\x01a\x01b" * 100) * 5)
        self.assert_sent_away(connection, "header_flood")

    def test_a_hpack_bomb(self):
        """One field of 3000 bytes, then a thousand times its index: 1 KiB that means 3 MB."""
        connection = self.connect()
        connection.get("/small", ("x-bomb", "a" * 3000))
        encoder = connection.h2.encoder
        head = encoder.encode([(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/small")])
        index = 62 + [bytes(name) for name, _ in encoder.header_table.dynamic_entries].index(b"x-bomb")
        connection.raw(frame(1, 5, 3, head + bytes([0x80 | index]) * 1000))
        self.assert_sent_away(connection, "header_flood")

    def test_a_head_too_large_is_answered(self):
        connection = self.connect()
        stream = connection.get("/small", *[(f"x-{n}", "a" * 900) for n in range(12)])
        self.assertEqual(stream.status, 431)
        self.assertEqual(connection.get("/small").text, "hello")

    def test_malformed_requests_reset_their_stream_alone(self):
        connection = self.connect()
        for fields in ((("Upper", "x"),), (("connection", "close"),), (("a", "b\r\nc: d"),), (("te", "gzip"),)):
            stream = connection.get("/small", *fields)
            self.assertEqual((stream.reset, stream.status), (PROTOCOL_ERROR, 0), fields)
        self.assertEqual(connection.get("/small").text, "hello")
        self.assertEqual(self.sluice.counter("http2_malformed"), 4)


class WebSockets(Http2Case):
    def routes(self):
        def echo(connection, request):
            if "key" not in (request.get("Sec-WebSocket-Key") and "key"):
                return False
            connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                            "Sec-WebSocket-Accept: x\r\nSec-WebSocket-Protocol: chat\r\n\r\n")  # fmt: skip
            while data := connection.read_some():
                connection.send(data)
            return False

        def refuse(connection, _request):
            answer(connection, "no", status="403 Forbidden")

        def deaf(connection, _request):
            answer(connection, "what?")

        return {"echo": echo, "refuse": refuse, "deaf": deaf}

    def dial(self, connection, path, protocol="websocket"):
        connection.until(lambda: 8 in connection.settings)
        self.assertEqual(connection.settings[8], 1)
        return connection.ask(path, ("sec-websocket-version", "13"), method="CONNECT", end=False,
                              pseudo=((":protocol", protocol),))  # fmt: skip

    def test_a_websocket_over_extended_connect(self):
        connection = self.connect()
        stream = self.dial(connection, "/echo")
        connection.until(lambda: stream.status)
        self.assertEqual((stream.status, stream.get("sec-websocket-protocol")), (200, "chat"))
        self.assertIsNone(stream.get("sec-websocket-accept"))
        sent = Pattern.at(0, 200000)
        for at in range(0, len(sent), 20000):
            connection.send(stream, sent[at : at + 20000])
            connection.until(lambda size=at + 20000: stream.body.size == size)
        self.assertEqual(bytes(stream.body.kept), sent)
        self.assertEqual(connection.get("/small").text, "hello")
        connection.send(stream, b"", end=True)
        connection.until_over(stream)
        self.assertTrue(stream.ended)
        self.assertEqual(self.sluice.log_line("/echo")["end"], "completed")
        request = next(r for r in self.raw.requests if r.target == "/echo")
        self.assertEqual((request.method, request.get("Upgrade")), ("GET", "websocket"))
        self.assertEqual(len(request.get("Sec-WebSocket-Key")), 24)

    def test_a_server_that_does_not_switch(self):
        connection = self.connect()
        for path, status in (("/refuse", 403), ("/deaf", 502), ("/small", 502)):
            stream = self.dial(connection, path)
            connection.until(lambda s=stream: s.ended)
            self.assertEqual(stream.status, status, path)

    def test_other_protocols_are_unknown(self):
        connection = self.connect()
        stream = self.dial(connection, "/echo", "connect-udp")
        connection.until(lambda: stream.ended)
        self.assertEqual(stream.status, 501)


if __name__ == "__main__":
    unittest.main()
