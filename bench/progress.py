"""Where a long run is: one line that is written anew on a terminal, or a line every 30 seconds elsewhere."""

import sys
import time


def clock(seconds):
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


class Progress:
    """Counts steps. What is left of the time follows from the seconds that all of them were expected to take."""

    EVERY = 30  # seconds

    def __init__(self, steps, expected, out=sys.stderr):
        self.steps, self.done = steps, 0
        self._expected, self._passed = expected, 0.0
        self._out = out
        self._began = self._told = time.monotonic()

    def now(self, what):
        """Tells what is done now."""
        passed = time.monotonic() - self._began
        left = ""
        if self._passed > 0:
            left = f", {clock(passed / self._passed * max(0.0, self._expected - self._passed))} left"
        line = f"[{self.done}/{self.steps}{left}] {what}"
        if self._out.isatty():
            self._out.write(f"\r\x1b[K{line[:110]}")
        elif time.monotonic() - self._told >= self.EVERY:
            self._told = time.monotonic()
            self._out.write(line + "\n")
        self._out.flush()

    def step(self, expected, count=1):
        """`count` steps are done, for which so many seconds were expected."""
        self.done += count
        self._passed += expected

    def line(self, text):
        """A line that stays."""
        self._out.write(f"\r\x1b[K{text}\n" if self._out.isatty() else f"{text}\n")
        self._out.flush()
