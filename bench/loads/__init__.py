"""What drives the peers. A load is made for so many seconds, or goes on until a block of code has been left."""

import contextlib
import os
import subprocess
from pathlib import Path

# One suite of TLS for all: else each server chooses its own, and does other work.
ENVIRONMENT = os.environ | {"OPENSSL_CONF": str(Path(__file__).with_name("tls.cnf"))}


@contextlib.contextmanager
def going_on(command):
    """The command runs meanwhile; what it says is nobody's."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
