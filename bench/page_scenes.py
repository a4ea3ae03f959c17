"""A scenario of a result on its page: a table, and a drawing of its first column."""

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
            if len(set(medians)) > 1 and column["better"] in ("less", "more"):
                best[column["key"]] = (min if column["better"] == "less" else max)(medians)
        for peer, row in group:
            line = [label, peer]
            for column in scenario["columns"]:
                found = scene_spread(row, column["key"])
                text = spread_text(found, lambda value: f"{value:,.{column['digits']}f}")
                line.append(f"**{text}**" if found and found.median == best.get(column["key"]) else text)
            lines.append(line)
    return table_text(["", "", *(column["title"] for column in scenario["columns"])], lines, texts=2)


MOST_GROUPS = 3  # of bars; more of them are points on lines


def scene_drawing(scenario):
    """The first column that is not all zero, as bars or as lines; None where there is nothing to draw."""
    for column in scenario["columns"]:
        groups = []
        for label, group in scene_rows(scenario).items():
            told = [(peer, spread) for peer, row in group if (spread := scene_spread(row, column["key"]))]
            groups += [(label, told)] if told else []
        if any(spread.high > 0 for _, group in groups for _, spread in group):
            break
    else:
        return None
    if len(groups) <= MOST_GROUPS:
        return plot.bars(scenario["title"], column["title"], groups, column["digits"])
    points = {}
    for place, (_, group) in enumerate(groups):
        for peer, spread in group:
            points.setdefault(peer, []).extend([(place, spread)] if spread.low > 0 else [])
    plotted = [plot.Line(peer, found) for peer, found in points.items() if found]
    if not plotted:
        return None
    axis = plot.log_axis("", plotted, lambda value: f"{value:g}")
    return plot.lines(scenario["title"], column["title"], plotted, axis, "", [label for label, _ in groups])
