"""Sluice on a kernel that has TLS: what these tests begin with."""

import contextlib
import shutil
import ssl
import tempfile
from pathlib import Path

import ktls
from certificates import Authority
from client import Pattern, get
from harness import Case
from waiting import free_port

KIB, MIB = 1024, 1024 * 1024
VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


class Secured(Case):
    """`self.port` is plain, for /status; `self.tls_port` is the same over TLS. /files/ is `self.root`."""

    modules = ("tls", "chacha20poly1305")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for module in ("tls", "chacha20poly1305"):
            (ktls.load if module in cls.modules else ktls.unload)(module)
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.certificate = cls.authority.certificate()
        cls.root = Path(tempfile.mkdtemp(prefix="sluice-files-"))
        cls.addClassCleanup(shutil.rmtree, cls.root, True)

    def file(self, size):
        path = self.root / str(size)
        if not path.exists():
            with open(path, "wb") as file:
                for at in range(0, size, MIB):
                    file.write(Pattern.at(at, min(MIB, size - at)))
        return f"/files/{size}"

    def listener(self, **tls):
        self.tls_port = free_port()
        certificate = {"certificate": self.certificate.file, "key": self.certificate.key}
        return {"listen": f"127.0.0.1:{self.tls_port}", "tls": {"certificates": [certificate], "ktls": "auto", **tls}}

    def secured(self, routes=None, **tls):
        """Sluice, before a scripted origin; `tls` is merged into the listener."""
        origin = self.origin(routes)
        config = self.http_config(
            [origin.port],
            routes=[{"path": "/files", "strip_prefix": True, "files": str(self.root)}],
            more_listeners=[self.listener(**tls)],
        )
        return self.start(config)

    def get(self, path, *fields, context=None, **options):
        """One request over TLS, on a connection of its own."""
        context = context or self.authority.client()
        return get(self.tls_port, path, *fields, expected=Pattern.at, tls=context, **options)

    @contextlib.contextmanager
    def counting(self, sluice):
        """A dictionary that is filled, at the end, with what the counters have grown by."""
        before, grown = sluice.status(), {}
        yield grown
        after = sluice.status()
        grown.update({name: after[name] - before[name] for name in after if isinstance(after[name], int)})
