# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Set and remove rules in the text of a policy file; every character that was not asked for stays as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_file, _policy_rules


def edit(text: str, path: str, wanted: Mapping[str, str | None]) -> str:
    """The text with each rule set to its check, or (None) gone. Raises GlanceError, also where the result is not that."""
    rules = _load(text, path)
    expected = {**rules, **{name: check for name, check in wanted.items() if check is not None}}
    expected = {name: check for name, check in expected.items() if wanted.get(name, "") is not None}
    if expected == rules and list(expected) == list(rules):
        return text
    result = text if text.strip() or not path.endswith(".json") else "{}\n"
    for name, check in wanted.items():
        # Each change moves what comes after it, so each looks anew; policy files are short.
        if check is None:
            while place := _Text(result).find(name):
                result = _without(_Text(result), place)
        elif name not in rules:
            result = _with(_Text(result), name, check)
        elif rules[name] != check:
            found = _Text(result)
            if place := found.find(name):
                result = found.replaced(place, check)
    if _load(result, path) != expected:
        raise GlanceError(
            f"{path}: this file is written in a way that cannot be changed without changing more than was asked for. "
            "Write its rules one a line, then run again. Nothing was written."
        )
    return result


def to_yaml(text: str, path: str) -> str:
    """The rules of a JSON file as YAML, one a line, in their order; the older form of lists becomes a check string."""
    rules = _load(text, path)
    lines = []
    for name, check in rules.items():
        if not isinstance(check, str):
            check = str(_policy_rules.read(check))
        lines.append(f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(check, ensure_ascii=False)}\n")
    return "".join(lines)


def _load(text: str, path: str) -> dict[str, Any]:
    return {rule.name: rule.check for rule in _policy_file.parse({"file": path, "text": text, "error": None})}


@dataclass(frozen=True)
class _Place:
    """Where a rule stands: [start, end) of its key and of its value."""

    name: str
    key: tuple[int, int]
    value: tuple[int, int]
    style: str  # how the value is written: ' or " for quotes, "plain", "block"


class _Text:
    """A policy file with the places of its rules."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        try:
            # JSON is YAML but for its tabs.
            node = yaml.compose(text.replace("\t", " "), yaml.SafeLoader)
        except yaml.YAMLError:
            node = None  # said by whoever loads the text
        self.flow = isinstance(node, yaml.MappingNode) and bool(node.flow_style)
        self.json = self.flow and _is_json(text)
        self.span = (node.start_mark.index, node.end_mark.index) if node is not None else (0, len(text))
        self.places = [_place(key, value) for key, value in node.value] if isinstance(node, yaml.MappingNode) else []

    def find(self, name: str) -> _Place | None:
        """The rule of that name; the last one, which is the one that counts."""
        return next((place for place in reversed(self.places) if place.name == name), None)

    def quoted(self, value: str, style: str = '"') -> str:
        if style == "'" and "\n" not in value and not self.json:
            return "'" + value.replace("'", "''") + "'"
        return json.dumps(value, ensure_ascii=False)

    def replaced(self, place: _Place, check: str) -> str:
        new, (start, end) = self.quoted(check, place.style), place.value
        if place.style != "block":
            gap = "" if start != end or self.text[start - 1 : start].isspace() else " "
            return self.text[:start] + gap + new + self.text[end:]
        # What stands over several lines ends where its last line ends; what follows is not its own.
        colon = self.text.index(":", place.key[1]) + 1
        body = self.text[colon:end]
        return self.text[:colon] + " " + new + body[len(body.rstrip()) :] + self.text[end:]

    def line_start(self, index: int) -> int:
        return self.text.rfind("\n", 0, index) + 1

    def line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end + 1


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _place(key: Any, value: Any) -> _Place:
    if isinstance(value, yaml.ScalarNode):
        style = {"'": "'", '"': '"', "|": "block", ">": "block"}.get(value.style or "", "plain")
        if style == "plain" and value.start_mark.line != value.end_mark.line:
            style = "block"
    else:
        style = "plain" if value.flow_style else "block"
    return _Place(
        str(key.value),
        (key.start_mark.index, key.end_mark.index),
        (value.start_mark.index, _end(value)),
        style,
    )


def _end(node: Any) -> int:
    """Where a value really ends: a list in lines claims the comments below it as well."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _without(found: _Text, place: _Place) -> str:
    text, start, end = found.text, place.key[0], place.value[1]
    if found.flow:
        at = found.places.index(place)
        if at + 1 < len(found.places):
            return text[:start] + text[found.places[at + 1].key[0] :]
        if at:
            return text[: found.places[at - 1].value[1]] + text[end:]
        return text[:start].rstrip() + text[end:].lstrip()
    if place.style == "block":
        end = start + len(text[start:end].rstrip())
    if not text[found.line_start(start) : start].strip():
        start = found.line_start(start)
    return text[:start] + text[found.line_end(end) :]


def _with(found: _Text, name: str, check: str) -> str:
    text, pair = found.text, f"{found.quoted(name)}: {found.quoted(check)}"
    if found.flow and found.places:
        last, first = found.places[-1], found.places[0]
        start = found.line_start(first.key[0])
        alone = not text[start : first.key[0]].strip() and "\n" in text[: first.key[0]]
        gap = found.newline + text[start : first.key[0]] if alone else " "
        return f"{text[: last.value[1]]},{gap}{pair}{text[last.value[1] :]}"
    if found.json:
        brace = text.index("{") + 1
        return f"{text[:brace]}{found.newline}    {pair}{found.newline}{text[brace:].lstrip()}"
    if found.flow:  # {} as the whole of a YAML file
        start, end = found.span
        return text[:start] + pair + text[end:]
    return _with_line(found, name, pair)


def _with_line(found: _Text, name: str, pair: str) -> str:
    """A new line: below the commented-out default of the rule, as sample files have it, or else behind the last rule."""
    text = found.text
    sample = re.search(rf"^#\s?[\"']?{re.escape(name)}[\"']?\s*:.*(?:\n|$)", text, re.MULTILINE)
    indent = ""
    if found.places:
        first, last = found.places[0].key[0], found.places[-1]
        indent = text[found.line_start(first) : first]
        if indent.strip():  # a document marker before the first rule
            indent = ""
        body = text[last.key[0] : last.value[1]].rstrip()
        at = found.line_end(last.key[0] + len(body))
        # Above the first rule may stand a document marker, and comments within a rule of several lines are no place.
        if sample and not any(place.key[0] < sample.end() <= place.value[1] for place in found.places):
            at = sample.end()
    else:
        at = sample.end() if sample else len(text)
    before = text[:at] + (found.newline if at and not text[:at].endswith("\n") else "")
    return f"{before}{indent}{pair}{found.newline}{text[at:]}"
