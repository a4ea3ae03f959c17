"""What a connection costs that brings one request."""

import socket
import ssl
import time

from loads.crowd import Crowd, faultless
from scenarios.scenario import Column, Scenario
from work import Wrong


class Churn(Scenario):
    name = "churn"
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
    title = "A TLS connection for every request"
    lead = (
        "One client that makes one TLS 1.3 connection after another, each for one request of 1 KiB: full handshakes "
        "(ECDSA P-256, X25519), and resumed ones by the ticket of the connection before."
    )
    columns = (Column("cpu_us", "CPU µs per connection"),)

    def measure(self, stage, rows):
        with self.started(stage) as running:
            self.each(
                stage, rows, running, ["full", "resumed"],
                lambda name, process, label: self.one(stage, process, label == "resumed"),
            )  # fmt: skip

    def one(self, stage, process, resumed):
        body = (stage.ground.www / "1KiB").read_bytes()
        context = ssl._create_unverified_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.set_alpn_protocols(["http/1.1"])
        session = visit(process, context, body, None) if resumed else None
        connections, before = 0, process.cpu()
        end = time.monotonic() + stage.seconds
        while time.monotonic() < end:
            ticket = visit(process, context, body, session)
            session = ticket if resumed else None
            connections += 1
        return {"cpu_us": sum(process.cpu() - before) * 1e6 / connections}


def visit(process, context, body, session):
    """One connection and one request; the session that it leaves."""
    with socket.create_connection(("127.0.0.1", process.ports["https"]), 10) as plain:
        with context.wrap_socket(plain, session=session) as client:
            if client.session_reused != (session is not None):
                raise Wrong("a full handshake" if session else "a resumed session")
            client.sendall(b"GET /1KiB HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
            if not answer.endswith(b"\r\n\r\n" + body):
                raise Wrong("a wrong body")
            return client.session  # its tickets came before the response


SCENARIOS = [Churn(), Handshakes()]
