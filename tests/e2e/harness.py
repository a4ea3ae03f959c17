"""What every end-to-end test begins with: a case that starts parts and takes them down again, whatever happens."""

import subprocess
import unittest

from client import Connection, Cut, Pattern, Slow, chunked, get  # noqa: F401  (tests import from here)
from origin import Nginx, RawOrigin, answer, serving  # noqa: F401
from sluice import Sluice, portable
from waiting import LONGEST_WAIT, accepts, free_port, until  # noqa: F401


class Case(unittest.TestCase):
    """Expectations on ways depend on `self.portable`: a portable build copies everything, and says so."""

    portable = False

    @classmethod
    def setUpClass(cls):
        cls.portable = portable()

    def origin(self, routes=None, script=None, **options):
        """A scripted origin: `routes` by the first path segment, or one `script` per connection."""
        origin = RawOrigin(script or serving(routes or {}), **options)
        self.addCleanup(origin.stop)
        return origin

    def nginx(self, **contents):
        origin = Nginx(**contents)
        self.addCleanup(origin.stop)
        return origin

    def http_config(self, servers, **more):
        """One HTTP listener, /status and everything else to `servers` (ports, or a whole upstream).

        `route` is merged into the proxying route, `routes` come before it, other keys go to the top level.
        """
        self.port = getattr(self, "port", None) or free_port()
        upstream = servers if isinstance(servers, dict) else {"servers": [f"127.0.0.1:{p}" for p in servers]}
        proxying = {"path": "/", "proxy": "app", "server_timing": True, **more.pop("route", {})}
        routes = [{"path": "/status", "status": True}, *more.pop("routes", []), proxying]
        config = {
            "workers": 1,
            "listeners": [{"listen": f"127.0.0.1:{self.port}"}],
            "upstreams": {"app": upstream},
            "routes": routes,
        }
        config["listeners"] += more.pop("more_listeners", [])
        return {**config, **more}

    def start(self, config, expected_errors=(), **options):
        """Starts Sluice; it is stopped, and its exit judged, when the test ends."""
        sluice = Sluice(config, self.port, **options)
        self.addCleanup(self._stop, sluice, expected_errors)
        return sluice

    def _stop(self, sluice, expected_errors):
        if sluice.process.poll() is None:
            sluice.stop(expected_errors)
        else:
            sluice.kill()

    def proxy(self, servers, expected_errors=(), **more):
        return self.start(self.http_config(servers, **more), expected_errors)

    def skip(self, reason):
        print(f"skipped {self.id()}: {reason}")
        self.skipTest(reason)

    def behind_mounts(self, script):
        """A command that starts a program behind mounts (a shell script makes them) that nobody else sees."""
        told = ""
        for how in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
            tried = subprocess.run([*how, "sh", "-ec", script], capture_output=True, text=True, check=False)
            if tried.returncode == 0:
                return [*how, "sh", "-ec", script + '\nexec "$0" "$@"']
            told += tried.stderr
        return self.skip(f"no mounts of one's own here: {told.strip()}")

    # --- judging ---------------------------------------------------------------------------------------------

    def assert_whole(self, response, size, status=200):
        """The body is the pattern's first `size` bytes (or what it was compared with), and its end was seen."""
        self.assertEqual(response.status, status)
        self.assertIsNone(response.body.wrong_at, "first wrong byte")
        self.assertEqual((response.body.size, response.cut), (size, False))

    def assert_cut(self, response):
        self.assertIsNone(response.body.wrong_at, "first wrong byte")
        self.assertTrue(response.cut, f"a short body of {response.body.size} bytes looked whole")

    def assert_way(self, entry, path, *why):
        """The log entry names this way and one of the reasons; a portable build copies what is not mapped, and says so."""
        if self.portable and path not in ("none", "mmap"):
            why = ("portable-build",) if path in ("splice", "sendfile") else (*why, "portable-build")
            path = "buffered"
        self.assertEqual(entry.get("path"), path, entry)
        self.assertIn(entry.get("why"), why, entry)


def run(*command, **options):
    """A tool's output; fails with what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout
