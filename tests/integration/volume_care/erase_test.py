#!/usr/bin/python3
"""`sallyport volume erase`: killed at any system call, and what its certificate says."""

import base64
import json
import re
import shutil
import sqlite3
import subprocess
import unittest
from pathlib import Path

import harness
from volumes import MIB, OLD, Volumes, VolumesWithAgent, traced


class Offline(Volumes):
    def setUp(self):
        super().setUp()
        self.image = self.folder / "disk"
        self.certificates = self.folder / "erasures"
        self.command = [harness.SALLYPORT, "volume", "erase", self.image, "--key-file", self.old, "--yes",
                        "--folder", self.certificates]

    def fresh(self, version="luks2"):
        self.image.unlink(missing_ok=True)
        self.blank("disk")
        self.volume("format", self.image, "--key-file", self.old, "--luks", version)
        with open(self.image, "r+b") as image:
            image.seek(19 * MIB)
            image.write(b"ciphertext")

    def check_erased(self, version):
        data = self.image.read_bytes()
        self.assertEqual(data[:2 * MIB if version == "luks1" else 16 * MIB].count(0), 2 * MIB if version == "luks1" else 16 * MIB)
        self.assertEqual(data[19 * MIB:19 * MIB + 10], b"ciphertext")
        self.assertFalse(self.cryptsetup_opens(self.image, OLD))

    def test_killed_at_any_call_it_goes_on(self):
        kills = 0
        for version in ("luks1", "luks2"):
            self.fresh(version)
            report = self.folder / "calls"
            subprocess.run(["strace", "-f", "-qq", "-o", report, "-e", "trace=pwrite64,fsync", *self.command],
                           capture_output=True, check=True)
            for call in ("pwrite64", "fsync"):
                count = len(re.findall(rf"\b{call}\(", report.read_text()))
                for number in sorted({1, 2, 3, count // 2, count - 2, count - 1, count}):
                    with self.subTest((version, call, number)):
                        self.fresh(version)
                        shutil.rmtree(self.certificates, ignore_errors=True)
                        kills += traced(f"signal=SIGKILL:when={number}", self.command, call) in (-9, 137)
                        done = subprocess.run(self.command, capture_output=True, check=False)
                        # Killed at the very end, it was certified already.
                        if done.returncode != 0:
                            self.assertIn(b"is no LUKS volume", done.stderr)
                        self.check_erased(version)
                        self.assertGreaterEqual(len(list(self.certificates.glob("*.json"))), 1)
        self.assertGreater(kills, 15)
        print(f"{kills} kills")

    def test_refusals_leave_the_volume_alone(self):
        self.fresh()
        self.assertIn("--yes does it", self.volume("erase", self.image, "--key-file", self.old, "--folder", self.certificates,
                                                   status=1))
        self.assertIn("nothing was erased", self.volume("erase", self.image, "--key-file", self.new, "--yes", "--folder",
                                                        self.certificates, status=1))
        self.volume("erase", self.image, "--key-file", self.old, "--yes", status=2)
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))

    def test_openssl_verifies_the_certificate(self):
        self.fresh()
        answer = self.volume("erase", self.image, "--key-file", self.old, "--yes", "--folder", self.certificates)
        certificate = json.loads(Path(answer["certificate"]).read_text(encoding="utf-8"))
        statement = self.file("statement", json.dumps(certificate["certificate"], separators=(",", ":"),
                                                      ensure_ascii=False).encode())
        value = self.file("value", base64.b64decode(certificate["signature"]["value"]))
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", self.certificates / "signing.pub", "-rawin",
                        "-in", statement, "-sigfile", value], check=True, capture_output=True)
        verified = self.volume("certificate", "verify", answer["certificate"], "--public-key", self.certificates / "signing.pub")
        self.assertEqual(verified["result"], "erased")
        self.assertEqual(verified["what"]["device"], str(self.image))
        self.assertEqual(verified["what"]["size"], 20 * MIB)
        forged = self.file("forged", json.dumps(certificate).replace("erased", "intact").encode())
        self.assertIn("does not verify", self.volume("certificate", "verify", forged, status=1))


class WithAgent(VolumesWithAgent):
    def setUp(self):
        super().setUp()
        self.start_again()

    def start_again(self):
        self.blank("disk")
        self.id = self.secret(self.old)
        self.ask("format", self.image, "--key", self.id)
        self.ask("header", "backup", self.image)

    def rows(self, statement):
        with sqlite3.connect(self.agent.folder / "keys.db") as database:
            return database.execute(statement).fetchone()[0]

    def check_erased(self):
        self.assertEqual(self.image.read_bytes().count(0), 20 * MIB)
        for table in ("sp_volumes", "sp_volume_headers", "sp_volume_header_pieces"):
            self.assertEqual(self.rows(f"SELECT COUNT(*) FROM {table}"), 0, table)
        self.assertEqual(self.rows("SELECT COUNT(*) FROM encrypted_data"), 0)
        self.assertNotEqual(self.agent.cli("secret", "undelete", self.id).returncode, 0)
        self.assertFalse(self.cryptsetup_opens(self.image, OLD))

    def test_a_registered_volume_is_erased_only_by_its_name(self):
        for kind, name in (("volume", "cinders-id"), ("volume", "another-id")):
            done = self.agent.cli("secret", "consumers", "create", self.id, "--service-type-name", "cinder", "--resource-type", kind,
                                  "--resource-id", name)
            self.assertEqual(done.returncode, 0, done.stderr)
        arguments = ("erase", self.image, "--key", self.id, "--yes")
        self.assertIn("in use by cinder volume", self.ask(*arguments, status=1))
        self.assertIn("in use by cinder volume another-id", self.ask(*arguments, "--volume", "cinders-id", status=1))
        self.assertTrue(self.opens(self.image, self.old))
        done = self.agent.cli("secret", "consumers", "delete", self.id, "--service-type-name", "cinder", "--resource-type", "volume",
                              "--resource-id", "another-id")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.ask(*arguments, "--volume", "cinders-id")["result"], "erased")
        self.check_erased()

    def test_the_secret_and_the_copies_of_the_header_go_too(self):
        answer = self.ask("erase", self.image, "--key", self.id, "--yes", "--certificate", self.folder / "proof")
        self.assertEqual(answer["result"], "erased")
        self.check_erased()
        proof = self.volume("certificate", "verify", self.folder / "proof", "--public-key", self.erasures / "signing.pub")
        self.assertEqual(proof["destroyed"]["secrets"], [{"secret": self.id, "ciphertexts_removed": 1}])
        self.assertEqual(proof["destroyed"]["header_copies"], 1)
        self.assertEqual(len(proof["verification"]), 5)
        self.assertEqual(self.agent.cli("secret", "get", self.id).returncode, 1)

    def test_an_agent_that_is_killed_anywhere_goes_on(self):
        killed = 0
        for call, number in (("fsync", 1), ("fsync", 3), ("fsync", 4), ("pwrite64", 2), ("pwrite64", 20), ("fdatasync", 1),
                             ("fdatasync", 2), ("fdatasync", 3), ("fdatasync", 4)):
            with self.subTest(f"{call} {number}"):
                died = self.killed_at(call, number, "erase", self.image, "--key", self.id, "--yes")
                killed += died
                if died and self.rows("SELECT COUNT(*) FROM sp_volumes") != 0:
                    self.ask("erase", self.image, "--key", self.id, "--yes")
                self.check_erased()
                self.start_again()
        self.assertGreater(killed, 4)


if __name__ == "__main__":
    unittest.main()
