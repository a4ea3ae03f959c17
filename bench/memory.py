"""What processes hold in memory, their own and the kernel's for them. All figures are KiB."""

import fcntl
import os
import re
import struct
import subprocess
import termios
from pathlib import Path


def _status(text, name):
    found = re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _read(name):
    """Empty for what is gone: processes end while they are looked at."""
    try:
        return Path(name).read_text()
    except OSError:
        return ""


def own(pids):
    """Shared pages count in full in `rss_kib`, in parts in `pss_kib`, which is what adds up."""
    status = [_read(f"/proc/{pid}/status") for pid in pids]
    return {
        "rss_kib": sum(_status(text, "VmRSS") for text in status),
        "peak_rss_kib": sum(_status(text, "VmHWM") for text in status),
        "pss_kib": sum(_status(_read(f"/proc/{pid}/smaps_rollup"), "Pss") for pid in pids),
    }


def _descriptors(pids):
    """(name below /proc, what it leads to)."""
    for pid in pids:
        try:
            names = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            continue
        for name in names:
            try:
                yield f"/proc/{pid}/fd/{name}", os.readlink(f"/proc/{pid}/fd/{name}")
            except OSError:
                pass


def pipes(pids):
    """`pipes_kib` is what pipes may hold, `piped_kib` what is in them: pages that the kernel can't give to others."""
    rooms, held = {}, {}
    for name, target in _descriptors(pids):
        if not target.startswith("pipe:") or target in rooms:
            continue
        try:
            pipe = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            rooms[target] = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
            held[target] = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]
        finally:
            os.close(pipe)
    return {"pipes": len(rooms), "pipes_kib": sum(rooms.values()) // 1024, "piped_kib": sum(held.values()) // 1024}


def sockets(pids):
    """What is queued in TCP sockets, with the kernel's own overhead and what it has set aside; see skmem in ss(8).
    Those in TIME-WAIT hold nothing, and there may be very many."""
    inodes = {target[8:-1] for _, target in _descriptors(pids) if target.startswith("socket:[")}
    told = subprocess.run(["ss", "-tnemOH", "exclude", "time-wait"], capture_output=True, text=True, check=True).stdout
    number, total = 0, 0
    for line in told.splitlines():
        inode = re.search(r" ino:(\d+)", line)
        memory = re.search(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),o(\d+),bl(\d+)", line)
        if inode and memory and inode[1] in inodes:
            number += 1
            total += sum(map(int, memory.groups()))
    return {"sockets": number, "sockets_kib": total // 1024}


def of(pids):
    """All of the above."""
    return {**own(pids), **pipes(pids), **sockets(pids)}


def kernel():
    """What the kernel itself uses: sockets and what is queued in them, pipes, page tables, all that is neither a
    process's own memory nor page cache. For the whole machine: only differences on an idle one mean something, and
    not those of a few MiB, which it keeps free on each processor."""
    text = _read("/proc/meminfo")
    others = ("MemFree", "Buffers", "Cached", "SwapCached", "AnonPages")
    return _status(text, "MemTotal") - sum(_status(text, name) for name in others)


def slabs():
    """The kernel's small objects, such as sockets without their queues. For the whole machine, too."""
    return _status(_read("/proc/meminfo"), "Slab")
