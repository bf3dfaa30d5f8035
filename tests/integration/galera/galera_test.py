"""Three agents over a real Galera cluster of three nodes, one of which is killed under load."""

import http.client
import os
import shutil
import tempfile
import threading
import time
import unittest
from pathlib import Path

import harness
from database_servers import GaleraCluster

LOAD_SECONDS = 12
KILL_AFTER = 4
CURED_WITHIN = 30


class Client(threading.Thread):
    """Stores secrets through one agent and reads each through another one at once. What is answered with 503 or not at
    all is tried again; anything else that is no success is a failure."""

    def __init__(self, lab, number):
        super().__init__()
        self.lab, self.number = lab, number
        self.stored = {}      # ref -> payload, acknowledged
        self.retries = 0
        self.longest = 0.0
        self.failures = []
        self.connections = {}

    def ask(self, agent, method, target, body=None):
        begun = time.monotonic()
        while True:
            try:
                if agent not in self.connections:
                    self.connections[agent] = self.lab.agents[agent].connection()
                headers = {"Content-Type": "application/json"} if body else {"Accept": "text/plain"}
                answer = harness.exchange(self.connections[agent], method, target, body, headers)
            except (OSError, http.client.HTTPException):
                self.connections.pop(agent).close()
                answer = None
            if answer is not None and answer.status != 503:
                self.longest = max(self.longest, time.monotonic() - begun)
                return answer
            if answer is not None and "retry-after" not in answer.headers:
                self.failures.append("a 503 without Retry-After")
            if time.monotonic() - begun > CURED_WITHIN:
                self.failures.append(f"{method} {target} was not cured within {CURED_WITHIN} s")
                return None
            self.retries += 1
            time.sleep(0.2)

    def run(self):
        try:
            self.store_and_read()
        finally:
            for connection in self.connections.values():
                connection.close()

    def store_and_read(self):
        count = 0
        while not self.lab.over.is_set() and not self.failures:
            count += 1
            payload = f"client {self.number} secret {count}"
            body = ('{"name": "n", "payload": "%s", "payload_content_type": "text/plain"}' % payload).encode()
            answer = self.ask(self.number % 3, "POST", "/v1/secrets", body)
            if answer is None:
                return
            if answer.status != 201:
                self.failures.append(f"POST gave {answer.status} {answer.body!r}")
                return
            ref = answer.json()["secret_ref"].rsplit("/", 1)[1]
            self.stored[ref] = payload
            # At once and elsewhere: a node that has not applied the write yet must not say 404.
            answer = self.ask((self.number + 1) % 3, "GET", f"/v1/secrets/{ref}/payload")
            if answer is not None and (answer.status, answer.body) != (200, payload.encode()):
                self.failures.append(f"GET gave {answer.status} {answer.body!r}")


class Galera(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.cluster = GaleraCluster(cls.folder / "cluster")
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.cluster.nodes[0].create("barbican")
        cls.agents = [cls.start_agent(number) for number in range(3)]

    @classmethod
    def start_agent(cls, number):
        folder = cls.folder / f"agent{number}"
        folder.mkdir()
        if number > 0:
            # The same master key: whoever reads what another has written needs it.
            shutil.copy2(cls.folder / "agent0" / "kek", folder / "kek")
        agent = harness.Agent(folder, {"database": cls.cluster.url("barbican", number),
                                       "database_password_file": str(cls.cluster.password_file)})
        cls.addClassCleanup(agent.stop)
        return agent.start()

    def setUp(self):
        self.over = threading.Event()

    def count(self, node):
        # The first statement waits for what others have committed.
        return node.sql("SET SESSION wsrep_sync_wait = 1; SELECT COUNT(*) FROM secrets", "barbican")

    def test_no_acknowledged_write_is_lost_when_a_node_is_killed_under_load(self):
        clients = [Client(self, number) for number in range(6)]
        for client in clients:
            client.start()
        time.sleep(KILL_AFTER)
        self.cluster.nodes[1].kill()
        time.sleep(LOAD_SECONDS - KILL_AFTER)
        self.over.set()
        for client in clients:
            client.join()
        self.assertEqual([failure for client in clients for failure in client.failures], [])

        stored = {ref: payload for client in clients for ref, payload in client.stored.items()}
        print(f"{len(stored)} writes acknowledged, {sum(client.retries for client in clients)} answers cured by a retry, "
              f"the longest took {max(client.longest for client in clients):.1f} s", flush=True)
        self.assertGreater(len(stored), 100)
        # Every one of them, through every agent, that of the dead node's as well.
        for agent in self.agents:
            connection = agent.connection()
            for ref, payload in stored.items():
                answer = harness.exchange(connection, "GET", f"/v1/secrets/{ref}/payload", headers={"Accept": "text/plain"})
                self.assertEqual((answer.status, answer.body), (200, payload.encode()))
            connection.close()
            self.assertTrue(agent.is_running())

        self.cluster.nodes[1].rejoin()
        counts = [self.count(node) for node in self.cluster.nodes]
        self.assertEqual(counts, [counts[0]] * 3)
        # A write whose acknowledgement was lost may be there twice, since its client tried again; none is missing.
        self.assertGreaterEqual(int(counts[0][0]), len(stored))

    def test_agents_that_meet_at_one_row_all_get_their_way(self):
        """Every round is a project that none of the nodes knows, so that all make its row and its key at once."""
        refused = []

        def store(agent, project):
            connection = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=30)
            body = b'{"payload": "x", "payload_content_type": "text/plain"}'
            answer = harness.exchange(connection, "POST", "/v1/secrets", body, {
                "Content-Type": "application/json", "X-Project-Id": project, "X-Roles": "creator", "X-User-Id": "u"})
            if answer.status != 201:
                refused.append((answer.status, answer.body))
            connection.close()

        for _ in range(20):
            project = os.urandom(16).hex()
            threads = [threading.Thread(target=store, args=(agent, project)) for agent in self.agents for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(refused, [], "\n".join(agent.log()[-2000:] for agent in self.agents))


if __name__ == "__main__":
    unittest.main(verbosity=2)
