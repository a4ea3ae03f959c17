"""Files that are followed while they grow: curl, HTTP/1.0, 1.1 and 2; rotation, truncation, drain, slow and many readers."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from certificates import Authority
from harness import Case, Connection, Pattern, free_port, get, until
from http2_client import Http2
from sluice import sanitized
from waiting import LONGEST_WAIT

KIB, MIB = 1024, 1024 * 1024


class Growing:
    """A file of the pattern that grows by appending."""

    def __init__(self, path, size=0):
        self.path = path
        self.file = open(path, "wb", buffering=0)
        self.size = 0
        self.grow(size)

    def grow(self, size):
        while size > 0:
            written = self.file.write(Pattern.at(self.size, min(size, MIB)))
            self.size += written
            size -= written


class Reader:
    """A follower over HTTP/1.x: reads until it has what it waits for, and compares."""

    def __init__(self, port, target, version="1.1", begin=0, **options):
        self.connection = Connection(port, **options)
        self.begin, self.size, self.chunks = begin, 0, 0
        self.connection.send(f"GET {target} HTTP/{version}\r\nHost: test.example\r\n\r\n")
        self.head = self.connection.read_head()
        self.chunked = self.head.get("Transfer-Encoding") == "chunked"
        self._left = 0  # of the chunk

    def read(self, size):
        """Reads on until `size` bytes have come in all."""
        while self.size < size:
            if self.chunked and self._left == 0 and not self._next_chunk():
                raise AssertionError(f"the response ended at {self.size}")
            data = self.connection.read_some(self._left if self.chunked else size - self.size)
            if not data:
                raise AssertionError(f"the connection ended at {self.size}")
            wanted = Pattern.at(self.begin + self.size, len(data))
            if data != wanted:
                raise AssertionError(f"wrong bytes from {self.size}")
            self.size += len(data)
            if self.chunked:
                self._left -= len(data)
                if self._left == 0 and self.connection.read_until(b"\r\n") != b"\r\n":
                    raise AssertionError("a chunk does not end where its size says")

    def _next_chunk(self):
        self._left = int(self.connection.read_until(b"\r\n"), 16)
        self.chunks += 1
        return self._left != 0

    def ends(self):
        """The last chunk comes next, and nothing else."""
        return self.connection.read_until(b"\r\n\r\n") == b"0\r\n\r\n"


class Follow(Case):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-follow-"))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.root = self.directory / "www"
        self.root.mkdir()
        self.log = self.root / "app.log"

    def follow(self, relay=None, **more):
        self.port = free_port()
        files = {"root": str(self.root), "follow": True, "revalidate": "1h"}
        route = {"path": "/", "files": files, "relay": relay or {}, "compress": True}
        config = {
            "workers": 1,
            "listeners": [{"listen": f"127.0.0.1:{self.port}"}, *more.pop("more_listeners", [])],
            "routes": [{"path": "/status", "status": True}, route],
            **more,
        }
        return self.start(config)

    def growing(self, size=0):
        growing = Growing(self.log, size)
        self.addCleanup(growing.file.close)
        return growing

    def reader(self, target="/app.log?follow", **options):
        reader = Reader(self.port, target, **options)
        self.addCleanup(reader.connection.close)
        return reader

    def curl(self, version, output):
        curl = subprocess.Popen(["curl", "-sN", version, "-o", output, f"http://127.0.0.1:{self.port}/app.log?follow"])
        self.addCleanup(curl.wait)
        self.addCleanup(curl.kill)
        return curl

    def followers(self, sluice, count):
        until(lambda: sluice.counter("followers") == count, lambda: f"{sluice.counter('followers')} followers")

    # --- what is asked ---------------------------------------------------------------------------------------

    def test_the_query_decides(self):
        sluice = self.follow()
        self.growing(1000)
        for target in ("/app.log", "/app.log?follow=0", "/app.log?follow=no", "/app.log?x=follow"):
            with self.subTest(target=target):
                self.assert_whole(get(self.port, target, expected=Pattern.at), 1000)
        for target in ("/app.log?follow", "/app.log?follow=1", "/app.log?a=b&follow", "/app.log?follow&follow"):
            with self.subTest(target=target):
                with Connection(self.port) as connection:
                    connection.send(f"GET {target} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nIf-None-Match: *\r\n"
                                    "Accept-Encoding: gzip\r\n\r\n")  # fmt: skip
                    head = connection.read_head()
                    self.assertEqual((head.status, head.get("Content-Length")), (200, None))
                    self.assertEqual(head.get("Transfer-Encoding"), "chunked")
                    for absent in ("Content-Encoding", "ETag", "Last-Modified", "Content-Range"):
                        self.assertIsNone(head.get(absent))
        head = get(self.port, "/app.log?follow", method="HEAD")
        self.assertEqual((head.status, head.get("Content-Length")), (200, None))
        cases = [
            ("/nothing?follow", 404),
            ("/app.log?follow&tail=x", 400),
            ("/app.log?follow&offset=-1", 400),
            ("/app.log?follow&offset=1&tail=1", 400),
            ("/app.log?follow&offset=1001", 416),
        ]
        with Connection(self.port) as connection:
            for target, status in cases:
                with self.subTest(target=target):
                    response = connection.get(target)
                    self.assertEqual((response.status, response.cut), (status, False))
                    if status == 400:
                        self.assertRegex(response.text, "(?m)^(tail|offset) ")
            connection.send("POST /app.log?follow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            self.assertEqual(connection.read_response().status, 405)
        self.followers(sluice, 0)
        sluice.assert_nothing_left()

    def test_where_it_begins(self):
        self.follow()
        lines = b"".join(b"line %d\n" % n for n in range(1000))
        self.log.write_bytes(lines)
        cases = [
            ("offset=0", 0),
            (f"offset={len(lines)}", len(lines)),
            ("offset=3", 3),
            ("tail=0", len(lines)),
            ("tail=9", len(lines) - 9),  # "line 999\n"
            ("tail=10", len(lines) - 9),
            ("tail=17", len(lines) - 9),
            ("tail=18", len(lines) - 18),
            ("tail=1000000", 0),
        ]
        for query, begin in cases:
            with self.subTest(query=query), Connection(self.port) as connection:
                connection.send(f"GET /app.log?follow&{query} HTTP/1.0\r\n\r\n")
                connection.read_head()
                time_to_add = lines[begin:]
                got = b""
                while len(got) < len(time_to_add):
                    got += connection.read_some()
                with open(self.log, "ab") as log:
                    log.write(b"more\n")
                while len(got) < len(time_to_add) + 5:
                    got += connection.read_some()
                self.assertEqual(got, time_to_add + b"more\n")
                os.truncate(self.log, len(lines))  # cuts the follower
        self.log.write_bytes(b"x" * 200_000)  # one line without an end: begun in its middle
        with Connection(self.port) as connection:
            connection.send("GET /app.log?follow&tail=150000 HTTP/1.0\r\n\r\n")
            connection.read_head()
            size = 0
            while size < 150_000:
                size += len(connection.read_some())
            self.assertEqual(size, 150_000)

    # --- growth ----------------------------------------------------------------------------------------------

    def test_growth_arrives_at_once_and_byte_exact(self):
        for path in ("auto", "buffered", "sendfile", "mmap"):
            with self.subTest(path=path):
                sluice = self.follow(relay={"path": path})
                growing = self.growing(10)
                readers = [self.reader(), self.reader(version="1.0"), self.reader("/app.log?follow&offset=7", begin=7)]
                self.assertEqual([r.chunked for r in readers], [True, False, True])
                slowest = 0
                for size in (1, 10, 100, 8 * KIB, 1, 100_000, 3 * MIB, 5, 5, 5):
                    growing.grow(size)
                    began = time.monotonic()
                    for reader in readers:
                        reader.read(growing.size - reader.begin)
                    slowest = max(slowest, time.monotonic() - began)
                print(f"{path}: growth was there after {slowest * 1000:.1f} ms at the latest")
                self.followers(sluice, 3)
                for reader in readers:
                    reader.connection.close()
                lines = sluice.log_lines(lambda line: line["target"].startswith("/app.log"), count=3)
                self.assertEqual({line["end"] for line in lines}, {"client-gone"})
                self.assertEqual(sorted(line["bytes_out"] for line in lines), [growing.size - 7, growing.size, growing.size])
                if path == "mmap":
                    for line in lines:
                        self.assert_way(line, "mmap", "forced")
                        self.assertEqual(line["zero_copy"], 0)
                elif path != "buffered":
                    for line in lines:
                        self.assert_way(line, "sendfile", "file", "forced")
                        self.assertEqual(line["zero_copy"] >= 3 * MIB, not self.portable)
                self.followers(sluice, 0)
                sluice.assert_nothing_left()

    def test_curl_and_http2(self):
        sluice = self.follow()
        growing = self.growing(100_000)
        outputs = []
        for version in ("--http1.0", "--http1.1", "--http2-prior-knowledge"):
            output = self.directory / f"curl{version}"
            outputs.append((self.curl(version, output), output))
        with Http2(self.port) as connection:
            streams = [connection.ask("/app.log?follow", expected=Pattern.at) for _ in range(3)]
            for size in (0, 1, 100, 2 * MIB, 10):
                growing.grow(size)
                connection.until(lambda: all(s.body.size == growing.size for s in streams))
                for stream in streams:
                    self.assertEqual((stream.status, stream.body.wrong_at, stream.over), (200, None, False))
                for _, output in outputs:
                    until(lambda o=output: o.exists() and o.stat().st_size == growing.size, "curl has it")
            self.followers(sluice, 6)
            connection.cancel(streams[0])
            self.followers(sluice, 5)
            growing.grow(5)
            connection.until(lambda: all(s.body.size == growing.size for s in streams[1:]))
        self.followers(sluice, 3)
        for curl, output in outputs:
            until(lambda o=output: o.stat().st_size == growing.size, "curl has it")
            self.assertEqual(output.read_bytes(), self.log.read_bytes())
            curl.kill()
        self.followers(sluice, 0)
        sluice.assert_nothing_left()

    def test_over_tls(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        https, leaf = free_port(), authority.certificate("test.example")
        pair = {"certificate": leaf.file, "key": leaf.key}
        sluice = self.follow(more_listeners=[{"listen": f"127.0.0.1:{https}", "tls": {"certificates": [pair]}}])
        growing = self.growing(100)
        reader = Reader(https, "/app.log?follow", tls=authority.client())
        with Http2(https, tls=authority.client(["h2"])) as connection:
            stream = connection.ask("/app.log?follow", expected=Pattern.at)
            for size in (0, 1, 20_000, MIB, 7):
                growing.grow(size)
                reader.read(growing.size)
                self.assertTrue(connection.until(lambda: stream.body.size == growing.size))
            self.assertIsNone(stream.body.wrong_at)
            self.followers(sluice, 2)
            reader.connection.close()
            self.followers(sluice, 1)
        self.followers(sluice, 0)
        last = Reader(https, "/app.log?follow", tls=authority.client())
        last.read(growing.size)
        os.truncate(self.log, 1)
        self.assertEqual(last.connection.read_some(), b"")  # without a last chunk
        self.assertEqual(sluice.log_lines(lambda line: line["target"] == "/app.log?follow", count=3)[-1]["end"], "file-cut")
        last.connection.close()
        sluice.assert_nothing_left()

    def test_a_quiet_file_is_waited_for(self):
        sluice = self.follow(timeouts={"body_idle": "300ms", "keep_alive": "300ms"})
        growing = self.growing(10)
        readers = [self.reader(), self.reader("/app.log?follow&tail=0", begin=10)]
        with Http2(self.port) as connection:
            stream = connection.ask("/app.log?follow", expected=Pattern.at)
            connection.until(lambda: stream.body.size == 10)
            time.sleep(1)  # three times what any other body may be silent for
            growing.grow(100)
            for reader in readers:
                reader.read(110 - reader.begin)
            self.assertTrue(connection.until(lambda: stream.body.size == 110))
            self.assertIsNone(stream.body.wrong_at)
        # Who takes nothing of what there is has no such rule.
        slow = self.reader("/app.log?follow&offset=110", begin=110, receive_buffer=4 * KIB)
        growing.grow(16 * MIB)
        line = sluice.log_line("/app.log?follow&offset=110")
        self.assertEqual(line["end"], "client-stalled")
        self.assertLess(line["bytes_out"], 16 * MIB)
        slow.connection.close()

    # --- ends ------------------------------------------------------------------------------------------------

    def test_rotation_ends_the_response_when_all_was_sent(self):
        def rename():
            self.log.rename(self.root / "app.log.1")

        def replace():
            (self.root / "new").write_bytes(b"another")
            (self.root / "new").rename(self.log)

        for how in (rename, self.log.unlink, replace):
            with self.subTest(how=how.__name__):
                sluice = self.follow()
                growing = self.growing(100_000)
                readers = [self.reader(), self.reader(version="1.0")]
                with Http2(self.port) as connection:
                    stream = connection.ask("/app.log?follow", expected=Pattern.at)
                    for reader in readers:
                        reader.read(growing.size)
                    connection.until(lambda: stream.body.size == growing.size)
                    growing.grow(50)
                    how()
                    growing.grow(1000)  # by a writer that has not heard of it yet
                    for reader in readers:
                        reader.read(growing.size)
                    self.assertTrue(readers[0].ends())
                    self.assertTrue(readers[1].connection.at_end())
                    connection.until_over(stream)
                    self.assertEqual((stream.ended, stream.body.size, stream.body.wrong_at), (True, growing.size, None))
                again = readers[0].connection.get("/nothing")
                self.assertEqual(again.status, 404, "the connection goes on")
                if how == replace:  # whoever asks again gets the file that has the name now
                    again = self.reader("/app.log?follow&offset=0", version="1.0")
                    self.assertEqual(again.connection.read_some(), b"another")
                    again.connection.close()
                lines = sluice.log_lines(lambda line: line["target"] == "/app.log?follow", count=3)
                self.assertEqual({line["end"] for line in lines}, {"completed"})
                self.followers(sluice, 0)
                for reader in readers:
                    reader.connection.close()
                sluice.assert_nothing_left()

    def test_truncation_is_a_cut(self):
        sluice = self.follow()
        self.growing(100_000)
        readers = [self.reader(), self.reader(version="1.0")]
        with Http2(self.port) as connection:
            stream = connection.ask("/app.log?follow", expected=Pattern.at)
            for reader in readers:
                reader.read(100_000)
            connection.until(lambda: stream.body.size == 100_000)
            os.truncate(self.log, 10)
            self.assertTrue(readers[0].connection.at_end())  # without a last chunk
            with self.assertRaises(ConnectionResetError):  # only a reset can show it
                readers[1].connection.read_some()
            connection.until_over(stream)
            self.assertIsNotNone(stream.reset)
        lines = sluice.log_lines(lambda line: line["target"] == "/app.log?follow", count=3)
        self.assertEqual({line["end"] for line in lines}, {"file-cut"})
        sluice.assert_nothing_left()

    def test_truncation_while_it_is_sent_is_a_cut(self):
        sluice = self.follow()
        self.growing(64 * MIB)
        reader = self.reader(receive_buffer=8 * KIB)
        os.truncate(self.log, 100)
        size = 0
        try:
            while data := reader.connection.read_some():
                size += len(data)
        except ConnectionResetError:
            pass
        self.assertLess(size, 64 * MIB)
        self.assertEqual(sluice.log_line("/app.log?follow")["end"], "file-cut")
        sluice.assert_nothing_left()

    def test_a_drain_ends_in_order(self):
        sluice = self.follow()
        growing = self.growing(100_000)
        readers = [self.reader(), self.reader(version="1.0")]
        slow = self.reader(receive_buffer=8 * KIB)
        output = self.directory / "curl"
        curl = self.curl("--http2-prior-knowledge", output)
        growing.grow(4 * MIB)
        for reader in readers:
            reader.read(growing.size)
        until(lambda: output.exists() and output.stat().st_size == growing.size, "curl has it")
        sluice.signal(signal.SIGTERM)
        self.assertTrue(readers[0].ends())
        self.assertTrue(readers[1].connection.at_end())
        self.assertEqual(curl.wait(LONGEST_WAIT), 0)
        self.assertEqual(output.stat().st_size, growing.size)
        slow.read(growing.size)  # what there was is still sent
        self.assertTrue(slow.ends())
        for reader in (*readers, slow):
            reader.connection.close()
        self.assertEqual(sluice.wait_for_exit(), 0)

    def test_a_client_that_leaves_is_noticed_though_nothing_is_written(self):
        sluice = self.follow()
        self.growing(10)
        for leave in (Connection.close, Connection.finish, Connection.reset):
            with self.subTest(leave=leave.__name__):
                readers = [self.reader() for _ in range(5)]
                for reader in readers:
                    reader.read(10)
                self.followers(sluice, 5)
                for reader in readers:
                    leave(reader.connection)
                self.followers(sluice, 0)
                for reader in readers:
                    reader.connection.close()
        sluice.assert_nothing_left()

    # --- many, and slow ones ---------------------------------------------------------------------------------

    def test_many_followers_share_a_watch_and_a_file(self):
        sluice = self.follow()
        growing = self.growing(1000)
        before = sluice.fd_count()
        readers = []
        for n in range(200):
            if n % 50 == 0:
                growing.grow(10)
            readers.append(self.reader())
        for reader in readers:
            reader.read(growing.size)
        self.followers(sluice, 200)
        links = sluice.descriptor_names()
        self.assertEqual(links.count("anon_inode:inotify"), 1)
        self.assertLessEqual(sum(link == str(self.log) for link in links), 2, "the followers' and the cache's")
        print(f"{sluice.fd_count() - before - 200} descriptors more than 200 followers' connections")
        growing.grow(100_000)
        for reader in readers:
            reader.read(growing.size)
        for reader in readers:
            reader.connection.close()
        self.followers(sluice, 0)
        sluice.assert_nothing_left()

    def test_a_slow_follower_costs_no_memory_however_much_comes(self):
        size = 1024 * MIB
        sluice = self.follow()
        growing = self.growing(10)
        quick, slow = self.reader(), self.reader(receive_buffer=16 * KIB)
        growing.grow(32 * MIB)  # warm
        quick.read(growing.size)
        before = sluice.rss_anon()
        slow.read(MIB)
        while growing.size < size:
            growing.grow(32 * MIB)
            quick.read(growing.size)
            slow.read(slow.size + 64 * KIB)
        grown = sluice.rss_anon() - before
        print(f"{grown // KIB} KiB more for 1 GiB of growth; {quick.chunks} chunks")
        if not sanitized():
            self.assertLess(grown, MIB)
        slow.read(64 * MIB)
        self.followers(sluice, 2)
        for reader in (quick, slow):
            reader.connection.close()
        self.followers(sluice, 0)
        sluice.assert_nothing_left()

    def test_large_growth_goes_by_sendfile(self):
        if self.portable:
            self.skip("a portable build has no sendfile")
        if not shutil.which("strace"):
            self.skip("no strace")
        sluice = self.follow()
        growing = self.growing(10)
        reader = self.reader()
        reader.read(10)
        trace = self.directory / "trace"
        with subprocess.Popen(
            ["strace", "-f", "-qq", "-e", "trace=sendfile,sendmsg,pread64,preadv2,read", "-o", trace, "-p",
             str(sluice.process.pid)], stderr=subprocess.PIPE,
        ) as strace:  # fmt: skip
            try:
                until(lambda: get(self.port, "/nothing").status == 404 and trace.exists() and "sendmsg" in trace.read_text(),
                      "strace")  # fmt: skip
                for _ in range(8):
                    growing.grow(4 * MIB)
                    reader.read(growing.size)
            finally:
                strace.send_signal(signal.SIGINT)
                strace.wait(LONGEST_WAIT)
        text = trace.read_text()
        sent = sum(int(n) for n in re.findall(r"sendfile\([^\n]*\) = (\d+)", text))
        read = [int(n) for n in re.findall(r"pread(?:64|v2)\([^\n]*\) = (\d+)", text)]
        copied = sum(n for n in read if n > 1)  # what was there already when a write was seen half done; others are probes
        self.assertEqual(sent + copied, 32 * MIB)
        self.assertGreater(sent, 31 * MIB)


if __name__ == "__main__":
    unittest.main()
