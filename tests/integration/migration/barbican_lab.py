"""A real Barbican (Debian's package) under uwsgi on loopback, behind a real Keystone; and a proxy before it that fails to order."""

import http.client
import http.server
import subprocess
import threading
from pathlib import Path

import harness

CONFIG = """[DEFAULT]
host_href = http://127.0.0.1:{port}
sql_connection = sqlite:///{folder}/barbican.sqlite
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
[queue]
enable = false
[secretstore]
enabled_secretstore_plugins = store_crypto
[crypto]
enabled_crypto_plugins = simple_crypto
[simple_crypto_plugin]
kek = MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
"""
PASTE = "/usr/share/barbican-common/barbican-api-paste.ini"


class BarbicanLab:
    def __init__(self, folder, keystone, password):
        self.folder, self.port, self.process = folder, harness.free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        # Barbican finds its configuration through HOME.
        (folder / ".barbican").mkdir()
        (folder / ".barbican/barbican.conf").write_text(
            CONFIG.format(port=self.port, folder=folder, keystone=keystone, password=password))
        paste = Path(PASTE).read_text()
        pipeline = [line if not line.startswith("/v1:") else "/v1: barbican-api-keystone" for line in paste.splitlines()]
        (folder / "paste.ini").write_text("\n".join(pipeline) + "\n")
        (folder / "app.wsgi").write_text(f"from paste import deploy\napplication = deploy.loadapp('config:{folder}/paste.ini')\n")

    def start(self):
        environment = {"HOME": str(self.folder), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "no_proxy": "*"}
        harness.need("barbican-manage", "barbican-common")
        harness.need("uwsgi", "uwsgi-core uwsgi-plugin-python3")
        harness.run(["barbican-manage", "db", "upgrade"], env=environment, cwd=self.folder)
        with open(self.folder / "uwsgi.log", "ab") as log:
            self.process = subprocess.Popen(
                ["uwsgi", "--plugin", "python3", "--master", "--lazy-apps", "--die-on-term", "--http11-socket",
                 f"127.0.0.1:{self.port}", "--buffer-size", "65535", "--processes", "1", "--threads", "1", "--enable-threads",
                 "--thunder-lock", "--disable-logging", "--wsgi-file", str(self.folder / "app.wsgi")],
                env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        harness.wait_until(lambda: harness.listens(self.port) and self.answers(), 90, "Barbican")
        return self

    def answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status < 500
        except OSError:
            return False
        finally:
            connection.close()

    def stop(self):
        if self.process is not None:
            harness.end_process(self.process)

    def request(self, method, path, token, body=None, accept="application/json"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"X-Auth-Token": token, "Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


class FaultyProxy:
    """Passes requests on, and does to every n-th one what it is told: "refuse" (503), "busy" (429), "drop" (no answer, and the
    request never arrives) or "lose" (the request arrives, its answer gets lost)."""

    def __init__(self, port, faults, every):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                fault = proxy.next_fault()
                if fault in ("refuse", "busy"):
                    self.answer(503 if fault == "refuse" else 429, [], b"{}")
                    return
                if fault == "drop":
                    self.close_connection = True
                    return
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
                connection.request(self.command, self.path, body or None, headers)
                reply = connection.getresponse()
                content = reply.read()
                connection.close()
                if fault == "lose":
                    self.close_connection = True
                    return
                self.answer(reply.status, reply.getheaders(), content)

            def answer(self, status, headers, content):
                self.send_response(status)
                for name, value in headers:
                    if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.faults, self.every, self.count, self.done = faults, every, 0, {}
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def next_fault(self):
        with self.lock:
            self.count += 1
            if self.count % self.every:
                return None
            fault = self.faults[self.count // self.every % len(self.faults)]
            self.done[fault] = self.done.get(fault, 0) + 1
            return fault

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
