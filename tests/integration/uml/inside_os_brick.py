#!/usr/bin/python3
"""Inside user-mode Linux: volumes go from os-brick's encryptors to us and back. The argument is an empty disk."""

import logging
import os
import subprocess
import sys

import os_brick.encryptors
from castellan.common.objects import symmetric_key
from oslo_concurrency import processutils

DISK = sys.argv[1]
SALLYPORT, KEY_FILE = os.environ["SALLYPORT"], os.environ["KEY"]
FOLDER = os.environ["TMPDIR"]
LINK = FOLDER + "/links/ip-10.0.0.5:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1"
NAME = "crypt-" + os.path.basename(LINK)
TEXT = b"written through one, read through the other\n"


class KeyManager:
    def get(self, _context, _key_id):
        with open(KEY_FILE, "rb") as file:
            return symmetric_key.SymmetricKey("AES", 256, file.read())


def execute(*command, **how):
    for name in ("run_as_root", "root_helper"):
        how.pop(name, None)
    return processutils.execute(*map(str, command), **how)


def os_brick_encryptor(provider, cipher="aes-xts-plain64", key_size=256):
    if os.path.lexists(LINK):
        os.unlink(LINK)
    os.symlink(DISK, LINK)
    connection = {"driver_volume_type": "iscsi", "serial": "1",
                  "data": {"device_path": LINK, "encrypted": True, "volume_id": "1"}}
    metadata = {"provider": provider, "cipher": cipher, "key_size": key_size, "control_location": "front-end",
                "encryption_key_id": "k"}
    return os_brick.encryptors.get_volume_encryptor(root_helper=None, connection_info=connection, keymgr=KeyManager(),
                                                    execute=execute, **metadata), metadata


def ours(*arguments):
    return subprocess.run([SALLYPORT, "volume", *arguments, "--config", FOLDER + "/agent.yaml"], check=True,
                          stdout=subprocess.PIPE).stdout


def write_text():
    with open("/dev/mapper/" + NAME, "r+b", buffering=0) as file:
        file.write(TEXT.ljust(4096, b"\0"))
        os.fsync(file.fileno())


def reads_text():
    with open("/dev/mapper/" + NAME, "rb", buffering=0) as file:
        return file.read(4096).startswith(TEXT)


def make_blank():
    subprocess.run(["dd", "if=/dev/zero", "of=" + DISK, "bs=1M", "count=20", "conv=notrunc,fsync", "status=none"], check=True)


def check(provider, luks, key_size):
    make_blank()
    encryptor, metadata = os_brick_encryptor(provider, key_size=key_size)
    ours("open", LINK, "--link", "--first-use", "--luks", luks, "--key-size", str(key_size), "--key-file", KEY_FILE)
    write_text()
    ours("close", NAME)
    encryptor.attach_volume(None, **metadata)
    assert encryptor.dev_name == NAME and reads_text()
    ours("close", NAME)
    encryptor, metadata = os_brick_encryptor(provider, key_size=key_size)
    encryptor.attach_volume(None, **metadata)
    assert reads_text()
    assert b'"adopted": true' in ours("open", LINK, "--link", "--key-file", KEY_FILE, "-f", "json")
    ours("close", NAME)
    assert os.readlink(LINK) == DISK
    print(f"ok os-brick's {provider} encryptor attaches ours, {key_size} bits; we adopt and detach its mapping")

    make_blank()
    encryptor, metadata = os_brick_encryptor(provider, key_size=key_size)
    encryptor.attach_volume(None, **metadata)
    write_text()
    encryptor.detach_volume(**metadata)
    os_brick_encryptor(provider)
    ours("open", LINK, "--link", "--key-file", KEY_FILE)
    assert reads_text()
    ours("close", NAME)
    print(f"ok we attach what os-brick's {provider} encryptor made, {key_size} bits")


def check_plain():
    make_blank()
    encryptor, metadata = os_brick_encryptor("plain")
    encryptor.attach_volume(None, **metadata)
    write_text()
    encryptor.detach_volume(**metadata)
    os_brick_encryptor("plain")
    ours("open", LINK, "--link", "--type", "plain", "--hash", "ripemd160", "--cipher", "aes-xts-plain64", "--key-size",
         "256", "--key-file", KEY_FILE)
    assert reads_text()
    ours("close", NAME)
    print("ok we attach what os-brick's plain encryptor made")


def main():
    logging.disable(logging.CRITICAL)
    os.makedirs(os.path.dirname(LINK), mode=0o755)
    with open(FOLDER + "/agent.yaml", "w", encoding="utf-8") as file:
        file.write(f"volumes: {{attachments: {FOLDER}/attachments}}\n")
    check("luks", "luks1", 256)
    check("luks2", "luks2", 512)
    check_plain()


main()
