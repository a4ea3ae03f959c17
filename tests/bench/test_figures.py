"""bench/figures.py against numbers worked out by hand, and results that bench/schema.py has to refuse."""

import copy
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

import figures
import made_up
import schema
from figures import GIB, MIB


class Samples(unittest.TestCase):
    # 2,000 requests of 1 MiB in 4 s took 0.1 s in user space and 0.4 s in the kernel.
    SAMPLE = {
        "requests": 2000, "bytes": 2000 * MIB, "seconds": 4.0, "user": 0.1, "system": 0.4,
        "p50_us": 50, "p99_us": 99, "p999_us": None, "cycles": 6_000_000, "instructions": None,
    }  # fmt: skip

    def test_each_figure(self):
        self.assertAlmostEqual(figures.cpu_per_request(self.SAMPLE), 250)  # 0.5 s / 2,000
        self.assertAlmostEqual(figures.cpu_per_gib(self.SAMPLE), 0.256)  # 0.5 s / (2,000 / 1,024 GiB)
        self.assertAlmostEqual(figures.user_share(self.SAMPLE), 0.2)
        self.assertAlmostEqual(figures.requests_per_second(self.SAMPLE), 500)
        self.assertAlmostEqual(figures.gib_per_second(self.SAMPLE), 0.48828125)
        self.assertAlmostEqual(figures.processor_share(self.SAMPLE), 0.125)
        self.assertEqual(figures.percentile("p99")(self.SAMPLE), 99)
        self.assertIsNone(figures.percentile("p999")(self.SAMPLE))
        self.assertEqual(figures.per_request("cycles")(self.SAMPLE), 3000)
        self.assertIsNone(figures.per_request("instructions")(self.SAMPLE))

    def test_no_share_of_no_time(self):
        self.assertIsNone(figures.user_share(self.SAMPLE | {"user": 0, "system": 0}))


class Rows(unittest.TestCase):
    def row(self, *cpu_us, **more):
        """A row whose samples cost so many microseconds a request."""
        samples = [made_up.sample(1000, 1024, us / 1000) for us in cpu_us]
        return made_up.row("any", 1024, 1) | {"samples": samples} | more

    def assertSpread(self, spread, low, median, high):
        for found, wanted in zip((spread.low, spread.median, spread.high), (low, median, high)):
            self.assertAlmostEqual(found, wanted)

    def test_spread_is_smallest_median_and_largest(self):
        self.assertSpread(figures.spread(self.row(30, 10, 14), figures.cpu_per_request), 10, 14, 30)
        self.assertSpread(figures.spread(self.row(30, 10), figures.cpu_per_request), 10, 20, 30)

    def test_ratio_is_of_medians_and_its_ends_are_of_rounds(self):
        ratio = figures.ratio(self.row(10, 20, 60), self.row(20, 10, 40), figures.cpu_per_request)
        self.assertSpread(ratio, 0.5, 1.0, 2.0)  # rounds: 0.5, 2, 1.5; medians: 20 / 20

    def test_rounds_that_do_not_pair_have_no_spread(self):
        ratio = figures.ratio(self.row(10, 20), self.row(10), figures.cpu_per_request)
        self.assertSpread(ratio, 1.5, 1.5, 1.5)

    def test_a_void_row_has_no_figures(self):
        void = self.row(10, void="a wrong byte")
        self.assertIsNone(figures.spread(void, figures.cpu_per_request))
        self.assertIsNone(figures.ratio(void, self.row(10), figures.cpu_per_request))
        self.assertIsNone(figures.ratio(self.row(10), void, figures.cpu_per_request))
        self.assertIsNone(figures.ratio(self.row(10), None, figures.cpu_per_request))

    def test_nothing_is_divided_by_a_cost_too_small_to_see(self):
        self.assertIsNone(figures.ratio(self.row(10), self.row(0), figures.cpu_per_request))

    def test_a_figure_that_one_sample_lacks_is_none(self):
        row = self.row(10, 12)
        row["samples"][0]["p99_us"] = None
        self.assertIsNone(figures.spread(row, figures.percentile("p99")))


