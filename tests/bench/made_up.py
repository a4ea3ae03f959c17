"""A result that nobody measured, with numbers that are easy to follow: for the tests of bench/'s figures and pages."""

SIZES = [1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 10 << 20, 100 << 20, 1 << 30]

# Microseconds of processor time: (a request, a KiB of its body).
COSTS = {
    "sluice": (8, 0.1), "nginx": (9, 0.4), "haproxy": (9, 0.11), "h2o": (10, 0.3), "lighttpd": (7, 0.6),
    "limit-splice": (7, 0.095), "limit-copy": (6, 0.35),
}  # fmt: skip


def sample(requests, size, cpu, seconds=1.0, round_=0, **more):
    """`cpu` in seconds, a quarter of it in user space. Rounds differ by a tenth."""
    cpu *= 1 + round_ / 10
    return {
        "requests": requests, "bytes": requests * size, "seconds": seconds, "user": cpu / 4, "system": cpu * 3 / 4,
        "p50_us": 100, "p99_us": 300 + round_, "p999_us": 900, "cycles": None, "instructions": None,
    } | more  # fmt: skip


def row(peer, size, cpu_us, rounds=3, requests=1000, **more):
    samples = [sample(requests, size, cpu_us * requests / 1e6, round_=n) for n in range(rounds)]
    return {
        "size": size,
        "peer": peer,
        "at_once": 16,
        "void": None,
        "samples": samples,
        "memory": None,
        "calls": None,
    } | more


def table(name, title, peers, sizes, unit="request"):
    rows = [row(peer, size, COSTS[peer][0] + COSTS[peer][1] * size / 1024) for size in sizes for peer in peers]
    return {"name": name, "title": title, "unit": unit, "rows": rows}


def result():
    relay = table(
        "relay", "Relay: origin to client", ["sluice", "nginx", "haproxy", "h2o", "limit-splice", "limit-copy"], SIZES
    )
    relay["rows"][0]["calls"] = {"per_request": 6.5, "by_name": {"recvfrom": 2.0, "sendto": 2.0, "epoll_wait": 2.5}}
    relay["rows"][0]["memory"] = {"peak_rss_kib": 8192, "pipes_kib": 64, "sockets_kib": 512}
    static = table("static", "Static files", ["sluice", "nginx", "lighttpd", "h2o"], SIZES)
    static["rows"][1] |= {"void": "a byte that the file does not have", "samples": []}
    scenario = {
        "name": "idle", "title": "Idle connections", "lead": "Connections that sent one request and wait.",
        "columns": [{"key": "own_kib", "title": "own KiB per connection", "digits": 2, "better": "less"}],
        "rows": [
            {"peer": "sluice", "label": "10,000 connections", "values": {"own_kib": [0.5]}, "void": None},
            {"peer": "nginx", "label": "10,000 connections", "values": {"own_kib": [0.75]}, "void": None},
            {"peer": "h2o", "label": "10,000 connections", "values": {}, "void": "it closed 3 of them"},
        ],
    }  # fmt: skip
    return {
        "format": 1, "started": "2026-11-21T15:00:00Z", "seconds": 1234,
        "machine": {"name": "2-cores", "processor": "An Imagined Processor", "processors": 2, "memory_gib": 24,
                    "kernel": "Linux 6.18", "system": "Debian 12"},
        "versions": {"sluice": "sluice 0.1.0", "nginx": "nginx/1.22.1"},
        "options": {"command": "bench/run --rounds 3", "rounds": 3, "seconds": 1, "pinned": {"peer": 0, "load": 1}},
        "configs": {"nginx": "worker_processes 1;\n"},
        "commands": {"nginx": "nginx -c nginx.conf", "wrk": "wrk -t1 -c16"},
        "tables": [relay, static],
        "absent": [{"table": "tcp", "peer": "nginx", "why": "built without its stream module"}],
        "scenarios": [scenario],
    }  # fmt: skip
