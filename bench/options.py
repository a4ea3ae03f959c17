"""The options of bench/run, and how much each depth measures."""

import argparse
import dataclasses
import os
from pathlib import Path

import network
import peers
import scenarios
import works
from work import SIZES, Size


@dataclasses.dataclass
class Depth:
    """How much is measured."""

    scale: str  # "full", "quick" or "smoke"
    rounds: int
    seconds: float  # of a sample
    sizes: list | None = None  # None: all that a work has
    without: tuple = ()  # peers and tables that are left out
    counted: list = ()  # sizes whose system calls are counted, which takes as long as a sample
    counted_peers: tuple | None = None  # None: all

    def counts(self, size, peer):
        return size in self.counted and (self.counted_peers is None or peer in self.counted_peers)


def sizes_of(text):
    return [Size.parse(name) for name in text.split(",")]


FULL = Depth("full", rounds=3, seconds=0.5, counted=sizes_of("1KiB,16KiB,256KiB,10MiB"))
QUICK = Depth(
    "quick",
    rounds=1,
    seconds=0.3,
    sizes=sizes_of("4KiB,64KiB,1MiB"),
    without=("lighttpd", "nghttpx", "varnish", "h2-relay", "h2-static", "tcp-reverse", "kafka-1"),
    counted=sizes_of("64KiB"),
    counted_peers=("sluice",),
)
SMOKE = Depth(
    "smoke",
    rounds=1,
    seconds=0.1,
    sizes=sizes_of("64KiB"),
    counted=sizes_of("64KiB"),
    counted_peers=("sluice",),
)


@dataclasses.dataclass
class Options:
    depth: Depth
    works: list
    scenarios: list
    peers: list | None  # names; None: all
    programs: dict  # instead of Debian's, by the peer's name
    output: Path | None
    home: Path | None
    congestion: str  # see network.py
    whole: bool  # all that there is, in the usual depth

    def wants(self, peer):
        """Names of one table alone are always wanted."""
        if peer not in peers.registry():
            return True
        if peer == "sluice-before":
            return peer in self.programs
        return peer not in self.depth.without if self.peers is None else peer in self.peers


def parse(about):
    """The Options, or an explanation and the end of the program."""
    tables, scenes = works.all_works(), scenarios.all_scenarios()
    names = [one.name for one in tables + scenes]
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="bench/run", description=about, formatter_class=formatter)
    parser.add_argument("--quick", action="store_true", help="under two minutes: an impression, not a result")
    parser.add_argument("--smoke", action="store_true", help="a moment of everything: does it work?")
    parser.add_argument("--rounds", type=int, help=f"interleaved ({FULL.rounds})")
    parser.add_argument("--seconds", type=float, help=f"of each sample ({FULL.seconds})")
    parser.add_argument("--only", help=f"with commas, of: {', '.join(names)}")
    parser.add_argument("--sizes", help=f"with commas, of: {', '.join(size.file for size in SIZES)}")
    parser.add_argument("--peers", help=f"with commas, of: {', '.join(peers.registry())}")
    other = "instead of Debian's; sluice-before: an older build"
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PROGRAM", help=other)
    sent = f"what TCP is sent by, in a network namespace of the run's own; {network.MACHINE}: as this machine does ({network.USUAL})"
    parser.add_argument("--congestion", default=network.USUAL, metavar="NAME", help=sent)
    parser.add_argument("--output", type=Path, help="the result (bench/results/DATE-MACHINE.json, of a part build/bench/...)")
    parser.add_argument("--home", type=Path, help="for files, configurations and logs (build/bench)")
    given = parser.parse_args()
    try:
        if given.output and given.output.suffix != ".json":
            raise ValueError(f"--output {given.output}: a page and a folder of the same name lie beside it, so it ends in .json")
        depth = depth_of(given)
        usual = [name for name in names if name not in depth.without]
        wanted = chosen(given.only, names, "table or scenario") if given.only else usual
        return Options(
            depth=depth,
            works=[work for work in tables if work.name in wanted],
            scenarios=[scenario for scenario in scenes if scenario.name in wanted],
            peers=chosen(given.peers, list(peers.registry()), "peer") if given.peers else None,
            programs=dict(program_of(text) for text in given.peer),
            output=given.output,
            home=given.home,
            congestion=given.congestion,
            whole=not (given.quick or given.smoke or given.only or given.sizes or given.peers),
        )
    except ValueError as reason:
        parser.error(str(reason))


def depth_of(given):
    depth = SMOKE if given.smoke else QUICK if given.quick else FULL
    return dataclasses.replace(
        depth,
        rounds=given.rounds or depth.rounds,
        seconds=given.seconds or depth.seconds,
        sizes=sizes_of(given.sizes) if given.sizes else depth.sizes,
    )


def chosen(text, names, what):
    """The names in a text with commas, all of them known."""
    wanted = text.split(",")
    if unknown := set(wanted) - set(names):
        raise ValueError(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return wanted


def program_of(text):
    """(name, path) of a --peer."""
    name, _, path = text.partition("=")
    if name not in peers.registry():
        raise ValueError(f"--peer {text}: no such peer; there are {', '.join(peers.registry())}")
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise ValueError(f"--peer {text}: not a program")
    return name, Path(path).resolve()
