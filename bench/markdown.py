"""The little Markdown that pages are made of."""

import re

from figures import number_text


def cell(text):
    """On one line; what has to stay together, such as a number and its unit, is held by blanks that don't break."""
    text = " ".join(str(text).split()).replace("|", "\\|")
    return re.sub(r"(?<=\d) (?=[KMG]iB|to \d|✓|✗|\d)|(?<=\d to) (?=\d)|(?<=[KMG]iB) (?=\d)", "\u00a0", text)


def table_text(head, rows, texts=1):
    """A table whose first `texts` columns are words and whose others are numbers."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    return "".join(f"| {' | '.join(map(cell, row))} |\n" for row in [head, rule, *rows])


def folded(summary, text):
    return f"<details><summary>{summary}</summary>\n\n{text.strip()}\n\n</details>\n"


def code(text):
    return f"~~~~\n{text.rstrip()}\n~~~~\n"


def rounds_text(options):
    return "1 round" if options["rounds"] == 1 else f"{options['rounds']:g} interleaved rounds"


def spread_text(spread, text=number_text):
    """12.3 [11.9 to 12.7]; a dash for what was not measured."""
    if spread is None:
        return "–"
    ends = (text(spread.low), text(spread.high))
    return text(spread.median) if ends[0] == ends[1] else f"{text(spread.median)} [{ends[0]} to {ends[1]}]"


def ratio_text(spread):
    return spread_text(spread, lambda value: f"{value:.2f}")
