"""Certificates by name, sessions, clients' certificates, renewal and privileges; and what no client gets."""

import contextlib
import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import ssl
import subprocess
import unittest
import warnings
from pathlib import Path

from certificates import Authority, Certificate
from client import NAME, Cut
from harness import Case, Connection, accepts, free_port, get, until
from sluice import Sluice
from waiting import LONGEST_WAIT

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
NOBODY = "nobody"


def openssl(*words, say="", check=False):
    """What it says, on both streams."""
    done = subprocess.run(
        ["openssl", *words], input=say, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8",
        errors="replace", timeout=LONGEST_WAIT, check=False,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise AssertionError(done.stdout)
    return done.stdout


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.usual = cls.authority.certificate()

    def setUp(self):
        self.tls_port = free_port()
        self.raw = self.origin()

    def config(self, certificates=None, **tls):
        """A plain listener for the status page, and one with TLS beside it."""
        entries = [self.entry(each) for each in certificates or [self.usual]]
        own = {"certificates": entries, "http2": False, **tls}
        if own.get("self_signed"):
            del own["certificates"]
        listener = {"listen": f"127.0.0.1:{self.tls_port}", "tls": own}
        return self.http_config([self.raw.port], more_listeners=[listener], workers=2)

    @staticmethod
    def entry(certificate):
        return {"certificate": certificate.file, "key": certificate.key}

    def client(self, **options):
        """Trusts the authority, and doesn't mind the name."""
        context = self.authority.client(**options)
        context.check_hostname = False
        return context

    def shown(self, name=NAME, context=None, port=None):
        """The certificate that a client gets: its subject's name, and a digest of the whole."""
        with Connection(port or self.tls_port, tls=context or self.client(), name=name) as connection:
            subject = dict(pair for (pair,) in connection.socket.getpeercert()["subject"])
            return subject["commonName"], hashlib.sha256(connection.socket.getpeercert(True)).hexdigest()

    def s_client(self, *words, say=""):
        return openssl("s_client", "-connect", f"127.0.0.1:{self.tls_port}", "-servername", NAME, *words, say=say)


class Names(Tls):
    def test_the_name_asked_for_picks_the_certificate(self):
        names = [("first.example",), ("www.site.example", "also.site.example"), ("*.site.example",)]
        self.start(self.config([self.authority.certificate(*some) for some in names]))
        for asked, expected in (
            ("www.site.example", "www.site.example"),
            ("WWW.Site.Example", "www.site.example"),
            ("also.site.example", "www.site.example"),
            ("other.site.example", "*.site.example"),
            ("one.more.site.example", "first.example"),
            ("unknown.example", "first.example"),
            (None, "first.example"),
        ):
            with self.subTest(asked=asked):
                self.assertEqual(self.shown(asked)[0], expected)

    def test_ecdsa_and_rsa_stand_side_by_side(self):
        self.start(self.config([self.usual, self.authority.certificate(key="rsa")]))
        for words, expected in (
            ((), "ecdsa"),
            (("-sigalgs", "ECDSA+SHA256"), "ecdsa"),
            (("-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"), "rsa"),
            (("-tls1_2",), "ecdsa"),
            (("-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"), "rsa"),
        ):
            with self.subTest(words=words):
                told = self.s_client(*words)
                # "ECDSA", or "ecdsa_secp256r1_sha256" from OpenSSL 3.5 on
                used = re.search(r"^Peer signature type: (ecdsa|rsa)", told, re.MULTILINE | re.IGNORECASE)
                self.assertEqual(used and used[1].lower(), expected, told)

    def test_the_self_signed_one_is_told_by_its_fingerprint(self):
        sluice = self.start(self.config(self_signed=True))
        told = sluice.wait_for_stderr(r"SHA-256 ([0-9A-F:]{95})")[1]
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with Connection(self.tls_port, tls=context) as connection:
            shown = connection.socket.getpeercert(True)
        self.assertEqual(told.replace(":", "").lower(), hashlib.sha256(shown).hexdigest())
        # Whoever takes it for an authority finds these names in it.
        context = ssl.create_default_context(cadata=ssl.DER_cert_to_PEM_cert(shown))
        for name in ("localhost", "127.0.0.1"):
            get(self.tls_port, "/length/1", tls=context, name=name)

    def test_what_is_wrong_is_told_in_a_sentence_and_nothing_starts(self):
        other = self.authority.certificate("other.example")
        for entry, told in (
            ({"certificate": self.usual.file, "key": other.key}, "is not the key of the first certificate in"),
            ({"certificate": other.key, "key": other.key}, "there is no certificate in it"),
            ({"certificate": self.usual.file, "key": "/nowhere/key"}, "/nowhere/key: No such file or directory"),
        ):
            with self.subTest(told=told):
                config = self.config()
                config["listeners"][1]["tls"]["certificates"] = [entry]
                sluice = Sluice(config, self.port, wait=False)
                self.addCleanup(sluice.kill)
                self.assertNotEqual(sluice.wait_for_exit(), 0)
                self.assertIn(told, sluice.stderr())

    def test_a_response_of_ocsp_is_stapled(self):
        index = self.authority.folder / "index.txt"
        serial = openssl("x509", "-in", self.usual.file, "-noout", "-serial", check=True).strip().split("=")[1]
        index.write_text(f"V\t491231235959Z\t\t{serial}\tunknown\t/CN={NAME}\n")
        response = self.authority.folder / "good.ocsp"
        request = self.authority.folder / "request.ocsp"
        ca = self.authority.file
        openssl("ocsp", "-issuer", ca, "-cert", self.usual.file, "-reqout", str(request), "-no_nonce", check=True)
        openssl(
            "ocsp", "-index", str(index), "-CA", ca, "-rsigner", ca, "-rkey", ca.replace(".pem", ".key"),
            "-reqin", str(request), "-respout", str(response), "-ndays", "1", check=True,
        )  # fmt: skip
        config = self.config()
        config["listeners"][1]["tls"]["certificates"][0]["ocsp"] = str(response)
        sluice = self.start(config)
        for version in ("-tls1_2", "-tls1_3"):
            told = self.s_client("-status", version, "-CAfile", ca)
            self.assertIn("OCSP Response Status: successful", told)
            self.assertIn("Cert Status: good", told)
        self.assertEqual(sluice.counter("tls_ocsp_stapled"), 2)

        response.write_text("no response")
        other = self.start_beside(config)
        other.wait_for_stderr(r"good\.ocsp: is no OCSP response .*goes without an OCSP response")
        self.assertIn("OCSP response: no response sent", self.s_client("-status"))
        self.assertEqual(other.counter("tls_ocsp_missing"), 1)

    def start_beside(self, config):
        """The same on other ports."""
        self.port, self.tls_port = free_port(), free_port()
        for listener, port in zip(config["listeners"], (self.port, self.tls_port)):
            listener["listen"] = f"127.0.0.1:{port}"
        return self.start(config)


class Sessions(Tls):
    def session(self, context):
        """What a full handshake gives a client to come back with."""
        with Connection(self.tls_port, tls=context) as connection:
            self.assertFalse(connection.socket.session_reused)
            connection.get("/length/1")  # the tickets of TLS 1.3 come with the first bytes
            return connection.socket.session

    def goes_on(self, context, session):
        with socket.create_connection(("127.0.0.1", self.tls_port), LONGEST_WAIT) as plain:
            with context.wrap_socket(plain, server_hostname=NAME, session=session) as secured:
                return secured.session_reused

    def test_sessions_go_on_with_any_worker_and_over_a_reload(self):
        config = self.config()
        sluice = self.start(config)
        for version in VERSIONS.values():
            with self.subTest(version=version):
                context = self.client(version=version)
                session = self.session(context)
                before = sluice.counter("tls_resumed")
                # All with one worker is as likely as to throw twelve heads.
                self.assertEqual([self.goes_on(context, session) for _ in range(12)], [True] * 12)
                # A client of TLS 1.2 is done before its server is.
                until(lambda: sluice.counter("tls_resumed") - before == 12, "twelve are counted")
                config["routes"][-1]["name"] = f"renamed-{version}"
                sluice.reload(config)
                sluice.wait_for_stderr(r"(?s)" + "reloaded.*" * (1 if version == VERSIONS["1.2"] else 2))
                self.assertTrue(self.goes_on(context, session))
        sluice.assert_nothing_left()

    def test_keys_of_tickets_rotate(self):
        sluice = self.start(self.config(ticket_rotation="1s"))
        context = self.client(version=VERSIONS["1.2"])
        session = self.session(context)
        sealed_by = self.ticket_key()
        made = sluice.counter("tls_ticket_keys")
        until(lambda: sluice.counter("tls_ticket_keys") >= made + 2, "two more keys", every=0.05)
        self.assertNotEqual(self.ticket_key(), sealed_by)
        self.assertFalse(self.goes_on(context, session))

    def ticket_key(self):
        """The name of the key that seals tickets now: their first 16 bytes."""
        told = self.s_client("-tls1_2")
        return re.search(r"TLS session ticket:\s+0000 - ((?:[0-9a-f]{2}[ -]){16})", told)[1]


class Clients(Tls):
    SPOOFED = (
        "Client-Cert: :AAAA:",
        "Client-Cert-Chain: :AAAA:",
        "X-Client-Cert-Subject: CN=admin",
        "X-Client-Cert-Verified: SUCCESS",
    )

    def setUp(self):
        super().setUp()
        self.ann = self.authority.certificate("ann.example")

    def told(self, certificate):
        """The fields about certificates that the origin sees, of a client that would like to be somebody else."""
        with Connection(self.tls_port, tls=self.client(certificate=certificate)) as connection:
            fields = "".join(f"{line}\r\n" for line in self.SPOOFED)
            connection.send(f"POST /hash HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n{fields}\r\n")
            seen = json.loads(connection.read_response().text)["fields"]
        return {name.lower(): value for name, value in seen if "client-cert" in name.lower()}

    def test_the_origin_is_told_who_the_client_is(self):
        sluice = self.start(self.config(client_certificates="optional", client_ca=self.authority.file))
        pem = Path(self.ann.file).read_text("ascii")
        encoded = "".join(line for line in pem.splitlines() if not line.startswith("-"))
        self.assertEqual(
            self.told(self.ann),
            {
                "client-cert": f":{encoded}:",
                "x-client-cert-subject": "CN=ann.example",
                "x-client-cert-verified": "SUCCESS",
            },
        )
        self.assertEqual(self.told(None), {})
        self.assertEqual(sluice.counter("tls_client_certificates"), 1)

    def test_nobody_is_told_where_nobody_is_asked(self):
        self.start(self.config())
        self.assertEqual(self.told(self.ann), {})

    def test_who_is_not_trusted_does_not_get_in(self):
        stranger = Authority()
        self.addCleanup(stranger.remove)
        eve = stranger.certificate("eve.example")
        for asked, nobody in (("optional", True), ("required", False)):
            self.port, self.tls_port = None, free_port()
            sluice = self.start(self.config(client_certificates=asked, client_ca=self.authority.file))
            before = sluice.counter("tls_failed")  # those that only looked whether it listens
            for version in VERSIONS.values():
                for who, welcome in ((self.ann, True), (eve, False), (None, nobody)):
                    with self.subTest(asked=asked, version=version, who=who):
                        context = self.client(certificate=who, version=version)
                        if welcome:
                            self.assertEqual(get(self.tls_port, "/length/1", tls=context).status, 200)
                        else:  # of TLS 1.3 a client hears it at its first read
                            with self.assertRaises((ssl.SSLError, ConnectionError, Cut)):
                                get(self.tls_port, "/length/1", tls=context)
            until(lambda: sluice.counter("tls_failed") - before == (2 if nobody else 4), "all refusals are counted")
            sluice.assert_nothing_left()


class Files(Tls):
    """A certificate in files of the test's own, and a fresh one for the same name."""

    def setUp(self):
        super().setUp()
        self.files = Authority()  # a folder that goes away with the test
        self.addCleanup(self.files.remove)
        self.site = self.copied(self.usual)
        self.fresh = self.authority.certificate(days=20)

    def copied(self, certificate):
        """The same in files of this test's own."""
        site = Certificate(str(self.files.folder / "site.pem"), str(self.files.folder / "site.key"))
        shutil.copyfile(certificate.file, site.file)
        shutil.copyfile(certificate.key, site.key)
        return site

    def digest(self, certificate):
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(certificate.file).read_text("ascii"))).hexdigest()

    def served(self):
        return self.shown()[1]


