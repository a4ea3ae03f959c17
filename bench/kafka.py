"""CPU seconds per GiB that a server of topics takes: Sluice by sendfile, Sluice with copies, and Apache Kafka's broker.

    bench/kafka.py [--quick] [--rounds N] [--seconds N] [--without-broker]

All three serve the same segment files, which the broker wrote (or "sluice log append", where there is no broker to be
had: tests/interop/downloads.py). The server has one processor for itself; the consumers (kafka_fetch.cc) share another,
each with one fetch under way. Rounds are interleaved; tables show medians, and the smallest and largest in brackets.
Before anything is measured each server's topics are read through once, and each batch's CRC is compared.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import peers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))

import broker  # noqa: E402
import downloads  # noqa: E402

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
DIRECTORY = ROOT / "build" / "bench" / "kafka"
FETCH = DIRECTORY / "kafka_fetch"
# topic: MiB, bytes of a value, of a batch. A fetch gives at least a batch, so small fetches need small batches.
TOPICS = {"small": (32, 900, 1000), "large": (256, 1000, 16 * KIB)}
SIZES = [("1 KiB", KIB, "small"), ("64 KiB", 64 * KIB, "large"), ("1 MiB", MIB, "large")]
CONSUMERS = (1, 16)


def build_consumers():
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).with_name("kafka_fetch.cc")
    subprocess.run(["g++", "-std=c++20", "-O2", "-o", FETCH, source], check=True)


def write_by_broker():
    """The directory of a broker that wrote the topics and was stopped; it is kept for the next time."""
    home = DIRECTORY / f"broker-{downloads.KAFKA}"
    if not (home / "whole").exists():
        shutil.rmtree(home, ignore_errors=True)
        with broker.Broker(home) as kafka:
            for topic, (size, value, batch) in TOPICS.items():
                kafka.tool("Client", "fill", f"127.0.0.1:{kafka.port}", topic, size, value, batch, timeout=600)
            kafka.stop()
        (home / "whole").touch()
    return home


def write_by_sluice():
    home = DIRECTORY / "sluice-logs"
    if not (home / "whole").exists():
        shutil.rmtree(home, ignore_errors=True)
        (home / "logs").mkdir(parents=True)
        for topic, (size, value, batch) in TOPICS.items():
            noise = os.urandom(MIB).hex().encode()
            lines = b"".join(noise[n * 997 % MIB :][:value] + b"\n" for n in range(size * MIB // value))
            command = [peers.SLUICE, "log", "append", home / "logs", topic, "--batch-bytes", str(batch)]
            subprocess.run([*command, "--segment-bytes", str(32 * MIB)], input=lines, check=True, stderr=subprocess.DEVNULL)
        (home / "whole").touch()
    return home


def start_sluice(name, path, logs, run, processor):
    port = peers.free_port()
    file = run / f"{name}.json"
    serving = {
        "listen": f"127.0.0.1:{port}",
        "protocol": "kafka",
        "kafka": {"log": str(logs), "groups": str(run / f"{name}.sqlite")},
        "relay": {"path": path},
    }
    file.write_text(json.dumps({"workers": 1, "listeners": [serving]}, indent=1))
    return peers.Peer(name, [peers.SLUICE, "run", file], port, processor, run)


def start_broker(home, run, processor):
    """As its own start script would: the server's collector and a heap of 1 GiB."""
    settings = {"log.segment.bytes": 1 << 30, "log.cleaner.enable": "false"}
    kafka = broker.Broker(home, settings=settings)
    command = ["java", "-Xms1G", "-Xmx1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
               "-XX:InitiatingHeapOccupancyPercent=35", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
               "-cp", kafka.class_path, "kafka.Kafka", kafka.directory / "server.properties"]  # fmt: skip
    return peers.Peer("kafka", command, kafka.port, processor, run, patience=60)


