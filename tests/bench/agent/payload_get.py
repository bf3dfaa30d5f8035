#!/usr/bin/python3
"""Payload GET under a cached Keystone token, against a bare Beast server that answers 32 constant bytes: the same
connections, the same machine, in turns."""

import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import harness

SECONDS = os.environ.get("BENCH_SECONDS", "4")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
GOAL = 0.5


class Keystone(BaseHTTPRequestHandler):
    """As much of Keystone as one cached token needs."""
    protocol_version = "HTTP/1.1"
    validations = 0

    def reply(self, status):
        domain = {"id": "default", "name": "Default"}
        token = {"methods": ["password"], "user": {"id": "u" * 32, "name": "bench", "domain": domain},
                 "project": {"id": harness.PROJECT, "name": "bench", "domain": domain}, "roles": [{"id": "r", "name": "admin"}],
                 "issued_at": "2020-01-01T00:00:00.000000Z", "expires_at": "2099-01-01T00:00:00.000000Z"}
        body = json.dumps({"token": token}).encode()
        self.send_response(status)
        self.send_header("X-Subject-Token", secrets.token_hex(16))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.reply(201)

    def do_GET(self):
        Keystone.validations += 1
        self.reply(200)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


def start_keystone():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Keystone)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def start_agent(folder, keystone_port):
    password = folder / "keystone.password"
    password.write_text("secret")
    password.chmod(0o400)
    keystone = {"url": f"http://127.0.0.1:{keystone_port}/v3", "username": "barbican", "password_file": str(password)}
    agent = harness.Agent(folder, {"auth": {"keystone": keystone}, "log": {"level": "warning", "format": "text"}})
    agent.start()
    return agent


def store_secret(agent):
    body = {"name": "bench", "payload": "0123456789abcdef0123456789abcdef0123456789a=",
            "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"}
    answer = agent.request("POST", "/v1/secrets", json_body=body, headers={"X-Auth-Token": "t" * 180})
    assert answer.status == 201, answer.body
    return answer.json()["secret_ref"].rsplit("/", 1)[1]


def wrk(url, connections):
    """Requests a second; every answer has to be good."""
    command = [harness.need("wrk", "wrk"), "-t", str(min(connections, 2)), "-c", str(connections), "-d", SECONDS + "s",
               "-H", "X-Auth-Token: " + "t" * 180, "-H", "Accept: application/octet-stream", url]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


def main():
    keystone = start_keystone()
    peer_port = harness.free_port()
    peer = subprocess.Popen([os.environ["SALLYPORT_BIN"] + "/bare_beast", str(peer_port)])
    met = True
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        agent = start_agent(Path(folder), keystone.server_port)
        try:
            url = f"{agent.url}/v1/secrets/{store_secret(agent)}/payload"
            peer_url = f"http://127.0.0.1:{peer_port}/"
            harness.wait_until(lambda: harness.listens(peer_port), 5, "the peer to listen")
            for connections in (1, 64):
                wrk(url, connections)  # fills caches
                pairs = [(wrk(peer_url, connections), wrk(url, connections)) for _ in range(ROUNDS)]
                theirs, ours = (statistics.median(column) for column in zip(*pairs))
                ratio = statistics.median(mine / other for other, mine in pairs)
                met = met and ratio >= GOAL
                print(json.dumps({"what": f"payload GET, {connections} connection{'s' * (connections > 1)}",
                                  "ours": f"{ours:,.0f}/s", "other": f"{theirs:,.0f}/s (bare Beast)",
                                  "ratio": round(ratio, 3), "goal": f">= {GOAL}", "met": ratio >= GOAL}))
            assert Keystone.validations < 100, "tokens were not cached"
        finally:
            agent.stop()
            peer.terminate()
            peer.wait()
            keystone.shutdown()
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
