"""HTTP between a client and an origin: connections, framing, forwarding, refusals, retries, upgrades."""

import json
import socket
import threading
import time
import unittest

from harness import Case, Connection, Pattern, chunked, free_port, get, until
from origin import RawOrigin, answer, serving

HOST = "Host: test.example\r\n"


class Keeping(Case):
    """How long connections live."""

    def setUp(self):
        self.raw = self.origin()
        self.sluice = self.proxy([self.raw.port])

    def test_both_connections_are_kept(self):
        with Connection(self.port) as connection:
            for n in range(20):
                self.assert_whole(connection.get(f"/length/{n * 1000}", expected=Pattern.at), n * 1000)
        self.assertEqual(self.raw.accepted, 1)
        self.assertGreaterEqual(self.sluice.counter("upstream_reuses"), 19)
        self.sluice.assert_nothing_left()

    def test_pipelined_requests_are_answered_in_order(self):
        sizes = [0, 10, 100000, 1, 300000, 5]
        requests = "".join(f"GET /length/{size} HTTP/1.1\r\n{HOST}\r\n" for size in sizes)
        with Connection(self.port) as connection:
            connection.send(requests)
            for size in sizes:
                self.assert_whole(connection.read_response(expected=Pattern.at), size)

    def test_a_pipelined_request_behind_a_body_is_the_next_one(self):
        body = Pattern.at(0, 50000)
        cases = [
            (f"Content-Length: {len(body)}\r\n\r\n", body),
            ("Transfer-Encoding: chunked\r\n\r\n", chunked(body, 7000)),
        ]
        for framing, sent in cases:
            with self.subTest(framing=framing), Connection(self.port) as connection:
                connection.send(f"POST /hash HTTP/1.1\r\n{HOST}{framing}", sent, f"GET /length/7 HTTP/1.1\r\n{HOST}\r\n")
                self.assertEqual(json.loads(connection.read_response().text)["size"], len(body))
                self.assert_whole(connection.read_response(expected=Pattern.at), 7)

    def test_a_head_may_come_byte_by_byte(self):
        with Connection(self.port) as connection:
            for byte in f"GET /length/5 HTTP/1.1\r\n{HOST}\r\n":
                connection.send(byte)
                time.sleep(0.001)
            self.assert_whole(connection.read_response(expected=Pattern.at), 5)

    def test_connection_close_is_obeyed(self):
        with Connection(self.port) as connection:
            response = connection.get("/length/10", "Connection: close", expected=Pattern.at)
            self.assert_whole(response, 10)
            self.assertEqual(response.get("Connection"), "close")
            self.assertTrue(connection.at_end())

    def test_a_client_that_said_close_is_not_waited_for(self):
        self.proxy([self.raw.port], timeouts={"linger": "10m"})
        for version, fields in (("1.1", f"{HOST}Connection: close\r\n"), ("1.0", "")):
            with self.subTest(version=version), Connection(self.port) as connection:
                connection.send(f"GET /length/9 HTTP/{version}\r\n{fields}\r\n")
                self.assert_whole(connection.read_response(expected=Pattern.at), 9)
                self.assertTrue(connection.at_end())

                def is_refused():
                    try:
                        return connection.send("x")
                    except (BrokenPipeError, ConnectionResetError):
                        return True

                until(is_refused, "the end of the other side, too")

    def test_what_comes_behind_close_destroys_no_response(self):
        # It is not answered. Were the connection closed with it unread, a reset would overtake the response.
        behind = f"GET /length/3 HTTP/1.1\r\n{HOST}\r\n" * 99
        with Connection(self.port, receive_buffer=4096) as connection:
            connection.send(f"GET /length/3000000 HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n{behind}")
            self.assert_whole(connection.read_response(expected=Pattern.at), 3000000)
            self.assertTrue(connection.at_end())

    def test_http10(self):
        # (fields, whether the connection stays)
        for fields, stays in (("", False), ("Connection: keep-alive\r\n", True)):
            for target in ("/length/70000", "/chunked/70000/1000", "/close/70000"):
                with self.subTest(fields=fields, target=target), Connection(self.port) as connection:
                    connection.send(f"GET {target} HTTP/1.0\r\n{fields}\r\n")
                    response = connection.read_response(expected=Pattern.at)
                    self.assert_whole(response, 70000)
                    self.assertIsNone(response.get("Transfer-Encoding"))
                    if stays and target.startswith("/length"):
                        self.assertEqual(response.get("Connection").lower(), "keep-alive")
                        connection.send("GET /length/3 HTTP/1.0\r\n\r\n")
                        self.assert_whole(connection.read_response(expected=Pattern.at), 3)
                    self.assertTrue(connection.at_end())

    def test_an_idle_connection_is_closed_in_time(self):
        self.port = None
        self.proxy([self.raw.port], timeouts={"keep_alive": "300ms"})
        with Connection(self.port) as connection:
            connection.get("/length/1")
            began = time.monotonic()
            self.assertTrue(connection.at_end())
            self.assertGreater(time.monotonic() - began, 0.25)
            self.assertLess(time.monotonic() - began, 2)

    def test_wrong_origin_bytes_after_a_response_never_reach_a_client(self):
        """Bytes that nobody asked for, behind a response: the server connection is not used again."""

        def talkative(connection, request):
            answer(connection, "right")
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")

        origin = self.origin({"talkative": talkative})
        self.port = None
        self.proxy([origin.port])
        with Connection(self.port) as connection:
            for _ in range(5):
                self.assertEqual(connection.get("/talkative").text, "right")
                time.sleep(0.05)


