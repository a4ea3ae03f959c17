"""Members of consumer groups, each a real client in a process of its own, and what has to hold for every kind of them.

A member prints what happens to it, a line each:

    assigned [0, 2]
    record PARTITION OFFSET VALUE          the value as told() has it

and leaves when it reads a line on standard input.
"""

import hashlib
import json
import os
import re
import subprocess
import threading
from collections import defaultdict

from waiting import LONGEST_WAIT, until

PATIENCE = 2 * LONGEST_WAIT  # rebalances wait for members


def told(value):
    return f"{len(value)}:" + (value.hex() if len(value) <= 32 else hashlib.sha1(value).hexdigest())


def values(partition, first, count):
    """Records that tell where they belong; keys and values hold any byte but TAB and newline."""
    clean = bytes.maketrans(b"\t\n", b"TN")
    every = bytes(range(256)).translate(clean)
    made = []
    for offset in range(first, first + count):
        # Some compress, some don't.
        noise = hashlib.shake_128(b"%d-%d" % (partition, offset)).digest(offset * 7 % 400).translate(clean)
        made.append((b"key-%d" % offset, b"%d-%d " % (partition, offset) + (noise if offset % 2 else every)))
    return made


class Member:
    def __init__(self, command, environment=None, errors=subprocess.PIPE):
        self.assigned = []
        self.runs = []  # of records, each since an assignment: {partition: [(offset, value)]}
        self.lines = []
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self._streams = [stream for stream in (self.process.stdout, self.process.stderr) if stream]
        self._threads = [threading.Thread(target=self._read, args=(stream,), daemon=True) for stream in self._streams]
        for thread in self._threads:
            thread.start()

    def _read(self, stream):
        for line in stream:
            self.understand(line.rstrip(b"\n"))

    def understand(self, line):
        words = line.decode(errors="replace").split(" ", 3)
        if words[0] == "assigned":
            self.now_has(json.loads(line[len("assigned ") :]))
        elif words[0] == "record":
            self.got(int(words[1]), int(words[2]), words[3])
        else:
            self.lines.append(line)

    def now_has(self, partitions):
        self.runs.append(defaultdict(list))
        self.assigned = sorted(partitions)

    def got(self, partition, offset, value):
        self.runs[-1][partition].append((offset, value))

    def records(self):
        """{(partition, offset): value}"""
        return {(p, o): value for run in list(self.runs) for p, of in list(run.items()) for o, value in list(of)}

    def leave(self):
        self.process.stdin.write(b"\n")
        self.process.stdin.close()
        self._end()

    def _end(self):
        code = self.process.wait(PATIENCE)
        for thread in self._threads:
            thread.join(PATIENCE)
        if code != 0:
            raise AssertionError(f"a member ended with {code}: {self.said()}")

    def said(self):
        return b"\n".join(self.lines[-30:]).decode(errors="replace")

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join()
        for stream in (self.process.stdin, *self._streams):
            stream.close()


class Kcat(Member):
    """It tells assignments among its messages, so these come the same way as the records: their order matters."""

    def __init__(self, server, group, topic, *more):
        options = ["auto.offset.reset=earliest", "auto.commit.interval.ms=100", "heartbeat.interval.ms=300",
                   "session.timeout.ms=6000", "check.crcs=true", *more]  # fmt: skip
        command = ["kcat", "-u", "-b", server.address, "-f", "record %p %o %s\n"]
        super().__init__([*command, *(word for option in options for word in ("-X", option)), "-G", group, topic],
                         errors=subprocess.STDOUT)  # fmt: skip

    def understand(self, line):
        if line.startswith(b"record "):
            _, partition, offset, value = line.split(b" ", 3)
            self.got(int(partition), int(offset), told(value))
        elif found := re.match(rb"% Group .* rebalanced .*: (assigned|revoked): ?(.*)", line):
            numbers = [int(n) for n in re.findall(rb"\[(\d+)\]", found[2])]
            self.now_has(numbers if found[1] == b"assigned" else [])
        else:
            self.lines.append(line)

    def leave(self):
        self.process.terminate()
        self._end()


class GroupTests:
    """Mixed into a test case that has start_server() and member(server, group, topic)."""

    PARTITIONS = 4
    TOPIC = "shared"
    LETS_GO_AT_ONCE = True  # of what it had, when it joins again; some still get what a fetch under way brings

    def grow(self, server, count):
        for partition in range(self.PARTITIONS):
            server.append(self.TOPIC, partition, values(partition, self.written, count))
        self.written += count

    def prepare(self, count):
        server = self.start_server()
        self.written = 0
        server.make_topic(self.TOPIC, self.PARTITIONS)
        self.grow(server, count)
        return server

    def wanted(self, first=0):
        return {
            (partition, first + n): told(value)
            for partition in range(self.PARTITIONS)
            for n, (_, value) in enumerate(values(partition, first, self.written - first))
        }

    def until_read(self, *members, first=0):
        """Every record from `first` on has come to one of them, and is the one that was written."""
        wanted = self.wanted(first)

        def read():
            found = {}
            for member in members:
                found |= member.records()
            return found

        def missing():
            lacking = sorted(set(wanted) - set(read()))
            return f"{len(lacking)} records missing, the first: {lacking[:5]}\n" + "\n".join(m.said() for m in members)

        until(lambda: set(read()) >= set(wanted), missing, PATIENCE)
        everything = self.wanted()
        for where, value in read().items():
            self.assertEqual(value, everything[where], where)

    def assert_in_order(self, member):
        for run in member.runs:
            for partition, records in run.items():
                offsets = [offset for offset, _ in records]
                self.assertEqual(offsets, list(range(offsets[0], offsets[0] + len(offsets))), f"partition {partition}")

    def until_shared(self, *members):
        every = list(range(self.PARTITIONS))
        share = self.PARTITIONS // len(members)

        def shared():
            parts = [member.assigned for member in members]
            return sorted(sum(parts, [])) == every and all(len(part) == share for part in parts)

        until(shared, lambda: f"shares: {[m.assigned for m in members]}\n" + "\n".join(m.said() for m in members), PATIENCE)

    def test_two_members_share_and_rebalance(self):
        server = self.prepare(300)
        first = self.member(server, "sharing", self.TOPIC)
        self.until_shared(first)
        self.until_read(first)
        second = self.member(server, "sharing", self.TOPIC)
        self.until_shared(first, second)
        before = self.written
        self.grow(server, 100)
        self.until_read(first, second, first=before)
        for member in (first, second):
            new = {partition for partition, offset in member.records() if offset >= before}
            self.assertLessEqual(set(member.assigned), new)
            if self.LETS_GO_AT_ONCE:
                self.assertEqual(sorted(new), member.assigned)
        second.leave()
        self.until_shared(first)
        before = self.written
        self.grow(server, 50)
        self.until_read(first, first=before)
        self.until_read(first, second)
        first.leave()
        for member in (first, second):
            self.assert_in_order(member)

    def test_offsets_survive_client_and_server(self):
        server = self.prepare(100)
        member = self.member(server, "lasting", self.TOPIC)
        self.until_read(member)
        member.leave()
        server.stop()
        server.start()
        before = self.written
        self.grow(server, 20)
        again = self.member(server, "lasting", self.TOPIC)
        self.until_read(again, first=before)
        self.assertEqual(min(offset for _, offset in again.records()), before, "what was committed is read again")
        again.leave()
        self.assert_in_order(again)
