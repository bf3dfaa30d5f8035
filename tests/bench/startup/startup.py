#!/usr/bin/python3
"""From starting the program to its first answer, and what it holds when idle."""

import json
import re
import statistics
import tempfile
import time
from pathlib import Path

import harness

RUNS = 25


def first_answer_ms(agent):
    started = time.monotonic()
    agent.launch()
    while not agent.answers_or_died():
        time.sleep(0.0005)
    assert agent.is_running(), agent.log()
    return (time.monotonic() - started) * 1000


def resident_mb(agent):
    status = Path(f"/proc/{agent.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-") as folder:
        agent = harness.Agent(Path(folder), {"secure_memory": None})
        agent.prepare()
        times = []
        for _ in range(RUNS):
            times.append(first_answer_ms(agent))
            agent.kill()
        first_answer_ms(agent)
        time.sleep(1)
        memory = resident_mb(agent)
        agent.stop()
    middle = statistics.median(times)
    print(json.dumps({"what": f"cold start to first answer, median of {RUNS}", "ours": f"{middle:.0f} ms",
                      "other": f"slowest {max(times):.0f} ms", "goal": "< 100 ms", "met": middle < 100}))
    print(json.dumps({"what": "idle resident memory", "ours": f"{memory:.1f} MB", "goal": "< 40 MB", "met": memory < 40}))


if __name__ == "__main__":
    main()
