#!/usr/bin/python3
"""`image verify` of a 1 GiB image against `openssl dgst -sha256` on the same file, both in the page cache (tmpfs).

Both programs are timed as a whole, start to end, in turn so that a busy neighbour hits both alike; the best of several runs
counts. Ours parses properties, checks a certificate and a signature besides.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

SALLYPORT = os.environ["SALLYPORT"]
SIZE = 1 << 30
ROUNDS = 7


def timed(command):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def make_image(path):
    with open(path, "wb") as file:
        for _ in range(SIZE >> 20):
            file.write(os.urandom(1 << 20))


def signed(folder, image):
    """The command that verifies the image."""
    key, certificate, properties = folder / "key.pem", folder / "signer.pem", folder / "properties.json"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=signer",
                    "-keyout", key, "-out", certificate], check=True, stderr=subprocess.DEVNULL)
    with open(properties, "wb") as file:
        subprocess.run([SALLYPORT, "image", "sign", image, "--key-file", key, "--certificate-file", certificate, "--quiet",
                        "-f", "json"], check=True, stdout=file)
    return [SALLYPORT, "image", "verify", image, "--properties", properties, "--certificate-file", certificate, "--quiet"]


def main():
    ours, openssl = [], []
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        image = folder / "image"
        make_image(image)
        verify = signed(folder, image)
        for _ in range(ROUNDS):
            openssl.append(timed(["openssl", "dgst", "-sha256", image]))
            ours.append(timed(verify))
    ratio = round(min(openssl) / min(ours), 2)
    print(json.dumps({"what": "image verify, 1 GiB, RSA-PSS with SHA-256", "ours": f"{SIZE / min(ours) / 1e6:.0f} MB/s",
                      "other": f"{SIZE / min(openssl) / 1e6:.0f} MB/s (openssl dgst -sha256)", "ratio": ratio,
                      "goal": ">= 0.9", "met": ratio >= 0.9}))


if __name__ == "__main__":
    main()
