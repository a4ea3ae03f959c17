"""What a result says of the machine it was measured on."""

import os
import platform
import re
from pathlib import Path

from work import GIB


def describe():
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    processors = len(os.sched_getaffinity(0))
    release = platform.freedesktop_os_release()
    return {
        "name": f"{processors}-cores",
        "processor": model[1] if model else platform.machine(),
        "processors": processors,
        "memory_gib": round(memory / GIB, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "system": release.get("PRETTY_NAME", release.get("NAME", "?")),
    }
