"""Sites of many routes and groups of servers, as each peer's configuration says it."""

import dataclasses
import json
import os

import peers
from peers.nginx import http, run
from process import Process, free_port
from work import Absent


@dataclasses.dataclass
class Site:
    """Requests below a route's prefix go to a server of its group; those that no route is for, to the first group."""

    groups: dict  # name: ["127.0.0.1:9001", ...]
    routes: dict  # "/prefix/": name of a group

    @property
    def default(self):
        return next(iter(self.groups))

    @property
    def servers(self):
        return sum(map(len, self.groups.values()))


def sluice(site, ground, port):
    routes = [{"path": prefix, "proxy": group} for prefix, group in site.routes.items()]
    return json.dumps(
        {
            "workers": 1,
            "listeners": [{"listen": f"127.0.0.1:{port}"}],
            "upstreams": site.groups,
            "routes": [*routes, {"path": "/", "proxy": site.default}],
        }
    )


def nginx(site, ground, port):
    """A kept connection for each server, and 64 more: "keepalive" of ngx_http_upstream_module counts for a group."""
    parts = []
    for name, servers in site.groups.items():
        listed = " ".join(f"server {server};" for server in servers)
        kept = f"keepalive {len(servers) + 64}; keepalive_requests 1000000000; keepalive_timeout 1h;"
        parts.append(f"  upstream {name} {{ {listed} {kept} }}")
    locations = [f"    location {prefix} {{ proxy_pass http://{group}; }}" for prefix, group in site.routes.items()]
    parts += [
        f"  server {{ listen 127.0.0.1:{port};",
        '    proxy_http_version 1.1; proxy_set_header Connection "";',
        *locations,
        f"    location / {{ proxy_pass http://{site.default}; }}",
        "  }",
    ]
    return http(ground, "nginx", "\n".join(parts))


def haproxy(site, ground, port):
    """Prefixes are looked up in a map: map_beg of section 7.3.1 keeps them in a tree."""
    prefixes = ground.directory / "haproxy.map"
    prefixes.write_text("".join(f"{prefix} {group}\n" for prefix, group in site.routes.items()))
    parts = [
        f"""global
  nbthread 1
  maxconn {ground.connections}
  no strict-limits
defaults
  mode http
  option splice-auto
  http-reuse always
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend relay
  bind 127.0.0.1:{port}
  use_backend %[path,map_beg({prefixes},{site.default})]"""
    ]
    for name, servers in site.groups.items():
        parts.append(f"backend {name}")
        parts += [f"  server s{n} {server}" for n, server in enumerate(servers)]
    return "\n".join(parts) + "\n"


def h2o(site, ground, port):
    if any(len(servers) > 1 for servers in site.groups.values()):
        raise Absent("H2O 2.2 has no groups of servers")
    user = "user: root" if os.geteuid() == 0 else ""
    paths = []
    for prefix, group in [*site.routes.items(), ("/", site.default)]:
        url = f"http://{site.groups[group][0]}{prefix}"
        paths.append(f"      {prefix}: {{proxy.reverse.url: '{url}', proxy.preserve-host: OFF}}")
    listed = "\n".join(paths)
    return f"""{user}
num-threads: 1
max-connections: {ground.connections}
error-log: {ground.directory}/h2o.log
listen: {{host: 127.0.0.1, port: {port}}}
hosts:
  default:
    paths:
{listed}
"""


CONFIGS = {"sluice": sluice, "nginx": nginx, "haproxy": haproxy, "h2o": h2o}


def start(name, site, ground):
    """The running peer; raises Absent."""
    peer, ports = peers.registry()[name], {"http": free_port()}
    peer.binary(ground)
    peer.config_file(ground).write_text(CONFIGS[name](site, ground, ports["http"]))
    command = peer.command(ground, ports)
    try:
        return Process(name, command, ground.peer_processor, ground.directory, ports, patience=30)
    except RuntimeError as reason:
        raise Absent(str(reason)) from None


class Servers:
    """An nginx that answers as many servers, on 127.1.x.y, each with the files whatever directory they are asked from.
    A context."""

    def __init__(self, ground, number):
        port = free_port()
        self.addresses = [f"127.1.{n // 250}.{n % 250 + 1}:{port}" for n in range(number)]
        listen = " ".join(f"listen {address};" for address in [f"127.0.0.1:{port}", *self.addresses])
        server = f"server {{ {listen} root {ground.www}; rewrite ^/.*/([^/]+)$ /$1 break; }}"
        (ground.directory / "servers.conf").write_text(http(ground, "servers", server))
        command = run(peers.registry()["nginx"].binary(ground), ground, "servers")
        self._process = Process("servers", command, ground.load_processor, ground.directory, {"http": port})

    def __enter__(self):
        return self.addresses

    def __exit__(self, *_):
        self._process.stop()
