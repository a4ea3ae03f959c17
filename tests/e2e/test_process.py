"""The process: start, reload, drain and stop."""

import hashlib
import re
import signal
import time
import unittest

from harness import Case, Connection, Pattern, Slow, accepts, answer, free_port, get, run, until

KIB, MIB = 1024, 1024 * 1024
SIZE = 32 * MIB


class Process(Case):
    def setUp(self):
        self.raw = self.origin({"who": lambda c, r: answer(c, "first")})
        self.other = self.origin({"who": lambda c, r: answer(c, "second")})
        self.config = self.http_config([self.raw.port], timeouts={"drain": "10s"})

    # --- reload ----------------------------------------------------------------------------------------------

    def test_reload_serves_anew_and_lets_the_old_finish(self):
        sluice = self.start(self.config)
        with Connection(self.port) as kept:
            self.assertEqual(kept.get("/who").text, "first")
            download = Slow(self.port, SIZE)
            self.config["upstreams"]["app"]["servers"] = [f"127.0.0.1:{self.other.port}"]
            sluice.reload(self.config)
            until(lambda: get(self.port, "/who").text == "second", "the new configuration serves", every=0.02)
            self.assertEqual(kept.get("/who").text, "second", "a kept connection follows too")
            self.assertEqual(download.finish(), SIZE)
            download.connection.close()
        sluice.assert_nothing_left()

    def test_reload_opens_and_closes_listeners(self):
        sluice = self.start(self.config)
        extra = free_port()
        self.config["listeners"].append({"listen": f"127.0.0.1:{extra}"})
        sluice.reload(self.config)
        until(lambda: accepts(extra), "the new listener")
        self.assertEqual(get(extra, "/who").text, "first")
        self.config["listeners"].pop()
        sluice.reload(self.config)
        until(lambda: not accepts(extra), "the listener goes")
        self.assertEqual(get(self.port, "/who").text, "first")
        sluice.assert_nothing_left()

    def test_a_bad_configuration_changes_nothing_and_says_why(self):
        sluice = self.start(self.config, expected_errors=[".*"])
        for broken, told in (
            ({**self.config, "routes": [{"path": "/", "proxy": "ap"}]}, r"routes\[0\]"),
            ({**self.config, "listners": []}, r"listeners"),  # the nearest known key
        ):
            sluice.reload(broken)
            sluice.wait_for_stderr(told)
            self.assertEqual(get(self.port, "/who").text, "first")
        sluice.file.write_text("{ not json")
        before = len(sluice.stderr())
        sluice.signal(signal.SIGHUP)
        until(lambda: len(sluice.stderr()) > before, "it says why")
        self.assertEqual(get(self.port, "/who").text, "first")
        sluice.assert_nothing_left()

    # --- stop ------------------------------------------------------------------------------------------------

    def test_drain_finishes_what_runs_and_takes_nothing_new(self):
        sluice = self.start(self.config)
        idle = Connection(self.port)
        self.addCleanup(idle.close)
        idle.get("/who")
        download = Slow(self.port, SIZE)
        self.addCleanup(download.connection.close)
        sluice.signal(signal.SIGTERM)
        until(lambda: not accepts(self.port), "the listener closes")
        self.assertTrue(idle.at_end(), "an idle connection is closed")
        self.assertIsNone(sluice.process.poll())
        self.assertEqual(download.finish(), SIZE)
        self.assertTrue(download.connection.at_end(), "a drained connection is not kept")
        self.assertEqual(sluice.wait_for_exit(), 0)

    def test_the_drain_deadline_cuts(self):
        self.config["timeouts"]["drain"] = "500ms"
        sluice = self.start(self.config)
        download = Slow(self.port, SIZE)
        self.addCleanup(download.connection.close)
        began = time.monotonic()
        sluice.signal(signal.SIGTERM)
        self.assertEqual(sluice.wait_for_exit(), 0)
        self.assertGreater(time.monotonic() - began, 0.4)
        self.assertLess(time.monotonic() - began, 5)
        self.assertLess(download.finish(), SIZE)
        self.assertEqual(sluice.log_line(f"/length/{SIZE}")["end"], "drained")

    def test_a_second_sigterm_ends_at_once(self):
        sluice = self.start(self.config)
        download = Slow(self.port, SIZE)
        self.addCleanup(download.connection.close)
        sluice.signal(signal.SIGTERM)
        until(lambda: not accepts(self.port), "it drains")
        began = time.monotonic()
        sluice.signal(signal.SIGTERM)
        sluice.wait_for_exit()
        self.assertLess(time.monotonic() - began, 3)

    def test_sigint_stops_too(self):
        sluice = self.start(self.config)
        sluice.signal(signal.SIGINT)
        self.assertEqual(sluice.wait_for_exit(), 0)

    # --- start -----------------------------------------------------------------------------------------------

    def test_it_says_where_it_listens(self):
        sluice = self.start(self.config)
        sluice.wait_for_stderr(rf"listening on 127\.0\.0\.1:{self.port}\b")

    def test_a_bad_configuration_ends_the_start(self):
        self.config["routes"][-1]["proxy"] = "nobody"
        sluice = self.start(self.config, wait=False)
        self.assertNotEqual(sluice.wait_for_exit(), 0)
        self.assertRegex(sluice.stderr(), r"routes\[1\]\.proxy")

    def test_a_taken_port_ends_the_start(self):
        self.config["listeners"][0]["listen"] = f"127.0.0.1:{self.raw.port}"
        sluice = self.start(self.config, wait=False)
        self.assertNotEqual(sluice.wait_for_exit(), 0)
        self.assertIn(str(self.raw.port), sluice.stderr())

    # --- real clients ----------------------------------------------------------------------------------------

    def test_wrk_sees_no_error(self):
        nginx = self.nginx(files={"small": 4 * KIB, "large": 256 * KIB})
        self.config["upstreams"]["app"]["servers"] = [f"127.0.0.1:{nginx.port}"]
        self.config["workers"] = 2
        sluice = self.start(self.config)
        for name in ("small", "large"):
            with self.subTest(name=name):
                told = run("wrk", "-t1", "-c32", "-d1s", f"http://127.0.0.1:{self.port}/{name}")
                self.assertNotIn("Non-2xx", told)
                self.assertNotIn("Socket errors", told)
                self.assertGreater(int(re.search(r"(\d+) requests in", told)[1]), 100)
        sluice.assert_nothing_left()

    def test_curl_in_parallel(self):
        sluice = self.start(self.config)
        kept = sluice.directory / "kept"
        url = f"http://127.0.0.1:{self.port}/length/{MIB}"
        run("curl", "-sSf", "-Z", *(word for n in range(8) for word in ("-o", f"{kept}{n}", f"{url}")))
        for n in range(8):
            with open(f"{kept}{n}", "rb") as file:
                self.assertEqual(hashlib.sha256(file.read()).digest(), hashlib.sha256(Pattern.at(0, MIB)).digest())
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
