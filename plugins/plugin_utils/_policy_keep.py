# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written before an upgrade, so that an upstream change of decisions does not happen with it.

It has to be right twice: under the release that runs until then, and under the one to come. So a switch is written as it
is today, and a rule with a check by which every decision is the same in both, as the matrix says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_change, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release, UpstreamChange
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import ADMIN, Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import Found
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Change


def _owners(*others: str) -> Callable[[str], str]:
    """Today's check, where a release no longer asks by itself whose the object is."""
    owner = f"({' or '.join((f'rule:{ADMIN}', *others))})"
    return lambda check: owner if check == "@" else f"{check} and {owner}"


#: Checks that may decide tomorrow as today's does, the plainest first.
_CANDIDATES: tuple[Callable[[str], str], ...] = (
    lambda check: check,
    _owners("project_id:%(project_id)s"),
    _owners("project_id:%(owner)s"),
    # Up to 22 the rules of metadata definitions are told of no object, and whatever asks for one is never true.
    _owners("project_id:%(project_id)s", "not 'public':%(visibility)s"),
)


def switches(found: Found, target: Release, kept: Sequence[UpstreamChange]) -> list[_service.Change]:
    """The changes of configuration files that keep today's switches. Raises GlanceError where the release has none."""
    values = {
        "enforce_scope": ("oslo_policy", found.settings.enforce_scope),
        "enforce_new_defaults": ("oslo_policy", found.settings.enforce_new_defaults),
        "enforce_secure_rbac": ("DEFAULT", found.settings.enforce_new_defaults),
    }
    honoured = honoured_switches(target)
    named = {name: each for each in kept for name in each.switches}
    for name, each in named.items():
        if name not in honoured and name != "enforce_secure_rbac":  # which nobody misses where it is gone
            raise GlanceError(
                f"{each.id} cannot be kept: {target} has no [{values[name][0]}] {name}. {each.text} Accept it in "
                "glance_policy_accepted_changes, or go to a release before that for now."
            )
    wanted = dict.fromkeys(name for name in named if name in honoured)
    if "enforce_new_defaults" in wanted and "enforce_secure_rbac" in honoured:
        wanted["enforce_secure_rbac"] = None  # they have to be equal, or Glance does not start
    changes = []
    for name in wanted:
        group, value = values[name]
        schema: dict[str, Any] = {"group": group, "name": name, "type": "boolean", "default": None, "deprecated": []}
        changes.append(_service.change(found.service, schema, value))
    return _service.merge(changes)


def honoured_switches(release: Release) -> set[str]:
    """The switches of policy that a release reads."""
    known = release.policy_defaults
    there = {
        "enforce_scope": bool(known and known.enforce_scope_option),
        "enforce_new_defaults": bool(known and known.enforce_new_defaults is not None),
        "enforce_secure_rbac": bool(_catalogue.option("glance", release, "DEFAULT", "enforce_secure_rbac")),
    }
    return {name for name, is_there in there.items() if is_there}


def rules(
    found: Found,
    target: Release,
    kept: Sequence[UpstreamChange],
    undeclared: Callable[[Policy, Policy], Sequence[Change]],
) -> dict[str, str | None]:
    """The checks to write, by rule. ``undeclared`` compares two policies, and leaves out what is accepted or expected.

    Raises GlanceError for a rule that no check keeps as it is.
    """
    by_rules = [each for each in kept if not each.switches]
    if not by_rules:
        return {}
    today = found.policy()

    def changing(wanted: Mapping[str, str | None]) -> set[str]:
        """The rules whose decisions would change, at once or by the upgrade, once these checks are written."""
        with_them = found.holding(_policy_change.edited(found, wanted))
        sides = (with_them.policy(), with_them.at(target).policy())
        return {change.rule for side in sides for change in undeclared(today, side)}

    left = [rule for rule in sorted(changing({})) if any(each.keeps(rule) for each in by_rules)]
    _policy_change.refuse_first_file(found, left)
    wanted: dict[str, str | None] = {}
    for candidate in _CANDIDATES if left else ():
        trial = {rule: candidate(_check(today, rule)) for rule in left}
        still = changing({**wanted, **trial})
        wanted.update((rule, check) for rule, check in trial.items() if rule not in still)
        left = [rule for rule in left if rule in still]
    if left:
        raise GlanceError(
            f"{', '.join(left)} cannot be kept: no check was found with which {found.release} and {target} decide alike. "
            "Set them in glance_policy_rules and declare what changes, or accept the change by its name."
        )
    return wanted


def _check(policy: Policy, rule: str) -> str:
    """What decides today; where no rule is asked, everybody passes it."""
    return "@" if policy.handling(rule)[0] == "unruled" else policy.effective(rule)
