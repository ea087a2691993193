# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions about policy share: look at a host's Glance there, and have files written there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _policy
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import ARGUMENTS, MAIN, GlanceAction
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import ModuleFailed
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import Found

__all__ = ["ARGUMENTS", "MAIN", "PROOF", "RULES", "PolicyAction"]

#: What to hold against each other, and what may differ.
PROOF: dict[str, dict[str, Any]] = {
    "personas": {"type": "list", "elements": "dict", "default": []},
    "targets": {"type": "list", "elements": "dict", "default": []},
    "expected_changes": {"type": "list", "elements": "dict", "default": []},
}
#: Rules as an operator writes them in a task.
RULES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "name": {"type": "str", "required": True},
        "check": {"type": "str"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    "required_if": [("state", "present", ("check",))],
}


class PolicyAction(GlanceAction):
    """Look at a host's Glance there, decide here, where oslo.policy and the catalogue are."""

    def look(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Found:
        service, release = self.glance(arguments, task_vars)
        return Found(service, release, _policy.settings(service, release))

    def replace(
        self, files: list[dict[str, Any]], arguments: Mapping[str, Any], task_vars: dict[str, Any]
    ) -> dict[str, Any]:
        """Let ``glance_files`` write them all or none; check mode and diff go with the task. Raises ModuleFailed."""
        common = {name: arguments[name] for name in ("backup", "run_token", "state_dir")}
        written = self.run_module("glance_files", {"files": files, **common}, task_vars)
        if written.get("failed"):
            raise ModuleFailed({**written, "changed": False})
        return {key: written.get(key, []) for key in ("changed", "diff", "backup_files")}
