"""The scripted origin as a process of its own, so that it can be killed and stopped: HTTP, and an echo.

    scripted.py HTTP-PORT ECHO-PORT

It ends with its standard input, and so with whoever started it.
"""

import collections
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

from client import Pattern  # noqa: E402
from origin import RawOrigin, serving  # noqa: E402


def reset(connection, request):
    """/reset/SIZE/AT: a length is announced, RST comes before it is reached."""
    size, at = (int(part) for part in request.target.split("/")[2:])
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
    connection.send_pattern(at)
    connection.reset()
    return False


def short(connection, request):
    """/short/SIZE/AT: chunks, and FIN before the last one."""
    size, at = (int(part) for part in request.target.split("/")[2:])
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    connection.send(f"{size:x}\r\n")
    connection.send_pattern(at)
    return False


def nothing(connection, request):
    return False


def garbage(connection, request):
    connection.send("SSH-2.0-OpenSSH_9.2\r\n\r\n")
    return False


def trickle(connection, request):
    """/trickle/SIZE: in ten pieces, slowly."""
    size = int(request.target.split("/")[2])
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
    for n in range(10):
        begin, end = size * n // 10, size * (n + 1) // 10
        connection.send_pattern(end - begin, begin)
        time.sleep(0.03)


def up(connection, request):
    connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome")
    while data := connection.read_some():
        connection.send(data)
    connection.send("bye")
    connection.finish()
    return False


def echo(connection):
    while data := connection.read_some():
        connection.send(data)
    connection.finish()


if __name__ == "__main__":
    Pattern.at(0, 1)  # made now, not at the first request
    routes = {f.__name__: f for f in (reset, short, nothing, garbage, trickle, up)}
    for port, script in ((sys.argv[1], serving(routes)), (sys.argv[2], echo)):
        RawOrigin(script, int(port)).requests = collections.deque(maxlen=0)
    sys.stdin.read()
