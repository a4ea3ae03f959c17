"""A client of Kafka that sends frames as it likes, and reads answers to the last byte.

It knows as many messages, in as many versions, as the tests need. Whatever it reads must be exactly what the protocol
says: an answer with a byte too many is an AssertionError, one that is cut short a Cut.
"""

import struct
from dataclasses import dataclass, field

from client import Body, Connection, Cut

PRODUCE, FETCH, LIST_OFFSETS, METADATA, OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 0, 1, 2, 3, 8, 9, 10
JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP, API_VERSIONS = 11, 12, 13, 14, 18
# The first version of each with compact strings and tagged fields.
FLEXIBLE = {PRODUCE: 9, FETCH: 12, LIST_OFFSETS: 6, METADATA: 9, OFFSET_COMMIT: 8, OFFSET_FETCH: 6, FIND_COORDINATOR: 3,
            JOIN_GROUP: 6, HEARTBEAT: 4, LEAVE_GROUP: 4, SYNC_GROUP: 4, API_VERSIONS: 3}  # fmt: skip

EARLIEST, LATEST = -2, -1  # instead of a time, in list_offsets()
NO_ID = bytes(16)


# --- primitive types ---------------------------------------------------------------------------------------------


def i8(value):
    return struct.pack(">b", value)


def i16(value):
    return struct.pack(">h", value)


def i32(value):
    return struct.pack(">i", value)


def i64(value):
    return struct.pack(">q", value)


def uvarint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


class Words:
    """The types whose encoding differs in flexible versions."""

    def __init__(self, flexible):
        self.flexible = flexible
        self.tags = b"\0" if flexible else b""  # no tagged fields

    def text(self, value):
        data = None if value is None else value.encode()
        if self.flexible:
            return uvarint(0 if data is None else len(data) + 1) + (data or b"")
        return i16(-1 if data is None else len(data)) + (data or b"")

    def data(self, value):
        if self.flexible:
            return uvarint(0 if value is None else len(value) + 1) + (value or b"")
        return i32(-1 if value is None else len(value)) + (value or b"")

    def array(self, elements):
        """Elements that are encoded already; None: null."""
        count = -1 if elements is None else len(elements)
        return (uvarint(count + 1) if self.flexible else i32(count)) + b"".join(elements or ())


class Answer:
    """An answer's body, read field by field."""

    def __init__(self, data, flexible):
        self._data, self._at, self._flexible = data, 0, flexible

    def take(self, size):
        if size < 0 or self._at + size > len(self._data):
            raise AssertionError(f"the answer ends within a field of {size} bytes at {self._at} of {len(self._data)}")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def i8(self):
        return self.number("b")

    def i16(self):
        return self.number("h")

    def i32(self):
        return self.number("i")

    def i64(self):
        return self.number("q")

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def text(self):
        size = self.uvarint() - 1 if self._flexible else self.i16()
        return None if size < 0 else self.take(size).decode()

    def size(self):
        """Of bytes, records or an array; -1 is null."""
        return self.uvarint() - 1 if self._flexible else self.i32()

    def array(self, element):
        size = self.size()
        return None if size < 0 else [element() for _ in range(size)]

    def tags(self):
        """Ends a struct. The answers here have no tagged fields but those that are skipped."""
        for _ in range(self.uvarint() if self._flexible else 0):
            self.uvarint()
            self.take(self.uvarint())

    def end(self):
        if self._at != len(self._data):
            raise AssertionError(f"{len(self._data) - self._at} bytes behind the last field")


# --- what is asked and answered ------------------------------------------------------------------------------------


@dataclass
class Want:
    """A partition of a fetch. `topic`: its name, or its id (bytes) from version 13 on."""

    topic: object
    partition: int = 0
    offset: int = 0
    most: int = 1 << 20
    leader_epoch: int = -1


@dataclass
class Got:
    """A partition of the answer."""

    partition: int
    error: int
    high_watermark: int
    last_stable: int
    log_start: int
    aborted: list  # (producer id, first offset), or None: null
    preferred_replica: int
    records: bytes  # None: null


@dataclass
class Fetched:
    error: int = 0
    session: int = 0
    topics: dict = field(default_factory=dict)  # name or id -> {partition: Got}

    def one(self):
        """The answer's only partition."""
        (partitions,) = self.topics.values()
        (got,) = partitions.values()
        return got


@dataclass
class Topic:
    error: int
    name: str
    id: bytes
    partitions: dict  # index -> (error, leader)


@dataclass
class Cluster:
    brokers: dict  # node -> (host, port)
    id: str
    controller: int
    topics: dict  # name -> Topic


