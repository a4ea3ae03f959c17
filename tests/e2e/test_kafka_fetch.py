"""What a fetch answers, rule by rule, as a broker does; over the wire, and compared with the bytes in the files."""

import re
import shutil
import signal
import ssl
import statistics
import struct
import subprocess
import time
import unittest

from certificates import Authority
from harness import Cut, until
from kafka_client import EARLIEST, LATEST, NO_ID, Want
from kafka_front import KafkaCase
from kafka_log import COMMIT, TRANSACTIONAL, fill

OUT_OF_RANGE, UNKNOWN_PARTITION, UNKNOWN_ID = 1, 3, 100
VERSIONS = range(4, 18)
ID = bytes(range(1, 17))


class Records(KafkaCase):
    """Which bytes a partition answers with."""

    def test_the_batch_that_contains_the_offset_comes_whole(self):
        log = fill(self.partition(), 5, records=10)
        self.front()
        client = self.client()
        for offset in (0, 9, 10, 25, 49):
            with self.subTest(offset=offset):
                got = client.fetch(Want("t", offset=offset)).one()
                self.assertEqual((got.error, got.high_watermark, got.log_start), (0, 50, 0))
                self.assertEqual(got.records, log.data(offset))

    def test_every_version_answers_alike_and_ends_with_its_last_field(self):
        log = fill(self.partition(identity=ID), 3)
        self.front()
        client = self.client()
        for version in VERSIONS:
            with self.subTest(version=version):
                topic = "t" if version < 13 else ID
                whole = client.fetch(Want(topic, offset=5), version)
                self.assertEqual((whole.error, whole.session, list(whole.topics)), (0, 0, [topic]))
                self.assertEqual(whole.one().records, log.data(5))
                self.assertEqual((whole.one().aborted, whole.one().preferred_replica), (None, -1))
                self.assertEqual(whole.one().last_stable, 12)
                # Without records: empty, never null.
                self.assertEqual(client.fetch(Want(topic, offset=12), version).one().records, b"")
                self.assertEqual(client.fetch(Want(topic, partition=9), version).one().records, b"")

    def test_an_offset_within_a_gap_of_compaction_leads_to_the_next_batch(self):
        log = fill(self.partition(), 2)
        log.skip(100)
        fill(log, 2)
        log.skip(10)
        log.roll()
        log.skip(5)  # the first batch of a segment may begin behind its name
        fill(log, 1)
        self.front()
        client = self.client()
        for offset in (8, 50, 107, 108, 116, 120, 125, 126, 130):
            with self.subTest(offset=offset):
                self.assertEqual(client.fetch(Want("t", offset=offset)).one().records, log.data(offset))

    def test_segments_follow_one_another_in_one_answer(self):
        log = self.partition()
        for _ in range(5):
            fill(log, 3)
            log.roll()  # the last one is empty, as after a broker's roll
        self.front()
        client = self.client()
        self.assertEqual(len(log.segments), 6)
        for offset in (0, 13, 59):
            self.assertEqual(client.fetch(Want("t", offset=offset)).one().records, log.data(offset))
        at_end = client.fetch(Want("t", offset=60)).one()
        self.assertEqual((at_end.error, at_end.records, at_end.high_watermark), (0, b"", 60))

    def test_topics_and_partitions_follow_one_another_in_one_answer(self):
        logs = {(topic, index): fill(self.partition(topic, index), 4) for topic in "abc" for index in range(4)}
        self.front()
        client = self.client()
        wants = [Want(topic, index, offset=index) for topic, index in logs]
        for version in (4, 11, 12):
            fetched = client.fetch(wants, version)
            for (topic, index), log in logs.items():
                self.assertEqual(fetched.topics[topic][index].records, log.data(index), (version, topic, index))

    def test_a_partition_that_is_out_of_range_says_so(self):
        log = self.partition(start=100)
        fill(log, 5)
        (self.logs / "log-start-offset-checkpoint").write_text("0\n1\nt 0 110\n")
        self.front()
        client = self.client()
        for offset in (-1, 0, 99, 100, 109, 121, 1 << 60):
            with self.subTest(offset=offset):
                got = client.fetch(Want("t", offset=offset)).one()
                self.assertEqual((got.error, got.records), (OUT_OF_RANGE, b""))
                self.assertEqual((got.high_watermark, got.last_stable, got.log_start), (-1, -1, -1))
        first = client.fetch(Want("t", offset=110)).one()
        self.assertEqual((first.error, first.log_start, first.high_watermark), (0, 110, 120))
        self.assertEqual(first.records, log.data(110))
        self.assertEqual(client.fetch(Want("t", offset=120)).one().records, b"")

    def test_a_torn_end_and_zeros_behind_it_are_not_there(self):
        torn, zeros = fill(self.partition("torn"), 3), fill(self.partition("zeros"), 3)
        with open(torn.segment, "ab") as file:
            file.write(torn.batches[0].data[:-1])
        with open(zeros.segment, "ab") as file:
            file.write(bytes(1000))
        self.front()
        client = self.client()
        for log in (torn, zeros):
            got = client.fetch(Want(log.topic)).one()
            self.assertEqual((got.high_watermark, got.records), (12, log.data()))


