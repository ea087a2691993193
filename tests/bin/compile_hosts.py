# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compile what runs on managed hosts with Python 2.7 and 3.6, and import it beside ansible-core 2.16's module_utils.

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
COLLECTION = "ansible_collections/stackops/glance/"
# Reads {path: source} as JSON from its standard input; runs on any Python from 2.7.  The sources come through a pipe,
# since the interpreter may be in a container that sees none of this machine's files.
CHECKER = r"""
import importlib, json, os, shutil, sys, tempfile, traceback

bad = 0
checked = 0
folder = tempfile.mkdtemp()
sys.path.insert(0, folder)
sys.dont_write_bytecode = True
files = json.loads(sys.stdin.read())
for path, source in files.items():
    target = os.path.join(folder, path)
    if not os.path.isdir(os.path.dirname(target)):
        os.makedirs(os.path.dirname(target))
    with open(target, "wb") as stream:
        stream.write(source.encode("utf-8"))
for path, source in sorted(files.items()):
    if not path.startswith("ansible_collections/") or path.endswith("__init__.py"):
        continue
    checked += 1
    try:
        compile(source.encode("utf-8"), path, "exec", 0, True)
        importlib.import_module(path[:-3].replace("/", "."))
    except SyntaxError as error:
        bad += 1
        print("%s:%s: %s" % (error.filename, error.lineno, error.msg))
    except BaseException as error:
        bad += 1
        print("%s: cannot be imported: %s" % (path, traceback.format_exception_only(type(error), error)[-1].strip()))
shutil.rmtree(folder)
print("%d of %d files passed with Python %s" % (checked - bad, checked, sys.version.split()[0]))
sys.exit(1 if bad or not checked else 0)
"""


def host_sources() -> dict[str, str]:
    """The Python files of modules and module_utils, less the cloud ones, which the sanity ignore file names."""
    ignored = [line.split()[0] for line in IGNORES.read_text().splitlines() if " compile-2.7" in line]
    paths = [path for folder in ("modules", "module_utils") for path in (ROOT / "plugins" / folder).rglob("*.py")]
    names = {str(path.relative_to(ROOT)): path for path in paths}
    return {COLLECTION + name: path.read_text(encoding="utf-8") for name, path in names.items() if name not in ignored}


def surroundings(sources: dict[str, str]) -> dict[str, str]:
    """What the files import: ansible-core 2.16's module_utils, and the packages that Python 2.7 asks for."""
    (site,) = (ROOT / ".venv-2.16" / "lib").glob("python3*/site-packages")
    paths = [site / "ansible" / "release.py", *(site / "ansible" / "module_utils").rglob("*.py")]
    found = {str(path.relative_to(site)): path.read_text(encoding="utf-8") for path in paths}
    found["ansible/__init__.py"] = ""
    for name in sources:
        for parent in pathlib.PurePath(name).parents:
            if parent.name:
                found[f"{parent}/__init__.py"] = ""
    return found


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
    subprocess.run([lab, "images"], check=True)
    image = subprocess.run([lab, "image", "glance"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return ["docker", "run", "--rm", "-i", "--entrypoint", "/usr/bin/python2.7", image]


def passes(version: str, command: list[str], sources: dict[str, str]) -> bool:
    print(f"--- Python {version}: {' '.join(command)}", flush=True)
    text = json.dumps({**surroundings(sources), **sources})
    return subprocess.run([*command, "-c", CHECKER], input=text, text=True, check=False).returncode == 0


def passes_parser_36(sources: dict[str, str]) -> bool:
    print("--- Python 3.6: none is on this machine; ast.parse(feature_version=(3, 6)) reads the files", flush=True)
    bad = 0
    for name, source in sorted(sources.items()):
        try:
            ast.parse(source, name, feature_version=(3, 6))
        except SyntaxError as error:
            print(f"{name}:{error.lineno}: {error.msg}")
            bad += 1
    print(f"{len(sources) - bad} of {len(sources)} files passed")
    return not bad


def main() -> int:
    sources = host_sources()
    if not sources:
        print("compile: FAILED: no file to check was found")
        return 1
    try:
        good = passes("2.7", command_27(), sources)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"compile: FAILED: neither a python2.7 nor the lab's image of one could be run: {error}")
        good = False
    python36 = find_python("3.6")
    good &= passes("3.6", [python36], sources) if python36 else passes_parser_36(sources)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
