#!/usr/bin/python3
"""The agent's doors against curl, and what happens when it is stopped or started twice."""

import os
import socket
import unittest

import harness

HEADERS = ("-H", f"X-Project-Id: {harness.PROJECT}")
SECRET = '{"name": "n", "payload": "hello", "payload_content_type": "text/plain"}'


class Doors(unittest.TestCase):
    def setUp(self):
        self.curl_program = harness.need("curl", "curl")
        self.folder = harness.temporary_folder(self)

    def curl(self, *arguments, **options):
        return harness.run([self.curl_program, "-sS", "--max-time", "20", *HEADERS, *arguments], **options).decode()

    def test_curl_stores_and_reads_over_tcp_and_unix_socket(self):
        agent = harness.start_agent(self, self.folder)
        stored = self.curl("-i", "-H", "Content-Type: application/json", "-d", SECRET, f"{agent.url}/v1/secrets")
        self.assertIn("HTTP/1.1 201 Created", stored)
        self.assertRegex(stored, r"(?i)date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
        ref = stored.split('"secret_ref": "')[1].split('"')[0]
        self.assertTrue(ref.startswith(agent.url), ref)
        self.assertEqual(self.curl("-H", "Accept: text/plain", ref + "/payload"), "hello")
        path = ref.removeprefix(agent.url)
        over_unix = self.curl("--unix-socket", str(agent.unix_path), "-H", "Accept: text/plain",
                              f"http://localhost{path}/payload")
        self.assertEqual(over_unix, "hello")

    def test_curl_keeps_one_connection_for_many_requests(self):
        agent = harness.start_agent(self, self.folder)
        shown = self.curl("-v", "--stderr", "-", *[f"{agent.url}/"] * 5)
        self.assertEqual(shown.count("< HTTP/1.1 300"), 5)
        self.assertEqual(shown.count("Re-using existing connection"), 4)

    def test_curl_waits_for_100_continue_and_sends_chunks(self):
        agent = harness.start_agent(self, self.folder)
        for extra in (["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]):
            answer = self.curl("-i", "-H", "Content-Type: application/json", *extra, "--data-binary", "@-",
                               f"{agent.url}/v1/secrets", input=SECRET.encode())
            self.assertIn("HTTP/1.1 201 Created", answer)
            self.assertEqual("HTTP/1.1 100 Continue" in answer, "Expect: 100-continue" in extra)

    def test_an_oversize_body_is_answered_and_does_not_stay(self):
        agent = harness.start_agent(self, self.folder)
        answer = self.curl("-i", "-H", "Content-Type: application/json", "--data-binary", "@-", f"{agent.url}/v1/secrets",
                           input=b'{"payload": "' + b"x" * 2_000_000 + b'"}')
        self.assertIn("HTTP/1.1 413", answer)
        self.assertIn("HTTP/1.1 300", self.curl("-i", f"{agent.url}/"))

    def test_smuggled_requests_are_refused(self):
        agent = harness.start_agent(self, self.folder)
        answer = self.curl("-i", "-H", "Content-Length: 4", "-H", "Transfer-Encoding: chunked", "-X", "POST",
                           f"{agent.url}/v1/secrets")
        self.assertIn("HTTP/1.1 400", answer)

    def test_tls_with_a_client_certificate(self):
        openssl = harness.need("openssl", "openssl")
        certificate, key = self.folder / "c.pem", self.folder / "k.pem"
        harness.run([openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                     "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate])
        key.chmod(0o400)
        port = harness.free_port()
        tls = {"certificate": str(certificate), "key": str(key), "client_ca": str(certificate)}
        agent = harness.start_agent(self, self.folder, listen=[{"tcp": f"127.0.0.1:{port}", "tls": tls},
                                                               {"unix": str(self.folder / "agent.sock"), "mode": "0600"}])
        url = f"https://localhost:{port}/"
        shown = self.curl("-i", "--cacert", certificate, "--cert", certificate, "--key", key, url)
        self.assertIn("HTTP/1.1 300", shown)
        self.assertIn(f"https://localhost:{port}/v1/", shown)
        with self.assertRaises(AssertionError):
            self.curl("--cacert", certificate, url)
        self.assertTrue(agent.is_running())

    def test_sigterm_stops_cleanly_and_removes_the_socket(self):
        agent = harness.start_agent(self, self.folder)
        with socket.create_connection(("127.0.0.1", agent.port)) as idle:
            self.assertEqual(agent.stop(), 0, agent.log())
            try:
                self.assertEqual(idle.recv(1), b"")
            except ConnectionResetError:
                pass  # it was still in the listener's backlog
        self.assertFalse(os.path.exists(agent.unix_path))

    def test_a_second_agent_on_the_same_doors_refuses_to_start(self):
        agent = harness.start_agent(self, self.folder)
        second = agent.cli("serve")
        self.assertEqual(second.returncode, 1)
        self.assertIn(b"listen", second.stderr)
        self.assertEqual(agent.request("GET", "/").status, 300)

    def test_it_replaces_the_socket_of_an_agent_that_was_killed(self):
        agent = harness.start_agent(self, self.folder)
        agent.kill()
        self.assertTrue(os.path.exists(agent.unix_path))
        agent.start()
        self.assertEqual(agent.request("GET", "/").status, 300)

    def test_it_tells_systemd(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(self.folder / "notify"))
            notify.settimeout(20)
            os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            agent = harness.start_agent(self, self.folder)
            self.assertEqual(notify.recv(100), b"READY=1")
            self.assertEqual(agent.stop(), 0)
            told = iter(lambda: notify.recv(1000), b"STOPPING=1")  # ends there, or in a timeout
            self.assertTrue(all(word.startswith((b"STATUS=", b"WATCHDOG=")) for word in told))


if __name__ == "__main__":
    unittest.main()
