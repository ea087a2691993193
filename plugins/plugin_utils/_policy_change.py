# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The policy of a host's Glance as a survey tells it, what becomes of its file, and who gains or loses by that.

Nothing here reads or writes a host. Modules change one host with it, a plan the whole fleet.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _policy,
    _policy_edit,
    _policy_file,
    _policy_matrix,
    _policy_rules,
    _property_protection,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import ADMIN, Persona, Policy, Settings
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_matrix import Change


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
        release: _catalogue.Release | None = None, protections: Mapping[str, str] | None = None,
    ) -> Policy:  # fmt: skip
        """What is decided with the policy file as it is, or with this text in its place, and what else may differ."""
        survey = self.service["policy"] or {"overlays": []}
        first = self.document if text is None else {"file": path or self.path, "text": text, "error": None}
        documents = [*([first] if first else []), *survey["overlays"]]
        rules = {rule.name: rule for document in documents for rule in _policy_file.parse(document)}
        release = release or self.release
        asked = _property_protection.of_service(self.service) if protections is None else protections
        return Policy(release, rules if documents else None, settings or self.settings, asked)

    def at(self, release: _catalogue.Release) -> Found:
        """The same files and options under another release, which may look for another file."""
        return (
            self if release == self.release else Found(self.service, release, _policy.settings(self.service, release))
        )

    def holding(
        self, text: str, path: str | None = None, options: Sequence[dict[str, Any]] = (),
    ) -> Found:  # fmt: skip
        """The same Glance with this policy file in place of its own, once these options of its files are changed."""
        if text == self.text and path in (None, self.path) and not options:
            return self
        policy = {"named": None, "files": [], "overlays": [], **(self.service["policy"] or {})}
        service = _service.after(self.service, list(options))
        path = path or self.path
        named = [each["value"] for change in options for each in change["options"] if each["option"] == "policy_file"]
        policy["named"] = named[-1] if named else policy["named"]
        others = [each for each in policy["files"] if each["file"] not in (path, self.path)]
        new = {"name": policy["named"] or os.path.basename(path), "file": path, "text": text, "error": None}
        service["policy"] = {**policy, "files": [new, *others] if text or self.document else others}
        return Found(service, self.release, _policy.settings(service, self.release))

    def file(self, text: str) -> dict[str, Any]:
        """The policy file with this text, as ``glance_files`` takes it."""
        there = hashed(self.document["text"] if self.document else None)
        return {"path": self.path, "content": text, "like": self.own_file, "sha256": there}

    def overlaid(self, name: str) -> str | None:
        """Where a policy directory sets the rule, whatever the policy file says."""
        for document in reversed((self.service["policy"] or {"overlays": []})["overlays"]):
            for rule in _policy_file.parse(document):
                if rule.name == name:
                    return rule.place
        return None


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


def refuse_first_file(found: Found, rules: list[str]) -> None:
    """Raise GlanceError where these rules would be all of the policy, since the release has none in its code."""
    if rules and found.document is None and _catalogue.enforcement(found.release).without_file is not None:
        raise GlanceError(
            f"{found.release} reads no policy file here, and with one that holds nothing but {', '.join(rules)} nobody could "
            f"do anything any more. Put the policy.json of that release at {found.path} first."
        )


def refuse_problems(before: Policy, after: Policy, rules: set[str]) -> None:
    """Raise GlanceError for what is wrong with these rules, or with others because of them."""
    known = _policy.problems(before)
    wrong = [
        each
        for each in _policy.problems(after)
        if (each.fatal and (each.rule in rules or each not in known)) or (each.id == "unknown" and each.rule in rules)
    ]
    if wrong:
        raise GlanceError(" ".join(each.message for each in wrong))


# -- rules that say by themselves what the release says, and files of JSON --------------------------------------------


