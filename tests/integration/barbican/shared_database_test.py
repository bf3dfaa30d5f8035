"""One SQLite file, read and written by a real Barbican and by us in turn."""
import base64
import os
import sqlite3
import subprocess
import unittest
from pathlib import Path

import harness

TOOL = str(Path(harness.SALLYPORT).parent / "barbican_peer_tool")
PEER = str(Path(__file__).resolve().parent / "peer.py")
PROJECT = "11112222333344445555666677778888"


class SharedDatabase(unittest.TestCase):
    def setUp(self):
        harness.need("barbican-manage", "barbican-common")
        self.folder = harness.temporary_folder(self)
        self.database = str(self.folder / "shared.sqlite")
        self.key = base64.urlsafe_b64encode(os.urandom(32)).decode()
        self.kek_file = str(self.folder / "kek")
        Path(self.kek_file).touch(0o600)
        Path(self.kek_file).write_text(self.key + "\n")

    def migrate(self):
        subprocess.run(["barbican-manage", "db", "upgrade", "--db-url", "sqlite:///" + self.database], check=True,
                       capture_output=True)

    def ask(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def ours(self, action, *texts):
        return self.ask(TOOL, action, self.database, self.kek_file, PROJECT, *texts)

    def theirs(self, action, *texts):
        return self.ask("/usr/bin/python3", PEER, action, self.database, self.key, PROJECT, *texts)

    def expect_both_read(self, *texts):
        expected = sorted(f"{text}: {text.encode().hex()}" for text in texts)
        self.assertEqual(sorted(self.ours("read")), expected)
        self.assertEqual(sorted(self.theirs("read")), expected)

    def keys_of_the_project(self):
        with sqlite3.connect(self.database) as connection:
            return connection.execute("SELECT COUNT(*) FROM kek_data").fetchone()[0]

    def test_barbicans_database_goes_on_in_our_hands_and_back(self):
        self.migrate()
        self.theirs("store", "theirs", "gr\u00fc\u00dfe")
        self.ours("store", "ours", "l\u00e4nger" * 100)
        self.theirs("store", "theirs again")
        self.expect_both_read("theirs", "gr\u00fc\u00dfe", "ours", "l\u00e4nger" * 100, "theirs again")
        self.assertEqual(self.keys_of_the_project(), 1)

    def test_our_database_goes_on_in_barbicans_hands(self):
        self.ours("store", "ours")
        self.migrate()  # finds nothing to do
        self.theirs("store", "theirs")
        self.expect_both_read("ours", "theirs")
        self.assertEqual(self.keys_of_the_project(), 1)


if __name__ == "__main__":
    unittest.main()
