"""Ports nobody else takes, and waits that end."""

import atexit
import os
import socket
import time

# Seconds; no wait in these tests is longer. A machine that is emulated may be given more.
LONGEST_WAIT = float(os.environ.get("SLUICE_LONGEST_WAIT", "20"))

_reserved = []  # abstract sockets: held until this process ends, whatever ends it
atexit.register(lambda: [name.close() for name in _reserved])


def until(condition, what, timeout=LONGEST_WAIT, every=0.01):
    """Returns the first true value of `condition()`."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= end:
            raise AssertionError(f"waited {timeout:g} s in vain: {what() if callable(what) else what}")
        time.sleep(every)


def free_port():
    """A TCP port of 127.0.0.1 that is this process's until it ends.

    Test processes run side by side, and Sluice listens with SO_REUSEPORT: two of them on one port would share its
    clients without any error. So a port is reserved by a name that only one process can hold. The range lies below
    the one outgoing connections are given.
    """
    for n in range(20000):
        port = 10000 + (os.getpid() * 64 + len(_reserved) + n) % 20000
        name = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            name.bind(f"\0sluice-test-port-{port}")
        except OSError:
            name.close()
            continue
        _reserved.append(name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise AssertionError("no free port")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False
