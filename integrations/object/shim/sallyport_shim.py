"""A paste filter for a Swift proxy behind the object door: it lets that door, and nobody else, read and write the system
metadata in which Swift's encryption keeps its crypto metadata. It holds no key and knows no cipher. Right of gatekeeper:

    pipeline = catch_errors gatekeeper sallyport_shim healthcheck ...

    [filter:sallyport_shim]
    paste.filter_factory = sallyport_shim:filter_factory
    secret_file = /etc/swift/sallyport-shim.secret

The wire contract is in README.md beside this file.
"""

import hmac
import json

PREFIX = "HTTP_X_SALLYPORT_"
CARRIED = PREFIX + "CARRIED_"
REQUEST_NAMES = ("x-object-sysmeta-crypto-", "x-object-transient-sysmeta-crypto-", "x-backend-etag-is-at",
                 "x-timestamp")
RESPONSE_NAMES = ("x-object-sysmeta-crypto-", "x-object-transient-sysmeta-crypto-",
                  "x-object-sysmeta-container-update-override-etag")
FOOTER_NAMES = ("x-object-sysmeta-crypto-", "x-object-sysmeta-container-update-override-etag", "etag")
LARGEST_FOOTER = 256 * 1024
PIECE = 64 * 1024


class BodyBeforeFooter:
    """A request's body without its last `size` bytes, which become `footer` when all of it has been read. `left`: bytes of
    the body proper, where the length is known; None: it is chunked."""

    def __init__(self, raw, size, left):
        self.raw, self.size, self.left = raw, size, left
        self.held = b""
        self.footer = None

    def read(self, size=-1):
        if self.footer is not None:
            return b""
        return self.read_chunked(size) if self.left is None else self.read_known(size)

    def readline(self, size=-1):
        return self.read(size)

    def read_known(self, size):
        if self.left > 0:
            piece = self.raw.read(self.left if size is None or size < 0 else min(size, self.left))
            self.left -= len(piece)
            return piece
        footer = b""
        while len(footer) < self.size:
            piece = self.raw.read(self.size - len(footer))
            if not piece:
                break
            footer += piece
        self.footer = footer
        return b""

    def read_chunked(self, size):
        size = PIECE if size is None or size < 0 else size
        while len(self.held) <= self.size:
            piece = self.raw.read(max(size, self.size))
            if not piece:
                body, self.footer = self.held[:-self.size], self.held[-self.size:]
                self.held = b""
                return body
            self.held += piece
        count = min(size, len(self.held) - self.size)
        body, self.held = self.held[:count], self.held[count:]
        return body


def footers_of(body):
    """What the door wants stored with the object. ValueError: the body broke off, so nothing may be stored."""
    if body.footer is None or len(body.footer) != body.size:
        raise ValueError("sallyport_shim: the body ended before its footer")
    return {name: value for name, value in json.loads(body.footer).items() if name.lower().startswith(FOOTER_NAMES)}


class Shim:
    def __init__(self, app, secret):
        self.app, self.secret = app, secret

    def __call__(self, env, start_response):
        given = env.pop(PREFIX + "DOOR", "").encode("latin-1")
        said = {name: env.pop(name) for name in [name for name in env if name.startswith(PREFIX)]}
        if not hmac.compare_digest(given, self.secret):
            return self.app(env, start_response)
        for name, value in said.items():
            plain = name[len(CARRIED):].replace("_", "-").lower()
            if name.startswith(CARRIED) and plain.startswith(REQUEST_NAMES):
                env["HTTP_" + name[len(CARRIED):]] = value
        size = said.get(PREFIX + "FOOTER", "0")
        if not size.isdigit() or int(size) > LARGEST_FOOTER:
            return self.refuse(start_response)
        if int(size) > 0 and not self.hold_footer(env, int(size)):
            return self.refuse(start_response)

        def start_carrying(status, headers, exc_info=None):
            carried = [("X-Sallyport-Carried-" + name, value) for name, value in headers
                       if name.lower().startswith(RESPONSE_NAMES)]
            return start_response(status, headers + carried, exc_info)

        return self.app(env, start_carrying)

    @staticmethod
    def refuse(start_response):
        start_response("400 Bad Request", [("Content-Length", "0")])
        return [b""]

    @staticmethod
    def hold_footer(env, size):
        """Takes the footer off the body. False: the body is shorter than that."""
        length = env.get("CONTENT_LENGTH")
        left = None
        if length:
            left = int(length) - size
            if left < 0:
                return False
            env["CONTENT_LENGTH"] = str(left)
        body = BodyBeforeFooter(env["wsgi.input"], size, left)
        env["wsgi.input"] = body
        others = env.get("swift.callback.update_footers")

        def update_footers(footers):
            if others is not None:
                others(footers)
            footers.update(footers_of(body))

        env["swift.callback.update_footers"] = update_footers
        return True


def filter_factory(global_conf, **local_conf):
    conf = dict(global_conf, **local_conf)
    with open(conf["secret_file"], "rb") as file:
        secret = file.read().strip()
    if len(secret) < 16:
        raise ValueError("sallyport_shim: the secret has to be at least 16 characters")
    return lambda app: Shim(app, secret)
