"""One cell of the matrix, played by its two ends: a client, and an origin in the same process."""

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from client import Connection, Cut, Pattern
from matrix import BREAKS, BROKEN, HALF, ORACLE, PAUSE, SLOW, SMALL_SEGMENTS, UP
from waiting import LONGEST_WAIT
from wire import Arrival, Enough, send_in_segments, send_in_step


@dataclass
class Outcome:
    """What can be told of an exchange from outside."""

    status: int = None
    fields: list = None  # of the response, but those that tell the time and the path
    trailers: list = None
    end: str = None  # of what the client got: whole, cut (by FIN), reset, left
    down: tuple = None  # its size and digest
    after: str = None  # what the client's connection does with another request: answers, ends
    origin_end: str = None  # of what the origin got
    up: tuple = None


class Cell:
    def __init__(self, number, kind, condition, path, file):
        self.kind, self.condition, self.path = kind, condition, path
        self.file = file  # its name, for kinds that are served from one
        self.down = self._arrival("client", kind.offset, kind.play != "upload")
        self.up = self._arrival("origin", 0, kind.play == "upload")
        self._origin_end = None
        self._origin_ended = threading.Event()
        if kind.play == "file":
            self.prefix = f"/{path}/files"
            self.target = f"{self.prefix}/{file}?{number}"
        else:
            self.prefix = f"/{path}/{self._upstream()}"
            self.target = f"{self.prefix}/{kind.play}/{number}"

    def __str__(self):
        return f"{self.kind.name}, {self.condition.name}, {self.path}"

    def _arrival(self, receiver, offset, is_the_body):
        does = getattr(self.condition, receiver)
        return Arrival(
            lambda at, size: Pattern.at(offset + at, size),
            enough=HALF if does == "resets" and is_the_body else None,
            pause=PAUSE if does == "slow" else 0,
        )

    def _upstream(self):
        if self.condition.small_segments:
            return "small"
        return {"slow": "slow", "half-closes": "leaving"}.get(self.condition.origin, "app")

    def is_oracle(self):
        return self.path == ORACLE

    def breaks(self):
        return (self.kind.play, self.condition.name) in BREAKS

    def ends(self):
        """The client's, the origin's, and the log's."""
        origin = None if self.kind.play == "file" else "whole"
        client, origin, log = BREAKS.get((self.kind.play, self.condition.name), ("whole", origin, ["completed"]))
        if self.kind.version == "1.0" and client == "cut":
            client = "reset"  # nothing else tells that a body which ends with its connection is cut
        return client, origin, log

    def send(self, sender, end, wire, arrival):
        """A body, as this condition wants it sent."""
        if getattr(self.condition, sender) == "slow":
            send_in_step(end, wire, arrival)
        elif self.condition.early_end:
            end.send(wire.data[:BROKEN])
        elif self.condition.resets():
            end.send(wire.data[:-1])  # never complete, whatever the buffers on the way take
        elif self.condition.small_segments:
            send_in_segments(end, wire)
        else:
            end.send(wire.data)

    def origin_ended(self, how):
        self._origin_end = how
        self._origin_ended.set()

    def origin_end(self):
        if self.kind.play == "file":
            return None
        if not self._origin_ended.wait(LONGEST_WAIT):
            raise AssertionError("the origin's connection does not end")
        return self._origin_end


def head_of(first, *fields):
    return "".join(line + "\r\n" for line in (first, *fields, ""))


