"""What is measured: works, the sizes of their bodies, and a sample of one of them."""

import dataclasses
import re

import perf

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class Absent(Exception):
    """This can't be measured here; says why."""


class Wrong(Exception):
    """A wrong byte, or an error: the row is void; says why."""


@dataclasses.dataclass(frozen=True)
class Size:
    bytes: int

    @property
    def name(self):
        for unit, one in (("GiB", GIB), ("MiB", MIB), ("KiB", KIB)):
            if self.bytes >= one:
                return f"{self.bytes // one} {unit}"
        return f"{self.bytes} B"

    @property
    def file(self):
        return self.name.replace(" ", "")

    @property
    def at_once(self):
        """So many requests are under way at the same time."""
        return 16 if self.bytes <= 10 * MIB else 4

    @property
    def large(self):
        """The load stops in the middle of such bodies, whose bytes have been paid for: they are counted as parts."""
        return self.bytes >= MIB

    @property
    def longer(self):
        """So many times as long a sample has to be: what a peer reads ahead is a part of it."""
        return 1 if self.bytes <= 10 * MIB else 2

    @staticmethod
    def parse(text):
        found = re.fullmatch(r"(\d+) ?([KMG])iB", text.strip())
        if found is None:
            raise ValueError(f"no size: {text} (like 4KiB, 1MiB, 1GiB)")
        return Size(int(found[1]) * {"K": KIB, "M": MIB, "G": GIB}[found[2]])


SIZES = [Size(n) for n in (KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 10 * MIB, 100 * MIB, GIB)]


@dataclasses.dataclass
class Load:
    """What a load was answered, told by the one who made it. Percentiles are None where nothing was completed."""

    requests: float
    bytes: int
    seconds: float
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None


@dataclasses.dataclass
class Sample:
    """A load, and the seconds of processor time that the peer took for it."""

    requests: float
    bytes: int
    seconds: float
    user: float
    system: float
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    cycles: int | None = None
    instructions: int | None = None
    cache_misses: int | None = None  # of the last level: as many lines from memory


class Work:
    """A table. Each of works/ makes some; works/__init__.py lists them."""

    name = ""  # for --only
    title = ""
    unit = "request"  # what a row's cost is told in
    set_up = None  # a word for how its peers are configured, where that is another way than for most tables
    sizes = SIZES
    peers = ()  # their names, in the order of the table

    def at_once(self, size):
        """So many requests, or streams, are under way at the same time."""
        return size.at_once

    def lacks(self, peer):
        """Why a peer, installed or not, has no part in it; None: it has."""
        return None

    def start(self, peer, ground):
        """The running Process of a peer; raises Absent."""
        raise NotImplementedError

    def config(self, peer, ground):
        """The text of its configuration, once it was started; None where it has none."""
        return None

    def tools(self):
        """[(name, version, command)] of what drives it."""
        return []

    def check(self, process, size, ground, seconds=None):
        """Compares a body with what it has to be, or as much of it as comes in `seconds`; raises Wrong."""
        raise NotImplementedError

    def load(self, process, size, seconds):
        """Makes the load and gives a Load; raises Wrong."""
        raise NotImplementedError

    def under_load(self, process, size):
        """A context in which the load goes on and nothing is measured."""
        raise NotImplementedError


def measure(work, process, size, seconds):
    """One sample. It takes longer where a busy machine or a large body leaves nothing to count."""
    for longer in (1, 5, 25):
        wanted = seconds * size.longer * longer
        before = process.cpu()
        with perf.counting(process.pids()) as counted:
            load = work.load(process, size, wanted)
        used = process.cpu() - before
        if not process.alive:
            raise Wrong("it ended under the load")
        if load.requests > 0:
            return Sample(**dataclasses.asdict(load), user=used.user, system=used.system, **counted)
    raise Wrong(f"nothing was answered in {wanted:g} s")
