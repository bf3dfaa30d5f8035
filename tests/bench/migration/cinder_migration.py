#!/usr/bin/python3
"""Cinder's own migration of keys over an SQLite database, with a key manager that only makes up ids: seconds, on stdout.

    cinder_migration.py DATABASE HOST STATE_FOLDER"""

import sys
import time
import uuid
from unittest import mock

from castellan import options as castellan_options
from oslo_config import cfg
from cinder import context, coordination, objects
from cinder.common import config  # noqa: registers options  pylint: disable=unused-import
from cinder.keymgr import migration
from cinder.volume import volume_migration


class Secrets:
    """What python-barbicanclient's secrets and acls are asked for."""

    def create(self, **_):
        return self

    def store(self):
        return f"http://localhost/v1/secrets/{uuid.uuid4()}"

    def submit(self):
        return "http://localhost/acl"


class Barbican:
    def __init__(self, **_):
        self.secrets = self.acls = Secrets()


def main():
    database, host, state = sys.argv[1:]
    objects.register_all()
    cfg.CONF([], project="cinder", default_config_files=[])
    castellan_options.set_defaults(cfg.CONF)
    for name, value, group in (("connection", f"sqlite:///{database}", "database"), ("state_path", state, None),
                               ("backend_url", f"file://{state}", "coordination"), ("backend", "barbican", "key_manager")):
        cfg.CONF.set_override(name, value, group=group)
    from cinder.keymgr import conf_key_mgr  # registers fixed_key  pylint: disable=import-outside-toplevel,unused-import
    cfg.CONF.set_override("fixed_key", "ab" * 32, group="key_manager")
    coordination.COORDINATOR.start()
    volumes = volume_migration.VolumeMigrationList()
    volumes.append(objects.VolumeList.get_all(context.get_admin_context(), filters={"host": host}), context.get_admin_context())
    with mock.patch.object(migration.barbican_client, "Client", Barbican), \
            mock.patch.object(migration.ks_loading, "register_auth_conf_options", lambda *_, **__: None), \
            mock.patch.object(migration.ks_loading, "load_auth_from_conf_options", lambda *_, **__: None):
        begun = time.monotonic()
        migration.migrate_fixed_key(volumes=volumes)
        print(time.monotonic() - begun)
    coordination.COORDINATOR.stop()


if __name__ == "__main__":
    main()