@contextlib.contextmanager
def meanwhile(work):
    """Does `work` beside what is in the block."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(work)
        yield
        future.result()


class OriginSide:
    """Routes of a scripted origin; the target's last segment is the number of the cell."""

    def __init__(self, cells):
        self._cells = cells

    def routes(self):
        return {name: getattr(self, name) for name in ("download", "upload", "tunnel", "after", "hog")}

    def _cell(self, request):
        return self._cells[int(request.target.rsplit("/", 1)[1])]

    def _begin(self, connection, cell):
        """The response's head; a slow origin's byte by byte."""
        status, *fields = cell.kind.head
        head = head_of(f"HTTP/1.1 {status}", *fields)
        connection.send(*(head if cell.condition.origin == "slow" else [head]))

    def download(self, connection, request):
        cell, condition = self._cell(request), self._cell(request).condition
        if condition.client == "resets":
            with contextlib.suppress(OSError):
                self._begin(connection, cell)
                cell.send("origin", connection, cell.kind.wire, cell.down)
                connection.wait_for_end()
            cell.origin_ended("cut")
            return False
        self._begin(connection, cell)
        cell.send("origin", connection, cell.kind.wire, cell.down)
        if condition.origin == "resets":
            return self._reset(connection, cell)
        if condition.early_end:
            cell.origin_ended("left")
            return False
        return self._end(connection, cell)

    def upload(self, connection, request):
        cell = self._cell(request)
        try:
            connection.read_body(request, cell.up.take)
        except Enough:
            return self._reset(connection, cell)
        except (Cut, OSError):
            cell.origin_ended("cut")
            return False
        self._begin(connection, cell)
        return self._end(connection, cell)

    def tunnel(self, connection, request):
        cell, condition = self._cell(request), self._cell(request).condition
        self._begin(connection, cell)

        def send():
            cell.send("origin", connection, cell.kind.wire, cell.down)
            if not condition.resets():
                connection.finish()

        if condition.origin == "resets":
            send()
            return self._reset(connection, cell)
        if condition.client == "resets":
            try:
                send()
                end = "reset" if connection.wait_for_end() else "whole"
            except OSError:
                end = "reset"
        elif condition.client == "half-closes":  # the client ends first
            end = cell.up.read_to_end(connection)
            send()
        elif condition.origin == "half-closes":
            send()
            end = cell.up.read_to_end(connection)
        else:
            with meanwhile(send):
                end = cell.up.read_to_end(connection)
        cell.origin_ended(end)
        return False

    def _reset(self, connection, cell):
        if cell.kind.play != "upload":
            cell.down.wait_for(HALF)
        connection.reset()
        cell.origin_ended("left")
        return False

    def _end(self, connection, cell):
        """False: the origin does not stay for another request."""
        cell.origin_ended("whole")
        if cell.condition.origin == "half-closes":
            connection.finish()
            connection.wait_for_end()
            return False
        return "Connection: close" not in cell.kind.head

    def after(self, connection, request):
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nafter")

    def hog(self, connection, request):
        """Its client takes nothing, so it keeps what its body travels by."""
        connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {1 << 40}\r\n\r\n")
        while True:
            connection.send_pattern(1 << 20)


class ClientSide:
    def __init__(self, port, root, **options):
        """`root`: of the files. `options`: every connection's."""
        self._port = port
        self._root = root
        self._options = options

    def play(self, cell):
        """The whole exchange, up to where both ends have seen its end."""
        condition, outcome = cell.condition, Outcome()
        options = SMALL_SEGMENTS if condition.small_segments else {}
        if condition.client in ("slow", "resets") or condition.early_end:
            options = SLOW
        with Connection(self._port, **self._options, **options) as connection:
            first = f"{cell.kind.method} {cell.target} HTTP/{cell.kind.version}"
            connection.send(head_of(first, "Host: test.example", *cell.kind.fields))
            try:
                getattr(self, "_" + cell.kind.play)(connection, cell, outcome)
            except Enough:
                outcome.end = "left"
                connection.reset()
            outcome.origin_end = cell.origin_end()
        outcome.down = cell.down.size, cell.down.digest()
        outcome.up = cell.up.size, cell.up.digest()
        return outcome

    def _download(self, connection, cell, outcome):
        if cell.condition.client == "half-closes":
            connection.finish()
        self._read(connection, cell, outcome, cell.down)

    _file = _download

    def _upload(self, connection, cell, outcome):
        cell.send("client", connection, cell.kind.wire, cell.up)
        if cell.condition.client == "resets":
            cell.up.wait_for(HALF)
            raise Enough
        if cell.condition.client == "half-closes" or cell.condition.early_end:
            connection.finish()
        self._read(connection, cell, outcome, Arrival(None))

    def _tunnel(self, connection, cell, outcome):
        condition = cell.condition
        self._read_head(connection, outcome)

        def send():
            cell.send("client", connection, UP, cell.up)
            connection.finish()

        if condition.resets():
            outcome.end = cell.down.read_to_end(connection)
        elif condition.origin == "half-closes":  # the origin ends first
            outcome.end = cell.down.read_to_end(connection)
            send()
        else:
            with meanwhile(send):
                outcome.end = cell.down.read_to_end(connection)

    def _read(self, connection, cell, outcome, body):
        try:
            response = self._read_head(connection, outcome)
        except (Cut, ConnectionResetError):
            outcome.end = "cut"
            return
        if cell.condition.early_end and cell.kind.play == "file":
            connection.wait_for_more()  # a head may come by itself, and the path be taken behind it
            os.truncate(self._root / cell.file, 0)
        connection.read_body(response, body, cell.kind.method)
        outcome.trailers = response.trailers
        outcome.end = "reset" if response.reset else "cut" if response.cut else "whole"
        if outcome.end == "whole":
            outcome.after = self._after(connection, cell)

    @staticmethod
    def _read_head(connection, outcome):
        response = connection.read_head()
        outcome.status = response.status
        outcome.fields = [(n, v) for n, v in response.fields if n.lower() not in ("date", "server-timing")]
        return response

    @staticmethod
    def _after(connection, cell):
        """Whether the connection has ended, or is in step with what comes next."""
        if cell.condition.client == "half-closes":
            return "ends" if connection.at_end() else "is out of step"
        try:
            return "answers" if connection.get(cell.prefix + "/after").text == "after" else "is out of step"
        except (Cut, ConnectionError):
            return "ends"
