#!/usr/bin/python3
"""swift_server.py SWIFT_DIR KIND CONF: one of Swift's servers (proxy, account, container, object) whose swift.conf is in
SWIFT_DIR rather than in /etc/swift, so that a test can have a cluster of its own."""

import sys

from swift.common.constraints import reload_constraints
from swift.common.utils import set_swift_dir
from swift.common.wsgi import run_wsgi


def main(swift_dir, kind, conf):
    set_swift_dir(swift_dir)
    reload_constraints()
    options = {}
    if kind == "object":
        from swift.obj import server  # pylint: disable=import-outside-toplevel
        options["global_conf_callback"] = server.global_conf_callback
    return run_wsgi(conf, f"{kind}-server", **options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
