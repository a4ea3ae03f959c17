"""An origin of HTTP/2 (python3-h2): scripts by the first path segment, a thread for each stream.

It counts what it saw: connections, streams, resets. `settings` are its own, `refuse` says how many streams it refuses.
"""

import hashlib
import socket
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from client import READ, Pattern
from waiting import LONGEST_WAIT, until

Codes = h2.settings.SettingCodes
Errors = h2.errors.ErrorCodes


class Gone(Exception):
    """The stream or its connection has ended."""


class Stream:
    """A request in the hands of a script, which runs in a thread of its own."""

    def __init__(self, connection, number, headers):
        self.connection = connection
        self.number = number
        self.pseudo = {n: v for n, v in headers if n.startswith(":")}
        self.fields = [(n, v) for n, v in headers if not n.startswith(":")]
        self.method, self.path = self.pseudo[":method"], self.pseudo.get(":path", "")
        self.trailers = []
        self.reset_code = None
        self._pieces = []
        self._ended = False

    def get(self, name):
        found = [v for n, v in self.fields if n == name]
        return ", ".join(found) if found else None

    def argument(self, default=0):
        """The number behind the path's first segment."""
        parts = self.path.split("/")
        return int(parts[2]) if len(parts) > 2 else default

    # --- reading; the window is given back as the script reads -------------------------------------------------

    def read(self):
        """The next piece, b"" at the end."""
        with self.connection.changed:
            self._wait(lambda: self._pieces or self._ended)
            if not self._pieces:
                return b""
            data, size = self._pieces.pop(0)
            if size:
                self.connection.h2.acknowledge_received_data(size, self.number)
                self.connection.flush()
            return data

    def read_all(self):
        return b"".join(iter(self.read, b""))

    # --- answering -------------------------------------------------------------------------------------------

    def head(self, status, *fields, end=False):
        with self.connection.changed:
            self._check()
            self.connection.h2.send_headers(self.number, [(":status", str(status)), *fields], end_stream=end)
            self.connection.flush()

    def send(self, data, end=False):
        data = memoryview(data)
        while True:
            with self.connection.changed:
                h2 = self.connection.h2
                self._wait(lambda: not data or h2.local_flow_control_window(self.number) > 0)
                most = min(len(data), h2.max_outbound_frame_size, max(0, h2.local_flow_control_window(self.number)))
                last = most == len(data)
                h2.send_data(self.number, bytes(data[:most]), end_stream=end and last)
                self.connection.flush()
            data = data[most:]
            if last:
                return

    def tail(self, *fields):
        """Trailers."""
        with self.connection.changed:
            self._check()
            self.connection.h2.send_headers(self.number, fields, end_stream=True)
            self.connection.flush()

    def answer(self, body=b"", *fields, status=200):
        self.head(status, ("content-length", str(len(body))), *fields, end=not body)
        if body:
            self.send(body, end=True)

    def reset(self, code):
        with self.connection.changed:
            self.connection.h2.reset_stream(self.number, int(code))
            self.connection.flush()

    def _check(self):
        if self.reset_code is not None or self.connection.closed:
            raise Gone

    def _wait(self, condition):
        def ready():
            return self.reset_code is not None or self.connection.closed or condition()

        if not self.connection.changed.wait_for(ready, LONGEST_WAIT):
            raise Gone
        self._check()


class Connection:
    def __init__(self, origin, sock, number):
        self.origin, self.socket, self.number = origin, sock, number
        self.streams = {}
        self.closed = False
        self.pings = 0
        self.changed = threading.Condition(threading.RLock())
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8", validate_outbound_headers=False,
                                           normalize_outbound_headers=False)  # fmt: skip
        self.h2 = h2.connection.H2Connection(config)
        told = {Codes.MAX_CONCURRENT_STREAMS: 100, Codes.MAX_HEADER_LIST_SIZE: 65536, **origin.settings}
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=told)
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        try:
            self.socket.sendall(self.h2.data_to_send())
        except OSError:
            self.closed = True

    def goaway(self, last, code=0):
        """By hand: h2 itself would take no stream any more."""
        payload = last.to_bytes(4, "big") + int(code).to_bytes(4, "big")
        with self.changed:
            self.socket.sendall(len(payload).to_bytes(3, "big") + b"\x07\x00" + bytes(4) + payload)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def run(self):
        try:
            while data := self.socket.recv(READ):
                with self.changed:
                    for event in self.h2.receive_data(data):
                        self._take(event)
                    self.flush()
                    self.changed.notify_all()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self.socket.close()

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            self._begin(event)
        elif stream is None:
            return
        elif isinstance(event, h2.events.DataReceived):
            stream._pieces.append((event.data, event.flow_controlled_length))
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream._ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset_code = int(event.error_code)
            self.origin.resets.append(stream.reset_code)

    def _begin(self, event):
        stream = Stream(self, event.stream_id, event.headers)
        self.origin.requests.append(stream)
        if self.origin.refuse:
            self.origin.refuse -= 1
            return self.h2.reset_stream(stream.number, Errors.REFUSED_STREAM)
        self.streams[stream.number] = stream
        name = stream.path.split("/")[1].split("?")[0] if stream.path.startswith("/") else ""
        threading.Thread(target=self._script, args=(self.origin.routes.get(name, missing), stream), daemon=True).start()

    def _script(self, script, stream):
        try:
            script(stream)
        except (Gone, h2.exceptions.ProtocolError, OSError):
            pass


class Http2Origin:
    def __init__(self, routes, settings=None, refuse=0, tls=None):
        """`tls`: an ssl.SSLContext that offers h2."""
        self.routes, self.settings, self.refuse, self.tls = routes, settings or {}, refuse, tls
        self.connections, self.requests, self.resets = [], [], []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            connection = Connection(self, sock, len(self.connections))
            self.connections.append(connection)
            connection.run()
        except OSError:
            sock.close()

    def wait_for(self, condition, what):
        return until(condition, what)

    def stop_listening(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def stop(self):
        try:
            self.stop_listening()
        except OSError:
            pass
        for connection in self.connections:
            connection.close()


def missing(stream):
    stream.answer(b"no such script", status=404)


def pattern(stream):
    """As many bytes of the pattern as the path says, with a content-length."""
    stream.answer(Pattern.at(0, stream.argument()))


def stream_pattern(stream):
    """The same without a length, in pieces, with trailers."""
    stream.head(200, ("trailer", "x-sum"))
    body = Pattern.at(0, stream.argument())
    for at in range(0, len(body), 50_000):
        stream.send(body[at : at + 50_000])
    stream.tail(("x-sum", hashlib.sha256(body).hexdigest()[:16]))


def take(stream):
    """Tells what came: size, digest, trailers."""
    digest, size = hashlib.sha256(), 0
    while data := stream.read():
        digest.update(data)
        size += len(data)
    told = f"{size} {digest.hexdigest()} {dict(stream.trailers)}"
    stream.answer(told.encode(), ("x-te", stream.get("te") or "-"), ("x-length", stream.get("content-length") or "-"))
