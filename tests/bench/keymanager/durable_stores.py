#!/usr/bin/python3
"""Durable stores on SQLite from 64 connections: how many a second, and how many share one flush of the disk (counted by strace).
That acknowledged ones survive kill -9 is tests/integration/crash's matter."""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import harness

SECONDS = os.environ.get("BENCH_SECONDS", "5")
SCRIPT = Path(__file__).resolve().parents[1] / "barbican/store.lua"
CONNECTIONS = 64


class TracedAgent(harness.Agent):
    """An agent whose flushes are written to a file; other system calls run untraced. strace stands beside it (-D), so that the
    process that is stopped is the agent."""

    def launch(self):
        trace = [harness.need("strace", "strace"), "-D", "-f", "--seccomp-bpf", "-qq", "-e", "trace=fsync,fdatasync", "-o",
                 str(self.folder / "flushes")]
        with open(self.folder / "agent.log", "ab") as log:
            self.process = subprocess.Popen([*trace, harness.SALLYPORT, "serve", "--config", str(self.config_file)],
                                            stdout=log, stderr=log)
        return self

    def flushes(self):
        with open(self.folder / "flushes", encoding="utf-8") as lines:
            return sum(1 for line in lines if "resumed" not in line)


def wrk(agent):
    """Stores that were acknowledged, and seconds."""
    out = subprocess.run([harness.need("wrk", "wrk"), "-t", "2", "-c", str(CONNECTIONS), "-d", SECONDS + "s", "-s", str(SCRIPT),
                          "-H", "X-Project-Id: " + harness.PROJECT, "-H", "X-Roles: admin", agent.url + "/v1/secrets"],
                         check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    found = re.search(r"(\d+) requests in ([\d.]+)s", out)
    return int(found.group(1)), float(found.group(2))


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        agent = harness.Agent(Path(folder), {"log": {"level": "warning", "format": "text"}})
        agent.start()
        try:
            stores, seconds = wrk(agent)
            rate = stores / seconds
        finally:
            agent.stop()
        traced = TracedAgent(Path(folder), {"log": {"level": "warning", "format": "text"}})
        traced.start()
        try:
            before = traced.flushes()
            stores, _ = wrk(traced)
            shared = stores / (traced.flushes() - before)
        finally:
            traced.stop()
    print(json.dumps({"what": "durable stores, 64 connections", "ours": f"{rate:,.0f}/s", "goal": ">= 5000",
                      "met": rate >= 5000}))
    print(json.dumps({"what": "stores that share one flush", "ours": f"{shared:.1f}", "goal": ">= 8", "met": shared >= 8}))
    return 0 if rate >= 5000 and shared >= 8 else 1


if __name__ == "__main__":
    sys.exit(main())
