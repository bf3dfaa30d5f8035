"""A real Swift on loopback for tests: account, container and object servers, memcached, and any number of proxies with
pipelines of their own over the same rings. Everything is in a temporary folder and ends with the test.

    cluster = swift_lab.Cluster(test)                      # or a class: Cluster(swift_lab.of_class(cls))
    stock = cluster.proxy("keymaster encryption", keymaster={"encryption_root_secret": ...})
    ours = cluster.proxy("sallyport", sallyport={"agent_socket": ...})
    client = stock.client()
    client.request("PUT", "c/o", {"X-Object-Meta-A": "b"}, b"body").status
"""

import getpass
import http.client
import os
import signal
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import harness

PYTHON = "/usr/bin/python3"
HERE = Path(__file__).resolve().parent
# Where the build leaves the filter.
FILTER_FOLDER = Path(harness.SALLYPORT).resolve().parents[1] / "python"
READY_SECONDS = 60

PIPELINE = ("catch_errors gatekeeper healthcheck proxy-logging cache listing_formats bulk tempurl s3api tempauth staticweb "
            "copy container-quotas account-quotas slo dlo versioned_writes symlink {} proxy-logging proxy-server")
FILTERS = {
    "catch_errors": {}, "gatekeeper": {}, "healthcheck": {}, "listing_formats": {}, "bulk": {}, "tempurl": {},
    "staticweb": {}, "copy": {}, "dlo": {}, "symlink": {},
    "proxy-logging": {"use": "egg:swift#proxy_logging", "access_log_headers": "false"},
    "cache": {"use": "egg:swift#memcache"},
    "s3api": {"s3_acl": "no"},
    "container-quotas": {"use": "egg:swift#container_quotas"},
    "account-quotas": {"use": "egg:swift#account_quotas"},
    "slo": {"min_segment_size": "1"},
    "versioned_writes": {"allow_versioned_writes": "true", "allow_object_versioning": "true"},
    "tempauth": {"user_test_tester": "testing .admin", "user_test2_tester2": "testing2 .admin",
                 "user_test_tester3": "testing3", "user_test_tester2": "testing2 .admin", "user_admin_admin": "admin .admin .reseller_admin",
                 "user_test5_tester5": "testing5 service", "reseller_prefix": "AUTH, SERVICE",
                 "SERVICE_require_group": "service"},
    "keymaster": {}, "kms_keymaster": {}, "encryption": {},
    "sallyport": {"use": "egg:sallyport_swift#sallyport"},
}


class of_class:  # pylint: disable=invalid-name
    """What harness takes for a test, for things that live as long as a test class."""

    def __init__(self, test_class):
        self.addCleanup = test_class.addClassCleanup  # pylint: disable=invalid-name


def need_swift():
    try:
        import swift.proxy.server  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
    except ImportError as missing:
        raise AssertionError("apt-get install --no-install-recommends python3-swift (or ./dev deps)") from missing
    return harness.need("memcached", "memcached")


def ini(sections):
    return "\n".join("\n".join([f"[{name}]"] + [f"{key} = {value}" for key, value in options.items()]) + "\n"
                     for name, options in sections.items())


