"""The files of the tree that the lint looks at, without asking git (an unpacked archive is linted too)."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("keymanager", "integrations", "migration", "agent")
OUTSIDE = {".git", ".cache", "build", "__pycache__"}
BINARY = {".xz", ".gz", ".png", ".sqlite", ".img", ".bin", ".der"}


def files():
    """Every file that is ours, relative to the root, sorted."""
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(name for name in subfolders if name not in OUTSIDE)
        found += [(Path(folder) / name).relative_to(ROOT) for name in names if name != ".git"]
    return sorted(found)


def is_cpp(path):
    return path.suffix in (".h", ".cc")


def is_product(path):
    """What is shipped, as opposed to what tests it."""
    return path.parts[0] in CODE_FOLDERS


def is_generated_data(path):
    return path.parts[:2] in (("tests", "vectors"),) or "corpus" in path.parts


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def first_line(path):
    with open(ROOT / path, "rb") as file:
        return file.readline(200)


def is_shell(path):
    line = first_line(path)
    return line.startswith(b"#!") and (b"bash" in line or line.rstrip().endswith(b"/sh"))
