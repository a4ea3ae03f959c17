"""A certificate authority for one test, made with openssl, and the client's side of it."""

import shutil
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from client import NAME

_KEYS = {"ecdsa": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["-newkey", "rsa:2048"]}


@dataclass(frozen=True)
class Certificate:
    file: str  # PEM
    key: str


class Authority:
    """remove() takes its folder away, with all that it signed."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-certificates-"))
        self.folder.chmod(0o755)
        self.file = str(self.folder / "authority.pem")
        extensions = ["basicConstraints=critical,CA:true", "keyUsage=critical,keyCertSign", "subjectKeyIdentifier=hash"]
        self._own = self._make("authority", "ecdsa", extensions)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def certificate(self, *names, key="ecdsa", days=30):
        """For these names and addresses (test.example when there is none), of a key of that type."""
        names = names or (NAME, "127.0.0.1")
        alternatives = ",".join(("IP:" if name.replace(".", "").isdigit() else "DNS:") + name for name in names)
        extensions = [f"subjectAltName={alternatives}", "basicConstraints=CA:false", "authorityKeyIdentifier=keyid"]
        file = f"{names[0].replace('*', 'any')}-{key}-{days}"
        signed = ["-CA", self._own.file, "-CAkey", self._own.key]
        return self._make(file, key, extensions, *signed, "-days", str(days), subject=names[0])

    def client(self, protocols=(), certificate=None, version=None, ciphers=None):
        """A client's context that trusts this authority: ALPN `protocols`, its own certificate, only that version
        (ssl.TLSVersion), and OpenSSL's words for ciphers, which are for TLS 1.2.
        """
        context = ssl.create_default_context(cafile=self.file)
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if certificate:
            context.load_cert_chain(certificate.file, certificate.key)
        if version:
            context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        return context

    def server(self, certificate, version=None):
        """A server's context, for an origin."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.file, certificate.key)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def _make(self, name, key, extensions, *more, subject="Authority"):
        made = Certificate(str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key"))
        command = ["openssl", "req", "-x509", *_KEYS[key], "-nodes", "-keyout", made.key, "-out", made.file]
        command += ["-subj", f"/CN={subject}", *more, *(word for line in extensions for word in ("-addext", line))]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
        return made
