"""What a long run tells on its way."""

import io
import re
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from progress import Progress  # noqa: E402


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Tells(unittest.TestCase):
    def test_one_line_that_is_written_anew_on_a_terminal(self):
        out = Terminal()
        progress = Progress(steps=4, expected=8, out=out)
        progress.now("first")
        progress.step(expected=2)
        progress.now("second")
        self.assertNotIn("\n", out.getvalue())
        lines = out.getvalue().split("\r\x1b[K")[1:]
        self.assertEqual(lines[0], "[0/4] first")
        self.assertRegex(lines[1], r"^\[1/4, \d+:\d\d left\] second$")

    def test_a_line_now_and_then_elsewhere(self):
        out = io.StringIO()
        progress = Progress(steps=4, expected=8, out=out)
        for n in range(4):
            progress.now(f"step {n}")
            progress.step(expected=2)
        self.assertEqual(out.getvalue(), "")  # it is not yet 30 seconds
        progress.EVERY = 0
        progress.now("end")
        progress.line("table: done")
        self.assertEqual(re.sub(r", \d+:\d\d left", "", out.getvalue()), "[4/4] end\ntable: done\n")


if __name__ == "__main__":
    unittest.main()
