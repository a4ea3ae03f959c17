"""A real Apache Kafka broker: one KRaft node on free ports of the loopback, with segments so small that they roll.

    broker.py DIRECTORY [--port PORT]      runs one until it is told to stop; its logs are in DIRECTORY/logs

Tests use Broker as a context manager.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import downloads  # noqa: E402
from waiting import accepts, free_port, until  # noqa: E402

# Short-lived programs: the cheap collector, and no second compiler.
JAVA = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
_CLUSTER = "c2x1aWNlLWludGVyb3AuMQ"  # 16 bytes of base64
_SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "message.max.bytes": 16 << 20,
    # One node, and groups that begin at once.
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    # Small segments, dense indexes, and everything that happens to them soon.
    "log.segment.bytes": 16384,
    "log.index.interval.bytes": 1024,
    "log.retention.ms": -1,  # the timestamps that the tests write are old
    "log.segment.delete.delay.ms": 2000,
    "log.retention.check.interval.ms": 500,
    "log.initial.task.delay.ms": 500,
    "log.cleaner.backoff.ms": 200,
    "log.cleaner.dedupe.buffer.size": 4 << 20,
    "log.flush.start.offset.checkpoint.interval.ms": 200,
    "log.flush.offset.checkpoint.interval.ms": 500,
}


class Broker:
    """Runs as long as the context; `port` is where clients connect, `logs` the directory with the partitions."""

    def __init__(self, directory, port=None, settings=None):
        self.class_path = downloads.kafka()
        self.directory = Path(directory)
        self.logs = self.directory / "logs"
        self.port = port or free_port()
        controller = free_port()
        listen = f"PLAINTEXT://127.0.0.1:{self.port}"
        settings = {
            **_SETTINGS,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"{listen},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listen,
            "log.dirs": self.logs,
            **(settings or {}),
        }
        self.directory.mkdir(parents=True, exist_ok=True)
        self._file = self.directory / "server.properties"
        self._file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        self._told = self.directory / "messages"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        if not (self.logs / "meta.properties").exists():
            self.tool("kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", self._file)
        with open(self._told, "ab") as told:
            command = [*JAVA, "-Xmx384m", "-cp", self.class_path, "kafka.Kafka", str(self._file)]
            self.process = subprocess.Popen(command, stdout=told, stderr=told, stdin=subprocess.DEVNULL)
        # The port opens when everything behind it stands.
        until(lambda: self.process.poll() is not None or accepts(self.port), "the broker listens", timeout=90)
        if self.process.poll() is not None:
            raise AssertionError(f"the broker ended with {self.process.returncode}:\n{self.messages()[-3000:]}")

    def messages(self):
        return self._told.read_text(errors="replace")

    def stop(self):
        """Cleanly, as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def tool(self, main, *arguments, timeout=120):
        """What one of Kafka's own command-line tools, or Client.java, prints."""
        return run(self.class_path, main, *arguments, timeout=timeout)


def run(class_path, main, *arguments, timeout=120):
    command = [*JAVA, "-Xmx512m", "-cp", class_path, main, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{main} {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return done.stdout


def checkpoint(file):
    """{(topic, partition): offset} of one of the broker's checkpoint files; {} while there is none."""
    try:
        lines = Path(file).read_text().splitlines()
    except FileNotFoundError:
        return {}
    entries = (line.rsplit(" ", 2) for line in lines[2:])
    return {(topic, int(partition)): int(offset) for topic, partition, offset in entries}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", nargs="?")
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="sluice-broker-") as scratch:
            with Broker(options.directory or scratch, options.port) as broker:
                print(f"Apache Kafka {downloads.KAFKA} on 127.0.0.1:{broker.port}, logs in {broker.logs}", flush=True)
                signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
                try:
                    broker.process.wait()
                except (KeyboardInterrupt, SystemExit):
                    broker.stop()
    except downloads.Unavailable as reason:
        print(f"no broker here: {reason}", file=sys.stderr)
        return 77
    return 0


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
