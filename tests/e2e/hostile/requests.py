"""Raw requests and what has to become of them. test_hostile.py sends each one whole, in two pieces and byte by byte.

An entry is a name, the rule it stands on, the bytes, and a verdict:

    refused   an error of ours, then the connection closes; not one byte goes upstream
    broken    as above, but found inside the body: what has gone upstream may only be a cut request
    answered  by us in its place; the next request is served
    passed    the origin sees exactly this request, and the pipelined one behind it as a request of its own

Where the rule leaves a choice, `note` tells which was taken, and who takes it as well. "Strict" there means: a message
that two parties could read in two ways is nobody's. What others do was tried with nginx 1.22 and HAProxy 2.6.
"""

from dataclasses import dataclass

HOST = "test.example"
# What the table's limits are tried against.
LIMITS = {"head": "4KiB", "target": "1KiB", "body": "64KiB"}


@dataclass(frozen=True)
class Refused:
    status: int
    why: str  # in the access log
    end: str = "refused"


@dataclass(frozen=True)
class Broken(Refused):
    end: str = "client-body-malformed"


@dataclass(frozen=True)
class Answered:
    status: int


@dataclass(frozen=True)
class Passed:
    method: str
    target: str
    host: str
    fields: tuple  # all the origin sees but Host, Via and the forwarding fields, as "Name: value"
    body: bytes
    trailers: tuple
    stays: bool  # whether the client's connection is kept
    via: str  # the whole Via


@dataclass(frozen=True)
class Entry:
    name: str
    rule: str
    raw: bytes
    verdict: object
    note: str = ""


REQUESTS = []


def refused(name, rule, raw, status, why, note="", end="refused"):
    REQUESTS.append(Entry(name, rule, _bytes(raw), Refused(status, why, end), note))


def broken(name, rule, raw, status=400, why="chunk-malformed", note="", end="client-body-malformed"):
    REQUESTS.append(Entry(name, rule, _bytes(raw), Broken(status, why, end), note))


def answered(name, rule, raw, status, note=""):
    REQUESTS.append(Entry(name, rule, _bytes(raw), Answered(status), note))


def passed(name, rule, raw, *fields, method="GET", target="/", host=HOST, body="", trailers=(), stays=True,
           via="1.1 sluice", note=""):  # fmt: skip
    verdict = Passed(method, target, host, fields, _bytes(body), trailers, stays, via)
    REQUESTS.append(Entry(name, rule, _bytes(raw), verdict, note))


def _bytes(text):
    return text.encode("latin-1") if isinstance(text, str) else text


def line(start, *fields, body=""):
    """Any start line, with a good Host."""
    return f"{start}\r\nHost: {HOST}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n" + body


def get(*fields, target="/"):
    return line(f"GET {target} HTTP/1.1", *fields)


def post(*fields, body=""):
    return line("POST / HTTP/1.1", *fields, body=body)


def host(*fields, target="/", version="HTTP/1.1"):
    """A request whose Host fields, if any, are in question."""
    return f"GET {target} {version}\r\n" + "".join(f + "\r\n" for f in fields) + "\r\n"


CHUNKED = "Transfer-Encoding: chunked"
HELLO = "5\r\nhello\r\n0\r\n\r\n"


def chunks(body, *fields):
    return post(CHUNKED, *fields, body=body)


# --- the length of a body: Content-Length -----------------------------------------------------------------------

passed("a length", "RFC 9112 §6.2", post("Content-Length: 5", body="hello"), "Content-Length: 5", method="POST",
       body="hello")  # fmt: skip
passed("a length of 0", "RFC 9112 §6.2", post("Content-Length: 0"), "Content-Length: 0", method="POST")
passed("neither length nor coding is no body", "RFC 9112 §6.3 item 7", post(), method="POST")
passed("leading zeros", "RFC 9110 §8.6", post("Content-Length: 0005", body="hello"), "Content-Length: 5",
       method="POST", body="hello", note="1*DIGIT allows them; written anew, so that nobody reads an octal")  # fmt: skip
passed("white space around a length", "RFC 9112 §5.1", post("Content-Length: \t 5 \t", body="hello"),
       "Content-Length: 5", method="POST", body="hello")  # fmt: skip
passed("no space after the colon", "RFC 9112 §5.1", post("Content-Length:5", body="hello"), "Content-Length: 5",
       method="POST", body="hello")  # fmt: skip
passed("any case of the name", "RFC 9110 §5.1", post("cOnTeNt-LeNgTh: 5", body="hello"), "Content-Length: 5",
       method="POST", body="hello")  # fmt: skip
passed("a body that looks like a request", "RFC 9112 §6.3 item 6",
       post("Content-Length: 37", body="GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r"), "Content-Length: 37",
       method="POST", body="GET /smuggled HTTP/1.1\r\nHost: evil\r\n\r")  # fmt: skip
for value, what in (
    ("+5", "a plus"),
    ("-1", "a minus"),
    ("-0", "minus nothing"),
    ("0x5", "0x"),
    ("5h", "a letter behind"),
    ("five", "letters"),
    ("1e1", "an exponent"),
    ("5.0", "a point"),
    ("5_0", "an underscore"),
    ("5 0", "a space inside"),
    ("5;a", "a parameter"),
    ('"5"', "quotes"),
    ("", "nothing"),
    (",", "an empty list"),
    ("\xb5", "obs-text"),
    ("9223372036854775808", "2^63"),
    ("18446744073709551616", "2^64, which wraps to 0"),
    ("18446744073709551621", "2^64 + 5, which wraps to 5"),
    ("9" * 100, "a hundred digits"),
):
    refused(f"a length with {what}", "RFC 9112 §6.3 item 5", post(f"Content-Length: {value}", body="hello"), 400,
            "bad-length")  # fmt: skip
refused("a list of two lengths", "RFC 9112 §6.3 item 5", post("Content-Length: 5, 6", body="hello"), 400, "bad-length")
refused("a list of equal lengths", "RFC 9110 §8.6", post("Content-Length: 5, 5", body="hello"), 400, "bad-length",
        note="may be repaired; refused as nginx does, for one hop before us did not agree with itself")  # fmt: skip
refused("CL.CL", "RFC 9112 §6.3 item 5", post("Content-Length: 5", "Content-Length: 6", body="hello"), 400,
        "repeated-length")  # fmt: skip
