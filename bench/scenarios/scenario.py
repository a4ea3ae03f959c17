"""A scenario: what tables over sizes can't show. It starts its peers, measures them and leaves nothing behind."""

import contextlib
import copy
import dataclasses

import peers
from work import Absent, Size, Wrong


@dataclasses.dataclass(frozen=True)
class Column:
    key: str
    title: str
    digits: int = 1
    better: str = "less"  # or "more", or "" where neither is


class Stage:
    """What a scenario is given: the ground, how long it may take, and where to say what was not measured."""

    def __init__(self, ground, scale="full", wants=lambda peer: True, say=lambda text: None):
        self.ground = ground
        self.scale = scale  # "full", "quick" or "smoke"
        self.wants = wants  # whether a peer is to be measured
        self.say = say
        self.absent = []

    def of(self, full, quick, smoke):
        return {"full": full, "quick": quick, "smoke": smoke}[self.scale]

    @property
    def samples(self):
        return self.of(3, 1, 1)

    @property
    def seconds(self):
        """Of one sample, where it is a load that is measured."""
        return self.of(0.4, 0.2, 0.1)

    def ground_for(self, connections):
        """The ground again, for peers that have to hold so many connections."""
        ground = copy.copy(self.ground)
        ground.connections = connections
        return ground


class Rows:
    """Gathers samples by peer and label, in the order they were first named."""

    def __init__(self):
        self._rows = {}

    def _row(self, peer, label):
        return self._rows.setdefault((peer, label), {"peer": peer, "label": label, "values": {}, "void": None})

    def add(self, peer, label, **values):
        row = self._row(peer, label)
        for key, value in values.items():
            row["values"].setdefault(key, []).append(value)

    def void(self, peer, label, why):
        self._row(peer, label)["void"] = str(why)

    def told(self, columns):
        """As the result has them: a void row has no figures."""
        rows = list(self._rows.values())
        for row in rows:
            values = {} if row["void"] else row["values"]
            row["values"] = {column.key: values.get(column.key, []) for column in columns}
        return rows


class Scenario:
    """Each of this folder makes some; __init__.py lists them."""

    name = ""  # for --only
    title = ""
    lead = ""  # a sentence: what is done and measured
    columns = ()
    sizes = ("1KiB",)  # of the files that are asked for
    peers = ("sluice", "nginx", "haproxy", "h2o")
    seconds = 30  # that it takes as a whole, about

    def measure(self, stage, rows):
        raise NotImplementedError

    def run(self, stage):
        """The scenario as the result has it."""
        rows = Rows()
        stage.ground.write_files(map(Size.parse, self.sizes))
        try:
            self.measure(stage, rows)
        except Absent as why:
            stage.absent += [{"table": self.name, "peer": name, "why": str(why)} for name in self.names(stage)]
        return {
            "name": self.name,
            "title": self.title,
            "lead": self.lead,
            "columns": [dataclasses.asdict(column) for column in self.columns],
            "rows": rows.told(self.columns),
        }

    def expected(self, scale):
        """Seconds, about, for the display of progress."""
        return {"full": self.seconds, "quick": self.seconds / 10, "smoke": 1}[scale]

    def names(self, stage):
        return [name for name in self.peers if stage.wants(name)]

    @contextlib.contextmanager
    def started(self, stage, names=None, connections=4096, start=None):
        """The running peers by name; those that can't be had are told as absent."""
        ground = stage.ground_for(connections)
        start = start or (lambda name: peers.registry()[name].start(ground))
        running = {}
        try:
            for name in names or self.names(stage):
                try:
                    running[name] = start(name)
                except Absent as why:
                    absent = {"table": self.name, "peer": name, "why": str(why)}
                    if absent not in stage.absent:
                        stage.absent.append(absent)
            yield running
        finally:
            for process in running.values():
                process.stop()

    def each(self, stage, rows, running, labels, sample):
        """Rounds over labels and peers, interleaved: whatever the machine does meanwhile meets all alike. `sample` is
        called with name, process and label, and gives the values. What goes wrong voids the row."""
        names, wrong = list(running), set()
        for label in labels:
            for n in range(stage.samples):
                for i in range(len(names)):
                    name = names[(i + n) % len(names)]  # nobody is always first
                    if (name, label) in wrong:
                        continue
                    stage.say(f"{self.name}: {label}, {name}")
                    try:
                        values = sample(name, running[name], label)
                    except Wrong as why:
                        wrong.add((name, label))
                        rows.void(name, label, why)
                    else:
                        rows.add(name, label, **values)
