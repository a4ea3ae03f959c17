"""Origins: a real nginx, and a scripted server for what a good server never does."""

import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
from pathlib import Path

from client import READ, Cut, Pattern, narrow
from waiting import LONGEST_WAIT, accepts, free_port, until


class Request:
    def __init__(self, head):
        lines = head.decode("latin-1").split("\r\n")
        self.head = head
        self.method, self.target, self.version = lines[0].split(" ")
        self.fields = [(n, v.strip()) for n, v in (line.split(":", 1) for line in lines[1:] if line)]
        self.trailers = []

    def get(self, name):
        found = [v for n, v in self.fields if n.lower() == name.lower()]
        return ", ".join(found) if found else None


class OriginConnection:
    """One accepted connection, in the hands of a script."""

    def __init__(self, origin, sock, number):
        self.origin = origin
        self.socket = sock
        self.number = number  # 0 for the first the origin accepted
        self.most = origin.most
        self._rest = b""

    def read_some(self, most=None):
        most = most or self.most
        if self._rest:
            data, self._rest = self._rest[:most], self._rest[most:]
            return data
        return self.socket.recv(most)

    def read_until(self, end):
        data = b""
        while end not in data:
            more = self.read_some()
            if not more:
                raise Cut(data)
            data += more
        at = data.index(end) + len(end)
        data, self._rest = data[:at], data[at:] + self._rest
        return data

    def read_request(self):
        """None at the end of the connection."""
        try:
            request = Request(self.read_until(b"\r\n\r\n"))
        except Cut as cut:
            if cut.args[0]:
                raise
            return None
        self.origin.requests.append(request)
        return request

    def read_body(self, request, take):
        """Calls `take` with every piece; raises Cut when the body ends early."""

        def exactly(size):
            while size:
                data = self.read_some(min(size, self.most))
                if not data:
                    raise Cut(f"{size} bytes of the request body missing")
                take(data)
                size -= len(data)

        if (request.get("Transfer-Encoding") or "").lower() == "chunked":
            while size := self._read_chunk_size():
                exactly(size)
                if self.read_until(b"\r\n") != b"\r\n":
                    raise AssertionError("a chunk does not end where its size says")
            while (line := self.read_until(b"\r\n")) != b"\r\n":
                name, value = line.decode("latin-1").split(":", 1)
                request.trailers.append((name, value.strip()))
        else:
            exactly(int(request.get("Content-Length") or 0))

    def _read_chunk_size(self):
        """Nothing but the digits a careful sender writes: whatever the client sent, framing is made anew."""
        line = self.read_until(b"\r\n")
        if not re.fullmatch(rb"(0|[1-9a-f][0-9a-f]*)\r\n", line):
            raise AssertionError(f"an odd chunk size: {line[:100]!r}")
        return int(line, 16)

    def send(self, *parts):
        for part in parts:
            self.socket.sendall(part.encode("latin-1") if isinstance(part, str) else part)

    def send_pattern(self, size, begin=0):
        for at in range(begin, begin + size, READ):
            self.socket.sendall(Pattern.at(at, min(READ, begin + size - at)))

    def send_chunks(self, size, chunk):
        """A body of `size` bytes of the pattern, without its end; many small chunks leave in one write."""
        batch = []
        weight = 0
        for at in range(0, size, chunk):
            data = Pattern.at(at, min(chunk, size - at))
            batch.append(b"%x\r\n%b\r\n" % (len(data), data))
            weight += len(data)
            if weight >= READ:
                self.socket.sendall(b"".join(batch))
                batch, weight = [], 0
        self.socket.sendall(b"".join(batch))

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def finish(self):
        """Says that this is all: FIN; over TLS close_notify, after which nothing more is read."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket = self.socket.unwrap()
        self.socket.shutdown(socket.SHUT_WR)

    def wait_for_end(self):
        """Reads until the peer closes; True when it did so with RST."""
        try:
            while self.read_some():
                pass
            return False
        except OSError:
            return True


class RawOrigin:
    """A threaded server; `script(connection)` runs for each connection, which is closed when it returns.

    `tls`: an ssl.SSLContext; the script begins after the handshake, and ends the connection without close_notify
    unless it says it (OriginConnection.finish).
    """

    def __init__(self, script, port=None, receive_buffer=None, mss=None, most=READ, tls=None):
        self.port = port or free_port()
        self.most = most  # bytes a read asks for
        self.requests = []
        self.failures = []
        self.accepted = 0
        self._script = script
        self._tls = tls
        self._open = set()
        self._lock = threading.Lock()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        narrow(self._listener, receive_buffer, mss)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen(1024)
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(LONGEST_WAIT)
            with self._lock:
                self._open.add(sock)
                connection = OriginConnection(self, sock, self.accepted)
                self.accepted += 1
            thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self, connection):
        try:
            if self._tls:
                self._encrypt(connection)
            self._script(connection)
        except (OSError, Cut):
            pass  # the proxy went away: its business, and the test's
        except Exception as failure:  # pylint: disable=broad-except
            self.failures.append(failure)
        finally:
            with self._lock:
                self._open.discard(connection.socket)
            connection.socket.close()

    def _encrypt(self, connection):
        plain = connection.socket
        connection.socket = self._tls.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        with self._lock:
            self._open.discard(plain)
            self._open.add(connection.socket)
        connection.socket.do_handshake()

    def close_connections(self):
        with self._lock:
            for sock in self._open:
                try:
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not an SSLSocket's own, which forgets its keys
                except OSError:
                    pass

    def stop(self):
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept()
        except OSError:
            pass
        self._listener.close()
        self.close_connections()
        for thread in self._threads:
            thread.join(LONGEST_WAIT)
        if self.failures:
            raise self.failures[0]


def serving(routes):
    """A script: keep-alive requests, each given to `routes[first path segment]`, else to the patterns below.

    A handler gets (connection, request) and has to read the request's body; returning False ends the connection.
    """

    def script(connection):
        while (request := connection.read_request()) is not None:
            name = request.target.strip("/").split("/")[0].split("?")[0]
            handler = routes.get(name) or PATTERNS.get(name)
            if handler is None:
                raise AssertionError(f"the origin knows no {request.target}")
            if handler(connection, request) is False:
                return

    return script


def _arguments(request):
    return [int(part) for part in request.target.split("?")[0].strip("/").split("/")[1:]]


def by_length(connection, request):
    (size,) = _arguments(request)
    connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n")
    if request.method != "HEAD":
        connection.send_pattern(size)


def by_chunks(connection, request):
    size, chunk = _arguments(request)
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    if request.method != "HEAD":
        connection.send_chunks(size, chunk)
        connection.send("0\r\n\r\n")


def by_close(connection, request):
    (size,) = _arguments(request)
    connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    if request.method != "HEAD":
        connection.send_pattern(size)
    return False


def by_close10(connection, request):
    (size,) = _arguments(request)
    connection.send("HTTP/1.0 200 OK\r\n\r\n")
    if request.method != "HEAD":
        connection.send_pattern(size)
    return False


def answer(connection, text, *fields, status="200 OK"):
    head = "".join(f + "\r\n" for f in fields)
    connection.send(f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n{head}\r\n{text}")


def hashing(connection, request):
    """Answers what came: the request line, its fields, and its body's size and hash."""
    if request.get("Expect") == "100-continue":
        connection.send("HTTP/1.1 100 Continue\r\n\r\n")
    digest, size = hashlib.sha256(), 0

    def take(data):
        nonlocal size
        size += len(data)
        digest.update(data)

    connection.read_body(request, take)
    told = {
        "method": request.method,
        "target": request.target,
        "version": request.version,
        "fields": request.fields,
        "trailers": request.trailers,
        "size": size,
        "sha256": digest.hexdigest(),
    }
    answer(connection, "" if request.method == "HEAD" else json.dumps(told))


