"""HTTP/2 by h2load: over four connections, each with its share of the streams."""

import re
import subprocess
import tempfile
from pathlib import Path

from loads import ENVIRONMENT, going_on
from peers import first_line
from work import Load, Wrong

NAME = "h2load"
CONNECTIONS = 4
WINDOW = 30  # bits: flow control shall not be what is measured
# When its time is over before all its connections stand, h2load 1.52 waits forever.
SHORTEST, PATIENCE = 0.2, 5  # seconds
SHARES = {"p50": 0.50, "p99": 0.99, "p999": 0.999}


def version():
    return first_line("h2load", "--version")


def command(url, size, seconds, *more):
    how = [f"-c{CONNECTIONS}", f"-m{size.at_once // CONNECTIONS}", f"-w{WINDOW}", f"-W{WINDOW}"]
    how.append("--tls13-ciphers=TLS_AES_128_GCM_SHA256")  # it doesn't heed tls.cnf
    return ["h2load", "-t1", *how, f"-D{round(seconds * 1000)}ms", "--warm-up-time=0", *more, url]


def percentiles(log):
    """Of the third column, microseconds: --log-file of h2load(1)."""
    took = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines())
    if not took:
        return {}
    return {f"{name}_us": took[min(len(took) - 1, int(len(took) * share))] for name, share in SHARES.items()}


def load(url, size, seconds):
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "log"
        seconds = max(seconds, SHORTEST)
        try:
            done = subprocess.run(
                command(url, size, seconds, f"--log-file={log}"),
                capture_output=True, text=True, env=ENVIRONMENT, check=False, timeout=seconds + PATIENCE,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Load(0, 0, seconds)
        latency = percentiles(log)
    requests = re.search(r"^requests: .* (\d+) succeeded, (\d+) failed", done.stdout, re.MULTILINE)
    data = re.search(r"\((\d+)\) data$", done.stdout, re.MULTILINE)
    if requests is None or data is None:
        raise Wrong(f"h2load: {(done.stdout + done.stderr).strip()[-200:]}")
    if requests[2] != "0":
        raise Wrong(f"h2load: {requests[0]}")
    body = int(data[1])
    return Load(body / size.bytes if size.large else int(requests[1]), body, seconds, **latency)


def under_load(url, size):
    return going_on(command(url, size, 60))
