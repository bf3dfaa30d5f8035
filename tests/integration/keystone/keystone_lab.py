"""A real Keystone (Debian's package) under uwsgi on loopback, with the users that the recorded exchanges need.

Its state is a folder of its own with an SQLite database; ports are free ones. What is started here is ended here, by pid.
Several servers may run on one state: start_server(expiration=3) gives tokens of three seconds that the others know too.
"""

import contextlib
import http.client
import json
import os
import sqlite3
import subprocess
import time
import urllib.parse
from pathlib import Path

import harness

PASSWORD = "labpass"
REGION = "RegionOne"
START_SECONDS = 90
# The distribution's interpreter and tools, not any private one found earlier in PATH.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
               "PYTHONDONTWRITEBYTECODE": "1"}

CONFIG = """[DEFAULT]
log_file = {folder}/keystone.log
use_stderr = false
[database]
connection = sqlite:///{folder}/keystone.db
[token]
provider = fernet
expiration = {expiration}
[fernet_tokens]
key_repository = {folder}/fernet-keys
[identity]
# bcrypt at its cheapest: no secret here is worth more
password_hash_rounds = 4
[cache]
# A token's validation costs hundreds of queries without it. Right with one process, which is what runs here.
enabled = true
backend = dogpile.cache.memory
expiration_time = 600
[oslo_messaging_notifications]
driver = noop
"""

# user -> (project, role). bystander is a role that no policy names.
ROLES = {"admin": "admin", "creator": "creator", "creator2": "creator", "observer": "observer", "audit": "audit",
         "norole": "bystander", "member": "member", "reader": "reader", "svcadmin": "key-manager:service-admin"}


