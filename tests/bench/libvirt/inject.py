#!/usr/bin/python3
"""From `sallyport libvirt inject` to a secret that libvirtd can use, against virsh doing the same with a passphrase that it
is given: one virsh to define the secret, one to set its value. Ours also fetches and unwraps the key, and notes it as the
volume's. In turns, on a private libvirtd; medians."""

import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "integration/libvirt"))
import node  # noqa: E402  pylint: disable=wrong-import-position

ROUNDS = 25
GOAL_MS = 20


def milliseconds(action):
    began = time.monotonic()
    action()
    return (time.monotonic() - began) * 1000


def by_virsh(host, folder):
    """The two calls, whose files are there before the clock runs."""
    volume = str(uuid.uuid4())
    definition, value = folder / "definition.xml", folder / "value"
    definition.write_text(f"<secret ephemeral='yes' private='yes'><uuid>{volume}</uuid><usage type='volume'><volume>{volume}"
                          "</volume></usage></secret>", encoding="utf-8")
    value.write_text(os.urandom(32).hex(), encoding="utf-8")

    def run():
        host.daemon.virsh("secret-define", definition)
        host.daemon.virsh("secret-set-value", volume, "--file", value, "--plain")
    return run


def by_us(host, volume, key):
    def run():
        done = host.agent.cli("libvirt", "inject", "--volume", volume, "--key", key)
        assert done.returncode == 0, done.stderr
    return run


def row(what, ours, virsh):
    difference = ours - virsh
    print(json.dumps({"what": what, "ours": f"{ours:.1f} ms", "other": f"{virsh:.1f} ms (virsh define + set)",
                      "ratio": round(ours / virsh, 2), "goal": f"< virsh + {GOAL_MS} ms",
                      "met": difference < GOAL_MS}), flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="sallyport-") as name:
        folder = Path(name)
        host = node.Node(folder / "node", with_hook=False)
        try:
            host.start()
            virsh, first, again = [], [], []
            for _ in range(ROUNDS):
                volume, key = str(uuid.uuid4()), node.store_key(host.agent, os.urandom(32))
                virsh.append(milliseconds(by_virsh(host, folder)))
                first.append(milliseconds(by_us(host, volume, key)))
                again.append(milliseconds(by_us(host, volume, key)))
        finally:
            host.stop()
    row("libvirt inject, a volume's first", statistics.median(first), statistics.median(virsh))
    row("libvirt inject, again", statistics.median(again), statistics.median(virsh))


if __name__ == "__main__":
    main()
