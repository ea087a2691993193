# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was not asked for keeps every character: comments, order, quotes, indentation, line ends."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_edit
from hypothesis import given, settings
from hypothesis import strategies as st

YAML = """\
# Ours since 2017.
"default": "role:admin"
get_image: ''   # everybody

# Who may publish.
publicize_image: 'role:admin or role:publisher'
"modify_image":
  - ["role:admin"]
  - ["role:owner"]
# The end.
"""
JSON = """\
{
    "default": "role:admin",
    "get_image": "",
    "publicize_image": "role:admin"
}
"""


@pytest.mark.parametrize(
    ("text", "wanted", "old", "new"),
    [
        (YAML, {"default": "!"}, '"default": "role:admin"', '"default": "!"'),
        (YAML, {"get_image": "@"}, "get_image: ''   #", "get_image: '@'   #"),
        (YAML, {"get_image": "'a':%(b)s"}, "get_image: ''", "get_image: '''a'':%(b)s'"),
        (YAML, {"publicize_image": None}, "publicize_image: 'role:admin or role:publisher'\n", ""),
        (
            YAML,
            {"modify_image": "@"},
            '"modify_image":\n  - ["role:admin"]\n  - ["role:owner"]\n',
            '"modify_image": "@"\n',
        ),
        (YAML, {"modify_image": None}, '"modify_image":\n  - ["role:admin"]\n  - ["role:owner"]\n', ""),
        (YAML, {"new": "@"}, "# The end.", '"new": "@"\n# The end.'),
        (JSON, {"get_image": "@"}, '"get_image": ""', '"get_image": "@"'),
        (JSON, {"get_image": None}, '    "get_image": "",\n', ""),
        (JSON, {"publicize_image": None}, ',\n    "publicize_image": "role:admin"', ""),
        (JSON, {"new": "@"}, '"role:admin"\n}', '"role:admin",\n    "new": "@"\n}'),
        ("{}\n", {"new": "@"}, "{}", '{\n    "new": "@"\n}'),
        ('{"a": "@"}', {"b": "!"}, '"@"}', '"@", "b": "!"}'),
        ('{"a": "@"}', {"a": None}, '"a": "@"', ""),
        ('{\n\t"a": "@"\n}', {"b": "!"}, '"@"\n', '"@",\n\t"b": "!"\n'),
        ("", {"a": "@"}, "", '"a": "@"\n'),
        ("# Nothing yet.", {"a": "@"}, "yet.", 'yet.\n"a": "@"\n'),
        ('#"a": "role:x"\n\n# More\n#"b": "@"\n', {"a": "!"}, '#"a": "role:x"\n', '#"a": "role:x"\n"a": "!"\n'),
        ("---\na: x:y\n...\n", {"b": "@"}, "x:y\n", 'x:y\n"b": "@"\n'),
        ("a:\nb: x:y\n", {"a": "@"}, "a:\n", 'a: "@"\n'),
        ("a: >-\n  role:x\n  or role:y\n\n# c\nb: x:y\n", {"a": "@"}, "a: >-\n  role:x\n  or role:y\n", 'a: "@"\n'),
        ("a: x:y\r\nb: x:y\r\n", {"c": "@"}, "b: x:y\r\n", 'b: x:y\r\n"c": "@"\r\n'),
        ("a: '@'\na: '!'\nb: x:y\n", {"a": None}, "a: '@'\na: '!'\n", ""),
    ],
)
def test_only_the_asked_for_changes(text: str, wanted: dict[str, str | None], old: str, new: str) -> None:
    assert _policy_edit.edit(text, "policy", wanted) == text.replace(old, new, 1)


@pytest.mark.parametrize("text", [YAML, JSON, "", "{}"])
def test_what_is_right_already_is_not_touched(text: str) -> None:
    rules = yaml.safe_load(text) or {}
    assert _policy_edit.edit(text, "policy", {**rules, "not there": None}) == text


NAMES = st.sampled_from(["default", "get_image", "a b", "x:create", "quote'd", 'd"q', "ü", "#c", "- d", "modify_image"])
CHECKS = st.sampled_from(
    ["", "@", "!", "role:admin", "'public':%(visibility)s or role:\"x\"", "a: b", "rule:#x", "ü:%(o)s"]
)


@given(
    rules=st.dictionaries(NAMES, CHECKS, max_size=5),
    wanted=st.dictionaries(NAMES, st.none() | CHECKS, max_size=4),
    style=st.sampled_from(["json", "json2", "yaml", "flow", "quoted", "crlf"]),
)
@settings(max_examples=200)
def test_whatever_stands_there_the_result_is_what_was_asked_for(
    rules: dict[str, str], wanted: dict[str, str | None], style: str
) -> None:
    text = {
        "json": lambda: json.dumps(rules),
        "json2": lambda: json.dumps(rules, indent=2) + "\n",
        "yaml": lambda: yaml.safe_dump(rules, sort_keys=False, allow_unicode=True) if rules else "# none\n",
        "flow": lambda: yaml.safe_dump(rules, default_flow_style=True, sort_keys=False),
        "quoted": lambda: "".join(
            f"# of {n}\n{json.dumps(n)}:   '{c.replace(chr(39), chr(39) * 2)}'\n" for n, c in rules.items()
        ),
        "crlf": lambda: "".join(f"{json.dumps(n)}: {json.dumps(c)}\r\n" for n, c in rules.items()),
    }[style]()
    result = _policy_edit.edit(text, "policy", wanted)
    expected: dict[str, Any] = {**rules, **{name: check for name, check in wanted.items() if check is not None}}
    expected = {name: check for name, check in expected.items() if wanted.get(name, "") is not None}
    assert (yaml.safe_load(result) or {}) == expected
    assert _policy_edit.edit(result, "policy", wanted) == result
    kept = [name for name in rules if name in expected]
    assert [name for name in (yaml.safe_load(result) or {}) if name in rules] == kept


def test_json_becomes_yaml_with_the_same_rules_in_the_same_order() -> None:
    text = '{"default": "role:admin", "a": [["role:x", "role:y"], "role:z"], "b": []}'
    assert _policy_edit.to_yaml(text, "policy.json") == (
        '"default": "role:admin"\n"a": "((role:x and role:y) or role:z)"\n"b": "@"\n'
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "policy.yaml:1:1: this file holds a list"),
        ("a: b: c\n", "policy.yaml:1:5: this is no YAML"),
        ("&x a: *x\n", "policy.yaml"),
    ],
)
def test_what_is_no_policy_file_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        _policy_edit.edit(text, "policy.yaml", {"a": "@"})
