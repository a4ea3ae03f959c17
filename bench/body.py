"""A body, compared with the file that it is to be: a fast wrong answer is worth nothing."""

import mmap
import subprocess
import time

from work import MIB, Wrong

CURL = ["curl", "--silent", "--show-error", "--fail", "--insecure", "--no-buffer", "--max-time", "60"]


def check(url, file, how=(), seconds=None):
    """curl gets it, with the options `how`; after `seconds` it is enough of a large one. Raises Wrong."""
    end = time.monotonic() + seconds if seconds else None
    curl = subprocess.Popen([*CURL, *how, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    try:
        with open(file, "rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as wanted:
            at, size = 0, len(wanted)
            while piece := curl.stdout.read(MIB):
                if piece != wanted[at : at + len(piece)]:
                    raise Wrong(f"a wrong byte at {first_difference(piece, wanted, at)} of {size}")
                at += len(piece)
                if end and time.monotonic() > end:
                    return
        said = curl.stderr.read().decode(errors="replace").strip()
        if curl.wait() != 0 or at != size:
            raise Wrong(f"{at} of {size} bytes; {said}")
    finally:
        curl.kill()
        curl.wait()
        curl.stdout.close()
        curl.stderr.close()


def first_difference(piece, wanted, at):
    return next((at + n for n, byte in enumerate(piece) if at + n >= len(wanted) or byte != wanted[at + n]), at)
