"""The folder of the `directory` upstream as a WSGI application: what Swift's proxy and object servers are to Swift's own
encryption filter, as far as the test needs it. It reads and writes the files by their documented layout (integrations/
object/directory.h), so that what Swift stores here ours can read, and the reverse."""

import hashlib
import json
import time
import urllib.parse
import uuid
from pathlib import Path

from swift.common.header_key_dict import HeaderKeyDict
from swift.common.request_helpers import resolve_etag_is_at_header
from swift.common.swob import HTTPNotFound, HTTPUnprocessableEntity, Request, Response

STORED = ("x-object-meta-", "x-object-sysmeta-", "x-object-transient-sysmeta-")
REPLACED_BY_POST = ("X-Object-Meta-", "X-Object-Transient-Sysmeta-")


def stored_name(name):
    """integrations/object/stored_name.h, for names that are not shortened. `name`: bytes."""
    quoted = urllib.parse.quote(name, safe="").replace("~", "%7E")
    return "%2E" + quoted[1:] if quoted.startswith(".") else quoted


class FileIter:
    """A body with the ranges that swob asks for."""

    def __init__(self, data):
        self.data = data

    def __iter__(self):
        for at in range(0, len(self.data), 4099):
            yield self.data[at:at + 4099]

    def app_iter_range(self, start, stop):
        return iter([self.data[start:stop]])

    def app_iter_ranges(self, ranges, content_type, boundary, size):
        for start, stop in ranges:
            yield (b"--" + boundary + b"\r\nContent-Type: " + content_type +
                   b"\r\nContent-Range: bytes %d-%d/%d\r\n\r\n" % (start, stop - 1, size))
            yield self.data[start:stop] + b"\r\n"
        yield b"--" + boundary + b"--"


class DirectoryServer:
    """WSGI; stands right of Swift's keymaster and encryption."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def object_folder(self, path):
        account, container, name = path
        return self.folder / stored_name(account) / stored_name(container) / stored_name(name)

    def __call__(self, environ, start_response):
        request = Request(environ)
        parts = request.split_path(2, 4, True)
        path = [part.encode("latin1") for part in parts[1:] if part]
        handler = {"PUT": self.put, "POST": self.post, "GET": self.get, "HEAD": self.get}[request.method]
        answer = handler(request, path) if len(path) == 3 else self.listing(request, path)
        return answer(environ, start_response)

    def put(self, request, path):
        body = b""
        while chunk := environ_read(request):
            body += chunk
        footers = HeaderKeyDict()
        request.environ.get("swift.callback.update_footers", lambda _: None)(footers)
        headers = HeaderKeyDict({name: value for name, value in request.headers.items()
                                 if name.lower().startswith(STORED) or name == "Content-Type"})
        headers.update(footers)
        etag = hashlib.md5(body).hexdigest()
        if headers.get("Etag", etag) != etag:
            return HTTPUnprocessableEntity(request=request)
        headers["Etag"] = etag
        headers.setdefault("Content-Type", "application/octet-stream")
        folder = self.object_folder(path)
        folder.mkdir(parents=True, exist_ok=True)
        container = folder.parent / ".container.json"
        if not container.exists():
            write_record(container, path[1], "", 0, {})
        data = f"{uuid.uuid4()}.data"
        (folder / data).write_bytes(body)
        write_record(folder / "object.json", path[2], data, len(body), headers)
        return Response(status=201, request=request, headers={"Etag": etag})

    def record(self, path):
        try:
            return json.loads((self.object_folder(path) / "object.json").read_text())
        except FileNotFoundError:
            return None

    def post(self, request, path):
        record = self.record(path)
        if record is None:
            return HTTPNotFound(request=request)
        headers = {name: value for name, value in record["headers"].items() if not name.startswith(REPLACED_BY_POST)}
        headers.update({name: value for name, value in request.headers.items() if name.startswith(REPLACED_BY_POST)})
        write_record(self.object_folder(path) / "object.json", path[2], record["data"], record["size"], headers)
        return Response(status=202, request=request)

    def get(self, request, path):
        record = self.record(path)
        if record is None:
            return HTTPNotFound(request=request)
        data = (self.object_folder(path) / record["data"]).read_bytes()
        answer = Response(app_iter=FileIter(data), request=request, conditional_response=True,
                          conditional_etag=resolve_etag_is_at_header(request, record["headers"]))
        answer.headers.update(record["headers"])
        answer.content_length = len(data)
        return answer

    def listing(self, request, path):
        container = self.folder / stored_name(path[0]) / stored_name(path[1])
        entries = []
        for file in sorted(container.glob("*/object.json")):
            record = json.loads(file.read_text())
            headers = record["headers"]
            override = headers.get("X-Object-Sysmeta-Container-Update-Override-Etag")
            entries.append({"name": record["name"].encode("latin1").decode(), "bytes": record["size"],
                            "hash": override or headers["Etag"]})
        return Response(body=json.dumps(entries), content_type="application/json", request=request)


def environ_read(request):
    return request.environ["wsgi.input"].read(65536)


def write_record(path, name, data, size, headers):
    path.write_text(json.dumps({"format": "sallyport-object/1", "name": name.decode("latin1"), "data": data, "size": size,
                                "modified_us": int(time.time() * 1000000), "headers": dict(headers)}))
