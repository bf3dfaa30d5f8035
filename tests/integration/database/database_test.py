"""MariaDB and PostgreSQL under the agent: the repository's suites, the schema against Barbican's own migrations, a
Barbican and us over one database, a server that dies and comes back, backups from any database into any."""

import base64
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from database_servers import MariaDb, PASSWORD, PostgreSql

BIN = Path(harness.SALLYPORT).parent
PEER = str(Path(__file__).resolve().parents[1] / "barbican" / "peer.py")
PROJECT = "11112222333344445555666677778888"
SERVERS = {}


def setUpModule():
    folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    for kind in (MariaDb, PostgreSql):
        server = kind(folder / kind.__name__)
        unittest.addModuleCleanup(server.stop)
        SERVERS[kind.__name__] = server.start()


class OverServers(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)

    maxDiff = None

    def config(self, server, database):
        return {"database": server.url(database), "database_password_file": str(server.password_file)}

    def agent(self, name, **config):
        folder = self.folder / name
        folder.mkdir()
        return harness.Agent(folder, config)

    def done(self, finished):
        self.assertEqual(finished.returncode, 0, finished.stderr)
        return finished.stdout.decode()


class Suites(OverServers):
    def test_the_repository_does_the_same_on_all(self):
        for server in SERVERS.values():
            # Where MariaDB's tests look for the names of its tables.
            server.create("barbican")
        named = " ".join(f"{server.url('barbican')} {server.password_file}" for server in SERVERS.values())
        done = subprocess.run([BIN / "database_conformance_test", "--gtest_filter=Server/*", "--gtest_brief=1"],
                              env={**os.environ, "SALLYPORT_TEST_DATABASES": named}, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout.decode()[-4000:])
        self.assertIn(b"PASSED", done.stdout)


class Schema(OverServers):
    def test_ours_is_the_one_that_barbicans_migrations_make(self):
        harness.need("barbican-manage", "barbican-common")
        for server in SERVERS.values():
            server.create("theirs", "ours")
            harness.run(["barbican-manage", "db", "upgrade", "--db-url", server.url("theirs", PASSWORD)])
            agent = self.agent(f"schema-{server.scheme}", **self.config(server, "ours"))
            agent.prepare()
            theirs, ours = server.dump_schema("theirs"), server.dump_schema("ours")
            self.assertGreater(len(theirs), 300)
            self.assertEqual(ours, theirs)
            for database in ("theirs", "ours"):
                self.assertEqual(server.sql("SELECT version_num FROM alembic_version", database), ["8c74e2d7f1ff"])


class Shared(OverServers):
    """A real Barbican's repositories and its simple_crypto, and ours, in one database."""

    def test_each_reads_what_the_other_stored(self):
        harness.need("barbican-manage", "barbican-common")
        key = base64.urlsafe_b64encode(os.urandom(32)).decode()
        kek = self.folder / "kek"
        kek.touch(0o600)
        kek.write_text(key + "\n")
        for server in SERVERS.values():
            server.create("shared")
            url = server.url("shared", PASSWORD)
            harness.run(["barbican-manage", "db", "upgrade", "--db-url", url])

            def ours(action, *texts):
                done = subprocess.run([BIN / "barbican_peer_tool", action, server.url("shared"), kek, PROJECT, *texts],
                                      env={**os.environ, "DATABASE_PASSWORD_FILE": str(server.password_file)},
                                      capture_output=True, check=False)
                return self.done(done).splitlines()

            def theirs(action, *texts):
                return self.done(subprocess.run(["/usr/bin/python3", PEER, action, url, key, PROJECT, *texts],
                                                capture_output=True, check=False)).splitlines()

            # Barbican 15 keeps bytes in columns of text, which PostgreSQL turns into "\\x..." and Barbican then cannot
            # read itself: on PostgreSQL it can only be asked to read what we wrote.
            if isinstance(server, MariaDb):
                texts = ("theirs", "grüße", "ours", "länger" * 40, "theirs again")
                theirs("store", *texts[:2])
                ours("store", *texts[2:4])
                theirs("store", *texts[4:])
            else:
                texts = ("ours", "länger" * 40, "grüße")
                ours("store", *texts)
            expected = sorted(f"{text}: {text.encode().hex()}" for text in texts)
            self.assertEqual(sorted(ours("read")), expected)
            self.assertEqual(sorted(theirs("read")), expected)
            self.assertEqual(server.sql("SELECT COUNT(*) FROM kek_data", "shared"), ["1"])

            # The agent opens it in place; `db check` says beforehand that it can, and with another key that it cannot.
            agent = self.agent(f"shared-{server.scheme}", **self.config(server, "shared"))
            shutil.copy2(kek, agent.folder / "kek")
            agent.prepare()
            self.assertIn('"usable": true', self.done(agent.cli("db", "check", "-f", "json")))
            (agent.folder / "kek").unlink()
            harness.write_kek(agent.folder / "kek")
            self.assertEqual(agent.cli("db", "check").returncode, 1)


