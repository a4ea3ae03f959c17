"""HTTP from those who mean harm: each entry of hostile/requests.py and hostile/responses.py gets its verdict."""

import itertools
import select
import signal
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness import LONGEST_WAIT, Case, Connection, Pattern, answer, get, until
from hostile.requests import LIMITS, REQUESTS, Answered, Broken, Refused
from hostile.responses import RESPONSES, Gateway, Relayed
from hostile.witness import Witness

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
        by_source = {}

        def complete():
            by_source.clear()
            for line in self.sluice.log_lines():
                by_source.setdefault(line["client"].rsplit(":", 1)[0], []).append(line)
            return all(len(by_source.get(sent.source, ())) > stays(sent) for sent in every)

        until(complete, "an entry for each request", every=0.1)
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
            self.witness.assert_saw(self, seen[0], verdict, sent.source)

    # --- what the log says ---

    def judge_log(self, sent, entries):
        verdict = sent.entry.verdict
        if isinstance(verdict, Refused):
            (entry,) = entries
            self.assertEqual((entry["status"], entry["end"], entry["why"]), (verdict.status, verdict.end, verdict.why))
        else:
            self.assertEqual([entry["end"] for entry in entries], ["completed"] * (1 + stays(sent)))


# --- responses ----------------------------------------------------------------------------------------------------


class Puppet:
    """An origin whose answers to /N/... the test gives by hand; /N/next is answered as it should be."""

    def __init__(self, case):
        self.held = {}  # {"N": the connection that waits for its answer}
        self._answered = threading.Event()
        self.origin = case.origin(script=self._serve)

    def _serve(self, connection):
        while (request := connection.read_request()) is not None:
            name, what = request.target.strip("/").split("/")
            if what == "next":
                answer(connection, f"{name} from {connection.number}")
                continue
            self.held[name] = connection
            self._answered.wait()
            if RESPONSES[int(name)].close:
                return

    def answer_all(self, way, between):
        """Each held connection gets its response, piece after piece; `between` lets the proxy read."""
        parts = {name: WAYS[way](RESPONSES[int(name)].raw) for name in self.held}
        for turn in range(max(map(len, parts.values()))):
            for name, connection in self.held.items():
                if turn < len(parts[name]):
                    try:
                        connection.send(parts[name][turn])
                    except OSError:
                        pass  # the proxy had enough of it: the client's side is judged
            between()
        self._answered.set()


