"""HAProxy: https://docs.haproxy.org/2.6/configuration.html"""

import re

from peers import STATIC, Peer, first_line


class Haproxy(Peer):
    name = "haproxy"
    program = "haproxy"
    lacks = dict.fromkeys(STATIC, "serves no files")

    def version(self, ground):
        return re.sub(r" - .*", "", first_line(self.binary(ground), "-v"))

    def config(self, ground, ports):
        # Splicing: "option splice-auto", "option splice-response", tune.pipesize; kept servers: "http-reuse always".
        certificate = f"ssl crt {ground.directory}/both.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3"
        return f"""global
  nbthread 1
  maxconn {ground.connections}
  no strict-limits
  tune.pipesize 1048576
  tune.h2.initial-window-size 1048576
defaults
  mode http
  option splice-auto
  option splice-response
  option splice-request
  http-reuse always
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend relay
  bind 127.0.0.1:{ports["http"]}
  bind 127.0.0.1:{ports["h2c"]} proto h2
  bind 127.0.0.1:{ports["https"]} {certificate}
  default_backend origin
backend origin
  server origin 127.0.0.1:{ground.origin}
"""

    def command(self, ground, ports):
        return [self.binary(ground), "-db", "-f", self.config_file(ground)]
