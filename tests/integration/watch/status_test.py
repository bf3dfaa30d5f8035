"""`sallyport status` tells how the agent is, `sallyport doctor` what is wrong with the node and how to mend it."""

import json
import os
import unittest

import harness


class Status(unittest.TestCase):
    def test_it_tells_roles_listeners_arena_and_lanes_of_the_running_agent(self):
        agent = harness.start_agent(self, metrics={"listen": "127.0.0.1:0"})
        done = agent.cli("status", "-f", "json")
        self.assertEqual(done.returncode, 0, done.stderr)
        status = json.loads(done.stdout)
        self.assertEqual(status["pid"], agent.process.pid)
        self.assertEqual(status["health"], "OK")
        self.assertEqual(status["database_health"], "answers")
        self.assertEqual(status["roles"], ["keymanager"])
        self.assertIn(f"rest unix:{agent.unix_path}", status["listeners"])
        self.assertGreater(status["arena"]["size"], status["arena"]["used"])
        self.assertEqual([lane["name"] for lane in status["lanes"]], ["keys"])
        self.assertGreaterEqual(status["uptime_seconds"], 0)

    def test_without_an_agent_it_says_so(self):
        agent = harness.start_agent(self)
        agent.stop()
        done = agent.cli("status")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is the agent running?", done.stderr)

    def test_it_is_for_administrators(self):
        agent = harness.start_agent(self, auth={"peers": [{"uid": os.getuid(), "project": "p", "roles": ["observer"]}]})
        self.assertEqual(agent.request("GET", "/sallyport/v1/status").status, 403)
        self.assertEqual(agent.cli("status").returncode, 0)


class Doctor(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.agent = harness.start_agent(self, folder=self.folder, audit={"file": str(self.folder / "audit.jsonl")})

    def findings(self, status):
        done = self.agent.cli("doctor", "-f", "json")
        self.assertEqual(done.returncode, status, (done.stdout, done.stderr))
        return {row["check"]: row for row in json.loads(done.stdout)}

    def test_a_sound_node_has_nothing_bad(self):
        found = self.findings(0)
        for check in ("agent", "locked memory", "swap", "core dumps", "database", "audit log", "leftovers", "clock",
                      f"KEK file {self.folder}/kek"):
            self.assertIn(found[check]["state"], ("good", "warning"), found[check])
        self.assertEqual(found["agent"]["state"], "good")

    def test_each_illness_is_named_with_its_cure(self):
        self.agent.stop()
        kek = self.folder / "kek"
        kek.chmod(0o644)
        found = self.findings(1)
        self.assertEqual(found["agent"]["state"], "bad")
        self.assertIn("systemctl start sallyport", found["agent"]["mend"])
        sick = found[f"KEK file {kek}"]
        self.assertEqual(sick["state"], "bad")
        self.assertIn(f"chmod 0400 {kek}", sick["mend"])
        kek.chmod(0o400)
        (self.folder / "keys.db").chmod(0o644)
        self.assertIn("chmod 0600", self.findings(1)["database"]["mend"])
        (self.folder / "keys.db").unlink()
        self.assertIn("db create", self.findings(1)["database"]["mend"])
        self.agent.config_file.chmod(0o666)
        self.assertIn("chmod 0640", self.findings(1)[f"file {self.agent.config_file}"]["mend"])

    def test_a_broken_audit_log_and_a_dead_keystone_are_found(self):
        log = self.folder / "audit.jsonl"
        log.write_text(log.read_text().replace("agent.started", "agent.stopped"))
        self.assertIn(":1: ", self.findings(1)["audit log"]["found"])
        password = self.folder / "password"
        password.write_text("x")
        password.chmod(0o400)
        port = harness.free_port()
        self.agent.config["auth"]["keystone"] = {"url": f"http://127.0.0.1:{port}/v3", "username": "u",
                                                 "password_file": str(password)}
        self.agent.config_file.write_text(json.dumps(self.agent.config))
        self.assertIn("Connection refused", self.findings(1)["keystone"]["found"])

    def test_a_configuration_that_is_none_is_the_first_finding(self):
        self.agent.config_file.write_text("nonsense: 1\n")
        done = self.agent.cli("doctor", "-f", "json")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)[0]["check"], "configuration")


if __name__ == "__main__":
    unittest.main()
