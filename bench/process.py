"""A started program, pinned to one processor: what it and all its children use."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """Seconds of processor time."""

    user: float
    system: float

    def __sub__(self, before):
        # The split counts in ticks of 10 ms, the sum in nanoseconds: at the edge of a tick either may seem to go back.
        return Cpu(max(self.user - before.user, 0.0), max(self.system - before.system, 0.0))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_free_ports(names, start):
    """What `start` makes of {name: port}, and once more when it does not answer: a free port may just be taken."""
    for _ in range(3):
        try:
            return start({name: free_port() for name in names})
        except RuntimeError as reason:
            why = reason
    raise why


def clock_of(process):
    """The clock of a process's processor time, of ended threads too: the MAKE_PROCESS_CPUCLOCK of clock_getres(2)."""
    return (~process << 3) | 2


def many_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


INTERRUPTS = {signal.SIGINT, signal.SIGTERM}


@contextlib.contextmanager
def uninterrupted():
    """An interrupt waits until the end of the block: it could come between the start of a child and our knowing of it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, INTERRUPTS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


def prepare():
    """In the child, before it becomes the program."""
    many_descriptors()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, INTERRUPTS)


class Process:
    """`directory` keeps what it says, in NAME.messages. `ports` maps "http", "https", "h2c" and the like to numbers."""

    def __init__(self, name, command, processor, directory, ports=None, patience=10):
        self.name = name
        self.ports = dict(ports or {})
        self.command = [str(word) for word in command]
        self.messages = directory / f"{name}.messages"
        self._process = None
        try:
            with open(self.messages, "ab") as messages, uninterrupted():
                # In a session of its own: Ctrl-C is for us, and stop() takes all its children along.
                self._process = subprocess.Popen(
                    ["taskset", "-c", str(processor), *self.command],
                    stdin=subprocess.DEVNULL, stdout=messages, stderr=messages, cwd=directory,
                    start_new_session=True, preexec_fn=prepare,
                )  # fmt: skip
                self.pid = self._process.pid
            self._wait_for_ports(time.monotonic() + patience)
        except BaseException:  # an interrupt, too: nobody else knows of it yet
            if self._process is not None:
                self.stop()
            raise

    def _wait_for_ports(self, end):
        for port in self.ports.values():
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > end or self._process.poll() is not None:
                        self.stop()
                        raise RuntimeError(f"{self.name} does not answer{self._last_words()}") from None
                    time.sleep(0.01)

    def _last_words(self):
        said = self.messages.read_text(errors="replace").strip()
        return f": {said.splitlines()[-1]}" if said else ", and says nothing"

    @property
    def alive(self):
        return self._process.poll() is None

    def pids(self):
        """This process and all below it."""
        found = [self.pid]
        for pid in found:
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                pass  # it has just ended
        return found

    def cpu(self):
        """User and system time of it and all its children and threads, also of those that have ended."""
        whole = user = 0.0
        for pid in self.pids():
            try:
                whole += time.clock_gettime(clock_of(pid))
                # utime, stime, cutime, cstime: proc(5)
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:15]
            except OSError:
                continue
            utime, _, cutime, cstime = (int(field) / TICKS for field in fields)
            whole += cutime + cstime
            user += utime + cutime
        return Cpu(user, whole - user)

    def reset_peak(self):
        """Lets the peaks of memory begin anew: clear_refs of proc(5)."""
        for pid in self.pids():
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass

    def stop(self, patience=3):
        """Twice if need be, and all that it left behind."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
