"""What an HTTP/2 server has to make of right and wrong frames: one row a case.

The rows cover those of h2spec (generic; http2 3 to 8; hpack 2 to 6) and, beyond it, what RFC 9113 changed, RFC 8441
and RFC 9218. A row is a name, what is sent behind the connection preface, and the verdicts that the rule allows; the
rule stands above the rows. What is sent is bytes, and things to wait for (functions of the connection).

`nginx`, `nghttpd`, `nghttp2`: what these do where they differ from the row (nginx 1.22, nghttpd 1.52, and nghttp2, which
is Sluice's as well). others.py plays the table to them.
"""

from dataclasses import dataclass

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from http2.frames import *  # noqa: F403  (the words of this table)
from http2.verdicts import Answers, Closes, GoesOn, Resets


@dataclass(frozen=True)
class Case:
    name: str
    rule: str
    steps: tuple
    wanted: tuple
    note: str
    begin: bytes  # what is sent first
    others: dict  # who differs: what becomes of it there


CASES = []
_rule = ""


def rule(text):
    global _rule
    _rule = text


def case(name, *steps, wanted, begin=PREFACE + settings(), note="", **others):
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    CASES.append(Case(name, _rule, steps, wanted, note, begin, others))


GET = block(*pseudo())
POST = block(*pseudo(method="POST"))
OPEN = headers(1, POST, end=False)  # a stream whose body is to come
DONE = Answers()


# --- things to wait for -------------------------------------------------------------------------------------------


def acks(number):
    return lambda connection: connection.until(lambda: connection.settings_acks >= number, "SETTINGS acknowledged")


def answered(number=1):
    def wait(connection):
        if not connection.response(number).ended:
            raise AssertionError(f"no whole response on stream {number}; {connection.told()}")

    return wait


def over(number):
    return lambda connection: connection.response(number)


def settings_first(connection):
    connection.step()
    if not connection.frames or connection.frames[0].kind != SETTINGS:
        raise AssertionError(f"SETTINGS are not the first frame; {connection.told()}")


def has(size, number=1):
    """That so much of the body came, and no more."""

    def check(connection):
        stream = connection.stream(number)
        connection.until(lambda: len(stream.body) >= size or stream.over, f"{size} bytes of stream {number}")
        connection.alive(b"no more?")
        if len(stream.body) != size:
            raise AssertionError(f"{len(stream.body)} bytes of stream {number} instead of {size}; {connection.told()}")

    return check


def all_streams(connection):
    """Opens as many as the server allows."""
    connection.until(lambda: connection.settings, "SETTINGS")
    most = connection.settings.get(MAX_CONCURRENT_STREAMS, 100)
    connection.send(*(headers(number, POST, end=False) for number in range(1, 2 * most, 2)))


# fmt: off

# --- 3.4 the preface ----------------------------------------------------------------------------------------------

rule("RFC 9113 §3.4")
case("the preface and SETTINGS", wanted=GoesOn())
case("the server's first frame is SETTINGS", get(), settings_first, wanted=DONE)
case("a preface of rubbish", b"INVALID CONNECTION PREFACE\r\n\r\n" + bytes(64), begin=b"",
     wanted=(Closes(PROTOCOL_ERROR), Closes(None)),
     note="GOAWAY may be left out; without TLS this is a bad request in HTTP/1")
case("the first frame is not SETTINGS", ping(), begin=PREFACE, wanted=Closes(PROTOCOL_ERROR), nginx="goes on")
case("a request before the server's SETTINGS came", begin=PREFACE + settings() + get(), wanted=DONE)
case("SETTINGS of everything at once", get(), wanted=DONE,
     begin=PREFACE + settings((HEADER_TABLE_SIZE, 0), (ENABLE_PUSH, 0), (MAX_CONCURRENT_STREAMS, 1),
                              (INITIAL_WINDOW_SIZE, 1 << 20), (MAX_FRAME_SIZE, (1 << 24) - 1),
                              (MAX_HEADER_LIST_SIZE, 1 << 16)))

# --- 4 frames -----------------------------------------------------------------------------------------------------

rule("RFC 9113 §4.1")
case("a frame of an unknown type", frame(0x16, 0, 0, bytes(8)), wanted=GoesOn())
case("a flag that PING does not have", ping(flags=0x16), wanted=GoesOn())
case("the reserved bit", ping(stream=1 << 31), wanted=GoesOn())
case("the reserved bit in a stream's number", frame(HEADERS, END_STREAM | END_HEADERS, 1 << 31 | 1, GET), wanted=DONE)

