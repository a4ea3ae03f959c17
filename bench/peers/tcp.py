"""The proxies that forward TCP. Each stands before an iperf3 server of its own ("tcp"), and before the origin ("http"), by
which its bytes are checked."""

import json
from pathlib import Path

from loads import iperf
from peers import Peer, first_line
from peers.haproxy import Haproxy
from peers.limit import Limit
from peers.nginx import Nginx
from peers.sluice import Before, Sluice
from process import Process, free_port
from work import Absent

MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")  # Debian's libnginx-mod-stream


class Forwarder(Peer):
    ports = ("tcp", "http")

    def config_file(self, ground):
        return ground.directory / f"{self.name}-tcp.conf"

    def start(self, ground, work=None):
        self.binary(ground)
        port = free_port()
        try:
            server = Process(f"iperf3-{self.name}", iperf.server(port), ground.load_processor, ground.directory, {"": port})
        except (OSError, RuntimeError) as reason:
            raise Absent(str(reason)) from None
        ground.helpers.append(server)
        self.servers = {"tcp": port, "http": ground.origin}
        return super().start(ground, work)


class SluiceTcp(Forwarder, Sluice):
    def config(self, ground, ports):
        listeners = [
            {"listen": f"127.0.0.1:{ports[name]}", "protocol": "tcp", "upstream": name} for name in self.ports
        ]  # fmt: skip
        upstreams = {name: [f"127.0.0.1:{port}"] for name, port in self.servers.items()}
        return json.dumps({"workers": 1, "listeners": listeners, "upstreams": upstreams}, indent=1)


class BeforeTcp(SluiceTcp, Before):
    pass


class HaproxyTcp(Forwarder, Haproxy):
    def config(self, ground, ports):
        # "option splice-auto", and both directions by name: section 4.2 of its manual; tune.pipesize: 3.2.
        listeners = "".join(
            f"listen {name}\n  bind 127.0.0.1:{ports[name]}\n  server only 127.0.0.1:{self.servers[name]}\n"
            for name in self.ports
        )
        return f"""global
  nbthread 1
  tune.pipesize 1048576
defaults
  mode tcp
  option splice-auto
  option splice-request
  option splice-response
  timeout connect 5s
  timeout client 1h
  timeout server 1h
{listeners}"""


class NginxTcp(Forwarder, Nginx):
    def config(self, ground, ports):
        built = first_line("sh", "-c", f"{self.binary(ground)} -V 2>&1 | grep -o -e '--with-stream[ =].*'")
        if not built.startswith("--with-stream"):
            raise Absent("this nginx has no stream module")
        module = ""
        if built.startswith("--with-stream=dynamic"):
            if not MODULE.exists():
                raise Absent("libnginx-mod-stream is not installed")
            module = f"load_module {MODULE};"
        # It copies; proxy_buffer_size (ngx_stream_proxy_module) is how much at a time.
        servers = "\n".join(
            f"  server {{ listen 127.0.0.1:{ports[name]}; proxy_pass 127.0.0.1:{self.servers[name]}; }}" for name in self.ports
        )
        return f"""{module} daemon off; worker_processes 1; pid {ground.directory}/nginx-tcp.pid;
error_log {ground.directory}/nginx-tcp.log warn;
events {{ worker_connections {ground.connections}; }}
stream {{
  proxy_buffer_size 64k; proxy_timeout 1h;
{servers}
}}
"""

    def command(self, ground, ports):
        return [self.binary(ground), "-p", ground.directory, "-c", self.config_file(ground), "-e", "nginx-tcp.log"]


class LimitTcp(Forwarder, Limit):
    """It knows one origin: the bytes of a second process are checked."""

    ports = ("tcp",)

    def command(self, ground, ports):
        return [self.binary(ground), ports["tcp"], self.servers["tcp"]]

    def start(self, ground, work=None):
        process = super().start(ground, work)
        port = free_port()
        command = [self.binary(ground), port, self.servers["http"]]
        ground.helpers.append(Process(f"{self.name}-http", command, ground.peer_processor, ground.directory, {"": port}))
        process.ports["http"] = port
        return process


FORWARDERS = {
    peer.name: peer
    for peer in (
        SluiceTcp(),
        BeforeTcp(),
        NginxTcp(),
        HaproxyTcp(),
        LimitTcp("limit-splice", "splice_relay"),
        LimitTcp("limit-copy", "copy_relay"),
    )
}
