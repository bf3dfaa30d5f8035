#!/usr/bin/python3
"""Writes simple_crypto.vec and barbican.sql with Debian's Barbican (python3-barbican 15.0.1). Run it in this folder.

simple_crypto.vec: what Barbican's own plugin wraps, under a master key of ours. barbican.sql: a whole database that
`barbican-manage db upgrade` made and Barbican's own repositories and plugins filled.
Every run gives new keys and ids; the tests read both files as they are.
"""
import base64
import os
import sqlite3
import subprocess
import tempfile

folder = tempfile.mkdtemp(prefix="barbican-vectors-")
database = os.path.join(folder, "barbican.sqlite")
url = "sqlite:///" + database
subprocess.run(["barbican-manage", "db", "upgrade", "--db-url", url], check=True, capture_output=True)

from barbican.common import config  # noqa: E402

# The key of the old default is refused by us, so the vectors have one of their own. It protects nothing.
MASTER = base64.urlsafe_b64encode(b"a master key for vectors only.. ").decode()

config.parse_args(config.CONF, args=[])
config.CONF.set_override("sql_connection", url)

from barbican.common import resources  # noqa: E402
from barbican.model import models, repositories  # noqa: E402
from barbican.plugin import resources as plugins  # noqa: E402
from barbican.plugin.crypto import base, simple_crypto  # noqa: E402

simple_crypto.CONF.set_override("kek", MASTER, group="simple_crypto_plugin")
PLUGIN = simple_crypto.SimpleCryptoPlugin(simple_crypto.CONF)


def vectors():
    lines = ["# made by Barbican 15.0.1's simple_crypto plugin: make_simple_crypto_vectors.py\n",
             "# Payload: hexadecimal; PluginMeta: kek_data.plugin_meta; CypherText: encrypted_data.cypher_text\n",
             f"\nMaster = {MASTER}\n"]
    for payload in (b"", b"secret", bytes(range(256)), "gr\u00fc\u00dfe".encode(), os.urandom(32), b"x" * 20000):
        kek = base.KEKMetaDTO(models.KEKDatum())
        kek = PLUGIN.bind_kek_metadata(kek)
        meta = kek.plugin_meta.decode()
        answer = PLUGIN.encrypt(base.EncryptDTO(payload), kek, "project")
        lines.append(f"\nPayload = {payload.hex()}\nPluginMeta = {meta}\n"
                     f"CypherText = {base64.b64encode(answer.cypher_text).decode()}\n")
    open("simple_crypto.vec", "w").writelines(lines)


def filled_database():
    repositories.setup_database_engine_and_factory()
    project = resources.get_or_create_project("11112222333344445555666677778888")

    def store(name, payload, content_type, encoding=None, **attributes):
        spec = dict(name=name, creator_id="creator", **attributes)
        return plugins.store_secret(unencrypted_raw=payload, content_type_raw=content_type, content_encoding=encoding,
                                    secret_model=models.Secret(spec), project_model=project)[0]

    store("text", "p\u00e4ssw\u00f6rd", "text/plain", secret_type="passphrase")
    store("binary", base64.b64encode(bytes(range(256))).decode(), "application/octet-stream", "base64",
          secret_type="symmetric", algorithm="aes", bit_length=2048, mode="cbc")
    shared = store("shared", "for alice and bob", "text/plain")
    access = models.SecretACL(shared.id, "read", False)
    repositories.get_secret_acl_repository().create_or_replace_from(shared, secret_acl=access,
                                                                    user_ids=["alice", "bob"])
    repositories.get_secret_repository().create_from(
        models.Secret(dict(name="empty", project_id=project.id, expiration="2999-01-01T00:00:00Z")))
    gone = store("gone", "deleted", "text/plain")
    repositories.commit()
    plugins.delete_secret(gone, project.external_id)
    order = models.Order(dict(type="key", meta=dict(name="ordered", algorithm="aes"), creator_id="creator"))
    order.project_id = project.id
    order.secret_id = shared.id
    repositories.get_order_repository().create_from(order)
    repositories.commit()

    with sqlite3.connect(database) as connection, open("barbican.sql", "w") as out:
        out.write("-- made by Barbican 15.0.1: make_simple_crypto_vectors.py; a dump of SQLite\n")
        out.writelines(line + "\n" for line in connection.iterdump())


vectors()
filled_database()
