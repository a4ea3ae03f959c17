"""What a reader costs who takes a large body a little at a time."""

import selectors
import socket
import time

import memory
from scenarios.scenario import Column, Scenario
from work import MIB, Wrong


class Readers:
    """Connections that have each asked for the same file, and its bytes as far as they were read."""

    WINDOW = 64 << 10  # bytes that each may have received and not read, so that the machine's memory suffices

    def __init__(self, port, number, path, file):
        with open(file, "rb") as opened:
            self._wanted = opened.read(MIB)
        self._selector = selectors.DefaultSelector()
        self._heads, self._at = {}, {}
        try:
            for _ in range(number):
                reader = socket.socket()
                self._selector.register(reader, selectors.EVENT_READ)
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.WINDOW)
                reader.connect(("127.0.0.1", port))
                reader.sendall(f"GET {path} HTTP/1.1\r\nHost: bench.example\r\n\r\n".encode())
                self._heads[reader] = b""
            self._read_heads(time.monotonic() + 30)
        except BaseException:
            self.close()
            raise

    def _read_heads(self, end):
        while self._heads:
            if time.monotonic() > end:
                raise Wrong(f"{len(self._heads)} readers wait for a response")
            for key, _ in self._selector.select(1):
                reader = key.fileobj
                if reader not in self._heads:
                    continue
                head, blank, rest = (self._heads[reader] + reader.recv(1024)).partition(b"\r\n\r\n")
                self._heads[reader] = head + blank + rest
                if blank:
                    if b" 200 " not in head:
                        raise Wrong(head.splitlines()[0].decode(errors="replace"))
                    del self._heads[reader]
                    self._at[reader] = 0
                    self._compare(reader, rest)

    def _compare(self, reader, piece):
        at = self._at[reader]
        if piece != self._wanted[at : at + len(piece)]:
            raise Wrong(f"a wrong byte behind {at}")
        self._at[reader] = at + len(piece)

    def read(self, size):
        """Each takes so many bytes."""
        for reader in self._at:
            piece = reader.recv(size)
            if not piece:
                raise Wrong("a body was cut")
            self._compare(reader, piece)

    def close(self):
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()


class SlowReaders(Scenario):
    columns = (
        Column("own_kib", "own KiB per reader", 2),
        Column("piped_kib", "KiB in pipes", 2),
        Column("pipes_kib", "room in pipes", 0, ""),
        Column("sockets_kib", "KiB in its sockets", 1),
        Column("machine_kib", "whole machine's KiB", 1),
        Column("cpu_ms", "CPU ms per second", 1),
    )
    sizes = ("100MiB",)
    seconds = 20

    def __init__(self, name, title, prefix, peers):
        self.name, self.title, self.prefix, self.peers = name, title, prefix, peers
        self.lead = (
            "Clients that have each asked for a body of 100 MiB and read 1 KiB of it four times a second. Memory "
            "beyond that of the started peer, per reader: its own; what lies in its pipes and in its sockets, where a "
            "page of a file counts for each that it was sent to; and the whole machine's beyond its page cache, with "
            f"the clients' windows of {Readers.WINDOW >> 10} KiB and the origin's queues. Over loopback, what is "
            "spliced is the page cache of the origin itself; between machines it would be received into memory of its "
            "own."
        )

    def measure(self, stage, rows):
        readers = stage.of(1_000, 100, 20)
        label = f"{readers:,} readers"
        for name in self.names(stage):
            with self.started(stage, [name], 2 * readers + 100) as running:
                for process in running.values():
                    stage.say(f"{self.name}: {name}")
                    try:
                        rows.add(name, label, **self.one(stage, process, readers))
                    except Wrong as why:
                        rows.void(name, label, why)

    def one(self, stage, process, number):
        before, kernel = memory.of(process.pids()), memory.kernel()
        path, file = f"{self.prefix}{self.sizes[0]}", stage.ground.www / self.sizes[0]
        readers = Readers(process.ports["http"], number, path, file)
        try:
            began, used = time.monotonic(), process.cpu()
            for turn in range(1, 1 + stage.of(8, 2, 1)):
                readers.read(1024)
                time.sleep(max(0, began + turn / 4 - time.monotonic()))
            spent = process.cpu() - used
            passed = time.monotonic() - began
            after = memory.of(process.pids())
            kernel_grown = max(0, memory.kernel() - kernel)
        finally:
            readers.close()

        def grown(key):
            return max(0, after[key] - before[key]) / number

        return {
            "own_kib": grown("pss_kib"),
            "piped_kib": grown("piped_kib"),
            "pipes_kib": grown("pipes_kib"),
            "sockets_kib": grown("sockets_kib"),
            "machine_kib": grown("pss_kib") + kernel_grown / number,
            "cpu_ms": sum(spent) * 1000 / passed,
        }


SCENARIOS = [
    SlowReaders("slow-relay", "Slow readers, relayed", "/", ("sluice", "nginx", "haproxy", "h2o")),
    SlowReaders("slow-static", "Slow readers of a file", "/files/", ("sluice", "nginx", "h2o")),
]
