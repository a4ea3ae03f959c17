"""A result of bench/run, read and checked, and the figures that follow from it.

A result is one JSON file, written anew after every finished table. Times are seconds unless a name says `_us`
(microseconds), sizes are bytes unless it says `_kib` or `_gib`:

{"format": 1, "started": "2026-11-21T15:00:00Z", "seconds": 1234,
 "machine": {"name", "processor", "processors", "memory_gib", "kernel", "system"},
 "versions": {"sluice": "...", "nginx": "..."},
 "options": {"command": "bench/run --rounds 3", "rounds", "seconds", "pinned": {"peer": 0, "load": 1}},
 "configs": {"nginx": "the text of its configuration"}, "commands": {"nginx": "...", "wrk": "..."},
 "tables": [{"name": "relay", "title": "...",
   "unit": "request",     what a row's cost is told in: CPU us per request; "GiB": CPU s per GiB
   "rows": [{"size": 1024, "peer": "sluice", "at_once": 16,
     "void": null,        or why its figures do not count: a wrong byte, an error; then the samples may be missing
     "samples": [{"requests", "bytes", "seconds", "user", "system", "p50_us", "p99_us", "p999_us",
                  "cycles", "instructions"}],
     "memory": {"peak_rss_kib", "pipes_kib", "sockets_kib"},        or null
     "calls": {"per_request": 7.2, "by_name": {"splice": 2.0}}}]}],  or null
 "absent": [{"table": "tcp", "peer": "nginx", "why": "..."}],
 "scenarios": [{"name": "idle", "title": "...", "lead": "one sentence: what is done and measured",
   "columns": [{"key": "own_kib", "title": "own KiB per connection", "digits": 2, "better": "less"}],
   "rows": [{"peer": "sluice", "label": "10,000 connections", "values": {"own_kib": [1.2, 1.3]}, "void": null}]}]}

`user` and `system` are the processor time of the peer's own processes during the sample. `requests` may be a
fraction: the load stops in the middle of large bodies, whose bytes have been paid for too. Samples of two peers
with the same number come from the same round. Peers whose names begin with "limit-" are the limit, those that
begin with "sluice" and the forced paths are Sluice itself; all others are peers. What this file does not name
is left alone.
"""

import json
import statistics
from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
FORCED_PATHS = ("buffered", "splice", "sendfile", "mmap", "io_uring")


class Broken(ValueError):
    """The result is not what the schema says. The text tells where."""


# --- reading -------------------------------------------------------------------------------------------------

# Types, a list of one shape, {str: shape} for free names, or the names an object has to have; those that end in
# a question mark may be missing or null.
NUMBER, TEXT, MAYBE_TEXT = (int, float), (str,), (str, type(None))
SAMPLE = {name: NUMBER for name in ("requests", "bytes", "seconds", "user", "system")}
SAMPLE |= {f"{name}?": NUMBER for name in ("p50_us", "p99_us", "p999_us", "cycles", "instructions")}
MEMORY = {f"{name}?": NUMBER for name in ("peak_rss_kib", "pipes_kib", "sockets_kib")}
CALLS = {"per_request": NUMBER, "by_name": {str: NUMBER}}
ROW = {"size": NUMBER, "peer": TEXT, "at_once": NUMBER, "void": MAYBE_TEXT, "samples": [SAMPLE], "memory?": MEMORY, "calls?": CALLS}
COLUMN = {"key": TEXT, "title": TEXT, "digits": NUMBER, "better": TEXT}
SCENE = {"peer": TEXT, "label": TEXT, "values": {str: [NUMBER]}, "void": MAYBE_TEXT}
SHAPE = {
    "format": NUMBER, "started": TEXT, "seconds": NUMBER,
    "machine": {"name": TEXT, "processor": TEXT, "processors": NUMBER, "memory_gib": NUMBER, "kernel": TEXT, "system": TEXT},
    "versions": {str: TEXT},
    "options": {"command": TEXT, "rounds": NUMBER, "seconds": NUMBER, "pinned": {"peer": NUMBER, "load": NUMBER}},
    "configs": {str: TEXT}, "commands": {str: TEXT},
    "tables": [{"name": TEXT, "title": TEXT, "unit": TEXT, "rows": [ROW]}],
    "absent": [{"table": TEXT, "peer": TEXT, "why": TEXT}],
    "scenarios": [{"name": TEXT, "title": TEXT, "lead": TEXT, "columns": [COLUMN], "rows": [SCENE]}],
}  # fmt: skip


def _match(value, shape, where):
    if isinstance(shape, tuple):
        if not isinstance(value, shape) or isinstance(value, bool):
            raise Broken(f"{where}: {value!r} is not expected here")
        if isinstance(value, (int, float)) and not 0 <= value < float("inf"):
            raise Broken(f"{where}: {value!r} is not a size, a time or a number of things")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise Broken(f"{where}: not a list")
        for number, item in enumerate(value):
            _match(item, shape[0], f"{where}[{number}]")
    elif not isinstance(value, dict):
        raise Broken(f"{where}: not an object")
    elif str in shape:
        for name, item in value.items():
            _match(item, shape[str], f"{where}.{name}")
    else:
        for name, inner in shape.items():
            wanted = name.removesuffix("?")
            if wanted != name and value.get(wanted) is None:
                continue
            if wanted not in value:
                raise Broken(f"{where}: no {wanted}")
            _match(value[wanted], inner, f"{where}.{wanted}")


def _once(names, what):
    seen = set()
    for name in names:
        if name in seen:
            raise Broken(f"{what} {name} is there twice")
        seen.add(name)


def check(result):
    """The result itself; Broken where it is not what the schema says."""
    _match(result, SHAPE, "result")
    if result["format"] != 1:
        raise Broken(f"format {result['format']}: this program reads format 1")
    _once((table["name"] for table in result["tables"]), "table")
    _once((scenario["name"] for scenario in result["scenarios"]), "scenario")
    for table in result["tables"]:
        _once(((row["size"], row["peer"]) for row in table["rows"]), f"{table['name']}: row")
        for row in table["rows"]:
            where = f"{table['name']}, {row['peer']}, {size_text(row['size'])}"
            if row["void"] is None and not row["samples"]:
                raise Broken(f"{where}: no samples, and no reason why")
            for sample in row["samples"]:
                if row["void"] is None and 0 in (sample["requests"], sample["bytes"], sample["seconds"]):
                    raise Broken(f"{where}: a sample in which nothing happened")
    for scenario in result["scenarios"]:
        keys = {column["key"] for column in scenario["columns"]}
        for row in scenario["rows"]:
            if unknown := set(row["values"]) - keys:
                raise Broken(f"{scenario['name']}, {row['peer']}: no column for {', '.join(sorted(unknown))}")
    return result


def read(path):
    try:
        return check(json.loads(path.read_text()))
    except (json.JSONDecodeError, Broken) as error:
        raise Broken(f"{path}: {error}") from None


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
    """Median to median; the ends are of the ratios round by round. None where one of them has no figure."""
    own, others = values(row, figure), values(other, figure)
    if not own or not others or 0 in others:
        return None
    middle = statistics.median(own) / statistics.median(others)
    if len(own) != len(others):
        return Spread(middle, middle, middle)
    rounds = [a / b for a, b in zip(own, others)]
    return Spread(min(rounds), middle, max(rounds))


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
