"""python3-kafka as a member of a group, as kafka_members.py wants it: kafka_member.py ADDRESS GROUP TOPIC"""

import select
import sys

import kafka
from kafka_members import told

address, group, topic = sys.argv[1:]
consumer = kafka.KafkaConsumer(
    bootstrap_servers=address, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False, check_crcs=True,
    heartbeat_interval_ms=300, session_timeout_ms=6000, max_poll_records=50, metadata_max_age_ms=1000,
)  # fmt: skip


class Listener(kafka.ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        pass

    def on_partitions_assigned(self, assigned):
        print("assigned", sorted(partition for _, partition in assigned), flush=True)


consumer.subscribe([topic], listener=Listener())
while not select.select([sys.stdin], [], [], 0)[0]:
    batches = consumer.poll(timeout_ms=100)
    for records in batches.values():
        for record in records:
            print("record", record.partition, record.offset, told(record.value), flush=True)
    if batches:
        consumer.commit()
consumer.close(autocommit=False)
