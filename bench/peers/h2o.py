"""H2O: https://h2o.examp1e.net/configure.html"""

import os
from pathlib import Path

from peers import Peer, first_line

NO_ZEROCOPY = "# proxy.zerocopy: this version has no such option"


class H2o(Peer):
    name = "h2o"
    program = "h2o"

    def version(self, ground):
        return first_line(self.binary(ground), "-v")

    def config(self, ground, ports):
        # Newer ones splice, when they are told to; 2.2 has no such option.
        zerocopy = "proxy.zerocopy: ON" if b"proxy.zerocopy" in Path(self.binary(ground)).read_bytes() else NO_ZEROCOPY
        user = "user: root" if os.geteuid() == 0 else ""
        listeners = "\n".join(f"listen: {{host: 127.0.0.1, port: {ports[name]}}}" for name in ("http", "h2c"))
        return f"""{user}
num-threads: 1
max-connections: {ground.connections}
error-log: {ground.directory}/h2o.log
{listeners}
listen:
  host: 127.0.0.1
  port: {ports["https"]}
  ssl: {{certificate-file: {ground.directory}/cert.pem, key-file: {ground.directory}/key.pem, minimum-version: TLSv1.3}}
hosts:
  default:
    paths:
      /files:
        file.dir: {ground.www}
      /:
        proxy.reverse.url: http://127.0.0.1:{ground.origin}/
        proxy.preserve-host: OFF
        proxy.timeout.keepalive: 60000
        {zerocopy}
"""

    def command(self, ground, ports):
        return [self.binary(ground), "-c", self.config_file(ground)]
