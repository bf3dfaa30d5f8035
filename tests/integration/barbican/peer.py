"""A real Barbican over a database: `peer.py store DATABASE KEK PROJECT TEXT...` or `peer.py read DATABASE KEK PROJECT`.

A process of its own, since Barbican keeps its configuration and its engine in module globals.
"""
import sys

from barbican.common import config

ACTION, DATABASE, KEK, PROJECT = sys.argv[1:5]
config.parse_args(config.CONF, args=[])
config.CONF.set_override("sql_connection", DATABASE if "://" in DATABASE else "sqlite:///" + DATABASE)

from barbican.common import resources  # noqa: E402
from barbican.model import models, repositories  # noqa: E402
from barbican.plugin import resources as plugins  # noqa: E402
from barbican.plugin.crypto import simple_crypto  # noqa: E402

simple_crypto.CONF.set_override("kek", KEK, group="simple_crypto_plugin")
repositories.setup_database_engine_and_factory()
project = resources.get_or_create_project(PROJECT)
if ACTION == "store":
    for text in sys.argv[5:]:
        spec = dict(name=text, creator_id="creator")
        secret, _ = plugins.store_secret(unencrypted_raw=text, content_type_raw="text/plain", content_encoding=None,
                                         secret_model=models.Secret(spec), project_model=project)
        print(secret.id)
    repositories.commit()
else:
    found, _, _, _ = repositories.get_secret_repository().get_secret_list(PROJECT, limit_arg=100)
    for secret in found:
        payload = plugins.get_secret("text/plain", secret, project)
        print(f"{secret.name}: {payload.encode().hex() if isinstance(payload, str) else payload.hex()}")
