"""The programs that are compared, each configured as its manual advises for this job: one worker, no access log."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
H2O = shutil.which("h2o") or "/usr/bin/h2o"
HAPROXY = shutil.which("haproxy") or "/usr/sbin/haproxy"
SLUICE = Path(__file__).resolve().parent.parent / "build" / "sluice"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def first_line(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


class Peer:
    """A started program, pinned to one processor."""

    def __init__(self, name, command, port, processor, directory, tls_port=None, patience=10):
        self.name = name
        self.port = port
        self.tls_port = tls_port
        self._messages = open(directory / f"{name}.messages", "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(processor), *map(str, command)],
            stdout=self._messages, stderr=self._messages, cwd=directory,
        )  # fmt: skip
        end = time.monotonic() + patience
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    self.stop()
                    raise SystemExit(f"{name} does not answer: {directory}/{name}.messages") from None
                time.sleep(0.05)

    def _processes(self):
        """This process and all below it."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
        return found

    def cpu(self):
        """Seconds of user and system time that its own processes, with all their threads, have used."""
        ticks = 0
        for pid in self._processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])  # utime, stime; see proc(5)
        return ticks / TICKS

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._messages.close()


def make_certificate(directory):
    """Of the kind that most sites have: ECDSA on P-256."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", directory / "key.pem", "-out", directory / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    (directory / "both.pem").write_bytes((directory / "cert.pem").read_bytes() + (directory / "key.pem").read_bytes())


def nginx_config(directory, name, server, upstream=""):
    """nginx keeps all its files in `directory`."""
    user = "user root root;" if os.geteuid() == 0 else ""
    file = directory / f"{name}.conf"
    own = "\n".join(f"  {kind}_temp_path {name}-{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
    file.write_text(
        f"""{user} daemon off; worker_processes 1; pid {name}.pid; error_log {name}.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush on; gzip off; keepalive_requests 1000000000; open_file_cache max=100;
  client_body_temp_path {name}-body;
{own}
  {upstream}
  server {{ {server} }}
}}
"""
    )
    return [NGINX, "-p", directory, "-c", file, "-e", f"{name}.log"]


def start_origin(directory, www, processor):
    port = free_port()
    command = nginx_config(directory, "origin", f"listen 127.0.0.1:{port}; root {www};")
    return Peer("origin", command, port, processor, directory)


def start_nginx(directory, www, origin, processor):
    """proxy_buffering stays on, as it is by default; server connections are kept."""
    port, tls_port = free_port(), free_port()
    command = nginx_config(
        directory,
        "nginx",
        f"""listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl http2;
    ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3; http2_max_requests 1000000000;
    location /files/ {{ alias {www}/; }}
    location / {{ proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }}""",
        f"upstream origin {{ server 127.0.0.1:{origin}; keepalive 64; keepalive_requests 1000000000; }}",
    )
    return Peer("nginx", command, port, processor, directory, tls_port)


def start_haproxy(directory, origin, processor):
    port, tls_port = free_port(), free_port()
    file = directory / "haproxy.cfg"
    file.write_text(
        f"""global
  nbthread 1
  maxconn 2000
defaults
  mode http
  option splice-auto
  option splice-response
  http-reuse always
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend relay
  bind 127.0.0.1:{port}
  bind 127.0.0.1:{tls_port} ssl crt {directory}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin}
"""
    )
    return Peer("haproxy", [HAPROXY, "-db", "-f", file], port, processor, directory, tls_port)


def start_h2o(directory, www, origin, processor):
    port, tls_port = free_port(), free_port()
    user = "user: root" if os.geteuid() == 0 else ""
    file = directory / "h2o.yaml"
    file.write_text(
        f"""{user}
num-threads: 1
listen: {{host: 127.0.0.1, port: {port}}}
listen:
  host: 127.0.0.1
  port: {tls_port}
  ssl: {{certificate-file: {directory}/cert.pem, key-file: {directory}/key.pem, minimum-version: TLSv1.2}}
hosts:
  default:
    paths:
      /files:
        file.dir: {www}
      /:
        proxy.reverse.url: http://127.0.0.1:{origin}/
        proxy.preserve-host: OFF
"""
    )
    return Peer("h2o", [H2O, "-c", file], port, processor, directory, tls_port)


def start_sluice(directory, www, origin, processor):
    port, tls_port = free_port(), free_port()
    file = directory / "sluice.json"
    pair = {"certificate": str(directory / "cert.pem"), "key": str(directory / "key.pem")}
    config = {
        "workers": 1,
        "listeners": [
            {"listen": f"127.0.0.1:{port}"},
            {"listen": f"127.0.0.1:{tls_port}", "tls": {"certificates": [pair], "min_version": "1.3"}},
        ],
        "upstreams": {"origin": [f"127.0.0.1:{origin}"]},
        "routes": [
            {"path": "/files/", "files": {"root": str(www)}, "strip_prefix": True},
            {"path": "/", "proxy": "origin"},
        ],
    }
    file.write_text(json.dumps(config, indent=1))
    return Peer("sluice", [SLUICE, "run", file], port, processor, directory, tls_port)


def versions():
    return {
        "sluice": first_line(SLUICE, "version"),
        "nginx": first_line(NGINX, "-v").removeprefix("nginx version: "),
        "haproxy": re.sub(r" - .*", "", first_line(HAPROXY, "-v")),
        "h2o": first_line(H2O, "-v"),
        "h2load": first_line("h2load", "--version"),
        "wrk": first_line("wrk", "-v").split(" [")[0],
    }