class Budgets(KafkaCase):
    """How many bytes an answer may have."""

    def setUp(self):
        super().setUp()
        self.log = fill(self.partition(), 6)
        self.other = fill(self.partition(index=1), 6)
        self.size = len(self.log.batches[0].data)
        self.front()

    def test_whole_batches_fill_what_the_partition_may_have(self):
        client = self.client()
        for batches, most in ((1, self.size), (1, 2 * self.size - 1), (2, 2 * self.size), (5, 6 * self.size - 1)):
            with self.subTest(most=most):
                got = client.fetch(Want("t", offset=2, most=most)).one()
                self.assertEqual(got.records, self.log.data(before=4 * batches))

    def test_the_first_batch_of_all_comes_however_small_the_budgets(self):
        client = self.client()
        for most, partition_most in ((1, 1), (0, 0), (1 << 20, 0), (0, 1 << 20), (self.size - 1, 1 << 20)):
            with self.subTest(most=most, partition_most=partition_most):
                wants = [Want("t", 0, 6, partition_most), Want("t", 1, 6, partition_most)]
                partitions = client.fetch(wants, most=most).topics["t"]
                self.assertEqual(partitions[0].records, self.log.batches[1].data)
                self.assertEqual((partitions[1].error, partitions[1].records), (0, b""))
                self.assertEqual(partitions[1].high_watermark, 24)

    def test_a_partition_without_records_leaves_the_privilege_to_the_next(self):
        wants = [Want("t", 0, 24, 1), Want("t", 7, 0, 1), Want("t", 1, 8, 1)]
        partitions = self.client().fetch(wants, most=1).topics["t"]
        self.assertEqual([partitions[n].error for n in (0, 7, 1)], [0, UNKNOWN_PARTITION, 0])
        self.assertEqual(partitions[0].records, b"")
        self.assertEqual(partitions[1].records, self.other.batches[2].data)

    def test_later_partitions_have_what_the_answer_has_left(self):
        client = self.client()
        wants = [Want("t", 0, 0, 2 * self.size), Want("t", 1, 0, 4 * self.size)]
        for most, left in ((6 * self.size, 4), (5 * self.size, 3), (5 * self.size - 1, 2), (2 * self.size, 0)):
            with self.subTest(most=most):
                partitions = client.fetch(wants, most=most).topics["t"]
                self.assertEqual(partitions[0].records, self.log.data(before=8))
                self.assertEqual(partitions[1].records, self.other.data(before=4 * left))


class OwnBudget(KafkaCase):
    def test_the_configured_budget_bounds_what_a_client_may_ask_for(self):
        log = fill(self.partition(), 40)
        size = len(log.batches[0].data)
        self.front(listener={"fetch": 3 * size})
        got = self.client().fetch(Want("t", most=0x7FFFFFFF)).one()
        self.assertEqual(len(got.records), 3 * size)

    def test_what_fits_is_given_whatever_its_size(self):
        """A batch of 2 MiB before a budget of 1 MiB, and behind it."""
        log = self.partition()
        log.append(bytes(2 << 20))
        log.append(b"small")
        log.append(bytes(2 << 20))
        self.front()
        client = self.client()
        self.assertEqual(client.fetch(Want("t")).one().records, log.batches[0].data)
        self.assertEqual(client.fetch(Want("t", offset=1)).one().records, log.batches[1].data)
        self.assertEqual(client.fetch(Want("t", offset=2)).one().records, log.batches[2].data)


