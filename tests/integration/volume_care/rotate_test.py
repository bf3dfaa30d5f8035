#!/usr/bin/python3
"""`sallyport volume rotate` and `volume header`: killed and failed at any system call, with and without an agent."""

import os
import random
import re
import subprocess
import unittest

import harness
from volumes import MIB, NEW, OLD, Volumes, VolumesWithAgent, traced

KILLS = int(os.environ.get("SALLYPORT_KILLS", "100"))
CALLS = ("write", "fsync")


class Offline(Volumes):
    """Without an agent: nothing but the header says how far a rotation has come."""

    def setUp(self):
        super().setUp()
        self.pristine = {}
        for version in ("luks1", "luks2"):
            self.pristine[version] = self.blank(version)
            self.volume("format", self.pristine[version], "--key-file", self.old, "--luks", version)
        self.image = self.folder / "disk"
        self.command = [harness.SALLYPORT, "volume", "rotate", self.image, "--key-file", self.old, "--new-key-file", self.new]

    def fresh(self, version):
        subprocess.run(["cp", "--sparse=always", self.pristine[version], self.image], check=True)

    def counted(self, version):
        """How many calls of each kind a rotation makes."""
        counts = {}
        for call in CALLS:
            self.fresh(version)
            report = self.folder / "calls"
            subprocess.run(["strace", "-f", "-qq", "-o", report, "-e", f"trace={call}", *self.command],
                           capture_output=True, check=True)
            counts[call] = len(re.findall(rf"\b{call}\(", report.read_text()))
        return counts

    def check_one_key_opens(self, what):
        self.assertTrue(self.opens(self.image, self.old) or self.opens(self.image, self.new), what)

    def check_rotated(self, what):
        self.assertTrue(self.opens(self.image, self.new), what)
        self.assertFalse(self.opens(self.image, self.old), what)

    def plans(self):
        """(version, first kill, kill of the retry): every call once, and pairs at random until there are enough."""
        points = {version: [(call, number + 1) for call, count in self.counted(version).items() for number in range(count)]
                  for version in self.pristine}
        plans = [(version, [point]) for version, all_points in points.items() for point in all_points]
        self.assertGreater(len(plans), 25)
        choose = random.Random(4)
        kills = len(plans)
        while kills < KILLS:
            version = choose.choice(sorted(points))
            plans.append((version, [choose.choice(points[version]), choose.choice(points[version])]))
            kills += 2
        return plans

    def test_killed_at_any_call_and_again_in_the_retry(self):
        kills = 0
        for version, points in self.plans():
            self.fresh(version)
            for call, number in points:
                kills += traced(f"signal=SIGKILL:when={number}", self.command, call) in (-9, 137)
                self.check_one_key_opens((version, points))
            subprocess.run(self.command, capture_output=True, check=True)
            self.check_rotated((version, points))
        self.assertTrue(self.cryptsetup_opens(self.image, NEW))
        self.assertGreater(kills, 20)
        print(f"{kills} kills")

    def test_failed_at_any_call_says_so_and_is_finished_by_the_next(self):
        for version in self.pristine:
            counts = self.counted(version)
            for call in CALLS:
                for number in range(1, counts[call] + 1):
                    self.fresh(version)
                    traced(f"error=EIO:when={number}", self.command, call)
                    self.check_one_key_opens((version, call, number))
                    subprocess.run(self.command, capture_output=True, check=True)
                    self.check_rotated((version, call, number))

    def test_headers_go_to_files_and_back(self):
        for version in self.pristine:
            self.fresh(version)
            ours, theirs = self.folder / f"{version}.ours", self.folder / f"{version}.theirs"
            self.volume("header", "backup", self.image, "--file", ours)
            subprocess.run(["cryptsetup", "luksHeaderBackup", self.image, "--header-backup-file", theirs], check=True)
            for file in (ours, theirs):
                with open(self.image, "r+b") as image:
                    image.write(os.urandom(2 * MIB))
                self.assertFalse(self.cryptsetup_opens(self.image, OLD))
                self.volume("header", "restore", self.image, "--file", file)
                self.assertTrue(self.cryptsetup_opens(self.image, OLD))
            with open(self.image, "r+b") as image:
                image.write(bytes(2 * MIB))
            subprocess.run(["cryptsetup", "luksHeaderRestore", "-q", self.image, "--header-backup-file", ours], check=True)
            self.assertTrue(self.opens(self.image, self.old))

    def test_refusals_say_what_and_why(self):
        self.fresh("luks2")
        for arguments, words, status in (
                (("rotate", self.image, "--key-file", self.old, "--new-key-file", self.old), "the new key is the old one", 1),
                (("rotate", self.image, "--key-file", self.old, "--new-key", "x"), "both keys come from", 2),
                (("rotate", self.blank("blank"), "--key-file", self.old, "--new-key-file", self.new), "never formatted", 1),
                (("rotate", self.image, "--key-file", self.file("a", os.urandom(32)),
                  "--new-key-file", self.file("b", os.urandom(32))), "neither the old key nor the new one", 1),
                (("header", "restore", self.image, "--file", self.pristine["luks1"]), "holds volume", 1),
                (("header", "backup", self.blank("blank"), "--file", self.folder / "none"), "is no LUKS volume", 1)):
            self.assertIn(words, self.volume(*arguments, status=status))


