"""Raw responses of an origin that means harm, or knows no better, and what the client may see of them.

test_hostile.py lets an origin send each one whole, in two pieces and byte by byte. The verdicts:

    gateway   a 502 of ours; the server's connection closes
    broken    found inside the body: a 502 if nothing was passed on yet, else a visible cut; the connection closes
    relayed   the client gets exactly this response. `reused` tells whether the server's connection may carry another
              request; where bytes are left over or the framing is in doubt it must not

Whatever happens, the next request gets the answer that was made for it. Bytes behind `raw` never come: `close` ends the
server's connection there.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gateway:
    why: str  # in the access log
    end: str = "upstream-head-invalid"


@dataclass(frozen=True)
class Broken:
    end: str


@dataclass(frozen=True)
class Relayed:
    status: int
    fields: tuple  # all the client sees but Date and Connection, as "Name: value"
    body: bytes
    trailers: tuple
    interim: tuple  # the 1xx before it, by number
    reused: bool


@dataclass(frozen=True)
class Entry:
    name: str
    rule: str
    raw: bytes
    verdict: object
    method: str
    version: str  # the client's
    asks: str  # its further fields
    close: bool
    note: str


RESPONSES = []


def _entry(name, rule, raw, verdict, method="GET", version="HTTP/1.1", asks="", close=False, note=""):
    RESPONSES.append(Entry(name, rule, raw.encode("latin-1"), verdict, method, version, asks, close, note))


def gateway(name, rule, raw, why, end="upstream-head-invalid", **more):
    _entry(name, rule, raw, Gateway(why, end), **more)


def broken(name, rule, raw, end="upstream-malformed", **more):
    _entry(name, rule, raw, Broken(end), **more)


def relayed(name, rule, raw, *fields, body="", status=200, trailers=(), interim=(), reused=True, **more):
    _entry(name, rule, raw, Relayed(status, fields, body.encode("latin-1"), trailers, interim, reused), **more)


def ok(*fields, body="", start="HTTP/1.1 200 OK"):
    return f"{start}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n" + body


CHUNKED = "Transfer-Encoding: chunked"
HELLO = "5\r\nhello\r\n0\r\n\r\n"
FIVE = "Content-Length: 5"
# What must never be anybody's answer.
POISON = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Poison: 1\r\n\r\npoisoned"


def chunks(body, *fields):
    return ok(CHUNKED, *fields, body=body)


# --- the status line --------------------------------------------------------------------------------------------

relayed("a length", "RFC 9112 §6.3 item 6", ok(FIVE, body="hello"), FIVE, body="hello")
relayed("no reason", "RFC 9112 §4", ok(FIVE, body="hello", start="HTTP/1.1 200 "), FIVE, body="hello")
relayed("no reason and no space before it", "RFC 9112 §4", ok(FIVE, body="hello", start="HTTP/1.1 200"), FIVE,
        body="hello", note="the space is required, yet many leave it out; nginx and HAProxy take it as well")  # fmt: skip
relayed("a reason of obs-text", "RFC 9112 §4", ok(FIVE, body="hello", start="HTTP/1.1 200 tr\xe8s\tbien"), FIVE,
        body="hello")  # fmt: skip
relayed("HTTP/1.2", "RFC 9110 §2.5", ok(FIVE, body="hello", start="HTTP/1.2 200 OK"), FIVE, body="hello")
relayed("an unknown status", "RFC 9110 §15", ok(FIVE, body="hello", start="HTTP/1.1 299 Odd"), FIVE, body="hello",
        status=299)  # fmt: skip
relayed("a status above 599", "RFC 9110 §15", ok(FIVE, body="hello", start="HTTP/1.1 777 Odd"), FIVE, body="hello",
        status=777, note="invalid, to be treated as 5xx by the client; passed, as nginx does")  # fmt: skip
relayed("205 with content", "RFC 9110 §15.3.6", ok(FIVE, body="hello", start="HTTP/1.1 205 Reset"), FIVE, body="hello",
        status=205, note="must not have any, but it is framed like all others")  # fmt: skip
for name, start in {
    "two digits": "HTTP/1.1 20 OK",
    "four digits": "HTTP/1.1 2000 OK",
    "a status below 100": "HTTP/1.1 099 Low",
    "letters for a status": "HTTP/1.1 2xx OK",
    "a signed status": "HTTP/1.1 +20 OK",
    "no status": "HTTP/1.1 OK",
    "two spaces before the status": "HTTP/1.1  200 OK",
    "a tab before the status": "HTTP/1.1\t200 OK",
    "a tab behind the status": "HTTP/1.1 200\tOK",
    "nothing but a version": "HTTP/1.1",
    "HTTP in lower case": "http/1.1 200 OK",
    "another protocol": "ICY 200 OK",
    "HTTP/1.10": "HTTP/1.10 200 OK",
    "a space before the version": " HTTP/1.1 200 OK",
    "NUL in the reason": "HTTP/1.1 200 O\0K",
    "a control in the reason": "HTTP/1.1 200 O\x1bK",
    "an empty line before": "\r\nHTTP/1.1 200 OK",
    "a body before": "helloHTTP/1.1 200 OK",
    "no status line": "X: y",
}.items():
    gateway(f"a status line with {name}", "RFC 9112 §4", ok(FIVE, body="hello", start=start), "bad-status-line")
for start in ("HTTP/3 200", "HTTP/2 200", "HTTP/2.0 200 OK", "HTTP/0.9 200 OK"):
    gateway(f"a response in {start[:8].strip()}", "RFC 9110 §2.5", ok(FIVE, body="hello", start=start), "bad-version")
gateway("a response without a head", "RFC 9112 §2.3", "<html>hello</html>", "bad-status-line", close=True,
        note="HTTP/0.9")  # fmt: skip
gateway("a TLS alert", "RFC 9112 §4", "\x15\x03\x01\x00\x02\x02\x16", "bad-status-line", close=True)
gateway("a status line that ends in LF", "RFC 9112 §2.2", "HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\nhello",
        "bare-line-end",
        note="LF alone may be taken for a line end, as nginx and HAProxy do here; strict in both directions")  # fmt: skip
gateway("a status line that ends in CR", "RFC 9112 §2.2", "HTTP/1.1 200 OK\rContent-Length: 5\r\n\r\nhello",
        "bare-line-end")  # fmt: skip
gateway("a head of LF alone", "RFC 9112 §2.2", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", "bare-line-end")

# --- the length of a body ---------------------------------------------------------------------------------------

relayed("chunked", "RFC 9112 §6.3 item 4", chunks(HELLO), CHUNKED, body="hello")
relayed("chunked in another case", "RFC 9112 §7", ok("transfer-encoding: CHUNKED", body=HELLO), CHUNKED, body="hello")
relayed("until close", "RFC 9112 §6.3 item 8", ok(body="hello"), CHUNKED, body="hello", reused=False, close=True)
relayed("until close, though keep-alive is said", "RFC 9112 §6.3 item 8", ok("Connection: keep-alive", body="hello"),
        CHUNKED, body="hello", reused=False, close=True)  # fmt: skip
relayed("until close to HTTP/1.0", "RFC 9112 §6.3 item 8", ok(body="hello"), body="hello", reused=False, close=True,
        version="HTTP/1.0")  # fmt: skip
relayed("chunked to HTTP/1.0", "RFC 9112 §6.1", chunks(HELLO), body="hello", version="HTTP/1.0")
relayed("HTTP/1.0 with a length", "RFC 9112 §9.3", ok(FIVE, body="hello", start="HTTP/1.0 200 OK"), FIVE, body="hello",
        reused=False)  # fmt: skip
relayed("HTTP/1.0 that is kept", "RFC 9112 §9.3",
        ok(FIVE, "Connection: Keep-Alive", body="hello", start="HTTP/1.0 200 OK"), FIVE, body="hello")  # fmt: skip
relayed("a length with zeros before it", "RFC 9110 §8.6", ok("Content-Length: 005", body="hello"), FIVE, body="hello")
relayed("close with a length", "RFC 9112 §9.6", ok(FIVE, "Connection: close", body="hello"), FIVE, body="hello",
        reused=False)  # fmt: skip
for value, what in (("+5", "a plus"), ("-5", "a minus"), ("0x5", "0x"), ("5 5", "a space"), ("5_0", "an underscore"),
                    ("five", "letters"), ("", "nothing"), ("5, 6", "two numbers"), ("9223372036854775808", "2^63"),
                    ("18446744073709551621", "2^64 + 5")):  # fmt: skip
    gateway(f"a length with {what}", "RFC 9112 §6.3 item 5", ok(f"Content-Length: {value}", body="hello"), "bad-length")
gateway("a list of equal lengths", "RFC 9110 §8.6", ok("Content-Length: 5, 5", body="hello"), "bad-length",
        note="may be repaired, as nginx and HAProxy do; strict: the server did not agree with itself")  # fmt: skip
gateway("CL.CL", "RFC 9112 §6.3 item 5", ok(FIVE, "Content-Length: 6", body="hello"), "repeated-length")
gateway("CL.CL, equal", "RFC 9110 §8.6", ok(FIVE, FIVE, body="hello"), "repeated-length",
        note="may be repaired; refused")  # fmt: skip
for name, fields in {"CL.TE": (FIVE, CHUNKED), "TE.CL": (CHUNKED, "Content-Length: 3")}.items():
    gateway(name, "RFC 9112 §6.3 item 3", ok(*fields, body=HELLO), "length-and-coding",
            note="ought to be handled as an error: it may be an attempt to split responses")  # fmt: skip
for value in ("chunked, chunked", "chunked, gzip", "chunked;q=1", '"chunked"', "", "chunked,"):
    gateway(f"TE: {value or 'nothing'}", "RFC 9112 §6.3 item 4", ok(f"Transfer-Encoding: {value}", body=HELLO),
            "bad-coding")  # fmt: skip
for value in ("gzip, chunked", "gzip", "identity", "xchunked"):
    gateway(f"TE: {value}", "RFC 9112 §6.1", ok(f"Transfer-Encoding: {value}", body=HELLO), "unknown-coding",
            note="only chunked was offered: TE is not passed on (RFC 9110 §10.1.4)")  # fmt: skip
gateway("TE.TE", "RFC 9112 §6.3 item 4", ok(CHUNKED, CHUNKED, body=HELLO), "bad-coding")
gateway("TE.TE, the first identity", "RFC 9112 §6.1", ok("Transfer-Encoding: identity", CHUNKED, body=HELLO),
        "unknown-coding")  # fmt: skip
gateway("TE in HTTP/1.0", "RFC 9112 §6.1", ok(CHUNKED, body=HELLO, start="HTTP/1.0 200 OK"), "coding-in-http10")
broken("less than the length", "RFC 9112 §8", ok("Content-Length: 6", body="hello"), "upstream-cut", close=True)
broken("nothing of the length", "RFC 9112 §8", ok(FIVE), "upstream-cut", close=True)
broken("no last chunk", "RFC 9112 §8", chunks("5\r\nhello\r\n"), "upstream-cut", close=True)
broken("half a chunk", "RFC 9112 §8", chunks("5\r\nhel"), "upstream-cut", close=True)
broken("half the end", "RFC 9112 §8", chunks("5\r\nhello\r\n0\r\n"), "upstream-cut", close=True)
gateway("half a head", "RFC 9112 §8", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "made-here", end="upstream-gone",
        close=True)  # fmt: skip

# --- chunks -----------------------------------------------------------------------------------------------------

relayed("an extension", "RFC 9112 §7.1.1", chunks("5;a=b\r\nhello\r\n0;c\r\n\r\n"), CHUNKED, body="hello")
relayed("trailers", "RFC 9112 §7.1.2", chunks("5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n", "Trailer: X-Sum"),
        "Trailer: X-Sum", CHUNKED, body="hello", trailers=("X-Sum: 42",), asks="TE: trailers\r\nConnection: TE\r\n")  # fmt: skip
for name in ("Content-Length", "Transfer-Encoding", "Set-Cookie", "Location", "Connection", "Date"):
    relayed(f"{name} as a trailer", "RFC 9110 §6.5.1", chunks(f"0\r\n{name}: 7\r\nX-Sum: 42\r\n\r\n"), CHUNKED,
            trailers=("X-Sum: 42",))  # fmt: skip
for name, body in {
    "a plus": "+5\r\nhello\r\n0\r\n\r\n",
    "a minus": "-5\r\nhello\r\n0\r\n\r\n",
    "0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "an underscore": "0_5\r\nhello\r\n0\r\n\r\n",
    "no digit": "\r\nhello\r\n0\r\n\r\n",
    "a space before": " 5\r\nhello\r\n0\r\n\r\n",
    "a space behind": "5 \r\nhello\r\n0\r\n\r\n",
    "a LF": "5\nhello\r\n0\r\n\r\n",
    "a CR": "5\rhello\r\n0\r\n\r\n",
    "2^63": "8000000000000000\r\nhello\r\n0\r\n\r\n",
    "2^64, which wraps to 0": "10000000000000000\r\n\r\n",
    "2^64 + 5, which wraps to 5": "10000000000000005\r\nhello\r\n0\r\n\r\n",
}.items():
    broken(f"a chunk's size with {name}", "RFC 9112 §7.1", chunks(body))
for name, body in {
    "a LF for CRLF": "5\r\nhello\n0\r\n\r\n",
    "nothing for CRLF": "5\r\nhello0\r\n\r\n",
    "more than its size": "5\r\nhello, world\r\n0\r\n\r\n",
    "garbage for the last": "5\r\nhello\r\n0garbage\r\n\r\n",
    "a LF at the end": "5\r\nhello\r\n0\r\n\n",
    "a LF in its extension": "5;a\nhello\r\n0\r\n\r\n",
    "an endless extension": "5;" + "a" * 17000 + "\r\nhello\r\n0\r\n\r\n",
    "a trailer without a colon": "5\r\nhello\r\n0\r\nXY\r\n\r\n",
    "a trailer with a space before the colon": "5\r\nhello\r\n0\r\nX : y\r\n\r\n",
    "a fold in a trailer": "5\r\nhello\r\n0\r\nX: y\r\n z\r\n\r\n",
    "a response in its trailers": "5\r\nhello\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n",
    "endless trailers": "5\r\nhello\r\n0\r\n" + "X: y\r\n" * 1400 + "\r\n",
}.items():
    broken(f"a chunk with {name}", "RFC 9112 §7.1", chunks(body))

# --- responses that have no body --------------------------------------------------------------------------------

relayed("HEAD with a length", "RFC 9110 §9.3.2", ok(FIVE), FIVE, method="HEAD")
relayed("HEAD with chunked", "RFC 9112 §6.1", ok(CHUNKED), method="HEAD")
relayed("HEAD with neither", "RFC 9112 §6.3 item 1", ok(), method="HEAD")
relayed("HEAD with a body", "RFC 9112 §6.3 item 1", ok(FIVE, body="hello"), FIVE, method="HEAD", reused=False)
relayed("HEAD with a response for a body", "RFC 9112 §11.1", ok(f"Content-Length: {len(POISON)}", body=POISON),
        f"Content-Length: {len(POISON)}", method="HEAD", reused=False)  # fmt: skip
relayed("HEAD with chunks", "RFC 9112 §6.3 item 1", ok(CHUNKED, body=HELLO), method="HEAD", reused=False)
gateway("HEAD with two lengths", "RFC 9112 §6.3 item 5", ok(FIVE, "Content-Length: 6"), "repeated-length",
        method="HEAD")  # fmt: skip
no_content = "HTTP/1.1 204 No Content"
relayed("204", "RFC 9110 §15.3.5", ok(start=no_content), status=204)
relayed("204 with a length of 0", "RFC 9110 §8.6", ok("Content-Length: 0", start=no_content), status=204)
relayed("204 with a length", "RFC 9110 §8.6", ok(FIVE, start=no_content), status=204, reused=False,
        note="must not be sent: who announces a body may send it")  # fmt: skip
relayed("204 with chunked", "RFC 9112 §6.1", ok(CHUNKED, start=no_content), status=204, reused=False)
relayed("204 with a body", "RFC 9112 §6.3 item 1", ok(FIVE, body="hello", start=no_content), status=204, reused=False)
relayed("204 with a response behind", "RFC 9112 §6.3 item 1", ok(body=POISON, start=no_content), status=204,
        reused=False)  # fmt: skip
relayed("204 with chunks", "RFC 9112 §6.3 item 1", ok(CHUNKED, body=HELLO, start=no_content), status=204, reused=False)
not_modified = "HTTP/1.1 304 Not Modified"
relayed("304", "RFC 9110 §15.4.5", ok('ETag: "x"', start=not_modified), 'ETag: "x"', status=304)
relayed("304 with a length", "RFC 9110 §8.6", ok(FIVE, start=not_modified), FIVE, status=304)
relayed("304 with a body", "RFC 9112 §6.3 item 1", ok(FIVE, body="hello", start=not_modified), FIVE, status=304,
        reused=False)  # fmt: skip
relayed("304 with chunks", "RFC 9112 §6.3 item 1", ok(CHUNKED, body=HELLO, start=not_modified), status=304,
        reused=False)  # fmt: skip
relayed("304 with a response behind", "RFC 9112 §11.1", ok(body=POISON, start=not_modified), status=304, reused=False)

# --- interim responses ------------------------------------------------------------------------------------------

CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"
HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
FINAL = ok(FIVE, body="hello")
relayed("100 that nobody asked for", "RFC 9110 §15.2", CONTINUE + FINAL, FIVE, body="hello", interim=(100,),
        note="must be passed on")  # fmt: skip
relayed("100 twice", "RFC 9110 §15.2", CONTINUE * 2 + FINAL, FIVE, body="hello", interim=(100, 100))
relayed("several kinds", "RFC 8297 §2", CONTINUE + HINTS * 2 + FINAL, FIVE, body="hello", interim=(100, 103, 103))
relayed("an unknown one", "RFC 9110 §15.2", "HTTP/1.1 199 Odd\r\n\r\n" + FINAL, FIVE, body="hello", interim=(199,))
relayed("interim to HTTP/1.0", "RFC 9110 §15.2", CONTINUE + HINTS + FINAL, FIVE, body="hello", version="HTTP/1.0",
        note="must not be sent there")  # fmt: skip
relayed("a hundred", "RFC 9110 §15.2", HINTS * 100 + FINAL, FIVE, body="hello", interim=(103,) * 100)
gateway("more than a thousand", "RFC 9110 §15.2", CONTINUE * 1001 + FINAL, "too-many-interim-responses",
        version="HTTP/1.0", note="no number is given; ours leaves room for one every minute of a day")  # fmt: skip
relayed("100 with a length", "RFC 9110 §8.6", f"HTTP/1.1 100 Continue\r\n{FIVE}\r\n\r\n" + FINAL, FIVE, body="hello",
        interim=(100,), note="must not be sent, and is not passed on")  # fmt: skip
gateway("100 with a body", "RFC 9112 §6.3 item 1", f"HTTP/1.1 100 Continue\r\n{FIVE}\r\n\r\nhello" + FINAL,
        "bad-status-line")  # fmt: skip
gateway("100 with chunks", "RFC 9112 §6.3 item 1", f"HTTP/1.1 100 Continue\r\n{CHUNKED}\r\n\r\n{HELLO}" + FINAL,
        "bad-status-line")  # fmt: skip
gateway("101 that nobody asked for", "RFC 9110 §15.2.2",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nhello",
        "unexpected-upgrade")  # fmt: skip
gateway("101 behind 100", "RFC 9110 §15.2.2", CONTINUE + "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "unexpected-upgrade")  # fmt: skip
gateway("101 to an upgrade in HTTP/1.0", "RFC 9110 §7.8",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        "unexpected-upgrade", version="HTTP/1.0", asks="Connection: upgrade\r\nUpgrade: websocket\r\n")  # fmt: skip
gateway("101 to h2c", "RFC 9113 §3.1", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "unexpected-upgrade",
        asks="Connection: upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n")  # fmt: skip

# --- field lines, and splitting by them -------------------------------------------------------------------------

for name, field in {
    "a space before the colon": "Content-Length : 5",
    "a tab before the colon": "X\t: y",
    "no colon": "XY",
    "an empty name": ": y",
    "a name that is no token": "X(Y): z",
    "obs-text in the name": "X\xe4: y",
    "NUL in the name": "X\0: y",
    "a status line": "HTTP/1.1 200 OK",
}.items():
    gateway(f"a field line with {name}", "RFC 9112 §5.1", ok(field, FIVE, body="hello"), "bad-field-line",
            note="white space before the colon must not be passed on; nginx and HAProxy answer 502 to it as well")  # fmt: skip
for name, char in {"NUL": "\0", "a control": "\x01", "escape": "\x1b", "DEL": "\x7f"}.items():
    gateway(f"a value with {name}", "RFC 9110 §5.5", ok(f"Set-Cookie: a{char}b", FIVE, body="hello"), "bad-field-value")
gateway("a value with CR", "RFC 9112 §11.1", ok("Location: /\rSet-Cookie: a=b", FIVE, body="hello"), "bare-line-end")
gateway("a value with LF", "RFC 9112 §11.1", ok("Location: /\nSet-Cookie: a=b", FIVE, body="hello"), "bare-line-end")
gateway("a value with LF LF", "RFC 9112 §11.1", ok(f"Location: /\n\n{POISON}", FIVE, body="hello"), "bare-line-end")
gateway("a value with CR CR LF", "RFC 9112 §2.2", ok("X: y\r", FIVE, body="hello"), "bare-line-end")
gateway("a fold", "RFC 9112 §5.2", ok("X: y\r\n z", FIVE, body="hello"), "folded-line",
        note="to be replaced by spaces, as HAProxy does, or by a 502, as nginx does")  # fmt: skip
gateway("a fold before the first field", "RFC 9112 §2.2", ok(" X: y", FIVE, body="hello"), "folded-line")
relayed("a response split by CRLF CRLF", "RFC 9112 §11.1", ok("Content-Length: 0", f"\r\n{POISON}"),
        "Content-Length: 0", reused=False, note="not to be told from two responses: the second is nobody's")  # fmt: skip
relayed("obs-text in a cookie", "RFC 9110 §5.5", ok("Set-Cookie: a=\xc3\xa4\xff; Path=/", FIVE, body="hello"),
        "Set-Cookie: a=\xc3\xa4\xff; Path=/", FIVE, body="hello")  # fmt: skip
relayed("odd cookies", "RFC 9110 §5.3",
        ok("Set-Cookie: a=b, c", "Set-Cookie:", "Set-Cookie: \t;;=\"", FIVE, body="hello"),
        "Set-Cookie: a=b, c", "Set-Cookie: ", "Set-Cookie: ;;=\"", FIVE, body="hello")  # fmt: skip
relayed("the fields of one hop end here", "RFC 9110 §7.6.1",
        ok("Connection: keep-alive, X-Hop", "X-Hop: 1", "Keep-Alive: timeout=5", "Proxy-Connection: close",
           "Upgrade: h2c", "Proxy-Authenticate: Basic", FIVE, body="hello"), FIVE, body="hello")  # fmt: skip
relayed("Connection: Content-Length", "RFC 9110 §7.6.1", ok("Connection: Content-Length", FIVE, body="hello"), FIVE,
        body="hello")  # fmt: skip
relayed("Connection: Transfer-Encoding", "RFC 9110 §7.6.1", chunks(HELLO, "Connection: Transfer-Encoding"), CHUNKED,
        body="hello")  # fmt: skip

# --- too much ---------------------------------------------------------------------------------------------------

gateway("a large field", "RFC 9110 §5.4", ok("X: " + "y" * 5000, FIVE, body="hello"), "head-too-large")
gateway("an endless reason", "RFC 9112 §4", ok(start="HTTP/1.1 200 " + "y" * 5000), "head-too-large")
gateway("an endless field name", "RFC 9110 §5.4", ok("X" * 5000), "head-too-large")
gateway("too many fields", "RFC 9110 §5.4", ok(*["X: y"] * 200, FIVE, body="hello"), "too-many-fields")
gateway("an endless head", "RFC 9110 §5.4", ok(*["X: " + "y" * 90] * 60, FIVE, body="hello"), "head-too-large")
relayed("many fields", "RFC 9110 §5.4", ok(*["X: y"] * 100, FIVE, body="hello"), *["X: y"] * 100, FIVE, body="hello")
relayed("more than the length", "RFC 9112 §6.3 item 6", ok(FIVE, body="hello, world"), FIVE, body="hello", reused=False)
relayed("two responses at once", "RFC 9112 §9.2", FINAL + POISON, FIVE, body="hello", reused=False)
relayed("two chunked responses at once", "RFC 9112 §9.2", chunks(HELLO) + POISON, CHUNKED, body="hello", reused=False)
relayed("an interim response behind", "RFC 9112 §9.2", FINAL + CONTINUE, FIVE, body="hello", reused=False)
relayed("an empty line behind", "RFC 9112 §9.2", FINAL + "\r\n", FIVE, body="hello", reused=False,
        note="a client that finds anything unasked must not use it, and should close")  # fmt: skip
relayed("a body where the length is 0", "RFC 9112 §6.3 item 6", ok("Content-Length: 0", body=POISON),
        "Content-Length: 0", reused=False)  # fmt: skip
