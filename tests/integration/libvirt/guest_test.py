"""A key goes from the key manager to a guest's disk: the agent puts secrets into a real libvirtd, a real guest (plain
emulation) opens its LUKS disk with them and writes the disk's SHA-256 to its console."""

import base64
import os
import unittest
import uuid

import harness
import node
import process_memory


class Guests(node.GuestTest):
    @classmethod
    def setUpClass(cls):
        cls.start_node(with_hook=False, queue_seconds=1)

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
        other = node.store_key(self.agent, os.urandom(32))
        self.define()
        self.inject(self.disk, other)
        self.assertIn("Invalid password, cannot unlock any keyslot", self.start_refusal())
        self.inject()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)

    def test_a_disk_is_attached_detached_and_its_secret_dropped(self):
        data = node.GuestDisk(self.folder, self.agent)
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
        data = node.GuestDisk(self.folder, self.agent)
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
        self.assertRegex(self.cli_refusal("inject", "--volume", self.disk.volume, "--key", self.disk.key_id),
                         r"was not put: given up after .* tries: .*is libvirtd running")
        self.daemon.start()
        harness.wait_until(lambda: self.disk.volume in self.held(), 20, "the secret of the guest that runs to come back")
        self.daemon.virsh("destroy", self.domain)
        harness.wait_until(lambda: self.disk.volume not in self.held(), 20, "the secret to go with its guest")
        self.assertIn("Secret not found", self.start_refusal(), "a host without the hook")
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
