# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's policy there, edit and prove it here, and write it there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_edit, _policy_matrix, _policy_rules
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import (
    ARGUMENTS,
    PROOF,
    RULES,
    PolicyAction,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import (
    converted,
    droppable,
    edited,
    hashed,
    proof,
    refuse_problems,
    wanted_rules,
)

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **PROOF,
    **WRITING,
    "rules": RULES,
    "explicit_default": {"type": "bool", "default": False},
    "drop_defaults": {"type": "bool", "default": False},
    "format": {"type": "str", "choices": ["keep", "yaml"], "default": "keep"},
}


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        wanted = wanted_rules(arguments["rules"])
        found = self.look(arguments, task_vars)
        before = found.policy()
        # What the code says of the default rule is no answer: from 20 on that is everybody.
        if arguments["explicit_default"] and found.settings.default_rule not in before.file_rules:
            wanted.setdefault(found.settings.default_rule, "role:admin")
        text = edited(found, wanted)
        refuse_problems(before, found.policy(text), set(wanted))
        dropped = droppable(found, text) if arguments["drop_defaults"] else []
        text = _policy_edit.edit(text, found.path, dict.fromkeys(dropped))
        path = found.path
        files: list[dict[str, Any]] = []
        if arguments["format"] == "yaml" and (found.path.endswith(".json") or text.lstrip()[:1] == "{"):
            path, text, files = converted(found, text)
        changes, idle = proof(before, found.policy(text, path), arguments)
        _policy_matrix.refuse(changes)
        removed = [name for name in before.file_rules if name not in found.policy(text, path).file_rules]
        first = {"path": path, "content": text, "like": found.own_file}
        first["sha256"] = hashed(found.document["text"] if found.document and path == found.path else None)
        if text != found.text or path != found.path:
            files = [first, *files]
        written = self.replace(files, arguments, task_vars) if files else {"changed": False, "diff": []}
        return {
            **written,
            "path": path,
            "release": str(found.release),
            "dropped": dropped,
            "changes": [change.as_dict() for change in changes],
            "idle_expectations": idle,
            # oslo.policy reads a changed file by itself, but Glance keeps a rule that is gone until it is restarted.
            "restart_required": bool(removed or path != found.path),
        }
