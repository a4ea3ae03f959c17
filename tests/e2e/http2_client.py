"""A client of HTTP/2 that sees everything: frames by python3-h2, many streams on one connection, nothing done unasked.

Windows are given back as bodies are read, unless `windows` says otherwise.
"""

import contextlib
import socket
import struct
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
import h2.settings

from client import READ, Body, narrow
from waiting import LONGEST_WAIT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


@dataclass
class Stream:
    id: int
    body: Body
    status: int = 0
    fields: list = field(default_factory=list)
    interim: list = field(default_factory=list)  # statuses of the 1xx before it
    trailers: list = field(default_factory=list)
    ended: bool = False
    reset: int = None  # the code of RST_STREAM
    reset_behind_end: bool = False

    @property
    def over(self):
        return self.ended or self.reset is not None

    def get(self, name):
        found = [v for n, v in self.fields if n == name]
        return ", ".join(found) if found else None

    @property
    def text(self):
        return bytes(self.body.kept).decode("latin-1")


class Http2:
    def __init__(self, port, receive_buffer=None, windows=True, settings=None, tls=None, timeout=LONGEST_WAIT):
        self.socket = socket.socket()
        narrow(self.socket, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="test.example")
        self.scheme = "https" if tls else "http"
        self.windows = windows
        self.streams = {}
        self.settings = {}  # the server's
        self.goaway = []  # (error code, last stream)
        self.pings = 0  # answered
        self.closed = False
        self.held = False
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding="latin-1", validate_outbound_headers=False,
                                      normalize_outbound_headers=False)
        )  # fmt: skip
        if settings:
            self.h2.local_settings.update(settings)
        self.h2.initiate_connection()
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def flush(self):
        if not self.held:
            self.socket.sendall(self.h2.data_to_send())

    @contextlib.contextmanager
    def together(self):
        """What is sent meanwhile arrives at once."""
        self.held = True
        yield
        self.held = False
        self.flush()

    # --- asking ----------------------------------------------------------------------------------------------

    def ask(self, path, *fields, method="GET", expected=None, end=True, pseudo=()):
        """Begins a stream; `end`: without a body."""
        number = self.h2.get_next_available_stream_id()
        self.streams[number] = Stream(number, Body(expected))
        head = [(":method", method), (":scheme", self.scheme), (":authority", "test.example"), (":path", path)]
        self.h2.send_headers(number, [*head, *pseudo, *fields], end_stream=end)
        self.flush()
        return self.streams[number]

    def get(self, path, *fields, **options):
        stream = self.ask(path, *fields, **options)
        return self.until_over(stream)

    def send(self, stream, data, end=False):
        """As the windows allow; reads while they don't."""
        data = memoryview(data)
        while True:
            most = min(self.h2.local_flow_control_window(stream.id), self.h2.max_outbound_frame_size, len(data))
            if most or not data:
                last = most == len(data)
                self.h2.send_data(stream.id, bytes(data[:most]), end_stream=end and last)
                self.flush()
                data = data[most:]
                if last:
                    return
            elif not self.step() or stream.over:
                return

    def trailers(self, stream, *fields):
        self.h2.send_headers(stream.id, fields, end_stream=True)
        self.flush()

    def cancel(self, stream, code=8):
        self.h2.reset_stream(stream.id, code)
        stream.reset = code
        self.flush()

    def raw(self, data):
        self.socket.sendall(data)

    # --- reading ---------------------------------------------------------------------------------------------

    def step(self):
        """Reads once; False at the end of the connection."""
        try:
            data = self.socket.recv(READ)
        except ConnectionResetError:
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(data):
            self._take(event)
        try:
            self.flush()
        except (BrokenPipeError, ConnectionResetError):
            pass
        return True

    def until(self, condition):
        """Reads until `condition()` or the end of the connection; tells which."""
        while not condition():
            if not self.step():
                return False
        return True

    def until_over(self, stream):
        self.until(lambda: stream.over)
        return stream

    def until_closed(self):
        while self.step():
            pass

    def _take(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            fields = dict(event.headers)
            stream.status = int(fields[":status"])
            stream.fields = [(n, v) for n, v in event.headers if not n.startswith(":")]
        elif isinstance(event, h2.events.InformationalResponseReceived):
            stream.interim.append(int(dict(event.headers)[":status"]))
        elif isinstance(event, h2.events.DataReceived):
            stream.body.take(event.data)
            if self.windows and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            stream.trailers = list(event.headers)
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.reset_behind_end = stream.ended
            stream.reset = int(event.error_code)
        elif isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings.update({int(code): change.new_value for code, change in event.changed_settings.items()})
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.goaway.append((int(event.error_code), event.last_stream_id))
            self.h2.state_machine.state = h2.connection.ConnectionState.CLIENT_OPEN  # streams may go on
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings += 1


def frame(kind, flags=0, stream=0, payload=b""):
    """One frame, right or wrong."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload
