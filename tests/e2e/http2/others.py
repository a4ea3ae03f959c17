"""The table of conformance.py on other servers: that it is sane, and where they differ.

    cd tests/e2e && /usr/bin/python3 -m http2.others nghttpd | nginx | PORT
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from http2.conformance import CASES
from http2.play import differences
from waiting import LONGEST_WAIT, accepts, free_port, until

NAMES = {"nghttpd": ("nghttpd", "nghttp2"), "nginx": ("nginx",)}  # by which the table knows them


def _binary(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin")


def _nghttpd(directory, port):
    return [_binary("nghttpd"), "--no-tls", "-d", str(directory), str(port)]


def _nginx(directory, port):
    (directory / "nginx.conf").write_text(
        f"""{"user root; " * (os.geteuid() == 0)}daemon off; pid {directory}/pid; error_log {directory}/log; events {{ }}
http {{ access_log off; client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  server {{ listen 127.0.0.1:{port} http2; root {directory}; }} }}
"""
    )
    return [_binary("nginx"), "-p", str(directory), "-c", "nginx.conf", "-e", str(directory / "log")]


class Server:
    """`which`: "nghttpd" or "nginx", with one small file."""

    @staticmethod
    def is_there(which):
        return _binary(which) is not None

    def __init__(self, which):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-http2-"))
        self.directory.chmod(0o755)
        (self.directory / "index.html").write_text("GET / 0")
        self.port = free_port()
        self.process = subprocess.Popen(
            {"nghttpd": _nghttpd, "nginx": _nginx}[which](self.directory, self.port),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(lambda: accepts(self.port), f"{which} listens")

    def stop(self):
        self.process.terminate()
        self.process.wait(LONGEST_WAIT)
        shutil.rmtree(self.directory, ignore_errors=True)


def main(which):
    if which.isdigit():
        found = differences(CASES, int(which), "nghttp2")
    else:
        server = Server(which)
        try:
            found = differences(CASES, server.port, *NAMES[which], timeout=1)
        finally:
            server.stop()
    for case, came in found:
        print(f"{case.name} ({case.rule})\n    wanted: {' or '.join(map(str, case.wanted))}\n    was: {came}")
    print(f"{len(CASES)} cases, {len(found)} differ")


if __name__ == "__main__":
    main(sys.argv[1])
