"""Responses compressed on the way: by whom they can be read, what their heads say, and when they are left alone."""

import gzip
import queue
import shutil
import subprocess
import tempfile
import threading
import unittest
import zlib
from pathlib import Path

from client import Body, chunked
from harness import Case, Connection, Pattern, get, run, until
from sluice import sanitized

CODINGS = ("gzip", "br", "zstd")


def text(size):
    """Lines that compress, and differ."""
    count = size // 40 + 1
    lines = (f"{n}: the quick brown fox jumps over {n * 7919 % 10007} lazy dogs\n" for n in range(count))
    return "".join(lines)[:size].encode()


def decode(coding, data):
    """By somebody else's decoder, which has to see the end, and nothing behind it."""
    if coding == "gzip":
        return gzip.decompress(data)
    tool = {"br": ["brotli", "-d", "-c"], "zstd": ["zstd", "-d", "-c", "-q", "--memory=8MB"]}[coding]
    done = subprocess.run(tool, input=data, capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{coding}: {done.stderr.decode()}")
    return done.stdout


def by_parts(connection, framing, body, *fields):
    """A whole response with this body."""
    head = "HTTP/1.1 200 OK\r\n" + "".join(f + "\r\n" for f in fields)
    if framing == "length":
        connection.send(f"{head}Content-Length: {len(body)}\r\n\r\n", body)
    elif framing == "chunked":
        connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n", chunked(body, 5000))
    else:
        connection.send(f"{head}Connection: close\r\n\r\n", body)
    return framing != "close"


class Compressing(Case):
    def compressing(self, routes=None, script=None, compress=True, **more):
        origin = self.origin(routes, script)
        self.sluice = self.proxy([origin.port], route={"compress": compress}, **more)
        return origin

    def wait_for_compressors(self, count):
        until(lambda: self.sluice.status()["compressors_in_use"] == count, f"{count} compressors in use")

    def assert_coded(self, response, coding, body):
        self.assertEqual((response.status, response.cut), (200, False))
        self.assertEqual(response.get("Content-Encoding"), coding)
        self.assertEqual(response.get("Transfer-Encoding"), "chunked")
        self.assertIn("Accept-Encoding", response.get("Vary"))
        self.assertTrue(decode(coding, bytes(response.body.kept)) == body, "other bytes came out")

    def assert_plain(self, response, body):
        self.assertIsNone(response.get("Content-Encoding"))
        self.assertTrue(bytes(response.body.kept) == body, "other bytes came out")


class Bodies(Compressing):
    def test_every_coding_and_framing(self):
        bodies = {size: text(size) for size in (1024, 60_000, 3_000_000)}
        self.compressing(
            {
                framing: lambda connection, request, framing=framing: by_parts(
                    connection, framing, bodies[int(request.target.split("/")[2])], "Content-Type: text/plain"
                )
                for framing in ("length", "chunked", "close")
            }
        )
        before = self.sluice.status()
        expected = {}
        with Connection(self.port) as connection:
            for coding in CODINGS:
                for framing in ("length", "chunked", "close"):
                    for size, body in bodies.items():
                        with self.subTest(coding=coding, framing=framing, size=size):
                            target = f"/{framing}/{size}/{coding}"
                            response = connection.get(target, f"Accept-Encoding: {coding}")
                            self.assert_coded(response, coding, body)
                            self.assertLess(response.body.size, size / 2)
                            self.assertEqual(response.get("Server-Timing"), 'sluice;desc="buffered: transformed"')
                            expected[target] = ("buffered", "transformed", coding, size, response.body.size)
        entries = self.sluice.log_lines(lambda e: e["target"] in expected, count=len(expected))
        told = ("path", "why", "coding", "uncompressed", "bytes_out")
        self.assertEqual({e["target"]: tuple(e[name] for name in told) for e in entries}, expected)
        after = self.sluice.status()
        for coding in CODINGS:
            self.assertEqual(after[f"bodies_by_coding_{coding}"] - before[f"bodies_by_coding_{coding}"], 9)
            came = after[f"bytes_before_coding_{coding}"] - before[f"bytes_before_coding_{coding}"]
            self.assertEqual(came, 3 * sum(bodies))
            self.assertGreater(came, 2 * after[f"bytes_after_coding_{coding}"])
        self.sluice.assert_nothing_left()

    def test_a_small_response_is_one_chunk(self):
        self.compressing({"x": lambda c, r: by_parts(c, "length", text(9000), "Content-Type: text/plain")})
        for coding in CODINGS:
            response = get(self.port, "/x", f"Accept-Encoding: {coding}")
            self.assert_coded(response, coding, text(9000))
            self.assertEqual(response.chunks, 1)

    def test_what_does_not_compress_is_right_all_the_same(self):
        noise = Pattern.at(0, 700_000)
        self.compressing({"x": lambda c, r: by_parts(c, "chunked", noise, "Content-Type: text/plain")})
        for coding in CODINGS:
            response = get(self.port, "/x", f"Accept-Encoding: {coding}")
            self.assert_coded(response, coding, noise)
            self.assertLess(response.body.size, 701_000)

    def test_empty_bodies_and_trailers(self):
        def trailers(connection, _):
            connection.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n",
                "5\r\nhello\r\n0\r\nX: y\r\nDigest: of-hello\r\n\r\n",
            )

        self.compressing(
            {"trailers": trailers, "empty": lambda c, r: by_parts(c, "chunked", b"", "Content-Type: text/plain")}
        )
        for coding in CODINGS:
            self.assert_coded(get(self.port, "/empty", f"Accept-Encoding: {coding}"), coding, b"")
        response = get(self.port, "/trailers", "Accept-Encoding: gzip")
        self.assert_coded(response, "gzip", b"hello")
        self.assertEqual(response.trailers, [("X", "y")])

    def test_curl_reads_it(self):
        body = text(500_000)
        self.compressing({"x": lambda c, r: by_parts(c, "length", body, "Content-Type: text/html")})
        with tempfile.TemporaryDirectory() as directory:
            out = Path(directory) / "out"
            told = run(
                "curl", "-sS", "--compressed", "-o", str(out), "-w", "%{size_download} %header{content-encoding}",
                f"http://127.0.0.1:{self.port}/x",
            )  # fmt: skip
            self.assertTrue(out.read_bytes() == body)
        size, coding = told.split()
        self.assertIn(coding, CODINGS)
        self.assertLess(int(size), len(body) / 4)

    def test_over_http2(self):
        """No chunks there; the stream frames what is coded."""
        body = text(500_000)
        self.compressing({"x": lambda c, r: by_parts(c, "chunked", body, "Content-Type: text/html")})
        for coding in CODINGS:
            with tempfile.TemporaryDirectory() as directory:
                out = Path(directory) / "out"
                told = run(
                    "curl", "-sS", "--http2-prior-knowledge", "--compressed", "-H", f"Accept-Encoding: {coding}",
                    "-o", str(out), "-w", "%{http_version} %{size_download} %header{content-encoding}",
                    f"http://127.0.0.1:{self.port}/x",
                )  # fmt: skip
                self.assertTrue(out.read_bytes() == body)
            version, size, coded = told.split()
            self.assertEqual((version, coded), ("2", coding))
            self.assertLess(int(size), len(body) / 4)
        self.sluice.assert_nothing_left()


