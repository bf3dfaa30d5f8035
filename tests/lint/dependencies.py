"""Which folder includes which: compared with the allowed arrows and with the committed list."""

import re

from tree import ROOT, files, is_cpp, is_product, text_of

COMMITTED = ROOT / "tests/lint/dependencies.txt"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

# docs/architecture.md, "Dependency rule". A folder may include itself, its own subfolders and what stands here; the
# longest matching prefix counts.
KEYMANAGER_BOTTOM = ["keymanager/base"]
KEYMANAGER_MIDDLE = ["keymanager/model", "keymanager/crypto"] + KEYMANAGER_BOTTOM
KEYMANAGER_CORE = ["keymanager/core", "keymanager/store", "keymanager/db"] + KEYMANAGER_MIDDLE
ALLOWED = {
    "keymanager/base": [],
    "keymanager/crypto": KEYMANAGER_BOTTOM,
    "keymanager/model": KEYMANAGER_BOTTOM,
    "keymanager/store": KEYMANAGER_MIDDLE,
    "keymanager/db": KEYMANAGER_MIDDLE,
    "keymanager/core": KEYMANAGER_CORE,
    "keymanager/api": KEYMANAGER_CORE,
    "integrations": KEYMANAGER_MIDDLE,
    "migration": KEYMANAGER_CORE,
    "agent": ["agent", "migration", "integrations", "keymanager/api"] + KEYMANAGER_CORE,
}

# A vendor is known to the folders that wrap it, and to nobody else.
VENDORS = {
    "boost/asio": ["agent"],
    "boost/beast": ["agent/asio", "agent/http"],
    "boost/json": ["keymanager", "integrations", "migration", "agent"],
    "boost/url": ["keymanager", "integrations", "migration", "agent"],
    "pybind11": ["integrations/object/swift"],
    "openssl": ["keymanager/base", "keymanager/crypto", "integrations", "agent/http"],
    "sqlite3.h": ["keymanager/db"],
    "mysql.h": ["keymanager/db"],
    "libpq-fe.h": ["keymanager/db"],
    "libcryptsetup.h": ["integrations/volume"],
    "blkid": ["integrations/volume"],
    "libvirt": ["integrations/libvirt"],
    "yaml-cpp": ["agent/cli", "agent/config", "keymanager/core"],
    "CLI": ["agent/cli"],
    "spdlog": ["keymanager/base"],
    "systemd": ["agent"],
    "amqp": ["integrations/image"],
    "amqp_ssl_socket": ["integrations/image"],
    "amqp_tcp_socket": ["integrations/image"],
}


def is_under(folder, parent):
    return folder == parent or folder.startswith(parent + "/")


def vendor_of(header):
    return next((vendor for vendor in VENDORS if header == vendor or header.startswith(vendor + "/")
                 or header.startswith(vendor + ".")), None)


def edges():
    """Yields (file, folder, target): target is a folder of ours or a vendor in angle brackets."""
    for path in files():
        if not (is_cpp(path) and is_product(path)):
            continue
        folder = str(path.parent)
        for kind, header in INCLUDE.findall(text_of(path)):
            if kind == '"':
                yield path, folder, header.rpartition("/")[0] or "."
            elif vendor_of(header):
                yield path, folder, f"<{vendor_of(header)}>"


def is_allowed(folder, target):
    if target.startswith("<"):
        return any(is_under(folder, owner) for owner in VENDORS[target[1:-1]])
    rule = max((prefix for prefix in ALLOWED if is_under(folder, prefix)), key=len, default=None)
    if rule is None:
        return False
    same_family = is_under(target, folder) or (is_under(folder, target) and "/" in target)
    return same_family or any(is_under(target, parent) for parent in ALLOWED[rule])


def graph():
    return sorted({f"{folder} -> {target}" for _, folder, target in edges() if folder != target})


def update():
    COMMITTED.write_text("\n".join(graph()) + "\n")


def check():
    problems = [f"{path}: {folder} must not include {target}" for path, folder, target in edges()
                if folder != target and not is_allowed(folder, target)]
    committed = set(COMMITTED.read_text().split("\n")) - {""}
    actual = set(graph())
    problems += [f"dependencies.txt: new arrow {arrow}" for arrow in sorted(actual - committed)]
    problems += [f"dependencies.txt: arrow no longer there: {arrow}" for arrow in sorted(committed - actual)]
    return problems
