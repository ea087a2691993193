# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An operator's policy tests: statements of who may do what, read from YAML, and held against decisions or answers."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_matrix
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Target

FIELDS = ("name", "persona", "action", "target", "expect")


@dataclass(frozen=True)
class Case:
    """One thing that is to be so: the product of a statement's lists has many."""

    persona: str
    action: str
    target: str
    allow: bool
    name: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.persona, self.action, self.target


@dataclass(frozen=True)
class Statements:
    """A file of policy tests. ``skipped`` are actions that the release does not have and another one has."""

    personas: list[Persona]
    targets: list[Target]
    cases: list[Case]
    skipped: list[str] = field(default_factory=list)


def load(text: str, place: str) -> Mapping[str, Any]:
    """The contents of a file of policy tests. Raises GlanceError with line and column where it is no YAML."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{place}:{mark.line + 1}:{mark.column + 1}" if mark else place
        problem = getattr(error, "problem", None) or str(error)
        raise GlanceError(f"{where}: this is no YAML: {problem}. Correct it there.") from None
    if not isinstance(found, dict):
        raise GlanceError(
            f"{place}: policy tests are a mapping with the keys personas, targets and tests; this is none."
        )
    return found


def read(facts: Mapping[str, Any], place: str, release: _catalogue.Release) -> Statements:
    """The statements for one release. Raises GlanceError for what cannot be used."""
    strange = sorted(set(facts) - {"personas", "targets", "tests"})
    if strange:
        raise GlanceError(f"{place}: {strange[0]} is not known. There are: personas, targets and tests.")
    personas = _policy_matrix.personas(facts.get("personas"))
    targets = _policy_matrix.targets(facts.get("targets"))
    tests = facts.get("tests")
    if not isinstance(tests, list) or not tests:
        raise GlanceError(f"{place}: there are no tests. Give a list of statements: persona, action, target, expect.")
    people, things = [each.name for each in personas], [each.name for each in targets]
    cases: dict[tuple[str, str, str], Case] = {}
    skipped: dict[str, None] = {}
    for number, each in enumerate(tests, 1):
        where = f"{place}: test {number}"
        statement = _statement(each, where)
        where += f" ({statement['name']})" if statement["name"] else ""
        actions, missing = _actions(statement["action"], where, release)
        skipped.update(dict.fromkeys(missing))
        for persona in _chosen(statement["persona"], people, "persona", where):
            for target in _chosen(statement["target"] or things, things, "target", where):
                for action in actions:
                    case = Case(persona, action, target, statement["expect"] == "allow", statement["name"])
                    before = cases.setdefault(case.key, case)
                    if before.allow != case.allow:
                        raise GlanceError(
                            f"{where}: {persona}, {action}, {target} is to be {statement['expect']} here, and the contrary in "
                            f"an earlier test{f' ({before.name})' if before.name else ''}. Only one of them can hold."
                        )
    return Statements(personas, targets, list(cases.values()), list(skipped))


def _statement(each: Any, where: str) -> dict[str, Any]:
    if not isinstance(each, dict):
        raise GlanceError(
            f"{where}: {each!r} is no statement. Write a mapping with persona, action, target and expect."
        )
    strange = sorted(set(map(str, each)) - set(FIELDS))
    if strange:
        raise GlanceError(f"{where}: {strange[0]} is not known. A statement has: {', '.join(FIELDS)}.")
    if each.get("expect") not in ("allow", "deny"):
        raise GlanceError(f"{where}: expect is {each.get('expect')!r}. It is allow or deny.")
    found: dict[str, Any] = {"name": str(each.get("name") or ""), "expect": each["expect"]}
    for name in ("persona", "action", "target"):
        value = each.get(name) or []
        found[name] = [str(one) for one in value] if isinstance(value, list) else [str(value)]
        if not found[name] and name != "target":
            raise GlanceError(f"{where}: it names no {name}. Give a name or a list of names.")
    return found


def _chosen(wanted: list[str], known: list[str], kind: str, where: str) -> list[str]:
    for name in wanted:
        if name not in known:
            raise GlanceError(f"{where}: there is no {kind} {name!r}. There are: {', '.join(known)}.")
    return wanted


def _actions(wanted: list[str], where: str, release: _catalogue.Release) -> tuple[list[str], list[str]]:
    """The rules that are meant, and those that this release does not have and another one has."""
    known = askable(release)
    found: dict[str, None] = {}
    missing: list[str] = []
    for name in wanted:
        matching = fnmatch.filter(known, name)
        found.update(dict.fromkeys(matching))
        if matching:
            continue
        if any(fnmatch.filter(askable(each), name) for each in _catalogue.releases("glance")):
            missing.append(name)
            continue
        near = _catalogue.nearest_policy("glance", release, name)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise GlanceError(f"{where}: no release of Glance has a policy rule {name}.{hint}")
    return list(found), missing


def askable(release: _catalogue.Release) -> list[str]:
    """The rules of a release that decide something by themselves, and what it does without a rule."""
    registered = {rule.name for rule in _catalogue.policies("glance", release)}
    return [
        name
        for name, (kind, _guard) in _catalogue.enforcement(release).rules.items()
        if kind == "unruled" or (name in registered and kind not in ("part", "unused"))
    ]


@dataclass(frozen=True)
class Verdict:
    """What came of a case: ``held`` is None where nothing could be found out."""

    case: Case
    held: bool | None
    found: list[Mapping[str, Any]]

    def __str__(self) -> str:
        case = self.case
        wanted = "allowed" if case.allow else "denied"
        said = "; ".join(_said(each) for each in self.found) or "nothing was tried"
        return f"{case.name + ': ' if case.name else ''}{case.persona}, {case.action}, {case.target}: wanted {wanted}, {said}"


def _said(answer: Mapping[str, Any]) -> str:
    how = {True: "allowed", False: "denied", None: "not tried"}[answer.get("allowed")]
    more = [
        str(answer[name]) for name in ("request", "status", "by", "place", "reason") if answer.get(name) is not None
    ]
    return f"{how} ({', '.join(more)})" if more else how


def judge(cases: Iterable[Case], answers: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Each case with what was found. An action that nobody can take here (``nobody``) is denied, and allowed to nobody.

    Where several requests show one rule, all of them have to hold.
    """
    by_key: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for answer in answers:
        by_key.setdefault((answer["persona"], answer["rule"], answer["target"]), []).append(answer)
    return [
        Verdict(case, _held(case, found), found) for case in cases if (found := by_key.get(case.key, [])) is not None
    ]


def _held(case: Case, answers: list[Mapping[str, Any]]) -> bool | None:
    known = [answer["allowed"] for answer in answers if answer["allowed"] is not None]
    if any(allowed != case.allow for allowed in known):
        return False
    if known:
        return True
    nobody = bool(answers) and all(answer.get("nobody") for answer in answers)
    return True if nobody and not case.allow else None
