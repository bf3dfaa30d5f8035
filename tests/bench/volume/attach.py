#!/usr/bin/python3
"""A volume attached by the agent (key fetched, volume opened and mapped) against os-brick's encryptor with its defaults,
both in user-mode Linux with its real dm-crypt: see inside/attach.py, which measures. Packages: those of tests/integration/uml
and python3-os-brick.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["SALLYPORT_ROOT"])
HERE = Path(__file__).resolve().parent


def main():
    with tempfile.TemporaryDirectory() as name:
        disk = Path(name) / "disk"
        disk.touch()
        os.truncate(disk, 64 << 20)
        done = subprocess.run([ROOT / "tests/integration/uml/run.sh", "-t", "300", "-m", "2048M", "-e",
                               "SALLYPORT=" + os.environ["SALLYPORT"], HERE / "inside/attach.py", disk],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    seconds = json.loads(done.stdout.splitlines()[-1])
    for provider in ("luks", "luks2"):
        ours, other = seconds["ours"][provider], seconds["os-brick"][provider]
        ratio = round(other / ours, 1)
        print(json.dumps({"what": f"attach a volume of provider {provider}, user-mode Linux", "ours": f"{ours * 1000:.0f} ms",
                          "other": f"{other * 1000:.0f} ms (os-brick)", "ratio": ratio, "goal": ">= 10", "met": ratio >= 10}))


if __name__ == "__main__":
    main()
