"""bench/'s pages, README's part and numbers in prose, of a result that nobody measured; and that what is committed is
what comes of the committed results."""

import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import figures
import made_up
import page_scenes
import page_tables
import plot
import prose
import report
import schema
import targets
from figures import GIB, KIB, MIB, Spread


class Folder(unittest.TestCase):
    """A folder with one result, 2026-11-21-2-cores."""

    def setUp(self):
        self.result = made_up.result()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = Path(directory.name)
        self.file = self.folder / "2026-11-21-2-cores.json"
        self.keep(self.result)

    def keep(self, result, name="2026-11-21-2-cores"):
        (self.folder / f"{name}.json").write_text(json.dumps(result))


class Targets(unittest.TestCase):
    def verdicts(self, work, **costs):
        """Of a table with one size, 64 KiB for relay; costs in microseconds."""
        size = 64 * KIB if work == "relay" else MIB
        rows = [made_up.row(peer.replace("_", "-"), size, us, rounds=1) for peer, us in costs.items()]
        result = made_up.result() | {"tables": [{"name": work, "title": work, "unit": "request", "rows": rows}]}
        return targets.evaluate(result)

    def test_at_most_takes_the_bound_itself(self):
        for own, met in ((7.9, True), (8, True), (8.1, False)):
            (verdict,) = self.verdicts("relay", sluice=own, nginx=20, haproxy=10)
            self.assertEqual((verdict.met, verdict.other), (met, "haproxy"))
            self.assertAlmostEqual(verdict.ratio.median, own / 10)

    def test_below_does_not(self):
        target = next(target for target in targets.TARGETS if target.below)
        for ratio, met in ((0.99, True), (1.0, False)):
            verdict = targets.Verdict(target, "relay", "1 KiB", "nginx", Spread(ratio, ratio, ratio))
            self.assertEqual(verdict.met, met)

    def test_only_the_peers_of_a_target_count(self):
        (verdict,) = self.verdicts("static", sluice=9, varnish=1, nginx=12, h2o=10)
        self.assertEqual((verdict.other, verdict.met), ("h2o", True))

    def test_not_measured_is_neither_met_nor_missed(self):
        (verdict,) = self.verdicts("tls-relay", sluice=9, limit_copy=1)
        self.assertIsNone(verdict.met)
        (verdict,) = self.verdicts("tcp", sluice=9, nginx=10)
        self.assertIsNone(verdict.met)

    def test_latency_is_judged_by_label(self):
        def row(peer, label, p99, void=None):
            return {"peer": peer, "label": label, "values": {"p99_us": p99}, "void": void}

        rows = [
            row("sluice", "4 KiB", [90, 110, 95]), row("nginx", "4 KiB", [100, 100, 100]),
            row("h2o", "4 KiB", [], "it ended"),
            row("nginx", "1 MiB", [100]), row("sluice", "1 MiB", [101]), row("sluice", "64 KiB", [5]),
        ]  # fmt: skip
        scenario = {"name": "equal-relay", "title": "", "lead": "", "columns": [], "rows": rows}
        found = targets.evaluate(made_up.result() | {"tables": [], "scenarios": [scenario]})
        self.assertEqual([verdict.place for verdict in found], ["4 KiB", "1 MiB", "64 KiB"])
        self.assertEqual([verdict.met for verdict in found], [True, False, None])
        self.assertEqual(found[0].target.bound_text, "p99 ≤ the best peer")
        self.assertAlmostEqual(found[0].ratio.median, 0.95)

    def test_forced_paths_have_no_target(self):
        self.assertEqual(self.verdicts("paths-relay", buffered=9, splice=10), [])

    def test_every_sentence_of_the_goals_is_there(self):
        told = [f"{target.work} {target.sizes_text}: {target.bound_text}" for target in targets.TARGETS]
        self.assertIn("relay 1 KiB to 16 KiB: below the best of nginx, haproxy, nghttpx, h2o", told)
        self.assertIn("relay 1 KiB to 16 KiB: ≤ 1.25 × the limit", told)
        self.assertIn("relay 64 KiB to 256 KiB: ≤ 0.8 × the best peer", told)
        self.assertIn("relay from 1 MiB: ≤ 0.3 × nginx", told)
        self.assertIn("static every size: ≤ the best of nginx, lighttpd, h2o", told)


