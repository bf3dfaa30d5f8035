#!/usr/bin/python3
"""Images that we sign, uploaded to a real Glance that asks our key manager for the certificate: accepted as they are,
refused when they are tampered with, and `image verify` says beforehand which."""

import atexit
import http.client
import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import certificates
import harness

sys.path.insert(0, str(harness.ROOT / "tests/integration/images"))
import image_lab  # pylint: disable=wrong-import-position
from image_lab import keystone_lab  # pylint: disable=wrong-import-position

IMAGE = os.urandom(100000)
USER = "a_creator"


class NoBroker:
    """Glance's notifications go nowhere."""

    @staticmethod
    def url(tls):
        del tls
        return "fake://"


class SignedImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        (cls.folder / "keystone").mkdir()
        (cls.folder / "agent").mkdir()
        cls.keystone = keystone_lab.KeystoneLab(cls.folder / "keystone")
        atexit.register(cls.keystone.stop)
        cls.keystone.start()
        # The command line stores in the project whose user uploads.
        peers = [{"uid": os.getuid(), "project": cls.keystone.projects["project_a"], "roles": ["creator"]}]
        section = keystone_lab.keystone_section(cls.keystone, cls.folder / "agent")
        cls.agent = harness.Agent(cls.folder / "agent", {"auth": {"keystone": section, "peers": peers}})
        cls.addClassCleanup(cls.agent.stop)
        cls.agent.start()
        cls.keystone.set_key_manager(cls.agent.url)
        cls.glance = image_lab.Glance(cls.folder / "glance", cls.keystone, NoBroker, cls.agent.url)
        cls.addClassCleanup(cls.glance.stop)
        cls.glance.start()
        cls.token = cls.keystone.token(USER)
        cls.keys = certificates.make_keys()

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def store(self, name, secret_type, payload):
        done = self.agent.cli("secret", "store", "-n", name, "-s", secret_type, "-F", self.write("secret", payload),
                              "-f", "value", "-c", "Secret href", text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def pair(self, name):
        """Refs of a key and its certificate."""
        key = self.keys[name]
        certificate = certificates.make_certificate(key, "signer of " + name, usage={"digital_signature"})
        return self.store(name, "private", certificates.key_pem(key)), self.store(name, "certificate", certificates.pem(certificate))

    def sign(self, pair, content, *more):
        done = self.agent.cli("image", "sign", self.write("image", content), "--key", pair[0], "--certificate", pair[1],
                              "-f", "json", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def upload(self, properties, content):
        """(status of the upload, the image as Glance shows it)."""
        status, image = self.glance.call(self.token, "POST", "/v2/images", {
            "name": "image", "disk_format": "raw", "container_format": "bare", **properties})
        self.assertEqual(status, 201, image)
        path = "/v2/images/" + image["id"]
        uploaded, _ = self.glance.call(self.token, "PUT", path + "/file", data=content)
        return uploaded, self.glance.call(self.token, "GET", path)[1]

    def patch(self, image_id, changes):
        connection = http.client.HTTPConnection("127.0.0.1", self.glance.port, timeout=60)
        answer = harness.exchange(connection, "PATCH", "/v2/images/" + image_id, json.dumps(changes), {
            "X-Auth-Token": self.token, "Content-Type": "application/openstack-images-v2.1-json-patch"})
        connection.close()
        return answer.status, answer.json()

    def verify(self, image, content, *more):
        done = self.agent.cli("image", "verify", "-", "--properties", self.write("shown.json", image), *more, input=content)
        return done.returncode

    def test_what_we_signed_is_accepted_and_what_was_tampered_with_is_not(self):
        signers = (("RSA 3072", "SHA-256"), ("DSA 2048", "SHA-224"), ("secp384r1", "SHA-384"), ("secp521r1", "SHA-512"),
                   ("sect409k1", "SHA-256"), ("sect409r1", "SHA-384"), ("sect571k1", "SHA-512"), ("sect571r1", "SHA-512"))
        for name, hash_method in signers:
            properties = self.sign(self.pair(name), IMAGE, "--hash", hash_method)
            status, image = self.upload(properties, IMAGE)
            self.assertEqual((status, image["status"]), (204, "active"), name)
            self.assertEqual(self.verify(image, IMAGE), 0, name)
            tampered = IMAGE[:-1] + bytes([IMAGE[-1] ^ 1])
            status, image = self.upload(properties, tampered)
            self.assertEqual((status, image["status"]), (400, "queued"), name)
            self.assertEqual(self.verify(image, tampered), 1, name)

    def test_glance_does_what_compat_cursive_says_beforehand(self):
        good = self.sign(self.pair("RSA 2048"), IMAGE)
        short = self.sign(self.pair("RSA 1024"), IMAGE, "--compat", "cursive")
        other_curve = {**self.sign(self.pair("secp521r1"), IMAGE), "img_signature_key_type": "ECC_SECT571K1"}
        for properties, strict in (
                (good, 0), (short, 1), (other_curve, 1),
                ({**good, "img_signature": good["img_signature"][:-4] + "AAA="}, 1),
                ({**good, "img_signature": good["img_signature"].replace("=", "")}, 1),
                ({**good, "img_signature": "\n".join(good["img_signature"])}, 0),
                ({**good, "img_signature_hash_method": "SHA-1"}, 1), ({**good, "img_signature_hash_method": "SHA-512"}, 1),
                ({**good, "img_signature_key_type": "DSA"}, 1),
                ({**good, "img_signature_certificate_uuid": "deadbeef-dead-4ead-beef-deadbeefdead"}, 1)):
            status, image = self.upload(properties, IMAGE)
            self.assertEqual(self.verify(image, IMAGE, "--compat", "cursive"), 0 if status == 204 else 1, properties)
            self.assertEqual(self.verify(image, IMAGE), strict, properties)

    def test_three_properties_are_none_to_glance_and_refused_here(self):
        properties = self.sign(self.pair("secp384r1"), IMAGE)
        del properties["img_signature_key_type"]
        status, image = self.upload(properties, b"anything")
        self.assertEqual((status, image["status"]), (204, "active"))
        self.assertEqual(self.verify(image, b"anything"), 1)

    def test_a_snapshot_is_signed_after_its_upload(self):
        pair = self.pair("secp384r1")
        old = self.sign(pair, IMAGE)
        snapshot = IMAGE[::-1]
        status, image = self.upload({"signature_verified": "True", "os_distro": "debian"}, snapshot)
        self.assertEqual((status, self.verify(image, snapshot)), (204, 3))
        new = self.sign(pair, snapshot, "--properties", self.write("shown.json", {"properties": {
            **old, "signature_verified": "True", "os_distro": "debian"}}))
        self.assertEqual(len(new), 5)
        changes = [{"op": "add", "path": "/" + name, "value": new[name]} for name in new if name not in image]
        status, image = self.patch(image["id"], changes + [{"op": "remove", "path": "/signature_verified"}])
        self.assertEqual((status, self.verify(image, snapshot)), (200, 0))
        self.assertEqual(self.verify(image, IMAGE), 1)


if __name__ == "__main__":
    unittest.main()
