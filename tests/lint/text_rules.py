"""Rules that a line of text can break."""

import re

from tree import BINARY, CODE_FOLDERS, ROOT, files, is_cpp, is_generated_data, is_product, text_of

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b[Pp]laceholder\b")
SKIPPED_TEST = re.compile(r"GTEST_SKIP|\bDISABLED_\w|unittest\.skip|\.skipTest\(|@skip\b")
HOME_PATH = re.compile(r"/home/\w")
# Secret bytes live in SecureBytes. A plain string or vector with such a name is either a leak or a bad name.
SECRET_NAME = re.compile(
    r"std::(?:string|vector<[^>]*>)[\s&]+(?:(?:\w+_)?(?:payload|passphrase|kek|pin|password|plaintext)_?\s*[;={,)(]"
    r"|(?:\w+_)?key_?\s*[;={(])")
# A parameter called key may be the name of something in JSON or YAML; these are never secrets.
PUBLIC_NAME = re.compile(r"\b\w*(?:public|header|cache|map|json|yaml|sort|query|option|config)_key_?\b")


def pragma_once(path, text):
    if path.suffix == ".h" and not any(line == "#pragma once" for line in text.split("\n")):
        yield f"{path}: header without #pragma once"


def lines_against(path, text, pattern, why):
    for number, line in enumerate(text.split("\n"), 1):
        if pattern.search(line):
            yield f"{path}:{number}: {why}: {line.strip()[:100]}"


def secret_names(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        match = SECRET_NAME.search(line)
        if match and not PUBLIC_NAME.search(match.group(0)):
            yield f"{path}:{number}: a secret's name on plain memory: {line.strip()[:100]}"


def tabs_and_ends(path, text):
    for number, line in enumerate(text.split("\n"), 1):
        if "\t" in line:
            yield f"{path}:{number}: tab"
        if line != line.rstrip():
            yield f"{path}:{number}: white space at the end of the line"


def readmes(paths):
    """Every folder with sources says what it is; folders under tests/unit mirror one that does."""
    folders = {path.parent for path in paths if is_product(path) and is_cpp(path)}
    folders |= {ROOT.joinpath(name).relative_to(ROOT) for name in CODE_FOLDERS if (ROOT / name).is_dir()}
    folders |= {path.parents[-3] for path in paths if path.parts[0] == "tests" and len(path.parts) > 2}
    return [f"{folder}: no README.md" for folder in sorted(folders) if not (ROOT / folder / "README.md").exists()]


def check():
    paths = [path for path in files() if path.suffix not in BINARY]
    problems = readmes(paths)
    for path in paths:
        if path.parts[:2] == ("tests", "lint") or is_generated_data(path):
            continue
        text = text_of(path)
        problems += pragma_once(path, text)
        problems += lines_against(path, text, UNFINISHED, "unfinished")
        problems += lines_against(path, text, SKIPPED_TEST, "skipped test")
        problems += lines_against(path, text, HOME_PATH, "path of one machine")
        if path.name != "LICENSE":
            problems += tabs_and_ends(path, text)
        if is_cpp(path) and is_product(path):
            problems += secret_names(path, text)
    return problems
