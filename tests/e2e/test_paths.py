"""Every body, byte for byte, by every way: sizes x forced path x framing x method."""

import hashlib
import json
import unittest

from harness import Case, Connection, Pattern, chunked, get, run

KIB, MIB = 1024, 1024 * 1024
SIZES = [0, 1, 4095, 4096, 16 * KIB, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1, MIB, 10 * MIB]
PATHS = ["auto", "buffered", "splice", "sendfile"]
HEAD_LIMIT = 16 * KIB  # so much of a body may have come with its head, and was copied
FRAMINGS = {
    "length": lambda size: f"/length/{size}",
    "large chunks": lambda size: f"/chunked/{size}/{256 * KIB}",
    "tiny chunks": lambda size: f"/chunked/{size}/{max(97, size // 4000)}",
    "until close": lambda size: f"/close/{size}",
    "HTTP/1.0": lambda size: f"/close10/{size}",
}


class Paths(Case):
    def each_path(self):
        """One Sluice per forced path before the same origins."""
        for path in PATHS:
            self.port = None
            yield path, self.proxy([self.raw.port], route={"relay": {"path": path}})

    def setUp(self):
        self.raw = self.origin()

    def test_responses_arrive_byte_for_byte(self):
        for path, sluice in self.each_path():
            wanted = count = 0
            with Connection(self.port) as connection:
                for framing, target in FRAMINGS.items():
                    for size in SIZES:
                        if framing == "tiny chunks" and size > MIB:
                            continue
                        with self.subTest(path=path, framing=framing, size=size):
                            wanted += size
                            count += 2
                            self.assert_whole(connection.get(target(size), expected=Pattern.at), size)
                            head = connection.get(target(size), method="HEAD")
                            self.assertEqual(head.status, 200)
            asked = lambda line: line.get("method") in ("GET", "HEAD") and line["target"] != "/status"  # noqa: E731
            entries = sluice.log_lines(asked, count=count)
            self.assertEqual({line["end"] for line in entries}, {"completed"})
            self.assertEqual((len(entries), sum(line["bytes_out"] for line in entries)), (count, wanted))
            sluice.assert_nothing_left()

    def test_the_log_names_the_way(self):
        # (path, target, way, reasons); the forced ways are told as such
        cases = [
            ("auto", "/length/0", "none", ["no-body"]),
            ("auto", "/length/1", "buffered", ["small", "came-with-head"]),
            ("auto", "/length/4096", "buffered", ["small", "came-with-head"]),
            ("auto", f"/length/{MIB}", "splice", ["large"]),
            ("auto", f"/chunked/{MIB}/{256 * KIB}", "splice", ["large-chunk"]),
            ("auto", f"/chunked/{MIB}/1000", "buffered", ["small-chunks"]),
            ("auto", f"/close/{MIB}", "splice", ["until-close"]),
            ("buffered", f"/length/{MIB}", "buffered", ["forced"]),
            ("splice", f"/length/{MIB}", "splice", ["forced"]),
            ("sendfile", f"/length/{MIB}", "splice", ["large"]),  # a socket can't be sent as a file
        ]
        for path, sluice in self.each_path():
            for of, target, way, reasons in cases:
                if of != path:
                    continue
                with self.subTest(path=path, target=target):
                    shown = get(self.port, target, expected=Pattern.at)
                    entry = sluice.log_line(target)
                    self.assert_way(entry, way, *reasons)
                    told = [f'sluice;desc="{entry["path"]}: {entry["why"]}"']
                    if "/chunked/" in target:  # when the head came without its first chunk
                        told.append('sluice;desc="decided chunk by chunk"')
                    self.assertIn(shown.get("Server-Timing"), told)
                    size = int(target.split("/")[2])
                    self.assertEqual((entry["bytes_out"], entry["end"], entry["status"]), (size, "completed", 200))
                    if entry["path"] == "splice":
                        self.assertGreaterEqual(entry["zero_copy"], size - 2 * HEAD_LIMIT)
                        self.assertLessEqual(entry["zero_copy"], size)
                    else:
                        self.assertEqual(entry["zero_copy"], 0)

    def test_the_counters_follow(self):
        sluice = self.proxy([self.raw.port])
        before = sluice.status()
        self.assert_whole(get(self.port, f"/length/{MIB}"), MIB)
        sluice.wait_until_quiet()
        after = sluice.status()
        way = "buffered" if self.portable else "splice"
        self.assertGreater(after[f"bodies_by_path_{way}"], before[f"bodies_by_path_{way}"])
        moved = after[f"bytes_by_path_{way}"] - before[f"bytes_by_path_{way}"]
        self.assertGreaterEqual(moved, MIB - 2 * HEAD_LIMIT)
        self.assertGreaterEqual(after["bytes_to_clients"] - before["bytes_to_clients"], MIB)
        self.assertGreater(after["endings_completed"], before["endings_completed"])

    def test_uploads_arrive_byte_for_byte(self):
        for path, sluice in self.each_path():
            with Connection(self.port) as connection:
                for size in SIZES:
                    data = Pattern.at(0, size)
                    for framing in ("length", "large chunks", "tiny chunks"):
                        if framing == "tiny chunks" and size > MIB:
                            continue
                        with self.subTest(path=path, framing=framing, size=size):
                            head = "POST /hash HTTP/1.1\r\nHost: test.example\r\n"
                            if framing == "length":
                                connection.send(head, f"Content-Length: {size}\r\n\r\n", data)
                            else:
                                chunk = 256 * KIB if framing == "large chunks" else max(97, size // 4000)
                                connection.send(head, "Transfer-Encoding: chunked\r\n\r\n", chunked(data, chunk))
                            told = json.loads(connection.read_response().text)
                            self.assertEqual(told["size"], size)
                            self.assertEqual(told["sha256"], hashlib.sha256(data).hexdigest())
            sluice.assert_nothing_left()

    def test_100_mebibytes(self):
        size = 100 * MIB
        for path, sluice in self.each_path():
            for target in (f"/length/{size}", f"/chunked/{size}/{MIB}", f"/close/{size}"):
                with self.subTest(path=path, target=target):
                    self.assert_whole(get(self.port, target, expected=Pattern.at), size)
                    self.assertEqual(sluice.log_line(target)["bytes_out"], size)
            sluice.assert_nothing_left()

    def test_a_gibibyte_from_nginx(self):
        size = 1 << 30
        nginx = self.nginx(sparse={"huge": size})
        sluice = self.proxy([nginx.port])
        self.assert_whole(get(self.port, "/huge", expected=nginx.comparing("huge")), size)
        entry = sluice.log_line("/huge")
        self.assert_way(entry, "splice", "large")
        self.assertEqual(entry["bytes_out"], size)
        sluice.assert_nothing_left()

    def test_curl_gets_and_puts(self):
        sluice = self.proxy([self.raw.port])
        wanted = hashlib.sha256(Pattern.at(0, 3 * MIB)).hexdigest()
        url = f"http://127.0.0.1:{self.port}"
        sent = sluice.directory / "sent"
        for target in (f"/length/{3 * MIB}", f"/chunked/{3 * MIB}/70000", f"/close/{3 * MIB}"):
            with self.subTest(target=target):
                run("curl", "-sSf", "-o", str(sent), url + target)
                self.assertEqual(hashlib.sha256(sent.read_bytes()).hexdigest(), wanted)
        for extra in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            with self.subTest(extra=extra):
                told = json.loads(run("curl", "-sSf", *extra, "-T", str(sent), url + "/hash"))
                self.assertEqual((told["method"], told["sha256"]), ("PUT", wanted))
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
