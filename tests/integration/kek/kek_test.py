"""Master keys and project KEKs change while the agent serves, and every secret can be read at every moment."""

import base64
import http.client
import json
import os
import random
import sqlite3
import subprocess
import threading
import time
import unittest

import harness

WELL_KNOWN = "dGhpcnR5X3R3b19ieXRlX2tleWJsYWhibGFoYmxhaGg="


class Keks(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.agent = harness.start_agent(self, folder=self.folder)
        self.secrets = {}  # id -> (project, payload)

    def tcp(self, method, target, project, body=None, accept="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.agent.port, timeout=30)
        headers = {"X-Project-Id": project, "X-Roles": "admin", "X-User-Id": "u", "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return harness.exchange(connection, method, target, body and json.dumps(body).encode(), headers)
        finally:
            connection.close()

    def store(self, project):
        payload = base64.b64encode(os.urandom(24)).decode()
        made = self.tcp("POST", "/v1/secrets", project, {"payload": payload, "payload_content_type": "text/plain"})
        self.assertEqual(made.status, 201, made.body)
        self.secrets[made.headers["location"].rsplit("/", 1)[1]] = (project, payload)

    def fill(self, projects):
        for number in range(projects):
            self.store(f"{number:032x}")

    def assert_readable(self, secret):
        project, payload = self.secrets[secret]
        answer = self.tcp("GET", f"/v1/secrets/{secret}/payload", project, accept="text/plain")
        self.assertEqual((answer.status, answer.body.decode()), (200, payload), secret)

    def assert_all_readable(self):
        for secret in self.secrets:
            self.assert_readable(secret)

    def use_keks(self, *names):
        """Starts the agent again with these master keys, the first of which writes."""
        self.agent.stop()
        self.agent.config["secret_stores"][0]["kek_files"] = [
            name if ":" in name else str(self.folder / name) for name in names]
        self.agent.start()

    def kek(self, *words, status=0):
        done = self.agent.cli("kek", *words, "-f", "json")
        self.assertEqual(done.returncode, status, (words, done.stdout, done.stderr))
        return json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def generate(self, name):
        done = harness.sallyport("kek", "generate", self.folder / name)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((self.folder / name).stat().st_mode & 0o7777, 0o400)

    def test_a_rewrap_that_is_killed_again_and_again_ends_and_loses_nothing(self):
        self.fill(240)
        self.generate("kek2")
        self.use_keks("kek2", "kek")
        before = self.kek("status")
        self.assertEqual([key["project_keks"] for key in before["master_keys"]], [0, 240])
        self.assertEqual(before["needed_by_old_keys"], 241)  # and the canary

        stop = threading.Event()
        wrong, reads = [], [0]

        def read_on():
            secrets = list(self.secrets)
            while not stop.is_set():
                try:
                    self.assert_readable(random.choice(secrets))
                    reads[0] += 1
                except OSError:
                    time.sleep(0.005)  # killed, and not up again yet
                except http.client.HTTPException:
                    time.sleep(0.005)
                except AssertionError as failure:
                    wrong.append(failure)

        reader = threading.Thread(target=read_on)
        reader.start()
        kills, left = 0, 241
        try:
            while kills < 40:
                config = str(self.agent.config_file)
                rewrap = subprocess.Popen([harness.SALLYPORT, "kek", "rewrap", "--rate", "400", "--config", config],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                time.sleep(random.uniform(0.02, 0.25))
                done = rewrap.poll() is not None
                self.agent.kill()
                rewrap.communicate()
                self.agent.start()
                kills += 1
                now = self.kek("status")
                self.assertEqual((now["total"], now["unreadable"]), (240, 0))
                self.assertLessEqual(now["needed_by_old_keys"], left)
                left = now["needed_by_old_keys"]
                if done and rewrap.returncode == 0:
                    break
            proof = self.kek("rewrap", "--rate", "0")
        finally:
            stop.set()
            reader.join()
        self.assertEqual(wrong, [])
        self.assertGreater(reads[0], 20)
        self.assertGreater(kills, 1)
        self.assertEqual((proof["needed_by_old_keys"], proof["unreadable"], proof["project_keks"]), (0, 0, 240))
        print(f"{kills} kills, {reads[0]} reads meanwhile")
        # What the proof says is true: without the old key everything opens.
        self.use_keks("kek2")
        self.assert_all_readable()
        self.store("0" * 32)

    def test_a_wrapping_that_nobody_opens_is_counted_and_left_alone(self):
        self.fill(3)
        self.generate("kek2")
        self.agent.stop()
        with sqlite3.connect(self.folder / "keys.db") as database:
            (broken,) = database.execute("SELECT id FROM kek_data ORDER BY id LIMIT 1").fetchone()
            database.execute("UPDATE kek_data SET plugin_meta = 'damaged' WHERE id = ?", (broken,))
        self.use_keks("kek2", "kek")
        proof = self.kek("rewrap", status=3)
        self.assertEqual((proof["rewrapped"], proof["unreadable"], proof["needed_by_old_keys"]), (2, 1, 0))
        self.assertEqual(self.kek("status")["unreadable_ids"], [broken])

    def test_it_keeps_to_its_rate(self):
        self.fill(40)
        self.generate("kek2")
        self.use_keks("kek2", "kek")
        begun = time.monotonic()
        self.assertEqual(self.kek("rewrap", "--rate", "50")["rewrapped"], 40)
        self.assertGreater(time.monotonic() - begun, 0.6)

    def test_a_project_gets_a_new_key_and_its_payloads_are_brought_under_it(self):
        self.fill(3)
        project = f"{1:032x}"
        self.kek("rotate", "--project", project)
        self.store(project)
        status = self.kek("status")
        self.assertEqual((status["total"], status["retired"]), (4, 1))
        self.assert_all_readable()
        self.assertEqual(self.kek("rotate", "--all")["projects"], 3)
        self.assertEqual(self.kek("rewrap", "--payloads")["payloads_rewrapped"], 4)
        self.assertEqual(self.kek("rewrap", "--payloads")["payloads_rewrapped"], 0)
        self.assert_all_readable()
        with sqlite3.connect(self.folder / "keys.db") as database:
            (left,) = database.execute("SELECT COUNT(*) FROM encrypted_data e JOIN kek_data k ON k.id = e.kek_id"
                                       " WHERE k.active = 0").fetchone()
        self.assertEqual(left, 0)
        self.assertIn("no key-encryption key", self.kek("rotate", "--project", "nobody", status=1))

    def test_only_administrators_may(self):
        self.agent.stop()
        self.agent.config["auth"]["peers"] = [{"uid": os.getuid(), "project": "p", "roles": ["creator"]}]
        self.agent.start()
        self.assertIn("role admin", self.kek("status", status=1))
        self.assertEqual(self.tcp("GET", "/sallyport/v1/keks", "p").status, 404)

    def test_the_key_comes_from_a_credential_or_the_environment_of_the_unit(self):
        self.fill(1)
        credentials = self.folder / "credentials"
        credentials.mkdir()
        (credentials / "kek").write_bytes((self.folder / "kek").read_bytes())
        (credentials / "kek").chmod(0o400)
        os.environ["CREDENTIALS_DIRECTORY"] = str(credentials)
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY", None)
        self.use_keks("credential:kek")
        self.assert_all_readable()
        key = (self.folder / "kek").read_text().strip()
        os.environ["SALLYPORT_KEK"] = key
        self.addCleanup(os.environ.pop, "SALLYPORT_KEK", None)
        self.use_keks("env:SALLYPORT_KEK")
        self.assert_all_readable()
        with open(f"/proc/{self.agent.process.pid}/environ", "rb") as environment:
            self.assertNotIn(key.encode(), environment.read())
        self.assertEqual(self.kek("status")["master_keys"][0]["source"], "env:SALLYPORT_KEK")

    def test_the_key_that_everybody_knows_never_writes(self):
        self.agent.stop()
        known = self.folder / "known"
        known.write_text(WELL_KNOWN)
        known.chmod(0o400)
        self.agent.config["secret_stores"][0]["kek_files"] = [str(known)]
        self.agent.prepare()
        refused = harness.sallyport("serve", "--config", self.agent.config_file, timeout=20)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"everybody knows it", refused.stderr)
        self.assertIn(b"kek rewrap", refused.stderr)
        # As the second it opens what an old Barbican left, so that it can be brought under a key of one's own.
        self.use_keks("kek", "known")
        self.assertEqual(len(self.kek("status")["master_keys"]), 2)


if __name__ == "__main__":
    unittest.main()
