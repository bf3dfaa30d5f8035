"""Every `openstack secret ...` and `openstack acl ...` command, and what python-barbicanclient has besides.

The client's start costs more than what it does, so most commands run inside this process, each as a fresh shell; a few
run as the programs that people start. Needs Debian's python3-openstackclient and python3-barbicanclient.
"""

import contextlib
import io
import os
import unittest
from unittest import mock

import yaml
from barbicanclient import client as barbican_client
from barbicanclient import osc_plugin as barbican_plugin
from keystoneauth1 import identity, session
from openstackclient import shell
from openstackclient.common import clientmanager
from osc_lib import clientmanager as osc_clientmanager

import harness
from clients_lab import Agents, keystone_lab, lab

# What Debian's python3-barbicanclient offers under `openstack`; those of certificate authorities have no server side in any
# Barbican since 2017.
COMMANDS = {"secret store", "secret get", "secret list", "secret update", "secret delete", "secret order create",
            "secret order get", "secret order list", "secret order delete", "secret container create",
            "secret container get", "secret container list", "secret container delete", "acl get", "acl submit",
            "acl user add", "acl user remove", "acl delete", "ca get", "ca list"}
USED = set()
LOGGED_IN = {}


def environment_of(user, project):
    return {**keystone_lab.ENVIRONMENT, "OS_AUTH_URL": lab().server.url, "OS_IDENTITY_API_VERSION": "3",
            "OS_REGION_NAME": keystone_lab.REGION, "OS_USERNAME": user, "OS_PASSWORD": keystone_lab.PASSWORD,
            "OS_PROJECT_NAME": project, "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
            "HOME": str(lab().folder), "no_proxy": "*"}


class Refused(Exception):
    """The client ended with a status other than 0; the text is what it said."""


def openstack(user, *words, output="yaml"):
    """One command in this process; what it prints, parsed (as YAML: its JSON output trips over a container's date)."""
    USED.update(command for command in COMMANDS if " ".join(words).startswith(command))
    project = "project_" + user[0]
    said, complained = io.StringIO(), io.StringIO()
    format_words = ["-f", output] if output else []
    with mock.patch.dict(os.environ, environment_of(user, project), clear=True), \
            contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        app = shell.OpenStackShell()
        # The client keeps its connection on the class, since a process has one user elsewhere. Here each has his.
        manager = clientmanager.ClientManager
        manager.key_manager = LOGGED_IN.setdefault(user, osc_clientmanager.ClientCache(barbican_plugin.make_client))
        status = app.run([*words, *format_words])
    if status != 0:
        raise Refused(complained.getvalue() + said.getvalue())
    text = said.getvalue()
    return yaml.safe_load(text) if output else text


