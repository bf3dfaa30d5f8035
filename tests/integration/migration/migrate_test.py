"""`sallyport migrate conf-key-manager` on databases that real Cinder made, with a real agent: what it decides, what it leaves
when it is done, killed, raced, refused or fed with nonsense."""

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

import cinder_database
import harness
from cinder_database import ZERO
from database_servers import MariaDb, PASSWORD, PostgreSql, USER

FIXED_KEY = hashlib.sha256(b"sallyport migration test").hexdigest()
REAL_RUNS = {"basic": ("basic.node1-lvm", "basic.node2-lvm", "basic.node1-ceph", "basic.bk1"),
             "crash": ("crash.node1-lvm", "crash.bk1", "crash.bk2"), "cluster": ("cluster.aa",),
             "backups": ("backups.bk1", "backups.bk2"), "malformed": ("malformed.node1-lvm",)}
KILLS = int(os.environ.get("MIGRATE_KILLS", "40"))


class Migrating(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.agent = harness.start_agent(self)
        self.cinder = self.folder / "cinder.sqlite"
        self.conf = self.folder / "cinder.conf"
        self.configure()

    def configure(self, fixed_key=FIXED_KEY, backend="barbican", connection=None):
        lines = ["[database]", f"connection = {connection or f'sqlite:///{self.cinder}'}", "[key_manager]", f"backend = {backend}"]
        self.conf.write_text("\n".join(lines + ([f"fixed_key = {fixed_key}"] if fixed_key else [])) + "\n")

    def command(self, verb, *options, journal="journal"):
        words = [harness.SALLYPORT, "migrate", "conf-key-manager", verb, "--config", self.agent.config_file, *options]
        if verb != "status":
            words += ["--cinder-conf", self.conf]
        if verb in ("apply", "status"):
            words += ["--journal", self.folder / journal]
        return [str(word) for word in words]

    def migrate(self, verb, *options, **more):
        return subprocess.run(self.command(verb, *options, **more), capture_output=True, text=True, check=False)

    def plan(self, *options):
        done = self.migrate("plan", "-f", "json", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return json.loads(done.stdout)

    def applied(self, *options):
        done = self.migrate("apply", "-f", "json", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return json.loads(done.stdout)

    def rows(self, table):
        return {row["id"]: row for row in cinder_database.rows(self.cinder, table)}

    def payload(self, key_id, row):
        """What the row's owner gets from the key manager."""
        headers = {"X-Project-Id": row["project_id"], "X-User-Id": row["user_id"], "X-Roles": "creator",
                   "Accept": "application/octet-stream"}
        return self.agent.request("GET", f"/v1/secrets/{key_id}/payload", headers=headers)

    def stored(self):
        """Keys that migrations have stored: id -> name."""
        answer = self.agent.request("GET", "/sallyport/v1/key-import/stored?prefix=sallyport%20fixed-key%20").json()
        return {key["id"]: key["name"] for key in answer["keys"]}

    def expect_all_well(self, when):
        """No living row that could be migrated has the zero id, every new id opens for its owner, no key is without a row."""
        used = set()
        for table in ("volumes", "snapshots", "backups"):
            for row in self.rows(table).values():
                if row["deleted"]:
                    continue
                self.assertNotEqual(row["encryption_key_id"], ZERO, f"{when}: {table} {row['id']}")
                used.add(row["encryption_key_id"])
        stored = self.stored()
        self.assertEqual(set(stored) - used, set(), f"{when}: keys that nothing refers to")
        volumes = self.rows("volumes")
        for row in volumes.values():
            if row["encryption_key_id"] in stored:
                answer = self.payload(row["encryption_key_id"], row)
                self.assertEqual((answer.status, answer.body.hex()), (200, FIXED_KEY), f"{when}: {row['id']}")
        for row in self.rows("snapshots").values():
            if not row["deleted"] and row["encryption_key_id"] in stored and not volumes[row["volume_id"]]["deleted"]:
                self.assertEqual(row["encryption_key_id"], volumes[row["volume_id"]]["encryption_key_id"], when)


class RecordedDatabases(Migrating):
    def test_a_plan_changes_nothing_and_needs_no_key_manager(self):
        cinder_database.recorded(self.cinder, "basic")
        before = self.cinder.read_bytes()
        done = self.migrate("plan", "--offline", "-f", "json")
        self.assertEqual(done.returncode, 3, "a backup of before Queens needs a human")
        plan = json.loads(done.stdout)
        self.assertEqual(plan["counts"]["volumes"]["OLD"], 7)
        self.assertEqual(plan["counts"]["backups"]["UNKNOWN"], 1)
        self.assertEqual(sum(plan["counts"]["all"].values()), len(plan["objects"]))
        self.assertIn("There are still 7 volume(s) using the ConfKeyManager's all-zeros encryption key ID.", done.stderr)
        self.assertNotIn(FIXED_KEY[:8], done.stdout + done.stderr)
        self.assertEqual(self.cinder.read_bytes(), before)
        self.assertEqual([path.name for path in self.folder.glob("cinder.sqlite*")], ["cinder.sqlite"])

    def test_all_that_real_cinder_migrates_is_migrated_on_all_hosts_at_once(self):
        for name, runs in REAL_RUNS.items():
            with self.subTest(name):
                self.cinder.unlink(missing_ok=True)
                cinder_database.recorded(self.cinder, name)
                before = {table: self.rows(table) for table in ("volumes", "snapshots", "backups")}
                self.applied()
                after = {table: self.rows(table) for table in before}
                for run in runs:
                    changed = json.loads((cinder_database.VECTORS / "expected" / f"{run}.json").read_text())["changed_rows"]
                    self.compare(before, after, changed)

    def compare(self, before, after, changed):
        """Cinder's own migration also overwrites other keys of snapshots, and takes rows without an owner: we do not."""
        for table, ids in changed.items():
            for row_id in ids:
                was, row = before[table][row_id], after[table][row_id]
                if was["encryption_key_id"] != ZERO:
                    self.assertEqual(row["encryption_key_id"], was["encryption_key_id"])
                elif was["user_id"] and was["project_id"]:
                    self.assertNotIn(row["encryption_key_id"], (ZERO, None), f"{table} {row_id}")

    def test_a_migration_that_died_is_ended(self):
        cinder_database.recorded(self.cinder, "crash")
        self.applied()
        for table in ("volumes", "snapshots", "backups"):
            for row in self.rows(table).values():
                self.assertTrue(row["deleted"] or row["encryption_key_id"] != ZERO, f"{table} {row['id']}")

    def test_odd_rows_are_named_and_left_alone(self):
        cinder_database.recorded(self.cinder, "malformed")
        before = {row["display_name"]: row for row in self.rows("volumes").values()}
        done = self.migrate("apply")
        self.assertEqual(done.returncode, 3)
        after = {row["display_name"]: row for row in self.rows("volumes").values()}
        odd = [name for name in before if name.startswith("key-")] + ["user-null", "user-empty", "project-null", "null-with-zero-snap"]
        self.assertGreater(len(odd), 8)
        for name in odd:
            self.assertEqual(after[name], before[name], name)
        for name in ("host-null", "host-like", "host-gone", "user-nasty", "st-deleting"):
            self.assertNotEqual(after[name]["encryption_key_id"], ZERO, name)
        human = {entry["id"]: entry["reason"] for entry in self.plan()["objects"] if entry["needs_human"]}
        for name in odd:
            self.assertTrue(human[before[name]["id"]], name)

    def test_one_host_alone(self):
        cinder_database.recorded(self.cinder, "basic")
        self.applied("--host", "node2@lvm")
        left = {row["host"] for row in self.rows("volumes").values() if row["encryption_key_id"] == ZERO and not row["deleted"]}
        self.assertEqual(left, {"node1@lvm#lvm", "node1@ceph#volumes"})

    def test_keys_of_the_service_are_read_by_users_of_their_access_list(self):
        cinder_database.recorded(self.cinder, "basic")
        self.applied("--owner", "service")
        row = next(row for row in self.rows("volumes").values() if row["display_name"] == "zero-node2")
        self.assertEqual(self.payload(row["encryption_key_id"], row).body.hex(), FIXED_KEY)
        stranger = {**row, "user_id": "stranger"}
        self.assertEqual(self.payload(row["encryption_key_id"], stranger).status, 403)


class ManyVolumes(Migrating):
    COUNT = 60

    def setUp(self):
        super().setUp()
        cinder_database.many_volumes(self.cinder, self.COUNT)

    def test_done_verified_and_nothing_left_for_a_second_run(self):
        report = self.applied()
        self.assertEqual((report["migrated"], report["snapshots"]), (self.COUNT, self.COUNT))
        self.expect_all_well("after one run")
        verified = self.migrate("verify", "-f", "json")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertEqual(json.loads(verified.stdout)["keys_compared"], self.COUNT)
        self.assertEqual(self.applied()["total"], 0)
        status = json.loads(self.migrate("status", "-f", "json").stdout)
        self.assertEqual(status["state"], "done")

    def test_verify_finds_a_key_that_is_another(self):
        self.applied()
        victim = next(iter(self.rows("volumes").values()))
        other = {"X-Project-Id": victim["project_id"], "X-User-Id": victim["user_id"], "X-Roles": "creator"}
        gone = self.agent.request("DELETE", f"/v1/secrets/{victim['encryption_key_id']}", headers=other)
        self.assertEqual(gone.status, 204)
        verified = self.migrate("verify", "-f", "json")
        self.assertEqual(verified.returncode, 3)
        self.assertIn(f"volume {victim['id']}", [fault["object"] for fault in json.loads(verified.stdout)["faults"]])

    def test_killed_at_any_system_call_it_is_run_again(self):
        harness.need("strace", "strace")
        calls = "write,pwrite64,fsync,fdatasync,sendto,sendmsg"
        struck = 0
        for kill in range(KILLS):
            at = 1 + kill
            words = self.command("apply", "--jobs", str(1 + kill % 3))
            done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", "signal=none",
                                   "-e", f"inject={calls}:signal=KILL:when={at}", *words], capture_output=True, check=False)
            struck += done.returncode in (137, -9)
            if done.returncode == 0:
                self.applied()
                self.expect_all_well(f"kill {kill}")
                self.cinder.unlink()
                cinder_database.many_volumes(self.cinder, self.COUNT)
                for key in self.stored():
                    self.agent.request("POST", "/sallyport/v1/key-import/remove", json_body={"id": key})
        self.assertGreater(struck, min(KILLS, 40) // 2)
        self.applied()
        self.expect_all_well("after all kills")

    def test_an_agent_that_is_killed_meanwhile(self):
        words = self.command("apply", "--jobs", "4")
        for _ in range(3):
            with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                harness.wait_until(lambda: len(self.agent.log()) > 0, 5, "a log")
                self.agent.kill()
                self.agent.start()
                running.wait(60)
        self.applied()
        self.expect_all_well("after three agents")

    def test_two_at_a_time(self):
        commands = [self.command("apply", "--jobs", "4", journal=f"journal-{number}") for number in range(2)]
        running = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for words in commands]
        for process in running:
            _, errors = process.communicate(timeout=60)
            self.assertIn(process.returncode, (0, 3), errors)
        self.applied()
        self.expect_all_well("after two at a time")

    def test_a_second_one_with_the_same_journal_is_refused(self):
        first = self.migrate("apply")
        self.assertEqual(first.returncode, 0, first.stderr)
        with open(self.folder / "journal", "rb") as journal:
            import fcntl  # pylint: disable=import-outside-toplevel
            fcntl.flock(journal, fcntl.LOCK_SH)
            second = self.migrate("apply")
        self.assertEqual(second.returncode, 1)
        self.assertIn("another process writes the journal", second.stderr)


class Rekeying(Migrating):
    """Volumes whose headers are in reach: real LUKS headers that the fixed key opens."""

    def setUp(self):
        super().setUp()
        self.agent.stop()
        self.agent.config["roles"] = ["keymanager", "volumes"]
        self.agent.start()
        cinder_database.many_volumes(self.cinder, 3)
        self.disks = self.folder / "disks"
        self.disks.mkdir()
        self.pattern = str(self.disks / "volume-{id}")
        self.key = self.file("fixed", bytes.fromhex(FIXED_KEY))
        self.volumes = sorted(self.rows("volumes"))
        with sqlite3.connect(self.cinder) as database:
            database.execute("DELETE FROM snapshots WHERE volume_id <> ?", (self.volumes[0],))
        database.close()
        for volume in self.volumes:
            disk = self.disk(volume)
            disk.touch()
            os.truncate(disk, 20 << 20)
            done = self.agent.cli("volume", "format", disk, "--key-file", self.key)
            self.assertEqual(done.returncode, 0, done.stderr)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    def disk(self, volume):
        return self.disks / f"volume-{volume}"

    def opens(self, volume, key_file):
        return self.agent.cli("volume", "test", self.disk(volume), "--key-file", key_file).returncode == 0

    def expect_rekeyed(self):
        for volume in self.volumes:
            row = self.rows("volumes")[volume]
            answer = self.payload(row["encryption_key_id"], row)
            self.assertEqual(answer.status, 200)
            self.assertNotEqual(answer.body.hex(), FIXED_KEY)
            self.assertTrue(self.opens(volume, self.file("its", answer.body)), volume)
            self.assertFalse(self.opens(volume, self.key), "the fixed key opens nothing any more")
        snapshot = next(iter(self.rows("snapshots").values()))
        owner = self.rows("volumes")[self.volumes[0]]
        self.assertEqual(self.payload(snapshot["encryption_key_id"], owner).body.hex(), FIXED_KEY, "its header is of before")

    def test_the_fixed_key_opens_nothing_any_more(self):
        report = self.applied("--volume-path", self.pattern, "--rekey")
        self.assertEqual(report["rekey"], {"rekeyed": 3, "out_of_reach": 0, "kept_for_snapshots": 1, "failed": {}})
        self.expect_rekeyed()
        self.assertEqual(self.plan()["counts"]["volumes"]["DONE"], 3)

    def test_killed_anywhere_the_id_of_the_row_opens_the_volume(self):
        calls = "write,pwrite64,fdatasync,sendto,sendmsg"
        killed = 0
        for at in range(2, 42, 2):  # of the thread that rekeys
            words = self.command("apply", "--volume-path", self.pattern, "--rekey", "--jobs", "1")
            done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}", "-e", "signal=none",
                                   "-e", f"inject={calls}:signal=KILL:when={at}", *words], capture_output=True, check=False)
            killed += done.returncode in (137, -9)
            for volume in self.volumes:
                row = self.rows("volumes")[volume]
                if row["encryption_key_id"] != ZERO:
                    key = self.file("its", self.payload(row["encryption_key_id"], row).body)
                    self.assertTrue(self.opens(volume, key), f"killed at call {at}: {volume}")
        self.assertGreater(killed, 3)
        self.applied("--volume-path", self.pattern, "--rekey")
        self.expect_rekeyed()

    def test_what_is_out_of_reach_is_counted(self):
        self.disk(self.volumes[2]).unlink()
        done = self.migrate("apply", "-f", "json", "--volume-path", self.pattern, "--rekey")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(json.loads(done.stdout)["rekey"]["out_of_reach"], 1)

    def test_a_header_that_opens_with_another_key_is_foreign(self):
        other = self.file("other", os.urandom(32))
        disk = self.disk(self.volumes[1])
        self.assertEqual(self.agent.cli("volume", "format", disk, "--force", "--key-file", other).returncode, 0)
        os.truncate(self.disk(self.volumes[2]), 0)
        os.truncate(self.disk(self.volumes[2]), 20 << 20)
        states = {entry["id"]: entry["state"] for entry in self.plan("--volume-path", self.pattern)["objects"]}
        self.assertEqual([states[volume] for volume in self.volumes], ["OLD", "FOREIGN", "NEVER-USED"])
        self.applied("--volume-path", self.pattern)
        self.assertEqual(self.rows("volumes")[self.volumes[1]]["encryption_key_id"], ZERO)

    def test_a_lost_key_comes_back_where_the_header_proves_it(self):
        self.applied()
        row = self.rows("volumes")[self.volumes[1]]
        self.agent.request("POST", "/sallyport/v1/key-import/remove", json_body={"id": row["encryption_key_id"]})
        self.assertEqual(self.plan("--volume-path", self.pattern)["counts"]["volumes"]["LOST"], 1)
        self.applied("--volume-path", self.pattern)
        self.assertEqual(self.rows("volumes")[self.volumes[1]], row, "only if it is asked for")
        self.applied("--volume-path", self.pattern, "--relink-lost")
        now = self.rows("volumes")[self.volumes[1]]
        self.assertEqual(self.payload(now["encryption_key_id"], now).body.hex(), FIXED_KEY)


