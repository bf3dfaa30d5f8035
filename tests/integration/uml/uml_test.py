#!/usr/bin/python3
"""`sallyport volume open` and `close` with Linux's own dm-crypt, in user-mode Linux."""

import hashlib
import json
import lzma
import os
import random
import subprocess
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parents[1] / "vectors" / "luks"
MIB = 1 << 20


class UserModeLinux(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name)

    def file(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def run_inside(self, script, disks, environment, seconds=120, power_cut=False):
        names = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        done = subprocess.run([HERE / "run.sh", "-t", str(seconds), *names, "-e", f"SALLYPORT={os.environ['SALLYPORT']}",
                               HERE / script, *disks], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        output = done.stdout.decode(errors="replace")
        self.assertEqual(done.returncode, 125 if power_cut else 0, output)
        return output

    def test_volumes_are_opened_used_and_closed(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 64 * MIB)
        output = self.run_inside("inside_open_close.sh", [disk], {
            "KEY": self.file("key", hashlib.sha256(b"a key").digest()),
            "OTHER_KEY": self.file("other", hashlib.sha256(b"another key").digest())}, seconds=200)
        self.assertEqual(output.count("ok "), 9, output)

    def test_agent_maps_a_volume_by_the_id_of_its_key(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 64 * MIB)
        output = self.run_inside("inside_agent.sh", [disk], {"KEY": self.file("key", hashlib.sha256(b"a key").digest())})
        self.assertIn("ok the agent", output)

    def test_volumes_are_attached_as_a_node_does_it(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 64 * MIB)
        index = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
        plain = next(volume for volume in index["volumes"] if volume["name"] == "plain-256")
        plain_disk = self.file("plain", lzma.decompress((VECTORS / plain["file"]).read_bytes()))
        output = self.run_inside("inside_attach.sh", [disk, plain_disk], {
            "KEY": self.file("key", hashlib.sha256(b"a key").digest()),
            "OTHER_KEY": self.file("other", hashlib.sha256(b"another key").digest()),
            "PLAIN_KEY": self.file("plain.key", bytes.fromhex(plain["key_hex"])),
            "PLAIN_SHA256": plain["plaintext_16k_sha256"]}, seconds=240)
        self.assertEqual(output.count("ok "), 9, output)

    def test_bad_sectors_cost_no_volume(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 40 * MIB)
        output = self.run_inside("inside_io_errors.sh", [disk],
                                 {"KEY": self.file("key", hashlib.sha256(b"a key").digest())}, seconds=240)
        self.assertEqual(output.count("ok "), 3, output)

    def test_faults_at_random_sectors_cost_no_key(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 20 * MIB)
        output = self.run_inside("inside_random_faults.sh", [disk], {
            "KEY": self.file("key", hashlib.sha256(b"a key").digest()),
            "OTHER_KEY": self.file("other", hashlib.sha256(b"another key").digest()),
            "SEED": os.environ.get("SALLYPORT_SEED", "1"), "TURNS": os.environ.get("SALLYPORT_FAULTS", "8")}, seconds=900)
        self.assertIn("ok ", output)
        print(output.strip())

    def test_os_brick_and_we_open_each_others_volumes(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 64 * MIB)
        output = self.run_inside("inside_os_brick.py", [disk],
                                 {"KEY": self.file("key", hashlib.sha256(b"a key").digest())}, seconds=300)

    def test_keys_of_volumes_in_use_are_changed(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 64 * MIB)
        output = self.run_inside("inside_keys.sh", [disk], {
            "KEY": self.file("key", hashlib.sha256(b"a key").digest()),
            "OTHER_KEY": self.file("other", hashlib.sha256(b"another key").digest())}, seconds=280)
        self.assertEqual(output.count("ok "), 5, output)

    def test_a_volume_in_use_is_reencrypted_killed_and_goes_on_after_a_power_cut(self):
        disk = self.file("disk", b"")
        os.truncate(disk, 48 * MIB)
        state = self.path / "state"
        state.mkdir()
        for name in ("log", "kills"):
            (state / name).touch()
        kills = int(os.environ.get("SALLYPORT_KILLS", "3"))
        choose = random.Random(int(os.environ.get("SALLYPORT_SEED", "1")))
        points, point = [], 9
        for turn in range(kills + 1):
            point = "none" if turn == kills else point
            output = self.run_inside("inside_reencrypt.sh", [disk], {
                "KEY": self.file("key", hashlib.sha256(b"a key").digest()), "STATE": state, "POINT": point},
                                     power_cut=point != "none")
            self.assertEqual(output.count("ok "), 1, (points, output))
            points.append(point)
            calls = int((state / "calls").read_text())
            # The last eight calls in turn, and any.
            point = calls - turn // 2 % 8 if turn % 2 == 0 else choose.randint(1, calls)
        self.assertGreater(len((state / "kills").read_text().split()), kills // 2)
        print(f"killed at {points[:-1]} of {calls}")

    def test_golden_volumes_show_what_dm_crypt_showed_when_they_were_made(self):
        index = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))
        wanted = [volume for volume in index["volumes"] if volume.get("first_mib_sha256") and "luks_version" in volume]
        for start in range(0, len(wanted), 8):
            disks, expected = [], []
            for volume in wanted[start:start + 8]:
                name = volume["name"]
                disks.append(self.file(name, lzma.decompress((VECTORS / volume["file"]).read_bytes())))
                expected += [volume["first_mib_sha256"], str(self.file(name + ".key", bytes.fromhex(volume["key_hex"])))]
            output = self.run_inside("inside_golden.sh", disks, {"EXPECTED": " ".join(expected)}, seconds=240)
            self.assertEqual(output.count("ok "), len(disks), output)


if __name__ == "__main__":
    unittest.main()