refused("CL.CL, the other way round", "RFC 9112 §6.3 item 5",
        post("Content-Length: 6", "Content-Length: 5", body="hello"),
        400, "repeated-length")  # fmt: skip
refused("CL.CL, equal", "RFC 9110 §8.6", post("Content-Length: 5", "Content-Length: 5", body="hello"), 400,
        "repeated-length", note="may be repaired; refused as nginx does")  # fmt: skip
refused("CL.CL, far apart and in other cases", "RFC 9110 §5.1",
        post("content-length: 5", "X: 1", "CONTENT-LENGTH: 0", body="hello"), 400, "repeated-length")  # fmt: skip
refused("CL.CL, the second empty", "RFC 9112 §6.3 item 5", post("Content-Length: 5", "Content-Length:", body="hello"),
        400, "repeated-length")  # fmt: skip
refused("CL.CL on a GET", "RFC 9112 §6.3 item 5", get("Content-Length: 0", "Content-Length: 44"), 400,
        "repeated-length")  # fmt: skip

# --- the length of a body: Transfer-Encoding --------------------------------------------------------------------

passed("chunked", "RFC 9112 §6.1", chunks(HELLO), CHUNKED, method="POST", body="hello")
passed("chunked in another case", "RFC 9112 §7", post("TRANSFER-encoding: ChUnKeD", body=HELLO), CHUNKED, method="POST",
       body="hello")  # fmt: skip
passed("tabs around chunked", "RFC 9112 §5.1", post("Transfer-Encoding:\tchunked\t ", body=HELLO), CHUNKED,
       method="POST", body="hello")  # fmt: skip
for value, what in (
    ("chunked, chunked", "chunked twice"),
    ("chunked, identity", "chunked not last"),
    ("chunked, gzip", "chunked before gzip"),
    ("chunked;q=1", "a parameter"),
    ('"chunked"', "quotes"),
    ("[chunked]", "brackets"),
    ("chunked\xa0", "obs-text behind"),
    ("", "nothing"),
    (",", "an empty list"),
    ("\\", "a backslash"),
):
    refused(f"TE with {what}", "RFC 9112 §6.3 item 4", post(f"Transfer-Encoding: {value}", body=HELLO), 400,
            "bad-coding")  # fmt: skip
for value, what in (("chunked,", "behind"), (", chunked", "before"), ("chunked, ,", "twice behind")):
    refused(f"TE with an empty element {what}", "RFC 9110 §5.6.1.2", post(f"Transfer-Encoding: {value}", body=HELLO),
            400, "bad-coding",
            note="to be ignored by the letter; strict, for few agree here: nginx answers 501, HAProxy takes some")  # fmt: skip
for value in ("identity", "gzip", "xchunked", "chunke", "chunkedx", "x-chunked", "'chunked'", "gzip, chunked",
              "identity, chunked", "chunked-"):  # fmt: skip
    refused(f"TE: {value}", "RFC 9112 §6.1", post(f"Transfer-Encoding: {value}", body=HELLO), 501, "unknown-coding",
            note="only chunked is understood here; nginx answers 501 as well")  # fmt: skip
refused("TE.TE", "RFC 9112 §6.3 item 4", post(CHUNKED, CHUNKED, body=HELLO), 400, "bad-coding")
refused("TE.TE, the second identity", "RFC 9112 §6.3 item 4", post(CHUNKED, "Transfer-Encoding: identity", body=HELLO),
        400, "bad-coding")  # fmt: skip
refused("TE.TE, the first identity", "RFC 9112 §6.1", post("Transfer-Encoding: identity", CHUNKED, body=HELLO), 501,
        "unknown-coding")  # fmt: skip
refused("TE.TE, the second nonsense", "RFC 9112 §6.3 item 4", post(CHUNKED, "Transfer-encoding: cow", body=HELLO), 400,
        "bad-coding")  # fmt: skip
refused("TE.TE, the second empty", "RFC 9112 §6.3 item 4", post(CHUNKED, "Transfer-Encoding:", body=HELLO), 400,
        "bad-coding")  # fmt: skip
refused("TE in HTTP/1.0", "RFC 9112 §6.1", line("POST / HTTP/1.0", CHUNKED, body=HELLO), 400, "coding-in-http10",
        note="faulty framing; refused as nginx does; HAProxy reads the chunks")  # fmt: skip
refused("TE in HTTP/1.0 that would be kept", "RFC 9112 §6.1",
        line("POST / HTTP/1.0", CHUNKED, "Connection: keep-alive", body=HELLO), 400, "coding-in-http10")  # fmt: skip

# --- both -------------------------------------------------------------------------------------------------------

for name, fields in {
    "CL.TE": ("Content-Length: 6", CHUNKED),
    "TE.CL": (CHUNKED, "Content-Length: 3"),
    "CL.TE, the length right": ("Content-Length: 15", CHUNKED),
    "CL.TE, the length 0": ("Content-Length: 0", CHUNKED),
    "CL.TE, the coding unknown": ("Content-Length: 5", "Transfer-Encoding: xchunked"),
    "CL.TE, the coding empty": ("Content-Length: 5", "Transfer-Encoding:"),
    "CL.TE, hidden by a tab": ("Content-Length: 5", "Transfer-Encoding:\tchunked"),
}.items():
    refused(name, "RFC 9112 §6.3 item 3", post(*fields, body="0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"), 400,
            "length-and-coding",
            note="ought to be handled as an error; nginx refuses as well, HAProxy drops the length before chunked")  # fmt: skip
refused("CL.CL.TE", "RFC 9112 §6.3 item 5", post("Content-Length: 5", CHUNKED, "Content-Length: 6", body="0\r\n\r\n"),
        400, "repeated-length")  # fmt: skip
refused("CL.TE on a GET", "RFC 9112 §6.3 item 3", get("Content-Length: 5", CHUNKED) + "0\r\n\r\n", 400,
        "length-and-coding")  # fmt: skip
for name, field in {
    "a space before the colon": "Transfer-Encoding : chunked",
    "a tab before the colon": "Transfer-Encoding\t: chunked",
    "a space inside the name": "Transfer Encoding: chunked",
    "a NUL behind the name": "Transfer-Encoding\0: chunked",
    "obs-text in the name": "Transfer-Encoding\xa0: chunked",
    "no colon": "Transfer-Encoding chunked",
}.items():
    refused(f"a hidden TE: {name}", "RFC 9112 §5.1", post("Content-Length: 5", field, body="0\r\n\r\n"), 400,
            "bad-field-line")  # fmt: skip
