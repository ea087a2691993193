# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Put rules in the place of admin_role: decided and proven here, written there in one transaction."""

from __future__ import annotations

import dataclasses
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _policy,
    _policy_matrix,
    _policy_rules,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import ADMIN, Persona, Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import (
    ARGUMENTS,
    PROOF,
    Found,
    PolicyAction,
    edited,
    hashed,
    proof,
    refuse_problems,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Change

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **PROOF,
    **WRITING,
    "state": {"type": "str", "choices": ["replaced"], "default": "replaced"},
    "grants": {"type": "list", "elements": "str"},
}
SCHEMA: dict[str, Any] = {"group": "DEFAULT", "name": "admin_role", "type": "string", "default": None, "deprecated": []}


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        found = self.look(arguments, task_vars)
        how = _catalogue.enforcement(found.release)
        said = _service.resolve(found.service, SCHEMA)
        raw = said["effective"] if said["status"] == "set" else how.admin_role
        role = (raw or "").strip().lower()
        answer = {
            "role": role or None,
            "honoured": how.reads_admin_role,
            "release": str(found.release),
            "path": found.path,
        }
        settings = dataclasses.replace(found.settings, admin_role=how.admin_role)
        before = found.policy()
        wanted = _rules(found, role, arguments["grants"]) if role else {}
        later = _later(found, wanted, role) if role and arguments["grants"] is None else []
        text = edited(found, wanted)
        after = found.policy(text, settings=settings)
        refuse_problems(after, set(wanted))
        if wanted and found.document is None and how.without_file is not None:
            raise GlanceError(
                f"{found.release} reads no policy file here, and with one that holds nothing but {ADMIN} nobody could do "
                f"anything any more. Put the policy.json of that release at {found.path} first."
            )
        changes, idle = proof(before, after, arguments)
        changes = _granted(changes, role, arguments["grants"])
        _policy_matrix.refuse(changes)
        files = [] if text == found.text else [_file(found, text)]
        options = _service.change(found.service, SCHEMA, None) if said["status"] == "set" else []
        # The rules come first, so that nobody is without their rights in between.
        written = self.replace([*files, *options], arguments, task_vars) if files or options else {"changed": False}
        return {
            **written,
            **answer,
            "rules": {name: check for name, check in wanted.items() if text != found.text},
            "gains_later": later,
            "changes": [change.as_dict() for change in changes],
            "idle_expectations": idle,
            "restart_required": bool(options),
        }


def _rules(found: Found, role: str, grants: list[str] | None) -> dict[str, str | None]:
    """What has to stand in the policy file so that holders of the role keep what they are to keep."""
    holder, before = Persona("holder", (role,)), found.policy()
    if grants is None:
        without = found.policy(settings=dataclasses.replace(found.settings, admin_role=None))
        return {} if without.is_admin(holder) else {ADMIN: _with_role(before, ADMIN, role)}
    wanted: dict[str, str | None] = {}
    for rule in grants:
        if rule not in before.registered:
            near = _catalogue.nearest_policy("glance", before.release, rule)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise GlanceError(f"grants: {before.release} has no policy rule {rule}.{hint}")
        check = before.rules.find(rule)
        if check is None or not before.check(check[1], holder, {}):
            wanted[rule] = _with_role(before, rule, role)
    return wanted


def _with_role(policy: Policy, rule: str, role: str) -> str:
    check = policy.effective(rule)
    return f"role:{role}" if check == "!" else f"{check} or role:{role}"


def _later(found: Found, wanted: dict[str, str | None], role: str) -> list[dict[str, Any]]:
    """Rules that the role does not pass now and would pass in a later release, whose defaults ask context_is_admin.

    They are shown here; the step to that release asks for them, since nothing of upstream's explains them.
    """
    holder, own = Persona("holder", (role, "member", "reader")), _policy.Target("own")
    now = found.policy()
    gains: dict[str, dict[str, Any]] = {}
    text = edited(found, wanted)
    for release in _catalogue.releases("glance"):
        if release.major <= found.release.major:
            continue
        options = dataclasses.replace(_policy.defaults(release), admin_role=None)
        then, without = (found.policy(each, release=release, settings=options) for each in (text, None))
        for rule in then.names:
            if rule in gains or rule not in now.registered or rule not in now.names:
                continue
            gained = then.decide(holder, rule, own).allowed and not now.decide(holder, rule, own).allowed
            if gained and not without.decide(holder, rule, own).allowed:
                gains[rule] = {"rule": rule, "release": str(release), "chain": then.chain(holder, rule, own)}
    return list(gains.values())


def _granted(changes: list[Change], role: str, grants: list[str] | None) -> list[Change]:
    """With grants, what holders of the role lose is meant, and so is what they gain by the rules that are granted."""
    if grants is None:
        return changes
    return [
        dataclasses.replace(change, excused="grants")
        if not change.excused and change.holds(role) and (change.rule in grants or not change.gained)
        else change
        for change in changes
    ]


def _file(found: Found, text: str) -> dict[str, Any]:
    there = hashed(found.document["text"] if found.document else None)
    return {"path": found.path, "content": text, "like": found.own_file, "sha256": there}
