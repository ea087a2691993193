# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put rules in the place of admin_role: decided and proven here, written there in one transaction."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_matrix, _policy_rules
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import ARGUMENTS, PROOF, PolicyAction
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import (
    admin_role,
    edited,
    gains_later,
    granted,
    proof,
    refuse_problems,
)

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **PROOF,
    **WRITING,
    "state": {"type": "str", "choices": ["replaced"], "default": "replaced"},
    "grants": {"type": "list", "elements": "str"},
}


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        found = self.look(arguments, task_vars)
        said = admin_role(found, arguments["grants"])
        role, wanted, options = said.role, said.rules, said.options
        before = found.policy()
        later = gains_later(found, wanted, role) if role and arguments["grants"] is None else []
        text = edited(found, wanted)
        after = found.policy(text, settings=said.settings)
        refuse_problems(before, after, set(wanted))
        changes, idle = proof(before, after, arguments)
        changes = granted(changes, role, arguments["grants"])
        _policy_matrix.refuse(changes)
        files = [] if text == found.text else [found.file(text)]
        # The rules come first, so that nobody is without their rights in between.
        written = self.replace([*files, *options], arguments, task_vars) if files or options else {"changed": False}
        return {
            **written,
            "role": role or None,
            "honoured": said.honoured,
            "release": str(found.release),
            "path": found.path,
            "rules": {name: check for name, check in wanted.items() if text != found.text},
            "gains_later": later,
            "changes": [change.as_dict() for change in changes],
            "idle_expectations": idle,
            "restart_required": bool(options),
        }
