"""Varnish: https://varnish-cache.org/docs/7.1/reference/varnishd.html"""

from peers import RELAY, STATIC, Peer, first_line

# What it logs to memory for each request: the nearest to no access log.
TAGS = """Begin End Link SessOpen SessClose ReqStart ReqMethod ReqURL ReqProtocol ReqHeader ReqUnset ReqAcct RespProtocol
RespStatus RespReason RespHeader RespUnset BereqMethod BereqURL BereqProtocol BereqHeader BereqUnset BereqAcct
BerespProtocol BerespStatus BerespReason BerespHeader BerespUnset BackendOpen BackendClose BackendReuse BackendStart
Fetch_Body Length Storage Timestamp TTL VCL_call VCL_return VCL_use""".split()


class Varnish(Peer):
    name = "varnish"
    program = "varnishd"
    lacks = dict.fromkeys(STATIC, "serves no files; hits of its cache are another work")
    lacks |= dict.fromkeys([name for name in RELAY if name.startswith("tls")], "ends no TLS")
    ports = ("http", "h2c")

    def version(self, ground):
        return first_line(self.binary(ground), "-V").removeprefix("varnishd (").partition(" revision")[0]

    def config(self, ground, ports):
        return f"""vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{ground.origin}"; }}
sub vcl_recv {{ return (pass); }}
"""

    def command(self, ground, ports):
        # One pool of threads; feature=+http2 for the second port.
        return [
            self.binary(ground), "-F", "-j", "none", "-n", ground.directory / "varnish", "-f", self.config_file(ground),
            "-a", f"127.0.0.1:{ports['http']}", "-a", f"127.0.0.1:{ports['h2c']}", "-T", "none",
            "-s", "default,64m", "-s", "Transient=malloc", "-p", "thread_pools=1", "-p", "thread_pool_min=50",
            "-p", "feature=+http2", "-p", "timeout_idle=3600", "-p", "vsl_mask=" + ",".join(f"-{tag}" for tag in TAGS),
        ]  # fmt: skip