class Cluster:
    """The storage side. `folder`: where objects are kept; two storage policies, as Swift's own tests expect."""

    def __init__(self, test, folder=None):
        self.test = test
        self.memcached = need_swift()
        self.folder = Path(folder or harness.temporary_folder(test))
        self.ports = {kind: harness.free_port() for kind in ("account", "container", "object", "memcached")}
        self.processes = {}
        (self.folder / "srv/d1").mkdir(parents=True, exist_ok=True)
        (self.folder / "cache").mkdir(exist_ok=True)
        self.write_swift_conf()
        self.make_rings()
        self.start("memcached", [self.memcached, "-u", getpass.getuser(), "-l", "127.0.0.1", "-p",
                                 self.ports["memcached"], "-m", "32"])
        for kind in ("account", "container", "object"):
            self.start_server(kind, kind, self.ports[kind], {
                "pipeline:main": {"pipeline": f"{kind}-server"}, f"app:{kind}-server": {"use": f"egg:swift#{kind}"}})
        for port in self.ports.values():
            harness.wait_until(lambda port=port: harness.listens(port), READY_SECONDS, f"port {port}\n{self.logs()}")

    def write_swift_conf(self):
        (self.folder / "swift.conf").write_text(ini({
            "swift-hash": {"swift_hash_path_suffix": "suffix", "swift_hash_path_prefix": "prefix"},
            "storage-policy:0": {"name": "gold", "default": "yes"}, "storage-policy:1": {"name": "silver"}}))

    def make_rings(self):
        from swift.common.ring import RingBuilder  # pylint: disable=import-outside-toplevel
        for ring in ("account", "container", "object", "object-1"):
            builder = RingBuilder(4, 1, 0)
            builder.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": self.ports[ring.split("-")[0]],
                             "device": "d1", "weight": 1.0})
            builder.rebalance()
            builder.get_ring().save(str(self.folder / f"{ring}.ring.gz"))

    def start_server(self, name, kind, port, sections, environment=None):
        default = {"bind_ip": "127.0.0.1", "bind_port": port, "workers": 1, "user": getpass.getuser(),
                   "swift_dir": self.folder, "devices": self.folder / "srv", "mount_check": "false",
                   "disable_fallocate": "true", "recon_cache_path": self.folder / "cache", "log_name": name,
                   "log_address": self.folder / "no-syslog"}
        conf = self.folder / f"{name}.conf"
        conf.write_text(ini({"DEFAULT": default, **sections}))
        self.start(name, [PYTHON, HERE / "swift_server.py", self.folder, kind, conf], environment)

    def start(self, name, command, environment=None):
        """In a session of its own: Swift's servers signal their whole group when they end."""
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdout=log, stderr=log, start_new_session=True,
                                       env={**os.environ, **(environment or {})})
        self.processes[name] = process
        self.test.addCleanup(end_group, process)

    def logs(self):
        return "\n".join(f"--- {path.name}\n{path.read_text(errors='replace')[-2000:]}"
                         for path in sorted(self.folder.glob("*.log")))

    def proxy(self, crypto, name=None, pipeline=PIPELINE, default=None, **options):
        """A proxy whose pipeline has the filters `crypto` where encryption stands. `options`: of filters, by name."""
        name = name or f"proxy-{len(self.processes)}"
        port = harness.free_port()
        filters = pipeline.format(crypto).split()
        sections = {"pipeline:main": {"pipeline": " ".join(filters)},
                    "app:proxy-server": {"use": "egg:swift#proxy", "account_autocreate": "true",
                                         "allow_account_management": "true", "node_timeout": 60, **(default or {})}}
        for filter_name in filters[:-1]:
            settings = {"use": f"egg:swift#{filter_name}", **FILTERS[filter_name], **options.get(filter_name, {})}
            sections[f"filter:{filter_name}"] = settings
        sections["filter:cache"]["memcache_servers"] = f"127.0.0.1:{self.ports['memcached']}"
        path = os.pathsep.join([str(FILTER_FOLDER), os.environ.get("PYTHONPATH", "")])
        self.start_server(name, "proxy", port, sections, {"PYTHONPATH": path})
        harness.wait_until(lambda: harness.listens(port) or not self.is_running(name), READY_SECONDS,
                           f"the proxy\n{self.logs()}")
        if not self.is_running(name):
            raise AssertionError(f"the proxy did not start\n{self.logs()}")
        return Proxy(self, name, port)

    def is_running(self, name):
        return self.processes[name].poll() is None

    def stop(self, name):
        end_group(self.processes[name])

    def stored(self, suffix=".data"):
        """The files of all objects, wherever they are on the disk."""
        return [path for path in (self.folder / "srv/d1").rglob(f"*{suffix}") if "objects" in str(path)]


def end_group(process):
    """TERM to the server, which ends its workers; what is left of its group after that is killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(harness.STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


@dataclass
class Proxy:
    cluster: Cluster
    name: str
    port: int

    def client(self, user="test:tester", key="testing"):
        return Client(self.port, user, key)

    def stop(self):
        self.cluster.stop(self.name)


def quoted(path):
    """A path of text or bytes, percent-encoded; slashes stay."""
    return urllib.parse.quote(path, safe="/")


class Client:
    """One keep-alive connection to a proxy, logged in. Paths are "container/object", as text."""

    def __init__(self, port, user, key):
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        answer = harness.exchange(self.connection, "GET", "/auth/v1.0", headers={"X-Auth-User": user, "X-Auth-Key": key})
        assert answer.status == 200, answer
        self.token = answer.headers["x-auth-token"]
        self.account = urllib.parse.urlsplit(answer.headers["x-storage-url"]).path

    def request(self, method, path, headers=None, body=None, query=""):
        target = self.account + ("/" + quoted(path) if path else "") + query
        headers = {name: value.encode() if isinstance(value, str) else value for name, value in (headers or {}).items()}
        headers["X-Auth-Token"] = self.token
        if body is None and method in ("PUT", "POST"):
            body = b""
        try:
            return harness.exchange(self.connection, method, target, body, headers)
        except (http.client.BadStatusLine, ConnectionError, http.client.CannotSendRequest):
            # Swift closes connections after some errors, and idle ones.
            self.connection.close()
            return harness.exchange(self.connection, method, target, body, headers)

    def info(self):
        return harness.exchange(self.connection, "GET", "/info").json()


if __name__ == "__main__":
    sys.exit("a library: see the tests beside it")
