"""HTTP/2 by the letter: the table of http2/conformance.py without and with TLS, and h2spec where it is installed."""

import os
import re
import shutil
import subprocess
import unittest

from certificates import Authority
from harness import Case, free_port
from hostile.witness import Witness
from http2.conformance import CASES
from http2.others import NAMES
from http2.others import Server as Other
from http2.play import differences

H2SPEC = os.environ.get("H2SPEC") or shutil.which("h2spec")


class Server(Case):
    """Sluice before a witness, on a port with TLS and on one without."""

    def start_both(self):
        authority = Authority()
        self.addCleanup(authority.remove)
        certificate = authority.certificate()
        self.tls = authority.client(["h2"])
        self.tls_port = free_port()
        listener = {
            "listen": f"127.0.0.1:{self.tls_port}",
            "tls": {"certificates": [{"certificate": certificate.file, "key": certificate.key}]},
        }
        return self.proxy([Witness(self).origin.port], more_listeners=[listener])


class Table(Server):
    def judge(self, found):
        for case, came in found:
            with self.subTest(case.name, rule=case.rule):
                self.fail(f"wanted: {' or '.join(map(str, case.wanted))}\nwas: {came}")

    def test_without_tls(self):
        sluice = self.start_both()
        self.judge(differences(CASES, self.port, "nghttp2"))
        sluice.assert_nothing_left()

    def test_with_tls(self):
        sluice = self.start_both()
        self.judge(differences(CASES, self.tls_port, "nghttp2", tls=self.tls))
        sluice.assert_nothing_left()

    def test_it_holds_for_another_server(self):
        """Else it might only say what Sluice does."""
        if not Other.is_there("nghttpd"):
            self.skip("no nghttpd here (package nghttp2-server)")
        other = Other("nghttpd")
        self.addCleanup(other.stop)
        self.judge(differences(CASES, other.port, *NAMES["nghttpd"]))


class H2spec(Server):
    # An error in RFC 7540 §5.3.1; RFC 9113 §5.3.2 has no priorities of that kind any more.
    KNOWN = ("Sends PRIORITY frame that depend on itself",)
    # Without TLS this is the beginning of a bad request in HTTP/1, and answered as such.
    KNOWN_WITHOUT_TLS = ("Sends invalid connection preface",)

    def setUp(self):
        if not H2SPEC:
            self.skip("no h2spec here; http2/h2spec.sh installs it by the go command")

    def judge(self, known, *options):
        told = subprocess.run(
            [H2SPEC, "--strict", "--timeout", "5", *options], capture_output=True, text=True, timeout=180, check=False
        ).stdout
        plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", told)
        count = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", plain)
        self.assertTrue(count, plain[-2000:])
        failures = plain.partition("Failures:")[2]
        failed = re.findall(r"× \d+: (.*)", failures)
        self.assertEqual(sorted(failed), sorted(known), failures)
        self.assertEqual((int(count[3]), int(count[4])), (0, len(known)), failures)
        self.assertGreaterEqual(int(count[1]), 145)

    def test_without_tls(self):
        sluice = self.start_both()
        self.judge(self.KNOWN + self.KNOWN_WITHOUT_TLS, "--port", str(self.port))
        sluice.assert_nothing_left()

    def test_with_tls(self):
        sluice = self.start_both()
        self.judge(self.KNOWN, "--tls", "--insecure", "--port", str(self.tls_port))
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
