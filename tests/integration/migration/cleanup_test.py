"""Taking fixed_key out of configuration files survives a kill, and an error, at every system call."""

import re
import signal
import subprocess
import sys
import unittest

import harness

PROGRAM = sys.argv.pop(1)
KEY = "00112233445566778899aabbccddeeff"
OLD = {"cinder.conf": f"[DEFAULT]\nx = 1\n[key_manager]\nfixed_key = {KEY}\nbackend = barbican\n",
       "nova.conf": f"[keymgr]\nfixed_key = {KEY.upper()}\n# end"}
NEW = {name: re.sub(r"fixed_key = \w+\n", "", text) for name, text in OLD.items()}


class Cleanup(unittest.TestCase):
    def setUp(self):
        harness.need("strace", "strace")
        self.folder = harness.temporary_folder(self)

    def reset(self):
        for path in self.folder.iterdir():
            path.unlink()
        for name, text in OLD.items():
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o640)

    def run_once(self, *prefix):
        return subprocess.run([*prefix, PROGRAM, *(self.folder / name for name in OLD)], capture_output=True, text=True, timeout=60)

    def injected(self, what, call):
        """Does `what` to one system call of the program: (name, its number among those of this name)."""
        return self.run_once("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call[0]}",
                             "-e", f"inject={call[0]}:{what}:when={call[1]}")

    def texts(self):
        return {name: (self.folder / name).read_text() for name in OLD}

    def check_whole(self, number):
        """Each file is old or new as a whole, with its mode, and of a new one there is a backup."""
        for name, text in self.texts().items():
            self.assertIn(text, [OLD[name], NEW[name]], (number, name))
            self.assertEqual((self.folder / name).stat().st_mode & 0o7777, 0o640, (number, name))
            if text == NEW[name]:
                backups = [path.read_text() for path in self.folder.glob(name + ".sallyport-*")]
                self.assertIn(OLD[name], backups, (number, name))

    def check_next_run(self, number):
        done = self.run_once()
        self.assertEqual(done.returncode, 0, (number, done.stderr))
        self.assertEqual(self.texts(), NEW)
        self.assertEqual([path.name for path in self.folder.glob(".*")], [], number)

    def calls(self):
        """All system calls of one run but those of the loader, in their order."""
        traced = self.folder / "trace"
        self.reset()
        self.run_once("strace", "-f", "-qq", "-o", traced)
        counts, calls = {}, []
        for line in traced.read_text().splitlines():
            found = re.match(r"\d+ +(\w+)\(", line)
            if found is None:
                continue
            counts[found[1]] = counts.get(found[1], 0) + 1
            if calls or ("cinder.conf" in line and found[1] != "execve"):
                calls.append((found[1], counts[found[1]]))
        return calls

    def test_a_kill_at_any_system_call_leaves_old_or_new_files(self):
        kills = 0
        for call in self.calls():
            self.reset()
            done = self.injected("signal=SIGKILL", call)
            if done.returncode == 0:
                # How often the C library asks for memory or random numbers differs from run to run.
                self.assertEqual(self.texts(), NEW, call)
                continue
            self.assertEqual(done.returncode, -signal.SIGKILL, call)
            kills += 1
            self.check_whole(call)
            self.check_next_run(call)
        print(f"{kills} kills")
        self.assertGreater(kills, 50)

    def test_an_error_of_any_system_call_leaves_old_or_new_files_and_no_litter(self):
        errors = 0
        for call in self.calls():
            if call[0] in ["brk", "mmap", "munmap", "mprotect", "madvise", "mlock"]:
                continue  # no memory is the end of a process: a kill
            self.reset()
            done = self.injected("error=EIO", call)
            self.check_whole(call)
            if done.returncode == 0:
                self.assertEqual(self.texts(), NEW, call)
                continue
            errors += 1
            self.assertNotIn(KEY, done.stderr.lower())
            if call[0] not in ["unlink", "getdents64"]:
                self.assertEqual([path.name for path in self.folder.glob(".*")], [], call)
        print(f"{errors} errors reported")
        self.assertGreater(errors, 25)


if __name__ == "__main__":
    unittest.main()
