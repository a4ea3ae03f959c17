"""The processor time of Sluice, of other proxies and of the least relay, over the size of the body, in one run.

A peer has one processor for itself; the origin and the load share another. Rounds are interleaved, so that whatever the
machine does meanwhile meets all peers alike; the page shows medians and the spread. Each peer's bodies are compared with
what they have to be, before it is measured and again under load: a wrong byte voids the row.
"""

import argparse
import dataclasses
import datetime
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import machine
import peers
import report
import works
from ground import ROOT, Ground
from process import many_descriptors
from progress import Progress
from table import Table
from work import SIZES, Size


@dataclasses.dataclass
class Depth:
    """How much is measured."""

    rounds: int
    seconds: float
    sizes: list | None = None  # None: all that a work has
    scenarios: bool = True


FULL = Depth(rounds=3, seconds=0.5)
QUICK = Depth(rounds=1, seconds=0.4, sizes=[Size.parse(name) for name in ("4KiB", "64KiB", "1MiB")])
SMOKE = Depth(rounds=1, seconds=0.1, sizes=[Size.parse("64KiB")])


def parse_options():
    parser = argparse.ArgumentParser(
        prog="bench/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ", ".join(work.name for work in works.all_works())
    parser.add_argument("--quick", action="store_true", help="under two minutes: an impression, not a result")
    parser.add_argument("--smoke", action="store_true", help="a moment of everything: does it work?")
    parser.add_argument("--rounds", type=int, help=f"interleaved ({FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"of each sample ({FULL.seconds})")
    parser.add_argument("--only", help=f"with commas, of: {names}")
    parser.add_argument("--sizes", help="with commas, like 4KiB,1MiB; " + ", ".join(size.file for size in SIZES))
    parser.add_argument("--peers", help="with commas: only these")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM", help="instead of Debian's")
    parser.add_argument("--output", type=Path, help="the result (bench/results/DATE-MACHINE.json; of --quick and --smoke build/bench/results/...)")
    options = parser.parse_args()
    try:
        return options, depth_of(options), works_of(options), programs_of(options)
    except ValueError as reason:
        parser.error(str(reason))


def depth_of(options):
    depth = SMOKE if options.smoke else QUICK if options.quick else FULL
    sizes = [Size.parse(text) for text in options.sizes.split(",")] if options.sizes else depth.sizes
    return dataclasses.replace(
        depth, rounds=options.rounds or depth.rounds, seconds=options.seconds or depth.seconds, sizes=sizes
    )


def works_of(options):
    every = {work.name: work for work in works.all_works()}
    if not options.only:
        return list(every.values())
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(every):
        raise ValueError(f"no such table: {', '.join(sorted(unknown))}")
    return [work for name, work in every.items() if name in wanted]


def programs_of(options):
    """{name: path} of --peer."""
    programs = {}
    for text in options.peer:
        name, _, path = text.partition("=")
        if name not in peers.registry():
            raise ValueError(f"--peer {text}: no such peer: one of {', '.join(peers.registry())}")
        if not os.access(path, os.X_OK):
            raise ValueError(f"--peer {text}: not a program")
        programs[name] = Path(path).resolve()
    return programs


class Result:
    """The file, written anew after each table: a run that is interrupted is not lost."""

    def __init__(self, path, about):
        self.path = path
        self.began = time.monotonic()
        self.told = {"format": 1, "started": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"}
        self.told |= {"seconds": 0} | about
        self.told |= {"versions": {}, "configs": {}, "commands": {}, "tables": [], "absent": [], "scenarios": []}

    def write(self):
        self.told["seconds"] = round(time.monotonic() - self.began)
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.told, indent=1) + "\n")
        part.replace(self.path)


def run(options, depth, chosen, ground, result):
    only = options.peers.split(",") if options.peers else None
    tables = [Table(work, depth, only) for work in chosen]
    ground.write_files({size for table in tables for size in table.sizes})
    progress = Progress(sum(table.steps for table in tables))
    for table in tables:
        try:
            table.measure(ground, progress)
        finally:  # an interrupted table has rows, too
            table.tell(result.told)
            result.write()
    for name, peer in peers.registry().items():
        if name in result.told["configs"]:
            result.told["versions"][name] = peer.version(ground)
    result.write()


def main():
    options, depth, chosen, programs = parse_options()
    processors = sorted(os.sched_getaffinity(0))
    about = {"machine": machine.describe()}
    if len(processors) < 2:
        raise SystemExit("needs two processors: the peer's own, and one for the origin and the load")
    about["options"] = {
        "command": " ".join(["bench/run", *sys.argv[1:]]),
        "rounds": depth.rounds,
        "seconds": depth.seconds,
        "pinned": {"peer": processors[0], "load": processors[1]},
    }
    home = ROOT / "build" / "bench"
    # An impression does not take the place of a result.
    results = home / "results" if options.quick or options.smoke else ROOT / "bench" / "results"
    results.mkdir(parents=True, exist_ok=True)
    output = (options.output or results / f"{datetime.date.today()}-{about['machine']['name']}.json").resolve()
    # What the peers said is kept there until the next run with the same output.
    directory = home / output.stem
    shutil.rmtree(directory, ignore_errors=True)
    many_descriptors()
    # The load, this program and all that isn't a peer.
    os.sched_setaffinity(0, {processors[1]})
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    ground = Ground(home, directory, processors[:2])
    ground.programs = programs
    result = Result(output, about)
    try:
        run(options, depth, chosen, ground, result)
    except KeyboardInterrupt:
        print(f"\ninterrupted: what was measured is in {output}; bench/report.py makes its page", file=sys.stderr)
        raise SystemExit(130) from None
    finally:
        ground.stop()
    print(report.write(output))


if __name__ == "__main__":
    main()