class Every(KafkaCase):
    """Whatever is asked for is answered."""

    def test_every_partition_that_is_asked_for_is_answered(self):
        for index in range(0, 60, 2):
            fill(self.partition(index=index), 1)
        self.front()
        wants = [Want("t", index) for index in range(60)] + [Want("none", index) for index in range(3)]
        wants += [Want("", 0), Want("..", 0)]
        for version in (4, 11, 12):
            fetched = self.client().fetch(wants, version)
            self.assertEqual({t: sorted(p) for t, p in fetched.topics.items()},
                             {"t": list(range(60)), "none": [0, 1, 2], "": [0], "..": [0]})  # fmt: skip
            for index, got in fetched.topics["t"].items():
                self.assertEqual(got.error, UNKNOWN_PARTITION if index % 2 else 0)
                self.assertEqual(bool(got.records), index % 2 == 0)
            self.assertEqual({got.error for got in fetched.topics["none"].values()}, {UNKNOWN_PARTITION})

    def test_topic_ids(self):
        log = fill(self.partition(identity=ID), 2)
        fill(self.partition("nameless"), 2)
        self.front()
        client = self.client()
        self.assertEqual(client.metadata(["t", "nameless"], 12).topics["t"].id, ID)
        fetched = client.fetch([Want(ID), Want(ID, 5), Want(bytes(15) + b"x"), Want(NO_ID)], 13)
        self.assertEqual(fetched.topics[ID][0].records, log.data())
        self.assertEqual(fetched.topics[ID][5].error, UNKNOWN_PARTITION)
        self.assertEqual(fetched.topics[bytes(15) + b"x"][0].error, UNKNOWN_ID)
        self.assertEqual(fetched.topics[NO_ID][0].error, UNKNOWN_ID)

    def test_sessions_are_declined(self):
        log = fill(self.partition(), 2)
        self.front()
        client = self.client()
        for version in (7, 11, 12):
            for session in ((0, -1), (0, 0), (77, 0), (77, -1)):  # full fetches
                with self.subTest(version=version, session=session):
                    fetched = client.fetch(Want("t"), version, session=session)
                    self.assertEqual((fetched.error, fetched.session), (0, 0))
                    self.assertEqual(fetched.one().records, log.data())
            for session in ((77, 1), (0, 1), (77, 0x7FFFFFFF)):
                with self.subTest(version=version, session=session):
                    fetched = client.fetch([], version, session=session, max_wait=30000, forgotten=[("t", [0])])
                    self.assertEqual((fetched.error, fetched.session, fetched.topics), (70, 0, {}))

    def test_a_follower_is_told_that_there_is_no_leader_here(self):
        fill(self.partition(), 2)
        self.front()
        client = self.client()
        body = struct.pack(">i", 2) + client.fetch_body([Want("t")], 4)[4:]
        fetched = client.read_fetched(client.ask(1, 4, body), 4)
        self.assertNotEqual(fetched.one().error, 0)
        self.assertEqual(fetched.one().records, b"")

    def test_metadata_and_offsets_in_every_version(self):
        fill(self.partition(identity=ID), 5)
        self.partition(index=1, start=7, identity=ID)
        fill(self.partition("other"), 1)
        self.front()
        client = self.client()
        for version in range(13):
            with self.subTest(metadata=version):
                everything = client.metadata(version=version)
                self.assertEqual(list(everything.brokers.values()), [("127.0.0.1", self.kafka_port)])
                (node,) = everything.brokers
                self.assertEqual(sorted(everything.topics), ["other", "t"])
                self.assertEqual(everything.topics["t"].partitions, {0: (0, node), 1: (0, node)})
                self.assertEqual(everything.topics["t"].id, ID if version >= 10 else NO_ID)
                self.assertEqual(client.metadata(["none"], version).topics["none"].error, UNKNOWN_PARTITION)
                if version >= 1:
                    self.assertEqual(client.metadata([], version).topics, {})
        self.assertEqual(client.metadata([ID], 12).topics["t"].error, 0)
        for version in range(1, 9):
            with self.subTest(list_offsets=version):
                asked = {("t", 0): LATEST, ("t", 1): LATEST, ("t", 2): LATEST, ("x", 0): EARLIEST}
                ends = client.list_offsets(asked, version)
                self.assertEqual(ends[("t", 0)], (0, -1, 20))
                self.assertEqual(ends[("t", 1)], (0, -1, 7))
                self.assertEqual(ends[("t", 2)], (UNKNOWN_PARTITION, -1, -1))
                self.assertEqual(ends[("x", 0)], (UNKNOWN_PARTITION, -1, -1))
                self.assertEqual(client.list_offsets({("t", 1): EARLIEST}, version)[("t", 1)], (0, -1, 7))

    def test_an_advertised_address_is_told_instead_of_ones_own(self):
        self.partition()
        self.front(listener={"advertise": "kafka.example:4711"})
        self.assertEqual(list(self.client().metadata().brokers.values()), [("kafka.example", 4711)])

    def test_offsets_by_time(self):
        log = self.partition()
        for n in range(20):
            log.append(b"a", b"b", timestamp=1000 + 10 * n)
            if n % 5 == 4:
                log.roll()
        self.front()
        client = self.client()
        found = {0: (1000, 0), 1000: (1000, 0), 1001: (1010, 2), 1095: (1100, 20), 1190: (1190, 38), 1191: (-1, -1)}
        for asked, (timestamp, offset) in found.items():
            with self.subTest(asked=asked):
                self.assertEqual(client.list_offsets({("t", 0): asked}, 7)[("t", 0)], (0, timestamp, offset))
        self.assertEqual(client.list_offsets({("t", 0): -3}, 7)[("t", 0)][:2], (0, 1190))


