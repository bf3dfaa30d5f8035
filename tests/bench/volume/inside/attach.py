#!/usr/bin/python3
"""Inside user-mode Linux: how long an attach takes, by us and by os-brick. The argument is an empty disk; one line of JSON.

Ours is a request to the running agent over its UNIX socket, from the first byte sent to the answer: the agent fetches the
key from its database, decrypts it, opens the volume, maps it, points the link to it and keeps its record on the disk.
os-brick has its key in memory already. Each has formatted its volume with its own defaults; the best of three counts.
"""

import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import time

import os_brick.encryptors
from castellan.common.objects import symmetric_key
from oslo_concurrency import processutils

DISK = sys.argv[1]
SALLYPORT = os.environ["SALLYPORT"]
FOLDER = os.environ["TMPDIR"]
LINK = FOLDER + "/links/ip-10.0.0.5:3260-iscsi-iqn.2010-10.org.openstack:volume-1-lun-1"
NAME = "crypt-" + os.path.basename(LINK)
KEY = bytes((7 * i * i + 31 * i + 5) % 251 for i in range(32))
CONFIG = f"""
roles: [keymanager, volumes]
listen:
  - {{unix: {FOLDER}/agent.sock, mode: "0600"}}
database: sqlite:///{FOLDER}/keys.db
secret_stores:
  - {{name: Software, type: simple_crypto, kek_files: [{FOLDER}/kek]}}
volumes: {{attachments: {FOLDER}/attachments}}
auth:
  peers:
    - {{uid: 0, project: node, roles: [admin]}}
"""


class AgentConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(FOLDER + "/agent.sock")


def ask(verb, body):
    connection = AgentConnection("localhost")
    connection.request("POST", "/sallyport/v1/volumes/" + verb, json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{verb}: {answer.status} {text.decode()}")


def run(*command):
    return subprocess.run([SALLYPORT, *command, "--config", FOLDER + "/agent.yaml"], check=True,
                          stdout=subprocess.PIPE).stdout.decode().strip()


def start_agent():
    with open(FOLDER + "/agent.yaml", "w", encoding="utf-8") as file:
        file.write(CONFIG)
    with open(FOLDER + "/key", "wb") as file:
        file.write(KEY)
    run("db", "create", "--generate-kek")
    agent = subprocess.Popen([SALLYPORT, "serve", "--config", FOLDER + "/agent.yaml"], stderr=subprocess.DEVNULL)
    while not os.path.exists(FOLDER + "/agent.sock"):
        time.sleep(0.1)
    href = run("secret", "store", "--file", FOLDER + "/key", "-a", "aes", "-b", "256", "-s", "symmetric", "-f", "value",
               "-c", "Secret href")
    return agent, href.rsplit("/", 1)[-1]


def make_blank():
    subprocess.run(["dd", "if=/dev/zero", "of=" + DISK, "bs=1M", "count=20", "conv=notrunc,fsync", "status=none"], check=True)
    point_link()


def point_link():
    if os.path.lexists(LINK):
        os.unlink(LINK)
    os.symlink(DISK, LINK)


def best_of_three(prepare, attach, detach):
    best = None
    for _ in range(3):
        point_link()
        prepared = prepare()
        begin = time.monotonic()
        attach(prepared)
        took = time.monotonic() - begin
        best = took if best is None else min(best, took)
        detach()
    return best


def ours(secret, luks):
    make_blank()
    ask("open", {"device": LINK, "link": True, "secret": secret, "first_use": True, "luks": luks})
    ask("close", {"name": NAME})
    return best_of_three(lambda: {"device": LINK, "link": True, "secret": secret}, lambda body: ask("open", body),
                         lambda: ask("close", {"name": NAME}))


class KeyManager:
    def get(self, _context, _key_id):
        return symmetric_key.SymmetricKey("AES", 256, KEY)


def execute(*command, **how):
    for name in ("run_as_root", "root_helper"):
        how.pop(name, None)
    return processutils.execute(*map(str, command), **how)


def theirs(provider):
    make_blank()
    connection = {"driver_volume_type": "iscsi", "serial": "1",
                  "data": {"device_path": LINK, "encrypted": True, "volume_id": "1"}}
    metadata = {"provider": provider, "cipher": "aes-xts-plain64", "key_size": 256, "control_location": "front-end",
                "encryption_key_id": "k"}
    encryptor = os_brick_encryptor(connection, metadata)
    encryptor.attach_volume(None, **metadata)
    encryptor.detach_volume(**metadata)
    return best_of_three(lambda: os_brick_encryptor(connection, metadata),
                         lambda prepared: prepared.attach_volume(None, **metadata),
                         lambda: encryptor.detach_volume(**metadata))


def os_brick_encryptor(connection, metadata):
    return os_brick.encryptors.get_volume_encryptor(root_helper=None, connection_info=connection, keymgr=KeyManager(),
                                                    execute=execute, **metadata)


def main():
    logging.disable(logging.CRITICAL)
    os.makedirs(os.path.dirname(LINK), mode=0o755)
    agent, secret = start_agent()
    seconds = {"ours": {"luks": ours(secret, "luks1"), "luks2": ours(secret, "luks2")}}
    agent.terminate()
    agent.wait()
    seconds["os-brick"] = {provider: theirs(provider) for provider in ("luks", "luks2")}
    print(json.dumps(seconds))


main()
