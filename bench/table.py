"""One table: its peers are started, checked, measured in turns, and stopped."""

import dataclasses

import calls
import memory
from work import Absent, Wrong, measure


def kernel_memory(pids):
    """The most of some looks at what the kernel holds for a peer under load: bytes in pipes, and sockets' queues."""
    looks = [(memory.pipes(pids)["piped_kib"], memory.sockets(pids)["sockets_kib"]) for _ in range(3)]
    return {"pipes_kib": max(pipes for pipes, _ in looks), "sockets_kib": max(sockets for _, sockets in looks)}


class Row:
    def __init__(self, size, peer, at_once):
        self.size, self.peer, self.at_once = size, peer, at_once
        self.void = None
        self.samples = []
        self.memory = None
        self.calls = None
        self.checked = 0  # bodies, whole or as much as came

    def tell(self):
        return {
            "size": self.size.bytes,
            "peer": self.peer,
            "at_once": self.at_once,
            "void": self.void,
            "checked": self.checked,
            "samples": [dataclasses.asdict(sample) for sample in self.samples],
            "memory": self.memory,
            "calls": self.calls,
        }


class Table:
    UNDER_LOAD = 0.5  # seconds: so much of a large body is compared under load

    def __init__(self, work, options):
        self.work, self.depth = work, options.depth
        wanted = self.depth.sizes
        self.sizes = work.sizes if wanted is None else [size for size in wanted if size in work.sizes]
        self.absent = []
        self.peers = []
        for peer in filter(options.wants, work.peers):
            if why := work.lacks(peer):
                self._miss(peer, why)
            else:
                self.peers.append(peer)
        self.rows = [Row(size, peer, work.at_once(size)) for size in self.sizes for peer in self.peers]
        self.configs, self.commands = {}, {}
        self._running = {}

    def _miss(self, peer, why):
        self.absent.append({"table": self.work.name, "peer": peer, "why": why})

    @property
    def steps(self):
        return len(self.rows) * self.depth.rounds

    def expected(self, size):
        """Seconds of a step."""
        return self.depth.seconds * size.longer + 0.3

    @property
    def all_expected(self):
        return sum(self.expected(row.size) for row in self.rows) * self.depth.rounds

    def measure(self, ground, progress):
        try:
            self._start(ground, progress)
            for n in range(self.depth.rounds):
                for size in self.sizes:
                    rows = [row for row in self.rows if row.size == size]
                    for i in range(len(rows)):
                        row = rows[(i + n) % len(rows)]  # nobody is always first
                        progress.now(f"{self.work.name}, {size.name}, {row.peer}, round {n + 1}")
                        self._visit(row, n, ground)
                        progress.step(self.expected(size))
        finally:
            for process in self._running.values():
                process.stop()
        for row in self.rows:
            if row.void:
                progress.line(f"{self.work.name}, {row.size.name}, {row.peer}: void: {row.void}")

    def _start(self, ground, progress):
        for peer in self.peers:
            progress.now(f"{self.work.name}: starting {peer}")
            try:
                self._running[peer] = self.work.start(peer, ground)
            except Absent as reason:
                self._miss(peer, str(reason))
                gone = [row for row in self.rows if row.peer == peer]
                self.rows = [row for row in self.rows if row.peer != peer]
                rounds = self.depth.rounds
                progress.step(sum(self.expected(row.size) for row in gone) * rounds, len(gone) * rounds)
                continue
            self.commands[peer] = " ".join(self._running[peer].command)
            if (config := self.work.config(peer, ground)) is not None:
                self.configs[peer] = config

    def _visit(self, row, n, ground):
        """A row's turn in round n; in the first its body is checked before, in the last under load afterwards."""
        if row.void:
            return
        process = self._running[row.peer]
        try:
            if n == 0:
                self.work.check(process, row.size, ground)
                row.checked += 1
                process.reset_peak()
            row.samples.append(measure(self.work, process, row.size, self.depth.seconds))
            if n == 0:
                row.memory = {"peak_rss_kib": memory.own(process.pids())["peak_rss_kib"]}
                if self.depth.counts(row.size, row.peer):
                    row.calls = calls.count(self.work, process, row.size)
            if n == self.depth.rounds - 1:
                with self.work.under_load(process, row.size):
                    self.work.check(process, row.size, ground, self.UNDER_LOAD)
                    row.memory |= kernel_memory(process.pids())
                row.checked += 1
        except Wrong as reason:
            row.void = str(reason)

    def tell(self, told):
        """Into the result."""
        rows = [row.tell() for row in self.rows if row.samples or row.void]
        told["tables"].append({"name": self.work.name, "title": self.work.title, "unit": self.work.unit, "rows": rows})
        told["absent"] += self.absent
        if rows:
            for name, version, command in self.work.tools():
                told["versions"][name] = version
                told["commands"][name] = command
        for peer, command in self.commands.items():
            name = f"{peer}, {self.work.set_up}" if self.work.set_up else peer
            told["commands"].setdefault(name, command)
            if peer in self.configs:
                told["configs"].setdefault(name, self.configs[peer])