def droppable(found: Found, text: str, kept: Sequence[_catalogue.UpstreamChange] = ()) -> list[str]:
    """Rules that can go without a change of what is checked, one after the other; those that keep something stay."""
    rules = found.policy(text).file_rules
    dropped: list[str] = []
    for name in rules:
        if any(each.keeps(name) for each in kept):
            continue
        with_it = found.policy(_policy_edit.edit(text, found.path, dict.fromkeys(dropped)))
        if found.overlaid(name) or name not in with_it.registered:
            continue
        without = found.policy(_policy_edit.edit(text, found.path, dict.fromkeys([*dropped, name])))
        if without.rules.find(name) and without.effective(name) == with_it.effective(name):
            dropped.append(name)
    return dropped


def converted(found: Found, text: str) -> tuple[str, str, list[dict[str, Any]]]:
    """The YAML file, what it holds, and what else has to be written so that it is the one that is read."""
    path = os.path.splitext(found.path)[0] + ".yaml"
    there: Mapping[str, Any] = found.service["policy"] or {"files": []}
    for document in there["files"]:
        if document["file"] == path and path != found.path:
            raise GlanceError(
                f"{path} is there already, beside {found.path}, which is the one that is read. Decide which of them is "
                "right and move the other away, then run again."
            )
    named = there.get("named")
    known = found.release.policy_defaults
    if named or (known and known.policy_file != os.path.basename(path)):
        option = {"section": "oslo_policy", "option": "policy_file", "value": _renamed(named, path)}
        files = [{"path": _names_it(found), "options": [option]}]
    else:
        files = []
    if path != found.path and found.document:
        files.append({"path": found.path, "state": "absent", "sha256": hashed(found.text)})
    return path, _policy_edit.to_yaml(text, found.path), files


def _renamed(named: str | None, path: str) -> str:
    return os.path.join(os.path.dirname(named or ""), os.path.basename(path))


def _names_it(found: Found) -> str:
    """The configuration file that names the policy file, or where that belongs."""
    values = [
        each
        for each in found.service["assignments"]
        if (each["group"], each["option"]) == ("oslo_policy", "policy_file")
    ]
    return str(values[-1]["file"]) if values else found.own_file


# -- admin_role -------------------------------------------------------------------------------------------------------


SCHEMA: dict[str, Any] = {"group": "DEFAULT", "name": "admin_role", "type": "string", "default": None, "deprecated": []}


@dataclass(frozen=True)
class AdminRole:
    """What stands for ``admin_role`` today, and what takes its place."""

    role: str  # in lower case, as Glance compares it; empty where there is none
    honoured: bool
    rules: dict[str, str | None]
    options: list[dict[str, Any]]  # changes that take the option out
    settings: Settings  # as they are then


def admin_role(found: Found, grants: list[str] | None) -> AdminRole:
    """How rules say what ``admin_role`` says, or what is granted in its place. Raises GlanceError."""
    how = _catalogue.enforcement(found.release)
    said = _service.resolve(found.service, SCHEMA)
    role = ((said["effective"] if said["status"] == "set" else how.admin_role) or "").strip().lower()
    rules = admin_rules(found, role, grants) if role else {}
    refuse_first_file(found, list(rules))
    options = _service.change(found.service, SCHEMA, None) if said["status"] == "set" else []
    settings = dataclasses.replace(found.settings, admin_role=how.admin_role)
    return AdminRole(role, how.reads_admin_role, rules, options, settings)


def admin_rules(found: Found, role: str, grants: list[str] | None) -> dict[str, str | None]:
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
    found = policy.rules.find(rule)
    if found is None or str(found[1]) == "!":
        return f"role:{role}"
    return _policy_rules.beside(found[1], f"role:{role}")


def gains_later(found: Found, wanted: dict[str, str | None], role: str) -> list[dict[str, Any]]:
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


def granted(changes: list[Change], role: str, grants: list[str] | None) -> list[Change]:
    """With grants, what holders of the role lose is meant, and so is what they gain by the rules that are granted."""
    if grants is None:
        return changes
    return [
        dataclasses.replace(change, excused="grants")
        if not change.excused and change.holds(role) and (change.rule in grants or not change.gained)
        else change
        for change in changes
    ]