def fetch(peer, topic, size, *how):
    command = [FETCH, str(peer.port), topic, str(size), *map(str, how)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{peer.name}, {topic}, {size}: {done.stderr}")
    return json.loads(done.stdout)


def check(servers):
    """Whatever the size of a fetch, each server gives the same whole log."""
    for _, size, topic in SIZES:
        told = {peer.name: fetch(peer, topic, size, "check") for peer in servers}
        whole = {name: (sums["whole"], sums["batches"], sums["end"]) for name, sums in told.items()}
        if len(set(whole.values())) != 1:
            raise SystemExit(f"{topic} in fetches of {size}: not the same everywhere: {whole}")


def measure(peer, topic, size, consumers, seconds):
    """(CPU seconds per GiB, GiB per second, CPU microseconds per fetch)"""
    before = peer.cpu()
    sums = fetch(peer, topic, size, consumers, seconds)
    used = peer.cpu() - before
    return used / (sums["whole"] / GIB), sums["whole"] / GIB / (sums["us"] / 1e6), used * 1e6 / sums["fetches"]


def figure(values, digits):
    return f"{statistics.median(values):,.{digits}f} [{min(values):,.{digits}f} to {max(values):,.{digits}f}]"


def table(names, results, consumers):
    lines = [f"### {consumers} consumer{'s' if consumers > 1 else ''}", ""]
    lines.append("CPU seconds per GiB, and GiB per second")
    lines.append("")
    others = names[1:]
    lines.append("| fetch | " + " | ".join(names) + " | " + " | ".join(f"{names[0]} / {other}" for other in others) + " |")
    lines.append("|---" * (1 + len(names) + len(others)) + "|")
    for label, _, _ in SIZES:
        cells = [label]
        for name in names:
            cost, rate, each = zip(*results[name, label, consumers])
            cells.append(f"{figure(cost, 3)}, {statistics.median(rate):,.2f}/s")
        own = statistics.median(cost for cost, _, _ in results[names[0], label, consumers])
        for other in others:
            cells.append(f"{own / max(statistics.median(c for c, _, _ in results[other, label, consumers]), 1e-9):.2f}")
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "CPU microseconds per fetch: " + "; ".join(
        f"{label}: " + ", ".join(f"{name} {statistics.median(each for _, _, each in results[name, label, consumers]):,.1f}" for name in names)
        for label, _, _ in SIZES
    )]  # fmt: skip
    return "\n".join(lines) + "\n"


def machine(options, written_by, server_cpu, other_cpu):
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    lines = [
        f"- {datetime.date.today()}, {model[1] if model else platform.machine()}, Linux {platform.release()}",
        f"- {peers.first_line(peers.SLUICE, 'version')}"
        + (f"; Apache Kafka {downloads.KAFKA}, {peers.first_line('java', '-version')}" if written_by == "kafka" else ""),
        f"- topics written by {written_by}: batches of some 1,000 bytes for fetches of 1 KiB, of 16 KiB for the others; "
        "uncompressed, in the page cache",
        f"- servers on processor {server_cpu}, consumers on {other_cpu}; {options.rounds} interleaved rounds of "
        f"{options.seconds} s; medians [smallest to largest]; a GiB is one of whole batches",
    ]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 s: an impression, not a result")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2, help="of each measurement")
    parser.add_argument("--without-broker", action="store_true")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1

    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        raise SystemExit("needs two processors: the server's own, and one for the consumers")
    server_cpu, other_cpu = processors[:2]
    build_consumers()
    home = None
    if not options.without_broker:
        try:
            downloads.kafka()
            home = write_by_broker()
        except downloads.Unavailable as reason:
            print(f"without a broker: {reason}\n", file=sys.stderr)
    with_broker = home is not None
    home = home or write_by_sluice()
    run = DIRECTORY / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()

    servers = []
    try:
        if with_broker:  # first, because it may put its directory in order
            servers.append(start_broker(home, run, server_cpu))
        servers.insert(0, start_sluice("buffered", "buffered", home / "logs", run, server_cpu))
        servers.insert(0, start_sluice("sluice", "auto", home / "logs", run, server_cpu))
        os.sched_setaffinity(0, {other_cpu})
        check(servers)  # and the broker's compiler has seen it all once
        results = {}
        jobs = [(*size, consumers) for consumers in CONSUMERS for size in SIZES]
        for n in range(-1, options.rounds):  # the first doesn't count: programs that compile themselves get warm
            for label, size, topic, consumers in jobs:
                for i in range(len(servers)):
                    peer = servers[(i + n) % len(servers)]  # nobody is always first
                    figures = measure(peer, topic, size, consumers, options.seconds)
                    if n >= 0:
                        results.setdefault((peer.name, label, consumers), []).append(figures)
        print(machine(options, "kafka" if with_broker else "sluice", server_cpu, other_cpu))
        for consumers in CONSUMERS:
            print(table([peer.name for peer in servers], results, consumers))
    finally:
        for peer in servers:
            peer.stop()


if __name__ == "__main__":
    main()
