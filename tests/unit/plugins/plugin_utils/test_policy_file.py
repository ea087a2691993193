# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy files: which one counts, its rules with their lines, and what is refused with line and column."""

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _policy_file


def document(text, name="policy.yaml", error=None):
    return {"name": name, "file": f"/etc/glance/{name}", "text": text, "error": error}


def policy(*documents, named=None, overlays=()):
    return {"named": named, "files": list(documents), "overlays": list(overlays)}


@pytest.mark.parametrize(
    "text",
    [
        '{\n\t"a": "role:x",\n\n\t"b":"@"\n}',
        '{"a":\n "role:x",\n\n"b": "@", }',
        "a: role:x\n# said\n\n'b': '@'\n".replace("a: role:x\n", "\na: role:x\n", 1).replace("# said\n\n", "\n"),
    ],
    ids=["json with tabs", "yaml in braces", "yaml"],
)
def test_rules_with_their_lines(text) -> None:
    rules = {rule.name: rule for rule in _policy_file.parse(document(text))}
    assert {name: rule.check for name, rule in rules.items()} == {"a": "role:x", "b": "@"}
    assert rules["b"].line == 4
    assert rules["b"].place == "/etc/glance/policy.yaml:4"


def test_an_empty_file_has_no_rules() -> None:
    assert _policy_file.parse(document("")) == _policy_file.parse(document("# nothing\n")) == []


def test_a_name_that_stands_twice_comes_twice() -> None:
    rules = _policy_file.parse(document('{"a": "@",\n"a": "!"}'))
    assert [(rule.line, rule.check) for rule in rules] == [(1, "!"), (2, "!")]


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ('{"a": "@",\n "b" "!"}', "policy.json", "policy.json:2:6: this is no JSON: expecting ':' delimiter."),
        ("a: '@'\nb: [\n", "policy.yaml", "policy.yaml:3:1: this is no YAML"),
        ("a: b: c\n", "policy.yaml", "policy.yaml:1:5: this is no YAML: mapping values are not allowed here."),
        ("a: \x00\n", "policy.yaml", "this is no YAML"),
        ('["a"]', "policy.json", "holds a list, and a mapping of rules to checks is wanted"),
        ("words", "policy.yaml", "holds a text"),
        ("1: '@'", "policy.yaml", "the name of a rule is 1, which is no text"),
        ("a: 2026-13-45", "policy.yaml", "this is no YAML that can be read"),
        ("[" * 100000, "policy.json", "this is no YAML that can be read"),
    ],
)
def test_what_is_refused(text, name, said) -> None:
    with pytest.raises(GlanceError) as caught:
        _policy_file.parse(document(text, name))
    assert said in caught.value.message and f"/etc/glance/{name}" in caught.value.message


def test_what_could_not_travel_is_said() -> None:
    with pytest.raises(GlanceError, match="not UTF-8"):
        _policy_file.rules(policy(document(None, error="the byte 0xff is not UTF-8")))


JSON, YAML, OWN = (document("", name) for name in ("policy.json", "policy.yaml", "own.yaml"))


@pytest.mark.parametrize(
    ("found", "default", "fallback", "counts"),
    [
        (policy(YAML, JSON), "policy.json", False, JSON),
        (policy(YAML, JSON), "policy.yaml", True, YAML),
        (policy(JSON), "policy.yaml", True, JSON),
        (policy(JSON), "policy.yaml", False, None),
        (policy(OWN, JSON, named="own.yaml"), "policy.yaml", True, OWN),
        (policy(JSON, named="policy.yaml"), "policy.yaml", True, None),
        (policy(JSON, named="gone"), "policy.json", True, None),
        (None, "policy.yaml", True, None),
    ],
)
def test_the_file_that_counts(found, default, fallback, counts) -> None:
    assert _policy_file.main(found, default, fallback) is counts


def test_directories_win_over_the_file() -> None:
    overlay = {"file": "/etc/glance/policy.d/1", "text": "a: '!'", "error": None}
    found = _policy_file.rules(policy(document("a: '@'\nb: '@'"), overlays=[overlay]), "policy.yaml")
    assert {name: (rule.check, rule.file) for name, rule in found.items()} == {
        "a": ("!", "/etc/glance/policy.d/1"), "b": ("@", "/etc/glance/policy.yaml"),
    }  # fmt: skip
