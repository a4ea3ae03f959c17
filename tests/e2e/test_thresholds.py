"""Where thresholds come from: measured by `sluice calibrate`, and learnt while it runs. Never a word about times."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import Case, Connection, Pattern, get, until
from sluice import BINARY

KIB = 1024


class Thresholds(Case):
    def setUp(self):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-thresholds-"))
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.file = self.directory / "thresholds.json"
        self.raw = self.origin()

    def command(self, *words):
        return subprocess.run([BINARY, *words], capture_output=True, text=True, timeout=60, check=False)

    def measured(self, splice_min, sendfile_min, **more):
        file = {"format": 1, "splice_min": splice_min, "sendfile_min": sendfile_min, **more}
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(file))
        new.rename(self.file)

    def config(self, **more):
        return self.http_config([self.raw.port], thresholds_file=str(self.file), **more)

    def check(self, config):
        name = self.directory / "check.json"
        name.write_text(json.dumps(config))
        return self.command("check", str(name))

    # --- measured --------------------------------------------------------------------------------------------

    def test_without_a_file_nothing_starts_and_the_remedy_is_named(self):
        config = self.config(thresholds="measured")
        told = self.check(config)
        self.assertEqual(told.returncode, 2, told.stderr)
        self.assertRegex(told.stderr, r'thresholds: there is no ".*thresholds\.json" yet: run "sluice calibrate')
        sluice = self.start(config, wait=False)
        self.assertEqual(sluice.wait_for_exit(), 2)

    def test_what_calibrate_writes_is_used(self):
        told = self.command("calibrate", "--quick", "--write", str(self.file))
        if self.portable:
            self.assertEqual(told.returncode, 1)
            self.assertIn("nothing to compare", told.stderr)
            return
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertEqual(re.findall(r"^from a (\w+)", told.stdout, re.MULTILINE), ["socket", "file"])
        written = json.loads(self.file.read_text())
        ways = {(point["from"], point["path"]) for point in written["curve"]}
        both = {("socket", "buffered"), ("socket", "splice"), ("file", "buffered"), ("file", "sendfile")}
        self.assertLessEqual(both, ways)
        self.assertTrue(all(point["ns"] > 0 for point in written["curve"]))
        self.assertFalse(list(self.directory.glob("*.new")), "the file is whole at once")
        checked = self.check(self.config(thresholds="measured"))
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        self.assertIn(f"measured: {self.file}", checked.stdout)

    def test_calibrate_can_leave_everything_as_it_was(self):
        if self.portable:
            self.skip("a portable build has nothing to compare")
        told = self.command("calibrate", "--quick", "--print")
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertRegex(told.stdout, r"(?m)^splice_min \w+, sendfile_min \w+$")
        self.assertNotIn("written", told.stdout)

    def test_a_reload_reads_the_file_again(self):
        # More than comes along with a head.
        way = lambda: (get(self.port, f"/length/{64 * KIB}"), self.last_way(sluice))[1]  # noqa: E731
        self.measured(1024 * KIB, 1024 * KIB, kernel="1.2.3", processor="abacus")
        config = self.config(thresholds="measured")
        sluice = self.start(config, expected_errors=["the old configuration stays"])
        sluice.wait_for_stderr("measured with kernel \"1.2.3\".*abacus")
        self.assert_way(way(), "buffered", "small")
        self.measured(1, 1)
        sluice.reload(config)
        sluice.wait_for_stderr("reloaded")
        self.assert_way(way(), "splice", "large")
        self.file.write_text("{")
        sluice.reload(config)
        sluice.wait_for_stderr(r"the old configuration stays: thresholds: .*thresholds\.json, line 1")
        self.assert_way(way(), "splice", "large")
        sluice.assert_nothing_left()

    def last_way(self, sluice):
        self.asked = getattr(self, "asked", 0) + 1
        return sluice.log_lines(lambda line: line.get("target", "").startswith("/length/"), count=self.asked)[-1]

    # --- learnt ----------------------------------------------------------------------------------------------

    def learnt(self):
        return json.loads(get(self.port, "/status", "Connection: close").text)["learnt"]

    def test_what_is_learnt_is_measured_on_both_paths_and_told(self):
        (self.directory / "f").write_bytes(Pattern.at(0, 6 * KIB))
        files = {"path": "/files/", "files": str(self.directory), "strip_prefix": True, "server_timing": True}
        origin = self.nginx(**{"files": {"body": 24 * KIB}})
        sluice = self.start(self.http_config([origin.port], routes=[files], thresholds="auto"))
        self.assertEqual(self.learnt()["socket"], {"thresholds": [8 * KIB], "bodies": 0, "costs": {}})

        def both(known, path):
            return any({"copied", path} <= costs.keys() for costs in known["costs"].values())

        def enough():
            for _ in range(200):
                self.assert_whole(connection.get("/body", expected=Pattern.at), 24 * KIB)
                told = connection.get("/files/f", expected=Pattern.at)
                self.assert_whole(told, 6 * KIB)
                ways.add(told.get("Server-Timing"))
            known = self.learnt()
            return both(known["socket"], "splice") and both(known["file"], "sendfile")

        ways = set()
        with Connection(self.port) as connection:
            if self.portable:
                enough()
                self.assertEqual([kind["bodies"] for kind in self.learnt().values()], [0, 0])
                self.assertEqual(ways, {'sluice;desc="buffered: portable-build"'})
                return
            until(enough, lambda: f"both paths measured, of both kinds: {self.learnt()}")
        known = self.learnt()
        for kind in ("socket", "file"):
            for costs in known[kind]["costs"].values():
                for cost in costs.values():
                    self.assertGreater(cost["ns"], 0)
            self.assertEqual(len(known[kind]["thresholds"]), 1)
        # What went against the threshold says so: in the log, in the counters, to the client.
        for target, path in (("/body", ("splice", "buffered")), ("/files/f", ("sendfile", "buffered"))):
            entries = sluice.log_lines(lambda line: line.get("target") == target and line["why"] == "learning")
            self.assertLessEqual({entry["path"] for entry in entries}, set(path))
        self.assertGreater(sluice.counter("bodies_by_reason_learning"), 1)
        self.assertTrue(any("learning" in way for way in ways), ways)
        sluice.assert_nothing_left()

    def test_what_is_said_is_not_put_to_the_test(self):
        route = {"relay": {"splice_min": 8 * KIB}}
        sluice = self.start(self.http_config([self.raw.port], route=route, thresholds="auto"))
        with Connection(self.port) as connection:
            for _ in range(300):
                self.assert_whole(connection.get(f"/length/{24 * KIB}", expected=Pattern.at), 24 * KIB)
        self.assertEqual(sluice.counter("bodies_by_reason_learning"), 0)
        self.assertEqual(self.learnt()["socket"]["bodies"], 0)
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
