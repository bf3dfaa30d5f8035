"""MariaDB (alone or three as a Galera cluster) and PostgreSQL from Debian's packages, on loopback, private to a test.

    server = MariaDb(folder).start(); test.addCleanup(server.stop); server.create("keys")
    server.url("keys")              # for our configuration, without a password; server.password_file has it
    server.url("keys", "labpass")   # for SQLAlchemy

State is in the folder given, ports are free ones, nothing is ended but what was started here. Both refuse to run as
root, so as root they run as the users that their packages made, and the folder has to let those pass.
"""

import os
import shutil
import subprocess
from pathlib import Path

import harness

PASSWORD = "labpass"
USER = "barbican"
PG_BIN = Path("/usr/lib/postgresql/15/bin")


def run_as(user):
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if os.getuid() == 0 else []


def prepare_folder(folder, user):
    """A folder of that user's, and a way to it through our temporary one."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folder.parent.chmod(folder.parent.stat().st_mode | 0o011)
    if os.getuid() == 0:
        shutil.chown(folder, user, user)
    return folder


class Server:
    """What both have in common."""
    scheme = ""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port = harness.free_port()
        self.process = None
        self.password_file = self.folder.parent / f"{self.folder.name}.password"

    def write_password(self):
        if not self.password_file.exists():
            self.password_file.touch(0o600)
            self.password_file.write_text(PASSWORD + "\n")

    def url(self, database, password=None):
        secret = f":{password}" if password else ""
        return f"{self.scheme}://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def kill(self):
        """kill -9, as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            harness.end_process(self.process)

    def launch(self, command):
        with open(self.folder.parent / f"{self.folder.name}.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)


class MariaDb(Server):
    scheme = "mysql+pymysql"
    galera = ""

    def prepare(self):
        harness.need("mariadbd", "mariadb-server")
        harness.need("mariadb-install-db", "mariadb-server")
        self.write_password()
        prepare_folder(self.folder, "mysql")
        self.config = self.folder.parent / f"{self.folder.name}.cnf"
        self.config.write_text(f"""[mysqld]
{"user = mysql" if os.getuid() == 0 else ""}
datadir = {self.folder}/data
socket = {self.socket}
pid_file = {self.folder}/pid
tmpdir = {self.folder}
bind_address = 127.0.0.1
port = {self.port}
skip_name_resolve = 1
skip_log_bin = 1
max_connections = 200
binlog_format = ROW
innodb_autoinc_lock_mode = 2
innodb_buffer_pool_size = 48M
innodb_log_file_size = 24M
{self.galera}
""")

    @property
    def socket(self):
        return self.folder / "sock"

    def install(self):
        user = ["--user=mysql"] if os.getuid() == 0 else []
        harness.run(["mariadb-install-db", "--no-defaults", *user, f"--datadir={self.folder}/data",
                     "--auth-root-authentication-method=normal", "--skip-test-db"])

    def start(self, *options):
        self.prepare()
        if not (self.folder / "data" / "mysql").exists() and "--joins" not in options:
            self.install()
        self.launch(["mariadbd", f"--defaults-file={self.config}", *[o for o in options if o != "--joins"]])
        harness.wait_until(self.answers, 60, f"mariadbd on port {self.port}")
        return self

    def sql(self, text, database=""):
        """Runs SQL as root; the answer's lines."""
        done = harness.run(["mariadb", "--no-defaults", "--connect-timeout=5", f"--socket={self.socket}", "-uroot",
                            "-Nse", text, *([database] if database else [])])
        return done.decode().splitlines()

    def answers(self):
        assert self.process.poll() is None, f"mariadbd ended; see {self.folder}.log"
        try:
            return self.sql("SELECT 1") == ["1"]
        except AssertionError:
            return False

    def create(self, *databases):
        for name in databases:
            self.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb3;"
                     f"CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';"
                     f"GRANT ALL ON {name}.* TO '{USER}'@'127.0.0.1'")

    def dump_schema(self, database):
        """The tables as text, without ours: they and our indexes begin with sp_. Columns keep their order, keys have
        none that means anything."""
        text = harness.run(["mariadb-dump", "--no-defaults", f"--socket={self.socket}", "-uroot", "--no-data",
                            "--skip-comments", "--compact", database]).decode()
        lines = []
        for statement in text.split(";\n"):
            if not statement.startswith("CREATE TABLE") or statement.startswith("CREATE TABLE `sp_"):
                continue
            parts = [line.rstrip(",") for line in statement.splitlines() if "`sp_" not in line]
            lines += [part for part in parts if " KEY " not in part] + sorted(p for p in parts if " KEY " in p)
        return lines


