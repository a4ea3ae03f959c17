"""Numbers in prose are made, never typed.

README's part stands between <!-- bench:begin 2026-11-21-2-cores --> and <!-- bench:end -->, and shows the result of
that name: others may lie beside it. Elsewhere a figure stands between marks:

    <!-- figure: relay 1MiB sluice/haproxy -->0.92<!-- / -->

A mark names a table, a size, and one peer or two, whose ratio it is ("best" and "limit" are peers here), then, if it is
not the cost that the table tells, one of FIGURES. Or a scenario, a column's key, one peer or two, and the label of the
row. It is of the result that README shows, or of the one that the mark names first:
<!-- figure: 2026-11-21-2-cores: relay 1MiB sluice p99-us -->.
"""

import functools
import re
from pathlib import Path

import figures
import targets
from headlines import headlines
from markdown import rounds_text
from network import USUAL
from schema import Broken, read

RESULTS = Path(__file__).resolve().parent / "results"
README_PART = re.compile(r"<!-- bench:begin ?(\S*) -->\n.*?<!-- bench:end -->", re.DOTALL)
MARK = re.compile(r"(<!-- figure: (?:(\S+): )?(.*?) -->)(.*?)(<!-- / -->)", re.DOTALL)

FIGURES = {
    "cpu-us": figures.cpu_per_request, "cpu-s-per-gib": figures.cpu_per_gib, "user": figures.user_share,
    "requests/s": figures.requests_per_second, "GiB/s": figures.gib_per_second, "p50-us": figures.percentile("p50"),
    "p99-us": figures.percentile("p99"), "p99.9-us": figures.percentile("p999"),
}  # fmt: skip


def newest(folder=RESULTS):
    """The name of the result that was started last, of those that were sent by the usual congestion control if there are."""
    names = [path.stem for path in folder.glob("*.json")]
    if not names:
        raise Broken(f"{folder}: no result yet")

    def rank(name):
        result = read(folder / f"{name}.json")
        return result["machine"].get("congestion", USUAL) == USUAL, result["started"], name

    return max(names, key=rank)


def shown(text):
    """The name of the result that README's text shows; "" before the first."""
    if (part := README_PART.search(text)) is None:
        raise Broken("README.md: no <!-- bench:begin --> and <!-- bench:end -->")
    return part[1]


def number(result, query):
    """What a mark asks of a result, as text."""
    words = query.split()
    found = None
    if len(words) >= 3:
        found = _of_table(result, *words) or _of_scenario(result, *words[:3], " ".join(words[3:]))
    if found is None:
        raise Broken(f"figure: {query}: the result has none")
    return found


def _of_table(result, name, size_text, who, what=None, *more):
    table = next((table for table in result["tables"] if table["name"] == name), None)
    if table is None or more:
        return None
    size = next((size for size in figures.sizes(table) if figures.size_text(size).replace(" ", "") == size_text), None)
    figure = FIGURES.get(what) if what else figures.cost(table)
    if size is None or figure is None:
        return None
    named = {"best": figures.best_peer, "limit": figures.limit}
    rows = [figures.row_of(table, size, named[peer](table, size) if peer in named else peer) for peer in who.split("/")]
    return _told([figures.spread(row, figure) for row in rows])


def _of_scenario(result, name, key, who, label):
    scenario = next((scenario for scenario in result["scenarios"] if scenario["name"] == name), None)
    if scenario is None:
        return None
    found = []
    for peer in who.split("/"):
        rows = [
            row
            for row in scenario["rows"]
            if row["peer"] == peer and row["void"] is None and label in ("", row["label"])
        ]
        values = rows[0]["values"].get(key) if len(rows) == 1 else None
        found.append(figures.Spread.of(values) if values else None)
    return _told(found)


def _told(spreads):
    if None in spreads or not 1 <= len(spreads) <= 2:
        return None
    if len(spreads) == 1:
        return figures.number_text(spreads[0].median)
    return f"{spreads[0].median / spreads[1].median:.2f}" if spreads[1].median else None


def fill(text, name, folder=RESULTS):
    """The text with every mark's figure; of the result `name` where a mark names none."""

    @functools.cache
    def result_named(name):
        if not name:
            raise Broken("README shows no result yet")
        return read(folder / f"{name}.json")

    def filled(mark):
        return f"{mark[1]}{number(result_named(mark[2] or name), mark[3])}{mark[5]}"

    return MARK.sub(filled, text)


def readme_part(name, result):
    """Between the marks in README: the plots, the three rows, and where they come from."""
    verdicts = [verdict for verdict in targets.evaluate(result) if verdict.met is not None]
    met = sum(verdict.met for verdict in verdicts)
    page = f"bench/results/{name}"
    sent = f", TCP sent by {result['machine']['congestion']}" if "congestion" in result["machine"] else ""
    return (
        f"![CPU per relayed request over the size of the body]({page}/relay.svg)\n"
        f"![The same as a multiple of the limit's]({page}/relay-ratio.svg)\n\n"
        f"{headlines(result)}\n"
        f"From the smallest to the largest ratio over the sizes; below 1 Sluice costs less. {result['started'][:10]},\n"
        f"{result['machine']['processor']}, {result['machine']['kernel']}{sent}, {rounds_text(result['options'])}."
        f" Of the goals that [`bench/targets.py`](bench/targets.py)\n"
        f"sets, one for each size, {met} of {len(verdicts)} are met."
        f" [All tables, plots and configurations]({page}.md).\n"
    )


def readme(text, name, folder=RESULTS):
    """README's text with the part of the result `name`; of none, if that is empty."""
    shown(text)
    begin, part = "<!-- bench:begin -->\n", "No result yet: `bench/run` makes one.\n"
    if name:
        begin, part = f"<!-- bench:begin {name} -->\n", readme_part(name, read(folder / f"{name}.json"))
    return README_PART.sub(lambda _: f"{begin}{part}<!-- bench:end -->", text)
