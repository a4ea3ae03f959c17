"""The processor time of Sluice, of other proxies and of the least relay, over the size of the body, in one run.

A peer has one processor for itself; the origin and the load share another. Rounds are interleaved, so that whatever the
machine does meanwhile meets all peers alike; the page shows medians and the spread. Each peer's bodies are compared with
what they have to be, before it is measured and again under load: a wrong byte voids the row.
"""

import contextlib
import datetime
import os
import shutil
import signal
import sys
import traceback

import calls
import machine
import network
import options
import peers
import perf
import report
from ground import ROOT, Ground
from process import many_descriptors
from progress import Progress
from result import Result
from scenarios.scenario import Stage
from table import Table


@contextlib.contextmanager
def part(name, result):
    """A table or a scenario. Whatever happens, the result is written; what fails is told, and the rest goes on."""
    try:
        yield
    except Exception as reason:
        traceback.print_exc()
        result.failed.append(name)
        result.told["absent"].append({"table": name, "peer": "all", "why": f"the measurement failed: {reason!r}"})
    finally:
        result.write()


def measure(chosen, ground, result):
    tables = [Table(work, chosen) for work in chosen.works]
    ground.write_files({size for table in tables for size in table.sizes})
    for what, why in (("system calls", calls.unsupported()), ("hardware counters", perf.unsupported())):
        if why:
            result.told["absent"].append({"table": "all", "peer": what, "why": why})
    scale = chosen.depth.scale
    steps = sum(table.steps for table in tables) + len(chosen.scenarios)
    expected = sum(table.all_expected for table in tables) + sum(one.expected(scale) for one in chosen.scenarios)
    progress = Progress(steps, expected)
    for table in tables:
        with part(table.work.name, result):
            try:
                table.measure(ground, progress)
            finally:  # what an interrupted table has is told, too
                table.tell(result.told)
        progress.line(f"{table.work.name}: {len(table.rows)} rows")
    for scenario in chosen.scenarios:
        stage = Stage(ground, scale, chosen.wants, progress.now)
        with part(scenario.name, result):
            try:
                result.told["scenarios"].append(scenario.run(stage))
            finally:
                result.told["absent"] += stage.absent
        progress.step(scenario.expected(scale))
        progress.line(f"{scenario.name}: done")


def versions(ground, result):
    for name, peer in peers.registry().items():
        if any(key.split(",")[0] == name for key in result.told["commands"]):
            result.told["versions"][name] = peer.version(ground)


def main():
    chosen = options.parse(__doc__)
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) < 2:
        raise SystemExit("needs two processors: the peer's own, and one for the origin and the load")
    try:
        shared = network.enter(chosen.congestion)
    except ValueError as reason:
        print(f"bench/run: error: {reason}", file=sys.stderr)
        raise SystemExit(2) from None
    if shared:
        print(f"measured in this machine's network: {shared}", file=sys.stderr)
    about = machine.describe()
    home = (chosen.home or ROOT / "build" / "bench").resolve()
    # A part does not take the place of the whole.
    results = ROOT / "bench" / "results" if chosen.whole else home / "results"
    output = (chosen.output or results / f"{datetime.date.today()}-{about['name']}.json").resolve()
    # What the peers said is kept there until the next run with the same output.
    directory = home / "run" / output.stem
    shutil.rmtree(directory, ignore_errors=True)

    if about["load"] > len(processors) / 4:
        print(f"this machine is busy (load {about['load']}): only the ratios mean something", file=sys.stderr)
    many_descriptors()
    os.sched_setaffinity(0, {processors[1]})  # this program, and all that it starts and doesn't pin
    # A shell starts what runs in the background with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    result = Result(
        output,
        about,
        {
            "command": " ".join(["bench/run", *sys.argv[1:]]),
            "rounds": chosen.depth.rounds,
            "seconds": chosen.depth.seconds,
            "pinned": {"peer": processors[0], "load": processors[1]},
        },
    )
    if shared:
        result.told["absent"].append({"table": "all", "peer": "a network of its own", "why": shared})
    ground = Ground(home, directory, processors[:2])
    ground.programs = chosen.programs
    ground.scale = chosen.depth.scale
    status = 0
    try:
        measure(chosen, ground, result)
        status = 1 if result.failed else 0
    except KeyboardInterrupt:
        print("\ninterrupted: the page has what was measured", file=sys.stderr)
        status = 130
    finally:
        ground.stop()
    versions(ground, result)
    result.write()
    print(report.write(output))
    raise SystemExit(status)


if __name__ == "__main__":
    main()
