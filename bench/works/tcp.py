"""A TCP connection, relayed while iperf3 streams on it: blocks of so many bytes, from the client and to the client."""

import body
from loads import iperf
from peers.tcp import FORWARDERS
from work import SIZES, MIB, Work


class TcpWork(Work):
    sizes = [size for size in SIZES if size.bytes <= MIB]
    peers = tuple(FORWARDERS)
    unit = "GiB"
    set_up = "TCP"

    def __init__(self, name, title, reverse):
        self.name, self.title, self.reverse = name, title, reverse

    def at_once(self, size):
        return 1

    def start(self, peer, ground):
        return FORWARDERS[peer].start(ground, self.name)

    def config(self, peer, ground):
        file = FORWARDERS[peer].config_file(ground)
        return file.read_text() or None

    def tools(self):
        return [(iperf.NAME, iperf.version(), " ".join(iperf.command("PORT", "SIZE", 1, self.reverse)))]

    def check(self, process, size, ground, seconds=None):
        body.check(f"http://127.0.0.1:{process.ports['http']}/{size.file}", ground.www / size.file, ("--http1.1",), seconds)

    def load(self, process, size, seconds):
        return iperf.load(process.ports["tcp"], size, seconds, self.reverse)

    def under_load(self, process, size):
        return iperf.under_load(process.ports["tcp"], size, self.reverse)


TCP = TcpWork("tcp", "TCP from client to server, by the size of a write", reverse=False)
TCP_REVERSE = TcpWork("tcp-reverse", "TCP from server to client, by the size of a write", reverse=True)
