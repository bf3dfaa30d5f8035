#!/usr/bin/python3
"""CPU time of the filter's Python module against Swift's own classes, without a proxy: a GiB in chunks of 64 KiB, as a proxy
reads them, and the work around one small object. Ratios: Swift's time over ours (above 1: ours is faster)."""

import hashlib
import json
import os
import sys
import time

sys.path.insert(0, os.environ.get("SALLYPORT_PYTHON", os.path.join(os.environ.get("SALLYPORT_BIN", "."), "../python")))
from sallyport_swift import _sallyport  # pylint: disable=wrong-import-position
from swift.common.middleware.crypto.crypto_utils import Crypto  # pylint: disable=wrong-import-position

CHUNK = os.urandom(65536)
CHUNKS = int(os.environ.get("CHUNKS", 4096))
HTTP_STATUS = 200


def provide(request, secrets=1):
    """What the agent would grant: keys of zeros under each secret."""
    while (question := request.question()) is not None:
        paths = question.count(b"path=")
        grant = bytes([1, 2, 0, secrets, 0, paths])
        for number in range(secrets):
            name = b"" if number == 0 else b"%d" % number
            grant += bytes([0, len(name)]) + name + bytes(32) * paths
        buffer = _sallyport.SecureBuffer(len(grant))
        memoryview(buffer)[:] = grant
        request.answer(buffer, 0, len(grant))


def started_put():
    request = _sallyport.Request("PUT", ("AUTH_test", "c", "o"), False)
    request.want_own_keys()
    provide(request)
    request.request_head([])
    return request


def stored_headers(request):
    return [("X-Timestamp", "1"), ("Content-Type", "text/plain"), *request.footers([])]


def started_get(headers):
    request = _sallyport.Request("GET", ("AUTH_test", "c", "o"), False)
    head = request.response_head(HTTP_STATUS, headers)
    while head is None:
        provide(request)
        head = request.response_head(HTTP_STATUS, headers)
    return request


def seconds_a_gib(step):
    for _ in range(200):
        step()
    begin = time.process_time()
    for _ in range(CHUNKS):
        step()
    return (time.process_time() - begin) / CHUNKS * 16384


def show(what, ours, swifts):
    print(json.dumps({"what": what, "ours": f"{ours:.3f} s/GiB", "other": f"{swifts:.3f} s/GiB (Swift's encryption)",
                      "ratio": round(swifts / ours, 2)}), flush=True)


def main():
    _sallyport.open_arena(1 << 20, True)
    crypto, key = Crypto({}), os.urandom(32)
    encrypt = crypto.create_encryption_ctxt(key, crypto.create_iv()).update
    plain, cipher = hashlib.md5(), hashlib.md5()

    def swift_put():
        plain.update(CHUNK)
        cipher.update(encrypt(CHUNK))

    put = started_put()
    show("door 2: PUT, CPU of the filter", seconds_a_gib(lambda: put.encrypt(CHUNK)), seconds_a_gib(swift_put))
    get = started_get(stored_headers(put))
    decrypt = crypto.create_decryption_ctxt(key, crypto.create_iv(), 0).update
    show("door 2: GET, CPU of the filter", seconds_a_gib(lambda: get.decrypt(CHUNK)), seconds_a_gib(lambda: decrypt(CHUNK)))


if __name__ == "__main__":
    main()
