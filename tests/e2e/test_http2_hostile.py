"""HTTP/2 from those who mean harm: requests that would be two in HTTP/1, floods, bombs, and clients that wait."""

import select
import time
import unittest
from dataclasses import dataclass

from harness import Case, until
from hostile.requests import LIMITS
from hostile.witness import Witness
from http2 import frames
from http2.frames import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    INITIAL_WINDOW_SIZE,
    NO_ERROR,
    PREFACE,
    PROTOCOL_ERROR,
    Http2Connection,
    block,
    continuation,
    data,
    frame,
    headers,
    ping,
    post,
    priority,
    priority_update,
    pseudo,
    reset,
    settings,
    window_update,
)
from http2.requests import REQUESTS, Answered, Broken, Excess, Refused

NEXT = frames.get(3, path="/next", authority="next.example")


# --- requests -----------------------------------------------------------------------------------------------------


@dataclass
class Sent:
    """One entry on its connection. The address it comes from tells it from all others, at the origin and in the log."""

    entry: object
    source: str
    connection: Http2Connection


class Requests(Case):
    """Each entry of http2/requests.py gets its verdict, whole and byte by byte."""

    def setUp(self):
        self.witness = Witness(self)
        self.sluice = self.proxy([self.witness.origin.port], limits=LIMITS)

    def test_whole(self):
        self.judge_all(lambda connection, raw: connection.send(raw))

    def test_byte_by_byte(self):
        def send(connection, raw):
            step = 1 + len(raw) // 400
            for at in range(0, len(raw), step):
                connection.send(raw[at : at + step])

        self.judge_all(send)

    def judge_all(self, send):
        every = []
        for n, entry in enumerate(REQUESTS, 1):
            source = f"127.1.{n >> 8}.{n & 255}"
            sent = Sent(entry, source, Http2Connection(self.port, source=source))
            every.append(sent)
            self.addCleanup(sent.connection.close)
            send(sent.connection, entry.raw + NEXT)
        for sent in every:
            with self.subTest(sent.entry.name, rule=sent.entry.rule):
                self.judge_answer(sent)
        for sent in every:
            sent.connection.close()
        self.witness.wait()
        self.assertEqual(self.witness.stray, [], "bytes at the origin that are no request")
        for sent in every:
            with self.subTest(sent.entry.name, rule=sent.entry.rule):
                self.judge_origin(sent)
        self.sluice.assert_nothing_left()

    def judge_answer(self, sent):
        verdict, connection = sent.entry.verdict, sent.connection
        first, then = connection.response(1), connection.response(3)
        told = connection.told()
        if isinstance(verdict, Refused):
            if not first.fields and not isinstance(verdict, Answered):
                self.assertEqual(first.reset, PROTOCOL_ERROR, told)
            else:
                self.assertIn(first.status, verdict.statuses, told)
        else:
            self.assertTrue(first.ended, told)
            self.assertEqual(first.status, 200)
            self.assertEqual(first.body.decode(), f"{verdict.method} {verdict.target} {len(verdict.body)}")
        self.assertTrue(then.ended, told)
        self.assertEqual(then.body, b"GET /next 0")

    def judge_origin(self, sent):
        verdict, seen = sent.entry.verdict, self.witness.seen.get(sent.source, [])
        seen = [s for s in seen if s.request.target != "/next" or s.request.get("Host") != "next.example"]
        if isinstance(verdict, Broken):
            self.assertLessEqual(len(seen), 1)
            self.assertFalse(any(s.whole for s in seen), "a broken request looked whole")
        elif isinstance(verdict, Excess):
            self.assertLessEqual(len(seen), 1)
            self.assertTrue(all(bytes(s.body) == verdict.body[: len(s.body)] for s in seen))
        elif isinstance(verdict, Refused):
            self.assertEqual([s.request.head for s in seen], [], "a refused request went upstream")
        else:
            self.assertEqual(len(seen), 1)
            self.witness.assert_saw(self, seen[0], verdict, sent.source)


# --- floods -------------------------------------------------------------------------------------------------------


def open_stream(number):
    return post(number, path="/hold")


def odd():
    """Numbers for new streams; 1 is open already."""
    number = 1
    while True:
        number += 2
        yield number


def _per_stream(make):
    """A frame for each of new streams."""
    return lambda: (make(number) for number in odd())


def _same(raw):
    def forever():
        while True:
            yield raw

    return forever


