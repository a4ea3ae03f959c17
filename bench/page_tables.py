"""A table of a result on its page: drawings, costs with ratios, and what else was measured."""

import figures
import plot
from figures import number_text, size_text
from markdown import ratio_text, rounds_text, spread_text, table_text


def limit_table(result, table):
    """The table whose limit counts for this one: itself, or that of the same bodies in clear text; or None."""
    if any(map(figures.is_limit, figures.peers(table))):
        return table
    plain = [other for other in result["tables"] if table["name"].endswith(f"-{other['name']}")]
    return next((other for other in plain if any(map(figures.is_limit, figures.peers(other)))), None)


def to_limit(table, size, peer, base):
    """The ratio of a peer's cost to the limit in `base`; of another table's rounds there is no pairing, so no spread."""
    if base is table:
        return figures.cost_ratio(table, size, peer, "limit")
    own = figures.spread(figures.row_of(table, size, peer), figures.cost(table))
    least = figures.spread(figures.row_of(base, size, figures.limit(base, size)), figures.cost(base))
    if not own or not least or not least.median:
        return None
    return figures.Spread(*[own.median / least.median] * 3)


def costs(result, table):
    """What each peer costs, the cheapest set off; beside Sluice what it is to the best peer and to the limit."""
    names = figures.peers(table)
    first = [name for name in names if figures.is_own(name)]
    others = [name for name in names if not figures.is_own(name)]
    base = limit_table(result, table)
    # Of forced paths the cheapest speaks for Sluice.
    who = "sluice" if "sluice" in names else "cheapest"
    head = [f"{who} / limit" if base is table else f"{who} / limit of {base['name']}"] if base else []
    if "sluice" in names:
        head.insert(0, "sluice / best peer")
    lines = []
    for size in figures.sizes(table):
        cheapest = figures.cheapest(table, size, lambda peer: not figures.is_limit(peer))
        told = {}
        for name in names:
            row = figures.row_of(table, size, name)
            text = "void" if row and row["void"] is not None else spread_text(figures.spread(row, figures.cost(table)))
            told[name] = f"**{text}**" if name == cheapest else text
        ratios = []
        if "sluice" in names:
            best = figures.best_peer(table, size)
            ratios.append(f"{ratio_text(figures.cost_ratio(table, size, 'sluice', 'best'))} {best or ''}")
        if base:
            ratios.append(ratio_text(to_limit(table, size, "sluice" if "sluice" in names else cheapest, base)))
        lines.append([size_text(size), *(told[name] for name in first), *ratios, *(told[name] for name in others)])
    unit = "CPU s per GiB" if table["unit"] == "GiB" else f"CPU µs per {table['unit']}"
    found = f"{unit}:\n\n" + table_text(["body", *first, *head, *others], lines)
    return found if "sluice" in names or not first else f"{found}\nThe cheapest: {crossovers(table)}.\n"


def crossovers(table):
    """Of forced paths, which is the cheapest from where to where: "buffered 1 KiB to 4 KiB, splice 16 KiB to 1 GiB"."""
    runs = []  # [path, first size, last size]
    for size in figures.sizes(table):
        path = figures.cheapest(table, size, figures.is_own)
        if path and runs and runs[-1][0] == path:
            runs[-1][2] = size
        elif path:
            runs.append([path, size, size])
    spans = (" to ".join(dict.fromkeys(map(size_text, sizes))) for _, *sizes in runs)
    return ", ".join(f"{path} {span}" for (path, *_), span in zip(runs, spans))


def percent(spread):
    return "–" if spread is None else f"{spread.median * 100:.0f}%"


def median(spread):
    return "–" if spread is None else number_text(spread.median)


# The columns of the long table: (title, text of a table's row); those that nobody has anything in are left out.
def of_samples(figure, text=median):
    return lambda table, row: text(figures.spread(row, figure))


def of_row(part, name, divisor=1):
    return lambda table, row: "–" if (row.get(part) or {}).get(name) is None else number_text(row[part][name] / divisor)


DETAILS = (
    ("at once", lambda table, row: f"{row['at_once']:g}"),
    ("requests/s", of_samples(figures.requests_per_second)),
    ("GiB/s", of_samples(figures.gib_per_second)),
    ("CPU busy", of_samples(figures.processor_share, percent)),
    ("CPU s per GiB", of_samples(figures.cpu_per_gib)),
    ("of it user", of_samples(figures.user_share, percent)),
    ("p50 µs", of_samples(figures.percentile("p50"))),
    ("p99 µs", of_samples(figures.percentile("p99"))),
    ("p99.9 µs", of_samples(figures.percentile("p999"))),
    ("cycles", of_samples(figures.per_request("cycles"))),
    ("instructions", of_samples(figures.per_request("instructions"))),
    ("cache misses", of_samples(figures.per_request("cache_misses"))),
    ("peak RSS MiB", of_row("memory", "peak_rss_kib", 1024)),
    ("pipes KiB", of_row("memory", "pipes_kib")),
    ("sockets KiB", of_row("memory", "sockets_kib")),
    ("system calls", of_row("calls", "per_request")),
    ("sluice / it", lambda table, row: ratio_text(figures.cost_ratio(table, row["size"], "sluice", row["peer"]))),
)


def details(table):
    rows = [
        row for size in figures.sizes(table) for row in table["rows"] if row["size"] == size and row["void"] is None
    ]
    columns = [(title, [text(table, row) for row in rows]) for title, text in DETAILS]
    columns = [(title, told) for title, told in columns if set(told) - {"–"}]
    lines = [
        [size_text(row["size"]), row["peer"], *(told[number] for _, told in columns)] for number, row in enumerate(rows)
    ]
    return table_text(["body", "peer", *(title for title, _ in columns)], lines, texts=2)


def calls(table):
    lines = []
    for row in table["rows"]:
        if row.get("calls"):
            names = sorted(row["calls"]["by_name"].items(), key=lambda item: (-item[1], item[0]))
            told = ", ".join(f"{name} {number_text(count)}" for name, count in names)
            lines.append([size_text(row["size"]), row["peer"], told, number_text(row["calls"]["per_request"])])
    return table_text(["body", "peer", "by name", "per response"], lines, texts=3) if lines else ""


def plotted(table, figure):
    """A line for each peer that has figure(size, peer) somewhere; what was too little to see is left out."""
    lines = []
    for peer in figures.peers(table):
        points = [(size, figure(size, peer)) for size in figures.sizes(table)]
        points = [(size, spread) for size, spread in points if spread and spread.low > 0]
        lines += [plot.Line(peer, points)] if points else []
    return lines


def drawings(result, table):
    """{name of the file: SVG}: what a request costs, and that as a multiple of the limit's, or of the first peer's."""
    names = figures.peers(table)
    about = f"CPU of the peer's own processes: median and spread of {rounds_text(result['options'])}"
    found = {}
    lines = plotted(table, lambda size, peer: figures.spread(figures.row_of(table, size, peer), figures.cost(table)))
    if lines:
        found[f"{table['name']}.svg"] = plot.lines(table["title"], about, lines, plot.cost_axis(table, lines))
        base = "limit" if any(map(figures.is_limit, names)) else names[0]
        lines = plotted(table, lambda size, peer: figures.cost_ratio(table, size, peer, base))
    if lines:
        axis = plot.ratio_axis(f"CPU, as a multiple of {'the limit' if base == 'limit' else base}'s", lines)
        found[f"{table['name']}-ratio.svg"] = plot.lines(table["title"], about, lines, axis)
    return found
