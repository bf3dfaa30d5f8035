"""`migrate conf-key-manager --target URL`: the keys go to a real Barbican, with Cinder's own account of a real Keystone."""

import hashlib
import json
import subprocess
import sys
import unittest

import cinder_database
import harness
from barbican_lab import BarbicanLab, FaultyProxy
from cinder_database import ZERO

sys.path.insert(0, str(harness.ROOT / "tests/integration/keystone"))
from keystone_lab import KeystoneLab, PASSWORD  # noqa: E402

FIXED_KEY = hashlib.sha256(b"sallyport remote target").hexdigest()


class BarbicanTarget(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        class Cleanup:
            addCleanup = cls.addClassCleanup

        cls.keystone = KeystoneLab(harness.temporary_folder(Cleanup))
        cls.addClassCleanup(cls.keystone.stop)
        cls.keystone.start()
        # Two Cinders: one whose account has the role, one where it was forgotten.
        cls.keystone.add_user("cinder", "service", ["service", "creator"])
        cls.keystone.add_user("cinder2", "service", ["service"])
        cls.barbican = BarbicanLab(harness.temporary_folder(Cleanup), cls.keystone.server.url, PASSWORD)
        cls.addClassCleanup(cls.barbican.stop)
        cls.barbican.start()

    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.cinder = cinder_database.recorded(self.folder / "cinder.sqlite", "basic")
        self.conf = self.folder / "cinder.conf"
        self.configure()
        self.addCleanup(self.remove_secrets)

    def configure(self, username="cinder", password=PASSWORD):
        root = self.keystone.server.url.removesuffix("/v3")
        self.conf.write_text(f"""[database]
connection = sqlite:///{self.cinder}
[key_manager]
backend = barbican
fixed_key = {FIXED_KEY}
[keystone_authtoken]
auth_url = {root}
username = {username}
password = {password}
project_name = service
user_domain_id = default
project_domain_name = Default
""")

    def migrate(self, verb, *options, target=None):
        command = [harness.SALLYPORT, "migrate", "conf-key-manager", verb, "--cinder-conf", self.conf, "--target",
                   target or self.barbican.url, "-f", "json", *options]
        if verb == "apply":
            command += ["--journal", self.folder / "journal"]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, timeout=300)

    def token(self):
        return self.keystone.token("cinder", "service")

    def secrets(self):
        """All in Cinder's project: id -> name."""
        status, body = self.barbican.request("GET", "/v1/secrets?limit=100", self.token())
        self.assertEqual(status, 200, body)
        return {one["secret_ref"].rsplit("/", 1)[1]: one["name"] for one in json.loads(body)["secrets"]}

    def remove_secrets(self):
        for secret in self.secrets():
            self.barbican.request("DELETE", f"/v1/secrets/{secret}", self.token())

    def rows(self, table):
        return {row["id"]: row for row in cinder_database.rows(self.cinder, table)}

    def check_migrated(self):
        """Every row that had the zero id has a key of its own that is the fixed key and lets its owner in; nothing is left over."""
        before = self.folder / "before.sqlite"
        if not before.exists():
            cinder_database.recorded(before, "basic")
        used = set()
        for table in ("volumes", "backups"):
            now = self.rows(table)
            for old in cinder_database.rows(before, table):
                row = now[old["id"]]
                if old["deleted"] or old["encryption_key_id"] != ZERO:
                    self.assertEqual(row["encryption_key_id"], old["encryption_key_id"])
                    continue
                secret = row["encryption_key_id"]
                self.assertNotEqual(secret, ZERO)
                used.add(secret)
                status, payload = self.barbican.request("GET", f"/v1/secrets/{secret}/payload", self.token(),
                                                        accept="application/octet-stream")
                self.assertEqual((status, payload.hex()), (200, FIXED_KEY))
                _, acl = self.barbican.request("GET", f"/v1/secrets/{secret}/acl", self.token())
                self.assertIn(row["user_id"], json.loads(acl)["read"]["users"])
        volumes = self.rows("volumes")
        for snapshot in self.rows("snapshots").values():
            if not snapshot["deleted"]:
                self.assertNotEqual(snapshot["encryption_key_id"], ZERO)
                if snapshot["encryption_key_id"] in used:
                    self.assertEqual(snapshot["encryption_key_id"], volumes[snapshot["volume_id"]]["encryption_key_id"])
        self.assertEqual(set(self.secrets()), used)

    def test_keys_are_stored_read_back_and_granted(self):
        done = self.migrate("apply")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.check_migrated()
        verified = self.migrate("verify")
        self.assertGreater(json.loads(verified.stdout)["keys_compared"], 0, verified.stderr)
        self.assertNotIn(FIXED_KEY, done.stdout + done.stderr + verified.stdout + verified.stderr)
        again = json.loads(self.migrate("apply").stdout)
        self.assertEqual(again["migrated"], 0)
        self.check_migrated()

    def test_an_owner_who_was_left_out_is_let_in(self):
        self.migrate("apply")
        secret = next(iter(self.secrets()))
        self.barbican.request("PUT", f"/v1/secrets/{secret}/acl", self.token(), json.dumps({"read": {"users": ["somebody"]}}))
        plan = json.loads(self.migrate("plan").stdout)
        self.assertIn("NO-ACCESS", {one["state"] for one in plan["objects"]})
        self.migrate("apply")
        _, acl = self.barbican.request("GET", f"/v1/secrets/{secret}/acl", self.token())
        self.assertIn("somebody", json.loads(acl)["read"]["users"])
        self.check_migrated()

    def test_passing_failures_are_tried_again_and_leave_no_orphan(self):
        proxy = FaultyProxy(self.barbican.port, ["refuse", "busy", "drop", "lose"], 4)
        self.addCleanup(proxy.stop)
        done = self.migrate("apply", "--jobs", "4", target=proxy.url)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.assertEqual(json.loads(done.stdout)["failed"], {}, done.stdout)
        self.assertEqual(set(proxy.done), {"refuse", "busy", "drop", "lose"})
        self.check_migrated()

    def test_a_missing_role_ends_the_run_with_the_command_that_grants_it(self):
        self.configure(username="cinder2")
        done = self.migrate("apply")
        self.assertEqual(done.returncode, 1)
        self.assertIn("openstack role add --project service --user cinder2 creator", done.stderr)
        self.assertEqual(self.secrets(), {})

    def test_a_wrong_password_is_said_and_not_shown(self):
        self.configure(password="5ecretmistake")
        done = self.migrate("apply")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Keystone", done.stderr)
        self.assertNotIn("5ecretmistake", done.stderr)

    def test_a_token_that_ends_is_renewed(self):
        keystone, self.keystone.server = self.keystone.server, self.keystone.start_server(expiration=2)
        try:
            self.configure()
        finally:
            self.keystone.server = keystone
        done = self.migrate("apply", "--jobs", "1")
        self.assertIn(done.returncode, (0, 3), done.stderr)
        self.check_migrated()


if __name__ == "__main__":
    unittest.main()