class Plots(unittest.TestCase):
    def texts(self, svg):
        return [
            element.text for element in xml.etree.ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
        ]

    def test_names_at_the_ends_do_not_lie_on_each_other(self):
        places = plot.apart([100, 101, 99, 300], 16, 0, 400)
        self.assertEqual(sorted(range(4), key=lambda i: places[i]), [2, 0, 1, 3])
        self.assertEqual([round(place) for place in places], [100, 116, 84, 300])

    def test_names_stay_in_the_plane(self):
        self.assertEqual(plot.apart([398, 399, 400], 16, 0, 400), [368, 384, 400])
        self.assertEqual(plot.apart([1, 0], 16, 0, 400), [16, 0])

    def test_text_is_text(self):
        table = made_up.result()["tables"][0] | {"title": "Relay <&>"}
        cost = plot.lines(
            "Relay <&>", "", report.plotted(table, lambda size, peer: Spread(1, 2, 3)), plot.Axis("CPU", 1, 3, [])
        )
        told = self.texts(cost)
        self.assertIn("Relay <&>", told)
        self.assertIn("1 GiB", told)
        self.assertEqual(sum(text == "haproxy" for text in told), 1)

    def test_times_are_told_in_the_unit_that_fits(self):
        told = [plot.microseconds_text(us) for us in (0.5, 10, 1000, 20_000, 1e6)]
        self.assertEqual(told, ["0.5 µs", "10 µs", "1 ms", "20 ms", "1 s"])

    def test_a_scenario_of_many_labels_is_lines_and_of_few_is_bars(self):
        scenario = made_up.result()["scenarios"][0]
        bars = self.texts(page_scenes.scene_drawing(scenario))
        self.assertIn("0.75", bars)
        self.assertIn("10,000 connections", bars)
        scenario["rows"] = [
            {"peer": peer, "label": f"{count} open", "values": {"own_kib": [1, 2]}, "void": None}
            for count in (1, 10, 100, 1000) for peer in ("sluice", "nginx")
        ]  # fmt: skip
        lines = self.texts(page_scenes.scene_drawing(scenario))
        self.assertEqual(
            [text for text in lines if text in ("1", "10", "100", "1000")][-4:], ["1", "10", "100", "1000"]
        )
        self.assertEqual(lines.count("nginx"), 1)

    def test_of_a_scenario_the_first_column_is_drawn_that_is_not_zero(self):
        column = {"key": "failed", "title": "failed", "digits": 0, "better": "less"}
        scenario = made_up.result()["scenarios"][0]
        scenario["columns"].insert(0, column)
        for row in scenario["rows"]:
            row["values"]["failed"] = [0]
        self.assertIn("own KiB per connection", self.texts(page_scenes.scene_drawing(scenario)))
        scenario["rows"][0]["values"]["failed"] = [3]
        self.assertIn("failed", self.texts(page_scenes.scene_drawing(scenario)))
        table = page_scenes.scene_table(scenario)
        self.assertIn("| sluice | 3 | **0.50** |", table)
        self.assertIn("| nginx | **0** | 0.75 |", table)

    def test_who_is_as_good_as_all_others_is_not_set_off(self):
        scenario = made_up.result()["scenarios"][0]
        for row in scenario["rows"]:
            row["values"]["own_kib"] = [1]
        self.assertNotIn("**", page_scenes.scene_table(scenario))

    def test_a_scenario_that_gave_nothing_has_no_drawing(self):
        scenario = made_up.result()["scenarios"][0]
        for row in scenario["rows"]:
            row["void"] = "it ended"
        self.assertIsNone(page_scenes.scene_drawing(scenario))

    def test_one_size_is_enough(self):
        line = plot.Line("sluice", [(64 * KIB, Spread(1, 1, 1))])
        self.assertIn("64 KiB", self.texts(plot.lines("One", "", [line], plot.ratio_axis("ratio", [line]))))


