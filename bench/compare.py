"""CPU of the proxy's own processes per request: Sluice, nginx, HAProxy and h2o in one run, side by side.

The proxy has one processor for itself; the origin (nginx with sendfile) and the load share another. Rounds are
interleaved, so that whatever the machine does meanwhile meets all peers alike; the tables show medians, and the
smallest and largest in brackets. What is measured is user and system time of the peer's processes, from /proc, over
what wrk (HTTP/1.1) or h2load (HTTP/2) received in the same time.
"""

import argparse
import dataclasses
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import ssl
import statistics
import subprocess
import urllib.request
from pathlib import Path

import peers

KIB, MIB = 1024, 1024 * 1024
PLAIN = [("4 KiB", 4 * KIB, 16), ("64 KiB", 64 * KIB, 16), ("1 MiB", MIB, 16), ("100 MiB", 100 * MIB, 4)]
TLS = [("1 KiB", KIB, 16), ("64 KiB", 64 * KIB, 16), ("100 MiB", 100 * MIB, 4)]
DIRECTORY = Path(__file__).resolve().parent.parent / "build" / "bench"
# Exact figures: what wrk prints for people is rounded.
TABLES = ("relay", "files", "tls-relay", "tls-files", "tls-h2-relay", "tls-h2-files", "h2-files")
REPORT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nreport {"requests": %d, "bytes": %d, "us": %d, "errors": %d}\\n', summary.requests,
    summary.bytes, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclasses.dataclass
class Job:
    name: str  # for --only
    title: str
    prefix: str
    peers: list
    sizes: list  # (label, bytes, streams or connections at the same time)
    tls: bool = False
    http2: bool = False

    def url(self, peer, label):
        port = peer.tls_port if self.tls else peer.port
        return f"http{'s' if self.tls else ''}://127.0.0.1:{port}{self.prefix}{label.replace(' ', '')}"


def write_files(www):
    www.mkdir(parents=True, exist_ok=True)
    for name, size, _ in PLAIN + TLS:
        file = www / name.replace(" ", "")
        if not file.exists() or file.stat().st_size != size:
            with open(file, "wb") as out:
                for _ in range(0, size, MIB):
                    out.write(os.urandom(min(MIB, size)))


def check_body(url, file):
    """Once per peer and size: a fast wrong answer is worth nothing."""
    wanted = hashlib.sha256(file.read_bytes()).digest()
    with urllib.request.urlopen(url, timeout=60, context=ssl._create_unverified_context()) as answer:
        if hashlib.sha256(answer.read()).digest() != wanted:
            raise SystemExit(f"{url}: a wrong body")