refused("a hidden TE: in a fold", "RFC 9112 §5.2", post("Content-Length: 5", "X: y\r\n Transfer-Encoding: chunked"),
        400, "folded-line")  # fmt: skip
refused("a hidden TE: its value folded", "RFC 9112 §5.2", post("Content-Length: 5", "Transfer-Encoding:\r\n chunked"),
        400, "folded-line")  # fmt: skip
refused("a hidden TE: behind a bare LF", "RFC 9112 §2.2", post("Content-Length: 5", "X: y\nTransfer-Encoding: chunked"),
        400, "bare-line-end", note="LF alone may be taken for a line end, as HAProxy does; strict")  # fmt: skip
refused("a hidden TE: behind a bare CR", "RFC 9112 §2.2", post("Content-Length: 5", "X: y\rTransfer-Encoding: chunked"),
        400, "bare-line-end")  # fmt: skip
refused("a hidden TE: a vertical tab", "RFC 9110 §5.5", post("Content-Length: 5", "Transfer-Encoding:\x0bchunked"), 400,
        "bad-field-value")  # fmt: skip
refused("a hidden TE: a NUL before the value", "RFC 9110 §5.5",
        post("Content-Length: 5", "Transfer-Encoding: \0chunked"),
        400, "bad-field-value")  # fmt: skip
passed("an underscore makes another field", "RFC 9110 §5.1", post("Content-Length: 5", "Transfer_Encoding: chunked",
       body="hello"), "Content-Length: 5", "Transfer_Encoding: chunked", method="POST", body="hello",
       note="a token like any other; HAProxy passes it, nginx drops it unless underscores_in_headers")  # fmt: skip

# --- chunks -----------------------------------------------------------------------------------------------------

