#!/usr/bin/python3
"""Latency and memory at a million secrets against a thousand: metadata GET, payload GET, the first page of a filtered list."""

import json
import os
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import harness

SECONDS = os.environ.get("BENCH_SECONDS", "4")
SMALL, LARGE = 1000, 1000000
SAMPLE = 1000
GOAL = 1.5
GROWTH_GOAL = 20
HEADERS = {"X-Project-Id": harness.PROJECT, "X-Roles": "admin"}
BODY = {"name": "bench", "payload": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64", "algorithm": "aes",
        "bit_length": 256}

# wrk asks for the targets of a file in turn.
TARGETS = """
local targets = {}
for line in io.lines("%s") do table.insert(targets, line) end
local at = 0
function request()
    at = at %% #targets + 1
    return wrk.format("GET", targets[at])
end
"""


class Filled:
    """An agent whose database is filled by hand, out of copies of one stored secret (Barbican's envelope: that one may be
    copied)."""

    def __init__(self, folder):
        store = {**harness.default_config(folder, 0)["secret_stores"][0], "envelope": "barbican"}
        self.agent = harness.Agent(folder, {"secret_stores": [store], "log": {"level": "warning", "format": "text"}})
        self.ids = []

    def start(self):
        self.agent.start()
        if not self.ids:
            answer = self.agent.request("POST", "/v1/secrets", json_body=BODY, headers=HEADERS)
            assert answer.status == 201, answer
            self.ids = [answer.json()["secret_ref"].rsplit("/", 1)[1]]

    def fill(self, count):
        """To `count` secrets; every tenth thousand has a name of its own."""
        with sqlite3.connect(self.agent.folder / "keys.db") as database:
            fresh = [str(uuid.uuid4()) for _ in range(count - len(self.ids))]
            for table, owner in (("secrets", "id"), ("encrypted_data", "secret_id"), ("secret_store_metadata", "secret_id")):
                names = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                for row in database.execute(f"SELECT * FROM {table} WHERE {owner} = ?", self.ids[:1]).fetchall():
                    row = list(row)
                    marks = ",".join("?" * len(names))
                    at, key = names.index(owner), names.index("id")
                    name = names.index("name") if "name" in names else None

                    def copies(row=row, at=at, key=key, name=name):
                        for number, secret in enumerate(fresh):
                            copy = list(row)
                            copy[key] = str(uuid.uuid4())
                            copy[at] = secret
                            if name is not None:
                                copy[name] = f"name-{number // 10000}-{number % 100}"
                            yield copy
                    database.executemany(f"INSERT INTO {table} VALUES ({marks})", copies())
        self.ids += fresh

    def latency(self, path, accept="application/json"):
        """The median, in microseconds, on one connection over a thousand secrets picked from all."""
        chosen = random.Random(1).sample(self.ids, min(SAMPLE, len(self.ids)))
        script, targets = self.agent.folder / "targets.lua", self.agent.folder / "targets"
        targets.write_text("".join(path.format(id=each) + "\n" for each in chosen))
        script.write_text(TARGETS % targets)
        command = [harness.need("wrk", "wrk"), "-t", "1", "-c", "1", "-d", SECONDS + "s", "--latency", "-s", str(script), "-H",
                   "Accept: " + accept]
        for name, value in HEADERS.items():
            command += ["-H", f"{name}: {value}"]
        out = subprocess.run([*command, self.agent.url], check=True, capture_output=True, text=True).stdout
        assert "Non-2xx" not in out, out
        value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
        return float(value) * {"us": 1, "ms": 1000, "s": 1000000}[unit]

    def resident(self):
        with open(f"/proc/{self.agent.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)) / 1024


def measure(filled, count):
    filled.start()
    filled.agent.stop()
    filled.fill(count)
    filled.start()
    try:
        figures = {"metadata GET": filled.latency("/v1/secrets/{id}"),
                   "payload GET": filled.latency("/v1/secrets/{id}/payload", "application/octet-stream"),
                   "filtered list": filled.latency("/v1/secrets?name=name-0-7&limit=10")}
        return figures, filled.resident()
    finally:
        filled.agent.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        filled = Filled(Path(folder))
        small, small_memory = measure(filled, SMALL)
        large, large_memory = measure(filled, LARGE)
    met = True
    for what, value in large.items():
        ratio = value / small[what]
        met &= ratio <= GOAL
        print(json.dumps({"what": f"{what}: latency at 1000000 secrets", "ours": f"{value:.0f} us",
                          "other": f"{small[what]:.0f} us (at 1000)", "ratio": round(ratio, 2), "goal": f"<= {GOAL}",
                          "met": ratio <= GOAL}))
    growth = large_memory - small_memory
    met &= growth < GROWTH_GOAL
    print(json.dumps({"what": "memory: growth to 1000000 secrets", "ours": f"{growth:.1f} MB",
                      "goal": f"< {GROWTH_GOAL} MB", "met": growth < GROWTH_GOAL}))
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
