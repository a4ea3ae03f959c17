"""Does a request cost more where more connections are open?"""

from loads.crowd import Crowd, faultless
from scenarios.scenario import Column, Scenario

ACTIVE = 16


class Connections(Scenario):
    columns = (Column("cpu_us", "CPU µs per request"), Column("rate", "requests/s", 0, "more"))
    sizes = ("4KiB",)
    seconds = 60

    def __init__(self, name, title, prefix, peers):
        self.name, self.title, self.prefix, self.peers = name, title, prefix, peers
        self.lead = (
            f"{ACTIVE} requests of 4 KiB under way, while more and more connections are open: always on the same "
            f"{ACTIVE} while the others wait, or on all of them in turn."
        )

    def measure(self, stage, rows):
        numbers = stage.of((1, 10, 100, 1_000, 10_000), (10, 1_000), (10, 120))
        labels = {}  # how many are open, and how many of them active
        for number in numbers:
            labels[f"{number:,} open"] = number, min(ACTIVE, number)
        for number in numbers:
            if number > 100:
                labels[f"{number:,} in turn"] = number, number
        with self.started(stage, connections=numbers[-1] + 500) as running:
            self.each(stage, rows, running, labels, lambda name, peer, label: self.one(stage, peer, *labels[label]))

    def one(self, stage, peer, number, active):
        path = f"{self.prefix}4KiB"
        with Crowd(stage.ground, peer, number, path) as crowd:
            return cost(peer, crowd, seconds=stage.seconds, active=active, at_once=ACTIVE, path=path)


def cost(peer, crowd, **words):
    """What a run of the crowd's cost the peer."""
    before = peer.cpu()
    told = faultless(crowd.run(**words))
    used = sum(peer.cpu() - before)
    return {"cpu_us": used * 1e6 / told["requests"], "rate": told["requests"] / told["seconds"]}


SCENARIOS = [
    Connections("growth-relay", "More and more connections, relayed", "/", ("sluice", "nginx", "haproxy", "h2o")),
    Connections("growth-static", "More and more connections, a file", "/files/", ("sluice", "nginx", "h2o")),
]
