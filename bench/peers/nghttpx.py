"""nghttpx: nghttpx(1)"""

from peers import STATIC, Peer, first_line


class Nghttpx(Peer):
    name = "nghttpx"
    program = "nghttpx"
    lacks = dict.fromkeys(STATIC, "serves no files")

    def version(self, ground):
        return first_line(self.binary(ground), "--version")

    def config(self, ground, ports):
        # tls-dyn-rec-warmup-threshold: full records of TLS from the first byte. The windows of HTTP/2 are the
        # client's. The two ports of clear text speak both protocols.
        return f"""workers=1
frontend=127.0.0.1,{ports["http"]};no-tls
frontend=127.0.0.1,{ports["h2c"]};no-tls
frontend=127.0.0.1,{ports["https"]}
backend=127.0.0.1,{ground.origin};/;proto=http/1.1
private-key-file={ground.directory}/key.pem
certificate-file={ground.directory}/cert.pem
tls-min-proto-version=TLSv1.3
tls-max-proto-version=TLSv1.3
tls-dyn-rec-warmup-threshold=0
backend-keep-alive-timeout=1h
frontend-keep-alive-timeout=1h
worker-frontend-connections={ground.connections}
backend-connections-per-host={ground.connections}
errorlog-file={ground.directory}/nghttpx.log
"""

    def command(self, ground, ports):
        return [self.binary(ground), f"--conf={self.config_file(ground)}"]
