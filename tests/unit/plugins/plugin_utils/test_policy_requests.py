# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests that show policy rules: none is forgotten, and each is one that the rule is asked for."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _policy_live
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

RELEASES = _catalogue.releases("glance")
#: Where Glance's own documentation of a rule names other operations than its code asks it for.
ELSEWHERE = {
    "delete_image_location": "DELETE /v2/stores/{}/{}",
    "get_image": "GET /v2/images/{}/tasks",
    "modify_image": "(PUT|POST) /v2/images/{}/(tags/policy|stage|import)",
    "modify_metadef_property": "PUT /v2/metadefs/namespaces/{}/properties/{}",
    "remove_metadef_resource_type_association": "DELETE /v2/metadefs/namespaces/{}/resource_types/{}",
}


def plain(operation: str) -> str:
    return re.sub(r"\{\w+\}|/fresh\b", lambda found: "/{}" if "fresh" in found[0] else "{}", operation.split("?")[0])


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.major))
def test_every_rule_is_shown_by_a_request_or_said_not_to_be(release: _catalogue.Release) -> None:
    requests, untried = _catalogue.policy_requests(release)
    rules = {rule.name for rule in _catalogue.policies("glance", release)} | {
        name for name, (kind, _guard) in _catalogue.enforcement(release).rules.items() if kind == "unruled"
    }
    shown = {each["rule"] for each in requests}
    assert shown | set(untried) == rules
    assert not shown & set(untried)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.major))
def test_every_request_asks_rules_of_its_release_that_decide_something(release: _catalogue.Release) -> None:
    requests, _untried = _catalogue.policy_requests(release)
    kinds = {name: kind for name, (kind, _guard) in _catalogue.enforcement(release).rules.items()}
    for each in requests:
        assert each["asks"], each
        for rule in each["asks"]:
            assert kinds[rule] not in ("part", "unused"), (each["rule"], rule)


@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.major))
def test_every_request_is_one_that_glance_documents_for_the_rule(release: _catalogue.Release) -> None:
    documented = {rule.name: rule.operations for rule in _catalogue.policies("glance", release)}
    for each in _catalogue.policy_requests(release)[0]:
        operations = documented.get(each["rule"], ())
        asked = plain(each["request"])
        if operations and asked not in [plain(operation) for operation in operations]:
            assert re.fullmatch(ELSEWHERE[each["rule"]].replace("{}", r"\{\}"), asked), (
                each["rule"],
                asked,
                operations,
            )


def test_every_placeholder_is_filled() -> None:
    class Glance:
        stores = ("fast", "slow")
        types = ("a", "b")

    throwaway = type("T", (), {"projects": {}, "name": "p"})
    fixture: Any = _policy_live.Fixture(None, throwaway, Glance, _policy_live.Key("image"), 0)  # type: ignore[arg-type]
    known = {*fixture.places, "image", "husk", "pair", "second", "namespace", "ns_husk", "id"}
    for release in RELEASES:
        for each in _catalogue.policy_requests(release)[0]:
            assert (
                set(re.findall(r"\{(\w+)\}", json.dumps([each["request"], each.get("body"), each.get("undo")])))
                <= known
            )
            assert each["object"] in ("none", "new", "image", "husk", "pair", "namespace", "ns_husk")