# What comes over and over, behind a stream 1 that is open: cheap to send, and costs us an answer or a request upstream.
FLOODS = {
    "rapid reset (CVE-2023-44487)": _per_stream(lambda n: frames.get(n, path="/hold") + reset(n)),
    "reset before the end": _per_stream(lambda n: open_stream(n) + reset(n)),
    "made us reset (CVE-2025-8671), by a malformed request": _per_stream(lambda n: frames.get(n, ("X", "y"))),
    "made us reset (CVE-2025-8671), by two lengths": _per_stream(
        lambda n: post(n, ("content-length", "1"), path="/hold") + data(n, "two", end=True)
    ),
    "made us reset (CVE-2025-8671), by a window": _per_stream(
        lambda n: open_stream(n) + window_update(n, (1 << 31) - 1)
    ),
    "PING (CVE-2019-9512)": _same(ping()),
    "PING, acknowledged": _same(ping(flags=frames.ACK)),
    "SETTINGS (CVE-2019-9515)": _same(settings()),
    "SETTINGS that change": _same(settings((INITIAL_WINDOW_SIZE, 1)) + settings((INITIAL_WINDOW_SIZE, 2))),
    "PRIORITY (CVE-2019-9513)": _same(priority(1, 3)),
    "PRIORITY of idle streams": _per_stream(lambda n: priority(n, n - 2)),
    "PRIORITY_UPDATE": _same(priority_update(1)),
    "PRIORITY_UPDATE of idle streams": _per_stream(priority_update),
    "empty DATA (CVE-2019-9518)": _same(data(1)),
    "DATA of padding": _same(data(1, bytes(1), flags=frames.PADDED)),
    "RST_STREAM of what is over": _same(reset(1)),
}
# What costs us no more than its own bytes; it ends when there is far more of it than of requests and bodies.
RUBBISH = {
    "WINDOW_UPDATE": window_update(0, 1),
    "WINDOW_UPDATE of a stream": window_update(1, 1),
    "unknown frames": frame(0x16, 0, 0, b""),
    "GOAWAY": frames.goaway(),
}


