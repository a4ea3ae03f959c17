"""HTTP/1.1 by wrk, over kept connections."""

import json
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from loads import ENVIRONMENT, going_on
from peers import first_line
from work import Load, Wrong

NAME = "wrk"
# Exact figures: what wrk prints for people is rounded.
REPORT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nreport {"requests": %d, "bytes": %d, "us": %d, "errors": %d, "p50": %d, "p99": %d, ' ..
    '"p999": %d}\\n', summary.requests, summary.bytes, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


def version():
    return first_line("wrk", "-v").split(" [")[0]


def command(url, size, seconds):
    return ["wrk", "-t1", f"-c{size.at_once}", f"-d{max(1, round(seconds))}s", "--timeout", "60s", url]


def wait_until_interruptible(wrk):
    """Until it has a handler, and has begun: SigCgt of proc(5)."""
    status = Path(f"/proc/{wrk.pid}/status")
    while wrk.poll() is None:
        caught = int(re.search(r"^SigCgt:\s*(\w+)", status.read_text(), re.MULTILINE)[1], 16)
        if caught >> (signal.SIGINT - 1) & 1:
            return
        time.sleep(0.001)


def load(url, size, seconds):
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "report.lua"
        script.write_text(REPORT)
        wrk = subprocess.Popen(
            [*command(url, size, max(seconds, 1)), "-s", str(script)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT,
        )  # fmt: skip
        try:
            if seconds < 1:  # wrk counts in whole ones, but tells what it has when it is interrupted
                wait_until_interruptible(wrk)
                time.sleep(seconds)
                wrk.send_signal(signal.SIGINT)
            said = wrk.communicate(timeout=seconds + 70)[0]
        finally:
            wrk.kill()
            wrk.wait()
    told = re.search(r"^report (.*)$", said, re.MULTILINE)
    if told is None:
        raise Wrong(f"wrk: {said.strip()}")
    told = json.loads(told[1])
    if told["errors"]:
        raise Wrong(f"wrk: {told['errors']} errors: " + " ".join(re.findall(r"(?:Socket|Non-2xx).*", said)))
    requests = told["bytes"] / size.bytes if size.large else told["requests"]
    body = told["bytes"] if size.large else told["requests"] * size.bytes
    latency = {key + "_us": told[key] if told["requests"] else None for key in ("p50", "p99", "p999")}
    return Load(requests, body, told["us"] / 1e6, **latency)


def under_load(url, size):
    return going_on(command(url, size, 60))
