"""A stream of TCP by iperf3, whose client writes (or, in reverse, whose server does) blocks of one size."""

import json
import re
import signal
import subprocess
import time

from loads import going_on
from peers import first_line
from work import Load, Wrong

NAME = "iperf3"
PATIENCE = 5  # seconds until a server has noticed that its last client is gone


def version():
    return " ".join(first_line("iperf3", "--version").split()[:2])


def server(port):
    return ["iperf3", "--server", "--bind", "127.0.0.1", "--port", port]


def command(port, size, seconds, reverse=False):
    length = size if isinstance(size, str) else size.bytes
    words = ["iperf3", "--client", "127.0.0.1", "--port", port, "--json", "--length", length, "--time", seconds]
    return [str(word) for word in words] + (["--reverse"] if reverse else [])


def once(port, size, seconds, reverse):
    """What the client tells. It counts in whole seconds; a fraction is told when it is interrupted."""
    whole = float(seconds).is_integer()
    client = subprocess.Popen(
        command(port, size, int(seconds) if whole else 3600, reverse),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        if not whole:
            try:
                client.wait(seconds)
            except subprocess.TimeoutExpired:
                client.send_signal(signal.SIGINT)
        return json.loads(client.communicate(timeout=seconds + 20)[0])
    except (ValueError, subprocess.TimeoutExpired) as reason:
        raise Wrong(f"iperf3: {reason}") from None
    finally:
        client.kill()
        client.wait()
        client.stdout.close()


def load(port, size, seconds, reverse=False):
    end = time.monotonic() + PATIENCE
    while True:
        told = once(port, size, seconds, reverse)
        error = told.get("error", "")
        if "busy" not in error or time.monotonic() > end:
            break
        time.sleep(0.02)
    if re.search("control (message|socket)", error):  # interrupted before its server was ready: nothing to count
        return Load(0, 0, seconds)
    if error and not error.startswith("interrupt"):
        raise Wrong(f"iperf3: {error}")
    sent, received = told["end"].get("sum_sent"), told["end"].get("sum_received")
    if not sent or not received:
        raise Wrong("iperf3 told no sums")
    arrived = received["bytes"] or sent["bytes"]  # only the end of a whole run tells what the server has received
    return Load(arrived / size.bytes, arrived, received["seconds"])


def under_load(port, size, reverse=False):
    return going_on(command(port, size, 60, reverse))
