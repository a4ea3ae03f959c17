"""What a connection costs in the process's own memory, whatever the body's size."""

import resource
import socket
import unittest

from harness import Case, Connection, until
from sluice import sanitized

KIB, MIB = 1024, 1024 * 1024


class Memory(Case):
    def setUp(self):
        if sanitized():
            self.skip("a sanitizer's memory is not the program's")

    def descriptors(self, wanted):
        """Skips, by name and with the reason, where this machine can't hold so many connections."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skip(f"needs {wanted} descriptors, RLIMIT_NOFILE is {hard}")
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def connect(self, count):
        found = []
        self.addCleanup(lambda: [connection.close() for connection in found])
        for _ in range(count):
            found.append(Connection(self.port, receive_buffer=4 * KIB))
        return found

    def test_8000_idle_connections_cost_less_than_a_kibibyte_each(self):
        self.descriptors(8000 + 500)
        raw = self.origin()
        sluice = self.proxy([raw.port], timeouts={"keep_alive": "120s"})

        def visit(connections):
            """Each has had a request, so each is a kept connection and not merely an accepted one."""
            for connection in connections:
                self.assertEqual(connection.get("/length/100").status, 200)

        visit(self.connect(200))  # what is paid once
        before = sluice.rss_anon()
        visit(self.connect(8000))
        until(lambda: sluice.counter("clients") >= 8200, "all are open")
        self.assertLessEqual(sluice.counter("buffers_in_use"), 1)
        each = (sluice.rss_anon() - before) / 8000
        print(f"{each:.0f} bytes for each idle connection")
        self.assertLess(each, KIB)

    def test_500_slow_readers_cost_less_than_6_kibibytes_each(self):
        self.descriptors(520 * 4 + 200)  # two sockets and a pipe each, on Sluice's side
        nginx = self.nginx(sparse={"large": 100 * MIB})
        sluice = self.proxy([nginx.port])

        def ask(connections):
            for connection in connections:
                connection.send("GET /large HTTP/1.1\r\nHost: test.example\r\n\r\n")
            for connection in connections:
                self.assertEqual(connection.read_head().status, 200)

        ask(self.connect(20))
        before = sluice.rss_anon()
        readers = self.connect(500)
        ask(readers)
        for _ in range(5):  # they read, but slowly
            for reader in readers:
                reader.read_some(2 * KIB)
        each = (sluice.rss_anon() - before) / 500
        print(f"{each:.0f} bytes for each slow reader")
        if self.portable:
            # Copying needs a buffer where splicing needs a pipe: bounded by limits.relay_buffer.
            self.assertLess(each, 80 * KIB)
        else:
            self.assertLess(each, 6 * KIB)
        for reader in readers:
            reader.socket.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    unittest.main()