class Transactions(KafkaCase):
    def test_what_is_not_committed_is_held_back_or_named(self):
        log = self.partition()
        fill(log, 1)  # 0-3
        aborted = log.append(b"given", b"up", attributes=TRANSACTIONAL, producer=7)  # 4, 5
        log.append(b"between")  # 6
        log.abort(7, aborted.base)  # 7
        log.append(b"kept", attributes=TRANSACTIONAL, producer=8)  # 8
        log.mark(8, COMMIT)  # 9
        log.append(b"open", attributes=TRANSACTIONAL, producer=9)  # 10
        log.append(b"behind")  # 11
        self.front()
        client = self.client()
        for version in (4, 11, 12):
            with self.subTest(version=version):
                all_of_it = client.fetch(Want("t"), version).one()
                self.assertEqual((all_of_it.high_watermark, all_of_it.last_stable, all_of_it.aborted), (12, 10, None))
                self.assertEqual(all_of_it.records, log.data())
                committed = client.fetch(Want("t"), version, isolation=1).one()
                self.assertEqual((committed.high_watermark, committed.last_stable), (12, 10))
                self.assertEqual(committed.aborted, [(7, 4)])
                self.assertEqual(committed.records, log.data(before=10))
                # Where no aborted record is in what comes, the list is empty.
                self.assertEqual(client.fetch(Want("t", offset=8), version, isolation=1).one().aborted, [])
                self.assertEqual(client.fetch(Want("t", most=1), version, isolation=1).one().aborted, [])
                for offset in (10, 11, 12):
                    at_stable = client.fetch(Want("t", offset=offset), version, isolation=1).one()
                    self.assertEqual((at_stable.error, at_stable.records, at_stable.aborted), (0, b"", []))
        self.assertEqual(client.fetch(Want("t", offset=13), isolation=1).one().error, OUT_OF_RANGE)
        latest = {("t", 0): LATEST}
        self.assertEqual(client.list_offsets(latest, isolation=1)[("t", 0)], (0, -1, 10))
        self.assertEqual(client.list_offsets(latest, isolation=0)[("t", 0)], (0, -1, 12))

        # The transaction ends while somebody waits for it.
        waiting = client.ask_fetch([Want("t", offset=10)], max_wait=20000, isolation=1)
        log.mark(9, COMMIT)
        woken = client.read_fetched(waiting).one()
        self.assertEqual((woken.last_stable, woken.records), (13, log.data(10)))


