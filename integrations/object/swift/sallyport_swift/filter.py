"""The paste filter `sallyport`: it stands where `keymaster encryption` stands in a Swift proxy's pipeline and leaves in
the cluster, byte for byte, what those would. The work is done by the C++ core (_sallyport); this file is the WSGI part."""

import os
import resource

from swift.common.constraints import check_metadata
from swift.common.http import is_success
from swift.common.registry import register_swift_info
from swift.common.request_helpers import update_etag_is_at_header
from swift.common.swob import (HTTPException, HTTPServiceUnavailable, HTTPUnprocessableEntity, Request as SwobRequest,
                               Response)
from swift.common.utils import closing_if_possible, config_true_value, get_logger, split_path
from swift.common.wsgi import WSGIContext

from sallyport_swift import _sallyport
from sallyport_swift.agent_keys import AgentAway, AgentKeys, AgentRefuses

USER_META = "HTTP_X_OBJECT_META_"
LISTING_ETAG = "HTTP_X_OBJECT_SYSMETA_CONTAINER_UPDATE_OVERRIDE_ETAG"
FOOTERS = "swift.callback.update_footers"
MAC_HEADER = "X-Object-Sysmeta-Crypto-Etag-Mac"
DEFAULT_SOCKET = "/run/sallyport/agent.sock"


def header_name(key):
    """X-Object-Meta-Color of HTTP_X_OBJECT_META_COLOR, as Swift's own Request shows it."""
    return key[5:].replace("_", "-").title()


def environ_key(name):
    return "HTTP_" + name.upper().replace("-", "_")


class EncryptedInput:
    """What the proxy reads as the body: wsgi.input, encrypted."""

    def __init__(self, source, request):
        self.source = source
        self.encrypt = request.encrypt

    def read(self, *args, **kwargs):
        chunk = self.source.read(*args, **kwargs)
        return self.encrypt(chunk) if chunk else chunk

    def readline(self, *args, **kwargs):
        chunk = self.source.readline(*args, **kwargs)
        return self.encrypt(chunk) if chunk else chunk


def decrypted(body, request):
    decrypt = request.decrypt
    with closing_if_possible(body):
        for chunk in body:
            yield decrypt(chunk)


