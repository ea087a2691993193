# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the collection as Galaxy takes it, and use it as somebody does who has nothing else of this checkout.

The tarball holds what git knows and belongs in it, galaxy-importer takes it without a word, it is installed into an
environment that holds ansible-core and what the collection asks for, and the preflight is run there as the guide shows it.
To be run with the environment `package`.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

import install_collections
import yaml
from ansible import constants

ROOT = pathlib.Path(__file__).resolve().parents[2]
#: What the tarball may hold besides files of its own making; build_ignore in galaxy.yml leaves out the rest.
BELONGS = {"LICENSE", "README.md", "bindep.txt", "requirements.txt"}
BELONGS_BELOW = ("LICENSES", "changelogs", "docs", "examples", "meta", "playbooks", "plugins", "roles", "tests/sanity")
LEFT_OUT_BELOW = ("docs/site",)
MADE = {"MANIFEST.json", "FILES.json"}
#: `make lint` runs the same ansible-lint.
IMPORTER = {"GALAXY_IMPORTER_RUN_ANSIBLE_LINT": "no"}
#: What galaxy-importer may say: tests/unit/test_collection.py judges what these files hold.
KNOWN = "WARNING: Ignore files skip ansible-test sanity tests"

INVENTORY = """
all:
  children:
    glance_api: {hosts: {here: {}}}
    nova: {hosts: {here: {}}}
  vars:
    ansible_connection: local
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    glance_flip_services:
      glance-api: {units: [none-of-this-name], config_files: [FOLDER/glance-api.conf], release: pike}
      nova-compute: {units: [none-of-this-name], config_files: [FOLDER/nova.conf], release: newton}
"""
FILES = {
    "glance-api.conf": "[DEFAULT]\nenable_v1_api = true\nshow_multiple_locations = true\n",
    "nova.conf": "[glance]\napi_servers = http://127.0.0.1:9292\nuse_glance_v1 = true\n",
}
#: What the preflight finds in these files, and their lines; nothing listens at the cloud's address.
FINDINGS = {
    ("blocker", "cloud_unreadable", None, None),
    ("note", "locations_shown", "glance-api.conf", 3),
    ("note", "option_deprecated", "glance-api.conf", 3),
    ("note", "option_deprecated", "nova.conf", 3),
}
CLOUD = {
    "OS_AUTH_URL": "http://127.0.0.1:9/v3",
    "OS_USERNAME": "admin",
    "OS_PASSWORD": "secret",
    "OS_PROJECT_NAME": "admin",
}
GUIDE = ROOT / "docs" / "guides" / "first-flip.md"


class Failure(Exception):
    """What is wrong with the package."""


_started = time.time()


def say(text: str) -> None:
    print("package: %3.0f s: %s" % (time.time() - _started, text), flush=True)


def run(*command: str | pathlib.Path, fails: bool = False, **options: object) -> str:
    """What a command said, which has to succeed, or to fail."""
    done = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        **options,
    )
    if (done.returncode != 0) != fails:
        raise Failure("this ended with %d: %s\n%s" % (done.returncode, " ".join(map(str, command)), done.stdout))
    return done.stdout


def build(folder: pathlib.Path) -> pathlib.Path:
    run("ansible-galaxy", "collection", "build", ROOT, "--output-path", folder)
    (tarball,) = folder.glob("stackops-glance-*.tar.gz")
    return tarball


def belongs(name: str) -> bool:
    below = [pathlib.PurePath(name).is_relative_to(folder) for folder in BELONGS_BELOW]
    return (name in BELONGS or any(below)) and not name.startswith(LEFT_OUT_BELOW)


def check_contents(tarball: pathlib.Path) -> None:
    """Built in a checkout that is worked in: nothing that lies around may be in it."""
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    known = {name for name in run(*command, cwd=ROOT).split("\0") if name and (ROOT / name).is_file()}
    with tarfile.open(tarball) as archive:
        packed = {member.name for member in archive if not member.isdir()}
    wanted = {name for name in known if belongs(name)} | MADE
    if packed != wanted:
        lines = ["not to be in it: " + name for name in sorted(packed - wanted)]
        lines += ["missing: " + name for name in sorted(wanted - packed)]
        raise Failure("%s holds other files than it should\n%s" % (tarball.name, "\n".join(lines)))
    say("%s holds %d files, those of git that belong in it" % (tarball.name, len(packed)))


