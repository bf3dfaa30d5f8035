#!/usr/bin/python3
"""Runs every lint and exits with 1 if one of them has something to say. `./dev lint` calls it."""

import argparse
import sys
import time

import dependencies
import reveal_sites
import text_rules
import tools

CHECKS = {
    "dependency rule": dependencies.check,
    "reveal() sites": reveal_sites.check,
    "text rules": text_rules.check,
    "clang-format": tools.clang_format,
    "shellcheck": tools.shellcheck,
    "python": tools.python,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite dependencies.txt and reveal_sites.txt")
    parser.add_argument("--tidy", nargs="*", metavar="FILE", help="run clang-tidy too, on FILEs or on everything")
    options = parser.parse_args()
    if options.update:
        dependencies.update()
        reveal_sites.update()
    checks = dict(CHECKS)
    if options.tidy is not None:
        checks["clang-tidy"] = lambda: tools.clang_tidy(options.tidy)
    failed = False
    for name, check in checks.items():
        started = time.monotonic()
        problems = check()
        print(f"lint: {name}: {len(problems) or 'no'} problems ({time.monotonic() - started:.1f} s)")
        for problem in problems:
            print(problem)
        failed = failed or bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.exit(main())
