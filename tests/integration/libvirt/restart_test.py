"""What is there although something went away, or was there before us: libvirtd and the agent are killed, the host starts,
a disk gets another key, Nova has left secrets in clear. Nobody injects anything."""

import base64
import json
import os
import unittest

import harness
import node


class Restarts(node.GuestTest):
    @classmethod
    def setUpClass(cls):
        cls.start_node(pending_seconds=3, look_seconds=2)

    def test_over_restarts_of_libvirtd_and_agent_nothing_is_lost_and_nothing_left(self):
        node.note_as_cinder_does(self.agent, self.disk)
        self.define()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        self.daemon.kill()
        self.daemon.start()
        self.node.wait_until_held(self.disk.volume)
        # While the agent is away libvirtd forgets, and guests come and go.
        self.agent.kill()
        self.daemon.stop()
        self.daemon.start()
        self.agent.start()
        self.node.wait_until_held(self.disk.volume)
        self.agent.kill()
        self.daemon.virsh("destroy", self.domain)
        self.agent.start()
        self.assertIn(self.disk.volume, self.held(), "left by the agent that was killed")
        self.node.wait_until_held()

    def test_after_a_rekey_the_value_that_opens_the_disk_takes_the_others_place(self):
        node.note_as_cinder_does(self.agent, self.disk)
        self.define()
        self.start()
        self.node.wait_until_held(self.disk.volume)
        self.daemon.virsh("destroy", self.domain)
        self.rekey()
        self.console.unlink(missing_ok=True)
        # Both keys are the volume's; the disk says which.
        node.note_as_cinder_does(self.agent, self.disk)
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        # The value that libvirtd holds goes stale under a guest that runs; nobody could tell but by trying it.
        self.rekey()
        row, = self.sync(3)
        self.assertEqual((row["action"], row["disk"]), ("failed", "vda"), row)
        self.assertIn("opens", row["reason"])
        node.note_as_cinder_does(self.agent, self.disk)
        row, = self.sync(0)
        self.assertEqual(row["action"], "put", row)
        self.daemon.virsh("destroy", self.domain)

    def test_a_guest_that_starts_with_the_host_finds_its_secret(self):
        node.note_as_cinder_does(self.agent, self.disk)
        self.define()
        self.daemon.virsh("autostart", self.domain)
        self.daemon.stop()
        # Which libvirt holds its guests to be started, and what a reboot removes.
        (self.daemon.folder / "run/qemu/autostarted").unlink()
        self.daemon.start()
        # libvirtd serves nobody while it starts guests: so the hook is refused, and the agent starts the guest after.
        self.wait_for_disks(vda=self.disk.hash)
        self.node.wait_until_held(self.disk.volume)
        self.assertIn(f"started domain {self.domain}", self.agent.log())

    def test_what_nova_left_is_found_and_replaced_and_its_guest_goes_on(self):
        idle = node.GuestDisk(self.folder, self.agent)
        left, left_idle = self.define_as_nova_does(self.disk), self.define_as_nova_does(idle)
        self.define(self.disk.xml(secret=f"uuid='{left}'"))
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        value = self.daemon.folder / f"etc/secrets/{left}.base64"
        self.assertIn(base64.b64encode(self.disk.key.hex().encode()), value.read_bytes())
        (value.parent / "other.base64").write_text("c2VjcmV0", encoding="utf-8")
        findings = self.findings()
        for disk in [self.disk, idle]:
            self.assertIn("sallyport libvirt sync --force", findings[f"secret of volume {disk.volume}"]["mend"])
        self.assertIn(str(value), findings[f"secret of volume {self.disk.volume}"]["found"])
        self.assertEqual(findings["secret other"]["state"], "warning")
        self.assertNotIn("libvirt hook", findings)
        self.assertEqual({row["action"] for row in self.sync(0)}, {"foreign"})
        node.note_as_cinder_does(self.agent, self.disk)
        node.note_as_cinder_does(self.agent, idle)
        rows = {row["volume"]: row for row in self.sync(0, "--force")}
        self.assertEqual((rows[self.disk.volume]["action"], rows[self.disk.volume]["uuid"]), ("put", left))
        self.assertEqual(rows[idle.volume]["action"], "dropped")
        self.assertEqual([path.name for path in value.parent.iterdir()], ["other.base64"])
        (value.parent / "other.base64").unlink()
        self.assertEqual({row["state"] for row in self.findings().values()}, {"good"})
        self.daemon.virsh("reset", self.domain)
        self.daemon.virsh("destroy", self.domain)
        self.start()
        self.assertNotIn(left_idle, [row["uuid"] for row in self.held().values()])

    def findings(self):
        """What the doctor says of this host's secrets, by check."""
        rows = json.loads(self.agent.cli("doctor", "-f", "json", text=True).stdout)
        return {row["check"]: row for row in rows if "libvirt" in row["found"] or "libvirt" in row["mend"]}

    def define_as_nova_does(self, disk):
        """A persistent secret whose uuid libvirt picks; its value goes to its disk."""
        definition, value = self.folder / "nova-secret.xml", self.folder / "nova-value"
        definition.write_text("<secret ephemeral='no' private='no'><usage type='volume'><volume>"
                              f"{disk.volume}</volume></usage></secret>", encoding="utf-8")
        self.daemon.virsh("secret-define", definition)
        left = self.held()[disk.volume]["uuid"]
        value.write_text(disk.key.hex(), encoding="utf-8")
        self.daemon.virsh("secret-set-value", left, "--file", value, "--plain")
        return left

    def sync(self, status, *options):
        done = self.agent.cli("libvirt", "sync", *options, "-f", "json", text=True)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def rekey(self):
        """The disk's only key slot is opened by another key from now on."""
        cryptsetup = harness.need("cryptsetup", "cryptsetup-bin")
        old, new = self.folder / "old-passphrase", self.folder / "new-passphrase"
        old.write_text(self.disk.key.hex(), encoding="utf-8")
        self.disk.key = os.urandom(32)
        new.write_text(self.disk.key.hex(), encoding="utf-8")
        harness.run([cryptsetup, "luksChangeKey", "--batch-mode", "--force-password", "--pbkdf-force-iterations", "1000",
                     "--key-file", old, self.disk.image, new])
        self.disk.key_id = node.store_key(self.agent, self.disk.key)


if __name__ == "__main__":
    unittest.main()
