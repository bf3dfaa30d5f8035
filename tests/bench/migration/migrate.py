#!/usr/bin/python3
"""The migration off Cinder's ConfKeyManager: rows a second of `apply` (keys stored, read back, ids set, all durable) beside
Cinder's own with a key manager that costs nothing, and the time and memory of a plan of 100,000 volumes."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import harness

sys.path.insert(0, str(harness.ROOT / "tests/integration/migration"))
import cinder_database  # pylint: disable=wrong-import-position

APPLIED = 10000
OF_CINDER = int(os.environ.get("CINDER_ROWS", "1000"))  # it takes its time
PLANNED = 100000


def configuration(folder, database):
    path = folder / f"{database.stem}.conf"
    path.write_text(f"[database]\nconnection = sqlite:///{database}\n[key_manager]\nbackend = barbican\nfixed_key = {'ab' * 32}\n")
    return path


def result(what, ours, other, ratio, goal, met):
    print(json.dumps({"what": what, "ours": ours, "other": other, "ratio": round(ratio, 2), "goal": goal, "met": met}), flush=True)
    return met


def of_cinder(folder):
    """Volumes a second."""
    database = cinder_database.many_volumes(folder / "theirs.sqlite", OF_CINDER)
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("cinder_migration.py")), str(database), "node1@lvm", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return OF_CINDER / float(done.stdout.split()[-1])


def of_ours(folder, agent):
    database = cinder_database.many_volumes(folder / "ours.sqlite", APPLIED)
    begun = time.monotonic()
    done = agent.cli("migrate", "conf-key-manager", "apply", "--cinder-conf", configuration(folder, database), "--journal",
                     folder / "journal", "-f", "json")
    seconds = time.monotonic() - begun
    assert done.returncode == 0 and json.loads(done.stdout)["migrated"] == APPLIED, done.stderr
    return APPLIED / seconds


def plan(folder):
    """Seconds and MiB."""
    database = cinder_database.many_volumes(folder / "large.sqlite", PLANNED)
    begun = time.monotonic()
    with open(os.devnull, "wb") as nowhere:
        subprocess.run([harness.SALLYPORT, "migrate", "conf-key-manager", "plan", "--offline", "--database", f"sqlite:///{database}",
                        "-f", "json"], stdout=nowhere, stderr=nowhere, check=True)
    # The largest of all children so far: agents and Python of this run stay below what is asked of it.
    return time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-bench-") as name:
        folder = Path(name)
        seconds, mebibytes = plan(folder)
        good = result("plan of 100,000 volumes, as JSON: seconds", f"{seconds:.2f} s", "5 s", seconds / 5, "< 5 s", seconds < 5)
        good &= result("plan of 100,000 volumes, as JSON: memory", f"{mebibytes:.0f} MiB", "200 MB", mebibytes * 1.048576 / 200,
                       "< 200 MB", mebibytes * 1.048576 < 200)
        agent = harness.Agent(folder, {"log": {"level": "warning", "format": "text"}})
        agent.start()
        try:
            ours = of_ours(folder, agent)
        finally:
            agent.stop()
        theirs = of_cinder(folder)
        good &= result("migration, volumes with a snapshot a second", f"{ours:.0f}/s", f"{theirs:.0f}/s (Cinder's own, no key manager)",
                       ours / theirs, ">= 50", ours / theirs >= 50)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
