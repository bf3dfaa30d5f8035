"""`object verify` and `object rekey` through a running agent, on the object folder: what is damaged is found, what is under an
old root secret comes under the active one without its data being touched, and a walk that is broken off goes on."""

import json
import os
import unittest

import harness

ACCOUNT = "AUTH_demo"


class Care(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.objects = self.folder / "objects"
        self.door = harness.free_port()
        self.agent = harness.Agent(self.folder, {"roles": ["keymanager", "objects"]})
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.secrets = {name: self.root_secret() for name in ("", "2027")}
        self.serve_under("")

    def root_secret(self):
        made = self.agent.cli("secret", "store", "--secret-type", "symmetric", "--file", "-", "-f", "value", "-c",
                              "Secret href", input=os.urandom(32))
        self.assertEqual(made.returncode, 0, made.stderr)
        return made.stdout.decode().strip().rsplit("/", 1)[-1]

    def serve_under(self, active, **options):
        self.agent.stop()
        self.agent.config["objects"] = {
            "listen": f"127.0.0.1:{self.door}", "upstream": {"type": "directory", "path": str(self.objects)},
            "project": harness.PROJECT, "root_secrets": self.secrets, "active_root_secret": active, **options}
        self.agent.start()

    def ask(self, method, path, body=None, headers=None):
        import http.client  # pylint: disable=import-outside-toplevel
        connection = http.client.HTTPConnection("127.0.0.1", self.door, timeout=30)
        self.addCleanup(connection.close)
        return harness.exchange(connection, method, f"/v1/{ACCOUNT}/{path}", body, headers)

    def fill(self, count=7):
        for number in range(count):
            body = b"plaintext %d " % number * 20000
            self.assertEqual(self.ask("PUT", f"c/o{number}", body, {"X-Object-Meta-Number": str(number)}).status, 201)
        self.assertEqual(self.ask("PUT", "d/empty", b"").status, 201)

    def care(self, verb, *arguments, status=0):
        done = self.agent.cli("object", verb, *arguments, "-f", "json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout), done.stderr.decode()

    def data(self):
        return {file: file.read_bytes() for file in self.objects.rglob("*.data")}

    def damage(self, name):
        """One bit of an object's ciphertext."""
        victim = next(file for file in self.data() if name in str(file))
        damaged = bytearray(victim.read_bytes())
        damaged[100] ^= 1
        victim.write_bytes(damaged)

    def test_reads_that_are_verified_say_so_when_a_byte_has_changed(self):
        self.fill()
        self.damage("o3")
        self.assertEqual(self.ask("GET", "c/o3").status, 200)
        self.assertNotIn("ALARM", self.agent.log())  # nobody asked for it
        self.serve_under("", verify_reads=True)
        whole = self.ask("GET", "c/o4")
        self.assertEqual((whole.status, whole.body), (200, b"plaintext 4 " * 20000))
        part = self.ask("GET", "c/o3", headers={"Range": "bytes=0-9"})
        self.assertEqual((part.status, part.body), (206, b"plaintext "))
        self.assertNotIn("ALARM", self.agent.log())
        damaged = self.ask("GET", "c/o3")
        self.assertEqual((damaged.status, len(damaged.body)), (200, len(b"plaintext 3 " * 20000)))
        harness.wait_until(lambda: "ALARM" in self.agent.log(), 10, "the alarm")
        line = next(line for line in self.agent.log().splitlines() if "ALARM" in line)
        self.assertIn(f"/{ACCOUNT}/c/o3 decrypts to something whose MD5 is", line)
        self.assertIn(f"its sealed ETag says {damaged.headers['etag']}", line)

    def test_what_is_whole_passes_and_what_is_damaged_is_named(self):
        self.fill()
        found, _ = self.care("verify", ACCOUNT)
        self.assertEqual((found["objects"], found["faults"], found["not_encrypted"]), (8, 0, 0))
        self.damage("o3")
        found, told = self.care("verify", f"{ACCOUNT}/c", status=3)
        self.assertEqual((found["objects"], found["faults"]), (7, 1))
        self.assertIn("c/o3: its MD5 is", told)
        found, _ = self.care("verify", f"{ACCOUNT}/c/o4")
        self.assertEqual((found["objects"], found["faults"]), (1, 0))

    def test_rekey_ends_and_leaves_the_data_alone(self):
        self.fill()
        before = self.data()
        self.serve_under("2027")
        self.assertEqual(self.ask("PUT", "c/new", b"under the new one").status, 201)
        first, told = self.care("rekey", ACCOUNT)
        self.assertEqual((first["objects"], first["rekeyed"], first["bytes_rewritten"]), (9, 7, 0))
        self.assertEqual(first["found_under"], {"": 7, "2027": 1})
        self.assertIn("run it again", told)
        again, told = self.care("rekey", ACCOUNT)
        self.assertEqual((again["rekeyed"], again["found_under"]), (0, {"2027": 8}))
        self.assertIn("nothing there needs a root secret but the active one", told)
        self.assertEqual({**self.data(), **before}, self.data())
        # The old one is taken away, and all is there.
        del self.secrets[""]
        self.serve_under("2027")
        found, _ = self.care("verify", ACCOUNT)
        self.assertEqual((found["objects"], found["faults"]), (9, 0))
        answer = self.ask("GET", "c/o5")
        self.assertEqual((answer.body, answer.headers["x-object-meta-number"]), (b"plaintext 5 " * 20000, "5"))
        listed = json.loads(self.ask("GET", "c?format=json").body)
        self.assertNotIn("<unknown>", [entry["hash"] for entry in listed])

    def test_without_the_old_secret_nothing_is_changed_and_all_is_named(self):
        self.fill()
        lost = self.secrets.pop("")
        self.serve_under("2027")
        found, told = self.care("rekey", ACCOUNT, status=3)
        self.assertEqual((found["rekeyed"], found["faults"]), (0, 7))
        self.assertIn("c/o0: unknown root secret", told)
        self.secrets[""] = lost
        self.serve_under("2027")
        self.assertEqual(self.care("rekey", ACCOUNT)[0]["rekeyed"], 7)

    def test_a_walk_goes_on_where_it_was_broken_off(self):
        self.fill()
        found, _ = self.care("verify", f"{ACCOUNT}/c", "--after", "c/o4")
        self.assertEqual(found["objects"], 2)

    def test_bad_input_is_named(self):
        refused = self.agent.request("POST", "/sallyport/v1/objects/verify", json_body={"account": "a", "prefix": "p"})
        self.assertEqual(refused.status, 400)
        self.assertIn("a prefix goes with a container", refused.body.decode())
        missing = self.agent.cli("object", "verify", "AUTH_nobody/none")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("404", missing.stderr.decode())


if __name__ == "__main__":
    unittest.main()
