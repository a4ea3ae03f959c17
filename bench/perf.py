"""Hardware counters of a peer's processes during a sample, by perf(1), where the machine has them: a virtual one often
hasn't. Each miss of the last cache is a line of memory traffic."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import tempfile

EVENTS = {"cycles": "cycles", "instructions": "instructions", "cache_misses": "cache-misses"}  # ours: perf's


def parse(text, events):
    """{our name: count} of what `perf stat -x,` writes; None where it could not count."""
    told = {}
    for line in text.splitlines():
        value, _, name, *_ = [*line.split(","), "", ""]
        told[name.split(":")[0]] = float(value) if value.replace(".", "").isdigit() else None
    return {ours: told.get(theirs) for ours, theirs in events.items()}


@functools.cache
def unsupported():
    """Why there are no counters; None: there are."""
    if not shutil.which("perf"):
        return "perf is not installed"
    command = ["perf", "stat", "-x,", "-e", ",".join(EVENTS.values()), "--", "true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = parse(done.stderr, EVENTS)
    missing = [name for name, value in counted.items() if value is None]
    return f"perf counts no {', '.join(missing)} on this machine" if missing else None


@contextlib.contextmanager
def counting(pids, events=None):
    """What was counted in the block is in the dictionary that it is given, afterwards."""
    counted = {}
    if events is None and unsupported():
        yield counted
        return
    events = events or EVENTS
    # It begins disabled and is told when: attaching takes a while that is none of the sample's.
    control, acknowledged = os.pipe(), os.pipe()
    with tempfile.NamedTemporaryFile("r") as out:
        command = ["perf", "stat", "-x,", "-e", ",".join(events.values()), "-p", ",".join(map(str, pids)), "-o", out.name]
        command += ["--delay", "-1", "--control", f"fd:{control[0]},{acknowledged[1]}"]
        perf = subprocess.Popen(command, stderr=subprocess.DEVNULL, pass_fds=(control[0], acknowledged[1]))
        os.close(control[0])
        os.close(acknowledged[1])
        try:
            tell(control[1], acknowledged[0], b"enable\n")
            yield counted
            tell(control[1], acknowledged[0], b"disable\n")
            perf.send_signal(signal.SIGINT)
            perf.wait(10)
            counted |= parse(out.read(), events)
        finally:
            perf.kill()
            perf.wait()
            os.close(control[1])
            os.close(acknowledged[0])


def tell(control, acknowledged, what):
    with contextlib.suppress(BrokenPipeError):
        os.write(control, what)
    os.read(acknowledged, 16)  # empty: it has ended
