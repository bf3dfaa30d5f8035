"""Every place that looks at secret bytes is a line under review: how many calls of reveal() each file holds."""

import re

from tree import ROOT, files, is_cpp, is_product, text_of

COMMITTED = ROOT / "tests/lint/reveal_sites.txt"
CALL = re.compile(r"(?:\.|->)\s*reveal\(\)")


def sites():
    counted = ((path, len(CALL.findall(text_of(path)))) for path in files() if is_cpp(path) and is_product(path))
    return [f"{count:3} {path}" for path, count in counted if count]


def update():
    COMMITTED.write_text("\n".join(sites()) + "\n")


def check():
    committed = [line for line in COMMITTED.read_text().split("\n") if line]
    actual = sites()
    problems = [f"reveal_sites.txt: now {line.strip()}" for line in actual if line not in committed]
    problems += [f"reveal_sites.txt: no longer {line.strip()}" for line in committed if line not in actual]
    return problems
