"""HTTP/2 by clients that others wrote: curl, h2load, and a browser."""

import base64
import hashlib
import json
import re
import shutil
import tempfile
import unittest
from collections import Counter
from pathlib import Path

from certificates import Authority
from client import Pattern
from harness import Case, free_port, run

BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium"))), None)
SIZES = (0, 1, 16383, 16384, 16385, 65535, 65536, 1 << 20, 20 << 20)


class Client(Case):
    """Sluice with TLS and without, before an nginx (/), files of its own (/files/) and a server that hashes (/hash)."""

    def start_all(self, files=None, **more):
        nginx = self.nginx(files=files or {str(size): size for size in SIZES})
        hashing = self.origin()
        authority = Authority()
        self.addCleanup(authority.remove)
        self.authority, self.certificate = authority, authority.certificate()
        self.tls_port = free_port()
        tls = {"certificates": [{"certificate": self.certificate.file, "key": self.certificate.key}]}
        config = self.http_config(
            [nginx.port],
            more_listeners=[{"listen": f"127.0.0.1:{self.tls_port}", "tls": tls}],
            routes=[
                {"path": "/files", "files": str(nginx.root), "strip_prefix": True, "server_timing": True},
                {"path": "/hash", "proxy": "hashing"},
            ],
            **more,
        )
        config["upstreams"]["hashing"] = [f"127.0.0.1:{hashing.port}"]
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-clients-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        return self.start(config)

    def ways(self):
        """(the beginning of a URL, what curl has to be told for it)"""
        there = ["--resolve", f"test.example:{self.tls_port}:127.0.0.1", "--cacert", self.authority.file]
        # By prior knowledge curl 7.88 can't use a connection twice: neither nginx nor nghttpd please it then.
        return (
            (f"https://test.example:{self.tls_port}", ["--http2", "--parallel", *there]),
            (f"http://127.0.0.1:{self.port}", ["--http2-prior-knowledge"]),
        )


