# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The releases of Glance that the lab installs, and commands run with their own Python."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from . import images
from .common import LabError


@dataclass(frozen=True)
class Release:
    version: str
    image: str

    @property
    def programs(self) -> str:
        """Where its interpreter, as `python`, and its programs are; the same place in each image."""
        return f"/opt/glance/{self.version}/bin"


RELEASES = {
    release.version: release
    for release in (
        Release("15.0.2", "glance"),
        Release("20.2.0", "glance20"),
        Release("25.1", "glance25"),
        Release("33.0.0", "glance33"),
    )
}
OF_IMAGE = {release.image: release for release in RELEASES.values()}


def command(release: Release, mounts: list[str], argv: list[str], network: str = "none") -> list[str]:
    """The `docker run` that runs a command in a throw-away container of the release's image."""
    volumes = []
    for mount in mounts:
        folder, _, place = mount.partition(":")
        path = Path(folder).resolve()
        if not path.exists():
            raise LabError(f"{folder} cannot be mounted: it does not exist.")
        volumes.append(f"--volume={path}:{place or path}:ro")
    search = f"{release.programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        "docker",
        "run",
        "--rm",
        "--interactive",
        f"--network={network}",
        f"--env=PATH={search}",
        "--env=PYTHONIOENCODING=utf-8",
        *volumes,
        images.tag(release.image),
        *argv,
    ]


def execute(version: str, mounts: list[str], argv: list[str]) -> None:
    """Become the command: its standard streams and its exit code are the caller's."""
    words = argv[1:] if argv[:1] == ["--"] else argv
    if not words:
        raise LabError("What shall run? Give a command, such as `lab in-release 15.0.2 -- python --version`.")
    os.execvp("docker", command(RELEASES[version], mounts, words))
