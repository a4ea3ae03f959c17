"""What may become of a connection on which something was sent, and a look at what did."""

from dataclasses import dataclass

from http2.frames import CODES, NO_ERROR


def _name(code):
    return CODES[code] if code is not None and code < len(CODES) else str(code)


@dataclass(frozen=True)
class Closes:
    """A connection error: GOAWAY with this code, and then the end (RFC 9113 §5.4.1)."""

    code: int

    def __str__(self):
        return "closes without GOAWAY" if self.code is None else f"closes {_name(self.code)}"


@dataclass(frozen=True)
class Resets:
    """A stream error: RST_STREAM with this code; the connection goes on (§5.4.2)."""

    code: int
    stream: int = 1

    def __str__(self):
        return f"resets {self.stream} {_name(self.code)}"


@dataclass(frozen=True)
class Answers:
    """A whole response; the connection goes on. No status: any but 400."""

    status: int = None
    stream: int = 1

    def __str__(self):
        return f"answers {self.stream} with {self.status or 'any but 400'}"

    def fits(self, status):
        return status == self.status if self.status else status != 400


@dataclass(frozen=True)
class GoesOn:
    """Nothing at all but answers to SETTINGS and PING."""

    def __str__(self):
        return "goes on"


def outcome(connection, wanted):
    """Which of `wanted` came true, or what came instead."""
    streams = [w.stream for w in wanted if not isinstance(w, (Closes, GoesOn))]
    if any(isinstance(w, Answers) for w in wanted):
        for number in streams:
            connection.response(number)
    for turn in b"first", b"again":  # the second is answered when all that the first found in the queue has left it
        if not connection.over and connection.goaway in (None, NO_ERROR):
            connection.alive(turn.ljust(8))
    if connection.goaway not in (None, NO_ERROR):
        connection.until(lambda: False, "the end behind GOAWAY")
        return Closes(connection.goaway)
    if connection.over:
        return Closes(connection.goaway)
    for number in streams or sorted(connection.streams):
        stream = connection.stream(number)
        if stream.reset is not None and not (stream.ended and stream.reset == NO_ERROR):
            return Resets(stream.reset, number)
    for number in streams:
        if connection.streams[number].ended:
            status = connection.streams[number].status
            fitting = [w for w in wanted if isinstance(w, Answers) and w.stream == number and w.fits(status)]
            return fitting[0] if fitting else Answers(status, number)
    return GoesOn()
