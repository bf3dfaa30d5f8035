"""The suite of the interface Hypervisor on the real libvirtd, and over its restarts and silences."""

import os
import unittest
from pathlib import Path

import harness
import private_libvirtd


class Conformance(unittest.TestCase):
    def test_libvirt_keeps_the_promises_of_the_interface(self):
        daemon = private_libvirtd.PrivateLibvirtd(harness.temporary_folder(self))
        self.addCleanup(daemon.stop)
        daemon.start()
        harness.run([Path(harness.SALLYPORT).parent / "hypervisor_conformance_libvirt"],
                    env={**os.environ, "SALLYPORT_LIBVIRT_URI": daemon.uri})
        self.assertEqual(daemon.virsh("secret-list").strip(), "")


if __name__ == "__main__":
    unittest.main()
