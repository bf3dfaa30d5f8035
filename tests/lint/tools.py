"""Checks that other programs make: clang-format, shellcheck, Python's compiler, clang-tidy."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from tree import ROOT, files, first_line, is_cpp, is_product, is_shell, text_of


def run(command):
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return [f"{command[0]} is missing: ./dev deps lint tidy"]
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]


def in_batches(command, paths, size):
    batches = [command + [str(path) for path in paths[at:at + size]] for at in range(0, len(paths), size)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for problems in pool.map(run, batches) for problem in problems]


def clang_format():
    problems = in_batches(["clang-format-14", "--dry-run", "--Werror"], [path for path in files() if is_cpp(path)], 20)
    unformatted = sorted({match for problem in problems for match in re.findall(r"^(\S+?):\d+:", problem, re.MULTILINE)})
    return [f"{path}: not formatted (./dev fmt)" for path in unformatted] or problems


def shellcheck():
    return in_batches(["shellcheck", "-x"], [path for path in files() if is_shell(path)], 5)


def python():
    problems = []
    for path in files():
        first = first_line(path)
        if path.suffix == ".py" or (first.startswith(b"#!") and b"python3" in first):
            try:
                compile(text_of(path), str(path), "exec")
            except SyntaxError as error:
                problems.append(f"{path}:{error.lineno}: {error.msg}")
    return problems


def clang_tidy(chosen):
    paths = chosen or [path for path in files() if path.suffix == ".cc" and is_product(path)]
    command = ["clang-tidy-14", "-p", "build/dev", "--quiet", "--extra-arg=-Wno-unknown-warning-option"]
    return in_batches(command, paths, 1)
