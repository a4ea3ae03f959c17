"""What strace and perf write, read; and that both count what a process does, where this machine lets them."""

import os
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import calls  # noqa: E402
import perf  # noqa: E402
from work import Absent  # noqa: E402

# It reads a line and writes a line.
ECHO = "import os\nwhile os.read(0, 9): os.write(1, b'.')\n"


class Echo(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.process.stdout.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.stdin.close)
        self.ask()  # it is there, and will do nothing else any more

    def ask(self, times=1):
        for _ in range(times):
            self.process.stdin.write(b"?")
            self.process.stdin.flush()
            self.assertEqual(self.process.stdout.read(1), b".")


class Calls(Echo):
    def test_are_counted_by_name(self):
        if why := calls.unsupported():
            self.skipTest(why)
        with calls.tracing([self.process.pid]) as counted:
            self.ask(10)
        self.assertEqual(counted["write"], 10)
        self.assertIn(counted["read"], (9, 10, 11))  # it is in one at the beginning, and in one at the end

    def test_where_nobody_may_be_traced_strace_says_why(self):
        with tempfile.TemporaryDirectory() as directory:
            strace = Path(directory) / "strace"
            strace.write_text("#!/bin/sh\necho Operation not permitted >&2\nexit 1\n")
            strace.chmod(0o755)
            with unittest.mock.patch.dict(os.environ, {"PATH": f"{directory}:{os.environ['PATH']}"}):
                with self.assertRaisesRegex(Absent, "Operation not permitted"), calls.tracing([self.process.pid]):
                    self.fail("it is not traced")


class Summary(unittest.TestCase):
    def test_is_read(self):
        text = "syscall             calls\n----------------- ---------\nsplice               20\nepoll_wait            5\ntotal    25\n"
        self.assertEqual(calls.parse(text), {"splice": 20, "epoll_wait": 5})

    def test_what_both_loads_have_is_of_no_request(self):
        short, long = {"accept4": 16, "read": 100}, {"accept4": 16, "read": 300, "write": 400}
        told = calls.per_request(short, long, 200)
        self.assertEqual(told, {"per_request": 3.0, "by_name": {"write": 2.0, "read": 1.0}})

    def test_of_no_more_requests_is_none(self):
        self.assertIsNone(calls.per_request({}, {"read": 1}, 0))


class Counters(Echo):
    def test_are_those_of_the_block(self):
        software = {"faults": "page-faults", "clock": "task-clock"}  # which every machine has
        probe = ["perf", "stat", "-x,", "-e", "task-clock", "-p", str(self.process.pid), "--", "true"]
        try:
            done = subprocess.run(probe, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            self.skipTest("perf is not installed")
        if done.returncode != 0:
            self.skipTest(f"perf can't count here: {done.stderr.strip()}")
        with perf.counting([self.process.pid], software) as counted:
            self.ask(10)
        self.assertEqual(set(counted), set(software))
        self.assertGreater(counted["clock"], 0)

    def test_are_read(self):
        text = "# started on Sat\n\n<not supported>,,cycles,0,100.00,,\n4711,,instructions:u,1221917,100.00,1.5,insn per cycle\n"
        read = perf.parse(text, {"cycles": "cycles", "instructions": "instructions", "cache_misses": "cache-misses"})
        self.assertEqual(read, {"cycles": None, "instructions": 4711.0, "cache_misses": None})


if __name__ == "__main__":
    unittest.main()