PATTERNS = {
    "length": by_length,
    "chunked": by_chunks,
    "close": by_close,
    "close10": by_close10,
    "hash": hashing,
}


class Nginx:
    """A real nginx that serves `files` {name: size} of the pattern; /slow/ sends 256 KiB a second.

    `tls`: a certificates.Certificate; `more` is of nginx's own words, for its server. `process` goes to Popen.
    kill() and start() let it die and return, on the same port.
    """

    def __init__(self, files=(), sparse=(), tls=None, more="", **process):
        self.directory = Path(tempfile.mkdtemp(prefix="sluice-origin-"))
        self.directory.chmod(0o755)
        self.root = self.directory / "www"
        self.root.mkdir()
        self._compared = []
        for name, size in dict(files).items():
            self.write(name, size)
        for name, size in dict(sparse).items():
            self.write_sparse(name, size)
        self.port = free_port()
        user = "user root;" if os.geteuid() == 0 else ""
        if tls:
            more = f"ssl_certificate {tls.file}; ssl_certificate_key {tls.key}; ssl_protocols TLSv1.2 TLSv1.3; {more}"
        (self.directory / "nginx.conf").write_text(
            f"""{user} daemon off; worker_processes 1; pid {self.directory}/nginx.pid;
error_log {self.directory}/error.log warn;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; gzip off; keepalive_timeout 75s; keepalive_requests 100000;
  client_body_temp_path {self.directory}/body; proxy_temp_path {self.directory}/proxy;
  fastcgi_temp_path {self.directory}/fastcgi; uwsgi_temp_path {self.directory}/uwsgi;
  scgi_temp_path {self.directory}/scgi;
  server {{
    listen 127.0.0.1:{self.port}{" ssl" if tls else ""};
    root {self.root};
    {more}
    location /slow/ {{ alias {self.root}/; limit_rate 256k; }}
  }}
}}
"""
        )
        self._process_options = process
        self.start()

    def start(self):
        binary = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen(
            [binary, "-p", str(self.directory), "-c", "nginx.conf", "-e", str(self.directory / "error.log")],
            stderr=subprocess.PIPE, **self._process_options,
        )  # fmt: skip
        try:
            until(lambda: accepts(self.port) or self.process.poll() is not None, "nginx listens")
            if self.process.poll() is not None:
                raise AssertionError("nginx: " + self.process.stderr.read().decode())
        except BaseException:
            self.stop()
            raise

    def write(self, name, size):
        with open(self.root / name, "wb") as file:
            for at in range(0, size, READ):
                file.write(Pattern.at(at, min(READ, size - at)))

    def write_sparse(self, name, size):
        """Mostly holes; each mebibyte begins with its number, so a wrong order is seen."""
        with open(self.root / name, "wb") as file:
            file.truncate(size)
            for at in range(0, size, 1 << 20):
                file.seek(at)
                file.write(struct.pack("<Q", at + 1))

    def comparing(self, name):
        """What a Body compares with: the file itself, read where the body stands."""
        file = open(self.root / name, "rb")
        self._compared.append(file)
        return lambda offset, size: os.pread(file.fileno(), size, offset)

    def kill(self):
        """With its workers; it must have been started with start_new_session=True."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stderr.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stderr.close()
        for file in self._compared:
            file.close()
        shutil.rmtree(self.directory, ignore_errors=True)
