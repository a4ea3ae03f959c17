"""A client that sees everything: raw bytes out; heads, chunks, trailers and cuts in.

Bodies are compared while they arrive and never stored as a whole, so a body may be larger than memory.
"""

import random
import socket
import ssl
import struct
from dataclasses import dataclass, field

from waiting import LONGEST_WAIT

READ = 256 * 1024  # bytes a read asks for
NAME = "test.example"


class Pattern:
    """Bytes that depend on their position: a lost, doubled or moved run is seen at its first byte."""

    _PRIME = 1000003
    _MOST = 1 << 20
    _block = b""

    @classmethod
    def at(cls, offset, size):
        if not cls._block:
            cls._block = random.Random(20).randbytes(cls._PRIME) * 3
        begin = offset % cls._PRIME
        if size <= cls._MOST:
            return cls._block[begin : begin + size]
        return b"".join(cls.at(offset + i, min(cls._MOST, size - i)) for i in range(0, size, cls._MOST))


class Cut(Exception):
    """The connection ended before the message was whole."""


class Body:
    """Takes a body as it comes. Keeps it when it is small enough to look at."""

    KEEP = 1 << 20

    def __init__(self, expected=None):
        self.size = 0
        self.kept = bytearray()
        self.wrong_at = None
        self._expected = expected  # (offset, size) -> bytes; None: anything

    def take(self, data):
        if self._expected is not None and self.wrong_at is None:
            wanted = self._expected(self.size, len(data))
            if wanted != data:
                same = next((i for i, (a, b) in enumerate(zip(wanted, data)) if a != b), min(len(wanted), len(data)))
                self.wrong_at = self.size + same
        if len(self.kept) < self.KEEP:
            self.kept += data
        self.size += len(data)


@dataclass
class Response:
    status: int
    reason: str
    version: str
    fields: list  # (name, value) in order
    interim: list = field(default_factory=list)  # the 1xx before it
    body: Body = None
    chunks: int = 0
    trailers: list = field(default_factory=list)
    cut: bool = False  # the connection ended inside the body, or by a reset
    reset: bool = False

    def get(self, name):
        """All values of a field as one list; None when there is none."""
        found = [v for n, v in self.fields if n.lower() == name.lower()]
        return ", ".join(found) if found else None

    @property
    def text(self):
        return bytes(self.body.kept).decode("latin-1")


def narrow(sock, receive_buffer=None, mss=None):
    """What must be said before connect() or listen(). A small `mss` also keeps the peer's send buffer below 1.5 MB;
    with loopback's own of 64 KiB it grows to 4.
    """
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    if mss:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, mss)


