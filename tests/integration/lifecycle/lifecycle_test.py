#!/usr/bin/python3
"""The life of a key: deleted, brought back, refused, removed with its project, swept out."""

import json
import os
import sqlite3
import time
import unittest

import harness

OTHER = "fedcba9876543210fedcba9876543210"
KEY = b"\x00key of thirty-two bytes in all\xff"


class LifeCycle(unittest.TestCase):
    def start(self, roles=("admin",), **life_cycle):
        peers = [{"uid": os.getuid(), "project": harness.PROJECT, "roles": list(roles)}]
        return harness.start_agent(self, auth={"peers": peers, "insecure_no_auth": True}, life_cycle=life_cycle)

    def call(self, agent, method, target, headers=None, **options):
        return agent.request(method, target, headers=headers, **options)

    def store(self, agent, project=harness.PROJECT, **attributes):
        headers = {"X-Project-Id": project, "X-Roles": "creator"}
        made = self.call(agent, "POST", "/v1/secrets", headers, json_body={"name": "key", **attributes})
        self.assertEqual(made.status, 201, made.body)
        secret = made.json()["secret_ref"].rsplit("/", 1)[1]
        put = self.call(agent, "PUT", f"/v1/secrets/{secret}",
                        {**headers, "Content-Type": "application/octet-stream"}, body=KEY)
        self.assertEqual(put.status, 204, put.body)
        return secret

    def read(self, agent, secret, project=harness.PROJECT):
        return self.call(agent, "GET", f"/v1/secrets/{secret}/payload",
                         {"X-Project-Id": project, "Accept": "application/octet-stream"})

    def delete(self, agent, secret):
        return self.call(agent, "DELETE", f"/v1/secrets/{secret}", {"X-Project-Id": harness.PROJECT})

    def in_database(self, agent, statement, *values):
        database = sqlite3.connect(agent.folder / "keys.db", timeout=30)
        with database:
            rows = database.execute(statement, values).fetchall()
        database.close()
        return rows

    def undelete(self, agent, secret, status=0):
        done = agent.cli("secret", "undelete", secret, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr

    def remove_project(self, agent, project, *options, status=0):
        done = agent.cli("project", "remove", project, "-f", "json", *options, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if status == 0 else done.stderr

    def test_a_deleted_secret_comes_back_within_the_window_and_not_after_it(self):
        agent = self.start(undelete_days=7)
        secret = self.store(agent)
        self.assertEqual(self.delete(agent, secret).status, 204)
        self.assertEqual(self.read(agent, secret).status, 404)
        self.undelete(agent, secret)
        back = self.read(agent, secret)
        self.assertEqual((back.status, back.body), (200, KEY))
        self.assertIn("is not deleted", self.undelete(agent, secret, status=1))

        self.assertEqual(self.delete(agent, secret).status, 204)
        self.in_database(agent, "UPDATE secrets SET deleted_at = datetime(deleted_at, '-8 days') || '.000000' WHERE id = ?",
                         secret)
        self.assertIn("more than 7 days ago", self.undelete(agent, secret, status=1))
        self.assertEqual(self.read(agent, secret).status, 404)

        # As far as `db clean` gets while an order names the secret, and then all of it.
        self.in_database(agent, "UPDATE secrets SET deleted_at = datetime('now') || '.000000' WHERE id = ?", secret)
        self.in_database(agent, "DELETE FROM encrypted_data WHERE secret_id = ?", secret)
        self.assertIn("no payload", self.undelete(agent, secret, status=1))
        self.in_database(agent, "DELETE FROM secret_store_metadata WHERE secret_id = ?", secret)
        self.in_database(agent, "DELETE FROM secrets WHERE id = ?", secret)
        self.assertIn("not found", self.undelete(agent, secret, status=1).lower())

    def test_only_an_administrator_brings_a_secret_back(self):
        agent = self.start(roles=["creator"])
        secret = self.store(agent)
        self.assertEqual(self.delete(agent, secret).status, 204)
        self.undelete(agent, secret, status=1)
        self.assertEqual(self.read(agent, secret).status, 404)

    def test_the_routes_are_for_the_unix_socket_alone(self):
        agent = self.start()
        secret = self.store(agent)
        self.assertEqual(self.delete(agent, secret).status, 204)
        curl = harness.need("curl", "curl")
        status = harness.run([curl, "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"X-Project-Id: {harness.PROJECT}",
                              "-d", json.dumps({"secret": secret}), f"{agent.url}/sallyport/v1/life-cycle/undelete"])
        self.assertEqual(status, b"404")

    def consume(self, agent, method, secret):
        consumer = {"service": "image", "resource_type": "image", "resource_id": "9f1fe3b2-5c5a-4a9e-8f4c-2f6f5d5f0001"}
        answer = self.call(agent, method, f"/v1/secrets/{secret}/consumers",
                           {"X-Project-Id": harness.PROJECT, "OpenStack-API-Version": "key-manager 1.1"},
                           json_body=consumer)
        self.assertEqual(answer.status, 200, answer.body)

    def test_consumers_keep_a_secret_where_they_are_heeded(self):
        agent = self.start(delete_with_consumers="refuse")
        secret = self.store(agent)
        self.consume(agent, "POST", secret)
        refused = self.delete(agent, secret)
        self.assertEqual(refused.status, 409)
        self.assertIn("image image 9f1fe3b2-5c5a-4a9e-8f4c-2f6f5d5f0001", refused.json()["description"])
        self.assertEqual(self.read(agent, secret).body, KEY)
        self.consume(agent, "DELETE", secret)
        self.assertEqual(self.delete(agent, secret).status, 204)

    def test_consumers_are_told_of_where_that_is_asked_for_and_passed_over_else(self):
        for rule, told in (("warn", "1"), ("allow", None)):
            agent = self.start(delete_with_consumers=rule)
            secret = self.store(agent)
            self.consume(agent, "POST", secret)
            answer = self.delete(agent, secret)
            self.assertEqual(answer.status, 204)
            self.assertEqual(answer.headers.get("x-sallyport-deleted-consumers"), told)
            self.assertEqual("its registered consumers (1)" in agent.log(), told is not None)

    def test_a_project_goes_with_everything_and_is_only_counted_without_yes(self):
        agent = self.start(roles=["admin", "key-manager:service-admin"])
        secret = self.store(agent, OTHER)
        ours = self.store(agent)
        counted = self.remove_project(agent, OTHER)
        self.assertEqual((counted["secrets"], counted["keks"], counted["outcome"]), (1, 1, "nothing was changed"))
        self.assertEqual(self.read(agent, secret, OTHER).body, KEY)
        removed = self.remove_project(agent, OTHER, "--yes")
        self.assertEqual((removed["secrets"], removed["keks"], removed["outcome"]), (1, 1, "removed"))
        self.assertEqual(self.read(agent, secret, OTHER).status, 404)
        self.assertIn("its project was removed", self.undelete(agent, secret, status=1))
        self.assertEqual(self.read(agent, ours).body, KEY)
        self.assertIn("nothing of this project", self.remove_project(agent, OTHER, "--yes", status=1))
        again = self.store(agent, OTHER)
        self.assertEqual(self.read(agent, again, OTHER).body, KEY)

    def test_an_administrator_of_one_project_removes_none(self):
        agent = self.start()
        secret = self.store(agent)
        self.remove_project(agent, harness.PROJECT, "--yes", status=1)
        self.assertEqual(self.read(agent, secret).body, KEY)

    def test_a_removal_that_was_cut_short_is_taken_up_again(self):
        agent = self.start(roles=["admin", "key-manager:service-admin"])
        headers = {"X-Project-Id": OTHER, "Content-Type": "application/json"}
        connection = agent.connection()
        for _ in range(450):
            made = harness.exchange(connection, "POST", "/v1/secrets", b"{}", headers)
            self.assertEqual(made.status, 201)
        connection.close()
        step = agent.request("POST", "/sallyport/v1/life-cycle/remove-project", json_body={"project": OTHER}).json()
        self.assertEqual((step["secrets"], step["done"]), (200, False))
        agent.kill()
        agent.start()
        self.assertEqual(self.remove_project(agent, OTHER)["secrets"], 250)
        self.assertEqual(self.remove_project(agent, OTHER, "--yes")["secrets"], 250)
        left = self.in_database(agent, "SELECT COUNT(*) FROM secrets WHERE deleted = 0")
        self.assertEqual(left, [(0,)])

    def test_expired_secrets_and_finished_orders_are_swept_out(self):
        agent = self.start(sweep_expired=True, finished_order_days=30)
        expiring = self.store(agent, expiration=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 3600)))
        lasting = self.store(agent)
        ordered = self.call(agent, "POST", "/v1/orders", {"X-Project-Id": harness.PROJECT},
                            json_body={"type": "key", "meta": {"algorithm": "aes", "bit_length": 256, "mode": "cbc"}})
        self.assertEqual(ordered.status, 202, ordered.body)
        self.in_database(agent, "UPDATE secrets SET expiration = '2026-01-01 00:00:00.000000' WHERE id = ?", expiring)
        self.in_database(agent, "UPDATE orders SET updated_at = '2026-01-01 00:00:00.000000'")
        # The sweep begins with the agent.
        self.assertEqual(agent.stop(), 0, agent.log())
        agent.start()
        harness.wait_until(lambda: "swept out 1 expired secrets and 1 finished orders" in agent.log(), 20, agent.log())
        live = self.in_database(agent, "SELECT COUNT(*) FROM secrets WHERE deleted = 0")
        self.assertEqual(live, [(2,)])  # the lasting one and the order's
        self.assertEqual(self.in_database(agent, "SELECT COUNT(*) FROM orders WHERE deleted = 0"), [(0,)])
        self.assertEqual(self.read(agent, lasting).body, KEY)
        self.assertEqual(agent.stop(), 0, agent.log())

    def test_a_wrong_rule_is_refused_at_the_start(self):
        agent = self.start()
        agent.config["life_cycle"] = {"delete_with_consumers": "maybe"}
        agent.prepare()
        checked = agent.cli("check-config", text=True)
        self.assertEqual(checked.returncode, 1)
        self.assertIn("delete_with_consumers", checked.stdout + checked.stderr)


if __name__ == "__main__":
    unittest.main()