class Renewal(Files):
    def test_changed_files_are_taken_and_those_inside_go_on(self):
        sluice = self.start({**self.config([self.site]), "certificate_check": "100ms"})
        self.assertEqual(self.served(), self.digest(self.usual))
        with Connection(self.tls_port, tls=self.client()) as kept:
            kept.get("/length/1")
            # First a half of it.
            shutil.copyfile(self.fresh.file, self.site.file)
            sluice.wait_for_stderr(r"warning .*site\.key: is not the key of .*; what was read before stays in use")
            until(lambda: sluice.counter("tls_reloads_failed") >= 3, "it is tried again")
            self.assertEqual(self.served(), self.digest(self.usual))
            self.assertEqual(sluice.stderr().count("stays in use"), 1)
            shutil.copyfile(self.fresh.key, self.site.key)
            until(lambda: self.served() == self.digest(self.fresh), "the new one is served", every=0.05)
            self.assertEqual(kept.get("/length/100").status, 200)
        self.assertEqual(sluice.counter("tls_reloads"), 1)
        # Then nonsense.
        Path(self.site.file).write_text("no certificate")
        sluice.wait_for_stderr(r"site\.pem: there is no certificate in it")
        self.assertEqual(self.served(), self.digest(self.fresh))
        sluice.assert_nothing_left()

    def test_without_looking_at_files_a_signal_does_it(self):
        config = {**self.config([self.site]), "certificate_check": "0s"}
        sluice = self.start(config)
        self.copied(self.fresh)
        self.assertEqual(self.served(), self.digest(self.usual))
        sluice.signal(signal.SIGHUP)
        sluice.wait_for_stderr("reloaded")
        self.assertEqual(self.served(), self.digest(self.fresh))
        # A certificate that comes new with a configuration is no renewal: all of it or nothing.
        config["listeners"][1]["tls"]["certificates"].append({"certificate": "/nowhere/a", "key": "/nowhere/b"})
        sluice.reload(config)
        sluice.wait_for_stderr(r"the old configuration stays: .*/nowhere/a: No such file")
        self.assertEqual(self.served(), self.digest(self.fresh))
        sluice.stop([r"/nowhere/a"])


