"""Slow sides, resets and early ends, at each phase: the cut is visible, the log names it, nothing is left behind."""

import threading
import time
import unittest

from harness import Case, Connection, Cut, Pattern, get, until
from origin import answer

KIB, MIB = 1024, 1024 * 1024
SIZE = 4 * MIB  # more than all socket buffers and pipes between the two ends hold at once
LINK = f"<{'x' * 12 * KIB}>; rel=preload"
SENT = 300 * KIB  # what a failing origin sends before it fails


def head_only(connection, request):
    """Half a head, then the end."""
    connection.send("HTTP/1.1 200 OK\r\nContent-Le")
    return False


def nothing(connection, request):
    return False


def reset_at_once(connection, request):
    connection.reset()
    return False


def garbage(connection, request):
    connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
    return False


def interim_only(connection, request):
    connection.send("HTTP/1.1 103 Early Hints\r\n\r\n")
    return False


def interims_without_end(connection, request):
    """More than all buffers on the way to a client that takes nothing, and more than Sluice keeps."""
    for _ in range(900):
        connection.send(f"HTTP/1.1 103 Early Hints\r\nLink: {LINK}\r\n\r\n")
    connection.wait_for_end()
    return False


def never_answers(connection, request):
    connection.wait_for_end()
    return False


def short_length(connection, request):
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
    connection.send_pattern(SENT)
    return False


def short_length_small(connection, request):
    """All that comes, comes with the head."""
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", Pattern.at(0, 10))
    return False


def reset_in_length(connection, request):
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
    connection.send_pattern(SENT)
    time.sleep(0.2)  # let the proxy take what was sent: RST destroys what still waits
    connection.reset()
    return False


def short_chunks(connection, request):
    """Whole chunks, but no last one."""
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.send_chunks(SENT, 64 * KIB)
    return False


def short_in_a_chunk(connection, request):
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n100000\r\n")
    connection.send_pattern(SENT)
    return False


def reset_in_chunks(connection, request):
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.send_chunks(SENT, 64 * KIB)
    time.sleep(0.2)
    connection.reset()
    return False


def broken_chunk_size(connection, request):
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.send_chunks(SENT, 64 * KIB)
    connection.send("zz\r\n")
    connection.wait_for_end()
    return False


def reset_until_close(connection, request):
    """Only the RST says that this body is not whole."""
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    connection.send_pattern(SENT)
    time.sleep(0.2)
    connection.reset()
    return False


def stalls(connection, request):
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n")
    connection.send_pattern(SENT)
    connection.wait_for_end()
    return False


def trickles(connection, request):
    """Slow, but never idle."""
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n")
    for at in range(0, 30000, 1000):
        connection.send_pattern(1000, begin=at)
        time.sleep(0.03)


ROUTES = {f.__name__: f for f in (
    head_only, nothing, reset_at_once, garbage, interim_only, interims_without_end, never_answers, short_length,
    short_length_small, reset_in_length, short_chunks, short_in_a_chunk, reset_in_chunks, broken_chunk_size,
    reset_until_close, stalls, trickles,
)}  # fmt: skip


