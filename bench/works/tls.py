"""Both over TLS 1.3, HTTP/1.1: ECDSA on P-256, AES-128-GCM for all."""

from works import relay, static
from works.http import HttpWork

HOW = {"port": "https"}
TLS_RELAY = HttpWork("tls-relay", "Relay over TLS 1.3", relay.PEERS, **HOW)
TLS_STATIC = HttpWork("tls-static", "Static files over TLS 1.3", static.PEERS, prefix="/files/", **HOW)
