"""Faults of the surroundings, which the process outlives: each is told once, counted, and over when it is over.

conf/OPERATING.md has a line for each.
"""

import contextlib
import email.utils
import glob
import itertools
import json
import os
import re
import resource
import shutil
import signal
import tempfile
import threading
import time
import unittest
from pathlib import Path

from dns import NameServer
from harness import Case, Connection, Pattern, RawOrigin, Slow, accepts, free_port, get, serving, until
from sluice import sanitized

KIB, MIB = 1024, 1024 * 1024
SIZE = 32 * MIB
ANY = [".*"]  # errors in the log are what these tests are about


class Survival(Case):
    def directory(self):
        directory = Path(tempfile.mkdtemp(prefix="sluice-survival-"))
        self.addCleanup(shutil.rmtree, directory, True)
        return directory

    def files(self, directory, **options):
        return {"path": "/files/", "files": {"root": str(directory), **options}, "strip_prefix": True}

    def assert_said(self, sluice, pattern, times=1):
        said = len(re.findall(pattern, sluice.stderr()))
        self.assertEqual(said, times, f"{pattern!r} in\n{sluice.stderr()}")

    def assert_serves(self, size=100000, port=None):
        self.assert_whole(get(port or self.port, f"/length/{size}", expected=Pattern.at), size)


def entries(log):
    """The lines that are whole; a full disk may have cut others."""
    found = []
    for line in Path(log).read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            found.append(json.loads(line))
    return found


