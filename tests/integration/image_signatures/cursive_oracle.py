"""The real cursive (python3-cursive), with a key manager of certificates that a test hands it."""

import logging
from unittest import mock

from castellan.common import exception as castellan_exception
from castellan.common.objects import x_509
from cryptography.hazmat.primitives import serialization
from cursive import certificate_utils, signature_utils

logging.getLogger("cursive").setLevel(logging.CRITICAL)  # it says a lot about broken certificates

PROPERTIES = ("img_signature_certificate_uuid", "img_signature_hash_method", "img_signature", "img_signature_key_type")


class KeyManager:
    def __init__(self, certificates):
        self.certificates = certificates

    def get(self, _context, secret_id):
        if secret_id not in self.certificates:
            raise castellan_exception.ManagedObjectNotFoundError(uuid=secret_id)
        der = self.certificates[secret_id].public_bytes(serialization.Encoding.DER)
        return x_509.X509(der)


def verdict_of(ask):
    """Of a call: "ok", or the name of the exception and its text."""
    try:
        ask()
        return "ok"
    except Exception as error:  # pylint: disable=broad-except
        return f"{type(error).__name__}: {error}".strip()


def judge(properties, image, certificates, trusted=None):
    """What Nova does with an image: verifier, chain (with trusted ids), bytes. Certificates by id."""
    def verify():
        verifier = signature_utils.get_verifier(None, *(properties.get(name) for name in PROPERTIES))
        if trusted is not None:
            certificate_utils.verify_certificate(None, properties["img_signature_certificate_uuid"], trusted)
        verifier.update(image)
        verifier.verify()

    with mock.patch.object(signature_utils.key_manager, "API", lambda: KeyManager(certificates)):
        return verdict_of(verify)