class Finishing(Migrating):
    def setUp(self):
        super().setUp()
        cinder_database.recorded(self.cinder, "cluster")
        self.nova = self.folder / "nova.conf"
        self.nova.write_text(f"[DEFAULT]\ndebug = true\n[key_manager]\n# of the old days\nfixed_key = {FIXED_KEY}\n[libvirt]\nvirt_type = kvm\n")

    def test_cleanup_only_when_no_zero_id_is_left_and_only_fixed_key_goes(self):
        before = self.nova.read_text()
        done = self.migrate("cleanup", "--nova-conf", self.nova)
        self.assertEqual(done.returncode, 1)
        self.assertIn("20 objects still have the all-zeros key id", done.stderr)
        self.applied()
        done = self.migrate("cleanup", "--nova-conf", self.nova, "-f", "json", "--dry-run")
        self.assertEqual((done.returncode, self.nova.read_text()), (0, before), done.stderr)
        done = self.migrate("cleanup", "--nova-conf", self.nova, "-f", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.nova.read_text(), before.replace(f"fixed_key = {FIXED_KEY}\n", ""))
        self.assertNotIn("fixed_key", self.conf.read_text())
        answer = json.loads(done.stdout)
        for entry in answer["files"]:
            backup = Path(entry["backup"])
            self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
            self.assertIn(FIXED_KEY, backup.read_text())
        services = [entry["service"] for entry in answer["restart"]]
        self.assertTrue(any("nova" in service for service in services) and any("cinder" in service for service in services))
        self.assertNotIn(FIXED_KEY[:8], done.stdout + done.stderr)

    def test_a_report_for_people_programs_and_browsers(self):
        page = self.folder / "report.html"
        done = self.migrate("report", "--residual", "--html", page, "-f", "json")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.assertIn("<svg", page.read_text())
        self.assertNotIn("<script", page.read_text())
        self.assertTrue(json.loads(done.stdout))
        again = self.migrate("report", "--html", page)
        self.assertEqual(again.returncode, 1, "one that is there is not overwritten")
        self.assertIn("# ", self.migrate("report").stdout)


