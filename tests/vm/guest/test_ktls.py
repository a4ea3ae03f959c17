"""Sluice with kernel TLS: what the kernel carries, what it can't, and how each end of a connection looks.

The access log tells the path, and whether the kernel encrypted; `zero_copy` counts the bytes that were never in user
memory. That this is so, and not only told, strace shows.
"""

import hashlib
import json
import os
import re
import signal
import ssl
import subprocess

import matrix
import test_matrix
from client import Connection, Pattern, chunked
from ends import ClientSide
from http2_client import Http2
from secured import KIB, MIB, VERSIONS, Secured
from waiting import until

LARGE = 64 * MIB


class Shapes(Secured):
    """Every kind of body in every size, on one kept connection."""

    def cells(self, size):
        """(target, path, why)"""
        yield self.file(size), *(("sendfile", "file") if size >= 8 * KIB else ("buffered", "small-file"))
        yield f"/length/{size}", *(("splice", "large") if size > 64 * KIB else (None, None))
        yield f"/chunked/{size}/{128 * KIB}", *(("splice", "large-chunk") if size > 64 * KIB else (None, None))

    def fetch(self, sluice, connection, target, size, path, why):
        with self.subTest(target=target):
            self.assert_whole(connection.get(target, expected=Pattern.at), size)
            entry = sluice.log_line(target)
            self.assertEqual((entry["end"], entry.get("ktls")), ("completed", True), entry)
            if path is not None:  # else it depends on how much comes along with the head
                self.assert_way(entry, path, why)
                self.assertEqual(entry["zero_copy"] > 0, path in ("splice", "sendfile"), entry)

    def test_sizes(self):
        sluice = self.secured()
        for version in VERSIONS:
            context = self.authority.client(version=version)
            with self.counting(sluice) as grown, Connection(self.tls_port, tls=context) as connection:
                for size in (1, 8 * KIB - 1, 8 * KIB, 16 * KIB + 1, 100_000, MIB):
                    for target, path, why in self.cells(size):
                        self.fetch(sluice, connection, f"{target}?{version.name}", size, path, why)
            self.assertEqual(grown["ktls_sending"], 1)
        sluice.assert_nothing_left()

    def test_large(self):
        sluice = self.secured()
        with Connection(self.tls_port, tls=self.authority.client()) as connection:
            self.assert_whole(connection.get("/length/100000"), 100000)
            before = sluice.rss_anon()
            for target, path, why in list(self.cells(LARGE))[:2]:  # a file, and one of the proxied ones
                self.fetch(sluice, connection, target, LARGE, path, why)
                self.assertGreater(sluice.log_line(target)["zero_copy"], LARGE - MIB)
            self.assertLess(sluice.rss_anon() - before, 2 * MIB)
        sluice.assert_nothing_left()

    def test_until_close_ends_with_close_notify(self):
        sluice = self.secured()
        for version in VERSIONS:
            with self.subTest(version=version.name):
                target = f"/close/1000000?{version.name}"
                self.assert_whole(self.get(target, context=self.authority.client(version=version)), 1000000)
                self.assert_way(sluice.log_line(target), "splice", "until-close")


def receives_by_kernel(version):
    """OpenSSL 3.0 leaves the receiving side of TLS 1.3 in user memory; from 3.2 on that goes to the kernel, too."""
    return version == ssl.TLSVersion.TLSv1_2 or ssl.OPENSSL_VERSION_INFO >= (3, 2)


class Uploads(Secured):
    def test_uploads(self):
        sluice = self.secured()
        data = Pattern.at(0, 3 * MIB)
        bodies = {
            "length": (f"Content-Length: {len(data)}", data),
            "chunked": ("Transfer-Encoding: chunked", chunked(data, 200_000)),
        }
        for version in VERSIONS:
            context = self.authority.client(version=version)
            for shape, (field, body) in bodies.items():
                target = f"/hash/{shape}/{version.name}"
                with self.subTest(target=target), self.counting(sluice) as grown:
                    with Connection(self.tls_port, tls=context) as connection:
                        connection.send(f"POST {target} HTTP/1.1\r\nHost: test.example\r\n{field}\r\n\r\n", body)
                        response = connection.read_response("POST")
                    self.assertEqual(response.status, 200)
                    self.assert_hashed(response, data)
                    by_kernel = receives_by_kernel(version)
                    self.assertEqual(sluice.log_line(target)["zero_copy"] > 2 * MIB, by_kernel)
                self.assertEqual((grown["ktls_sending"], grown["ktls_receiving"]), (1, 1 if by_kernel else 0))
        sluice.assert_nothing_left()

    def assert_hashed(self, response, data):
        """The origin tells what it got."""
        told = json.loads(response.text)
        self.assertEqual((told["size"], told["sha256"]), (len(data), hashlib.sha256(data).hexdigest()))


