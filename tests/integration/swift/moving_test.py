#!/usr/bin/python3
"""A cluster moves from Swift's keymasters to Sallyport and back, with the commands of docs/swift.md, and no object is written
anew. The kms_keymaster is Swift's own: it fetches its root secrets with Castellan from our Barbican API, through a real
Keystone."""

import base64
import os
import re
import subprocess
import sys
import textwrap
import unittest

import harness
import swift_agent
import swift_lab
from pipeline_test import SECRETS, body_of, keymaster_conf, md5

sys.path.insert(0, str(harness.ROOT / "tests/integration/clients"))
import clients_lab  # pylint: disable=wrong-import-position
from clients_lab import keystone_lab  # pylint: disable=wrong-import-position

KMS_CONF = """[kms_keymaster]
key_id = {first}
key_id_2027 = {second}
active_root_secret_id = {active}
username = a_observer
password = {password}
project_name = project_a
user_domain_name = Default
project_domain_name = Default
auth_endpoint = {keystone}
barbican_endpoint = {barbican}
api_class = castellan.key_manager.barbican_key_manager.BarbicanKeyManager
"""


def commands_of_the_page():
    """The shell commands of docs/swift.md: import, import from a Barbican, back to a keymaster."""
    page = (harness.ROOT / "docs/swift.md").read_text()
    return [textwrap.dedent(block) for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)]


class Moving(unittest.TestCase):
    def setUp(self):
        self.folder = harness.temporary_folder(self)
        self.cluster = swift_lab.Cluster(self)

    def shell(self, agent, commands, **variables):
        """Runs commands of the page; their standard output."""
        function = 'sallyport() { "$SALLYPORT" "$@" --config "$CONFIG" -f value -c "Secret href"; }\n'
        if "secret get" in commands:
            function = 'sallyport() { "$SALLYPORT" "$@" --config "$CONFIG"; }\n'
        commands = commands.replace("/etc/swift/keymaster.conf", str(self.folder / "keymaster.conf"))
        environment = {**os.environ, "SALLYPORT": harness.SALLYPORT, "CONFIG": str(agent.config_file), **variables}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", function + commands], capture_output=True, check=False,
                              cwd=self.folder, env=environment)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done.stdout.decode()

    def write(self, client, name):
        for size in (1, 70_000):
            answer = client.request("PUT", f"c/{name}-{size}", {"X-Object-Meta-By": name}, body_of(size))
            self.assertEqual(answer.status, 201, self.cluster.logs())

    def read(self, client, *names):
        for name in names:
            for size in (1, 70_000):
                answer = client.request("GET", f"c/{name}-{size}")
                self.assertEqual(answer.status, 200, self.cluster.logs())
                self.assertTrue(answer.body == body_of(size))
                self.assertEqual((answer.headers["etag"], answer.headers["x-object-meta-by"]), (md5(body_of(size)), name))
        listing = client.request("GET", "c", query="?format=json").json()
        self.assertLessEqual({entry["hash"] for entry in listing}, {md5(body_of(1)), md5(body_of(70_000))})

    def use_secrets(self, agent, ids, active, project=harness.PROJECT):
        """Tells the agent which of its secrets are root secrets."""
        agent.config["objects"] = {"project": project, "root_secrets": ids}
        agent.config["roles"] = ["keymanager", "objects"]
        swift_agent.import_secrets(agent, {}, active)

    def files_of(self):
        return {path: path.stat().st_mtime_ns for path in self.cluster.stored()}


