# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The execution environment of examples/awx, as ansible-builder has it built.

Out of this checkout and on the lab's Debian, since neither Galaxy nor a registry has to answer; everything else is what the
definition says.
"""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from pathlib import Path
from typing import Any

import yaml
from ansible_collections import openstack

from . import images
from .common import PREFIX, REPOSITORY, docker, run, say, state_dir, succeeds

DEFINITION = REPOSITORY / "examples" / "awx" / "execution-environment.yml"
NAME = f"{PREFIX}execution-environment"
_INSTALLED = "/usr/share/ansible/collections/ansible_collections"


def ensure() -> str:
    """Build it unless it is there with the same content; its name as Docker has it."""
    images.ensure("ee")
    place = state_dir() / "execution-environment"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    run("ansible-galaxy", "collection", "build", str(REPOSITORY), "--output-path", str(place))
    (tarball,) = place.glob("*.tar.gz")
    dependency = Path(next(iter(openstack.__path__)))
    (place / "definition.yml").write_text(
        yaml.safe_dump(definition(yaml.safe_load(DEFINITION.read_text(encoding="utf-8")), tarball, dependency)),
        encoding="utf-8",
    )
    context = place / "context"
    create = ("create", "--file", str(place / "definition.yml"), "--context", str(context))
    run("ansible-builder", *create, "--output-filename", "Dockerfile")
    name = f"{NAME}:{_digest(context, tarball, dependency)}"
    if not succeeds("docker", "image", "inspect", name):
        log = state_dir() / "logs" / "execution-environment.log"
        log.write_text("", encoding="ascii")
        say(f"execution environment: building (log: {log})")
        docker(
            "build",
            "--network=none",
            f"--build-arg=EE_BASE_IMAGE={images.tag('ee')}",
            "--build-arg=ANSIBLE_GALAXY_CLI_COLLECTION_OPTS=--offline",
            f"--tag={name}",
            str(context),
            log=log,
        )
        say(f"execution environment: {name}")
    return name


def definition(shown: dict[str, Any], tarball: Path, dependency: Path) -> dict[str, Any]:
    """The definition with the collections from here: ours as a tarball, what it depends on as it is installed here."""
    place = "_build/configs"
    steps = {key: list(value) for key, value in shown["additional_build_steps"].items()}
    steps["prepend_galaxy"] = [f"COPY {place}/{dependency.name} {_INSTALLED}/{dependency.name}"]
    return {
        **shown,
        "dependencies": {
            **shown["dependencies"],
            "galaxy": {"collections": [{"name": f"configs/{tarball.name}", "type": "file"}]},
        },
        "additional_build_files": [
            {"src": str(tarball), "dest": "configs"},
            {"src": str(dependency), "dest": f"configs/{dependency.name}"},
        ],
        "additional_build_steps": steps,
    }


def _digest(context: Path, tarball: Path, dependency: Path) -> str:
    """Of all that is in it; a tarball of the same files has other bytes each time, but lists their hashes."""
    digest = hashlib.sha256(images.tag("ee").encode())
    digest.update((context / "Dockerfile").read_bytes())
    with tarfile.open(tarball) as archive:
        for name in ("FILES.json", "MANIFEST.json"):
            listed = archive.extractfile(name)
            digest.update(listed.read() if listed else b"")
    for path in sorted(dependency.glob("*/MANIFEST.json")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
