#!/usr/bin/python3
"""The headers of volumes compared with their copies, and what doctor says of it."""

import json
import os
import subprocess
import unittest

from volumes import MIB, VolumesWithAgent

class Comparing(VolumesWithAgent):
    def setUp(self):
        super().setUp()
        self.id = self.secret(self.old)
        self.ask("format", self.image, "--key", self.id)
        self.ask("header", "backup", self.image)

    def doctor(self):
        done = self.agent.cli("doctor", "-f", "json")
        return {row["check"]: row for row in json.loads(done.stdout)}

    def test_a_changed_or_damaged_header_is_found(self):
        self.assertEqual(self.ask("header", "check"), [])
        self.assertIn("are as their copies", self.doctor()["volume headers"]["found"])
        subprocess.run(["cryptsetup", "config", "--label", "changed", self.image], check=True)
        self.assertEqual(self.ask("header", "check", status=1)[0]["state"], "changed")
        row = self.doctor()[f"header of {self.image}"]
        self.assertEqual((row["state"], "header backup" in row["mend"]), ("warning", True))
        with open(self.image, "r+b") as image:
            image.write(os.urandom(MIB))
        self.assertEqual(self.ask("header", "check", status=1)[0]["state"], "damaged")
        row = self.doctor()[f"header of {self.image}"]
        self.assertEqual((row["state"], row["mend"]), ("bad", f"sallyport volume header restore {self.image}"))
        self.ask("header", "restore", self.image)
        self.assertEqual(self.ask("header", "check"), [])
        metrics = self.agent.request("GET", "/metrics").body.decode()
        self.assertIn("sallyport_volume_headers_drifted 0", metrics)
        self.assertRegex(metrics, r"sallyport_volume_header_scrub_timestamp_seconds 1\d{9}")


if __name__ == "__main__":
    unittest.main()
