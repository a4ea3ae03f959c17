"""What a soak plays on: the servers with the faults done to them, the files, and the configurations."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from origin import Nginx
from waiting import accepts, free_port, until

KIB, MIB = 1024, 1024 * 1024

# A stop that is to be felt lasts longer than each wait for a server; one that is not, much shorter.
WAIT = 4.0
LONG_STOP, SHORT_STOP = 6.0, 0.8

FILES = {"empty": 0, "one": 1, "page": 4095, "small": 16 * KIB, "middle": 200 * KIB, "large": MIB, "huge": 10 * MIB}
PATHS = ("auto", "buffered", "splice")
# The groups of servers. "lone" has only one, "twins" and "pages" have a second one when the first is gone.
GROUPS = {"lone": ("script0",), "twins": ("script1", "script2"), "pages": ("nginx0", "nginx1")}


@dataclass
class Fault:
    server: str
    kind: str  # "killed" or "stopped"
    began: float
    ended: float = None


class Scripted:
    """scripted.py as a process. A group of processes of its own can be signalled as a whole, like nginx."""

    def __init__(self):
        self.port, self.echo_port = free_port(), free_port()
        self.start()

    def start(self):
        program = Path(__file__).resolve().parent / "scripted.py"
        self.process = subprocess.Popen(
            [sys.executable, "-B", str(program), str(self.port), str(self.echo_port)],
            stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        until(lambda: accepts(self.port) and accepts(self.echo_port), "a scripted origin listens")

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()

    stop = kill


class Stage:
    def __init__(self, random):
        self._random = random
        self.faults = []
        self.servers = {}
        try:
            for n in range(3):
                self.servers[f"script{n}"] = Scripted()
            for n in range(2):
                self.servers[f"nginx{n}"] = Nginx(FILES, start_new_session=True)
        except BaseException:
            self.stop()
            raise
        self.root = self.servers["nginx0"].root
        self.port, self.tcp_port, self.extra_port = free_port(), free_port(), free_port()
        self._now = {}  # server -> (its running Fault, when it is to end)
        self._rest_until = {group: 0.0 for group in GROUPS}
        self._next = 0.0

    def stop(self):
        for server in self.servers.values():
            if server.process.poll() is None:
                os.killpg(server.process.pid, signal.SIGCONT)
                server.stop()

    # --- configurations --------------------------------------------------------------------------------------

    def configuration(self, version):
        """Versions 0 and 1 answer alike. They differ in what a reload has to make anew: groups (and so pools),
        a listener, thresholds, names."""
        names = {
            group: [f"127.0.0.1:{self.servers[server].port}" for server in servers]
            for group, servers in GROUPS.items()
        }
        upstreams = {
            group: {"servers": servers, "max_fails": 3, "fail_timeout": "1s"} for group, servers in names.items()
        }
        upstreams["twins"]["idle_connections"] = 64 - version
        upstreams["pages"]["servers"] = names["pages"][:: -1 if version else 1]
        upstreams["echo"] = [f"127.0.0.1:{self.servers['script0'].echo_port}"]
        relay = {"splice_min": ["8KiB", "64KiB"][version]}
        routes = [{"path": "/status", "status": True}, {"path": "/own", "respond": {"body": "own"}}]
        for path in PATHS:
            forced = {"path": path, **relay}
            routes.append({"path": f"/{path}/files/", "files": str(self.root), "strip_prefix": True, "relay": forced})
            for group in GROUPS:
                route = {"path": f"/{path}/{group}/", "proxy": group, "strip_prefix": True, "relay": forced}
                routes.append({**route, "name": f"{path}-{group}-{version}"})
        listeners = [
            {"listen": f"127.0.0.1:{self.port}"},
            {"listen": f"127.0.0.1:{self.tcp_port}", "protocol": "tcp", "upstream": "echo", "relay": relay},
        ]
        if version:
            listeners.append({"listen": f"127.0.0.1:{self.extra_port}"})
        wait = f"{WAIT:g}s"
        return {
            "workers": 2,
            "listeners": listeners,
            "upstreams": upstreams,
            "routes": routes,
            "timeouts": {"connect": wait, "first_byte": wait, "body_idle": wait, "drain": f"{10 + version}s"},
        }

    # --- faults ----------------------------------------------------------------------------------------------

    def play(self, now, end):
        """Ends the faults whose time has come and begins new ones; `end` is when the load ends."""
        for server, (_, until_) in list(self._now.items()):
            if now >= until_:
                self._heal(server)
        if now < self._next or end - now < 1.5:
            return
        self._next = now + self._random.uniform(0.1, 1.5)
        group = self._random.choice(list(GROUPS))
        if now < self._rest_until[group]:
            return
        server = self._random.choice(GROUPS[group])
        kinds = {"killed": 5, "short stop": 3, "long stop": 2 if end - now > LONG_STOP + 1 else 0}
        kind = self._random.choices(list(kinds), list(kinds.values()))[0]
        if kind == "killed":
            lasts, told = self._random.uniform(0.05, 1.0), "killed"
        elif kind == "short stop":
            lasts, told = self._random.uniform(0.1, SHORT_STOP), "stopped"
        else:
            lasts, told = LONG_STOP, "stopped"
        # One server of a group at a time, and time for the other one's marks to go in between.
        self._rest_until[group] = now + lasts + 2.0
        fault = Fault(server, told, time.monotonic())
        self.faults.append(fault)
        self._now[server] = (fault, now + lasts)
        process = self.servers[server].process
        if told == "killed":
            self.servers[server].kill()
        else:
            os.killpg(process.pid, signal.SIGSTOP)

    def _heal(self, server):
        fault, _ = self._now.pop(server)
        if fault.kind == "killed":
            self.servers[server].start()
        else:
            os.killpg(self.servers[server].process.pid, signal.SIGCONT)
        fault.ended = time.monotonic()

    def heal(self):
        for server in list(self._now):
            self._heal(server)

    def server_at(self, address):
        """The name of the server at "127.0.0.1:port", as the access log tells it."""
        port = int(address.rpartition(":")[2] or 0)
        for name, server in self.servers.items():
            if port in (server.port, getattr(server, "echo_port", None)):
                return name
        return None