class WithAgent(VolumesWithAgent):
    def setUp(self):
        super().setUp()
        self.ids = {"old": self.secret(self.old), "new": self.secret(self.new)}
        self.ask("format", self.image, "--key", self.ids["old"])

    def rotate(self, **options):
        return self.ask("rotate", self.image, "--key", self.ids["old"], "--new-key", self.ids["new"], **options)

    def test_a_rotation_keeps_the_header_before_and_after(self):
        self.ask("header", "backup", self.image)
        answer = self.rotate()
        self.assertEqual(answer["steps"], ["record_intent", "add_new", "switch_record", "keep_copy", "remove_old", "keep_copy",
                                           "drop_old_copies", "finish_record"])
        self.assertEqual([version["version"] for version in self.ask("header", "list", self.image)], [3])
        self.assertTrue(self.cryptsetup_opens(self.image, NEW))
        self.assertFalse(self.cryptsetup_opens(self.image, OLD))
        self.assertEqual(self.rotate()["steps"], [])

    def test_a_lost_header_comes_back(self):
        name = self.ask("header", "backup", self.image)["uuid"]
        with open(self.image, "r+b") as image:
            image.write(os.urandom(2 * MIB))
        self.assertFalse(self.cryptsetup_opens(self.image, OLD))
        self.ask("header", "restore", self.image)
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        exported = self.folder / "exported"
        self.ask("header", "export", "--uuid", name, "--file", exported)
        with open(self.image, "r+b") as image:
            image.write(bytes(2 * MIB))
        subprocess.run(["cryptsetup", "luksHeaderRestore", "-q", self.image, "--header-backup-file", exported], check=True)
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        # Damaged once more: the copy of the damage is not what is put back.
        with open(self.image, "r+b") as image:
            image.write(os.urandom(MIB))
        self.ask("header", "restore", self.image)
        self.ask("header", "restore", self.image)
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))

    def test_an_agent_that_is_killed_anywhere_is_finished_by_the_next(self):
        killed = 0
        for call, number in [("fsync", n) for n in (1, 3, 5, 7)] + [("write", n) for n in (4, 9, 14)] + \
                [("fdatasync", n) for n in (1, 2, 3, 5, 7)]:
            with self.subTest(f"{call} {number}"):
                killed += self.killed_at(call, number, "rotate", self.image, "--key", self.ids["old"],
                                         "--new-key", self.ids["new"])
                self.assertTrue(any(self.opens(self.image, key) for key in (self.old, self.new)))
                self.rotate()
                self.assertTrue(self.opens(self.image, self.new))
                self.assertFalse(self.opens(self.image, self.old))
                self.assertEqual(len(self.ask("header", "list", self.image)), 1)
                # Back again, by the same way.
                self.ids["old"], self.ids["new"] = self.ids["new"], self.ids["old"]
                self.old, self.new = self.new, self.old
        self.assertGreater(killed, 5)


if __name__ == "__main__":
    unittest.main()
