#!/usr/bin/python3
"""`sallyport volume open` and `close` with Linux's own dm-crypt, in user-mode Linux."""

import hashlib
import json
import lzma
import os
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

    def run_inside(self, script, disks, environment, seconds=120):
        names = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
        done = subprocess.run([HERE / "run.sh", "-t", str(seconds), *names, "-e", f"SALLYPORT={os.environ['SALLYPORT']}",
                               HERE / script, *disks], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        output = done.stdout.decode(errors="replace")
        self.assertEqual(done.returncode, 0, output)
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
