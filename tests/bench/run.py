#!/usr/bin/python3
"""Runs every measurement and prints one table. `./dev bench` calls it with the folder of the release build.

A measurement is an executable script tests/bench/*/*.sh or *.py. It gets SALLYPORT (the binary), SALLYPORT_BIN (the
folder with the bench tools) and SALLYPORT_ROOT (the tree), and prints, among anything else, one line of JSON a result:

    {"what": "payload GET, 64 connections", "ours": "21,000/s", "other": "38,000/s (bare Beast)",
     "ratio": 0.55, "goal": ">= 0.5", "met": true}

Ratios are taken in one run, since the machine differs from hour to hour. Exit status 1: a script failed or a goal is missed.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("what", "ours", "other", "ratio", "goal", "met")


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo", encoding="utf-8")
                  if line.startswith("model name")), "unknown processor")
    kilobytes = int(open("/proc/meminfo", encoding="utf-8").readline().split()[1])
    return f"{model}, {os.cpu_count()} cores, {kilobytes // 1048576} GiB, load {os.getloadavg()[0]:.1f}"


def results_of(script, environment):
    print(f"== {script.relative_to(ROOT)}", flush=True)
    done = subprocess.run([str(script)], env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"what"')]
    if done.returncode != 0 and all(row.get("met", True) for row in rows):
        rows.append({"what": f"{script.name}: exit {done.returncode}", "met": False})
    return rows


def as_text(value):
    if isinstance(value, bool):
        return "yes" if value else "NO"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def print_table(rows):
    cells = [COLUMNS] + [[as_text(row.get(column, "")) for column in COLUMNS] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(COLUMNS))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    build = (ROOT / sys.argv[1]).resolve()
    environment = {**os.environ, "SALLYPORT": str(build / "bin/sallyport"), "SALLYPORT_BIN": str(build / "bin"),
                   "SALLYPORT_ROOT": str(ROOT), "PYTHONPATH": str(ROOT / "tests/integration"),
                   "PYTHONDONTWRITEBYTECODE": "1"}
    scripts = sorted(path for path in (ROOT / "tests/bench").glob("*/*")
                     if path.suffix in (".sh", ".py") and os.access(path, os.X_OK))
    rows = [row for script in scripts for row in results_of(script, environment)]
    print(f"\n{machine()}")
    print_table(rows)
    return 0 if rows and all(row.get("met", True) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