class Openstack(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        harness.need("openstack", "python3-openstackclient python3-barbicanclient")
        cls.agent = Agents.start(cls)

    def store(self, *words, user="a_creator"):
        return openstack(user, "secret", "store", *words)["Secret href"]

    def payload(self, href, *words, user="a_creator"):
        return openstack(user, "secret", "get", href, "--payload", *words)["Payload"]

    def refused(self, why, user, *words, output="yaml"):
        with self.assertRaises(Refused) as caught:
            openstack(user, *words, output=output)
        self.assertIn(why, str(caught.exception))

    def test_secrets(self):
        href = self.store("--name", "told", "--payload", "swordfish", "--secret-type", "passphrase")
        self.assertTrue(href.startswith(self.agent.url + "/v1/secrets/"), href)
        self.assertEqual(self.payload(href), "swordfish")
        facts = openstack("a_creator", "secret", "get", href)
        self.assertEqual((facts["Name"], facts["Status"], facts["Secret type"], facts["Mode"], facts["Bit length"]),
                         ("told", "ACTIVE", "passphrase", "cbc", 256))
        self.assertEqual(openstack("a_observer", "secret", "get", href)["Name"], "told")
        self.refused("Forbidden", "b_creator", "secret", "get", href)
        self.refused("Forbidden", "a_observer", "secret", "store", "--name", "x", "--payload", "y")

        openstack("a_creator", "secret", "delete", href, output=None)
        self.refused("Not Found", "a_creator", "secret", "get", href)

    def test_payloads_in_two_steps_and_from_files(self):
        href = self.store("--name", "later")
        self.refused("Not Found", "a_creator", "secret", "get", href, "--payload")
        openstack("a_creator", "secret", "update", href, "told afterwards", output=None)
        self.assertEqual(self.payload(href), "told afterwards")
        self.refused("Conflict", "a_creator", "secret", "update", href, "again", output=None)

        folder = harness.temporary_folder(self)
        raw = bytes(range(256))
        (folder / "in").write_bytes(raw)
        href = self.store("--name", "file", "--file", str(folder / "in"))
        openstack("a_creator", "secret", "get", href, "--payload_content_type", "application/octet-stream", "--file",
                  str(folder / "out"), output=None)
        self.assertEqual((folder / "out").read_bytes(), raw)

    def test_lists_with_filters_and_pages(self):
        for number in range(3):
            self.store("--name", f"listed-{number}", "--payload", "x", "--algorithm", "des", "--bit-length", "64",
                       "--mode", "ctr", "--secret-type", "symmetric", user="b_creator")
        self.store("--name", "other", "--payload", "x", user="b_creator")

        def names(*words):
            return sorted(row["Name"] for row in openstack("b_creator", "secret", "list", *words))

        self.assertEqual(names(), ["listed-0", "listed-1", "listed-2", "other"])
        self.assertEqual(names("--name", "listed-1"), ["listed-1"])
        self.assertEqual(names("--algorithm", "des", "--bit-length", "64", "--mode", "ctr", "--secret-type",
                               "symmetric"), ["listed-0", "listed-1", "listed-2"])
        self.assertEqual(names("--name", "nobody"), [])
        pages = names("--limit", "2") + names("--limit", "2", "--offset", "2")
        self.assertEqual(sorted(pages), ["listed-0", "listed-1", "listed-2", "other"])

    def test_orders(self):
        order = openstack("a_admin", "secret", "order", "create", "key", "--name", "ordered", "--algorithm", "aes",
                          "--bit-length", "256", "--mode", "xts")["Order href"]
        done = openstack("a_admin", "secret", "order", "get", order)
        self.assertEqual((done["Status"], done["Type"]), ("ACTIVE", "Key"))
        self.assertEqual(openstack("a_admin", "secret", "get", done["Secret href"])["Name"], "ordered")
        # Twice the bit length: XTS takes two keys.
        openstack("a_admin", "secret", "get", done["Secret href"], "--payload_content_type", "application/octet-stream",
                  "--file", str(harness.temporary_folder(self) / "key"), output=None)

        pair = openstack("a_admin", "secret", "order", "create", "asymmetric", "--name", "pair", "--algorithm", "rsa",
                         "--bit-length", "2048")["Order href"]
        done = openstack("a_admin", "secret", "order", "get", pair)
        self.assertEqual((done["Status"], done["Type"]), ("ACTIVE", "Asymmetric"))
        container = openstack("a_admin", "secret", "container", "get", done["Container href"])
        self.assertEqual(container["Type"], "rsa")
        self.assertIn(b"BEGIN PRIVATE KEY", self.payload(container["Private Key"], "--payload_content_type",
                                                         "application/octet-stream", user="a_admin"))

        listed = [row["Order href"] for row in openstack("a_admin", "secret", "order", "list")]
        self.assertIn(order, listed)
        self.refused("Forbidden", "a_creator", "secret", "order", "delete", order, output=None)
        for href in (order, pair):
            openstack("a_admin", "secret", "order", "delete", href, output=None)
        self.refused("Not Found", "a_admin", "secret", "order", "get", order)

    def test_containers(self):
        first = self.store("--name", "first", "--payload", "1")
        second = self.store("--name", "second", "--payload", "2")
        made = openstack("a_creator", "secret", "container", "create", "--name", "box", "--type", "generic", "--secret",
                         f"one={first}", "--secret", f"two={second}")["Container href"]
        box = openstack("a_creator", "secret", "container", "get", made)
        self.assertEqual((box["Name"], box["Type"], box["Status"]), ("box", "generic", "ACTIVE"))
        self.assertEqual(sorted(box["Secrets"].split("\n")), [f"one={first}", f"two={second}"])
        rsa = openstack("a_creator", "secret", "container", "create", "--name", "keys", "--type", "rsa", "--secret",
                        f"public_key={first}", "--secret", f"private_key={second}")["Container href"]
        self.assertEqual(openstack("a_creator", "secret", "container", "get", rsa)["Public Key"], first)
        certificate = openstack("a_creator", "secret", "container", "create", "--name", "tls", "--type", "certificate",
                                "--secret", f"certificate={first}", "--secret", f"private_key={second}")
        self.assertTrue(certificate["Container href"].startswith(self.agent.url + "/v1/containers/"))

        def names(*words):
            return sorted(row["Name"] for row in openstack("a_creator", "secret", "container", "list", *words))

        self.assertLessEqual({"box", "keys", "tls"}, set(names()))
        self.assertEqual(names("--name", "box"), ["box"])
        self.assertEqual(names("--type", "rsa", "--name", "keys"), ["keys"])
        self.refused("Bad Request", "a_creator", "secret", "container", "create", "--name", "odd", "--type", "rsa",
                     "--secret", f"public_key={first}")
        self.refused("Forbidden", "a_creator2", "secret", "container", "delete", made, output=None)
        openstack("a_creator", "secret", "container", "delete", made, output=None)
        self.refused("Not Found", "a_creator", "secret", "container", "get", made)
        self.assertEqual(self.payload(first), "1")

    def test_access_lists(self):
        href = self.store("--name", "shared", "--payload", "between us")
        box = openstack("a_creator", "secret", "container", "create", "--name", "shared", "--type", "generic",
                        "--secret", f"one={href}")["Container href"]
        friend = lab().users["b_observer"]
        for target in (href, box):
            row = openstack("a_creator", "acl", "get", target)[0]
            self.assertEqual((row["Project Access"], row["Users"]), (True, []))
            row = openstack("a_creator", "acl", "submit", target, "--user", friend, "--no-project-access")[0]
            self.assertEqual((row["Operation Type"], row["Project Access"], row["Users"]), ("read", False, [friend]))
        self.assertEqual(self.payload(href, user="b_observer"), "between us")
        self.refused("Forbidden", "a_observer", "secret", "get", href)
        self.assertEqual(openstack("b_observer", "secret", "container", "get", box)["Name"], "shared")

        other = lab().users["b_audit"]
        row = openstack("a_creator", "acl", "user", "add", href, "--user", other)[0]
        self.assertEqual((sorted(row["Users"]), row["Project Access"]), (sorted([friend, other]), False))
        row = openstack("a_creator", "acl", "user", "remove", href, "--user", friend, "--project-access")[0]
        self.assertEqual((row["Users"], row["Project Access"]), ([other], True))
        self.refused("Forbidden", "b_observer", "secret", "get", href)
        for target in (href, box):
            openstack("a_creator", "acl", "delete", target, output=None)
            self.assertEqual(openstack("a_creator", "acl", "get", target)[0]["Users"], [])

    def test_consumers_through_the_library(self):
        """The command line has none in this release; python-barbicanclient has those of containers."""
        login = identity.Password(auth_url=lab().server.url, username="a_creator", password=keystone_lab.PASSWORD,
                                  project_name="project_a", user_domain_id="default", project_domain_id="default")
        barbican = barbican_client.Client(session=session.Session(auth=login), endpoint=self.agent.url)
        secret = barbican.secrets.create(name="used", payload="x")
        container = barbican.containers.create(name="used", secrets={"it": secret})
        ref = container.store()
        known = barbican.containers.register_consumer(ref, "octavia", "http://octavia/listener/1")
        self.assertEqual([(one["name"], one["URL"]) for one in known.consumers],
                         [("octavia", "http://octavia/listener/1")])
        barbican.containers.remove_consumer(ref, "octavia", "http://octavia/listener/1")
        self.assertEqual(barbican.containers.get(ref).consumers, [])
        self.assertEqual(barbican.containers.get(ref).secrets["it"].payload, "x")
        self.assertGreaterEqual(barbican.secrets.total(), 1)
        barbican.containers.delete(ref)

    def test_the_program_itself(self):
        def program(*words, user="a_creator"):
            return harness.run(["/usr/bin/python3", "/usr/bin/openstack", *words],
                               env=environment_of(user, "project_a")).decode()

        href = program("secret", "store", "--name", "program", "--payload", "said aloud", "-f", "value", "-c",
                       "Secret href").strip()
        self.assertEqual(program("secret", "get", href, "--payload", "-f", "value").strip(), "said aloud")
        self.assertIn("| program ", program("secret", "get", href))
        program("secret", "delete", href)
        with self.assertRaises(AssertionError) as gone:
            program("secret", "get", href)
        self.assertIn("Not Found", str(gone.exception))

    @classmethod
    def tearDownClass(cls):
        # Loading by name runs a part only; then nothing is promised.
        if len(USED) > 5:
            missed = COMMANDS - USED - {"ca get", "ca list"}
            assert not missed, f"commands that no test used: {missed}"


if __name__ == "__main__":
    unittest.main(verbosity=2)
