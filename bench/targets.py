"""What is to be reached, as data, and where a result stands.

A target holds for some sizes of one work's tables: Sluice's median cost (CPU per request, or per GiB where the table is
told in that), divided by another's in the same run, has to be at most so much. Or it is of a scenario's column.
"""

import operator
import statistics
from dataclasses import dataclass

import figures
from figures import GIB, KIB, MIB

LIMIT = ("limit",)


@dataclass(frozen=True)
class Target:
    work: str  # tables, or scenarios, of this name, or that begin with it and a dash
    sizes: tuple  # the smallest and the largest one
    against: tuple  # the cheapest of these; () for the best peer there is; LIMIT
    at_most: float
    below: bool = False  # the same is not enough
    column: str | None = None  # of a scenario, in place of the cost: each of its labels, against the best peer

    @property
    def sizes_text(self):
        low, high = self.sizes
        if (low, high) == EVERY:
            return "every size"
        return (
            f"from {figures.size_text(low)}"
            if high == GIB
            else f"{figures.size_text(low)} to {figures.size_text(high)}"
        )

    @property
    def other_text(self):
        """As in "0.8 × the best peer"."""
        if self.against == LIMIT:
            return "the limit"
        if len(self.against) == 1:
            return self.against[0]
        return f"the best of {', '.join(self.against)}" if self.against else "the best peer"

    @property
    def bound_text(self):
        what = f"{self.column.removesuffix('_us')} " if self.column else ""
        times = "" if self.at_most == 1 else f"{self.at_most:g} × "
        return f"{what}{'below' if self.below else '≤'} {times}{self.other_text}"


EVERY = (KIB, GIB)
TARGETS = (
    Target("relay", (KIB, 16 * KIB), ("nginx", "haproxy", "nghttpx", "h2o"), 1.0, below=True),
    Target("relay", (KIB, 16 * KIB), LIMIT, 1.25),
    Target("relay", (64 * KIB, 256 * KIB), (), 0.8),
    Target("relay", (MIB, GIB), (), 1.0),
    Target("relay", (MIB, GIB), LIMIT, 1.05),
    Target("relay", (MIB, GIB), ("nginx",), 0.3),
    Target("static", EVERY, ("nginx", "lighttpd", "h2o"), 1.0),
    Target("tls", EVERY, (), 1.0),
    Target("tcp", EVERY, ("haproxy",), 1.0),
    Target("equal", EVERY, (), 1.0, column="p99_us"),
)


@dataclass(frozen=True)
class Verdict:
    """Where one target stands at one place: a size of a table, or a label of a scenario."""

    target: Target
    work: str  # the table's or scenario's name
    place: str
    other: str | None  # whom the target compares with here; None: nobody has a figure
    ratio: figures.Spread | None

    @property
    def met(self):
        """None where it was not measured."""
        if self.ratio is None:
            return None
        return (operator.lt if self.target.below else operator.le)(self.ratio.median, self.target.at_most)


def _of_table(target, table):
    for size in figures.sizes(table):
        if not target.sizes[0] <= size <= target.sizes[1]:
            continue
        if target.against == LIMIT:
            other = figures.limit(table, size)
        elif not target.against:
            other = figures.best_peer(table, size)
        else:
            other = figures.cheapest(table, size, lambda peer: peer in target.against)
        ratio = figures.cost_ratio(table, size, "sluice", other)
        yield Verdict(target, table["name"], figures.size_text(size), other, ratio)


def _of_scenario(target, scenario):
    for label in dict.fromkeys(row["label"] for row in scenario["rows"]):
        told = {
            row["peer"]: row["values"][target.column]
            for row in scenario["rows"]
            if row["label"] == label and row["void"] is None and row["values"].get(target.column)
        }
        others = [peer for peer in told if not figures.is_own(peer)]
        other = min(others, key=lambda peer: statistics.median(told[peer]), default=None)
        ratio = figures.ratio_of(told.get("sluice", []), told.get(other, []))
        yield Verdict(target, scenario["name"], label, other, ratio)


def evaluate(result):
    """A verdict for each target and each place that the result has for it."""
    found = []
    for target in TARGETS:
        works, judge = (result["scenarios"], _of_scenario) if target.column else (result["tables"], _of_table)
        for work in works:
            if work["name"] == target.work or work["name"].startswith(f"{target.work}-"):
                found += judge(target, work)
    return found
