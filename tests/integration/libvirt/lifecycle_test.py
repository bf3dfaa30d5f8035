"""Nobody injects anything here: libvirt's hook and its events are all that the agent has, and the guests' secrets come
and go with the guests."""

import os
import signal
import time
import unittest

import node


class Paused:
    """A process that stands still meanwhile."""

    def __init__(self, process):
        self.process = process

    def __enter__(self):
        self.process.send_signal(signal.SIGSTOP)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)


class LifeCycle(node.GuestTest):
    @classmethod
    def setUpClass(cls):
        cls.start_node(pending_seconds=3, look_seconds=2)

    def test_the_secret_comes_before_the_guest_and_goes_with_it(self):
        node.note_as_cinder_does(self.agent, self.disk)
        self.define()
        self.start()
        self.node.wait_until_held(self.disk.volume)
        self.wait_for_disks(vda=self.disk.hash)
        self.daemon.virsh("destroy", self.domain)
        self.node.wait_until_held()
        self.console.unlink()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        # A restore goes the same way.
        self.daemon.virsh("managedsave", self.domain)
        self.node.wait_until_held()
        self.start()
        self.node.wait_until_held(self.disk.volume)

    def test_a_guest_whose_key_is_unknown_is_refused_with_the_command_that_names_it(self):
        self.define()
        self.assertIn(f"sallyport libvirt inject --volume {self.disk.volume} --key ID", self.start_refusal())
        node.note_as_cinder_does(self.agent, self.disk)
        self.start()

    def test_a_hook_without_an_agent_refuses_at_once_and_lets_others_start(self):
        open_disk = self.folder / "open.img"
        open_disk.write_bytes(os.urandom(node.DISK_BYTES))
        encrypted = self.domain
        self.define()
        self.agent.stop()
        self.addCleanup(self.agent.start)
        began = time.monotonic()
        self.assertIn("is the agent running?", self.start_refusal())
        self.assertLess(time.monotonic() - began, 5)
        self.domain = "open-" + encrypted
        self.define(f"<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{open_disk}'/>"
                    "<target dev='vda' bus='virtio'/></disk>")
        self.start()

    def test_a_hung_agent_holds_a_start_up_no_longer_than_the_deadline(self):
        self.define()
        with Paused(self.agent.process):
            began = time.monotonic()
            self.assertIn("is not started", self.start_refusal())
            self.assertLess(time.monotonic() - began, 20)

    def test_a_disk_that_is_detached_takes_its_secret_with_it(self):
        data = node.GuestDisk(self.folder, self.agent)
        node.note_as_cinder_does(self.agent, self.disk)
        self.define()
        self.start()
        self.wait_for_disks(vda=self.disk.hash)
        device = self.folder / "vdb.xml"
        device.write_text(data.xml("vdb"), encoding="utf-8")
        self.inject(data)
        self.daemon.virsh("attach-device", self.domain, device)
        self.wait_for_disks(vda=self.disk.hash, vdb=data.hash)
        time.sleep(3)  # what waits for a disk is dropped by now, what has one is not
        self.node.wait_until_held(self.disk.volume, data.volume)
        self.daemon.virsh("detach-device", self.domain, device)
        self.wait_for_disks(vda=self.disk.hash)
        self.node.wait_until_held(self.disk.volume)
        self.assertIn("Secret not found", self.daemon.try_virsh("attach-device", self.domain, device).stderr)

    def test_a_secret_that_nobody_comes_for_is_dropped_in_time(self):
        self.inject()
        self.assertIn(self.disk.volume, self.held())
        self.node.wait_until_held()


if __name__ == "__main__":
    unittest.main()
