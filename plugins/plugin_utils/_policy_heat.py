# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All decisions of a policy, and of the one that takes its place, small enough for a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_matrix
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Change

if TYPE_CHECKING:
    from ansible_collections.stackops.glance.plugins.plugin_utils._policy_plan import Stage

#: One letter for the answer on each target: allowed, denied, and not decided from here.
LETTERS = {True: "+", False: "-", None: "?"}


def heat(stage: Stage, hosts: Sequence[str]) -> dict[str, Any]:
    """Rules by personas. A cell has a letter a target, before and after; rules that only one release has have one side."""
    before, after = _cells(stage.before, stage), _cells(stage.after, stage)
    accepted = {change.excused for change in stage.changes}
    return {
        "hosts": list(hosts),
        "file": stage.file,
        "release_before": str(stage.before.release),
        "release_after": str(stage.after.release),
        "personas": [{"name": each.name, "roles": list(each.roles)} for each in stage.who],
        "targets": [each.name for each in stage.on],
        "rules": [
            {"name": rule, "before": before.get(rule), "after": after.get(rule)}
            for rule in dict.fromkeys([*before, *after])
        ],
        "changes": _grouped(stage.changes),
        "undeclared": sum(not change.excused for change in stage.changes),
        "upstream": [
            {
                "id": each.id,
                "text": each.text,
                "source": each.notes,
                "decisions": sum(change.upstream == each.id for change in stage.changes),
                "accepted": each.id in accepted,
            }
            for each in _catalogue.upstream_changes(stage.before.release, stage.after.release)
        ],
    }


def _cells(policy: Policy, stage: Stage) -> dict[str, list[str]]:
    decisions = _policy_matrix.matrix(policy, stage.who, stage.on)
    return {
        rule: [
            "".join(LETTERS[decisions[persona.name, rule, target.name].allowed] for target in stage.on)
            for persona in stage.who
        ]
        for rule in policy.names
    }


def _grouped(changes: Sequence[Change]) -> list[dict[str, Any]]:
    """Changes that differ in their personas and targets alone, once."""
    groups: dict[Any, list[Change]] = {}
    for each in changes:
        key = (each.rule, each.verb, each.excused, each.upstream, each.before.place, each.before.by)
        groups.setdefault((*key, each.after.place, each.after.by), []).append(each)
    return [
        {
            "rule": rule,
            "verb": verb,
            "personas": list(dict.fromkeys(each.persona for each in its)),
            "targets": list(dict.fromkeys(each.target for each in its)),
            "decisions": len(its),
            "excused": excused,
            "upstream": upstream,
            "before": {"by": its[0].before.by, "place": its[0].before.place},
            "after": {"by": its[0].after.by, "place": its[0].after.place},
            "chain": its[0].chain,
        }
        for (rule, verb, excused, upstream, *_places), its in groups.items()
    ]