rule("RFC 9113 §4.2")
case("DATA of 2^14 octets", OPEN, data(1, bytes(1 << 14), end=True), wanted=DONE)
case("DATA larger than SETTINGS_MAX_FRAME_SIZE", OPEN, data(1, bytes((1 << 14) + 1), end=True),
     wanted=(Closes(FRAME_SIZE_ERROR), Resets(FRAME_SIZE_ERROR)), nginx="answers 1 with 405")
case("HEADERS larger than SETTINGS_MAX_FRAME_SIZE", headers(1, GET + block(*[("x", "y" * 1000)] * 17)),
     wanted=Closes(FRAME_SIZE_ERROR), nginx="goes on")
case("SETTINGS larger than SETTINGS_MAX_FRAME_SIZE", settings(*[(0xABCD, 0)] * 2731), wanted=Closes(FRAME_SIZE_ERROR),
     nginx="goes on")
case("an unknown frame larger than SETTINGS_MAX_FRAME_SIZE", frame(0x16, 0, 0, bytes((1 << 14) + 1)),
     wanted=Closes(FRAME_SIZE_ERROR), nginx="goes on")

rule("RFC 9113 §4.3")
case("a field block that can't be decoded", headers(1, b"\x14\xff"), wanted=Closes(COMPRESSION_ERROR),
     note="a literal whose value is missing", nginx="closes FRAME_SIZE_ERROR")
case("PRIORITY inside a field block", headers(1, GET, last=False), priority(1), continuation(1, b""),
     wanted=Closes(PROTOCOL_ERROR))
case("HEADERS of another stream inside a field block", headers(1, GET, last=False), headers(3, GET),
     wanted=Closes(PROTOCOL_ERROR))
case("the table goes on though its stream is refused",
     headers(1, GET + b"\x40" + string("x-kept") + string("1") + literal("UPPER", "1")), over(1),
     headers(3, GET + b"\xbe"), wanted=Answers(stream=3), note="RFC 7541 §2.2: one context for all blocks")

# --- 5 streams ----------------------------------------------------------------------------------------------------

rule("RFC 9113 §5.1")
case("idle: PRIORITY", priority(1), get(), wanted=DONE)
case("idle: DATA", data(1, "test", end=True), wanted=Closes(PROTOCOL_ERROR), nginx="goes on")
case("idle: RST_STREAM", reset(1), wanted=Closes(PROTOCOL_ERROR), nginx="goes on")
case("idle: WINDOW_UPDATE", window_update(1, 100), wanted=Closes(PROTOCOL_ERROR), nginx="goes on")
case("idle: CONTINUATION", continuation(1, GET), wanted=Closes(PROTOCOL_ERROR))
case("half-closed: WINDOW_UPDATE", get(), window_update(1, 1), wanted=DONE)
case("half-closed: PRIORITY", get(), priority(1), wanted=DONE)
case("half-closed: RST_STREAM", get(), reset(1), wanted=GoesOn(), note="whatever was on its way may come")
case("half-closed: DATA", get(), data(1, "test", end=True), wanted=(Closes(STREAM_CLOSED), Resets(STREAM_CLOSED)),
     nginx="answers 1 with 200")
case("half-closed: HEADERS", get(), get(), wanted=(Closes(STREAM_CLOSED), Resets(STREAM_CLOSED)),
     nginx="closes PROTOCOL_ERROR")
case("half-closed: CONTINUATION", get(), continuation(1, GET), wanted=(Closes(PROTOCOL_ERROR), Closes(STREAM_CLOSED)))
case("reset by us: DATA", OPEN, reset(1), data(1, "test", end=True),
     wanted=(Closes(STREAM_CLOSED), Resets(STREAM_CLOSED), GoesOn()),
     note="may be ignored: to keep state for what was closed is not asked", nginx="answers 1 with 405")
case("reset by us: HEADERS", OPEN, reset(1), get(), wanted=(Closes(STREAM_CLOSED), Resets(STREAM_CLOSED)),
     nginx="closes PROTOCOL_ERROR")
case("reset by us: CONTINUATION", OPEN, reset(1), continuation(1, GET),
     wanted=(Closes(PROTOCOL_ERROR), Closes(STREAM_CLOSED)))
