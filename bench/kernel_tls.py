"""Instructions of Sluice and its kernel, per response and per GiB: OpenSSL's TLS 1.3 against the kernel's, as a table.

Runs in the machine of tests/vm (qemu, software emulation), whose clock goes one nanosecond for each instruction: a
process's time is what it executed, to the instruction, whatever else this host does.

What that shows, and what not: the work that is asked of a processor, in user space and in the kernel, is counted
exactly. Each instruction counts as one, whether it adds two registers, misses all caches or runs a round of AES: nothing
is said about time, and copies, which wait for memory, look cheaper than they are. (Copies by "rep movsq" count eight
bytes as one.) OpenSSL and the kernel choose their code for the processor that qemu shows them, with AES-NI and AVX2.

Options: --help. SLUICE_BIN names the program.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "vm"))

import run  # noqa: E402
from kernel import Unavailable  # noqa: E402

GIB = 1 << 30
HANDLERS = {"files": "a file", "proxy": "proxied"}
LONGEST = 600  # seconds
PROCESSOR = "max,-erms"  # rep movsb would count each byte that is copied
CLOCK = ["-icount", "shift=0,sleep=off"]


def name_of(size):
    return f"{size >> 20} MiB" if size >= 1 << 20 else f"{size >> 10} KiB"


def measure():
    """The cells, and what was measured."""
    cells, about, other = {}, [], []

    def tell(line):
        if line.startswith("cell "):
            cell = json.loads(line[5:])
            cells[cell["handler"], cell["size"], cell["tls"]] = cell["instructions"]
        elif line.startswith("about "):
            about.append(line[6:])
        else:
            other.append(line)

    script = "python3 -S -B -c 'import unittest; unittest.main(None)' instructions"
    status = run.run(script, tell, timeout=LONGEST, processor=PROCESSOR, options=CLOCK)
    if status != 0:
        raise SystemExit("\n".join(other))
    return cells, about[0]


def table(cells):
    yield "| body | | without TLS | TLS by OpenSSL | TLS by the kernel | kernel / OpenSSL |"
    yield "|---|---|--:|--:|--:|--:|"
    for handler, size in sorted({key[:2] for key in cells}):
        plain, user, kernel = (cells[handler, size, tls] for tls in ("plain", "user", "kernel"))
        each = [f"{n / 1e3:,.0f} k" for n in (plain, user, kernel)]
        yield f"| {HANDLERS[handler]}, {name_of(size)} | per response | {' | '.join(each)} | {kernel / user:.2f} |"
        if size >= 1 << 20:
            each = [f"{n * GIB / size / 1e6:,.0f} M" for n in (plain, user, kernel)]
            yield f"| | per GiB | {' | '.join(each)} | |"


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    try:
        cells, about = measure()
    except Unavailable as reason:
        raise SystemExit(f"can't measure: {reason}") from None
    print(about + "\n")
    print("\n".join(table(cells)))


if __name__ == "__main__":
    main()
