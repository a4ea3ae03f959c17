"""A response of an origin, relayed: HTTP/1.1 on both sides, all connections kept."""

from works.http import HttpWork

PROXIES = ("nginx", "haproxy", "h2o", "lighttpd", "nghttpx", "varnish")
PEERS = ("sluice", "sluice-before", *PROXIES, "limit-splice", "limit-copy")
RELAY = HttpWork("relay", "Relay: origin to client", PEERS)
