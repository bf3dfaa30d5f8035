"""Debian's Barbican under uwsgi with simple_crypto on a MariaDB of its own. What is started here is ended here, by pid."""

import base64
import os
import subprocess
from pathlib import Path

import harness

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
PASTE = "/usr/share/barbican-common/barbican-api-paste.ini"

CONFIG = """[DEFAULT]
host_href = http://127.0.0.1:{port}
sql_connection = mysql+pymysql://root@localhost/barbican?unix_socket={socket}&charset=utf8
db_auto_create = false
log_file = {folder}/barbican.log
use_stderr = false
[keystone_authtoken]
www_authenticate_uri = {keystone}
auth_url = {keystone}
auth_type = password
username = barbican
password = {password}
project_name = service
user_domain_id = default
project_domain_id = default
token_cache_time = 300
[queue]
enable = false
[secretstore]
enabled_secretstore_plugins = store_crypto
[crypto]
enabled_crypto_plugins = simple_crypto
[simple_crypto_plugin]
kek = {kek}
"""


class MariaDb:
    """One server on a UNIX socket, durable at every commit."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.socket = self.folder / "sock"
        self.process = None

    def start(self):
        harness.need("mariadbd", "mariadb-server")
        user = f"--user={'root' if os.getuid() == 0 else os.environ['USER']}"
        harness.run(["mariadb-install-db", "--no-defaults", user, f"--datadir={self.folder}/data",
                     "--auth-root-authentication-method=normal", "--skip-test-db"], env=ENVIRONMENT)
        with open(self.folder / "mariadbd.log", "ab") as log:
            self.process = subprocess.Popen(
                [harness.need("mariadbd", "mariadb-server"), "--no-defaults", user, f"--datadir={self.folder}/data",
                 f"--socket={self.socket}", "--skip-networking", "--skip-log-bin", "--innodb-buffer-pool-size=256M",
                 "--innodb-flush-log-at-trx-commit=1", "--max-connections=300", "--character-set-server=utf8mb3"],
                env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_until(self.answers, 60, "MariaDB")
        return self

    def answers(self):
        assert self.process.poll() is None, f"mariadbd ended; see {self.folder}/mariadbd.log"
        return subprocess.run(["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"],
                              env=ENVIRONMENT, capture_output=True, check=False).returncode == 0

    def sql(self, text, database=""):
        return harness.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "-N", database],
                           env=ENVIRONMENT, input=text.encode()).decode()

    def stop(self):
        if self.process is not None:
            harness.end_process(self.process)


class Barbican:
    """The API with two workers, as Debian's package runs it: one connection a request."""

    def __init__(self, folder, keystone_url, password):
        self.folder = Path(folder)
        self.keystone_url, self.password = keystone_url, password
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = MariaDb(self.folder)
        self.process = None

    def start(self):
        harness.need("barbican-manage", "barbican-common barbican-api")
        self.database.start()
        self.database.sql("CREATE DATABASE barbican CHARACTER SET utf8mb3")
        home = self.folder / "home"
        (home / ".barbican").mkdir(parents=True)
        (home / ".barbican/barbican.conf").write_text(CONFIG.format(
            port=self.port, socket=self.database.socket, folder=self.folder, keystone=self.keystone_url,
            password=self.password, kek=base64.urlsafe_b64encode(os.urandom(32)).decode()))
        environment = {**ENVIRONMENT, "HOME": str(home)}
        harness.run(["barbican-manage", "db", "upgrade"], env=environment)
        paste = self.folder / "paste.ini"
        paste.write_text("\n".join("/v1: barbican-api-keystone" if line.startswith("/v1:") else line
                                   for line in Path(PASTE).read_text().splitlines()))
        application = self.folder / "app.wsgi"
        application.write_text(f"from paste import deploy\napplication = deploy.loadapp('config:{paste}')\n")
        with open(self.folder / "uwsgi.log", "ab") as log:
            self.process = subprocess.Popen(
                ["uwsgi", "--plugin", "python3", "--master", "--lazy-apps", "--die-on-term", "--http-socket",
                 f"127.0.0.1:{self.port}", "--add-header", "Connection: close", "--buffer-size", "65535", "--processes", "2",
                 "--threads", "1", "--enable-threads", "--thunder-lock", "--listen", "100", "--disable-logging",
                 "--wsgi-file", str(application)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_until(lambda: harness.listens(self.port), 60, "Barbican to listen")
        return self

    def stop(self):
        if self.process is not None:
            harness.end_process(self.process)
        self.database.stop()
