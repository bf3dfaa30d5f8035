#!/usr/bin/python3
"""What tries to slip past the object door's parser: 400, the connection ends there, nothing is stored, and what stands behind
the request is never taken for another one."""

import os
import socket
import subprocess
import unittest

import harness

PROGRAM = os.path.join(os.path.dirname(harness.SALLYPORT), "door_program")
HOST = b"Host: x\r\n"
PUT = b"PUT /v1/a/c/smuggled HTTP/1.1\r\n" + HOST
GET = b"GET /v1/a/c/known HTTP/1.1\r\n" + HOST
# If the door took this for a request of its own, it would answer a second time.
BEHIND = b"DELETE /v1/a/c/known HTTP/1.1\r\nHost: x\r\n\r\n"

FRAMING = {
    "two lengths": PUT + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "the same length twice": PUT + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    "a list of lengths": PUT + b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": PUT + b"Content-Length: +5\r\n\r\nhello",
    "a length in hexadecimal": PUT + b"Content-Length: 0x5\r\n\r\nhello",
    "a length over 64 bits": PUT + b"Content-Length: 18446744073709551621\r\n\r\nhello",
    "a length and chunks": PUT + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunks and a length": PUT + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunked twice": PUT + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"PUT /v1/a/c/smuggled HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a blank before the colon": PUT + b"Content-Length : 5\r\n\r\nhello",
    "obs-fold": PUT + b"Content-Length: 5\r\nX-Object-Meta-A: b\r\n Transfer-Encoding: chunked\r\n\r\nhello",
    "obs-fold of the first header": b"PUT /v1/a/c/smuggled HTTP/1.1\r\n Host: x\r\nContent-Length: 5\r\n\r\nhello",
    "a bare CR in a header": PUT + b"X-Object-Meta-A: b\rContent-Length: 5\r\n\r\nhello",
    "a bare CR at a line's end": PUT + b"X-Object-Meta-A: b\r\r\nContent-Length: 5\r\n\r\nhello",
    "bare line feeds": b"PUT /v1/a/c/smuggled HTTP/1.1\nHost: x\nContent-Length: 5\n\nhello",
    "NUL in a header": PUT + b"X-Object-Meta-A: b\0c\r\nContent-Length: 5\r\n\r\nhello",
    "no host": b"GET /v1/a/c/known HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "a blank in the target": b"GET /v1/a/c/known x HTTP/1.1\r\n" + HOST + b"\r\n",
}
CHUNKS = {
    "a chunk size that is no number": b"g\r\nhello\r\n0\r\n\r\n",
    "a negative chunk size": b"-5\r\nhello\r\n0\r\n\r\n",
    "a chunk size over 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "a chunk longer than its size": b"3\r\nhello\r\n0\r\n\r\n",
    "a chunk without its end": b"5\r\nhelloX0\r\n\r\n",
    "a bare CR in a chunk extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "a bare line feed after a chunk size": b"5\nhello\r\n0\r\n\r\n",
}
NAMES = {
    "an object": b"/v1/a/c/%FF",
    "an object in raw bytes": b"/v1/a/c/\xff",
    "a container": b"/v1/a/%C3/o",
    "an account": b"/v1/%80/c/o",
    "a surrogate": b"/v1/a/c/%ED%A0%80",
    "an overlong slash": b"/v1/a/c/%C0%AF",
}
LONG = {
    "one header": PUT + b"X-Object-Meta-A: " + b"a" * 70000 + b"\r\nContent-Length: 0\r\n\r\n",
    "the target": b"GET /v1/a/c/" + b"a" * 70000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "many headers": PUT + b"".join(b"X-Object-Meta-%d: v\r\n" % n for n in range(200)) + b"Content-Length: 0\r\n\r\n",
}


class Smuggling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = harness.temporary_folder(type("OfClass", (), {"addCleanup": staticmethod(cls.addClassCleanup)}))
        cls.port = harness.free_port()
        process = subprocess.Popen([PROGRAM, str(cls.folder / "objects"), str(cls.port), os.urandom(32).hex()],
                                   stderr=subprocess.DEVNULL)
        cls.addClassCleanup(harness.end_process, process)
        harness.wait_until(lambda: harness.listens(cls.port), harness.READY_SECONDS, "the door to listen")
        stored = cls.answers_to(b"PUT /v1/a/c/known HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello")
        assert stored.startswith(b"HTTP/1.1 201 "), stored

    @classmethod
    def answers_to(cls, sent):
        """All that the door says until it closes; it has to, or this takes too long."""
        with socket.create_connection(("127.0.0.1", cls.port), timeout=30) as connection:
            try:
                connection.sendall(sent)
            except OSError:
                pass  # it has closed already
            said = b""
            try:
                while more := connection.recv(65536):
                    said += more
            except ConnectionResetError:
                pass
            return said

    def check_refused(self, sent, status=b"400"):
        said = self.answers_to(sent + BEHIND)
        self.assertEqual(said.count(b"HTTP/1.1 "), 1, said)
        self.assertTrue(said.startswith(b"HTTP/1.1 " + status + b" "), said)
        self.assertIn(b"\r\nConnection: close\r\n", said)

    def tearDown(self):
        found = self.answers_to(b"HEAD /v1/a/c/known HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(found.startswith(b"HTTP/1.1 200 "), found)
        missing = self.answers_to(b"HEAD /v1/a/c/smuggled HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        self.assertTrue(missing.startswith(b"HTTP/1.1 404 "), missing)

    def test_framing_that_can_be_read_in_two_ways(self):
        for what, sent in FRAMING.items():
            with self.subTest(what):
                self.check_refused(sent)

    def test_broken_chunks(self):
        for what, sent in CHUNKS.items():
            with self.subTest(what):
                self.check_refused(PUT + b"Transfer-Encoding: chunked\r\n\r\n" + sent)

    def test_another_transfer_coding(self):
        for coding in (b"gzip, chunked", b"chunked, identity", b"xchunked", b"identity"):
            with self.subTest(coding):
                self.check_refused(PUT + b"Transfer-Encoding: " + coding + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"501")

    def test_names_that_are_not_utf8(self):
        for what, target in NAMES.items():
            with self.subTest(what):
                self.check_refused(b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"\r\n")
                self.check_refused(b"PUT " + target + b" HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello")

    def test_heads_over_the_limit(self):
        for what, sent in LONG.items():
            with self.subTest(what):
                self.check_refused(sent)

    def test_what_is_in_order_keeps_its_connection(self):
        """The sibling of all others: two requests one after the other are two answers."""
        said = self.answers_to(GET + b"\r\n" + GET + b"X-Object-Meta-A: b\r\nConnection: close\r\n\r\n")
        self.assertEqual(said.count(b"HTTP/1.1 200 "), 2, said)


if __name__ == "__main__":
    unittest.main(verbosity=2)