passed("an empty chunked body", "RFC 9112 §7.1", chunks("0\r\n\r\n"), CHUNKED, method="POST")
passed("several chunks", "RFC 9112 §7.1", chunks("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), CHUNKED, method="POST",
       body="hello")  # fmt: skip
passed("hexadecimal in both cases", "RFC 9112 §7.1",
       chunks("A\r\n0123456789\r\nb\r\n0123456789A\r\n0\r\n\r\n"), CHUNKED, method="POST",
       body="01234567890123456789A")  # fmt: skip
passed("zeros before a size", "RFC 9112 §7.1", chunks("005\r\nhello\r\n000\r\n\r\n"), CHUNKED, method="POST",
       body="hello")  # fmt: skip
passed("payload that looks like chunks", "RFC 9112 §7.1", chunks("9\r\n\r\n0\r\n\r\nGE\r\n0\r\n\r\n"), CHUNKED,
       method="POST", body="\r\n0\r\n\r\nGE")  # fmt: skip
passed("an extension", "RFC 9112 §7.1.1", chunks("5;name=value\r\nhello\r\n0;last\r\n\r\n"), CHUNKED, method="POST",
       body="hello", note="must be ignored, and is not passed on")  # fmt: skip
passed("an extension with quotes", "RFC 9112 §7.1.1", chunks('5;a="b;c \\" d"\r\nhello\r\n0\r\n\r\n'), CHUNKED,
       method="POST", body="hello")  # fmt: skip
passed("white space before an extension", "RFC 9112 §7.1.1", chunks("5 \t;\ta = b\r\nhello\r\n0\r\n\r\n"), CHUNKED,
       method="POST", body="hello")  # fmt: skip
for name, body in {
    "a plus": "+5\r\nhello\r\n0\r\n\r\n",
    "a minus": "-5\r\nhello\r\n0\r\n\r\n",
    "minus nothing": "-0\r\n\r\n",
    "0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "h": "5h\r\nhello\r\n0\r\n\r\n",
    "an underscore": "0_5\r\nhello\r\n0\r\n\r\n",
    "a point": "5.0\r\nhello\r\n0\r\n\r\n",
    "a comma": "5,5\r\nhello\r\n0\r\n\r\n",
    "quotes": '"5"\r\nhello\r\n0\r\n\r\n',
    "obs-text": "\xb5\r\nhello\r\n0\r\n\r\n",
    "a NUL": "5\0\r\nhello\r\n0\r\n\r\n",
    "a letter that is no digit": "g\r\nhello\r\n0\r\n\r\n",
    "nothing": "\r\nhello\r\n0\r\n\r\n",
    "only an extension": ";a=b\r\nhello\r\n0\r\n\r\n",
    "a space before": " 5\r\nhello\r\n0\r\n\r\n",
    "a space before the last": "5\r\nhello\r\n 0\r\n\r\n",
    "a space behind": "5 \r\nhello\r\n0\r\n\r\n",
    "a tab behind": "5\t\r\nhello\r\n0\r\n\r\n",
    "a vertical tab behind": "5\x0b\r\nhello\r\n0\r\n\r\n",
    "two numbers": "5 5\r\nhello\r\n0\r\n\r\n",
    "a LF": "5\nhello\r\n0\r\n\r\n",
    "a CR": "5\rhello\r\n0\r\n\r\n",
    "CR CR LF": "5\r\r\nhello\r\n0\r\n\r\n",
    "LF CR": "5\n\rhello\r\n0\r\n\r\n",
    "2^63": "8000000000000000\r\nhello\r\n0\r\n\r\n",
    "2^64 - 1, which is -1": "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "2^64, which wraps to 0": "10000000000000000\r\n\r\n",
    "2^64 + 5, which wraps to 5": "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "2^32 digits' worth of zeros": "0" * 3000 + "5\r\nhello\r\n0\r\n\r\n",
}.items():
    broken(f"a chunk's size with {name}", "RFC 9112 §7.1", chunks(body))
for name, body in {
    "a LF for CRLF": "5\r\nhello\n0\r\n\r\n",
    "a CR for CRLF": "5\r\nhello\r0\r\n\r\n",
    "nothing for CRLF": "5\r\nhello0\r\n\r\n",
    "two bytes for CRLF": "5\r\nhelloXX0\r\n\r\n",
    "more than its size": "5\r\nhello, world\r\n0\r\n\r\n",
    "an empty line behind": "5\r\nhello\r\n\r\n0\r\n\r\n",
}.items():
    broken(f"a chunk with {name}", "RFC 9112 §7.1", chunks(body))
for name, body in {
    "a LF": "5;a\nhello\r\n0\r\n\r\n",
    "a LF that hides a chunk": "5;a\nhello\r\n10\r\n\r\nGET /smuggled \r\n0\r\n\r\n",
    "a CR": "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a NUL": "5;a\0\r\nhello\r\n0\r\n\r\n",
    "a quoted LF": '5;a="\n"\r\nhello\r\n0\r\n\r\n',
    "a quoted CRLF": '5;a="\r\nhello"\r\n0\r\n\r\n',
    "no semicolon": "5 a=b\r\nhello\r\n0\r\n\r\n",
}.items():
    broken(f"an extension with {name}", "RFC 9112 §7.1.1", chunks(body))
broken("an endless extension", "RFC 9112 §7.1.1", chunks("5;" + "a" * 17000 + "\r\nhello\r\n0\r\n\r\n"),
       note="the total must be limited: ours is 16 KiB a body")  # fmt: skip
broken("endless small extensions", "RFC 9112 §7.1.1", chunks(("1;" + "a" * 99 + "\r\nx\r\n") * 170 + "0\r\n\r\n"))
for name, body in {
    "a LF": "0\n\r\n",
    "a LF for the empty line": "0\r\n\n",
    "a CR for the empty line": "0\r\n\rX\r\n",
    "garbage": "0garbage\r\n\r\n",
    "a space": "0 \r\n\r\n",
    "a LF in a trailer": "0\r\nX: y\n\r\n",
    "a CR in a trailer": "0\r\nX: y\rZ: 1\r\n\r\n",
    "a NUL in a trailer": "0\r\nX: \0\r\n\r\n",
}.items():
    broken(f"a last chunk with {name}", "RFC 9112 §7.1", chunks(body))

# --- trailers ---------------------------------------------------------------------------------------------------

passed("trailers", "RFC 9112 §7.1.2", chunks("5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n", "Trailer: X-Sum"),
       "Trailer: X-Sum", CHUNKED, method="POST", body="hello", trailers=("X-Sum: 42",))  # fmt: skip
for name in ("Content-Length", "Transfer-Encoding", "Host", "Connection", "Authorization", "Cookie", "Content-Encoding",
             "Trailer", "X-Forwarded-For", "Forwarded", "Expect", "Range", "TE", "Via"):  # fmt: skip
    passed(f"{name} as a trailer", "RFC 9110 §6.5.1", chunks(f"0\r\n{name}: 7\r\nX-Sum: 42\r\n\r\n"), CHUNKED,
           method="POST", trailers=("X-Sum: 42",),
           note="dropped: it would come too late, and some merge it into the head")  # fmt: skip
for name, trailer in {
    "a space before the colon": "X : y",
    "no colon": "XY",
    "an empty name": ": y",
    "a name that is no token": "X(Y): z",
    "a fold": "X: y\r\n z",
    "a request line": "GET /smuggled HTTP/1.1",
}.items():
    broken(f"a trailer with {name}", "RFC 9112 §7.1.2", chunks(f"5\r\nhello\r\n0\r\n{trailer}\r\n\r\n"))
broken("endless trailers", "RFC 9110 §5.4", chunks("0\r\n" + "X: y\r\n" * 1400 + "\r\n"), note="8 KiB are read")
broken("an endless trailer", "RFC 9110 §5.4", chunks("0\r\nX: " + "y" * 9000 + "\r\n\r\n"))

# --- the request line -------------------------------------------------------------------------------------------

passed("an unknown method", "RFC 9110 §9.1", line("BREW / HTTP/1.1"), method="BREW",
       note="a gateway need not know it: the origin answers 501")  # fmt: skip
passed("every character of a token", "RFC 9110 §5.6.2", line("!#$%&'*+-.^_`|~0aZ / HTTP/1.1"),
       method="!#$%&'*+-.^_`|~0aZ")  # fmt: skip
passed("a method in lower case is another one", "RFC 9110 §9.1", line("get / HTTP/1.1"), method="get")
passed("GET with a body", "RFC 9110 §9.3.1", line("GET / HTTP/1.1", "Content-Length: 5", body="hello"),
       "Content-Length: 5", body="hello")  # fmt: skip
passed("GET with chunks", "RFC 9110 §9.3.1", line("GET / HTTP/1.1", CHUNKED, body=HELLO), CHUNKED, body="hello")
passed("HEAD with a body", "RFC 9110 §9.3.2", line("HEAD / HTTP/1.1", "Content-Length: 5", body="hello"),
       "Content-Length: 5", method="HEAD", body="hello")  # fmt: skip
passed("DELETE with a body", "RFC 9110 §9.3.5", line("DELETE / HTTP/1.1", "Content-Length: 5", body="hello"),
       "Content-Length: 5", method="DELETE", body="hello")  # fmt: skip
refused("CONNECT", "RFC 9110 §9.3.6", line("CONNECT test.example:443 HTTP/1.1"), 405, "method-not-allowed",
        note="no tunnel through a reverse proxy; nginx refuses it, too")  # fmt: skip
refused("CONNECT to a path", "RFC 9112 §3.2.3", line("CONNECT / HTTP/1.1"), 405, "method-not-allowed")
refused("CONNECT with a body", "RFC 9110 §9.3.6", line("CONNECT a:1 HTTP/1.1", "Content-Length: 5", body="hello"), 405,
        "method-not-allowed")  # fmt: skip
refused("TRACE", "RFC 9110 §9.3.8", line("TRACE / HTTP/1.1"), 405, "method-not-allowed",
        note="it would show what is added for the origin alone; nginx answers 405, too")  # fmt: skip
refused("TRACE with a body", "RFC 9110 §9.3.8", line("TRACE / HTTP/1.1", "Content-Length: 5", body="hello"), 405,
        "method-not-allowed")  # fmt: skip
for name, start in {
    "two spaces before the target": "GET  / HTTP/1.1",
    "two spaces behind the target": "GET /  HTTP/1.1",
    "a space before the method": " GET / HTTP/1.1",
    "a space behind the version": "GET / HTTP/1.1 ",
    "a tab before the target": "GET\t/ HTTP/1.1",
    "a space in the target": "GET /a b HTTP/1.1",
    "no target": "GET HTTP/1.1",
    "no version": "GET /",
    "an empty version": "GET / ",
    "no method": " / HTTP/1.1",
    "a third word": "GET / HTTP/1.1 x",
    "a method that is no token": "G(T / HTTP/1.1",
    "a method with a colon": "GET: / HTTP/1.1",
    "a method with NUL": "GE\0T / HTTP/1.1",
    "a method of obs-text": "\xc3\xa9 / HTTP/1.1",
    "http in lower case": "GET / http/1.1",
    "Http in mixed case": "GET / Http/1.1",
    "HTTP without a slash": "GET / HTTP1.1",
    "HTTP/1": "GET / HTTP/1",
    "HTTP/1.": "GET / HTTP/1.",
    "HTTP/1.10": "GET / HTTP/1.10",
    "HTTP/1.1x": "GET / HTTP/1.1x",
    "HTTP/+1.1": "GET / HTTP/+1.1",
    "HTTP/1,1": "GET / HTTP/1,1",
    "another protocol": "GET / ICY/1.1",
}.items():
    rule = "RFC 9112 §2.3" if "HTTP/" in name or "in " in name and "case" in name else "RFC 9112 §3"
    refused(f"a request line with {name}", rule, line(start), 400, "bad-request-line")
refused("HTTP/0.9", "RFC 9112 §2.3", "GET /\r\n", 400, "bad-request-line")
for version in ("HTTP/0.9", "HTTP/01.1", "HTTP/2.0", "HTTP/2", "HTTP/3.0", "HTTP/9.9"):
    refused(f"a request in {version}", "RFC 9110 §15.6.6", line(f"GET / {version}"), 505, "bad-version")
refused("almost the preface of HTTP/2", "RFC 9113 §3.4", "PRI * HTTP/2.0\r\n\r\nMS\r\n\r\n", 505, "bad-version")
refused("a TLS handshake", "RFC 9112 §3", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "bad-request-line")
passed("HTTP/1.2", "RFC 9110 §2.5", line("GET / HTTP/1.2"), note="to be read as the highest minor version we know")
passed("HTTP/1.9", "RFC 9110 §2.5", line("GET / HTTP/1.9"))
passed("an empty line before", "RFC 9112 §2.2", "\r\n" + get())
passed("three empty lines before", "RFC 9112 §2.2", "\r\n\r\n\r\n" + get(), note="at least one; nginx takes any number")
refused("five empty lines before", "RFC 9112 §2.2", "\r\n" * 5 + get(), 400, "bad-request-line")
refused("a bare LF before", "RFC 9112 §2.2", "\n" + get(), 400, "bare-line-end")
refused("a bare CR before", "RFC 9112 §2.2", "\r" + get(), 400, "bare-line-end")
refused("a request line that ends in LF", "RFC 9112 §2.2", get().replace("\r\n", "\n", 1), 400, "bare-line-end")
refused("a request line that ends in CR", "RFC 9112 §2.2", get().replace("\r\n", "\r", 1), 400, "bare-line-end")
refused("a request line that ends in CR CR LF", "RFC 9112 §2.2", get().replace("\r\n", "\r\r\n", 1), 400,
        "bare-line-end")  # fmt: skip
refused("a head of LF alone", "RFC 9112 §2.2", get().replace("\r\n", "\n"), 400, "bare-line-end",
        note="may be accepted, as nginx and HAProxy do; strict")  # fmt: skip
refused("a head whose last line is LF", "RFC 9112 §2.2", get()[:-2] + "\n", 400, "bare-line-end")
refused("a head whose last line is CR", "RFC 9112 §2.2", get()[:-2] + "\rX", 400, "bare-line-end")

# --- the target -------------------------------------------------------------------------------------------------

for target, rule in (
    ("/a/b;c=d?e=f&g", "RFC 9112 §3.2.1"),
    ("//evil.example/", "RFC 9112 §3.2.1"),
    ("/a//b", "RFC 9112 §3.2.1"),
    ("/?", "RFC 9112 §3.2.1"),
    ("/?x=%zz", "RFC 9112 §3.2"),
    ("/a/../b/./c", "RFC 9112 §3.2"),
    ("/%2e%2e/%2E%2e%2fetc", "RFC 9110 §4.2.3"),
    ("/%2f%5c", "RFC 9110 §4.2.3"),
    ("/%0d%0aX:%20y", "RFC 9110 §4.2.3"),
    ("/http://evil.example/", "RFC 9112 §3.2.1"),
    ("/@evil.example", "RFC 9112 §3.2.1"),
    ("/*", "RFC 9112 §3.2.1"),
):
    passed(f"the target {target}", rule, get(target=target), target=target,
           note="routed by what it means, sent on as it came")  # fmt: skip
passed("characters that browsers leave", "RFC 9112 §3.2", get(target="/?{a}|^`\"<>[]\\"), target="/?{a}|^`\"<>[]\\",
       note="should be refused or redirected; passed, as nginx and HAProxy do, for they bring no line to an end")  # fmt: skip
for name, target in {
    "a fragment": "/a#b",
    "only a fragment": "/#",
    "NUL": "/a\0b",
    "a control": "/a\x01b",
    "a tab": "/a\tb",
    "DEL": "/a\x7fb",
    "obs-text": "/\xc3\xa4",
    "an encoded NUL": "/a%00b",
    "half an escape": "/a%2",
    "an escape of no digits": "/a%zz",
    "no slash": "a",
    "an empty scheme": "://a/",
    "a query alone": "?a",
    "two stars": "**",
    "a star on GET": "*",
    "authority-form on GET": "test.example:80",
    "an unknown scheme": "ftp://test.example/",
    "a scheme without authority": "http:/a",
    "an empty authority": "http:///a",
    "a port alone": "http://:80/",
    "userinfo": "http://user@test.example/",
    "userinfo and password": "http://test.example:80@evil.example/",
    "a port of letters": "http://test.example:http/",
    "a port above 65535": "http://test.example:65536/",
    "a fragment behind the authority": "http://test.example#/",
    "a backslash in the authority": "http://test.example\\@evil.example/",
}.items():
    rule = {
        "a star on GET": "RFC 9112 §3.2.4",
        "authority-form on GET": "RFC 9112 §3.2.3",
        "userinfo": "RFC 9110 §4.2.4",
        "userinfo and password": "RFC 9110 §4.2.4",
        "an empty authority": "RFC 9110 §4.2.1",
        "a port alone": "RFC 9110 §4.2.1",
    }.get(name, "RFC 9112 §3.2")
    refused(f"a target with {name}", rule, get(target=target), 400, "bad-target")
refused("a target with CR", "RFC 9112 §2.2", get(target="/a\rb"), 400, "bad-request-line")
refused("a target with LF", "RFC 9112 §2.2", get(target="/a\nb"), 400, "bare-line-end")
passed("absolute-form", "RFC 9112 §3.2.2", get(target="http://test.example/a?b"), target="/a?b")
passed("absolute-form without a path", "RFC 9112 §3.2.1", get(target="http://test.example"), target="/")
passed("absolute-form with a query alone", "RFC 9112 §3.2.1", get(target="http://test.example?q"), target="/?q")
passed("absolute-form in upper case", "RFC 9110 §4.2.3", get(target="HTTP://TEST.example/"), host="TEST.example")
passed("absolute-form with another Host", "RFC 9112 §3.2.2", get(target="http://other.example:81/"),
       host="other.example:81", note="Host is to be ignored, and replaced on its way")  # fmt: skip
passed("absolute-form in HTTP/1.0", "RFC 9112 §3.2.2", "GET http://other.example/ HTTP/1.0\r\n\r\n",
       host="other.example", stays=False, via="1.0 sluice")  # fmt: skip
refused("absolute-form without Host", "RFC 9112 §3.2", host(target="http://test.example/"), 400, "host-missing")
refused("absolute-form with two Hosts", "RFC 9112 §3.2", get("Host: evil.example", target="http://test.example/"), 400,
        "host-repeated")  # fmt: skip
refused("absolute-form of https in the clear", "RFC 9110 §7.4", get(target="https://test.example/"), 421,
        "wrong-scheme", note="must be refused unless a trusted gateway says it")  # fmt: skip
answered("OPTIONS *", "RFC 9110 §9.3.7", line("OPTIONS * HTTP/1.1"), 204, note="asks about the server, which is us")
answered("OPTIONS in absolute-form", "RFC 9112 §3.2.4", line("OPTIONS http://test.example HTTP/1.1"), 204)
answered("OPTIONS without hops to go", "RFC 9110 §7.6.2", line("OPTIONS / HTTP/1.1", "Max-Forwards: 0"), 204)
passed("OPTIONS with hops to go", "RFC 9110 §7.6.2", line("OPTIONS / HTTP/1.1", "Max-Forwards: 7"), "Max-Forwards: 6",
       method="OPTIONS")  # fmt: skip

# --- Host -------------------------------------------------------------------------------------------------------

refused("no Host", "RFC 9112 §3.2", host(), 400, "host-missing")
refused("two Hosts", "RFC 9112 §3.2", host("Host: test.example", "Host: evil.example"), 400, "host-repeated")
refused("two equal Hosts", "RFC 9112 §3.2", host("Host: test.example", "host: test.example"), 400, "host-repeated")
refused("two Hosts in HTTP/1.0", "RFC 9112 §3.2", host("Host: a", "Host: b", version="HTTP/1.0"), 400, "host-repeated")
refused("Host in a fold", "RFC 9112 §5.2", host("Host: a", " b"), 400, "folded-line")
refused("Host with a space before the colon", "RFC 9112 §5.1", host("Host : test.example"), 400, "bad-field-line")
refused("a second Host with a space before", "RFC 9112 §2.2", "GET / HTTP/1.1\r\n Host: evil\r\nHost: a\r\n\r\n", 400,
        "folded-line")  # fmt: skip
for value, what in (
    ("", "nothing"),
    ("user@test.example", "userinfo"),
    ("http://test.example", "a scheme"),
    ("test.example/", "a slash"),
    ("test.example\\evil", "a backslash"),
    ("test.example?a", "a query"),
    ("test.example#a", "a fragment"),
    ("test.example:8a", "a port of letters"),
    ("test.example:-1", "a negative port"),
    ("test.example:65536", "a port above 65535"),
    ("test.example:80:80", "two ports"),
    ("test.example:@evil", "an @ for a port"),
    (":80", "a port alone"),
    ("a, b", "a list with a space"),
    ("a b", "a space"),
    ("a\tb", "a tab"),
    ("[::1", "half a bracket"),
    ("[::1]evil", "something behind the bracket"),
    ("::1", "IPv6 without brackets"),
    ("[gg::]", "a wrong IPv6"),
    ("t\xe9st.example", "obs-text"),
    ("test.example%", "half an escape"),
    ('"test.example"', "quotes"),
    ("<test.example>", "angles"),
):
    refused(f"Host with {what}", "RFC 9112 §3.2", host(f"Host: {value}"), 400, "bad-host")
refused("Host with NUL", "RFC 9110 §5.5", host("Host: a\0b"), 400, "bad-field-value")
passed("Host with a comma", "RFC 9110 §7.2", host("Host: a,b"), host="a,b", note="RFC 3986 §3.2.2 allows it in a name")
for value in ("127.0.0.1", "127.0.0.1:8080", "[::1]:80", "TEST.EXAMPLE", "test.example.", "test.example:"):
    passed(f"Host {value}", "RFC 9110 §7.2", host(f"Host: {value}"), host=value)
passed("Host last", "RFC 9110 §5.3", host("X: 1", "Host: test.example"), "X: 1")

# --- field lines ------------------------------------------------------------------------------------------------

for name, field in {
    "a space before the colon": "X : y",
    "a tab before the colon": "X\t: y",
    "a space inside the name": "X Y: z",
    "no colon": "XY",
    "an empty name": ": y",
    "a colon alone": ":",
    "parentheses in the name": "X(Y): z",
    "a slash in the name": "X/Y: z",
    "an @ in the name": "X@Y: z",
    "quotes around the name": '"X": y',
    "NUL in the name": "X\0Y: z",
    "a control in the name": "X\x01: y",
    "DEL in the name": "X\x7f: y",
    "obs-text in the name": "X\xc3\xa4: y",
    "a request line": "GET /smuggled HTTP/1.1",
}.items():
    refused(f"a field line with {name}", "RFC 9112 §5.1", get(field), 400, "bad-field-line")
for name, char in {"NUL": "\0", "a control": "\x01", "a vertical tab": "\x0b", "a form feed": "\x0c", "escape": "\x1b",
                   "backspace": "\b", "DEL": "\x7f"}.items():  # fmt: skip
    refused(f"a value with {name}", "RFC 9110 §5.5", get(f"X: a{char}b"), 400, "bad-field-value",
            note="CR, LF and NUL must be refused or replaced; other controls may be, and are")  # fmt: skip
refused("a value with CR", "RFC 9110 §5.5", get("X: a\rb"), 400, "bare-line-end")
refused("a value with LF", "RFC 9110 §5.5", get("X: a\nb"), 400, "bare-line-end")
refused("a value that ends in CR CR LF", "RFC 9112 §2.2", get("X: a\r"), 400, "bare-line-end")
refused("a value that ends in LF", "RFC 9112 §2.2", get("X: a\nY: b"), 400, "bare-line-end")
refused("a fold with a space", "RFC 9112 §5.2", get("X: a\r\n b"), 400, "folded-line")
refused("a fold with a tab", "RFC 9112 §5.2", get("X: a\r\n\tb"), 400, "folded-line")
refused("a fold of nothing", "RFC 9112 §5.2", get("X: a\r\n "), 400, "folded-line")
refused("a fold before the first field", "RFC 9112 §2.2", "GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 400,
        "folded-line")  # fmt: skip
passed("obs-text in a value", "RFC 9110 §5.5", get("X: \xc3\xa4\xff\x80"), "X: \xc3\xa4\xff\x80")
passed("tabs and spaces in a value", "RFC 9110 §5.5", get("X:  \t a \t b\t "), "X: a \t b")
passed("an empty value", "RFC 9110 §5.5", get("X:", "Y: "), "X: ", "Y: ")
passed("colons in a value", "RFC 9112 §5.1", get("X:y:z: a"), "X: y:z: a")
passed("the same field twice", "RFC 9110 §5.3", get("X: 1", "Y: 2", "X: 3"), "X: 1", "Y: 2", "X: 3")
passed("every character of a name", "RFC 9110 §5.6.2", get("!#$%&'*+-.^_`|~0aZ: 1"), "!#$%&'*+-.^_`|~0aZ: 1")
passed("a value of separators", "RFC 9110 §5.5", get('X: ,;="()<>@[]{}\\?/'), 'X: ,;="()<>@[]{}\\?/')

# --- hop by hop -------------------------------------------------------------------------------------------------

passed("the fields of one hop end here", "RFC 9110 §7.6.1",
       get("Connection: keep-alive", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "TE: gzip",
           "Upgrade: websocket", "X: 1"), "X: 1")  # fmt: skip
passed("what Connection names ends here", "RFC 9110 §7.6.1", get("Connection: X-Mine, cookie", "X-Mine: 1", "Cookie: c",
       "X: 1"), "X: 1")  # fmt: skip
passed("Connection with empty elements", "RFC 9110 §5.6.1.2", get("Connection: ,, X-Mine ,", "X-Mine: 1"))
passed("Connection that names what is not there", "RFC 9110 §7.6.1", get("Connection: X-Nothing", "X: 1"), "X: 1")
passed("Connection: Authorization", "RFC 9110 §7.6.1", get("Connection: Authorization", "Authorization: Basic eA=="),
       note="must be removed; who asks for it asks without it")  # fmt: skip
passed("Connection: Content-Length", "RFC 9110 §7.6.1",
       post("Connection: Content-Length", "Content-Length: 5", body="hello"), "Content-Length: 5", method="POST",
       body="hello", note="a field for all recipients must not be named: framing can't be named away")  # fmt: skip
passed("Connection: Transfer-Encoding", "RFC 9110 §7.6.1", chunks(HELLO, "Connection: Transfer-Encoding"), CHUNKED,
       method="POST", body="hello")  # fmt: skip
passed("Connection: Host", "RFC 9110 §7.6.1", get("Connection: Host"))
passed("Connection: Via", "RFC 9110 §7.6.3", get("Connection: Via", "Via: 1.0 edge"), via="1.0 edge, 1.1 sluice")
for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded"):
    passed(f"Connection: {name}", "RFC 9110 §7.6.1", get(f"Connection: close, {name}", f"{name}: 6.6.6.6"), stays=False,
           note="what we say of the client can't be named away")  # fmt: skip
for name in ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded",
             "x_forwarded_for", "X-Forwarded_Host", "X_FORWARDED_PROTO"):  # fmt: skip
    passed(f"a forged {name}", "RFC 7239 §8.1" if name == "Forwarded" else "RFC 9110 §17.1", get(f"{name}: 6.6.6.6"),
           note="a client that is not trusted says nothing of the kind; CGI reads _ as -")  # fmt: skip
