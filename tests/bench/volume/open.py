#!/usr/bin/python3
"""How long a volume takes to open: random-key LUKS2 by us, against cryptsetup on a volume of its own defaults.

Ours is a small program around integrations/volume, since the agent, too, is loaded already when it opens a volume; the
command line, with all that it links, is told in a row of its own. All unlock a key slot of an image file and map nothing, so that only the opening is measured. Each program is timed as
a whole, start to end, and the best run counts: of three for cryptsetup, of forty for ours, since a run that short is
easily doubled by a neighbour.
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

SALLYPORT = os.environ["SALLYPORT"]
OPEN_VOLUME = os.environ["SALLYPORT_BIN"] + "/bench_volume_open"
KEY = bytes((7 * i * i + 31 * i + 5) % 251 for i in range(32))


def timed(command, runs, secret=None):
    """Seconds and peak memory in MiB of the best run."""
    seconds = memory = None
    for _ in range(runs):
        begin = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        process.stdin.write(secret or b"")
        process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{command[0]} ended with status {process.returncode}")
        if seconds is None or took < seconds:
            seconds, memory = took, usage.ru_maxrss / 1024
    return seconds, memory


def test_hundred(folder, command):
    """Seconds for a hundred volumes of ours, one after the other, each with a process of its own."""
    images = []
    for number in range(100):
        images.append(folder / f"volume{number}")
        subprocess.run(["cp", "--sparse=always", folder / "ours", images[-1]], check=True)
    begin = time.monotonic()
    for image in images:
        subprocess.run(command(image), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begin


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "key").write_bytes(KEY)
        passphrase = KEY.hex().encode()
        for image in ("ours", "theirs"):
            with open(folder / image, "wb") as file:
                file.truncate(64 << 20)
        subprocess.run([SALLYPORT, "volume", "format", folder / "ours", "--key-file", folder / "key"],
                       check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["cryptsetup", "luksFormat", "-q", "--type", "luks2", "--key-file", "-", folder / "theirs"],
                       check=True, input=passphrase)
        ours, our_memory = timed([OPEN_VOLUME, folder / "ours", folder / "key"], 40)
        command, command_memory = timed([SALLYPORT, "volume", "test", folder / "ours", "--key-file", folder / "key"], 40)
        hundred = test_hundred(folder, lambda image: [OPEN_VOLUME, image, folder / "key"])
        by_command = test_hundred(folder, lambda image: [SALLYPORT, "volume", "test", image, "--key-file", folder / "key"])
        theirs, their_memory = timed(["cryptsetup", "open", "--test-passphrase", "--key-file", "-", folder / "theirs"],
                                     3, passphrase)
    other = f"{theirs * 1000:.0f} ms, {their_memory:.0f} MiB (cryptsetup, its defaults)"
    for what, seconds, memory, goal in (("open a random-key LUKS2 volume", ours, our_memory, 60),
                                        ("the same by `sallyport volume test`", command, command_memory, None)):
        ratio = round(theirs / seconds, 1)
        row = {"what": what, "ours": f"{seconds * 1000:.0f} ms, {memory:.0f} MiB", "other": other, "ratio": ratio}
        if goal is not None:
            met = ratio >= goal and seconds < 0.040 and memory < 16
            row |= {"goal": f">= {goal}, < 40 ms, < 16 MiB", "met": met}
        print(json.dumps(row))
    other = f"{100 * theirs:.0f} s (cryptsetup, its defaults, 100 times one)"
    for what, seconds, goal in (("test 100 random-key LUKS2 volumes", hundred, 5),
                                ("the same by `sallyport volume test`", by_command, None)):
        row = {"what": what, "ours": f"{seconds:.1f} s", "other": other, "ratio": round(100 * theirs / seconds, 1)}
        if goal is not None:
            row |= {"goal": f"< {goal} s", "met": seconds < goal}
        print(json.dumps(row))


if __name__ == "__main__":
    main()
