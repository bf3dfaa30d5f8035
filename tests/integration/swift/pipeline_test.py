#!/usr/bin/python3
"""The filter `sallyport` in a real Swift's pipeline, beside a proxy with Swift's own encryption over the same cluster:
what either writes the other reads, and both give the same answers."""

import base64
import hashlib
import json
import re
import unittest

import harness
import swift_agent
import swift_lab

SECRETS = {"": hashlib.sha256(b"one").digest(), "2027": hashlib.sha512(b"two").digest() * 3}
SIZES = (0, 1, 65535, 65536, 65537, 5 * 1024 * 1024)
NAMES = ("plain", "a/b/c", "a//b", "/leading", "../x", "trailing/", "ü", "日本/😀", "a b+c%d&e", 'semi;colon="x"', "line\nfeed",
         "tab\tand\x01control", "\u0085")
METADATA = {"X-Object-Meta-Color": "red", "X-Object-Meta-Stadt": "Zürich", "X-Object-Meta-Smile": "x😀y",
            "X-Object-Meta-Semi": "a; swift_meta=%7B%7D", "X-Object-Meta-Quote": '"q"', "X-Object-Meta-Empty": ""}
# What differs between two answers to the same question.
OF_THE_MOMENT = {"date", "x-trans-id", "x-openstack-request-id", "last-modified", "x-timestamp", "connection"}


