"""What small responses notice of a large file that has to come from the disk."""

import contextlib
import ctypes
import mmap
import os
import socket
import threading

from loads.crowd import Crowd, faultless
from scenarios.scenario import Column, Scenario
from work import MIB, Size, Wrong

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.mmap.restype = ctypes.c_void_p
LIBC.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
LIBC.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
LIBC.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def cached_share(file, size):
    """How much of a file is in the page cache, 0 to 1: mincore(2), which Python has no name for."""
    pages = ctypes.create_string_buffer(-(-size // mmap.PAGESIZE))
    at = LIBC.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
    try:
        if LIBC.mincore(at, size, pages) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
    finally:
        LIBC.munmap(at, size)
    return sum(page & 1 for page in pages.raw) / len(pages)


class ColdReader:
    """Takes the page cache's copy of a file away and asks for the file, again and again. A context."""

    def __init__(self, port, path, file):
        self._port, self._path, self._file = port, path, file
        self._size = os.path.getsize(file)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.bytes = 0
        self.still_cached = []  # shares of the file, after it was evicted
        self.wrong = None

    def _evict(self):
        with open(self._file, "rb") as opened:
            os.fsync(opened.fileno())
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self.still_cached.append(cached_share(opened.fileno(), self._size))

    def _run(self):
        try:
            buffer = bytearray(256 << 10)
            while not self._end.is_set():
                self._evict()
                with socket.create_connection(("127.0.0.1", self._port), 30) as client:
                    client.sendall(f"GET {self._path} HTTP/1.1\r\nHost: bench.example\r\n".encode())
                    client.sendall(b"Connection: close\r\n\r\n")
                    before = self.bytes
                    while not self._end.is_set() and (got := client.recv_into(buffer)):
                        self.bytes += got
                    if not self._end.is_set() and self.bytes - before < self._size:
                        raise Wrong("the cold body was cut")
        except (OSError, Wrong) as why:
            self.wrong = why

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._thread.join()


class Cold(Scenario):
    name = "cold"
    title = "Cold files beside hot small requests"
    RATE = 2_000
    COLD = "100MiB"
    lead = (
        f"{RATE:,} requests a second for a file of 4 KiB that is in the page cache, on 16 connections; alone, and "
        f"while one client reads a file of {Size.parse(COLD).name} that is evicted from it before each time. How much "
        "of that was read, and how much of it was still cached when it was asked for, stands beside the latencies, "
        "which count from when a request was due. The disk may be cached by what is below this machine."
    )
    columns = (
        Column("p99_us", "p99 µs", 0),
        Column("p50_us", "p50 µs", 0),
        Column("p999_us", "p99.9 µs", 0),
        Column("cold_mib", "cold MiB/s", 0, "more"),
        Column("cached", "still cached, %", 0, ""),
    )
    peers = ("sluice", "nginx", "h2o")
    sizes = ("4KiB", COLD)
    labels = ("alone", "beside cold reads")

    def measure(self, stage, rows):
        with self.started(stage) as running:
            self.each(stage, rows, running, self.labels, lambda name, peer, label: self.one(stage, peer, label))

    def one(self, stage, peer, label):
        path = "/files/4KiB"
        cold = ColdReader(peer.ports["http"], f"/files/{self.COLD}", stage.ground.www / self.COLD)
        with Crowd(stage.ground, peer, 16, path) as crowd:
            with cold if label != "alone" else contextlib.nullcontext():
                told = faultless(crowd.run(seconds=stage.of(1.5, 0.5, 0.3), rate=self.RATE, path=path))
        if cold.wrong:
            raise Wrong(cold.wrong)
        figures = {key: told[key] for key in ("p50_us", "p99_us", "p999_us")}
        if cold.still_cached:
            figures["cold_mib"] = cold.bytes / MIB / told["seconds"]
            figures["cached"] = 100 * sum(cold.still_cached) / len(cold.still_cached)
        return figures


SCENARIOS = [Cold()]
