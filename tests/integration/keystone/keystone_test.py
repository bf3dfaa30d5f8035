#!/usr/bin/python3
"""The agent behind a real Keystone: tokens good, bad, revoked, expired; roles; Keystone away; the real clients."""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import harness
import keystone_lab

HERE = Path(__file__).resolve().parent
RECORDED = ("versions", "secrets", "secrets-create", "secrets-list", "secret-metadata", "secret-consumers", "acls",
            "containers", "container-consumers", "orders", "quotas", "transport-keys", "secret-stores-disabled", "more")
CACHE_SECONDS = 2
LAB = None


def setUpModule():  # pylint: disable=invalid-name
    global LAB  # pylint: disable=global-statement
    folder = tempfile.mkdtemp(prefix="sallyport-keystone-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    LAB = keystone_lab.KeystoneLab(folder)
    unittest.addModuleCleanup(LAB.stop)
    LAB.start()


class WithKeystone(unittest.TestCase):
    """An agent whose callers show tokens."""

    def start_agent(self, server=None, cache_seconds=60, **options):
        folder = harness.temporary_folder(self)
        keystone = keystone_lab.keystone_section(
            LAB, folder, server, token_cache={"seconds": cache_seconds, "negative_seconds": 1}, **options)
        self.agent = harness.start_agent(self, folder, auth={"keystone": keystone})
        return self.agent

    def status(self, token, method="GET", target="/v1/secrets", **arguments):
        headers = {} if token is None else {"X-Auth-Token": token}
        return self.agent.request(method, target, headers=headers, **arguments).status

    def store(self, token):
        answer = self.agent.request("POST", "/v1/secrets", headers={"X-Auth-Token": token}, json_body={
            "name": "x", "payload": "top", "payload_content_type": "text/plain"})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["secret_ref"].rsplit("/", 1)[1]


class Tokens(WithKeystone):
    def test_a_good_token_is_served_and_a_bad_one_is_not(self):
        agent = self.start_agent(www_authenticate_uri="http://127.0.0.1:5000")
        self.assertEqual(self.status(LAB.token("a_creator")), 200)
        for token in (None, "", "nonsense", "gAAAAAB" + "x" * 180, "x" * 9000):
            headers = {} if token is None else {"X-Auth-Token": token}
            answer = agent.request("GET", "/v1/secrets", headers=headers)
            self.assertEqual(answer.status, 401, token)
            self.assertEqual(answer.headers["www-authenticate"], 'Keystone uri="http://127.0.0.1:5000"')
            self.assertEqual(answer.json()["error"]["title"], "Unauthorized")

    def test_a_revoked_token_is_refused_once_its_life_in_the_cache_is_over(self):
        self.start_agent(cache_seconds=CACHE_SECONDS)
        token = LAB.token("a_creator")
        self.assertEqual(self.status(token), 200)
        LAB.revoke(token)
        keystone_lab.wait_over(CACHE_SECONDS)
        self.assertEqual(self.status(token), 401)
        self.assertEqual(self.status(LAB.token("a_creator")), 200)

    def test_an_expired_token_is_refused_even_if_it_is_in_the_cache(self):
        brief = LAB.start_server(expiration=4)
        self.start_agent(cache_seconds=60)
        token = LAB.token("a_creator", server=brief)
        self.assertEqual(self.status(token), 200)
        keystone_lab.wait_over(5)
        self.assertEqual(self.status(token), 401)
        brief.stop()

    def test_the_agent_renews_its_own_token(self):
        brief = LAB.start_server(expiration=3)
        self.start_agent(server=brief, cache_seconds=1)
        for _ in range(2):
            self.assertEqual(self.status(LAB.token("a_creator")), 200)
            keystone_lab.wait_over(4)
        brief.stop()

    def test_roles_and_project_of_the_token_decide(self):
        self.start_agent()
        creator, observer = LAB.token("a_creator"), LAB.token("a_observer")
        stranger, member = LAB.token("b_creator", "project_b"), LAB.token("a_member")
        secret = self.store(creator)
        payload = f"/v1/secrets/{secret}/payload"
        self.assertEqual(self.status(creator, target=payload), 200)
        self.assertEqual(self.status(observer, target=payload), 200)
        self.assertEqual(self.status(stranger, target=payload), 403)
        self.assertEqual(self.status(member, target=payload), 403)
        new = {"name": "y", "payload": "p", "payload_content_type": "text/plain"}
        self.assertEqual(self.status(observer, "POST", json_body=new), 403)
        self.assertEqual(self.status(observer, "DELETE", f"/v1/secrets/{secret}"), 403)
        self.assertEqual(self.status(creator, "DELETE", f"/v1/secrets/{secret}"), 204)

    def test_the_socket_does_not_stand_in_for_a_refused_token(self):
        folder = harness.temporary_folder(self)
        self.agent = harness.start_agent(self, folder, auth={
            "keystone": keystone_lab.keystone_section(LAB, folder),
            "peers": [{"uid": 0, "project": harness.PROJECT, "roles": ["admin"]}]})
        self.assertEqual(self.status(None), 200)
        self.assertEqual(self.status("nonsense"), 401)
        self.assertEqual(self.status(LAB.token("a_norole")), 403)


class KeystoneAway(WithKeystone):
    def test_known_tokens_work_to_the_end_of_their_life_and_new_ones_wait(self):
        server = LAB.start_server(expiration=1800)
        self.start_agent(server=server, cache_seconds=6)
        known, new = LAB.token("a_creator"), LAB.token("a_creator")
        self.assertEqual(self.status(known), 200)
        server.stop()
        self.assertEqual(self.status(known), 200)
        self.assertEqual(self.status(new), 503)
        keystone_lab.wait_over(6)
        self.assertEqual(self.status(known), 503)
        server.start()
        self.assertEqual(self.status(new), 200)
        self.assertEqual(self.status(known), 200)
        server.stop()

    def test_a_wrong_password_of_the_account_lets_nobody_in(self):
        folder = harness.temporary_folder(self)
        section = keystone_lab.keystone_section(LAB, folder)
        Path(section["password_file"]).chmod(0o600)
        Path(section["password_file"]).write_text("wrong\n")
        self.agent = harness.start_agent(self, folder, auth={"keystone": section})
        self.assertEqual(self.status(LAB.token("a_creator")), 503)
        self.assertIn("refuses the account barbican", self.agent.log())
        self.assertNotIn("wrong\n", self.agent.log())


class RealClients(WithKeystone):
    def test_the_openstack_client_stores_orders_and_reads(self):
        agent = self.start_agent()
        LAB.set_key_manager(agent.url)
        stored = LAB.openstack("a_creator", "project_a", "secret", "store", "--name", "told", "--payload", "swordfish")
        read = LAB.openstack("a_creator", "project_a", "secret", "get", stored["Secret href"], "--payload")
        self.assertEqual(read["Payload"], "swordfish")
        order = LAB.openstack("a_creator", "project_a", "secret", "order", "create", "key", "--name", "ordered",
                              "--algorithm", "aes", "--bit-length", "256", "--mode", "xts")
        done = LAB.openstack("a_creator", "project_a", "secret", "order", "get", order["Order href"])
        self.assertEqual(done["Status"], "ACTIVE")
        names = [row["Name"] for row in LAB.openstack("a_creator", "project_a", "secret", "list")]
        self.assertEqual(sorted(names), ["ordered", "told"])

    def test_recorded_exchanges_of_a_real_barbican_come_out_the_same(self):
        agent = self.start_agent(www_authenticate_uri="http://127.0.0.1:5000")
        recordings = [harness.ROOT / "tests/vectors/barbican" / f"{name}.json" for name in RECORDED]
        replayed = subprocess.run(
            ["/usr/bin/python3", str(HERE / "replay.py"), *map(str, recordings)], check=False, capture_output=True,
            text=True, env={**keystone_lab.ENVIRONMENT, "KEY_MANAGER": agent.url, "KEYSTONE": LAB.server.url})
        self.assertEqual(replayed.returncode, 0, replayed.stdout[-20000:] + replayed.stderr)
        self.assertRegex(replayed.stdout, r"(?m)^[1-9][0-9]* passed, 0 failed$")
        sys.stderr.write(replayed.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
