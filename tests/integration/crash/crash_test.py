"""What was acknowledged survives kill -9 and a full disk; nothing half-stored is ever returned."""

import base64
import http.client
import os
import random
import subprocess
import threading
import unittest

import harness

STORES = 300
KILLS = 25
WRITERS = 4
HEADERS = {"Content-Type": "application/json", "X-Project-Id": harness.PROJECT, "X-Roles": "admin"}
OCTETS = "application/octet-stream"


def payload_of(name):
    """The bytes that belong to a name: every payload differs, and its size too."""
    generator = random.Random(name)
    return generator.randbytes(generator.randrange(1, 9000))


class Client:
    """Stores and fetches on one kept connection."""

    def __init__(self, agent):
        self.connection = agent.connection()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def request(self, method, target, body=None, headers=None):
        return harness.exchange(self.connection, method, target, body, {**HEADERS, **(headers or {})})

    def store(self, name):
        """One step: the status and, for 201, the secret's reference."""
        body = harness.json.dumps({"name": name, "payload": base64.b64encode(payload_of(name)).decode(),
                                   "payload_content_type": OCTETS, "payload_content_encoding": "base64"})
        answer = self.request("POST", "/v1/secrets", body)
        return answer.status, answer.json().get("secret_ref") if answer.status == 201 else None

    def announce(self, name):
        """The first of two steps: a secret without a payload."""
        answer = self.request("POST", "/v1/secrets", harness.json.dumps({"name": name}))
        assert answer.status == 201, answer
        return answer.json()["secret_ref"]

    def fill(self, reference, name):
        return self.request("PUT", path_of(reference), payload_of(name), {"Content-Type": OCTETS}).status

    def payload(self, reference):
        return self.request("GET", path_of(reference) + "/payload", headers={"Accept": OCTETS})

    def all_secrets(self):
        found, offset = [], 0
        while True:
            page = self.request("GET", f"/v1/secrets?limit=100&offset={offset}").json()["secrets"]
            found += page
            offset += len(page)
            if len(page) < 100:
                return found


def path_of(reference):
    return "/v1/secrets/" + reference.rsplit("/", 1)[1]


class Writer(threading.Thread):
    """Stores secrets until the agent is gone; every third in two steps."""

    def __init__(self, agent, prefix, acknowledged):
        super().__init__()
        self.agent, self.prefix, self.acknowledged = agent, prefix, acknowledged
        self.attempts = 0
        self.refused = []

    def run(self):
        try:
            with Client(self.agent) as client:
                while True:
                    self.attempts += 1
                    self.store_one(client, f"{self.prefix}-{self.attempts}")
        except (OSError, http.client.HTTPException, ValueError):
            pass  # the agent was killed in the middle of this one: not acknowledged

    def store_one(self, client, name):
        if self.attempts % 3 == 0:
            reference = client.announce(name)
            status, good = client.fill(reference, name), 204
        else:
            (status, reference), good = client.store(name), 201
        if status == good:
            self.acknowledged[name] = reference
        else:
            self.refused.append((name, status))


class KilledAgent(unittest.TestCase):
    def test_acknowledged_secrets_survive_kill_and_others_are_absent_or_whole(self):
        agent = harness.Agent(harness.temporary_folder(self))
        self.addCleanup(agent.stop)
        acknowledged, attempts, kills = {}, 0, 0
        while attempts < STORES or kills < KILLS:
            agent.start()
            writers = [Writer(agent, f"r{kills}w{number}", acknowledged) for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            threading.Event().wait(random.uniform(0.002, 0.15))
            agent.kill()
            for writer in writers:
                writer.join()
                self.assertEqual(writer.refused, [])
                attempts += writer.attempts
            kills += 1
        with Client(agent.start()) as client:
            whole = self.check(client, acknowledged)
        self.assertEqual(agent.stop(), 0)
        print(f"{attempts} stores, {kills} kills: {len(acknowledged)} acknowledged and identical, "
              f"{whole} unacknowledged but whole")

    def check(self, client, acknowledged):
        for name, reference in acknowledged.items():
            answer = client.payload(reference)
            self.assertEqual((answer.status, answer.body), (200, payload_of(name)), name)
        unacknowledged = [secret for secret in client.all_secrets() if secret["name"] not in acknowledged]
        for secret in unacknowledged:
            self.check_absent_or_whole(client, secret)
        return len(unacknowledged)

    def check_absent_or_whole(self, client, secret):
        answer = client.payload(secret["secret_ref"])
        if "content_types" in secret:
            self.assertEqual((answer.status, answer.body), (200, payload_of(secret["name"])), secret)
        else:  # announced in the first of two steps
            self.assertEqual(answer.status, 404, secret)


class FullDisk(unittest.TestCase):
    def setUp(self):
        self.assertEqual(os.geteuid(), 0, "needs root, to mount a small tmpfs")
        self.folder = harness.temporary_folder(self)
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        harness.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", self.disk])
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False)
        self.filler = self.disk / "filler"
        self.filler.write_bytes(bytes(2 << 20))

    def test_a_store_that_does_not_fit_is_not_acknowledged_and_harms_nothing(self):
        agent = harness.Agent(self.folder, {"database": f"sqlite:///{self.disk}/keys.db"})
        self.addCleanup(agent.stop)
        acknowledged = {}
        with Client(agent.start()) as client:
            self.fill_and_make_room(client, acknowledged)
        self.assertEqual(agent.stop(), 0)
        with Client(agent.start()) as client:
            self.check(client, acknowledged)

    def fill_and_make_room(self, client, acknowledged):
        status = 201
        for number in range(2000):
            name = f"fill-{number}"
            status, reference = client.store(name)
            if status != 201:
                break
            acknowledged[name] = reference
        self.assertIn(status, (500, 503), f"after {len(acknowledged)} stores: no full disk")
        self.assertGreater(len(acknowledged), 10)
        self.check(client, acknowledged)

        self.filler.unlink()
        status, reference = client.store("after")
        self.assertEqual(status, 201, "space is there again")
        acknowledged["after"] = reference

    def check(self, client, acknowledged):
        for name, reference in acknowledged.items():
            answer = client.payload(reference)
            self.assertEqual((answer.status, answer.body), (200, payload_of(name)), name)
        self.assertEqual({secret["name"] for secret in client.all_secrets()}, set(acknowledged))


if __name__ == "__main__":
    unittest.main()
