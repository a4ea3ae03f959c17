"""What HTTP works have in common: a peer's URL, wrk or h2load, and the check by curl."""

import body
import peers
from loads import wrk
from work import Work


class HttpWork(Work):
    """`port` names the listener, `prefix` what it does there; `how` is for curl, which has to speak the same."""

    port = "http"
    prefix = "/"
    how = ("--http1.1",)
    driver = wrk

    def __init__(self, name, title, names, **differs):
        self.name, self.title, self.peers = name, title, names
        for key, value in differs.items():
            setattr(self, key, value)

    def url(self, process, size):
        scheme = "https" if self.port == "https" else "http"
        return f"{scheme}://127.0.0.1:{process.ports[self.port]}{self.prefix}{size.file}"

    def lacks(self, peer):
        known = peers.registry().get(peer)
        return known.lacks.get(self.name) if known else None

    def start(self, peer, ground):
        return peers.registry()[peer].start(ground, self.name)

    def config(self, peer, ground):
        return peers.registry()[peer].config_file(ground).read_text() or None

    def tools(self):
        shown = " ".join(self.driver.command("URL", self.sizes[0], 1))
        return [(self.driver.NAME, self.driver.version(), shown)]

    def check(self, process, size, ground, seconds=None):
        body.check(self.url(process, size), ground.www / size.file, self.how, seconds)

    def load(self, process, size, seconds):
        return self.driver.load(self.url(process, size), size, seconds)

    def under_load(self, process, size):
        return self.driver.under_load(self.url(process, size), size)