class KafkaClient(Connection):
    def __init__(self, port, **options):
        """`options` are Connection's."""
        super().__init__(port, **options)
        self._correlation = 0

    # --- frames --------------------------------------------------------------------------------------------------

    def request(self, key, version, body=b"", client_id="test"):
        """A frame, and the correlation id it asks with."""
        self._correlation += 1
        header = i16(key) + i16(version) + i32(self._correlation) + Words(False).text(client_id)
        if version >= FLEXIBLE.get(key, 1 << 15):
            header += b"\0"
        return i32(len(header + body)) + header + body, self._correlation

    def ask(self, key, version, body=b""):
        """Sends a request and returns its correlation id."""
        frame, correlation = self.request(key, version, body)
        self.send(frame)
        return correlation

    def read_frame(self):
        """The next answer's bytes, its correlation id first."""
        size = Body()
        self.read_exactly(4, size)
        (length,) = struct.unpack(">i", size.kept)
        if length < 4:
            raise AssertionError(f"an answer of {length} bytes")
        data = bytearray()
        while len(data) < length:
            some = self.read_some(length - len(data))
            if not some:
                raise Cut(f"{length - len(data)} of {length} bytes missing")
            data += some
        return bytes(data)

    def answer(self, key, version, correlation):
        """The answer to the request of that id, which must be the next one."""
        data = self.read_frame()
        told = struct.unpack(">i", data[:4])[0]
        if told != correlation:
            raise AssertionError(f"answer {told} where {correlation} was to come")
        flexible = version >= FLEXIBLE.get(key, 1 << 15)
        answer = Answer(data[4:], flexible)
        if flexible and key != API_VERSIONS:  # whose header never changed
            answer.tags()
        return answer

    def call(self, key, version, body=b""):
        return self.answer(key, version, self.ask(key, version, body))

    # --- messages ------------------------------------------------------------------------------------------------

    def api_versions(self, version=0):
        """(error, {key: (least, most)}). With error 35 the answer has the layout of version 0."""
        words = Words(version >= 3)
        body = words.text("test") + words.text("1") + words.tags if version >= 3 else b""
        data = self.read_frame_of(self.ask(API_VERSIONS, version, body))
        error = struct.unpack(">h", data[:2])[0]
        answer = Answer(data, version >= 3 and error != 35)

        def api():
            found = answer.i16(), (answer.i16(), answer.i16())
            answer.tags()
            return found

        answer.i16()
        apis = answer.array(api)
        if version >= 1 and error != 35:
            answer.i32()
        answer.tags()
        answer.end()
        return error, dict(apis)

    def read_frame_of(self, correlation):
        data = self.read_frame()
        if struct.unpack(">i", data[:4])[0] != correlation:
            raise AssertionError(f"another answer than {correlation}: {data[:4]!r}")
        return data[4:]

    def metadata(self, topics=None, version=4):
        """`topics`: names, or ids (bytes, from version 12 on); None: all."""
        words = Words(version >= 9)

        def asked(topic):
            name, identity = (None, topic) if isinstance(topic, bytes) else (topic, NO_ID)
            return (identity if version >= 10 else b"") + words.text(name) + words.tags

        if topics is None and version == 0:
            topics = []  # which means all there
        body = words.array(None if topics is None else [asked(topic) for topic in topics])
        body += i8(0) if version >= 4 else b""
        body += i8(0) if 8 <= version <= 10 else b""
        body += i8(0) if version >= 8 else b""
        answer = self.call(METADATA, version, body + words.tags)

        def broker():
            node, host, port = answer.i32(), answer.text(), answer.i32()
            if version >= 1:
                answer.text()
            answer.tags()
            return node, (host, port)

        def partition():
            error, index, leader = answer.i16(), answer.i32(), answer.i32()
            if version >= 7:
                answer.i32()
            for _ in range(3 if version >= 5 else 2):
                answer.array(answer.i32)
            answer.tags()
            return index, (error, leader)

        def topic():
            error, name = answer.i16(), answer.text()
            identity = answer.take(16) if version >= 10 else NO_ID
            if version >= 1:
                answer.i8()
            partitions = answer.array(partition)
            if version >= 8:
                answer.i32()
            answer.tags()
            return Topic(error, name, identity, dict(partitions))

        if version >= 3:
            answer.i32()
        brokers = answer.array(broker)
        cluster = answer.text() if version >= 2 else None
        controller = answer.i32() if version >= 1 else -1
        found = answer.array(topic)
        if 8 <= version <= 10:
            answer.i32()
        answer.tags()
        answer.end()
        return Cluster(dict(brokers), cluster, controller, {topic.name or topic.id: topic for topic in found})

    def list_offsets(self, wanted, version=2, isolation=0, leader_epoch=-1):
        """`wanted`: {(topic, partition): time}. Returns {(topic, partition): (error, time, offset)}."""
        words = Words(version >= 6)

        def asked(topic, partition, time):
            epoch = i32(leader_epoch) if version >= 4 else b""
            one = i32(partition) + epoch + i64(time) + words.tags
            return words.text(topic) + words.array([one]) + words.tags

        body = i32(-1) + (i8(isolation) if version >= 2 else b"")
        body += words.array([asked(*place, time) for place, time in wanted.items()])
        answer = self.call(LIST_OFFSETS, version, body + words.tags)
        found = {}

        def partition(topic):
            index, error, time, offset = answer.i32(), answer.i16(), answer.i64(), answer.i64()
            if version >= 4:
                answer.i32()
            answer.tags()
            found[topic, index] = error, time, offset

        def topic():
            name = answer.text()
            answer.array(lambda: partition(name))
            answer.tags()

        if version >= 2:
            answer.i32()
        answer.array(topic)
        answer.tags()
        answer.end()
        return found

    @staticmethod
    def fetch_body(
        wants, version=11, max_wait=0, min_bytes=1, most=0x7FFFFFFF, isolation=0, session=(0, -1), forgotten=()
    ):
        """`session`: (id, epoch), from version 7 on."""
        words = Words(version >= 12)

        def named(topic):
            return topic if version >= 13 else words.text(topic)

        def asked(want):
            out = i32(want.partition)
            out += i32(want.leader_epoch) if version >= 9 else b""
            out += i64(want.offset)
            out += i32(-1) if version >= 12 else b""
            out += i64(-1) if version >= 5 else b""
            return out + i32(want.most) + words.tags

        topics = {}
        for want in wants:
            topics.setdefault(want.topic, []).append(asked(want))
        body = i32(-1) if version <= 14 else b""
        body += i32(max_wait) + i32(min_bytes) + i32(most) + i8(isolation)
        body += i32(session[0]) + i32(session[1]) if version >= 7 else b""
        body += words.array([named(t) + words.array(parts) + words.tags for t, parts in topics.items()])
        if version >= 7:
            body += words.array([named(t) + words.array([i32(p) for p in ps]) + words.tags for t, ps in forgotten])
        body += words.text("") if version >= 11 else b""
        return body + words.tags

    def ask_fetch(self, wants, version=11, **more):
        return self.ask(FETCH, version, self.fetch_body(wants, version, **more))

    def read_fetched(self, correlation, version=11):
        answer = self.answer(FETCH, version, correlation)
        fetched = Fetched()

        def partition():
            got = Got(answer.i32(), answer.i16(), answer.i64(), answer.i64(), -1, None, -1, None)
            if version >= 5:
                got.log_start = answer.i64()

            def transaction():
                found = answer.i64(), answer.i64()
                answer.tags()
                return found

            got.aborted = answer.array(transaction)
            if version >= 11:
                got.preferred_replica = answer.i32()
            size = answer.size()
            got.records = None if size < 0 else answer.take(size)
            answer.tags()
            return got

        def topic():
            name = answer.take(16) if version >= 13 else answer.text()
            partitions = fetched.topics.setdefault(name, {})
            for got in answer.array(partition):
                if got.partition in partitions:
                    raise AssertionError(f"partition {got.partition} of {name} stands twice in the answer")
                partitions[got.partition] = got
            answer.tags()

        answer.i32()
        if version >= 7:
            fetched.error, fetched.session = answer.i16(), answer.i32()
        answer.array(topic)
        answer.tags()
        answer.end()
        return fetched

    def fetch(self, wants, version=11, **more):
        """Asks and reads. `wants`: one Want, or a list."""
        wants = [wants] if isinstance(wants, Want) else wants
        return self.read_fetched(self.ask_fetch(wants, version, **more), version)

    @staticmethod
    def produce_body(topic, batch, acks=1, version=3):
        words = Words(version >= 9)
        body = words.text(None) if version >= 3 else b""
        body += i16(acks) + i32(1000)
        one = i32(0) + words.data(batch) + words.tags
        return body + words.array([words.text(topic) + words.array([one]) + words.tags]) + words.tags

    @staticmethod
    def join_body(group, member="", metadata=b""):
        """Of version 5."""
        words = Words(False)
        out = words.text(group) + i32(10_000) + i32(10_000) + words.text(member) + words.text(None)
        return out + words.text("consumer") + words.array([words.text("range") + words.data(metadata)])

    def joined(self, correlation):
        """(error, the member's id) of the answer in version 5."""
        answer = self.answer(JOIN_GROUP, 5, correlation)
        answer.i32()
        error = answer.i16()
        answer.i32(), answer.text(), answer.text()
        return error, answer.text()

    def produce(self, topic, batch, version=3):
        """The error of the one partition."""
        answer = self.call(PRODUCE, version, self.produce_body(topic, batch, version=version))
        errors = []

        def partition():
            answer.i32()
            errors.append(answer.i16())
            if answer.i64() != -1:
                raise AssertionError("an offset for what was not taken")
            if version >= 2:
                answer.i64()
            if version >= 5:
                answer.i64()
            if version >= 8:
                answer.array(lambda: (answer.i32(), answer.text(), answer.tags()))
                answer.text()
            answer.tags()

        answer.array(lambda: (answer.text(), answer.array(partition), answer.tags()))
        if version >= 1:
            answer.i32()
        answer.tags()
        answer.end()
        (error,) = errors
        return error
