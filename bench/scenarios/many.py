"""Does a request cost more where there are more servers, groups of them, or routes?"""

from loads.crowd import Crowd
from scenarios import sites
from scenarios.growth import ACTIVE, cost
from scenarios.scenario import Column, Scenario

COLUMNS = (Column("cpu_us", "CPU µs per request"), Column("rate", "requests/s", 0, "more"))


class Many(Scenario):
    """`points` gives, for so many of them, a site and {label: (path, how many numbers it is asked with)}."""

    columns = COLUMNS

    def __init__(self, name, title, lead, numbers, points):
        self.name, self.title, self.lead, self.numbers, self.points = name, title, lead, numbers, points

    def measure(self, stage, rows):
        numbers = stage.of(*self.numbers)
        with sites.Servers(stage.ground, min(numbers[-1], 1000)) as servers:
            for number in numbers:
                self.site(stage, rows, *self.points(servers, number))

    def site(self, stage, rows, site, requests):
        ground = stage.ground_for(4096)
        with self.started(stage, start=lambda name: sites.start(name, site, ground)) as running:

            def sample(name, peer, label):
                path, numbers = requests[label]
                with Crowd(stage.ground, peer, ACTIVE, path.replace("%", "0")) as crowd:
                    # Several times round all servers: their connections are kept from then on.
                    crowd.run(seconds=min(stage.seconds, site.servers / 1000), path=path, numbers=numbers)
                    return cost(peer, crowd, seconds=stage.seconds, path=path, numbers=numbers)

            self.each(stage, rows, running, requests, sample)


def counted(number, what):
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def servers_of_a_group(servers, number):
    site = sites.Site({"group": servers[:number]}, {})
    return site, {counted(number, "server"): ("/1KiB", 1)}


def groups(servers, number):
    names = [f"g{n}" for n in range(number)]
    site = sites.Site(dict(zip(names, ([server] for server in servers))), {f"/{name}/": name for name in names})
    return site, {counted(number, "group"): ("/g%/1KiB", number)}


def routes(servers, number):
    site = sites.Site({"group": servers[:1]}, {f"/r{n}/": "group" for n in range(number)})
    paths = {"the first": "/r0/1KiB", "the last": f"/r{number - 1}/1KiB", "none": "/none/1KiB"}
    if number == 1:
        del paths["the last"]
    return site, {f"{counted(number, 'route')}, {which}": (path, 1) for which, path in paths.items()}


THOUSAND = (1, 10, 100, 1_000), (100,), (10,)
SCENARIOS = [
    Many(
        "servers", "A group of many servers",
        "16 requests of 1 KiB under way, spread over the servers of one group.",
        THOUSAND, servers_of_a_group,
    ),
    Many(
        "groups", "Many groups of servers",
        "16 requests of 1 KiB under way, spread over groups of one server each by their path.",
        THOUSAND, groups,
    ),
    Many(
        "routes", "Many routes",
        "16 requests of 1 KiB under way, which the first of many prefixes is for, the last one, or none of them.",
        ((1, 100, 10_000), (1_000,), (10,)), routes,
    ),
]  # fmt: skip