class Floods(Case):
    MOST = 20000  # frames; a flood that is still welcome then is not bounded

    def sluice_with(self, **more):
        self.held = []

        def hold(connection, request):
            self.held.append(connection)
            return connection.wait_for_end() and False

        origin = self.origin({"hold": hold})
        return self.proxy([origin.port], http2={"resets": 50, "control_frames": 200, "window": "1h"}, **more)

    def flood(self, connection, source):
        """How many were sent until the end; answers are read meanwhile."""
        connection.send(open_stream(1))
        batch = []
        for sent, raw in enumerate(source(), 1):
            batch.append(raw)
            if len(batch) == 10:
                connection.send(*batch)
                batch = []
                connection.alive(b"%08d" % sent)
            if connection.over or connection.goaway is not None or sent >= self.MOST:
                return sent

    def test_each_flood_ends_the_connection(self):
        sluice = self.sluice_with()
        before = sluice.rss_anon()
        for name, source in FLOODS.items():
            with self.subTest(name), Http2Connection(self.port) as connection, Http2Connection(self.port) as other:
                sent = self.flood(connection, source)
                self.assertLess(sent, 1000, "frames")
                connection.until(lambda: False, "the end")
                self.assertEqual(connection.goaway, ENHANCE_YOUR_CALM, connection.told())
                self.assertTrue(other.alive(), "another connection suffers")
        sluice.assert_nothing_left()
        self.assertLess(sluice.rss_anon() - before, 4 << 20)

    def test_rubbish_is_bounded_as_well(self):
        sluice = self.sluice_with()
        before = sluice.rss_anon()
        for name, raw in RUBBISH.items():
            with self.subTest(name), Http2Connection(self.port) as connection:
                connection.send(open_stream(1))
                many = raw * (65536 // len(raw))
                for _ in range(64 << 4):
                    if connection.over or not self.pour(connection, many):
                        break
                self.assertFalse(connection.alive(), "it goes on")
                self.assertIn(connection.goaway, (ENHANCE_YOUR_CALM, None), connection.told())
        sluice.assert_nothing_left()
        self.assertLess(sluice.rss_anon() - before, 4 << 20)

    @staticmethod
    def pour(connection, raw):
        """Whether the connection took it."""
        try:
            connection.socket.sendall(raw)
        except OSError:
            return False
        while not connection.over and select.select([connection.socket], [], [], 0)[0]:
            connection.step()
        return True

    def test_rapid_reset_reaches_the_origin_no_oftener_than_allowed(self):
        sluice = self.sluice_with()
        with Http2Connection(self.port) as connection:
            connection.send(*(frames.get(n, path="/hold") + reset(n) for n in range(1, 4000, 2)))
            connection.until(lambda: False, "the end")
            self.assertEqual(connection.goaway, ENHANCE_YOUR_CALM, connection.told())
        sluice.assert_nothing_left()
        self.assertLessEqual(len(self.held), 60)

    def test_what_is_allowed_passes(self):
        sluice = self.sluice_with()
        with Http2Connection(self.port) as connection:
            for number in range(1, 81, 2):
                connection.send(frames.get(number, path="/hold"), reset(number))
            for _ in range(150):
                connection.send(ping())
            connection.send(frames.get(101, path="/length/5"))
            self.assertEqual(len(connection.response(101).body), 5)
        sluice.assert_nothing_left()

    def test_a_window_of_time_passes(self):
        self.origin_port = self.origin().port
        sluice = self.proxy([self.origin_port], http2={"resets": 10, "control_frames": 20, "window": "200ms"})
        with Http2Connection(self.port) as connection:
            for _ in range(5):
                for _ in range(10):
                    self.assertTrue(connection.alive(), connection.told())
                time.sleep(0.25)  # a window of time passes
        sluice.assert_nothing_left()

    def test_pings_whose_answers_nobody_reads(self):
        """The answers may not pile up."""
        sluice = self.sluice_with()
        before = sluice.rss_anon()
        with Http2Connection(self.port, receive_buffer=4096) as connection:
            connection.socket.settimeout(5)
            for _ in range(200):
                connection.send(ping() * 100)
            self.assertLess(sluice.rss_anon() - before, 1 << 20)
        sluice.assert_nothing_left()


# --- heads --------------------------------------------------------------------------------------------------------


class Heads(Case):
    def sluice_with(self, **timeouts):
        origin = self.origin()
        return self.proxy([origin.port], limits=LIMITS, timeouts=timeouts)

    def flood(self, first, part, most=100000):
        sluice = self.sluice_with()
        before = sluice.rss_anon()
        with Http2Connection(self.port) as connection:
            connection.send(first)
            sent = 0
            while not connection.over and sent < most:
                sent += 50
                if not Floods.pour(connection, part * 50):
                    break
            self.assertLess(sent, most, "frames")
            self.assertNotEqual(connection.goaway, NO_ERROR, connection.told())
        self.assertLess(sluice.rss_anon() - before, 1 << 20)
        sluice.assert_nothing_left()

    def test_continuation_flood(self):
        """CVE-2024-27316: a field block without end."""
        self.flood(headers(1, block(*pseudo()), last=False), continuation(1, block(("x", "y" * 1000)) * 16, last=False))

    def test_empty_continuation_flood(self):
        self.flood(headers(1, block(*pseudo()), last=False), continuation(1, b"", last=False))

    def test_a_table_that_changes_its_size_for_ever(self):
        self.flood(headers(1, b"", last=False), continuation(1, b"\x20\x3f\xe1\x1f" * 1000, last=False))

    def test_bomb(self):
        """RFC 7541 §7.3: little that means much, on many streams of one connection at once."""
        sluice = self.sluice_with()
        before = sluice.rss_anon()
        with Http2Connection(self.port) as connection:
            fill = b"\x40" + frames.string("x") + frames.string("y" * 3900)
            connection.send(headers(1, block(*pseudo()) + fill + b"\xbe" * 12000))
            for number in range(3, 101, 2):
                connection.send(headers(number, block(*pseudo()) + b"\xbe" * 16000))
            for number in range(1, 101, 2):
                if connection.goaway is None:
                    self.assertIn(connection.response(number).status, (431, None), connection.told())
            self.assertIn(connection.goaway, (ENHANCE_YOUR_CALM, None), connection.told())
        self.assertLess(sluice.rss_anon() - before, 2 << 20)
        sluice.assert_nothing_left()

    def test_what_does_not_go_on_ends(self):
        """Each wait has its end: a preface, a frame, a head, a body, and an idle connection."""
        sluice = self.sluice_with(head="300ms", keep_alive="600ms", body_idle="400ms")
        cut = {
            "half of the preface": (PREFACE[:12], None),
            "the preface alone": (PREFACE, None),
            "half of a frame": (PREFACE + settings() + ping()[:12], None),
            "a head without its end": (PREFACE + settings() + headers(1, block(*pseudo()), last=False), None),
            "nothing to do": (PREFACE + settings(), NO_ERROR),
            "nothing to do any more": (PREFACE + settings() + frames.get(path="/length/5"), NO_ERROR),
        }
        connections = {name: Http2Connection(self.port, begin=raw) for name, (raw, _) in cut.items()}
        for name in ("nothing to do", "nothing to do any more"):
            self.assertTrue(connections[name].alive())  # SETTINGS are acknowledged
        for name, connection in connections.items():
            with self.subTest(name), connection:
                connection.until(lambda: False, "the end")
                if cut[name][1] is not None:
                    self.assertEqual(connection.goaway, cut[name][1], connection.told())
        sluice.assert_nothing_left()

    def test_a_body_that_does_not_come_ends_its_stream_alone(self):
        sluice = self.sluice_with(body_idle="400ms")
        with Http2Connection(self.port) as connection:
            connection.send(post(1, path="/hash"), data(1, "a part"), frames.get(3, path="/length/5"))
            self.assertEqual(len(connection.response(3).body), 5)
            stream = connection.response(1)
            self.assertIn(stream.status or stream.reset, (408, CANCEL), connection.told())
            self.assertTrue(connection.alive())
        sluice.assert_nothing_left()


# --- windows ------------------------------------------------------------------------------------------------------


class Windows(Case):
    def sluice_with(self, **more):
        self.port_of_origin = self.origin().port
        return self.proxy([self.port_of_origin], **more)

    def test_windows_that_stay_closed(self):
        """CVE-2019-9517: much is asked for, and nothing is read. Each stream holds no more than its buffer."""
        sluice = self.sluice_with(timeouts={"body_idle": "1s"})
        before = sluice.rss_anon()
        with Http2Connection(self.port, begin=PREFACE + settings((INITIAL_WINDOW_SIZE, 0))) as connection:
            connection.send(*(frames.get(n, path="/length/10000000") for n in range(1, 101, 2)))
            connection.until(lambda: len(connection.streams) == 50, "50 heads")
            self.assertLess(sluice.rss_anon() - before, 50 * (64 + 32) << 10)
            for number in range(1, 101, 2):
                self.assertEqual(connection.response(number).reset is not None, True, connection.told())
            self.assertTrue(connection.alive())
        sluice.assert_nothing_left()

    def test_a_window_opened_a_byte_at_a_time_keeps_no_one_else_waiting(self):
        sluice = self.sluice_with()
        with Http2Connection(self.port, begin=PREFACE + settings((INITIAL_WINDOW_SIZE, 1))) as connection:
            connection.send(frames.get(1, path="/length/100000"))
            stream = connection.stream(1)
            for size in range(1, 100):
                connection.until(lambda: len(stream.body) >= size, f"{size} bytes")
                self.assertEqual(len(stream.body), size)
                connection.send(window_update(1, 1))
            with Http2Connection(self.port) as other:
                other.send(frames.get(1, path="/length/60000"))
                self.assertEqual(len(other.response(1).body), 60000)
            connection.send(reset(1))
            self.assertTrue(connection.alive())
        sluice.assert_nothing_left()

    def test_more_than_our_window(self):
        """What goes beyond the window that we gave is an error of flow control (RFC 9113 §6.9.1), and is not kept."""
        release = []

        def hold(connection, request):
            until(lambda: release, "the test goes on")
            return False

        origin = self.origin({"hold": hold})
        sluice = self.proxy([origin.port])
        before = sluice.rss_anon()
        with Http2Connection(self.port) as connection:
            connection.send(post(1, path="/hold"))
            for _ in range(1000):
                if connection.over:
                    break
                connection.send(data(1, bytes(16384)))
            connection.until(lambda: connection.stream(1).reset is not None, "an error")
            codes = {connection.goaway, connection.stream(1).reset}
            self.assertIn(frames.FLOW_CONTROL_ERROR, codes, connection.told())
            self.assertLess(sluice.rss_anon() - before, 4 << 20)
            release.append(True)
        sluice.assert_nothing_left()

    def test_the_connections_window_is_the_clients_own_affair(self):
        """One that lets its connection's window run dry stops itself; another connection goes on."""
        sluice = self.sluice_with(timeouts={"body_idle": "1s"})
        with Http2Connection(self.port) as connection:
            connection.send(frames.get(1, path="/length/1000000"), frames.get(3, path="/length/1000000"))
            got = [connection.stream(1), connection.stream(3)]
            connection.until(lambda: sum(len(s.body) for s in got) == 65535, "the whole window")
            with Http2Connection(self.port) as other:
                other.send(frames.get(1, path="/length/60000"))
                self.assertEqual(len(other.response(1).body), 60000)
            connection.until(lambda: all(s.over for s in got), "the end of both")
            self.assertEqual(sum(len(s.body) for s in got), 65535)
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
