# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for tests of actions whose modules are the real ones and whose files are real."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.modules import glance_files, glance_host_info, oslo_config

MODULES = {"glance_files": glance_files, "glance_host_info": glance_host_info, "oslo_config": oslo_config}
Run = Callable[..., dict[str, Any]]


class Host:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.conf = directory / "glance-api.conf"
        self.json, self.yaml = directory / "policy.json", directory / "policy.yaml"
        self.conf.write_text("[DEFAULT]\ndebug = false\n")
        self.state_dir = directory.parent / "state"

    def snapshot(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in sorted(self.directory.glob("*.*"))}

    def run(self, plugin: Any, release: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
        """What an action answers."""

        def execute(module_name: str, module_args: dict[str, Any], task_vars: Any = None) -> dict[str, Any]:
            if module_name == "ansible.builtin.slurp":
                path = Path(module_args["src"])
                if not path.exists():
                    return {"failed": True, "msg": f"file not found: {path}"}
                return {"content": base64.b64encode(path.read_bytes()).decode()}
            asked = {"state_dir": str(self.state_dir), **module_args}
            asked = {name: value for name, value in asked.items() if value is not None}
            output = io.StringIO()
            modes = {"_ansible_check_mode": check, "_ansible_diff": True}
            with patch_module_args({**asked, **modes}), pytest.raises(SystemExit), contextlib.redirect_stdout(output):
                MODULES[module_name.rpartition(".")[2]].main()
            found: dict[str, Any] = json.loads(output.getvalue())
            return found

        action = plugin.ActionModule.__new__(plugin.ActionModule)
        given: dict[str, Any] = {"glance_release": release, "config_files": [str(self.conf)]}
        if "state_dir" in getattr(plugin, "SPECIFICATION", {}):
            given["state_dir"] = str(self.state_dir)
        action._task = SimpleNamespace(args={**given, **arguments}, check_mode=check)
        action._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action._execute_module = execute
        action._remove_tmp_path = lambda path, force=False: None
        answer: dict[str, Any] = action.run(task_vars={})
        return answer
