#!/usr/bin/python3
"""The same requests to Debian's Barbican (two uwsgi workers, MariaDB) and to us (SQLite), in turns, with real Keystone tokens."""

import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import harness

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "integration/keystone")]

import barbican_lab  # noqa: E402  pylint: disable=wrong-import-position
import keystone_lab  # noqa: E402  pylint: disable=wrong-import-position

SECONDS = os.environ.get("BENCH_SECONDS", "5")
CONNECTIONS = (8, 64)
LISTED = 10000
GOALS = {"payload GET": 150, "store": 50, "order + fetch": 50, "list of 10000 by pages of 100": 50}
OCTETS = "application/octet-stream"
BODY = {"name": "bench", "payload": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "payload_content_type": OCTETS,
        "payload_content_encoding": "base64"}

# Copies of one secret with its encrypted data: 10,000 stores through Barbican's API take minutes.
COPIES = """
SET @t := '{secret}';
INSERT INTO secrets (id, created_at, updated_at, deleted, status, name, secret_type, creator_id, project_id)
  SELECT uuid(), now() - interval seq second, now(), 0, 'ACTIVE', 'bench', s.secret_type, s.creator_id, s.project_id
  FROM secrets s, seq_1_to_{count} WHERE s.id = @t;
INSERT INTO encrypted_data (id, created_at, updated_at, deleted, status, content_type, secret_id, kek_id, cypher_text,
  kek_meta_extended)
  SELECT uuid(), now(), now(), 0, e.status, e.content_type, n.id, e.kek_id, e.cypher_text, e.kek_meta_extended
  FROM encrypted_data e, secrets n WHERE e.secret_id = @t AND n.id <> @t
  AND n.project_id = (SELECT project_id FROM secrets WHERE id = @t);
COMMIT;
"""


class Contender:
    """One key manager: where it is, and a token for each project."""

    def __init__(self, name, url, keystone):
        self.name, self.url = name, url
        self.token = keystone.token("a_creator", "project_a")
        self.list_token = keystone.token("b_creator", "project_b")

    def wrk(self, connections, path, script=None, accept="application/json"):
        command = [harness.need("wrk", "wrk"), "-t", "2", "-c", str(connections), "-d", SECONDS + "s", "--timeout", "30s",
                   "-H", "X-Auth-Token: " + self.token, "-H", "Accept: " + accept]
        command += ["-s", str(HERE / script)] if script else []
        out = subprocess.run([*command, self.url + path], check=True, capture_output=True, text=True).stdout
        assert "Non-2xx" not in out and "failed" not in out, f"{self.name}: {out}"
        fetched = re.search(r"fetched (\d+)", out)
        if fetched:
            return int(fetched.group(1)) / float(re.search(r"requests in ([\d.]+)s", out).group(1))
        return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    def request(self, connection, method, path, token, body=None):
        connection.request(method, path, json.dumps(body) if body else None,
                           {"X-Auth-Token": token, "Content-Type": "application/json", "Accept": "application/json"})
        reply = connection.getresponse()
        data = reply.read()
        assert reply.status in (200, 201), f"{self.name}: {reply.status} {data}"
        return data

    def connection(self):
        parts = urllib.parse.urlsplit(self.url)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def store(self, token):
        reply = json.loads(self.request(self.connection(), "POST", "/v1/secrets", token, BODY))
        return reply["secret_ref"].rsplit("/", 1)[1]

    def list_all(self):
        """Seconds for all pages of a hundred."""
        connection = self.connection()
        began = time.monotonic()
        for offset in range(0, LISTED, 100):
            page = self.request(connection, "GET", f"/v1/secrets?limit=100&offset={offset}", self.list_token)
            assert page.count(b'"secret_ref"') == 100, page[:300]
        return time.monotonic() - began


def fill(ours, barbican, peer):
    connection = ours.connection()
    for _ in range(LISTED):
        ours.request(connection, "POST", "/v1/secrets", ours.list_token, BODY)
    barbican.database.sql(COPIES.format(secret=peer.store(peer.list_token), count=LISTED - 1), "barbican")


def report(what, mine, other, ratio, unit="/s"):
    goal = GOALS[what.split(",")[0]]
    print(json.dumps({"what": what, "ours": f"{mine:,.1f}{unit}", "other": f"{other:,.1f}{unit} (Barbican)",
                      "ratio": round(ratio, 1), "goal": f">= {goal}", "met": ratio >= goal}), flush=True)
    return ratio >= goal


def compare(ours, peer):
    secret, other_secret = ours.store(ours.token), peer.store(peer.token)
    met = True
    for connections in CONNECTIONS:
        suffix = f", {connections} connections"
        other = peer.wrk(connections, f"/v1/secrets/{other_secret}/payload", accept=OCTETS)
        mine = ours.wrk(connections, f"/v1/secrets/{secret}/payload", accept=OCTETS)
        met &= report("payload GET" + suffix, mine, other, mine / other)
        other, mine = (side.wrk(connections, "/v1/secrets", "store.lua") for side in (peer, ours))
        met &= report("store" + suffix, mine, other, mine / other)
        other, mine = (side.wrk(connections, "/v1/orders", "order.lua") for side in (peer, ours))
        met &= report("order + fetch" + suffix, mine, other, mine / other)
    other, mine = peer.list_all(), ours.list_all()
    met &= report("list of 10000 by pages of 100", mine, other, other / mine, " s")
    return met


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-") as root:
        folders = {name: Path(root) / name for name in ("keystone", "barbican", "agent")}
        for folder in folders.values():
            folder.mkdir()
        keystone = keystone_lab.KeystoneLab(folders["keystone"])
        barbican = agent = None
        try:
            keystone.start()
            barbican = barbican_lab.Barbican(folders["barbican"], keystone.server.url, keystone_lab.PASSWORD).start()
            agent = harness.Agent(folders["agent"], {
                "auth": {"keystone": keystone_lab.keystone_section(keystone, folders["agent"])},
                "log": {"level": "warning", "format": "text"}})
            agent.start()
            ours, peer = Contender("sallyport", agent.url, keystone), Contender("barbican", barbican.url, keystone)
            fill(ours, barbican, peer)
            return 0 if compare(ours, peer) else 1
        finally:
            for each in (agent, barbican, keystone):
                if each is not None:
                    each.stop()


if __name__ == "__main__":
    sys.exit(main())