class Http2Streams(Secured):
    """DATA frames on a connection in kernel TLS: a frame's head from memory, its payload by sendfile or splice."""

    def assert_body(self, stream, size):
        self.assertEqual((stream.status, stream.ended, stream.reset), (200, True, None), stream)
        self.assertEqual((stream.body.size, stream.body.wrong_at), (size, None))

    def connect(self, version=None):
        return Http2(self.tls_port, tls=self.authority.client(protocols=["h2"], version=version))

    def test_sizes(self):
        sluice = self.secured()
        for version in VERSIONS:
            with self.connect(version) as client:
                for size in (1, 8 * KIB, 100_000, 3 * MIB):
                    cells = [(self.file(size), "sendfile"), (f"/length/{size}", "splice"), (f"/chunked/{size}/{100 * KIB}", "splice")]
                    for target, path in cells:
                        target = f"{target}?{version.name}"
                        with self.subTest(target=target):
                            self.assert_body(client.get(target, expected=Pattern.at), size)
                            entry = sluice.log_line(target)
                            self.assertEqual((entry["protocol"], entry["ktls"]), ("HTTP/2", True), entry)
                            if size == 3 * MIB:
                                self.assertEqual(entry["path"], path, entry)
                                self.assertGreater(entry["zero_copy"], 2 * MIB, entry)
        sluice.assert_nothing_left()

    def test_many_at_a_time(self):
        sluice = self.secured()
        targets = [self.file(MIB), f"/length/{MIB}", f"/chunked/{MIB}/5000", f"/close/{MIB}"] * 3
        with self.connect() as client:
            streams = [client.ask(target, expected=Pattern.at) for target in targets]
            for stream in streams:
                self.assert_body(client.until_over(stream), MIB)
        sluice.assert_nothing_left()

    def test_uploads(self):
        sluice = self.secured()
        data = Pattern.at(0, MIB)
        for version in VERSIONS:
            with self.subTest(version=version.name), self.connect(version) as client:
                stream = client.ask("/hash/up", ("content-length", str(MIB)), method="POST", end=False)
                client.send(stream, data, end=True)
                told = json.loads(client.until_over(stream).text)
                self.assertEqual((told["size"], told["sha256"]), (MIB, hashlib.sha256(data).hexdigest()))
        sluice.assert_nothing_left()

    def test_a_cut_upstream_resets_its_stream_alone(self):
        def cut(connection, request):
            connection.send(f"HTTP/1.1 200 OK\r\nContent-Length: {MIB}\r\n\r\n")
            connection.send_pattern(300_000)
            return False

        sluice = self.secured({"cut": cut})
        with self.connect() as client:
            stream, other = client.ask("/cut", expected=Pattern.at), client.ask(self.file(MIB), expected=Pattern.at)
            client.until_over(stream)
            self.assertEqual((stream.body.wrong_at, stream.ended), (None, False))
            self.assertIsNotNone(stream.reset)
            self.assert_body(client.until_over(other), MIB)
        sluice.assert_nothing_left()


