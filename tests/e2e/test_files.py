"""Static files: methods, conditions, ranges, names that must not work, and files that change."""

import os
import re
import shutil
import tempfile
import time
import unittest
from pathlib import Path

from harness import Case, Connection, Pattern, get

KIB, MIB = 1024, 1024 * 1024


class Files(Case):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-files-"))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.root = self.directory / "www"
        (self.root / "sub" / "deep").mkdir(parents=True)
        (self.directory / "secret").write_text("secret")
        (self.root / "sub" / "index.html").write_text("<p>index</p>")
        self.write("small.txt", 1000)
        self.write("data.bin", MIB)
        self.write("empty.css", 0)
        self.sluice = self.files()

    def files(self, path="auto", **options):
        files = {"root": str(self.root), **options}
        self.port = None
        route = {"path": "/files/", "files": files, "strip_prefix": True, "server_timing": True, "relay": {"path": path}}
        config = self.http_config([], routes=[route])
        del config["routes"][-1], config["upstreams"]  # what is no file is nothing at all
        return self.start(config)

    def write(self, name, size):
        """As one does it: a new file takes the name, so what is being sent stays as it was."""
        new = self.root / (name + ".new")
        new.write_bytes(Pattern.at(0, size))
        new.rename(self.root / name)

    def get(self, name, *fields, **more):
        return get(self.port, "/files/" + name, *fields, **more)

    def test_get_and_head(self):
        cases = [("small.txt", 1000, "text/plain"), ("data.bin", MIB, "application/octet-stream"), ("empty.css", 0, "text/css")]
        for name, size, kind in cases:
            with self.subTest(name=name):
                whole = self.get(name, expected=Pattern.at)
                self.assert_whole(whole, size)
                self.assertTrue(whole.get("Content-Type").startswith(kind), whole.get("Content-Type"))
                self.assertEqual(whole.get("Accept-Ranges"), "bytes")
                self.assertRegex(whole.get("ETag"), r'^"[^"]+"$')
                self.assertRegex(whole.get("Last-Modified"), r"^\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT$")
                head = self.get(name, method="HEAD")
                for field in ("Content-Length", "ETag", "Content-Type", "Last-Modified"):
                    self.assertEqual(head.get(field), whole.get(field), field)
        self.sluice.assert_nothing_left()

    def test_the_log_names_the_way(self):
        for path, large in (("auto", ("sendfile", "file")), ("sendfile", ("sendfile", "forced")), ("mmap", ("mmap", "forced")),
                            ("buffered", ("buffered", "forced")), ("splice", ("sendfile", "file"))):  # fmt: skip
            with self.subTest(path=path):
                sluice = self.files(path)
                self.assert_whole(self.get("data.bin", expected=Pattern.at), MIB)
                entry = sluice.log_line("/files/data.bin")
                self.assert_way(entry, *large)
                self.assertEqual(entry["zero_copy"], MIB if entry["path"] == "sendfile" else 0)
                self.assertEqual(entry["bytes_out"], MIB)
                way = sluice.status()[f"bytes_by_path_{entry['path']}"]
                self.assertGreaterEqual(way, MIB)
        self.files()
        self.assert_whole(self.get("small.txt", expected=Pattern.at), 1000)

    def test_single_ranges(self):
        cases = [
            ("bytes=0-0", 0, 1),
            ("bytes=100-70000", 100, 69901),
            ("bytes=1048575-", MIB - 1, 1),
            ("bytes=-5", MIB - 5, 5),
            ("bytes=-9999999", 0, MIB),
            ("bytes=5-99999999", 5, MIB - 5),
        ]
        for value, offset, size in cases:
            with self.subTest(value=value):
                response = self.get("data.bin", f"Range: {value}", expected=lambda at, n, o=offset: Pattern.at(o + at, n))
                self.assert_whole(response, size, status=206)
                self.assertEqual(response.get("Content-Range"), f"bytes {offset}-{offset + size - 1}/{MIB}")

    def test_several_ranges(self):
        response = self.get("data.bin", "Range: bytes=0-9, 100-109, -50000")
        self.assertEqual(response.status, 206)
        boundary = re.match(r'multipart/byteranges; ?boundary="?([^"]+)"?$', response.get("Content-Type"))[1].encode()
        self.assertEqual(response.body.size, int(response.get("Content-Length")))
        parts = bytes(response.body.kept).split(b"--" + boundary)
        self.assertEqual((len(parts), parts[-1].strip()), (5, b"--"))
        for part, (offset, size) in zip(parts[1:4], ((0, 10), (100, 10), (MIB - 50000, 50000))):
            head, data = part.split(b"\r\n\r\n", 1)
            self.assertIn(f"bytes {offset}-{offset + size - 1}/{MIB}".encode(), head)
            self.assertEqual(data[:-2], Pattern.at(offset, size))

    def test_ranges_that_are_refused_or_ignored(self):
        # (Range, status)
        cases = [
            ("bytes=1048576-", 416),
            ("bytes=-0", 416),
            ("bytes=9-5", 200),
            ("lines=1-2", 200),
            ("bytes=a-b", 200),
            ("bytes=" + ",".join("0-" for _ in range(100)), 200),  # an attack gets the whole file, once
        ]
        for value, status in cases:
            with self.subTest(value=value[:40]):
                response = self.get("data.bin", f"Range: {value}")
                self.assertEqual(response.status, status)
                if status == 416:
                    self.assertEqual(response.get("Content-Range"), f"bytes */{MIB}")
                else:
                    self.assertEqual(response.body.size, MIB)

    def test_conditions(self):
        known = self.get("small.txt")
        etag, modified = known.get("ETag"), known.get("Last-Modified")
        old = "Sun, 06 Nov 1994 08:49:37 GMT"
        cases = [
            ([f"If-None-Match: {etag}"], 304),
            ([f'If-None-Match: "x", W/{etag}'], 304),
            (["If-None-Match: *"], 304),
            (['If-None-Match: "x"'], 200),
            ([f"If-Modified-Since: {modified}"], 304),
            ([f"If-Modified-Since: {old}"], 200),
            ([f"If-Modified-Since: {modified}", 'If-None-Match: "x"'], 200),
            ([f"If-Match: {etag}"], 200),
            (['If-Match: "x"'], 412),
            ([f"If-Match: W/{etag}"], 412),
            ([f"If-Unmodified-Since: {modified}"], 200),
            ([f"If-Unmodified-Since: {old}"], 412),
            (["Range: bytes=0-1", f"If-Range: {etag}"], 206),
            (["Range: bytes=0-1", 'If-Range: "x"'], 200),
            (["Range: bytes=0-1", f"If-Range: {old}"], 200),
            (["If-Modified-Since: rubbish"], 200),
        ]
        with Connection(self.port) as connection:
            for fields, status in cases:
                with self.subTest(fields=fields):
                    response = connection.get("/files/small.txt", *fields)
                    self.assertEqual(response.status, status)
                    if status == 304:
                        self.assertEqual(response.get("ETag"), etag)

    def test_names_that_must_not_work(self):
        (self.root / "out").symlink_to(self.directory / "secret")
        (self.root / "outdir").symlink_to(self.directory)
        (self.root / "in").symlink_to("small.txt")
        names = [
            "../secret", "..%2fsecret", "%2e%2e/secret", "sub/../../secret", "sub/%2e%2e/%2e%2e/secret", "./../secret",
            "..\\secret", "//../secret", "out", "outdir/secret", "small.txt/", "small.txt/x", "nothing", "%00small.txt",
            "sub%2findex.html", "%zz",
        ]  # fmt: skip
        for name in names:
            with self.subTest(name=name):
                response = self.get(name)
                self.assertIn(response.status, (400, 403, 404))
                self.assertNotIn("secret\n", response.text)
        for target in ("/files/../secret", "/files/..", "/files/../../../../etc/passwd"):
            with self.subTest(target=target):
                self.assertNotIn("root:", get(self.port, target).text)
        self.assertEqual(self.get("in").status, 200, "a link that stays inside works")
        self.sluice.assert_nothing_left()

    def test_methods(self):
        with Connection(self.port) as connection:
            connection.send("POST /files/small.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab")
            response = connection.read_response()
            self.assertEqual(response.status, 405)
            self.assertEqual({m.strip() for m in response.get("Allow").split(",")}, {"GET", "HEAD"})

    def test_directories(self):
        redirect = self.get("sub")
        self.assertEqual(redirect.status, 301)
        self.assertTrue(redirect.get("Location").endswith("/files/sub/"), redirect.get("Location"))
        self.assertEqual(self.get("sub/").text, "<p>index</p>")
        self.assertIn(self.get("sub/deep/").status, (403, 404))

    def test_a_replaced_file_is_noticed(self):
        sluice = self.files(revalidate="200ms")
        first = self.get("small.txt")
        self.write("small.txt", 2000)
        end = time.monotonic() + 5
        while (response := self.get("small.txt", expected=Pattern.at)).body.size != 2000:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.assert_whole(response, 2000)
        self.assertNotEqual(response.get("ETag"), first.get("ETag"))
        os.unlink(self.root / "small.txt")
        time.sleep(0.3)
        self.assertEqual(self.get("small.txt").status, 404)
        sluice.assert_nothing_left()

    def test_a_response_under_way_keeps_the_file_it_began_with(self):
        self.write("large.bin", 32 * MIB)
        with Connection(self.port, receive_buffer=16 * KIB) as connection:
            connection.send("GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.read_head()
            (self.root / "large.bin.new").write_bytes(b"other")
            (self.root / "large.bin.new").rename(self.root / "large.bin")
            size = 0
            while size < 32 * MIB:
                data = connection.read_some()
                self.assertEqual(data, Pattern.at(size, len(data)))
                size += len(data)

    def test_a_file_that_shrinks_is_cut(self):
        for path in ("auto", "buffered", "mmap"):
            with self.subTest(path=path):
                self.write("shrinks.bin", 64 * MIB)
                sluice = self.files(path)
                with Connection(self.port, receive_buffer=8 * KIB) as connection:
                    connection.send("GET /files/shrinks.bin HTTP/1.1\r\nHost: a\r\n\r\n")
                    head = connection.read_head()
                    self.assertEqual(head.get("Content-Length"), str(64 * MIB))
                    os.truncate(self.root / "shrinks.bin", 100)
                    size = 0
                    try:
                        while data := connection.read_some():
                            size += len(data)
                    except ConnectionResetError:
                        pass
                    self.assertLess(size, 64 * MIB)
                self.assertEqual(sluice.log_line("/files/shrinks.bin")["end"], "file-cut")
                self.assertEqual(sluice.counter("endings_file_cut"), 1)
                sluice.assert_nothing_left()

    def test_a_client_that_leaves_frees_the_file(self):
        self.write("large.bin", 32 * MIB)
        with Connection(self.port, receive_buffer=8 * KIB) as connection:
            connection.send("GET /files/large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.read_head()
            connection.reset()
        self.assertEqual(self.sluice.log_line("/files/large.bin")["end"], "client-gone")
        self.sluice.assert_nothing_left()

    def test_pipelined_files_come_in_order(self):
        names = [("small.txt", 1000), ("data.bin", MIB), ("empty.css", 0), ("small.txt", 1000)]
        with Connection(self.port) as connection:
            connection.send("".join(f"GET /files/{name} HTTP/1.1\r\nHost: a\r\n\r\n" for name, _ in names))
            for _, size in names:
                self.assert_whole(connection.read_response(expected=Pattern.at), size)


if __name__ == "__main__":
    unittest.main()
