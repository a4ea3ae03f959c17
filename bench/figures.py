"""The figures that follow from a result; schema.py says what is in one.

Peers whose names begin with "limit-" are the limit; "sluice", names that begin with it and the forced paths are Sluice
itself; all others are peers.
"""

import statistics
from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FORCED_PATHS = ("buffered", "splice", "sendfile", "mmap", "io_uring")


# --- of a sample: each takes a sample, and returns None where it was not measured ----------------------------


def cpu_per_request(sample):
    """Microseconds of processor time, user and system."""
    return (sample["user"] + sample["system"]) * 1e6 / sample["requests"]


def cpu_per_gib(sample):
    """Seconds of processor time for each GiB of bodies."""
    return (sample["user"] + sample["system"]) * GIB / sample["bytes"]


def user_share(sample):
    """Of the processor time, 0 to 1."""
    total = sample["user"] + sample["system"]
    return sample["user"] / total if total else None


def requests_per_second(sample):
    return sample["requests"] / sample["seconds"]


def gib_per_second(sample):
    return sample["bytes"] / GIB / sample["seconds"]


def processor_share(sample):
    """Of one processor, 0 to 1: how busy the peer was."""
    return (sample["user"] + sample["system"]) / sample["seconds"]


def percentile(name):
    """Latency in microseconds; `name` is "p50", "p99" or "p999"."""
    return lambda sample: sample.get(f"{name}_us")


def per_request(name):
    """A hardware counter, "cycles" or "instructions", for each request."""
    return lambda sample: None if sample.get(name) is None else sample[name] / sample["requests"]


# --- of a row ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spread:
    """The median of some samples, the smallest and the largest."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values):
        return cls(min(values), statistics.median(values), max(values))


def values(row, figure):
    """The figure of each sample; [] of a void row, and where a sample has none."""
    if row is None or row["void"] is not None:
        return []
    found = [figure(sample) for sample in row["samples"]]
    return [] if None in found else found


def spread(row, figure):
    found = values(row, figure)
    return Spread.of(found) if found else None


def ratio(row, other, figure):
    """Of the medians of two rows; None where one of them has no figure."""
    return ratio_of(values(row, figure), values(other, figure))


def ratio_of(own, others):
    """Median to median; the ends are of the ratios round by round. None where one of them is."""
    if not own or not others or 0 in others:
        return None
    middle = statistics.median(own) / statistics.median(others)
    if len(own) != len(others):
        return Spread(middle, middle, middle)
    rounds = [a / b for a, b in zip(own, others)]
    return Spread(min(rounds), middle, max(rounds))


def unrest(result):
    """How far rounds lie from their median, as a share of it: (at most in half of the rows, in nine tenths of them).
    None where there is but one round."""
    found = []
    for table in result["tables"]:
        for row in table["rows"]:
            cost_of = values(row, cost(table))
            if len(cost_of) > 1 and (middle := statistics.median(cost_of)):
                found.append(max(max(cost_of) - middle, middle - min(cost_of)) / middle)
    return (statistics.median(found), sorted(found)[len(found) * 9 // 10]) if found else None


# --- of a table ----------------------------------------------------------------------------------------------


def cost(table):
    """The figure that this table compares: what its unit says."""
    return cpu_per_gib if table["unit"] == "GiB" else cpu_per_request


def sizes(table):
    return sorted({row["size"] for row in table["rows"]})


def peers(table):
    """In the order of their first rows."""
    return list(dict.fromkeys(row["peer"] for row in table["rows"]))


def row_of(table, size, peer):
    return next((row for row in table["rows"] if (row["size"], row["peer"]) == (size, peer)), None)


def is_limit(peer):
    return peer.startswith("limit-")


def is_own(peer):
    return peer.startswith("sluice") or peer in FORCED_PATHS


def cheapest(table, size, wanted):
    """The peer, among those for which wanted(peer) holds, whose median cost is the smallest; None if none has one."""
    costs = {peer: spread(row_of(table, size, peer), cost(table)) for peer in peers(table) if wanted(peer)}
    return min((peer for peer in costs if costs[peer]), key=lambda peer: costs[peer].median, default=None)


def best_peer(table, size):
    return cheapest(table, size, lambda peer: not is_limit(peer) and not is_own(peer))


def limit(table, size):
    return cheapest(table, size, is_limit)


def cost_ratio(table, size, peer, other):
    """`other` is a peer's name, "best" or "limit"."""
    named = {"best": best_peer, "limit": limit}
    other = named[other](table, size) if other in named else other
    return ratio(row_of(table, size, peer), row_of(table, size, other), cost(table))


# --- in words ------------------------------------------------------------------------------------------------


def size_text(size):
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size:g} B"


def number_text(value):
    """Three digits that count, at least: 0.0123, 1.23, 12.3, 1,234."""
    if value == 0:
        return "0"
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3)):
        if abs(value) >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3g}"