case("closed: PRIORITY", get(), answered(), priority(1), wanted=GoesOn())
case("closed: WINDOW_UPDATE", get(), answered(), window_update(1, 1), wanted=GoesOn())
case("closed: RST_STREAM", get(), answered(), reset(1), wanted=GoesOn())
case("closed: DATA", get(), answered(), data(1, "test", end=True), wanted=Closes(STREAM_CLOSED), nginx="goes on")
case("closed: HEADERS", get(), answered(), get(), wanted=Closes(STREAM_CLOSED), nginx="closes PROTOCOL_ERROR")
case("closed: CONTINUATION", get(), answered(), continuation(1, GET),
     wanted=(Closes(PROTOCOL_ERROR), Closes(STREAM_CLOSED)))
case("DATA of any stream counts for the connection's window", OPEN, reset(1),
     *[data(1, bytes(1 << 14))] * 3, get(3), wanted=(Answers(stream=3), Closes(STREAM_CLOSED)))

rule("RFC 9113 §5.1.1")
case("an even stream", get(2), wanted=Closes(PROTOCOL_ERROR))
case("streams out of order", get(5), answered(5), get(3), wanted=Closes(PROTOCOL_ERROR), nghttpd="goes on")
case("streams with gaps", get(7), answered(7), get(101), wanted=Answers(stream=101))
case("the largest stream", get((1 << 31) - 1), wanted=Answers(stream=(1 << 31) - 1))

rule("RFC 9113 §5.1.2")
case("as many streams as allowed", all_streams, wanted=GoesOn())
case("one stream too many", all_streams, get(99999), 
     wanted=(Resets(REFUSED_STREAM, 99999), Resets(PROTOCOL_ERROR, 99999), Closes(PROTOCOL_ERROR)),
     note="refused as long as SETTINGS are not acknowledged, an error of the connection then",
     nginx="answers 99999 with 200")

rule("RFC 9113 §5.3.2")
for name, send in {
    "weight 1": headers(1, depends(0, 1) + GET, flags=WITH_PRIORITY),
    "weight 256": headers(1, depends(0, 256) + GET, flags=WITH_PRIORITY),
    "on another stream": headers(1, depends(3) + GET, flags=WITH_PRIORITY),
    "exclusively": headers(1, depends(3, exclusive=True) + GET, flags=WITH_PRIORITY),
}.items():
    case(f"HEADERS that depend {name}", send, wanted=DONE)
case("PRIORITY of a stream that comes later", priority(5, 3), get(3), answered(3), get(5), wanted=Answers(stream=5))
case("HEADERS that depend on themselves", headers(1, depends(1) + GET, flags=WITH_PRIORITY),
     wanted=(Resets(PROTOCOL_ERROR), Closes(PROTOCOL_ERROR), DONE),
     note="an error in RFC 7540 §5.3.1; RFC 9113 lets priorities be ignored")
case("PRIORITY that depends on itself", priority(1, 1), get(),
     wanted=(Resets(PROTOCOL_ERROR), Closes(PROTOCOL_ERROR), DONE))

rule("RFC 9113 §5.4.1")
case("a broken PING is followed by the end", frame(PING, 0, 0, bytes(6)), wanted=Closes(FRAME_SIZE_ERROR))

rule("RFC 9113 §5.5")
case("an unknown frame on a stream", frame(0x16, 0xFF, 1, bytes(8)), get(), wanted=DONE)
case("an unknown frame inside a field block", headers(1, GET, last=False), frame(0x16, 0, 1, bytes(8)),
     continuation(1, b""), wanted=Closes(PROTOCOL_ERROR))

# --- 6.1 DATA -----------------------------------------------------------------------------------------------------

rule("RFC 9113 §6.1")
case("DATA", OPEN, data(1, "test", end=True), wanted=DONE)
case("many DATA", OPEN, *[data(1, "test")] * 9, data(1, "test", end=True), wanted=DONE)
case("DATA that only ends", OPEN, data(1, "test"), data(1, "", end=True), wanted=DONE)
case("DATA with padding", OPEN, data(1, b"\6test" + bytes(6), end=True, flags=PADDED), wanted=DONE)
case("DATA of nothing but padding", OPEN, data(1, b"\6" + bytes(6), flags=PADDED), data(1, "test", end=True),
     wanted=DONE)
case("DATA of stream 0", get(), data(0, "test"), wanted=Closes(PROTOCOL_ERROR))
case("DATA of a stream that has ended", get(), data(1, "test"), wanted=(Closes(STREAM_CLOSED), Resets(STREAM_CLOSED)),
     nginx="answers 1 with 200")
case("padding as long as DATA", OPEN, data(1, b"\5test", end=True, flags=PADDED), wanted=Closes(PROTOCOL_ERROR))
case("padding longer than DATA", OPEN, data(1, b"\xfftest", end=True, flags=PADDED), wanted=Closes(PROTOCOL_ERROR))
case("padding without its length", OPEN, data(1, b"", end=True, flags=PADDED),
     wanted=(Closes(FRAME_SIZE_ERROR), Closes(PROTOCOL_ERROR)))