class Ways(KafkaCase):
    """How the bytes go, and over TLS."""

    def test_records_are_sent_from_the_file(self):
        log = self.partition()
        for _ in range(3):
            log.append(bytes(1 << 20))
            log.roll()
        for path in ("auto", "buffered", "sendfile", "mmap"):
            with self.subTest(path=path):
                sluice = self.front(listener={"relay": {"path": path}})
                got = self.client().fetch([Want("t", most=8 << 20), Want("t", 5)], version=12).topics["t"][0]
                self.assertEqual(got.records, log.data())
                entry = sluice.log_lines(lambda line: line.get("method") == "Fetch")[-1]
                copied = path == "buffered" or self.portable
                way = "mmap" if path == "mmap" else "buffered" if copied else "sendfile"
                self.assertEqual((entry["path"], entry["end"]), (way, "completed"))
                self.assertEqual(entry["zero_copy"], len(log.data()) if way == "sendfile" else 0)
                self.assertEqual((entry["protocol"], entry["target"]), ("kafka", "t-0..."))

    def test_tls_with_and_without_certificates_of_clients(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        pair, own = authority.certificate(), authority.certificate("consumer.example")
        log = fill(self.partition(), 300, size=1000)
        tls = {"certificates": [{"certificate": pair.file, "key": pair.key}]}
        self.front(listener={"tls": tls})
        got = self.client(tls=authority.client()).fetch(Want("t", most=8 << 20)).one()
        self.assertEqual(got.records, log.data())
        tls |= {"client_certificates": "required", "client_ca": authority.file}
        sluice = self.front(listener={"tls": tls})
        client = self.client(tls=authority.client(certificate=own))
        waiting = client.ask_fetch([Want("t", offset=1200)], max_wait=20000)
        until(lambda: sluice.counter("kafka_waiting") == 1, "the fetch waits")
        fill(log, 1)
        self.assertEqual(client.read_fetched(waiting).one().records, log.data(1200))
        with self.assertRaises((ssl.SSLError, Cut, ConnectionResetError)):
            self.client(tls=authority.client()).metadata()


class State(KafkaCase):
    """Where groups are kept when nobody says so: elsewhere than in the log."""

    def test_the_groups_file_has_a_place_of_its_own(self):
        fill(self.partition(), 1)
        state = self.root / "state"
        for _ in range(2):  # the second time it is there
            sluice = self.front(listener={"groups": ""}, environment={"STATE_DIRECTORY": str(state)})
            (file,) = state.glob("groups-*.sqlite")
            self.assertEqual(state.stat().st_mode & 0o777, 0o700)
            sluice.stop()
        self.assertEqual([path.name for path in self.logs.iterdir()], ["t-0"])
        self.assertIsNotNone(re.fullmatch("groups-[0-9a-f]{16}.sqlite", file.name))
        # Where there is none, consumers are served all the same.
        sluice = self.front(listener={"groups": ""}, environment={"STATE_DIRECTORY": str(self.logs / "state")})
        sluice.wait_for_stderr("kept in memory and end with this process: .* only read")
        self.assertEqual(self.client().fetch(Want("t")).one().error, 0)


class Waiting(KafkaCase):
    """Long polling: how long an answer may take, and what ends the wait."""

    def test_it_waits_as_long_as_it_may_and_no_longer(self):
        log = fill(self.partition(), 2)
        self.front(listener={"longest_wait": "600ms"})
        client = self.client()

        def timed(want, **more):
            began = time.monotonic()
            got = client.fetch(want, **more).one()
            return time.monotonic() - began, got

        at_end = Want("t", offset=8)
        took, got = timed(at_end, max_wait=300)
        self.assertGreater(took, 0.28)
        self.assertEqual((got.error, got.records, got.high_watermark), (0, b"", 8))
        took, got = timed(Want("t"), max_wait=300, min_bytes=1 << 20)  # what is there, when time is up
        self.assertGreater(took, 0.28)
        self.assertEqual(got.records, log.data())
        took, _ = timed(at_end, max_wait=3600_000)
        self.assertGreater(took, 0.58)
        # These wait for nothing, though they may: more than a minute would pass without.
        began = time.monotonic()
        for max_wait, min_bytes in ((0, 1), (-1, 1), (600, 0), (600, -5)):
            for _ in range(30):
                timed(at_end, max_wait=max_wait, min_bytes=min_bytes)
        self.assertEqual(client.fetch([], max_wait=600, min_bytes=5).topics, {})
        self.assertLess(time.monotonic() - began, 15)

    def test_errors_and_old_segments_are_answered_at_once(self):
        log = fill(self.partition(), 2)
        log.roll()
        fill(log, 2)
        fill(self.partition("other"), 1)
        self.front()
        client = self.client()
        client.socket.settimeout(10)  # less than what the requests would wait
        for wrong in (Want("t", 5), Want("none"), Want("t", 0, 17), Want("t", 0, -1)):
            fetched = client.fetch([wrong, Want("other", 0, 4)], max_wait=29000, min_bytes=1 << 20)
            self.assertGreater(fetched.topics[wrong.topic][wrong.partition].error, 0)
            self.assertEqual(fetched.topics["other"][0].error, 0)
        self.assertEqual(client.fetch(Want("t"), max_wait=29000, min_bytes=1 << 20).one().records, log.data())

    def test_an_append_wakes_it(self):
        log = fill(self.partition(), 2)
        sluice = self.front()
        client = self.client()
        took = []
        for _ in range(30):
            waiting = client.ask_fetch([Want("t", offset=log.next)], max_wait=29000)
            until(lambda: sluice.counter("kafka_waiting") == 1, "the fetch waits")
            began = time.monotonic()
            (stored,) = fill(log, 1).batches[-1:]
            got = client.read_fetched(waiting).one()
            took.append(time.monotonic() - began)
            self.assertEqual((got.records, got.high_watermark), (stored.data, log.next))
        print(f"woken after {statistics.median(took) * 1000:.2f} ms (at most {max(took) * 1000:.2f})")
        self.assertLess(statistics.median(took), 1)
        self.assertEqual(sluice.counter("kafka_waiting"), 0)
        self.assertGreaterEqual(sluice.counter("kafka_wakes"), 30)

    def test_who_follows_the_access_log_is_not_woken_by_having_been_woken(self):
        sluice = self.front(access_log={"topic": "access"})
        sluice.status()
        client = self.client()
        until(lambda: client.fetch([Want("access")]).one().high_watermark > 0, "the entries of the first requests")
        ends = []  # where the log ended after each wait: soon nothing more comes
        while len(ends) < 2 or ends[-1] != ends[-2]:
            want = Want("access", offset=ends[-1] if ends else 0)
            ends.append(client.fetch([want], max_wait=500).one().high_watermark)
            self.assertLess(len(ends), 10)

    def test_it_is_woken_without_inotify_too(self):
        none = "echo 0 >/proc/sys/user/max_inotify_instances"
        alone = ["unshare", "--user", "--map-root-user", "sh", "-ec"]
        if subprocess.run([*alone, none], capture_output=True, check=False).returncode != 0:
            self.skip("no namespace of one's own, in which there is no inotify, can be had here")
        log = fill(self.partition(), 1)
        self.front(listener={"look_every": "50ms"}, around=[*alone, none + '\nexec "$0" "$@"'])
        client = self.client()
        waiting = client.ask_fetch([Want("t", offset=4)], max_wait=29000)
        fill(log, 1)
        self.assertEqual(client.read_fetched(waiting).one().records, log.data(4))

    def test_it_goes_on_until_there_is_enough(self):
        logs = [fill(self.partition(index=index), 1) for index in range(2)]
        size = len(logs[0].batches[0].data)
        sluice = self.front()
        client = self.client()
        wants = [Want("t", 0, 4), Want("t", 1, 4)]
        waiting = client.ask_fetch(wants, max_wait=29000, min_bytes=3 * size)
        until(lambda: sluice.counter("kafka_waiting") == 1, "the fetch waits")
        for log in logs:
            fill(log, 1)
        until(lambda: sluice.counter("log_changes") >= 2, "both were noticed")
        self.assertEqual(sluice.counter("kafka_waiting"), 1)  # two batches are too little
        fill(logs[1], 1)
        partitions = client.read_fetched(waiting).topics["t"]
        self.assertEqual([partitions[n].records for n in (0, 1)], [log.data(4) for log in logs])

    def test_more_is_not_waited_for_than_may_be_sent(self):
        """min_bytes above max_bytes."""
        log = fill(self.partition(), 1)
        self.front()
        client = self.client()
        client.socket.settimeout(10)
        got = client.fetch(Want("t"), max_wait=29000, min_bytes=1 << 20, most=len(log.data())).one()
        self.assertEqual(got.records, log.data())

    def test_new_segments_partitions_and_topics_are_noticed(self):
        log = fill(self.partition(), 1)
        sluice = self.front()
        client = self.client()
        waiting = client.ask_fetch([Want("t", offset=4)], max_wait=29000)
        until(lambda: sluice.counter("kafka_waiting") == 1, "the fetch waits")
        log.roll()
        fill(log, 1)
        self.assertEqual(client.read_fetched(waiting).one().records, log.data(4))
        second = fill(self.partition(index=1), 1)
        fresh = fill(self.partition("fresh"), 1)
        until(lambda: set(client.metadata().topics) == {"t", "fresh"}, "a new topic")
        until(lambda: set(client.metadata(["t"]).topics["t"].partitions) == {0, 1}, "a new partition")
        until(lambda: client.fetch(Want("t", 1)).one().records == second.data(), "its records")
        until(lambda: client.fetch(Want("fresh")).one().records == fresh.data(), "and the topic's")

    def test_a_partition_that_goes_while_it_is_waited_for(self):
        log = fill(self.partition(), 1)
        fill(self.partition("other"), 1)
        sluice = self.front()
        client = self.client()
        waiting = client.ask_fetch([Want("t", offset=4)], max_wait=29000)
        until(lambda: sluice.counter("kafka_waiting") == 1, "the fetch waits")
        shutil.rmtree(log.directory)
        self.assertEqual(client.read_fetched(waiting).one().error, UNKNOWN_PARTITION)
        self.assertEqual(list(client.metadata().topics), ["other"])

    def test_old_segments_go_and_the_log_begins_later(self):
        log = self.partition()
        for _ in range(3):
            fill(log, 2)
            log.roll()
        self.front()
        client = self.client()
        self.assertEqual(client.fetch(Want("t")).one().error, 0)
        log.segments[0].unlink()
        until(lambda: client.fetch(Want("t")).one().error == OUT_OF_RANGE, "the first segment is gone")
        got = client.fetch(Want("t", offset=8)).one()
        self.assertEqual((got.log_start, got.records), (8, log.data(8)))

    def test_a_reload_keeps_those_who_wait_and_a_drain_answers_them(self):
        log = fill(self.partition(), 1)
        sluice = self.front(workers=2)
        clients = [self.client() for _ in range(20)]

        def all_wait():
            asked = [client.ask_fetch([Want("t", offset=log.next)], max_wait=29000) for client in clients]
            until(lambda: sluice.counter("kafka_waiting") == 20, "all wait")
            return zip(clients, asked)

        waiting, first = all_wait(), log.next
        sluice.signal(signal.SIGHUP)
        sluice.wait_for_stderr("reloaded")
        fill(log, 1)
        for client, correlation in waiting:
            self.assertEqual(client.read_fetched(correlation).one().records, log.data(first))
        waiting = all_wait()
        sluice.signal(signal.SIGTERM)
        for client, correlation in waiting:
            self.assertEqual(client.read_fetched(correlation).one().records, b"")
            self.assertTrue(client.at_end())
        self.assertEqual(sluice.wait_for_exit(), 0)

    def test_who_is_gone_is_not_waited_for(self):
        fill(self.partition(), 1)
        sluice = self.front()
        clients = [self.client() for _ in range(20)]
        for client in clients:
            client.ask_fetch([Want("t", offset=4)], max_wait=29000)
        until(lambda: sluice.counter("kafka_waiting") == 20, "all wait")
        for n, client in enumerate(clients):
            (client.reset if n % 2 else client.close)()
        until(lambda: sluice.counter("kafka_waiting") == 0, "nobody waits")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
