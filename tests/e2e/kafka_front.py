"""What tests of the Kafka front begin with: a log directory, Sluice in front of it, and clients."""

import shutil
import tempfile
from pathlib import Path

from harness import Case, free_port
from kafka_client import KafkaClient
from kafka_log import Partition


class KafkaCase(Case):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="sluice-kafka-"))
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        self.logs = self.root / "logs"
        self.logs.mkdir()

    def partition(self, topic="t", index=0, **options):
        """`options` are Partition's."""
        return Partition(self.logs, topic, index, **options)

    def front(self, expected_errors=(), listener=None, around=(), environment=None, **more):
        """Sluice with a kafka listener (options: `listener`), one for /status, and further keys of its configuration.

        Changes are noticed by inotify, or not within a test. `around` and `environment` are Sluice's.
        """
        self.port, self.kafka_port = free_port(), free_port()
        groups = self.root / f"groups-{self.kafka_port}.sqlite"  # which only one process may have open
        kafka = {"log": str(self.logs), "groups": str(groups), "look_every": "1h"}
        entry = {"listen": f"127.0.0.1:{self.kafka_port}", "protocol": "kafka"}
        for key, value in (listener or {}).items():
            (entry if key in ("relay", "tls") else kafka)[key] = value
        config = {
            "workers": 1,
            "listeners": [{"listen": f"127.0.0.1:{self.port}"}, {**entry, "kafka": kafka}],
            "routes": [{"path": "/status", "status": True}],
        }
        return self.start({**config, **more}, expected_errors, around=around, environment=environment)

    def client(self, **options):
        """`options` are Connection's."""
        client = KafkaClient(self.kafka_port, **options)
        self.addCleanup(client.close)
        return client