class Faults(Case):
    def setUp(self):
        self.raw = self.origin(ROUTES)

    def each_path(self, **timeouts):
        for path in ("auto", "buffered", "splice"):
            self.port = None
            yield path, self.proxy([self.raw.port], route={"relay": {"path": path}}, timeouts=timeouts)

    def assert_ended(self, sluice, target, end):
        entry = sluice.log_line(target)
        self.assertEqual(entry["end"], end, entry)
        counter = "endings_" + end.replace("-", "_")
        until(lambda: sluice.counter(counter) > 0, counter)
        return entry

    # --- the origin fails ------------------------------------------------------------------------------------

    def test_a_response_that_ends_early_is_cut(self):
        cases = [
            ("short_length", "upstream-cut"),
            ("short_length_small", "upstream-cut"),
            ("reset_in_length", "upstream-cut"),
            ("short_chunks", "upstream-cut"),
            ("short_in_a_chunk", "upstream-cut"),
            ("reset_in_chunks", "upstream-cut"),
            ("broken_chunk_size", "upstream-malformed"),
            ("reset_until_close", "upstream-cut"),
        ]
        for path, sluice in self.each_path():
            for target, end in cases:
                with self.subTest(path=path, target=target):
                    response = get(self.port, "/" + target, expected=Pattern.at)
                    self.assert_cut(response)
                    if "reset" not in target:
                        self.assertEqual(response.body.size, 10 if "small" in target else SENT)
                    entry = self.assert_ended(sluice, "/" + target, end)
                    self.assertEqual(entry["status"], 200)
                    self.assertGreaterEqual(entry["bytes_out"], response.body.size)
            sluice.assert_nothing_left()

    def test_an_http10_client_sees_the_cut_of_a_chunked_body(self):
        """Its response ends with the connection, so only RST can tell."""
        for path, sluice in self.each_path():
            for target in ("short_chunks", "reset_until_close"):
                with self.subTest(path=path, target=target), Connection(self.port) as connection:
                    connection.send(f"GET /{target} HTTP/1.0\r\n\r\n")
                    response = connection.read_response(expected=Pattern.at)
                    self.assert_cut(response)
                    self.assertTrue(response.reset)
            sluice.assert_nothing_left()

    def test_without_a_head_the_client_gets_a_502(self):
        sluice = self.proxy([self.raw.port])
        cases = [
            ("nothing", "upstream-gone"),
            ("reset_at_once", "upstream-gone"),
            ("head_only", "upstream-gone"),
            ("garbage", "upstream-head-invalid"),
        ]
        for target, end in cases:
            with self.subTest(target=target):
                self.assertEqual(get(self.port, "/" + target).status, 502)
                self.assertEqual(self.assert_ended(sluice, "/" + target, end)["status"], 502)
        sluice.assert_nothing_left()

    def test_no_answer_of_ours_begins_inside_an_interim_response(self):
        sluice = self.proxy([self.raw.port])
        with self.subTest("the client took it all"):
            response = get(self.port, "/interim_only")
            self.assertEqual(([i.status for i in response.interim], response.status), ([103], 502))
        with self.subTest("the client is stuck in one"), Connection(self.port, receive_buffer=8 * KIB, mss=536) as stuck:
            stuck.send("GET /interims_without_end HTTP/1.1\r\nHost: test.example\r\n\r\n")
            entry = self.assert_ended(sluice, "/interims_without_end", "upstream-head-invalid")
            self.assertEqual(entry["why"], "too-many-interim-responses")
            with self.assertRaises(Cut):
                while True:
                    head = stuck.read_head()
                    self.assertEqual((head.status, head.get("Link") == LINK), (103, True))
        sluice.assert_nothing_left()

    def test_an_origin_that_never_answers_is_a_504(self):
        sluice = self.proxy([self.raw.port], timeouts={"first_byte": "300ms"})
        self.assertEqual(get(self.port, "/never_answers").status, 504)
        self.assert_ended(sluice, "/never_answers", "upstream-head-timeout")
        sluice.assert_nothing_left()

    def test_a_client_that_waits_for_a_100_is_not_to_blame(self):
        """... for a server that sends none; once it came, the body is due."""

        def only_100(connection, request):
            connection.send("HTTP/1.1 100 Continue\r\n\r\n")
            connection.wait_for_end()
            return False

        origin = self.origin({"never_answers": never_answers, "only_100": only_100})
        sluice = self.proxy([origin.port], timeouts={"first_byte": "300ms", "body_idle": "300ms"})
        cases = [("/never_answers", 504, "upstream-head-timeout"), ("/only_100", 408, "client-body-timeout")]
        for target, status, end in cases:
            with self.subTest(target=target), Connection(self.port) as connection:
                connection.send(f"POST {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                self.assertEqual(connection.read_response().status, status)
                self.assert_ended(sluice, target, end)
        sluice.assert_nothing_left()

    def test_an_origin_that_stalls_is_cut(self):
        for path, sluice in self.each_path(body_idle="400ms"):
            with self.subTest(path=path):
                response = get(self.port, "/stalls", expected=Pattern.at)
                self.assert_cut(response)
                self.assertEqual(response.body.size, SENT)
                self.assert_ended(sluice, "/stalls", "upstream-stalled")
            sluice.assert_nothing_left()

    def test_an_origin_that_is_merely_slow_is_waited_for(self):
        for path, sluice in self.each_path(body_idle="400ms"):
            with self.subTest(path=path):
                self.assert_whole(get(self.port, "/trickles", expected=Pattern.at), 30000)
            sluice.assert_nothing_left()

    def test_a_rate_limited_nginx_is_waited_for(self):
        nginx = self.nginx(files={"data": 600 * KIB})
        sluice = self.proxy([nginx.port], timeouts={"body_idle": "2s"})
        self.assert_whole(get(self.port, "/slow/data", expected=Pattern.at), 600 * KIB)
        sluice.assert_nothing_left()

    # --- the client fails ------------------------------------------------------------------------------------

    def leave(self, sluice, target, how):
        with Connection(self.port, receive_buffer=8 * KIB) as connection:
            connection.send(f"GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n")
            connection.read_head()
            getattr(connection, how)()

    def test_a_client_that_leaves_is_let_go(self):
        targets = [f"/length/{SIZE * 4}", f"/chunked/{SIZE * 4}/{256 * KIB}", f"/close/{SIZE * 4}", "/stalls"]
        for path, sluice in self.each_path():
            for how in ("close", "reset"):
                for target in targets:
                    with self.subTest(path=path, how=how, target=target):
                        self.leave(sluice, f"{target}?{how}" if target == "/stalls" else target, how)
            entries = sluice.log_lines(lambda line: line["end"] == "client-gone", count=2 * len(targets))
            self.assertEqual(len(entries), 2 * len(targets))
            self.assertGreaterEqual(sluice.counter("endings_client_gone"), 2 * len(targets))
            sluice.assert_nothing_left()

    def test_a_client_that_leaves_before_the_response_is_let_go(self):
        sluice = self.proxy([self.raw.port])
        with Connection(self.port) as connection:
            connection.send("GET /never_answers HTTP/1.1\r\nHost: test.example\r\n\r\n")
            until(lambda: self.raw.requests, "the request arrives")
            connection.reset()
        self.assert_ended(sluice, "/never_answers", "client-gone")
        sluice.assert_nothing_left()

    def test_a_client_that_leaves_inside_a_head_leaves_nothing(self):
        sluice = self.proxy([self.raw.port])
        for how in ("close", "reset"):
            with Connection(self.port) as connection:
                connection.send("GET / HTTP/1.1\r\nHo")
                getattr(connection, how)()
        sluice.assert_nothing_left()

    def test_a_slow_reader_gets_everything(self):
        for path, sluice in self.each_path():
            with self.subTest(path=path), Connection(self.port, receive_buffer=16 * KIB) as connection:
                connection.send(f"GET /length/{SIZE} HTTP/1.1\r\nHost: test.example\r\n\r\n")
                connection.read_head()
                size = 0
                while size < SIZE:
                    data = connection.read_some(50000)
                    self.assertEqual(data, Pattern.at(size, len(data)))
                    size += len(data)
                    if size % 7 == 0:
                        time.sleep(0.005)
            sluice.assert_nothing_left()

    def test_a_reader_that_takes_nothing_is_cut(self):
        for path, sluice in self.each_path(body_idle="500ms"):
            size = 64 * MIB
            with self.subTest(path=path), Connection(self.port, receive_buffer=8 * KIB) as connection:
                connection.send(f"GET /length/{size} HTTP/1.1\r\nHost: test.example\r\n\r\n")
                entry = self.assert_ended(sluice, f"/length/{size}", "client-stalled")
                self.assertLess(entry["bytes_out"], size)
            sluice.assert_nothing_left()

    def test_nothing_more_is_read_from_the_origin_than_is_taken(self):
        """Back-pressure: an unread response does not move into the proxy."""
        sent = []

        def pour(connection, request):
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {256 * MIB}\r\n\r\n")
            for at in range(0, 256 * MIB, 64 * KIB):
                connection.send_pattern(64 * KIB, begin=at)
                sent.append(64 * KIB)

        origin = self.origin({"pour": pour})
        for path in ("buffered", "splice"):
            self.port = None
            sluice = self.proxy([origin.port], route={"relay": {"path": path}})
            with self.subTest(path=path), Connection(self.port, receive_buffer=8 * KIB) as connection:
                sent.clear()
                before = sluice.rss_anon()
                connection.send("GET /pour HTTP/1.1\r\nHost: test.example\r\n\r\n")
                connection.read_head()
                until(lambda: len(sent) > 4, "the origin sends")
                last = -1
                while last != len(sent):  # until it stands still
                    last = len(sent)
                    time.sleep(0.3)
                self.assertLess(sum(sent), 32 * MIB)
                self.assertLess(sluice.rss_anon() - before, MIB)
            sluice.assert_nothing_left()

    # --- request bodies --------------------------------------------------------------------------------------

    def test_a_request_body_that_ends_early_never_looks_whole(self):
        seen = []

        def upload(connection, request):
            try:
                connection.read_body(request, lambda data: None)
                seen.append("whole")
                answer(connection, "whole")
            except Exception:
                seen.append("cut")
                raise

        origin = self.origin({"upload": upload})
        sluice = self.proxy([origin.port])
        bodies = {
            "length": (f"Content-Length: {SIZE}\r\n\r\n", Pattern.at(0, SENT)),
            "between-chunks": ("Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + Pattern.at(0, 65536) + b"\r\n"),
            "in-a-chunk": ("Transfer-Encoding: chunked\r\n\r\n", b"100000\r\n" + Pattern.at(0, SENT)),
        }
        for name, (framing, body) in bodies.items():
            for how in ("close", "reset"):
                with self.subTest(name=name, how=how):
                    seen.clear()
                    target = f"/upload/{name}/{how}"
                    with Connection(self.port) as connection:
                        connection.send(f"POST {target} HTTP/1.1\r\nHost: test.example\r\n", framing, body)
                        until(lambda: any(r.target == target for r in origin.requests), "the request arrives")
                        getattr(connection, how)()
                    until(lambda: seen, "the origin sees the end")
                    self.assertEqual(seen, ["cut"])
                    self.assertIn(sluice.log_line(target)["end"], ("client-body-cut", "client-gone"))
        sluice.assert_nothing_left()

    def test_broken_chunks_in_a_request_are_refused(self):
        sluice = self.proxy([self.raw.port])
        with Connection(self.port) as connection:
            connection.send("POST /hash HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n")
            connection.send("5\r\nhello\r\nxyz\r\n")
            response = connection.read_response()
            self.assertEqual(response.status, 400)
            self.assertTrue(connection.at_end())
        self.assert_ended(sluice, "/hash", "client-body-malformed")
        sluice.assert_nothing_left()

    def test_a_stalled_request_body_times_out(self):
        sluice = self.proxy([self.raw.port], timeouts={"body_idle": "400ms"})
        with Connection(self.port) as connection:
            connection.send("POST /hash HTTP/1.1\r\nHost: test.example\r\nContent-Length: 100\r\n\r\nabc")
            response = connection.read_response()
            self.assertEqual(response.status, 408)
        self.assert_ended(sluice, "/hash", "client-body-timeout")
        sluice.assert_nothing_left()

    def test_an_origin_that_dies_under_an_upload_is_a_502(self):
        def dies(connection, request):
            connection.read_some(1000)
            connection.reset()
            return False

        origin = self.origin({"dies": dies})
        sluice = self.proxy([origin.port])
        with Connection(self.port) as connection:
            connection.send(f"POST /dies HTTP/1.1\r\nHost: test.example\r\nContent-Length: {SIZE}\r\n\r\n")

            def send():
                try:
                    connection.send(Pattern.at(0, SIZE))
                except OSError:
                    pass  # the answer comes before the body is through

            sender = threading.Thread(target=send)
            sender.start()
            response = connection.read_response()
            sender.join()
            self.assertEqual(response.status, 502)
        entry = self.assert_ended(sluice, "/dies", "upstream-gone")
        self.assertGreater(entry["bytes_in"], 0, "what the origin got of it counts")
        sluice.assert_nothing_left()

    def test_many_faults_at_once_leave_nothing(self):
        sluice = self.proxy([self.raw.port])
        targets = ["short_length", "reset_in_length", "short_chunks", "reset_in_chunks", "length/100000", "nothing"]

        def visit(n):
            target = targets[n % len(targets)]
            if n % 5 == 0:
                self.leave(sluice, f"/length/{SIZE * 4}", "reset" if n % 2 else "close")
            else:
                get(self.port, "/" + target)

        threads = [threading.Thread(target=visit, args=(n,)) for n in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
