"""The audit log tells of every key that was used or changed, and shows what was done to it."""

import json
import os
import signal
import unittest

import harness

SECRET = {"payload": "swordfish", "payload_content_type": "text/plain"}
TEXT = {"Accept": "text/plain"}


class Audit(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.file = self.folder / "audit.jsonl"
        key = self.folder / "audit.key"
        key.write_text("a key of at least thirty-two bytes, for tests")
        key.chmod(0o400)
        self.agent = harness.start_agent(self, folder=self.folder, audit={"file": str(self.file), "key_file": str(key)})

    def lines(self):
        return [json.loads(line) for line in self.file.read_text().splitlines()]

    def events(self):
        return [(line["event"], line["outcome"]) for line in self.lines()]

    def store(self):
        made = self.agent.request("POST", "/v1/secrets", json_body=SECRET)
        self.assertEqual(made.status, 201)
        return made.headers["location"].rsplit("/", 1)[1]

    def payload(self, secret, **headers):
        return self.agent.request("GET", f"/v1/secrets/{secret}/payload", headers={**TEXT, **headers})

    def verify(self, status=0):
        done = self.agent.cli("audit", "verify", "-f", "json")
        self.assertEqual(done.returncode, status, (done.stdout, done.stderr))
        return json.loads(done.stdout) if status == 0 else done.stderr.decode()

    def test_it_says_who_did_what_to_which_key_and_never_the_key(self):
        secret = self.store()
        self.payload(secret, **{"X-Openstack-Request-Id": "req-mine"})
        self.agent.request("PUT", f"/v1/secrets/{secret}/acl", json_body={"read": {"users": ["u1"]}})
        order = self.agent.request("POST", "/v1/orders", json_body={
            "type": "key", "meta": {"algorithm": "aes", "bit_length": 256, "mode": "cbc"}})
        self.assertEqual(order.status, 202)
        self.agent.request("DELETE", f"/v1/secrets/{secret}")
        self.assertEqual(self.events()[0], ("agent.started", "done"))
        self.assertEqual([name for name, _ in self.events()[1:]],
                         ["secret.create", "secret.payload.read", "secret.acl.update", "order.create", "secret.delete"])
        read = self.lines()[2]
        self.assertEqual((read["id"], read["request_id"], read["project"]), (secret, "req-mine", harness.PROJECT))
        self.assertIn(f"uid={os.getuid()}", read["source"])
        self.assertNotIn("swordfish", self.file.read_text())
        self.assertEqual(self.verify()["lines"], 6)

    def test_what_the_policy_refuses_is_a_line_too(self):
        secret = self.store()
        answer = harness.exchange(self.tcp(), "GET", f"/v1/secrets/{secret}/payload", headers={
            **TEXT, "X-Project-Id": harness.PROJECT, "X-Roles": "audit", "X-User-Id": "eve"})
        self.assertEqual(answer.status, 403)
        line = self.lines()[-1]
        self.assertEqual((line["event"], line["outcome"], line["user"]), ("secret.payload.read", "refused", "eve"))

    def tcp(self):
        connection = harness.http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=30)
        self.addCleanup(connection.close)
        return connection

    def test_an_attacker_without_the_key_is_found_out(self):
        for _ in range(3):
            self.payload(self.store())
        whole = self.file.read_text().splitlines(keepends=True)
        self.assertEqual(self.verify()["chain"], "whole")
        attacks = {
            "changed": whole[:2] + [whole[2].replace("payload.read", "update")] + whole[3:],
            "missing before it": whole[:2] + whole[3:],
            "missing at the end": whole[:-1],
        }
        for what, lines in attacks.items():
            self.file.write_text("".join(lines))
            self.assertIn(what, self.verify(status=1))
        self.file.write_text("".join(attacks["changed"]))
        self.assertIn("audit.jsonl:3: ", self.verify(status=1))

    def test_it_survives_rotation_kill_and_restart(self):
        secret = self.store()
        self.file.rename(self.folder / "audit.jsonl.1")
        self.payload(secret)
        self.agent.process.send_signal(signal.SIGHUP)
        harness.wait_until(self.file.exists, 10, "the log to be opened anew")
        self.payload(secret)
        self.agent.kill()
        self.agent.start()
        self.payload(secret)
        verdict = self.verify()
        self.assertEqual((verdict["chain"], verdict["files"], verdict["recoveries"]), ("whole", 2, 0))
        self.assertEqual(verdict["lines"], verdict["last"])
        (self.folder / "audit.jsonl.1").unlink()
        self.assertEqual(self.verify()["chain"], "whole")

    def test_no_key_leaves_while_no_line_can_be_written(self):
        secret = self.store()
        pid = str(self.agent.process.pid)
        limit = self.file.stat().st_size + 10
        harness.run([harness.need("prlimit", "util-linux"), "--pid", pid, f"--fsize={limit}:unlimited"])
        refused = self.payload(secret)
        self.assertEqual(refused.status, 503)
        self.assertNotIn(b"swordfish", refused.body)
        # A change is not even begun, metadata can still be read.
        self.assertEqual(self.agent.request("DELETE", f"/v1/secrets/{secret}").status, 503)
        self.assertEqual(self.agent.request("GET", "/v1/secrets").status, 200)
        harness.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"])
        self.assertEqual(self.payload(secret).body, b"swordfish")
        self.assertIn(("audit.resumed", "done"), self.events())
        self.assertEqual(self.verify()["recoveries"], 1)

    def test_tail_shows_the_last_lines(self):
        secret = self.store()
        rows = json.loads(self.agent.cli("audit", "tail", "-n", "1", "-f", "json").stdout)
        self.assertEqual([(row["event"], row["id"]) for row in rows], [("secret.create", secret)])


class KeylessAudit(unittest.TestCase):
    def test_without_a_key_accidents_still_show(self):
        folder = harness.temporary_folder(self)
        file = folder / "audit.jsonl"
        agent = harness.start_agent(self, folder=folder, audit={"file": str(file)})
        for _ in range(3):
            agent.request("POST", "/v1/secrets", json_body=SECRET)
        whole = agent.cli("audit", "verify", "-f", "json")
        self.assertFalse(json.loads(whole.stdout)["keyed"])
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:1] + lines[2:]))
        self.assertEqual(agent.cli("audit", "verify").returncode, 1)


class RequestIds(unittest.TestCase):
    def test_every_line_of_a_request_carries_its_id(self):
        peers = [{"uid": os.getuid(), "project": harness.PROJECT, "roles": ["admin"]}]
        agent = harness.start_agent(self, log={"level": "debug", "format": "json"}, auth={"peers": peers})
        answer = agent.request("POST", "/v1/secrets", json_body={"payload": "x" * 60000},
                               headers={"X-Openstack-Request-Id": 'req-"quoted"'})
        self.assertGreaterEqual(answer.status, 400)
        connection = harness.http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
        self.addCleanup(connection.close)
        self.assertEqual(harness.exchange(connection, "GET", "/v1/secrets", headers={
            "X-Openstack-Request-Id": "req-nobody"}).status, 401)
        lines = [json.loads(line) for line in agent.log().splitlines() if line.startswith("{")]
        self.assertTrue(all({"time", "level", "message"} <= line.keys() for line in lines))
        self.assertIn("req-nobody", [line.get("request_id") for line in lines])


if __name__ == "__main__":
    unittest.main()