class Framing(Case):
    def setUp(self):
        def interim(connection, request):
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
            connection.send("HTTP/1.1 103 Early Hints\r\nLink: </b.css>; rel=preload\r\n\r\n")
            answer(connection, "final")

        def trailers(connection, request):
            connection.send(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                "5\r\nhello\r\n0\r\nX-Sum: 42\r\nContent-Length: 7\r\n\r\n"
            )

        def bare(connection, request):
            """A bodyless answer with fields that would announce one."""
            code = request.target.split("/")[2]
            connection.send(f"HTTP/1.1 {code} Some Reason\r\nETag: \"x\"\r\n\r\n")

        def head(connection, request):
            connection.send("HTTP/1.1 200 OK\r\nContent-Length: 12345\r\n\r\n")

        self.raw = self.origin({f.__name__: f for f in (interim, trailers, bare, head)})
        self.sluice = self.proxy([self.raw.port])

    def test_interim_responses_pass(self):
        response = get(self.port, "/interim")
        self.assertEqual([i.status for i in response.interim], [103, 103])
        self.assertEqual(response.interim[1].get("Link"), "</b.css>; rel=preload")
        self.assertEqual(response.text, "final")

    def test_http10_clients_get_no_interim_response(self):
        with Connection(self.port) as connection:
            connection.send("GET /interim HTTP/1.0\r\n\r\n")
            response = connection.read_response()
            self.assertEqual((response.interim, response.text), ([], "final"))

    def test_100_continue_lets_the_body_come(self):
        with Connection(self.port) as connection:
            connection.send(f"POST /hash HTTP/1.1\r\n{HOST}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(connection.read_head().status, 100)
            connection.send("hello")
            self.assertEqual(json.loads(connection.read_response().text)["size"], 5)

    def test_trailers_pass_and_framing_among_them_does_not(self):
        response = get(self.port, "/trailers", "TE: trailers", "Connection: TE")
        self.assertEqual(response.text, "hello")
        self.assertEqual(response.trailers, [("X-Sum", "42")])

    def test_request_trailers_pass(self):
        with Connection(self.port) as connection:
            connection.send(
                f"POST /hash HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n"
            )
            told = json.loads(connection.read_response().text)
            self.assertEqual((told["size"], told["trailers"]), (5, [["X-Sum", "42"]]))

    def test_bodyless_responses_leave_the_connection_in_step(self):
        with Connection(self.port) as connection:
            head = connection.get("/head", method="HEAD")
            self.assertEqual(head.get("Content-Length"), "12345")
            for code in (204, 304):
                response = connection.get(f"/bare/{code}")
                self.assertEqual((response.status, response.reason), (code, "Some Reason"))
                self.assertIsNone(response.get("Transfer-Encoding"))
            self.assert_whole(connection.get("/length/9", expected=Pattern.at), 9)
        self.assertEqual(self.sluice.log_line("/head")["bytes_out"], 0)

    def test_chunk_extensions_do_not_pass(self):
        with Connection(self.port) as connection:
            connection.send(f"POST /hash HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n")
            connection.send("5;a=b\r\nhello\r\n0;c\r\n\r\n")
            self.assertEqual(json.loads(connection.read_response().text)["size"], 5)


class Forwarding(Case):
    def ask(self, target, *fields, **more):
        """What the origin saw: (request line's target, {lower-case name: value})."""
        told = json.loads(get(self.port, target, *fields, **more).text)
        seen = {}
        for name, value in told["fields"]:
            self.assertNotIn(name.lower(), seen, "sent twice")
            seen[name.lower()] = value
        return told, seen

    def setUp(self):
        self.raw = self.origin()

    def test_hop_by_hop_fields_end_here(self):
        self.proxy([self.raw.port])
        told, seen = self.ask(
            "/hash/a?b=c", "Connection: keep-alive, X-Secret", "X-Secret: 1", "Keep-Alive: timeout=5",
            "Proxy-Authorization: Basic eA==", "Proxy-Connection: keep-alive", "Upgrade: h2c", "X-Kept: 2",
        )  # fmt: skip
        self.assertEqual((told["target"], told["version"]), ("/hash/a?b=c", "HTTP/1.1"))
        gone = {"x-secret", "keep-alive", "proxy-authorization", "proxy-connection", "upgrade"}
        self.assertEqual(gone & set(seen), set())
        self.assertEqual((seen["x-kept"], seen["host"]), ("2", "test.example"))

    def test_the_connection_field_cannot_take_framing_or_forwarding_away(self):
        self.proxy([self.raw.port])
        with Connection(self.port) as connection:
            connection.send(
                f"POST /hash HTTP/1.1\r\n{HOST}Connection: Content-Length, Host, X-Forwarded-For\r\n"
                "Content-Length: 5\r\n\r\nhello"
            )
            told = json.loads(connection.read_response().text)
        self.assertEqual(told["size"], 5)
        self.assertIn("x-forwarded-for", [name.lower() for name, _ in told["fields"]])

    def test_forwarding_fields_are_made_here(self):
        self.proxy([self.raw.port])
        _, seen = self.ask("/hash", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil")
        self.assertEqual(seen["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(seen["x-forwarded-proto"], "http")
        self.assertEqual(seen["x-forwarded-host"], "test.example")
        self.assertRegex(seen["via"], r"^1\.1 \S+$")

    def test_a_trusted_client_is_appended_to(self):
        self.proxy([self.raw.port], trusted=["127.0.0.0/8"])
        _, seen = self.ask("/hash", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "Via: 1.0 edge")
        self.assertEqual(seen["x-forwarded-for"].replace(" ", ""), "6.6.6.6,127.0.0.1")
        self.assertEqual(seen["x-forwarded-proto"], "https")
        self.assertRegex(seen["via"], r"^1\.0 edge, ?1\.1 \S+$")

    def test_absolute_form_names_the_host(self):
        self.proxy([self.raw.port])
        told, seen = self.ask("http://other.example:81/hash?q")
        self.assertEqual((told["target"], seen["host"]), ("/hash?q", "other.example:81"))

    def test_response_fields_pass_and_hop_by_hop_ones_do_not(self):
        def fields(connection, request):
            answer(connection, "x", "X-A: 1", "Set-Cookie: a=1", "Set-Cookie: b=2", "Connection: X-Hop", "X-Hop: 1",
                   "Keep-Alive: timeout=9", "Proxy-Authenticate: Basic")  # fmt: skip

        origin = self.origin({"fields": fields})
        self.proxy([origin.port])
        response = get(self.port, "/fields")
        self.assertEqual([v for n, v in response.fields if n.lower() == "set-cookie"], ["a=1", "b=2"])
        self.assertEqual(response.get("X-A"), "1")
        for name in ("X-Hop", "Keep-Alive", "Proxy-Authenticate"):
            self.assertIsNone(response.get(name), name)
        self.assertIsNotNone(response.get("Date"))

    def test_a_stripped_prefix_and_the_hosts_choose_the_route(self):
        other = self.origin({"hash": lambda c, r: answer(c, "other")})
        config = self.http_config([self.raw.port])
        config["upstreams"]["other"] = [f"127.0.0.1:{other.port}"]
        config["routes"].insert(1, {"path": "/api", "proxy": "app", "strip_prefix": True})
        config["routes"].insert(1, {"host": "*.other.example", "path": "/", "proxy": "other"})
        self.start(config)
        self.assertEqual(self.ask("/api/hash/x?y")[0]["target"], "/hash/x?y")
        with Connection(self.port) as connection:
            connection.send("GET /hash HTTP/1.1\r\nHost: a.other.example\r\n\r\n")
            self.assertEqual(connection.read_response().text, "other")

    def test_the_path_goes_upstream_as_it_came(self):
        self.proxy([self.raw.port])
        self.assertEqual(self.ask("/hash/%41%2fb/../c;d?x=%zz")[0]["target"], "/hash/%41%2fb/../c;d?x=%zz")


class Refusals(Case):
    def setUp(self):
        self.raw = self.origin()
        self.sluice = self.proxy([self.raw.port], timeouts={"head": "500ms"}, limits={"body": 1000})

    def refused(self, request, status, why, end="refused"):
        with Connection(self.port) as connection:
            client = "%s:%d" % connection.socket.getsockname()
            connection.send(request)
            response = connection.read_response()
            self.assertEqual(response.status, status)
            connection.finish()  # else the linger waits for us
            self.assertTrue(connection.at_end())
        (entry,) = self.sluice.log_lines(lambda line: line.get("client") == client)
        self.assertEqual((entry["status"], entry["end"]), (status, end), entry)
        if why is not None:
            self.assertEqual(entry.get("why"), why, entry)

    def test_each_refusal_has_its_status_and_reason(self):
        get_ = f"GET / HTTP/1.1\r\n{HOST}"
        post = f"POST /hash HTTP/1.1\r\n{HOST}"
        cases = [
            ("rubbish\r\n\r\n", 400, "bad-request-line"),
            ("GET / HTTP/1.1\r\n\r\n", 400, "host-missing"),
            (f"{get_}{HOST}\r\n", 400, "host-repeated"),
            ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "bad-host"),
            (f"{get_}Bad Name: x\r\n\r\n", 400, "bad-field-line"),
            (f"{get_}X : y\r\n\r\n", 400, "bad-field-line"),
            (f"{get_}X: a\x00b\r\n\r\n", 400, "bad-field-value"),
            (f"{get_}X: a\r\n b\r\n\r\n", 400, "folded-line"),
            ("GET / HTTP/1.1\nHost: a\n\n", 400, "bare-line-end"),
            (f"{post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "length-and-coding"),
            (f"{post}Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400, "repeated-length"),
            (f"{post}Content-Length: +5\r\n\r\n", 400, "bad-length"),
            (f"{post}Content-Length: 5, 5\r\n\r\n", 400, None),
            (f"{post}Transfer-Encoding: gzip, chunked\r\n\r\n", 501, "unknown-coding"),
            (f"{post}Transfer-Encoding: chunked, chunked\r\n\r\n", 400, "bad-coding"),
            ("POST /hash HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "coding-in-http10"),
            (f"{post}Expect: miracles\r\nContent-Length: 1\r\n\r\n", 417, "unknown-expectation"),
            ("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405, "method-not-allowed"),
            ("GET / HTTP/2.5\r\n\r\n", 505, "bad-version"),
            (f"GET /{'a' * 9000} HTTP/1.1\r\n{HOST}\r\n", 414, "target-too-long"),
            (f"{get_}X: {'a' * 17000}\r\n\r\n", 431, "head-too-large"),
            (get_ + "".join(f"X-{n}: 1\r\n" for n in range(200)) + "\r\n", 431, "too-many-fields"),
        ]
        for request, status, why in cases:
            with self.subTest(request=request[:60], why=why):
                self.refused(request, status, why)
        self.sluice.assert_nothing_left()
        self.assertEqual(self.raw.accepted, 0, "a refused request never goes upstream")

    def test_a_body_over_the_limit_is_a_413(self):
        for framing in ("Content-Length: 1001\r\n\r\n", f"Transfer-Encoding: chunked\r\n\r\n3e9\r\n{'a' * 1001}\r\n"):
            with self.subTest(framing=framing[:20]):
                self.refused(f"POST /hash HTTP/1.1\r\n{HOST}{framing}", 413, None, end="client-body-too-large")
        self.sluice.assert_nothing_left()

    def test_a_head_that_does_not_end_is_a_408(self):
        self.refused(f"GET / HTTP/1.1\r\n{HOST}", 408, None, end="client-head-timeout")

    def test_a_smuggled_request_is_not_answered(self):
        with Connection(self.port) as connection:
            connection.send(
                f"POST /hash HTTP/1.1\r\n{HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
                f"0\r\n\r\nGET /length/1 HTTP/1.1\r\n{HOST}\r\n"
            )
            self.assertEqual(connection.read_response().status, 400)
            connection.finish()
            self.assertTrue(connection.at_end())

    def test_no_route_is_a_404(self):
        self.port = None
        config = self.http_config([self.raw.port])
        config["routes"] = config["routes"][:1]
        sluice = self.start(config)
        self.assertEqual(get(self.port, "/nowhere").status, 404)
        self.assertEqual(sluice.log_line("/nowhere")["status"], 404)


class Servers(Case):
    """Which server gets a request, and which failures are mended without the client."""

    def test_a_refused_connection_goes_to_the_next_server(self):
        origin = self.origin()
        sluice = self.proxy([free_port(), origin.port])
        with Connection(self.port) as connection:
            for _ in range(6):
                self.assert_whole(connection.get("/length/10", expected=Pattern.at), 10)
        entry = sluice.log_line("/length/10")
        self.assertEqual(entry["upstream"], f"127.0.0.1:{origin.port}")
        sluice.assert_nothing_left()

    def test_a_server_that_fails_is_marked_down_and_tried_again(self):
        dead = free_port()
        origin = self.origin({"who": lambda c, r: answer(c, "first")})
        sluice = self.proxy({"servers": [f"127.0.0.1:{dead}", f"127.0.0.1:{origin.port}"],
                             "max_fails": 2, "fail_timeout": "500ms"})  # fmt: skip
        for _ in range(8):
            self.assertEqual(get(self.port, "/who").text, "first")
        self.assertGreaterEqual(sluice.counter("server_marked_down"), 1)
        back = RawOrigin(serving({"who": lambda c, r: answer(c, "second")}), port=dead)
        self.addCleanup(back.stop)
        until(lambda: get(self.port, "/who").text == "second", "the server is tried again", every=0.05)

    def test_when_all_servers_are_down_nobody_is_asked(self):
        dead = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        sluice = self.proxy({"servers": dead, "max_fails": 1, "fail_timeout": "10s"})
        self.assertEqual(get(self.port, "/first").status, 502)
        self.assertEqual(sluice.log_line("/first")["end"], "connect-failed")
        self.assertEqual(get(self.port, "/second").status, 503)
        self.assertEqual(sluice.log_line("/second")["end"], "no-server")
        sluice.assert_nothing_left()

    def test_an_only_server_is_always_asked(self):
        """There is nobody to ask instead, and it may be back."""
        sluice = self.proxy({"servers": [f"127.0.0.1:{free_port()}"], "max_fails": 1, "fail_timeout": "10s"})
        for target in ("/first", "/second"):
            self.assertEqual(get(self.port, target).status, 502)
            self.assertEqual(sluice.log_line(target)["end"], "connect-failed")
        sluice.assert_nothing_left()

    def test_a_server_is_found_by_its_name(self):
        origin = self.origin()
        sluice = self.proxy({"servers": [f"localhost:{origin.port}"]})
        self.assert_whole(get(self.port, "/length/10", expected=Pattern.at), 10)
        self.assertIn(sluice.log_line("/length/10")["upstream"], (f"127.0.0.1:{origin.port}", f"[::1]:{origin.port}"))
        sluice.assert_nothing_left()

    def test_a_name_without_address_is_a_503(self):
        # RFC 6761 keeps .invalid free of addresses.
        sluice = self.proxy({"servers": ["nowhere.invalid:80"]}, timeouts={"connect": "15s"}, expected_errors=[".*"])
        self.assertEqual(get(self.port, "/lost").status, 503)
        self.assertEqual(sluice.log_line("/lost")["end"], "no-server")

    def test_a_connect_that_takes_too_long_is_a_504(self):
        """A listener whose queue is full answers no SYN."""
        with socket.socket() as deaf:
            port = free_port()
            deaf.bind(("127.0.0.1", port))
            deaf.listen(0)
            fillers = [socket.socket() for _ in range(4)]
            for filler in fillers:
                self.addCleanup(filler.close)
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            sluice = self.proxy([port], timeouts={"connect": "400ms"})
            self.assertEqual(get(self.port, "/late").status, 504)
            self.assertEqual(sluice.log_line("/late")["end"], "connect-timeout")
            sluice.assert_nothing_left()

    def once_then_gone(self):
        """Serves one request on each connection, then closes it when the next one comes on it."""

        def script(connection):
            connection.read_body(connection.read_request(), lambda data: None)
            answer(connection, f"connection {connection.number}")
            connection.read_request()

        return self.origin(script=script)

    def test_a_stale_pooled_connection_costs_a_get_nothing(self):
        origin = self.once_then_gone()
        sluice = self.proxy([origin.port])
        self.assertEqual(get(self.port, "/one").text, "connection 0")
        self.assertEqual(get(self.port, "/two").text, "connection 1")
        self.assertEqual(sluice.counter("upstream_retries"), 1)
        sluice.assert_nothing_left()

    def test_a_post_is_never_sent_twice(self):
        origin = self.once_then_gone()
        sluice = self.proxy([origin.port])
        get(self.port, "/one")
        with Connection(self.port) as connection:
            connection.send(f"POST /two HTTP/1.1\r\n{HOST}Content-Length: 3\r\n\r\nabc")
            status = connection.read_response().status
        # Either the POST got a connection of its own, or it met the stale one and failed; but only once.
        self.assertLessEqual(sum(r.method == "POST" for r in origin.requests), 1)
        entry = sluice.log_line("/two")
        self.assertEqual((status, entry["end"]), (502, "upstream-gone"))
        sluice.assert_nothing_left()

    def test_a_connection_the_origin_closed_is_not_used(self):
        origin = self.origin()
        sluice = self.proxy([origin.port])
        get(self.port, "/length/1")
        origin.close_connections()
        until(lambda: sluice.counter("upstream_idle") == 0, "the pool notices")
        self.assert_whole(get(self.port, "/length/2", expected=Pattern.at), 2)
        self.assertEqual(sluice.counter("upstream_retries"), 0)


class Early(Case):
    def test_a_response_before_the_body_was_read_is_delivered(self):
        """An origin that refuses an upload: the client gets the answer although its body still flows."""

        def refuse(connection, request):
            answer(connection, "no", "Connection: close", status="403 Forbidden")
            connection.finish()
            time.sleep(0.3)
            return False

        origin = self.origin({"refuse": refuse})
        sluice = self.proxy([origin.port], timeouts={"linger": "1s"})
        for framing in ("Content-Length: 50000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2faf080\r\n"):
            with self.subTest(framing=framing[:20]), Connection(self.port) as connection:
                connection.send(f"POST /refuse HTTP/1.1\r\n{HOST}{framing}")
                stop = threading.Event()

                def pour():
                    try:
                        for _ in range(500):
                            if stop.is_set():
                                break
                            connection.send(b"x" * 100000)
                    except OSError:
                        pass

                thread = threading.Thread(target=pour)
                thread.start()
                response = connection.read_response()
                stop.set()
                thread.join()
                self.assertEqual((response.status, response.text), (403, "no"))
        sluice.assert_nothing_left()


class Upgrades(Case):
    ASK = f"GET /up HTTP/1.1\r\n{HOST}Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"

    @staticmethod
    def up(connection, request):
        if request.get("Upgrade") != "echo" or "upgrade" not in (request.get("Connection") or "").lower():
            answer(connection, "not asked")
            return None
        connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nwelcome")
        while data := connection.read_some():
            connection.send(data)
        connection.send("bye")
        connection.finish()
        return False

    def test_after_101_bytes_flow_both_ways(self):
        for path in ("auto", "buffered", "splice"):
            self.port = None
            origin = self.origin({"up": self.up})
            sluice = self.proxy([origin.port], route={"relay": {"path": path}})
            with self.subTest(path=path), Connection(self.port) as connection:
                connection.send(self.ASK, "early")  # bytes behind the head wait for the 101
                head = connection.read_response()
                self.assertEqual((head.status, head.get("Upgrade")), (101, "echo"))
                self.assertEqual(connection.read_until(b"early"), b"welcomeearly")
                self.assertEqual(sluice.counter("tunnels"), 1)
                for n in (1, 1000, 300000):
                    data = Pattern.at(n, n)
                    threading.Thread(target=connection.send, args=(data,)).start()
                    got = b""
                    while len(got) < n:
                        got += connection.read_some()
                    self.assertEqual(got, data)
                connection.finish()
                self.assertEqual(connection.read_until(b"bye"), b"bye")
                self.assertTrue(connection.at_end())
            self.assertEqual(sluice.log_line("/up")["status"], 101)
            sluice.assert_nothing_left()

    def test_without_101_the_next_request_is_a_request(self):
        origin = self.origin({"up": lambda c, r: answer(c, "no upgrade")})
        sluice = self.proxy([origin.port])
        with Connection(self.port) as connection:
            connection.send(self.ASK, f"GET /length/4 HTTP/1.1\r\n{HOST}\r\n")
            self.assertEqual(connection.read_response().text, "no upgrade")
            self.assert_whole(connection.read_response(expected=Pattern.at), 4)
        sluice.assert_nothing_left()

    def test_a_101_that_nobody_asked_for_is_a_502(self):
        def unasked(connection, request):
            connection.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            connection.wait_for_end()
            return False

        origin = self.origin({"unasked": unasked})
        sluice = self.proxy([origin.port])
        self.assertEqual(get(self.port, "/unasked").status, 502)
        self.assertEqual(sluice.log_line("/unasked")["end"], "upstream-head-invalid")
        sluice.assert_nothing_left()


if __name__ == "__main__":
    unittest.main()
