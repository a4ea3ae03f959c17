"""What is to be reached, as data, and where a result stands.

A target holds for some sizes of one work's tables: Sluice's median cost (CPU per request, or per GiB where the table is
told in that), divided by another's in the same run, has to be at most so much.
"""

import operator
from dataclasses import dataclass

import figures
from figures import GIB, KIB, MIB


@dataclass(frozen=True)
class Target:
    work: str  # tables of this name, or that begin with it and a dash
    sizes: tuple  # the smallest and the largest one
    against: tuple  # the cheapest of these; () for the best peer there is; ("limit",) for the limit
    at_most: float
    below: bool = False  # the same is not enough

    @property
    def sizes_text(self):
        low, high = self.sizes
        if (low, high) == EVERY:
            return "every size"
        return f"from {figures.size_text(low)}" if high == GIB else f"{figures.size_text(low)} to {figures.size_text(high)}"

    @property
    def other_text(self):
        """As in "0.8 × the best peer"."""
        if self.against == ("limit",):
            return "the limit"
        if len(self.against) == 1:
            return self.against[0]
        return f"the best of {', '.join(self.against)}" if self.against else "the best peer"

    @property
    def bound_text(self):
        return f"{'below' if self.below else '≤'} {'' if self.at_most == 1 else f'{self.at_most:g} × '}{self.other_text}"


EVERY = (KIB, GIB)
TARGETS = (
    Target("relay", (KIB, 16 * KIB), ("nginx", "haproxy", "nghttpx", "h2o"), 1.0, below=True),
    Target("relay", (KIB, 16 * KIB), ("limit",), 1.25),
    Target("relay", (64 * KIB, 256 * KIB), (), 0.8),
    Target("relay", (MIB, GIB), (), 1.0),
    Target("relay", (MIB, GIB), ("limit",), 1.05),
    Target("relay", (MIB, GIB), ("nginx",), 0.3),
    Target("static", EVERY, ("nginx", "lighttpd", "h2o"), 1.0),
    Target("tls", EVERY, (), 1.0),
    Target("tcp", EVERY, ("haproxy",), 1.0),
)


@dataclass(frozen=True)
class Verdict:
    """Where one target stands at one size of one table."""

    target: Target
    table: str  # its name
    size: int
    other: str | None  # whom the target compares with here; None: nobody has a figure
    ratio: figures.Spread | None

    @property
    def met(self):
        """None where it was not measured."""
        if self.ratio is None:
            return None
        return (operator.lt if self.target.below else operator.le)(self.ratio.median, self.target.at_most)


def other_of(target, table, size):
    if target.against == ("limit",):
        return figures.limit(table, size)
    if not target.against:
        return figures.best_peer(table, size)
    return figures.cheapest(table, size, lambda peer: peer in target.against)


def evaluate(result):
    """A verdict for each target, table and size that the result has rows of."""
    found = []
    for target in TARGETS:
        for table in result["tables"]:
            if table["name"] != target.work and not table["name"].startswith(f"{target.work}-"):
                continue
            for size in figures.sizes(table):
                if target.sizes[0] <= size <= target.sizes[1]:
                    other = other_of(target, table, size)
                    ratio = figures.cost_ratio(table, size, "sluice", other)
                    found.append(Verdict(target, table["name"], size, other, ratio))
    return found
