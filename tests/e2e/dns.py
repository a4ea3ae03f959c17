"""A name server on loopback that says what a test wants it to say, or nothing at all."""

import os
import socket
import struct
import threading


class NameServer:
    """Answers A queries from `names` {name: address}; others don't exist. Mute while `silent`."""

    A = 1

    def __init__(self, **names):
        self.names = {name.replace("_", "."): address for name, address in names.items()}
        self.silent = set()  # names; all: "*"
        self.asked = []
        # Programs ask port 53 and no other: an address of this process's own lets tests run side by side.
        self.address = f"127.{64 + os.getpid() // 65536 % 64}.{os.getpid() // 256 % 256}.{os.getpid() % 256}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.address, 53))  # PermissionError: needs root or CAP_NET_BIND_SERVICE
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            query, peer = self._socket.recvfrom(4096)
            if not query:
                return
            question = query[12:]
            labels, at = [], 0
            while size := question[at]:
                labels.append(question[at + 1 : at + 1 + size].decode())
                at += 1 + size
            name, question = ".".join(labels), question[: at + 5]
            (kind,) = struct.unpack("!H", question[-4:-2])
            self.asked.append(name)
            if self.silent & {name, "*"}:
                continue
            address = self.names.get(name)
            found = address is not None and kind == self.A
            flags = 0x8180 if address is not None else 0x8183  # NXDOMAIN
            reply = query[:2] + struct.pack("!5H", flags, 1, int(found), 0, 0) + question
            if found:
                reply += struct.pack("!3HIH", 0xC00C, self.A, 1, 0, 4) + socket.inet_aton(address)
            self._socket.sendto(reply, peer)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (self.address, 53))
        self._thread.join(5)
        self._socket.close()