class Responses(Case):
    """Each entry has an upstream, and so a pool, of its own: what is left over can only meet its own next request."""

    def test_each_response_gets_its_verdict_however_it_is_cut(self):
        for way in WAYS:
            self.port = None
            self.run_all(way)

    def run_all(self, way):
        puppet = Puppet(self)
        server = f"127.0.0.1:{puppet.origin.port}"
        names = [str(n) for n in range(len(RESPONSES))]
        config = self.http_config(
            [puppet.origin.port], limits=LIMITS, routes=[{"path": f"/{name}/", "proxy": f"u{name}"} for name in names]
        )
        config["upstreams"].update({f"u{name}": {"servers": [server], "max_fails": 0} for name in names})
        sluice = self.start(config)

        asking = {name: self.ask(name) for name in names}
        until(lambda: len(puppet.held) == len(names), "every request arrives")
        puppet.answer_all(way, lambda: sluice.counter("requests"))
        for name, entry in zip(names, RESPONSES):
            with self.subTest(entry.name, rule=entry.rule, way=way):
                self.judge_answer(entry, asking[name])
        # Unasked bytes have closed their connection by now, for the one worker has seen them.
        sluice.counter("requests")
        for name, entry in zip(names, RESPONSES):
            with self.subTest(entry.name, rule=entry.rule, way=way):
                self.judge_next(entry, name, puppet.held[name].number)
                self.judge_log(entry, sluice.log_line(f"/{name}/case"))
        for connection in asking.values():
            connection.close()
        sluice.assert_nothing_left()

    def ask(self, name):
        entry = RESPONSES[int(name)]
        connection = Connection(self.port)
        self.addCleanup(connection.close)
        connection.send(f"{entry.method} /{name}/case {entry.version}\r\nHost: test.example\r\n{entry.asks}\r\n")
        return connection

    def judge_answer(self, entry, connection):
        verdict = entry.verdict
        response = connection.read_response(entry.method)
        if isinstance(verdict, Gateway):
            self.assertEqual((response.status, response.cut), (502, False))
        elif isinstance(verdict, Relayed):
            self.judge_relayed(verdict, response)
        elif response.status != 502:
            self.assertTrue(response.cut, f"a broken response looks whole: {response}")
        self.assertIsNone(response.get("X-Poison"))

    def judge_relayed(self, verdict, response):
        self.assertEqual((response.status, response.cut), (verdict.status, False))
        self.assertEqual(tuple(interim.status for interim in response.interim), verdict.interim)
        for interim in response.interim:
            self.assertEqual((interim.get("Content-Length"), interim.get("Transfer-Encoding")), (None, None))
        fields = [f"{name}: {value}" for name, value in response.fields if name not in ("Date", "Connection")]
        self.assertEqual(sorted(fields), sorted(verdict.fields))
        self.assertEqual(bytes(response.body.kept), verdict.body)
        self.assertEqual([f"{name}: {value}" for name, value in response.trailers], list(verdict.trailers))

    def judge_next(self, entry, name, number):
        """The next client's answer is its own, and comes over the same connection only if that is in good order."""
        with Connection(self.port) as connection:
            response = connection.get(f"/{name}/next")
        self.assertEqual(response.status, 200)
        asked, _, served = response.text.partition(" from ")
        self.assertEqual(asked, name)
        reused = getattr(entry.verdict, "reused", False)
        self.assertEqual(int(served) == number, reused, "whether the server's connection was used again")

    def judge_log(self, entry, line):
        verdict = entry.verdict
        if isinstance(verdict, Gateway):
            self.assertEqual((line["status"], line["end"], line["why"]), (502, verdict.end, verdict.why))
        else:
            self.assertEqual(line["end"], "completed" if isinstance(verdict, Relayed) else verdict.end)


# --- what comes unasked, and too often ----------------------------------------------------------------------------


class Unasked(Case):
    """RFC 9112 §9.2: data on a connection without outstanding requests is no response."""

    def setUp(self):
        self.connections = []

        def script(connection):
            self.connections.append(connection)
            while (request := connection.read_request()) is not None:
                answer(connection, f"{request.target} from {connection.number}")

        self.raw = self.origin(script=script)
        self.sluice = self.proxy([self.raw.port])

    def ask(self, target, number):
        self.assertEqual(get(self.port, target).text, f"{target} from {number}")

    def test_unasked_bytes_close_an_idle_connection(self):
        poison = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned"
        timeout = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        for number, unasked in enumerate((poison, timeout, "HTTP/1.1 100 Continue\r\n\r\n", "garbage", "\r\n", "H")):
            with self.subTest(unasked=unasked):
                self.ask("/before", number)
                until(lambda: self.sluice.counter("upstream_idle") == 1, "the connection is kept")
                self.connections[-1].send(unasked)
                until(lambda: self.sluice.counter("upstream_idle") == 0, "the connection is closed")
                self.ask("/after", number + 1)
        self.sluice.assert_nothing_left()

    def test_unasked_bytes_that_wait_in_the_kernel_are_no_answer(self):
        """They arrived before the request was sent, but the worker hears of its client first."""
        for method in ("GET", "POST"):
            number = self.raw.accepted
            self.ask("/before", number)
            with self.subTest(method), Connection(self.port) as connection:
                connection.get("/before")  # so that the worker knows this client
                self.sluice.counter("requests")
                self.stop_the_worker()
                connection.send(f"{method} /mine HTTP/1.1\r\nHost: test.example\r\n\r\n")
                self.connections[-1].send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned")
                self.sluice.signal(signal.SIGCONT)
                self.assertEqual(connection.read_response().text, f"/mine from {number + 1}")
            self.raw.close_connections()
            until(lambda: self.sluice.counter("upstream_idle") == 0, "the connection is closed")

    def stop_the_worker(self):
        self.addCleanup(self.sluice.signal, signal.SIGCONT)
        self.sluice.signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.sluice.process.pid}/stat")
        until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the process stops")

    def test_a_second_answer_to_one_request_is_nobodys(self):
        """The first came before the request was read, which is allowed; the second is one too many."""

        def hasty(connection):
            try:
                answer(connection, f"hasty {connection.number}")
                while (request := connection.read_request()) is not None:
                    answer(connection, f"{request.target} from {connection.number}")
            finally:  # however it hears of its end
                ended.append(connection.number)

        ended = []
        origin = self.origin(script=hasty)
        self.port = None
        sluice = self.proxy([origin.port])
        for number in range(3):
            self.assertEqual(get(self.port, "/mine").text, f"hasty {number}")
            until(lambda: len(ended) == number + 1, "the second answer closes the connection")
        sluice.assert_nothing_left()


