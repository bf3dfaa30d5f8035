#!/usr/bin/python3
"""Keys of images: Glance's own deletion through Castellan, what it leaves behind, and what our watcher does about it."""

import json
import os
import shutil
import sys
import tempfile
import unittest
import uuid
from pathlib import Path

import harness
import image_lab
from image_lab import keystone_lab

PATIENCE = 60
DELETES = "on_image_deletion"
ZERO = "00000000-0000-0000-0000-000000000000"
LAB = None


class Lab:
    """Keystone, RabbitMQ, an agent and Glance, for all tests."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "keystone").mkdir()
        (self.folder / "agent").mkdir()
        self.keystone = keystone_lab.KeystoneLab(self.folder / "keystone")
        self.rabbit = image_lab.RabbitMq(self.folder / "rabbitmq")
        self.agent = self.glance = self.url_file = None
        self.tokens = {}

    def start(self):
        self.rabbit.launch()
        self.keystone.start()
        self.rabbit.wait()
        port = harness.free_port()
        folder = self.folder / "agent"
        self.glance = image_lab.Glance(self.folder / "glance", self.keystone, self.rabbit, f"http://127.0.0.1:{port}")
        self.url_file = image_lab.write_private(folder / "rabbitmq.url", self.rabbit.url() + "\n")
        peers = [{"uid": os.getuid(), "project": harness.PROJECT, "roles": ["admin", "key-manager:service-admin"]}]
        self.agent = harness.Agent(folder, {
            "auth": {"keystone": keystone_lab.keystone_section(self.keystone, folder), "peers": peers},
            "audit": {"file": str(folder / "audit.jsonl")},
            "images": {"glance_url": self.glance.url, "retry_seconds": 1, "longest_retry_seconds": 2,
                       "look_seconds": 3600, "timeout_seconds": 20,
                       "notifications": {"url_file": str(self.url_file), "ca_file": str(self.rabbit.folder / "ca.pem")}},
        }, port)
        self.agent.start()
        self.glance.start()
        return self

    def token(self, user, project="project_a"):
        """Keystone is slow, and a token lives for an hour."""
        if (user, project) not in self.tokens:
            self.tokens[user, project] = self.keystone.token(user, project)
        return self.tokens[user, project]

    def stop(self):
        for part in (self.glance, self.agent):
            if part is not None:
                part.stop()
        self.rabbit.end()
        self.keystone.stop()


def setUpModule():  # pylint: disable=invalid-name
    global LAB  # pylint: disable=global-statement
    folder = tempfile.mkdtemp(prefix="sallyport-images-")
    unittest.addModuleCleanup(shutil.rmtree, folder, ignore_errors=True)
    LAB = Lab(folder)
    unittest.addModuleCleanup(LAB.stop)
    LAB.start()


class ImageKeys(unittest.TestCase):
    """Shorthands. An image that a_audit deletes leaves its key behind: that role may not delete secrets."""

    # --- keys --------------------------------------------------------------------------------------------------------

    def store(self, user="a_creator", project="project_a"):
        answer = LAB.agent.request("POST", "/v1/secrets", headers={"X-Auth-Token": LAB.token(user, project)},
                                   json_body={"name": "image key", "payload": "AAAA", "algorithm": "aes",
                                              "payload_content_type": "application/octet-stream",
                                              "payload_content_encoding": "base64"})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["secret_ref"].rsplit("/", 1)[1]

    def exists(self, key, project="project_a"):
        token = LAB.token(f"{project[-1]}_creator", project)
        status = LAB.agent.request("GET", f"/v1/secrets/{key}", headers={
            "X-Auth-Token": token, "Accept": "application/json"}).status
        self.assertIn(status, (200, 404))
        return status == 200

    def wait_until_deleted(self, key):
        harness.wait_until(lambda: not self.exists(key), PATIENCE, f"key {key} to be deleted")

    def consume(self, key, service, kind, resource):
        answer = LAB.agent.request("POST", f"/v1/secrets/{key}/consumers", json_body={
            "service": service, "resource_type": kind, "resource_id": resource},
            headers={"X-Auth-Token": LAB.token("a_creator")})
        self.assertEqual(answer.status, 200, answer.body)

    # --- images ------------------------------------------------------------------------------------------------------

    def upload(self, key, policy=DELETES, user="a_audit", data=None):
        token = LAB.token(user)
        body = {"name": "encrypted volume", "disk_format": "raw", "container_format": "bare"}
        if key is not None:
            body["cinder_encryption_key_id"] = key
        if policy is not None:
            body["cinder_encryption_key_deletion_policy"] = policy
        status, image = LAB.glance.call(token, "POST", "/v2/images", body)
        self.assertEqual(status, 201)
        if data is not None:
            status, _ = LAB.glance.call(token, "PUT", f"/v2/images/{image['id']}/file", data=data)
            self.assertEqual(status, 204)
        self.addCleanup(LAB.glance.call, token, "DELETE", f"/v2/images/{image['id']}")
        return image["id"]

    def delete(self, image, user="a_audit"):
        status, _ = LAB.glance.call(LAB.token(user), "DELETE", f"/v2/images/{image}")
        self.assertEqual(status, 204)

    # --- the commands ------------------------------------------------------------------------------------------------

    def restart_agent(self, **sections):
        """With other sections, until the end of the test."""
        before = LAB.agent.config

        def restart(config):
            LAB.agent.stop()
            LAB.agent.config = config
            LAB.agent.start()
        restart({**before, **sections})
        self.addCleanup(restart, before)

    def start_watcher(self, config=None):
        folder = harness.temporary_folder(self)
        with open(folder / "watch.log", "wb") as log:
            watcher = harness.start_process(self, [harness.SALLYPORT, "image", "watch", "--config",
                                                   config or LAB.agent.config_file], stdout=log, stderr=log)
        watcher.log = folder / "watch.log"
        return watcher

    def watch(self):
        """A watcher that has had its first look, and takes notifications."""
        watcher = self.start_watcher()
        self.wait_for_line(watcher, "looked: ")
        self.assertIn("connected to RabbitMQ", watcher.log.read_text())
        return watcher

    def wait_for_line(self, watcher, text, count=1):
        harness.wait_until(lambda: watcher.log.read_text().count(text) >= count or watcher.poll() is not None, PATIENCE,
                           f"'{text}' from the watcher: {watcher.log.read_text()}")
        self.assertIsNone(watcher.poll(), watcher.log.read_text())

    def queue_length(self):
        channel = LAB.rabbit.channel()
        try:
            return channel.queue_declare("sallyport.image-keys", passive=True).method.message_count
        finally:
            channel.connection.close()

    def on_delete(self, image, key, policy=DELETES, project=None):
        """(exit status, record)."""
        properties = {"cinder_encryption_key_id": key}
        if policy is not None:
            properties["cinder_encryption_key_deletion_policy"] = policy
        done = LAB.agent.cli("image", "on-delete", "--properties", "-", "--image", image, "--project",
                             project or LAB.keystone.projects["project_a"], "-f", "json",
                             input=json.dumps(properties).encode())
        self.assertNotEqual(done.stdout, b"", done.stderr)
        return done.returncode, json.loads(done.stdout)

    def reconcile(self, *options):
        done = LAB.agent.cli("image", "reconcile", "-f", "json", *options)
        self.assertIn(done.returncode, (0, 3), done.stderr)
        return done.returncode, {(row["kind"], row["image"]): row for row in json.loads(done.stdout)}


class GlanceItself(ImageKeys):
    def test_it_deletes_the_key_through_castellan_with_the_users_token(self):
        watcher = self.watch()
        key = self.store()
        image = self.upload(key, user="a_creator", data=b"x" * 4096)
        self.delete(image, "a_creator")
        self.assertFalse(self.exists(key))
        # The notification comes after that, and finds nothing to do.
        harness.wait_until(lambda: self.queue_length() == 0, PATIENCE, "the notification to be taken")
        self.assertEqual(self.on_delete(image, key)[1]["outcome"], "gone")
        self.assertIsNone(watcher.poll())
        kept = self.store()
        self.delete(self.upload(kept, "do_not_delete", user="a_creator"), "a_creator")
        self.assertTrue(self.exists(kept))


class Watching(ImageKeys):
    def test_a_key_that_glance_leaves_behind_is_deleted_and_can_come_back(self):
        self.watch()
        key = self.store()
        self.delete(self.upload(key, data=b"x" * 4096))
        self.wait_until_deleted(key)
        done = LAB.agent.cli("secret", "undelete", key)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(self.exists(key))
        lines = [json.loads(line) for line in (LAB.agent.folder / "audit.jsonl").read_text().splitlines()]
        uses = [line for line in lines if line.get("event") == "image.key.deleted" and key in json.dumps(line)]
        self.assertEqual(len(uses), 1, uses)

    def test_what_the_rules_keep_stays(self):
        self.watch()
        keys = {"policy": self.store(), "none": self.store(), "consumer": self.store(),
                "project": self.store("b_creator", "project_b"), "goes": self.store()}
        self.consume(keys["consumer"], "cinder", "volume", str(uuid.uuid4()))
        self.delete(self.upload(keys["policy"], "do_not_delete"))
        self.delete(self.upload(keys["none"], None))
        self.delete(self.upload(keys["consumer"]))
        self.delete(self.upload(keys["project"]))
        self.delete(self.upload(ZERO))
        # They come in order: when the last one is done, the others have been looked at.
        self.delete(self.upload(keys["goes"]))
        self.wait_until_deleted(keys["goes"])
        for name in ("policy", "none", "consumer"):
            self.assertTrue(self.exists(keys[name]), name)
        self.assertTrue(self.exists(keys["project"], "project_b"))
        log = LAB.agent.log()
        self.assertIn("other-consumer", log)
        self.assertIn("other-project", log)

    def test_where_images_are_registered_not_even_glance_deletes_a_key_before_its_image(self):
        self.restart_agent(life_cycle={"delete_with_consumers": "refuse"},
                           images={**LAB.agent.config["images"], "register_consumers": True})
        key = self.store()
        image = self.upload(key, user="a_creator")
        self.watch()  # has it registered
        answer = LAB.agent.request("GET", f"/v1/secrets/{key}/consumers", headers={
            "X-Auth-Token": LAB.token("a_creator")})
        self.assertEqual([one["resource_id"] for one in answer.json()["consumers"]], [image])
        self.delete(image, "a_creator")
        self.assertIn(f"delete cinder encryption key {key}", (LAB.glance.folder / "glance.log").read_text())
        self.wait_until_deleted(key)

    def test_a_lost_notification_is_found_by_looking(self):
        key = self.store()
        image = self.upload(key)
        watcher = self.watch()
        harness.end_process(watcher)
        channel = LAB.rabbit.channel()
        channel.queue_delete("sallyport.image-keys")
        channel.connection.close()
        self.delete(image)
        self.assertTrue(self.exists(key))
        self.watch()
        self.wait_until_deleted(key)

    def test_notifications_wait_for_a_watcher_that_is_away(self):
        watcher = self.watch()
        self.assertEqual(harness.end_process(watcher), 0)
        key = self.store()
        self.delete(self.upload(key))
        harness.wait_until(lambda: self.queue_length() > 0, PATIENCE, "the notification to wait")
        self.watch()
        self.wait_until_deleted(key)
        self.assertEqual(self.queue_length(), 0)

    def test_nothing_is_lost_while_the_agent_is_away_and_the_watcher_is_killed(self):
        watcher = self.watch()
        self.assertEqual(harness.end_process(watcher), 0)
        key = self.store()
        self.delete(self.upload(key))
        harness.wait_until(lambda: self.queue_length() > 0, PATIENCE, "the notification to wait")
        # Glance itself answers 500 to a deletion while its key manager is away: so the agent goes now.
        LAB.agent.kill()
        self.addCleanup(lambda: LAB.agent.is_running() or LAB.agent.start())
        watcher = self.start_watcher()
        self.wait_for_line(watcher, "is the agent running?", 2)
        watcher.kill()
        watcher.wait()
        harness.wait_until(lambda: self.queue_length() > 0, PATIENCE, "the notification to come back")
        watcher = self.start_watcher()
        self.wait_for_line(watcher, "is the agent running?", 2)
        LAB.agent.start()
        self.wait_until_deleted(key)
        harness.wait_until(lambda: self.queue_length() == 0, PATIENCE, "the notification to be acknowledged")

    def test_it_comes_back_when_rabbitmq_does(self):
        watcher = self.watch()
        LAB.rabbit.stop()
        self.wait_for_line(watcher, "RabbitMQ: ")
        LAB.rabbit.launch().wait()
        self.wait_for_line(watcher, "connected to RabbitMQ", 2)
        key = self.store()
        self.delete(self.upload(key))
        self.wait_until_deleted(key)

    def test_what_is_no_notification_is_passed_over(self):
        self.watch()
        channel = LAB.rabbit.channel()
        for body in (b"", b"\xff\xfe", b"{", b"[" * 10000, b'{"oslo.version": "9.0"}',
                     b'{"event_type": "image.delete", "payload": {"id": "../../v3", "properties": {'
                     b'"cinder_encryption_key_id": "x", "cinder_encryption_key_deletion_policy": "on_image_deletion"}}}'):
            channel.basic_publish("", "sallyport.image-keys", body)
        channel.connection.close()
        key = self.store()
        self.delete(self.upload(key))
        self.wait_until_deleted(key)

    def test_a_broker_that_nobody_vouches_for_gets_no_password(self):
        config = json.loads(LAB.agent.config_file.read_text())
        other = harness.temporary_folder(self)
        image_lab.make_certificates(other)
        config["images"]["notifications"]["ca_file"] = str(other / "ca.pem")
        (other / "agent.yaml").write_text(json.dumps(config))
        watcher = self.start_watcher(other / "agent.yaml")
        self.wait_for_line(watcher, "cannot connect to localhost")
        self.assertNotIn("connected to RabbitMQ", watcher.log.read_text())
        self.assertNotIn(image_lab.PASSWORD, watcher.log.read_text())
        # Without a broker it looks all the same.
        self.wait_for_line(watcher, "looked: ")


class Commands(ImageKeys):
    def test_on_delete_says_which_rule_keeps_a_key(self):
        key = self.store()
        image = self.upload(key)
        status, record = self.on_delete(image, key)
        self.assertEqual((status, record["outcome"], record["rule"]), (1, "kept", "image-there"))
        self.delete(image)
        status, record = self.on_delete(image, key, policy=None)
        self.assertEqual((status, record["rule"]), (1, "not-the-policy"))
        status, record = self.on_delete(image, key, project=LAB.keystone.projects["project_b"])
        self.assertEqual((status, record["rule"]), (1, "other-project"))
        self.assertTrue(self.exists(key))
        status, record = self.on_delete(image, key)
        self.assertEqual((status, record["outcome"]), (0, "deleted"))
        self.assertFalse(self.exists(key))

    def test_while_glance_is_away_keys_wait_over_restarts_of_the_agent(self):
        key = self.store()
        image = self.upload(key)
        self.delete(image)
        LAB.glance.stop()
        try:
            status, record = self.on_delete(image, key)
            self.assertEqual((status, record["outcome"]), (3, "waiting"))
            LAB.agent.kill()
            LAB.agent.start()
            self.assertTrue(self.exists(key))
        finally:
            LAB.glance.start()
        self.wait_until_deleted(key)

    def test_reconcile_finds_orphans_and_dangling_images(self):
        orphan, lost = self.store(), self.store()
        image = self.upload(orphan)
        dangling = self.upload(lost)
        zero = self.upload(ZERO)
        fine = self.upload(self.store())
        plain = self.upload(None, None)
        watcher = self.watch()  # sees them
        harness.end_process(watcher)
        self.delete(image)
        self.assertEqual(LAB.agent.request("DELETE", f"/v1/secrets/{lost}", headers={
            "X-Auth-Token": LAB.token("a_creator")}).status, 204)
        status, found = self.reconcile()
        self.assertEqual(status, 0)
        self.assertEqual(found["orphan", image]["action"], "to be deleted")
        self.assertIn("no such key", found["dangling", dangling]["what"])
        self.assertIn("all zeros", found["dangling", zero]["what"])
        self.assertFalse({("dangling", fine), ("dangling", plain), ("orphan", fine)} & set(found))
        self.assertTrue(self.exists(orphan))
        status, found = self.reconcile("--apply")
        self.assertEqual(status, 3)
        self.assertEqual(found["orphan", image]["action"], "deleted")
        self.assertFalse(self.exists(orphan))

    def test_only_local_administrators_may(self):
        key = self.store()
        token = LAB.token("a_creator")
        answer = LAB.agent.request("POST", "/sallyport/v1/images/on-delete", headers={"X-Auth-Token": token}, json_body={
            "image": str(uuid.uuid4()), "project": "x", "key": key, "policy": DELETES})
        self.assertEqual(answer.status, 403)


if __name__ == "__main__":
    unittest.main(verbosity=2, argv=sys.argv)