class Privileges(Files):
    def test_root_reads_the_keys_and_somebody_else_serves(self):
        if os.geteuid() != 0:
            self.skip("only root can become another user")
        os.chmod(self.site.key, 0o600)
        config = {**self.config([self.site]), "user": NOBODY, "certificate_check": "100ms"}
        sluice = self.start(config)
        identity = pwd.getpwnam(NOBODY)
        tasks = list(Path(f"/proc/{sluice.process.pid}/task").iterdir())
        self.assertGreaterEqual(len(tasks), 3)
        for task in tasks:
            status = (task / "status").read_text()
            for line, number in (("Uid", identity.pw_uid), ("Gid", identity.pw_gid)):
                self.assertEqual(re.search(rf"^{line}:\s+(.*)$", status, re.MULTILINE)[1].split(), [str(number)] * 4)
            self.assertNotIn("0", re.search(r"^Groups:(.*)$", status, re.MULTILINE)[1].split())
            self.assertRegex(status, r"CapEff:\s+0+\n")
        self.assertEqual(self.served(), self.digest(self.usual))
        # A reload has no need of the key, as long as it is the same.
        os.chown(sluice.directory, identity.pw_uid, -1)
        os.chown(sluice.log, identity.pw_uid, -1)
        sluice.signal(signal.SIGHUP)
        sluice.wait_for_stderr("reloaded")
        self.assertEqual(self.served(), self.digest(self.usual))
        # A new one has to be readable.
        self.copied(self.fresh)
        sluice.wait_for_stderr(r"site\.key: Permission denied; what was read before stays in use")
        self.assertEqual(self.served(), self.digest(self.usual))
        os.chown(self.site.key, identity.pw_uid, -1)
        until(lambda: self.served() == self.digest(self.fresh), "the new one is served", every=0.05)
        sluice.assert_nothing_left()

    def test_who_can_not_become_somebody_else_does_not_start(self):
        users = [("no-such-user", None, "knows no user")]
        if os.geteuid() == 0:
            users.append((NOBODY, 12345, "only root can become another user"))
        for user, own, told in users:
            with self.subTest(user=user):
                config = {**self.http_config([self.raw.port]), "user": user}
                sluice = Sluice(config, self.port, user=own, wait=False)
                self.addCleanup(sluice.kill)
                self.assertNotEqual(sluice.wait_for_exit(), 0)
                self.assertIn(told, sluice.stderr())


