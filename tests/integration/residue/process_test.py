"""The memory of a running agent, seen from outside: a key that it stored and served lies in its locked arena or nowhere.
Needs root, and the release build (a sanitizer's heap keeps what is freed)."""

import base64
import http.client
import os
import resource
import signal
import subprocess
import threading
import unittest

import harness
import process_memory

JSON = {"Content-Type": "application/json"}
BYTES = {"Accept": "application/octet-stream"}


class Agent(unittest.TestCase):
    def setUp(self):
        self.agent = harness.Agent(harness.temporary_folder(self))
        self.addCleanup(self.agent.stop)
        self.agent.start()
        self.key = os.urandom(32)

    @property
    def pid(self):
        return self.agent.process.pid

    def connections(self):
        """One of each door; they stay open."""
        doors = {"unix": self.agent.connection(), "tcp": http.client.HTTPConnection("127.0.0.1", self.agent.port)}
        for door in doors.values():
            self.addCleanup(door.close)
        return doors

    def headers(self):
        return {"X-Project-Id": harness.PROJECT, "X-Roles": "admin", "X-User-Id": "u"}

    def body(self):
        return (b'{"name": "canary", "secret_type": "symmetric", "payload": "' + base64.b64encode(self.key) +
                b'", "payload_content_type": "application/octet-stream", "payload_content_encoding": "base64"}')

    def store(self, door):
        answer = harness.exchange(door, "POST", "/v1/secrets", self.body(), {**self.headers(), **JSON})
        self.assertEqual(answer.status, 201, answer.body)
        return "/v1/secrets/" + answer.json()["secret_ref"].rsplit("/", 1)[1]

    def fetch(self, door, secret):
        answer = harness.exchange(door, "GET", secret + "/payload", headers={**self.headers(), **BYTES})
        self.assertEqual((answer.status, answer.body), (200, self.key))

    def assert_only_in_the_arena(self):
        outside = process_memory.outside_arena(process_memory.scan(self.pid, self.key))
        self.assertEqual(outside, [])

    def test_the_scan_finds_a_copy_in_another_process(self):
        holder = subprocess.Popen(["/usr/bin/python3", "-c", "import sys; key = sys.stdin.buffer.read(32); "
                                   "print('ready', flush=True); sys.stdin.buffer.read()"],
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(harness.end_process, holder)
        holder.stdin.write(self.key)
        holder.stdin.flush()
        holder.stdout.readline()
        found = process_memory.scan(holder.pid, self.key)
        holder.stdin.close()
        self.assertIn("raw", {sighting.shape for sighting in process_memory.outside_arena(found)})

    def test_nothing_is_left_of_a_key_that_was_stored_and_served(self):
        doors = self.connections()
        for door in doors.values():
            secret = self.store(door)
            for reader in doors.values():
                self.fetch(reader, secret)
        self.assert_only_in_the_arena()

    def test_nothing_is_left_after_many_threads(self):
        secret = self.store(self.connections()["unix"])
        failures = []

        def work():
            try:
                for door in self.connections().values():
                    for _ in range(20):
                        self.fetch(door, secret)
                    self.store(door)
            except AssertionError as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assert_only_in_the_arena()

    def test_a_payload_on_its_way_in_lies_in_the_arena(self):
        whole = self.body()
        for name, door in self.connections().items():
            door.connect()
            head = "".join(f"{header}: {value}\r\n" for header, value in {
                "Host": "localhost", "Content-Length": len(whole), **self.headers(), **JSON}.items())
            door.sock.sendall(f"POST /v1/secrets HTTP/1.1\r\n{head}\r\n".encode() + whole[:-1])
            harness.wait_until(lambda: process_memory.scan(self.pid, self.key), 10, f"the agent to read from {name}")
            self.assert_only_in_the_arena()
            door.sock.sendall(whole[-1:])
            self.assertIn(b" 201 ", door.sock.recv(4096).split(b"\r\n")[0])
            self.assert_only_in_the_arena()

    def test_nothing_is_left_of_a_request_that_was_cut_off(self):
        for door in self.connections().values():
            door.connect()
            whole = self.body()
            door.sock.sendall(f"POST /v1/secrets HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              f"X-Roles: admin\r\nX-Project-Id: p\r\nContent-Length: {len(whole)}\r\n\r\n".encode() +
                              whole[:-1])
            harness.wait_until(lambda: process_memory.scan(self.pid, self.key), 10, "the agent to read")
            door.close()
            harness.wait_until(lambda: not process_memory.scan(self.pid, self.key), 10, "the agent to forget")

    def test_the_arena_is_locked_and_left_out_of_core_dumps(self):
        arena = [mapping for mapping in process_memory.mappings(self.pid) if mapping.is_arena]
        self.assertGreaterEqual(sum(mapping.end - mapping.begin for mapping in arena),
                                self.agent.config["secure_memory"]["bytes"])
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            locked, = [line.split()[1] for line in status if line.startswith("VmLck:")]
        self.assertGreaterEqual(int(locked) * 1024, self.agent.config["secure_memory"]["bytes"])

    def test_a_crash_leaves_no_core(self):
        self.agent.stop()
        # Whoever started it allows cores: the agent itself must not.
        process = subprocess.Popen(
            [harness.SALLYPORT, "serve", "--config", str(self.agent.config_file)], cwd=self.agent.folder,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
        self.agent.process = process
        harness.wait_until(self.agent.answers_or_died, harness.READY_SECONDS, "the agent to answer")
        self.assertEqual(resource.prlimit(process.pid, resource.RLIMIT_CORE), (0, 0))
        os.kill(process.pid, signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status))


if __name__ == "__main__":
    unittest.main()
