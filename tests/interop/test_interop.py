"""A log directory that Apache Kafka wrote, read by the Java client from Kafka itself and from Sluice: no line may differ.

SLUICE_BIN names the program; where Java, Maven or the jars are out of reach each test is skipped, and says why.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "e2e"))

import broker  # noqa: E402
import downloads  # noqa: E402
import kafka_members  # noqa: E402
import kafka_server  # noqa: E402
import sluice  # noqa: E402
from waiting import until  # noqa: E402


class InteropCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.missing = ""
        try:
            cls.class_path = downloads.kafka()
        except downloads.Unavailable as reason:
            cls.missing = str(reason)

    def setUp(self):
        if self.missing:
            print(f"skipped {self.id()}: {self.missing}")
            self.skipTest(self.missing)
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-interop-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def java(self, main, *arguments):
        return broker.run(self.class_path, main, *arguments)

    def serve(self, logs=None, **options):
        server = kafka_server.SluiceServer(logs, **options)
        self.addCleanup(server.close)
        return server

    def assert_same(self, wanted, found, what):
        """Compares two files of Client.java, line for line."""
        wanted, found = wanted.read_text().splitlines(), found.read_text().splitlines()
        where = 0  # the line that names the partition
        for number, (ours, theirs) in enumerate(zip(found, wanted)):
            if theirs.startswith("read_"):
                where = number
            if ours != theirs and not self.kafka_overlooks(wanted[where], theirs, ours, wanted[where:number]):
                self.fail(f"{what}, line {number + 1}, in {wanted[where]}:\nKafka:  {theirs[:300]}\nSluice: {ours[:300]}")
        self.assertEqual(len(found), len(wanted), what)

    def kafka_overlooks(self, where, theirs, ours, lines):
        """Kafka looks for a time in one segment only; what the cleaner took from there it does not seek further on."""
        asked = re.fullmatch(r"time (\d+): none", theirs)
        if not (asked and " compacted-0 " in where):
            return False
        records = (re.match(r"(\d+) CreateTime (\d+) ", line) for line in lines)
        right = next((r for r in records if r and int(r[2]) >= int(asked[1])), None)
        return right is not None and ours == f"time {asked[1]}: {right[1]} at {right[2]}"


class DirectoriesOfKafka(InteropCase):
    def settle(self, kafka):
        """Waits until the broker has cleaned, trimmed and forgotten what it was told to."""
        until(lambda: ("compacted", 0) in broker.checkpoint(kafka.logs / "cleaner-offset-checkpoint"), "compaction", 60)
        until(lambda: ("trimmed", 0) in broker.checkpoint(kafka.logs / "log-start-offset-checkpoint"), "deletion", 30)
        until(lambda: not (kafka.logs / "aged-0" / f"{0:020}.log").exists(), "retention", 30)

    def test_stopped_running_and_killed(self):
        """Kafka's own words about its topics, and Sluice's: on a stopped broker's directory, a running one's, a killed one's."""
        stopped, killed = self.directory / "stopped", self.directory / "killed"
        files = {name: self.directory / f"{name}.txt" for name in ("kafka", "stopped", "running", "later", "followed", "killed")}
        kafka = broker.Broker(self.directory / "broker")
        with kafka:
            kafka.tool("Client", "write", f"127.0.0.1:{kafka.port}")
            self.settle(kafka)
            kafka.stop()
        shutil.copytree(kafka.logs, stopped)
        with open(kafka.directory / "server.properties", "a") as settings:
            settings.write("log.cleaner.enable=false\nlog.retention.check.interval.ms=3600000\n")  # nothing moves from here on
        on_stopped = self.serve(stopped)
        with kafka:
            address = f"127.0.0.1:{kafka.port}"
            on_running = self.serve(kafka.logs)
            self.java("Client", "tell", address, files["kafka"], on_stopped.address, files["stopped"],
                      on_running.address, files["running"])  # fmt: skip
            self.assert_same(files["kafka"], files["stopped"], "a stopped broker's directory")
            self.assert_same(files["kafka"], files["running"], "a running broker's directory")
            self.assertGreater(len(files["kafka"].read_text().splitlines()), 30000)  # there was something to compare
            # A topic that is made, and grows, while both run.
            print(self.java("Client", "live", address, on_running.address, "later", 3000).strip())
            self.java("Client", "tell", address, files["later"])
            kafka.kill()
        shutil.copytree(kafka.logs, killed)
        on_killed = self.serve(killed)
        self.java("Client", "tell", on_running.address, files["followed"], on_killed.address, files["killed"])
        self.assert_same(files["later"], files["followed"], "the directory followed until the broker was killed")
        self.assert_same(files["later"], files["killed"], "a killed broker's directory")
        for server in (on_stopped, on_running, on_killed):
            server.program.assert_nothing_left()