def call(url, method, path, token=None, body=None):
    """One JSON request; (status, headers, parsed body)."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Auth-Token"] = token
    try:
        connection.request(method, parts.path + path, json.dumps(body) if body is not None else None, headers)
        reply = connection.getresponse()
        data = reply.read()
    finally:
        connection.close()
    return reply.status, reply.headers, json.loads(data) if data else None


class Server:
    """One uwsgi process on the state of a lab."""

    def __init__(self, lab, config, port):
        self.lab, self.config, self.port = lab, config, port
        self.url = f"http://127.0.0.1:{port}/v3"
        self.process = None

    def start(self):
        with open(self.lab.folder / f"uwsgi-{self.port}.log", "ab") as log:
            self.process = subprocess.Popen(
                ["uwsgi", "--plugin", "python3", "--master", "--lazy-apps", "--die-on-term", "--http-socket",
                 f"127.0.0.1:{self.port}", "--buffer-size", "65535", "--processes", "1", "--threads", "4",
                 "--enable-threads", "--thunder-lock", "--add-header", "Connection: close", "--disable-logging",
                 "--wsgi-file", "/usr/bin/keystone-wsgi-public"],
                env={**ENVIRONMENT, "OS_KEYSTONE_CONFIG_FILES": str(self.config)},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_until(self.answers, START_SECONDS, f"Keystone on port {self.port}")
        return self

    def answers(self):
        assert self.process.poll() is None, f"uwsgi ended; see {self.lab.folder}"
        try:
            return call(self.url, "GET", "")[0] == 200
        except OSError:
            return False

    def stop(self):
        if self.process is not None:
            harness.end_process(self.process)


class KeystoneLab:
    """The state, its servers, and what tests ask of it."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.servers = []
        self.admin_token = None
        self.server = None
        self.projects = {}
        self.users = {}
        self.roles = {}

    def start(self):
        for program, package in (("keystone-manage", "keystone"), ("uwsgi", "uwsgi-core uwsgi-plugin-python3")):
            harness.need(program, package)
        port = harness.free_port()
        config = self.write_config(3600)
        url = f"http://127.0.0.1:{port}/v3"
        self.manage(config, "db_sync")
        with contextlib.closing(sqlite3.connect(self.folder / "keystone.db")) as database:
            # Readers must not stand in the way of the writer of a revocation.
            database.execute("PRAGMA journal_mode=WAL")
        self.manage(config, "fernet_setup", "--keystone-user", "root", "--keystone-group", "root")
        self.manage(config, "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", REGION,
                    "--bootstrap-admin-url", url, "--bootstrap-public-url", url, "--bootstrap-internal-url", url)
        self.server = Server(self, config, port).start()
        self.servers.append(self.server)
        self.populate()
        return self

    def start_server(self, expiration):
        server = Server(self, self.write_config(expiration), harness.free_port())
        self.servers.append(server)
        return server.start()

    def stop(self):
        for server in self.servers:
            server.stop()

    def write_config(self, expiration):
        path = self.folder / f"keystone-{expiration}.conf"
        path.write_text(CONFIG.format(folder=self.folder, expiration=expiration))
        return path

    def manage(self, config, *arguments):
        harness.run(["keystone-manage", "--config-file", config, *arguments], env=ENVIRONMENT)

    # --- the Identity API --------------------------------------------------------------------------------------------

    def api(self, method, path, body=None):
        status, _, answer = call(self.server.url, method, path, self.admin_token, body)
        assert status < 300, f"{method} {path}: {status} {answer}"
        return answer

    def token(self, user, project="project_a", password=PASSWORD, server=None):
        """A fresh token of a user, scoped to a project of the lab."""
        status, headers, answer = call((server or self.server).url, "POST", "/auth/tokens", body={"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": user, "domain": {"id": "default"}, "password": password}}},
            "scope": {"project": {"name": project, "domain": {"id": "default"}}}}})
        assert status == 201, f"{user}: {status} {answer}"
        return headers["X-Subject-Token"]

    def revoke(self, token):
        parts = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        connection.request("DELETE", parts.path + "/auth/tokens",
                           headers={"X-Auth-Token": self.admin_token, "X-Subject-Token": token})
        assert connection.getresponse().status == 204
        connection.close()

    def ensure(self, kind, plural, body):
        found = self.api("GET", f"/{plural}?name={urllib.parse.quote(body['name'])}")[plural]
        return found[0]["id"] if found else self.api("POST", f"/{plural}", {kind: body})[kind]["id"]

    def grant(self, project, user, role):
        self.api("PUT", f"/projects/{self.projects[project]}/users/{self.users[user]}/roles/{self.roles[role]}")

    def populate(self):
        self.admin_token = self.token("admin", "admin")
        for role in {*ROLES.values(), "service"}:
            self.roles[role] = self.ensure("role", "roles", {"name": role})
        for project in ("project_a", "project_b", "service", "admin"):
            self.projects[project] = self.ensure("project", "projects", {"name": project, "domain_id": "default"})
        for letter in "ab":
            for who, role in ROLES.items():
                self.add_user(f"{letter}_{who}", f"project_{letter}", [role])
        self.add_user("barbican", "service", ["admin", "service"])

    def add_user(self, name, project, roles):
        self.users[name] = self.ensure("user", "users", {"name": name, "domain_id": "default", "password": PASSWORD})
        for role in roles:
            self.grant(project, name, role)

    def set_key_manager(self, url):
        """What the catalogue says where the key manager is."""
        service = self.ensure("service", "services", {"name": "barbican", "type": "key-manager"})
        for endpoint in self.api("GET", f"/endpoints?service_id={service}")["endpoints"]:
            self.api("DELETE", f"/endpoints/{endpoint['id']}")
        self.api("POST", "/endpoints", {"endpoint": {
            "service_id": service, "interface": "public", "region_id": REGION, "url": url}})

    def openstack(self, user, project, *arguments):
        """The real `openstack` client; its JSON output."""
        environment = {**ENVIRONMENT, "OS_AUTH_URL": self.server.url, "OS_IDENTITY_API_VERSION": "3",
                       "OS_REGION_NAME": REGION, "OS_USERNAME": user, "OS_PASSWORD": PASSWORD,
                       "OS_PROJECT_NAME": project, "OS_USER_DOMAIN_ID": "default", "OS_PROJECT_DOMAIN_ID": "default",
                       "HOME": str(self.folder), "no_proxy": "*"}
        harness.need("openstack", "python3-openstackclient python3-barbicanclient")
        return json.loads(harness.run(["/usr/bin/python3", "/usr/bin/openstack", *arguments, "-f", "json"],
                                      env=environment))


def keystone_section(lab, folder, server=None, **options):
    """The section auth.keystone of an agent that asks this lab."""
    password = Path(folder) / "keystone.password"
    if not password.exists():
        descriptor = os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        with os.fdopen(descriptor, "w") as file:
            file.write(PASSWORD + "\n")
    return {"url": (server or lab.server).url, "username": "barbican", "password_file": str(password), **options}


def wait_over(seconds):
    """Lets a bounded life in the agent's cache pass; there is nothing to poll."""
    time.sleep(seconds)