class Sallyport:
    """The filter. One for each worker of the proxy."""

    def __init__(self, app, conf, keys):
        self.app = app
        self.logger = get_logger(conf, log_route="sallyport")
        self.disable_encryption = config_true_value(conf.get("disable_encryption", "false"))
        self.arena_bytes = int(conf.get("secure_memory_bytes", 2 << 20))
        self.allow_unlocked = config_true_value(conf.get("insecure_allow_unlocked_memory", "false"))
        self.keys = keys
        self.arena_owner = None
        self.check_limit()

    def check_limit(self):
        """Tells at the proxy's start, rather than with the first object, that memory cannot be locked."""
        limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
        enough = limit == resource.RLIM_INFINITY or limit >= self.arena_bytes or os.geteuid() == 0
        if not enough and not self.allow_unlocked:
            raise ValueError("sallyport: keys need %d bytes of locked memory, but RLIMIT_MEMLOCK allows %d (LimitMEMLOCK="
                             " in the proxy's unit)" % (self.arena_bytes, limit))

    def __call__(self, env, start_response):
        method = env["REQUEST_METHOD"]
        handle = self.HANDLERS.get(method)
        if handle is None or config_true_value(env.get("swift.crypto.override")):
            return self.app(env, start_response)
        try:
            parts = split_path(env.get("SCRIPT_NAME", "") + env["PATH_INFO"], 3, 4, True)[1:]
        except ValueError:
            return self.app(env, start_response)
        if not parts[2]:
            if method != "GET":
                return self.app(env, start_response)
            handle, parts = Sallyport.list_container, parts[:2]
        if self.disable_encryption and method in ("PUT", "POST"):
            return self.app(env, start_response)
        try:
            self.open_arena()
            request = _sallyport.Request(method, tuple(parts), False)
        except UnicodeError:
            return self.app(env, start_response)
        except ValueError:  # a name that is not UTF-8: the proxy says 412 to it
            return self.app(env, start_response)
        try:
            return handle(self, request, env, start_response)
        except HTTPException as answer:
            return answer(env, start_response)
        except _sallyport.Refused as refused:
            return self.refusal(refused, env)(env, start_response)

    def open_arena(self):
        """Locked memory is not inherited: each worker locks its own, after the fork."""
        if self.arena_owner != os.getpid():
            open_arena_once(self.arena_bytes, self.allow_unlocked)
            self.arena_owner = os.getpid()

    def refusal(self, refused, env):
        self.log_core()
        status, body, content_type = refused.args
        if status == 422:
            return HTTPUnprocessableEntity(request=SwobRequest(env))
        answer = Response(status=status, body=body, request=SwobRequest(env), content_type=content_type)
        if status == 503:
            answer.headers["Retry-After"] = "1"
        return answer

    def log_core(self):
        for line in _sallyport.take_log():
            self.logger.error(line)

    def provide_keys(self, request, env):
        try:
            self.keys.provide(request)
        except AgentAway as away:
            self.logger.error("no keys: %s", away)
            raise HTTPServiceUnavailable(request=SwobRequest(env), headers={"Retry-After": "1"},
                                         body=b"Encryption keys are not available at the moment.",
                                         content_type="text/plain") from away
        except AgentRefuses as refusal:
            self.logger.error("no keys: %s", refusal)
            raise _sallyport.Refused(500, b"Unable to retrieve encryption keys.", "text/html; charset=UTF-8") from refusal

    def own_keys(self, request, env):
        request.want_own_keys()
        self.provide_keys(request, env)

    # --- requests that store -----------------------------------------------------------------------------------------

    def seal(self, request, env, also=()):
        """Refuses metadata over the limits, then seals them in `env`."""
        error = check_metadata(SwobRequest(env), "object")
        if error:
            raise error
        self.own_keys(request, env)
        given = [key for key in env if key.startswith(USER_META) and env[key]]
        headers = [(header_name(key), env[key]) for key in given]
        headers += [(header_name(key), env[key]) for key in also if key in env]
        for key in given:
            del env[key]
        for name, value in request.request_head(headers):
            env[environ_key(name)] = value

    def put(self, request, env, start_response):
        self.seal(request, env, ("HTTP_ETAG", LISTING_ETAG))
        # The client's ETag is not that of the ciphertext, which goes into the footers.
        env.pop("HTTP_ETAG", None)
        inner = env.get(FOOTERS)

        def update_footers(footers):
            if inner:
                inner(footers)
            try:
                for name, value in request.footers(list(footers.items())):
                    footers[name] = value
            except _sallyport.Refused as refused:
                raise self.refusal(refused, env) from refused

        env[FOOTERS] = update_footers
        env["wsgi.input"] = EncryptedInput(env["wsgi.input"], request)
        context = WSGIContext(self.app)
        body = context._app_call(env)
        headers = request.response_head(context._get_status_int(), context._response_headers)
        start_response(context._response_status, headers, context._response_exc_info)
        return body

    def post(self, request, env, start_response):
        self.seal(request, env)
        return self.app(env, start_response)

    # --- requests that read ------------------------------------------------------------------------------------------

    def get(self, request, env, start_response):
        given = {key: env[key] for key in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH") if env.get(key)}
        if any(value.strip() != "*" for value in given.values()):
            self.own_keys(request, env)
            masked = dict(request.request_head([(header_name(key), value) for key, value in given.items()]))
            env.update((key, masked[header_name(key)]) for key in given)
            if "X-Backend-Etag-Is-At" in masked:
                update_etag_is_at_header(SwobRequest(env), MAC_HEADER)
        context = WSGIContext(self.app)
        try:
            body = context._app_call(env)
        finally:
            env.update(given)
        try:
            headers = self.response_head(request, context, env)
        except (HTTPException, _sallyport.Refused):
            close(body)
            raise
        start_response(context._response_status, headers, context._response_exc_info)
        return decrypted(body, request) if request.decrypts_body else body

    def response_head(self, request, context, env):
        status = context._get_status_int()
        headers = request.response_head(status, context._response_headers)
        while headers is None:
            self.provide_keys(request, env)
            headers = request.response_head(status, context._response_headers)
        return headers

    def list_container(self, request, env, start_response):
        context = WSGIContext(self.app)
        body = context._app_call(env)
        if is_success(context._get_status_int()):
            try:
                self.response_head(request, context, env)
                if request.decrypts_listing:
                    body = self.decrypt_listing(request, context, env, body)
            except (HTTPException, _sallyport.Refused):
                close(body)
                raise
        start_response(context._response_status, context._response_headers, context._response_exc_info)
        return body

    def decrypt_listing(self, request, context, env, body):
        with closing_if_possible(body):
            sealed = b"".join(body)
        if b"swift_meta" not in sealed:
            return [sealed]
        self.own_keys(request, env)
        listing = request.listing(sealed)
        while listing is None:
            self.provide_keys(request, env)
            listing = request.listing(sealed)
        self.log_core()
        context.update_content_length(len(listing))
        return [listing]

    HANDLERS = {"GET": get, "HEAD": get, "PUT": put, "POST": post}


def close(body):
    if hasattr(body, "close"):
        body.close()


_arena_owner = None


def open_arena_once(size, allow_unlocked):
    """The arena belongs to the process, of which there may be several filters (one for each pipeline)."""
    global _arena_owner
    if _arena_owner is None:
        _sallyport.open_arena(size, allow_unlocked)
        _arena_owner = os.getpid()
    elif _arena_owner != os.getpid():
        raise RuntimeError("the locked memory was opened before the fork")


def filter_factory(global_conf, **local_conf):
    """For paste: `use = egg:sallyport_swift#sallyport`, or `paste.filter_factory = sallyport_swift:filter_factory`."""
    conf = {**global_conf, **local_conf}
    enabled = not config_true_value(conf.get("disable_encryption", "false"))
    register_swift_info("encryption", admin=True, enabled=enabled)
    keys = AgentKeys(conf.get("agent_socket", DEFAULT_SOCKET), float(conf.get("agent_timeout", 5)))
    return lambda app: Sallyport(app, conf, keys)
