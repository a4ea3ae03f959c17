"""System calls per response, by name, as strace(1) counts them in loads of their own: tracing is slow, and nobody is
measured meanwhile. There is a short and a longer load, and it is their difference that is told: what connections cost
once is in both."""

import contextlib
import functools
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from work import Absent, Wrong

SHORT, LONG = 0.2, 0.5  # seconds of load
PATIENCE = 10  # seconds until all of a peer's processes are traced, and until strace has told
WORTH_TELLING = 0.005  # calls a response; rarer ones are those of timers and connections


def is_traced(pid):
    try:
        return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return True  # it has ended


def parse(summary):
    """{name: calls} of what `strace -c -U name,calls` writes."""
    found = re.findall(r"^(\w+) +(\d+)$", summary, re.MULTILINE)
    return {name: int(calls) for name, calls in found if name != "total"}


@contextlib.contextmanager
def tracing(pids):
    """The calls of the block are in the dictionary that it is given, afterwards; raises Absent."""
    counted = {}
    with tempfile.NamedTemporaryFile("r") as summary:
        command = ["strace", "-f", "-c", "-U", "name,calls", "-o", summary.name]
        for pid in pids:
            command += ["-p", str(pid)]
        strace = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            end = time.monotonic() + PATIENCE
            while not all(map(is_traced, pids)):
                if strace.poll() is not None or time.monotonic() > end:
                    strace.kill()
                    raise Absent(strace.stderr.read().strip())
                time.sleep(0.002)
            yield counted
            strace.terminate()
            strace.wait(PATIENCE)
            counted |= parse(summary.read())
        finally:
            strace.kill()
            strace.wait()
            strace.stderr.close()


@functools.cache
def unsupported():
    """Why calls can't be counted; None: they can."""
    if not shutil.which("strace"):
        return "strace is not installed"
    with subprocess.Popen(["sleep", "60"]) as somebody:
        try:
            with tracing([somebody.pid]):
                return None
        except Absent as reason:
            return str(reason)
        finally:
            somebody.kill()


def count(work, process, size):
    """{"per_request", "by_name"}, or None when nothing can be told."""
    if unsupported():
        return None
    counted, answered = [], []
    for seconds in (SHORT, LONG):
        try:
            with tracing(process.pids()) as names:
                answered.append(work.load(process, size, seconds).requests)
        except Wrong:
            return None  # it was too slow for the load's own limits
        if not answered[-1]:
            return None  # calls that belong to nothing
        counted.append(names)
    return per_request(*counted, answered[1] - answered[0])


def per_request(short, long, requests):
    """What the longer load's requests, so many more, have cost."""
    if requests <= 0:
        return None
    each = {name: (many - short.get(name, 0)) / requests for name, many in long.items()}
    by_name = {name: round(many, 3) for name, many in each.items() if many >= WORTH_TELLING}
    by_name = dict(sorted(by_name.items(), key=lambda item: (-item[1], item[0])))
    return {"per_request": round(sum(by_name.values()), 3), "by_name": by_name}
