"""The suite of the interface Hypervisor on the real libvirtd, and what a passphrase leaves in the process that put it."""

import os
import unittest
from pathlib import Path

import harness
import private_libvirtd


class Conformance(unittest.TestCase):
    def setUp(self):
        self.daemon = private_libvirtd.PrivateLibvirtd(harness.temporary_folder(self))
        self.addCleanup(self.daemon.stop)
        self.daemon.start()

    def run_on_daemon(self, program):
        harness.run([Path(harness.SALLYPORT).parent / program],
                    env={**os.environ, "SALLYPORT_LIBVIRT_URI": self.daemon.uri})

    def test_libvirt_keeps_the_promises_of_the_interface(self):
        self.run_on_daemon("hypervisor_conformance_libvirt")
        self.assertEqual(self.daemon.virsh("secret-list").strip(), "")

    def test_a_passphrase_leaves_nothing_in_the_process_that_put_it(self):
        self.run_on_daemon("residue_libvirt")


if __name__ == "__main__":
    unittest.main()