class Floods(Case):
    def test_a_hundred_pipelined_requests_are_answered_in_order(self):
        raw = self.origin({"n": lambda c, r: answer(c, r.target)})
        sluice = self.proxy([raw.port])
        with Connection(self.port) as connection:
            connection.send("".join(f"GET /n/{n} HTTP/1.1\r\nHost: test.example\r\n\r\n" for n in range(100)))
            self.assertEqual([connection.read_response().text for _ in range(100)], [f"/n/{n}" for n in range(100)])
        self.assertEqual([r.target for r in raw.requests], [f"/n/{n}" for n in range(100)])
        sluice.assert_nothing_left()

    def test_nothing_behind_a_refused_request_is_served(self):
        raw = self.origin({"n": lambda c, r: answer(c, r.target)})
        sluice = self.proxy([raw.port])
        good = [f"GET /n/{n} HTTP/1.1\r\nHost: test.example\r\n\r\n" for n in range(100)]
        good[50] = "GET /n/50 HTTP/1.1\r\n\r\n"
        with Connection(self.port) as connection:
            connection.send("".join(good))
            self.assertEqual([connection.read_response().text for _ in range(50)], [f"/n/{n}" for n in range(50)])
            self.assertEqual(connection.read_response().status, 400)
            self.assertTrue(connection.at_end())
        self.assertEqual(len(raw.requests), 50)
        sluice.assert_nothing_left()

    def test_requests_whose_answers_nobody_reads_wait(self):
        """A client that only writes: it is stopped by back-pressure, and then by body_idle."""
        raw = self.origin()
        sluice = self.proxy([raw.port], timeouts={"body_idle": "500ms", "keep_alive": "20s"})
        request = b"GET /length/60000 HTTP/1.1\r\nHost: test.example\r\n\r\n"
        with Connection(self.port, receive_buffer=8192) as connection, self.assertRaises(OSError):
            while True:
                connection.send(request * 100)
        entries = sluice.log_lines(lambda line: line["end"] in ("client-stalled", "client-gone"))
        self.assertEqual([entry["end"] for entry in entries], ["client-stalled"])
        self.assertLess(len(raw.requests), 1000)
        sluice.assert_nothing_left()

    def test_endless_interim_responses_stop_nobody_else(self):
        def pour(connection, request):
            while True:
                connection.send("HTTP/1.1 100 Continue\r\n\r\n" * 1000)

        raw = self.origin({"pour": pour})
        sluice = self.proxy([raw.port])
        for version, kept in (("HTTP/1.0", False), ("HTTP/1.1", True)):
            with self.subTest(version), Connection(self.port) as connection:
                connection.send(f"GET /pour HTTP/1.1\r\nHost: test.example\r\n\r\n".replace("HTTP/1.1", version))
                response = connection.read_response()
                self.assertEqual((response.status, len(response.interim)), (502, 1000 if kept else 0))
        self.assertEqual({e["end"] for e in sluice.log_lines(count=2)}, {"upstream-head-invalid", "completed"})
        sluice.assert_nothing_left()


