#!/usr/bin/env python3
"""Mixed load on a real Sluice for a set time, with faults and a reload every second; ends with a table.

    run.py [SECONDS] [--seed N]

Load alternates with rests in which nothing runs, and what is held at rest is compared; memory is not judged in a build
with sanitizers. judge.py says which failures are explained. The exit status is 0 if no byte was wrong, nothing stayed
unexplained and nothing grew.
"""

import argparse
import json
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]

from judge import Judge  # noqa: E402
from load import run_clients  # noqa: E402
from sluice import Sluice, sanitized  # noqa: E402
from stage import FILES, KIB, MIB, PATHS, Stage  # noqa: E402
from waiting import accepts, until  # noqa: E402

PROCESSES, THREADS = 2, 6  # of clients
ROUND = 60.0  # seconds of load between two rests, at most
RELOAD_EVERY = 1.0
BROKEN_EVERY = 11  # reloads: this one's configuration is none
PROGRESS_EVERY = 5.0
# What the allocator may keep more of than after the first round; a leak of a few bytes a request is more.
GROWTH = 4 * MIB
SERVED = "served files and their roots"
EXPECTED_ERRORS = ["reload: the old configuration stays"]


class LogReader:
    """Reads the access log while it is rotated."""

    def __init__(self, path, take):
        self._path, self._take = path, take
        self._aside = path.with_suffix(".old")
        self._rest = b""
        self._file = open(path, "rb")
        self.lines = 0

    def rotate(self):
        """The next reload opens a new file. Not before the last one did."""
        if not self._aside.exists():
            self._path.rename(self._aside)

    def read(self):
        # As soon as the new file stands the old one is whole.
        renewed = self._aside.exists() and self._path.exists()
        self._parse(self._file.read())
        if renewed:
            self._file.close()
            self._aside.unlink()
            self._file = open(self._path, "rb")
            self._parse(self._file.read())

    def _parse(self, data):
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.lines += 1
            self._take(json.loads(line))

    def close(self):
        self._file.close()


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.stage = Stage(self.random)
        self.sluice = None
        self.counts = {}  # kind -> [visits, bytes]
        self.reloads = 0
        self.findings = []
        try:
            self.sluice = Sluice(self.stage.configuration(0), self.stage.port)
            self.judge = Judge(self.stage)
            until(self.sluice.log.exists, "the access log")
            self.log = LogReader(self.sluice.log, self.judge.take_line)
            self.rests = [self.at_rest()]
        except BaseException:
            self.stop()
            raise

    def stop(self):
        if self.sluice is not None:
            self.sluice.kill()
        self.stage.stop()

    # --- load ------------------------------------------------------------------------------------------------

    def run(self):
        rounds = max(2, round(self.options.seconds / ROUND))
        self.began = time.monotonic()
        self._next_progress = self.began + PROGRESS_EVERY
        for n in range(rounds):
            self.load(n, self.options.seconds / rounds)
            self.rests.append(self.at_rest())
            print("at rest: " + ", ".join(f"{name} {value}" for name, value in self.rests[-1].items()), flush=True)
        self.end()

    def load(self, number, seconds):
        end = time.monotonic() + seconds
        pipes = []
        clients = []
        for n in range(PROCESSES):
            receiver, sender = multiprocessing.Pipe(duplex=False)
            name = f"{number}.{n}"
            process = multiprocessing.Process(
                target=run_clients, args=(self.stage, name, THREADS, self.options.seed, end, sender), daemon=True
            )
            process.start()
            sender.close()
            clients.append(process)
            pipes.append(receiver)
        next_reload = time.monotonic()
        while pipes:
            now = time.monotonic()
            if now < end:
                self.stage.play(now, end)
                if now >= next_reload:
                    self.reload()
                    next_reload += RELOAD_EVERY
            else:
                self.stage.heal()
            for pipe in multiprocessing.connection.wait(pipes, timeout=0.05):
                told = pipe.recv()
                if told is None:
                    pipes.remove(pipe)
                    continue
                for kind, (visits, size) in told[0].items():
                    count = self.counts.setdefault(kind, [0, 0])
                    count[0] += visits
                    count[1] += size
                for visit in told[1]:
                    self.judge.take_visit(visit)
            self.log.read()
            self.progress(now)
        for process in clients:
            process.join()

    def reload(self):
        self.reloads += 1
        self.log.rotate()
        if self.reloads % BROKEN_EVERY == 0:
            self.sluice.file.write_text("{ none")
            self.sluice.signal(signal.SIGHUP)
        else:
            self.sluice.reload(self.stage.configuration(self.reloads % 2))

    def progress(self, now):
        if now < self._next_progress:
            return
        self._next_progress += PROGRESS_EVERY
        visits, size = (sum(column) for column in zip(*self.counts.values())) if self.counts else (0, 0)
        print(
            f"{now - self.began:5.0f} s  {visits} visits, {size // MIB} MiB, {len(self.judge.wrong)} wrong, "
            f"{len(self.stage.faults)} faults, {self.reloads} reloads, {self.sluice.fd_count()} descriptors, "
            f"{self.sluice.rss_anon() // KIB} KiB",
            flush=True,
        )

    # --- rest ------------------------------------------------------------------------------------------------

    def at_rest(self):
        """What is held when nothing runs, with the first configuration. All log lines are in when there is one for each
        ending."""
        if self.sluice.process.poll() is not None:
            raise AssertionError(f"sluice ended with {self.sluice.process.returncode}\n{self.sluice.stderr()[-3000:]}")
        self.sluice.reload(self.stage.configuration(0))
        until(lambda: not accepts(self.stage.extra_port), "the other configuration's listener goes")
        self.sluice.assert_nothing_left()

        def told():
            self.log.read()
            return self.log.lines >= ended(counters)

        counters = self.sluice.status()
        until(told, lambda: f"{self.log.lines} log lines for {ended(counters)} exchanges", every=0.05)
        self.judge.settle()
        held = self.sluice.held()
        return {
            **self.descriptors(),
            "pipes in use": held.get("pipes_in_use", 0),
            "buffers in use": held.get("buffers_in_use", 0),
            "memory, KiB": self.sluice.rss_anon() // KIB,
        }

    def descriptors(self):
        """By what they are."""
        names = self.sluice.descriptor_names()
        kinds = {
            "sockets, with pooled connections to servers": lambda name: name.startswith("socket:"),
            "ends of pipes, with pooled pipes": lambda name: name.startswith("pipe:"),
            SERVED: lambda name: name.startswith(str(self.stage.root)),
        }
        counts = {kind: sum(map(is_one, names)) for kind, is_one in kinds.items()}
        return {"descriptors": len(names), **counts, "others": len(names) - sum(counts.values())}

    # --- the end ---------------------------------------------------------------------------------------------

    def end(self):
        counters = self.sluice.status()
        before = ended(counters)
        self.sluice.signal(signal.SIGTERM)
        self.sluice.wait_for_exit()
        self.log.read()
        self.log.close()
        if self.log.lines != before + 1:  # the one that asked
            self.findings.append(f"{self.log.lines} lines in the access log for {before + 1} exchanges")
        for name in ("ledger_violations", "log_lines_dropped", "endings_internal", "accept_failed", "turned_away"):
            if counters[name]:
                self.findings.append(f"{name}: {counters[name]}")
        first, warm, last = self.rests[0], self.rests[1], self.rests[-1]
        # What pools keep is known to assert_nothing_left(). Files are kept once for each route and worker, and roots.
        most = {SERVED: 2 * (len(FILES) + 1) * len(PATHS), "others": first["others"]}
        most |= {"pipes in use": 0, "buffers in use": 0}
        for name, bound in most.items():
            if last[name] > bound:
                self.findings.append(f"{name}: {last[name]} after the end, {bound} at most were expected")
        grown = (last["memory, KiB"] - warm["memory, KiB"]) * KIB
        if grown > GROWTH and not sanitized():
            self.findings.append(f"memory grew by {grown // KIB} KiB since the first rest")
        self.table(counters)
        try:
            self.sluice.stop(EXPECTED_ERRORS)
        except AssertionError as failure:
            self.findings.append(str(failure))

    def table(self, counters):
        def row(*cells):
            print("| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |")

        print(f"\n{self.options.seconds:g} s, seed {self.options.seed}, Linux {os.uname().release}, {os.cpu_count()} processors\n")
        row("visits", "count", "MiB compared")
        row("---", "--:", "--:")
        for kind, (visits, size) in sorted(self.counts.items()):
            row(kind, visits, size // MIB)
        row("all", *(sum(column) // unit for column, unit in zip(zip(*self.counts.values()), (1, MIB))))
        print()
        row("outcome", "count")
        row("---", "--:")
        row("wrong bodies", len(self.judge.wrong))
        row("unexplained errors", len(self.judge.unexplained))
        for cause, count in sorted(self.judge.explained.items()):
            row(cause, count)
        row("ledger violations", counters["ledger_violations"])
        kinds = [fault.kind for fault in self.stage.faults]
        row("servers killed, stopped", f"{kinds.count('killed')}, {kinds.count('stopped')}")
        row("reloads", self.reloads)
        print()
        row("at rest", "before", "after the first round", "after the last")
        row("---", "--:", "--:", "--:")
        for name in self.rests[0]:
            row(name, *(rest[name] for rest in (self.rests[0], self.rests[1], self.rests[-1])))
        print()

    def verdict(self):
        for visit in self.judge.wrong[:20]:
            print(f"WRONG {json.dumps(visit)}")
        for visit, line in self.judge.unexplained[:20]:
            print(f"UNEXPLAINED {json.dumps(visit)}\n    log: {json.dumps(line)}")
            seen = visit or {"began": 0.0, "ended": float("inf")}
            for fault in self.stage.faults:
                if fault.began <= seen["ended"] and (fault.ended or fault.began) >= seen["began"] - 5:
                    print(f"    near: {fault}")
        for finding in self.findings:
            print(f"FINDING {finding}")
        bad = bool(self.judge.wrong or self.judge.unexplained or self.findings)
        print("FAILED" if bad else "passed: nothing wrong, nothing unexplained, nothing grew")
        return 1 if bad else 0


def ended(counters):
    return sum(value for name, value in counters.items() if name.startswith("endings_"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seconds", nargs="?", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"soak: {options.seconds:g} s, seed {options.seed}", flush=True)
    multiprocessing.set_start_method("fork")
    soak = Soak(options)
    try:
        soak.run()
    finally:
        soak.stop()
    sys.exit(soak.verdict())


if __name__ == "__main__":
    main()