class Curl(Client):
    def curl(self, *options):
        return run("curl", "--silent", "--show-error", "--max-time", "60", *options)

    def test_downloads(self):
        sluice = self.start_all()
        for url, how in self.ways():
            for path in ("", "/files"):
                many = [[f"{url}{path}/{size}", "-o", f"{self.directory}/{size}"] for size in SIZES]
                if "--parallel" in how:
                    many = [sum(many, [])]
                told = "".join(self.curl(*how, "--write-out", "%{http_version} %{http_code}\n", *one) for one in many)
                self.assertEqual(Counter(told.split("\n")[:-1]), {"2 200": len(SIZES)})
                for size in SIZES:
                    self.assertEqual((self.directory / str(size)).read_bytes(), Pattern.at(0, size), size)
        versions = {line.get("protocol") for line in sluice.log_lines(count=4 * len(SIZES)) if "target" in line}
        self.assertIn("HTTP/2", str(versions))
        sluice.assert_nothing_left()

    def test_uploads(self):
        sluice = self.start_all()
        for url, how in self.ways():
            for size in SIZES:
                data = Pattern.at(0, size)
                file = self.directory / "upload"
                file.write_bytes(data)
                wanted = {"method": "PUT", "size": size, "sha256": hashlib.sha256(data).hexdigest()}
                for framing in ([], ["-H", "Content-Length:"]):
                    told = json.loads(self.curl(*how, *framing, "-T", str(file), f"{url}/hash"))
                    self.assertEqual({name: told[name] for name in wanted}, wanted)
        sluice.assert_nothing_left()

    def test_details(self):
        sluice = self.start_all()
        for url, how in self.ways():
            self.assertIn("HTTP/2 200", self.curl(*how, "--head", f"{url}/65536"))
            part = self.curl(
                *how, "-r", "100-199", "-o", f"{self.directory}/part", "-w", "%{http_code}", f"{url}/65536"
            )
            self.assertEqual(part, "206")
            self.assertEqual((self.directory / "part").read_bytes(), Pattern.at(100, 100))
            self.assertEqual(
                self.curl(*how, "-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"{url}/no"), "2 404"
            )
            told = json.loads(self.curl(*how, "-H", "Expect: 100-continue", "-d", "hello", f"{url}/hash"))
            self.assertEqual(told["size"], 5)
            told = json.loads(self.curl(*how, "-b", "a=1; b=2", f"{url}/hash?q=1"))
            self.assertEqual(told["target"], "/hash?q=1")
            self.assertIn(["cookie", "a=1; b=2"], [[name.lower(), value] for name, value in told["fields"]])
        sluice.assert_nothing_left()

    def test_alpn(self):
        """HTTP/1.1 for those who ask for that, on the same port; and h2 by "prior knowledge" of TLS's port."""
        self.start_all()
        url, how = self.ways()[0]
        how = how[2:]
        for version, told in (("--http1.1", "1.1"), ("--http1.0", "1.1"), ("--http2", "2"), ("--no-alpn", "1.1")):
            self.assertEqual(self.curl(version, *how, "-o", "/dev/null", "-w", "%{http_version}", f"{url}/1"), told)


class H2load(Client):
    def load(self, *options):
        told = run("h2load", *options)
        count = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", told)
        self.assertTrue(count, told)
        return [int(number) for number in count.groups()], told

    def test_load(self):
        if not shutil.which("h2load"):
            self.skip("no h2load here (package nghttp2-client)")
        sluice = self.start_all()
        for number, path, window in (
            (10000, "/1", 30),
            (1000, "/65536", 30),
            (1000, "/files/65536", 16),
            (40, "/files/1048576", 16),
        ):
            for url in (f"https://127.0.0.1:{self.tls_port}", f"http://127.0.0.1:{self.port}"):
                count, told = self.load("-n", str(number), "-c", "10", "-m", "20", "-w", str(window), url + path)
                self.assertEqual(count, [number, number, 0, 0, 0], told)
                self.assertIn("Application protocol: h2", told)
                size = int(path.rpartition("/")[2]) * number
                self.assertIn(f"({size}) data", told)
        sluice.assert_nothing_left()


PAGE = """<!doctype html>
<html><head><link rel="stylesheet" href="style.css"><script src="script.js"></script></head>
<body><img src="picture.svg"><p id="told"></p><script>
addEventListener("load", async () => {
  const answer = await fetch("/hash", {method: "POST", body: "x".repeat(200000)});
  const posted = (await answer.json()).size;
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const told = entries.map(e => [new URL(e.name).pathname, e.nextHopProtocol, e.decodedBodySize]);
  document.getElementById("told").textContent = JSON.stringify({posted, told});
});
</script></body></html>
"""


class Browser(Client):
    def test_a_page(self):
        """Chromium loads a page and its parts over one connection, and posts something."""
        if BROWSER is None:
            self.skip("no Chromium here (package chromium-headless-shell)")
        sluice = self.start_all(files={"1": 1})
        root = Path(next(route["files"] for route in json.loads(sluice.file.read_text())["routes"] if "files" in route))
        parts = {
            "index.html": PAGE,
            "style.css": "body { color: black }\n" * 10000,
            "script.js": "var number = 1;\n" * 20000,
            "picture.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>',
        }
        for name, text in parts.items():
            (root / name).write_text(text)
        dom = run(
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={self.directory}",
            f"--ignore-certificate-errors-spki-list={self.pin()}", "--host-resolver-rules=MAP test.example 127.0.0.1",
            "--virtual-time-budget=20000", "--dump-dom", f"https://test.example:{self.tls_port}/files/index.html",
        )  # fmt: skip
        told = re.search(r'<p id="told">(.*?)</p>', dom)
        self.assertTrue(told and told[1], dom)
        told = json.loads(told[1])
        self.assertEqual(told["posted"], 200000)
        seen = {path: (protocol, size) for path, protocol, size in told["told"]}
        for name, text in parts.items():
            self.assertEqual(seen[f"/files/{name}"], ("h2", len(text)))
        self.assertEqual(seen["/hash"][0], "h2")
        lines = sluice.log_lines(lambda line: line.get("target", "").startswith(("/files/", "/hash")), count=5)
        self.assertEqual({line["protocol"] for line in lines}, {"HTTP/2"}, lines)
        self.assertEqual(len({line["client"] for line in lines}), 1, "one connection carries all")
        sluice.assert_nothing_left()

    def pin(self):
        """The certificate's key, as Chromium wants it told."""
        pem = run("openssl", "x509", "-in", self.certificate.file, "-pubkey", "-noout")
        der = base64.b64decode("".join(pem.split("\n")[1:-2]))
        return base64.b64encode(hashlib.sha256(der).digest()).decode()


if __name__ == "__main__":
    unittest.main()
