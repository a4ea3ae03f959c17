"""The TCP listener: both directions, each with its own end."""

import json
import subprocess
import threading
import time
import unittest

from harness import Case, Connection, Pattern, free_port, get, run, until
from sluice import sanitized

MIB = 1024 * 1024


def echo(connection):
    while data := connection.read_some():
        connection.send(data)
    connection.finish()


class Tcp(Case):
    def tcp(self, origin_port, path="auto", **more):
        self.port = None
        self.tcp_port = free_port()
        listener = {"listen": f"127.0.0.1:{self.tcp_port}", "protocol": "tcp", "upstream": "app", "relay": {"path": path}}
        return self.proxy([origin_port], more_listeners=[listener], **more)

    def each_path(self, origin_port, **more):
        for path in ("auto", "buffered", "splice"):
            yield path, self.tcp(origin_port, path, **more)

    def test_bytes_come_back_and_each_end_is_passed_on(self):
        origin = self.origin(script=echo)
        for path, sluice in self.each_path(origin.port):
            for size in (0, 1, 100000, 20 * MIB):
                with self.subTest(path=path, size=size), Connection(self.tcp_port) as connection:

                    def pour():
                        connection.send(Pattern.at(0, size))
                        connection.finish()

                    sender = threading.Thread(target=pour)
                    sender.start()
                    got = 0
                    while data := connection.read_some():
                        self.assertEqual(data, Pattern.at(got, len(data)))
                        got += len(data)
                    sender.join()
                    self.assertEqual(got, size)
            entries = sluice.log_lines(lambda line: line["protocol"] == "tcp" and line["bytes_in"] == 20 * MIB)
            self.assertEqual((entries[0]["bytes_out"], entries[0]["end"]), (20 * MIB, "completed"))
            if path != "buffered" and not self.portable:
                self.assertGreater(entries[0]["zero_copy"], 20 * MIB)
            sluice.assert_nothing_left()

    def test_the_server_may_end_first(self):
        """Its end reaches the client, which can go on sending."""
        received = []

        def greets(connection):
            connection.send("hello")
            connection.finish()
            while data := connection.read_some():
                received.append(data)

        origin = self.origin(script=greets)
        for path, sluice in self.each_path(origin.port):
            with self.subTest(path=path):
                received.clear()
                with Connection(self.tcp_port) as connection:
                    self.assertEqual(connection.read_until(b"hello"), b"hello")
                    self.assertTrue(connection.at_end())
                    for _ in range(20):
                        connection.send(Pattern.at(0, 50000))
                        time.sleep(0.005)
                    connection.finish()
                    until(lambda: sum(map(len, received)) == 20 * 50000, "all arrives")
            sluice.assert_nothing_left()

    def test_a_reset_is_passed_on(self):
        seen = []

        def watch(connection):
            connection.send("x")
            seen.append(connection.wait_for_end())

        def resets(connection):
            connection.send("x" * 1000)
            connection.read_some()
            connection.reset()

        origin = self.origin(script=watch)
        sluice = self.tcp(origin.port)
        with Connection(self.tcp_port) as connection:
            connection.read_until(b"x")
            connection.reset()
        until(lambda: seen, "the server sees the end")
        sluice.log_lines(lambda line: line["end"] == "tunnel-failed" and line["bytes_out"] == 1)
        sluice.assert_nothing_left()

        origin = self.origin(script=resets)
        sluice = self.tcp(origin.port)
        with Connection(self.tcp_port) as connection:
            connection.send("go")
            with self.assertRaises(ConnectionResetError):
                while connection.read_some():
                    pass
        sluice.assert_nothing_left()

    def test_an_idle_tunnel_ends(self):
        origin = self.origin(script=echo)
        sluice = self.tcp(origin.port, timeouts={"tunnel_idle": "400ms"})
        with Connection(self.tcp_port) as connection:
            for _ in range(4):  # not idle: longer than the limit altogether
                time.sleep(0.15)
                connection.send("a")
                self.assertEqual(connection.read_some(), b"a")
            self.assertTrue(connection.at_end())
        entries = sluice.log_lines(lambda line: line["end"] == "tunnel-idle")
        self.assertEqual(entries[0]["bytes_out"], 4)
        sluice.assert_nothing_left()

    def test_without_a_server_the_client_is_let_go(self):
        port = free_port()
        sluice = self.tcp(port)
        try:
            with Connection(self.tcp_port) as connection:
                self.assertTrue(connection.at_end())
        except ConnectionResetError:
            pass  # let go before connect() had returned
        entry = sluice.log_lines(lambda line: line["end"] == "connect-failed")[-1]
        self.assertEqual(entry.get("upstream"), f"127.0.0.1:{port}")
        sluice.assert_nothing_left()

    def test_a_server_that_speaks_first_and_a_slow_reader(self):
        size = 30 * MIB

        def pour(connection):
            connection.send_pattern(size)
            connection.finish()

        origin = self.origin(script=pour)
        for path, sluice in self.each_path(origin.port):
            with self.subTest(path=path), Connection(self.tcp_port, receive_buffer=16384) as connection:
                time.sleep(0.3)
                got = 0
                while data := connection.read_some():
                    self.assertEqual(data, Pattern.at(got, len(data)))
                    got += len(data)
                self.assertEqual(got, size)
                connection.finish()
            sluice.assert_nothing_left()

    def test_http_through_a_tcp_listener(self):
        nginx = self.nginx(files={"data": 5 * MIB})
        sluice = self.tcp(nginx.port)
        self.assert_whole(get(self.tcp_port, "/data", "Connection: close", expected=Pattern.at), 5 * MIB)
        sluice.assert_nothing_left()

    def test_iperf3(self):
        port = free_port()
        sluice = self.tcp(port)
        for direction in ([], ["-R"], ["--bidir"]):
            with self.subTest(direction=direction):
                # A server for one client: between two of them iperf3 resets who comes too early.
                server = subprocess.Popen(
                    ["iperf3", "-s", "-1", "-p", str(port), "-B", "127.0.0.1", "--forceflush"],
                    stdout=subprocess.PIPE, text=True,
                )  # fmt: skip
                try:
                    while "listening" not in server.stdout.readline():
                        self.assertIsNone(server.poll())
                    told = run("iperf3", "-c", "127.0.0.1", "-p", str(self.tcp_port), "-t", "1", "-J", *direction)
                    for side in ("sum_sent", "sum_received"):
                        least = MIB if sanitized() else 10 * MIB
                        self.assertGreater(json.loads(told)["end"][side]["bytes"], least)
                finally:
                    server.kill()
                    server.wait()
                    server.stdout.close()
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
