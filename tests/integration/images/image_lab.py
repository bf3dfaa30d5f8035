"""A private RabbitMQ and a Glance behind the Keystone of keystone_lab.py, from Debian's packages."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import harness

sys.path.insert(0, str(harness.ROOT / "tests/integration/keystone"))
import keystone_lab  # pylint: disable=wrong-import-position

START_SECONDS = 120
USER, PASSWORD, VHOST = "glance", "broker-password", "openstack"


def write_private(path, text):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def make_certificates(folder):
    """An authority, and a certificate of it for localhost."""
    def openssl(*arguments):
        harness.run(["openssl", *arguments], cwd=folder)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test authority",
            "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "server.ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30",
            "-extfile", "server.ext", "-out", "server.pem")


class RabbitMq:
    """One node with its own epmd; nothing of the packaged configuration."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir()
        harness.need("/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server")
        self.port, self.tls_port = harness.free_port(), harness.free_port()
        self.epmd_port, distribution = harness.free_port(), harness.free_port()
        make_certificates(self.folder)
        (self.folder / "enabled_plugins").write_text("[].")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlisteners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.folder}/ca.pem\nssl_options.certfile = {self.folder}/server.pem\n"
            f"ssl_options.keyfile = {self.folder}/server.key\nssl_options.verify = verify_none\n"
            f"default_user = {USER}\ndefault_pass = {PASSWORD}\ndefault_vhost = {VHOST}\n"
            "log.console = false\ndisk_free_limit.absolute = 50MB\n")
        loopback = "-kernel inet_dist_use_interface {127,0,0,1}"
        self.environment = {
            **keystone_lab.ENVIRONMENT, "HOME": str(self.folder), "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1", "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "advanced.config"),
            # Two nodes of one name on a machine would be a cluster's quarrel; each has its own epmd, and its own name.
            "RABBITMQ_NODENAME": f"sallyport{self.port}@localhost", "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"), "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_PID_FILE": str(self.folder / "rabbit.pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(self.folder / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(self.folder / "schema"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": loopback, "RABBITMQ_CTL_ERL_ARGS": loopback,
            # Makes the start script exec the virtual machine: the process that is started is the one that ends.
            "RUNNING_UNDER_SYSTEMD": "1"}
        self.epmd = self.process = None

    def url(self, tls=True):
        scheme, port = ("amqps", self.tls_port) if tls else ("amqp", self.port)
        return f"{scheme}://{USER}:{PASSWORD}@localhost:{port}/{VHOST}"

    def launch(self):
        """Starts the node and returns at once: it takes its time."""
        with open(self.folder / "stdout.log", "ab") as log:
            if self.epmd is None:
                # Or the virtual machine would start one that nobody ends.
                self.epmd = subprocess.Popen(["epmd"], env=self.environment, stdout=log, stderr=log)
                harness.wait_until(lambda: harness.listens(self.epmd_port), START_SECONDS, "epmd")
            self.process = subprocess.Popen(["/usr/lib/rabbitmq/bin/rabbitmq-server"], env=self.environment,
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self

    def wait(self):
        harness.wait_until(self.serves_or_died, START_SECONDS, f"RabbitMQ; see {self.folder}")
        assert self.process.poll() is None, (self.folder / "stdout.log").read_text()
        return self

    def serves_or_died(self):
        return self.process.poll() is not None or harness.listens(self.tls_port)

    def stop(self):
        """The node alone; start() begins it anew with what it kept."""
        if self.process is not None:
            harness.end_process(self.process, 60)

    def end(self):
        self.stop()
        if self.epmd is not None:
            harness.end_process(self.epmd)

    def channel(self):
        import pika  # pylint: disable=import-outside-toplevel
        connection = pika.BlockingConnection(pika.URLParameters(self.url(tls=False)))
        return connection.channel()


GLANCE = """[DEFAULT]
bind_host = 127.0.0.1
bind_port = {port}
workers = 0
log_file = {folder}/glance.log
use_stderr = false
enabled_backends = fs:file
enforce_secure_rbac = false
default_publisher_id = image.localhost
transport_url = {transport}
[database]
connection = sqlite:///{folder}/glance.db
[glance_store]
default_backend = fs
[fs]
filesystem_store_datadir = {folder}/images
[os_glance_staging_store]
filesystem_store_datadir = {folder}/staging
[os_glance_tasks_store]
filesystem_store_datadir = {folder}/tasks
[oslo_concurrency]
lock_path = {folder}/lock
[oslo_messaging_notifications]
driver = messagingv2
topics = notifications
[oslo_policy]
enforce_new_defaults = false
enforce_scope = false
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
username = glance
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
[key_manager]
backend = barbican
[barbican]
barbican_endpoint = {key_manager}
auth_endpoint = {keystone}
[paste_deploy]
flavor = keystone
config_file = {folder}/paste.ini
"""


class Glance:
    """The Glance API under its own server, one process."""

    def __init__(self, folder, keystone, rabbit, key_manager):
        self.folder = Path(folder)
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        harness.need("glance-api", "glance-api")
        for name in ("images", "staging", "tasks", "lock"):
            (self.folder / name).mkdir(parents=True)
        packaged = Path("/usr/share/glance-common/glance-api-paste.ini").read_text()
        (self.folder / "paste.ini").write_text("".join(
            f"disable_by_file_path = {self.folder}/disable\n" if line.startswith("disable_by_file_path") else line
            for line in packaged.splitlines(keepends=True)))
        keystone.add_user("glance", "service", ["admin", "service"])
        self.config = self.folder / "glance-api.conf"
        self.config.write_text(GLANCE.format(
            port=self.port, folder=self.folder, keystone=keystone.server.url, password=keystone_lab.PASSWORD,
            transport=rabbit.url(tls=False).replace("amqp:", "rabbit:"), key_manager=key_manager))
        harness.run(["glance-manage", "--config-file", self.config, "db_sync"], env=keystone_lab.ENVIRONMENT)
        self.process = None

    def start(self):
        with open(self.folder / "stdout.log", "ab") as log:
            self.process = subprocess.Popen(["/usr/bin/glance-api", "--config-file", str(self.config)],
                                            env=keystone_lab.ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_until(self.answers_or_died, START_SECONDS, f"Glance; see {self.folder}")
        assert self.process.poll() is None, (self.folder / "stdout.log").read_text()
        return self

    def answers_or_died(self):
        if self.process.poll() is not None:
            return True
        try:
            with urllib.request.urlopen(self.url + "/healthcheck", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def stop(self):
        if self.process is not None:
            harness.end_process(self.process, 30)

    def call(self, token, method, path, body=None, data=None):
        """(status, parsed body)."""
        request = urllib.request.Request(self.url + path, method=method, data=data, headers={"X-Auth-Token": token})
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        elif data is not None:
            request.add_header("Content-Type", "application/octet-stream")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                text = answer.read()
                return answer.status, json.loads(text) if text else None
        except urllib.error.HTTPError as error:
            return error.code, None
