# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on a copy of the checkout: sanity.py ENVIRONMENT…, with the names that bootstrap.py knows.

A copy, because ansible-test wants the path …/ansible_collections/stackops/glance and the checkout may lie anywhere.
"""

from __future__ import annotations

import glob
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITH_ENV = ROOT / "tests" / "bin" / "with-env"
# The versions that a host may have; ansible-test skips those that it does not know or find.
VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
# The lab is a program of its own, no part of the collection that is built.  Unit tests are for today's Python only, but
# ansible-test wants those of module_utils to be for the hosts' too.
LEFT_OUT = ("molecule/", "tests/unit/")
# What the first ansible-core has imported with each Python and read with pylint is no other for the next, but for Pythons up to
# 3.7, with which the gate `compile` reads what managed hosts get. All of it where it is to be thorough.
AGAIN = ["--skip-test", "import", "--skip-test", "pylint"]
# ansible-test downloads get-pip from the Internet; Python itself carries a pip.
GET_PIP = "import ensurepip\n\nensurepip.bootstrap()\n"


def git(*arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.decode()


def copy_checkout(target: pathlib.Path) -> None:
    for name in filter(None, git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")):
        if not name.startswith(LEFT_OUT) and os.path.lexists(str(ROOT / name)):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(ROOT / name), str(target / name), follow_symlinks=False)


def link_interpreters(folder: pathlib.Path) -> list[str]:
    """Put pythonX.Y into folder for each version that runs: a pyenv shim may be on PATH and still refuse to."""
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    found = []
    for version in VERSIONS:
        probe = "import sys; print(sys.executable if '%%d.%%d' %% sys.version_info[:2] == '%s' else '')" % version
        for candidate in ["/usr/bin/python" + version] + glob.glob("%s/versions/%s.*/bin/python" % (pyenv, version)):
            try:
                path = (
                    subprocess.run([candidate, "-c", probe], stdout=subprocess.PIPE, check=False)
                    .stdout.decode()
                    .strip()
                )
            except OSError:
                continue
            if path:
                (folder / ("python" + version)).symlink_to(path)
                found.append(version)
                break
    return found


def offer_get_pip(environment: str) -> None:
    script = "import ansible_test._internal.python_requirements as p; print(p.__file__)"
    path = subprocess.run([WITH_ENV, environment, "python", "-c", script], check=True, stdout=subprocess.PIPE).stdout
    source = pathlib.Path(path.decode().strip()).read_text()
    for version in set(re.findall(r"'(\d\d\.\d(?:\.\d)?)'", source)):
        cached = pathlib.Path.home() / ".ansible" / "test" / "cache" / ("get_pip_%s.py" % version.replace(".", "_"))
        if not cached.exists():
            cached.parent.mkdir(parents=True, exist_ok=True)
            cached.write_text(GET_PIP)


def run(environment: str, folder: pathlib.Path, options: list[str]) -> bool:
    target = folder / "ansible_collections" / "stackops" / "glance"
    interpreters = folder / "bin"
    interpreters.mkdir(exist_ok=True)
    if not target.exists():
        copy_checkout(target)
        print("sanity: Pythons found: " + " ".join(link_interpreters(interpreters)), flush=True)
    offer_get_pip(environment)
    # with-env puts the environment first on PATH; the interpreters come before what the machine has.
    environ = dict(os.environ, PATH="%s:%s" % (interpreters, os.environ["PATH"]))
    command = [WITH_ENV, environment, "ansible-test", "sanity", "--local", "--color", "no", *options]
    print("sanity: " + environment, flush=True)
    return subprocess.run(command, cwd=str(target), env=environ, stdin=subprocess.DEVNULL, check=False).returncode == 0


def is_there(environment: str) -> bool:
    there = environment != "newest" or (ROOT / ".venv-newest" / ".stamp").exists()
    if not there:
        # Why was said when the environments were made.
        print("sanity: SKIPPED: newest, for which this machine has no Python", flush=True)
    return there


def main() -> int:
    environments = sys.argv[1:]
    if not environments:
        print(__doc__, file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="stackops-sanity-") as folder:
        good = [
            run(environment, pathlib.Path(folder), AGAIN if number and not os.environ.get("THOROUGH") else [])
            for number, environment in enumerate(environments)
            if is_there(environment)
        ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