class BadInput(Migrating):
    def setUp(self):
        super().setUp()
        cinder_database.recorded(self.cinder, "basic")

    def refused(self, *words, verb="apply"):
        before = self.cinder.read_bytes() if self.cinder.is_file() else None
        done = self.migrate(verb)
        self.assertEqual(done.returncode, 1, done.stdout)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(self.stored(), {})
        if before is not None:
            self.assertEqual(self.cinder.read_bytes(), before)
        return done.stderr

    def test_a_fixed_key_that_is_none(self):
        for text in ("abcdefa", "zz" * 32, FIXED_KEY + "0"):
            self.configure(fixed_key=text)
            self.assertNotIn(text[:6], self.refused("cinder.conf:5"))

    def test_no_fixed_key(self):
        self.configure(fixed_key=None)
        self.refused("Not migrating encryption keys because the ConfKeyManager's fixed_key is not in use.")

    def test_cinder_that_still_uses_the_conf_key_manager(self):
        self.configure(backend="cinder.keymgr.conf_key_mgr.ConfKeyManager")
        self.refused("Not migrating encryption keys because the ConfKeyManager is still in use.")

    def test_another_fixed_key_on_another_node(self):
        nova = self.folder / "nova.conf"
        nova.write_text(f"[key_manager]\nfixed_key = {'00' * 32}\n")
        done = self.migrate("apply", "--nova-conf", str(nova))
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(nova), done.stderr)
        self.assertNotIn(FIXED_KEY[:8], done.stderr)
        self.assertEqual(self.migrate("plan", "--nova-conf", str(nova)).returncode, 3)

    def test_a_database_that_is_not_there_or_none_or_not_cinders(self):
        self.cinder.unlink()
        self.refused("the Cinder database", "cannot be opened")
        self.assertFalse(self.cinder.exists())
        self.cinder.write_text("nonsense" * 200)
        self.refused("the Cinder database")
        self.cinder.unlink()
        sqlite3.connect(self.cinder).execute("CREATE TABLE volumes (id TEXT)").connection.close()
        self.refused("the Cinder database", "it is not Cinder's")

    def test_a_release_without_keys_of_backups(self):
        with sqlite3.connect(self.cinder) as database:
            database.execute("ALTER TABLE backups RENAME COLUMN encryption_key_id TO other")
        database.close()
        self.refused("backups", "before Queens")

    def test_a_locked_database_changes_nothing(self):
        other = sqlite3.connect(self.cinder, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        done = self.migrate("plan")
        self.assertEqual(done.returncode, 1)
        self.assertIn("locked", done.stderr)
        other.close()

    def test_forbidden_by_the_policy_it_stops_at_once(self):
        policy = self.folder / "policy.yaml"
        policy.write_text('"secrets:post": "role:nobody"\n')
        self.agent.stop()
        self.agent.config["policy_file"] = str(policy)
        self.agent.start()
        error = self.refused("creator", "sallyport policy check")
        self.assertIn("Error migrating encryption key: ", error)

    def test_a_project_over_its_quota_does_not_stop_the_others(self):
        admin = {"X-Roles": "key-manager:service-admin", "X-Project-Id": "any"}
        full = next(row["project_id"] for row in self.rows("volumes").values() if row["display_name"] == "zero-1")
        set_quota = self.agent.request("PUT", f"/v1/project-quotas/{full}", headers=admin, json_body={"project_quotas": {"secrets": 2}})
        self.assertEqual(set_quota.status, 204)
        report = self.applied()
        self.assertGreater(report["migrated"], 2)
        self.assertTrue(report["failed"])
        self.assertTrue(all("quota" in why for why in report["failed"].values()), report["failed"])
        self.agent.request("DELETE", f"/v1/project-quotas/{full}", headers=admin)
        self.assertEqual(self.applied()["failed"], {})

    def test_without_an_agent_apply_is_refused(self):
        self.agent.stop()
        done = self.migrate("apply")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is the agent running?", done.stderr)


class Servers(Migrating):
    def over(self, server, connect, quote, foreign_keys_off, driver):
        server.create("cinder")
        cinder_database.db_sync(server.url("cinder", PASSWORD).replace(server.scheme, driver))
        source = cinder_database.recorded(self.folder / "source.sqlite", "basic")
        connection = connect()
        self.addCleanup(connection.close)
        cinder_database.copy_rows(source, connection, quote, foreign_keys_off)
        self.configure(connection=server.url("cinder", PASSWORD))
        self.assertEqual(self.plan()["counts"]["volumes"]["OLD"], 7)
        report = self.applied()
        self.assertEqual((report["migrated"], report["failed"]), (10, {}))
        connection.rollback()
        cursor = connection.cursor()
        for table, deleted in (("volumes", 1), ("snapshots", 1), ("backups", 1)):
            cursor.execute(f"SELECT COUNT(*) FROM {table} WHERE encryption_key_id = '{ZERO}' AND deleted = '0'")
            self.assertEqual(cursor.fetchone()[0], 0, table)
            cursor.execute(f"SELECT COUNT(*) FROM {table} WHERE encryption_key_id = '{ZERO}' AND deleted = '1'")
            self.assertEqual(cursor.fetchone()[0], deleted, f"{table}: what is deleted is left alone")

    def test_mariadb(self):
        import pymysql  # pylint: disable=import-outside-toplevel
        server = MariaDb(self.folder / "mariadb")
        self.addCleanup(server.stop)
        server.start()
        self.over(server, lambda: pymysql.connect(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD, database="cinder"),
                  "`", "SET FOREIGN_KEY_CHECKS = 0", "mysql+pymysql")

    def test_postgresql(self):
        import psycopg2  # pylint: disable=import-outside-toplevel
        server = PostgreSql(self.folder / "postgresql")
        self.addCleanup(server.stop)
        server.start()
        self.over(server, lambda: psycopg2.connect(host="127.0.0.1", port=server.port, user=USER, password=PASSWORD, dbname="cinder"),
                  '"', "SET CONSTRAINTS ALL DEFERRED", "postgresql+psycopg2")


if __name__ == "__main__":
    sys.exit(unittest.main())