class LogsOfSluice(InteropCase):
    CODECS = ("none", "gzip", "snappy", "lz4", "zstd")

    def append(self, codec, records):
        server_logs = self.directory / "logs"
        server_logs.mkdir(exist_ok=True)
        lines = b"".join(b"%d\t%s\n" % (n, os.urandom(n % 700).replace(b"\n", b"N").replace(b"\t", b"T")) for n in range(records))
        command = [sluice.BINARY, "log", "append", str(server_logs), codec, "--codec", codec, "--key-separator", "\t"]
        subprocess.run([*command, "--batch-bytes", "8192", "--segment-bytes", "131072"], input=lines, check=True, timeout=60, stderr=subprocess.DEVNULL)
        return server_logs

    def test_kafkas_own_tools_accept_them(self):
        """DumpLogSegments reads each record, and each entry of both indexes, and finds nothing wrong."""
        for codec in self.CODECS:
            logs = self.append(codec, 2000)
        files = sorted(str(file) for file in logs.glob("*-0/*.*") if file.suffix in (".log", ".index", ".timeindex"))
        self.assertGreater(sum(file.endswith(".log") for file in files), 2 * len(self.CODECS))
        told = self.java("kafka.tools.DumpLogSegments", "--deep-iteration", "--files", ",".join(files))
        self.assertEqual(told.count("isvalid: true"), told.count("isvalid:"))
        self.assertEqual(told.count("| offset:"), 2000 * len(self.CODECS))
        for word in ("mismatch", "out of order", "Non-", "not found", "isvalid: false", "Error", "Exception"):
            self.assertNotIn(word.lower(), told.lower(), told[-2000:])

    def test_a_broker_takes_them_over(self):
        """The directory put below a real broker: Kafka serves what Sluice serves."""
        for codec in self.CODECS:
            logs = self.append(codec, 500)
        ours, theirs = self.directory / "ours.txt", self.directory / "theirs.txt"
        self.java("Client", "tell", self.serve(logs).address, ours)
        kafka = broker.Broker(self.directory / "broker")
        with kafka:
            for codec in self.CODECS:
                kafka.tool("Client", "create", f"127.0.0.1:{kafka.port}", codec)
            kafka.stop()
        for codec in self.CODECS:
            mine = logs / f"{codec}-0"
            for file in (kafka.logs / f"{codec}-0").glob("0*"):
                file.unlink()
            for file in mine.glob("0*"):
                shutil.copy(file, kafka.logs / f"{codec}-0")
        with kafka:
            kafka.tool("Client", "tell", f"127.0.0.1:{kafka.port}", theirs)
        self.assert_same(theirs, ours, "the same segments below both")


class Groups(InteropCase, kafka_members.GroupTests):
    """The Java client as a member of groups."""

    def member(self, server, group, topic):
        member = kafka_members.Member(
            [*broker.JAVA, "-Xmx128m", "-cp", self.class_path, "Client", "group", server.address, group, topic]
        )
        self.addCleanup(member.kill)
        return member

    def start_server(self):
        server = kafka_server.start_server()
        self.addCleanup(server.close)
        return server


if __name__ == "__main__":
    unittest.main()
