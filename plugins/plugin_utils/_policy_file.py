# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policy files as oslo.policy reads them, with the place of each rule.

``policy`` is what a survey brings of a service (see ``glance_host_info``): the texts of the files that a release could
take, and of those in its policy directories.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

Policy = dict[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True)
class Rule:
    """One rule; ``check`` is a check string, or an older form of one made of lists."""

    name: str
    check: Any
    file: str
    line: int | None = None

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


def rules(policy: Policy | None, default: str = "policy.json", fallback: bool = True) -> dict[str, Rule]:
    """The rules in force by name: those of the policy file, and over them those of the policy directories.

    ``default`` and ``fallback`` are as for ``main``. Raises GlanceError, with file, line and column.
    """
    found: dict[str, Rule] = {}
    for document in documents(policy, default, fallback):
        found.update((rule.name, rule) for rule in parse(document))
    return found


def documents(policy: Policy | None, default: str = "policy.json", fallback: bool = True) -> Iterator[Document]:
    """The files that are read, in order."""
    first = main(policy, default, fallback)
    if first is not None:
        yield first
    yield from (policy or {"overlays": ()})["overlays"]


def main(policy: Policy | None, default: str = "policy.json", fallback: bool = True) -> Document | None:
    """The policy file of a release that looks for ``default`` when nobody names a file.

    ``fallback`` says whether that release takes the other format where the default is missing and nobody names a file.
    """
    if policy is None:
        return None
    wanted = policy["named"] or default
    found = {document["name"]: document for document in policy["files"]}
    others = [name for name in ("policy.yaml", "policy.json") if name != wanted]
    names = [wanted, *(others if fallback and not policy["named"] else ())]
    return next((found[name] for name in names if name in found), None)


def parse(document: Document) -> list[Rule]:
    """The rules of one file, in its order; a name that stands there twice comes twice. Raises GlanceError."""
    if document.get("error"):
        raise GlanceError(document["error"])
    text, file = document["text"], document["file"]
    loaded = _load(text, file)
    if not isinstance(loaded, dict):
        raise GlanceError(
            f"{file}:1:1: this file holds {_kind(loaded)}, and a mapping of rules to checks is wanted. "
            'Write each rule as "name": "check".'
        )
    for name in loaded:
        if not isinstance(name, str):
            raise GlanceError(f"{file}: the name of a rule is {name!r}, which is no text. Put it in quotes.")
    placed = _places(text)
    if {name for name, _line in placed} != set(loaded):
        return [Rule(name, check, file) for name, check in loaded.items()]
    return [Rule(name, loaded[name], file, line) for name, line in placed]


def _load(text: str, file: str) -> Any:
    """As oslo.policy does: JSON if it is JSON, else YAML; an empty file is an empty mapping."""
    try:
        return json.loads(text) or {}
    except (ValueError, RecursionError) as error:
        problem: Exception = error
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        if isinstance(problem, json.JSONDecodeError) and (file.endswith(".json") or text.lstrip()[:1] == "{"):
            raise GlanceError(
                f"{file}:{problem.lineno}:{problem.colno}: this is no JSON: {_sentence(problem.msg)}."
            ) from error
        raise GlanceError(_yaml_problem(error, file)) from error
    except (ValueError, RecursionError) as error:  # a date that does not exist, say
        raise GlanceError(f"{file}: this is no YAML that can be read: {_sentence(str(error))}.") from error


def _yaml_problem(error: yaml.YAMLError, file: str) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
    return f"{where}: this is no YAML: {_sentence(str(said))}."


def _sentence(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text[:1].lower() + text[1:]


def _kind(loaded: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false"}.get(type(loaded), "a number or a date")


def _places(text: str) -> list[tuple[str, int]]:
    """Name and line of each rule. JSON is YAML but for its tabs, so one reader of marks serves both."""
    try:
        node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(str(key.value), key.start_mark.line + 1) for key, _value in pairs]
