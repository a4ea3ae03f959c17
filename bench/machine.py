"""What a result says of the machine it was measured on."""

import os
import platform
import re
import subprocess
from pathlib import Path

import network
from ground import ROOT
from work import GIB


def describe():
    model = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    processors = len(os.sched_getaffinity(0))
    release = platform.freedesktop_os_release()
    congestion = network.congestion_control()
    return {
        # A figure means nothing on a machine that does other things: how many others wanted a processor before.
        "load": round(os.getloadavg()[0], 2),
        "name": f"{processors}-cores" + (f"-{congestion}" if congestion != network.USUAL else ""),
        "processor": model[1] if model else platform.machine(),
        "processors": processors,
        "memory_gib": round(memory / GIB, 1),
        "congestion": congestion,
        "kernel": f"{platform.system()} {platform.release()}",
        "system": release.get("PRETTY_NAME", release.get("NAME", "?")),
    }


def revision():
    """Of this checkout; empty where nobody can tell."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
