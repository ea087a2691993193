# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Layouts as other deployment tools leave them."""

from __future__ import annotations

import os
from pathlib import Path

from . import trial
from .common import REPOSITORY

PROFILES = REPOSITORY / "examples" / "profiles"


def copied_environment(host: str, environment: str, path: str, seen_as: str = "") -> None:
    """Copy a virtual environment to another path, and hide the old one: nothing may find it there.

    Its programs name the path that it is seen as, where that is another one.
    """
    trial.sh(
        host,
        f"""set -e
mkdir -p {os.path.dirname(path)}
cp -a {environment} {path}
grep -rlI '^#!{environment}/' {path}/bin | xargs sed -i '1s,{environment},{seen_as or path},'
mount -t tmpfs tmpfs {os.path.dirname(environment)}""",
    )


def inventory(name: str, text: str) -> Path:
    """The inventory of another tool, in which its groups have the lab's hosts."""
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / f"{name}.ini"
    hosts = {**trial.CONNECTION, "ansible_host": f"{trial.LAB}{{{{ inventory_hostname }}}}"}
    settings = "\n".join(f"{key}={value}" for key, value in hosts.items())
    path.write_text(f"{text}\n[all:vars]\n{settings}\n", encoding="utf-8")
    return path
