"""The clients of a soak: threads that visit Sluice in every way there is, compare every byte, and tell how it went."""

import hashlib
import json
import random
import threading
import time
import traceback
from dataclasses import asdict, dataclass, field

from client import READ, Connection, Cut, Pattern
from stage import FILES, GROUPS, KIB, MIB, PATHS

OLD_DATE = "Sun, 06 Nov 1994 08:49:37 GMT"


@dataclass
class Visit:
    kind: str
    key: str  # finds its line in the access log: the User-Agent, or the client's IP for TCP
    began: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    outcome: str = "well"  # well, left, asked, cut, status, lost; wrong and hung are never explained
    detail: str = ""
    endings: list = ()  # outcome "asked": those that the fault may have
    until_close: bool = False  # only the connection's end tells that the stream is over
    size: int = 0  # body bytes that were compared, in both directions


@dataclass
class Wanted:
    """A request and what has to come back."""

    kind: str
    target: str
    size: int
    fields: tuple = ()
    method: str = "GET"
    status: int = 200
    offset: int = 0
    until_close: bool = False
    endings: tuple = ()  # a fault asked of the origin: the body may end early

    @property
    def expected(self):
        if self.target == "/own":
            return lambda at, size: b"own"[at : at + size]
        return lambda at, size: Pattern.at(self.offset + at, size)


class Left(Exception):
    """The client has had enough."""


class Moody(Connection):
    """Reads slowly until some time, or leaves after some bytes."""

    most, pause, slow_until, leave_after = READ, 0.0, 0.0, None

    def read_some(self, most=READ):
        if not self._rest and time.monotonic() < self.slow_until:
            time.sleep(self.pause)
        data = super().read_some(min(most or READ, self.most))
        if self.leave_after is not None:
            self.leave_after -= len(data)
            if self.leave_after <= 0:
                raise Left
        return data


