"""Both over HTTP/2, over TLS 1.3 and in clear text."""

from loads import h2load
from work import KIB, MIB, Size
from works import relay, static
from works.http import HttpWork

TLS = {"driver": h2load, "port": "https", "how": ("--http2",)}
# What TLS adds is told at every size; of clear text these show the curve.
SIZES = [Size(n) for n in (KIB, 64 * KIB, MIB, 100 * MIB)]
CLEAR = {"sizes": SIZES, "driver": h2load, "port": "h2c", "how": ("--http2-prior-knowledge",)}
FILES = {"prefix": "/files/"}

TLS_H2_RELAY = HttpWork("tls-h2-relay", "Relay over TLS 1.3 and HTTP/2", relay.PEERS, **TLS)
TLS_H2_STATIC = HttpWork("tls-h2-static", "Static files over TLS 1.3 and HTTP/2", static.PEERS, **TLS, **FILES)
H2_RELAY = HttpWork("h2-relay", "Relay over HTTP/2 in clear text", relay.PEERS, **CLEAR)
H2_STATIC = HttpWork("h2-static", "Static files over HTTP/2 in clear text", static.PEERS, **CLEAR, **FILES)
