"""The programs that are compared, each configured as its manual advises for the job: one worker, no access log.

Names in `lacks` are works ("relay", "tls-static") that a program has no part in, with the reason.
"""

import functools
import shutil
import subprocess

from process import Process, on_free_ports
from work import Absent

RELAY = ("relay", "tls-relay", "h2-relay", "tls-h2-relay")
STATIC = ("static", "tls-static", "h2-static", "tls-h2-static")


class Peer:
    name = ""
    program = ""  # Debian's
    lacks = {}
    ports = ("http", "https", "h2c")  # that its configuration listens on

    def installed(self):
        return shutil.which(self.program, path="/usr/sbin:/usr/bin:/usr/local/bin")

    def binary(self, ground):
        found = ground.programs.get(self.name) or self.installed()
        if found is None:
            raise Absent(f"{self.program} is not installed")
        return found

    def version(self, ground):
        """A line of its own words."""
        raise NotImplementedError

    def config_file(self, ground):
        return ground.directory / f"{self.name}.conf"

    def config(self, ground, ports):
        """The text of its configuration; empty where it has none."""
        raise NotImplementedError

    def command(self, ground, ports):
        raise NotImplementedError

    def start(self, ground, work=None):
        """Its Process; raises Absent when there is no such program, or it has no part in `work`."""
        if work in self.lacks:
            raise Absent(self.lacks[work])
        self.binary(ground)

        def on(ports):
            self.config_file(ground).write_text(self.config(ground, ports))
            return Process(self.name, self.command(ground, ports), ground.peer_processor, ground.directory, ports)

        try:
            return on_free_ports(self.ports, on)
        except RuntimeError as reason:
            raise Absent(str(reason)) from None


def first_line(*command):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0] if said else "?"


@functools.cache
def registry():
    """All of them, by name."""
    from peers.h2o import H2o
    from peers.haproxy import Haproxy
    from peers.lighttpd import Lighttpd
    from peers.limit import LIMITS
    from peers.nghttpx import Nghttpx
    from peers.nginx import Nginx
    from peers.sluice import Before, Sluice
    from peers.varnish import Varnish

    every = (Sluice(), Before(), Nginx(), Haproxy(), H2o(), Lighttpd(), Nghttpx(), Varnish(), *LIMITS)
    return {peer.name: peer for peer in every}
