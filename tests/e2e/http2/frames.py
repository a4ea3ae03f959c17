"""HTTP/2 by hand: frames as bytes, right ones and wrong ones, and a client that keeps all that comes back.

What is sent is made here bit by bit (RFC 9113 §4, §6; RFC 7541 §5, §6), so that it can be wrong on purpose. What
comes back is read strictly; field blocks are decoded by python3-hpack.
"""

import ssl
import struct
from dataclasses import dataclass, field

from client import Connection, Cut
from hpack import Decoder
from waiting import LONGEST_WAIT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
PRIORITY_UPDATE = 0x10
KINDS = ("DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
         "CONTINUATION")  # fmt: skip

END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20

(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE,
 MAX_HEADER_LIST_SIZE) = range(1, 7)  # fmt: skip
ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 0x8, 0x9

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
 REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM) = range(12)  # fmt: skip
CODES = ("NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
         "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR",
         "ENHANCE_YOUR_CALM")  # fmt: skip

# --- frames out ---------------------------------------------------------------------------------------------------


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    """`length`: what the frame says of itself, when that shall be a lie."""
    size = len(payload) if length is None else length
    return struct.pack(">BHBBI", size >> 16, size & 0xFFFF, kind, flags, stream) + payload


def data(stream, payload=b"", end=False, flags=0):
    return frame(DATA, flags | (END_STREAM if end else 0), stream, _bytes(payload))


def headers(stream, block, end=True, last=True, flags=0):
    """`block`: what block() gives. `last`: END_HEADERS, so no CONTINUATION follows."""
    return frame(HEADERS, flags | (END_STREAM if end else 0) | (END_HEADERS if last else 0), stream, block)


def continuation(stream, block, last=True):
    return frame(CONTINUATION, END_HEADERS if last else 0, stream, block)


def depends(on, weight=16, exclusive=False):
    return struct.pack(">IB", on | (1 << 31 if exclusive else 0), weight - 1)


def priority(stream, on=0, weight=16, exclusive=False):
    return frame(PRIORITY, 0, stream, depends(on, weight, exclusive))


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def ping(payload=b"any ping", flags=0, stream=0):
    return frame(PING, flags, stream, payload)


def goaway(last=0, code=NO_ERROR, stream=0):
    return frame(GOAWAY, 0, stream, struct.pack(">II", last, code))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def priority_update(prioritized, value="u=3", stream=0):
    """RFC 9218 §7.1"""
    return frame(PRIORITY_UPDATE, 0, stream, struct.pack(">I", prioritized) + _bytes(value))


# --- field blocks out ---------------------------------------------------------------------------------------------


