# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions about policy share: look at a host's Glance, and hold one policy against another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _fleet,
    _policy,
    _policy_edit,
    _policy_file,
    _policy_matrix,
    _policy_rules,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction, ModuleFailed
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy, Settings

MAIN = "glance-api"
#: Where to look.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "config_files": {"type": "list", "elements": "path", "default": []},
    "config_dirs": {"type": "list", "elements": "path", "default": []},
    "glance_release": {"type": "str"},
}
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


@dataclass(frozen=True)
class Found:
    """A host's Glance, as far as policy goes."""

    service: _service.Service
    release: _catalogue.Release
    settings: Settings

    @property
    def _names(self) -> tuple[str, bool]:
        """The file that this release looks for, and whether it takes the other format instead."""
        known = self.release.policy_defaults
        if known is None:
            raise GlanceError(f"The catalogue does not say how {self.release} finds its policy.")
        return known.policy_file, known.json_fallback is not False

    @property
    def document(self) -> _policy_file.Document | None:
        """The policy file, where there is one that is read."""
        found = _policy_file.main(self.service["policy"], *self._names)
        if found and found["error"]:
            raise GlanceError(found["error"])
        return found

    @property
    def path(self) -> str:
        """The policy file; where there is none, the place where this release would find one."""
        found = self.document
        if found:
            return str(found["file"])
        named = (self.service["policy"] or {}).get("named") or self._names[0]
        return os.path.join(os.path.dirname(self.own_file), named)

    @property
    def own_file(self) -> str:
        """The first of its configuration files that belongs to no package."""
        paths = self.service["config_files"] or [entry["path"] for entry in self.service["files"]]
        return next((path for path in paths if not path.startswith("/usr/")), paths[0])

    @property
    def text(self) -> str:
        return str(self.document["text"]) if self.document else ""

    def policy(
        self, text: str | None = None, path: str | None = None, settings: Settings | None = None,
        release: _catalogue.Release | None = None,
    ) -> Policy:  # fmt: skip
        """What is decided with the policy file as it is, or with this text in its place, and what else may differ."""
        survey = self.service["policy"] or {"overlays": []}
        first = self.document if text is None else {"file": path or self.path, "text": text, "error": None}
        documents = [*([first] if first else []), *survey["overlays"]]
        rules = {rule.name: rule for document in documents for rule in _policy_file.parse(document)}
        release = release or self.release
        return Policy(release, rules if documents else None, settings or self.settings)

    def at(self, release: _catalogue.Release) -> Found:
        """The same files and options under another release, which may look for another file."""
        return (
            self if release == self.release else Found(self.service, release, _policy.settings(self.service, release))
        )

    def overlaid(self, name: str) -> str | None:
        """Where a policy directory sets the rule, whatever the policy file says."""
        for document in reversed((self.service["policy"] or {"overlays": []})["overlays"]):
            for rule in _policy_file.parse(document):
                if rule.name == name:
                    return rule.place
        return None


class PolicyAction(HostAction):
    """Look at a host's Glance there, decide here, where oslo.policy and the catalogue are."""

    def look(self, arguments: Mapping[str, Any], task_vars: dict[str, Any]) -> Found:
        named = {MAIN: {name: arguments[name] for name in ("config_files", "config_dirs")}}
        service = self.survey(_fleet.services(["glance"], named), MAIN, task_vars).get(MAIN)
        if service is None:
            raise GlanceError(f"There is no {MAIN} on this host. Give config_files, or take the host out of the group.")
        said = arguments["glance_release"]
        release = _service.known_release("glance", said) if said else _service.installed(service)
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


def hashed(text: str | None) -> str:
    """The hash that the host's file has to have; empty for none."""
    return "" if text is None else _files.sha256(text.encode())


def proof(
    before: Policy, after: Policy, arguments: Mapping[str, Any], accepted: list[str] | None = None
) -> tuple[list[_policy_matrix.Change], list[str]]:
    """The decisions that change, each with what excuses it, and the declarations that excused none."""
    who = _policy_matrix.personas(arguments["personas"], before, after)
    changes = _policy_matrix.compare(before, after, who, _policy_matrix.targets(arguments["targets"]))
    hop = [each.id for each in _catalogue.upstream_changes(before.release, after.release)]
    return _policy_matrix.excuse(changes, arguments["expected_changes"], accepted or [], hop)


def wanted_rules(rules: list[dict[str, Any]]) -> dict[str, str | None]:
    """The check of each rule, None for one that goes. Raises GlanceError for what oslo.policy would not read."""
    wanted: dict[str, str | None] = {}
    for rule in rules:
        if rule["name"] in wanted:
            raise GlanceError(f"The rule {rule['name']} is given twice. Give it once.")
        wanted[rule["name"]] = rule["check"] if rule["state"] == "present" else None
        if rule["state"] == "present":
            _policy_rules.hold(rule["check"], f"rules: {rule['name']}")
    return wanted


def edited(found: Found, wanted: Mapping[str, str | None]) -> str:
    """The text of the policy file with these rules. Raises GlanceError."""
    for name in wanted:
        place = found.overlaid(name)
        if place:
            raise GlanceError(
                f"{place}: a file of a policy directory sets {name}, and what {found.path} says of it does not count. "
                "Change it there, or remove it there first."
            )
    return _policy_edit.edit(found.text, found.path, wanted)


def refuse_problems(policy: Policy, rules: set[str]) -> None:
    """Raise GlanceError for what is wrong with these rules; the others were there before."""
    wrong = [each for each in _policy.problems(policy) if each.rule in rules and (each.fatal or each.id == "unknown")]
    if wrong:
        raise GlanceError(" ".join(each.message for each in wrong))
