# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Layouts as other deployment tools leave them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import guides, trial
from .common import REPOSITORY

#: Where a guide's reader finds what is installed of the collection, and what that is here.
_INSTALLED = "~/.ansible/collections/ansible_collections/stackops/glance"


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


class Reader:
    """Somebody who reads a guide, in a folder with the inventory of another tool, whose groups have the lab's hosts."""

    def __init__(self, guide: str, inventory: str, groups: str) -> None:
        copy, self.preflight, self.check, self.flip = guides.commands(REPOSITORY / "docs" / "guides" / guide)
        self.roll_back = [*self.flip[:-1], "stackops.glance.rollback"]
        self.folder = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / guide.removesuffix(".md")
        self.folder.mkdir()
        hosts = {**trial.CONNECTION, "ansible_host": f"{trial.LAB}{{{{ inventory_hostname }}}}"}
        settings = "\n".join(f"{key}={value}" for key, value in hosts.items())
        (self.folder / inventory).write_text(f"{groups}\n[all:vars]\n{settings}\n", encoding="utf-8")
        _cp, profile, _here = copy
        shutil.copy(profile.replace(_INSTALLED, str(REPOSITORY)), self.folder)