passed("Proxy-Authorization", "RFC 9110 §11.7.2", get("Proxy-Authorization: Basic eA=="))
passed("h2c", "RFC 9113 §3.1", get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"),
       note="a tunnel that speaks HTTP would see no rule of ours; the token is obsolete")  # fmt: skip
passed("h2c among others", "RFC 9110 §7.8", get("Connection: Upgrade", "Upgrade: websocket, H2C"))
passed("an upgrade that is answered by 200", "RFC 9110 §7.8", get("Connection: Upgrade", "Upgrade: websocket"),
       "Connection: upgrade", "Upgrade: websocket", note="what is pipelined behind it stays a request")  # fmt: skip
passed("an upgrade with a body", "RFC 9110 §7.8",
       post("Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5", body="hello"), "Content-Length: 5",
       method="POST", body="hello", note="an upgrade may be ignored; with a body it is")  # fmt: skip
passed("an upgrade in HTTP/1.0", "RFC 9110 §7.8",
       "GET / HTTP/1.0\r\nHost: test.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", stays=False,
       via="1.0 sluice")  # fmt: skip
passed("TE: trailers", "RFC 9110 §10.1.4", get("TE: trailers", "Connection: TE"), "Connection: TE", "TE: trailers")
passed("a chain of Via", "RFC 9110 §7.6.3", get("Via: 1.0 a", "Via: 1.1 b"), via="1.0 a, 1.1 b, 1.1 sluice")