class Connection:
    def __init__(
        self, port, receive_buffer=None, mss=None, most=READ, timeout=LONGEST_WAIT, source=None, tls=None, name=NAME
    ):
        """`most`: bytes a read asks for. `source`: the address to come from, any of 127.0.0.0/8.

        `tls`: an ssl.SSLContext (see certificates.py); `name`: the server that is asked for by SNI. An end without
        close_notify is a Cut then.
        """
        self.most = most
        self.socket = socket.socket()
        if source:
            self.socket.bind((source, 0))
        narrow(self.socket, receive_buffer, mss)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=name, suppress_ragged_eofs=False)
        self._rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, *parts):
        self.socket.sendall(b"".join(p.encode("latin-1") if isinstance(p, str) else p for p in parts))

    def finish(self):
        """FIN. Reading goes on, of TLS too: an SSLSocket's own shutdown() would give up its keys."""
        socket.socket.shutdown(self.socket, socket.SHUT_WR)

    # --- reading ---------------------------------------------------------------------------------------------

    def read_some(self, most=None):
        """b"" at the end of the stream; raises ConnectionResetError on RST."""
        most = most or self.most
        if self._rest:
            data, self._rest = self._rest[:most], self._rest[most:]
            return data
        try:
            return self.socket.recv(most)
        except ssl.SSLError as error:  # no close_notify, or an alert
            raise Cut(str(error)) from None

    def read_until(self, end):
        data = b""
        while end not in data:
            more = self.read_some()
            if not more:
                raise Cut(f"the stream ended after {data[:200]!r}")
            data += more
        data, self._rest = data[: data.index(end) + len(end)], data[data.index(end) + len(end) :] + self._rest
        return data

    def wait_for_more(self):
        """Until some of what comes next is here. It stays to be read."""
        self._rest = self._rest or self.read_some()

    def read_exactly(self, size, body):
        while size > 0:
            data = self.read_some(min(size, self.most))
            if not data:
                raise Cut(f"{size} bytes missing")
            body.take(data)
            size -= len(data)

    def at_end(self):
        """True when the peer closes now (FIN or RST) without another byte."""
        try:
            return self.read_some() == b""
        except ConnectionResetError:
            return True

    def read_head(self):
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, reason = (lines[0] + "  ").split(" ", 2)
        fields = [(n, v.strip()) for n, v in (line.split(":", 1) for line in lines[1:] if line)]
        return Response(int(status), reason.strip(), version, fields)

    def _read_chunked(self, response):
        while True:
            size = int(self.read_until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                break
            response.chunks += 1
            self.read_exactly(size, response.body)
            if self.read_until(b"\r\n") != b"\r\n":
                raise AssertionError("a chunk does not end where its size says")
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            name, value = line.decode("latin-1").split(":", 1)
            response.trailers.append((name, value.strip()))

    def read_response(self, method="GET", expected=None):
        """A whole response, the interim ones before it included. A cut is told, not raised, once a head came."""
        interim = []
        while (response := self.read_head()).status < 200 and response.status != 101:
            interim.append(response)
        response.interim = interim
        return self.read_body(response, Body(expected), method)

    def read_body(self, response, body, method="GET"):
        """What follows a response's head."""
        response.body = body
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        try:
            length = response.get("Content-Length")
            if (response.get("Transfer-Encoding") or "").lower() == "chunked":
                if length is not None:
                    raise AssertionError("both Content-Length and Transfer-Encoding")
                self._read_chunked(response)
            elif length is not None:
                self.read_exactly(int(length), response.body)
            else:
                while data := self.read_some():
                    response.body.take(data)
        except Cut:
            response.cut = True
        except ConnectionResetError:
            response.cut = response.reset = True
        return response

    def get(self, path, *fields, method="GET", expected=None):
        head = "".join(f + "\r\n" for f in fields)
        self.send(f"{method} {path} HTTP/1.1\r\nHost: {NAME}\r\n{head}\r\n")
        return self.read_response(method, expected)


class Slow:
    """A download of `size` bytes of the pattern that is under way until it is told to go on."""

    def __init__(self, port, size, target=None):
        self.connection = Connection(port, receive_buffer=16 * 1024)
        self.connection.send(f"GET {target or f'/length/{size}'} HTTP/1.1\r\nHost: test.example\r\n\r\n")
        self.connection.read_head()
        self.wanted = size
        self.size = 0

    def finish(self):
        """How many right bytes came until the end or a cut."""
        try:
            while self.size < self.wanted and (data := self.connection.read_some()):
                if data != Pattern.at(self.size, len(data)):
                    raise AssertionError(f"wrong bytes from {self.size}")
                self.size += len(data)
        except ConnectionResetError:
            pass
        return self.size


def get(port, path, *fields, method="GET", expected=None, **options):
    """One request on a connection of its own; `options` are Connection's."""
    with Connection(port, **options) as connection:
        return connection.get(path, *fields, method=method, expected=expected)


def chunked(data, size):
    """`data` in chunks of `size`, with the last one."""
    parts = []
    for at in range(0, len(data), size):
        piece = data[at : at + size]
        parts += [b"%x\r\n" % len(piece), piece, b"\r\n"]
    return b"".join(parts) + b"0\r\n\r\n"