# --- slow on purpose ----------------------------------------------------------------------------------------------

# One that is never reached: only the timeout in question can end the exchange.
NEVER = "1m"


class Slow(Case):
    """Each phase has its end, however often a byte comes. What simply stops is in test_faults.py: a request body, a
    response that is not read, a response head that never comes, a response body; in test_http.py: an idle client, a
    request head, a connect without answer."""

    POST = "POST /hash HTTP/1.1\r\nHost: test.example\r\n"

    def sluice_with(self, origin=None, **timeouts):
        every = dict.fromkeys(("head", "keep_alive", "body_idle", "first_byte", "linger"), NEVER)
        return self.proxy([(origin or self.origin()).port], timeouts={**every, **timeouts})

    def together(self, judge, cases):
        """All cases side by side: most of their time is waiting."""
        with ThreadPoolExecutor(len(cases)) as pool:
            running = [(case, pool.submit(judge, *case)) for case in cases]
        for case, done in running:
            with self.subTest(case=case):
                done.result()

    def dribble(self, connection, begin, text):
        """`begin` at once, then `text` over and over, a byte every 20 ms, until an answer or the end comes."""
        connection.send(begin)
        for char in itertools.cycle(text):
            if select.select([connection.socket], [], [], 0.02)[0]:
                return
            try:
                connection.send(char)
            except OSError:
                return

    def ended(self, sluice, connection, status, end):
        self.assertEqual(connection.read_response().status, status)
        self.assertTrue(connection.at_end())
        client = "%s:%d" % connection.socket.getsockname()
        (entry,) = sluice.log_lines(lambda line: line["client"] == client)
        self.assertEqual((entry["status"], entry["end"]), (status, end), entry)

    def test_a_head_has_to_end_in_time(self):
        sluice = self.sluice_with(head="400ms")

        def judge(begin, text):
            with Connection(self.port) as connection:
                self.dribble(connection, begin, text)
                self.ended(sluice, connection, 408, "client-head-timeout")

        self.together(judge, (
            ("", "A"),  # a method without end
            ("GET /", "a"),
            ("GET / HTTP/1.1\r\nHost: test.example\r\n", "X: y\r\n"),
            ("GET / HTTP/1.1\r\nHost: test.example\r\nX:", " "),
            ("\r\nG", "E"),
        ))  # fmt: skip
        sluice.assert_nothing_left()

    def test_the_second_head_has_to_end_in_time_as_well(self):
        sluice = self.sluice_with(head="400ms")
        with Connection(self.port) as connection:
            connection.get("/length/10")
            self.dribble(connection, "GET / HTTP/1.1\r\n", "X: y\r\n")
            self.assertEqual(connection.read_response().status, 408)
            self.assertTrue(connection.at_end())
        self.assertEqual(len(sluice.log_lines(lambda line: line["end"] == "client-head-timeout")), 1)
        sluice.assert_nothing_left()

    def test_an_empty_line_is_no_head_that_began(self):
        """RFC 9112 §2.2: what old clients send behind a body. No 408 follows; the next request is welcome."""
        sluice = self.sluice_with(head="200ms", keep_alive="800ms")
        with Connection(self.port) as connection:
            connection.send(self.POST, "Content-Length: 5\r\n\r\nhello\r\n")
            self.assertEqual(connection.read_response().status, 200)
            self.assertEqual(select.select([connection.socket], [], [], 0.4)[0], [])
            self.assert_whole(connection.get("/length/10", expected=Pattern.at), 10)
            connection.send("\r\n")
            self.assertTrue(connection.at_end(), "an idle connection ends without a word")
        sluice.assert_nothing_left()

    def test_a_body_that_never_begins_times_out(self):
        sluice = self.sluice_with(body_idle="300ms")

        def judge(framing):
            with Connection(self.port) as connection:
                connection.send(self.POST, framing)
                self.ended(sluice, connection, 408, "client-body-timeout")

        self.together(judge, [("Content-Length: 5\r\n\r\n",), ("Transfer-Encoding: chunked\r\n\r\n",)])
        sluice.assert_nothing_left()

    def test_framing_alone_keeps_no_body_alive(self):
        sluice = self.sluice_with(body_idle="400ms")
        head = self.POST + "Transfer-Encoding: chunked\r\n\r\n"

        def judge(begin, text):
            with Connection(self.port) as connection:
                self.dribble(connection, head + begin, text)
                self.ended(sluice, connection, 408, "client-body-timeout")

        self.together(judge, [("5;", "a"), ("5\r\nhello\r\n1;", "a"), ("0\r\n", "X: y\r\n"), ("5" + " " * 9, "\t")])
        sluice.assert_nothing_left()

    def test_a_client_that_was_not_told_to_continue_is_not_to_blame(self):
        origin = self.origin({"hash": lambda c, r: c.wait_for_end() and False})
        sluice = self.sluice_with(origin, first_byte="300ms")
        with Connection(self.port) as connection:
            connection.send(self.POST, "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.ended(sluice, connection, 504, "upstream-head-timeout")
        sluice.assert_nothing_left()

    def test_a_client_that_was_told_to_continue_is(self):
        sluice = self.sluice_with(body_idle="300ms")
        with Connection(self.port) as connection:
            connection.send(self.POST, "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.ended(sluice, connection, 408, "client-body-timeout")
        sluice.assert_nothing_left()

    def test_a_refused_client_is_not_listened_to_for_ever(self):
        sluice = self.sluice_with(linger="400ms")
        with Connection(self.port) as connection:
            connection.send("rubbish\r\n")
            self.assertEqual(connection.read_response().status, 400)
            with self.assertRaises(OSError):
                end = time.monotonic() + LONGEST_WAIT
                while time.monotonic() < end:
                    connection.send("more rubbish")
                    time.sleep(0.01)
        sluice.assert_nothing_left()

    # --- the origin ---

    def dribbling(self, ways):
        """An origin that answers /NAME with ways[NAME]: (begin, text), the text over and over, a part every 20 ms."""

        def handler(begin, text):
            def slow(connection, request):
                connection.send(begin)
                for part in itertools.cycle(text):
                    if select.select([connection.socket], [], [], 0.02)[0]:
                        return False
                    connection.send(part)

            return slow

        return self.origin({name: handler(*way) for name, way in ways.items()})

    def test_a_response_head_has_to_end_in_time(self):
        ways = {
            "reason": ("HTTP/1.1 200 ", "O"),
            "fields": ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
            "blanks": ("HTTP/1.1 200 OK\r\nX:", " "),
            "interim": ("", ["HTTP/1.1 103 Early Hints\r\n\r\n"]),
        }
        sluice = self.sluice_with(self.dribbling(ways), first_byte="400ms")

        def judge(name):
            self.assertEqual(get(self.port, "/" + name).status, 504)
            self.assertEqual(sluice.log_line("/" + name)["end"], "upstream-head-timeout")

        self.together(judge, [(name,) for name in ways])
        sluice.assert_nothing_left()

    def test_framing_alone_keeps_no_response_alive(self):
        head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        ways = {
            "extension": (head + "5;", "a"),
            "second": (head + "5\r\nhello\r\n5;", "a"),
            "trailers": (head + "5\r\nhello\r\n0\r\n", "X: y\r\n"),
        }
        sluice = self.sluice_with(self.dribbling(ways), body_idle="400ms")

        def judge(name):
            self.assert_cut(get(self.port, "/" + name))
            self.assertEqual(sluice.log_line("/" + name)["end"], "upstream-stalled")

        self.together(judge, [(name,) for name in ways])
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
