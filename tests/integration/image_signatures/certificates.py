"""Keys and certificates for images, made by python3-cryptography: good ones, odd ones and broken ones."""

import datetime
import random

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils
from cryptography.x509.oid import NameOID

CURVES = {curve.name: curve for curve in (ec.SECP384R1(), ec.SECP521R1(), ec.SECT409K1(), ec.SECT409R1(), ec.SECT571K1(),
                                          ec.SECT571R1(), ec.SECP256R1(), ec.SECP224R1())}
HASHES = {"SHA-224": hashes.SHA224(), "SHA-256": hashes.SHA256(), "SHA-384": hashes.SHA384(), "SHA-512": hashes.SHA512()}
DAY = datetime.timedelta(days=1)


def make_keys():
    """One of each kind, for all tests: making them takes seconds."""
    keys = {f"RSA {bits}": rsa.generate_private_key(65537, bits) for bits in (1024, 2048, 2049, 3072)}
    keys.update({f"DSA {bits}": dsa.generate_private_key(bits) for bits in (1024, 2048)})
    keys.update({name: ec.generate_private_key(curve) for name, curve in CURVES.items()})
    keys["ed25519"] = ed25519.Ed25519PrivateKey.generate()
    return keys


def key_type_of(key):
    """What img_signature_key_type says of a key, true or not."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA-PSS"
    if isinstance(key, dsa.DSAPrivateKey):
        return "DSA"
    return "ECC_" + key.curve.name.upper() if isinstance(key, ec.EllipticCurvePrivateKey) else "ECC_SECP384R1"


def sign(key, hash_method, image, salt=padding.PSS.MAX_LENGTH):
    algorithm = HASHES[hash_method]
    digest = hashes.Hash(algorithm)
    digest.update(image)
    prehashed = utils.Prehashed(algorithm)
    if isinstance(key, rsa.RSAPrivateKey):
        how = padding.PKCS1v15() if salt is None else padding.PSS(padding.MGF1(algorithm), salt)
        return key.sign(digest.finalize(), how, prehashed)
    if isinstance(key, dsa.DSAPrivateKey):
        return key.sign(digest.finalize(), prehashed)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest.finalize(), ec.ECDSA(prehashed))
    return key.sign(image)


def make_certificate(key, subject, issuer=None, issuer_key=None, ca=None, path_length=None, usage=None, days=(-1, 1),
                     algorithm=hashes.SHA256()):
    """`ca` and `usage` None: without the extension. `usage` is a set of the names that x509.KeyUsage has."""
    def name(text):
        return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tests"), x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.datetime.utcnow()
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer or subject))
    builder = builder.public_key(key.public_key()).serial_number(random.getrandbits(64) + 1)
    builder = builder.not_valid_before(now + days[0] * DAY).not_valid_after(now + days[1] * DAY)
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), True)
    if usage is not None:
        every = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                 "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
        builder = builder.add_extension(x509.KeyUsage(**{each: each in usage for each in every}), True)
    signing = issuer_key or key
    return builder.sign(signing, None if isinstance(signing, ed25519.Ed25519PrivateKey) else algorithm)


def pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
