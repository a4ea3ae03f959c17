"""The program under test: started on a configuration, watched through its status page, its log and /proc."""

import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import client
from waiting import LONGEST_WAIT, accepts, until

BINARY = os.environ.get("SLUICE_BIN") or str(Path(__file__).resolve().parents[2] / "build" / "sluice")

_SEVERE = re.compile(r"^(\S+ )?(error|critical)\b")
# Counters that stand at 0 when no exchange runs.
_HELD = ("pipes_in_use", "buffers_in_use", "ledger_violations", "clients", "tunnels")


def portable():
    """Whether the program was built without splice and sendfile."""
    told = subprocess.run([BINARY, "version"], capture_output=True, text=True, timeout=LONGEST_WAIT, check=True)
    return bool(re.search(r"\bnone\b", told.stdout + told.stderr))


def sanitized():
    """Whether a sanitizer is built in: its shadow and its quarantine are no measure of memory."""
    return re.search(rb"__[at]san_init", Path(BINARY).read_bytes()) is not None


class Sluice:
    """`config` is the file's content; the log is added, and the status page is `status_port`'s /status.

    `user`: the number of another user to run as, with that user's rights and quotas. `around`: a command that starts
    the program in surroundings of its own, as Case.behind_mounts() makes one.
    """

    def __init__(self, config, status_port, descriptors=None, user=None, wait=True, around=(), environment=None):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-test-"))
        self.status_port = status_port
        self.file = self.directory / "sluice.json"
        self.log = self.directory / "access.log"
        self._errors = self.directory / "stderr"
        self.write(config)

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        other, program = {}, BINARY
        if user is not None:
            # The tree may stand where only its owner may go.
            program = shutil.copy(BINARY, self.directory / "sluice")
            os.chown(self.directory, user, user)
            other = {"user": user, "group": user, "extra_groups": []}
        self._stderr = open(self._errors, "wb")
        self.process = subprocess.Popen(
            [*around, program, "run", str(self.file)],
            stdout=subprocess.DEVNULL, stderr=self._stderr, cwd=self.directory, preexec_fn=limit,
            env={**os.environ, **(environment or {})}, **other,
        )  # fmt: skip
        if not wait:
            return
        try:
            ports = [int(listener["listen"].rsplit(":", 1)[1]) for listener in config["listeners"]]
            until(lambda: self.process.poll() is not None or all(accepts(p) for p in ports), "sluice listens")
            if self.process.poll() is not None:
                raise AssertionError(f"sluice ended with {self.process.returncode}: {self.stderr()}")
            self._asking_buffers = 0
            self._asking_buffers = self.status()["buffers_in_use"]
            if self._asking_buffers > 1:
                raise AssertionError(f"{self._asking_buffers} buffers in use at start")
            self.wait_until_quiet()
            # The least of a few: the connection that asked may take a moment to close.
            self._base_descriptors = min(self._descriptors_soon() for _ in range(5))
        except BaseException:
            self.kill()
            raise

    def write(self, config):
        self.file.write_text(json.dumps({"access_log": {"file": str(self.log)}, **config}, indent=1))

    # --- watching --------------------------------------------------------------------------------------------

    def stderr(self):
        return self._errors.read_text(errors="replace")

    def status(self):
        """The counters. Asking is an exchange of its own: it holds one client and is counted as a request."""
        answer = client.get(self.status_port, "/status", "Connection: close")
        if answer.status != 200:
            raise AssertionError(f"/status: {answer.status} {answer.text}")
        return json.loads(answer.text)["counters"]

    def counter(self, name):
        return self.status()[name]

    def log_lines(self, matches=lambda line: True, timeout=LONGEST_WAIT, count=1):
        """The log's entries that match, as soon as there are `count` of them."""

        def found():
            if not self.log.exists():
                return None
            whole = self.log.read_text().rpartition("\n")[0]
            lines = [json.loads(line) for line in whole.split("\n") if line]
            fitting = [line for line in lines if matches(line)]
            return fitting if len(fitting) >= count else None

        return until(found, lambda: f"{count} log lines\n{self._tail()}", timeout)

    def log_line(self, target, timeout=LONGEST_WAIT):
        """The last entry about `target`."""
        return self.log_lines(lambda line: line.get("target") == target, timeout)[-1]

    def _tail(self):
        log = self.log.read_text()[-2000:] if self.log.exists() else "no access log"
        return f"--- access log\n{log}\n--- stderr\n{self.stderr()[-2000:]}"

    def fd_count(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def descriptor_names(self):
        """What /proc calls each open descriptor. It may close one between the listing and the look: that is no more open."""
        names = []
        for number in os.listdir(f"/proc/{self.process.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                names.append(os.readlink(f"/proc/{self.process.pid}/fd/{number}"))
        return names

    def rss_anon(self):
        """Bytes of the process's own memory (no file pages)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^RssAnon:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def held(self):
        """What exchanges hold now, the one that asks left out."""
        counters = self.status()
        counters["clients"] -= 1
        counters["buffers_in_use"] -= self._asking_buffers
        return {name: counters[name] for name in _HELD if counters[name] != 0}

    def wait_until_quiet(self, timeout=LONGEST_WAIT):
        until(lambda: not self.held(), lambda: f"still held: {self.held()}\n{self._tail()}", timeout, every=0.03)

    def descriptors(self):
        """Those open now, without what is kept on purpose: pooled pipes, idle server connections, served files, and what
        tells of their changes."""
        counters = self.status()
        kept = 2 * counters["pipes_open"] + counters["upstream_idle"]
        names = [
            name
            for name in self.descriptor_names()
            if name != "anon_inode:inotify"
            and (not name.startswith("/") or name.startswith(("/dev/", str(self.directory))))
        ]
        return len(names) - kept

    def _descriptors_soon(self):
        time.sleep(0.01)
        return self.descriptors()

    def assert_nothing_left(self):
        """However the exchanges went: no pipe, no buffer, no descriptor is left, and the ledger balanced."""
        self.wait_until_quiet()
        until(
            lambda: self.descriptors() <= self._base_descriptors,
            lambda: f"{self.descriptors()} descriptors instead of {self._base_descriptors}\n{self._tail()}",
            every=0.03,
        )

    # --- steering --------------------------------------------------------------------------------------------

    def reload(self, config):
        self.write(config)
        self.process.send_signal(signal.SIGHUP)

    def signal(self, number):
        self.process.send_signal(number)

    def wait_for_stderr(self, pattern, timeout=LONGEST_WAIT):
        return until(lambda: re.search(pattern, self.stderr()), lambda: f"{pattern!r} in\n{self.stderr()}", timeout)

    def wait_for_exit(self, timeout=LONGEST_WAIT):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {timeout:g} s later\n{self._tail()}") from None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._stderr.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self, expected_errors=()):
        """SIGTERM; the exit must be clean, and stderr may hold no error but the expected ones (patterns)."""
        try:
            if self.process.poll() is None:
                self.process.send_signal(signal.SIGTERM)
            code = self.wait_for_exit()
            errors = self.stderr()
        finally:
            self.kill()
        severe = [
            line
            for line in errors.splitlines()
            if _SEVERE.search(line) and not any(re.search(pattern, line) for pattern in expected_errors)
        ]
        if code != 0 or severe:
            raise AssertionError(f"sluice ended with {code}; errors: {severe}\n{errors[-2000:]}")