# --- 6.2 HEADERS --------------------------------------------------------------------------------------------------

rule("RFC 9113 §6.2")
case("HEADERS", get(), wanted=DONE)
case("HEADERS with padding", headers(1, b"\6" + GET + bytes(6), flags=PADDED), wanted=DONE)
case("HEADERS with padding and priority", headers(1, b"\6" + depends(0) + GET + bytes(6), flags=PADDED | WITH_PRIORITY),
     wanted=DONE)
case("HEADERS without END_HEADERS, and PRIORITY", headers(1, GET, last=False), priority(1, 0),
     wanted=Closes(PROTOCOL_ERROR))
case("HEADERS without END_HEADERS, and DATA", headers(1, POST, end=False, last=False), data(1, "test"),
     wanted=Closes(PROTOCOL_ERROR))
case("HEADERS without END_HEADERS, and HEADERS", headers(1, GET, last=False), get(3), wanted=Closes(PROTOCOL_ERROR))
case("HEADERS of stream 0", get(0), wanted=Closes(PROTOCOL_ERROR))
case("HEADERS with too much padding", headers(1, b"\xff" + GET, flags=PADDED), wanted=Closes(PROTOCOL_ERROR))
case("HEADERS too short for their priority", headers(1, b"\0\0\0\0", flags=WITH_PRIORITY),
     wanted=(Closes(FRAME_SIZE_ERROR), Closes(PROTOCOL_ERROR)))
case("HEADERS of nothing", headers(1, b""), wanted=(Resets(PROTOCOL_ERROR), Answers(400)),
     nginx="closes FRAME_SIZE_ERROR")

# --- 6.3 to 6.5 PRIORITY, RST_STREAM, SETTINGS --------------------------------------------------------------------

rule("RFC 9113 §6.3")
case("PRIORITY of stream 0", priority(0), wanted=Closes(PROTOCOL_ERROR))
case("PRIORITY of 4 octets", frame(PRIORITY, 0, 1, bytes(4)), wanted=(Resets(FRAME_SIZE_ERROR),
     Closes(FRAME_SIZE_ERROR)))

rule("RFC 9113 §6.4")
case("RST_STREAM", OPEN, reset(1), wanted=GoesOn())
case("RST_STREAM of stream 0", reset(0), wanted=Closes(PROTOCOL_ERROR))
case("RST_STREAM of an idle stream", get(), reset(3), wanted=Closes(PROTOCOL_ERROR), nginx="goes on")
case("RST_STREAM of 3 octets", OPEN, frame(RST_STREAM, 0, 1, bytes(3)), wanted=Closes(FRAME_SIZE_ERROR))
case("RST_STREAM of 8 octets", OPEN, frame(RST_STREAM, 0, 1, bytes(8)), wanted=Closes(FRAME_SIZE_ERROR))

rule("RFC 9113 §6.5")
case("SETTINGS", settings((HEADER_TABLE_SIZE, 256)), acks(2), get(), wanted=DONE)
case("SETTINGS of nothing", settings(), acks(2), wanted=GoesOn())
case("SETTINGS, acknowledged, with a payload", frame(SETTINGS, ACK, 0, bytes(6)), wanted=Closes(FRAME_SIZE_ERROR))
case("SETTINGS of a stream", frame(SETTINGS, 0, 1, bytes(6)), wanted=Closes(PROTOCOL_ERROR))
case("SETTINGS of 3 octets", frame(SETTINGS, 0, 0, bytes(3)), wanted=Closes(FRAME_SIZE_ERROR))
case("SETTINGS of 7 octets", frame(SETTINGS, 0, 0, bytes(7)), wanted=Closes(FRAME_SIZE_ERROR))
case("an acknowledgement of nothing", frame(SETTINGS, ACK), frame(SETTINGS, ACK), wanted=(GoesOn(),
     Closes(PROTOCOL_ERROR)))

