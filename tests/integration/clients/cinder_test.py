"""Cinder's own code asks us for the keys of its volumes: made as the volume's type says, copied for a clone, deleted with the
volume. Beside it `sallyport volume key`, which registers the volumes with their keys.

Needs Debian's python3-cinder.
"""

import json
import os
import unittest
import uuid

os.environ.setdefault("EVENTLET_NO_GREENDNS", "yes")  # Cinder imports eventlet, whose resolver changes everybody's
# pylint: disable=wrong-import-position
from castellan import key_manager as castellan
from cinder import context as cinder_context
from cinder import db, exception, objects
from cinder.common import config as _  # noqa: F401  registers Cinder's options
from cinder.db import migration
from cinder.volume import volume_types, volume_utils
from oslo_config import cfg

import harness
from clients_lab import Agents, keystone_lab, lab

CONFIG = """[DEFAULT]
state_path = {folder}
[database]
connection = sqlite:///{folder}/cinder.db
[key_manager]
backend = barbican
[barbican]
auth_endpoint = {keystone}
barbican_endpoint = {agent}
barbican_api_version = v1
[keystone_authtoken]
auth_url = {keystone}
username = barbican
password = {password}
project_name = service
user_domain_name = Default
project_domain_name = Default
"""


class Cinder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.agent = Agents.start(cls)
        folder = cls.agent.folder / "cinder"
        folder.mkdir()
        path = folder / "cinder.conf"
        path.write_text(CONFIG.format(folder=folder, keystone=lab().server.url, agent=cls.agent.url,
                                      password=keystone_lab.PASSWORD))
        cfg.CONF(["--config-file", str(path)], project="cinder")
        objects.register_all()
        migration.db_sync()
        cls.keys = castellan.API(cfg.CONF)
        cls.admin = cinder_context.get_admin_context()

    def user(self, name="a_creator"):
        project = "project_" + name[0]
        # keystonemiddleware hands the catalogue of the user's token to Cinder in this form.
        catalogue = [{"type": "key-manager", "name": "barbican", "endpoints": [{
            "region": "RegionOne", "publicURL": self.agent.url, "internalURL": self.agent.url, "adminURL": self.agent.url}]}]
        return cinder_context.RequestContext(user_id=lab().users[name], project_id=lab().projects[project],
                                             auth_token=lab().token(name, project), service_catalog=catalogue)

    def encrypted_type(self, cipher, bits):
        made = volume_types.create(self.admin, "type-" + uuid.uuid4().hex)
        db.volume_type_encryption_create(self.admin, made["id"], {
            "provider": "luks", "cipher": cipher, "key_size": bits, "control_location": "front-end"})
        return made["id"]

    def secret(self, key):
        answer = self.agent.request("GET", f"/v1/secrets/{key}", headers={
            "X-Auth-Token": lab().token("a_creator"), "Accept": "application/json"})
        return answer.status, answer.json()

    def test_a_volume_gets_the_key_that_its_type_asks_for(self):
        for cipher, bits in (("aes-xts-plain64", 256), ("aes-xts-plain64", 128), ("aes-cbc-essiv:sha256", 192)):
            key = volume_utils.create_encryption_key(self.user(), self.keys, self.encrypted_type(cipher, bits))
            status, facts = self.secret(key)
            self.assertEqual(status, 200)
            self.assertEqual((facts["algorithm"], facts["bit_length"], facts["secret_type"]), ("aes", bits, "symmetric"))
            self.assertEqual(len(self.keys.get(self.user(), key).get_encoded()), bits // 8)

    def test_a_type_for_which_no_key_can_be_made_is_cinders_own_error(self):
        with self.assertRaises(exception.Invalid):
            volume_utils.create_encryption_key(self.user(), self.keys, self.encrypted_type("aes-xts-plain64", 13))

    def test_a_clones_copy_is_a_key_of_its_own_and_each_goes_with_its_volume(self):
        context = self.user()
        key = volume_utils.create_encryption_key(context, self.keys, self.encrypted_type("aes-xts-plain64", 256))
        copy = volume_utils.clone_encryption_key(context, self.keys, key)
        self.assertNotEqual(copy, key)
        self.assertEqual(self.keys.get(context, copy).get_encoded(), self.keys.get(context, key).get_encoded())
        volume_utils.delete_encryption_key(context, self.keys, key)
        self.assertEqual(self.secret(key)[0], 404)
        self.assertEqual(len(self.keys.get(context, copy).get_encoded()), 32)
        # Deleted already: nothing to do.
        volume_utils.delete_encryption_key(context, self.keys, key)

    def test_sallyport_registers_the_volume_with_its_key(self):
        def run(*words, status=0):
            done = harness.sallyport("volume", "key", *words, "--config", str(self.agent.config_file), "-f", "json", text=True)
            self.assertEqual(done.returncode, status, done.stderr)
            return json.loads(done.stdout) if done.stdout else done.stderr
        volume, clone = str(uuid.uuid4()), str(uuid.uuid4())
        key = run("create", "--volume", volume, "--key-size", "512")["secret"]
        self.assertIn(key, run("create", "--volume", volume, status=1))
        copy = run("clone", "--volume", clone, "--key", key)["secret"]
        self.assertNotEqual(copy, key)
        self.assertEqual(run("clone", "--volume", clone, "--key", key)["secret"], copy)
        self.assertEqual([row["secret"] for row in run("find", "--volume", clone)], [copy])
        run("delete", "--volume", volume, "--key", key)
        self.assertEqual(run("find", "--volume", volume), [])
        self.assertIn("not found", run("delete", "--volume", clone, "--key", key, status=1).lower())


if __name__ == "__main__":
    unittest.main(verbosity=2)
