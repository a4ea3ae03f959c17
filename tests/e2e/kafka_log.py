"""Log directories as a broker writes them: batches of records in segments, byte by byte.

What has to be there is written and nothing else; indexes are left out, for a reader must do without them. Tests compare
with Partition.data(), the very bytes of the files.
"""

import base64
import functools
import struct
import time
from dataclasses import dataclass
from pathlib import Path

TRANSACTIONAL, CONTROL = 0x10, 0x20
ABORT, COMMIT = 0, 1


@functools.lru_cache(maxsize=None)
def _table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


def crc32c(data):
    table, crc = _table(), 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def varint(value):
    """Zigzag, as the numbers within records are."""
    value = (value << 1) ^ (value >> 63)
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out + bytes([value]))


def _sized(data):
    return varint(-1) if data is None else varint(len(data)) + data


def _record(delta, key, value):
    body = b"\0" + varint(0) + varint(delta) + _sized(key) + _sized(value) + varint(0)
    return varint(len(body)) + body


@functools.lru_cache(maxsize=256)
def _batch(values, timestamp, attributes, producer, key):
    """All but the base offset, which the checksum leaves out: equal batches are made once."""
    records = b"".join(_record(delta, key, value) for delta, value in enumerate(values))
    last, sequence = len(values) - 1, -1 if producer < 0 else 0
    rest = struct.pack(">hiqqqhii", attributes, last, timestamp, timestamp, producer, sequence, sequence, len(values))
    rest += records
    return struct.pack(">iibI", 4 + 1 + 4 + len(rest), 0, 2, crc32c(rest)) + rest


def batch(base, values, timestamp=1_700_000_000_000, attributes=0, producer=-1, key=None):
    """A batch of magic 2 of those values (bytes, or None), the first at offset `base`."""
    return struct.pack(">q", base) + _batch(tuple(values), timestamp, attributes, producer, key)


@dataclass
class Stored:
    base: int
    last: int
    data: bytes


class Partition:
    """Begins empty, with one segment at offset `start`. `identity`: the topic's id, 16 bytes."""

    def __init__(self, root, topic, index=0, start=0, identity=None):
        self.topic, self.index = topic, index
        self.directory = Path(root) / f"{topic}-{index}"
        self.directory.mkdir()
        self.next = start
        self.batches = []
        if identity:
            words = base64.urlsafe_b64encode(identity).decode().rstrip("=")
            (self.directory / "partition.metadata").write_text(f"version: 0\ntopic_id: {words}")
        self.roll()

    def _name(self, suffix):
        return self.directory / f"{self._base:020d}.{suffix}"

    @property
    def segment(self):
        """The file that is appended to."""
        return self._name("log")

    @property
    def segments(self):
        return sorted(self.directory.glob("*.log"))

    def roll(self):
        self._base = self.next
        self.segment.touch()

    def append(self, *values, **more):
        """One batch, written with one call as a broker's are; `more` is batch()'s."""
        stored = Stored(self.next, self.next + len(values) - 1, batch(self.next, values, **more))
        with open(self.segment, "ab", buffering=0) as file:
            file.write(stored.data)
        self.batches.append(stored)
        self.next = stored.last + 1
        return stored

    def skip(self, offsets):
        """What compaction leaves: offsets without records."""
        self.next += offsets

    def mark(self, producer, how):
        """Ends a producer's transaction with a control batch."""
        key, value = struct.pack(">hh", 0, how), struct.pack(">hi", 0, 0)
        return self.append(value, key=key, attributes=TRANSACTIONAL | CONTROL, producer=producer)

    def abort(self, producer, first):
        """`first`: the offset of the transaction's first record. The segment's index of aborted ones is told, too."""
        marker = self.mark(producer, ABORT)
        with open(self._name("txnindex"), "ab", buffering=0) as file:
            file.write(struct.pack(">hqqqq", 0, producer, first, marker.last, self.next))
        return marker

    def data(self, base=0, before=None):
        """The bytes of the batches that end at or above `base`, and begin below `before`."""
        return b"".join(b.data for b in self.batches if b.last >= base and (before is None or b.base < before))


def fill(partition, batches, records=4, size=200):
    """Batches that differ from each other, every record's value telling where it is."""
    for _ in range(batches):
        base = partition.next
        partition.append(*(f"{base + i}:".encode().ljust(size, b".") for i in range(records)))
    return partition


def now():
    """As records' timestamps are."""
    return int(time.time() * 1000)