def load_with_wrk(url, at_once, seconds):
    """(requests, body bytes, microseconds)"""
    done = subprocess.run(
        ["wrk", "-t1", f"-c{at_once}", f"-d{seconds}s", "-s", str(DIRECTORY / "report.lua"), url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = json.loads(re.search(r"^report (.*)$", done.stdout, re.MULTILINE)[1])
    if told["errors"]:
        raise SystemExit(f"{url}: {done.stdout}")
    return told["requests"], told["bytes"], told["us"]


def load_with_h2load(url, at_once, seconds):
    """As above: over four connections, each with its share of the streams."""
    done = subprocess.run(
        ["h2load", "-t1", "-c4", f"-m{at_once // 4}", f"-D{seconds}", "--warm-up-time=0", "-w30", "-W30", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    requests = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed", done.stdout, re.MULTILINE)
    data = re.search(r"\((\d+)\) data$", done.stdout, re.MULTILINE)
    if requests is None or data is None or requests[2] != "0":
        raise SystemExit(f"{url}: {done.stdout}")
    return int(requests[1]), int(data[1]), seconds * 1e6


def measure(job, peer, label, size, at_once, seconds):
    """(CPU microseconds per request, requests per second)."""
    before = peer.cpu()
    load = load_with_h2load if job.http2 else load_with_wrk
    requests, received, us = load(job.url(peer, label), at_once, seconds)
    used = peer.cpu() - before
    # The load stops in the middle of large bodies, whose bytes have been paid for too.
    requests = requests if size < MIB else received / size
    if requests == 0:
        raise SystemExit(f"{job.url(peer, label)}: nothing was answered in {seconds} s")
    return used * 1e6 / requests, requests * 1e6 / us


def figure(values):
    return f"{statistics.median(values):,.1f} [{min(values):,.1f} to {max(values):,.1f}]"


def table(job, results):
    names = [peer.name for peer in job.peers]
    lines = [f"### {job.title}", "", "CPU microseconds per request, and requests per second", ""]
    others = [name for name in names if name != "sluice"]
    lines.append("| body | " + " | ".join(names) + " | " + " | ".join(f"sluice / {o}" for o in others) + " |")
    lines.append("|---" * (1 + len(names) + len(others)) + "|")
    for label, _, _ in job.sizes:
        cells = [label]
        for name in names:
            cost, rate = zip(*results[name, label])
            cells.append(f"{figure(cost)}, {statistics.median(rate):,.0f}/s")
        own = statistics.median(cost for cost, _ in results["sluice", label])
        cells += [f"{own / max(statistics.median(c for c, _ in results[o, label]), 1e-9):.2f}" for o in others]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def machine(options, proxy_cpu, other_cpu):
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    lines = [
        f"- {datetime.date.today()}, {model[1] if model else platform.machine()}, Linux {platform.release()}",
        "- " + ", ".join(f"{name}: {text}" for name, text in peers.versions().items()),
        f"- peers on processor {proxy_cpu}, origin and load on {other_cpu}; {options.rounds} interleaved rounds of "
        f"{options.seconds} s, 16 requests at a time (4 for 100 MiB); medians [smallest to largest]",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s: an impression, not a result")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--only", help="names of tables, with commas: " + ", ".join(TABLES))
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1

    wanted = options.only.split(",") if options.only else TABLES
    if unknown := set(wanted) - set(TABLES):
        parser.error(f"no such table: {', '.join(sorted(unknown))}")

    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        raise SystemExit("needs two processors: the proxy's own, and one for the origin and wrk")
    proxy_cpu, other_cpu = processors[:2]

    www = DIRECTORY / "www"
    write_files(www)
    (DIRECTORY / "report.lua").write_text(REPORT)
    run = DIRECTORY / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    # The load and the origin share the other processor with this script.
    os.sched_setaffinity(0, {other_cpu})
    peers.make_certificate(run)

    started = []
    try:
        origin = peers.start_origin(run, www, other_cpu)
        started.append(origin)
        sluice = peers.start_sluice(run, www, origin.port, proxy_cpu)
        started.append(sluice)
        nginx = peers.start_nginx(run, www, origin.port, proxy_cpu)
        started.append(nginx)
        haproxy = peers.start_haproxy(run, origin.port, proxy_cpu)
        started.append(haproxy)
        h2o = peers.start_h2o(run, www, origin.port, proxy_cpu)
        started.append(h2o)
        jobs = [
            Job("relay", "Relay: origin to client", "/", [sluice, nginx, haproxy], PLAIN),
            Job("files", "Static files", "/files/", [sluice, nginx], PLAIN),
            Job("tls-relay", "Relay over TLS 1.3", "/", [sluice, nginx, haproxy, h2o], TLS, tls=True),
            Job("tls-files", "Static files over TLS 1.3", "/files/", [sluice, nginx, h2o], TLS, tls=True),
            Job("tls-h2-relay", "Relay over TLS 1.3 and HTTP/2", "/", [sluice, nginx, haproxy, h2o], TLS, tls=True, http2=True),
            Job("tls-h2-files", "Static files over TLS 1.3 and HTTP/2", "/files/", [sluice, nginx, h2o], TLS, tls=True, http2=True),
            Job("h2-files", "Static files over cleartext HTTP/2", "/files/", [sluice, h2o], TLS, http2=True),
        ]  # fmt: skip
        jobs = [job for job in jobs if job.name in wanted]
        results = {job.name: {} for job in jobs}
        for job in jobs:
            for peer in job.peers:
                for label, _, _ in job.sizes:
                    check_body(job.url(peer, label), www / label.replace(" ", ""))
                    results[job.name][peer.name, label] = []
        for n in range(options.rounds):
            for job in jobs:
                for label, size, at_once in job.sizes:
                    for i in range(len(job.peers)):
                        peer = job.peers[(i + n) % len(job.peers)]  # nobody is always first
                        figures = measure(job, peer, label, size, at_once, options.seconds)
                        results[job.name][peer.name, label].append(figures)
        print(machine(options, proxy_cpu, other_cpu))
        for job in jobs:
            print(table(job, results[job.name]))
    finally:
        for peer in reversed(started):
            peer.stop()


if __name__ == "__main__":
    main()
