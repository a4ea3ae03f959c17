"""Servers of topics: Sluice by sendfile, Sluice with copies, and Apache Kafka's broker. All serve the same segment files,
which the broker wrote, or "sluice log append" where there is no broker to be had (tests/interop/downloads.py)."""

import json
import os
import shutil
import subprocess
import sys

from ground import ROOT
from peers import first_line
from peers.sluice import Sluice
from process import Process
from work import KIB, MIB, Absent

sys.path.append(str(ROOT / "tests" / "interop"))
sys.path.append(str(ROOT / "tests" / "e2e"))

import broker  # noqa: E402
import downloads  # noqa: E402

# topic: MiB, bytes of a value, of a batch. A fetch gives at least a batch, so small fetches need small batches.
TOPICS = {"small": (8, 900, 1000), "large": (64, 1000, 16 * KIB)}


def written(home, write):
    """The directory `home`, filled by write() unless an earlier run has done that."""
    if not (home / "whole").exists():
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        write()
        (home / "whole").touch()
    return home


def written_by_broker(home):
    def write():
        with broker.Broker(home) as kafka:
            for topic, (size, value, batch) in TOPICS.items():
                kafka.tool("Client", "fill", f"127.0.0.1:{kafka.port}", topic, size, value, batch, timeout=600)
            kafka.stop()

    return written(home, write)


def written_by_sluice(home, sluice):
    def write():
        (home / "logs").mkdir()
        noise = os.urandom(MIB).hex().encode()
        for topic, (size, value, batch) in TOPICS.items():
            starts = (n * 997 % MIB for n in range(size * MIB // value))
            lines = b"".join(noise[start : start + value] + b"\n" for start in starts)
            command = [sluice, "log", "append", home / "logs", topic, "--batch-bytes", str(batch)]
            command += ["--segment-bytes", str(32 * MIB)]
            subprocess.run(command, input=lines, check=True, stderr=subprocess.DEVNULL)

    return written(home, write)


class Broker:
    """Apache Kafka as its own start script would run it: the server's collector and a heap of 1 GiB."""

    name = "kafka"
    JAVA = ["java", "-Xms1G", "-Xmx1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
            "-XX:InitiatingHeapOccupancyPercent=35", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]  # fmt: skip

    def version(self):
        return f"Apache Kafka {downloads.KAFKA}, {first_line('java', '-version')}"

    def config_file(self, ground):
        return ground.home / f"kafka-broker-{downloads.KAFKA}" / "server.properties"

    def start(self, ground):
        """It may put its directory in order: nobody else may read there yet. Raises Absent."""
        home = self.config_file(ground).parent
        if ground.scale == "smoke":
            raise Absent("a smoke run starts no broker")
        if ground.scale == "quick" and not (home / "whole").exists():
            raise Absent("a quick run has no time to fetch it and to let it write its topics")
        try:
            downloads.kafka()
            written_by_broker(home)
            kafka = broker.Broker(home, settings={"log.segment.bytes": 1 << 30, "log.cleaner.enable": "false"})
            command = [*self.JAVA, "-cp", kafka.class_path, "kafka.Kafka", self.config_file(ground)]
            ports = {"kafka": kafka.port}
            return Process(self.name, command, ground.peer_processor, ground.directory, ports, patience=60), kafka.logs
        except (downloads.Unavailable, RuntimeError, OSError, subprocess.SubprocessError) as reason:
            raise Absent(str(reason)) from None


class SluiceTopics(Sluice):
    ports = ("kafka",)

    def __init__(self, name, path):
        self.table_name, self.path = name, path

    def config_file(self, ground):
        return ground.directory / f"{self.table_name}-kafka.conf"

    def config(self, ground, ports):
        serving = {
            "listen": f"127.0.0.1:{ports['kafka']}",
            "protocol": "kafka",
            "kafka": {"log": str(self.logs), "groups": str(ground.directory / f"{self.table_name}.sqlite")},
            "relay": {"path": self.path},
        }
        return json.dumps({"workers": 1, "listeners": [serving]}, indent=1)
