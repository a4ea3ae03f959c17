"""An initramfs: the files of this host that a small machine needs, as one cpio archive.

Programs bring the libraries that ldd names, Python modules what they import. Nothing is installed, and nobody has to
be root: the archive is written here, device nodes included.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

# Debian's merged /usr: the guest has these as links, so that each file has one name.
_MERGED = ("bin", "sbin", "lib", "lib64")


def _name(path):
    """A path of the host as the guest calls it, relative to its root."""
    path = os.path.normpath(path).lstrip("/")
    return f"usr/{path}" if path.split("/")[0] in _MERGED else path


class Image:
    def __init__(self):
        self._entries = {}  # name -> (mode, mtime, content: bytes, or Path of a file; numbers of a device)
        for directory in (*(f"usr/{name}" for name in _MERGED), "proc", "sys", "tmp", "run", "etc", "root", "dev"):
            self._directory(directory)
        for name in _MERGED:
            self.link(f"usr/{name}", name)
        self._entries["dev/console"] = (stat.S_IFCHR | 0o600, 0, (5, 1))  # what the kernel opens for init

    # --- what goes in ----------------------------------------------------------------------------------------

    def file(self, path, name=None):
        """A file of the host; by its own name, or another."""
        path = Path(path)
        self._add(name or str(path), stat.S_IMODE(path.stat().st_mode) | 0o400, path.stat().st_mtime, path)

    def bytes(self, name, content, mode=0o644):
        self._add(name, mode, 0, content)

    def link(self, target, name):
        self._directory(os.path.dirname(name))
        self._entries[name] = (stat.S_IFLNK | 0o777, 0, target.encode())

    def tree(self, directory, name, keep=lambda path: True):
        for path in sorted(Path(directory).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and keep(path):
                self.file(path, f"{name}/{path.relative_to(directory)}")

    def program(self, path, name=None):
        """An executable, or a library, with what it is linked with."""
        self.file(path, name)
        told = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
        if "not a dynamic executable" in told.stderr + told.stdout:
            return
        if missing := re.findall(r"(\S+) => not found", told.stdout):
            raise RuntimeError(f"{path} needs {missing}")
        for library in re.findall(r"(/\S+) \(0x", told.stdout):
            self.file(library)

    def python(self, folders, modules, extra=()):
        """This interpreter, and whatever is loaded once `modules`, some of them of `folders`, are imported."""
        script = f"""
import importlib, sys, sysconfig
sys.path[:0] = {[str(folder) for folder in folders]!r}
for name in {[*modules, *extra]!r}: importlib.import_module(name)
for module in list(sys.modules.values()):
    for path in (getattr(module, "__file__", None), getattr(module, "__cached__", None)):
        if path: print(path)
"""
        told = subprocess.run([sys.executable, "-B", "-c", script], capture_output=True, text=True, check=False)
        if told.returncode != 0:
            raise RuntimeError(told.stderr)
        self.program(os.path.realpath(sys.executable))
        if not os.path.samefile(sys.executable, "/usr/bin/python3"):
            self.link(os.path.realpath(sys.executable), "usr/bin/python3")
        else:
            self.link(os.path.basename(os.path.realpath(sys.executable)), "usr/bin/python3")
        for path in filter(os.path.exists, told.stdout.split()):
            if path.endswith(".so"):
                self.program(path)
            elif not any(Path(path).is_relative_to(folder) for folder in folders):  # those come as they are
                self.file(path)

    # --- the archive -----------------------------------------------------------------------------------------

    def write(self, path):
        """In the "newc" format that the kernel unpacks: Documentation/driver-api/early-userspace/buffer-format.rst."""
        with open(path, "wb") as archive:
            for number, (name, (mode, mtime, content)) in enumerate(self._entries.items(), 1):
                device = content if isinstance(content, tuple) else (0, 0)
                data = content.read_bytes() if isinstance(content, Path) else b"" if content == device else content
                self._write(archive, number, name, mode, int(mtime), data, device)
            self._write(archive, 0, "TRAILER!!!", 0, 0, b"", (0, 0))
        return path

    @staticmethod
    def _write(archive, number, name, mode, mtime, data, device):
        name = name.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (number, mode, 0, 0, links, mtime, len(data), 0, 0, *device, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        for part in (head, data):
            archive.write(part)
            archive.write(b"\0" * (-len(part) % 4))

    def _add(self, name, mode, mtime, content):
        name = _name(name)
        self._directory(os.path.dirname(name))
        self._entries[name] = (stat.S_IFREG | mode, mtime, content)

    def _directory(self, name):
        if name and name not in self._entries:
            self._directory(os.path.dirname(name))
            self._entries[name] = (stat.S_IFDIR | 0o755, 0, b"")