class Pages(Folder):
    def page(self):
        """With plain blanks: those in numbers are not to be broken."""
        return report.write(self.file).read_text().replace("\u00a0", " ")

    def test_every_drawing_is_there_and_no_other(self):
        (self.folder / self.file.stem).mkdir()
        (self.folder / self.file.stem / "of-a-table-that-went.svg").write_text("")
        page = self.page()
        shown = set(re.findall(r"!\[.*?\]\((.*?)\)", page))
        found = {str(path.relative_to(self.folder)) for path in self.folder.glob("*/*")}
        self.assertEqual(shown, found)
        self.assertEqual(len(shown), 5)
        for path in found:
            xml.etree.ElementTree.parse(self.folder / path)

    def test_the_same_result_gives_the_same_bytes(self):
        def written():
            return {path.name: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}

        self.page()
        before = written()
        # Another process, as its order of sets and hashes is another.
        subprocess.run([sys.executable, "-B", ROOT / "bench" / "report.py", self.file], check=True, capture_output=True)
        self.assertEqual(written(), before)

    def test_a_row_has_costs_spread_and_ratios(self):
        # 64 KiB: sluice 8 + 6.4 = 14.4, and rounds of 1, 1.1 and 1.2 times that; haproxy 9 + 7.04; limit 7 + 6.08.
        row = next(line for line in self.page().splitlines() if line.startswith("| 64 KiB | **15.8"))
        self.assertIn("| **15.8 [14.4 to 17.3]** |", row)
        self.assertIn("| 17.6 [16.0 to 19.2] |", row)
        self.assertIn("| 0.90 haproxy |", row)
        self.assertIn("| 1.10 |", row)

    def test_a_void_row_is_told_with_its_reason_and_has_no_figures(self):
        page = self.page()
        self.assertIn("| static, 1 KiB | nginx | void: a byte that the file does not have |", page)
        self.assertIn("| 1 KiB | 8.91 [8.10 to 9.72] | 1.07 lighttpd | void |", page)
        self.assertIn("| idle, 10,000 connections | h2o | void: it closed 3 of them |", page)

    def test_what_is_absent_is_told(self):
        self.assertIn("| tcp | nginx | built without its stream module |", self.page())

    def test_the_goals_are_told_for_each_size(self):
        page = self.page()
        self.assertIn("| relay | ≤ 1.25 × the limit | 1 KiB 1.28 ✗, 4 KiB 1.14 ✓, 16 KiB 1.13 ✓ | 2 of 3 |", page)
        self.assertIn("10 MiB 1.053 ✗", page)  # 1.05 × the limit: two digits would tell it as met
        self.assertIn("| tcp | ≤ haproxy | every size | not measured |", page)

    def test_calls_memory_and_configurations_are_there(self):
        page = self.page()
        self.assertIn("epoll_wait 2.50, recvfrom 2.00, sendto 2.00", page)
        self.assertIn("| 8.00 | 64.0 | 512 |", page)
        self.assertIn("worker_processes 1;", page)
        self.assertIn("wrk -t1 -c16", page)

    def test_a_table_told_in_gib(self):
        self.result["tables"][0] |= {"name": "tcp", "unit": "GiB"}
        self.keep(self.result)
        page = self.page()
        self.assertIn("CPU s per GiB:", page)
        # 1 KiB: 8.1 us a KiB, 1.1 times that in the median round, are 9.3 s for 2^20 of them.
        self.assertIn("| 1 KiB | **9.34 [8.49 to 10.2]** |", page)

    def test_every_table_is_told_beside_the_limit(self):
        # Sluice's 15.8 us of 64 KiB by the 14.4 of the limit in clear text; a quarter more for TLS.
        tls = made_up.table("tls-relay", "Relay over TLS", ["sluice", "nginx"], [64 * KIB])
        for sample in tls["rows"][0]["samples"]:
            sample["user"] += (sample["user"] + sample["system"]) / 4
        paths = made_up.table("paths-relay", "Forced paths", ["sluice", "nginx"], [64 * KIB])
        for row, path in zip(paths["rows"], ("splice", "buffered")):
            row["peer"] = path
        self.result["tables"] += [tls, paths]
        self.keep(self.result)
        page = self.page()
        self.assertIn("| sluice / limit of relay |", page)
        self.assertIn("| 0.52 nginx | 1.38 |", page)  # 14.4 * 1.25 / 34.6; 14.4 * 1.25 / 13.08
        self.assertIn("| body | splice | buffered | cheapest / limit of relay |", page)
        self.assertIn("| 38.1 [34.6 to 41.5] | 1.10 |", page)

    def test_where_the_cheapest_path_changes_is_told(self):
        costs = {"buffered": (5, 6, 20, 90), "splice": (9, 7, 18, 40), "mmap": (8, 8, 17, 60)}
        rows = [
            made_up.row(path, size, us[number])
            for number, size in enumerate((KIB, 4 * KIB, 16 * KIB, 64 * KIB)) for path, us in costs.items()
        ]  # fmt: skip
        table = {"name": "paths-static", "title": "Each path", "unit": "request", "rows": rows}
        self.assertEqual(page_tables.crossovers(table), "buffered 1 KiB to 4 KiB, mmap 16 KiB, splice 64 KiB")
        self.keep(self.result | {"tables": [table]})
        self.assertIn("The cheapest: buffered 1 KiB to 4 KiB, mmap 16 KiB, splice 64 KiB.", self.page())

    def test_a_run_that_was_interrupted_has_a_page(self):
        self.keep(self.result | {"tables": [], "scenarios": []})
        self.assertIn("not measured", self.page())
        self.result["tables"][0]["rows"] = []
        self.keep(self.result)
        self.page()

    def test_costs_too_small_to_see(self):
        for row in self.result["tables"][0]["rows"]:
            for sample in row["samples"]:
                sample |= {"user": 0, "system": 0}
        self.keep(self.result)
        self.page()

    def test_a_broken_result_is_refused_with_its_name(self):
        self.keep(self.result | {"format": 2})
        done = subprocess.run(
            [sys.executable, "-B", ROOT / "bench" / "report.py", self.file], check=False, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 1)
        self.assertIn("2026-11-21-2-cores.json: format 2", done.stderr)


