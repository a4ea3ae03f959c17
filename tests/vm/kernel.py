"""Debian's cloud kernel as it comes in its package, unpacked in a folder and not installed."""

import lzma
import os
import re
import subprocess
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


class Unavailable(Exception):
    """What a machine needs is not to be had here; the reason."""


class Kernel:
    def __init__(self, directory):
        """Where `directory` has none yet it is fetched with apt-get."""
        if not list(Path(directory).glob("boot/vmlinuz-*")):
            script = f'. "{_ROOT}/.ci/packages.sh" && cloud_kernel "$0"'
            told = subprocess.run(["bash", "-c", script, directory], capture_output=True, text=True, check=False)
            if told.returncode != 0:
                raise Unavailable(f"no cloud kernel: {told.stderr.strip()[-300:]}")
        self.file = next(Path(directory).glob("boot/vmlinuz-*"))
        self.release = self.file.name.removeprefix("vmlinuz-")
        self._files = {}  # module -> file; "-" and "_" are the same in a module's name
        for folder in ("lib", "usr/lib"):
            for path in Path(directory, folder, "modules", self.release).rglob("*.ko*"):
                self._files[path.name.split(".")[0].replace("-", "_")] = path

    def modules(self, *names):
        """[(name, content)], each behind those it needs; uncompressed, so that a plain insmod does."""
        found = {}

        def add(name):
            if name in found or name not in self._files:
                return  # the latter are built in
            content = self._read(self._files[name])
            needed = re.search(rb"\0depends=([^\0]*)\0", content)
            for other in needed[1].decode().split(",") if needed and needed[1] else []:
                add(other.replace("-", "_"))
            found[name] = content

        for name in names:
            add(name)
        return list(found.items())

    @staticmethod
    def _read(path):
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix == ".xz" else content
