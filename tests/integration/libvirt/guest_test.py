"""A key goes from the key manager to a guest's disk: the agent puts secrets into a real libvirtd, a real guest (plain
emulation) opens its LUKS disk with them and writes the disk's SHA-256 to its console."""

import base64
import hashlib
import json
import os
import re
import unittest
import uuid

import guest
import harness
import private_libvirtd
import process_memory

BOOT_SECONDS = 90
DISK_BYTES = 1 << 20


class GuestDisk:
    """A volume with its key, its plaintext's hash and its LUKS image."""

    def __init__(self, folder, agent):
        self.volume = str(uuid.uuid4())
        self.key = os.urandom(32)
        self.key_id = store_key(agent, self.key)
        self.image = folder / f"{self.volume}.img"
        plain = os.urandom(DISK_BYTES)
        self.hash = hashlib.sha256(plain).hexdigest()
        self.write_image(folder, plain)

    def write_image(self, folder, plain):
        """LUKS1 by qemu-img, with the passphrase that Nova makes of the key."""
        passphrase_file = folder / "passphrase"
        passphrase_file.write_bytes(self.key.hex().encode())
        plain_file = folder / "plain"
        plain_file.write_bytes(plain)
        command = ["qemu-img", "convert", "-f", "raw", "-O", "luks", "--object",
                   f"secret,id=s,file={passphrase_file}", "-o", "key-secret=s,iter-time=10", plain_file, self.image]
        # QEMU's calibration of its key derivation fails now and then where CPU time is counted in ticks.
        for attempts_left in reversed(range(5)):
            try:
                harness.run(command)
                break
            except AssertionError as failure:
                if "CPU usage" not in str(failure) or attempts_left == 0:
                    raise
        passphrase_file.unlink()
        plain_file.unlink()

    def write_image_with_sallyport(self, folder):
        """The same by our own `volume encrypt`; QEMU reads LUKS1 only."""
        plain = os.urandom(DISK_BYTES)
        plain_file, key_file = folder / "plain", folder / "key"
        plain_file.write_bytes(plain)
        key_file.write_bytes(self.key)
        self.image.unlink()
        done = harness.sallyport("volume", "encrypt", plain_file, self.image, "--luks", "luks1", "--key-file", key_file)
        assert done.returncode == 0, done.stderr
        plain_file.unlink()
        key_file.unlink()
        self.hash = hashlib.sha256(plain).hexdigest()

    def xml(self, target="vda", secret=None):
        return guest.disk_xml(self.image, target, secret or f"uuid='{self.volume}'", serial=self.volume)


def store_key(agent, key):
    answer = agent.request("POST", "/v1/secrets", json_body={
        "name": "volume key", "secret_type": "symmetric", "algorithm": "aes", "bit_length": 256, "mode": "xts",
        "payload": base64.b64encode(key).decode(), "payload_content_type": "application/octet-stream",
        "payload_content_encoding": "base64"})
    assert answer.status == 201, answer.body
    return answer.json()["secret_ref"].rsplit("/", 1)[1]


