"""Kernel TLS for real: boots Debian's cloud kernel, which has it, and runs guest/test_*.py inside, on the built program.

    tests/vm/run.py                     all of it, as the suite does
    tests/vm/run.py test_ktls.Files     one of guest/'s modules, classes or tests, as unittest names them
    tests/vm/run.py --command 'dmesg'   any other script, in the same machine

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
LONGEST = 240  # seconds

# What kernel TLS is made of; the machine's own ciphers are built in. tls.ko itself is for the tests to load.
MODULES = ("aesni_intel", "gcm", "ccm", "chacha20poly1305", "chacha_x86_64", "tls")
TOOLS = ("nginx", "curl", "openssl", "strace")
# Looked up when first used, so importing the tests does not load them.
LATE = ("concurrent.futures.thread", "encodings.idna", "unittest.main")


def image(kernel, script):
    """`script` is what the machine runs."""
    it = Image()
    it.program(shutil.which("busybox"), "/usr/bin/busybox")
    it.program(BINARY, "/sluice/sluice")
    for tool in TOOLS:
        if found := shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin"):
            it.program(found)
        elif tool != "nginx":
            raise Unavailable(f"no {tool} here")
    modules = [path.stem for path in sorted(GUEST.glob("*.py"))]
    it.python([TESTS / "e2e", GUEST], modules, LATE)
    it.tree(TESTS / "e2e", "/sluice/tests/e2e", lambda path: path.suffix == ".py")
    it.tree(GUEST, "/sluice/tests/vm/guest")
    loaded = []
    for name, content in kernel.modules(*MODULES):
        it.bytes(f"/modules/{name}.ko", content)
        if name != "tls":
            loaded.append(f"insmod /modules/{name}.ko")
    it.file("/etc/ssl/openssl.cnf")
    it.link("/etc/ssl/openssl.cnf", "usr/lib/ssl/openssl.cnf")
    it.bytes("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
    it.bytes("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    it.bytes("/etc/hosts", b"127.0.0.1 localhost test.example\n")
    it.bytes("/etc/nsswitch.conf", b"hosts: files\n")
    it.file(GUEST / "init", "/init")
    # A module that does not load shows in the tests that need it.
    it.bytes("/run-this", "\n".join([*loaded, script, ""]).encode())
    return it


def main():
    options = argparse.ArgumentParser()
    options.add_argument("tests", nargs="*")
    options.add_argument("--command")
    options.add_argument("--processors", type=int, default=1)
    chosen = options.parse_args()
    names = chosen.tests or [path.stem for path in sorted(GUEST.glob("test_*.py"))]
    command = chosen.command or (
        "export SLUICE_BIN=/sluice/sluice PYTHONPATH=/sluice/tests/e2e:/sluice/tests/vm/guest\n"
        f"cd /sluice/tests/vm/guest && python3 -S -B -c 'import unittest; unittest.main(None)' -v {' '.join(names)}"
    )
    work = BINARY.resolve().parent / "vm"
    began = time.monotonic()

    def tell(line):
        print(f"[{time.monotonic() - began:6.1f}] {line}", flush=True)

    try:
        require()
        work.mkdir(exist_ok=True)
        kernel = Kernel(work / "kernel")
        initramfs = image(kernel, command).write(work / f"initramfs.{os.getpid()}")
    except Unavailable as reason:
        print(f"skipped tests/vm: {reason}")
        return SKIPPED
    try:
        tell(f"Linux {kernel.release}, {initramfs.stat().st_size >> 20} MiB of initramfs")
        status = boot(kernel, initramfs, LONGEST, tell, processors=chosen.processors)
    finally:
        initramfs.unlink()
    if status is None:
        tell("vm: did not come to its end")
    return 1 if status is None else status


if __name__ == "__main__":
    sys.exit(main())
