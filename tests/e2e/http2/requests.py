"""Requests in HTTP/2 that mean harm to the HTTP/1 behind the proxy, and what has to become of them.

An entry is a name, the rule it stands on, the frames of stream 1, and a verdict:

    refused   by RST_STREAM PROTOCOL_ERROR or by one of these statuses; not one byte goes upstream
    broken    as above, but found behind the head: what has gone upstream may only be a cut request
    excess    as above, but more came than the request's own length: what is within the length may have gone
    answered  by us, with this status
    passed    the origin sees exactly this request

The connection goes on in each case: a good request behind it is served.
"""

from dataclasses import dataclass

from hostile.requests import HOST, Passed
from http2.frames import block, data, get, headers, post, pseudo


@dataclass(frozen=True)
class Refused:
    statuses: tuple


@dataclass(frozen=True)
class Broken(Refused):
    pass


@dataclass(frozen=True)
class Excess(Refused):
    body: bytes


@dataclass(frozen=True)
class Answered(Refused):
    pass


@dataclass(frozen=True)
class Entry:
    name: str
    rule: str
    raw: bytes
    verdict: object
    note: str = ""


REQUESTS = []
VIA = "2.0 sluice"


def refused(name, rule, *frames, statuses=(400,), note=""):
    REQUESTS.append(Entry(name, rule, b"".join(frames), Refused(statuses), note))


def broken(name, rule, *frames, statuses=(400,), note=""):
    REQUESTS.append(Entry(name, rule, b"".join(frames), Broken(statuses), note))


def excess(name, rule, *frames, body=b""):
    REQUESTS.append(Entry(name, rule, b"".join(frames), Excess((400, 200), body)))


def answered(name, rule, *frames, status, note=""):
    REQUESTS.append(Entry(name, rule, b"".join(frames), Answered((status,)), note))


def passed(name, rule, *frames, fields=(), method="GET", target="/", host=HOST, body=b"", trailers=(), note=""):
    verdict = Passed(method, target, host, tuple(fields), body, trailers, True, VIA)
    REQUESTS.append(Entry(name, rule, b"".join(frames), verdict, note))


CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = "\r\nHost: evil\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n"

# fmt: off

# --- what passes, to know that the rest is refused for its fault ---------------------------------------------------

passed("GET", "RFC 9113 §8.3.1", get())
passed("a query", "RFC 9113 §8.3.1", get(path="/a?b=c&d=/e?f"), target="/a?b=c&d=/e?f")
passed("a body of a length", "RFC 9113 §8.1.1", post(1, ("content-length", "5")), data(1, "hello", end=True),
       method="POST", body=b"hello", fields=["Content-Length: 5"])
passed("a body of no length", "RFC 9112 §6.3", post(), data(1, "he"), data(1, "llo", end=True),
       method="POST", body=b"hello", fields=[CHUNKED])
passed("an empty body", "RFC 9113 §8.1", post(), data(1, "", end=True), method="POST", fields=[CHUNKED])
passed("no body", "RFC 9113 §8.1", headers(1, block(*pseudo(method="POST"))), method="POST")
passed("trailers", "RFC 9113 §8.1", post(), data(1, "hello"), headers(1, block(("x-sum", "42"))),
       method="POST", body=b"hello", fields=[CHUNKED], trailers=("x-sum: 42",))
