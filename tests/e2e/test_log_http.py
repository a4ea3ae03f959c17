"""Partitions of a log over HTTP: lists, batches as they are stored, records as text and JSON, and what is appended."""

import base64
import json
import os
import re
import signal
import subprocess
import unittest

from harness import Connection, free_port, get, until
from http2_client import Http2
from kafka_front import KafkaCase
from kafka_log import TRANSACTIONAL, fill
from sluice import BINARY, sanitized
from waiting import LONGEST_WAIT

KIB, MIB = 1024, 1024 * 1024


class LogHttp(KafkaCase):
    def http(self, relay=None, **more):
        self.port = free_port()
        config = {
            "workers": 1,
            "listeners": [{"listen": f"127.0.0.1:{self.port}"}],
            "routes": [
                {"path": "/status", "status": True},
                {"path": "/logs", "log": str(self.logs), "server_timing": True, "relay": relay or {}},
            ],
        }
        return self.start({**config, **more})

    def get(self, target, *fields, **options):
        return get(self.port, "/logs" + target, *fields, **options)

    def followed(self, target):
        """A connection on which /logs<target> is followed, its head read. HTTP/1.0: nothing but the body comes."""
        connection = Connection(self.port)
        self.addCleanup(connection.close)
        connection.send(f"GET /logs{target} HTTP/1.0\r\nHost: a\r\n\r\n")
        self.assertEqual(connection.read_head().status, 200)
        return connection

    def expect(self, connection, data):
        got = bytearray()
        while len(got) < len(data):
            more = connection.read_some()
            self.assertTrue(more, f"it ended after {len(got)} of {len(data)}")
            got += more
        self.assertTrue(got == data, "other bytes came")

    def large(self, batches):
        """A partition of equal batches, which are made once."""
        partition = self.partition()
        for _ in range(batches):
            partition.append(*[b"." * 250] * 4)
        return partition

    def whole(self, response):
        self.assertEqual((response.status, response.cut), (200, False), response.text[:200])
        return bytes(response.body.kept)

    # --- what there is ---------------------------------------------------------------------------------------

    def test_topics_are_listed(self):
        fill(self.partition("a", 0), 3)
        fill(self.partition("a", 2, start=5), 1)
        self.partition("b.c-d_e", identity=bytes(range(16)))
        self.http()
        topics = json.loads(self.whole(self.get("/")))["topics"]
        self.assertEqual([topic["name"] for topic in topics], ["a", "b.c-d_e"])
        self.assertEqual(
            [(p["partition"], p["start"], p["end"], p["last_stable"]) for p in topics[0]["partitions"]],
            [(0, 0, 12, 12), (2, 5, 9, 9)],
        )
        self.assertEqual(topics[0]["partitions"][0]["bytes"], (self.logs / "a-0" / f"{0:020}.log").stat().st_size)
        self.assertEqual(base64.urlsafe_b64decode(topics[1]["id"] + "=="), bytes(range(16)))
        for target in ("", "?"):
            self.assertEqual(json.loads(self.whole(self.get(target)))["topics"], topics)
        self.assertEqual(json.loads(self.whole(self.get("/a"))), topics[0])
        head = self.get("/a", method="HEAD")
        self.assertEqual((head.status, head.get("Content-Type")), (200, "application/json"))

    def test_what_is_not_there(self):
        fill(self.partition("t", 0, start=10), 2)
        sluice = self.http()
        cases = [
            ("/x", 404), ("/t/1", 404), ("/t/x", 404), ("/t/0/0", 404), ("/t/-1", 404), ("/t%2F0", 404),
            ("/t/0?offset=9", 416), ("/t/0?offset=19", 416), ("/t/0?offset=18", 200), ("/t/0?offset=-100", 200),
            ("/t/0?offset=x", 400), ("/t/0?format=xml", 400), ("/t/0?max_bytes=1k", 400), ("/t/0?follow=maybe", 400),
            ("/t/0?fromat=text", 400), ("/t/0?follow&max_bytes=1", 400),
        ]  # fmt: skip
        with Connection(self.port) as connection:
            for target, status in cases:
                with self.subTest(target=target):
                    response = connection.get("/logs" + target)
                    self.assertEqual((response.status, response.cut), (status, False))
                    if status == 400:
                        self.assertTrue(response.text.split("\n")[1].startswith(re.split("[?&=]", target)[-2]), response.text)
                    if status == 416:
                        self.assertEqual((response.get("X-Log-Start"), response.get("X-Log-End")), ("10", "18"))
                        self.assertIn("10 to 18", response.text)
            connection.send("POST /logs/t/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            response = connection.read_response()
            self.assertEqual((response.status, response.get("Allow")), (405, "GET, HEAD"))
        sluice.assert_nothing_left()

    # --- batches ---------------------------------------------------------------------------------------------

    def test_batches_are_the_stored_bytes(self):
        partition = self.partition()
        for _ in range(5):
            fill(partition, 20, records=5, size=500)
            partition.roll()
        fill(partition, 3)
        sluice = self.http()
        end = str(partition.next)
        with Connection(self.port) as connection:
            for offset in (0, 1, 4, 5, 99, 100, 101, 250, 499, 500, 511, 512):
                with self.subTest(offset=offset):
                    response = connection.get(f"/logs/t/0?offset={offset}")
                    self.assertEqual(self.whole(response), partition.data(offset))
                    told = [response.get(f"X-{name}") for name in ("Log-Start", "Log-End", "Last-Stable", "Next-Offset")]
                    self.assertEqual(told, ["0", end, end, end])
                    self.assertEqual(response.get("Content-Type"), "application/octet-stream")
            self.assertEqual(self.whole(connection.get("/logs/t/0")), partition.data())
            self.assertEqual(self.whole(connection.get("/logs/t/0?offset=latest")), b"")
            self.assertEqual(self.whole(connection.get("/logs/t/0?offset=-7")), partition.data(partition.next - 7))
            head = connection.get("/logs/t/0", method="HEAD")
            self.assertEqual(head.get("Content-Length"), str(len(partition.data())))
            for most in ("1", "3000", "100KiB"):  # page by page, each of whole batches
                data, offset, pages = b"", 0, 0
                while offset < partition.next:
                    page = connection.get(f"/logs/t/0?offset={offset}&max_bytes={most}")
                    data += self.whole(page)
                    self.assertGreater(int(page.get("X-Next-Offset")), offset)
                    offset = int(page.get("X-Next-Offset"))
                    pages += 1
                self.assertEqual(data, partition.data())
                self.assertGreater(pages, 1)
        self.assertEqual(sluice.log_line("/logs/t/0?offset=-7")["end"], "completed")
        lines = sluice.log_lines(lambda line: line["target"] == "/logs/t/0" and line["method"] == "GET")
        self.assert_way(lines[0], "sendfile", "file")
        self.assertEqual(lines[0]["zero_copy"] > 200_000, not self.portable)
        sluice.assert_nothing_left()

    # --- records ---------------------------------------------------------------------------------------------

    def test_text_and_json(self):
        partition = self.partition()
        partition.append(b"one", b"two\nlines", None, b"")
        partition.append(b"\xff\x00", "\u00fc".encode(), key=b"key", timestamp=42)
        self.http()
        text = self.get("/t/0?format=text")
        self.assertEqual(self.whole(text), "one\ntwo\nlines\n\n\n".encode() + b"\xff\x00\n" + "\u00fc\n".encode())
        self.assertEqual(text.get("Content-Type"), "text/plain; charset=utf-8")
        self.assertEqual((text.get("X-Next-Offset"), text.get("Transfer-Encoding")), ("6", "chunked"))
        self.assertEqual(self.whole(self.get("/t/0?format=text&offset=-1")), "\u00fc\n".encode())
        self.assertEqual(self.whole(self.get("/t/0?format=text&offset=6")), b"")
        lines = self.whole(self.get("/t/0?format=json&offset=3")).split(b"\n")
        self.assertEqual(lines.pop(), b"")
        self.assertEqual(
            [json.loads(line) for line in lines],
            [
                {"offset": 3, "timestamp": 1_700_000_000_000, "key": None, "value": "", "headers": []},
                {"offset": 4, "timestamp": 42, "key": "key", "value_base64": "/wA=", "headers": []},
                {"offset": 5, "timestamp": 42, "key": "key", "value": "\u00fc", "headers": []},
            ],
        )
        with Http2(self.port) as connection:
            self.assertEqual(connection.get("/logs/t/0?format=text").text.encode("latin-1"), self.whole(text))

    def test_only_what_was_committed_becomes_text(self):
        partition = self.partition()
        partition.append(b"plain")
        partition.append(b"given up", attributes=TRANSACTIONAL, producer=7)
        partition.append(b"kept", attributes=TRANSACTIONAL, producer=8)
        partition.abort(7, 1)
        partition.mark(8, 1)
        partition.append(b"open", attributes=TRANSACTIONAL, producer=9)
        partition.append(b"behind it")
        self.http()
        response = self.get("/t/0?format=text")
        self.assertEqual(self.whole(response), b"plain\nkept\n")
        self.assertEqual((response.get("X-Next-Offset"), response.get("X-Log-End")), ("5", "7"))
        self.assertEqual(self.whole(self.get("/t/0")), partition.data())
        reader = self.followed("/t/0?format=text&offset=latest&follow")
        partition.mark(9, 1)  # now it is
        self.expect(reader, b"open\nbehind it\n")

    def test_much_text_takes_little_memory(self):
        partition = self.large(30_000)
        sluice = self.http()
        self.whole(self.get("/t/0?format=json&max_bytes=1MiB"))
        before = sluice.rss_anon()
        most = 0
        slow = [Connection(self.port, receive_buffer=16 * KIB) for _ in range(10)]
        for connection in slow:
            connection.send("GET /logs/t/0?format=text HTTP/1.1\r\nHost: a\r\n\r\n")
            connection.read_head()
        with Connection(self.port) as connection:
            connection.send("GET /logs/t/0?format=text HTTP/1.0\r\n\r\n")
            connection.read_head()
            size = 0
            while data := connection.read_some():
                size += len(data)
                most = max(most, sluice.rss_anon())
        self.assertEqual(size, partition.next * 251)
        print(f"{(most - before) // KIB} KiB at most for 11 readers of {size // MIB} MiB of text")
        if not sanitized():
            self.assertLess(most - before, 40 * MIB)
        for connection in slow:
            connection.close()
        sluice.assert_nothing_left()

    # --- following -------------------------------------------------------------------------------------------

    def test_what_is_appended_follows(self):
        partition = fill(self.partition(), 3)
        sluice = self.http()
        batches = self.followed("/t/0?follow")
        late = self.followed("/t/0?follow&offset=latest")
        text = self.followed("/t/0?format=text&follow&offset=-1")
        self.expect(batches, partition.data())
        self.expect(text, b"11:".ljust(200, b".") + b"\n")
        until(lambda: sluice.counter("followers") == 3, "three follow")
        with Http2(self.port) as connection:
            lines = connection.ask("/logs/t/0?format=json&follow&offset=12")
            for count in (1, 1, 50, 500):
                first = partition.next
                if count == 50:
                    partition.roll()
                fill(partition, count)
                self.expect(batches, partition.data(first))
                self.expect(late, partition.data(first))
                wanted = [f"{n}:".ljust(200, ".") for n in range(first, partition.next)]
                self.expect(text, "".join(line + "\n" for line in wanted).encode())
                connection.until(lambda: lines.body.kept.count(b"\n") == partition.next - 12 or lines.over)
            got = [json.loads(line) for line in bytes(lines.body.kept).split(b"\n")[:-1]]
            self.assertEqual([record["offset"] for record in got], list(range(12, partition.next)))
        batches.close()
        until(lambda: sluice.counter("followers") == 2, "two follow")
        partition.directory.rename(self.root / "deleted")  # the topic is deleted: that is the end of it
        self.assertTrue(late.at_end())
        self.assertTrue(text.at_end())
        ends = {line["end"] for line in sluice.log_lines(lambda line: "follow" in line["target"], count=4)}
        self.assertEqual(ends, {"client-gone", "completed"})
        late.close(), text.close()
        sluice.assert_nothing_left()

    def test_a_drain_ends_followers_in_order(self):
        partition = fill(self.partition(), 3)
        sluice = self.http()
        commands = [("--http1.1", ""), ("--http2-prior-knowledge", "&format=text")]
        outputs, readers = [], []
        for how, query in commands:
            outputs.append(self.root / f"out{how}")
            readers.append(
                subprocess.Popen(["curl", "-sN", how, "-o", outputs[-1], f"http://127.0.0.1:{self.port}/logs/t/0?follow{query}"])
            )
            self.addCleanup(readers[-1].wait)
            self.addCleanup(readers[-1].kill)
        sizes = [len(partition.data()), 12 * 201]
        until(lambda: all(o.exists() and o.stat().st_size == s for o, s in zip(outputs, sizes)), "both have all")
        sluice.signal(signal.SIGTERM)
        self.assertEqual([reader.wait(LONGEST_WAIT) for reader in readers], [0, 0])
        self.assertEqual(outputs[0].read_bytes(), partition.data())
        self.assertEqual(sluice.wait_for_exit(), 0)

    def test_lines_from_a_pipe_are_followed(self):
        """As people use it: a program's output becomes a topic, and curl shows it as it comes."""
        sluice = self.http()
        append = subprocess.Popen(
            [BINARY, "log", "append", str(self.logs), "lines", "--linger", "10ms"], stdin=subprocess.PIPE
        )
        self.addCleanup(append.wait)
        self.addCleanup(append.kill)
        append.stdin.write(b"first\n")
        append.stdin.flush()
        until(lambda: self.get("/lines/0?format=text").text == "first\n", "the topic is there")
        reader = self.followed("/lines/0?format=text&follow&offset=latest")
        for n in range(20):
            line = b"line %d\n" % n
            append.stdin.write(line)
            append.stdin.flush()
            self.expect(reader, line)
        append.stdin.close()
        self.assertEqual(append.wait(LONGEST_WAIT), 0)
        reader.close()
        sluice.assert_nothing_left()

    # --- what goes wrong -------------------------------------------------------------------------------------

    def test_records_that_are_taken_away_cut_who_wanted_them(self):
        partition = self.large(16_000)
        sluice = self.http()
        slow = Connection(self.port, receive_buffer=8 * KIB)
        slow.send("GET /logs/t/0 HTTP/1.1\r\nHost: a\r\n\r\n")
        slow.read_head()
        ends = self.followed("/t/0?follow")
        self.expect(ends, partition.data())
        os.truncate(partition.segment, len(partition.batches[0].data))
        with self.assertRaises(ConnectionResetError):  # the log ends below what was sent
            ends.read_some()
        size = 0
        try:
            while data := slow.read_some():
                size += len(data)
        except ConnectionResetError:
            pass
        self.assertLess(size, len(partition.data()))
        slow.close()
        sluice.assert_nothing_left()

    def test_a_batch_that_cannot_be_read_cuts_the_text(self):
        partition = fill(self.partition(), 3)
        sluice = self.http()
        data = bytearray(partition.segment.read_bytes())
        at = len(partition.batches[0].data) + 61  # the first record of the second batch
        data[at] = 0xFF
        with open(partition.segment, "r+b") as file:
            file.write(data)
        response = self.get("/t/0?format=text")
        self.assertTrue(response.cut)
        self.assertEqual(response.body.size, 4 * 201, "what was right before it")
        self.assertEqual(sluice.log_line("/logs/t/0?format=text")["end"], "file-failed")
        sluice.wait_for_stderr("t-0: ")
        self.assertEqual(self.whole(self.get("/t/0")), bytes(data), "as they are stored")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