class FromTheKeymaster(Moving):
    def test_and_back_with_the_commands_of_the_page(self):
        conf = keymaster_conf("2027")
        path = self.folder / "keymaster.conf"
        path.write_text(swift_lab.ini({"keymaster": conf}))
        stock = self.cluster.proxy("keymaster encryption", keymaster={"keymaster_config_path": path}).client()
        stock.request("PUT", "c")
        self.write(stock, "keymaster")
        written = self.files_of()

        agent = harness.Agent(self.folder, {"roles": ["keymanager"], "auth": {
            "peers": [{"uid": os.getuid(), "project": harness.PROJECT, "roles": ["admin", "object-keys"]}],
            "insecure_no_auth": True}})
        self.addCleanup(agent.stop)
        agent.start()
        refs = self.shell(agent, commands_of_the_page()[0]).split()
        ids = dict(zip(SECRETS, (ref.rsplit("/", 1)[-1] for ref in refs)))
        self.use_secrets(agent, ids, "2027")
        ours = self.cluster.proxy("sallyport", sallyport={"agent_socket": agent.unix_path}).client()
        self.read(ours, "keymaster")
        self.write(ours, "sallyport")

        os.rename(path, self.folder / "old.conf")
        self.shell(agent, commands_of_the_page()[2], ID=ids[""])
        back = path.read_text() + "".join(
            line + "\n" for line in (self.folder / "old.conf").read_text().splitlines() if "2027" in line)
        path.write_text(back)
        self.assertEqual(path.stat().st_mode & 0o077, 0)
        again = self.cluster.proxy("keymaster encryption", keymaster={"keymaster_config_path": path}).client()
        self.read(again, "keymaster", "sallyport")
        self.assertLessEqual(written.items(), self.files_of().items(), "no object was written anew")


class FromTheKmsKeymaster(Moving):
    """Swift's kms_keymaster, Castellan, Keystone: all theirs; the Barbican is ours."""

    @classmethod
    def setUpClass(cls):
        cls.agent = clients_lab.Agents.start(cls)
        # An operator of this node works with the rights of Swift's project.
        cls.project = clients_lab.lab().projects["project_a"]
        cls.agent.config["auth"]["peers"] = [
            {"uid": os.getuid(), "project": cls.project, "roles": ["creator", "object-keys"]}]
        cls.agent.stop()
        cls.agent.start()

    def kms_proxy(self, ids, active):
        path = self.folder / f"kms-{active}.conf"
        path.write_text(KMS_CONF.format(
            first=ids[""], second=ids["2027"], active=active, password=keystone_lab.PASSWORD, keystone=clients_lab.lab().server.url, barbican=self.agent.url))
        return self.cluster.proxy("kms_keymaster encryption", kms_keymaster={"keymaster_config_path": path}).client()

    def test_and_back_without_touching_a_secret(self):
        ids = {name: swift_agent.import_secret(self.agent, secret) for name, secret in SECRETS.items()}

        kms = self.kms_proxy(ids, "")
        kms.request("PUT", "c")
        self.write(kms, "kms")
        written = self.files_of()

        self.use_secrets(self.agent, ids, "2027", self.project)
        ours = self.cluster.proxy("sallyport", sallyport={"agent_socket": self.agent.unix_path}).client()
        self.read(ours, "kms")
        self.write(ours, "sallyport")

        again = self.kms_proxy(ids, "2027")
        self.read(again, "kms", "sallyport")
        self.write(again, "back")
        self.read(ours, "back")
        # The same bytes in a keymaster's file.
        stock = self.cluster.proxy("keymaster encryption", keymaster=keymaster_conf()).client()
        self.read(stock, "kms", "sallyport", "back")
        self.assertLessEqual(written.items(), self.files_of().items(), "no object was written anew")

    def test_a_secret_comes_out_of_a_barbican_as_the_page_says(self):
        stored = swift_agent.import_secret(self.agent, SECRETS["2027"])
        # What `openstack token issue` of the page does needs its client; the token is what counts.
        command = commands_of_the_page()[1].replace("$(openstack token issue -f value -c id)", "$TOKEN")
        self.assertIn("$TOKEN", command)
        token = clients_lab.lab().token("a_creator")
        copied = self.shell(self.agent, command, TOKEN=token, KEY_REF=f"{self.agent.url}/v1/secrets/{stored}").strip()
        payload = self.shell(self.agent, 'sallyport secret get --payload "$ID" | base64 -w 0', ID=copied.rsplit("/", 1)[-1])
        self.assertEqual(payload, base64.b64encode(SECRETS["2027"]).decode())


if __name__ == "__main__":
    unittest.main(warnings="ignore")
