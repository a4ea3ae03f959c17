"""CPU of the proxy's own processes per request: Sluice, nginx and HAProxy in one run, side by side.

The proxy has one processor for itself; the origin (nginx with sendfile) and wrk share another. Rounds are
interleaved, so that whatever the machine does meanwhile meets all peers alike; the table shows medians, and the
smallest and largest in brackets. What is measured is user and system time of the peer's processes, from /proc, over
what wrk received in the same time.
"""

import argparse
import datetime
import hashlib
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import urllib.request
from pathlib import Path

import peers

KIB, MIB = 1024, 1024 * 1024
SIZES = [("4 KiB", 4 * KIB, 16), ("64 KiB", 64 * KIB, 16), ("1 MiB", MIB, 16), ("100 MiB", 100 * MIB, 4)]
DIRECTORY = Path(__file__).resolve().parent.parent / "build" / "bench"
# Exact figures: what wrk prints for people is rounded.
REPORT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nreport {"requests": %d, "bytes": %d, "us": %d, "errors": %d}\\n', summary.requests,
    summary.bytes, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def write_files(www):
    www.mkdir(parents=True, exist_ok=True)
    for name, size, _ in SIZES:
        file = www / name.replace(" ", "")
        if not file.exists() or file.stat().st_size != size:
            with open(file, "wb") as out:
                for _ in range(0, size, MIB):
                    out.write(os.urandom(min(MIB, size)))


def check_body(peer, path, file):
    """Once per peer and size: a fast wrong answer is worth nothing."""
    wanted = hashlib.sha256(file.read_bytes()).digest()
    with urllib.request.urlopen(f"http://127.0.0.1:{peer.port}{path}", timeout=60) as answer:
        if hashlib.sha256(answer.read()).digest() != wanted:
            raise SystemExit(f"{peer.name} {path}: a wrong body")


def measure(peer, path, size, connections, seconds, processor):
    """(CPU microseconds per request, requests per second)."""
    before = peer.cpu()
    done = subprocess.run(
        ["taskset", "-c", str(processor), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
         "-s", str(DIRECTORY / "report.lua"), f"http://127.0.0.1:{peer.port}{path}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    used = peer.cpu() - before
    told = json.loads(re.search(r"^report (.*)$", done.stdout, re.MULTILINE)[1])
    if told["errors"]:
        raise SystemExit(f"{peer.name} {path}: {done.stdout}")
    # wrk stops in the middle of large bodies, whose bytes have been paid for too.
    requests = told["requests"] if size < MIB else told["bytes"] / size
    if requests == 0:
        raise SystemExit(f"{peer.name} {path}: nothing was answered in {seconds} s")
    return used * 1e6 / requests, requests * 1e6 / told["us"]


def figure(values):
    return f"{statistics.median(values):,.1f} [{min(values):,.1f} to {max(values):,.1f}]"


def table(title, names, results):
    lines = [f"### {title}", "", "CPU microseconds per request, and requests per second", ""]
    others = [name for name in names if name != "sluice"]
    lines.append("| body | " + " | ".join(names) + " | " + " | ".join(f"sluice / {o}" for o in others) + " |")
    lines.append("|---" * (1 + len(names) + len(others)) + "|")
    for label, _, _ in SIZES:
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
        f"- peers on processor {proxy_cpu}, origin and wrk on {other_cpu}; {options.rounds} interleaved rounds of "
        f"{options.seconds} s, 16 connections (4 for 100 MiB); medians [smallest to largest]",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s: an impression, not a result")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1

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

    started = []
    try:
        origin = peers.start_origin(run, www, other_cpu)
        started.append(origin)
        relays = []
        for start in (
            lambda: peers.start_sluice(run, www, origin.port, proxy_cpu),
            lambda: peers.start_nginx(run, www, origin.port, proxy_cpu),
            lambda: peers.start_haproxy(run, origin.port, proxy_cpu),
        ):
            relays.append(start())
            started.append(relays[-1])
        jobs = [("relay", "/", relays), ("files", "/files/", relays[:2])]  # HAProxy serves no files
        results = {kind: {} for kind, _, _ in jobs}
        for kind, prefix, some in jobs:
            for peer in some:
                for label, _, _ in SIZES:
                    check_body(peer, prefix + label.replace(" ", ""), www / label.replace(" ", ""))
                    results[kind][peer.name, label] = []
        for n in range(options.rounds):
            for kind, prefix, some in jobs:
                for label, size, connections in SIZES:
                    for i in range(len(some)):
                        peer = some[(i + n) % len(some)]  # nobody is always first
                        results[kind][peer.name, label].append(
                            measure(peer, prefix + label.replace(" ", ""), size, connections, options.seconds, other_cpu)
                        )
        print(machine(options, proxy_cpu, other_cpu))
        print(table("Relay: origin to client", [p.name for p in relays], results["relay"]))
        print(table("Static files", [p.name for p in relays[:2]], results["files"]))
    finally:
        for peer in reversed(started):
            peer.stop()


if __name__ == "__main__":
    main()
