"""What a connection costs that waits for its next request."""

import time

import memory
from loads.crowd import Crowd, faultless
from scenarios.scenario import Column, Scenario
from work import Wrong


class Idle(Scenario):
    name = "idle"
    title = "Idle connections"
    lead = (
        "Kept connections that have each brought a response of 1 KiB and wait: memory beyond that of the started and "
        "warm peer, its own and with the kernel's slabs, which hold the clients' ends of the connections, too; and "
        "processor time while nothing happens. Then each has to bring a second response."
    )
    columns = (
        Column("own_kib", "own KiB per connection", 2),
        Column("machine_kib", "whole machine's KiB", 2),
        Column("start_mib", "own MiB before", 1),
        Column("idle_ms", "CPU ms per second", 2),
        Column("closed", "closed meanwhile", 0),
    )

    def measure(self, stage, rows):
        connections = stage.of(10_000, 2_000, 200)
        label = f"{connections:,} connections"
        for name in self.names(stage):
            with self.started(stage, [name], connections + 500) as running:
                for process in running.values():
                    stage.say(f"{self.name}: {name}")
                    try:
                        rows.add(name, label, **self.one(stage, process, connections))
                    except Wrong as why:
                        rows.void(name, label, why)

    def one(self, stage, process, connections):
        with Crowd(stage.ground, process, 16, "/1KiB") as warm:
            faultless(warm.run(seconds=0.2, path="/1KiB"))
        own, slabs = memory.own(process.pids())["pss_kib"], memory.slabs()
        with Crowd(stage.ground, process, connections, "/1KiB") as crowd:
            time.sleep(stage.of(0.5, 0.2, 0.1))  # buffers that are given back after a moment have been
            grown = max(0, memory.own(process.pids())["pss_kib"] - own)
            slabs_grown = max(0, memory.slabs() - slabs)
            before, since = process.cpu(), time.monotonic()
            time.sleep(stage.of(3, 0.5, 0.2))
            used, passed = process.cpu() - before, time.monotonic() - since
            again = faultless(crowd.run(active=connections, at_once=64, path="/1KiB"))
        return {
            "own_kib": grown / connections,
            "machine_kib": (grown + slabs_grown) / connections,
            "start_mib": own / 1024,
            "idle_ms": sum(used) * 1000 / passed,
            "closed": again["closed"] + again["retried"],
        }


SCENARIOS = [Idle()]