class Tables(unittest.TestCase):
    def table(self, unit="request", **costs):
        rows = [made_up.row(peer.replace("_", "-"), 64 << 10, us, rounds=1) for peer, us in costs.items()]
        return {"name": "relay", "title": "", "unit": unit, "rows": rows}

    def test_the_best_peer_is_neither_sluice_nor_the_limit(self):
        table = self.table(sluice=5, sluice_buffered=4, splice=4, nginx=20, haproxy=10, limit_copy=6, limit_splice=2.5)
        self.assertEqual(figures.best_peer(table, 64 << 10), "haproxy")
        self.assertEqual(figures.limit(table, 64 << 10), "limit-splice")
        self.assertAlmostEqual(figures.cost_ratio(table, 64 << 10, "sluice", "best").median, 0.5)
        self.assertAlmostEqual(figures.cost_ratio(table, 64 << 10, "sluice", "limit").median, 2)
        self.assertAlmostEqual(figures.cost_ratio(table, 64 << 10, "sluice", "nginx").median, 0.25)

    def test_a_void_peer_is_not_the_best(self):
        table = self.table(sluice=5, nginx=20, haproxy=10)
        table["rows"][2]["void"] = "a wrong byte"
        self.assertEqual(figures.best_peer(table, 64 << 10), "nginx")

    def test_nobody_else_there(self):
        self.assertIsNone(figures.best_peer(self.table(sluice=5, limit_copy=4), 64 << 10))
        self.assertIsNone(figures.cost_ratio(self.table(sluice=5), 64 << 10, "sluice", "limit"))

    def test_a_table_told_in_gib_compares_seconds_per_gib(self):
        table = self.table(unit="GiB", sluice=5)
        found = figures.spread(figures.row_of(table, 64 << 10, "sluice"), figures.cost(table))
        self.assertAlmostEqual(found.median, 5e-6 * GIB / (64 << 10))

    def test_unrest_is_the_farthest_round_of_each_row(self):
        def result(*rows):
            return {"tables": [self.table() | {"rows": list(rows)}]}

        def row(*cpu_us):
            return made_up.row("any", 1024, 1) | {"samples": [made_up.sample(1000, 1024, us / 1000) for us in cpu_us]}

        half, most = figures.unrest(result(row(9, 10, 12), row(10, 11, 10), row(5, 10, 11)))
        self.assertAlmostEqual(half, 0.2)  # of 0.2, 0.1 and 0.5
        self.assertAlmostEqual(most, 0.5)
        self.assertIsNone(figures.unrest(result(row(9))))


class Words(unittest.TestCase):
    def test_sizes(self):
        told = [figures.size_text(size) for size in (100, 1024, 65536, 10 * MIB, GIB, 1536)]
        self.assertEqual(told, ["100 B", "1 KiB", "64 KiB", "10 MiB", "1 GiB", "1.5 KiB"])

    def test_numbers_keep_three_digits(self):
        told = [figures.number_text(value) for value in (12345.6, 123.4, 12.34, 1.234, 0.1234, 0.01234, 0)]
        self.assertEqual(told, ["12,346", "123", "12.3", "1.23", "0.123", "0.0123", "0"])


class Refusals(unittest.TestCase):
    def refused(self, change, told):
        result = copy.deepcopy(made_up.result())
        change(result)
        with self.assertRaisesRegex(schema.Broken, told):
            schema.check(result)

    def test_a_right_one_is_taken(self):
        schema.check(made_up.result())

    def test_another_format(self):
        self.refused(lambda r: r.update(format=2), "format 2")

    def test_a_part_that_is_missing(self):
        self.refused(lambda r: r.pop("machine"), "result: no machine")
        self.refused(lambda r: r["machine"].pop("kernel"), "result.machine: no kernel")
        self.refused(lambda r: r["tables"][0]["rows"][3].pop("peer"), r"result.tables\[0\].rows\[3\]: no peer")
        self.refused(lambda r: r["tables"][0]["rows"][3]["samples"][1].pop("user"), r"samples\[1\]: no user")

    def test_a_value_of_another_kind(self):
        self.refused(lambda r: r.update(tables={}), "result.tables: not a list")
        self.refused(lambda r: r.update(machine="a fast one"), "result.machine: not an object")
        self.refused(lambda r: r.update(seconds="long"), "result.seconds: 'long'")
        self.refused(lambda r: r.update(seconds=True), "result.seconds: True")
        self.refused(lambda r: r["tables"][0]["rows"][0]["memory"].update(pipes_kib="many"), "memory.pipes_kib: 'many'")

    def test_a_number_that_nothing_can_be(self):
        for impossible in (-1, float("nan"), float("inf")):
            self.refused(lambda r: r["tables"][0]["rows"][0]["samples"][0].update(user=impossible), "samples.*user")

    def test_samples_in_which_nothing_happened(self):
        self.refused(
            lambda r: r["tables"][0]["rows"][0]["samples"][0].update(requests=0), "relay, sluice, 1 KiB: .*nothing"
        )
        self.refused(lambda r: r["tables"][0]["rows"][0].update(samples=[]), "relay, sluice, 1 KiB: no samples")

    def test_two_of_one_kind(self):
        self.refused(lambda r: r["tables"].append(r["tables"][0]), "table relay is there twice")
        self.refused(lambda r: r["tables"][0]["rows"].append(r["tables"][0]["rows"][0]), r"relay: row .*sluice.* twice")
        self.refused(lambda r: r["scenarios"].append(r["scenarios"][0]), "scenario idle is there twice")

    def test_a_scenario_without_a_column_for_a_value(self):
        self.refused(
            lambda r: r["scenarios"][0]["rows"][0]["values"].update(other=[1]), "idle, sluice: no column for other"
        )

    def test_a_file_is_named_that_is_cut_or_not_one(self):
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory, "cut.json")
            file.write_text(json.dumps(made_up.result())[:-1])
            with self.assertRaisesRegex(schema.Broken, "cut.json"):
                schema.read(file)
            file.write_text("{}")
            with self.assertRaisesRegex(schema.Broken, "cut.json: result: no format"):
                schema.read(file)


if __name__ == "__main__":
    unittest.main()