class Scan(Tls):
    """What testssl.sh would look for."""

    STRONG = {
        f"ECDHE-{key}-{cipher}"
        for key in ("ECDSA", "RSA")
        for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")
    }

    def takes(self, port, version, ciphers=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with contextlib.suppress(ssl.SSLError):  # not even this client has it
            context.set_ciphers(f"{ciphers or 'ALL'}:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
                context.minimum_version = context.maximum_version = version
            with contextlib.suppress(ConnectionError), Connection(port, tls=context) as connection:
                return connection.socket.cipher()[0]
        return None

    def accepted(self, port):
        """The versions and the ciphers of TLS 1.2 that a server takes, of all that this machine's OpenSSL knows."""
        all_versions = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, *VERSIONS.values())
        versions = {version.name for version in all_versions if self.takes(port, version)}
        known = openssl("ciphers", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", check=True).strip().split(":")
        known = [name for name in known if not name.startswith("TLS_")]
        self.assertGreater(len(known), 60)
        return versions, {name for name in known if self.takes(port, VERSIONS["1.2"], name) == name}

    def test_no_weak_version_and_no_weak_cipher(self):
        self.start(self.config([self.usual, self.authority.certificate(key="rsa")]))
        versions, ciphers = self.accepted(self.tls_port)
        self.assertEqual(versions, {"TLSv1_2", "TLSv1_3"})
        self.assertEqual(ciphers, self.STRONG)

    def test_the_scan_sees_what_is_weak(self):
        port = free_port()
        rsa = self.authority.certificate(key="rsa")
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", rsa.file, "-key", rsa.key, "-quiet",
             "-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(server.communicate)
        self.addCleanup(server.kill)
        until(lambda: accepts(port), "s_server listens")
        versions, ciphers = self.accepted(port)
        self.assertEqual(versions, {"TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"})
        self.assertLessEqual({"AES128-SHA", "DHE-RSA-AES128-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"}, ciphers)

    def test_only_the_newest_where_it_is_asked_for(self):
        self.start(self.config(min_version="1.3"))
        self.assertIsNone(self.takes(self.tls_port, VERSIONS["1.2"]))
        self.assertIsNotNone(self.takes(self.tls_port, VERSIONS["1.3"]))

    def test_no_renegotiation_no_compression_no_early_data(self):
        self.start(self.config())
        told = self.s_client("-tls1_2", say="R\n")
        self.assertIn("RENEGOTIATING", told)
        self.assertIn("no renegotiation", told)
        self.assertIn("Secure Renegotiation IS supported", told)
        self.assertIn("Compression: NONE", told)
        self.assertNotIn("Max Early Data: 1", self.s_client("-tls1_3", say="GET /length/1 HTTP/1.0\n\n"))

    def test_what_is_not_spoken_here_is_refused(self):
        self.start(self.config())
        context = self.client(protocols=["h3", "ftp"])
        with self.assertRaisesRegex(ssl.SSLError, "(?i)no.application.protocol"):
            self.shown(context=context)
        with Connection(self.tls_port, tls=self.client(protocols=["h2", "http/1.1"])) as connection:
            self.assertEqual(connection.socket.selected_alpn_protocol(), "http/1.1")  # "http2": false


if __name__ == "__main__":
    unittest.main()
