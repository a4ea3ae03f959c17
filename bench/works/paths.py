"""Sluice alone, each path forced on each size: where they cross. io_uring is among them as long as nobody has built it, so
that the page says so."""

import json

from peers.sluice import Sluice
from work import Absent
from works.http import HttpWork

RELAYED = ("buffered", "splice")
STATIC = ("buffered", "sendfile", "mmap")


class Forced(Sluice):
    """With relay.path as told (conf/README.md), and no thresholds in its way."""

    def __init__(self, path):
        self.path = path

    def config_file(self, ground):
        return ground.directory / f"sluice-{self.path}.conf"

    def config(self, ground, ports):
        told = json.loads(super().config(ground, ports))
        for route in told["routes"]:
            route["relay"] = {"path": self.path}
        return json.dumps(told, indent=1)

    def start(self, ground, work=None):
        if self.path == "io_uring":
            raise Absent("Sluice has no such path")
        return super().start(ground, work)


class PathWork(HttpWork):
    set_up = "forced"

    def start(self, peer, ground):
        return Forced(peer).start(ground, self.name)

    def config(self, peer, ground):
        return Forced(peer).config_file(ground).read_text()


PATHS_RELAY = PathWork("paths-relay", "Each path of a relayed body", (*RELAYED, "io_uring"))
PATHS_STATIC = PathWork("paths-static", "Each path of a file", (*STATIC, "io_uring"), prefix="/files/")
