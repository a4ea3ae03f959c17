"""bench/run works: a moment of everything there is to measure. Nothing is asserted of how long anything took."""

import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
sys.path.append(str(ROOT / "tests" / "e2e"))

import options  # noqa: E402
import scenarios  # noqa: E402
import scenarios  # noqa: E402
import works  # noqa: E402
from ground import Ground  # noqa: E402
from process import Process, free_port  # noqa: E402
from progress import Progress  # noqa: E402
from table import Table  # noqa: E402
from waiting import until  # noqa: E402
from works.http import HttpWork  # noqa: E402

SLUICE = os.environ.get("SLUICE_BIN", str(ROOT / "build" / "sluice"))
HOME = Path(os.environ.get("BENCH_HOME", ROOT / "build" / "bench"))
PEERS = "sluice,nginx,haproxy"  # with what the tests install; the others are measured by bench/run


def bench(directory, *more):
    command = [sys.executable, "-B", str(ROOT / "bench" / "main.py"), "--peer", f"sluice={SLUICE}", "--peers", PEERS]
    return [*command, "--home", str(HOME), "--output", str(directory / "smoke.json"), *more]


class Directory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = Path(tempfile.mkdtemp(prefix="sluice-bench-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory)


class Smoke(Directory):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.done = subprocess.run(bench(cls.directory, "--smoke"), capture_output=True, text=True, timeout=200)
        if cls.done.returncode != 0:
            raise AssertionError(cls.done.stderr)
        cls.result = json.loads((cls.directory / "smoke.json").read_text())
        cls.absent = {(row["table"], row["peer"]): row["why"] for row in cls.result["absent"]}

    def test_every_work_has_rows_with_figures(self):
        tables = {table["name"]: table for table in self.result["tables"]}
        self.assertEqual(list(tables), [work.name for work in works.all_works()])
        for name, table in tables.items():
            with self.subTest(table=name):
                self.assertTrue(table["rows"] or any(where == name for where, _ in self.absent), self.done.stderr)
                for row in table["rows"]:
                    self.assertIsNone(row["void"], row)
                    for sample in row["samples"]:
                        self.assertGreater(sample["requests"], 0, row)
                        self.assertGreater(sample["bytes"], 0, row)
                        self.assertGreater(sample["seconds"], 0, row)
                        self.assertGreater(sample["user"] + sample["system"], 0, row)

    def test_a_reload_fails_no_request_of_ours(self):
        rows = next(scenario["rows"] for scenario in self.result["scenarios"] if scenario["name"] == "reload")
        ours = [row for row in rows if row["peer"] == "sluice"]
        self.assertEqual([row["values"]["failed"] for row in ours], [[0], [0]])

    def test_every_scenario_has_rows_with_figures(self):
        told = {scenario["name"]: scenario for scenario in self.result["scenarios"]}
        self.assertEqual(list(told), [scenario.name for scenario in scenarios.all_scenarios()])
        for name, scenario in told.items():
            with self.subTest(scenario=name):
                self.assertIn("sluice", [row["peer"] for row in scenario["rows"]])
                for row in scenario["rows"]:
                    self.assertIsNone(row["void"], row)
                    self.assertTrue(any(row["values"].values()), row)

    def test_bodies_are_compared_before_and_under_load(self):
        for work in works.all_works():
            if not isinstance(work, HttpWork):
                continue
            rows = next(table["rows"] for table in self.result["tables"] if table["name"] == work.name)
            self.assertTrue(rows, work.name)
            for row in rows:
                self.assertEqual(row["checked"], 2, (work.name, row["peer"]))

    def test_system_calls_are_counted(self):
        if why := self.absent.get(("all", "system calls")):
            self.skipTest(why)
        (row,) = (row for row in self.result["tables"][0]["rows"] if row["peer"] == "sluice")
        self.assertGreater(row["calls"]["per_request"], 1)
        self.assertLess(row["calls"]["per_request"], 100)

    def test_who_is_not_measured_is_told_with_the_reason(self):
        self.assertEqual(self.absent["static", "haproxy"], "serves no files")
        for (table, peer), why in self.absent.items():
            self.assertTrue(why, (table, peer))

    def test_the_result_says_what_was_measured(self):
        for name in ("sluice", "nginx", "wrk", "h2load"):
            self.assertIn(name, self.result["versions"])
            self.assertIn(name, self.result["commands"])
        self.assertIn("proxy_pass", self.result["configs"]["nginx"])
        self.assertIn("--smoke", self.result["options"]["command"])

    def test_it_has_a_network_of_its_own_that_sends_as_most_do(self):
        if why := self.absent.get(("all", "a network of its own")):
            self.skipTest(why)
        self.assertEqual(self.result["machine"]["congestion"], "cubic")

    def test_there_is_a_page(self):
        page = (self.directory / "smoke.md").read_text()
        for table in self.result["tables"]:
            if table["rows"]:
                self.assertIn(table["title"], page)


def serving():
    """Processes with a configuration of these runs."""
    mark = str(HOME.resolve() / "run" / "smoke").encode()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (process / "cmdline").read_bytes():
                found.add(process.name)
    return found


class Interrupted(Directory):
    def test_what_was_measured_is_kept_and_nobody_goes_on(self):
        before = serving()
        # Two tables: the second is under way when the first has been written.
        run = subprocess.Popen(
            bench(self.directory, "--only", "relay,static", "--sizes", "4KiB", "--seconds", "1", "--rounds", "1",
                  "--peers", "sluice,nginx"),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        result = self.directory / "smoke.json"
        until(lambda: result.exists() or run.poll() is not None, "the first table", timeout=60)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[0]
        self.assertEqual(run.returncode, 130, said)
        self.assertIn("interrupted", said)
        self.assertEqual(serving() - before, set())
        tables = {table["name"]: table["rows"] for table in json.loads(result.read_text())["tables"]}
        self.assertEqual({len(row["samples"]) for row in tables["relay"]}, {1})
        self.assertTrue((self.directory / "smoke.md").exists())


class Refused(Directory):
    def said(self, *more):
        done = subprocess.run(bench(self.directory, *more), capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr

    def test_an_output_that_its_page_would_overwrite(self):
        self.assertIn("so it ends in .json", self.said("--output", str(self.directory / "result")))

    def test_a_congestion_control_that_there_is_not(self):
        tried = subprocess.run(["unshare", "--net", "true"], capture_output=True, text=True)
        if tried.returncode != 0:
            self.skipTest(tried.stderr.strip())  # then nothing is chosen, and all would be measured
        self.assertIn("no congestion control nosuch", self.said("--congestion", "nosuch"))


@dataclasses.dataclass
class Chosen:
    depth: options.Depth = dataclasses.field(default_factory=lambda: options.SMOKE)

    def wants(self, _):
        return True


class Lying(Directory):
    """A peer with a wrong byte."""

    def row_of(self, honest):
        class Lie(HttpWork):
            def start(self, _, ground):
                port = free_port()
                command = [sys.executable, Path(__file__).with_name("liar.py"), port, ground.www, honest]
                return Process("liar", command, ground.peer_processor, ground.directory, {"http": port})

            def config(self, *_):
                return None

        directory = Path(tempfile.mkdtemp(dir=self.directory))
        processors = sorted(os.sched_getaffinity(0))
        ground = Ground(self.directory, directory / "run", (processors[0], processors[-1]))
        table = Table(Lie("lie", "Lies", ("liar",)), Chosen())
        ground.write_files(table.sizes)
        with open(os.devnull, "w") as nowhere:
            table.measure(ground, Progress(table.steps, table.all_expected, nowhere))
        (row,) = table.rows
        return row.tell()

    def test_is_void_before_it_is_measured(self):
        row = self.row_of(honest=0)
        self.assertEqual(row["void"], "a wrong byte at 32768 of 65536")
        self.assertEqual((row["checked"], row["samples"]), (0, []))

    def test_is_void_when_it_lies_only_under_load(self):
        row = self.row_of(honest=1)
        self.assertEqual(row["void"], "a wrong byte at 32768 of 65536")
        self.assertEqual(row["checked"], 1)


if __name__ == "__main__":
    unittest.main()
