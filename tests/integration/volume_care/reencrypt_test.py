#!/usr/bin/python3
"""`sallyport volume reencrypt` on image files: killed at any system call and again in the retry, with and without an agent."""

import contextlib
import hashlib
import os
import random
import re
import subprocess
import threading
import time
import unittest

import harness
from volumes import MIB, OLD, Volumes, VolumesWithAgent, traced

KILLS = int(os.environ.get("SALLYPORT_KILLS", "40"))
SEED = int(os.environ.get("SALLYPORT_SEED", "7"))
CALLS = ("write", "fsync")


class Offline(Volumes):
    def setUp(self):
        super().setUp()
        self.data = os.urandom(3 * MIB)
        self.pristine = self.folder / "pristine"
        self.volume("encrypt", self.file("plain", self.data), self.pristine, "--key-file", self.old)
        self.image = self.folder / "disk"
        self.command = [harness.SALLYPORT, "volume", "reencrypt", self.image, "--key-file", self.old, "--zone", "1"]

    def fresh(self):
        subprocess.run(["cp", "--sparse=always", self.pristine, self.image], check=True)

    def check_data(self, what):
        back = self.folder / "back"
        self.volume("decrypt", self.image, back, "--key-file", self.old, "--replace")
        self.assertEqual(hashlib.sha256(back.read_bytes()).digest(), hashlib.sha256(self.data).digest(), what)

    def points(self):
        """Every system call that changes the image, in their order by kind."""
        self.fresh()
        before = self.image.read_bytes()[16 * MIB:]
        report = self.folder / "calls"
        subprocess.run(["strace", "-f", "-qq", "-o", report, "-e", "trace=" + ",".join(CALLS), *self.command],
                       capture_output=True, check=True)
        self.assertNotEqual(self.image.read_bytes()[16 * MIB:], before)
        self.check_data("undisturbed")
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        text = report.read_text()
        return {call: len(re.findall(rf"\b{call}\(", text)) for call in CALLS}

    def plans(self):
        """Where it is killed, and where its retry: the end, which libcryptsetup's own retry takes for a beginning, in any
        case; the rest at random, or all of it and more where so many kills are asked for."""
        counts = self.points()
        every = [(call, number) for call, count in counts.items() for number in range(1, count + 1)]
        self.assertGreater(len(every), 50)
        choose = random.Random(SEED)
        if KILLS >= len(every):
            plans = [[point] for point in every]
        else:
            plans = [[("fsync", number)] for number in range(counts["fsync"] - 8, counts["fsync"] + 1)]
        while sum(map(len, plans)) < KILLS:
            plans.append(choose.sample(every, 2))
        return plans

    def test_killed_anywhere_it_goes_on(self):
        kills = 0
        for plan in self.plans():
            self.fresh()
            for call, number in plan:
                kills += traced(f"signal=SIGKILL:when={number}", self.command, call) in (-9, 137)
                self.assertTrue(self.opens(self.image, self.old), plan)
            subprocess.run(self.command, capture_output=True, check=True)
            self.check_data(plan)
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))
        self.assertGreater(kills, KILLS // 2)
        print(f"{kills} kills, seed {SEED}")

    def test_failed_calls_are_told_and_made_good(self):
        points = [(call, number) for call, count in self.points().items() for number in range(1, count + 1)]
        failures = 0
        for call, number in random.Random(SEED).sample(points, 10):
            self.fresh()
            failures += traced(f"error=EIO:when={number}", self.command, call) != 0
            self.assertTrue(self.opens(self.image, self.old), (call, number))
            subprocess.run(self.command, capture_output=True, check=True)
            self.check_data((call, number))
        self.assertGreater(failures, 4)

    def test_refusals_say_what_to_do(self):
        luks1 = self.blank("luks1")
        self.volume("format", luks1, "--key-file", self.old, "--luks", "luks1")
        self.assertIn("cryptsetup convert", self.volume("reencrypt", luks1, "--key-file", self.old, status=1))
        self.fresh()
        self.assertIn("opens no key slot", self.volume("reencrypt", self.image, "--key-file", self.new, status=1))
        self.volume("reencrypt", self.image, "--key-file", self.old, "--zone", "300", status=2)
        self.check_data("refused")


class WithAgent(VolumesWithAgent):
    def setUp(self):
        super().setUp()
        self.id = self.secret(self.old)
        self.data = os.urandom(4 * MIB)
        os.unlink(self.image)
        self.ask("encrypt", self.file("plain", self.data), self.image, "--key", self.id)
        self.arguments = ("reencrypt", self.image, "--key", self.id, "--zone", "1")

    def check_data(self):
        back = self.folder / "back"
        self.volume("decrypt", self.image, back, "--key-file", self.old, "--replace")
        self.assertEqual(back.read_bytes(), self.data)

    def test_of_the_headers_only_the_new_one_stays(self):
        self.ask("header", "backup", self.image)
        before = self.ask("header", "list", self.image)[0]["digest"]
        answer = self.ask(*self.arguments)
        self.assertEqual((answer["finished"], answer["continued"]), (True, False))
        self.check_data()
        kept = self.ask("header", "list", self.image)
        self.assertEqual([version["reason"] for version in kept], ["reencrypted"])
        self.assertNotEqual(kept[0]["digest"], before)
        self.assertEqual(self.ask("header", "check"), [])
        self.assertTrue(self.cryptsetup_opens(self.image, OLD))

    def test_an_agent_that_is_killed_anywhere_is_finished_by_the_next(self):
        killed = 0
        for call, number in (("fdatasync", 2), ("fdatasync", 4), ("fsync", 4), ("fsync", 12), ("fsync", 21), ("write", 60)):
            with self.subTest(f"{call} {number}"):
                killed += self.killed_at(call, number, *self.arguments)
                self.assertTrue(self.opens(self.image, self.old))
                self.assertTrue(self.ask(*self.arguments)["finished"])
                self.check_data()
                self.assertEqual(len(self.ask("header", "list", self.image)), 1)
        self.assertGreater(killed, 3)

    @contextlib.contextmanager
    def slowed_down(self, call):
        """The agent's calls of that kind take a fifth of a second each."""
        with subprocess.Popen(["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                               f"inject={call}:delay_enter=200000", "-p", str(self.agent.process.pid)],
                              stderr=subprocess.PIPE) as strace:
            self.assertIn(b"attached", strace.stderr.readline())
            time.sleep(0.2)
            try:
                yield
            finally:
                strace.kill()

    def begun(self, *arguments):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(self.agent.cli("volume", *arguments, "-f", "json")))
        thread.start()
        return thread, answers

    def test_others_are_answered_meanwhile_and_an_agent_that_ends_stops_it(self):
        with self.slowed_down("fsync"):
            thread, answers = self.begun(*self.arguments)
            deadline = time.monotonic() + 60
            while self.volume("inspect", self.image).get("requirements") is None:
                self.assertLess(time.monotonic(), deadline)
            other = self.blank("other")
            self.volume("format", other, "--key-file", self.old)
            self.assertEqual(self.ask("test", other, "--key", self.id)["key_slot"], 0)
            self.assertTrue(thread.is_alive(), "the re-encryption was over before the other call was answered")
            self.agent.process.terminate()
            thread.join(60)
        self.agent.process.wait(60)
        self.assertEqual(answers[0].returncode, 3, answers[0].stderr)
        self.assertIn("the same command goes on", answers[0].stderr.decode())
        self.agent.start()
        self.assertTrue(self.ask(*self.arguments)["continued"])
        self.check_data()

    def test_others_are_answered_while_an_image_is_encrypted(self):
        with self.slowed_down("pwrite64"):
            thread, answers = self.begun("encrypt", self.folder / "plain", self.folder / "second", "--key", self.id)
            self.assertEqual(self.ask("test", self.image, "--key", self.id)["key_slot"], 0)
            self.assertTrue(thread.is_alive(), "the conversion was over before the other call was answered")
            thread.join(60)
        self.assertEqual(answers[0].returncode, 0, answers[0].stderr)


if __name__ == "__main__":
    unittest.main()
