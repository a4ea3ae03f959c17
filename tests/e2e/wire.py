"""A body on its way between two ends that one test plays: each may know how far the other has come."""

import bisect
import hashlib
import threading
import time

from client import Body, Pattern
from waiting import LONGEST_WAIT

PIECE = 9973  # bytes a slow sender sends at a time: no buffer, chunk or page ends where they do
SEGMENT = 536  # bytes a sender of small segments writes at a time


class Wire:
    """The bytes a body is sent as; of each part, whether it is payload or framing."""

    def __init__(self, *parts):
        self.data = b"".join(data for data, _ in parts)
        self._marks = [(0, 0, False)]  # (where a part begins, the payload before it, whether it is payload)
        at = self.size = 0
        for data, is_payload in parts:
            self._marks.append((at, self.size, is_payload))
            at += len(data)
            self.size += len(data) if is_payload else 0

    def payload_before(self, at):
        """How much of the payload has been sent when this many bytes have."""
        begin, payload, is_payload = self._marks[bisect.bisect(self._marks, at, key=lambda mark: mark[0]) - 1]
        return payload + (at - begin if is_payload else 0)

    @classmethod
    def pattern(cls, size, offset=0):
        return cls((Pattern.at(offset, size), True))

    @classmethod
    def chunks(cls, size, sizes, end):
        """The pattern in chunks of `sizes`, over and over, each with an extension."""
        parts, at = [], 0
        while at < size:
            for chunk in sizes:
                if data := Pattern.at(at, min(chunk, size - at)):
                    parts += [(b"%X;note=1\r\n" % len(data), False), (data, True), (b"\r\n", False)]
                at += len(data)
        return cls(*parts, (end, False))


def send_in_step(end, wire, arrival):
    """Each piece leaves when all before it has arrived, so whoever is between finds its source dry each time.

    A tail that is held back for 200 ms, as MSG_MORE does, makes this last too long.
    """
    end_time = time.monotonic() + LONGEST_WAIT
    for at in range(0, len(wire.data), PIECE):
        arrival.wait_for(wire.payload_before(at))
        if time.monotonic() > end_time:
            raise AssertionError(f"{at} bytes took {LONGEST_WAIT:g} s")
        end.send(wire.data[at : at + PIECE])


def send_in_segments(end, wire):
    """Each write is a segment of its own, and takes a slot of a pipe of its own."""
    for at in range(0, len(wire.data), SEGMENT):
        end.send(wire.data[at : at + SEGMENT])


class Enough(Exception):
    """The reader has got what it wanted."""


class Arrival(Body):
    """A body as it has arrived so far.

    `enough`: the size at which its reader stops, by Enough. `pause`: seconds a slow reader takes over each piece.
    """

    KEEP = 0

    def __init__(self, expected, enough=None, pause=0.0):
        super().__init__(expected)
        self._enough = enough
        self._pause = pause
        self._digest = hashlib.sha256()
        self._change = threading.Condition()

    def take(self, data):
        super().take(data)
        self._digest.update(data)
        with self._change:
            self._change.notify_all()
        if self._enough and self.size >= self._enough:
            raise Enough
        if self._pause:
            time.sleep(self._pause)

    def digest(self):
        return self._digest.hexdigest()

    def wait_for(self, size):
        with self._change:
            if not self._change.wait_for(lambda: self.size >= size, LONGEST_WAIT):
                raise AssertionError(f"{self.size} bytes arrived instead of {size}")

    def read_to_end(self, end):
        """All that comes from `end`; how it ended."""
        try:
            while data := end.read_some():
                self.take(data)
            return "whole"
        except ConnectionResetError:
            return "reset"