# --- Expect -----------------------------------------------------------------------------------------------------

passed("Expect: 100-continue", "RFC 9110 §10.1.1", post("Expect: 100-continue", "Content-Length: 5", body="hello"),
       "Content-Length: 5", "Expect: 100-continue", method="POST", body="hello")  # fmt: skip
passed("Expect in another case, with chunks", "RFC 9110 §10.1.1", chunks(HELLO, "eXPECT: 100-Continue"), CHUNKED,
       "Expect: 100-continue", method="POST", body="hello")  # fmt: skip
passed("Expect twice in a list", "RFC 9110 §10.1.1",
       post("Expect: 100-continue, ,100-continue", "Content-Length: 5", body="hello"), "Content-Length: 5",
       "Expect: 100-continue", method="POST", body="hello")  # fmt: skip
passed("an empty Expect", "RFC 9110 §5.6.1.2", get("Expect:"))
passed("Expect without a body", "RFC 9110 §10.1.1", get("Expect: 100-continue"),
       note="nothing to wait for: it ends here")  # fmt: skip
passed("Expect with a length of 0", "RFC 9110 §10.1.1", post("Expect: 100-continue", "Content-Length: 0"),
       "Content-Length: 0", method="POST")  # fmt: skip
passed("Expect in HTTP/1.0", "RFC 9110 §10.1.1",
       line("POST / HTTP/1.0", "Expect: 100-continue", "Content-Length: 5", body="hello"), "Content-Length: 5",
       method="POST", body="hello", stays=False, via="1.0 sluice")  # fmt: skip
