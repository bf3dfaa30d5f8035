#!/usr/bin/python3
"""Our judgement beside that of the real cursive: what we sign it accepts, and `--compat cursive` says what it says, for
signatures, properties and chains of certificates drawn at random, most of them wrong in some way."""

import base64
import json
import random
import unittest
import uuid

import certificates
import cursive_oracle
import harness

IMAGE = bytes(range(256)) * 40
CHAINS, SIGNATURES = 100, 120
# What a certificate may say that differs, most often right.
USAGES = ({"key_cert_sign"}, {"key_cert_sign"}, {"key_cert_sign"}, {"digital_signature"}, None)
AUTHORITIES = (True, True, True, True, False, None)
PATH_LENGTHS = (0, 1, 2, 3, 3, None)
DATES = ((-1, 1), (-1, 1), (-1, 1), (-1, 1), (-1, 1), (-3, -2), (2, 3))


class Cursive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = certificates.make_keys()

    def setUp(self):
        self.folder = harness.temporary_folder(self)
        (self.folder / "image").write_bytes(IMAGE)

    def write(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def ours(self, properties, certificate, trusted=None, *more):
        """The finished process. `trusted`: files are called by their ids, so that messages agree."""
        words = ["image", "verify", "image", "--properties", self.write("p.json", json.dumps(properties).encode()),
                 "--certificate-file", self.write("signer.pem", certificates.pem(certificate)), "-q", *more]
        if trusted is not None:
            words.append("--trusted")
            for name, each in trusted.items():
                self.write("T" + name, certificates.pem(each))
                words.append("T" + name)
        return harness.sallyport(*words, cwd=self.folder, text=True)

    def compare(self, properties, certificate, trusted=None, what=None):
        """True if both accept."""
        known = {properties.get("img_signature_certificate_uuid"): certificate, **(trusted or {})}
        theirs = cursive_oracle.judge(properties, IMAGE, known, None if trusted is None else list(trusted))
        ours = self.ours(properties, certificate, trusted, "--compat", "cursive")
        described = f"{what}\ncursive: {theirs}\nours: {ours.returncode} {ours.stderr}"
        self.assertEqual(ours.returncode, 0 if theirs == "ok" else 1, described)
        kind, _, message = theirs.partition(": ")
        if kind == "SignatureVerificationError":
            said = ours.stderr.replace("'T", "'")
            self.assertIn(message, said, described)
        return theirs == "ok"

    def test_what_we_sign_it_accepts(self):
        self.folder.joinpath("image").write_bytes(IMAGE)
        for name, key in self.keys.items():
            if name in ("ed25519", "secp256r1", "secp224r1"):
                continue
            self.write("key.pem", certificates.key_pem(key))
            certificate = certificates.make_certificate(key, "signer")
            self.write("signer.pem", certificates.pem(certificate))
            for hash_method in certificates.HASHES:
                signed = harness.sallyport("image", "sign", "image", "--key-file", "key.pem", "--certificate-file",
                                           "signer.pem", "--certificate", str(uuid.uuid4()), "--hash", hash_method,
                                           "--compat", "cursive", "-f", "json", cwd=self.folder)
                self.assertEqual(signed.returncode, 0, signed.stderr)
                properties = json.loads(signed.stdout)
                self.assertEqual(properties["img_signature_key_type"], certificates.key_type_of(key))
                self.assertTrue(self.compare(properties, certificate, what=(name, hash_method)))

    def test_a_key_that_no_image_is_signed_with_signs_none(self):
        for name in ("ed25519", "secp256r1"):
            self.write("key.pem", certificates.key_pem(self.keys[name]))
            self.write("signer.pem", certificates.pem(certificates.make_certificate(self.keys[name], "signer")))
            signed = harness.sallyport("image", "sign", "image", "--key-file", "key.pem", "--certificate-file", "signer.pem",
                                       "--compat", "cursive", cwd=self.folder, text=True)
            self.assertEqual(signed.returncode, 1)
            self.assertIn("no img_signature_key_type fits", signed.stderr)

    def random_signature(self, draw):
        """Properties and the certificate that they mean: right at times, else wrong in one way or another."""
        name = draw.choice(list(self.keys))
        key = self.keys[name]
        hash_method = draw.choice(list(certificates.HASHES))
        image = draw.choice((IMAGE, IMAGE, IMAGE, IMAGE[:-1], b""))
        salt = draw.choice((certificates.padding.PSS.MAX_LENGTH,) * 4 + (0, 20, 32, None))
        try:
            signature = certificates.sign(key, hash_method, image, salt)
        except ValueError:
            signature = b"too long for the key"
        text = base64.b64encode(signature).decode()
        change = draw.randrange(12)
        if change == 0:
            text = base64.encodebytes(signature).decode()
        elif change == 1:
            text = text.replace("+", "-").replace("/", "_")
        elif change == 2:
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice("=AaZ \n-!+\u00e4") * draw.randrange(1, 5) + text[at + draw.randrange(2):]
        elif change == 3:
            text = text[:draw.randrange(len(text))]
        properties = {"img_signature": text, "img_signature_hash_method": hash_method,
                      "img_signature_key_type": certificates.key_type_of(key),
                      "img_signature_certificate_uuid": str(uuid.UUID(int=draw.getrandbits(128)))}
        if change == 4:
            properties["img_signature_hash_method"] = draw.choice(list(certificates.HASHES) + ["SHA-1", "sha-256", "", "MD5"])
        elif change == 5:
            properties["img_signature_key_type"] = draw.choice(
                ["RSA-PSS", "DSA", "RSA", "", "ECC_SECP384R1", "ECC_SECT571R1", "ECC_SECP256R1", "ecc_secp384r1"])
        elif change == 6:
            properties.pop(draw.choice(list(properties)))
        certificate = certificates.make_certificate(key, "signer", days=draw.choice(DATES), usage=draw.choice(USAGES))
        return properties, certificate, (name, hash_method, salt, change)

    def test_random_signatures_are_judged_alike(self):
        draw = random.Random(20261122)
        accepted = 0
        for number in range(SIGNATURES):
            properties, certificate, what = self.random_signature(draw)
            accepted += self.compare(properties, certificate, what=(number, what))
        self.assertGreater(accepted, SIGNATURES // 10)
        self.assertLess(accepted, SIGNATURES * 9 // 10)

    def random_chain(self, draw):
        """The signer's certificate and those trusted, in any order, some of them useless or missing."""
        kinds = ("RSA 2048", "secp384r1", "secp521r1", "DSA 2048", "RSA 3072")
        issuer, issuer_key, trusted = None, None, []
        for depth in range(draw.randrange(4)):
            name = draw.choice((f"authority {depth}", "authority 0"))
            key = self.keys[draw.choice(kinds)]
            certificate = certificates.make_certificate(
                key, name, issuer, issuer_key, draw.choice(AUTHORITIES), draw.choice(PATH_LENGTHS), draw.choice(USAGES),
                draw.choice(DATES), certificates.hashes.SHA256())
            trusted.append(certificate)
            issuer, issuer_key = name, key
        signer = certificates.make_certificate(
            self.keys["secp384r1"], draw.choice(("signer", "authority 0")), draw.choice((issuer, issuer, issuer, "nobody")),
            issuer_key, draw.choice((None, None, False, True)), draw.choice(PATH_LENGTHS), draw.choice(USAGES),
            draw.choice(DATES))
        if draw.randrange(4) == 0:
            trusted.append(signer)
        if trusted and draw.randrange(5) == 0:
            trusted.pop(draw.randrange(len(trusted)))
        if trusted and draw.randrange(8) == 0:
            trusted.append(trusted[0])
        draw.shuffle(trusted)
        return signer, {str(uuid.UUID(int=draw.getrandbits(128))): each for each in trusted}

    def test_random_chains_are_judged_alike(self):
        draw = random.Random(4711)
        signature = base64.b64encode(certificates.sign(self.keys["secp384r1"], "SHA-256", IMAGE)).decode()
        properties = {"img_signature": signature, "img_signature_hash_method": "SHA-256",
                      "img_signature_key_type": "ECC_SECP384R1", "img_signature_certificate_uuid": str(uuid.uuid4())}
        accepted = 0
        for number in range(CHAINS):
            signer, trusted = self.random_chain(draw)
            accepted += self.compare(properties, signer, trusted, what=number)
        self.assertGreater(accepted, 3)


if __name__ == "__main__":
    unittest.main()
