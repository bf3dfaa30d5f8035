"""What the tests of this folder share: keys, images, the command line, kills at a system call."""

import hashlib
import json
import os
import subprocess
import time
import unittest

import harness

MIB = 1 << 20
OLD = hashlib.sha256(b"the old key").digest()
NEW = hashlib.sha256(b"the new key").digest()


class Volumes(unittest.TestCase):
    def setUp(self):
        harness.need("strace", "strace")
        harness.need("cryptsetup", "cryptsetup-bin")
        self.folder = harness.temporary_folder(self)
        self.old = self.file("old", OLD)
        self.new = self.file("new", NEW)

    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def blank(self, name, size=20 * MIB):
        path = self.file(name, b"")
        os.truncate(path, size)
        return path

    def volume(self, *arguments, status=0):
        done = harness.sallyport("volume", *arguments, "-f", "json")
        self.assertEqual(done.returncode, status, (arguments, done.stderr.decode()))
        return json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def opens(self, image, key):
        return harness.sallyport("volume", "test", image, "--key-file", key).returncode == 0

    def cryptsetup_opens(self, image, key):
        return subprocess.run(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", image],
                              input=key.hex().encode(), capture_output=True, check=False).returncode == 0


class VolumesWithAgent(Volumes):
    def setUp(self):
        super().setUp()
        self.erasures = self.folder / "erasures"
        self.agent = harness.start_agent(self, roles=["keymanager", "volumes"], volumes={"erasures": str(self.erasures)})
        self.image = self.blank("disk")

    def secret(self, file):
        done = self.agent.cli("secret", "store", "--name", file.name, "--file", file, "-a", "aes", "-b", "256", "-s", "symmetric",
                              "-f", "value", "-c", "Secret href", text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip().rsplit("/", 1)[-1]

    def ask(self, *arguments, status=0):
        done = self.agent.cli("volume", *arguments, "-f", "json")
        self.assertEqual(done.returncode, status, (arguments, done.stderr.decode(), self.agent.log()))
        return json.loads(done.stdout) if done.stdout else done.stderr.decode()

    def killed_at(self, call, number, *arguments):
        """Runs a command and kills the agent at its Nth such call meanwhile; true if it died. It runs afterwards."""
        with subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                               f"inject={call}:signal=SIGKILL:when={number}", "-p", str(self.agent.process.pid)],
                              stderr=subprocess.PIPE) as strace:
            self.assertIn(b"attached", strace.stderr.readline())
            time.sleep(0.1)  # it says so before the last thread is attached
            done = self.agent.cli("volume", *arguments)
            # Killed itself: told to end it may wait for ever for a thread that is gone, and the agent's end with it.
            strace.kill()
        if done.returncode == 0:
            return False
        self.agent.process.wait(30)
        self.agent.start()
        return True


def traced(inject, command, call):
    """Runs a command and lets strace do something at its Nth such call; the exit status."""
    return subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{inject}",
                           *map(str, command)], capture_output=True, check=False).returncode
