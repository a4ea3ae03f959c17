"""nginx: https://nginx.org/en/docs/, and as the origin of all."""

import os

from peers import Peer, first_line
from work import Absent


def http(ground, name, body):
    """nginx keeps all its files in the run's directory."""
    user = "user root root;" if os.geteuid() == 0 else ""
    kinds = ("proxy", "fastcgi", "uwsgi", "scgi")
    own = "\n".join(f"  {kind}_temp_path {ground.directory}/{name}-{kind};" for kind in kinds)
    # sendfile with tcp_nopush: ngx_http_core_module; open_file_cache saves open and stat for each request.
    return f"""{user} daemon off; worker_processes 1; pid {ground.directory}/{name}.pid;
error_log {ground.directory}/{name}.log warn;
events {{ worker_connections {ground.connections * 2}; }}
http {{
  access_log off; sendfile on; tcp_nopush on; gzip off; etag off; server_tokens off;
  keepalive_requests 1000000000; keepalive_timeout 1h; open_file_cache max=100;
  client_body_temp_path {ground.directory}/{name}-body;
{own}
{body}
}}
"""


def run(binary, ground, name):
    return [binary, "-p", ground.directory, "-c", ground.directory / f"{name}.conf", "-e", f"{name}.log"]


def origin(ground, port):
    file = ground.directory / "origin.conf"
    file.write_text(http(ground, "origin", f"  server {{ listen 127.0.0.1:{port}; root {ground.www}; }}"))
    # The same for all, whichever nginx is measured.
    return run(Nginx().installed() or Nginx().binary(ground), ground, "origin")


class Nginx(Peer):
    name = "nginx"
    program = "nginx"

    def version(self, ground):
        return first_line(self.binary(ground), "-v").removeprefix("nginx version: ")

    def config(self, ground, ports):
        # keepalive: ngx_http_upstream_module. Of the settings of ngx_http_proxy_module these took the least processor
        # time from 16 KiB on, and no more below: no buffering, which also spares the temporary file, and one large
        # buffer; proxy_buffers and proxy_busy_buffers_size have to fit it.
        return http(
            ground,
            self.name,
            f"""  upstream origin {{
    server 127.0.0.1:{ground.origin};
    keepalive 64; keepalive_requests 1000000000; keepalive_timeout 1h;
  }}
  server {{
    listen 127.0.0.1:{ports["http"]};
    listen 127.0.0.1:{ports["h2c"]} http2;
    listen 127.0.0.1:{ports["https"]} ssl http2;
    http2_chunk_size 64k;
    ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_protocols TLSv1.3;
    proxy_http_version 1.1; proxy_set_header Connection "";
    location /files/ {{ alias {ground.www}/; }}
    location / {{
      proxy_pass http://origin;
      proxy_buffering off; proxy_buffer_size 256k;
      proxy_buffers 8 256k; proxy_busy_buffers_size 512k;
    }}
  }}""",
        )

    def command(self, ground, ports):
        return run(self.binary(ground), ground, self.name)
