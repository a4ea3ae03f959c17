"""gRPC end to end: a real client and a real server (python3-grpcio), and Sluice between them by HTTP/2 on both sides."""

import signal
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

from certificates import Authority
from harness import LONGEST_WAIT, Case, free_port

try:
    import grpc
except ImportError:
    grpc = None

LARGE = 3_000_000  # below gRPC's own limit of 4 MiB a message


class Service:
    """A server whose methods take and give bytes. `release` lets the streams go on that wait for it."""

    def __init__(self):
        self.port = free_port()
        self.release = threading.Semaphore(0)
        self.held = threading.Event()
        self.cancelled = threading.Event()
        self.metadata = None
        handlers = {
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "Count": grpc.unary_stream_rpc_method_handler(self.count),
            "Sum": grpc.stream_unary_rpc_method_handler(self.sum),
            "Talk": grpc.stream_stream_rpc_method_handler(self.talk),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "Hold": grpc.unary_unary_rpc_method_handler(self.hold),
        }
        self._server = grpc.server(ThreadPoolExecutor(64), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Service", handlers)])
        self._server.add_insecure_port(f"127.0.0.1:{self.port}")
        self._server.start()

    def stop(self):
        self._server.stop(0).wait()

    def echo(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last", "2"), ("x-raw-bin", b"\0\xff")))
        return request

    def count(self, request, context):
        """Each number waits to be asked for."""
        for number in range(int(request)):
            if not self.release.acquire(timeout=LONGEST_WAIT):
                return
            yield b"%d" % number

    def sum(self, requests, context):
        return b"%d" % sum(len(request) for request in requests)

    def talk(self, requests, context):
        for request in requests:
            yield b"re: " + request

    def fail(self, request, context):
        """Nothing but trailers."""
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "verboten: 100 % für dich")

    def fail_late(self, request, context):
        yield b"one"
        context.abort(grpc.StatusCode.DATA_LOSS, "lost")

    def hold(self, request, context):
        """Until the client gives up."""
        context.add_callback(self.cancelled.set)
        self.held.set()
        self.cancelled.wait(LONGEST_WAIT)
        return b""


class Calls:
    """What is the same however the client comes in; `self.channel` leads through Sluice."""

    def setUp(self):
        if grpc is None:
            self.skip("no gRPC for Python here (package python3-grpcio)")
        self.service = Service()
        self.addCleanup(self.service.stop)
        self.sluice = self.start_proxy({"servers": [f"127.0.0.1:{self.service.port}"], "protocol": "h2"})
        self.addCleanup(self.channel.close)

    def method(self, name, kind="unary_unary"):
        return getattr(self.channel, kind)(f"/test.Service/{name}")

    def finish(self):
        self.channel.close()
        self.sluice.assert_nothing_left()

    def test_unary(self):
        call = self.method("Echo")
        for size in (0, 1, 1000, 65536, LARGE):
            message = bytes(range(251)) * (size // 251 + 1)
            self.assertEqual(call(message[:size], timeout=LONGEST_WAIT), message[:size])
        response, told = call.with_call(b"x", metadata=(("x-asked", "yes"), ("x-bin", b"\1\2")), timeout=LONGEST_WAIT)
        self.assertEqual(response, b"x")
        self.assertEqual(dict(told.initial_metadata())["x-first"], "1")
        self.assertEqual({**dict(told.trailing_metadata())}, {"x-last": "2", "x-raw-bin": b"\0\xff"})
        self.assertEqual(self.service.metadata["x-asked"], "yes")
        self.assertEqual(self.service.metadata["x-bin"], b"\1\2")
        self.finish()

    def test_server_streaming(self):
        """Each message arrives when it is sent, not when the stream ends."""
        call = self.method("Count", "unary_stream")(b"20", timeout=LONGEST_WAIT)
        for number in range(20):
            self.service.release.release()
            self.assertEqual(next(call), b"%d" % number)
        self.assertEqual(list(call), [])
        self.assertEqual(call.code(), grpc.StatusCode.OK)
        self.finish()

    def test_client_streaming(self):
        call = self.method("Sum", "stream_unary")
        self.assertEqual(call(iter([b"a" * 100_000] * 50), timeout=LONGEST_WAIT), b"5000000")
        self.assertEqual(call(iter([]), timeout=LONGEST_WAIT), b"0")
        self.finish()

    def test_bidirectional(self):
        """A question waits for the answer to the last one: neither direction may hold anything back."""
        answered = threading.Semaphore(1)

        def questions():
            for number in range(200):
                if not answered.acquire(timeout=LONGEST_WAIT):
                    return
                yield b"%d" % number

        call = self.method("Talk", "stream_stream")(questions(), timeout=LONGEST_WAIT)
        for number in range(200):
            self.assertEqual(next(call), b"re: %d" % number)
            answered.release()
        self.assertEqual(list(call), [])
        self.finish()

    def test_errors(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.method("Fail")(b"", timeout=LONGEST_WAIT)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.PERMISSION_DENIED)
        self.assertEqual(caught.exception.details(), "verboten: 100 % für dich")

        call = self.method("FailLate", "unary_stream")(b"", timeout=LONGEST_WAIT)
        self.assertEqual(next(call), b"one")
        with self.assertRaises(grpc.RpcError) as caught:
            next(call)
        self.assertEqual((caught.exception.code(), caught.exception.details()), (grpc.StatusCode.DATA_LOSS, "lost"))

        with self.assertRaises(grpc.RpcError) as caught:
            self.method("Unknown")(b"", timeout=LONGEST_WAIT)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.finish()

    def test_deadline(self):
        """The server hears that nobody waits any longer."""
        with self.assertRaises(grpc.RpcError) as caught:
            self.method("Hold")(b"", timeout=0.5)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(self.service.cancelled.wait(LONGEST_WAIT))
        self.finish()

    def test_cancellation(self):
        """Of one of two calls on the same connections: the other goes on."""
        other = self.method("Count", "unary_stream")(b"2", timeout=LONGEST_WAIT)
        self.service.release.release()
        self.assertEqual(next(other), b"0")
        call = self.method("Talk", "stream_stream")(iter(lambda: self.service.cancelled.wait(0.01) or b"x", True))
        self.assertEqual(next(call), b"re: x")
        held = self.method("Hold").future(b"")
        self.assertTrue(self.service.held.wait(LONGEST_WAIT))
        call.cancel()
        held.cancel()
        self.assertTrue(self.service.cancelled.wait(LONGEST_WAIT))
        self.service.release.release()
        self.assertEqual(list(other), [b"1"])
        self.finish()

    def test_many_at_once(self):
        call = self.method("Echo")
        futures = [call.future(b"%d" % n * 1000, timeout=LONGEST_WAIT) for n in range(300)]
        for n, future in enumerate(futures):
            self.assertEqual(future.result(), b"%d" % n * 1000)
        self.finish()

    def test_a_server_that_is_gone(self):
        self.service.stop()
        with self.assertRaises(grpc.RpcError) as caught:
            self.method("Echo")(b"x", timeout=LONGEST_WAIT)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.finish()

    def test_drain(self):
        """A call that runs when Sluice shall end goes on to its own end."""
        call = self.method("Count", "unary_stream")(b"3", timeout=LONGEST_WAIT)
        self.service.release.release()
        self.assertEqual(next(call), b"0")
        self.sluice.signal(signal.SIGTERM)
        self.sluice.wait_for_stderr("drain|stopping")
        for _ in range(2):
            self.service.release.release()
        self.assertEqual(list(call), [b"1", b"2"])
        self.assertEqual(call.code(), grpc.StatusCode.OK)
        self.assertEqual(self.sluice.wait_for_exit(), 0)


class PriorKnowledge(Calls, Case):
    def start_proxy(self, upstream):
        sluice = self.proxy(upstream)
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        return sluice


class OverTls(Calls, Case):
    def start_proxy(self, upstream):
        authority = Authority()
        self.addCleanup(authority.remove)
        certificate = authority.certificate()
        tls_port = free_port()
        tls = {"certificates": [{"certificate": certificate.file, "key": certificate.key}]}
        sluice = self.proxy(upstream, more_listeners=[{"listen": f"127.0.0.1:{tls_port}", "tls": tls}])
        with open(authority.file, "rb") as file:
            trusted = grpc.ssl_channel_credentials(file.read())
        self.channel = grpc.secure_channel(f"127.0.0.1:{tls_port}", trusted)
        return sluice


if __name__ == "__main__":
    unittest.main()
