"""The matrix: what travels x what befalls it x the path it is made to take.

Each cell is one raw exchange. The buffered path is the oracle: by every other one the client must get the same status,
fields, body and end, and the origin the same request. The oracle is held against what was sent, so that two equal
wrongs don't pass.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ends import Cell, ClientSide, OriginSide, head_of
from harness import Case, Connection, Pattern, get, until
from matrix import (
    CONDITIONS, KIB, KINDS, MIB, ORACLE, PATHS, PIPES, SLOW, SMALL_SEGMENTS, UP, WHOLE, WITHOUT_MEANING, has_meaning,
)  # fmt: skip
from sluice import BINARY

ORIGINS = {"app": {}, "slow": SLOW, "small": SMALL_SEGMENTS, "leaving": {}}
AT_A_TIME = 8


class Matrix(Case):
    kinds, conditions, paths = KINDS, CONDITIONS, PATHS

    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="sluice-matrix-"))
        self.addCleanup(shutil.rmtree, self.root, True)
        self.write("data.bin", WHOLE.data)
        self.write("after", b"after")
        self.cells = []
        routes = OriginSide(self.cells).routes()
        self.origins = {name: self.origin(routes, **options) for name, options in ORIGINS.items()}

    def write(self, name, data, size=None):
        """A file; what `size` goes beyond `data` is a hole. All are of one age, because their clients see it."""
        (self.root / name).write_bytes(data)
        os.truncate(self.root / name, size or len(data))
        os.utime(self.root / name, (1e9, 1e9))

    def sluice(self, pipes):
        """One for all paths: the first segment of a target names the path, the second who answers."""
        upstreams = {name: {"servers": [f"127.0.0.1:{origin.port}"]} for name, origin in self.origins.items()}
        # A POST that meets a connection at the moment its origin leaves it is lost, and may not be sent again.
        upstreams["leaving"]["idle_connections"] = 0
        handlers = {"files": {"files": str(self.root)}, **{name: {"proxy": name} for name in ORIGINS}}
        routes = [
            {"path": f"/{path}/{name}", "strip_prefix": True, "relay": {"path": path}, **handler}
            for path in self.paths
            for name, handler in handlers.items()
        ]
        self.port = None
        return self.start(self.http_config([], routes=routes, upstreams=upstreams, limits=PIPES[pipes]))

    def client(self):
        return ClientSide(self.port, self.root)

    def cell(self, kind, condition, path):
        file = "data.bin"
        if kind.play == "file" and (condition.early_end or condition.client == "resets"):
            file = f"data-{len(self.cells)}.bin"  # its own, and larger than all buffers on the way
            self.write(file, WHOLE.data, size=64 * MIB)
        self.cells.append(Cell(len(self.cells), kind, condition, path, file))
        return self.cells[-1]

    @contextlib.contextmanager
    def scarce(self, sluice, pipes):
        """No pipe: a client that takes nothing holds the only one."""
        if pipes != "none" or self.portable:
            yield
            return
        with Connection(self.port, **SLOW) as hog:
            hog.send(head_of("GET /splice/app/hog HTTP/1.1", "Host: test.example"))
            until(lambda: sluice.counter("pipes_in_use") == 1, "the only pipe is in use")
            yield
            self.assertEqual(sluice.counter("pipes_in_use"), 1, "the only pipe is still in use")
            hog.reset()

    def test_every_path_gives_what_the_buffered_one_gives(self):
        for pipes in PIPES:
            meeting = [
                (k, c) for c in self.conditions for k in self.kinds if c.pipes == pipes and has_meaning(k, c)
            ]
            if not meeting:
                continue
            sluice = self.sluice(pipes)
            oracles = {}
            for path in self.paths:
                cells = [
                    self.cell(kind, condition, path)
                    for kind, condition in meeting
                    if path != "mmap" or kind.play == "file"  # it would be "auto" once more
                ]
                client = self.client()
                with self.scarce(sluice, pipes), ThreadPoolExecutor(AT_A_TIME) as pool:
                    played = {cell: pool.submit(client.play, cell) for cell in cells}
                for cell, future in played.items():
                    with self.subTest(cell=str(cell)):
                        outcome = future.result()
                        if path == ORACLE:
                            oracles[cell.kind, cell.condition] = outcome
                        self.assert_true(cell, outcome)
                        self.assert_same(cell, outcome, oracles[cell.kind, cell.condition])
                targets = {cell.target for cell in cells}
                lines = sluice.log_lines(lambda line: line["target"] in targets, count=len(cells))
                entries = {line["target"]: line for line in lines}
                for cell in cells:
                    with self.subTest(cell=str(cell)):
                        self.assert_logged(cell, entries[cell.target])
                sluice.assert_nothing_left()
        without = len(self.kinds) * len(self.conditions) * len(self.paths) - len(self.cells)
        print(f"matrix: {len(self.cells)} cells, {without} without meaning")

    # --- judging ---------------------------------------------------------------------------------------------

    def assert_true(self, cell, outcome):
        """What was sent is what came; of a broken body a part came, and it looks broken."""
        kind = cell.kind
        self.assertIsNone(cell.down.wrong_at, "first wrong byte at the client")
        self.assertIsNone(cell.up.wrong_at, "first wrong byte at the origin")
        client_end, origin_end, _ = self.ends(cell)
        self.assertEqual((outcome.end, outcome.origin_end), (client_end, origin_end))
        down = 0 if kind.play == "upload" else kind.wire.size
        up = {"upload": kind.wire, "tunnel": UP}[kind.play].size if kind.play in ("upload", "tunnel") else 0
        if not cell.breaks():
            self.assertEqual((outcome.status, outcome.down[0], outcome.up[0]), (kind.status, down, up))
            stays = kind.stays and cell.condition.client != "half-closes"
            self.assertEqual(outcome.after, None if kind.play == "tunnel" else "answers" if stays else "ends")
        elif kind.play == "upload":
            self.assertEqual(outcome.status, 502 if cell.condition.origin == "resets" else None)
            self.assertLessEqual(outcome.up[0], up)
        else:
            self.assertEqual(outcome.status, kind.status)
            self.assertLessEqual(outcome.down[0], down)

    def assert_same(self, cell, outcome, oracle):
        """How much comes through before a break is not promised, but where a FIN comes behind all that was sent."""
        sizes_may_differ = cell.breaks() and (cell.condition.resets() or cell.kind.play == "file")
        for name, value in vars(outcome).items():
            if not (sizes_may_differ and name in ("up", "down")):
                self.assertEqual(value, getattr(oracle, name), f"{name}, unlike by the buffered path")

    def assert_logged(self, cell, entry):
        kind, path = cell.kind, cell.path
        self.assertIn(entry["end"], self.ends(cell)[2], entry)
        way, *why = self.way(cell, entry)
        if kind.play != "upload":  # the log tells the path of the response
            self.assert_way(entry, way, *why)
        if why != ["trickle"]:  # whose other direction may have gone either way
            self.assertEqual(entry["zero_copy"] > 0, way in ("splice", "sendfile") and not self.portable, entry)
        self.assertGreaterEqual(entry["bytes_in"], cell.up.size, entry)
        if kind.play != "upload":
            self.assertGreaterEqual(entry["bytes_out"], cell.down.size, entry)

    def ends(self, cell):
        """How it has to end for the client, the origin and the log."""
        return cell.ends()

    def way(self, cell, entry):
        """The path really taken, and its reasons."""
        kind, path = cell.kind, cell.path
        if kind.why == "no-body" and kind.play != "upload":
            return "none", "no-body"
        if path == "buffered":
            return "buffered", "forced"
        if kind.play == "file":
            return ("mmap" if path == "mmap" else "sendfile"), ("forced" if path in ("mmap", "sendfile") else "file")
        # What is quiet for a moment may be no stream, unless it is made one.
        if kind.play == "tunnel" and path != "splice" and entry["why"] == "trickle":
            return "buffered", "trickle"
        if cell.condition.pipes in ("one-page", "none"):
            return "buffered", "no-pipe"
        return "splice", "forced" if path == "splice" else kind.why


# Fills the quota of the user it runs as, to where a new pipe has hardly a page; keeps it until its input ends.
TAKE_ALL_PIPE_PAGES = """
import fcntl, os, sys
taken = []
while not taken or fcntl.fcntl(taken[-1], fcntl.F_GETPIPE_SZ) > 2 * 4096:
    taken.append(os.pipe()[1])
    try:
        fcntl.fcntl(taken[-1], fcntl.F_SETPIPE_SZ, 1 << 20)
    except PermissionError:
        pass
