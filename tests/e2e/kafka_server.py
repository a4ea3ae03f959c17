"""Servers of topics for tests with real clients: Sluice on a log directory, or, to try the tests themselves, a broker.

SLUICE_KAFKA=broker plays tests/e2e/test_kafka_clients.py to a real Apache Kafka broker: what fails there, too, is the
test's fault or the client's.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import sluice
from waiting import LONGEST_WAIT, free_port

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "interop"))


class SluiceServer:
    """Serves `logs`; stop() and start() keep the port, the topics and the groups."""

    name = "sluice"

    def __init__(self, logs=None, **kafka):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-kafka-"))
        self.logs = Path(logs) if logs else self.directory / "logs"
        self.logs.mkdir(exist_ok=True)
        self.port, self._status = free_port(), free_port()
        self._relay = {"relay": {"path": kafka.pop("path")}} if "path" in kafka else {}
        self._kafka = {"log": str(self.logs), "groups": str(self.directory / "groups.sqlite"), **kafka}
        self.program = None
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        serving = {"listen": self.address, "protocol": "kafka", "kafka": self._kafka, **self._relay}
        config = {
            "workers": 2,
            "listeners": [{"listen": f"127.0.0.1:{self._status}"}, serving],
            "routes": [{"path": "/status", "status": True}],
        }
        self.program = sluice.Sluice(config, self._status)

    def stop(self, expected_errors=()):
        if self.program:
            program, self.program = self.program, None
            program.stop(expected_errors)

    def close(self, expected_errors=()):
        try:
            self.stop(expected_errors)
        finally:
            shutil.rmtree(self.directory, ignore_errors=True)

    def make_topic(self, topic, partitions):
        for partition in range(partitions):
            self.append(topic, partition, [], "none")

    def append(self, topic, partition, records, codec="none"):
        """`records` are pairs of key and value, as bytes without TAB and newline."""
        command = [sluice.BINARY, "log", "append", str(self.logs), topic, "--partition", str(partition), "--codec", codec]
        command += ["--key-separator", "\t", "--batch-bytes", "4096", "--segment-bytes", "32768"]
        _feed(command, records)


class BrokerServer:
    """The same by Apache Kafka."""

    name = "Apache Kafka"

    def __init__(self, **_):
        import broker  # only where it is asked for

        self.directory = Path(tempfile.mkdtemp(prefix="sluice-kafka-"))
        self._broker = broker.Broker(self.directory)
        self.port = self._broker.port
        self.program = None
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        self._broker.start()

    def stop(self, expected_errors=()):
        self._broker.stop()

    def close(self, expected_errors=()):
        self._broker.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def make_topic(self, topic, partitions):
        from kafka.admin import KafkaAdminClient, NewTopic

        admin = KafkaAdminClient(bootstrap_servers=self.address)
        admin.create_topics([NewTopic(topic, partitions, 1)])
        admin.close()

    def append(self, topic, partition, records, codec="none"):
        command = ["kcat", "-q", "-b", self.address, "-P", "-t", topic, "-p", str(partition), "-z", codec, "-K", "\t"]
        _feed([*command, "-X", "linger.ms=5", "-X", "batch.size=4096", "-X", "enable.idempotence=true"], records)


def _feed(command, records):
    lines = b"".join(key + b"\t" + value + b"\n" for key, value in records)
    done = subprocess.run(command, input=lines, capture_output=True, timeout=LONGEST_WAIT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stderr.decode(errors='replace')}")


def start_server(**options):
    if os.environ.get("SLUICE_KAFKA") == "broker":
        return BrokerServer(**options)
    return SluiceServer(**options)
