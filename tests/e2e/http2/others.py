"""The table of conformance.py on other servers: that it is sane, and where they differ.

cd tests/e2e && /usr/bin/python3 -m http2.others nghttpd | nginx
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from http2.conformance import CASES
from http2.play import differences
from waiting import accepts, free_port, until


LIBRARY = {"nghttpd": "nghttp2"}  # by what name the table knows it


def nghttpd(directory, port):
    return [shutil.which("nghttpd") or "/usr/sbin/nghttpd", "--no-tls", "-d", str(directory), str(port)]


def nginx(directory, port):
    (directory / "nginx.conf").write_text(
        f"""user root; daemon off; pid {directory}/pid; error_log {directory}/log; events {{ }}
http {{ access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port} http2; root {directory}; }} }}
"""
    )
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    return [binary, "-p", str(directory), "-c", "nginx.conf", "-e", str(directory / "log")]


class Server:
    """`which`: "nghttpd" or "nginx", with one small file."""

    def __init__(self, which):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-http2-"))
        self.directory.chmod(0o755)
        (self.directory / "index.html").write_text("GET / 0")
        self.port = free_port()
        self.process = subprocess.Popen(
            {"nghttpd": nghttpd, "nginx": nginx}[which](self.directory, self.port),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: accepts(self.port), f"{which} listens")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)


if __name__ == "__main__":
    server = Server(sys.argv[1])
    try:
        found = differences(CASES, server.port, LIBRARY.get(sys.argv[1], sys.argv[1]), timeout=1)
    finally:
        server.stop()
    for case, text in found:
        print(f"{case.name} ({case.rule})\n    wanted: {' or '.join(map(str, case.wanted))}\n    was: {text}")
    print(f"{len(CASES)} cases, {len(found)} differ")