passed("crumbs of a cookie", "RFC 9113 §8.2.3", get(1, ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")),
       fields=["cookie: a=1; b=2", "x: y"], note="must be one field where HTTP/1 begins")
passed("te: trailers", "RFC 9113 §8.2.2", get(1, ("te", "trailers")), fields=["TE: trailers", "Connection: TE"])
passed("a body that looks like a request", "RFC 9113 §8.1", post(), data(1, "0" + SMUGGLED, end=True), method="POST",
       body=("0" + SMUGGLED).encode(), fields=[CHUNKED])
passed("a body that looks like the last chunk", "RFC 9112 §7.1", post(), data(1, "0\r\n\r\n" + SMUGGLED, end=True),
       method="POST", body=("0\r\n\r\n" + SMUGGLED).encode(), fields=[CHUNKED])
passed("forwarding fields of a stranger", "RFC 7239 §8.1",
       get(1, ("x-forwarded-for", "1.2.3.4"), ("x-forwarded-host", "evil"), ("x-forwarded-proto", "https")))
passed("host that is :authority", "RFC 9113 §8.3.1", get(1, ("host", HOST)))
passed("host in place of :authority", "RFC 9113 §8.3.1", get(1, ("host", HOST), authority=None))
passed("a path of two slashes", "RFC 9112 §3.2.1", get(path="//evil/"), target="//evil/")
answered("OPTIONS *", "RFC 9113 §8.3.1", get(method="OPTIONS", path="*"), status=204,
         note="of us, for it asks about no resource")
passed("a name with every sign", "RFC 9110 §5.6.2", get(1, ("!#$%&'*+-.^_`|~0a", "1")), fields=["!#$%&'*+-.^_`|~0a: 1"])
passed("a value with every sign", "RFC 9110 §5.5", get(1, ("x", "!\t \"\x80\xff~")), fields=["x: !\t \"\x80\xff~"])
passed("an empty value", "RFC 9110 §5.5", get(1, ("x", "")), fields=["x: "])

# --- names and values that would end a line ------------------------------------------------------------------------

for what, name in {
    "CR LF": "x: y\r\nsmuggled",
    "LF": "x: y\nsmuggled",
    "CR": "x\rsmuggled",
    "CR at its end": "transfer-encoding\r",
    "NUL": "x\0",
    "a colon": "x:y",
    "a colon at its end": "transfer-encoding:",
    "a whole request": "x: y" + SMUGGLED + "x",
    "a space": "x y",
    "a space before it": " x",
    "a space behind it": "transfer-encoding ",
    "a tab": "x\t",
    "a capital": "X",
    "a capital inside": "transfer-Encoding",
    "a control character": "x\x01",
    "DEL": "x\x7f",
    "obs-text": "x\x80",
    "quotes": '"x"',
    "brackets": "x(y)",
    "nothing": "",
}.items():
    refused(f"a name with {what}", "RFC 9113 §8.2.1", get(1, (name, "chunked")))
for what, value in {
    "CR LF": "y\r\nsmuggled: 1",
    "LF": "y\nsmuggled: 1",
    "CR": "y\rsmuggled: 1",
    "CR LF at its end": "y\r\n",
    "LF before it": "\ny",
    "a folded line": "y\r\n z",
    "a whole request": "y" + SMUGGLED,
    "NUL": "y\0z",
    "a space before it": " y",
    "a tab behind it": "y\t",
    "a control character": "y\x01",
    "DEL": "y\x7f",
}.items():
    refused(f"a value with {what}", "RFC 9113 §8.2.1", get(1, ("x", value)))

# --- pseudo-header fields ------------------------------------------------------------------------------------------

for what, method in {
    "a request line": "GET / HTTP/1.1\r\nHost: evil\r\n\r\nGET",
    "a space": "GET /smuggled",
    "a space behind it": "GET ",
    "LF": "GET\n",
    "NUL": "GET\0",
    "a colon": "GET:",
    "braces": "{GET}",
    "obs-text": "G\x80T",
    "nothing": "",
}.items():
    refused(f":method with {what}", "RFC 9113 §8.3.1", get(method=method))
for what, path in {
    "a version and a field": "/ HTTP/1.1\r\nHost: evil\r\nX:",
    "a version": "/ HTTP/1.1",
    "a space": "/a b",
    "a space behind it": "/ ",
    "a tab": "/\t",
    "LF": "/\n",
    "CR": "/\r",
    "NUL": "/\0",
    "a control character": "/\x01",
    "DEL": "/\x7f",
    "a fragment": "/a#b",
    "no slash": "a",
    "no slash, but a query": "?a=b",
    "a whole URI": "http://evil/",
    "a whole URI of ours": "http://test.example/",
    "an authority": "evil:80",
    "an asterisk": "*",
    "nothing": "",
}.items():
    refused(f":path with {what}", "RFC 9113 §8.3.1", get(path=path))
refused("OPTIONS of a path without slash", "RFC 9113 §8.3.1", get(method="OPTIONS", path="**"))
for what, authority in {
    "a field": "test.example\r\nX: y",
    "LF": "test.example\n",
    "NUL": "test.example\0",
    "a space": "test.example evil",
    "a path": "test.example/evil",
    "a query": "test.example?evil",
    "a fragment": "test.example#evil",
    "a user": "evil@test.example",
    "a list": "test.example, evil",
    "a port of letters": "test.example:http",
    "a port too large": "test.example:65536",
    "brackets left open": "[::1",
}.items():
    refused(f":authority with {what}", "RFC 9113 §8.3.1", get(authority=authority))
refused(":authority that is not host", "RFC 9113 §8.3.1", get(1, ("host", "evil")))
refused(":authority that is one of two hosts", "RFC 9112 §3.2", get(1, ("host", HOST), ("host", "evil")))
refused("two hosts", "RFC 9112 §3.2", get(1, ("host", HOST), ("host", "evil"), authority=None))
refused("one host twice", "RFC 9112 §3.2", get(1, ("host", HOST), ("host", HOST), authority=None))
refused("neither :authority nor host", "RFC 9112 §3.2", get(authority=None), note="HTTP/1.1 can't be written without")
refused("an empty host beside :authority", "RFC 9113 §8.3.1", get(1, ("host", "")))
refused("host with a field", "RFC 9113 §8.2.1", get(1, ("host", "test.example\r\nX: y"), authority=None))
for what, scheme in {
    "a whole URI": "https://evil/?x=",
    "a space": "ht tp",
    "LF": "http\n",
    "a whole request": "http" + SMUGGLED,
    "nothing": "",
    "a digit before it": "1http",
}.items():
    refused(f":scheme with {what}", "RFC 9113 §8.3.1", get(scheme=scheme))
for name, value in pseudo():
    refused(f"{name} twice", "RFC 9113 §8.3", get(1, (name, value)), note="the second is late as well")
    first = [(name, value), *pseudo()]
    refused(f"{name} twice, in order", "RFC 9113 §8.3", headers(1, block(*first)))
    behind = [pair for pair in pseudo() if pair[0] != name]
    refused(f"{name} behind a field", "RFC 9113 §8.3", headers(1, block(*behind, ("x", "y"), (name, value))))
for name in (":method", ":scheme", ":path"):
    refused(f"no {name}", "RFC 9113 §8.3.1", headers(1, block(*[pair for pair in pseudo() if pair[0] != name])))
for name in (":status", ":test", ":", ":Path", ":path\r\nx", ":protocol"):
    refused(f"{name!r} in a request", "RFC 9113 §8.3", headers(1, block((name, "1"), *pseudo())))

# --- fields about the connection -----------------------------------------------------------------------------------

for name, value in (
    ("connection", "close"),
    ("connection", "x"),
    ("connection", ""),
    ("proxy-connection", "keep-alive"),
    ("keep-alive", "timeout=5"),
    ("transfer-encoding", "chunked"),
    ("transfer-encoding", "identity"),
    ("transfer-encoding", ""),
    ("upgrade", "websocket"),
    ("upgrade", "h2c"),
    ("te", "gzip"),
    ("te", "trailers, gzip"),
    ("te", "chunked"),
):
    refused(f"{name}: {value}", "RFC 9113 §8.2.2", get(1, (name, value)))
refused("TE.CL", "RFC 9113 §8.2.2", post(1, ("transfer-encoding", "chunked"), ("content-length", "5")),
        data(1, "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", end=True))

# --- the length of a body ------------------------------------------------------------------------------------------

for value in ("+5", "-1", "0x5", "5 ", "5, 5", "5,6", "", "five", "5.0", "1e1", "18446744073709551621", "9" * 100):
    refused(f"content-length: {value}", "RFC 9110 §8.6", post(1, ("content-length", value)), data(1, "hello", end=True))
refused("content-length twice", "RFC 9110 §8.6", post(1, ("content-length", "5"), ("content-length", "5")),
        data(1, "hello", end=True))
refused("two lengths", "RFC 9110 §8.6", post(1, ("content-length", "5"), ("content-length", "6")),
        data(1, "hello", end=True))
refused("a length, and the end of the stream", "RFC 9113 §8.1.1", get(1, ("content-length", "5")))
broken("less than its length", "RFC 9113 §8.1.1", post(1, ("content-length", "44")), data(1, "hello", end=True))
broken("less than its length, in trailers", "RFC 9113 §8.1.1", post(1, ("content-length", "44")), data(1, "hello"),
       headers(1, block(("x", "y"))))
excess("more than its length", "RFC 9113 §8.1.1", post(1, ("content-length", "5")),
       data(1, "helloGET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", end=True), body=b"hello")
excess("more than its length, in a second frame", "RFC 9113 §8.1.1", post(1, ("content-length", "5")),
       data(1, "hello"), data(1, "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", end=True), body=b"hello")
excess("more than no length", "RFC 9113 §8.1.1", post(1, ("content-length", "0")),
       data(1, "GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r\n", end=True))

# --- trailers ------------------------------------------------------------------------------------------------------

broken("content-length as a trailer", "RFC 9110 §6.5.1", post(), data(1, "hello"),
       headers(1, block(("content-length", "44"))))
for name in ("host", "authorization", "cookie", "content-encoding", "trailer", "x-forwarded-for",
             "expect", "range", "via"):
    passed(f"{name} as a trailer", "RFC 9110 §6.5.1", post(), data(1, "hello"),
           headers(1, block((name, "7"), ("x-sum", "42"))), method="POST", body=b"hello", fields=[CHUNKED],
           trailers=("x-sum: 42",), note="dropped: it would come too late, and some merge it into the head")
for what, pair in {
    "a pseudo-header field": (":path", "/smuggled"),
    "a field about the connection": ("transfer-encoding", "chunked"),
    "connection": ("connection", "close"),
    "CR LF": ("x", "y\r\nz: 1"),
    "a whole request": ("x", "y" + SMUGGLED),
    "a capital": ("X", "y"),
    "a colon": ("x:", "y"),
    "NUL": ("x", "\0"),
}.items():
    broken(f"a trailer with {what}", "RFC 9113 §8.1", post(), data(1, "hello"), headers(1, block(pair)))
broken("trailers that do not end the stream", "RFC 9113 §8.1", post(), data(1, "hello"),
       headers(1, block(("x", "y")), end=False))
broken("endless trailers", "RFC 9110 §5.4", post(), data(1, "hello"), headers(1, block(*[("x", "y" * 90)] * 160)))

# --- CONNECT -------------------------------------------------------------------------------------------------------

for what, raw in {
    "": block((":method", "CONNECT"), (":authority", "test.example:443")),
    "of an address within": block((":method", "CONNECT"), (":authority", "127.0.0.1:22")),
    "with a path": block((":method", "CONNECT"), (":authority", "test.example:443"), (":path", "/")),
    "with all four": block(*pseudo(method="CONNECT")),
    "without :authority": block((":method", "CONNECT")),
    "for a protocol, without :path": block(*pseudo(method="CONNECT", path=None), (":protocol", "websocket")),
    "for a protocol, without :scheme": block(*pseudo(method="CONNECT", scheme=None), (":protocol", "websocket")),
    "for a protocol, without :authority": block(*pseudo(method="CONNECT", authority=None), (":protocol", "websocket")),
    "for an unknown protocol": block(*pseudo(method="CONNECT"), (":protocol", "connect-udp")),
    "for a protocol with CR LF": block(*pseudo(method="CONNECT"), (":protocol", "websocket\r\nx: y")),
    "for an empty protocol": block(*pseudo(method="CONNECT"), (":protocol", "")),
}.items():
    refused(f"CONNECT {what}".strip(), "RFC 9113 §8.5, RFC 8441 §4", headers(1, raw, end=False), statuses=(400, 405, 501),
            note="no tunnel through a reverse proxy but for WebSockets")

# --- too much ------------------------------------------------------------------------------------------------------

refused("a large head", "RFC 9113 §10.5.1", get(1, *[("x", "y" * 500)] * 20), statuses=(431,))
refused("a large field", "RFC 9113 §10.5.1", get(1, ("x", "y" * 5000)), statuses=(431,))
refused("a long path", "RFC 9110 §15.5.15", get(path="/" + "a" * 2000), statuses=(414,))
refused("many small fields", "RFC 9113 §10.5.1", get(1, *[("x", "")] * 1500), statuses=(431,))
