"""What every integration test needs: a private agent, plain HTTP to it, and a clean end.

A test is Python unittest, run by ctest (sallyport_integration_test in CMakeLists.txt) or by hand:

    SALLYPORT=build/dev/bin/sallyport PYTHONPATH=tests/integration /usr/bin/python3 tests/integration/x/x_test.py

    import harness

    class Storing(unittest.TestCase):
        def setUp(self):
            harness.need("curl", "curl")                    # fails, with the command that installs it
            self.folder = harness.temporary_folder(self)    # removed with the test
            self.agent = harness.start_agent(self)          # ready when this returns; stopped with the test
        def test_a_stored_payload_comes_back(self):
            answer = self.agent.request("POST", "/v1/secrets", json_body={"payload": "x", ...})
            self.assertEqual(answer.status, 201)

`start_agent(test, **sections)` merges sections into the configuration below: `start_agent(self, limits={...})`; a
section of None is left out. `Agent` by itself (without a test) has start(), stop() -> exit status, kill(), is_running().
Other processes: `start_process(test, [...])`. Nothing here is ended by name, only what was started here, by its pid.
Ports come from `free_port()`, files live in a temporary folder: any number of copies run beside each other.
"""

import base64
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(os.environ.get("SALLYPORT_ROOT", Path(__file__).resolve().parents[2]))
SALLYPORT = os.environ.get("SALLYPORT", str(ROOT / "build/release/bin/sallyport"))
PROJECT = "0123456789abcdef0123456789abcdef"
READY_SECONDS = 20
STOP_SECONDS = 20


def need(program, package):
    """The path of a program that the test cannot do without."""
    path = shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{program} is missing: apt-get install --no-install-recommends {package} (or ./dev deps)")
    return path


_reserved_ports = []


def free_port():
    """A TCP port on loopback that nobody listens on, kept for this process until it ends. It lies below those that the
    kernel gives to connections: none of them, and no other test, takes it before its server has it (or while that one is
    restarted)."""
    first_of_connections = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10240, first_of_connections)
        reservation = socket.socket(socket.AF_UNIX)
        try:
            reservation.bind(f"\0sallyport-test-port-{port}")
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", port))
        except OSError:
            reservation.close()
            continue
        _reserved_ports.append(reservation.detach())
        return port


def temporary_folder(test):
    folder = Path(tempfile.mkdtemp(prefix="sallyport-"))
    test.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def wait_until(condition, seconds, what):
    """Polls until `condition()` is true; AssertionError names `what` after that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.01)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def run(command, **options):
    """Runs a command to its end; its output is in the exception when it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"exit {done.returncode}: {command}\n{done.stdout!r}\n{done.stderr!r}")
    return done.stdout


def sallyport(*arguments, **options):
    """One call of the command line: the finished process, whatever its exit status."""
    return subprocess.run([SALLYPORT, *map(str, arguments)], capture_output=True, check=False, **options)


def end_process(process, seconds=STOP_SECONDS):
    """TERM, then KILL; the exit status."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def start_process(test, command, **options):
    """A process that ends with the test."""
    process = subprocess.Popen([str(word) for word in command], **options)  # pylint: disable=consider-using-with
    test.addCleanup(end_process, process)
    return process


@dataclass
class Answer:
    """One HTTP answer; names of headers in lower case."""
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


class UnixConnection(http.client.HTTPConnection):
    """http.client over a UNIX socket."""

    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.unix_path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.unix_path)


def exchange(connection, method, target, body=None, headers=None):
    """One request on an open connection; the connection stays open."""
    connection.request(method, target, body=body, headers=headers or {})
    reply = connection.getresponse()
    return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


def write_kek(path):
    """A fresh key-encryption key as `kek_files` wants it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "wb") as file:
        file.write(base64.urlsafe_b64encode(os.urandom(32)))


def default_config(folder, port):
    """Key manager on SQLite, TCP on loopback and a UNIX socket, callers believed (insecure_no_auth)."""
    return {
        "roles": ["keymanager"],
        "listen": [{"tcp": f"127.0.0.1:{port}"}, {"unix": str(folder / "agent.sock"), "mode": "0600"}],
        "database": f"sqlite:///{folder}/keys.db",
        "secret_stores": [{"name": "Software", "type": "simple_crypto", "kek_files": [str(folder / "kek")],
                           "envelope": "bound", "global_default": True}],
        "auth": {"peers": [{"uid": os.getuid(), "project": PROJECT, "roles": ["admin"]}], "insecure_no_auth": True},
        "secure_memory": {"bytes": 4194304},
        "log": {"level": "info", "format": "text"},
    }


@dataclass
class Agent:
    """One agent with its own folder; `config` may be changed until start()."""
    folder: Path
    config: dict = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen = None

    def __post_init__(self):
        self.port = self.port or free_port()
        self.config = {**default_config(self.folder, self.port), **self.config}
        self.config = {name: section for name, section in self.config.items() if section is not None}

    @property
    def config_file(self):
        return self.folder / "agent.yaml"

    @property
    def unix_path(self):
        return self.folder / "agent.sock"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def prepare(self):
        """Writes the configuration (JSON is YAML) and, the first time, a KEK and the database."""
        self.config_file.write_text(json.dumps(self.config, indent=1))
        if not (self.folder / "kek").exists():
            write_kek(self.folder / "kek")
            made = sallyport("db", "create", "--config", self.config_file)
            assert made.returncode == 0, made.stderr.decode()

    def launch(self):
        """Starts the process and returns at once."""
        with open(self.folder / "agent.log", "ab") as log:
            self.process = subprocess.Popen([SALLYPORT, "serve", "--config", str(self.config_file)],
                                            stdout=log, stderr=log)
        return self

    def start(self):
        """Returns when the agent answers on its UNIX socket."""
        self.prepare()
        self.launch()
        wait_until(self.answers_or_died, READY_SECONDS, f"agent to answer\n{self.log()}")
        if not self.is_running():
            raise AssertionError(f"the agent ended with {self.process.returncode}:\n{self.log()}")
        return self

    def answers_or_died(self):
        if not self.is_running():
            return True
        try:
            return self.request("GET", "/").status in (200, 300)
        except OSError:
            return False

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        path = self.folder / "agent.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def connection(self):
        return UnixConnection(self.unix_path)

    def request(self, method, target, body=None, headers=None, json_body=None):
        """One request on a fresh connection over the UNIX socket."""
        headers = dict(headers or {})
        if json_body is not None:
            body = json.dumps(json_body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connection()
        try:
            return exchange(connection, method, target, body, headers)
        finally:
            connection.close()

    def cli(self, *arguments, **options):
        """`sallyport ARGUMENTS --config <ours>`: the finished process."""
        return sallyport(*arguments, "--config", self.config_file, **options)

    def stop(self):
        """TERM; the exit status (0 when it stopped cleanly)."""
        return end_process(self.process) if self.process else None

    def kill(self):
        """kill -9, as a power cut would."""
        self.process.kill()
        self.process.wait()


def start_agent(test, folder=None, **sections):
    """A running agent that ends with the test; see the top of this file."""
    agent = Agent(folder or temporary_folder(test), sections)
    test.addCleanup(agent.stop)
    return agent.start()
