"""What the matrix is made of: what travels, what befalls it, and where the two don't meet."""

from dataclasses import dataclass

from wire import Wire

KIB, MIB = 1024, 1024 * 1024
SIZE = 3 * MIB  # more than a pipe and the 1.5 MB that a send buffer grows to for a peer of small segments
OFFSET = 70001  # where ranges begin
BROKEN = 300000  # bytes sent before an early end: inside a chunk, and inside a page
HALF = 150000  # bytes that have arrived when a connection is reset; more is on its way

PATHS = ["buffered", "splice", "sendfile", "mmap", "auto"]
ORACLE = "buffered"

# --- what travels --------------------------------------------------------------------------------------------

WHOLE = Wire.pattern(SIZE)
RANGE = Wire.pattern(SIZE - OFFSET, OFFSET)
UP = Wire.pattern(300 * KIB)  # the smaller direction of a tunnel
# Chunks that are spliced, chunks that are not, and a trailer.
CHUNKED = Wire.chunks(SIZE, (64 * KIB, 1, 200 * KIB, 700, 9 * KIB), end=b"0\r\nX-Sum: 42\r\n\r\n")
REST = f"Range: bytes={OFFSET}-"


@dataclass(frozen=True)
class Kind:
    name: str
    play: str  # download, upload, tunnel or file
    why: str = "no-body"  # the reason of path "auto"
    method: str = "GET"
    version: str = "1.1"
    fields: tuple = ()  # of the request
    status: int = 200
    head: tuple = ("204 No Content",)  # of the origin's response
    wire: Wire = Wire()  # the body, whoever sends it
    offset: int = 0  # where in the pattern it begins
    stays: bool = True  # the client's connection, for another request


KINDS = [
    Kind("length", "download", "large", head=("200 OK", f"Content-Length: {SIZE}"), wire=WHOLE),
    Kind("chunked", "download", "large-chunk", head=("200 OK", "Transfer-Encoding: chunked"), wire=CHUNKED),
    Kind("until-close", "download", "until-close", head=("200 OK", "Connection: close"), wire=WHOLE),
    Kind("until-close-1.0", "download", "until-close", version="1.0", head=("200 OK", "Connection: close"), wire=WHOLE,
         stays=False),
    Kind("head", "download", method="HEAD", head=("200 OK", f"Content-Length: {SIZE}")),
    Kind("304", "download", fields=('If-None-Match: "x"',), status=304,
         head=("304 Not Modified", f"Content-Length: {SIZE}", 'ETag: "x"')),
    Kind("range", "download", "large", fields=(REST,), status=206, wire=RANGE, offset=OFFSET,
         head=("206 Partial Content", f"Content-Length: {RANGE.size}", f"Content-Range: bytes {OFFSET}-{SIZE - 1}/{SIZE}")),
    Kind("upgrade", "tunnel", "stream", fields=("Connection: Upgrade", "Upgrade: x"), status=101, stays=False,
         head=("101 Switching Protocols", "Connection: Upgrade", "Upgrade: x"), wire=WHOLE),
    Kind("upload-length", "upload", method="POST", fields=(f"Content-Length: {SIZE}",), status=204, wire=WHOLE),
    Kind("upload-chunked", "upload", method="POST", fields=("Transfer-Encoding: chunked",), status=204, wire=CHUNKED),
    Kind("file", "file", "file", wire=WHOLE),
    Kind("file-head", "file", method="HEAD"),
    Kind("file-304", "file", fields=("If-None-Match: *",), status=304),
    Kind("file-range", "file", "file", fields=(REST,), status=206, wire=RANGE, offset=OFFSET),
]  # fmt: skip

# --- what befalls it -----------------------------------------------------------------------------------------

# What the sockets of an end are given.
SLOW = {"receive_buffer": 8 * KIB, "mss": 536, "most": 16 * KIB}
SMALL_SEGMENTS = {"mss": 536}
PAUSE = 0.001  # seconds between two reads of a slow end

# What limits Sluice's pipes are given: four pages are the least that is used, one page is refused, and of one pipe
# none is left when another body has it.
PIPES = {"plenty": {}, "four-page": {"pipe": 16 * KIB}, "one-page": {"pipe": 4 * KIB}, "none": {"pipes": 1}}


@dataclass(frozen=True)
class Condition:
    name: str
    client: str = ""  # slow, resets or half-closes
    origin: str = ""
    early_end: bool = False  # of the body, by its sender
    small_segments: bool = False
    pipes: str = "plenty"

    def resets(self):
        return "resets" in (self.client, self.origin)


CONDITIONS = [
    Condition("plain"),
    Condition("slow-client", client="slow"),
    Condition("slow-origin", origin="slow"),
    Condition("origin-resets", origin="resets"),
    Condition("client-resets", client="resets"),
    Condition("client-half-closes", client="half-closes"),
    Condition("origin-half-closes", origin="half-closes"),
    Condition("early-end", early_end=True),
    Condition("mss-536", small_segments=True),
    Condition("four-page-pipes", pipes="four-page"),
    Condition("one-page-pipes", pipes="one-page"),
    Condition("no-pipes", pipes="none"),
]

# (kinds, conditions, why the two don't meet)
WITHOUT_MEANING = [
    (["head", "304", "file-head", "file-304"], ["slow-client", "origin-resets", "client-resets", "early-end"],
     "there is no body to take slowly or to break off"),
    (["file", "file-head", "file-304", "file-range"], ["slow-origin", "origin-resets", "origin-half-closes"],
     "a file has no origin"),
    (["until-close", "until-close-1.0"], ["early-end"], "it ends where it ends"),
    (["upgrade"], ["early-end"], "a tunnel announces no length, so this is a half-close"),
]  # fmt: skip


def has_meaning(kind, condition):
    return not any(kind.name in kinds and condition.name in conditions for kinds, conditions, _ in WITHOUT_MEANING)


# Exchanges that break: (play, condition) -> the client's end, the origin's end, and the log's words for it. An end is
# "cut" where it came too early and that shows, and "left" where that side broke off itself.
BREAKS = {
    ("download", "origin-resets"): ("cut", "left", ["upstream-cut"]),
    ("download", "client-resets"): ("left", "cut", ["client-gone"]),
    ("download", "early-end"): ("cut", "left", ["upstream-cut"]),
    ("tunnel", "origin-resets"): ("reset", "left", ["tunnel-failed"]),
    ("tunnel", "client-resets"): ("left", "reset", ["tunnel-failed"]),
    ("upload", "origin-resets"): ("whole", "left", ["upstream-gone"]),  # a whole 502
    ("upload", "client-resets"): ("left", "cut", ["client-body-cut", "client-gone"]),
    ("upload", "early-end"): ("cut", "cut", ["client-body-cut"]),
    ("file", "client-resets"): ("left", None, ["client-gone"]),
    ("file", "early-end"): ("cut", None, ["file-cut"]),
}
