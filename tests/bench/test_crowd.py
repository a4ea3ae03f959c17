"""The clients of bench's scenarios count what goes wrong, and don't leave out the time of those who had to wait."""

import os
import socket
import sys
import tempfile
import threading
import time
import types
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import memory  # noqa: E402
from loads.crowd import Crowd, faultless  # noqa: E402
from scenarios import cold  # noqa: E402
from work import Wrong  # noqa: E402

HOME = Path(os.environ.get("BENCH_HOME", ROOT / "build" / "bench"))
BODY = b"0123456789" * 100
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + BODY


class Server:
    """Answers requests, one at a time; `script` may say otherwise for the request of a number: bytes, or None to close.
    A stall is seconds before an answer."""

    def __init__(self):
        self.script, self.stalls = {}, {}
        self.ports = {}
        self._answered = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.ports["http"] = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._serve, args=(client,), daemon=True))
            self._threads[-1].start()

    def _serve(self, client):
        with client:
            while client.recv(4096):
                with self._lock:
                    number = self._answered
                    self._answered += 1
                    time.sleep(self.stalls.get(number, 0))
                answer = self.script.get(number, RESPONSE)
                if answer is None:
                    return
                client.sendall(answer)
                if len(answer) < len(RESPONSE):
                    return

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


class CrowdTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.ground = types.SimpleNamespace(home=HOME, www=Path(directory.name))
        (self.ground.www / "file").write_bytes(BODY)
        self.server = Server()
        self.addCleanup(self.server.close)

    def crowd(self, connections):
        crowd = Crowd(self.ground, self.server, connections, "/file")
        self.addCleanup(crowd.close)
        return crowd

    def test_each_connection_brings_a_response_before_anything_is_measured(self):
        self.assertEqual(self.crowd(20).opened["requests"], 20)

    def test_a_run_over_each_connection_once(self):
        told = self.crowd(20).run(active=20, path="/file")
        self.assertEqual((told["requests"], told["failed"], told["retried"]), (20, 0, 0))
        self.assertEqual(told["bytes"], 20 * 1000)

    def test_a_connection_for_every_request(self):
        told = self.crowd(2).run(active=2, seconds=0.1, path="/file", close=1)
        self.assertGreater(faultless(told)["requests"], 0)
        self.assertEqual(told["retried"], 0)

    def test_a_wrong_byte_is_a_failure(self):
        self.server.script[2] = RESPONSE[:-1] + b"x"
        told = self.crowd(2).run(active=2, path="/file")
        self.assertEqual((told["requests"], told["failed"]), (1, 1))
        with self.assertRaises(Wrong):
            faultless(told)

    def test_a_cut_body_is_a_failure(self):
        self.server.script[2] = RESPONSE[:-1]
        told = self.crowd(2).run(active=2, path="/file")
        self.assertEqual((told["requests"], told["failed"], told["retried"]), (1, 1, 0))

    def test_another_status_is_a_failure(self):
        self.server.script[2] = RESPONSE.replace(b"200 OK", b"502 No")
        self.assertEqual(self.crowd(2).run(active=2, path="/file")["failed"], 1)

    def test_a_kept_connection_that_ends_without_a_byte_is_tried_again(self):
        self.server.script[2] = None
        told = self.crowd(2).run(active=2, path="/file")
        self.assertEqual((told["requests"], told["failed"], told["retried"]), (2, 0, 1))

    def test_a_new_connection_that_ends_without_a_byte_is_a_failure(self):
        self.server.script[0] = None
        with self.assertRaises(Wrong):
            self.crowd(1)

    def test_latency_counts_from_when_a_request_was_due(self):
        # 100 requests a second; one stall of 0.5 s makes some 50 of them late, though one alone was under way.
        self.server.stalls[1] = 0.5
        told = self.crowd(1).run(active=1, at_once=1, seconds=1, rate=100, path="/file")
        self.assertEqual(told["requests"], 100)
        self.assertGreater(told["max_us"], 490_000)
        self.assertGreater(told["p50_us"], 50)
        self.assertGreater(told["p99_us"], 400_000)


class MemoryTest(unittest.TestCase):
    def test_pipes_and_what_is_in_them(self):
        before = memory.pipes([os.getpid()])
        ends = os.pipe()
        try:
            os.write(ends[1], bytes(10 * 1024))
            now = memory.pipes([os.getpid()])
        finally:
            for end in ends:
                os.close(end)
        self.assertEqual(now["pipes"] - before["pipes"], 1)
        self.assertEqual(now["piped_kib"] - before["piped_kib"], 10)
        self.assertGreaterEqual(now["pipes_kib"] - before["pipes_kib"], 10)

    def test_sockets_and_what_is_queued_in_them(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname()) as client, listener.accept()[0]:
                before = memory.sockets([os.getpid()])
                client.sendall(bytes(32 * 1024))
                after = memory.sockets([os.getpid()])
        self.assertGreaterEqual(before["sockets"], 3)
        self.assertGreater(after["sockets_kib"] - before["sockets_kib"], 16)

    def test_how_much_of_a_file_is_cached(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(1 << 20))
            file.flush()
            self.assertEqual(cold.cached_share(file.fileno(), 1 << 20), 1)

    def test_processes_of_their_own(self):
        told = memory.own([os.getpid()])
        self.assertGreater(told["pss_kib"], 1000)
        self.assertGreaterEqual(told["peak_rss_kib"], told["rss_kib"])


if __name__ == "__main__":
    unittest.main()
