"""Sluice with its defaults; no access log, like the others."""

import json

from ground import ROOT
from machine import revision
from peers import Peer, first_line
from work import Absent


class Sluice(Peer):
    name = "sluice"

    def binary(self, ground):
        built = ground.programs.get(self.name) or ROOT / "build" / "sluice"
        try:
            open(built, "rb").close()
        except OSError:
            raise Absent(f"{built} is not built") from None
        return built

    def version(self, ground):
        told = first_line(self.binary(ground), "version")
        return told if self.name in ground.programs else f"{told} {revision()}".strip()

    def config(self, ground, ports):
        pair = {"certificate": str(ground.directory / "cert.pem"), "key": str(ground.directory / "key.pem")}
        listeners = [{"listen": f"127.0.0.1:{ports[name]}"} for name in ("http", "h2c")]
        tls = {"certificates": [pair], "min_version": "1.3"}
        listeners.append({"listen": f"127.0.0.1:{ports['https']}", "tls": tls})
        config = {
            "workers": 1,
            "listeners": listeners,
            "upstreams": {"origin": [f"127.0.0.1:{ground.origin}"]},
            "routes": [
                {"path": "/files/", "files": {"root": str(ground.www)}, "strip_prefix": True},
                {"path": "/", "proxy": "origin"},
            ],
        }
        return json.dumps(config, indent=1)

    def command(self, ground, ports):
        return [self.binary(ground), "run", self.config_file(ground)]


class Before(Sluice):
    """Another build of it, beside this one: what did a change bring? Only where --peer names it."""

    name = "sluice-before"

    def binary(self, ground):
        if self.name not in ground.programs:
            raise Absent("no other build was named")
        return ground.programs[self.name]