class AccessLog(Survival):
    def setUp(self):
        self.raw = self.origin()

    def start_logging(self, log, **options):
        return self.start(self.http_config([self.raw.port], access_log=str(log)), ANY, **options)

    def ask_until(self, condition, what):
        def ask():
            self.assert_serves(1000)
            return condition()

        return until(ask, what)

    def test_a_full_disk_costs_log_lines_and_nothing_else(self):
        disk = self.directory()
        sluice = self.start_logging(
            disk / "log", around=self.behind_mounts(f"mount -t tmpfs -o size=64k none '{disk}'")
        )
        seen = Path(f"/proc/{sluice.process.pid}/root{disk}")  # as the process sees it
        self.assert_serves()
        with self.assertRaises(OSError), open(seen / "ballast", "wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        self.ask_until(lambda: sluice.counter("log_lines_dropped") > 20, "lines are dropped")
        self.assert_serves(MIB)
        sluice.wait_for_stderr("No space left on device; lines are lost")
        (seen / "ballast").unlink()
        self.ask_until(lambda: "written again" in sluice.stderr(), "the log goes on")
        self.assert_said(sluice, "lines are lost")
        self.assert_said(sluice, "written again")
        # Every exchange has its line or is counted; the one that asks is neither yet.
        until(
            lambda: len(entries(seen / "log")) + (counters := sluice.status())["log_lines_dropped"] + 1
            == counters["requests"],
            lambda: f"{len(entries(seen / 'log'))} lines and {sluice.status()}",
            every=0.3,
        )
        sluice.assert_nothing_left()

    def test_a_disk_that_takes_nothing_is_left_by_reopening(self):
        """As above where no file system can be mounted: /dev/full, and another file in its place."""
        log = self.directory() / "log"
        log.symlink_to("/dev/full")
        sluice = self.start_logging(log)
        self.ask_until(lambda: sluice.counter("log_lines_dropped") > 5, "lines are dropped")
        log.unlink()
        sluice.signal(signal.SIGUSR1)
        self.ask_until(lambda: "written again" in sluice.stderr(), "the log goes on")
        self.assert_said(sluice, "lines are lost")
        self.assertTrue(entries(log))
        sluice.assert_nothing_left()

    def test_a_renamed_log_is_written_until_it_is_reopened(self):
        log = self.directory() / "log"
        old = log.with_suffix(".1")
        sluice = self.start_logging(log)
        self.assert_serves(1)
        log.rename(old)
        self.assert_serves(2)
        until(lambda: "/length/2" in old.read_text(), "the old file goes on")
        self.assertFalse(log.exists())
        sluice.signal(signal.SIGUSR1)
        until(log.exists, "a new file")
        self.assert_serves(3)
        until(lambda: "/length/3" in log.read_text(), "the new file is written")
        self.assertEqual(
            [e["target"] for e in entries(old) + entries(log) if e["target"] != "/status"],
            ["/length/1", "/length/2", "/length/3"],
        )

    def test_a_removed_log_and_its_directory_come_back_by_reopening(self):
        directory = self.directory() / "logs"
        directory.mkdir()
        log = directory / "log"
        sluice = self.start_logging(log)
        shutil.rmtree(directory)
        self.assert_serves(1)
        sluice.signal(signal.SIGUSR1)
        sluice.wait_for_stderr("can't be opened again: No such file or directory; the old file goes on")
        self.assert_serves(2)
        directory.mkdir()
        sluice.signal(signal.SIGUSR1)
        until(log.exists, "a new file")
        self.assert_serves(3)
        until(lambda: "/length/3" in log.read_text(), "the new file is written")
        self.assertEqual(sluice.counter("log_lines_dropped"), 0)
        sluice.assert_nothing_left()


class Descriptors(Survival):
    """Taken away from the running process by its limit, and given back."""

    def setUp(self):
        self.raw, self.elsewhere = self.origin(), self.origin()
        self.root = self.directory()
        for name in ("open", "other"):
            (self.root / name).write_bytes(Pattern.at(0, 100000))
        self.config = self.http_config(
            {"servers": [f"127.0.0.1:{self.raw.port}"], "max_fails": 1},
            routes=[
                self.files(self.root, revalidate="0s"),
                {"path": "/elsewhere/", "proxy": "elsewhere", "strip_prefix": True},
            ],
        )
        # Two: an only server is never taken for down.
        servers = [f"127.0.0.1:{self.elsewhere.port}"] * 2
        self.config["upstreams"]["elsewhere"] = {"servers": servers, "max_fails": 1}

    @contextlib.contextmanager
    def limited(self, sluice, to=None):
        """No new descriptor: `to` or the lowest free number is the limit."""
        pid = sluice.process.pid
        used = {int(number) for number in os.listdir(f"/proc/{pid}/fd")}
        limit = to or next(number for number in itertools.count() if number not in used)
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    def counters(self, connection):
        return json.loads(connection.get("/status").text)["counters"]

    def test_those_inside_are_served_and_those_outside_are_turned_away(self):
        sluice = self.start(self.config, ANY)
        with Connection(self.port) as kept:
            kept.get("/length/10")
            kept.get("/files/open")
            with self.limited(sluice):
                for _ in range(5):
                    with Connection(self.port) as outside:
                        self.assertTrue(outside.at_end(), "turned away at once")
                # By a connection that was there; the pipes are not.
                self.assert_whole(kept.get(f"/length/{MIB}", expected=Pattern.at), MIB)
                if not self.portable:
                    entry = sluice.log_line(f"/length/{MIB}")
                    self.assertEqual((entry["path"], entry["why"]), ("buffered", "no-pipe"))
                self.assert_whole(kept.get("/files/open", expected=Pattern.at), 100000)
                self.assertEqual(kept.get("/files/other").status, 503)
                for _ in range(20):
                    self.assertEqual(kept.get("/elsewhere/length/10").status, 503)
                self.assertEqual(sluice.log_line("/elsewhere/length/10")["end"], "connect-failed")
                sluice.signal(signal.SIGHUP)
                sluice.wait_for_stderr("the old configuration stays.*\n")
                counters = self.counters(kept)
            self.assertGreaterEqual(counters["turned_away"], 5)
            if not self.portable:
                self.assertGreaterEqual(counters["pipes_refused"], 1)
            # All as before, and at once: no server was blamed.
            for target in (f"/length/{MIB}", "/elsewhere/length/100000", "/files/other"):
                self.assertEqual(get(self.port, target).status, 200, target)
        self.assertEqual(sluice.counter("server_marked_down"), 0)
        self.assert_said(sluice, "out of descriptors")
        self.assert_said(sluice, "no connection to")
        sluice.assert_nothing_left()

    def test_without_a_spare_descriptor_the_listener_waits_and_does_not_spin(self):
        sluice = self.start(self.config, ANY)
        with Connection(self.port) as kept, Connection(self.port) as outside:
            kept.get("/length/10")
            outside.get("/length/10")
            with self.limited(sluice, to=3):
                waiting = Connection(self.port)
                self.addCleanup(waiting.close)
                waiting.send("GET /length/100 HTTP/1.1\r\nHost: a\r\n\r\n")
                before = self.counters(kept)["accept_failed"]
                until(lambda: self.counters(kept)["accept_failed"] >= before + 3, "it tries now and then", every=0.05)
                self.assertLess(self.counters(kept)["accept_failed"], before + 20, "it spins")
                self.assert_whole(outside.get("/length/100", expected=Pattern.at), 100)
            self.assertEqual(waiting.read_response().status, 200, "it was only kept waiting")
            waiting.close()
        sluice.assert_nothing_left()

    def test_a_crowd_larger_than_the_limit_is_survived(self):
        sluice = self.start(self.config, ANY, descriptors=64)
        crowd = []
        for _ in range(150):
            with contextlib.suppress(OSError):
                connection = Connection(self.port, timeout=2)
                connection.send("GET /length/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
                crowd.append(connection)
        answered = 0
        for connection in crowd:
            with contextlib.suppress(Exception):  # turned away
                answered += connection.read_response().status in (200, 502, 503)
            connection.close()
        self.assertGreater(answered, 5)
        self.assertIsNone(sluice.process.poll(), sluice.stderr())
        self.assert_whole(until(lambda: self._try("/length/100000"), "it serves again"), 100000)
        counters = sluice.status()
        self.assertGreater(counters["turned_away"] + counters["accept_failed"], 0)
        sluice.assert_nothing_left()

    def _try(self, target):
        with contextlib.suppress(Exception):
            response = get(self.port, target, expected=Pattern.at)
            return response if response.status == 200 else None


class Servers(Survival):
    def test_all_servers_down_is_told_at_once_and_costs_no_storm_of_connects(self):
        ports = [free_port(), free_port()]
        sluice = self.proxy(
            {"servers": [f"127.0.0.1:{port}" for port in ports], "max_fails": 2, "fail_timeout": "1s"},
            ANY,
        )
        began = time.monotonic()
        with Connection(self.port) as kept:
            statuses = [kept.get(f"/length/{n}").status for n in range(300)]
        took = time.monotonic() - began
        self.assertLess(took, 10)
        self.assertEqual(statuses[0], 502, "asked, in vain")
        self.assertEqual(statuses.count(503) + statuses.count(502), 300)
        counters = sluice.status()
        self.assertEqual(counters["endings_no_server"], statuses.count(503))
        self.assertEqual(counters["endings_connect_failed"], statuses.count(502))
        self.assertEqual(counters["server_marked_down"], 2)
        # Two failures mark each down, then each has one trial a second.
        self.assertLessEqual(counters["upstream_connects"], 4 + 2 * (took + 1))
        origin = RawOrigin(serving({}), port=ports[0])
        self.addCleanup(origin.stop)
        until(lambda: get(self.port, "/length/10").status == 200, "a server is back", every=0.05)
        for _ in range(20):
            self.assert_serves(1000)
        self.assert_said(sluice, "is marked down", 2)
        self.assert_said(sluice, f"127.0.0.1:{ports[0]} is up again")
        sluice.assert_nothing_left()


class Names(Survival):
    """With a name server of the test's own, which /etc/resolv.conf names behind a mount."""

    def setUp(self):
        self.raw = self.origin()
        try:
            self.dns = NameServer()
        except OSError as error:
            self.skip(f"no name server on port 53: {error}")
        self.addCleanup(self.dns.stop)

    def start_naming(self, *names, patience=1, **more):
        """Every name is an upstream and a route: /NAME/."""
        etc = self.directory()
        (etc / "resolv").write_text(
            f"nameserver {self.dns.address}\noptions timeout:{patience} attempts:1\n"
        )
        (etc / "nsswitch").write_text("hosts: files dns\n")
        mounts = f"mount --bind '{etc}/resolv' /etc/resolv.conf\n"
        if os.path.exists("/etc/nsswitch.conf"):
            mounts += f"mount --bind '{etc}/nsswitch' /etc/nsswitch.conf\n"
        routes = [{"path": f"/{name}/", "proxy": name, "strip_prefix": True} for name in names]
        self.config = self.http_config([self.raw.port], routes=routes + more.pop("routes", []), **more)
        for name in names:
            self.config["upstreams"][name] = {
                "servers": [f"{name}:{self.raw.port}"],
                "resolve_every": "100ms",
            }
        return self.start(self.config, ANY, around=self.behind_mounts(mounts))

    def asked_again(self, name):
        """Two more look-ups began: what the first of them found has been taken."""
        seen = self.dns.asked.count(name)
        until(lambda: self.dns.asked.count(name) >= seen + 6, f"{name} is looked up")

    def status_of(self, name):
        return get(self.port, f"/{name}/length/10").status

    def test_a_name_that_does_not_exist_at_start_may_come_later(self):
        sluice = self.start_naming("late.example")
        self.assertEqual(self.status_of("late.example"), 503)
        self.assertEqual(sluice.log_line("/late.example/length/10")["end"], "no-server")
        self.assert_serves()
        self.asked_again("late.example")
        self.dns.names["late.example"] = "127.0.0.1"
        until(lambda: self.status_of("late.example") == 200, "the name is found")
        self.assert_said(sluice, "late.example can't be resolved: .*; it has no address")
        self.assert_said(sluice, "late.example is resolved again")
        sluice.assert_nothing_left()

    def test_a_name_that_vanishes_keeps_its_addresses(self):
        self.dns.names["app.example"] = "127.0.0.1"
        sluice = self.start_naming("app.example")
        self.assertEqual(self.status_of("app.example"), 200)
        del self.dns.names["app.example"]
        sluice.wait_for_stderr("app.example can't be resolved: .*; its last addresses stay")
        self.asked_again("app.example")
        self.assertEqual(self.status_of("app.example"), 200)
        # A reload that makes its upstream anew keeps them, too.
        self.config["upstreams"]["app.example"]["max_fails"] = 7
        sluice.reload(self.config)
        sluice.wait_for_stderr("reloaded")
        self.assertEqual(self.status_of("app.example"), 200)
        self.dns.names["app.example"] = "127.0.0.2"
        until(
            lambda: get(self.port, "/app.example/length/10").status == 502
            and sluice.log_line("/app.example/length/10")["upstream"].startswith("127.0.0.2:"),
            "the new address is followed",
        )
        self.assert_said(sluice, "app.example is resolved again")
        sluice.assert_nothing_left()

    def test_a_name_server_that_never_answers_holds_nobody_else_up(self):
        hanging = [f"hang{n}.example" for n in range(8)]
        self.dns.names["app.example"] = "127.0.0.1"
        self.dns.silent |= set(hanging)
        root = self.directory()
        size = 4 * MIB
        sluice = self.start_naming(
            "app.example", *hanging,
            patience=30, workers=2, routes=[self.files(root)], timeouts={"connect": "500ms"},
        )  # fmt: skip
        until(lambda: set(hanging) <= set(self.dns.asked), "all names are asked for")
        self.assertEqual(self.status_of("app.example"), 200)
        self.dns.silent.add("*")
        for name in hanging[:3]:
            began = time.monotonic()
            self.assertEqual(self.status_of(name), 503, "after timeouts.connect")
            self.assertLess(time.monotonic() - began, 5)
        for n in range(6):
            (root / f"cold{n}").write_bytes(Pattern.at(0, size))
            with open(root / f"cold{n}", "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            self.assert_whole(get(self.port, f"/files/cold{n}", expected=Pattern.at), size)
        if not sluice.counter("cold_waits"):
            print(f"{self.id()}: the file system in {root} keeps its pages, no file was cold")
        self.assertEqual(self.status_of("app.example"), 200)
        began = time.monotonic()
        sluice.signal(signal.SIGTERM)
        self.assertEqual(sluice.wait_for_exit(), 0)
        self.assertLess(time.monotonic() - began, 10, "it waits for the name server")


class Clock(Survival):
    """The wall clock is libfaketime's; the monotonic one is left alone, as the kernel leaves it when time is set."""

    def setUp(self):
        library = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
        if not library:
            self.skip("needs libfaketime (Debian's package faketime)")
        directory = self.directory()
        self.offset = directory / "offset"
        self.step("+0")
        self.raw = self.origin()
        self.root = directory / "www"
        self.root.mkdir()
        (self.root / "file").write_bytes(Pattern.at(0, 100000))
        config = self.http_config([self.raw.port], routes=[self.files(self.root)], timeouts={"keep_alive": "1500ms"})
        self.sluice = self.start(
            config,
            environment={
                "LD_PRELOAD": library[0],
                "FAKETIME_TIMESTAMP_FILE": str(self.offset),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1",
                "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",  # it comes first
            },
        )

    def step(self, offset):
        new = self.offset.with_suffix(".new")
        new.write_text(offset + "\n")
        new.rename(self.offset)

    def test_steps_of_hours_and_years_change_the_date_and_nothing_else(self):
        hour, year = 3600, 365 * 24 * 3600
        etag = get(self.port, "/files/file").get("ETag")
        download = Slow(self.port, SIZE)
        kept = Connection(self.port)
        self.addCleanup(kept.close)
        self.addCleanup(download.connection.close)
        for n, (offset, seconds) in enumerate(
            [("+0", 0), ("+3h", 3 * hour), ("-2h", -2 * hour), ("+10y", 10 * year), ("-10y", -10 * year), ("+0", 0)]
        ):
            with self.subTest(offset=offset):
                self.step(offset)

                def shown():
                    told = kept.get("/files/file", "Range: bytes=0-0").get("Date")
                    shift = email.utils.parsedate_to_datetime(told).timestamp() - time.time()
                    return abs(shift - seconds) < 60

                until(shown, "the Date field follows")
                self.assert_whole(kept.get(f"/length/{1000 + n}", expected=Pattern.at), 1000 + n)
                self.assertEqual(kept.get("/files/file", f"If-None-Match: {etag}").status, 304)
                entry = self.sluice.log_line(f"/length/{1000 + n}")
                logged = email.utils.datetime.datetime.fromisoformat(entry["time"]).timestamp()
                self.assertLess(abs(logged - time.time() - seconds), 60)
                for key in ("ms", "connect_ms", "first_byte_ms"):
                    self.assertTrue(0 <= entry.get(key, 0) < 30000, entry)
        self.assertEqual(download.finish(), SIZE)
        self.assertTrue(0 < self.sluice.log_line(f"/length/{SIZE}")["ms"] < 60000)
        self.sluice.assert_nothing_left()

    def test_a_step_ends_no_wait_early_and_none_late(self):
        for offset in ("+1h", "-1h"):
            with self.subTest(offset=offset), Connection(self.port) as idle:
                self.step("+0")
                idle.get("/length/10")
                began = time.monotonic()
                self.step(offset)
                get(self.port, "/length/10")  # the loop turns
                self.assertTrue(idle.at_end())
                self.assertTrue(1.2 < time.monotonic() - began < 10, time.monotonic() - began)
        self.sluice.assert_nothing_left()


class Signals(Survival):
    def setUp(self):
        self.raw = self.origin()
        self.config = self.http_config([self.raw.port], routes=[self.version(0)])

    @staticmethod
    def version(n):
        return {"path": "/version", "respond": {"body": str(n)}}

    def threads(self, sluice):
        return len(os.listdir(f"/proc/{sluice.process.pid}/task"))

    @contextlib.contextmanager
    def load(self):
        """Kept connections with bodies of all sizes; no request may fail."""
        wrong, stop = [], threading.Event()

        def ask():
            try:
                with Connection(self.port) as connection:
                    for size in itertools.cycle((100, 50000, 2 * MIB)):
                        if stop.is_set():
                            return
                        response = connection.get(f"/length/{size}", expected=Pattern.at)
                        if (response.status, response.cut, response.body.wrong_at) != (200, False, None):
                            wrong.append(response)
            except Exception as failure:  # pylint: disable=broad-except
                wrong.append(failure)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(wrong, [])

    def storm(self, sluice, begin):
        """300 of them: new configurations, broken ones, and reopened logs among them."""
        for n in range(begin, begin + 300):
            if n % 10 == 3:
                sluice.file.write_text("{ broken")
            elif n % 10 == 7:
                sluice.signal(signal.SIGUSR1)
            else:
                # Each makes the upstream anew as well.
                self.config["routes"][1] = self.version(n)
                self.config["upstreams"]["app"]["max_fails"] = n + 1
                sluice.write(self.config)
            sluice.signal(signal.SIGHUP)
            if n % 50 == 0:  # let a few be read one by one
                until(lambda n=n: get(self.port, "/version").text == str(n), "this one serves")
        last = begin + 300
        self.config["routes"][1] = self.version(last)
        sluice.reload(self.config)
        until(lambda: get(self.port, "/version").text == str(last), "the last configuration wins")

    def test_a_storm_of_reloads_loses_no_request_and_leaves_nothing(self):
        sluice = self.start(self.config, ANY)
        with self.load():
            self.storm(sluice, 0)
        self.assertIn("the old configuration stays", sluice.stderr())
        sluice.assert_nothing_left()
        threads, memory = self.threads(sluice), sluice.rss_anon()
        with self.load():
            self.storm(sluice, 1000)
        sluice.assert_nothing_left()
        self.assertEqual(self.threads(sluice), threads)
        if not sanitized():  # a quarantine grows
            self.assertLess(sluice.rss_anon() - memory, 4 * MIB)

    def test_a_storm_while_draining_changes_nothing(self):
        sluice = self.start(self.config, ANY)
        download = Slow(self.port, SIZE)
        self.addCleanup(download.connection.close)
        sluice.signal(signal.SIGTERM)
        until(lambda: not accepts(self.port), "it drains")
        for _ in range(100):
            sluice.signal(signal.SIGHUP)
            sluice.signal(signal.SIGUSR1)
        self.assertEqual(download.finish(), SIZE)
        self.assertEqual(sluice.wait_for_exit(), 0)
        self.assertNotIn("reloaded", sluice.stderr())


class Surroundings(Survival):
    def setUp(self):
        self.raw = self.origin()
        self.root = self.directory() / "www"
        self.root.mkdir()
        (self.root / "file").write_bytes(Pattern.at(0, SIZE))
        self.config = self.http_config([self.raw.port], routes=[self.files(self.root, revalidate="0s")])

    def test_a_configuration_that_is_gone_leaves_the_old_one(self):
        sluice = self.start(self.config, ANY)
        sluice.file.unlink()
        sluice.signal(signal.SIGHUP)
        sluice.wait_for_stderr("the old configuration stays.*")
        self.assert_serves()
        self.config["routes"].append({"path": "/length/", "respond": 204})
        sluice.reload(self.config)
        until(lambda: get(self.port, "/length/1").status == 204, "it is read again")
        sluice.assert_nothing_left()

    def test_a_port_that_is_taken_leaves_the_old_configuration_whole(self):
        sluice = self.start(self.config, ANY)
        port = free_port()
        taken = RawOrigin(serving({}), port=port)
        self.addCleanup(taken.stop)
        self.config["listeners"].append({"listen": f"127.0.0.1:{port}"})
        self.config["routes"].append({"path": "/length/", "respond": 204})
        sluice.reload(self.config)
        sluice.wait_for_stderr(f"can't listen on 127.0.0.1:{port}: Address already in use; the old configuration stays")
        self.assert_serves()  # by the old route
        taken.stop()
        sluice.reload(self.config)
        until(lambda: accepts(port) and get(port, "/length/1").status == 204, "it listens now")
        self.config["listeners"].pop()
        sluice.reload(self.config)
        until(lambda: not accepts(port), "the listener goes")
        sluice.assert_nothing_left()

    def test_a_file_that_is_deleted_under_way_is_delivered_whole(self):
        sluice = self.start(self.config)
        download = Slow(self.port, SIZE, "/files/file")
        (self.root / "file").unlink()
        self.assertEqual(get(self.port, "/files/file").status, 404)
        self.assertEqual(download.finish(), SIZE)
        download.connection.close()
        sluice.assert_nothing_left()

    def test_a_root_that_is_replaced_is_found_by_a_reload(self):
        sluice = self.start(self.config, ANY)
        self.assertEqual(get(self.port, "/files/file", method="HEAD").status, 200)
        shutil.rmtree(self.root)
        self.assertEqual(get(self.port, "/files/file").status, 404)
        sluice.signal(signal.SIGHUP)
        sluice.wait_for_stderr("the old configuration stays.*")
        self.assert_serves()
        self.root.mkdir()
        (self.root / "file").write_bytes(b"new")
        self.assertEqual(get(self.port, "/files/file").status, 404, "this is another directory of that name")
        sluice.signal(signal.SIGHUP)
        until(lambda: get(self.port, "/files/file").text == "new", "the new directory serves")
        sluice.assert_nothing_left()

    def test_permissions_that_are_lost_are_a_403_and_come_back(self):
        around = ()
        if os.geteuid() == 0:  # who may read everything
            around = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
        sluice = self.start(self.config, around=around)
        self.assertEqual(get(self.port, "/files/file", method="HEAD").status, 200)
        self.root.chmod(0)
        self.addCleanup(self.root.chmod, 0o755)
        self.assertEqual(get(self.port, "/files/file").status, 403)
        self.assert_serves()
        self.root.chmod(0o755)
        self.assert_whole(get(self.port, "/files/file", expected=Pattern.at), SIZE)
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
