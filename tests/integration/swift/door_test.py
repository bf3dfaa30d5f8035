"""The object door before a real Swift whose pipeline has our shim: what the door writes Swift's own encryption reads, and the
reverse, over one cluster; clients that talk to it (swift, curl, TLS); a store that stalls, dies or is left in the middle."""

import base64
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import unittest
from pathlib import Path

import harness
import swift_lab

SHIM = harness.ROOT / "integrations/object/shim"
SECRET = os.urandom(40)
# Left of everything that would have to see plaintext, right of what drops system metadata.
PIPELINE = ("catch_errors gatekeeper sallyport_shim healthcheck proxy-logging cache listing_formats bulk tempurl tempauth "
            "copy slo dlo versioned_writes symlink {} proxy-logging proxy-server")
NAMES = ["plain", "grüße/日本語 😀", "a//b/../c", "per%cent+plus", "tab\tand\nnewline"]
SIZES = [0, 1, 65535, 65536, 65537, 5 * 1024 * 1024]


def body_of(size):
    return hashlib.sha256(str(size).encode()).digest() * (size // 32 + 1)


class Door(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        test = swift_lab.of_class(cls)
        cls.folder = harness.temporary_folder(test)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(SHIM), os.environ.get("PYTHONPATH", "")])
        cls.cluster = swift_lab.Cluster(test)
        shim_secret = cls.folder / "shim.secret"
        shim_secret.touch(0o600)
        shim_secret.write_text("a-secret-of-the-shim\n")
        swift_lab.FILTERS["sallyport_shim"] = {"use": "call:sallyport_shim:filter_factory", "secret_file": shim_secret}
        cls.stock = cls.cluster.proxy("keymaster encryption", name="stock", keymaster={
            "encryption_root_secret": base64.b64encode(SECRET).decode()})
        cls.behind = cls.cluster.proxy("", name="behind", pipeline=PIPELINE)
        cls.agent = cls.start_agent(test, {"type": "swift", "url": f"http://127.0.0.1:{cls.behind.port}",
                                           "secret_file": str(shim_secret), "timeout_seconds": 10})
        cls.theirs = cls.stock.client()
        cls.ours = swift_lab.Client(cls.door, "test:tester", "testing")

    @classmethod
    def start_agent(cls, test, upstream):
        cls.door = harness.free_port()
        agent = harness.Agent(cls.folder, {"roles": ["keymanager", "objects"]})
        test.addCleanup(agent.stop)
        agent.start()
        made = agent.cli("secret", "store", "--secret-type", "symmetric", "--file", "-", "-f", "value", "-c", "Secret href",
                         input=SECRET)
        assert made.returncode == 0, made.stderr
        agent.stop()
        agent.config["objects"] = {"listen": f"127.0.0.1:{cls.door}", "upstream": upstream, "project": harness.PROJECT,
                                   "root_secrets": {"": made.stdout.decode().strip().rsplit("/", 1)[-1]}}
        return agent.start()

    def setUp(self):
        self.container = "c-" + os.urandom(6).hex()
        self.assertEqual(self.ours.request("PUT", self.container).status, 201)

    def path(self, name):
        return f"{self.container}/{name}"

    def put(self, client, name, body, headers=None):
        answer = client.request("PUT", self.path(name), headers, body)
        self.assertEqual(answer.status, 201, answer)
        return answer

    def both(self):
        return [("ours writes", self.ours, self.theirs), ("theirs writes", self.theirs, self.ours)]

    def test_each_reads_what_the_other_wrote(self):
        for told, writer, reader in self.both():
            for number, (name, size) in enumerate([(name, 1000) for name in NAMES] + [(f"s{size}", size) for size in SIZES]):
                with self.subTest(told=told, name=name, size=size):
                    body, name = body_of(size)[:size], f"{told}/{name}"
                    stored = self.put(writer, name, body, {"X-Object-Meta-Number": f"№ {number}"})
                    self.assertEqual(stored.headers["etag"], hashlib.md5(body).hexdigest())
                    for client in (reader, writer):
                        got = client.request("GET", self.path(name))
                        self.assertEqual((got.status, got.body), (200, body))
                        self.assertEqual(got.headers["etag"].strip('"'), hashlib.md5(body).hexdigest())
                        self.assertEqual(got.headers["x-object-meta-number"].encode("latin-1").decode(), f"№ {number}")
                        self.assertEqual([h for h in got.headers if "crypto" in h or "sallyport" in h], [])

    def test_ranges_conditions_and_posts_agree_with_swift(self):
        body = body_of(200_000)[:200_000]
        tag = hashlib.md5(body).hexdigest()
        self.put(self.ours, "ours", body, {"X-Object-Meta-Old": "x"})
        self.put(self.theirs, "theirs", body)
        for name in ("ours", "theirs"):
            for headers in ({"Range": "bytes=65530-65550"}, {"Range": "bytes=-7"}, {"Range": "bytes=199999-"},
                            {"Range": "bytes=300000-"}, {"If-Match": f'"{tag}"'}, {"If-Match": '"other"'},
                            {"If-None-Match": f'"{tag}"'}, {"If-None-Match": '"other"'}):
                answers = [client.request("GET", self.path(name), headers) for client in (self.ours, self.theirs)]
                self.assertEqual(answers[0].status, answers[1].status, headers)
                if answers[0].status < 300:
                    self.assertEqual(answers[0].body, answers[1].body, headers)
            many = self.ours.request("GET", self.path(name), {"Range": "bytes=0-9,100000-100020,199990-"})
            self.assertEqual(many.status, 206)
            boundary = many.headers["content-type"].split("boundary=")[1].encode()
            parts = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in many.body.split(b"--" + boundary)[1:-1]]
            self.assertEqual(parts, [body[0:10], body[100000:100021], body[199990:]])
            self.assertEqual(self.ours.request("POST", self.path(name), {"X-Object-Meta-New": "grün"}).status, 202)
            for client in (self.ours, self.theirs):
                head = client.request("HEAD", self.path(name))
                self.assertEqual(head.headers["x-object-meta-new"].encode("latin-1").decode(), "grün")
                self.assertNotIn("x-object-meta-old", head.headers)

    def test_listings_show_plaintext_etags_in_every_format(self):
        self.put(self.ours, "a/1", b"one")
        self.put(self.theirs, "a/2", b"two")
        self.put(self.ours, "b", b"")
        tags = [hashlib.md5(body).hexdigest() for body in (b"one", b"two", b"")]
        listed = json.loads(self.ours.request("GET", self.container, query="?format=json").body)
        self.assertEqual([(entry["name"], entry["hash"]) for entry in listed], list(zip(["a/1", "a/2", "b"], tags)))
        self.assertEqual(listed, json.loads(self.theirs.request("GET", self.container, query="?format=json").body))
        for query in ("", "?delimiter=/", "?marker=a/1&limit=1", "?prefix=a/&end_marker=a/2"):
            self.assertEqual(self.ours.request("GET", self.container, query=query).body,
                             self.theirs.request("GET", self.container, query=query).body)
        xml = self.ours.request("GET", self.container, query="?format=xml")
        self.assertTrue(all(tag.encode() in xml.body for tag in tags), xml.body)
        account = json.loads(self.ours.request("GET", "", query="?format=json").body)
        self.assertIn(self.container, [entry["name"] for entry in account])

    def test_at_rest_is_ciphertext_and_nobody_sets_crypto_metadata(self):
        marker = os.urandom(20).hex().encode()
        self.put(self.ours, "o", marker * 100, {"X-Object-Sysmeta-Crypto-Body-Meta": "forged",
                                                "X-Sallyport-Carried-X-Object-Sysmeta-Crypto-Etag": "forged"})
        self.assertEqual(self.theirs.request("GET", self.path("o")).body, marker * 100)
        for file in (self.cluster.folder / "srv").rglob("*"):
            self.assertFalse(file.is_file() and marker in file.read_bytes(), file)
        # Without the shim's secret its headers are nothing.
        direct = self.behind.client()
        forged = {"X-Sallyport-Carried-X-Object-Sysmeta-Crypto-Body-Meta": "forged", "X-Sallyport-Footer": "4"}
        self.assertEqual(direct.request("PUT", self.path("p"), forged, b"12345").status, 201)
        self.assertEqual(direct.request("GET", self.path("p")).body, b"12345")
        self.assertEqual([h for h in direct.request("GET", self.path("o")).headers if "crypto" in h or "carried" in h], [])

    def test_what_is_refused_leaves_nothing(self):
        wrong = self.ours.request("PUT", self.path("o"), {"Etag": "0" * 32}, b"x" * 100_000)
        self.assertEqual(wrong.status, 422)
        self.assertEqual(self.ours.request("PUT", self.path("o"), {"X-Object-Meta-A": "v" * 257}, b"x").status, 400)
        for query in ("?multipart-manifest=put", "?extract-archive=tar"):
            refused = self.ours.request("PUT", self.path("o"), body=b"[]", query=query)
            self.assertEqual(refused.status, 501)
            self.assertIn(b"Swift's own pipeline", refused.body)
        self.assertEqual(self.ours.request("GET", self.path("o")).status, 404)
        self.ours.token, token = "AUTH_tk0", self.ours.token
        self.addCleanup(setattr, self.ours, "token", token)
        self.assertEqual(self.ours.request("PUT", self.path("o"), body=b"x" * 200_000).status, 401)

    def test_large_objects_of_others_are_refused_and_not_passed_wrongly(self):
        self.put(self.theirs, "part", b"#plain#")
        manifest = json.dumps([{"path": "/" + self.path("part")}]).encode()
        made = self.theirs.request("PUT", self.path("static"), body=manifest, query="?multipart-manifest=put")
        self.assertEqual(made.status, 201)
        self.put(self.theirs, "dynamic", b"", {"X-Object-Manifest": self.path("pa")})
        for name in ("static", "dynamic"):
            self.assertEqual(self.theirs.request("GET", self.path(name)).body, b"#plain#")
            answer = self.ours.request("GET", self.path(name))
            self.assertGreaterEqual(answer.status, 400)
            self.assertNotIn(b"#plain#", answer.body)
        self.assertEqual(self.ours.request("GET", self.path("dynamic")).status, 501)

    def test_copies_are_decrypted_and_encrypted_anew(self):
        body = body_of(300_000)[:300_000]
        self.put(self.theirs, "from", body, {"X-Object-Meta-Color": "red", "Content-Type": "text/x-test"})
        copied = self.ours.request("COPY", self.path("from"), {"Destination": self.path("to"), "X-Object-Meta-Size": "big"})
        self.assertEqual((copied.status, copied.headers["x-copied-from"]), (201, self.path("from")))
        by_put = self.ours.request("PUT", self.path("to 2"), {"X-Copy-From": self.path("from"), "X-Fresh-Metadata": "true"})
        self.assertEqual(by_put.status, 201)
        for client in (self.ours, self.theirs):
            got = client.request("GET", self.path("to"))
            self.assertEqual(got.body, body)
            self.assertEqual((got.headers["x-object-meta-color"], got.headers["x-object-meta-size"],
                              got.headers["content-type"]), ("red", "big", "text/x-test"))
            again = client.request("GET", self.path("to 2"))
            self.assertEqual((again.body, "x-object-meta-color" in again.headers), (body, False))
        one = self.ours.request("COPY", self.path("from"), {"Destination": self.path("piece"), "Range": "bytes=5-20"})
        self.assertEqual(one.status, 201)
        self.assertEqual(self.theirs.request("GET", self.path("piece")).body, body[5:21])

    def test_bodies_of_unknown_length_and_clients_that_ask_first(self):
        curl = harness.need("curl", "curl")
        url = f"http://127.0.0.1:{self.door}{self.ours.account}/{self.container}/stream"
        body = body_of(3_000_000)[:3_000_000]
        for extra in (["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            harness.run([curl, "-sS", "--fail-with-body", "-T", "-", "-H", f"X-Auth-Token: {self.ours.token}", *extra, url],
                        input=body)
            self.assertEqual(self.theirs.request("GET", self.path("stream")).body, body)

    def test_swifts_own_client(self):
        swift = harness.need("swift", "python3-swiftclient")
        login = [swift, "-A", f"http://127.0.0.1:{self.door}/auth/v1.0", "-U", "test:tester", "-K", "testing"]
        folder = harness.temporary_folder(self)
        (folder / "file").write_bytes(body_of(100_000)[:100_000])
        # The login's answer names Swift's own URL: the door's is given by hand.
        login += ["--os-storage-url", f"http://127.0.0.1:{self.door}{self.ours.account}"]
        harness.run([*login, "upload", self.container, "file"], cwd=folder)
        harness.run([*login, "download", self.container, "file", "-o", "back"], cwd=folder)
        self.assertEqual((folder / "back").read_bytes(), (folder / "file").read_bytes())
        self.assertIn(b"file", harness.run([*login, "list", self.container]))
        self.assertEqual(self.theirs.request("GET", self.path("file")).body, (folder / "file").read_bytes())
        harness.run([*login, "delete", self.container, "file"])
        self.assertEqual(self.theirs.request("GET", self.path("file")).status, 404)

    def test_other_paths_go_to_swift_as_they_are(self):
        self.assertIn("swift", self.ours.info())
        connection = http.client.HTTPConnection("127.0.0.1", self.door, timeout=30)
        self.addCleanup(connection.close)
        self.assertEqual(harness.exchange(connection, "GET", "/healthcheck").body, b"OK")
        self.assertEqual(harness.exchange(connection, "PUT", "/v1//c/o", b"x").status, 404)
        self.assertEqual(harness.exchange(connection, "GET", "/somewhere").status, 404)

    def test_a_client_that_goes_in_the_middle_leaves_nothing(self):
        self.put(self.ours, "o", b"old")
        with socket.create_connection(("127.0.0.1", self.door)) as client:
            client.sendall(f"PUT {self.ours.account}/{self.path('o')} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {self.ours.token}"
                           f"\r\nContent-Length: 5000000\r\n\r\n".encode() + b"n" * 1_000_000)
        for _ in range(20):
            self.assertEqual(self.ours.request("GET", self.path("o")).body, b"old")

    def test_a_store_that_stalls_or_dies_is_a_503_or_a_cut_answer(self):
        body = body_of(20_000_000)[:20_000_000]
        self.put(self.ours, "o", body)
        process = self.cluster.processes["behind"]
        group = os.getpgid(process.pid)
        os.killpg(group, signal.SIGSTOP)
        try:
            stalled = self.ours.request("GET", self.path("o"))
        finally:
            os.killpg(group, signal.SIGCONT)
        self.assertEqual(stalled.status, 503)
        harness.wait_until(lambda: self.ours.request("HEAD", self.path("o")).status == 200, 60, "Swift to go on")
        # A slow reader holds the answer up until Swift goes in the middle of it.
        with socket.create_connection(("127.0.0.1", self.door)) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.sendall(f"GET {self.ours.account}/{self.path('o')} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {self.ours.token}"
                           "\r\n\r\n".encode())
            received = client.recv(1000)
            os.killpg(group, signal.SIGKILL)
            process.wait()
            client.settimeout(30)
            while piece := client.recv(1 << 20):
                received += piece
        head, received = received.split(b"\r\n\r\n", 1)
        self.assertIn(b"Content-Length: 20000000", head)
        self.assertLess(len(received), len(body))
        self.assertEqual(received, body[:len(received)])
        away = self.ours.request("GET", self.path("o"))
        self.assertEqual(away.status, 503)
        self.cluster.start("behind", [swift_lab.PYTHON, Path(swift_lab.__file__).parent / "swift_server.py",
                                      self.cluster.folder, "proxy", self.cluster.folder / "behind.conf"])
        harness.wait_until(lambda: harness.listens(self.behind.port), 60, self.cluster.logs())
        self.assertEqual(self.ours.request("GET", self.path("o")).body, body)

    def test_rekey_and_verify_before_a_swift(self):
        for number in range(5):
            self.put(self.theirs, f"o{number}", body_of(1000 * number)[:1000 * number], {"X-Object-Meta-N": str(number)})
        token = self.folder / "token"
        token.touch(0o600)
        token.write_text(self.ours.token)
        scope = f"{self.ours.account.rsplit('/', 1)[1]}/{self.container}"
        done = self.agent.cli("object", "verify", scope, "--token-file", token, "-f", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((json.loads(done.stdout)["objects"], json.loads(done.stdout)["faults"]), (5, 0))
        old = dict(self.agent.config["objects"]["root_secrets"])
        fresh = self.agent.cli("secret", "store", "--secret-type", "symmetric", "--file", "-", "-f", "value", "-c",
                               "Secret href", input=os.urandom(32)).stdout.decode().strip().rsplit("/", 1)[-1]

        def serve(secrets, active):
            self.agent.stop()
            self.agent.config["objects"].update({"root_secrets": secrets, "active_root_secret": active})
            self.agent.start()

        self.addCleanup(serve, old, "")
        serve({**old, "2027": fresh}, "2027")
        first = self.agent.cli("object", "rekey", scope, "--token-file", token, "-f", "json")
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(json.loads(first.stdout)["rekeyed"], 5)
        again = json.loads(self.agent.cli("object", "rekey", scope, "--token-file", token, "-f", "json").stdout)
        self.assertEqual((again["rekeyed"], again["found_under"]), (0, {"2027": 5}))
        serve({"2027": fresh}, "2027")
        for number in range(5):
            got = self.ours.request("GET", self.path(f"o{number}"))
            self.assertEqual((got.status, got.body), (200, body_of(1000 * number)[:1000 * number]))
            self.assertEqual(got.headers["x-object-meta-n"], str(number))


class DoorWithTls(unittest.TestCase):
    def test_both_sides_may_be_encrypted(self):
        openssl = harness.need("openssl", "openssl")
        curl = harness.need("curl", "curl")
        folder = harness.temporary_folder(self)
        harness.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                     "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key", "-out", folder / "crt"])
        os.chmod(folder / "key", 0o600)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(SHIM), os.environ.get("PYTHONPATH", "")])
        secret = folder / "shim.secret"
        secret.touch(0o600)
        secret.write_text("a-secret-of-the-shim")
        swift_lab.FILTERS["sallyport_shim"] = {"use": "call:sallyport_shim:filter_factory", "secret_file": secret}
        cluster = swift_lab.Cluster(self)
        proxy = cluster.proxy("", pipeline=PIPELINE, default={}, name="tls")
        cluster.stop("tls")
        conf = cluster.folder / "tls.conf"
        conf.write_text(conf.read_text().replace("[DEFAULT]\n", f"[DEFAULT]\ncert_file = {folder}/crt\nkey_file = {folder}/key\n"))
        cluster.start("tls", [swift_lab.PYTHON, Path(swift_lab.__file__).parent / "swift_server.py", cluster.folder, "proxy", conf])
        harness.wait_until(lambda: harness.listens(proxy.port), 60, cluster.logs())
        Door.folder = folder
        agent = Door.start_agent(self, {"type": "swift", "url": f"https://127.0.0.1:{proxy.port}", "ca_file": f"{folder}/crt",
                                        "secret_file": str(secret)})
        agent.stop()
        agent.config["objects"]["tls"] = {"certificate": f"{folder}/crt", "key": f"{folder}/key"}
        agent.start()
        url = f"https://127.0.0.1:{Door.door}"
        ask = [curl, "-sS", "--fail-with-body", "--cacert", folder / "crt"]
        login = harness.run([*ask, "-D", "-", "-H", "X-Auth-User: test:tester", "-H", "X-Auth-Key: testing", f"{url}/auth/v1.0"])
        token = next(line.split(b": ")[1].strip() for line in login.splitlines() if line.lower().startswith(b"x-auth-token"))
        ask += ["-H", b"X-Auth-Token: " + token]
        ask = [word.decode() if isinstance(word, bytes) else str(word) for word in ask]
        harness.run([*ask, "-X", "PUT", f"{url}/v1/AUTH_test/c"])
        body = body_of(1_000_000)[:1_000_000]
        subprocess.run([*ask, "-T", "-", f"{url}/v1/AUTH_test/c/o"], input=body, check=True, capture_output=True)
        self.assertEqual(harness.run([*ask, f"{url}/v1/AUTH_test/c/o"]), body)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=1))
