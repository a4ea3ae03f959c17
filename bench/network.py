"""The network of a run: a namespace of its own, in which TCP is sent as on most machines, or the machine's as it is.

How a sender's rate is found decides what a body costs: BBR arms a timer for each segment, which CUBIC, Linux's default,
does not, and slows down after an answer that was too short to tell it anything. So results compare only where the
congestion control is the same. A namespace leaves the machine's settings alone; it takes root.
Source: ip-netns(8), "congctl" of ip-route(8), tcp(7).
"""

import os
import socket
import subprocess
import sys

USUAL = "cubic"
MACHINE = "machine"
INSIDE = "SLUICE_BENCH_NETWORK"  # in the environment of the program that was started anew in there


def enter(congestion):
    """Starts this program anew in a namespace that sends by `congestion`.

    Returns in there, or where none was asked for: "". Or where this machine lets us make none: why not. ValueError: the
    kernel has no such control.
    """
    if congestion == MACHINE:
        return ""
    if os.environ.get(INSIDE):
        set_up(congestion)
        return ""
    unshare = ["unshare", "--net"]
    tried = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return tried.stderr.strip()
    sys.stdout.flush()
    os.environ[INSIDE] = congestion
    os.execvp(unshare[0], [*unshare, sys.executable, "-B", *sys.argv])


def set_up(congestion):
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # Both are there as soon as the link is up; a route's choice holds for sockets of either side.
    for destination in ("127.0.0.0/8", "127.0.0.1"):
        route = ["ip", "route", "change", "table", "local", "local", destination, "dev", "lo", "proto", "kernel"]
        route += ["scope", "host", "src", "127.0.0.1", "congctl", congestion]
        done = subprocess.run(route, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ValueError(f"no congestion control {congestion}: {done.stderr.strip()}")


def congestion_control():
    """What a connection over loopback is sent by, asked of one."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).split(b"\0")[0].decode()
