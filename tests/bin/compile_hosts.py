# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile what runs on managed hosts with Python 2.7 and 3.6.

Where no Python 2.7 is on this machine, the one of the lab's Glance image is used.  Nothing is skipped: a check that
cannot run is a failure.
"""

from __future__ import annotations

import ast
import glob
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
IGNORES = ROOT / "tests" / "sanity" / "ignore-2.16.txt"
# Reads {path: source} as JSON from its standard input; runs on any Python from 2.7.
CHECKER = """
import json, sys
bad = 0
for path, source in sorted(json.loads(sys.stdin.read()).items()):
    try:
        compile(source.encode("utf-8"), path, "exec", 0, True)
    except SyntaxError as error:
        bad += 1
        print("%s:%s: %s" % (path, error.lineno, error.msg))
sys.exit(1 if bad else 0)
"""


def host_sources() -> dict[str, str]:
    """The Python files of modules and module_utils, less the cloud ones, which the sanity ignore file names."""
    ignored = [line.split()[0] for line in IGNORES.read_text().splitlines() if " compile-2.7" in line]
    paths = [path for folder in ("modules", "module_utils") for path in (ROOT / "plugins" / folder).rglob("*.py")]
    names = {str(path.relative_to(ROOT)): path for path in paths}
    return {name: path.read_text(encoding="utf-8") for name, path in names.items() if name not in ignored}


def find_python(version: str) -> str | None:
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    probe = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for candidate in [f"python{version}", *glob.glob(f"{pyenv}/versions/{version}.*/bin/python")]:
        try:
            if subprocess.run([candidate, "-c", probe], capture_output=True, check=False).returncode == 0:
                return candidate
        except OSError:
            continue
    return None


def command_27() -> list[str]:
    python = find_python("2.7")
    if python:
        return [python]
    lab = ROOT / "molecule" / "lab" / "lab"
    image = subprocess.run([lab, "image", "glance15"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return ["docker", "run", "--rm", "-i", "--entrypoint", "/usr/bin/python2.7", image]


def passes(version: str, command: list[str], sources: dict[str, str]) -> bool:
    print(f"compile-{version}: {len(sources)} files with {' '.join(command)}", flush=True)
    return subprocess.run([*command, "-c", CHECKER], input=json.dumps(sources), text=True, check=False).returncode == 0


def passes_36_parser(sources: dict[str, str]) -> bool:
    print(
        f"compile-3.6: {len(sources)} files with ast.parse(feature_version=(3, 6)); no Python 3.6 is here", flush=True
    )
    good = True
    for name, source in sorted(sources.items()):
        try:
            ast.parse(source, name, feature_version=(3, 6))
        except SyntaxError as error:
            print(f"{name}:{error.lineno}: {error.msg}")
            good = False
    return good


def main() -> int:
    sources = host_sources()
    if not sources:
        print("compile: FAILED: no file to check was found")
        return 1
    try:
        good = passes("2.7", command_27(), sources)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"compile-2.7: FAILED: neither a python2.7 nor the lab's image of one could be run: {error}")
        good = False
    python36 = find_python("3.6")
    good &= passes("3.6", [python36], sources) if python36 else passes_36_parser(sources)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
