# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the Python environments of this checkout: bootstrap.py NAME…, with NAME out of main, core-2.16, newest, docs
and package.

An environment is rebuilt only when the files that it is made from, or its interpreter, have changed.  This file runs
before anything is installed: standard library only, and any Python 3.8 or newer.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "tests" / "requirements"
PROBE = "import sys; print('%d.%d' % sys.version_info[:2]); print(sys.base_prefix)"


@dataclass(frozen=True)
class Environment:
    """An environment, and the Pythons that its ansible-core runs on, the preferred first."""

    name: str
    folder: str
    pythons: tuple[str, ...]
    optional: bool = False

    @property
    def path(self) -> pathlib.Path:
        return ROOT / self.folder

    def inputs(self) -> list[pathlib.Path]:
        return [REQUIREMENTS / (self.name + end) for end in (".txt", ".yml", ".bundle.txt")] + [
            pathlib.Path(__file__).resolve(),
            ROOT / "tests" / "bin" / "install_collections.py",
        ]


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("main", ".venv", ("3.11", "3.12", "3.13")),
        Environment("core-2.16", ".venv-2.16", ("3.11", "3.12", "3.10")),
        Environment("newest", ".venv-newest", ("3.13", "3.12", "3.14"), optional=True),
        Environment("docs", ".venv-docs", ("3.11", "3.12", "3.13")),
        Environment("package", ".venv-package", ("3.11", "3.12", "3.13")),
    )
}


class BootstrapError(Exception):
    """What is missing on this machine, and how to get it."""


def say(text: str) -> None:
    print("bootstrap: " + text, flush=True)


def find_python(environment: Environment) -> tuple[str, str] | None:
    """Return an interpreter and what it says of itself.

    A pyenv shim may exist and still refuse to run, so every candidate is asked.
    """
    pyenv = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    for version in environment.pythons:
        candidates = ["python3", "/usr/bin/python3", "python" + version, "/usr/bin/python" + version]
        candidates += sorted(glob.glob("%s/versions/%s.*/bin/python" % (pyenv, version)))
        for candidate in candidates:
            with contextlib.suppress(OSError):
                answer = subprocess.run(
                    [candidate, "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
                )
                if answer.returncode == 0 and answer.stdout.decode().split()[0] == version:
                    return candidate, answer.stdout.decode()
    return None


#: apt does not wait for itself, and the lab's engine is installed while the environments are made.
APT_GET = ["flock", "/run/lock/stackops-glance-apt", "apt-get"]


def ensure_venv(python: str, version: str) -> None:
    """Debian leaves ensurepip out of its python3 package; install the package that has it."""
    if subprocess.run([python, "-c", "import ensurepip, venv"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return
    package = "python%s-venv" % version
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise BootstrapError("%s cannot make virtual environments. Install %s and run this again." % (python, package))
    say("installing %s with apt-get" % package)
    run([*APT_GET, "update", "-q"])
    environ = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    run([*APT_GET, "install", "-q", "-y", "--no-install-recommends", package], env=environ)


def run(command: list[str], **options: object) -> None:
    """Run a command; show its output only when it failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        sys.stdout.write(done.stdout.decode(errors="replace"))
        raise BootstrapError("This command failed (its output is above): " + " ".join(command))


def build(environment: Environment) -> None:
    found = find_python(environment)
    if found is None:
        message = "no Python %s is on this machine; %s needs one of them." % (
            " or ".join(sorted(environment.pythons)),
            environment.folder,
        )
        if not environment.optional:
            raise BootstrapError(message[0].upper() + message[1:] + " Install it, for example with apt-get.")
        say("NOT MADE: " + message + " What runs in it is left out on this machine.")
        return
    python, identity = found
    digest = hashlib.sha256((identity + str(environment.path)).encode())
    for path in environment.inputs():
        digest.update(path.read_bytes())
    stamp = environment.path / ".stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return

    started = time.time()
    version = identity.split()[0]
    say("making %s with Python %s" % (environment.folder, version))
    ensure_venv(python, version)
    shutil.rmtree(str(environment.path), ignore_errors=True)
    run([python, "-m", "venv", str(environment.path)])
    executable = str(environment.path / "bin" / "python")
    run([executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", str(environment.inputs()[0])])
    run_shown(
        [executable, str(ROOT / "tests" / "bin" / "install_collections.py"), environment.name, str(environment.path)]
    )
    stamp.write_text(digest.hexdigest())
    say("%s is ready after %.0f s" % (environment.folder, time.time() - started))


def run_shown(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode:
        raise BootstrapError("This command failed: " + " ".join(command))


def main() -> int:
    names = sys.argv[1:]
    if not names or any(name not in ENVIRONMENTS for name in names):
        print(__doc__, file=sys.stderr)
        return 2
    for name in names:
        # Two builds of one environment at once would tear each other down.
        with open(str(ROOT / (".venv-%s.lock" % name)), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                build(ENVIRONMENTS[name])
            except BootstrapError as error:
                say("FAILED: %s" % error)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
