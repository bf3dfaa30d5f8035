#!/usr/bin/python3
"""Images there and back in user space, against the tools that operators use for it: 1 GiB of random bytes on tmpfs.

Every figure is the best of several runs, taken in turn so that a busy neighbour hits all alike: a run that was held up
says nothing about a program. `cp` is the bound: it moves the same bytes and computes nothing. No program flushes to a
disk here (tmpfs has none).
"""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

SALLYPORT = os.environ["SALLYPORT"]
KEY = bytes((7 * i * i + 31 * i + 5) % 251 for i in range(32))
SIZE = 1 << 30
ROUNDS = 3


def timed(command, makes, secret=None):
    makes.unlink(missing_ok=True)
    begin = time.monotonic()
    subprocess.run(command, check=True, input=secret, stdout=subprocess.DEVNULL)
    took = time.monotonic() - begin
    return took


def same(left, right):
    return subprocess.run(["cmp", "--silent", f"--bytes={SIZE}", left, right], check=False).returncode == 0


class Images:
    def __init__(self, folder):
        self.folder = folder
        self.raw, self.key = folder / "raw", folder / "key"
        self.key.write_bytes(KEY)
        self.passphrase = folder / "passphrase"
        self.passphrase.write_text(KEY.hex())
        with open(self.raw, "wb") as file:
            for _ in range(SIZE >> 20):
                file.write(os.urandom(1 << 20))

    def ours(self, verb, source, destination, *more):
        return [SALLYPORT, "volume", verb, source, destination, "--key-file", self.key, "--quiet", *more]

    def qemu(self, direction, source, destination, tasks):
        secret = ["--object", f"secret,id=s,file={self.passphrase}"]
        command = ["qemu-img", "convert", *secret, "-W", "-m", str(tasks)]
        if direction == "encrypt":
            return [*command, "-f", "raw", "-O", "luks", "-o", "key-secret=s,iter-time=10", source, destination]
        return [*command, "--image-opts", f"driver=luks,key-secret=s,file.filename={source}", "-O", "raw", destination]

    def reencrypt(self, image):
        """cryptsetup encrypts in place: it gets a copy, which is not timed, with room for the header behind it."""
        subprocess.run(["cp", self.raw, image], check=True)
        os.truncate(image, SIZE + (32 << 20))
        begin = time.monotonic()
        subprocess.run(["cryptsetup", "reencrypt", "--encrypt", "-q", "--type", "luks2", "--reduce-device-size", "32M",
                        "--pbkdf", "pbkdf2", "--pbkdf-force-iterations", "1000", "--cipher", "aes-xts-plain64",
                        "--key-size", "512", "--key-file", self.passphrase, image],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took = time.monotonic() - begin
        image.unlink()
        return took


def qemu_best(images, direction, source, best):
    """qemu-img fails at times when it calibrates its key derivation on a machine that is busy: it is asked again."""
    for tasks in (2, 8, 16):
        for attempt in range(5):
            try:
                took = timed(images.qemu(direction, source, images.folder / "theirs", tasks), images.folder / "theirs")
                best[tasks] = min(took, best.get(tasks, took))
                break
            except subprocess.CalledProcessError:
                if attempt == 4:
                    raise


def speed(seconds):
    return f"{SIZE / seconds / 1e6:.0f} MB/s"


def row(what, ours, other, name, goal):
    ratio = round(other / ours, 2)
    print(json.dumps({"what": what, "ours": speed(ours), "other": f"{speed(other)} ({name})", "ratio": ratio,
                      "goal": f">= {goal}", "met": ratio >= goal}))


def measure(images, folder):
    ours = {name: [] for name in ("encrypt", "encrypt LUKS1", "decrypt", "decrypt LUKS1", "cp", "reencrypt")}
    qemu = {"encrypt": {}, "decrypt": {}}
    luks1, luks2, back = folder / "luks1", folder / "luks2", folder / "back"
    for _ in range(ROUNDS):
        ours["cp"].append(timed(["cp", images.raw, back], back))
        ours["encrypt"].append(timed(images.ours("encrypt", images.raw, luks2), luks2))
        ours["encrypt LUKS1"].append(timed(images.ours("encrypt", images.raw, luks1, "--luks", "luks1"), luks1))
        ours["decrypt"].append(timed(images.ours("decrypt", luks2, back), back))
        assert same(back, images.raw)
        luks2.unlink()
        ours["decrypt LUKS1"].append(timed(images.ours("decrypt", luks1, back), back))
        assert same(back, images.raw)
        qemu_best(images, "encrypt", images.raw, qemu["encrypt"])
        qemu_best(images, "decrypt", luks1, qemu["decrypt"])
        for path in (luks1, back, folder / "theirs"):
            path.unlink()
        ours["reencrypt"].append(images.reencrypt(luks2))
    return {name: min(seconds) for name, seconds in ours.items()}, qemu


def main():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        best, qemu = measure(Images(folder), folder)
    for direction in ("encrypt", "decrypt"):
        tasks, seconds = min(qemu[direction].items(), key=lambda entry: entry[1])
        label = f"qemu-img convert -W -m {tasks}"
        row(f"volume {direction}, 1 GiB, LUKS1", best[direction + " LUKS1"], seconds, label, 2.5)
        row(f"volume {direction}, 1 GiB, LUKS2", best[direction], seconds, label, 2.5)
        row(f"volume {direction}, 1 GiB, LUKS2", best[direction], best["cp"], "cp", 0.75)
    row("volume encrypt, 1 GiB, LUKS2", best["encrypt"], best["reencrypt"], "cryptsetup reencrypt --encrypt", 1)


if __name__ == "__main__":
    main()
