"""Consumers that fetch as fast as they are served, each with one fetch under way: what a server of topics takes for it.

"kafka-1" has one consumer, "kafka-16" as many. A row's size is what a fetch asks for at most; it is answered with whole
batches, and with at least one.
"""

import contextlib
import json
import subprocess

from loads import going_on
from peers.kafka import Broker, SluiceTopics, written_by_sluice
from work import KIB, MIB, Absent, Load, Size, Work, Wrong

WHOLE = 60  # seconds for a topic to be read through, once by each server
WARM = 4  # seconds of each kind of fetch before anything is measured
PART = 0.3  # seconds of reading with fetches of another size


class KafkaWork(Work):
    sizes = [Size(n) for n in (KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 10 * MIB)]
    peers = ("sluice", "sluice-buffered", "kafka", "limit-sendfile")
    set_up = "Kafka"

    def __init__(self, consumers):
        few = f"{consumers} consumers" if consumers > 1 else "one consumer"
        self.name, self.title, self.consumers = f"kafka-{consumers}", f"Kafka fetches of {few}", consumers
        self.broker = Broker()
        self.servers = {"sluice": SluiceTopics("sluice", "auto"), "sluice-buffered": SluiceTopics("buffered", "buffered")}
        self._running = self._logs = self._absent = None
        self._ends = {}  # of the topics
        self._read = set()  # (process, topic): from the first record to the last

    def at_once(self, size):
        return self.consumers

    def _prepare(self, ground):
        """The broker is started first, whoever else is asked for, because the logs are its own."""
        try:
            self._running, self._logs = self.broker.start(ground)
            ground.helpers.append(self._running)
        except Absent as reason:
            self._absent = reason
            self._logs = written_by_sluice(ground.home / "kafka-sluice", self.servers["sluice"].binary(ground)) / "logs"

    def start(self, peer, ground):
        if peer == "limit-sendfile":
            raise Absent("the least file server speaks no Kafka")
        self._fetch = ground.home / "kafka_fetch"
        if not self._fetch.exists():
            raise Absent("kafka_fetch is not built")
        if self._logs is None:
            self._prepare(ground)
        if peer == "kafka":
            if self._absent:
                raise self._absent
            self._warm(ground)
            return self._running
        server = self.servers[peer]
        server.logs = self._logs
        return server.start(ground)

    def _warm(self, ground):
        """The broker compiles itself while it runs: what is slow only at first is not measured."""
        for size in (self.sizes[0], self.sizes[-1]) if ground.scale == "full" else ():
            with contextlib.suppress(Wrong):  # it will be told of the row
                self._told(self._running, size, 16, WARM)

    def config(self, peer, ground):
        return (self.servers.get(peer) or self.broker).config_file(ground).read_text()

    def tools(self):
        told = [("kafka_fetch", "bench/loads", "kafka_fetch PORT TOPIC FETCH_BYTES CONSUMERS SECONDS")]
        return told if self._absent else [*told, ("kafka", self.broker.version(), " ".join(self._running.command))]

    @staticmethod
    def _topic(size):
        return "small" if size.bytes < 16 * KIB else "large"

    def _command(self, process, size, *how):
        return [str(word) for word in (self._fetch, process.ports["kafka"], self._topic(size), size.bytes, *how)]

    def _told(self, process, size, *how):
        done = subprocess.run(self._command(process, size, *how), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Wrong(done.stderr.strip())
        return json.loads(done.stdout)

    def check(self, process, size, ground, seconds=None):
        whole = seconds is None and (process.pid, self._topic(size)) not in self._read
        told = self._told(process, size, "check", WHOLE if whole else seconds or PART)
        if whole and told["offset"] < told["end"]:
            raise Wrong(f"{told['offset']} of {told['end']} records in {WHOLE} s")
        if told["end"] != self._ends.setdefault(self._topic(size), told["end"]):
            raise Wrong(f"{told['end']} records, which others have more or less of")
        self._read.add((process.pid, self._topic(size)))

    def load(self, process, size, seconds):
        told = self._told(process, size, self.consumers, seconds)
        return Load(told["fetches"], told["whole"], told["us"] / 1e6, told["p50_us"], told["p99_us"], told["p999_us"])

    def under_load(self, process, size):
        return going_on(self._command(process, size, self.consumers, 60))


KAFKA_1, KAFKA_16 = KafkaWork(1), KafkaWork(16)
