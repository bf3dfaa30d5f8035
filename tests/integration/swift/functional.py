#!/usr/bin/python3
"""Swift's own functional tests through two proxies over one cluster, with Swift's encryption and with ours: the same tests
must pass. They are in no binary package, so this is not one of the tests that ctest runs:

    apt-get source swift && apt-get install --no-install-recommends python3-mock python3-pytest python3-boto python3-boto3
    SALLYPORT=build/release/bin/sallyport PYTHONPATH=tests/integration tests/integration/swift/functional.py swift-2.30.1 \\
        [test_slo.py ...]                                                            (default: those about objects)

Prints a line a module, then what differs; exit status 1 if something does."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pipeline_test
import swift_agent
import swift_lab

ABOUT_OBJECTS = ("test_object.py", "test_slo.py", "test_dlo.py", "test_symlink.py", "test_versioned_writes.py",
                 "test_object_versioning.py", "test_tempurl.py", "test_staticweb.py", "test_container.py", "tests.py",
                 "s3api/test_object.py", "s3api/test_multi_upload.py", "s3api/test_multi_delete.py", "s3api/test_bucket.py",
                 "s3api/test_presigned.py", "s3api/test_versioning.py")


# Sealed metadata under long names are more than ext4 has room for beside a file (4 KiB): tmpfs takes them, as XFS does.
MEMORY = "/dev/shm"
# There is one server of each kind: taken out of use for a minute because of its errors, it would fail everything after them.
PROXY = {"error_suppression_limit": 1_000_000}


class Scope:
    """What is to be cleaned up when the script ends."""

    def __init__(self):
        self.steps = []

    def addCleanup(self, step, *arguments, **options):  # pylint: disable=invalid-name
        self.steps.append((step, arguments, options))

    def close(self):
        while self.steps:
            step, arguments, options = self.steps.pop()
            step(*arguments, **options)


def write_config(path, port):
    path.write_text(f"""[func_test]
auth_uri = http://127.0.0.1:{port}/auth/v1.0
s3_storage_url = http://127.0.0.1:{port}/
s3_region = us-east-1
account = test
username = tester
password = testing
s3_access_key = test:tester
s3_secret_key = testing
account2 = test2
username2 = tester2
password2 = testing2
username3 = tester3
password3 = testing3
account5 = test5
username5 = tester5
password5 = testing5
collate = C
[unit_test]
fake_syslog = False
""")


def outcomes(source, tests, config, folder):
    """Test name -> passed, failed, skipped or error. `tests`: a module, or one test of it as pytest names it."""
    done = subprocess.run(
        ["/usr/bin/python3", "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", "--tb=line",
         tests],
        cwd=source, capture_output=True, check=False, text=True,
        env={**os.environ, "SWIFT_TEST_CONFIG_FILE": str(config), "PYTHONPATH": str(source),
             "PYTHONDONTWRITEBYTECODE": "1", "SWIFT_TEST_IN_PROCESS": "0"})
    log = re.sub(r"\W+", "-", tests.removeprefix("test/functional/"))
    (folder / f"{config.stem}-{log}.log").write_text(done.stdout + done.stderr)
    found = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) (?:\[\d+\] )?(\S+)", done.stdout, re.MULTILINE)
    return {name: outcome for outcome, name in found}


def main(source, modules):
    scope, folder = Scope(), Path(tempfile.mkdtemp(prefix="swift-functional-"))
    differing = 0
    try:
        devices = tempfile.mkdtemp(prefix="swift-functional-", dir=MEMORY)
        scope.addCleanup(shutil.rmtree, devices, ignore_errors=True)
        cluster = swift_lab.Cluster(scope, devices)
        agent = swift_agent.start_agent(scope, pipeline_test.SECRETS)
        proxies = {"stock": cluster.proxy("keymaster encryption", "stock", default=PROXY, keymaster=pipeline_test.keymaster_conf()),
                   "ours": cluster.proxy("sallyport", "ours", default=PROXY, sallyport={"agent_socket": agent.unix_path})}
        for name, proxy in proxies.items():
            write_config(folder / f"{name}.conf", proxy.port)
        for module in modules:
            results = {name: outcomes(source, f"test/functional/{module}", folder / f"{name}.conf", folder) for name in proxies}
            counts = {name: {kind: list(result.values()).count(kind) for kind in ("PASSED", "FAILED", "ERROR", "SKIPPED")}
                      for name, result in results.items()}
            print(module, " ".join(f"{name}: {counts[name]}" for name in proxies), flush=True)
            for test in sorted({*results["stock"], *results["ours"]}):
                stock, ours = (results[name].get(test, "missing") for name in ("stock", "ours"))
                if stock != ours:
                    # Once more: on a loaded machine either may have got a 503 from a server behind it.
                    stock, ours = (outcomes(source, test, folder / f"{name}.conf", folder).get(test, "missing")
                                   for name in ("stock", "ours"))
                if stock != ours:
                    differing += 1
                    print(f"  {test}: stock {stock}, ours {ours}", flush=True)
        print(f"output of all tests: {folder}")
    finally:
        scope.close()
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:] or ABOUT_OBJECTS))