class Prose(Folder):
    def filled(self, mark, name="2026-11-21-2-cores"):
        return re.sub(r"<!--.*?-->", "", prose.fill(f"<!-- figure: {mark} -->old<!-- / -->", name, self.folder))

    def test_figures_between_marks(self):
        self.assertEqual(self.filled("relay 64KiB sluice"), "15.8")
        self.assertEqual(self.filled("relay 64KiB sluice/haproxy"), "0.90")
        self.assertEqual(self.filled("relay 64KiB sluice/best"), "0.90")
        self.assertEqual(self.filled("relay 64KiB sluice/limit"), "1.10")
        self.assertEqual(self.filled("relay 64KiB sluice p99-us"), "301")
        self.assertEqual(self.filled("relay 64KiB sluice cpu-s-per-gib"), "0.260")
        self.assertEqual(self.filled("idle own_kib sluice 10,000 connections"), "0.500")
        self.assertEqual(self.filled("idle own_kib sluice/nginx"), "0.67")

    def test_what_is_around_stays_and_twice_is_once(self):
        text = "before <!-- figure: relay 64KiB sluice --><!-- / --> µs, <!-- a comment --> after"
        once = prose.fill(text, self.file.stem, self.folder)
        self.assertEqual(once, "before <!-- figure: relay 64KiB sluice -->15.8<!-- / --> µs, <!-- a comment --> after")
        self.assertEqual(prose.fill(once, self.file.stem, self.folder), once)

    def keep_a_second_one(self):
        other = copy.deepcopy(self.result) | {"started": "2026-11-22T01:00:00Z"}
        for sample in other["tables"][0]["rows"][18]["samples"]:  # relay, 64 KiB, sluice
            sample["p99_us"] = 77
        self.keep(other, "2026-11-22-2-cores")

    def test_the_result_that_readme_shows_or_the_one_that_is_named(self):
        self.keep_a_second_one()
        self.assertEqual(self.filled("relay 64KiB sluice p99-us"), "301")
        self.assertEqual(self.filled("relay 64KiB sluice p99-us", "2026-11-22-2-cores"), "77.0")
        self.assertEqual(self.filled("2026-11-22-2-cores: relay 64KiB sluice p99-us"), "77.0")

    def test_readme_goes_on_showing_its_result_where_others_lie_beside_it(self):
        self.assertEqual(prose.newest(self.folder), "2026-11-21-2-cores")
        text = prose.readme("<!-- bench:begin -->\n<!-- bench:end -->", self.file.stem, self.folder)
        self.keep_a_second_one()
        self.assertEqual(prose.newest(self.folder), "2026-11-22-2-cores")
        self.assertEqual(prose.shown(text), "2026-11-21-2-cores")
        self.assertEqual(prose.readme(text, prose.shown(text), self.folder), text)
        self.assertIn("results/2026-11-22-2-cores.md", prose.readme(text, prose.newest(self.folder), self.folder))

    def test_readme_is_not_made_of_a_later_result_by_another_congestion_control(self):
        other = copy.deepcopy(self.result) | {"started": "2026-11-22T01:00:00Z"}
        other["machine"]["congestion"] = "bbr"
        self.keep(other, "2026-11-22-2-cores-bbr")
        self.assertEqual(prose.newest(self.folder), "2026-11-21-2-cores")

    def test_a_figure_that_is_not_there_is_an_error(self):
        for mark in (
            "relay 2KiB sluice", "relay 64KiB squid", "relay 64KiB sluice beauty", "relay", "other 64KiB sluice",
            "relay 64KiB sluice/nginx/h2o", "static 1KiB nginx", "idle own_kib h2o", "idle other sluice",
        ):  # fmt: skip
            with self.subTest(mark), self.assertRaisesRegex(schema.Broken, mark):
                self.filled(mark)

    def test_before_the_first_result_readme_says_how_to_get_one(self):
        text = prose.readme("a\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n", "", self.folder)
        self.assertEqual(text, "a\n<!-- bench:begin -->\nNo result yet: `bench/run` makes one.\n<!-- bench:end -->\n")
        with self.assertRaisesRegex(schema.Broken, "no result yet"):
            self.filled("relay 64KiB sluice", "")

    def test_readme_without_its_place_is_refused(self):
        with self.assertRaisesRegex(schema.Broken, "bench:begin"):
            prose.readme("nothing", self.file.stem, self.folder)

    def test_readme_has_the_plot_and_three_rows(self):
        part = prose.readme_part(self.file.stem, self.result).replace("\u00a0", " ")
        self.assertIn("](bench/results/2026-11-21-2-cores/relay.svg)", part)
        rows = [line for line in part.splitlines() if line.startswith("| ")]
        self.assertEqual(len(rows), 2 + 3)
        self.assertIn("| relayed, 1 KiB to 256 KiB | 0.89 to 0.90 | 0.30 to 0.86 | 0.89 to 0.90 | 1.07 to 1.28 |", rows)
        self.assertIn("| static files, 1 KiB to 1 GiB | 0.33 to 1.07 | 0.25 to 0.79 | – | – |", rows)
        self.assertIn("21 of 29 are met", part)


class Committed(unittest.TestCase):
    """What stands in the tree is what the results in the tree make of it: bench/report.py writes it."""

    def test_pages(self):
        for path in sorted(report.RESULTS.glob("*.json")):
            with self.subTest(path.name):
                files = report.page(schema.read(path), path.stem)
                for name, text in files.items():
                    self.assertTrue(
                        (path.parent / name).exists(), f"{name}: run bench/report.py {path.relative_to(ROOT)}"
                    )
                    self.assertEqual((path.parent / name).read_text(), text, name)
                drawn = {f"{path.stem}/{file.name}" for file in (path.parent / path.stem).glob("*")}
                self.assertEqual(drawn, {name for name in files if name.endswith(".svg")})

    def test_readme(self):
        text = (ROOT / "README.md").read_text()
        self.assertEqual(prose.readme(text, prose.shown(text)), text, "run bench/report.py --readme")

    def test_numbers_in_prose(self):
        name = prose.shown(report.README.read_text())
        for path in report.with_marks():
            with self.subTest(str(path.relative_to(ROOT))):
                self.assertEqual(prose.fill(path.read_text(), name), path.read_text(), "run bench/report.py --fill")


if __name__ == "__main__":
    unittest.main()
