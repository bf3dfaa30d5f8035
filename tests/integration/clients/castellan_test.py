"""Castellan's Barbican key manager, which Cinder, Nova and Glance use: keys made, stored, read, copied, listed, deleted.

Needs Debian's python3-castellan.
"""

import unittest

from castellan.common import exception as error
from castellan.common.credentials import keystone_password
from castellan.common.objects import opaque_data, passphrase, symmetric_key
from castellan.key_manager import barbican_key_manager
from cryptography.hazmat.primitives import serialization
from keystoneauth1 import token_endpoint
from oslo_config import cfg
from oslo_context import context as oslo_context

import harness
from clients_lab import Agents, keystone_lab, lab

CONFIG = """[barbican]
auth_endpoint = {keystone}
{endpoint}
number_of_retries = {retries}
retry_delay = 1
send_service_user_token = {service_token}
[barbican_service_user]
auth_type = password
auth_url = {keystone}
username = barbican
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
"""


class Castellan(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agents.start(cls)

    def manager(self, endpoint=None, retries=3, service_token=False):
        """A key manager as a service configures it: by a file."""
        path = harness.temporary_folder(self) / "service.conf"
        path.write_text(CONFIG.format(
            keystone=lab().server.url, password=keystone_lab.PASSWORD, retries=retries,
            service_token=str(service_token).lower(),
            endpoint=f"barbican_endpoint = {endpoint}" if endpoint else "barbican_region_name = RegionOne"))
        conf = cfg.ConfigOpts()
        conf(["--config-file", str(path)])
        return barbican_key_manager.BarbicanKeyManager(conf)

    def user(self, name="a_creator"):
        """The context of a user's request, as an API service holds it."""
        project = "project_" + name[0]
        return oslo_context.RequestContext(auth_token=lab().token(name, project), project_id=lab().projects[project])

    def service(self):
        """The context of a service's own account."""
        return keystone_password.KeystonePassword(
            auth_url=lab().server.url, username="barbican", password=keystone_lab.PASSWORD, project_name="service",
            user_domain_id="default", project_domain_id="default")

    def symmetric(self, raw=bytes(range(32)), name="key"):
        return symmetric_key.SymmetricKey("AES", 8 * len(raw), raw, name=name)

    def test_a_created_key_is_read_and_deleted(self):
        for manager in (self.manager(), self.manager(endpoint=self.agent.url), self.manager(retries=1),
                        self.manager(service_token=True)):
            context = self.user()
            made = manager.create_key(context, algorithm="AES", length=256, name="volume key")
            key = manager.get(context, made)
            self.assertEqual((key.algorithm, key.bit_length, key.format, key.name), ("AES", 256, "RAW", "volume key"))
            self.assertEqual(len(key.get_encoded()), 32)
            facts = manager.get(context, made, metadata_only=True)
            self.assertTrue(facts.is_metadata_only())
            self.assertEqual((facts.id, facts.algorithm, facts.bit_length), (made, "AES", 256))
            manager.delete(context, made)
            with self.assertRaises(error.ManagedObjectNotFoundError):
                manager.get(context, made)
            with self.assertRaises(error.ManagedObjectNotFoundError):
                manager.delete(context, made)

    def test_a_service_goes_on_with_its_users_expired_token(self):
        """As Nova and Cinder do in operations that last longer than the token that began them."""
        brief = lab().start_server(expiration=3)
        self.addCleanup(brief.stop)
        token = lab().token("a_creator", server=brief)
        own = self.manager().store(self.user(), self.symmetric())
        keystone_lab.wait_over(4)
        late = oslo_context.RequestContext(auth_token=token, project_id=lab().projects["project_a"])
        late.get_auth_plugin = lambda: self.bearer(token)
        self.assertEqual(self.manager(endpoint=self.agent.url, service_token=True).get(late, own).get_encoded(),
                         bytes(range(32)))
        # Without that, 401; the client library trips over keystonemiddleware's form of it, which is the agent's too.
        with self.assertRaisesRegex(KeyError, "title"):
            self.manager(endpoint=self.agent.url).get(late, own)

    def bearer(self, token):
        """Shows a token as it is, as the services' own contexts do; Keystone is not asked for another."""
        return token_endpoint.Token(self.agent.url, token)

    def test_a_created_pair_comes_as_two_keys(self):
        manager, context = self.manager(), self.user()
        private_id, public_id = manager.create_key_pair(context, algorithm="RSA", length=2048, name="pair")
        private, public = manager.get(context, private_id), manager.get(context, public_id)
        self.assertEqual((private.algorithm, private.bit_length, private.format), ("RSA", 2048, "PKCS8"))
        self.assertEqual((public.algorithm, public.bit_length, public.format), ("RSA", 2048, "SubjectPublicKeyInfo"))
        halves = (serialization.load_der_private_key(private.get_encoded(), None).public_key(),
                  serialization.load_der_public_key(public.get_encoded()))
        self.assertEqual(halves[0].public_numbers(), halves[1].public_numbers())
        # Both are stored again as what they are, as a copy of a project's keys would be.
        for key in (private, public):
            again = manager.get(context, manager.store(context, key))
            self.assertEqual(again.get_encoded(), key.get_encoded())

    def test_every_kind_of_object_comes_back_as_it_went(self):
        manager, context = self.manager(), self.user()
        for thing in (self.symmetric(), passphrase.Passphrase(b"correct horse", name="words"),
                      opaque_data.OpaqueData(bytes(range(256)), name="blob")):
            stored = manager.store(context, thing)
            back = manager.get(context, stored)
            self.assertIs(type(back), type(thing))
            self.assertEqual((back.get_encoded(), back.name), (thing.get_encoded(), thing.name))
        expiring = manager.store(context, self.symmetric(name="brief"), expiration="2099-01-01T00:00:00")
        self.assertEqual(manager.get(context, expiring).name, "brief")

    def test_a_users_key_is_copied_for_the_user_and_for_a_service(self):
        manager, user, service = self.manager(), self.user(), self.service()
        original = manager.create_key(user, algorithm="AES", length=256)
        raw = manager.get(user, original).get_encoded()
        copy = manager.store(user, manager.get(user, original))  # as Cinder does for a clone
        self.assertNotEqual(copy, original)
        self.assertEqual(manager.get(user, copy).get_encoded(), raw)
        # A service's own project is another one: it reads what an access list shares with it, and keeps its copy there.
        with self.assertRaises(error.KeyManagerError):
            manager.get(service, original)
        self.share(original, "barbican")
        kept = manager.store(service, manager.get(service, original))
        self.assertEqual(manager.get(service, kept).get_encoded(), raw)
        with self.assertRaises(error.KeyManagerError):
            manager.get(user, kept)
        manager.delete(user, original)
        self.assertEqual(manager.get(service, kept).get_encoded(), raw)

    def share(self, secret, user):
        answer = self.agent.request(
            "PUT", f"/v1/secrets/{secret}/acl", headers={"X-Auth-Token": lab().token("a_creator")},
            json_body={"read": {"users": [lab().users[user]]}})
        self.assertEqual(answer.status, 200, answer.body)

    def test_lists_by_kind_and_without_payloads(self):
        manager, context = self.manager(), self.user("b_creator")
        manager.store(context, self.symmetric(name="one"))
        manager.store(context, passphrase.Passphrase(b"two", name="two"))
        self.assertEqual(sorted(thing.name for thing in manager.list(context)), ["one", "two"])
        keys = manager.list(context, object_type=symmetric_key.SymmetricKey)
        self.assertEqual([(key.name, key.get_encoded()) for key in keys], [("one", bytes(range(32)))])
        self.assertTrue(all(thing.is_metadata_only() for thing in manager.list(context, metadata_only=True)))

    def test_refusals_are_what_castellan_knows(self):
        manager = self.manager()
        with self.assertRaises(error.Forbidden):
            manager.create_key(None, algorithm="AES", length=256)
        with self.assertRaises(error.KeyManagerError):
            manager.create_key(self.user("a_observer"), algorithm="AES", length=256)
        with self.assertRaises(error.KeyManagerError) as failed:
            manager.create_key(self.user(), algorithm="AES", length=104)
        self.assertIn("ERROR", str(failed.exception))
        with self.assertRaises(error.KeyManagerError):
            manager.create_key(self.user(), algorithm="AES", length=13)
        with self.assertRaises(error.ManagedObjectNotFoundError):
            manager.get(self.user(), "00000000-0000-4000-8000-000000000000")
        stranger = self.user("b_creator")
        own = manager.store(self.user(), self.symmetric())
        with self.assertRaises(error.KeyManagerError):
            manager.get(stranger, own)
        nowhere = self.manager(endpoint=f"http://127.0.0.1:{harness.free_port()}")
        with self.assertRaises(Exception):
            nowhere.get(self.user(), own)


if __name__ == "__main__":
    unittest.main(verbosity=2)