rule("RFC 9113 §6.5.2")
case("ENABLE_PUSH 2", settings((ENABLE_PUSH, 2)), wanted=Closes(PROTOCOL_ERROR))
case("ENABLE_PUSH 1", settings((ENABLE_PUSH, 1)), get(), wanted=DONE)
case("INITIAL_WINDOW_SIZE 2^31", settings((INITIAL_WINDOW_SIZE, 1 << 31)), wanted=Closes(FLOW_CONTROL_ERROR))
case("INITIAL_WINDOW_SIZE 2^31 - 1", settings((INITIAL_WINDOW_SIZE, (1 << 31) - 1)), get(), wanted=DONE)
case("MAX_FRAME_SIZE 2^14 - 1", settings((MAX_FRAME_SIZE, (1 << 14) - 1)), wanted=Closes(PROTOCOL_ERROR))
case("MAX_FRAME_SIZE 2^24", settings((MAX_FRAME_SIZE, 1 << 24)), wanted=Closes(PROTOCOL_ERROR))
case("MAX_CONCURRENT_STREAMS 0", settings((MAX_CONCURRENT_STREAMS, 0)), get(), wanted=DONE,
     note="it bounds what the server opens")
case("an unknown setting", settings((0xFF, 1)), wanted=GoesOn())

rule("RFC 9113 §6.5.3")
case("the last of several values holds", settings((INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)), acks(2), get(),
     has(1), window_update(1, 1000), wanted=DONE)
case("each SETTINGS is acknowledged", settings(), settings(), settings(), acks(4), wanted=GoesOn())

# --- 6.6 to 6.8 PUSH_PROMISE, PING, GOAWAY ------------------------------------------------------------------------

rule("RFC 9113 §6.6, §8.4")
case("PUSH_PROMISE from a client", OPEN, frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET),
     wanted=Closes(PROTOCOL_ERROR))

rule("RFC 9113 §6.7")
case("PING", ping(b"12345678"), lambda c: c.until(lambda: b"12345678" in c.pongs, "PING answered"), wanted=GoesOn())
case("PING, acknowledged", ping(flags=ACK), wanted=GoesOn())
case("PING of a stream", ping(stream=1), wanted=Closes(PROTOCOL_ERROR))
case("PING of 7 octets", frame(PING, 0, 0, bytes(7)), wanted=Closes(FRAME_SIZE_ERROR))
case("PING of 9 octets", frame(PING, 0, 0, bytes(9)), wanted=Closes(FRAME_SIZE_ERROR))

rule("RFC 9113 §6.8")
case("GOAWAY", goaway(), wanted=(GoesOn(), Closes(NO_ERROR), Closes(None)))
case("what runs when GOAWAY comes is answered", get(), goaway(), answered(), wanted=(GoesOn(), Closes(NO_ERROR),
     Closes(None)))
case("GOAWAY of a stream", goaway(stream=1), wanted=Closes(PROTOCOL_ERROR))
case("GOAWAY of 7 octets", frame(GOAWAY, 0, 0, bytes(7)), wanted=Closes(FRAME_SIZE_ERROR))

# --- 6.9 flow control ---------------------------------------------------------------------------------------------

rule("RFC 9113 §6.9")
case("WINDOW_UPDATE of the connection", window_update(0, 1), get(), wanted=DONE)
case("WINDOW_UPDATE of a stream", OPEN, window_update(1, 1), data(1, "test", end=True), wanted=DONE)
case("WINDOW_UPDATE by 0", window_update(0, 0), wanted=Closes(PROTOCOL_ERROR))
case("WINDOW_UPDATE of a stream by 0", OPEN, window_update(1, 0), wanted=(Resets(PROTOCOL_ERROR),
     Closes(PROTOCOL_ERROR)))
case("WINDOW_UPDATE of 3 octets", frame(WINDOW_UPDATE, 0, 0, bytes(3)), wanted=Closes(FRAME_SIZE_ERROR))
case("WINDOW_UPDATE of 5 octets", frame(WINDOW_UPDATE, 0, 0, bytes(5)), wanted=Closes(FRAME_SIZE_ERROR))
SMALL = PREFACE + settings((INITIAL_WINDOW_SIZE, 0))
case("a window of 0 holds DATA, not HEADERS", acks(1), get(), lambda c: c.until(lambda: c.stream(1).fields, "a head"),
     has(0), window_update(1, 1000), begin=SMALL, wanted=DONE)
case("HEAD needs no window", get(method="HEAD"), begin=SMALL, wanted=DONE)

rule("RFC 9113 §6.9.1")
case("a window of 1", settings((INITIAL_WINDOW_SIZE, 1)), acks(2), get(), has(1), window_update(1, 2), has(3),
     window_update(1, 1000), wanted=DONE)
case("the connection's window above 2^31 - 1", window_update(0, (1 << 31) - 1), window_update(0, (1 << 31) - 1),
     wanted=Closes(FLOW_CONTROL_ERROR))