class PostgreSql(Server):
    scheme = "postgresql"

    def start(self):
        if not (PG_BIN / "postgres").exists():
            raise AssertionError("PostgreSQL is missing: apt-get install --no-install-recommends postgresql-15")
        self.write_password()
        prepare_folder(self.folder, "postgres")
        data = self.folder / "data"
        if not data.exists():
            words = self.folder.parent / "pg.words"
            words.write_text(PASSWORD)
            words.chmod(0o644)
            harness.run([*run_as("postgres"), PG_BIN / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8",
                         "--locale=C.UTF-8", f"--pwfile={words}", "--auth-local=trust", "--auth-host=scram-sha-256",
                         "--no-sync"], cwd="/")
        self.launch([*run_as("postgres"), PG_BIN / "postgres", "-D", data, "-p", self.port, "-h", "127.0.0.1", "-k",
                     self.folder, "-c", "shared_buffers=32MB", "-c", "max_connections=100"])
        harness.wait_until(self.answers, 60, f"postgres on port {self.port}")
        return self

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(2)  # TERM would wait for every client
            self.process.wait(120)  # its checkpoint writes all that is dirty

    def sql(self, text, database="postgres"):
        done = harness.run([PG_BIN / "psql", "-h", self.folder, "-p", self.port, "-U", "postgres", "-d", database,
                            "-v", "ON_ERROR_STOP=1", "-Atc", text])
        return done.decode().splitlines()

    def answers(self):
        assert self.process.poll() is None, f"postgres ended; see {self.folder}.log"
        try:
            return self.sql("SELECT 1") == ["1"]
        except AssertionError:
            return False

    def create(self, *databases):
        if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'"):
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        for name in databases:
            self.sql(f"CREATE DATABASE {name} OWNER {USER}")

    def dump_schema(self, database):
        lines = harness.run([PG_BIN / "pg_dump", "-h", self.folder, "-p", self.port, "-U", "postgres", "-s",
                             "--no-owner", "-T", "sp_*", database]).decode().splitlines()
        # A backslash begins a word of psql's that differs from dump to dump.
        return [line for line in lines if line and not line.startswith(("--", "\\")) and "sp_ix_" not in line]


class GaleraNode(MariaDb):
    """One of a cluster."""

    def __init__(self, cluster, number):
        super().__init__(cluster.folder / f"node{number}")
        self.cluster, self.number = cluster, number
        self.group, self.ist, self.sst = (harness.free_port() for _ in range(3))
        self.password_file = cluster.folder / "database.password"

    def prepare(self):
        members = ",".join(f"127.0.0.1:{node.group}" for node in self.cluster.nodes)
        # A dead member is expelled after a second instead of five: the test does not have all day.
        self.galera = f"""wsrep_on = ON
wsrep_provider = /usr/lib/galera/libgalera_smm.so
wsrep_cluster_name = sallyport
wsrep_cluster_address = gcomm://{members}
wsrep_node_name = node{self.number}
wsrep_node_address = 127.0.0.1:{self.group}
wsrep_node_incoming_address = 127.0.0.1:{self.port}
wsrep_sst_method = rsync
wsrep_sst_receive_address = 127.0.0.1:{self.sst}
wsrep_provider_options = "gmcast.listen_addr=tcp://127.0.0.1:{self.group};ist.recv_addr=127.0.0.1:{self.ist};\
ist.recv_bind=127.0.0.1;gcache.size=64M;evs.suspect_timeout=PT1S;evs.inactive_timeout=PT3S;\
evs.inactive_check_period=PT0.2S;evs.keepalive_period=PT0.3S"
"""
        super().prepare()
        (self.folder / "data").mkdir(exist_ok=True)
        if os.getuid() == 0:
            shutil.chown(self.folder / "data", "mysql", "mysql")

    def launch(self, command):
        # A process group of its own: a state transfer's children end with it.
        with open(self.folder.parent / f"{self.folder.name}.log", "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)

    def kill(self):
        os.killpg(self.process.pid, 9)
        self.process.wait()

    def rejoin(self):
        """Starts again after a kill, from where its data stands: without that a full transfer would follow."""
        log = self.folder / "recover.log"
        log.unlink(missing_ok=True)
        subprocess.run(["mariadbd", f"--defaults-file={self.config}", "--wsrep-recover", f"--log-error={log}"],
                       check=False, capture_output=True)
        found = [line.rsplit("Recovered position: ", 1)[1].strip()
                 for line in log.read_text().splitlines() if "Recovered position: " in line]
        self.start("--joins", *([f"--wsrep-start-position={found[-1]}"] if found else []))
        harness.wait_until(self.is_synced, 60, f"node {self.number} to be synced")

    def status(self, name):
        rows = self.sql(f"SHOW GLOBAL STATUS LIKE '{name}'")
        return rows[0].split("\t")[1] if rows else ""

    def is_synced(self):
        return self.answers() and self.status("wsrep_local_state_comment") == "Synced"


class GaleraCluster:
    """Three nodes. The state is that of a bank: what a client was told is committed is on all of them."""

    def __init__(self, folder, nodes=3):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.folder.parent.chmod(self.folder.parent.stat().st_mode | 0o011)
        self.nodes = [GaleraNode(self, number + 1) for number in range(nodes)]

    def start(self):
        for program, package in (("rsync", "rsync"), ("lsof", "lsof")):
            harness.need(program, package)
        if not Path("/usr/lib/galera/libgalera_smm.so").exists():
            raise AssertionError("Galera is missing: apt-get install --no-install-recommends galera-4")
        self.nodes[0].start("--wsrep-new-cluster")
        for node in self.nodes[1:]:
            node.start("--joins")
        for node in self.nodes:
            harness.wait_until(node.is_synced, 60, f"node {node.number} to be synced")
        return self

    def stop(self):
        for node in reversed(self.nodes):
            node.stop()

    @property
    def password_file(self):
        return self.nodes[0].password_file

    def url(self, database, first):
        """All nodes, that one first."""
        order = self.nodes[first:] + self.nodes[:first]
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in order)
        return f"mysql+pymysql://{USER}@{hosts}/{database}"
