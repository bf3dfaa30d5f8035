"""Cinder databases for tests: the recorded ones as SQLite files, and their rows in MariaDB and PostgreSQL under the schema that
Cinder itself makes there."""

import gzip
import sqlite3
import subprocess
import sys

import harness

VECTORS = harness.ROOT / "tests/vectors/cinder"
ZERO = "00000000-0000-0000-0000-000000000000"
TABLES = ("volume_types", "encryption", "services", "volumes", "snapshots", "backups", "transfers", "volume_glance_metadata")
DB_SYNC = """
import sys
from oslo_config import cfg
from cinder.common import config
from cinder.db import migration
cfg.CONF([], project="cinder", default_config_files=[])
cfg.CONF.set_override("connection", sys.argv[1], group="database")
migration.db_sync()
"""


def recorded(path, name):
    """The recorded database `name` as an SQLite file."""
    script = gzip.decompress((VECTORS / f"{name}.sqlite.sql.gz").read_bytes()).decode()
    with sqlite3.connect(path) as database:
        database.executescript(script)
    database.close()
    return path


def rows(path, table):
    with sqlite3.connect(path) as database:
        database.row_factory = sqlite3.Row
        found = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]  # a constant of ours
    database.close()
    return found


def many_volumes(path, count, project="c9dc7e7c58025ab69286cfc0eded82ca"):
    """`count` volumes with the zero id, each with a snapshot, beside the types of the recorded ones."""
    recorded(path, "empty-schema")
    with sqlite3.connect(path) as database:
        of_type = "11111111-1111-1111-1111-111111111111"
        database.execute("INSERT INTO encryption (encryption_id, volume_type_id, provider, deleted) VALUES ('e', ?, 'luks', 0)", (of_type,))
        for number in range(count):
            volume = f"00000000-aaaa-4aaa-8aaa-{number:012}"
            database.execute("INSERT INTO volumes (id, deleted, user_id, project_id, host, status, encryption_key_id, volume_type_id)"
                             " VALUES (?, 0, ?, ?, 'node1@lvm#lvm', 'available', ?, ?)",
                             (volume, f"user-{number % 40}", project, ZERO, of_type))
            database.execute("INSERT INTO snapshots (id, deleted, user_id, project_id, status, encryption_key_id, volume_id, volume_type_id)"
                             " VALUES (?, 0, ?, ?, 'available', ?, ?, ?)",
                             (f"00000000-bbbb-4bbb-8bbb-{number:012}", f"user-{number % 40}", project, ZERO, volume, of_type))
    database.close()
    return path


def db_sync(url):
    """Cinder's own schema, by Cinder's own code."""
    harness.run([sys.executable, "-c", DB_SYNC, url], stdin=subprocess.DEVNULL)


def copy_rows(path, connection, quote, foreign_keys_off):
    """The rows of a recorded database into another one (DB-API, "%s"). Columns that the other has not are left out."""
    cursor = connection.cursor()
    cursor.execute(foreign_keys_off)
    for table in TABLES:
        cursor.execute(f"DELETE FROM {table}")
        cursor.execute(f"SELECT * FROM {table} WHERE 1 = 0")
        known = {column[0]: column[1] for column in cursor.description}
        for row in rows(path, table):
            names = [name for name in row if name in known]
            text = "INSERT INTO {} ({}) VALUES ({})".format(table, ", ".join(quote + name + quote for name in names),
                                                            ", ".join(["%s"] * len(names)))
            cursor.execute(text, [as_kind(known[name], row[name]) for name in names])
    connection.commit()


def as_kind(kind, value):
    """PostgreSQL takes no number for a truth value (type 16)."""
    return bool(value) if kind == 16 and value is not None else value