for value in ("200-ok", "100-continue, other", "100-continued", "y 100-continue", '"100-continue"', "100-continue;a=b"):
    refused(f"Expect: {value}", "RFC 9110 §10.1.1", post(f"Expect: {value}", "Content-Length: 5", body="hello"), 417,
            "unknown-expectation", note="may be refused, and is: nobody behind us need know it")  # fmt: skip
refused("Expect with both framings", "RFC 9112 §6.3 item 3",
        post("Expect: 100-continue", "Content-Length: 5", CHUNKED, body=HELLO), 400, "length-and-coding")  # fmt: skip

# --- connections ------------------------------------------------------------------------------------------------

passed("Connection: close", "RFC 9112 §9.6", get("Connection: close"), stays=False)
passed("Connection: close among others", "RFC 9112 §9.6", get("Connection: x", "Connection: ,CLOSE ,y"), stays=False)
passed("close and keep-alive", "RFC 9112 §9.3", get("Connection: keep-alive, close"), stays=False)
passed("Connection: closed", "RFC 9112 §9.3", get("Connection: closed"), note="another word")
passed("HTTP/1.0", "RFC 9112 §9.3", "GET / HTTP/1.0\r\nHost: test.example\r\n\r\n", stays=False, via="1.0 sluice")
passed("HTTP/1.0 without Host", "RFC 9112 §3.2", "GET / HTTP/1.0\r\n\r\n", host=None, stays=False, via="1.0 sluice",
       note="goes on as HTTP/1.1 with the upstream's name")  # fmt: skip