class Calls(Secured):
    """The system calls themselves: payload goes by sendfile and splice, and by nothing else."""

    CALLS = "read,write,readv,writev,recvfrom,recvmsg,sendto,sendmsg,sendfile,splice,pread64,preadv2"

    def traced(self, sluice, work):
        """call -> bytes it moved, on all descriptors, while `work` was done."""
        trace = self.root / "trace"
        tracer = subprocess.Popen(
            ["strace", "-f", "-q", "-e", f"trace={self.CALLS}", "-s", "0", "-o", str(trace), "-p", str(sluice.process.pid)],
            stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            until(lambda: "TracerPid:\t0" not in self.proc_status(sluice), "strace is attached")
            work()
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.communicate(timeout=20)
        moved = {}
        for call, result in re.findall(r"(\w+)(?:\(| resumed).* = (\d+)$", trace.read_text(), re.MULTILINE):
            moved[call] = moved.get(call, 0) + int(result)
        return moved

    @staticmethod
    def proc_status(sluice):
        with open(f"/proc/{sluice.process.pid}/status", encoding="ascii") as status:
            return status.read()

    def test_payload_goes_by_sendfile_and_splice_alone(self):
        sluice = self.secured()
        file = self.file(MIB)
        for call, target in (("sendfile", file), ("splice", f"/length/{MIB}")):
            moved = self.traced(sluice, lambda: self.assert_whole(self.get(target), MIB))
            copied = sum(size for name, size in moved.items() if name not in ("sendfile", "splice"))
            self.assertGreater(moved[call], MIB - 64 * KIB, moved)
            self.assertLess(copied, 160 * KIB, moved)  # the handshake, heads, the log, what came with the head


class Ciphers(Secured):
    def test_those_the_kernel_knows(self):
        sluice = self.secured()
        for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
            with self.subTest(cipher=cipher), self.counting(sluice) as grown:
                target = f"{self.file(MIB)}?{cipher}"
                context = self.authority.client(version=ssl.TLSVersion.TLSv1_2, ciphers=f"ECDHE-ECDSA-{cipher}")
                self.assert_whole(self.get(target, context=context), MIB)
                self.assert_way(sluice.log_line(target), "sendfile", "file")
            self.assertEqual(grown["ktls_sending"], 1, cipher)


class OneCipherLess(Secured):
    modules = ("tls",)

    def test_a_cipher_the_kernel_does_not_know(self):
        sluice = self.secured()
        context = self.authority.client(version=ssl.TLSVersion.TLSv1_2, ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
        with self.counting(sluice) as grown:
            for target in (self.file(MIB), f"/length/{MIB}"):
                self.assert_whole(self.get(target, context=context), MIB)
                entry = sluice.log_line(target)
                self.assert_way(entry, "buffered", "ktls-cipher")
                self.assertEqual(entry["zero_copy"], 0)
        self.assertEqual((grown["ktls_cipher"], grown["ktls_sending"]), (2, 0))
        target = f"{self.file(MIB)}?known"
        self.assert_whole(self.get(target), MIB)
        self.assert_way(sluice.log_line(target), "sendfile", "file")


class NoModule(Secured):
    modules = ()

    def test_without_the_module_all_is_copied_and_says_so(self):
        sluice = self.secured()
        with self.counting(sluice) as grown:
            for version in VERSIONS:
                for target in (self.file(MIB), f"/length/{MIB}", f"/chunked/{MIB}/{128 * KIB}"):
                    target = f"{target}?{version.name}"
                    self.assert_whole(self.get(target, context=self.authority.client(version=version)), MIB)
                    entry = sluice.log_line(target)
                    self.assert_way(entry, "buffered", "ktls-missing")
                    self.assertEqual((entry["zero_copy"], entry.get("ktls")), (0, None))
        self.assertEqual((grown["ktls_missing"], grown["ktls_sending"]), (6, 0))


class Ends(Secured):
    """How a connection ends, and what else comes between records."""

    def test_a_cut_upstream_is_a_cut_without_close_notify(self):
        def cut(connection, request):
            connection.send("HTTP/1.1 200 OK\r\n", "" if "until" in request.target else f"Content-Length: {MIB}\r\n", "\r\n")
            connection.send_pattern(300_000)
            if "until" in request.target:
                connection.reset()
            return False

        sluice = self.secured({"cut": cut})
        for version in VERSIONS:
            for target in (f"/cut/length?{version.name}", f"/cut/until-close?{version.name}"):
                with self.subTest(target=target, version=version.name):
                    self.assert_cut(self.get(target, context=self.authority.client(version=version)))
                    self.assertEqual(sluice.log_line(target)["end"], "upstream-cut")
        sluice.assert_nothing_left()

    def test_the_end_is_said_behind_a_full_buffer(self):
        """close_notify can't be sent while the socket is full: it has to wait for its turn."""
        self.secured()
        for version in VERSIONS:
            context = self.authority.client(version=version)
            for target in ("/close/3000000", f"/length/{3 * MIB}"):
                with self.subTest(target=target, version=version.name):
                    options = {"receive_buffer": 8 * KIB, "mss": 536, "most": 16 * KIB}
                    with Connection(self.tls_port, tls=context, **options) as connection:
                        connection.send(f"GET {target} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n\r\n")
                        response = connection.read_response(expected=Pattern.at)
                        self.assertIsNone(response.body.wrong_at)
                        self.assertFalse(response.cut, f"{response.body.size} bytes")
                        self.assertEqual(connection.read_some(), b"", "close_notify")

    def test_a_key_update(self):
        """s_client sends one for "k", and one that asks for ours for "K", each on a line of its own."""
        sluice = self.secured()
        target = self.file(MIB)
        request = f"GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n".encode()
        told = self.s_client(sluice, b"k\n", request, until_answers=MIB)
        self.assertEqual(told.rpartition(b"\r\n\r\n")[2][:MIB], Pattern.at(0, MIB))
        self.assertEqual((sluice.counter("tls_key_updates"), sluice.counter("ktls_revoked")), (1, 0))
        with self.counting(sluice) as grown:
            self.s_client(sluice, b"K\n", b"")
        self.assertEqual((grown["tls_key_updates"], grown["ktls_revoked"]), (1, 1))
        self.assert_whole(self.get(target), MIB)
        sluice.assert_nothing_left()

    def s_client(self, sluice, command, request, until_answers=0):
        """What it printed until it ended, or until that many bytes of it were there."""
        handshakes, updates = sluice.counter("tls_handshakes"), sluice.counter("tls_key_updates")
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls_port}", "-quiet", "-no_ign_eof", "-tls1_3"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        told = b""
        try:
            until(lambda: sluice.counter("tls_handshakes") > handshakes, "the handshake is done")
            client.stdin.write(command)
            client.stdin.flush()
            until(lambda: sluice.counter("tls_key_updates") > updates, "the key update came")
            client.stdin.write(request)
            client.stdin.flush()
            while len(told) < until_answers and (data := os.read(client.stdout.fileno(), 65536)):
                told += data
            if not until_answers:
                client.wait(20)
        finally:
            client.kill()
            client.communicate()
        return told


def named(all_, *names):
    return [one for one in all_ if one.name in names]


class Matrix(Secured, test_matrix.Matrix):
    """The part of the forced-path matrix that encryption changes anything about."""

    version = ssl.TLSVersion.TLSv1_3
    # Not tunnels: their client ends its own side first, which Python's ssl can't say.
    kinds = named(
        matrix.KINDS, "length", "chunked", "until-close", "until-close-1.0", "upload-length", "upload-chunked", "file"
    )
    conditions = named(matrix.CONDITIONS, "plain", "slow-client", "origin-resets", "client-resets", "early-end")
    paths = [matrix.ORACLE, "auto"]

    def http_config(self, servers, **more):
        return super().http_config(servers, more_listeners=[self.listener()], **more)

    def client(self):
        return ClientSide(self.tls_port, self.root, tls=self.authority.client(version=self.version))

    def ends(self, cell):
        """A body that only the end of its connection delimits is cut by the want of a close_notify."""
        client, origin, log = super().ends(cell)
        return "cut" if client == "reset" else client, origin, log

    def way(self, cell, entry):
        self.assertTrue(entry["ktls"])
        if cell.kind.play == "upload" and not receives_by_kernel(self.version):
            return "buffered", "encrypted"
        return super().way(cell, entry)


class Matrix12(Matrix):
    """TLS 1.2, whose receiving side goes to the kernel with OpenSSL 3.0, too."""

    version = ssl.TLSVersion.TLSv1_2
    kinds = named(matrix.KINDS, "chunked", "file", "upload-length", "upload-chunked")
    conditions = named(matrix.CONDITIONS, "plain", "client-resets", "early-end")
