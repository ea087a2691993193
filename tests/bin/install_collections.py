# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Put the collections that an environment needs under VENV/collections: install_collections.py NAME VENV.

They come from the Galaxy server that Ansible is set up for when it answers, else out of the PyPI package `ansible`,
which carries the same versions; either way the versions must be those of tests/requirements/NAME.yml.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile

import yaml
from ansible import constants

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 5


def galaxy_answers() -> bool:
    """Whether the Galaxy server answers within a few seconds; any HTTP answer at all counts."""
    if constants.GALAXY_SERVER_LIST:
        return True
    try:
        urllib.request.urlopen(constants.GALAXY_SERVER + "/api/", timeout=TIMEOUT).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def from_galaxy(name: str, venv: pathlib.Path) -> bool:
    requirements = ROOT / "tests" / "requirements" / f"{name}.yml"
    galaxy = venv / "bin" / "ansible-galaxy"
    command = [galaxy, "collection", "install", "-p", venv / "collections", "-r", requirements, "--no-deps"]
    environ = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(venv / "collections"))
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"collections: ansible-galaxy could not bring them:\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode == 0


def from_bundle(name: str, venv: pathlib.Path, wanted: dict[str, str]) -> None:
    """Take the wanted collections out of the `ansible` wheel, and nothing else of its half gigabyte."""
    requirement = ROOT / "tests" / "requirements" / f"{name}.bundle.txt"
    folders = tuple(f"ansible_collections/{collection.replace('.', '/')}/" for collection in wanted)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", folder]
        subprocess.run([*command, "-r", requirement], check=True)
        (wheel,) = pathlib.Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [member for member in archive.namelist() if member.startswith(folders)]
            archive.extractall(venv / "collections", members)


def check(venv: pathlib.Path, wanted: dict[str, str]) -> None:
    for collection, version in wanted.items():
        manifest = venv / "collections" / "ansible_collections" / collection.replace(".", "/") / "MANIFEST.json"
        found = json.loads(manifest.read_text())["collection_info"]["version"] if manifest.exists() else "nothing"
        if found != version:
            sys.exit(f"collections: {collection} {version} was wanted, {found} is there")


def main() -> None:
    name, venv = sys.argv[1], pathlib.Path(sys.argv[2])
    requirements = yaml.safe_load((ROOT / "tests" / "requirements" / f"{name}.yml").read_text())
    wanted = {item["name"]: item["version"] for item in requirements["collections"]}
    if galaxy_answers() and from_galaxy(name, venv):
        print("collections: installed from Galaxy", flush=True)
    else:
        print("collections: Galaxy does not answer here, taken from the PyPI package `ansible`", flush=True)
        from_bundle(name, venv, wanted)
    check(venv, wanted)
    # The checkout may lie in a folder of any name: Ansible finds it through this link.
    link = venv / "collections" / "ansible_collections" / "stackops" / "glance"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(ROOT, link.parent.resolve()))


if __name__ == "__main__":
    main()
