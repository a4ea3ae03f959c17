"""A result of bench/run as a page: RESULT.md beside it, with its drawings in RESULT/. The same result, the same bytes.

bench/report.py bench/results/2026-11-21-2-cores.json    the page of a result
bench/report.py --readme                                 README's part, of the newest result in bench/results
bench/report.py --fill                                   the numbers between marks in all prose (see prose.py)
"""

import argparse
import sys
from pathlib import Path

import figures
import prose
import targets
from figures import size_text
from headlines import headlines
from markdown import cell, code, folded, rounds_text, table_text
from page_scenes import scene_drawing, scene_table
from page_tables import calls, costs, details, drawings, plotted
from schema import Broken, read

ROOT = Path(__file__).resolve().parent.parent
README, RESULTS = ROOT / "README.md", ROOT / "bench" / "results"
PROSE = ("*.md", "bench/*.md", "conf/*.md", "chapters/**/*.md", "tests/**/*.md")


def duration_text(seconds):
    return f"{seconds / 60:.0f} minutes" if seconds >= 90 else f"{seconds:.0f} s"


def unrest_text(result):
    if (shares := figures.unrest(result)) is None:
        return ""
    half, most = (f"{share:.0%}" for share in shares)
    return f" Of half of the rows every round lies within {half} of the median, of nine tenths within {most}."


def head(result):
    told, options = result["machine"], result["options"]
    pinned = options["pinned"]
    lines = [
        f"{told['processor']}, {told['processors']:g} processors, {told['memory_gib']:g} GiB;"
        f" {told['kernel']}, {told['system']}" + (f"; load before: {told['load']:g}" if "load" in told else "")
        + (f"; TCP over loopback, sent by {told['congestion']}" if "congestion" in told else ""),
        "; ".join(f"{name}: {version}" for name, version in sorted(result["versions"].items())),
        f"`{options['command']}`, {result['started']}, {duration_text(result['seconds'])};"
        f" {rounds_text(options)} of {options['seconds']:g} s;"
        f" peers on processor {pinned['peer']:g}, origin and load on {pinned['load']:g}",
        "CPU is the user and system time of a peer's own processes. Figures are medians, in brackets the smallest and the"
        " largest round; a ratio is one of medians, in brackets the smallest and the largest of a round. Below 1 Sluice"
        " costs less." + unrest_text(result),
        "The limit is the cheapest of the least relays in bench/limit, which know no HTTP; the best peer is the cheapest"
        " of the others at that size.",
    ]
    return "".join(f"- {line}\n" for line in lines)


def verdict_text(verdict):
    if verdict.met is None:
        return f"{verdict.place} –"
    # Two digits, and more where these would hide on which side of the bound it is.
    for digits in (2, 3, 4):
        told, bound = (f"{value:.{digits}f}" for value in (verdict.ratio.median, verdict.target.at_most))
        if told != bound:
            break
    return f"{verdict.place} {told} {'✓' if verdict.met else '✗'}"


def goals(result):
    """One row a target and table or scenario: the ratio at each of its places."""
    verdicts = targets.evaluate(result)
    lines = []
    for target in targets.TARGETS:
        works = dict.fromkeys(verdict.work for verdict in verdicts if verdict.target == target)
        for work in works:
            found = [verdict for verdict in verdicts if (verdict.target, verdict.work) == (target, work)]
            mets = [verdict.met for verdict in found if verdict.met is not None]
            met = f"{sum(mets)} of {len(mets)}" if mets else "not measured"
            lines.append([work, target.bound_text, ", ".join(map(verdict_text, found)), met])
        if not works:
            lines.append([target.work, target.bound_text, target.sizes_text, "not measured"])
    return table_text(["work", "cost to reach", "where it is", "met"], lines, texts=4)


def missing(result):
    lines = [[entry["table"], entry["peer"], entry["why"]] for entry in result["absent"]]
    for table in result["tables"]:
        for row in table["rows"]:
            if row["void"] is not None:
                lines.append([f"{table['name']}, {size_text(row['size'])}", row["peer"], f"void: {row['void']}"])
    for scenario in result["scenarios"]:
        for row in scenario["rows"]:
            if row["void"] is not None:
                lines.append([f"{scenario['name']}, {row['label']}", row["peer"], f"void: {row['void']}"])
    return table_text(["where", "who", "why"], lines, texts=3) if lines else ""


def page(result, name):
    """{path, relative to the result's folder: text}: the page of the result NAME.json, and its drawings."""
    files = {}
    parts = [
        f"# What a request costs: {name}\n",
        f"Made by `bench/report.py` of [`{name}.json`]({name}.json).\n",
        head(result),
    ]
    parts += ["## In three rows\n", f"Ratios over all sizes, the smallest and the largest:\n\n{headlines(result)}"]
    parts += ["## To reach\n", goals(result)]
    for table in result["tables"]:
        parts.append(f"## {table['title']}\n")
        drawn = drawings(result, table)
        files |= {f"{name}/{file}": text for file, text in drawn.items()}
        if drawn:
            parts.append("\n".join(f"![{cell(table['title'])}]({name}/{file})\n" for file in drawn))
        parts.append(costs(result, table))
        parts.append(folded("Rates, latencies, user time, memory, system calls", details(table)))
        if told := calls(table):
            parts.append(folded("System calls by name", told))
    for scenario in result["scenarios"]:
        parts += [f"## {scenario['title']}\n", f"{scenario['lead']}\n"]
        if drawn := scene_drawing(scenario):
            file = f"{name}/scene-{scenario['name']}.svg"
            files[file] = drawn
            parts.append(f"![{cell(scenario['title'])}]({file})\n")
        parts.append(scene_table(scenario))
    if told := missing(result):
        parts += ["## Not measured\n", told]
    parts.append("## How each was run\n")
    for who in dict.fromkeys([*result["commands"], *result["configs"]]):
        told = (result["commands"].get(who), result["configs"].get(who))
        parts.append(folded(who, "\n".join(code(text) for text in told if text)))
    files[f"{name}.md"] = "\n".join(parts)
    return files


def write(path):
    """The page of the result at `path`, and its drawings, beside it; returns the page's path."""
    path = Path(path)
    files = page(read(path), path.stem)
    folder = path.parent / path.stem
    if folder.is_dir():
        for old in folder.glob("*.svg"):
            old.unlink()
    for name, text in files.items():
        file = path.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return path.with_suffix(".md")


def with_marks():
    """The files whose prose has numbers of results."""
    files = sorted({path for pattern in PROSE for path in ROOT.glob(pattern)})
    return [path for path in files if prose.MARK.search(path.read_text())]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="*", type=Path, help="results whose pages are written")
    parser.add_argument("--readme", action="store_true", help="write README.md's part, of the newest result")
    parser.add_argument("--fill", action="store_true", help="write the numbers between marks in all Markdown")
    options = parser.parse_args()
    try:
        for path in options.result:
            print(write(path))
        if options.readme:
            README.write_text(prose.readme(README.read_text(), prose.newest()))
        for path in with_marks() if options.fill else []:
            path.write_text(prose.fill(path.read_text(), prose.shown(README.read_text())))
    except Broken as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