passed("HTTP/1.0 that is kept", "RFC 9112 §9.3",
       "GET / HTTP/1.0\r\nHost: test.example\r\nConnection: Keep-Alive\r\n\r\n", via="1.0 sluice")  # fmt: skip
passed("HTTP/1.0 with a body, kept", "RFC 9112 §9.3",
       line("POST / HTTP/1.0", "Connection: keep-alive", "Content-Length: 5", body="hello"), "Content-Length: 5",
       method="POST", body="hello", via="1.0 sluice")  # fmt: skip
passed("an empty line behind a body", "RFC 9112 §2.2", post("Content-Length: 5", body="hello") + "\r\n",
       "Content-Length: 5", method="POST", body="hello", note="old user agents send it")  # fmt: skip

# --- too much ---------------------------------------------------------------------------------------------------

refused("a long target", "RFC 9110 §15.5.15", get(target="/" + "a" * 1024), 414, "target-too-long")
refused("an endless target", "RFC 9110 §15.5.15", "GET /" + "a" * 9000, 414, "target-too-long")
refused("a long absolute-form", "RFC 9110 §15.5.15", get(target="http://" + "a" * 1020), 414, "target-too-long")
passed("a target at the limit", "RFC 9112 §3", get(target="/" + "a" * 1023), target="/" + "a" * 1023)
refused("an endless method", "RFC 9112 §3", "A" * 5000, 431, "head-too-large",
        note="501 would need its end to be read")  # fmt: skip
refused("a long field", "RFC 6585 §5", get("X: " + "a" * 4096), 431, "head-too-large")
refused("an endless field name", "RFC 6585 §5", get("X" * 5000), 431, "head-too-large")
refused("endless white space before a value", "RFC 6585 §5", get("X:" + " " * 5000 + "y"), 431, "head-too-large")
refused("a large head of small fields", "RFC 6585 §5", get(*(f"X-{n}: {'y' * 40}" for n in range(100))), 431,
        "head-too-large")  # fmt: skip
refused("too many fields", "RFC 6585 §5", get(*["X: y"] * 200), 431, "too-many-fields")
passed("many fields", "RFC 9110 §5.4", get(*["X: y"] * 120), *["X: y"] * 120)
passed("a large field", "RFC 9110 §5.4", get("X: " + "a" * 3900), "X: " + "a" * 3900)
passed("a body at the limit", "RFC 9110 §15.5.14", post("Content-Length: 65536", body="a" * 65536),
       "Content-Length: 65536", method="POST", body="a" * 65536)  # fmt: skip
refused("a length above the limit", "RFC 9110 §15.5.14", post("Content-Length: 65537"), 413, "body-too-large",
        end="client-body-too-large")  # fmt: skip
refused("a length far above the limit", "RFC 9110 §15.5.14", post("Content-Length: 9223372036854775807"), 413,
        "body-too-large", end="client-body-too-large")  # fmt: skip
broken("chunks above the limit", "RFC 9110 §15.5.14", chunks("10001\r\n" + "a" * 65537 + "\r\n0\r\n\r\n"), 413,
       "body-too-large", end="client-body-too-large")  # fmt: skip
broken("many chunks above the limit", "RFC 9110 §15.5.14",
       chunks(("400\r\n" + "a" * 1024 + "\r\n") * 65 + "0\r\n\r\n"), 413,
       "body-too-large", end="client-body-too-large")  # fmt: skip