class Outage(OverServers):
    def test_a_server_that_dies_is_503_and_comes_back_by_itself(self):
        for server in SERVERS.values():
            server.create("outage")
            agent = self.agent(f"outage-{server.scheme}", **self.config(server, "outage"))
            self.addCleanup(agent.stop)
            agent.start()
            stored = agent.request("POST", "/v1/secrets", json_body={"payload": "x",
                                                                     "payload_content_type": "text/plain"})
            self.assertEqual(stored.status, 201)
            payload = "/v1" + stored.json()["secret_ref"].split("/v1", 1)[1] + "/payload"
            server.kill()
            for method, target, body in (("GET", payload, None),
                                         ("POST", "/v1/secrets", {"payload": "y", "payload_content_type": "text/plain"})):
                answer = agent.request(method, target, json_body=body, headers={"Accept": "*/*"})
                self.assertEqual(answer.status, 503)
                self.assertIn("retry-after", answer.headers)
            server.start()
            harness.wait_until(lambda: agent.request("GET", payload, headers={"Accept": "text/plain"}).status == 200, 10,
                               "the agent to reconnect")
            self.assertEqual(agent.request("GET", payload, headers={"Accept": "text/plain"}).body, b"x")


class Backup(OverServers):
    def fill(self, agent):
        refs = {}
        for number in range(25):
            text = f"secret {number}"
            answer = agent.request("POST", "/v1/secrets", json_body={"payload": text, "name": "grüße",
                                                                     "payload_content_type": "text/plain"})
            self.assertEqual(answer.status, 201)
            refs["/v1" + answer.json()["secret_ref"].split("/v1", 1)[1]] = text.encode()
        gone = next(iter(refs))
        self.assertEqual(agent.request("DELETE", gone).status, 204)
        del refs[gone]
        return refs, gone

    def test_a_backup_fills_an_empty_machine_with_any_database(self):
        targets = {}
        for name, server in SERVERS.items():
            server.create("source", "target")
            targets[name] = (self.config(server, "source"), self.config(server, "target"))
        targets["Sqlite"] = ({"database": f"sqlite:///{self.folder}/source.db"},
                             {"database": f"sqlite:///{self.folder}/target.db"})
        names = list(targets)
        for place, name in enumerate(names):
            onto = names[(place + 1) % len(names)]
            with self.subTest(source=name, target=onto):
                source = self.agent(f"source-{name}", **targets[name][0])
                self.addCleanup(source.stop)
                source.start()
                refs, gone = self.fill(source)
                folder, keks = self.folder / f"backup-{name}", self.folder / f"keks-{name}"
                self.done(source.cli("db", "backup", folder, "--kek-dir", keks))
                harness.run(["sha256sum", "--quiet", "--strict", "-c", "SHA256SUMS"], cwd=folder)
                source.stop()

                # Nothing but the backup and the key that was kept elsewhere.
                target = self.agent(f"target-{name}", **targets[onto][1])
                shutil.copy2(keks / "kek", target.folder / "kek")
                self.addCleanup(target.stop)
                target.prepare()
                self.done(target.cli("db", "restore", folder))
                target.launch()
                harness.wait_until(target.answers_or_died, 20, "the restored agent")
                for ref, payload in refs.items():
                    answer = target.request("GET", ref + "/payload", headers={"Accept": "text/plain"})
                    self.assertEqual((answer.status, answer.body), (200, payload))
                    self.assertEqual(target.request("GET", ref).json()["name"], "grüße")

                # The one that was deleted is in the backup, and can be brought back until it is cleaned away.
                self.assertEqual(target.request("GET", gone).status, 404)
                self.done(target.cli("secret", "undelete", gone.rsplit("/", 1)[1]))
                answer = target.request("GET", gone + "/payload", headers={"Accept": "text/plain"})
                self.assertEqual((answer.status, answer.body), (200, b"secret 0"))
                self.assertEqual(target.request("DELETE", gone).status, 204)

                again = target.cli("db", "restore", folder)
                self.assertEqual(again.returncode, 1)
                self.assertIn(b"already", again.stderr)
                cleaned = self.done(target.cli("db", "clean", "--min-days", "0", "-f", "json"))
                self.assertIn('"secrets": 1', cleaned)
                for ref, payload in refs.items():
                    answer = target.request("GET", ref + "/payload", headers={"Accept": "text/plain"})
                    self.assertEqual((answer.status, answer.body), (200, payload))

    def test_a_backup_that_somebody_changed_is_not_restored(self):
        source = self.agent("source", database=f"sqlite:///{self.folder}/source.db")
        self.addCleanup(source.stop)
        source.start()
        self.fill(source)
        folder = self.folder / "backup"
        self.done(source.cli("db", "backup", folder))
        self.assertEqual(source.cli("db", "backup", folder).returncode, 1)  # not into a filled folder
        self.assertEqual(source.cli("db", "backup", self.folder / "b2", "--kek-dir", self.folder / "b2/k").returncode, 1)
        with open(folder / "tables" / "secrets.jsonl", "ab") as file:
            file.write(b"[]\n")
        target = self.agent("target", database=f"sqlite:///{self.folder}/target.db")
        shutil.copy2(source.folder / "kek", target.folder / "kek")
        target.prepare()
        refused = target.cli("db", "restore", folder)
        self.assertEqual(refused.returncode, 1)
        self.assertIn(b"SHA-256", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
