#!/usr/bin/python3
"""Writes fernet.vec and aead.vec with python3-cryptography (Debian 12: 38.0.4). Run it in this folder.

The inputs are fixed, so that a second run gives the same files.
"""
import base64
import hashlib

import cryptography
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HEAD = f"# made by Python's cryptography {cryptography.__version__}: make_crypto_vectors.py\n"


def stream(label, size):
    """Bytes that look random and are the same in every run."""
    out = b""
    while len(out) < size:
        out += hashlib.sha256(f"{label} {len(out)}".encode()).digest()
    return out[:size]


def fernet():
    lines = [HEAD, "# Iv, Plain: hexadecimal; Time: seconds\n"]
    for size in (0, 1, 15, 16, 17, 31, 32, 44, 255, 20000):
        key = base64.urlsafe_b64encode(stream(f"fernet key {size}", 32))
        iv = stream(f"fernet iv {size}", 16)
        plain = stream(f"fernet plain {size}", size)
        now = 499162800 + size * 86400
        token = Fernet(key)._encrypt_from_parts(plain, now, iv)
        assert Fernet(key).decrypt(token) == plain
        lines.append(f"\nKey = {key.decode()}\nTime = {now}\nIv = {iv.hex()}\nPlain = {plain.hex()}\n"
                     f"Token = {token.decode()}\n")
    open("fernet.vec", "w").writelines(lines)


def aead():
    lines = [HEAD, "# all hexadecimal; Sealed is ciphertext and tag\n"]
    for size, associated in ((0, 0), (0, 20), (1, 0), (16, 13), (32, 120), (33, 1), (4096, 64)):
        key = stream(f"gcm key {size}", 32)
        nonce = stream(f"gcm nonce {size}", 12)
        plain = stream(f"gcm plain {size}", size)
        extra = stream(f"gcm associated {associated}", associated)
        sealed = AESGCM(key).encrypt(nonce, plain, extra)
        lines.append(f"\nKey = {key.hex()}\nNonce = {nonce.hex()}\nAssociated = {extra.hex()}\nPlain = {plain.hex()}\n"
                     f"Sealed = {sealed.hex()}\n")
    open("aead.vec", "w").writelines(lines)


fernet()
aead()
