# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's policy there, and decide here who may do what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _policy,
    _policy_matrix,
    _policy_rules,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import (
    ARGUMENTS,
    PROOF,
    RULES,
    PolicyAction,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import (
    Found,
    edited,
    proof,
    wanted_rules,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Key

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **PROOF,
    "rules": RULES,
    "to_release": {"type": "str"},
    "accepted_changes": {"type": "list", "elements": "str", "default": []},
    "about": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        found = self.look(arguments, task_vars)
        before = found.policy()
        to = arguments["to_release"]
        release = _service.known_release("glance", to) if to else found.release
        after = self._after(found, release, arguments)
        who = _policy_matrix.personas(arguments["personas"], before, after)
        on = _policy_matrix.targets(arguments["targets"])
        decisions = _policy_matrix.matrix(before, who, on)
        changes, idle = proof(before, after, arguments, arguments["accepted_changes"])
        return {
            "changed": False,
            "release": str(found.release),
            "path": found.path,
            "settings": asdict(found.settings),
            "problems": [asdict(each) for each in _policy.problems(before)],
            "administrators": [each.name for each in who if before.is_admin(each)],
            "matrix": _nested(decisions),
            "decisions": [
                {**asdict(decision), "chain": before.chain(each, decision.rule, target)}
                for each in who
                for rule in arguments["about"]
                for target in on
                if (decision := before.decide(each, rule, target))
            ],
            "changes": [change.as_dict() for change in changes],
            "undeclared": [str(change) for change in changes if not change.excused],
            "idle_expectations": idle,
            "upstream_changes": [
                {
                    "id": each.id,
                    "text": each.text,
                    "notes": each.notes,
                    "decisions": sum(change.upstream == each.id for change in changes),
                    "accepted": each.id in arguments["accepted_changes"],
                }
                for each in _catalogue.upstream_changes(found.release, release)
            ],
        }

    @staticmethod
    def _after(found: Found, release: _catalogue.Release, arguments: dict[str, Any]) -> _policy.Policy:
        """The policy as it would be: with other rules, under another release, or both."""
        wanted = wanted_rules(arguments["rules"])
        then = found.at(release)
        return then.policy(edited(then, wanted)) if wanted else then.policy()


def _nested(decisions: dict[Key, _policy.Decision]) -> dict[str, dict[str, dict[str, bool | None]]]:
    """Answers by rule, persona and target."""
    nested: dict[str, dict[str, dict[str, bool | None]]] = {}
    for (persona, rule, target), decision in decisions.items():
        nested.setdefault(rule, {}).setdefault(persona, {})[target] = decision.allowed
    return nested