def check_import(tarball: pathlib.Path) -> None:
    said = run(
        sys.executable, "-m", "galaxy_importer.main", tarball, cwd=tarball.parent, env={**os.environ, **IMPORTER}
    )
    bad = [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR")) and not line.startswith(KNOWN)]
    if bad:
        raise Failure("galaxy-importer says\n" + "\n".join(bad))
    result = json.loads((tarball.parent / "importer_result.json").read_text())
    kinds = {"module": "plugins/modules/*.py", "role": "roles/*", "playbook": "playbooks/*.yml"}
    for kind, pattern in kinds.items():
        seen = sorted(each["name"] for each in result["contents"] if each["content_type"] == kind)
        there = sorted(path.name if kind == "playbook" else path.stem for path in ROOT.glob(pattern))
        if seen != there:
            raise Failure("galaxy-importer sees other %ss than there are: %s" % (kind, set(seen) ^ set(there)))
    say("galaxy-importer takes it, with %d parts" % len(result["contents"]))


class Empty:
    """A machine on which there is Python, for all that Ansible can tell."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.collections = folder / ".ansible" / "collections" / "ansible_collections"
        self.bin = folder / "venv" / "bin"
        kept = {name: os.environ[name] for name in os.environ if not name.startswith(("ANSIBLE_", "OS_", "PYTHON"))}
        path = os.pathsep.join([str(self.bin), "/usr/bin", "/bin"])
        self.environ = {**kept, "HOME": str(folder), "PATH": path, "ANSIBLE_CONFIG": str(constants.CONFIG_FILE or "")}

    def run(self, program: str, *words: str | pathlib.Path, fails: bool = False) -> str:
        return run(self.bin / program, *words, fails=fails, cwd=self.folder, env=self.environ)

    def pip(self, *words: str | pathlib.Path) -> None:
        """Install what the gates run with; what is not imported need not be compiled."""
        constraints = ROOT / "tests" / "requirements" / "main.txt"
        quiet = ("-q", "--disable-pip-version-check", "--no-compile", "-c", constraints)
        run(sys.executable, "-m", "pip", "--python", self.bin / "python", "install", *quiet, *words)

    def install(self, tarball: pathlib.Path) -> None:
        run(sys.executable, "-m", "venv", "--without-pip", self.folder / "venv")
        self.pip("ansible-core")
        if install_collections.galaxy_answers():
            self.run("ansible-galaxy", "collection", "install", tarball)
            how = "with what it depends on from Galaxy"
        else:
            ours = pathlib.Path(sys.prefix) / "collections" / "ansible_collections" / "openstack"
            shutil.copytree(ours, self.collections / "openstack")
            self.run("ansible-galaxy", "collection", "install", "--no-deps", tarball)
            how = "beside openstack.cloud out of the PyPI package `ansible`, since Galaxy does not answer here"
        self.pip("-r", self.collections / "stackops" / "glance" / "requirements.txt")
        listed = json.loads(self.run("ansible-galaxy", "collection", "list", "--format", "json"))
        names = {name for found in listed.values() for name in found if not name.startswith("ansible.")}
        if names != {"stackops.glance", "openstack.cloud"}:
            raise Failure("the environment is not empty: %s" % listed)
        say("installed %s" % how)

    def preflight(self) -> None:
        for name, text in FILES.items():
            (self.folder / name).write_text(text)
        (self.folder / "inventory").write_text(INVENTORY.replace("FOLDER", str(self.folder)))
        (command,) = re.findall("^ansible-playbook .*", GUIDE.read_text(), re.MULTILINE)
        self.environ.update(CLOUD)
        said = self.run(*shlex.split(command), fails=True)
        reports = list(self.folder.glob("glance-reports/*/preflight.json"))
        if len(reports) != 1:
            raise Failure("the preflight wrote no report\n" + said)
        report = json.loads(reports[0].read_text())
        found = {
            (each["severity"], each["id"], each["file"] and pathlib.Path(each["file"]).name, each["line"])
            for each in report["findings"]
        }
        if not found >= FINDINGS or report["verdict"] != "blocked":
            raise Failure("the preflight did not find %s\n%s" % (sorted(map(str, FINDINGS - found)), said))
        if (self.folder / "nova.conf").read_text() != FILES["nova.conf"]:
            raise Failure("the preflight changed a file")
        say("%s: found what is in two files, and that no cloud answers" % command)


def main() -> int:
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    with tempfile.TemporaryDirectory(prefix="stackops-package-") as name:
        folder = pathlib.Path(name)
        try:
            tarball = build(folder)
            if tarball.name != "stackops-glance-%s.tar.gz" % version:
                raise Failure("%s is not of version %s" % (tarball.name, version))
            check_contents(tarball)
            check_import(tarball)
            (folder / "empty").mkdir()
            empty = Empty(folder / "empty")
            empty.install(tarball)
            empty.preflight()
        except Failure as failure:
            say("FAILED: %s" % failure)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
