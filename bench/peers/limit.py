"""The limit: the least programs that do the work at all (bench/limit/), without what makes them ones to be used."""

from peers import RELAY, STATIC, Peer
from work import Absent


class Limit(Peer):
    """Takes its port and another word: the origin's port, or the folder of files."""

    ports = ("http",)
    lacks = {work: "the limit is what bytes cost in clear text" for work in RELAY[1:] + STATIC[1:]}

    def __init__(self, name, program):
        self.name, self.program = name, program

    def binary(self, ground):
        built = ground.programs.get(self.name) or ground.home / self.program
        if not built.exists():
            raise Absent(f"{self.program} is not built")
        return built

    def version(self, ground):
        return "bench/limit"

    def config(self, ground, ports):
        return ""

    def serves(self, ground):
        return ground.www if self.program == "sendfile_server" else ground.origin

    def command(self, ground, ports):
        return [self.binary(ground), ports["http"], self.serves(ground)]


LIMITS = (
    Limit("limit-splice", "splice_relay"),
    Limit("limit-copy", "copy_relay"),
    Limit("limit-sendfile", "sendfile_server"),
)
