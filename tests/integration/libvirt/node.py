"""One host: a private libvirtd, with our hook or without, the agent beside it, and guests with encrypted disks."""

import base64
import hashlib
import json
import os
import re
import shutil
import unittest
import uuid

import guest
import harness
import private_libvirtd

BOOT_SECONDS = 90
DISK_BYTES = 1 << 20


def hook_text(config_file):
    """etc/libvirt-hook as it is, but for the paths of this test's agent."""
    text = (harness.ROOT / "etc/libvirt-hook/50-sallyport").read_text(encoding="utf-8")
    for installed, ours in [("/usr/bin/sallyport", harness.SALLYPORT), ("/etc/sallyport/node.yaml", str(config_file))]:
        assert text.count(installed) == 1, installed
        text = text.replace(installed, ours)
    return text


class Node:
    """libvirtd and agent, started. `keys_of`: another node whose key manager this one shares."""

    def __init__(self, folder, with_hook=True, keys_of=None, host_uuid=None, **hypervisor):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "agent").mkdir()
        self.folder = folder
        hook = hook_text(folder / "agent/agent.yaml") if with_hook else None
        self.daemon = private_libvirtd.PrivateLibvirtd(folder / "libvirt", hook, host_uuid)
        self.agent = harness.Agent(folder / "agent", {
            "roles": ["keymanager", "hypervisor"],
            "hypervisor": {"uri": self.daemon.uri, "project": harness.PROJECT,
                           "secrets_folder": f"{self.daemon.folder}/etc/secrets", **hypervisor}})
        if keys_of is not None:
            shutil.copy2(keys_of.agent.folder / "kek", folder / "agent/kek")
            self.agent.config["database"] = keys_of.agent.config["database"]

    def start(self):
        self.daemon.start()
        self.agent.start()
        return self

    def stop(self):
        """Guests first: they outlive their libvirtd."""
        if self.daemon.process is not None:
            for name in self.daemon.try_virsh("list", "--name").stdout.split():
                self.daemon.try_virsh("destroy", name)
        self.agent.stop()
        self.daemon.stop()

    def cli(self, *arguments):
        """`sallyport libvirt ...` as JSON (None if it printed nothing); it must succeed."""
        done = self.agent.cli("libvirt", *arguments, "-f", "json", text=True)
        assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def held(self):
        """What libvirt holds, by volume."""
        return {row["volume"]: row for row in self.cli("list")}

    def wait_until_held(self, *volumes):
        """Until libvirt holds the secrets of exactly these."""
        try:
            harness.wait_until(lambda: set(self.held()) == set(volumes), 20, "")
        except AssertionError:
            raise AssertionError(f"libvirt holds {self.held()}, not {volumes}\n{self.agent.log()[-3000:]}") from None


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


def note_as_cinder_does(agent, disk):
    """The key's consumer: a volume of Cinder's."""
    answer = agent.request("POST", f"/v1/secrets/{disk.key_id}/consumers", headers={
        "OpenStack-API-Version": "key-manager 1.1"}, json_body={
            "service": "cinder", "resource_type": "volume", "resource_id": disk.volume})
    assert answer.status == 200, answer.body


class GuestTest(unittest.TestCase):
    """One node for all tests of a class, and for each test a disk and a domain's name."""

    @classmethod
    def start_node(cls, **options):
        harness.need("qemu-img", "qemu-utils")
        guest.prepared()
        cls.folder = private_libvirtd.class_folder(cls)
        cls.node = Node(cls.folder / "node", **options)
        cls.addClassCleanup(cls.node.stop)
        cls.node.start()
        cls.daemon = cls.node.daemon
        cls.agent = cls.node.agent

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

    def define(self, disks=None, append=False):
        path = self.folder / f"{self.domain}.xml"
        path.write_text(guest.domain_xml(self.domain, self.console, disks or self.disk.xml(), append), encoding="utf-8")
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
