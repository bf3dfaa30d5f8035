#!/usr/bin/python3
"""Clones become volumes of their own (`volume rekey-clone`), killed anywhere; a header that `format --force` destroys is kept."""

import os
import shutil
import subprocess
import unittest

from volumes import MIB, OLD, VolumesWithAgent

CLONE = "6f1c2f3a-0f4b-4f0e-9a77-3d1f3b0a5c01"


class Clones(VolumesWithAgent):
    def setUp(self):
        super().setUp()
        self.source_id = self.secret(self.old)
        self.ask("format", self.image, "--key", self.source_id)
        self.clone = self.folder / "clone"
        shutil.copy(self.image, self.clone)
        self.arguments = ("rekey-clone", self.clone, "--key", self.source_id, "--volume", CLONE)

    def check_clone(self):
        answer = self.ask("inspect", self.clone)
        self.assertEqual(answer["uuid"], CLONE)
        self.assertFalse(self.cryptsetup_opens(self.clone, OLD))
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        keys = self.ask("key", "find", "--volume", CLONE)
        self.assertEqual(len(keys), 1)
        self.ask("test", self.clone, "--key", keys[0]["secret"])
        self.assertEqual(len(self.ask("header", "list", self.clone)), 1)
        consumers = self.agent.cli("secret", "consumers", "list", keys[0]["secret"], "-f", "json")
        self.assertIn(CLONE, consumers.stdout.decode())
        return keys[0]["secret"]

    def test_a_clone_gets_a_uuid_and_a_key_of_its_own_in_one_command(self):
        self.ask("header", "backup", self.image)
        before = self.ask("header", "list", self.image)
        answer = self.ask(*self.arguments)
        self.assertEqual((answer["uuid"], answer["volume"]), (CLONE, CLONE))
        self.assertEqual(answer["secret"], self.check_clone())
        self.assertEqual(self.ask(*self.arguments)["steps"], [])
        # Nothing of it touches what is kept of the source.
        self.assertEqual(self.ask("header", "list", self.image), before)
        self.assertTrue(self.ask("reencrypt", self.clone, "--key", answer["secret"])["finished"])

    def test_what_is_no_clone_is_refused_and_left_as_it_is(self):
        self.ask("header", "backup", self.image)
        before = self.image.read_bytes()
        refused = self.ask("rekey-clone", self.image, "--key", self.source_id, "--volume", CLONE, status=1)
        self.assertIn("itself was seen last", refused)
        self.assertEqual(self.image.read_bytes(), before)
        other = self.blank("other")
        self.volume("format", other, "--key-file", self.new)
        self.assertIn("opens no key slot", self.ask("rekey-clone", other, *self.arguments[2:], status=1))
        self.assertIn("no UUID", self.ask(*self.arguments[:-1], "clone-1", status=1))

    def test_an_agent_that_is_killed_anywhere_is_finished_by_the_next(self):
        killed = 0
        pristine = self.clone.read_bytes()
        for number, (call, when) in enumerate([("fdatasync", n) for n in (1, 2, 3, 4, 6)] +
                                              [("fsync", n) for n in (1, 2, 4, 6)] + [("write", n) for n in (3, 8)]):
            with self.subTest(f"{call} {when}"):
                self.clone.write_bytes(pristine)
                volume = f"6f1c2f3a-0f4b-4f0e-9a77-3d1f3b0a5d{number:02}"
                arguments = (*self.arguments[:-1], volume)
                killed += self.killed_at(call, when, *arguments)
                self.ask(*arguments)
                self.assertEqual(self.ask("inspect", self.clone)["uuid"], volume)
                self.assertFalse(self.cryptsetup_opens(self.clone, OLD))
                keys = self.ask("key", "find", "--volume", volume)
                self.assertEqual(len(keys), 1)
                self.ask("test", self.clone, "--key", keys[0]["secret"])
        self.assertGreater(killed, 4)
        print(f"{killed} kills")


class ForcedFormat(VolumesWithAgent):
    def test_the_header_that_it_destroys_comes_back(self):
        secret, other = self.secret(self.old), self.secret(self.new)
        uuid = self.ask("format", self.image, "--key", secret)["uuid"]
        self.ask("format", self.image, "--key", other, status=1)
        kept = self.ask("format", self.image, "--key", other, "--force")["replaced_header"]
        self.assertEqual((kept["uuid"], kept["reason"]), (uuid, "before format"))
        self.assertFalse(self.cryptsetup_opens(self.image, OLD))
        self.ask("header", "restore", self.image, "--uuid", uuid, "--force")
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        # Nothing to be kept, nothing said.
        with open(self.image, "r+b") as image:
            image.write(os.urandom(2 * MIB))
        self.assertNotIn("replaced_header", self.ask("format", self.image, "--key", other, "--force"))
        subprocess.run(["cryptsetup", "isLuks", self.image], check=True)


if __name__ == "__main__":
    unittest.main()
