"""Kafka's own kinds of clients read topics: kcat (librdkafka), python3-kafka, KafkaJS and @platformatic/kafka.

Every record byte for byte and in order, alone and in groups; see kafka_server.py for how to play it to a real broker. The
Java client is in tests/interop.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

import kafka_members
import kafka_server
from harness import run
from kafka_members import Kcat, Member, told, values
from sluice import portable
from waiting import LONGEST_WAIT, until

import downloads  # of tests/interop, where kafka_server looks

try:
    import kafka
except Exception as reason:  # a Python that this client is too old for
    kafka, no_kafka = None, f"python3-kafka: {reason}"

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
INTEROP = Path(downloads.__file__).resolve().parent
HERE = Path(__file__).resolve().parent


class ClientCase(unittest.TestCase):
    def start_server(self, **options):
        server = kafka_server.start_server(**options)
        self.addCleanup(server.close)
        return server

    def skip(self, reason):
        print(f"skipped {self.id()}: {reason}")
        self.skipTest(reason)

    def started(self, member):
        self.addCleanup(member.kill)
        return member

    # --- members of groups, one of each client -------------------------------------------------------------------

    def kcat(self, server, group, topic):
        return self.started(Kcat(server, group, topic))

    def python(self, server, group, topic):
        if not kafka:
            self.skip(no_kafka)
        return self.started(Member([sys.executable, "-B", str(HERE / "kafka_member.py"), server.address, group, topic]))

    def node(self, program, server, group, topic):
        try:
            modules = downloads.npm() / "node_modules"
        except downloads.Unavailable as reason:
            self.skip(f"npm: {reason}")
        command = ["node", str(INTEROP / program), server.address, group, topic]
        return self.started(Member(command, {"MODULES": str(modules)}))

    def kafkajs(self, server, group, topic):
        return self.node("member_kafkajs.js", server, group, topic)

    def platformatic(self, server, group, topic):
        if downloads.node_version() < (20, 19):
            self.skip("@platformatic/kafka needs node 20.19")
        return self.node("member_platformatic.mjs", server, group, topic)


class Reading(ClientCase):
    """Topics of one partition, a codec each, and one with a bit of each codec."""

    COUNT = 500

    def prepare(self, codecs=CODECS):
        server = self.start_server()
        for codec in codecs:
            server.make_topic(codec, 1)
            server.append(codec, 0, values(0, 0, self.COUNT), codec)
        return server

    def wanted(self, first=0):
        return [(first + n, key, told(value)) for n, (key, value) in enumerate(values(0, first, self.COUNT - first))]

    def kcat_reads(self, server, topic, start="beginning", *more):
        command = ["kcat", "-q", "-b", server.address, "-C", "-t", topic, "-p", "0", "-o", start, "-e", "-X", "check.crcs=true"]
        told_all = subprocess.run([*command, *more, "-f", "%o\t%k\t%s\n"], capture_output=True, timeout=LONGEST_WAIT, check=False)
        self.assertEqual(told_all.returncode, 0, told_all.stderr)
        records = (line.split(b"\t", 2) for line in told_all.stdout.split(b"\n")[:-1])
        return [(int(offset), key, told(value)) for offset, key, value in records]

    def test_kcat_reads_every_codec(self):
        server = self.prepare()
        for codec in CODECS:
            with self.subTest(codec=codec):
                self.assertEqual(self.kcat_reads(server, codec), self.wanted())
                self.assertEqual(self.kcat_reads(server, codec, "123"), self.wanted(123))
                self.assertEqual(self.kcat_reads(server, codec, "-7"), self.wanted(self.COUNT - 7))
                # Little at a time: each response ends somewhere else.
                small = ["-X", "fetch.message.max.bytes=700", "-X", "fetch.wait.max.ms=10"]
                self.assertEqual(self.kcat_reads(server, codec, "beginning", *small), self.wanted())

    def test_kcat_tells_topics_and_offsets(self):
        server = self.start_server()
        server.make_topic("three", 3)
        server.make_topic("one", 1)
        before = int(time.time() * 1000)
        server.append("three", 1, values(1, 0, 10))
        until(lambda: int(time.time() * 1000) > before + 50, "the clock")
        between = int(time.time() * 1000)
        until(lambda: int(time.time() * 1000) > between, "the clock")
        server.append("three", 1, values(1, 10, 10))
        told_all = json.loads(run("kcat", "-b", server.address, "-L", "-J"))
        topics = {topic["topic"]: len(topic["partitions"]) for topic in told_all["topics"] if not topic["topic"].startswith("__")}
        self.assertEqual(topics, {"three": 3, "one": 1})
        self.assertEqual([broker["name"] for broker in told_all["brokers"]], [server.address])
        for time_asked, offset in ((-2, 0), (-1, 20), (before - 1, 0), (between, 10), (between + 3600_000, -1)):
            answer = run("kcat", "-b", server.address, "-Q", "-t", f"three:1:{time_asked}")
            found = int(re.search(r"three \[1\] offset (-?\d+)", answer)[1])
            # librdkafka tells "none" as the end
            self.assertEqual(found, 20 if offset == -1 and found == 20 else offset, f"{time_asked}: {answer}")

    def test_kcat_knows_what_is_not_there(self):
        server = self.prepare(["none"])
        done = subprocess.run(["kcat", "-b", server.address, "-C", "-t", "nowhere", "-e"], capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)
        self.assertIn("Unknown topic", done.stderr)
        done = subprocess.run(["kcat", "-b", server.address, "-C", "-t", "none", "-p", "7", "-e"], capture_output=True, text=True, timeout=LONGEST_WAIT, check=False)
        self.assertIn("partition 7 does not exist", done.stderr)

    def test_producing_is_refused(self):
        server = self.prepare(["none"])
        if server.name != "sluice":
            self.skip("a broker takes it")
        done = subprocess.run(["kcat", "-b", server.address, "-P", "-t", "none", "-p", "0", "-X", "message.timeout.ms=5000"],
                              input=b"no\n", capture_output=True, timeout=LONGEST_WAIT, check=False)  # fmt: skip
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"Delivery failed", done.stderr)
        self.assertEqual(self.kcat_reads(server, "none"), self.wanted())

    def test_python_reads_every_codec_it_knows(self):
        if not kafka:
            self.skip(no_kafka)
        server = self.prepare()
        known = [codec for codec in CODECS if codec == "none" or getattr(kafka.codec, f"has_{codec}")()]
        for codec in known:
            with self.subTest(codec=codec):
                consumer = kafka.KafkaConsumer(bootstrap_servers=server.address, check_crcs=True, enable_auto_commit=False)
                self.addCleanup(consumer.close)
                partition = kafka.TopicPartition(codec, 0)
                self.assertEqual(consumer.partitions_for_topic(codec), {0})
                self.assertEqual(consumer.beginning_offsets([partition]), {partition: 0})
                self.assertEqual(consumer.end_offsets([partition]), {partition: self.COUNT})
                consumer.assign([partition])
                for first in (0, 301):
                    consumer.seek(partition, first)
                    found = []
                    until(lambda: found.extend(r for rs in consumer.poll(200).values() for r in rs) or len(found) >= self.COUNT - first, codec)
                    self.assertEqual([(r.offset, r.key, told(r.value)) for r in found], self.wanted(first))
                    stamp = found[0].timestamp
                answer = consumer.offsets_for_times({partition: stamp})[partition]
                self.assertLessEqual(answer.offset, 301)
                self.assertEqual(answer.timestamp, stamp)
        print(f"python3-kafka: {', '.join(known)}")

    def _group_reads(self, member, codecs):
        server = self.prepare(codecs)
        for codec in codecs:
            with self.subTest(codec=codec):
                reader = member(server, f"reading-{codec}", codec)
                until(lambda: len(reader.records()) >= self.COUNT, lambda: f"{len(reader.records())} records; {reader.said()}", 2 * LONGEST_WAIT)
                found = [record for run_ in reader.runs for record in run_[0]]
                self.assertEqual(found, [(offset, value) for offset, _, value in self.wanted()])
                reader.leave()

    def test_kafkajs_reads_the_codecs_it_knows(self):
        self._group_reads(self.kafkajs, ["none", "gzip"])

    def test_platformatic_reads_the_codecs_it_knows(self):
        # Of snappy it knows the bare form that librdkafka writes, not the framed one of the Java client and of "sluice log".
        known = ["none", "gzip", "lz4"] + (["zstd"] if downloads.node_version() >= (22, 15) else [])
        self._group_reads(self.platformatic, known)


class InGroups(kafka_members.GroupTests):
    @classmethod
    def setUpClass(cls):
        if portable():
            raise unittest.SkipTest("groups carry no payload: a portable build has the same")


class KcatGroups(InGroups, ClientCase):
    member = ClientCase.kcat


class PythonGroups(InGroups, ClientCase):
    member = ClientCase.python


class KafkaJsGroups(InGroups, ClientCase):
    member = ClientCase.kafkajs


class PlatformaticGroups(InGroups, ClientCase):
    LETS_GO_AT_ONCE = False
    member = ClientCase.platformatic


class MixedGroups(InGroups, ClientCase):
    """Two clients of different make in one group."""

    def member(self, server, group, topic):
        self.turn = not getattr(self, "turn", False)
        return (self.kcat if self.turn else self.python)(server, group, topic)


class Paths(ClientCase):
    def test_payload_goes_by_sendfile_only(self):
        """strace: of what a plain connection carries, only heads are written, and logs are not read."""
        if portable():
            self.skip("a portable build copies everything")
        server = self.start_server()
        if server.name != "sluice":
            self.skip("this is about Sluice")
        server.make_topic("traced", 1)
        server.append("traced", 0, values(0, 0, 20000))
        log_bytes = sum(file.stat().st_size for file in (server.logs / "traced-0").glob("*.log"))
        reading = ["kcat", "-q", "-b", server.address, "-C", "-t", "traced", "-p", "0", "-o", "beginning", "-e", "-f", "%o\n"]
        run(*reading)  # segments and catalog are warm
        trace = server.directory / "trace"
        calls = "trace=sendfile,read,pread64,preadv,preadv2,readv,recvfrom,recvmsg,write,writev,pwrite64,sendmsg,sendto,splice"
        with subprocess.Popen(["strace", "-f", "-qq", "-y", "-s", "64", "-e", calls, "-o", str(trace), "-p", str(server.program.process.pid)],
                              stderr=subprocess.PIPE) as tracer:  # fmt: skip
            try:
                # What strace shows of this one says that it is attached.
                until(lambda: run("kcat", "-b", server.address, "-L") and trace.exists() and "rdkafka" in trace.read_text(), "strace")
                self.assertEqual(run(*reading).split(), [str(n) for n in range(20000)])
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(10)
        done = re.findall(r"^\d+ +(\w+)\((.*) = (\d+)$", trace.read_text(), re.MULTILINE)
        sent, looked = {}, 0
        for name, arguments, count in done:
            sent[name] = sent.get(name, 0) + int(count)
            # Heads of batches and indexes may be looked at, by the thread that watches the directory.
            if name != "sendfile" and "/traced-0/" in arguments.split(",")[0]:
                looked += int(count)
        self.assertLess(looked, log_bytes / 20)
        self.assertGreaterEqual(sent["sendfile"], log_bytes)
        written = sum(sent.get(name, 0) for name in ("write", "writev", "sendmsg", "sendto"))
        self.assertLess(written, log_bytes / 50, sent)
        print(f"{log_bytes} bytes of log: {sent}")


if __name__ == "__main__":
    os.umask(0o077)
    unittest.main()
