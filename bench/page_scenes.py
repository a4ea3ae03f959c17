"""A scenario of a result on its page: a table, and bars of its first column."""

import figures
import plot
from markdown import spread_text, table_text


def scene_rows(scenario):
    """{label: [(peer, row)]}, in the order of the scenario."""
    groups = {}
    for row in scenario["rows"]:
        groups.setdefault(row["label"], []).append((row["peer"], row))
    return groups


def scene_spread(row, key):
    return figures.Spread.of(row["values"][key]) if row["void"] is None and row["values"].get(key) else None


def scene_table(scenario):
    lines = []
    for label, group in scene_rows(scenario).items():
        best = {}
        for column in scenario["columns"]:
            medians = [spread.median for _, row in group if (spread := scene_spread(row, column["key"]))]
            if len(medians) > 1 and column["better"] in ("less", "more"):
                best[column["key"]] = (min if column["better"] == "less" else max)(medians)
        for peer, row in group:
            line = [label, peer]
            for column in scenario["columns"]:
                found = scene_spread(row, column["key"])
                text = spread_text(found, lambda value: f"{value:,.{column['digits']}f}")
                line.append(f"**{text}**" if found and found.median == best.get(column["key"]) else text)
            lines.append(line)
    return table_text(["", "", *(column["title"] for column in scenario["columns"])], lines, texts=2)


MOST_BARS = 40


def scene_drawing(scenario):
    """Bars of the scenario's first column; None where there are too many, or nothing to draw."""
    if not scenario["columns"]:
        return None
    column = scenario["columns"][0]
    groups = []
    for label, group in scene_rows(scenario).items():
        told = [(peer, spread) for peer, row in group if (spread := scene_spread(row, column["key"]))]
        groups += [(label, told)] if told else []
    if not groups or sum(len(group) for _, group in groups) > MOST_BARS:
        return None
    return plot.bars(scenario["title"], column["title"], groups, column["digits"])
