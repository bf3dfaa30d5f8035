#!/usr/bin/python3
"""Objects stored by us are read by Swift's own encryption filter, and the reverse.

Swift's keymaster, encrypter and decrypter (Debian's python3-swift) run in this process over the folder in which ours
keeps its objects (directory_server.py); ours runs as object_tool over the same folder."""

import base64
import hashlib
import json
import os
import subprocess
import unittest
import urllib.parse

import harness

SECRETS = {"": bytes(range(32)), "2": hashlib.sha256(b"two").digest(), "c-3": hashlib.sha512(b"three").digest()}
SIZES = (0, 1, 15, 16, 17, 65535, 65536, 65537, 5 * 1024 * 1024)
NAMES = ("plain", "a/b/c", "/leading", "a//b", "../x", "trailing/", "ü", "日本", "😀", "a b+c%d", 'semi;colon="x"', "line\nfeed",
         "\u0085", "x" * 1000)
METADATA = {"Color": "red", "Stadt": "Zürich", "Smile": "x😀y", "Semi": "a; swift_meta=%7B%7D", "Quote": '"q"', "Empty": ""}


def body_of(size):
    return (hashlib.sha512(str(size).encode()).digest() * (size // 64 + 1))[:size]


def target(name, container="Behälter c"):
    return "/v1/AUTH_test/" + urllib.parse.quote(container) + ("/" + urllib.parse.quote(name) if name else "")


def on_the_wire(value):
    """A header's text as WSGI and http.client hold its bytes."""
    return value.encode().decode("latin1")


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value.encode("latin1").decode(errors="replace") for name, value in headers}


class Ours:
    """Our filter and store, one process a request."""

    tool = os.path.join(os.path.dirname(harness.SALLYPORT), "object_tool")

    def __init__(self, folder, active="", version="2"):
        self.folder, self.active, self.version = folder, active, version

    def request(self, method, path, headers=None, body=b""):
        secrets = ",".join(f"{name}={secret.hex()}" for name, secret in SECRETS.items())
        words = [word.encode() for pair in (headers or {}).items() for word in pair]
        done = subprocess.run([self.tool, str(self.folder), self.active, self.version, secrets, method, path, *words],
                              input=body, capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode())
        head, _, received = done.stdout.partition(b"\n")
        answer = json.loads(head)
        return Reply(answer["status"], answer["headers"], received)


class Swifts:
    """Swift's own filters over the same folder."""

    def __init__(self, folder, active="", version="2"):
        # Imported here so that a missing package is told with the command that installs it.
        from swift.common.middleware.crypto import encrypter, decrypter, keymaster
        from directory_server import DirectoryServer
        conf = {"active_root_secret_id": active, "meta_version_to_write": version}
        for name, secret in SECRETS.items():
            conf["encryption_root_secret" + (f"_{name}" if name else "")] = base64.b64encode(secret).decode()
        filtered = decrypter.Decrypter(encrypter.Encrypter(DirectoryServer(folder), {}), {})
        self.app = keymaster.KeyMaster(filtered, conf)

    def request(self, method, path, headers=None, body=b""):
        from swift.common.swob import Request
        headers = {name: on_the_wire(value) for name, value in (headers or {}).items()}
        request = Request.blank(path, environ={"REQUEST_METHOD": method}, headers=headers, body=body)
        answer = request.get_response(self.app)
        received = answer.body
        return Reply(answer.status_int, answer.headers.items(), received)


class BothWays(unittest.TestCase):
    def setUp(self):
        try:
            import swift  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
        except ImportError as missing:
            raise AssertionError("apt-get install --no-install-recommends python3-swift (or ./dev deps)") from missing
        self.folder = harness.temporary_folder(self)
        self.metadata = {f"X-Object-Meta-{name}": value for name, value in METADATA.items()}

    def pairs(self, **options):
        """(who writes, who reads), both ways."""
        ours, swifts = Ours(self.folder, **options), Swifts(self.folder, **options)
        return ((ours, swifts), (swifts, ours))

    def check(self, reader, path, body):
        reply = reader.request("GET", path)
        self.assertEqual(reply.status, 200)
        self.assertTrue(reply.body == body)
        self.assertEqual(reply.headers["etag"], hashlib.md5(body).hexdigest())
        for name, value in self.metadata.items():
            self.assertEqual(reply.headers[name.lower()], value)
        head = reader.request("HEAD", path)
        self.assertEqual((head.status, head.headers["etag"]), (200, hashlib.md5(body).hexdigest()))

    def test_bodies_of_every_size(self):
        for writer, reader in self.pairs():
            for size in SIZES:
                with self.subTest(writer=type(writer).__name__, size=size):
                    path, body = target(f"size-{size}"), body_of(size)
                    self.assertEqual(writer.request("PUT", path, self.metadata, body).status, 201)
                    self.check(reader, path, body)
                    stored = list(self.folder.glob(f"*/*/size-{size}/*.data"))
                    self.assertEqual(len(stored), 1 if writer.__class__ is Ours else len(stored))
                    if size > 16:
                        self.assertFalse(any(file.read_bytes() == body for file in stored))

    def test_names_in_every_version(self):
        for version in "123":
            for writer, reader in self.pairs(version=version):
                for name in NAMES:
                    if len(name) > 200 and isinstance(reader, Swifts):
                        continue  # directory_server.py does not shorten names
                    if len(name) > 200 and isinstance(writer, Swifts):
                        continue
                    with self.subTest(version=version, writer=type(writer).__name__, name=name):
                        body = f"body of {name}".encode()
                        self.assertEqual(writer.request("PUT", target(name), self.metadata, body).status, 201)
                        self.check(reader, target(name), body)

    def test_ranges(self):
        body = body_of(70001)
        for writer, reader in self.pairs():
            path = target("ranges")
            writer.request("PUT", path, {}, body)
            for first, last in ((0, 0), (1, 15), (16, 31), (15, 65536), (65535, 70000)):
                reply = reader.request("GET", path, {"Range": f"bytes={first}-{last}"})
                self.assertEqual(reply.status, 206)
                self.assertTrue(reply.body == body[first:last + 1])
            reply = reader.request("GET", path, {"Range": "bytes=0-0,65535-65536,-17"})
            self.assertEqual(reply.status, 206)
            for part in (body[:1], body[65535:65537], body[-17:]):
                self.assertIn(b"\r\n\r\n" + part + b"\r\n--", reply.body)

    def test_conditional_requests(self):
        body = body_of(100)
        etag = hashlib.md5(body).hexdigest()
        for writer, reader in self.pairs():
            path = target("conditional")
            writer.request("PUT", path, {}, body)
            stored = json.loads(next(self.folder.glob("*/*/conditional/object.json")).read_text())["headers"]["Etag"]
            for headers, status in (({"If-Match": f'"{etag}"'}, 200), ({"If-None-Match": f'"{etag}"'}, 304),
                                    ({"If-Match": f'"{stored}"'}, 412), ({"If-None-Match": f'"{stored}"'}, 200)):
                self.assertEqual(reader.request("GET", path, headers).status, status, headers)

    def test_metadata_posted_by_the_other_and_under_a_new_secret(self):
        body = body_of(100)
        for writer, reader in self.pairs(active="2"):
            path = target("posted")
            writer.request("PUT", path, self.metadata, body)
            poster = type(reader)(self.folder, active="c-3")
            self.assertEqual(poster.request("POST", path, {"X-Object-Meta-New": "ünf"}).status, 202)
            reply = type(writer)(self.folder).request("GET", path)
            self.assertTrue(reply.body == body)
            self.assertEqual(reply.headers["x-object-meta-new"], "ünf")
            self.assertNotIn("x-object-meta-color", reply.headers)

    def test_listings_with_objects_of_both(self):
        for number, (writer, _) in enumerate(self.pairs()):
            writer.request("PUT", target(f"o{number}", "listed"), {}, b"body %d" % number)
        for _, reader in self.pairs(active="2"):
            entries = json.loads(reader.request("GET", target("", "listed")).body)
            self.assertEqual([entry["hash"] for entry in entries],
                             [hashlib.md5(b"body %d" % number).hexdigest() for number in (0, 1)])

    def test_a_wrong_secret_gives_nobody_the_plaintext(self):
        body = body_of(100)
        Ours(self.folder).request("PUT", target("secret"), {}, body)
        saved = SECRETS[""]
        SECRETS[""] = bytes(32)
        try:
            self.assertEqual(Ours(self.folder).request("GET", target("secret")).status, 500)
            self.assertNotEqual(Swifts(self.folder).request("GET", target("secret")).body, body)
        finally:
            SECRETS[""] = saved


if __name__ == "__main__":
    unittest.main(warnings="ignore")
