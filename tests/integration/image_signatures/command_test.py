#!/usr/bin/python3
"""`image sign` and `image verify` with keys and certificates from the key manager, as an operator meets them."""

import base64
import json
import unittest
import uuid

import certificates
import harness

IMAGE = b"an image" * 100000
PROPERTIES = {"img_signature", "img_signature_hash_method", "img_signature_key_type", "img_signature_certificate_uuid"}


class Commands(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key = certificates.make_keys()["RSA 3072"]
        cls.root_key = certificates.ec.generate_private_key(certificates.ec.SECP384R1())
        cls.root = certificates.make_certificate(cls.root_key, "root", ca=True, usage={"key_cert_sign"})
        cls.certificate = certificates.make_certificate(cls.key, "signer", "root", cls.root_key, usage={"digital_signature"})

    def setUp(self):
        self.agent = harness.start_agent(self)
        self.folder = self.agent.folder
        self.image = self.write("image", IMAGE)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    def store(self, secret_type, payload):
        """The id of a secret."""
        answer = self.agent.request("POST", "/v1/secrets", json_body={
            "secret_type": secret_type, "payload": base64.b64encode(payload).decode(),
            "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"})
        self.assertEqual(answer.status, 201, answer.body)
        return answer.json()["secret_ref"].rsplit("/", 1)[1]

    def sign(self, *more, image=None):
        done = self.agent.cli("image", "sign", image or self.image, *more, "-f", "json", text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def stored_pair(self):
        return self.store("private", certificates.key_pem(self.key)), self.store("certificate", certificates.pem(self.certificate))

    def verify(self, properties, *more, **options):
        return self.agent.cli("image", "verify", options.pop("image", self.image), "--properties",
                              self.write("p.json", properties), *more, "-f", "json", **options)

    def record(self, done, status):
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout)

    def test_key_and_certificate_come_from_the_key_manager(self):
        key, certificate = self.stored_pair()
        properties = self.sign("--key", key, "--certificate", f"http://key-manager/v1/secrets/{certificate}")
        self.assertEqual(set(properties), PROPERTIES)
        self.assertEqual(properties["img_signature_certificate_uuid"], certificate)
        root = self.store("certificate", certificates.pem(self.root))
        called_by_an_id = self.write(str(uuid.uuid4()), certificates.pem(self.root))
        for trusted in ([], ["--trusted", root], ["--trusted", called_by_an_id]):
            record = self.record(self.verify({"id": "an-image", "properties": properties}, *trusted), 0)
            self.assertEqual(record["signature_verified"], "True")
            self.assertEqual(record["result"], "verified")
            self.assertIs(record["certificate_validated"], bool(trusted))
            self.assertEqual(record["certificate_subject"], "CN=signer,O=tests")
            self.assertEqual(record["certificate_sha256"], self.certificate.fingerprint(certificates.hashes.SHA256()).hex())
            self.assertEqual(record["bytes"], len(IMAGE))
            self.assertIn("Image signature verification succeeded for image: an-image", record["messages"])
        validated = f"Image signature certificate validation succeeded for certificate: {certificate}"
        self.assertIn(validated, record["messages"])

    def test_a_tampered_image_is_refused(self):
        key, certificate = self.stored_pair()
        properties = self.sign("--key", key, "--certificate", certificate)
        tampered = self.write("tampered", IMAGE[:-1] + b"X")
        done = self.verify({**properties, "id": "an-image"}, image=tampered)
        record = self.record(done, 1)
        self.assertEqual((record["signature_verified"], record["result"]), ("False", "refused"))
        self.assertIn(b"Image signature verification failed for image: an-image: ", done.stderr)
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_standard_input_serves_for_the_image(self):
        key, certificate = self.stored_pair()
        signed = self.agent.cli("image", "sign", "-", "--key", key, "--certificate", certificate, "-f", "json", input=IMAGE)
        self.assertEqual(signed.returncode, 0, signed.stderr)
        self.record(self.verify(json.loads(signed.stdout), image="-", input=IMAGE), 0)
        self.record(self.verify(json.loads(signed.stdout), image="-", input=IMAGE[1:]), 1)
        self.assertEqual(self.agent.cli("image", "verify", "-", "--properties", "-").returncode, 2)

    def test_an_unsigned_image_is_neither_good_nor_bad(self):
        done = self.verify({"id": "i", "properties": {"os_distro": "debian"}}, image="/nonexistent")
        self.assertEqual(self.record(done, 3)["result"], "unsigned")
        self.assertIn(b"unsigned", done.stderr)

    def test_half_a_signature_is_refused(self):
        properties = dict.fromkeys(PROPERTIES, "x")
        for missing in PROPERTIES:
            half = {name: text for name, text in properties.items() if name != missing}
            done = self.verify({**half, "id": "i"})
            self.assertEqual(self.record(done, 1)["result"], "refused")
            self.assertIn(b"Image signature metadata for image i is incomplete. ", done.stderr)

    def test_a_certificate_that_is_not_there_is_named(self):
        key, certificate = self.stored_pair()
        properties = self.sign("--key", key, "--certificate", certificate)
        absent = str(uuid.uuid4())
        done = self.verify({**properties, "img_signature_certificate_uuid": absent})
        self.record(done, 1)
        self.assertIn(f"Certificate not found with ID: {absent}.".encode(), done.stderr)
        done = self.verify({**properties, "img_signature_certificate_uuid": key})
        self.record(done, 1)
        self.assertIn(f"Unable to retrieve certificate with ID: {key}.".encode(), done.stderr)
        self.assertIn(b"not stored with the type certificate", done.stderr)
        self.agent.stop()
        done = self.verify(properties)
        self.record(done, 1)
        self.assertIn(f"Unable to retrieve certificate with ID: {certificate}.".encode(), done.stderr)

    def test_skipped_trusted_certificates_are_told_as_cursive_does(self):
        key, certificate = self.stored_pair()
        properties = self.sign("--key", key, "--certificate", certificate)
        absent = str(uuid.uuid4())
        record = self.record(self.verify(properties, "--compat", "cursive", "--trusted", absent), 1)
        self.assertIn(f"Skipping trusted certificate: {absent}", record["messages"])
        self.assertIn("Could not locate the signing certificate for the base certificate", record["reason"])
        strict = self.verify(properties, "--trusted", absent)
        self.assertIn(f"Certificate not found with ID: {absent}.".encode(), strict.stderr)
        self.record(self.verify(properties, "--trusted"), 1)

    def test_every_judgement_is_recorded(self):
        key, certificate = self.stored_pair()
        properties = self.sign("--key", key, "--certificate", certificate)
        book = self.folder / "book.jsonl"
        self.verify(properties, "--record", book)
        self.verify(properties, "--record", book, image=self.write("other", b"other"))
        self.verify({}, "--record", book)
        lines = [json.loads(line) for line in book.read_text().splitlines()]
        self.assertEqual([line["signature_verified"] for line in lines], ["True", "False", "False"])
        self.assertEqual([line["result"] for line in lines], ["verified", "refused", "unsigned"])

    def test_a_snapshot_gets_a_signature_of_its_own(self):
        key, certificate = self.stored_pair()
        old = self.sign("--key", key, "--certificate", certificate)
        snapshot = self.write("snapshot", b"other bytes")
        shown = self.write("shown.json", {"id": "i", "properties": {**old, "signature_verified": "True", "os_distro": "debian"}})
        new = self.sign("--key", key, "--certificate", certificate, "--properties", shown, "--hash", "SHA-512", image=snapshot)
        self.assertEqual(set(new), PROPERTIES | {"os_distro"})
        self.assertNotEqual(new["img_signature"], old["img_signature"])
        self.record(self.verify(new, image=snapshot), 0)
        self.record(self.verify(old, image=snapshot), 1)

    def test_a_pair_that_would_be_refused_signs_nothing(self):
        key, certificate = self.stored_pair()
        other = self.store("certificate", certificates.pem(self.root))
        late = self.write("late.pem", certificates.pem(certificates.make_certificate(self.key, "late", days=(-3, -1))))
        for words, why in ((["--certificate", other], "is not that of this key"),
                           (["--certificate-file", late], "outside its valid date range"),
                           (["--certificate", str(uuid.uuid4())], "Certificate not found")):
            done = self.agent.cli("image", "sign", self.image, "--key", key, *words, text=True)
            self.assertEqual((done.returncode, done.stdout), (1, ""), words)
            self.assertIn(why, done.stderr)
        done = self.agent.cli("image", "sign", self.image, "--key", certificate, "--certificate", certificate, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("not stored with the type private", done.stderr)
        self.assertEqual(self.agent.cli("image", "sign", self.image, "--key", key).returncode, 2)

    def test_files_need_no_agent(self):
        self.agent.stop()
        key = self.write("key.pem", certificates.key_pem(self.key))
        signer = self.write("signer.pem", certificates.pem(self.certificate))
        signed = harness.sallyport("image", "sign", self.image, "--key-file", key, "--certificate-file", signer, "-f", "json")
        self.assertEqual(signed.returncode, 0, signed.stderr)
        self.assertIn(b"made of the certificate's fingerprint", signed.stderr)
        properties = self.write("p.json", signed.stdout)
        done = harness.sallyport("image", "verify", self.image, "--properties", properties, "--certificate-file", signer)
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