case("a stream's window above 2^31 - 1", OPEN, window_update(1, (1 << 31) - 1), window_update(1, (1 << 31) - 1),
     wanted=(Resets(FLOW_CONTROL_ERROR), Closes(FLOW_CONTROL_ERROR)), nginx="answers 1 with 405")

rule("RFC 9113 §6.9.2")
case("a window opened by SETTINGS", acks(1), get(), has(0), settings((INITIAL_WINDOW_SIZE, 1)), has(1),
     settings((INITIAL_WINDOW_SIZE, 1000)), begin=SMALL, wanted=DONE)
case("a window that became negative", settings((INITIAL_WINDOW_SIZE, 3)), acks(2), get(), has(3),
     settings((INITIAL_WINDOW_SIZE, 2)), acks(3), window_update(1, 1), has(3), window_update(1, 1), has(4),
     window_update(1, 1000), wanted=DONE)
case("a window that SETTINGS carry above 2^31 - 1", OPEN, window_update(1, (1 << 31) - 1 - 65535),
     settings((INITIAL_WINDOW_SIZE, 65536)), wanted=Closes(FLOW_CONTROL_ERROR),
     nghttp2="resets 1 FLOW_CONTROL_ERROR", nginx="goes on")

# --- 6.10 CONTINUATION --------------------------------------------------------------------------------------------

rule("RFC 9113 §6.10")
case("CONTINUATION", headers(1, GET[:9], last=False), continuation(1, GET[9:]), wanted=DONE)
case("many CONTINUATION", headers(1, GET[:9], last=False), *(continuation(1, GET[n : n + 1],
     last=False) for n in range(9, 14)),
     continuation(1, GET[14:]), wanted=DONE)
case("CONTINUATION and another frame", headers(1, GET, last=False), continuation(1, b"", last=False), data(1, "test"),
     wanted=Closes(PROTOCOL_ERROR))
case("CONTINUATION of stream 0", headers(1, GET, last=False), continuation(0, b""), wanted=Closes(PROTOCOL_ERROR))
case("CONTINUATION of another stream", headers(1, GET, last=False), continuation(3, b""), wanted=Closes(PROTOCOL_ERROR))
case("CONTINUATION behind END_HEADERS", headers(1, POST, end=False), continuation(1, b""),
     wanted=Closes(PROTOCOL_ERROR))
case("CONTINUATION behind its END_HEADERS", headers(1, POST, end=False, last=False), continuation(1, b""),
     continuation(1, b""), wanted=Closes(PROTOCOL_ERROR))
case("CONTINUATION behind DATA", OPEN, data(1, "test"), continuation(1, b""), wanted=Closes(PROTOCOL_ERROR))

# --- 7 error codes ------------------------------------------------------------------------------------------------

rule("RFC 9113 §7")
case("GOAWAY with an unknown code", goaway(0, 0xFF), wanted=(GoesOn(), Closes(NO_ERROR), Closes(None)))
case("RST_STREAM with an unknown code", OPEN, reset(1, 0xFF), wanted=GoesOn())

# --- 8 messages ---------------------------------------------------------------------------------------------------

MALFORMED = (Resets(PROTOCOL_ERROR), Answers(400))

rule("RFC 9113 §8.1")
case("GET", get(), wanted=Answers(200))
case("HEAD", get(method="HEAD"), wanted=Answers(200))
case("POST", OPEN, data(1, "test", end=True), wanted=DONE)
case("POST with trailers", OPEN, data(1, "test"), headers(1, block(("x-test", "ok"))), wanted=DONE,
     nginx="closes PROTOCOL_ERROR")
case("a second HEADERS that does not end the stream", OPEN, data(1, "test"), headers(1, block(("x-test", "ok")),
     end=False),
     wanted=(Resets(PROTOCOL_ERROR), Closes(PROTOCOL_ERROR), Answers(400)))
case("two requests at once", get(1), get(3), answered(1), wanted=Answers(stream=3))

rule("RFC 9113 §8.2.1")
case("a field's name in capitals", get(1, ("X-TEST", "ok")), wanted=MALFORMED)
case("an empty name", get(1, ("", "ok")), wanted=MALFORMED, nginx="closes PROTOCOL_ERROR")
case("a space in a name", get(1, ("x test", "ok")), wanted=MALFORMED)
case("a colon in a name", get(1, ("x:test", "ok")), wanted=MALFORMED)
case("DEL in a name", get(1, ("x\x7ftest", "ok")), wanted=MALFORMED)
case("0x80 in a name", get(1, ("x\x80test", "ok")), wanted=MALFORMED, nginx="answers 1 with 200")
case("NUL in a value", get(1, ("x-test", "o\0k")), wanted=MALFORMED)
case("LF in a value", get(1, ("x-test", "o\nk")), wanted=MALFORMED)
case("CR in a value", get(1, ("x-test", "o\rk")), wanted=MALFORMED)
case("a space before a value", get(1, ("x-test", " ok")), wanted=MALFORMED, nginx="answers 1 with 200")
case("a tab behind a value", get(1, ("x-test", "ok\t")), wanted=MALFORMED, nginx="answers 1 with 200")

