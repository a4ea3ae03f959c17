"""Where peers run: the files and the origin that they serve, a certificate, the processors."""

import os
import subprocess
from pathlib import Path

from process import Process, on_free_ports
from work import MIB

ROOT = Path(__file__).resolve().parent.parent


class Ground:
    """`directory` holds configurations and logs of this run; `home` what is kept for the next one: files, programs."""

    def __init__(self, home, directory, processors):
        self.directory = directory
        self.home = home
        self.www = home / "www"
        self.peer_processor, self.load_processor = processors
        self.programs = {}  # other binaries than Debian's, by the peer's name
        self.scale = "full"  # or "quick" or "smoke": see options.py
        self.connections = 4096  # that a peer has to be able to hold
        self._origins = []  # one, as soon as somebody asks for it; shared by copies
        self.helpers = []  # processes that are needed until the end of the run; shared by copies
        directory.mkdir(parents=True)
        make_certificate(directory)

    def write_files(self, sizes):
        """Noise, so that no byte is in the right place by chance."""
        self.www.mkdir(parents=True, exist_ok=True)
        for size in sizes:
            file = self.www / size.file
            if not file.exists() or file.stat().st_size != size.bytes:
                with open(file, "wb") as out:
                    for done in range(0, size.bytes, MIB):
                        out.write(os.urandom(min(MIB, size.bytes - done)))

    @property
    def origin(self):
        """The port of nginx with sendfile, on the load's processor."""
        if not self._origins:
            from peers.nginx import origin  # which needs a ground itself

            def on(ports):
                return Process("origin", origin(self, ports["http"]), self.load_processor, self.directory, ports)

            self._origins.append(on_free_ports(["http"], on))
        return self._origins[0].ports["http"]

    def stop(self):
        for process in self._origins + self.helpers:
            process.stop()


def make_certificate(directory):
    """Of the kind that most sites have: ECDSA on P-256."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (directory / "both.pem").write_bytes((directory / "cert.pem").read_bytes() + (directory / "key.pem").read_bytes())
