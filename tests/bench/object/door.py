#!/usr/bin/python3
"""The object door with encryption and the same door without (disable_encryption), both before a folder on tmpfs: requests a
second, and what a GiB costs the door in processor time. wrk on the same machine."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import harness

SECONDS = os.environ.get("BENCH_SECONDS", "5")
CONNECTIONS = 4
SIZES = {"64 KiB": 64 << 10, "1 MiB": 1 << 20, "8 MiB": 8 << 20}
GIB = 1 << 30


def result(what, ours, other, ratio, goal=None, met=None):
    row = {"what": what, "ours": ours, "other": other, "ratio": round(ratio, 2)}
    print(json.dumps({**row, "goal": goal, "met": met} if goal else row), flush=True)
    return met is not False


class Door:
    def __init__(self, folder, plain):
        folder.mkdir()
        self.port = harness.free_port()
        self.agent = harness.Agent(folder, {"roles": ["keymanager", "objects"], "log": {"level": "warning", "format": "text"}})
        self.agent.start()
        made = self.agent.cli("secret", "store", "--secret-type", "symmetric", "--file", "-", "-f", "value", "-c", "Secret href",
                              input=os.urandom(32))
        self.agent.stop()
        self.agent.config["objects"] = {
            "listen": f"127.0.0.1:{self.port}", "upstream": {"type": "directory", "path": str(folder / "objects")},
            "project": harness.PROJECT, "root_secrets": {"": made.stdout.decode().strip().rsplit("/", 1)[-1]},
            "disable_encryption": plain}
        self.agent.start()

    def put(self, name, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        assert harness.exchange(connection, "PUT", f"/v1/AUTH_b/c/{name}", body).status == 201
        connection.close()

    def processor_seconds(self):
        fields = Path(f"/proc/{self.agent.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measure(self, method, size, folder):
        """Requests a second, and processor seconds of the door a GiB."""
        script = folder / "put.lua"
        script.write_text(f"local n = 0\nlocal body = string.rep('x', {size})\n"
                          "function setup(thread) thread:set('id', tostring(thread)) end\n"
                          "function request() n = n + 1\n"
                          "  return wrk.format('PUT', '/v1/AUTH_b/c/w' .. (n % 8), nil, body) end\n")
        extra = ["-s", str(script)] if method == "PUT" else []
        before, begun = self.processor_seconds(), time.monotonic()
        out = subprocess.run([harness.need("wrk", "wrk"), "-t", "2", "-c", str(CONNECTIONS), "-d", SECONDS + "s", *extra,
                              f"http://127.0.0.1:{self.port}/v1/AUTH_b/c/o{size}"], check=True, capture_output=True,
                             text=True).stdout
        assert "Non-2xx" not in out and "Socket errors" not in out, out
        count = int(re.search(r"(\d+) requests in", out).group(1))
        return count / (time.monotonic() - begun), (self.processor_seconds() - before) / (count * size / GIB)


def openssl_seconds_a_gib():
    out = subprocess.run(["openssl", "speed", "-elapsed", "-seconds", "2", "-bytes", "65536", "-evp", "aes-256-ctr"], check=True,
                         capture_output=True, text=True).stdout
    return GIB / (float(re.search(r"AES-256-CTR\s+([\d.]+)k", out, re.IGNORECASE).group(1)) * 1000)


def main():
    met = True
    with tempfile.TemporaryDirectory(prefix="sallyport-", dir="/dev/shm") as name:
        folder = Path(name)
        ours, plain = Door(folder / "sealed", False), Door(folder / "plain", True)
        try:
            for label, size in SIZES.items():
                for door in (ours, plain):
                    door.put(f"o{size}", os.urandom(size))
                for method in ("GET", "PUT"):
                    # By turns: the machine differs from minute to minute.
                    rates = {ours: [], plain: []}
                    costs = {ours: [], plain: []}
                    for _ in range(3):
                        for door in (ours, plain):
                            rate, cost = door.measure(method, size, folder)
                            rates[door].append(rate)
                            costs[door].append(cost)
                    best = {door: max(values) for door, values in rates.items()}
                    ratio = best[ours] / best[plain]
                    goal = 0.85 if size < 1 << 20 else 0.9
                    shown = [f"{best[door] * size / 1e6:,.0f} MB/s" for door in (ours, plain)]
                    met &= result(f"door, {method} {label}", shown[0], shown[1] + " (encryption off)", ratio, f">= {goal}",
                                  ratio >= goal)
                    extra = min(costs[ours]) - min(costs[plain])
                    if size == 1 << 20 and method == "GET":
                        aes = openssl_seconds_a_gib()
                        met &= result("door, GET: processor time of the filter", f"{extra:.2f} s/GiB",
                                      f"{aes:.2f} s/GiB (openssl speed, the AES alone)", extra / aes, "<= 1.5", extra / aes <= 1.5)
                    if size == 1 << 20 and method == "PUT":
                        result("door, PUT: processor time of the filter", f"{extra:.2f} s/GiB",
                               "3.3 s/GiB (Swift's own, another day)", extra / 3.3)
        finally:
            ours.agent.stop()
            plain.agent.stop()
    raise SystemExit(0 if met else 1)


main()