rule("RFC 9113 §8.2.2")
case("connection", get(1, ("connection", "keep-alive")), wanted=MALFORMED, nginx="answers 1 with 200")
case("keep-alive", get(1, ("keep-alive", "1")), wanted=MALFORMED, nginx="answers 1 with 200")
case("proxy-connection", get(1, ("proxy-connection", "keep-alive")), wanted=MALFORMED, nginx="answers 1 with 200")
case("transfer-encoding", get(1, ("transfer-encoding", "chunked")), wanted=MALFORMED, nginx="answers 1 with 200")
case("upgrade", get(1, ("upgrade", "websocket")), wanted=MALFORMED, nginx="answers 1 with 200")
case("te: trailers", get(1, ("te", "trailers")), wanted=DONE)
case("te: trailers, deflate", get(1, ("te", "trailers, deflate;q=0.5")), wanted=MALFORMED, nginx="answers 1 with 200")

rule("RFC 9113 §8.3")
case("an unknown pseudo-header field", get(1, (":test", "ok")), wanted=MALFORMED)
case("the pseudo-header field of a response", get(1, (":status", "200")), wanted=MALFORMED)
case("a pseudo-header field in trailers", OPEN, data(1, "test"), headers(1, block((":method", "200"))),
     wanted=MALFORMED, nginx="closes PROTOCOL_ERROR")
case("a pseudo-header field behind a field",
     headers(1, block(*pseudo(path=None), ("x-test", "ok"), (":path", "/"))), wanted=MALFORMED,
     nginx="answers 1 with 200")

rule("RFC 9113 §8.3.1")
case("an empty :path", get(path=""), wanted=MALFORMED, nginx="closes PROTOCOL_ERROR")
case("no :method", get(method=None), wanted=MALFORMED)
case("no :scheme", get(scheme=None), wanted=MALFORMED)
case("no :path", get(path=None), wanted=MALFORMED)
for name in (":method", ":scheme", ":path", ":authority"):
    case(f"{name} twice", get(1, (name, dict(pseudo())[name])), wanted=MALFORMED)
case("host in place of :authority", get(1, ("host", "test.example"), authority=None), wanted=DONE)
case("OPTIONS *", get(method="OPTIONS", path="*"), wanted=DONE, nginx="answers 1 with 400")

rule("RFC 9113 §8.1.1")
case("content-length that is not DATA's", post(1, ("content-length", "1")), data(1, "test", end=True),
     wanted=MALFORMED, nginx="answers 1 with 405")
case("content-length that is not the sum of DATA", post(1, ("content-length", "1")), data(1, "test"),
     data(1, "test", end=True), wanted=MALFORMED, nginx="answers 1 with 405")
case("content-length that DATA does not reach", post(1, ("content-length", "9")), data(1, "test", end=True),
     wanted=MALFORMED, nginx="answers 1 with 405")
case("content-length without DATA", get(1, ("content-length", "9")), wanted=MALFORMED)
case("content-length that is DATA's", post(1, ("content-length", "8")), data(1, "test"), data(1, "test", end=True),
     wanted=DONE)

# --- RFC 7541: HPACK ----------------------------------------------------------------------------------------------

_coder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


def coded(text, index=0, first=0, bits=4, name=None):
    """A literal whose strings are Huffman coded; `first`, `bits`: which of the three kinds (RFC 7541 §6.2)."""
    named = string("", huffman=_coder.encode(name.encode())) if name else b""
    return integer(index, bits, first) + named + string("", huffman=_coder.encode(text.encode()))


def plain(text, index=0, first=0, bits=4, name=None):
    return integer(index, bits, first) + (string(name) if name else b"") + string(text)


rule("RFC 7541 §6.1")
case("an indexed field", headers(1, b"\x82\x84\x86\x01" + string("test.example")), wanted=DONE)
case("index 0", headers(1, GET + b"\x80"), wanted=Closes(COMPRESSION_ERROR))