class Guests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = private_libvirtd.class_folder(cls)
        cls.daemon = private_libvirtd.PrivateLibvirtd(cls.folder / "libvirt").start()
        cls.addClassCleanup(cls.daemon.stop)
        (cls.folder / "agent").mkdir()
        cls.agent = harness.Agent(cls.folder / "agent", {
            "roles": ["keymanager", "hypervisor"], "hypervisor": {"uri": cls.daemon.uri}})
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.start()
        harness.need("qemu-img", "qemu-utils")
        guest.prepared()

    def setUp(self):
        self.disk = GuestDisk(self.folder, self.agent)
        self.console = self.folder / f"{self.id()}.console"
        self.domain = "g-" + self.disk.volume[:8]

    def cli(self, *arguments):
        """`sallyport libvirt ...` as JSON (None if it printed nothing); it must succeed."""
        done = self.agent.cli("libvirt", *arguments, "-f", "json", text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def cli_refusal(self, *arguments):
        """The one line that it says when it fails."""
        done = self.agent.cli("libvirt", *arguments, text=True)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def inject(self, disk=None, key_id=None, *more):
        disk = disk or self.disk
        return self.cli("inject", "--volume", disk.volume, "--key", key_id or disk.key_id, *more)

    def held(self):
        """What libvirt holds, by volume."""
        return {row["volume"]: row for row in self.cli("list")}

    def define(self, disks=None):
        path = self.folder / f"{self.domain}.xml"
        path.write_text(guest.domain_xml(self.domain, self.console, disks or self.disk.xml()), encoding="utf-8")
        self.daemon.virsh("define", path)
        self.addCleanup(self.remove_domain)

    def remove_domain(self):
        self.daemon.try_virsh("destroy", self.domain)
        self.daemon.try_virsh("undefine", self.domain)

    def start_refusal(self):
        done = self.daemon.try_virsh("start", self.domain)
        self.assertNotEqual(done.returncode, 0, "the guest started")
        return done.stderr

    def start(self):
        self.daemon.virsh("start", self.domain)

    def last_line(self):
        if not self.console.exists():
            return ""
        lines = re.findall(r"^disks.* end\s*$", self.console.read_text(errors="replace"), re.MULTILINE)
        return lines[-1] if lines else ""

    def wait_for_disks(self, **hashes):
        """Until the guest sees exactly these disks, with these hashes."""
        expected = "disks" + "".join(f" {name}={value}" for name, value in sorted(hashes.items())) + " end"
        harness.wait_until(lambda: self.last_line().strip() == expected, BOOT_SECONDS, f"the guest to say: {expected}")

    def assert_key_is_nowhere(self, key):
        """Neither the key nor what is made of it is in any file of libvirt's or of the agent's."""
        passphrase = key.hex().encode()
        shapes = [key, passphrase, passphrase.upper(), base64.b64encode(key).rstrip(b"="),
                  base64.b64encode(passphrase).rstrip(b"=")]
        files = [*self.daemon.state_files(), *(path for path in self.agent.folder.rglob("*") if path.is_file())]
        self.assertGreater(len(files), 10)
        for path in files:
            content = path.read_bytes()
            for shape in shapes:
                self.assertNotIn(shape, content, f"the key is in {path}")

    def test_a_guest_opens_its_disk_with_the_injected_key(self):
        self.define()
        self.assertIn("Secret not found", self.start_refusal())
        placed, = self.inject()
        self.assertEqual(placed["uuid"], self.disk.volume)
        row = self.held()[self.disk.volume]
        self.assertEqual((row["ephemeral"], row["private"], row["ours"]), (True, True, True))
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        self.assertIn("private", self.daemon.try_virsh("secret-get-value", self.disk.volume).stderr)
        self.assert_key_is_nowhere(self.disk.key)
        agent = self.agent.process.pid
        if not process_memory.has_sanitizer(agent):
            self.assertEqual(process_memory.scan(agent, self.disk.key), [])

    def test_a_guest_opens_a_disk_that_sallyport_encrypted(self):
        self.disk.write_image_with_sallyport(self.folder)
        self.define()
        self.inject()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)

    def test_the_search_for_the_key_finds_what_nova_leaves(self):
        self.define_as_nova_does()
        with self.assertRaises(AssertionError):
            self.assert_key_is_nowhere(self.disk.key)
        self.cli("drop", "--volume", self.disk.volume, "--force")
        self.assert_key_is_nowhere(self.disk.key)

    def define_as_nova_does(self):
        """A persistent secret: libvirt picks the uuid, the value goes to its disk."""
        definition = self.folder / "nova-secret.xml"
        definition.write_text("<secret ephemeral='no' private='no'><usage type='volume'><volume>"
                              f"{self.disk.volume}</volume></usage></secret>", encoding="utf-8")
        self.daemon.virsh("secret-define", definition)
        held = self.held()[self.disk.volume]
        value = self.folder / "nova-value"
        value.write_text(self.disk.key.hex(), encoding="utf-8")
        self.daemon.virsh("secret-set-value", held["uuid"], "--file", value, "--plain")
        value.unlink()
        definition.unlink()
        return held["uuid"]

    def test_a_secret_that_nova_left_is_replaced_when_asked_and_the_guest_starts(self):
        left = self.define_as_nova_does()
        self.define(self.disk.xml(secret=f"uuid='{left}'"))
        self.assertIn("--force", self.cli_refusal("inject", "--volume", self.disk.volume, "--key", self.disk.key_id))
        placed, = self.inject(None, None, "--force")
        self.assertEqual(placed["uuid"], left)
        self.assert_key_is_nowhere(self.disk.key)
        self.start()
        self.wait_for_disks(vda=self.disk.hash)

    def test_a_stale_secret_fails_clearly_and_is_replaced(self):
        other = store_key(self.agent, os.urandom(32))
        self.define()
        self.inject(self.disk, other)
        self.assertIn("Invalid password, cannot unlock any keyslot", self.start_refusal())
        self.inject()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)

    def test_a_disk_is_attached_detached_and_its_secret_dropped(self):
        data = GuestDisk(self.folder, self.agent)
        self.define()
        self.inject()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        device = self.folder / "vdb.xml"
        device.write_text(data.xml("vdb"), encoding="utf-8")
        self.assertIn("Secret not found", self.daemon.try_virsh("attach-device", self.domain, device).stderr)
        self.inject(data)
        self.daemon.virsh("attach-device", self.domain, device)
        self.wait_for_disks(vda=self.disk.hash, vdb=data.hash)
        self.daemon.virsh("detach-device", self.domain, device)
        self.wait_for_disks(vda=self.disk.hash)
        self.cli("drop", "--volume", data.volume)
        self.assertNotIn(data.volume, self.held())
        self.assertIn(self.disk.volume, self.held())
        self.assertIn("Secret not found", self.daemon.try_virsh("attach-device", self.domain, device).stderr)
        again = self.agent.cli("libvirt", "drop", "--volume", data.volume, text=True)
        self.assertEqual((again.returncode, data.volume in again.stderr), (0, True), again.stderr)

    def test_all_secrets_of_a_domain_are_injected_together(self):
        data = GuestDisk(self.folder, self.agent)
        self.define(self.disk.xml() + data.xml("vdb", f"usage='{data.volume}'"))
        self.assertIn("vda=ID", self.cli_refusal("inject", "--domain", self.domain, "--key", self.disk.key_id))
        self.assertIn("vdb", self.cli_refusal("inject", "--domain", self.domain, "--key", f"vda={self.disk.key_id}"))
        rows = self.cli("inject", "--domain", self.domain, "--key", f"vda={self.disk.key_id}", "--key",
                        f"{data.volume}={data.key_id}")
        self.assertEqual([row["disk"] for row in rows], ["vda", "vdb"])
        self.start()
        self.wait_for_disks(vda=self.disk.hash, vdb=data.hash)

    def test_unknown_domains_keys_and_volumes_are_refused(self):
        unknown = str(uuid.uuid4())
        self.assertIn("no domain", self.cli_refusal("inject", "--domain", "nobody", "--key", self.disk.key_id))
        self.cli_refusal("inject", "--volume", self.disk.volume, "--key", unknown)
        self.assertNotIn(self.disk.volume, self.held())
        self.inject()
        other = str(uuid.uuid4())
        self.assertIn(self.disk.volume, self.cli_refusal("inject", "--volume", other, "--key", self.disk.key_id, "--uuid",
                                                         self.disk.volume))

    def test_over_a_restart_of_libvirtd_secrets_go_and_come_back(self):
        self.define()
        self.inject()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        self.daemon.stop()
        self.assertIn("is libvirtd running", self.cli_refusal("list"))
        self.daemon.start()
        self.assertEqual(self.held(), {})
        self.daemon.virsh("destroy", self.domain)
        self.assertIn("Secret not found", self.start_refusal())
        self.inject()
        self.console.unlink()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)

    def test_a_libvirtd_that_hangs_holds_up_nobody_for_long(self):
        self.inject()
        self.daemon.freeze()
        self.addCleanup(self.daemon.thaw)
        self.assertIn("does not answer", self.cli_refusal("list"))
        self.daemon.thaw()
        harness.wait_until(lambda: self.agent.cli("libvirt", "list").returncode == 0, 30, "libvirtd to answer again")
        self.assertIn(self.disk.volume, self.held())


if __name__ == "__main__":
    unittest.main()