def integer(value, bits, first=0):
    """RFC 7541 §5.1: `bits` of prefix in an octet whose other bits are those of `first`."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    octets = bytearray([first | most])
    value -= most
    while value >= 128:
        octets.append(value % 128 + 128)
        value //= 128
    return bytes(octets) + bytes([value])


def string(text, huffman=None):
    """RFC 7541 §5.2; `huffman`: the octets of a text that is coded already."""
    if huffman is not None:
        return integer(len(huffman), 7, 0x80) + huffman
    return integer(len(_bytes(text)), 7) + _bytes(text)


def literal(name, value):
    """Without indexing, a new name: says just what it says, whatever the tables hold (§6.2.2)."""
    return b"\0" + string(name) + string(value)


def block(*fields):
    return b"".join(literal(name, value) for name, value in fields)


def pseudo(method="GET", path="/", scheme="http", authority="test.example"):
    """The four that a request has; None leaves one out."""
    all_four = {":method": method, ":scheme": scheme, ":path": path, ":authority": authority}
    return [(name, value) for name, value in all_four.items() if value is not None]


def get(stream=1, *more, **fields):
    """A whole request; `fields` as in pseudo(), `more` behind them."""
    return headers(stream, block(*pseudo(**fields), *more))


def post(stream=1, *more, **fields):
    """The head of a request whose body follows."""
    return headers(stream, block(*pseudo(**{"method": "POST", **fields}), *more), end=False)


def _bytes(text):
    return text.encode("latin-1") if isinstance(text, str) else text


# --- what comes back ----------------------------------------------------------------------------------------------


@dataclass
class Frame:
    kind: int
    flags: int
    stream: int
    payload: bytes

    def __str__(self):
        kind = KINDS[self.kind] if self.kind < len(KINDS) else f"0x{self.kind:x}"
        return f"{kind}({len(self.payload)}, 0x{self.flags:x}, {self.stream})"


@dataclass
class Stream:
    interim: list = field(default_factory=list)
    fields: list = None
    trailers: list = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    pieces: list = field(default_factory=list)  # the sizes of its DATA frames
    ended: bool = False
    reset: int = None

    @property
    def over(self):
        return self.ended or self.reset is not None

    @property
    def status(self):
        return int(dict(self.fields)[":status"]) if self.fields else None

    def get(self, name):
        found = [v for n, v in self.fields if n == name]
        return ", ".join(found) if found else None


class Broken(AssertionError):
    """The other side broke the protocol."""


class Http2Connection(Connection):
    """A client that keeps what came. It answers SETTINGS and PING, and nothing else by itself.

    `begin`: what is sent first; `options`: as a Connection's. With `tls`, "h2" has to be chosen by ALPN.
    """

    def __init__(self, port, begin=PREFACE + settings(), **options):
        super().__init__(port, **options)
        if options.get("tls") and self.socket.selected_alpn_protocol() != "h2":
            raise Broken("the server does not speak h2")
        self.streams = {}
        self.frames = []  # all of them, in order
        self.settings = {}
        self.settings_acks = 0
        self.pongs = []
        self.goaway = None  # the code
        self.last_stream = None
        self.over = False  # the end of the connection was seen
        self._decoder = Decoder()
        self._block = None  # (frame, what came of its block)
        if begin:
            self.send(begin)

    def send(self, *parts):
        """An end of the connection is no error here: it is judged by what came before it."""
        try:
            super().send(*parts)
        except OSError:
            pass

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def until(self, condition, what):
        """Reads until the condition is true, or the connection over."""
        while not condition() and not self.over:
            self.step(what)

    def response(self, number=1):
        self.until(lambda: self.stream(number).over, f"the end of stream {number}")
        return self.streams[number]

    def alive(self, payload=b"are you?"):
        """Whether a PING is answered; all that was sent before has been looked at then."""
        self.send(ping(payload))
        self.until(lambda: payload in self.pongs, "an answer to PING")
        return payload in self.pongs

    def step(self, what="a frame"):
        """Reads one frame."""
        try:
            head = self._exactly(9)
            if head is None or (not self.frames and head.startswith(b"HTTP/1.")):
                self.over = True  # an answer in HTTP/1 is the end of HTTP/2
                return
            high, low, kind, flags, stream = struct.unpack(">BHBBI", head)
            payload = self._exactly((high << 16) + low) if high or low else b""
            if payload is None:
                raise Broken("the connection ends inside a frame")
        except TimeoutError:
            raise AssertionError(f"waited {LONGEST_WAIT:g} s in vain for {what}; {self.told()}") from None
        except (ConnectionError, ssl.SSLError, Cut):
            self.over = True
            return
        came = Frame(kind, flags, stream & 0x7FFFFFFF, payload)
        self.frames.append(came)
        self._take(came)

    def told(self):
        """All that came, for messages."""
        last = " ".join(map(str, self.frames[-12:])) or "nothing"
        return f"came: {'... ' * (len(self.frames) > 12)}{last}{' the end' * self.over}"

    def _exactly(self, size):
        whole = bytearray()
        while len(whole) < size:
            more = self.read_some(size - len(whole))
            if not more:
                if whole:
                    raise Broken("the connection ends inside a frame")
                return None
            whole += more
        return bytes(whole)

    def _take(self, came):
        if self._block is not None and (came.kind, came.stream) != (CONTINUATION, self._block[0].stream):
            raise Broken(f"{came} inside a field block")
        if came.kind == DATA:
            self._take_data(came)
        elif came.kind == HEADERS:
            self._take_block(came, self._unpadded(came)[5 if came.flags & WITH_PRIORITY else 0 :])
        elif came.kind == CONTINUATION:
            self._take_block(came, came.payload)
        elif came.kind == RST_STREAM:
            self.stream(came.stream).reset = struct.unpack(">I", came.payload)[0]
        elif came.kind == SETTINGS and came.flags & ACK:
            self.settings_acks += 1
        elif came.kind == SETTINGS:
            self.settings.update(struct.iter_unpack(">HI", came.payload))
            self.send(frame(SETTINGS, ACK))
        elif came.kind == PING and came.flags & ACK:
            self.pongs.append(came.payload)
        elif came.kind == PING:
            self.send(ping(came.payload, ACK))
        elif came.kind == GOAWAY:
            self.last_stream, self.goaway = struct.unpack(">II", came.payload[:8])

    def _take_data(self, came):
        stream = self.stream(came.stream)
        if stream.fields is None or stream.ended:
            raise Broken(f"{came} where none is expected")
        payload = self._unpadded(came)
        stream.body += payload
        stream.pieces.append(len(payload))
        stream.ended = bool(came.flags & END_STREAM)

    def _take_block(self, came, part):
        if self._block is None:
            if came.kind == CONTINUATION:
                raise Broken("CONTINUATION of nothing")
            self._block = (came, bytearray())
        self._block[1].extend(part)
        if not came.flags & END_HEADERS:
            return
        (first, whole), self._block = self._block, None
        fields = [(name, value) for name, value in self._decoder.decode(bytes(whole))]
        stream = self.stream(first.stream)
        if stream.ended:
            raise Broken(f"{first} behind the end of its stream")
        if stream.fields is not None:
            stream.trailers = fields
            if not first.flags & END_STREAM:
                raise Broken("trailers that do not end the stream")
        elif dict(fields)[":status"].startswith("1"):
            stream.interim.append(fields)
        else:
            stream.fields = fields
        stream.ended = bool(first.flags & END_STREAM)

    @staticmethod
    def _unpadded(came):
        if not came.flags & PADDED:
            return came.payload
        return came.payload[1 : len(came.payload) - came.payload[0]]
