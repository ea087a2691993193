# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy tests: a YAML file of statements about who may do what, held against a policy."""

from __future__ import annotations

import difflib
import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_matrix
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy, Target

KEYS = ("name", "persona", "action", "target", "expect")


@dataclass(frozen=True)
class Statement:
    """``actions`` are rules of a release, or patterns of them."""

    name: str
    personas: tuple[str, ...]
    actions: tuple[str, ...]
    targets: tuple[str, ...]
    allow: bool


@dataclass(frozen=True)
class Tests:
    personas: dict[str, Persona]
    targets: dict[str, Target]
    statements: list[Statement]


def load(text: str, path: str) -> Tests:
    """The statements of a file. Raises GlanceError, with the line where YAML ends."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else path
        raise GlanceError(f"{where}: this is no YAML: {getattr(error, 'problem', None) or error}.") from error
    if not isinstance(document, dict) or not isinstance(document.get("tests"), list) or not document["tests"]:
        raise GlanceError(
            f"{path}: a mapping with a list 'tests' is wanted, and perhaps lists 'personas' and 'targets'."
        )
    strange = sorted(set(document) - {"personas", "targets", "tests"})
    if strange:
        raise GlanceError(f"{path}: {strange[0]} is not among personas, targets and tests.")
    own_personas = _policy_matrix.personas(document.get("personas")) if document.get("personas") else []
    own_targets = _policy_matrix.targets(document.get("targets")) if document.get("targets") else []
    personas = {each.name: each for each in (*_policy_matrix.PERSONAS, *own_personas)}
    targets = {each.name: each for each in (*_policy_matrix.TARGETS, *own_targets)}
    statements = [
        _statement(each, f"{path}: test {number}", personas, targets)
        for number, each in enumerate(document["tests"], 1)
    ]
    return Tests(personas, targets, statements)


def _statement(each: Any, where: str, personas: Mapping[str, Any], targets: Mapping[str, Any]) -> Statement:
    if not isinstance(each, dict) or set(each) - set(KEYS) or not {"persona", "action", "expect"} <= set(each):
        raise GlanceError(f"{where} takes {', '.join(KEYS)}; persona, action and expect are required. Found: {each!r}.")
    if each["expect"] not in ("allow", "deny"):
        raise GlanceError(f"{where} expects {each['expect']!r}. Write allow or deny.")
    found = {key: _names(each.get(key), f"{where}: {key}") for key in ("persona", "action", "target")}
    for what, known in (("persona", personas), ("target", targets)):
        for name in found[what]:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]!r}?" if near else ""
                raise GlanceError(f"{where}: the {what} {name!r} is not described.{hint} Known: {', '.join(known)}.")
    name = str(each.get("name") or f"{'/'.join(found['persona'])} {each['expect']} {'/'.join(found['action'])}")
    return Statement(
        name, found["persona"], found["action"], found["target"] or tuple(targets), each["expect"] == "allow"
    )


def _names(value: Any, where: str) -> tuple[str, ...]:
    names = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(name, str) for name in names):
        raise GlanceError(f"{where} is {value!r}. Write a name or a list of names.")
    return tuple(names)


@dataclass(frozen=True)
class Results:
    passed: int
    failures: list[dict[str, Any]]
    skipped: list[str]


def hold(policy: Policy, tests: Tests) -> Results:
    """Hold every statement against a policy. Raises GlanceError for an action that no release has.

    A statement about actions that only other releases have is skipped.
    """
    passed, failures, skipped = 0, [], []
    for statement in tests.statements:
        actions = list(_actions(policy, statement))
        if not actions:
            skipped.append(f"{statement.name}: {policy.release} has no {', '.join(statement.actions)}")
        for persona in statement.personas:
            for action in actions:
                for target in statement.targets:
                    failure = _failure(policy, statement, tests.personas[persona], action, tests.targets[target])
                    passed += failure is None
                    failures += [failure] if failure else []
    return Results(passed, failures, skipped)


def _actions(policy: Policy, statement: Statement) -> Iterator[str]:
    for action in statement.actions:
        found = [name for name in policy.names if fnmatch.fnmatchcase(name, action)]
        if not found and not _elsewhere(action):
            near = _catalogue.nearest_policy("glance", policy.release, action)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise GlanceError(f"{statement.name}: no release of Glance has a policy rule {action}.{hint}")
        yield from found


def _elsewhere(action: str) -> bool:
    return any(
        fnmatch.fnmatchcase(rule.name, action)
        for release in _catalogue.releases("glance")
        for rule in _catalogue.policies("glance", release)
    )


def _failure(
    policy: Policy, statement: Statement, persona: Persona, action: str, target: Target
) -> dict[str, Any] | None:
    decision = policy.decide(persona, action, target)
    if decision.allowed is statement.allow:
        return None
    wanted = "allowed" if statement.allow else "denied"
    found = {True: "allowed", False: "denied", None: "up to another program"}[decision.allowed]
    return {
        "test": statement.name,
        "persona": persona.name,
        "action": action,
        "target": target.name,
        "expected": wanted,
        "found": found,
        "by": decision.by,
        "place": decision.place,
        "chain": policy.chain(persona, action, target),
        "text": f"{statement.name}: {action} of {persona.name} on {target.name} should be {wanted} and is {found}, "
        f"by {decision.by} ({decision.place})",
    }


def told(failures: Sequence[Mapping[str, Any]], limit: int = 20) -> str:
    lines = [f"{each['text']}." for each in failures[:limit]]
    if len(failures) > limit:
        lines.append(f"And {len(failures) - limit} more.")
    return " ".join(lines)
