#!/usr/bin/python3
"""`sallyport volume` on image files: the offline commands against cryptsetup and QEMU."""

import hashlib
import json
import lzma
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

SALLYPORT = os.environ["SALLYPORT"]
VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "luks"
INDEX = json.loads((VECTORS / "index.json").read_text(encoding="utf-8"))["volumes"]
KEY = hashlib.sha256(b"a key of this test").digest()
MIB = 1 << 20


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class VolumeCommands(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name)
        self.key = self.file("key", KEY)

    def file(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def blank(self, name, size):
        path = self.file(name, b"")
        os.truncate(path, size)
        return path

    def run_volume(self, *arguments, status=0, standard_input=b""):
        done = subprocess.run([SALLYPORT, "volume", *map(str, arguments)], input=standard_input, capture_output=True, check=False)
        self.assertEqual(done.returncode, status, (arguments, done.stderr.decode()))
        return json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def cryptsetup_opens(self, image, key):
        return subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", image],
                              input=key.hex().encode(), capture_output=True, check=False).returncode == 0

    def check_golden(self, volume):
        image = self.file("disk.img", lzma.decompress((VECTORS / volume["file"]).read_bytes()))
        facts = self.run_volume("inspect", image)
        if "luks_version" not in volume:
            self.assertNotIn("cipher", facts if facts["content"] != "disk_image" else {})
            return
        for name in ("luks_version", "cipher", "sector_size", "data_offset", "uuid"):
            self.assertEqual(facts[name], volume[name], name)
        self.assertEqual(facts["key_bits"], 4 * len(volume["volume_key_hex"]))
        key = self.file("golden.key", bytes.fromhex(volume["key_hex"]))
        self.run_volume("test", image, "--key-file", key)
        self.run_volume("test", image, "--passphrase-file", self.file("text", volume["passphrase"].encode()))
        plain = self.path / "plain"
        self.run_volume("decrypt", image, plain, "--key-file", key, "--replace")
        data = plain.read_bytes()
        self.assertEqual(sha256(data[:16384]), volume["plaintext_16k_sha256"])
        if volume.get("first_mib_sha256"):
            self.assertEqual(sha256(data[:MIB]), volume["first_mib_sha256"])
        if "key_old_hex" in volume:
            old = self.file("old.key", bytes.fromhex(volume["key_old_hex"]))
            self.assertIn("this key opens no key slot of", self.run_volume("test", image, "--key-file", old, status=1))
        self.assertEqual(sha256(image.read_bytes()), volume["image_sha256"], "the image was written to")

    def test_golden_volumes_are_what_their_index_says(self):
        for volume in INDEX:
            with self.subTest(volume["name"]):
                self.check_golden(volume)

    def test_formatted_volumes_open_with_cryptsetup(self):
        for version in ("luks1", "luks2"):
            image = self.blank(version, 20 * MIB)
            facts = self.run_volume("format", image, "--key-file", self.key, "--luks", version)
            self.assertEqual(facts["key_slots"][0]["iterations"], 1000)
            self.assertTrue(self.cryptsetup_opens(image, KEY))
            self.assertFalse(self.cryptsetup_opens(image, KEY[::-1]))
            self.assertIn("is not empty", self.run_volume("format", image, "--key-file", self.key, status=1))

    def test_key_comes_from_standard_input_too(self):
        image = self.blank("disk", 20 * MIB)
        self.run_volume("format", image, "--key-file", "-", standard_input=KEY)
        self.assertTrue(self.cryptsetup_opens(image, KEY))

    def test_passphrase_is_used_as_it_is(self):
        image = self.blank("disk", 20 * MIB)
        text = self.file("text", b"correct horse battery staple")
        facts = self.run_volume("format", image, "--passphrase-file", text)
        self.assertEqual(facts["key_slots"][0]["kdf"], "argon2id")
        done = subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file", text, image], check=False)
        self.assertEqual(done.returncode, 0)

    def test_images_go_there_and_back(self):
        source = self.file("source", os.urandom(3 * MIB) + bytes(5 * MIB) + b"end" + bytes(509))
        secret = self.file("secret", KEY.hex().encode())
        for version in ("luks1", "luks2"):
            image, back = self.path / version, self.path / (version + ".raw")
            self.run_volume("encrypt", source, image, "--key-file", self.key, "--luks", version)
            self.assertTrue(self.cryptsetup_opens(image, KEY))
            self.run_volume("decrypt", image, back, "--key-file", self.key)
            self.assertEqual(sha256(back.read_bytes()), sha256(source.read_bytes()))
            self.assertIn("exists", self.run_volume("decrypt", image, back, "--key-file", self.key, status=1))
        by_qemu = self.path / "by_qemu"
        subprocess.run(["qemu-img", "convert", "--object", f"secret,id=s,file={secret}", "--image-opts",
                        f"driver=luks,key-secret=s,file.filename={self.path / 'luks1'}", "-O", "raw", by_qemu], check=True)
        self.assertEqual(sha256(by_qemu.read_bytes()), sha256(source.read_bytes()))

    def format_killed_at(self, image, call, number):
        """Kills `format` when it begins its NUMBERth such system call; what inspect says of the image then."""
        subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                        f"inject={call}:signal=SIGKILL:when={number}", SALLYPORT, "volume", "format", image,
                        "--key-file", self.key], capture_output=True, check=False)
        return self.run_volume("inspect", image)["content"]

    def test_format_killed_anywhere_can_be_repeated_without_force(self):
        seen = set()
        for call, numbers in (("pwrite64", (1, 2, 3, 10, 17, 18)), ("fsync", (1, 2, 3))):
            for number in numbers:
                with self.subTest(f"{call} {number}"):
                    image = self.blank("disk", 40 * MIB)
                    content = self.format_killed_at(image, call, number)
                    seen.add(content)
                    if content != "luks":
                        self.assertIn(content, ("blank", "interrupted_format"))
                        self.run_volume("format", image, "--key-file", self.key)
                    self.assertTrue(self.cryptsetup_opens(image, KEY))
        self.assertLessEqual({"blank", "interrupted_format"}, seen)

    def test_images_with_their_header_apart(self):
        source = self.file("source", os.urandom(3 * MIB))
        secret = self.file("secret", KEY.hex().encode())
        image, header, back = self.path / "image", self.path / "header", self.path / "back"
        self.run_volume("encrypt", source, image, "--key-file", self.key, "--header", header)
        self.assertEqual(image.stat().st_size, 3 * MIB)
        self.assertTrue(self.cryptsetup_opens(header, KEY))
        self.assertIn("is no LUKS volume", self.run_volume("decrypt", image, back, "--key-file", self.key, status=1))
        self.run_volume("decrypt", image, back, "--key-file", self.key, "--header", header)
        self.assertEqual(sha256(back.read_bytes()), sha256(source.read_bytes()))
        # What cryptsetup encrypts with its header apart.
        theirs = self.file("theirs", source.read_bytes())
        their_header = self.path / "their_header"
        subprocess.run(["cryptsetup", "reencrypt", "--encrypt", "-q", "--type", "luks2", "--header", their_header,
                        "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--key-file", secret, theirs],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.run_volume("decrypt", theirs, back, "--key-file", self.key, "--header", their_header, "--replace")
        self.assertEqual(sha256(back.read_bytes()), sha256(source.read_bytes()))

    def test_holes_stay_where_that_is_asked_for(self):
        source = self.file("source", os.urandom(MIB))
        os.truncate(source, 64 * MIB)
        image, back = self.path / "image", self.path / "back"
        self.run_volume("encrypt", source, image, "--key-file", self.key, "--sparse")
        self.assertLess(image.stat().st_blocks * 512, 20 * MIB)
        self.run_volume("decrypt", image, back, "--key-file", self.key, "--sparse")
        self.assertLess(back.stat().st_blocks * 512, 2 * MIB)
        self.assertEqual(sha256(back.read_bytes()), sha256(source.read_bytes()))
        self.run_volume("encrypt", source, image, "--key-file", self.key, "--replace")
        self.assertGreaterEqual(image.stat().st_blocks * 512, 80 * MIB)

    def convert_with_fault(self, fault, *arguments):
        return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={fault.split(':')[0]}", "-e",
                               f"inject={fault}", SALLYPORT, "volume", *map(str, arguments), "--key-file", self.key],
                              capture_output=True, check=False)

    def test_conversion_that_is_killed_or_finds_no_room_leaves_nothing(self):
        source = self.file("source", os.urandom(8 * MIB))
        image, back, made = self.path / "image", self.path / "back", self.path / "made"
        self.run_volume("encrypt", source, image, "--key-file", self.key)
        before = sorted(os.listdir(self.path))
        # strace counts the calls of each thread by itself.
        for fault in ("pwrite64:signal=SIGKILL:when=1", "pwrite64:signal=SIGKILL:when=4", "fsync:signal=SIGKILL:when=1",
                      "linkat:signal=SIGKILL:when=1", "pwrite64:error=ENOSPC:when=3+", "fsync:error=EIO:when=1+",
                      "pread64:error=EIO:when=6+"):
            for verb, origin, wanted in (("encrypt", source, None), ("decrypt", image, source)):
                with self.subTest(f"{verb}, {fault}"):
                    done = self.convert_with_fault(fault, verb, origin, made)
                    self.assertNotEqual(done.returncode, 0)
                    if made.exists():  # killed when the name was there already: then so is all else
                        self.assertTrue(fault.startswith("linkat"))
                        if wanted is None:
                            self.run_volume("decrypt", made, back, "--key-file", self.key)
                            wanted, made_plain = source, back
                        else:
                            made_plain = made
                        self.assertEqual(sha256(made_plain.read_bytes()), sha256(wanted.read_bytes()))
                        for path in (made, back):
                            path.unlink(missing_ok=True)
                    self.assertEqual(sorted(os.listdir(self.path)), before)

    def test_replaced_image_is_the_old_or_the_new_one(self):
        source, other = self.file("source", os.urandom(3 * MIB)), self.file("other", os.urandom(3 * MIB))
        image, back = self.path / "image", self.path / "back"
        self.run_volume("encrypt", source, image, "--key-file", self.key)
        before = sorted(os.listdir(self.path))
        plain = {sha256(source.read_bytes()), sha256(other.read_bytes())}
        for fault in ("fsync:signal=SIGKILL:when=1", "linkat:signal=SIGKILL:when=1",
                      "renameat,renameat2:signal=SIGKILL:when=1"):
            with self.subTest(fault):
                self.assertNotEqual(self.convert_with_fault(fault, "encrypt", other, image, "--replace").returncode, 0)
                self.run_volume("decrypt", image, back, "--key-file", self.key, "--replace")
                self.assertIn(sha256(back.read_bytes()), plain)
        back.unlink()
        self.run_volume("encrypt", source, image, "--key-file", self.key, "--replace")
        self.assertEqual(sorted(os.listdir(self.path)), before, "a killed run's file was not removed by the next")

    def test_terminal_shows_a_bar(self):
        source = self.file("source", os.urandom(3 * MIB))
        for arguments, wanted in (((), True), (("--quiet",), False)):
            master, terminal = os.openpty()
            subprocess.run([SALLYPORT, "volume", "encrypt", source, self.path / "image", "--key-file", self.key,
                            "--replace", *arguments], stdout=subprocess.DEVNULL, stderr=terminal, check=True)
            os.close(terminal)
            os.set_blocking(master, False)
            try:
                shown = os.read(master, 65536)
            except OSError:
                shown = b""
            os.close(master)
            self.assertEqual(b"[" + b"#" * 50 + b"] 100 %" in shown, wanted, shown)

    def test_refusals_say_what_and_why(self):
        image = self.blank("disk", 20 * MIB)
        for arguments, words in (
                (("test", image, "--key-file", self.key), "is no LUKS volume: it was never formatted"),
                (("test", self.path / "none", "--key-file", self.key), "does not exist"),
                (("inspect", self.path), "is a directory"),
                (("format", self.blank("small", MIB), "--key-file", self.key, "--luks", "luks1"), "is too small"),
                (("format", image, "--passphrase-file", self.key, "--unlock-profile", "random-key"), "256 random bits")):
            self.assertIn(words, self.run_volume(*arguments, status=1))
        self.run_volume("format", image, status=2)
        self.run_volume("format", image, "--key-file", self.key, "--luks", "luks3", status=2)


if __name__ == "__main__":
    unittest.main()
