"""The programs of bench/limit move every byte, also for those who read late: a limit that loses some is none."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from process import free_port  # noqa: E402

HOME = Path(os.environ.get("BENCH_HOME", ROOT / "build" / "bench"))
SMALL = 1 << 14  # bytes of a socket's buffers, so that whoever writes has to wait
BODY = os.urandom(3 << 20)


class Limit(unittest.TestCase):
    def start(self, name, *words):
        """The port on which the program serves."""
        if not (HOME / name).exists():
            self.skipTest(f"{HOME / name} is not built: target bench_programs")
        port = free_port()
        process = subprocess.Popen([HOME / name, str(port), *map(str, words)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        for _ in range(1000):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                return port
            try:
                self.fail(f"it ended: {process.wait(0.01)}")
            except subprocess.TimeoutExpired:
                pass
        self.fail("it does not answer")

    def connect(self, port):
        client = socket.socket()
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        client.settimeout(20)
        client.connect(("127.0.0.1", port))
        return client

    def read(self, client, size):
        got = bytearray()
        while len(got) < size and (piece := client.recv(SMALL)):
            got += piece
        return bytes(got)


class Relays(Limit):
    def origin(self):
        """Sends BODY for every line that it is sent, and closes after the third; the port."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve(client):
            with client, client.makefile("rb") as lines, contextlib.suppress(OSError):
                for _, _line in zip(range(3), lines):
                    client.sendall(BODY)

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def check(self, program):
        port = self.start(program, self.origin())
        clients = [self.connect(port) for _ in range(3)]
        for client in clients:
            client.sendall(b"?\n" * 3)
        for client in clients:  # the others wait, and fill all buffers on their way
            self.assertTrue(self.read(client, 3 * len(BODY)) == 3 * BODY)
            self.assertEqual(client.recv(1), b"", "the origin's end")

    def test_splicing_loses_no_byte(self):
        self.check("splice_relay")

    def test_copying_loses_no_byte(self):
        self.check("copy_relay")


class Files(Limit):
    def test_are_sent_whole_again_and_again(self):
        body = 5 * BODY  # more than the kernel takes at once
        with tempfile.TemporaryDirectory() as directory:
            (Path(directory) / "15MiB").write_bytes(body)
            port = self.start("sendfile_server", directory)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        client, other = self.connect(port), self.connect(port)
        other.sendall(b"GET /files/15MiB HTTP/1.1\r\n\r\n")  # and does not read
        for _ in range(2):
            client.sendall(b"GET /15MiB HTTP/1.1\r\nHost: x\r\n\r\n")
            self.assertTrue(self.read(client, len(head) + len(body)) == head + body)
        self.assertTrue(self.read(other, len(head) + len(body)) == head + body)
        other.sendall(b"GET /nothing HTTP/1.1\r\n\r\n")
        self.assertEqual(other.recv(1), b"", "no such file")


if __name__ == "__main__":
    unittest.main()
