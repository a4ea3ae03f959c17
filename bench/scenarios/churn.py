"""What a connection costs that brings one request."""

import json
import subprocess

from loads.crowd import Crowd, faultless
from scenarios.scenario import Column, Scenario
from work import Absent


class Churn(Scenario):
    name = "churn"
    seconds = 9
    title = "A connection for every request"
    lead = "16 clients that open a connection, ask for 1 KiB with Connection: close, and come again."
    columns = (
        Column("cpu_us", "CPU µs per connection"),
        Column("rate", "connections/s", 0, "more"),
        Column("p99_us", "p99 µs", 0),
    )
    PREFIXES = {"relayed": "/", "a file": "/files/"}

    def measure(self, stage, rows):
        with self.started(stage) as running:
            for label, prefix in self.PREFIXES.items():
                able = {name: running[name] for name in running if name != "haproxy" or prefix == "/"}
                self.each(stage, rows, able, [label], lambda name, process, label: self.one(stage, process, prefix))

    def one(self, stage, process, prefix):
        path = f"{prefix}1KiB"
        with Crowd(stage.ground, process, 16, path) as crowd:
            before = process.cpu()
            told = faultless(crowd.run(seconds=stage.seconds, path=path, close=1))
            used = sum(process.cpu() - before)
        return {
            "cpu_us": used * 1e6 / told["requests"],
            "rate": told["requests"] / told["seconds"],
            "p99_us": told["p99_us"],
        }


class Handshakes(Scenario):
    name = "handshakes"
    seconds = 10
    title = "A TLS connection for every request"
    CLIENTS = 8
    lead = (
        f"{CLIENTS} clients that make one TLS 1.3 connection after another, each for one request of 1 KiB, relayed: "
        "full handshakes (ECDSA P-256, X25519), and resumed ones by the ticket of the connection before."
    )
    columns = (Column("cpu_us", "CPU µs per connection"), Column("rate", "connections/s", 0, "more"))

    def measure(self, stage, rows):
        program = stage.ground.home / "handshakes"
        if not program.exists():
            raise Absent("handshakes is not built")
        with self.started(stage) as running:
            self.each(
                stage, rows, running, ("full", "resumed"),
                lambda name, peer, label: self.one(stage, peer, program, label),
            )  # fmt: skip

    def one(self, stage, peer, program, which):
        for longer in (1, 5, 25):  # who shares a busy machine may have got nowhere
            seconds = stage.seconds * longer
            words = [peer.ports["https"], self.CLIENTS, seconds, which, "/1KiB", stage.ground.www / "1KiB"]
            before = peer.cpu()
            done = subprocess.run([program, *map(str, words)], capture_output=True, text=True, timeout=60, check=True)
            told = json.loads(done.stdout)
            used = sum(peer.cpu() - before)
            if told["requests"] or told["failed"]:
                break
        faultless(told)
        return {"cpu_us": used * 1e6 / told["requests"], "rate": told["requests"] / told["seconds"]}


SCENARIOS = [Churn(), Handshakes()]
