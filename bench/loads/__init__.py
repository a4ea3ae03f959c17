"""What drives the peers. A load is made in so many seconds, or goes on until a block of code has been left."""

import contextlib
import subprocess


@contextlib.contextmanager
def going_on(command):
    """The command runs meanwhile; what it says is nobody's."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
