"""What these tests need and Debian has not: Apache Kafka's jars by Maven, two clients by npm, once for all checkouts.

They are kept outside the tree, by version, in ${XDG_CACHE_HOME:-~/.cache}/sluice-interop. Where a program is missing or
nothing can be fetched, Unavailable says why: tests are skipped by name with that reason.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

KAFKA = os.environ.get("SLUICE_KAFKA_VERSION", "3.9.1")  # with Scala 2.13; 3.9 is the last to allow segments of 16 KiB
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice-interop"
HERE = Path(__file__).resolve().parent
LONGEST_FETCH = 240  # seconds

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId> <artifactId>interop</artifactId> <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId> <artifactId>kafka_2.13</artifactId> <version>{KAFKA}</version>
    </dependency>
    <dependency>
      <groupId>org.slf4j</groupId> <artifactId>slf4j-simple</artifactId> <version>1.7.36</version>
    </dependency>
  </dependencies>
</project>
"""


class Unavailable(Exception):
    """Something can't be had here; the message says what, and why."""


@contextlib.contextmanager
def _locked():
    """Tests run side by side: one fetches, the others wait for it."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Unavailable(f"there is no {program}")


def _fetched(name, fill):
    """The folder `name` of the cache; `fill(folder)` makes it, whole or not at all."""
    folder = CACHE / name
    with _locked():
        if not folder.exists():
            part = CACHE / f"{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            fill(part)
            part.rename(folder)
    return folder


def _run(command, folder):
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_FETCH, check=False)
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} had not ended after {LONGEST_FETCH} s") from None
    if done.returncode != 0:
        told = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        raise Unavailable(f"{' '.join(command[:3])} failed: {next(iter(told), 'it did not say why')}")


def kafka():
    """The class path of a broker with its tools, and of the classes compiled from Client.java."""
    _need("java", "javac", "mvn")

    def fetch(folder):
        (folder / "pom.xml").write_text(_POM)
        _run(["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=lib"], folder)

    jars = f"{_fetched(f'kafka-{KAFKA}', fetch)}/lib/*"
    source = HERE / "Client.java"

    def compile_client(folder):
        _run(["javac", "-Xlint:all,-classfile,-processing,-path", "-Werror", "-cp", jars, "-d", str(folder), str(source)], folder)

    digest = hashlib.sha256(source.read_bytes() + KAFKA.encode()).hexdigest()[:16]
    return f"{_fetched(f'client-{digest}', compile_client)}:{jars}"


def npm():
    """A folder with node_modules of package-lock.json; programs that import from there are copied beside it."""
    _need("node", "npm")
    package, lock = HERE / "package.json", HERE / "package-lock.json"

    def fetch(folder):
        shutil.copy(package, folder)
        shutil.copy(lock, folder)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], folder)

    return _fetched(f"npm-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}", fetch)


def node_version():
    """(major, minor) of the node that is found, or (0, 0)."""
    if not shutil.which("node"):
        return 0, 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    major, minor, *_ = told.strip().lstrip("v").split(".")
    return int(major), int(minor)
