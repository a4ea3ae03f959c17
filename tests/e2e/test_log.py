"""`sluice log`: lines become records and come back byte by byte, whatever happens between.

What is written is read by python3-kafka, which checks each batch, and by `sluice log dump`; `sluice log verify` has to
be content with it. Those who may be killed are killed.
"""

import fcntl
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from kafka.record.memory_records import MemoryRecords

import kafka_log
from harness import Case, Connection, get
from sluice import BINARY
from waiting import LONGEST_WAIT, until

NASTY = [b"a", b"", b"two words", b"\0\x01\xff\xfe", b"\xc3\xa4", b"carriage\r", b"  ", b"x" * 70_000, b"\t", b""]
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def batches_of(partition):
    """(base offset, position, size) of the whole batches in a partition's segments, by the lengths they tell."""
    for file in sorted(Path(partition).glob("*.log")):
        data, at = file.read_bytes(), 0
        while at + 12 <= len(data):
            base, length = struct.unpack_from(">qi", data, at)
            if at + 12 + length > len(data):
                break
            yield base, at, 12 + length
            at += 12 + length


def records_of(partition):
    """All records, by python3-kafka, in the order of the files."""
    records = []
    for file in sorted(Path(partition).glob("*.log")):
        reader = MemoryRecords(file.read_bytes())
        while reader.has_next():
            batch = reader.next_batch()
            if not batch.validate_crc():
                raise AssertionError(f"{file}: wrong CRC")
            records.extend(batch)
    return records


class LogCase(Case):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="sluice-test-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.logs = self.root / "logs"

    def log(self, command, *words, input=b"", expect=0, around=()):
        """Runs `sluice log COMMAND LOGDIR WORDS`; the words are judged by the caller, the exit code here."""
        done = subprocess.run(
            [*around, BINARY, "log", command, str(self.logs), *map(str, words)],
            input=input, capture_output=True, timeout=LONGEST_WAIT, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, expect, done.stdout.decode() + done.stderr.decode())
        self.err = done.stderr.decode()
        return done.stdout.decode()

    def append(self, *words, lines, topic="t", **more):
        return self.log("append", topic, *words, input=b"".join(line + b"\n" for line in lines), **more)

    def appending(self, *words, topic="t", before=None):
        """A running `sluice log append`; its stdin is the caller's to write to. `before` is called in the process."""
        process = subprocess.Popen(
            [BINARY, "log", "append", str(self.logs), topic, *words],
            stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=before,
        )  # fmt: skip

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stderr.close()

        self.addCleanup(end)
        return process

    def dump(self, *words, topic="t", **more):
        return [json.loads(line) for line in self.log("dump", topic, "--json", *words, **more).splitlines()]

    def values(self, **more):
        return [record["value"].encode() for record in self.dump(**more)]

    def verify(self, *words, expect=0):
        out = self.log("verify", *words, expect=expect).splitlines()
        return out[:-1]  # the last one counts


