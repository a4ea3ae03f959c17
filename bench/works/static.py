"""A file of the page cache, over HTTP/1.1."""

from works.http import HttpWork

PEERS = ("sluice", "nginx", "h2o")
STATIC = HttpWork("static", "Static files", PEERS, prefix="/files/")
