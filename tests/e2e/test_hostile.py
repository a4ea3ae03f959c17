"""HTTP from those who mean harm: each entry of hostile/requests.py and hostile/responses.py gets its verdict."""

import threading
import unittest
from collections import defaultdict
from dataclasses import dataclass, field

from client import Cut
from harness import Case, Connection, answer, until
from hostile.requests import LIMITS, REQUESTS, Answered, Broken, Refused

NEXT = b"GET /next HTTP/1.1\r\nHost: next.example\r\n\r\n"


# --- ways to send -------------------------------------------------------------------------------------------------


def pieces(raw, *cuts):
    """`raw` cut at these offsets."""
    at = [0, *sorted({cut for cut in cuts if 0 < cut < len(raw)}), len(raw)]
    return [raw[begin:end] for begin, end in zip(at, at[1:])]


def first_line(raw):
    return pieces(raw, raw.find(b"\r") + 1)


def last_line(raw):
    """Inside the empty line that ends the head."""
    return pieces(raw, raw.find(b"\r\n\r\n") + 3)


def each_byte(raw):
    """One by one; long messages in at most some hundred pieces."""
    return pieces(raw, *range(0, len(raw), 1 + len(raw) // 400))


WAYS = {
    "whole": lambda raw: [raw],
    "the first byte apart": lambda raw: pieces(raw, 1),
    "cut behind the first CR": first_line,
    "cut in the middle": lambda raw: pieces(raw, len(raw) // 2),
    "cut inside the empty line": last_line,
    "the last byte apart": lambda raw: pieces(raw, len(raw) - 1),
    "byte by byte": each_byte,
}


# --- the origin ---------------------------------------------------------------------------------------------------


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
        until(lambda: all(s.whole is not None for all_ in list(self.seen.values()) for s in all_), "the origin is quiet")


# --- requests -----------------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """One entry on its connection. The address it comes from tells it from all others, at the origin and in the log."""

    entry: object
    way: str
    source: str
    connection: Connection
    parts: list


def stays(sent):
    """Whether the pipelined request is served, too."""
    verdict = sent.entry.verdict
    return isinstance(verdict, Answered) or getattr(verdict, "stays", False)


class Requests(Case):
    def setUp(self):
        self.witness = Witness(self)
        self.sluice = self.proxy([self.witness.origin.port], limits=LIMITS, timeouts={"linger": "20s", "head": "20s"})

    def send_all(self, way, number):
        """All entries at once, each on its own connection, piece after piece."""
        every = []
        for n, entry in enumerate(REQUESTS, 1):
            source = f"127.{number}.{n >> 8}.{n & 255}"
            parts = WAYS[way](entry.raw + NEXT)
            every.append(Sent(entry, way, source, Connection(self.port, source=source), parts))
            self.addCleanup(every[-1].connection.close)
        for turn in range(max(len(sent.parts) for sent in every)):
            for sent in every:
                if turn < len(sent.parts):
                    try:
                        sent.connection.send(sent.parts[turn])
                    except OSError:
                        pass  # it was refused before: the answer is judged below
            # The one worker answers this after it has read what came before it.
            self.sluice.counter("requests")
        return every

    def test_each_request_gets_its_verdict_however_it_is_cut(self):
        every = []
        for number, way in enumerate(WAYS, 1):
            batch = self.send_all(way, number)
            for sent in batch:
                with self.subTest(sent.entry.name, rule=sent.entry.rule, way=way):
                    self.judge_answer(sent)
            for sent in batch:
                sent.connection.close()
            every += batch
        self.witness.wait()
        log = self.read_log(every)
        self.assertEqual(self.witness.stray, [], "bytes at the origin that are no request")
        for sent in every:
            with self.subTest(sent.entry.name, rule=sent.entry.rule, way=sent.way):
                self.judge_origin(sent)
                self.judge_log(sent, log[sent.source])
        self.sluice.assert_nothing_left()

    def read_log(self, every):
        """{source: its entries}, once there is one for each request."""
        expected = sum(1 + stays(sent) for sent in every)
        sources = {sent.source for sent in every}
        by_source = defaultdict(list)
        for line in self.sluice.log_lines(lambda line: line["client"].rsplit(":", 1)[0] in sources, count=expected):
            by_source[line["client"].rsplit(":", 1)[0]].append(line)
        return by_source

    # --- what the client sees ---

    def judge_answer(self, sent):
        verdict, connection = sent.entry.verdict, sent.connection
        if isinstance(verdict, Refused):
            self.assertEqual(connection.read_response().status, verdict.status)
            self.assertTrue(connection.at_end(), "the connection goes on behind a refused request")
            return
        if isinstance(verdict, Answered):
            self.assertEqual(connection.read_response().status, verdict.status)
        else:
            response = connection.read_response(verdict.method)
            self.assertEqual(response.status, 200)
            if verdict.method != "HEAD":
                self.assertEqual(response.text, f"{verdict.method} {verdict.target} {len(verdict.body)}")
        if stays(sent):
            self.assertEqual(connection.read_response().text, "GET /next 0")
            connection.finish()
        self.assertTrue(connection.at_end(), "more answers than requests")

    # --- what the origin sees ---

    def judge_origin(self, sent):
        verdict, seen = sent.entry.verdict, self.witness.seen.get(sent.source, [])
        if isinstance(verdict, Broken):
            self.assertLessEqual(len(seen), 1)
            self.assertFalse(any(s.whole for s in seen), "a broken request looked whole")
        elif isinstance(verdict, Refused):
            self.assertEqual([s.request.head for s in seen], [], "a refused request went upstream")
        elif isinstance(verdict, Answered):
            self.assertEqual([s.request.target for s in seen], ["/next"])
        else:
            self.assertEqual([s.request.target for s in seen], [verdict.target] + ["/next"] * verdict.stays)
            self.judge_passed(sent, seen[0])

    def judge_passed(self, sent, seen):
        verdict, request = sent.entry.verdict, seen.request
        host = verdict.host or f"127.0.0.1:{self.witness.origin.port}"
        self.assertEqual((request.method, request.target, request.version), (verdict.method, verdict.target, "HTTP/1.1"))
        expected = [
            f"Host: {host}",
            *verdict.fields,
            f"X-Forwarded-For: {sent.source}",
            "X-Forwarded-Proto: http",
            f"Via: {verdict.via}",
        ]
        if verdict.host:
            expected.append(f"X-Forwarded-Host: {host}")
        self.assertEqual(sorted(f"{name}: {value}" for name, value in request.fields), sorted(expected))
        self.assertEqual(bytes(seen.body), verdict.body)
        self.assertEqual([f"{name}: {value}" for name, value in request.trailers], list(verdict.trailers))

    # --- what the log says ---

    def judge_log(self, sent, entries):
        verdict = sent.entry.verdict
        if isinstance(verdict, Refused):
            (entry,) = entries
            self.assertEqual((entry["status"], entry["end"], entry["why"]), (verdict.status, verdict.end, verdict.why))
        else:
            self.assertEqual([entry["end"] for entry in entries], ["completed"] * (1 + stays(sent)))


if __name__ == "__main__":
    unittest.main()