class Left(Compressing):
    """What is left as it is."""

    def test_responses_that_are_not_to_be_touched(self):
        body = text(5000)
        plain = "Content-Type: text/plain"
        # (fields of the response, fields of the request, whether others might have got another body)
        cases = {
            "image": (["Content-Type: image/png"], [], False),
            "untyped": ([], [], False),
            "coded": ([plain, "Content-Encoding: br"], [], False),
            "no-transform": ([plain, "Cache-Control: max-age=9, no-transform"], [], False),
            "unasked": ([plain], ["Accept-Encoding: identity"], True),
            "refused": ([plain], ["Accept-Encoding: gzip;q=0"], True),
            "malformed": ([plain], ["Accept-Encoding: gzip;q=high"], True),
            "range": ([plain], ["Range: bytes=0-1"], True),
            "asked-not-to": ([plain], ["Cache-Control: no-transform"], True),
        }

        def handler(connection, request):
            by_parts(connection, "length", body, 'ETag: "a"', "Accept-Ranges: bytes", *cases[request.target[1:]][0])

        self.compressing({name: handler for name in cases})
        for name, (_, fields, varies) in cases.items():
            with self.subTest(name):
                if not any(f.startswith("Accept-Encoding") for f in fields):
                    fields = [*fields, "Accept-Encoding: gzip"]
                response = get(self.port, f"/{name}", *fields)
                self.assertEqual(response.get("Content-Length"), str(len(body)))
                self.assertTrue(bytes(response.body.kept) == body)
                self.assertEqual(response.get("Content-Encoding"), "br" if name == "coded" else None)
                self.assertEqual(response.get("ETag"), '"a"')
                self.assertEqual(response.get("Accept-Ranges"), "bytes")
                self.assertEqual(response.get("Vary"), "Accept-Encoding" if varies else None)
        entries = self.sluice.log_lines(lambda e: e["target"][1:] in cases, count=len(cases))
        self.assertEqual([e for e in entries if "coding" in e], [])

    def test_small_ones(self):
        self.compressing({"x": lambda c, r: by_parts(c, "length", text(1023), "Content-Type: text/plain")})
        self.assert_plain(get(self.port, "/x", "Accept-Encoding: gzip"), text(1023))

    def test_http10_clients(self):
        self.compressing({"x": lambda c, r: by_parts(c, "chunked", text(5000), "Content-Type: text/plain")})
        with Connection(self.port) as connection:
            connection.send("GET /x HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
            self.assert_plain(connection.read_response(), text(5000))

    def test_the_configuration_says_what_and_how(self):
        self.compressing(
            {"x": lambda c, r: by_parts(c, "length", text(100), "Content-Type: application/x-own")},
            compress={"codings": ["gzip", "br"], "min_length": 100, "types": ["application/x-own"], "level": 9},
        )
        response = get(self.port, "/x", "Accept-Encoding: br, gzip, zstd")
        self.assert_coded(response, "gzip", text(100))


class Heads(Compressing):
    def test_head_says_what_get_says(self):
        def handler(connection, request):
            fields = f'Content-Type: text/plain\r\nETag: "a"\r\nContent-Length: 5000\r\nDate: {"x" * 29}\r\n'
            connection.send(f"HTTP/1.1 200 OK\r\n{fields}\r\n", b"" if request.method == "HEAD" else text(5000))

        self.compressing({"x": handler})
        with Connection(self.port) as connection:
            got = connection.get("/x", "Accept-Encoding: br")
            self.assert_coded(got, "br", text(5000))
            head = connection.get("/x", "Accept-Encoding: br", method="HEAD")
            told = ("Transfer-Encoding", "Server-Timing")  # of the body that is there, or not
            self.assertEqual(
                [f for f in head.fields if f[0] not in told], [f for f in got.fields if f[0] not in told]
            )
            self.assertIsNone(head.get("Content-Length"))
            self.assertEqual(head.get("ETag"), 'W/"a"')

    def test_a_cached_body_is_found_again(self):
        """ETag and 304: the tag that a client was given comes back in the form it was given."""

        def handler(connection, request):
            known = (request.get("If-None-Match") or "").replace("W/", "")
            if '"v1"' in known:
                fields = 'ETag: "v1"\r\nVary: Cookie\r\nContent-Length: 5000\r\n'
                return connection.send(f"HTTP/1.1 304 Not Modified\r\n{fields}\r\n")
            return by_parts(connection, "length", text(5000), "Content-Type: text/css", 'ETag: "v1"', "Vary: Cookie")

        self.compressing({"x": handler})
        with Connection(self.port) as connection:
            for fields, tag in ((["Accept-Encoding: gzip"], 'W/"v1"'), ([], '"v1"')):
                first = connection.get("/x", *fields)
                self.assertEqual((first.status, first.get("ETag")), (200, tag))
                again = connection.get("/x", f"If-None-Match: {tag}", *fields)
                self.assertEqual((again.status, again.get("ETag")), (304, tag))
                self.assertEqual(again.get("Content-Length"), first.get("Content-Length"))
                for response in (first, again):
                    self.assertEqual(response.get("Vary"), "Cookie, Accept-Encoding")


class Files(Compressing):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="sluice-compress-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.body = text(400_000)
        (self.root / "a.html").write_bytes(self.body)
        (self.root / "a.png").write_bytes(self.body)
        (self.root / "small.css").write_bytes(text(50))
        (self.root / "noise.txt").write_bytes(Pattern.at(0, 6_000_000))
        answers = {"status": 200, "body": text(3000).decode(), "content_type": "text/plain"}
        self.sluice = self.proxy(
            [self.origin().port],
            routes=[
                {"path": "/fixed", "respond": answers, "compress": True},
                {"path": "/files", "files": {"root": str(self.root)}, "strip_prefix": True, "compress": True},
            ],
        )

    def test_files(self):
        for coding in CODINGS:
            with Connection(self.port) as connection:
                response = connection.get("/files/a.html", f"Accept-Encoding: {coding}")
                self.assert_coded(response, coding, self.body)
                self.assertTrue(response.get("ETag").startswith('W/"'))
                self.assertIsNone(response.get("Accept-Ranges"))
                head = connection.get("/files/a.html", f"Accept-Encoding: {coding}", method="HEAD")
                self.assertEqual(head.get("ETag"), response.get("ETag"))
                self.assertEqual((head.get("Content-Encoding"), head.get("Content-Length")), (coding, None))
                entry = self.sluice.log_line("/files/a.html")
                self.assertEqual(entry["coding"] if entry["method"] == "GET" else coding, coding)
                for name in ("a.png", "small.css"):
                    plain = connection.get(f"/files/{name}", f"Accept-Encoding: {coding}")
                    self.assert_plain(plain, (self.root / name).read_bytes())
        entries = self.sluice.log_lines(lambda e: e.get("target") == "/files/a.html" and e["method"] == "GET", count=3)
        for entry in entries:
            self.assertEqual((entry["path"], entry["why"]), ("buffered", "transformed"))
            self.assertEqual(entry["uncompressed"], len(self.body))
        self.sluice.assert_nothing_left()

    def test_conditions_and_ranges(self):
        with Connection(self.port) as connection:
            coded = connection.get("/files/a.html", "Accept-Encoding: gzip")
            weak, strong = coded.get("ETag"), coded.get("ETag")[2:]
            for asked, tag in ((weak, weak), (strong, strong)):
                again = connection.get("/files/a.html", "Accept-Encoding: gzip", f"If-None-Match: {asked}")
                self.assertEqual((again.status, again.get("ETag")), (304, tag))
                self.assertEqual(again.get("Vary"), "Accept-Encoding")
            part = connection.get("/files/a.html", "Accept-Encoding: gzip", "Range: bytes=10-19")
            self.assertEqual((part.status, part.get("ETag"), part.text.encode()), (206, strong, self.body[10:20]))
            # A weak tag names no bytes: the whole, and as it is, for a part was asked for.
            whole = connection.get("/files/a.html", "Accept-Encoding: gzip", "Range: bytes=10-19", f"If-Range: {weak}")
            self.assertEqual(whole.status, 200)
            self.assert_plain(whole, self.body)

    def test_answers_of_our_own(self):
        response = get(self.port, "/fixed", "Accept-Encoding: zstd")
        self.assert_coded(response, "zstd", text(3000))
        missing = get(self.port, "/files/none", "Accept-Encoding: gzip")
        self.assertEqual((missing.status, missing.get("Content-Encoding")), (404, None))

    def test_slow_readers_hold_little(self):
        before = self.sluice.rss_anon()
        readers = []
        self.addCleanup(lambda: [r.close() for r in readers])
        for _ in range(20):
            reader = Connection(self.port, receive_buffer=16384, mss=1400)
            readers.append(reader)
            reader.send("GET /files/noise.txt HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
            reader.head = reader.read_head()
            self.assertEqual(reader.head.get("Content-Encoding"), "gzip")
        self.wait_for_compressors(len(readers))
        if not sanitized():
            grown = (self.sluice.rss_anon() - before) / len(readers)
            self.assertLess(grown, 500_000)  # 262 KiB of zlib's, a block of 64 KiB
        body = Body()
        body.KEEP = 7_000_000
        self.assert_coded(readers[0].read_body(readers[0].head, body), "gzip", Pattern.at(0, 6_000_000))
        for reader in readers:
            reader.close()
        self.sluice.assert_nothing_left()


class Streams(Compressing):
    def test_events_are_not_held_back(self):
        """The origin sends the next event when the client has decoded the one before."""
        seen = queue.Queue()

        def events(connection, _):
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for n in range(30):
                event = f"data: {n}\n\n"
                connection.send(f"{len(event):x}\r\n{event}\r\n")
                if seen.get(timeout=20) != n:
                    raise AssertionError("the client saw another event")
            connection.send("0\r\n\r\n")

        self.compressing({"events": events})
        with Connection(self.port) as connection:
            connection.send("GET /events HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
            self.assertEqual(connection.read_head().get("Content-Encoding"), "gzip")
            decoder = zlib.decompressobj(31)
            got, n = b"", 0
            while size := int(connection.read_until(b"\r\n"), 16):
                while size:
                    piece = connection.read_some(size)
                    size -= len(piece)
                    got += decoder.decompress(piece)
                connection.read_until(b"\r\n")
                if got == b"".join(b"data: %d\n\n" % i for i in range(n + 1)):
                    seen.put(n)
                    n += 1
            self.assertEqual(n, 30)
            self.assertTrue(decoder.eof)
        self.sluice.assert_nothing_left()

    def test_the_head_does_not_wait_for_the_body(self):
        go = queue.Queue()

        def late(connection, _):
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5000\r\n\r\n")
            go.get(timeout=20)
            connection.send(text(5000))

        self.compressing({"late": late})
        for coding in CODINGS:
            with Connection(self.port) as connection:
                connection.send(f"GET /late HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {coding}\r\n\r\n")
                head = connection.read_head()
                go.put(True)
                self.assert_coded(connection.read_body(head, Body()), coding, text(5000))

    def test_there_are_only_so_many_at_a_time(self):
        """Whoever comes when all compressors are taken gets the body as it is."""
        go = threading.Event()

        def waiting(connection, _):
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send("5\r\nhello\r\n")
            go.wait(20)
            connection.send("0\r\n\r\n")

        self.compressing({"x": waiting})
        clients = []
        self.addCleanup(lambda: [c.close() for c in clients])
        self.addCleanup(go.set)
        for _ in range(260):
            client = Connection(self.port)
            clients.append(client)
            client.send("GET /x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
            client.head = client.read_head()
            self.assertEqual(client.head.get("Vary"), "Accept-Encoding")
        self.wait_for_compressors(256)
        self.assertEqual(self.sluice.status()["compressors_refused"], 4)
        go.set()
        for n, client in enumerate(clients):
            response = client.read_body(client.head, Body())
            if n < 256:
                self.assert_coded(response, "gzip", b"hello")
            else:
                self.assert_plain(response, b"hello")
            client.close()
        self.sluice.assert_nothing_left()
        self.wait_for_compressors(0)

    def test_a_cut_stays_a_cut(self):
        body = text(2_000_000)

        def cut(connection, request):
            framing = request.target.split("/")[2]
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            if framing == "length":
                connection.send(f"{head}Content-Length: {len(body) + 1}\r\n\r\n", body)
            elif framing == "chunked":
                connection.send(f"{head}Transfer-Encoding: chunked\r\n\r\n", chunked(body, 5000)[:-5])
            else:
                connection.send(f"{head}Connection: close\r\n\r\n", body)
                connection.reset()
            return False

        self.compressing({"cut": cut})
        for coding in CODINGS:
            for framing in ("length", "chunked", "reset"):
                with self.subTest(coding=coding, framing=framing):
                    target = f"/cut/{framing}/{coding}"
                    response = get(self.port, target, f"Accept-Encoding: {coding}")
                    if response.status == 502:  # a reset may overtake all of the body
                        self.assertEqual(framing, "reset")
                    else:
                        self.assertTrue(response.cut, f"{response.body.size} bytes looked whole")
        entries = self.sluice.log_lines(lambda e: e["target"].startswith("/cut/"), count=9)
        self.assertEqual({e["end"] for e in entries}, {"upstream-cut"})
        self.sluice.assert_nothing_left()

    def test_a_slow_reader_stops_the_origin(self):
        """And gets every byte, whatever little it reads at a time."""
        noise = Pattern.at(0, 3_000_000)

        def flood(connection, _):
            connection.send("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n")
            for at in range(0, len(noise), 50_000):
                connection.send(noise[at : at + 50_000])
            return False

        origin = self.compressing({"flood": flood})
        with Connection(self.port, receive_buffer=4096, mss=1400, most=3000) as connection:
            connection.send("GET /flood HTTP/1.1\r\nHost: h\r\nAccept-Encoding: zstd\r\n\r\n")
            head = connection.read_head()
            body = Body()
            body.KEEP = len(noise) * 2
            response = connection.read_body(head, body)
            self.assertFalse(response.cut)
            self.assertTrue(decode("zstd", bytes(response.body.kept)) == noise)
        self.assertEqual(origin.failures, [])
        self.sluice.assert_nothing_left()

    def test_a_client_that_leaves_costs_nothing(self):
        noise = Pattern.at(0, 5_000_000)
        self.compressing({"x": lambda c, r: by_parts(c, "chunked", noise, "Content-Type: text/plain")})
        for coding in CODINGS:
            connection = Connection(self.port, receive_buffer=4096)
            connection.send(f"GET /x HTTP/1.1\r\nHost: h\r\nAccept-Encoding: {coding}\r\n\r\n")
            connection.read_head()
            connection.reset()
        self.sluice.assert_nothing_left()
        self.wait_for_compressors(0)


if __name__ == "__main__":
    unittest.main()
