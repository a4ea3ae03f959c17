"""The forced-path matrix with clients over TLS that OpenSSL encrypts: whatever befalls a body, one way carries it."""

import unittest

import matrix
import test_matrix
from certificates import Authority
from ends import ClientSide
from waiting import free_port


def others(all_, *names):
    return [one for one in all_ if one.name not in names]


class Matrix(test_matrix.Matrix):
    # Of half-closed connections Python's ssl knows nothing, and a tunnel's client ends its own side first.
    kinds = others(matrix.KINDS, "upgrade")
    conditions = [
        condition
        for condition in others(matrix.CONDITIONS, "client-half-closes", "origin-half-closes")
        if condition.pipes == "plenty"
    ]
    paths = [matrix.ORACLE, "auto"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority()
        cls.addClassCleanup(cls.authority.remove)
        cls.certificate = cls.authority.certificate()

    def http_config(self, servers, **more):
        self.tls_port = free_port()
        certificate = {"certificate": self.certificate.file, "key": self.certificate.key}
        listener = {"listen": f"127.0.0.1:{self.tls_port}", "tls": {"certificates": [certificate]}}
        return super().http_config(servers, more_listeners=[listener], **more)

    def client(self):
        return ClientSide(self.tls_port, self.root, tls=self.authority.client())

    def assert_true(self, cell, outcome):
        # The want of a close_notify tells what over plain TCP only a reset can.
        if cell.breaks() and cell.ends()[0] == "reset" and outcome.end == "cut":
            outcome.end = "reset"
        super().assert_true(cell, outcome)

    @staticmethod
    def way(cell, entry):
        if cell.kind.why == "no-body" and cell.kind.play != "upload":
            return "none", "no-body"
        return "buffered", "encrypted"


if __name__ == "__main__":
    unittest.main()