class Append(LogCase):
    def test_every_byte_comes_back(self):
        self.append(lines=NASTY)
        self.assertIn(f"{len(NASTY)} records in 1 batch, offsets 0 to {len(NASTY) - 1}", self.err)
        self.append("--codec", "gzip", lines=NASTY)
        records = records_of(self.logs / "t-0")
        self.assertEqual([r.value for r in records], NASTY * 2)
        self.assertEqual([r.offset for r in records], list(range(2 * len(NASTY))))
        self.assertEqual({r.key for r in records}, {None})
        now = time.time() * 1000
        self.assertTrue(all(now - 60_000 < r.timestamp <= now for r in records))
        self.assertEqual(self.verify(), [])

    def test_each_codec(self):
        lines = [f"line {i} of many that look alike".encode() for i in range(5000)]
        sizes = {}
        for codec in CODECS:
            self.append("--codec", codec, lines=lines, topic=codec)
            self.assertEqual(self.values(topic=codec), lines)
            sizes[codec] = (self.logs / f"{codec}-0" / f"{0:020d}.log").stat().st_size
            self.assertEqual({b["codec"] for b in self.dump("--batches", topic=codec)}, {codec})
        self.assertTrue(all(sizes[codec] * 2 < sizes["none"] for codec in CODECS[1:]), sizes)
        self.assertEqual(self.verify(), [])

    def test_lines_end_where_they_end(self):
        for given, wanted in (
            (b"", []), (b"\n", [b""]), (b"a", [b"a"]), (b"a\n", [b"a"]), (b"a\n\n", [b"a", b""]), (b"\r\n", [b"\r"]),
            (b"a\0b\nc", [b"a\0b", b"c"]),
        ):  # fmt: skip
            with self.subTest(given):
                shutil.rmtree(self.logs, ignore_errors=True)
                self.log("append", "t", input=given)
                self.assertEqual([r.value for r in records_of(self.logs / "t-0")], wanted)

    def test_keys(self):
        lines = [b"k:v", b"no separator", b":empty key", b"empty value:", b"a:b:c", b""]
        self.append("--key-separator", ":", lines=lines)
        self.append("--key-separator", "\\t", lines=[b"k\tv:w"])
        self.append("--key-separator", "=>", lines=[b"k=>v"])
        self.assertEqual(
            [(r.key, r.value) for r in records_of(self.logs / "t-0")],
            [(b"k", b"v"), (None, b"no separator"), (b"", b"empty key"), (b"empty value", b""), (b"a", b"b:c"),
             (None, b""), (b"k", b"v:w"), (b"k", b"v")],
        )  # fmt: skip

    def test_sizes_of_batches_and_segments(self):
        lines = [f"{i:0100d}".encode() for i in range(3000)]
        self.append("--batch-bytes", "1KiB", "--segment-bytes", "20KiB", lines=lines)
        found = list(batches_of(self.logs / "t-0"))
        self.assertTrue(all(500 < size < 1400 for _, _, size in found[:-1]))
        segments = sorted((self.logs / "t-0").glob("*.log"))
        self.assertGreater(len(segments), 10)
        self.assertTrue(all(18_000 < file.stat().st_size <= 20_480 for file in segments[:-1]))
        self.assertEqual([r.value for r in records_of(self.logs / "t-0")], lines)
        self.assertEqual(self.verify(), [])

    def test_a_line_that_is_too_long_ends_it_and_nothing_of_it_is_there(self):
        for size, more in ((2**20, ()), (5000, ("--segment-bytes", "10000B"))):
            for end in (b"", b"\nafter\n"):
                with self.subTest(size=size, end=end):
                    shutil.rmtree(self.logs, ignore_errors=True)
                    self.log("append", "t", *more, input=b"one\ntwo\n" + b"x" * size + b"\n", expect=0)
                    self.log("append", "t", *more, input=b"one\ntwo\n" + b"x" * (size + 1) + end, expect=1)
                    self.assertRegex(self.err, "line 3 is longer than")
                    self.assertRegex(self.err, "nothing is written from line 3 on")
                    self.assertEqual(self.values(), [b"one", b"two", b"x" * size, b"one", b"two"])

    def test_lines_don_t_wait_for_the_end(self):
        process = self.appending("--linger", "20ms")
        for i in range(3):
            process.stdin.write(f"line {i}\n".encode())
            process.stdin.flush()
            until(lambda: len(list(batches_of(self.logs / "t-0"))) == i + 1, "the line is in the log")
        process.stdin.close()
        self.assertEqual(process.wait(LONGEST_WAIT), 0)
        self.assertEqual(self.values(), [b"line 0", b"line 1", b"line 2"])

    def test_a_signal_writes_what_was_read(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(number):
                process = self.appending("--linger", "1h", topic=number.name)
                process.stdin.write(b"one\ntwo\nunfin")
                process.stdin.flush()
                # Read, when the pipe is empty.
                until(lambda: fcntl.ioctl(process.stdin, 0x541B, b"1234") == bytes(4), "the lines are taken")
                self.assertEqual(list(batches_of(self.logs / f"{number.name}-0")), [])
                process.send_signal(number)
                self.assertEqual(process.wait(LONGEST_WAIT), 0)
                told = process.stderr.read().decode()
                self.assertIn("2 records in 1 batch", told)
                self.assertIn("5 bytes left out", told)
                self.assertEqual(self.values(topic=number.name), [b"one", b"two"])

    def test_an_ignored_signal_stays_ignored(self):
        """As nohup leaves SIGHUP, and a shell SIGINT of its background jobs."""
        process = self.appending("--linger", "20ms", before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        for i in range(2):
            process.stdin.write(b"line\n")
            process.stdin.flush()
            until(lambda: len(list(batches_of(self.logs / "t-0"))) == i + 1, "the line is in the log")
            process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(LONGEST_WAIT), 0)

    def test_killed_again_and_again_nothing_is_lost(self):
        """What could be read before the kill can be read after it, and the next one goes on behind it."""
        rounds, seed = 8, random.randrange(10**6)
        pick = random.Random(seed)
        written = 0
        for n in range(rounds):
            process = self.appending("--linger", "0ms", "--segment-bytes", "64KiB", "--batch-bytes", "2KiB")
            os.set_blocking(process.stdin.fileno(), False)
            goal = written + pick.randrange(20, 3000)
            line = written

            def feed():
                nonlocal line
                try:
                    # Any cut will do: a line that was cut goes with its process.
                    lines = b"".join(f"{i}:{'.' * (i % 97)}\n".encode() for i in range(line, line + 50))
                    if os.write(process.stdin.fileno(), lines) == len(lines):
                        line += 50
                    else:
                        return True
                except BlockingIOError:
                    pass
                found = list(batches_of(self.logs / "t-0"))
                return bool(found) and found[-1][0] >= goal

            until(feed, f"offset {goal} (seed {seed})", every=0)
            seen = list(batches_of(self.logs / "t-0"))
            process.kill()
            process.wait()
            self.append("--segment-bytes", "64KiB", lines=[f"round {n}".encode()])
            self.assertEqual(self.verify("--strict"), [], f"seed {seed}")
            now = list(batches_of(self.logs / "t-0"))
            self.assertEqual(now[: len(seen)], seen, f"seed {seed}")
            values = self.values()
            self.assertEqual(values[-1], f"round {n}".encode())
            new = values[written:-1]
            self.assertEqual(new, [f"{i}:{'.' * (i % 97)}".encode() for i in range(written, written + len(new))], seed)
            written = len(values)

    def test_torn_tail_is_told_and_mended(self):
        self.append(lines=[b"one"])
        self.append(lines=[b"two"])
        file = self.logs / "t-0" / f"{0:020d}.log"
        os.truncate(file, file.stat().st_size - 1)
        self.assertRegex(self.verify()[0], r"^note: t-0/0{20}\.log:\d+: torn")
        self.assertRegex(self.verify("--strict", expect=1)[0], "^error: .*torn")
        self.append(lines=[b"three"])
        self.assertRegex(self.err, r"mended: \d+ bytes behind the last whole batch cut off")
        self.assertEqual(self.values(), [b"one", b"three"])

    def test_one_writer_at_a_time(self):
        process = self.appending()
        until(lambda: (self.logs / "t-0" / ".lock").exists(), "it runs")
        until(lambda: list((self.logs / "t-0").glob("*.log")), "it has its segment")
        self.append(lines=[b"x"], expect=1)
        self.assertIn("another process writes to this partition", self.err)
        self.log("trim", "t", "--keep-bytes", 0, expect=1)
        self.assertIn("another process writes to this partition", self.err)
        self.append("--partition", 1, lines=[b"x"])
        process.stdin.close()
        self.assertEqual(process.wait(LONGEST_WAIT), 0)
        self.append(lines=[b"x"])
        a, b = ((self.logs / f"t-{i}" / "partition.metadata").read_text() for i in (0, 1))
        self.assertEqual(a, b)

    def test_a_broker_s_directory_is_left_alone(self):
        self.append(lines=[b"x"])
        with open(self.logs / ".lock", "w", encoding="ascii") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as the JVM does
            self.append(lines=[b"x"], expect=1)
            self.assertIn("a Kafka broker runs", self.err)
            self.log("trim", "t", "--keep-bytes", 0, expect=1)
            self.assertIn("a Kafka broker runs", self.err)
            self.assertEqual(self.verify(), [])
        self.append(lines=[b"x"])  # the file alone says nothing

    def test_a_full_disk(self):
        self.logs.mkdir()
        # The directory lies below the mount; what is left of it is copied out by the same shell.
        small = f"mount -t tmpfs -o size=512k none {self.logs}"
        around = self.behind_mounts(small)
        script = f"{BINARY} log append {self.logs} t --batch-bytes 8KiB; echo $?; cp -r {self.logs} {self.root}/left"
        lines = b"".join(f"{i:0500d}\n".encode() for i in range(2000))
        done = subprocess.run(
            [*around, "sh", "-c", script], input=lines, capture_output=True, timeout=LONGEST_WAIT, check=True
        )
        self.assertEqual(done.stdout, b"1\n")
        self.assertRegex(done.stderr.decode(), r"No space left on device; nothing is written from line \d+ on")
        self.logs = self.root / "left"
        self.assertEqual(self.verify("--strict"), [])
        values = self.values()
        self.assertGreater(len(values), 500)
        self.assertEqual(values, lines.split(b"\n")[: len(values)])
        self.append(lines=[b"room again"])
        self.assertNotIn("mended", self.err)

    def test_fsync(self):
        calls = {}
        for when in ("never", "batch", "3"):
            trace = self.root / f"trace-{when}"
            words = ["--fsync", when, "--batch-bytes", "1B", topic := f"fsync-{when}"]
            around = ["strace", "-f", "-e", "trace=fdatasync", "-o", str(trace)] if shutil.which("strace") else None
            if around is None:
                self.skipTest("there is no strace")
            self.log("append", words[-1], *words[:-1], input=b"a\n" * 9, around=around)
            calls[when] = trace.read_text().count("fdatasync(")
            self.assertEqual(len(self.values(topic=topic)), 9)
        # At the end the log and its two indexes are made durable, too, unless nobody asked for it.
        self.assertEqual(calls, {"never": 0, "batch": 9 + 3, "3": 3 + 3})

    def test_wrong_words(self):
        for words, told in (
            (["t/u"], "can't be a topic's name"),
            (["t", "--codec", "brotli"], "brotli"),
            (["t", "--fsync", "sometimes"], "never, batch, or a number"),
            (["t", "--fsync", "0"], "never, batch, or a number"),
            (["t", "--linger", "5"], "--linger"),
            (["t", "--segment-bytes", "3GiB"], "must be"),
            (["t", "--batch-bytes", "4k"], "KiB"),
            (["t", "--partition", "-1"], "partition"),
        ):
            with self.subTest(words):
                self.log("append", *words, expect=2)
                self.assertIn(told, self.err)
        self.assertFalse(self.logs.exists())
        self.log("trim", "t", expect=2)
        self.log("trim", "t", "--before", 1, "--keep-bytes", 1, expect=2)
        for command in ("list", "verify"):
            self.log(command, expect=1)
            self.assertIn("No such file", self.err)
        self.logs = self.root / "no" / "such"
        self.append(lines=[b"x"], expect=1)
        self.assertIn("No such file", self.err)


class Show(LogCase):
    def test_list(self):
        self.append("--segment-bytes", "4KiB", "--batch-bytes", "1KiB", lines=[b"x" * 100] * 100, topic="many")
        self.append("--partition", 3, lines=[b"x"], topic="many")
        self.append(lines=[], topic="empty")
        (self.logs / "not a partition").mkdir()
        (self.logs / "file-0.log").touch()
        rows = [line.split() for line in self.log("list").splitlines()[1:]]
        self.assertEqual(
            [row[:4] for row in rows],
            [["empty", "0", "0", "0"], ["many", "0", "0", "100"], ["many", "3", "0", "1"]],
        )
        listed = [json.loads(line) for line in self.log("list", "--json").splitlines()]
        self.assertEqual([(p["topic"], p["partition"], p["log_start"], p["end"]) for p in listed],
                         [("empty", 0, 0, 0), ("many", 0, 0, 100), ("many", 3, 0, 1)])  # fmt: skip
        files = list((self.logs / "many-0").glob("*.log"))
        self.assertEqual(listed[1]["segments"], len(files))
        self.assertEqual(listed[1]["bytes"], sum(f.stat().st_size for f in files))

    def test_dump(self):
        self.append("--key-separator", ":", "--batch-bytes", "1B", lines=[b"k:v", b"\x1b[31m\xff", b"x"])
        text = self.log("dump", "t").splitlines()
        self.assertRegex(text[0], r"^batch 0-0 at 0{20}\.log:0, \d+ bytes, 1 record, 20\d\d-\d\d-\d\dT[\d:.]+Z$")
        self.assertRegex(text[1], r'^0  20\S+Z  "k"  "v"$')
        self.assertRegex(text[3], r'^1  20\S+Z  null  "\\u001b\[31m\\u00ff"$')
        found = self.dump()
        self.assertEqual([(r["offset"], r["key"]) for r in found], [(0, "k"), (1, None), (2, None)])
        self.assertEqual(found[1]["value_base64"], "G1szMW3/")
        self.assertEqual([r["offset"] for r in self.dump("--from", 1, "--count", 1)], [1])
        self.assertEqual([b["base_offset"] for b in self.dump("--batches", "--from", 1)], [1, 2])
        self.assertEqual(len(self.log("dump", "t", "--batches").splitlines()), 3)
        self.log("dump", "other", expect=1)

    def test_dump_of_transactions(self):
        self.logs.mkdir()
        partition = kafka_log.Partition(self.logs, "t")
        partition.append(b"a", None, attributes=kafka_log.TRANSACTIONAL, producer=7)
        partition.mark(7, kafka_log.COMMIT)
        partition.skip(5)
        partition.append(b"b", attributes=kafka_log.TRANSACTIONAL, producer=7)
        partition.mark(7, kafka_log.ABORT)
        text = self.log("dump", "t")
        self.assertRegex(text, r"(?m)^batch 0-1 .*, transactional, producer 7 epoch 0 sequence 0, 2023")
        self.assertRegex(text, r"(?m)^batch 2-2 .*, control, transactional")
        self.assertRegex(text, r"(?m)^2  \S+Z  commit of producer 7$")
        self.assertRegex(text, r"(?m)^9  \S+Z  abort of producer 7$")
        self.assertEqual([r.get("control") for r in self.dump()], [None, None, "commit", None, "abort"])

    def test_dump_shows_what_it_can(self):
        self.append(lines=[b"first"])
        self.append(lines=[b"second"])
        self.append(lines=[b"third"])
        file = self.logs / "t-0" / f"{0:020d}.log"
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 1
        file.write_bytes(data[:-1])
        text = self.log("dump", "t", expect=1)
        self.assertIn('"first"', text)
        self.assertRegex(text, r"(?m)^! 0{20}\.log:\d+: wrong CRC$")
        self.assertRegex(text, r"(?m)^! 0{20}\.log:\d+: torn batch of \d+ bytes left$")


class Verify(LogCase):
    """Each fault is told once, at its place."""

    def setUp(self):
        super().setUp()
        lines = [f"{i:0300d}".encode() for i in range(300)]
        self.append("--batch-bytes", "3KiB", "--segment-bytes", "40KiB", lines=lines)
        self.assertEqual(self.verify(), [])
        self.partition = self.logs / "t-0"
        self.segments = sorted(self.partition.glob("*.log"))
        self.assertGreater(len(self.segments), 2)

    def spoil(self, file, how):
        data = bytearray(file.read_bytes())
        file.write_bytes(how(data) or data)

    def found(self, *patterns):
        told = self.verify(expect=1)
        self.assertEqual(len(told), len(patterns), told)
        for line, pattern in zip(told, patterns):
            self.assertRegex(line, "^error: " + pattern)

    def flip(self, at):
        def how(data):
            data[at] ^= 1

        return how

    def test_a_wrong_byte(self):
        file = self.segments[1]
        self.spoil(file, self.flip(100))
        self.found(rf"t-0/{file.name}:0: batch at offset \d+: wrong CRC")

    def test_a_head_that_is_none(self):
        file = self.segments[1]
        self.spoil(file, self.flip(8))  # the length becomes negative, or huge
        self.assertTrue(any(line.startswith(f"error: t-0/{file.name}:0: ") for line in self.verify(expect=1)))

    def test_a_sealed_segment_that_is_torn(self):
        file = self.segments[0]
        self.spoil(file, lambda data: data[:-10])
        told = self.verify(expect=1)
        self.assertRegex(told[-1], rf"^error: t-0/{file.name}:\d+: torn: the last \d+ bytes are no whole batch")

    def test_an_offset_that_goes_back(self):
        file = self.segments[2]

        def how(data):
            data[:8] = bytes(8)

        self.spoil(file, how)
        self.assertRegex(self.verify(expect=1)[0], rf"t-0/{file.name}:0: batch at offset 0: below \d+")

    def test_segments_that_overlap(self):
        for suffix in ("log", "index", "timeindex"):
            shutil.copy(self.segments[1].with_suffix(f".{suffix}"), self.partition / f"{1:020d}.{suffix}")
        self.assertTrue(any("begins below" in line for line in self.verify(expect=1)))

    def test_indexes(self):
        index = self.segments[1].with_suffix(".index")
        times = self.segments[1].with_suffix(".timeindex")
        right = {file: file.read_bytes() for file in (index, times)}
        self.assertGreater(len(right[index]), 24)
        first = struct.unpack(">ii", right[index][:8])
        cases = [
            (index, lambda d: struct.pack(">ii", first[0], first[1] + 1) + d[8:], ":0: .*no batch begins there"),
            (index, lambda d: struct.pack(">ii", first[0] - 1, first[1]) + d[8:], ":0: .*the batch there ends at"),
            (index, lambda d: d[:8] + d, ":8: .*does not ascend"),
            (index, lambda d: d + struct.pack(">ii", 2**20, 2**24), r":\d+: leads beyond the end"),
            (index, lambda d: d + b"abc", r":\d+: bytes behind the last entry"),
            (times, lambda d: struct.pack(">q", 5) + d[8:], ":0: timestamp 5 .*the largest is"),
            (times, lambda d: d[:12] + d, ":12: .*does not ascend"),
        ]
        for file, how, told in cases:
            with self.subTest(told):
                file.write_bytes(how(right[file]))
                lines = self.verify(expect=1)
                self.assertRegex(lines[0], f"^error: t-0/{file.name}{told}")
                file.write_bytes(right[file])
        index.unlink()
        self.found(f"t-0/{index.name}:0: missing")
        index.write_bytes(right[index] + bytes(800))  # room that a broker reserves
        self.assertEqual(self.verify(), [])

    def test_one_topic_of_several(self):
        self.append(lines=[b"x"], topic="right")
        self.spoil(self.segments[0], self.flip(100))
        self.assertEqual(self.verify("right"), [])
        self.verify("t", expect=1)
        self.verify("none", expect=1)

    def test_while_somebody_writes(self):
        process = self.appending("--linger", "0ms", "--batch-bytes", "1KiB", "--segment-bytes", "40KiB")
        for _ in range(20):
            process.stdin.write(b"".join(f"{i:050d}\n".encode() for i in range(200)))
            process.stdin.flush()
            self.assertFalse([line for line in self.verify() if not line.startswith("note: ")])
        process.stdin.close()
        self.assertEqual(process.wait(LONGEST_WAIT), 0)


class Trim(LogCase):
    def setUp(self):
        super().setUp()
        self.lines = [f"{i:0100d}".encode() for i in range(500)]
        self.append("--batch-bytes", "1KiB", "--segment-bytes", "10KiB", lines=self.lines)
        self.partition = self.logs / "t-0"
        self.bases = [int(file.stem) for file in self.segments()]
        self.assertGreater(len(self.bases), 4)

    def segments(self):
        return sorted(self.partition.glob("*.log"))

    def left(self):
        return [int(file.stem) for file in self.segments()]

    def test_before(self):
        self.log("trim", "t", "--before", self.bases[1] - 1)
        self.assertEqual(self.left(), self.bases)
        out = self.log("trim", "t", "--before", self.bases[2])
        self.assertEqual(self.left(), self.bases[2:])
        self.assertIn(f"{self.bases[1]:020d}.log is gone", out)
        self.assertIn(f"begins at offset {self.bases[2]}", out)
        self.assertEqual([f for f in self.partition.iterdir() if f.stem == f"{0:020d}"], [])
        self.assertEqual(self.values()[0], f"{self.bases[2]:0100d}".encode())
        self.assertEqual(self.verify(), [])
        self.log("trim", "t", "--before", 10**9)
        self.assertEqual(self.left(), self.bases[-1:], "the last one stays")
        self.append(lines=[b"goes on"])
        self.assertEqual(self.dump()[-1]["offset"], 500)

    def test_keep_bytes(self):
        size = sum(file.stat().st_size for file in self.segments())
        self.log("trim", "t", "--keep-bytes", f"{size}B")
        self.assertEqual(self.left(), self.bases)
        self.log("trim", "t", "--keep-bytes", "20KiB")
        kept = sum(file.stat().st_size for file in self.segments())
        self.assertTrue(20 * 1024 <= kept <= 30 * 1024, kept)

    def test_older_than(self):
        self.log("trim", "t", "--older-than", "1h")
        self.assertEqual(self.left(), self.bases)
        until(lambda: time.time() * 1000 > self.dump()[-1]["timestamp"] + 1, "a moment later")
        self.log("trim", "t", "--older-than", "1ms")
        self.assertEqual(self.left(), self.bases[-1:])

    def test_each_partition_or_one(self):
        self.append("--partition", 1, "--segment-bytes", "10KiB", lines=self.lines)
        self.log("trim", "t", "--partition", 1, "--keep-bytes", 0)
        self.assertEqual(self.left(), self.bases)
        self.assertEqual(len(list((self.logs / "t-1").glob("*.log"))), 1)
        self.log("trim", "t", "--keep-bytes", 0)
        self.assertEqual(self.left(), self.bases[-1:])


class AccessTopic(LogCase):
    """The access log of Sluice itself, which is at work on it."""

    def setUp(self):
        super().setUp()
        self.logs.mkdir()
        config = self.http_config([], routes=[{"path": "/", "respond": {"body": "hello"}}])
        del config["upstreams"], config["routes"][-1]
        self.config = {**config, "access_log": {"topic": "access", "directory": str(self.logs)}}

    def targets(self, count):
        """Of the lines, as soon as there are `count`."""

        def found():
            values = [json.loads(record["value"]) for record in self.dump(topic="access")]
            return values if len([v for v in values if v["target"] != "/status"]) >= count else None

        return [value["target"] for value in until(found, f"{count} lines") if value["target"] != "/status"]

    def test_its_lines_are_records(self):
        sluice = self.start(self.config)
        for i in range(20):
            self.assertEqual(get(self.port, f"/{i}").text, "hello")
        self.assertEqual(self.targets(20), [f"/{i}" for i in range(20)])
        self.log("append", "access", input=b"x\n", expect=1)
        self.assertIn("another process writes", self.err)

        sluice.signal(signal.SIGUSR1)
        sluice.reload({**self.config, "access_log": {**self.config["access_log"], "queue": 1000}})
        sluice.wait_for_stderr("reloaded")
        get(self.port, "/after")
        self.assertEqual(self.targets(21)[-1], "/after")
        sluice.stop()
        self.assertEqual(self.verify(), [])
        listed = [json.loads(line) for line in self.log("list", "--json").splitlines()]
        self.assertEqual([(p["topic"], p["partition"], p["log_start"]) for p in listed], [("access", 0, 0)])

    def test_another_topic_and_back_to_a_file(self):
        sluice = self.start(self.config)
        get(self.port, "/first")
        sluice.reload({**self.config, "access_log": {"topic": "other", "directory": str(self.logs)}})
        sluice.wait_for_stderr("reloaded")
        get(self.port, "/second")
        until(lambda: "/second" in self.log("dump", "other"), "the line in the other topic")
        self.assertEqual(self.targets(1), ["/first"])
        self.append(lines=[b"nobody writes here any more"], topic="access")
        sluice.reload({**self.config, "access_log": {"file": str(sluice.log)}})
        until(lambda: "reloaded" in sluice.stderr().partition("reloaded")[2], "the second reload")
        get(self.port, "/third")
        sluice.log_line("/third")

    def test_killed_and_started_again(self):
        sluice = self.start(self.config)
        get(self.port, "/before")
        self.assertEqual(self.targets(1), ["/before"])
        sluice.kill()
        with open(self.logs / "access-0" / f"{0:020d}.log", "ab") as file:
            file.write(b"half a batch")
        self.start(self.config)
        get(self.port, "/after")
        self.assertEqual(self.targets(2), ["/before", "/after"])
        self.assertEqual(self.verify(), [])

    def test_somebody_else_writes_the_topic(self):
        process = self.appending(topic="access")
        until(lambda: list(self.logs.glob("access-0/*.log")), "it runs")
        sluice = self.start(self.config, wait=False, expected_errors=[".*"])
        self.assertEqual(sluice.wait_for_exit(), 1)
        self.assertIn("another process writes", sluice.stderr())
        process.stdin.close()

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_another_user_goes_on_writing_what_root_made(self):
        os.chmod(self.root, 0o755)
        config = {**self.config, "user": "nobody"}
        config["access_log"] = {**config["access_log"], "retain": "1MiB"}
        sluice = self.start(config)
        # Until a segment is full, which is an eighth of it, and another one is made.
        with Connection(self.port) as connection:
            for i in range(400):
                connection.get(f"/{'x' * 1000}")
        until(lambda: len(list(self.logs.glob("access-0/*.log"))) > 1, "a second segment")
        sluice.stop()
        self.assertEqual(self.verify(), [])


if __name__ == "__main__":
    unittest.main()