class Client(threading.Thread):
    def __init__(self, stage, name, seed, end, take):
        super().__init__(name=name, daemon=True)
        self.stage, self.end, self.take = stage, end, take
        self.random = random.Random(seed)
        self.visits = 0

    def run(self):
        kinds = {
            self.session: 50, self.pipeline: 12, self.slow_reader: 4, self.http10: 5, self.leave: 12, self.upload: 22,
            self.upload_and_leave: 4, self.upgrade: 6, self.tcp: 8, self.origin_fails: 6, self.bad_request: 2,
        }  # fmt: skip
        while time.monotonic() < self.end:
            visit = self.random.choices(list(kinds), list(kinds.values()))[0]
            try:
                visit()
            except Exception:  # pylint: disable=broad-except
                self.tell(Visit(visit.__name__, "?", outcome="wrong", detail=traceback.format_exc()))
            time.sleep(self.random.expovariate(1 / 0.004))

    # --- bookkeeping -----------------------------------------------------------------------------------------

    def visit(self, kind, **more):
        self.visits += 1
        return Visit(kind, f"{self.name}-{self.visits}", **more)

    def tell(self, visit, outcome=None, detail=""):
        visit.ended = time.monotonic()
        if outcome is not None:
            visit.outcome, visit.detail = outcome, detail
        self.take(visit)
        if outcome in ("cut", "status", "lost"):
            time.sleep(0.1)  # or a server that is gone would get most of the visits

    def tell_broken(self, visit, failure):
        """No whole answer came."""
        if isinstance(failure, Left):
            self.tell(visit, "left")
        elif isinstance(failure, TimeoutError):
            self.tell(visit, "hung", repr(failure))
        else:
            self.tell(visit, "lost", repr(failure))

    def chance(self, of):
        return self.random.random() < of

    def size(self, most=10 * MIB):
        """Small ones often, large ones now and then, and the edges."""
        if self.chance(0.1):
            return self.random.choice([0, 1, 4096, 8 * KIB - 1, 8 * KIB, 16 * KIB, 64 * KIB, 64 * KIB + 1])
        return min(most, int(2 ** self.random.uniform(0, 23.4)))

    # --- what is asked for -----------------------------------------------------------------------------------

    def wanted(self):
        return self.random.choices(
            [self.by_length, self.by_chunks, self.by_close, self.page, self.file, self.own], [6, 6, 2, 6, 6, 1]
        )[0]()

    def scripted(self):
        return f"/{self.random.choice(PATHS)}/{self.random.choice(['lone', 'twins'])}"

    def by_length(self):
        size = self.size()
        if self.chance(0.1):
            return Wanted("HEAD", f"{self.scripted()}/length/{size}", 0, method="HEAD")
        return Wanted("length", f"{self.scripted()}/length/{size}", size)

    def by_chunks(self):
        size = self.size()
        chunk = max(int(2 ** self.random.uniform(5, 18)), size // 2000, 1)
        return Wanted("chunked", f"{self.scripted()}/chunked/{size}/{chunk}", size)

    def by_close(self):
        size = self.size()
        kind = self.random.choice(["close", "close10"])
        return Wanted("until close", f"{self.scripted()}/{kind}/{size}", size, until_close=True)

    def page(self):
        return self._file(f"/{self.random.choice(PATHS)}/pages/", "nginx")

    def file(self):
        if self.chance(0.05):
            return Wanted("file: 404", f"/{self.random.choice(PATHS)}/files/nowhere", 0, status=404)
        return self._file(f"/{self.random.choice(PATHS)}/files/", "file")

    def _file(self, prefix, kind):
        name = self.random.choice(list(FILES))
        size, target = FILES[name], prefix + name
        way = self.random.choice(["whole", "whole", "range", "HEAD", "304"])
        if way == "range" and size > 1:
            first = self.random.randrange(size)
            last = self.random.randrange(first, size)
            return Wanted(
                f"{kind}: range", target, last - first + 1, (f"Range: bytes={first}-{last}",), status=206, offset=first
            )
        if way == "HEAD":
            return Wanted(f"{kind}: HEAD", target, 0, method="HEAD")
        if way == "304":
            return Wanted(f"{kind}: 304", target, 0, ("If-None-Match: *",), status=304)
        return Wanted(f"{kind}: whole", target, size, (f"If-Modified-Since: {OLD_DATE}",))

    def own(self):
        return Wanted("own answer", "/own", 3)

    # --- one request and its response ------------------------------------------------------------------------

    def head(self, wanted, visit, version="1.1"):
        fields = "".join(f"{f}\r\n" for f in (f"User-Agent: {visit.key}", *wanted.fields))
        return f"{wanted.method} {wanted.target} HTTP/{version}\r\nHost: test.example\r\n{fields}\r\n"

    def begin(self, wanted):
        return self.visit(wanted.kind, endings=list(wanted.endings), until_close=wanted.until_close)

    def read(self, connection, wanted, visit):
        """Reads and judges the answer. True: the connection can be used again."""
        try:
            response = connection.read_response(wanted.method, wanted.expected)
        except (Left, OSError, Cut) as failure:
            self.tell_broken(visit, failure)
            return False
        body = response.body
        visit.size = body.size
        what = f"{wanted.method} {wanted.target} {wanted.fields}: {response.status}, {body.size} of {wanted.size} bytes"
        if response.status != wanted.status:
            known = "asked" if wanted.endings else "status" if response.status in (502, 503, 504) else "wrong"
            self.tell(visit, known, what)
        elif wanted.status == 404:
            self.tell(visit)
        elif body.wrong_at is not None or body.size > wanted.size:
            self.tell(visit, "wrong", f"{what}; the first wrong one at {body.wrong_at}")
        elif response.cut:
            self.tell(visit, "asked" if wanted.endings else "cut", what)
        elif body.size < wanted.size or wanted.endings:
            self.tell(visit, "cut" if wanted.until_close else "wrong", f"{what}; it looked whole")
        else:
            self.tell(visit)
        return not response.cut and (response.get("Connection") or "").lower() != "close"

    def ask(self, connection, wanted):
        visit = self.begin(wanted)
        try:
            connection.send(self.head(wanted, visit))
        except OSError as failure:
            self.tell_broken(visit, failure)
            return False
        return self.read(connection, wanted, visit)

    # --- the kinds of visits ---------------------------------------------------------------------------------

    def session(self):
        """Some requests on one connection."""
        with Connection(self.stage.port) as connection:
            for _ in range(self.random.randint(1, 10)):
                if time.monotonic() > self.end or not self.ask(connection, self.wanted()):
                    return

    def pipeline(self):
        """All requests at once, then all responses in order."""
        wanted = [self.wanted() for _ in range(self.random.randint(2, 6))]
        visits = [self.begin(each) for each in wanted]
        with Connection(self.stage.port) as connection:
            connection.send("".join(self.head(*each) for each in zip(wanted, visits)))
            for each, visit in zip(wanted, visits):
                if not self.read(connection, each, visit):
                    return  # those behind a cut were never begun

    def slow_reader(self):
        """Not too slow with a large body. Sluice sees no progress before a third of its send buffer is free again, and
        on loopback the kernel lets that grow to 4 MB."""
        with Moody(self.stage.port, receive_buffer=16 * KIB) as connection:
            connection.most = self.random.choice([2 * KIB, 16 * KIB])
            connection.pause = self.random.uniform(0.001, 0.02)
            connection.slow_until = min(self.end, time.monotonic() + 5)
            if self.chance(0.3):
                wanted = Wanted("trickle", f"{self.scripted()}/trickle/{self.size(MIB)}", 0)
                wanted.size = int(wanted.target.rpartition("/")[2])
            else:
                wanted = self.wanted()
            if wanted.size > MIB:
                connection.most, connection.pause = 16 * KIB, 0.002
            wanted.kind = "slow reader"
            self.ask(connection, wanted)

    def http10(self):
        wanted = self.wanted()
        wanted.kind += ", HTTP/1.0"
        visit = self.begin(wanted)
        with Connection(self.stage.port) as connection:
            connection.send(self.head(wanted, visit, "1.0"))
            self.read(connection, wanted, visit)

    def leave(self):
        """The client goes at some point, with FIN or RST."""
        wanted = self.wanted()
        visit = self.begin(wanted)
        visit.kind = "client leaves"
        head = self.head(wanted, visit)
        with Moody(self.stage.port, receive_buffer=self.random.choice([None, 16 * KIB])) as connection:
            if self.chance(0.2):
                connection.send(head[: self.random.randrange(len(head))])
                self.tell(visit, "left")
            else:
                connection.send(head)
                connection.leave_after = self.random.randint(0, wanted.size + 200)
                if connection.leave_after == 0:
                    self.tell(visit, "left")
                else:
                    self.read(connection, wanted, visit)
            if self.chance(0.5):
                connection.reset()

    def upload(self):
        group = self.scripted()
        size = self.size()
        begin = self.random.randrange(1 << 20)
        data = Pattern.at(begin, size)
        visit = self.visit("upload: length")
        head = f"POST {group}/hash HTTP/1.1\r\nHost: test.example\r\nUser-Agent: {visit.key}\r\n"
        pieces = self.pieces(data)
        if self.chance(0.5):
            visit.kind = "upload: chunked"
            head += "Transfer-Encoding: chunked\r\n"
            pieces = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
        else:
            head += f"Content-Length: {size}\r\n"
        expects = size > 0 and self.chance(0.1)
        slow = not expects and self.chance(0.1)
        if expects:
            head += "Expect: 100-continue\r\n"
        with Connection(self.stage.port) as connection:
            response = None
            try:
                connection.send(head + "\r\n")
                if expects and connection.read_head().status != 100:
                    self.tell(visit, "status", "no 100")
                    return
                for n, piece in enumerate(pieces):
                    connection.send(piece)
                    if slow and n < 30:
                        time.sleep(0.02)
            except (OSError, Cut) as failure:
                # Sluice may have answered before it had all; if the answer is lost with the RST, so be it.
                broken = failure
            else:
                broken = None
            try:
                response = connection.read_response()
            except (OSError, Cut) as failure:
                self.tell_broken(visit, broken or failure)
                return
        if response.status != 200:
            self.tell(visit, "status" if response.status in (502, 503, 504) else "wrong", f"{response.status}")
        elif response.cut:
            self.tell(visit, "cut", "the answer to an upload")
        else:
            visit.size = size
            told = json.loads(response.text)
            right = (told["size"], told["sha256"]) == (size, hashlib.sha256(data).hexdigest())
            self.tell(visit, None if right else "wrong", f"{visit.kind} of {size}: {told}")

    def pieces(self, data):
        """In pieces of a size that is chosen anew each time; not too many."""
        most = max(int(2 ** self.random.uniform(5, 18)), len(data) // 1000, 1)
        return [data[at : at + most] for at in range(0, len(data), most)]

    def upload_and_leave(self):
        visit = self.visit("client leaves an upload")
        size = self.size() + 1
        with Connection(self.stage.port) as connection:
            connection.send(f"POST {self.scripted()}/hash HTTP/1.1\r\nHost: test.example\r\nUser-Agent: {visit.key}\r\n")
            try:
                if self.chance(0.5):
                    connection.send(f"Content-Length: {size}\r\n\r\n")
                else:
                    connection.send(f"Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n")
                connection.send(Pattern.at(0, self.random.randrange(size)))
            except OSError:
                pass  # the server went first
            if self.chance(0.5):
                connection.reset()
            self.tell(visit, "left")

    def converse(self, connection, visit):
        """Some words, each of which has to come back. Raises what ends it early."""
        for _ in range(self.random.randint(1, 8)):
            size = self.size(2 * MIB)
            data = Pattern.at(self.random.randrange(1 << 20), size)
            sender = threading.Thread(target=self._send, args=(connection, data), daemon=True)
            sender.start()
            try:
                at = 0
                while at < size:
                    got = connection.read_some(size - at)
                    if not got:
                        raise Cut(f"{at} of {size} bytes came back")
                    if got != data[at : at + len(got)]:
                        raise AssertionError(f"wrong bytes from {at} of {size}")
                    at += len(got)
                    visit.size += 2 * len(got)
            finally:
                connection.stop_sending = True
                sender.join()
                connection.stop_sending = False

    @staticmethod
    def _send(connection, data):
        try:
            for at in range(0, len(data), 64 * KIB):
                if getattr(connection, "stop_sending", False):
                    return
                connection.send(data[at : at + 64 * KIB])
        except OSError:
            pass  # the reader sees it too

    def upgrade(self):
        visit = self.visit("upgrade", until_close=True)
        with Moody(self.stage.port) as connection:
            connection.send(
                f"GET {self.scripted()}/up HTTP/1.1\r\nHost: test.example\r\nUser-Agent: {visit.key}\r\n"
                "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            )
            try:
                head = connection.read_head()
                if head.status != 101:
                    self.tell(visit, "status" if head.status in (502, 503, 504) else "wrong", f"{head.status}")
                    return
                connection.read_until(b"welcome")
                self.run_tunnel(connection, visit, b"bye")
            except (Left, OSError, Cut) as failure:
                self.tell_broken(visit, failure)

    def tcp(self):
        visit = self.visit("tcp", until_close=True)
        # An address of its own, since nothing else tells whose line it is. connect() may meet the reset already.
        visit.key = f"127.{self.random.randint(1, 254)}.{self.random.randint(1, 254)}.{self.random.randint(1, 254)}"
        try:
            with Moody(self.stage.tcp_port, source=visit.key) as connection:
                self.run_tunnel(connection, visit, b"")
        except (Left, OSError, Cut) as failure:
            self.tell_broken(visit, failure)

    def run_tunnel(self, connection, visit, last_word):
        if self.chance(0.15):
            connection.leave_after = self.random.randint(1, MIB)
        try:
            self.converse(connection, visit)
            connection.leave_after = None
            connection.finish()
            rest = b""
            while data := connection.read_some():
                rest += data
        except AssertionError as failure:
            self.tell(visit, "wrong", str(failure))
            return
        except Left:
            if self.chance(0.5):
                connection.reset()
            raise
        if rest == last_word:
            self.tell(visit)
        else:
            self.tell(visit, "cut" if last_word.startswith(rest) else "wrong", f"it ended with {rest!r}")

    def origin_fails(self):
        size = self.size() + 1000
        at = self.random.randrange(size)
        wanted = self.random.choice([
            Wanted("origin resets", f"/reset/{size}/{at}", size, endings=("upstream-cut",)),
            Wanted("origin ends early", f"/short/{size}/{at}", size, endings=("upstream-cut",)),
            Wanted("origin says nothing", "/nothing", 0, endings=("upstream-gone",)),
            Wanted("origin talks garbage", "/garbage", 0, endings=("upstream-head-invalid",)),
        ])  # fmt: skip
        if wanted.size:
            # RST destroys what the proxy has not read yet; with it perhaps the head.
            wanted.endings += ("upstream-gone",)
        wanted.target = f"/{self.random.choice(PATHS)}/lone{wanted.target}"
        with Connection(self.stage.port) as connection:
            self.ask(connection, wanted)

    def bad_request(self):
        visit = self.visit("bad request")
        with Connection(self.stage.port) as connection:
            connection.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            try:
                response = connection.read_response()
            except (OSError, Cut) as failure:
                self.tell_broken(visit, failure)
                return
            self.tell(visit, None if response.status == 400 else "wrong", f"{response.status}")


def run_clients(stage, name, threads, seed, end, pipe):
    """A process of clients. Tells a list of [visits by kind, failed visits] now and then, and None at the end."""
    lock = threading.Lock()
    counts, failed = {}, []

    def take(visit):
        with lock:
            count = counts.setdefault(visit.kind, [0, 0])
            count[0] += 1
            count[1] += visit.size
            if visit.outcome != "well":
                failed.append(asdict(visit))

    clients = [Client(stage, f"{name}.{n}", f"{seed}.{name}.{n}", end, take) for n in range(threads)]
    for client in clients:
        client.start()
    while True:
        alive = any(client.is_alive() for client in clients)
        with lock:
            pipe.send((dict(counts), list(failed)))
            counts.clear()
            failed.clear()
        if not alive:
            break
        time.sleep(0.2)
    pipe.send(None)


assert set(GROUPS) == {"lone", "twins", "pages"}  # the targets above name them
