"""Where a long run is: one line that is written anew on a terminal, or a line every 30 seconds elsewhere."""

import sys
import time


def clock(seconds):
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


class Progress:
    """Counts steps, of which all take about as long."""

    EVERY = 30  # seconds

    def __init__(self, steps, out=sys.stderr):
        self.steps, self.done = steps, 0
        self._out = out
        self._began = self._told = time.monotonic()

    def now(self, what):
        """Tells what is done now."""
        passed = time.monotonic() - self._began
        left = f", {clock(passed / self.done * (self.steps - self.done))} left" if self.done else ""
        line = f"[{self.done}/{self.steps}{left}] {what}"
        if self._out.isatty():
            self._out.write(f"\r\x1b[K{line[:110]}")
        elif time.monotonic() - self._told >= self.EVERY:
            self._told = time.monotonic()
            self._out.write(line + "\n")
        self._out.flush()

    def step(self, count=1):
        self.done += count

    def line(self, text):
        """A line that stays."""
        self._out.write(f"\r\x1b[K{text}\n" if self._out.isatty() else f"{text}\n")
        self._out.flush()
