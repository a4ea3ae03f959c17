"""What no decent client of Kafka sends, and how many of them; logs that go while they are sent."""

import os
import random
import resource
import shutil
import struct
import time
import unittest

from harness import Cut, Pattern, until
from kafka_client import (
    API_VERSIONS,
    FETCH,
    FIND_COORDINATOR,
    HEARTBEAT,
    JOIN_GROUP,
    LATEST,
    LEAVE_GROUP,
    LIST_OFFSETS,
    METADATA,
    OFFSET_COMMIT,
    OFFSET_FETCH,
    PRODUCE,
    SYNC_GROUP,
    KafkaClient,
    Want,
    Words,
    i8,
    i16,
    i32,
    i64,
    uvarint,
)
from kafka_front import KafkaCase
from kafka_log import batch, fill
from sluice import sanitized

KIB, MIB = 1024, 1024 * 1024
MEMBER_ID_REQUIRED, GROUP_MAX_SIZE_REACHED = 79, 81
ID = bytes(range(1, 17))


def with_size(body):
    return i32(len(body)) + body


class Frames(KafkaCase):
    """Bytes that are no request end the connection, and only that."""

    def setUp(self):
        super().setUp()
        self.log = fill(self.partition(identity=ID), 3)
        self.sluice = self.front(listener={"longest_wait": "100ms"})

    def refused(self, data):
        """Sends it on a connection of its own: nothing is answered, and the connection ends."""
        client = self.client()
        client.send(data)
        ended = client.at_end()
        client.close()
        return ended

    def assert_well(self):
        with self.client() as client:
            self.assertEqual(client.fetch(Want("t")).one().records, self.log.data())

    def requests(self):
        """(key, version, frame) of right requests, with every kind of field."""
        words, flexible = Words(False), Words(True)
        fetch = KafkaClient.fetch_body
        coordinator = {0: words.text("g"), 3: flexible.text("g") + i8(0) + b"\0",
                       4: i8(0) + flexible.array([flexible.text("g")]) + b"\0"}  # fmt: skip
        bodies = [
            (API_VERSIONS, 3, flexible.text("test") + flexible.text("1") + b"\0"),
            (METADATA, 4, words.array([words.text("t")]) + i8(0)),
            (METADATA, 12, flexible.array([ID + flexible.text("t") + b"\0"]) + i8(0) + i8(0) + b"\0"),
            (FETCH, 4, fetch([Want("t")], 4)),
            (FETCH, 11, fetch([Want("t"), Want("u", 3)], 11, forgotten=[("v", [1])])),
            (FETCH, 12, fetch([Want("t"), Want("u", 3)], 12, forgotten=[("v", [1])])),
            (FETCH, 17, fetch([Want(ID)], 17)),
            (LIST_OFFSETS, 1, i32(-1) + words.array([words.text("t") + words.array([i32(0) + i64(LATEST)])])),
            (PRODUCE, 3, KafkaClient.produce_body("t", batch(0, [b"x"]))),
            (PRODUCE, 9, KafkaClient.produce_body("t", batch(0, [b"x"]), version=9)),
            *((FIND_COORDINATOR, version, body) for version, body in coordinator.items()),
            (JOIN_GROUP, 5, KafkaClient.join_body("g", metadata=b"\0" * 6)),
            (SYNC_GROUP, 1, words.text("g") + i32(1) + words.text("m")
             + words.array([words.text("m") + words.data(b"x")])),
            (HEARTBEAT, 4, flexible.text("g") + i32(1) + flexible.text("m") + flexible.text(None) + b"\0"),
            (LEAVE_GROUP, 1, words.text("g") + words.text("m")),
            (OFFSET_COMMIT, 2, words.text("g") + i32(-1) + words.text("") + i64(-1)
             + words.array([words.text("t") + words.array([i32(0) + i64(1) + words.text("")])])),
            (OFFSET_FETCH, 1, words.text("g") + words.array([words.text("t") + words.array([i32(0)])])),
        ]  # fmt: skip
        for key, version, body in bodies:
            client = object.__new__(KafkaClient)
            client._correlation = 0
            yield key, version, client.request(key, version, body)[0]

    def test_every_request_cut_anywhere(self):
        tried = 0
        for key, version, frame in self.requests():
            with self.subTest(key=key, version=version):
                client = self.client()
                client.send(frame)
                client.read_frame()  # it is right when it is whole
                client.close()
                for size in range(len(frame) - 4):
                    if not self.refused(with_size(frame[4 : 4 + size])):
                        self.fail(f"answered though only {size} of {len(frame) - 4} bytes came: {frame!r}")
                    tried += 1
        print(f"{tried} cut requests")
        self.assertGreaterEqual(self.sluice.counter("kafka_invalid"), tried)
        self.assert_well()
        self.sluice.assert_nothing_left()

    def test_sizes_that_cannot_be(self):
        """Refused before anything behind them came: only the size is sent."""
        for size in (-1, -(1 << 31), 0, 1, 7, (1 << 20) + 1, 100 << 20, 0x7FFFFFFF):
            with self.subTest(size=size):
                body = b"" if size < 0 or size > 8 else bytes(size)
                self.assertTrue(self.refused(i32(size) + body))
        self.sluice.wait_for_stderr("closed the connection of .*: a request of 4294967295 bytes")
        self.assert_well()

    def test_a_request_as_large_as_allowed_is_taken(self):
        name = "x" * 32000
        topics = [Words(False).text(name)] * 32
        body = Words(False).array(topics) + i8(0)
        self.assertLess(len(body), 1 << 20)
        self.client().call(METADATA, 4, body)

    def test_lengths_and_counts_that_lie(self):
        header = i16(METADATA) + i16(4) + i32(1) + i16(-1)
        flexible = i16(METADATA) + i16(12) + i32(1) + i16(-1)
        fetch = i16(FETCH) + i16(4) + i32(1) + i16(-1) + i32(-1) + i32(0) * 3 + i8(0)
        before = self.sluice.rss_anon()
        bad = [
            header + i32(0x7FFFFFFF),
            header + i32(-2),
            header + i32(1) + i16(-2) + i8(0),
            header + i32(1) + i16(-1) + i8(0),  # a null that may not be
            header + i32(1) + i16(0x7FFF) + b"t" + i8(0),
            header + i32(1 << 28) + i16(1) + b"t",
            i16(METADATA) + i16(4) + i32(1) + i16(-2),
            i16(METADATA) + i16(4) + i32(1) + i16(0x7FFF),
            flexible + uvarint(1 << 30),  # tagged fields
            flexible + uvarint(1) + uvarint(0) + uvarint(0x7FFFFFFF),
            flexible + uvarint(1) + uvarint(0) + uvarint(0xFFFFFFFF),
            flexible + b"\0" + b"\xff" * 5,
            flexible + b"\0" + b"\xff" * 20,
            flexible + b"\0" + b"\x80" * 20 + b"\0",
            flexible + b"\0" + uvarint(0xFFFFFFFF),
            flexible + b"\0" + uvarint(2) + ID + uvarint(0xFFFFFFFF) + b"t\0\0\0\0",
            fetch + i32(0x7FFFFFFF),
            fetch + i32(1) + i16(1) + b"t" + i32(1 << 30),
        ]
        for body in bad:
            with self.subTest(body=body):
                self.assertTrue(self.refused(with_size(body)))
        self.assert_well()
        if not sanitized():
            self.assertLess(self.sluice.rss_anon() - before, 4 * MIB)

    def test_unknown_keys_and_versions(self):
        body = Words(False).array([]) + i8(0)
        for key, version in ((999, 0), (-1, 0), (7, 0), (19, 1), (71, 0), (METADATA, 13), (METADATA, -1), (FETCH, 3),
                             (FETCH, 18), (FETCH, 0x7FFF), (LIST_OFFSETS, 0), (PRODUCE, 100)):  # fmt: skip
            with self.subTest(key=key, version=version):
                self.assertTrue(self.refused(with_size(i16(key) + i16(version) + i32(1) + i16(-1) + body)))
        self.assert_well()

    def test_api_versions_of_an_unknown_version_is_answered_in_the_first(self):
        client = self.client()
        for version in (5, 100, 0x7FFF):
            self.assertEqual(client.api_versions(version), (35, {API_VERSIONS: (0, 4)}))
        known = None
        for version in range(5):
            error, apis = client.api_versions(version)
            self.assertEqual(error, 0)
            known = known or apis
            self.assertEqual(apis, known)
        self.assertEqual(known[FETCH], (4, 17))
        self.assertLessEqual(known[PRODUCE][0], 3)  # or librdkafka fetches nothing
        for unserved in (71, 72, 68, 22):
            self.assertNotIn(unserved, known)

    def test_tagged_fields_nobody_knows_are_passed_over(self):
        client = self.client()
        words = Words(True)
        unknown = uvarint(2) + uvarint(7) + uvarint(3) + b"abc" + uvarint(9000) + uvarint(0)
        body = words.array([bytes(16) + words.text("t") + unknown]) + i8(0) + i8(0) + unknown
        header = i16(METADATA) + i16(12) + i32(5) + i16(4) + b"test" + unknown
        client.send(with_size(header + body))
        self.assertEqual(client.read_frame()[:4], i32(5))

    def test_other_protocols(self):
        http = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
        tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
        for data in (http, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", tls, b"\0" * 64, b"\xff" * 64):
            with self.subTest(data=data):
                self.assertTrue(self.refused(data))
        self.assert_well()

    def test_requests_with_bytes_changed_by_chance(self):
        """Whatever comes of it, it comes soon, and the next client is served."""
        chance = random.Random(5)
        frames = [frame for _, _, frame in self.requests()]
        for _ in range(400):
            frame = bytearray(chance.choice(frames))
            for _ in range(chance.randint(1, 4)):
                frame[chance.randrange(4, len(frame))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
            client = self.client()
            client.send(bytes(frame))
            client.finish()
            try:
                while client.read_some():
                    pass
            except ConnectionResetError:
                pass
            client.close()
        self.assert_well()
        self.sluice.assert_nothing_left()


class Habits(KafkaCase):
    """Right requests, in ways that cost."""

    def test_half_a_request_then_silence(self):
        fill(self.partition(), 1)
        sluice = self.front(timeouts={"head": "300ms"})
        for sent in (b"\0", i32(100), i32(100) + b"half of it"):
            client = self.client()
            began = time.monotonic()
            client.send(sent)
            self.assertTrue(client.at_end())
            self.assertGreater(time.monotonic() - began, 0.25)
        # Not even for one who goes on, a byte at a time.
        client = self.client()
        client.send(i32(1000))
        began = time.monotonic()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() - began < 15:
                client.send(b"x")
                time.sleep(0.05)
        sluice.assert_nothing_left()

    def test_a_connection_without_a_request_is_closed_after_a_while(self):
        fill(self.partition(), 1)
        self.front(timeouts={"tunnel_idle": "300ms"})
        for asks in (False, True):
            client = self.client()
            if asks:
                client.metadata()
            began = time.monotonic()
            self.assertTrue(client.at_end())
            self.assertGreater(time.monotonic() - began, 0.2)

    def test_many_requests_in_one_breath_are_answered_in_their_order(self):
        log = fill(self.partition(), 50)
        self.front()
        client = self.client()
        asked, data = [], b""
        for n in range(300):  # some of them wait, and so delay those behind them
            key, version, body = [
                (METADATA, 4, Words(False).array([Words(False).text("t")]) + i8(0)),
                (FETCH, 11, client.fetch_body([Want("t", offset=n % 200, most=4000)])),
                (FETCH, 12, client.fetch_body([Want("t", offset=200)], 12, max_wait=int(n % 60 == 2))),
                (API_VERSIONS, 0, b""),
            ][n % 4]
            frame, correlation = client.request(key, version, body)
            data += frame
            asked.append((key, version, correlation, n))
        client.send(data)
        for key, version, correlation, n in asked:
            if key == FETCH:
                got = client.read_fetched(correlation, version).one()
                self.assertEqual(got.records[:5000], log.data(n % 200)[: len(got.records)] if version == 11 else b"")
            else:
                client.answer(key, version, correlation)

    def test_requests_that_come_byte_by_byte(self):
        log = fill(self.partition(), 2)
        self.front()
        client = self.client()
        for version in (4, 12):
            frame, correlation = client.request(FETCH, version, client.fetch_body([Want("t", offset=5)], version))
            for byte in frame:
                client.send(bytes([byte]))
            self.assertEqual(client.read_fetched(correlation, version).one().records, log.data(5))

    def test_one_who_asks_and_never_reads(self):
        """Requests wait in the socket: nothing is read or held for them. After body_idle the connection ends."""
        log = self.partition()
        for _ in range(20):
            log.append(bytes(MIB))
        sluice = self.front(timeouts={"body_idle": "1s"})
        before = sluice.rss_anon()
        client = self.client(receive_buffer=4 * KIB)
        client.socket.setblocking(False)
        body = client.fetch_body([Want("t", most=20 * MIB)])
        frame = b"".join(client.request(FETCH, 11, body)[0] for _ in range(100))
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += client.socket.send(frame)
        except BlockingIOError:
            pass
        self.assertLess(sent, 64 * MIB)
        until(lambda: sluice.counter("kafka_requests") >= 1, "the first is answered")
        self.assertEqual(sluice.counter("kafka_requests"), 1)
        if not sanitized():
            self.assertLess(sluice.rss_anon() - before, 2 * MIB)
        until(lambda: sluice.counter("endings_client_stalled") == 1, "it is given up")
        sluice.assert_nothing_left()

    def test_too_many_partitions_in_one_request(self):
        log = fill(self.partition(), 1)
        sluice = self.front(listener={"partitions": 100})
        client = self.client()
        wants = [Want("t", index) for index in range(100)]
        self.assertEqual(client.fetch(wants).topics["t"][0].records, log.data())
        client.ask_fetch(wants + [Want("u")])
        self.assertTrue(client.at_end())
        sluice.wait_for_stderr("101 partitions")
        client = self.client()
        body = i32(-1) + Words(False).array([Words(False).text("t") + Words(False).array([i32(0) + i64(LATEST)] * 101)])
        client.ask(LIST_OFFSETS, 1, body)
        self.assertTrue(client.at_end())

    def test_ten_thousand_partitions_in_one_request(self):
        fill(self.partition(), 1)
        self.front()
        client = self.client()
        began = time.monotonic()
        fetched = client.fetch([Want("t", index) for index in range(10000)], max_wait=20000)
        self.assertEqual(len(fetched.topics["t"]), 10000)
        self.assertLess(time.monotonic() - began, 10)

    def test_more_members_than_a_group_may_have(self):
        """Those who are in it are not harmed, and other groups are taken."""
        fill(self.partition(), 1)
        self.front(listener={"members": 3})

        def join(group):
            client = self.client()
            error, member = client.joined(client.ask(JOIN_GROUP, 5, client.join_body(group)))
            self.assertEqual(error, MEMBER_ID_REQUIRED)
            return client, member, client.ask(JOIN_GROUP, 5, client.join_body(group, member))

        first, member, asked = join("g")
        self.assertEqual(first.joined(asked), (0, member))
        others = [join("g") for _ in range(2)]  # who wait for the first to join again
        late = self.client()
        self.assertEqual(late.joined(late.ask(JOIN_GROUP, 5, late.join_body("g")))[0], GROUP_MAX_SIZE_REACHED)
        again = first.ask(JOIN_GROUP, 5, first.join_body("g", member))
        for client, name, asked in (*others, (first, member, again), join("another")):
            self.assertEqual(client.joined(asked), (0, name))

    def test_writing_is_refused(self):
        log = fill(self.partition(), 2)
        self.front()
        client = self.client()
        for version in range(3, 10):
            self.assertIn(client.produce("t", batch(0, [b"x"]), version), (29, 44))
        self.assertEqual(client.fetch(Want("t")).one().records, log.data())
        # Who wants no answer can only be told by a close.
        client.ask(PRODUCE, 3, client.produce_body("t", batch(0, [b"x"]), acks=0))
        self.assertTrue(client.at_end())
        self.assertEqual(log.segment.read_bytes(), log.data())


class Many(KafkaCase):
    """Many at a time, and what one costs."""

    def descriptors(self, wanted):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skip(f"needs {wanted} descriptors, RLIMIT_NOFILE is {hard}")
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def clients(self, count, **options):
        return [self.client(**options) for _ in range(count)]

    def test_2000_who_wait_are_all_woken(self):
        self.descriptors(2500)
        log = fill(self.partition(), 1)
        sluice = self.front(listener={"longest_wait": "10m"})
        asked = [(client, client.ask_fetch([Want("t", offset=4)], max_wait=590_000)) for client in self.clients(100)]
        until(lambda: sluice.counter("kafka_waiting") == 100, "the first ones wait")
        before = sluice.rss_anon()
        asked += [(client, client.ask_fetch([Want("t", offset=4)], max_wait=590_000)) for client in self.clients(1900)]
        until(lambda: sluice.counter("kafka_waiting") == 2000, "all wait")
        each = (sluice.rss_anon() - before) / 1900
        began = time.monotonic()
        fill(log, 1)
        for client, correlation in asked:
            self.assertEqual(client.read_fetched(correlation).one().records, log.data(4))
        print(f"{each:.0f} bytes for each who waits; all 2000 answered in {time.monotonic() - began:.2f} s")
        if not sanitized():
            self.assertLess(each, 4 * KIB)
        for client, _ in asked:
            client.close()
        sluice.assert_nothing_left()

    def test_1000_slow_consumers(self):
        """Each has a response of 20 MiB under way, and reads a little of it now and then."""
        self.descriptors(1500)
        log = self.partition()
        for _ in range(20):
            log.append(bytes(MIB))
            log.roll()
        sluice = self.front()
        whole = log.data()

        def ask(clients):
            for client in clients:
                client.ask_fetch([Want("t", most=40 * MIB)])
                client.read_some(100)

        ask(self.clients(20, receive_buffer=4 * KIB))
        before, descriptors = sluice.rss_anon(), sluice.fd_count()
        slow = self.clients(1000, receive_buffer=4 * KIB)
        ask(slow)
        for _ in range(3):
            for client in slow:
                client.read_some(2 * KIB)
        each = (sluice.rss_anon() - before) / 1000
        print(f"{each:.0f} bytes for each slow consumer")
        if not sanitized():
            self.assertLess(each, 6 * KIB)
        # Not a descriptor more than their sockets: the segments' are shared.
        self.assertLessEqual(sluice.fd_count() - descriptors, 1010)
        # Nobody else is kept from anything.
        began = time.monotonic()
        self.assertEqual(self.client().fetch(Want("t", most=40 * MIB)).one().records, whole)
        self.assertLess(time.monotonic() - began, 10)

    def test_few_descriptors_serve_many_segments(self):
        logs = [fill(self.partition(index=index), 1) for index in range(50)]
        for log in logs:
            for _ in range(4):
                log.roll()
                fill(log, 1)
        sluice = self.front(listener={"open_segments": 4})
        client = self.client()
        before = sluice.fd_count()
        for log in logs:
            got = client.fetch(Want("t", log.index)).one().records
            self.assertEqual(got, log.data(before=16))  # no more segments than may be open
            self.assertEqual(client.fetch(Want("t", log.index, 16)).one().records, log.data(16))
            self.assertLessEqual(sluice.fd_count() - before, 8)
        partitions = client.fetch([Want("t", log.index) for log in logs]).topics["t"]
        self.assertEqual([partitions[log.index].records for log in logs], [log.data(before=16) for log in logs])
        until(lambda: sluice.fd_count() - before <= 8, "what was sent is closed again")


class Vanishing(KafkaCase):
    """Files that change while they are sent. A client sees right bytes, or a cut."""

    SIZE = 24

    def under_way(self, path):
        """A log of SIZE MiB, and a client that has the beginning of it."""
        log = self.partition(path)
        for _ in range(self.SIZE):
            log.append(Pattern.at(0, MIB))
        sluice = self.front(listener={"relay": {"path": path}})
        client = self.client(receive_buffer=16 * KIB, mss=1400)
        client.ask_fetch([Want(path, most=2 * self.SIZE * MIB)])
        got = bytearray()
        while len(got) < 100 * KIB:
            got += client.read_some()
        return log, sluice, client, got

    def rest(self, client, got):
        """Reads until the announced end or a cut; True when it was whole."""
        try:
            while len(got) < 4 + struct.unpack(">I", got[:4])[0]:
                data = client.read_some()
                if not data:
                    return False
                got += data
        except ConnectionResetError:
            return False
        return True

    def each_path(self):
        return ("auto", "buffered")

    def test_a_segment_that_is_cut_while_it_is_sent_cuts_the_connection(self):
        for path in self.each_path():
            with self.subTest(path=path):
                log, sluice, client, got = self.under_way(path)
                whole = log.data()
                os.truncate(log.segment, 10 * MIB)
                self.assertFalse(self.rest(client, got))
                sent = bytes(got[got.index(whole[:64]) :])
                self.assertGreater(len(sent), 100 * KIB - 200)
                self.assertEqual(sent, whole[: len(sent)])
                self.assertLessEqual(len(sent), 10 * MIB)
                client.close()
                entry = sluice.log_lines(lambda line: line.get("method") == "Fetch")[-1]
                self.assertEqual(entry["end"], "file-cut")
                with self.client() as another:  # what is left is served
                    found = until(lambda: another.fetch(Want(path, most=100 * MIB)).one(), "an answer")
                    self.assertEqual(found.records, log.data(before=9))
                sluice.assert_nothing_left()

    def test_a_segment_that_is_deleted_while_it_is_sent_is_sent_to_its_end(self):
        for path in self.each_path():
            for how in (lambda log: log.segment.unlink(), lambda log: shutil.rmtree(log.directory)):
                with self.subTest(path=path):
                    log, sluice, client, got = self.under_way(path)
                    whole = log.data()
                    how(log)
                    self.assertTrue(self.rest(client, got))
                    self.assertEqual(bytes(got[-len(whole) :]), whole)
                    client.close()
                    sluice.assert_nothing_left()
                    shutil.rmtree(log.directory, ignore_errors=True)

    def test_a_segment_that_is_compacted_has_another_file(self):
        log = fill(self.partition(), 20)
        log.roll()
        fill(log, 2)
        self.front()
        client = self.client()
        self.assertEqual(client.fetch(Want("t")).one().records, log.data())
        log.batches = [stored for n, stored in enumerate(log.batches) if n % 2 == 0 or stored.base >= 80]
        fresh = log.segments[0].with_suffix(".log.swap")
        fresh.write_bytes(log.data(before=80))
        fresh.rename(log.segments[0])
        until(lambda: client.fetch(Want("t")).one().records == log.data(), "the new file is served")
        for offset in (4, 5, 8, 76, 79):
            self.assertEqual(client.fetch(Want("t", offset=offset)).one().records, log.data(offset))

    def test_a_log_that_is_cut_and_written_anew(self):
        """As a follower does: whoever watches may only see that it is larger than before, or as large."""
        log = fill(self.partition(), 20)
        self.front(workers=2)
        chance = random.Random(3)

        def fetched():
            try:
                with self.client() as client:
                    return client.fetch(Want("t", most=8 * MIB)).one()
            except (Cut, OSError):  # it changed in the very moment
                return None

        for _ in range(30):
            for _ in range(10):
                del log.batches[chance.randrange(len(log.batches) + 1) :]
                log.next = log.batches[-1].last + 1 if log.batches else 0
                os.truncate(log.segment, len(log.data()))
                fill(log, chance.randint(1, 5), records=chance.randint(1, 5), size=chance.randint(10, 600))
                if chance.random() < 0.3:
                    fetched()
            right = log.data(), log.next
            until(lambda: (got := fetched()) and (got.records, got.high_watermark) == right, "it is right")

    def test_a_segment_that_is_emptied_again_and_again_is_no_crash(self):
        """Touching mapped pages that are gone ends a program, unless it minds: here it is a cut or an error."""
        log = fill(self.partition(), 400, size=1000)
        whole = log.segment.read_bytes()
        sluice = self.front()
        chance = random.Random(7)
        for _ in range(60):
            client = self.client()
            for _ in range(chance.randint(1, 3)):
                client.ask_fetch([Want("t", offset=chance.randrange(1600))])
            os.truncate(log.segment, chance.choice((0, 1, 4096, len(whole) // 2, len(whole) - 1)))
            try:
                client.finish()
                while client.read_some():
                    pass
            except OSError:  # it was cut before
                pass
            client.close()
            log.segment.write_bytes(whole)
        with self.client() as client:
            until(lambda: client.fetch(Want("t", offset=1500)).one().records == log.data(1500), "it is served again")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
