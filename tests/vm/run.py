"""Kernel TLS for real: boots Debian's cloud kernel, which has it, and runs guest/test_*.py inside, on the built program.

    python3 tests/vm/run.py                     all of it, as the suite does
    python3 tests/vm/run.py test_ktls.Ends      one of guest/'s modules, classes or tests, as unittest names them
    python3 tests/vm/run.py --command 'dmesg'   any other script, in the same machine

SLUICE_BIN names the program; what is fetched and made stands in `vm/` beside it. Where there is no qemu or no kernel,
that is told, and the status is 77.
"""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from image import Image
from kernel import Kernel, Unavailable
from machine import boot, require

TESTS = Path(__file__).resolve().parents[1]
GUEST = TESTS / "vm" / "guest"
BINARY = Path(os.environ.get("SLUICE_BIN") or TESTS.parent / "build" / "sluice")

SKIPPED = 77
LONGEST = 540  # seconds
# A disk's file system, though in memory: this kernel's tmpfs can't tell which pages are there.
DISK = """mke2fs -F /dev/ram0 >/dev/null && mount -t ext2 /dev/ram0 /tmp && chmod 1777 /tmp"""
ENVIRONMENT = """export SLUICE_BIN=/sluice/sluice SLUICE_LONGEST_WAIT=60 PYTHONPATH=/sluice/tests/e2e:/sluice/tests/vm/guest:/usr/lib/python3/dist-packages
cd /sluice/tests/vm/guest"""

# What kernel TLS is made of, as far as it isn't built in.
MODULES = ("aesni_intel", "gcm", "chacha_x86_64", "poly1305_x86_64", "chacha20poly1305", "tls", "brd")
PARAMETERS = {"brd": f"rd_nr=1 rd_size={160 * 1024}"}  # KiB
LEFT_TO_THE_TESTS = ("chacha20poly1305", "tls")
TOOLS = ("nginx", "openssl", "strace")
# Looked up when first used, so importing the tests does not load them.
LATE = ("concurrent.futures.thread", "encodings.idna", "encodings.latin_1", "encodings.ascii", "unittest.main")


def image(kernel, script):
    """`script` is what the machine runs."""
    it = Image()
    it.program(shutil.which("busybox"), "/usr/bin/busybox")
    it.program(BINARY, "/sluice/sluice")
    for tool in TOOLS:
        found = shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin")
        if not found:
            raise Unavailable(f"no {tool} here")
        it.program(found)
    modules = [path.stem for path in sorted(GUEST.glob("*.py"))]
    it.python([TESTS / "e2e", GUEST], modules, LATE)
    it.tree(TESTS / "e2e", "/sluice/tests/e2e", lambda path: path.suffix == ".py")
    it.tree(GUEST, "/sluice/tests/vm/guest")
    loaded = []
    for name, content in kernel.modules(*MODULES):
        it.bytes(f"/modules/{name}.ko", content)
        if name not in LEFT_TO_THE_TESTS:
            loaded.append(f"insmod /modules/{name}.ko {PARAMETERS.get(name, '')}")
    it.file("/etc/ssl/openssl.cnf")
    it.link("/etc/ssl/openssl.cnf", "usr/lib/ssl/openssl.cnf")
    it.bytes("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    it.bytes("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    it.bytes("/etc/hosts", b"127.0.0.1 localhost test.example\n")
    it.bytes("/etc/nsswitch.conf", b"hosts: files\n")
    it.file(GUEST / "init", "/init")
    # A module that does not load shows in the tests that need it.
    it.bytes("/run-this", "\n".join([*loaded, DISK, ENVIRONMENT, script, ""]).encode())
    return it


def run(script, tell, **options):
    """Boots a machine that runs `script`; its exit status, or None. `options` are boot()'s."""
    require()
    work = BINARY.resolve().parent / "vm"
    work.mkdir(exist_ok=True)
    kernel = Kernel(work / "kernel")
    initramfs = image(kernel, script).write(work / f"initramfs.{os.getpid()}")
    try:
        return boot(kernel, initramfs, tell=tell, **options)
    finally:
        initramfs.unlink()


def main():
    options = argparse.ArgumentParser()
    options.add_argument("tests", nargs="*")
    options.add_argument("--command")
    chosen = options.parse_args()
    names = chosen.tests or [path.stem for path in sorted(GUEST.glob("test_*.py"))]
    command = chosen.command or f"python3 -S -B -c 'import unittest; unittest.main(None)' -v {' '.join(names)}"
    began = time.monotonic()

    def tell(line):
        print(f"[{time.monotonic() - began:6.1f}] {line}", flush=True)

    try:
        status = run(command, tell, timeout=LONGEST)
    except Unavailable as reason:
        print(f"skipped tests/vm: {reason}")
        return SKIPPED
    return 1 if status is None else status


if __name__ == "__main__":
    sys.exit(main())