print("taken", flush=True)
sys.stdin.read()
"""


class Quota(Case):
    """One-page pipes once more, as one really meets them: a user's quota of pipe pages is used up."""

    def another_user(self):
        """A number that is nobody's, so that nobody else's quota is used. Skips where we may not become it."""
        user = 30000 + os.getpid() % 30000
        limit = int(Path("/proc/sys/fs/pipe-user-pages-soft").read_text())
        reason = None
        if limit == 0:
            reason = "this kernel has no quota of pipe pages (fs.pipe-user-pages-soft is 0)"
        try:
            subprocess.run([BINARY, "version"], check=True, capture_output=True, user=user, group=user, extra_groups=[])
        except (OSError, subprocess.SubprocessError) as failure:
            reason = f"needs to run {BINARY} as another user: {failure}"
        if reason:
            self.skip(reason)
        return user

    def test_past_the_quota_bodies_are_copied_and_later_spliced_again(self):
        user = self.another_user()
        filler = subprocess.Popen(
            [sys.executable, "-c", TAKE_ALL_PIPE_PAGES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            user=user, group=user, extra_groups=[],
        )  # fmt: skip
        self.addCleanup(filler.kill)
        self.assertEqual(filler.stdout.readline(), "taken\n")
        origin = self.origin()
        sluice = self.start(self.http_config([origin.port]), user=user)

        def fetch(target, size):
            self.assert_whole(get(self.port, target, expected=Pattern.at), size)
            return sluice.log_line(target)

        for target in (f"/length/{MIB}", f"/chunked/{MIB}/{64 * KIB}", f"/close/{MIB}"):
            with self.subTest(target=target):
                self.assert_way(fetch(target, MIB), "buffered", "no-pipe")
        if not self.portable:
            self.assertGreaterEqual(sluice.counter("pipes_refused"), 3)
        filler.communicate()  # its end gives the pages back
        self.assert_way(fetch(f"/length/{2 * MIB}", 2 * MIB), "splice", "large")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
