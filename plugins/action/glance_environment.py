# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Have an environment built on the first host that needs it, and ship it to the others by way of the control node."""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _environments
from ansible_collections.stackops.glance.plugins.plugin_utils._environments import Archive
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        self.task_vars = task_vars
        given = self._task.args
        release = str(given.get("release") or "")
        if not release:
            raise GlanceError("Say in release which version of Glance the environment is of, exactly, as 33.0.0.")
        locks = _environments.locks(release, given.get("lock"))
        pip = given.get("pip") or {}
        if not isinstance(pip, Mapping):
            raise GlanceError("pip has to be a mapping of environment variables to their values.")
        # Ansible masks what a secret option holds in all that comes back; of a mapping, that is each of its values.
        self.building = {"pip_json": json.dumps(dict(pip))} if pip else {}
        self.arguments = {
            **given,
            "pip": {},
            "locks": {abi: _environments.sha256(text) for abi, text in locks.items()},
        }
        settled = self.ask("glance_environment", self.arguments, task_vars)
        if self._task.check_mode or not (settled["missing"] or self._wanted("archive")):
            return settled
        python = settled["python"]
        lock = locks[python["abi"] if python["abi"] in locks else _environments.ANY]
        archive = _environments.archive(
            given.get("archives") or "~/.cache/stackops-glance",
            release,
            str(given.get("name") or release),
            str(given.get("root") or "/opt/glance").rstrip("/"),
            python["platform"],
            given.get("python") or "/usr/bin/python3",
            lock,
        )
        # Those that come while it is built wait here, and find it.
        with archive.alone():
            if archive.sha256 is None or not settled["missing"]:
                return self._made_here(settled, archive, lock)
        return self._shipped(archive, lock)

    def _wanted(self, name: str, default: bool = False) -> bool:
        return bool(boolean(self._task.args.get(name, default)))

    def _made_here(self, settled: dict[str, Any], archive: Archive, lock: str) -> dict[str, Any]:
        """Build it where it is missing, and keep an archive of it."""
        result = settled
        if settled["missing"]:
            if not self._wanted("build", True):
                raise GlanceError(
                    f"{settled['path']} is not here, this host may not build it (build is false), and no other host of its "
                    f"platform ({settled['python']['platform']}) has built it for this control node. Let one build first, "
                    "with archive: true where it has the environment already."
                )
            result = self.ask(
                "glance_environment",
                {**self.arguments, **self.building, "step": "build", "content": lock},
                self.task_vars,
            )
        if archive.sha256 is None:
            there = self._connection._shell.join_path(self._folder(), "environment.tar.gz")
            packed = self.ask("glance_environment", {**self.arguments, "step": "pack", "file": there}, self.task_vars)
            here = archive.path.with_suffix(f".{os.getpid()}")
            try:
                self._connection.fetch_file(there, str(here))
                archive.keep(pathlib.Path(here), packed["sha256"])
            finally:
                here.unlink(missing_ok=True)
        return result

    def _shipped(self, archive: Archive, lock: str) -> dict[str, Any]:
        there = self._connection._shell.join_path(self._folder(), "environment.tar.gz")
        self._transfer_file(str(archive.path), there)
        self._fixup_perms2((self._connection._shell.tmpdir, there))
        arguments = {**self.arguments, "step": "unpack", "content": lock, "file": there, "sha256": archive.sha256}
        return self.ask("glance_environment", arguments, self.task_vars)

    def _folder(self) -> str:
        """The task's own directory on the host, which goes with it."""
        if not self._connection._shell.tmpdir:
            self._make_tmp_path()
        return str(self._connection._shell.tmpdir)
