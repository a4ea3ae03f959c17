"""Other parsers read what Sluice sends: each request that it accepts is, to Node and to nginx, that one request.

Whatever two parsers on one path understand differently is how requests are smuggled. So each re-serialised request is
followed by another one on the same connection, and both must be met where they begin.
"""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness import Case, Connection  # noqa: E402  # pylint: disable=wrong-import-position

BUILD = HERE.parents[1] / "build"
RESERIALISE = os.environ.get("RESERIALISE_BIN") or str(BUILD / "fuzz" / "reserialise")
SEED = int(os.environ.get("FUZZ_SEED") or 1)
RUNS = int(os.environ.get("FUZZ_RUNS") or 30000)
NEXT = "GET /next HTTP/1.1\r\nHost: next.example\r\n\r\n"

# What a strict server refuses though the grammar allows it; each rule says whether a request falls under it.
NODE_METHODS = set(
    "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY"
    " OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK"
    " UNLOCK UNSUBSCRIBE".split()
)

NODE_REFUSES = {
    "a method that is not in its list": lambda r: r["method"] not in NODE_METHODS,
}


def repeats(request, names):
    told = [name.lower() for name, _ in request["fields"] if name.lower() in names]
    return len(set(told)) < len(told)


def host(request):
    return request["fields"][0][1]


NGINX_ONCE = set(
    "authorization content-range content-type if-match if-modified-since if-none-match if-range if-unmodified-since"
    " range referer te upgrade user-agent".split()
)
NGINX_REFUSES = {
    "a method of other than capitals, _ and -": lambda r: r["method"].strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != "",
    # It decodes the path to find a file: a broken escape, a NUL, or more ".." than there are folders.
    "a path that can't be decoded": lambda r: "%" in r["target"].split("?")[0] or ".." in r["target"],
    "an asterisk as the target": lambda r: r["target"] == "*",
    "a field twice that it wants once": lambda r: repeats(r, NGINX_ONCE),
    "a host that is no DNS name": lambda r: set("%[]!$&'()*+,;=~") & set(host(r)) or ".." in host(r),
}


def falls_under(rules, request):
    return [rule for rule, matches in rules.items() if matches(request)]


class Node:
    """Node's HTTP server, telling what it understood."""

    def __init__(self):
        script = HERE.parent / "e2e" / "node_parser.js"
        self.process = subprocess.Popen(["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.stdin.close()  # it ends with it
        self.process.wait(10)
        self.process.stdout.close()


class Conversation:
    """Requests to one port over one connection for as long as it lasts."""

    def __init__(self, port):
        self.port = port
        self._connection = None

    def ask(self, request, view):
        """The answers to `request` and to the one behind it; the second is None when there can be none."""
        if self._connection is None:
            self._connection = Connection(self.port)
        # What follows a request to upgrade is in the other protocol, once that is agreed upon.
        upgrade = any(name.lower() == "upgrade" for name, _ in view["fields"])
        self._connection.send(request, "" if upgrade else NEXT)
        first = self._connection.read_response(view["method"])
        if upgrade or first.status in (400, 501) or (first.get("Connection") or "").lower() == "close":
            self.close()
            return first, None
        return first, self._connection.read_response()

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class SecondParser(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        corpus = BUILD / "fuzz" / "corpus" / "request"  # of run.sh, where it ran
        folders = [HERE / "seeds" / "request"] + ([corpus] if corpus.is_dir() and os.listdir(corpus) else [])
        print(f"FUZZ_RUNS={RUNS} FUZZ_SEED={SEED}, from {', '.join(f.name + '/' for f in folders)}")
        command = [RESERIALISE, "--runs", str(RUNS), "--seed", str(SEED), "--dict", HERE / "request.dict", *folders]
        told = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
        cls.views = [json.loads(line) for line in told.splitlines()]
        cls.accepted = [view for view in cls.views if "refused" not in view]
        cls.node = Node()
        cls.addClassCleanup(cls.node.stop)

    def assert_understood(self, told, view):
        got = {name: told[name] for name in ("method", "target", "fields", "trailers", "body")}
        self.assertEqual(got, {name: view[name] for name in got}, repr(view["sent"]))

    def test_there_is_something_to_ask(self):
        self.assertGreater(len(self.accepted), RUNS // 20)
        self.assertGreater(len({view["refused"] for view in self.views if "refused" in view}), 15)

    def test_node_understands_the_same_request(self):
        conversation = Conversation(self.node.port)
        self.addCleanup(conversation.close)
        refusals = {}
        for view in self.accepted:
            first, second = conversation.ask(view["sent"], view)
            if first.status == 400:
                rules = falls_under(NODE_REFUSES, view)
                self.assertTrue(rules, f"{first.get('X-Code')} for {view['sent']!r}")
                refusals[rules[0]] = refusals.get(rules[0], 0) + 1
                continue
            if view["method"] != "HEAD":
                self.assert_understood(json.loads(bytes(first.body.kept)), view)
            if second is not None:
                self.assertEqual(json.loads(second.text)["target"], "/next", repr(view["sent"]))
        print(f"node: {len(self.accepted)} requests; refused by its own rules: {refusals}")

    def test_nginx_takes_each_for_one_request(self):
        nginx = self.nginx()
        conversation = Conversation(nginx.port)
        self.addCleanup(conversation.close)
        refusals = {}
        for view in self.accepted:
            first, second = conversation.ask(view["sent"], view)
            if first.status in (400, 501):
                rules = falls_under(NGINX_REFUSES, view)
                self.assertTrue(rules, f"{first.status} for {view['sent']!r}")
                refusals[rules[0]] = refusals.get(rules[0], 0) + 1
                continue
            if second is not None:
                self.assertEqual(second.status, 404, repr(view["sent"]))
        print(f"nginx: {len(self.accepted)} requests; refused by its own rules: {refusals}")

    def test_the_program_sends_what_the_codec_writes(self):
        """The same bytes through Sluice itself; Node is the upstream."""
        self.proxy([self.node.port])
        through = Conversation(self.port)
        self.addCleanup(through.close)
        for view in self.accepted[:600]:
            # "*" asks Sluice itself, as /status does here; a request without a host gets the upstream's.
            ours = view["target"] == "*" or view["target"].startswith("/status") or host(view) == "upstream"
            if ours or falls_under(NODE_REFUSES, view):
                continue
            with self.subTest(input=view["input"]):
                first, second = through.ask(view["input"], view)
                self.assertEqual(first.status, 200)
                if view["method"] != "HEAD":
                    self.assert_understood(json.loads(bytes(first.body.kept)), view)
                if second is not None:
                    self.assertEqual(json.loads(second.text)["target"], "/next")

    def test_the_program_refuses_what_the_codec_refuses(self):
        self.proxy([self.node.port])
        judged = [view for view in self.views if view.get("status", 0) >= 400]
        # What the codec refuses is another protocol to the program: RFC 9113 section 3.4.
        judged = [view for view in judged if not view["input"].startswith("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
        for view in judged[:600]:
            with self.subTest(input=view["input"]), Connection(self.port) as connection:
                connection.send(view["input"])
                self.assertEqual(connection.read_head().status, view["status"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv, verbosity=1)
