"""Latencies where all peers have the same to do."""

import subprocess
import tempfile
from pathlib import Path

from loads import wrk
from scenarios.scenario import Column, Scenario
from work import Size, Wrong

CONNECTIONS = 16


def load(url, rate, seconds):
    """h2load asks at a steady rate; microseconds of each request, sorted."""
    requests = CONNECTIONS * max(1, round(rate * seconds / CONNECTIONS))
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        done = subprocess.run(
            ["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", "-m1", f"--rps={rate / CONNECTIONS:g}", f"-n{requests}",
             f"--log-file={log}", url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise Wrong(f"h2load: {(done.stderr or done.stdout).strip()}")
        lines = [line.split() for line in log.read_text().splitlines()]  # when, status, microseconds
    if failed := requests - sum(line[1] == "200" for line in lines):
        raise Wrong(f"{failed} of {requests} requests failed")
    return sorted(int(line[2]) for line in lines)


def percentile(sorted_values, share):
    return sorted_values[round(share * (len(sorted_values) - 1))]


class EqualLoad(Scenario):
    columns = (
        Column("p99_us", "p99 µs", 0),
        Column("p50_us", "p50 µs", 0),
        Column("p999_us", "p99.9 µs", 0),
        Column("cpu_us", "CPU µs per request"),
        Column("rate", "requests/s", 0, ""),
    )
    sizes = ("4KiB", "64KiB", "1MiB")
    seconds = 50
    MOST = 5_000  # requests a second

    def __init__(self, name, title, prefix, peers):
        self.name, self.title, self.prefix, self.peers = name, title, prefix, peers
        self.lead = (
            f"All are asked for the same number of requests a second, on {CONNECTIONS} connections: half of what the "
            f"slowest of them can do, {self.MOST:,} at the most."
        )

    def measure(self, stage, rows):
        sizes = {size.name: size for size in map(Size.parse, stage.of(self.sizes, self.sizes[:1], self.sizes[:1]))}
        with self.started(stage) as running:
            rates = {}
            for label, size in sizes.items():
                able = {}
                for name, peer in running.items():
                    stage.say(f"{self.name}: what {name} can do, {label}")
                    try:
                        told = wrk.load(self.url(peer, size), size, stage.of(0.5, 0.3, 0.1))
                        able[name] = told.requests / told.seconds
                    except Wrong as why:
                        rows.void(name, label, why)
                rates[label] = min(self.MOST, min(able.values(), default=0) / 2)
            self.each(
                stage, rows, running, [label for label in sizes if rates[label]],
                lambda name, peer, label: self.one(stage, peer, sizes[label], rates[label]),
            )  # fmt: skip

    def url(self, peer, size):
        return f"http://127.0.0.1:{peer.ports['http']}{self.prefix}{size.file}"

    def one(self, stage, peer, size, rate):
        before = peer.cpu()
        us = load(self.url(peer, size), rate, stage.of(1.5, 0.5, 0.3))
        used = sum(peer.cpu() - before)
        return {
            "p50_us": percentile(us, 0.5),
            "p99_us": percentile(us, 0.99),
            "p999_us": percentile(us, 0.999),
            "cpu_us": used * 1e6 / len(us),
            "rate": rate,
        }


SCENARIOS = [
    EqualLoad("equal-relay", "Latency at equal load, relayed", "/", ("sluice", "nginx", "haproxy", "h2o")),
    EqualLoad("equal-static", "Latency at equal load, a file", "/files/", ("sluice", "nginx", "h2o")),
]