rule("RFC 7541 §6.2")
for kind, first, bits in (("indexed", 0x40, 6), ("not indexed", 0x00, 4), ("never indexed", 0x10, 4)):
    for coding, how in (("plain", plain), ("Huffman", coded)):
        case(f"a literal {kind}, its name indexed, {coding}", headers(1, GET + how("agent", 58, first, bits)),
     wanted=DONE)
        case(f"a literal {kind}, its name new, {coding}",
             headers(1, GET + how("ok", 0, first, bits, name="x-test")), wanted=DONE)
case("a field of the dynamic table", headers(1, GET + plain("ok", 0, 0x40, 6, name="x-test")), answered(1),
     headers(3, GET + b"\xbe"), wanted=Answers(stream=3))
case("a field that does not fit the table empties it",
     headers(1, GET + plain("y", 0, 0x40, 6, name="x") + plain("z" * 5000, 0, 0x40, 6, name="x")), answered(1),
     headers(3, GET + b"\xbe"), wanted=Closes(COMPRESSION_ERROR), note="§4.4")

rule("RFC 7541 §6.3")
case("a size update", headers(1, b"\x3e" + GET), wanted=DONE)
case("several size updates", headers(1, b"\x20\x3e" + GET), wanted=DONE)
case("a size update above SETTINGS_HEADER_TABLE_SIZE", headers(1, integer(4097, 5, 0x20) + GET),
     wanted=Closes(COMPRESSION_ERROR))
case("a size update of 2^32", headers(1, integer(1 << 32, 5, 0x20) + GET), wanted=Closes(COMPRESSION_ERROR))

rule("RFC 7541 §4.2")
case("a size update behind a field", headers(1, GET + b"\x3e"), wanted=Closes(COMPRESSION_ERROR), nginx="goes on")

rule("RFC 7541 §2.3.3")
case("an index behind the tables", headers(1, GET + integer(70, 7, 0x80)), wanted=Closes(COMPRESSION_ERROR))
case("the index of a name behind the tables", headers(1, GET + plain("ok", 70, 0x40, 6)),
     wanted=Closes(COMPRESSION_ERROR))

rule("RFC 7541 §5.1")
case("an integer of 2^31", headers(1, GET + integer(1 << 31, 7, 0x80)), wanted=Closes(COMPRESSION_ERROR))
case("an integer that wraps to 2", headers(1, GET + integer((1 << 32) + 2, 7, 0x80)), wanted=Closes(COMPRESSION_ERROR))
case("an integer without end", headers(1, GET + b"\xff" + b"\x80" * 20 + b"\0"), wanted=Closes(COMPRESSION_ERROR))

rule("RFC 7541 §5.2")
case("Huffman padding longer than 7 bits", headers(1, GET + b"\0" + string("x-test") + string("", huffman=b"\x1f\xff")),
     wanted=Closes(COMPRESSION_ERROR), nginx="goes on")
case("Huffman padding of zeros", headers(1, GET + b"\0" + string("x-test") + string("", huffman=b"\x18")),
     wanted=Closes(COMPRESSION_ERROR))
case("Huffman's EOS in a string", headers(1, GET + b"\0" + string("x-test") + string("", huffman=b"\xff\xff\xff\xff")),
     wanted=Closes(COMPRESSION_ERROR))
case("a string longer than its block", headers(1, GET + b"\0\x7fx"), wanted=Closes(COMPRESSION_ERROR),
     nginx="closes FRAME_SIZE_ERROR")

# --- RFC 8441, RFC 9218 -------------------------------------------------------------------------------------------

rule("RFC 8441 §4")
case(":protocol without CONNECT", get(1, (":protocol", "websocket")), wanted=MALFORMED)
case("CONNECT with :protocol, without :path", get(1, (":protocol", "websocket"), method="CONNECT", path=None),
     wanted=MALFORMED)

rule("RFC 9218 §7.1")
case("PRIORITY_UPDATE", priority_update(1), get(), wanted=DONE)
case("PRIORITY_UPDATE of a stream under way", OPEN, priority_update(1, "u=0, i"), data(1, "", end=True), wanted=DONE)
case("PRIORITY_UPDATE of a stream that is over", get(), answered(), priority_update(1), wanted=GoesOn())
case("PRIORITY_UPDATE with rubbish", priority_update(1, "\xff=;;"), get(), wanted=DONE,
     note="what can't be parsed is ignored (§5)")
rule("RFC 9218 §5")
case("priority: u=0, i", get(1, ("priority", "u=0, i")), wanted=DONE)
case("priority: rubbish", get(1, ("priority", "u=9;;;")), wanted=DONE)
