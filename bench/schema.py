"""A result of bench/run: what is in it, read and checked.

A result is one JSON file, written anew after every finished table. Times are seconds unless a name says `_us`
(microseconds), sizes are bytes unless it says `_kib` or `_gib`:

{"format": 1, "started": "2026-11-21T15:00:00Z", "seconds": 1234,
 "machine": {"name", "processor", "processors", "memory_gib", "kernel", "system",
             "load", "congestion"},    load: before the run; congestion: what TCP was sent by
 "versions": {"sluice": "...", "nginx": "..."},
 "options": {"command": "bench/run --rounds 3", "rounds", "seconds", "pinned": {"peer": 0, "load": 1}},
 "configs": {"nginx": "the text of its configuration"}, "commands": {"nginx": "...", "wrk": "..."},
 "tables": [{"name": "relay", "title": "...",
   "unit": "request",     what a row's cost is told in: CPU us per request; "GiB": CPU s per GiB
   "rows": [{"size": 1024, "peer": "sluice", "at_once": 16,
     "void": null,        or why its figures do not count: a wrong byte, an error; then the samples may be missing
     "samples": [{"requests", "bytes", "seconds", "user", "system", "p50_us", "p99_us", "p999_us",
                  "cycles", "instructions", "cache_misses"}],
     "memory": {"peak_rss_kib", "pipes_kib", "sockets_kib"},        or null
     "calls": {"per_request": 7.2, "by_name": {"splice": 2.0}}}]}],  or null
 "absent": [{"table": "tcp", "peer": "nginx", "why": "..."}],
 "scenarios": [{"name": "idle", "title": "...", "lead": "one sentence: what is done and measured",
   "columns": [{"key": "own_kib", "title": "own KiB per connection", "digits": 2, "better": "less"}],
   "rows": [{"peer": "sluice", "label": "10,000 connections", "values": {"own_kib": [1.2, 1.3]}, "void": null}]}]}

`user` and `system` are the processor time of the peer's own processes during the sample. `requests` may be a
fraction: the load stops in the middle of large bodies, whose bytes have been paid for too. Samples of two peers
with the same number come from the same round. What this file does not name is left alone.
"""

import json
import math

from figures import size_text


class Broken(ValueError):
    """The result is not what the schema says. The text tells where."""


# Types, a list of one shape, {str: shape} for free names, or the names an object has to have; those that end in
# a question mark may be missing or null.
NUMBER, ANY_NUMBER, TEXT, MAYBE_TEXT = (int, float), (float, int), (str,), (str, type(None))
SAMPLE = {name: NUMBER for name in ("requests", "bytes", "seconds", "user", "system")}
SAMPLE |= {f"{name}?": NUMBER for name in ("p50_us", "p99_us", "p999_us", "cycles", "instructions", "cache_misses")}
MEMORY = {f"{name}?": NUMBER for name in ("peak_rss_kib", "pipes_kib", "sockets_kib")}
CALLS = {"per_request": NUMBER, "by_name": {str: NUMBER}}
ROW = {
    "size": NUMBER,
    "peer": TEXT,
    "at_once": NUMBER,
    "void": MAYBE_TEXT,
    "samples": [SAMPLE],
    "memory?": MEMORY,
    "calls?": CALLS,
}
COLUMN = {"key": TEXT, "title": TEXT, "digits": NUMBER, "better": TEXT}
SCENE = {"peer": TEXT, "label": TEXT, "values": {str: [ANY_NUMBER]}, "void": MAYBE_TEXT}
SHAPE = {
    "format": NUMBER, "started": TEXT, "seconds": NUMBER,
    "machine": {name: TEXT for name in ("name", "processor", "kernel", "system")}
    | {"processors": NUMBER, "memory_gib": NUMBER, "load?": NUMBER, "congestion?": TEXT},
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
        # Only what a scenario tells, such as a difference of two, may be below nothing.
        least = float("-inf") if shape is ANY_NUMBER else 0
        if isinstance(value, (int, float)) and not (math.isfinite(value) and least <= value):
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
