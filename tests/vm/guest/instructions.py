"""What Sluice's processor time is in this machine, for bench/kernel_tls.py.

qemu's -icount lets the machine's clock go one nanosecond for each instruction, so a process's time is the number of
instructions that it, and the kernel for it, executed.
"""

import json
import os
import ssl
import subprocess
import time

from client import Connection
from secured import KIB, MIB, Secured
from sluice import BINARY

ROUNDS = {16 * KIB: 64, MIB: 8, 32 * MIB: 1}  # size -> how many


class Instructions(Secured):
    def cpu(self, sluice):
        """clock_getcpuclockid(3) of another process."""
        return time.clock_gettime_ns((~sluice.process.pid << 3) | 2)

    def count(self, sluice, context, target, size, rounds):
        request = f"GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n"
        with Connection(self.tls_port if context else self.port, tls=context) as connection:
            for round_ in range(rounds + 1):
                if round_ == 1:  # the first one warms up
                    before = self.cpu(sluice)
                connection.send(request)
                response = connection.read_response()
                self.assertEqual((response.status, response.body.size, response.cut), (200, size, False))
            return (self.cpu(sluice) - before) / rounds

    def test_count(self):
        program = subprocess.run([BINARY, "version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
        print(f"\nabout {program}, {ssl.OPENSSL_VERSION}, Linux {os.uname().release}, emulated by qemu", flush=True)
        tls = {"plain": None, "user": "off", "kernel": "auto"}
        for kind, mode in tls.items():
            sluice = self.secured(ktls=mode or "off")
            context = self.authority.client() if mode else None
            for size, rounds in ROUNDS.items():
                for handler, target in (("files", self.file(size)), ("proxy", f"/length/{size}")):
                    spent = self.count(sluice, context, target, size, rounds)
                    cell = {"tls": kind, "handler": handler, "size": size, "instructions": spent}
                    print("\ncell " + json.dumps(cell), flush=True)