def body_of(size):
    return (hashlib.sha512(str(size).encode()).digest() * (size // 64 + 1))[:size]


def md5(data):
    return hashlib.md5(data).hexdigest()


def keymaster_conf(active="", version=2):
    conf = {"active_root_secret_id": active, "meta_version_to_write": version}
    for name, secret in SECRETS.items():
        conf["encryption_root_secret" + (f"_{name}" if name else "")] = base64.b64encode(secret).decode()
    return conf


class Pipelines(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        test = swift_lab.of_class(cls)
        cls.cluster = swift_lab.Cluster(test)
        cls.agent = swift_agent.start_agent(test, SECRETS)
        cls.clear = cls.cluster.proxy("", "clear").client()
        cls.stock = cls.cluster.proxy("keymaster encryption", "stock", keymaster=keymaster_conf()).client()
        cls.ours = cls.cluster.proxy("sallyport", "ours", sallyport={"agent_socket": cls.agent.unix_path}).client()

    def setUp(self):
        # A container for each test, with a name that is no ASCII.
        self.container = "Behälter " + self.id().rsplit(".", 1)[-1]
        self.expect(201, self.clear.request("PUT", self.container))

    def path(self, name):
        return f"{self.container}/{name}"

    def expect(self, status, answer):
        self.assertEqual(answer.status, status, f"{answer}\n{self.cluster.logs() if answer.status >= 500 else ''}")
        return answer

    def both(self):
        """(who writes, who reads), both ways."""
        return (("ours", self.ours, self.stock), ("stock", self.stock, self.ours))

    def same(self, method, path, headers=None, query="", body=None):
        """Both pipelines answer alike; the answer."""
        ours, stock = (client.request(method, path, headers, body, query) for client in (self.ours, self.stock))
        boundary = re.search("boundary=([0-9a-f]+)", ours.headers.get("content-type", ""))
        other = re.search("boundary=([0-9a-f]+)", stock.headers.get("content-type", ""))
        if boundary and other:  # drawn anew for each answer
            ours.body = ours.body.replace(boundary[1].encode(), other[1].encode())
            ours.headers["content-type"] = stock.headers["content-type"]
        shown = [{name: value for name, value in answer.headers.items() if name not in OF_THE_MOMENT}
                 for answer in (ours, stock)]
        self.assertEqual(ours.status, stock.status, (method, path, headers, ours, stock, self.cluster.logs()))
        self.assertEqual(*shown, (method, path, headers))
        self.assertTrue(ours.body == stock.body, (method, path, headers, ours.body[:300], stock.body[:300]))
        return ours

    def check(self, path, body, metadata=METADATA):
        answer = self.same("GET", path)
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.body == body)
        self.assertEqual(answer.headers["etag"], md5(body))
        for name, value in metadata.items():
            self.assertEqual(answer.headers[name.lower()].encode("latin1").decode(), value)
        self.assertEqual(self.same("HEAD", path).headers["etag"], md5(body))

    # --- plain objects -----------------------------------------------------------------------------------------------

    def test_bodies_of_every_size_and_no_plaintext_on_the_disk(self):
        for size in SIZES:
            for name, writer, _ in self.both():
                with self.subTest(size=size, writer=name):
                    path, body = self.path(f"{name}-{size}"), body_of(size)
                    answer = self.expect(201, writer.request("PUT", path, METADATA, body))
                    self.assertEqual(answer.headers["etag"], md5(body))
                    self.check(path, body)
        raw = [file.read_bytes() for file in self.cluster.stored()]
        for size in SIZES:
            self.assertFalse(size > 16 and body_of(size) in raw)
        stored = self.expect(200, self.clear.request("GET", self.path("ours-65537")))
        self.assertNotEqual(stored.body[:64], body_of(65537)[:64])
        self.assertNotIn("x-object-meta-color", stored.headers)

    def test_names_of_every_kind(self):
        for name in NAMES:
            for kind, writer, _ in self.both():
                with self.subTest(name=name, writer=kind):
                    path = self.path(name) if kind == "ours" else self.path(name) + " of the other"
                    body = f"body of {name} by {kind}".encode()
                    self.expect(201, writer.request("PUT", path, METADATA, body))
                    self.check(path, body)
        listing = self.same("GET", self.container, query="?format=json").json()
        self.assertEqual(len(listing), 2 * len(NAMES))
        for entry in listing:
            kind = "stock" if entry["name"].endswith(" of the other") else "ours"
            name = entry["name"].replace(" of the other", "")
            self.assertEqual(entry["hash"], md5(f"body of {name} by {kind}".encode()))
        self.same("GET", self.container, query="?format=xml")
        self.same("GET", self.container)

    def test_ranges(self):
        for name, writer, _ in self.both():
            path, body = self.path(name), body_of(200_001)
            self.expect(201, writer.request("PUT", path, {}, body))
            for asked in ("0-0", "1-15", "16-31", "15-65536", "65535-131072", "-17", "199990-", "0-"):
                answer = self.same("GET", path, {"Range": f"bytes={asked}"})
                self.assertEqual(answer.status, 206)
                first, last = asked.split("-")
                self.assertTrue(answer.body == (body[-int(last):] if not first else
                                                body[int(first):int(last) + 1 if last else None]))
            answer = self.same("GET", path, {"Range": "bytes=0-0,65535-131073,-17"})
            self.assertEqual(answer.status, 206)
            for part in (body[:1], body[65535:131074], body[-17:]):
                self.assertIn(b"\r\n\r\n" + part + b"\r\n--", answer.body)
            self.assertEqual(self.same("GET", path, {"Range": "bytes=200001-"}).status, 416)

    def test_conditional_requests(self):
        for name, writer, _ in self.both():
            path, body = self.path(name), body_of(100)
            self.expect(201, writer.request("PUT", path, METADATA, body))
            stored, clear = self.clear.request("HEAD", path).headers["etag"], md5(body)
            for headers, status in (({"If-Match": f'"{clear}"'}, 200), ({"If-None-Match": f'"{clear}"'}, 304),
                                    ({"If-Match": clear}, 200), ({"If-Match": f'"x", "{clear}"'}, 200),
                                    ({"If-Match": f'"{stored}"'}, 412), ({"If-None-Match": f'"{stored}"'}, 200),
                                    ({"If-Match": "*"}, 200), ({"If-None-Match": "*"}, 304),
                                    ({"If-Match": f'W/"{clear}"'}, 412),
                                    ({"If-None-Match": f'"{clear}"', "If-Match": f'"{clear}"'}, 304)):
                for method in ("GET", "HEAD"):
                    self.assertEqual(self.same(method, path, headers).status, status, headers)
            self.assertEqual(self.same("GET", path, {"If-Match": clear, "Range": "bytes=3-5"}).body, body[3:6])
        self.same("GET", self.path("none"), {"If-Match": "*"})

    def test_a_post_replaces_metadata_of_the_other(self):
        for name, writer, poster in self.both():
            path, body = self.path(name), body_of(70_000)
            self.expect(201, writer.request("PUT", path, METADATA, body))
            self.expect(202, poster.request("POST", path, {"X-Object-Meta-New": "ünf", "Content-Type": "text/plain"}))
            self.check(path, body, {"X-Object-Meta-New": "ünf"})
            self.assertNotIn("x-object-meta-color", self.same("HEAD", path).headers)
            self.expect(202, writer.request("POST", path))
            self.check(path, body, {})

    def test_what_is_wrong_is_refused_alike(self):
        path = self.path("refused")
        answer = self.same("PUT", path, {"ETag": "0" * 32}, body=b"body")
        self.assertEqual(answer.status, 422)
        self.assertEqual(self.same("PUT", path, {"ETag": md5(b"x")}).status, 422)
        self.assertEqual(self.same("PUT", path, {"X-Object-Meta-Long": "x" * 257}, body=b"b").status, 400)
        many = {f"X-Object-Meta-{number}": "x" for number in range(91)}
        self.assertEqual(self.same("PUT", path, many, body=b"b").status, 400)
        self.assertEqual(self.same("GET", path).status, 404)
        self.assertEqual(self.same("POST", path, {"X-Object-Meta-A": "b"}).status, 404)
        self.same("PUT", path, {"ETag": f'"{md5(b"body")}"'}, body=b"body")
        self.assertEqual(self.same("PUT", path, {"ETag": md5(b"body")}, body=b"body").status, 201)
        self.assertEqual(self.same("PUT", path, {"If-None-Match": "*"}, body=b"body").status, 412)

    def test_clients_neither_set_nor_see_crypto_metadata(self):
        path = self.path("sneaky")
        forged = {"X-Object-Sysmeta-Crypto-Etag": "x", "X-Object-Transient-Sysmeta-Crypto-Meta-A": "y",
                  "X-Object-Sysmeta-Crypto-Body-Meta": "{}"}
        self.expect(201, self.ours.request("PUT", path, forged, b"body"))
        self.check(path, b"body", {})
        for client in (self.ours, self.clear):
            self.assertFalse([name for name in client.request("HEAD", path).headers if "crypto" in name])

    # --- what stands to the left -------------------------------------------------------------------------------------

    def test_static_large_objects(self):
        for name, writer, _ in self.both():
            parts = [body_of(size) for size in (70_000, 1, 65_536)]
            for number, part in enumerate(parts):
                self.expect(201, writer.request("PUT", self.path(f"{name}/part-{number}"), {}, part))
            manifest = [{"path": "/" + self.path(f"{name}/part-{number}"), "etag": md5(part), "size_bytes": len(part)}
                        for number, part in enumerate(parts)]
            path, whole = self.path(f"{name}-slo"), b"".join(parts)
            self.expect(201, writer.request("PUT", path, METADATA, json.dumps(manifest).encode(),
                                            query="?multipart-manifest=put"))
            answer = self.same("GET", path)
            self.assertTrue(answer.body == whole)
            self.assertEqual(self.same("GET", path, {"Range": "bytes=69990-70010"}).body, whole[69990:70011])
            self.assertEqual(self.same("GET", path, {"Range": "bytes=0-1,70000-70001"}).status, 206)
            self.assertEqual(self.same("GET", path, {"If-Match": answer.headers["etag"]}).status, 200)
            self.same("GET", path, query="?multipart-manifest=get")
            self.same("HEAD", path)
            listed = self.same("GET", self.container, query=f"?format=json&prefix={name}-slo").json()
            self.assertEqual(listed[0]["slo_etag"], answer.headers["etag"])

    def test_dynamic_large_objects(self):
        for name, writer, _ in self.both():
            parts = [body_of(size) for size in (70_000, 3)]
            for number, part in enumerate(parts):
                self.expect(201, writer.request("PUT", self.path(f"{name}-dlo/{number}"), {}, part))
            prefix = swift_lab.quoted(self.path(f"{name}-dlo/"))
            self.expect(201, writer.request("PUT", self.path(name), {**METADATA, "X-Object-Manifest": prefix}))
            answer = self.same("GET", self.path(name))
            self.assertTrue(answer.body == b"".join(parts))
            self.assertEqual(self.same("GET", self.path(name), {"Range": "bytes=69999-70001"}).body,
                             b"".join(parts)[69999:70002])

    def test_copies(self):
        for name, writer, copier in self.both():
            body = body_of(65_537)
            self.expect(201, writer.request("PUT", self.path(name), METADATA, body))
            destination = "/" + swift_lab.quoted(self.path(f"{name}-copied"))
            self.expect(201, copier.request("COPY", self.path(name), {"Destination": destination}))
            self.check(self.path(f"{name}-copied"), body)
            source = "/" + swift_lab.quoted(self.path(name))
            self.expect(201, copier.request("PUT", self.path(f"{name}-from"), {"X-Copy-From": source}))
            self.check(self.path(f"{name}-from"), body)

    def test_both_kinds_of_versioning(self):
        for name, writer, other in self.both():
            archive = f"{self.container}-{name}-archive"
            self.expect(201, writer.request("PUT", archive))
            old = f"{self.container}-{name}-old"
            self.expect(201, writer.request("PUT", old, {"X-Versions-Location": swift_lab.quoted(archive)}))
            self.expect(201, writer.request("PUT", f"{old}/o", METADATA, b"first"))
            self.expect(201, other.request("PUT", f"{old}/o", {}, b"second"))
            self.check(f"{old}/o", b"second", {})
            self.expect(204, writer.request("DELETE", f"{old}/o"))
            self.check(f"{old}/o", b"first")

            new = f"{self.container}-{name}-new"
            self.expect(201, writer.request("PUT", new, {"X-Versions-Enabled": "true"}))
            self.expect(201, writer.request("PUT", f"{new}/o", METADATA, b"first"))
            self.expect(201, other.request("PUT", f"{new}/o", {}, b"second version"))
            self.check(f"{new}/o", b"second version", {})
            versions = self.same("GET", new, query="?versions&format=json").json()
            self.assertEqual([entry["hash"] for entry in versions], [md5(b"second version"), md5(b"first")])
            first = self.same("GET", f"{new}/o", query="?version-id=" + versions[1]["version_id"])
            self.assertEqual(first.body, b"first")

    def test_symlinks(self):
        for name, writer, _ in self.both():
            self.expect(201, writer.request("PUT", self.path(name), METADATA, b"behind a link"))
            target = swift_lab.quoted(self.path(name))
            link, static = self.path(f"{name}-link"), self.path(f"{name}-static")
            self.expect(201, writer.request("PUT", link, {"X-Symlink-Target": target}))
            self.expect(201, writer.request("PUT", static, {"X-Symlink-Target": target,
                                                            "X-Symlink-Target-Etag": md5(b"behind a link")}))
            for path in (link, static):
                self.assertEqual(self.same("GET", path).body, b"behind a link")
                self.same("GET", path, query="?symlink=get")
                self.same("HEAD", path, query="?symlink=get")
        self.same("GET", self.container, query="?format=json")

    def test_bulk_and_chunked_uploads(self):
        def chunks():
            for size in (1, 65_536, 70_001):
                yield body_of(size)
        whole = b"".join(chunks())
        self.expect(201, self.ours.request("PUT", self.path("chunked"), {}, chunks()))
        self.check(self.path("chunked"), whole, {})


class Rotation(unittest.TestCase):
    """One cluster whose secrets change hands and change."""

    def setUp(self):
        self.cluster = swift_lab.Cluster(self)
        self.agent = swift_agent.start_agent(self, SECRETS)
        self.ours = self.cluster.proxy("sallyport", "ours", sallyport={"agent_socket": self.agent.unix_path}).client()

    def read(self, client, name, body, **metadata):
        answer = client.request("GET", f"c/{name}")
        self.assertEqual(answer.status, 200, self.cluster.logs())
        self.assertTrue(answer.body == body)
        self.assertEqual(answer.headers["etag"], md5(body))
        for key, value in metadata.items():
            self.assertEqual(answer.headers[f"x-object-meta-{key}"], value)

    def test_secrets_rotate_in_every_version_and_go_back_to_swift(self):
        body = body_of(70_000)
        self.assertEqual(self.ours.request("PUT", "c").status, 201)
        written = []
        for active in ("", "2027"):
            for version in (1, 2, 3):
                swift_agent.import_secrets(self.agent, {}, active, version)  # the proxy is not told
                for name in ("ü", "/lead"):
                    name = f"{name}-{active}-{version}"
                    answer = self.ours.request("PUT", f"c/{name}", {"X-Object-Meta-A": "b"}, body)
                    self.assertEqual(answer.status, 201, self.cluster.logs())
                    written.append(name)
        # An object under the old secret whose metadata come under the new one.
        self.assertEqual(self.ours.request("POST", f"c/{written[0]}", {"X-Object-Meta-A": "posted"}).status, 202)
        stock = self.cluster.proxy("keymaster encryption", "stock", keymaster=keymaster_conf("2027", 3)).client()
        for client in (self.ours, stock):
            for name in written:
                self.read(client, name, body, a="posted" if name == written[0] else "b")
                if name.startswith("/") and name.endswith("-1"):
                    continue  # its MAC is under version 1's key, which Swift does not try under another version
                for headers, status in (({"If-Match": md5(body)}, 200), ({"If-None-Match": md5(body)}, 304)):
                    self.assertEqual(client.request("HEAD", f"c/{name}", headers).status, status)
            listing = client.request("GET", "c", query="?format=json").json()
            self.assertEqual({entry["hash"] for entry in listing}, {md5(body)})
        # Right where Swift 2.30 is wrong: a 416 of an object under a secret that is not active any more.
        answer = self.ours.request("GET", f"c/{written[1]}", {"Range": "bytes=70000-"})
        self.assertEqual((answer.status, answer.headers["etag"]), (416, md5(body)))

    def test_without_its_agent_nothing_is_stored_or_shown_in_clear(self):
        body = body_of(70_000)
        clear = self.cluster.proxy("", "clear").client()
        clear.request("PUT", "c")
        clear.request("PUT", "c/clear", {}, body)
        self.assertEqual(self.ours.request("PUT", "c/sealed", {"X-Object-Meta-A": "b"}, body).status, 201)
        self.agent.stop()
        for method, name, headers in (("PUT", "new", {}), ("POST", "sealed", {"X-Object-Meta-A": "c"}),
                                      ("GET", "sealed", {}), ("HEAD", "sealed", {}),
                                      ("GET", "sealed", {"Range": "bytes=0-1"}), ("GET", "clear", {"If-Match": "x"})):
            answer = self.ours.request(method, f"c/{name}", headers, body if method == "PUT" else None)
            self.assertEqual((answer.status, answer.headers.get("retry-after")), (503, "1"), (method, name))
        self.assertEqual(self.ours.request("GET", "c", query="?format=json").status, 503)
        # What needs no key is served, and deleting needs none either.
        self.assertTrue(self.ours.request("GET", "c/clear").body == body)
        self.assertEqual(self.ours.request("DELETE", "c/clear").status, 204)
        self.assertEqual(clear.request("HEAD", "c/new").status, 404)
        self.agent.start()
        self.read(self.ours, "sealed", body, a="b")
        self.assertEqual(self.ours.request("PUT", "c/new", {}, body).status, 201)

    def test_a_secret_that_is_missing_is_an_error_and_never_ciphertext(self):
        body = body_of(70_000)
        self.ours.request("PUT", "c")
        swift_agent.import_secrets(self.agent, {}, "2027")
        self.assertEqual(self.ours.request("PUT", "c/o", {}, body).status, 201)
        removed = self.agent.config["objects"]["root_secrets"].pop("2027")
        swift_agent.import_secrets(self.agent, {})
        answer = self.ours.request("GET", "c/o")
        self.assertEqual((answer.status, answer.body), (500, b"Error decrypting object"))
        listing = self.ours.request("GET", "c", query="?format=json").json()
        self.assertEqual(listing[0]["hash"], "<unknown>")
        self.agent.config["objects"]["root_secrets"]["2027"] = removed
        swift_agent.import_secrets(self.agent, {})
        self.read(self.ours, "o", body)

    def test_encryption_that_is_switched_off_still_reads(self):
        body = body_of(100)
        self.ours.request("PUT", "c")
        self.ours.request("PUT", "c/sealed", {"X-Object-Meta-A": "b"}, body)
        off = self.cluster.proxy("sallyport", "off", sallyport={"agent_socket": self.agent.unix_path,
                                                                "disable_encryption": "true"}).client()
        self.read(off, "sealed", body, a="b")
        self.assertEqual(off.request("PUT", "c/plain", {"X-Object-Meta-A": "b"}, body).status, 201)
        clear = self.cluster.proxy("", "clear").client()
        self.read(clear, "plain", body, a="b")
        self.assertEqual(off.request("HEAD", "c/plain", {"If-None-Match": md5(body)}).status, 304)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
