# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operation of the newest release has a row in docs/images-api.md, with its policy rules and existing modules."""

from __future__ import annotations

import pathlib
import re
from typing import Any

import check
import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

ROOT = pathlib.Path(__file__).resolve().parents[3]
NEWEST = "33.0.0"


def rows() -> dict[str, tuple[list[str], str]]:
    """Policy rules and module of each operation in the document."""
    found = {}
    for line in (ROOT / "docs" / "images-api.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.match(r"`[A-Z]+ /v2", cells[0]):
            assert cells[0] not in found, cells[0]
            found[cells[0].strip("`")] = (re.findall(r"`(\w+)`", cells[1]), cells[2])
    return found


def plain(operation: str) -> str:
    return re.sub(r"\{\w+\}|(?<=/tags/)(policy|fresh)\b", "{}", operation.split("?")[0])


def test_every_operation_has_a_row_and_no_row_is_another_s() -> None:
    assert sorted(rows()) == sorted(check.OPERATIONS[NEWEST])


def test_every_rule_that_a_request_asks_is_named() -> None:
    release = _catalogue.release("glance", NEWEST)
    named = {plain(operation): set(rules) for operation, (rules, _module) in rows().items()}
    for request in _catalogue.policy_requests(release)[0]:
        assert {request["rule"], *request["asks"]} <= named[plain(request["request"])], request["request"]
    known = {rule.name for rule in _catalogue.policies("glance", release)}
    assert set().union(*named.values()) <= known


def test_every_module_that_is_named_exists() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}
    for operation, (_rules, module) in rows().items():
        named = re.findall(r"`((?:image|images|glance)_\w+)`", module)
        assert set(named) <= modules, operation
        assert named or module.startswith("no module"), operation


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (lambda known: known, []),
        (lambda known: [*known, "GET /v2/news"], [("operation GET /v2/news", "not there", "there")]),
        (lambda known: known[1:], [(f"operation {check.OPERATIONS[NEWEST][0]}", "there", "not there")]),
    ],
)
def test_a_release_with_other_operations_differs(found: Any, told: list[tuple[str, str, str]]) -> None:
    differences = check.operation_differences(NEWEST, found(check.OPERATIONS[NEWEST]))
    assert [(each.what, each.catalogue, each.installed) for each in differences] == told
