"""A file of the page cache, over HTTP/1.1."""

from works.http import HttpWork

PEERS = ("sluice", "sluice-before", "nginx", "haproxy", "h2o", "lighttpd", "nghttpx", "varnish", "limit-sendfile")
STATIC = HttpWork("static", "Static files", PEERS, prefix="/files/")
