"""What clients notice of a reload."""

import os
import signal
import time

import peers
from loads.crowd import Crowd
from scenarios.scenario import Column, Scenario
from process import Process, free_port
from work import Absent, Wrong


class Reload(Scenario):
    name = "reload"
    seconds = 35
    title = "Reload under load"
    RATE = 2_000
    lead = (
        f"{RATE:,} requests a second of 4 KiB, relayed, on 64 connections, while the same configuration is read again "
        "and again. A request that failed was cut, refused or answered wrongly; one that was made again met the close "
        "of a kept connection, which HTTP allows. Latencies count from when a request was due."
    )
    columns = (
        Column("failed", "failed", 0),
        Column("retried", "made again", 0),
        Column("p99_us", "p99 µs", 0),
        Column("p999_us", "p99.9 µs", 0),
        Column("max_us", "longest µs", 0),
    )
    sizes = ("4KiB",)
    SIGNALS = {"sluice": signal.SIGHUP, "nginx": signal.SIGHUP, "haproxy": signal.SIGUSR2}
    peers = (*SIGNALS, "h2o")

    def measure(self, stage, rows):
        reloads = stage.of(5, 2, 1)
        pause = stage.of(0.4, 0.2, 0.2)  # between them
        labels = {"undisturbed": 0, f"{reloads} reload" + "s" * (reloads > 1): reloads}
        ground = stage.ground_for(4096)
        with self.started(stage, start=lambda name: self.begin(name, ground)) as running:
            self.each(
                stage, rows, running, labels,
                lambda name, peer, label: self.one(stage, name, peer, labels[label], pause, reloads),
            )  # fmt: skip

    def begin(self, name, ground):
        if name not in self.SIGNALS:
            raise Absent("reloads only by way of another program, start_server")
        if name != "haproxy":
            return peers.registry()[name].start(ground)
        # "-W": a master, whose SIGUSR2 reads the configuration again; section 3 of HAProxy's management guide.
        peer = peers.registry()[name]
        ports = {port: free_port() for port in peer.ports}
        peer.config_file(ground).write_text(peer.config(ground, ports))
        command = [peer.binary(ground), "-W", "-f", peer.config_file(ground)]
        return Process(name, command, ground.peer_processor, ground.directory, ports)

    def one(self, stage, name, peer, reloads, pause, most):
        with Crowd(stage.ground, peer, 64, "/4KiB") as crowd:
            crowd.start(seconds=pause * (most + 1), active=64, at_once=64, rate=self.RATE, path="/4KiB")
            for _ in range(reloads):
                time.sleep(pause)
                os.kill(peer.pid, self.SIGNALS[name])
            told = crowd.finish()
        if not peer.alive:
            raise Wrong("it ended")
        return {column.key: told[column.key] for column in self.columns}


SCENARIOS = [Reload()]
