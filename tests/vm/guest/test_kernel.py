"""What the kernel and OpenSSL do here without Sluice: the ground on which the other tests stand."""

import errno
import os
import socket
import ssl
import tempfile
import unittest

import ktls
import origin
from certificates import Authority
from client import Pattern, get

MIB = 1 << 20


class Module(unittest.TestCase):
    def test_without_the_module_a_socket_is_refused(self):
        ktls.unload()
        client, server = ktls.loopback_pair()
        with client, server, self.assertRaises(OSError) as refused:
            client.setsockopt(socket.IPPROTO_TCP, ktls.TCP_ULP, b"tls")
        self.assertEqual(refused.exception.errno, errno.ENOENT)

    def test_the_kernel_encrypts_and_decrypts_what_sendfile_and_splice_carry(self):
        ktls.load()
        sender, receiver = ktls.secured_pair()
        data = os.urandom(8192)
        with sender, receiver, tempfile.TemporaryFile() as file:
            file.write(data)
            file.flush()
            self.assertEqual(os.sendfile(sender.fileno(), file.fileno(), 0, len(data)), len(data))
            self.assertEqual(receiver.recv(len(data), socket.MSG_WAITALL), data)
            read_end, write_end = os.pipe()
            os.write(write_end, data)
            self.assertEqual(os.splice(read_end, sender.fileno(), len(data)), len(data))
            self.assertEqual(receiver.recv(len(data), socket.MSG_WAITALL), data)
            os.close(read_end)
            os.close(write_end)


class Nginx(unittest.TestCase):
    """A program that is known to use it."""

    def test_nginx_sends_files_by_it(self):
        ktls.load()
        authority = Authority()
        self.addCleanup(authority.remove)
        nginx = origin.Nginx({"data": MIB}, tls=authority.certificate(), more="ssl_conf_command Options KTLS;")
        self.addCleanup(nginx.stop)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            with self.subTest(version=version.name):
                before = ktls.counters()["TlsTxSw"]
                response = get(nginx.port, "/data", expected=Pattern.at, tls=authority.client(version=version))
                self.assertEqual((response.body.size, response.body.wrong_at, response.cut), (MIB, None, False))
                self.assertEqual(ktls.counters()["TlsTxSw"] - before, 1)
