# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count how often Ansible starts a Python on a host.

Tasks say little about that: an action may start none or several.  So a small wrapper stands in for the interpreter,
writes a line for each start, and becomes the interpreter.  Point ansible_python_interpreter at it.

    executions.py wrapper LOG [PYTHON]     print the wrapper, to be put on a host and made executable
    executions.py check LIMIT NAME=LOG …   print the count of each host; exit 1 when one is above the limit
"""

from __future__ import annotations

import pathlib
import shlex
import sys

WRAPPER = """#!/bin/sh
# Writes one line for each start of the interpreter, then becomes it.
echo "$$" >>{log}
exec {python} "$@"
"""


def wrapper(log: str, python: str = "/usr/bin/python3") -> str:
    """The text of a wrapper around an interpreter; one short line at a time is appended whole, also by parallel ones."""
    return WRAPPER.format(log=shlex.quote(log), python=shlex.quote(python))


def count(log: pathlib.Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


def check(limit: int, logs: dict[str, pathlib.Path]) -> int:
    above = 0
    for name, log in logs.items():
        executions = count(log)
        above += executions > limit
        print(f"{name}: {executions} executions, at most {limit} are allowed")
    return 1 if above or not logs else 0


def main(arguments: list[str]) -> int:
    if len(arguments) in (2, 3) and arguments[0] == "wrapper":
        print(wrapper(*arguments[1:]), end="")
        return 0
    if len(arguments) > 2 and arguments[0] == "check":
        pairs = [pair.partition("=") for pair in arguments[2:]]
        return check(int(arguments[1]), {name: pathlib.Path(log) for name, _sign, log in pairs})
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
