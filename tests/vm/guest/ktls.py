"""The kernel's side of TLS as a program sees it: its module, its counters, and a socket with keys set by hand.

Source: Documentation/networking/tls.rst and include/uapi/linux/tls.h.
"""

import os
import re
import socket
import struct
import subprocess
from pathlib import Path

TCP_ULP = 31  # of IPPROTO_TCP
SOL_TLS = 282
TLS_TX, TLS_RX = 1, 2
_TLS_1_2 = 0x0303
_AES_GCM_128 = 51


def load(module="tls"):
    if not Path("/sys/module", module).exists():
        subprocess.run(["insmod", f"/modules/{module}.ko"], check=True)


def unload(module="tls"):
    """Only while no socket uses it."""
    if Path("/sys/module", module).exists():
        subprocess.run(["rmmod", module], check=True)


def counters():
    """Of the whole machine, since the module was loaded: TlsTxSw, TlsRxSw (connections so far), TlsCurrTxSw, ..."""
    try:
        return {name: int(value) for name, value in re.findall(r"(\w+)\s+(\d+)", Path("/proc/net/tls_stat").read_text())}
    except FileNotFoundError:
        return {}


def loopback_pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        return client, listener.accept()[0]


def set_key(sock, direction, key):
    """AES-128-GCM of TLS 1.2 from record 0 on."""
    iv, salt, number = bytes(8), bytes(4), bytes(8)
    sock.setsockopt(SOL_TLS, direction, struct.pack("HH", _TLS_1_2, _AES_GCM_128) + iv + key + salt + number)


def secured_pair():
    """Two connected sockets; the kernel encrypts what the first sends and decrypts it for the second."""
    pair, key = loopback_pair(), os.urandom(16)
    for sock, direction in zip(pair, (TLS_TX, TLS_RX)):
        sock.setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
        set_key(sock, direction, key)
    return pair
