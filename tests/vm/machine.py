"""A machine that starts from an initramfs under qemu, in software emulation: no /dev/kvm, no network, no disk.

It tells what it has to tell on its serial line, and ends by itself. The last line tells how: "vm: ended with 0".
"""

import os
import re
import shutil
import signal
import subprocess
import threading

from kernel import Unavailable

QEMU = "qemu-system-x86_64"
# AES in hardware, and none of what is slow to emulate: wide vectors, strings byte by byte.
PROCESSOR = "max,-erms,-avx,-avx2"

# No clutter on the line; a panic ends the machine; nothing is defended against that can't be here.
_COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off nokaslr init_on_alloc=0 tsc=reliable audit=0 random.trust_cpu=on"
)


def require():
    if os.uname().machine != "x86_64":
        raise Unavailable("the machine is an x86-64")
    if not shutil.which(QEMU):
        raise Unavailable(f"no {QEMU} here (Debian's qemu-system-x86)")
    if not shutil.which("busybox"):
        raise Unavailable("no busybox here (Debian's busybox-static)")


def boot(kernel, initramfs, timeout, tell=print, memory="1G", processor=PROCESSOR, options=()):
    """Runs it to its end, and returns the exit status it told; None when it told none. `tell` gets each line."""
    command = [
        QEMU, "-M", "q35", "-accel", "tcg", "-cpu", processor, "-m", memory,
        "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio",
        "-kernel", str(kernel.file), "-initrd", str(initramfs), "-append", _COMMAND_LINE, *options,
    ]  # fmt: skip
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    late = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
    late.start()
    status = None
    try:
        for line in process.stdout:
            line = line.decode(errors="replace").rstrip()
            if told := re.fullmatch(r"vm: ended with (\d+)", line):
                status = int(told[1])
            elif line and not line.endswith("reboot: Power down"):
                tell(line)
    finally:
        in_time = late.is_alive()
        late.cancel()
        process.kill()
        process.wait()
        process.stdout.close()
    if not in_time or status is None:
        tell("vm: did not come to its end" + ("" if in_time else f" in {timeout} s"))
    return status
