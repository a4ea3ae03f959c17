"""lighttpd: https://redmine.lighttpd.net/projects/lighttpd/wiki/Docs_ConfigurationOptions"""

from pathlib import Path

from peers import Peer, first_line
from work import Absent

MODULES = ("mod_alias", "mod_openssl", "mod_proxy")


class Lighttpd(Peer):
    name = "lighttpd"
    program = "lighttpd"

    def version(self, ground):
        return first_line(self.binary(ground), "-v").split(" (")[0]

    def binary(self, ground):
        found = super().binary(ground)
        if self.name not in ground.programs and not list(Path("/usr/lib/lighttpd").glob("mod_openssl.so")):
            raise Absent("lighttpd-mod-openssl is not installed")
        return found

    def config(self, ground, ports):
        # linux-sendfile is the default server.network-backend; Docs_Performance says to rely on the defaults.
        # server.stream-response-body 2: a body is passed on as it comes, and no temporary file is written.
        tls = f'ssl.engine = "enable" ssl.pemfile = "{ground.directory}/both.pem"'
        modules = ", ".join(f'"{module}"' for module in MODULES)
        return f"""server.modules = ({modules})
server.bind = "127.0.0.1"
server.port = {ports["http"]}
server.document-root = "{ground.www}"
server.errorlog = "{ground.directory}/lighttpd.log"
server.upload-dirs = ("{ground.directory}")
server.max-fds = {2 * ground.connections + 1024}
server.max-connections = {ground.connections}
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 3600
server.stream-response-body = 2
server.feature-flags = ("server.h2proto" => "enable", "server.h2c" => "enable")
$SERVER["socket"] == "127.0.0.1:{ports["h2c"]}" {{}}
$SERVER["socket"] == "127.0.0.1:{ports["https"]}" {{
  {tls}
  ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "TLSv1.3")
}}
alias.url = ("/files/" => "{ground.www}/")
$HTTP["url"] !~ "^/files/" {{
  proxy.server = ("" => (("host" => "127.0.0.1", "port" => {ground.origin})))
}}
"""

    def command(self, ground, ports):
        return [self.binary(ground), "-D", "-f", self.config_file(ground)]
