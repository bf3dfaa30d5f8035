"""The Keystone that all tests of this folder share, and agents behind it."""

import atexit
import os
import shutil
import sys
import tempfile
import threading

import harness

sys.path.insert(0, str(harness.ROOT / "tests/integration/keystone"))
import keystone_lab  # pylint: disable=wrong-import-position

LOCK = threading.Lock()
STARTED = []


def lab():
    """Started by whoever asks first; ended with the process."""
    with LOCK:
        if not STARTED:
            # Keystone's database in memory: it commits thousands of times here, and nobody needs it afterwards.
            memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
            folder = tempfile.mkdtemp(prefix="sallyport-clients-", dir=memory)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            made = keystone_lab.KeystoneLab(folder)
            atexit.register(made.stop)
            STARTED.append(made.start())
        return STARTED[0]


class Agents:
    """setUpClass of the tests: one agent a class, known to Keystone's catalogue."""

    @staticmethod
    def start(test_class, **sections):
        folder = harness.temporary_folder(ClassCleanup(test_class))
        keystone = keystone_lab.keystone_section(lab(), folder)
        peers = [{"uid": os.getuid(), "project": harness.PROJECT, "roles": ["admin"]}]
        agent = harness.Agent(folder, {"auth": {"keystone": keystone, "peers": peers}, **sections})
        test_class.addClassCleanup(agent.stop)
        agent.start()
        lab().set_key_manager(agent.url)
        return agent


class ClassCleanup:
    """Lets the harness's functions, which clean up after a test, clean up after a class."""

    def __init__(self, test_class):
        self.addCleanup = test_class.addClassCleanup  # pylint: disable=invalid-name
