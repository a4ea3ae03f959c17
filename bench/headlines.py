"""The three rows that README shows: fixed here, whatever a run gives, and over all sizes, so that none is picked."""

import figures
from figures import GIB, KIB, MIB
from markdown import table_text

# (what it is called, table, from this size, to this size)
ROWS = (
    ("relayed", "relay", KIB, 256 * KIB),
    ("relayed", "relay", MIB, GIB),
    ("static files", "static", KIB, GIB),
)
OTHERS = ("best", "nginx", "haproxy", "limit")


def reach(table, sizes, other):
    """The smallest and the largest ratio of Sluice's cost to another's over the sizes, in words."""
    found = [figures.cost_ratio(table, size, "sluice", other) for size in sizes]
    medians = [ratio.median for ratio in found if ratio]
    if not medians:
        return "–"
    ends = f"{min(medians):.2f}", f"{max(medians):.2f}"
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def headlines(result):
    """As a table in Markdown."""
    tables = {table["name"]: table for table in result["tables"]}
    lines = []
    for text, name, low, high in ROWS:
        sizes = [size for size in figures.sizes(tables[name]) if low <= size <= high] if name in tables else []
        if sizes:
            span = " to ".join(dict.fromkeys(map(figures.size_text, (sizes[0], sizes[-1]))))
            lines.append([f"{text}, {span}", *(reach(tables[name], sizes, other) for other in OTHERS)])
    names = ("the best peer's", "nginx's", "haproxy's", "the limit's")
    return table_text(["Sluice's CPU per request, divided by", *names], lines)
