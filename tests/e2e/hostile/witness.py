"""An origin that tells what it saw of each client."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field

from client import Cut
from origin import answer
from waiting import until


@dataclass
class Seen:
    """A request as it arrived; `whole` turns False where its body was cut."""

    request: object
    body: bytearray = field(default_factory=bytearray)
    whole: object = None


class Witness:
    """An origin that keeps every byte it gets, by the address of the client it comes from."""

    def __init__(self, case):
        self.seen = defaultdict(list)
        self.stray = []  # what was no whole head
        self._lock = threading.Lock()
        self.origin = case.origin(script=self._serve)

    def _serve(self, connection):
        while (request := self._read_head(connection)) is not None:
            seen = Seen(request)
            with self._lock:
                self.seen[request.get("X-Forwarded-For")].append(seen)
            if request.get("Expect"):
                connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            seen.whole = self._read_body(connection, seen)
            if not seen.whole:
                return
            text = f"{request.method} {request.target} {len(seen.body)}"
            if request.method == "HEAD":
                connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n")
            else:
                answer(connection, text)

    def _read_head(self, connection):
        try:
            return connection.read_request()
        except Cut as cut:
            self.stray.append(cut.args[0])
            return None

    @staticmethod
    def _read_body(connection, seen):
        try:
            connection.read_body(seen.request, seen.body.extend)
            return True
        except (Cut, OSError):
            return False

    def wait(self):
        """Until no request is half-way."""
        until(lambda: all(s.whole is not None for all_ in list(self.seen.values()) for s in all_),
              "the origin is quiet")  # fmt: skip

    def assert_saw(self, case, seen, verdict, source, scheme="http"):
        """That what was seen is the request of this verdict (hostile.requests.Passed), and nothing more."""
        request = seen.request
        host = verdict.host or f"127.0.0.1:{self.origin.port}"
        case.assertEqual((request.method, request.target, request.version),
                         (verdict.method, verdict.target, "HTTP/1.1"))  # fmt: skip
        expected = [
            f"Host: {host}",
            *verdict.fields,
            f"X-Forwarded-For: {source}",
            f"X-Forwarded-Proto: {scheme}",
            f"Via: {verdict.via}",
        ]
        if verdict.host:
            expected.append(f"X-Forwarded-Host: {host}")
        case.assertEqual(sorted(f"{name}: {value}" for name, value in request.fields), sorted(expected))
        case.assertEqual(bytes(seen.body), verdict.body)
        case.assertEqual([f"{name}: {value}" for name, value in request.trailers], list(verdict.trailers))
