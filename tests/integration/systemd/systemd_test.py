"""The units are sound and as tight as they say, and the agent tells systemd how it is."""

import os
import re
import signal
import socket
import subprocess
import time
import unittest

import harness

UNITS = harness.ROOT / "etc/systemd"


def analyze(*words):
    done = subprocess.run([harness.need("systemd-analyze", "systemd"), *map(str, words)], capture_output=True, text=True,
                          check=False)
    return done.returncode, done.stdout + done.stderr


class Units(unittest.TestCase):
    def exposure(self, unit):
        status, text = analyze("security", "--offline=true", "--no-pager", UNITS / unit)
        self.assertEqual(status, 0, text)
        return float(re.search(r"exposure level for \S+: ([0-9.]+)", text)[1])

    def test_the_key_manager_is_exposed_no_more_than_one_and_a_half(self):
        status, text = analyze("security", "--offline=true", "--threshold=15", "--no-pager", UNITS / "sallyport.service")
        self.assertEqual(status, 0, text)
        self.assertEqual(self.exposure("sallyport.service"), 1.1)

    def test_the_others_are_as_exposed_as_they_say(self):
        for unit in ("sallyport-node.service", "sallyport-image-watch.service"):
            said = re.search(r"security`: ([0-9]+[.][0-9])", (UNITS / unit).read_text())[1]
            self.assertEqual(self.exposure(unit), float(said), unit)

    def test_systemd_finds_nothing_wrong_with_them(self):
        folder = harness.temporary_folder(self)
        for unit in ("sallyport.service", "sallyport-node.service", "sallyport-image-watch.service"):
            # The program and its user are here under other names.
            text = (UNITS / unit).read_text().replace("/usr/bin/sallyport", harness.SALLYPORT)
            text = text.replace("User=sallyport", "User=daemon").replace("Group=sallyport", "Group=daemon")
            (folder / unit).write_text(text)
            status, words = analyze("verify", "--man=no", folder / unit)
            self.assertEqual(status, 0, words)
            self.assertNotIn(unit, words)


class Notifications(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.folder / "notify"))
        self.socket.settimeout(20)
        os.environ["NOTIFY_SOCKET"] = str(self.folder / "notify")
        self.addCleanup(os.environ.pop, "NOTIFY_SOCKET")

    def hear(self, wanted):
        """Everything up to the message that begins so."""
        heard = []
        while not heard or not heard[-1].startswith(wanted):
            heard.append(self.socket.recv(4096).decode())
        return heard

    def test_it_says_when_it_is_ready_when_it_reads_anew_and_when_it_stops(self):
        agent = harness.start_agent(self)
        self.hear("READY=1")
        self.assertIn("serving: ", self.hear("STATUS=")[-1])
        agent.process.send_signal(signal.SIGHUP)
        self.assertIn("RELOADING=1", self.hear("READY=1"))
        self.assertTrue(agent.is_running())
        self.assertEqual(agent.stop(), 0)
        self.hear("STOPPING=1")

    def test_it_feeds_the_watchdog_as_long_as_its_event_loops_turn(self):
        os.environ["WATCHDOG_USEC"] = "600000"
        self.addCleanup(os.environ.pop, "WATCHDOG_USEC")
        agent = harness.start_agent(self)
        self.hear("READY=1")
        begun = time.monotonic()
        for _ in range(5):
            self.hear("WATCHDOG=1")
        self.assertLess(time.monotonic() - begun, 3)
        # Stopped as a whole it says nothing; that is what systemd would notice.
        agent.process.send_signal(signal.SIGSTOP)
        self.addCleanup(agent.process.send_signal, signal.SIGCONT)
        self.socket.settimeout(0.7)
        with self.assertRaises(TimeoutError):
            while True:
                self.socket.recv(4096)
        agent.process.send_signal(signal.SIGCONT)
        self.socket.settimeout(20)
        self.hear("WATCHDOG=1")


if __name__ == "__main__":
    unittest.main()
