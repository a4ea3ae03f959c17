"""The file of a result, before it is a page."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import made_up
import schema
from result import Result


class Written(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name, "folder", "result.json")
        self.result = Result(self.path, made_up.result()["machine"], made_up.result()["options"])

    def test_an_empty_one_is_one_already(self):
        self.result.write()
        self.assertEqual(schema.read(self.path)["tables"], [])
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_where_the_checkout_lies_is_not_told(self):
        self.result.told["configs"]["nginx"] = f"pid {ROOT}/build/bench/nginx.pid;\nroot {ROOT}/build/bench/www;\n"
        self.result.told["commands"]["sluice"] = f"{ROOT}/build/sluice run {ROOT}/build/bench/sluice.json"
        self.result.write()
        self.result.told["commands"]["kafka"] = f"java -cp {Path.home()}/.cache/kafka.jar"
        self.result.write()
        self.assertNotIn(str(ROOT), self.path.read_text())
        self.assertIn("java -cp ~/.cache/kafka.jar", self.path.read_text())
        told = json.loads(self.path.read_text())
        self.assertEqual(told["configs"]["nginx"], "pid build/bench/nginx.pid;\nroot build/bench/www;\n")
        self.assertEqual(told["commands"]["sluice"], "build/sluice run build/bench/sluice.json")


if __name__ == "__main__":
    unittest.main()
