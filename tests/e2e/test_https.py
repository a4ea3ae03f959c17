"""HTTPS from a client's view: the way there, what responses and servers are told, and the commands of one line."""

import json
import re
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from certificates import Authority
from harness import LONGEST_WAIT, Case, Connection, accepts, answer, free_port, get, run, until
from origin import hashing
from sluice import BINARY

HSTS = "Strict-Transport-Security"


def strict(connection, request):
    answer(connection, "strict", f"{HSTS}: max-age=1; includeSubDomains")


class Redirect(Case):
    """/status is on a listener of its own: this one sends everybody away."""

    def setUp(self):
        self.raw = self.origin({"hash": hashing})
        self.door, self.https = free_port(), free_port()
        self.challenges = {
            "path": "/.well-known/acme-challenge/",
            "respond": {"body": "proof"},
        }
        config = self.http_config(
            [self.raw.port],
            routes=[self.challenges],
            more_listeners=[
                {"listen": f"127.0.0.1:{self.door}", "redirect_https": True},
                {"listen": f"127.0.0.1:{self.https}", "tls": {"self_signed": True}},
            ],
        )
        self.sluice = self.start(config)

    def test_everybody_is_sent_to_the_same_place_by_https(self):
        place = f"https://test.example:{self.https}"
        with Connection(self.door) as connection:
            for method, target, field, where in (
                ("GET", "/", "A: b", place + "/"),
                ("HEAD", "/hash?a=b&c=%2F..", "A: b", place + "/hash?a=b&c=%2F.."),
                ("DELETE", "//a/../b", "A: b", place + "//a/../b"),
                ("GET", "/", "Connection: close", place + "/"),
            ):
                response = connection.get(target, field, method=method)
                self.assertEqual((response.status, response.get("Location")), (308, where))
                self.assertIsNone(response.get(HSTS), "by http it means nothing: RFC 6797 section 7.2")
        entry = self.sluice.log_line("/hash?a=b&c=%2F..")
        self.assertEqual((entry["status"], entry["why"], entry.get("route")), (308, "redirect-https", None))

    def test_the_host_is_the_clients_without_its_port(self):
        for host, there in (("other.example:81", "other.example"), ("[::1]:81", "[::1]"), ("10.1.2.3", "10.1.2.3")):
            with Connection(self.door) as connection:
                connection.send(f"GET /a HTTP/1.1\r\nHost: {host}\r\n\r\n")
                self.assertEqual(connection.read_response().get("Location"), f"https://{there}:{self.https}/a")

    def test_http2_without_tls_is_sent_there_too(self):
        head = run("curl", "-sSI", "--http2-prior-knowledge", "-H", "Host: test.example", f"http://127.0.0.1:{self.door}/a")
        self.assertIn("HTTP/2 308", head)
        self.assertIn(f"location: https://test.example:{self.https}/a\n", head.replace("\r", ""))

    def test_a_body_is_not_waited_for(self):
        with Connection(self.door) as connection:
            connection.send("POST /hash HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000000\r\n\r\nbegin")
            response = connection.read_response()
            self.assertEqual((response.status, response.get("Connection")), (308, "close"))

    def test_who_names_no_host_can_not_be_sent_anywhere(self):
        with Connection(self.door) as connection:
            connection.send("GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(connection.read_response().status, 400)

    def test_whoever_gives_certificates_away_is_answered(self):
        response = get(self.door, "/.well-known/acme-challenge/token")
        self.assertEqual((response.status, response.text), (200, "proof"))

    def test_curl_follows_it_to_the_other_listener(self):
        told = run(
            "curl", "-sSkL", "-w", "%{http_code} %{num_redirects} %{scheme}", "-o", "/dev/null",
            "--resolve", f"test.example:{self.door}:127.0.0.1", "--resolve", f"test.example:{self.https}:127.0.0.1",
            f"http://test.example:{self.door}/hash",
        )  # fmt: skip
        self.assertEqual(told.lower(), "200 1 https")


class Https(Case):
    def setUp(self):
        self.authority = Authority()
        self.addCleanup(self.authority.remove)
        self.raw = self.origin({"hash": hashing, "strict": strict})

    def https_proxy(self, route=None, **tls):
        self.https = free_port()
        certificate = self.authority.certificate()
        tls = {"certificates": [{"certificate": certificate.file, "key": certificate.key}], **tls}
        listener = {"listen": f"127.0.0.1:{self.https}", "tls": tls}
        return self.proxy([self.raw.port], route=route or {}, more_listeners=[listener])

    def ask(self, target, *fields, certificate=None):
        return get(self.https, target, *fields, tls=self.authority.client(certificate=certificate))

    def fields_seen(self, *fields, certificate=None):
        told = json.loads(self.ask("/hash", *fields, certificate=certificate).text)
        return {name.lower(): value for name, value in told["fields"]}

    def test_every_response_by_tls_is_strict_and_ours_is_the_only_word(self):
        self.https_proxy(hsts="8760h")
        for target, status in (("/hash", 200), ("/strict", 200), ("/status", 200), ("/%", 400)):
            with self.subTest(target):
                response = self.ask(target)
                self.assertEqual(response.status, status)
                self.assertEqual(response.get(HSTS), "max-age=31536000")  # get() would join two
        plain = get(self.port, "/strict")
        self.assertEqual(plain.get(HSTS), "max-age=1; includeSubDomains", "by http a server's own passes as it is")
        self.assertIsNone(get(self.port, "/hash").get(HSTS))

    def test_http2_is_no_exception(self):
        self.https_proxy(hsts="1h")
        url = f"https://test.example:{self.https}/strict"
        resolve = ("--resolve", f"test.example:{self.https}:127.0.0.1", "--cacert", self.authority.file)
        head = run("curl", "-sSI", "--http2", *resolve, url).replace("\r", "")
        self.assertIn("HTTP/2 200", head)
        self.assertEqual(head.lower().count(HSTS.lower()), 1, head)
        self.assertIn("strict-transport-security: max-age=3600\n", head)

    def test_without_hsts_nothing_is_added_or_taken(self):
        self.https_proxy()
        self.assertIsNone(self.ask("/hash").get(HSTS))
        self.assertEqual(self.ask("/strict").get(HSTS), "max-age=1; includeSubDomains")

    def test_servers_learn_that_the_client_came_by_https(self):
        self.https_proxy(route={"forwarded": "both"})
        seen = self.fields_seen("X-Forwarded-Proto: http", "Forwarded: proto=http")
        self.assertEqual(seen["x-forwarded-proto"], "https")
        self.assertTrue(seen["forwarded"].endswith(";proto=https"), seen["forwarded"])

    def test_what_a_certificate_proves_is_told_and_what_a_client_claims_is_not(self):
        self.https_proxy(client_certificates="optional", client_ca=self.authority.file)
        forged = ("Client-Cert: :AA==:", "X-Client-Cert-Subject: CN=root", "X-Client-Cert-Verified: SUCCESS",
                  "Client_Cert: :AA==:", "Client-Cert-Chain: :AA==:")  # fmt: skip
        ann = self.authority.certificate("ann")
        seen = self.fields_seen(*forged, certificate=ann)
        pem = Path(ann.file).read_text()
        der = re.search("-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.DOTALL)[1].replace("\n", "")
        self.assertEqual(seen["client-cert"], f":{der}:")
        self.assertEqual((seen["x-client-cert-subject"], seen["x-client-cert-verified"]), ("CN=ann", "SUCCESS"))
        self.assertNotIn("client-cert-chain", seen)
        for own in (self.fields_seen(*forged), json.loads(get(self.port, "/hash", *forged).text)["fields"]):
            names = {name.lower() for name in (own if isinstance(own, dict) else dict(own))}
            self.assertEqual([name for name in names if "client" in name], [])


class OneLine(Case):
    """The commands without a file."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-one-line-")
        self.addCleanup(self.folder.cleanup)
        Path(self.folder.name, "a.txt").write_text("hello " * 1000)
        self.authority = Authority()
        self.addCleanup(self.authority.remove)
        self.port = free_port()

    def run_sluice(self, *words, port=None, **environment):
        port = port or self.port
        command = ["env", *(f"{k}={v}" for k, v in environment.items()), BINARY, *words]
        with open(Path(self.folder.name, "stderr"), "a") as errors:
            process = subprocess.Popen(
                [*command, "--listen", f"127.0.0.1:{port}", "--workers", "1"], stderr=errors
            )
        self.addCleanup(process.wait, LONGEST_WAIT)
        self.addCleanup(process.send_signal, signal.SIGTERM)
        until(lambda: accepts(port), lambda: Path(self.folder.name, "stderr").read_text())

    def curl(self, *words, port=None):
        """(HTTP version, body)"""
        url = f"https://localhost:{port or self.port}/a.txt"
        told = run("curl", "-sS", "--compressed", "-w", "\n%{http_version} %{http_code}", *words, url)
        body, _, told = told.rpartition("\n")
        version, status = told.split()
        self.assertEqual(status, "200")
        return version, body

    def test_files_with_a_certificate(self):
        certificate = self.authority.certificate("localhost", "127.0.0.1")
        self.run_sluice("serve", self.folder.name, "--tls-cert", certificate.file, "--tls-key", certificate.key)
        for option, version in (("--http1.1", "1.1"), ("--http2", "2")):
            self.assertEqual(self.curl("--cacert", self.authority.file, option), (version, "hello " * 1000))

    def test_files_with_a_certificate_made_at_start(self):
        self.run_sluice("serve", self.folder.name, "--tls-self-signed", "--compress", "--ktls")
        self.assertEqual(self.curl("-k"), ("2", "hello " * 1000))
        url = f"https://localhost:{self.port}/a.txt"
        head = run("curl", "-sk", "-o", "/dev/null", "-D", "-", "-H", "Accept-Encoding: gzip", url)
        self.assertIn("content-encoding: gzip", head)
        refused = subprocess.run(["curl", "-sS", f"https://localhost:{self.port}/"], capture_output=True, check=False)
        self.assertEqual(refused.returncode, 60, "nobody vouches for it")

    def test_a_server_that_speaks_https(self):
        certificate = self.authority.certificate("localhost")
        server = free_port()
        self.run_sluice(
            "serve", self.folder.name, "--tls-cert", certificate.file, "--tls-key", certificate.key, port=server
        )
        self.run_sluice(
            "proxy", "--to", f"https://localhost:{server}", "--tls-self-signed", SSL_CERT_FILE=self.authority.file
        )
        self.assertEqual(self.curl("-k"), ("2", "hello " * 1000))
        stranger = free_port()
        self.run_sluice("proxy", "--to", f"https://localhost:{server}", port=stranger)
        self.assertEqual(get(stranger, "/a.txt").status, 502, "the system's authorities did not sign it")


if __name__ == "__main__":
    unittest.main()
