# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No right is gained or lost unnoticed: what changes is upstream's by name, declared, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _policy_matrix
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule


def made(release: int, rules: dict[str, str] | None = None) -> Policy:
    placed = {
        name: Rule(name, check, "policy.yaml", line) for line, (name, check) in enumerate((rules or {}).items(), 1)
    }
    return Policy(_catalogue.release("glance", release), placed)


def changes(before: Policy, after: Policy) -> list[_policy_matrix.Change]:
    return _policy_matrix.compare(before, after, _policy_matrix.PERSONAS, _policy_matrix.TARGETS)


@pytest.mark.parametrize("first", range(13, 33))
def test_every_change_of_the_shipped_policies_has_a_name(first: int) -> None:
    old, new = (_policy_matrix.shipped(_catalogue.release("glance", major)) for major in (first, first + 1))
    assert [str(change) for change in changes(old, new) if not change.upstream] == []
    assert [str(change) for change in changes(new, old) if not change.upstream] == []


def test_a_hop_is_accepted_by_names_and_nothing_else_with_it() -> None:
    found = changes(made(25, {"publicize_image": "role:member"}), made(26, {"publicize_image": "role:reader"}))
    assert len(found) > 200
    accepted, idle = _policy_matrix.excuse(found, [], ["26-new-defaults", "26-scope"], ["26-new-defaults", "26-scope"])
    left = [change for change in accepted if not change.excused]
    assert {(change.persona, change.rule) for change in left} == {("reader", "publicize_image")}
    assert not idle
    with pytest.raises(GlanceError) as error:
        _policy_matrix.refuse(accepted)
    assert (
        "reader gains publicize_image on own, own protected, own shared, own public: before by publicize_image "
        "(policy.yaml:1), after by publicize_image (policy.yaml:1)" in error.value.message
    )
    assert error.value.details["undeclared"][0]["chain"] == ["publicize_image (policy.yaml:1)"]


def test_unaccepted_upstream_changes_are_counted_by_name_instead_of_listed() -> None:
    found, _idle = _policy_matrix.excuse(changes(made(25), made(26)), [], ["26-scope"], ["26-new-defaults", "26-scope"])
    with pytest.raises(
        GlanceError, match="^[0-9]+ decisions would change undeclared. Upstream's 26-new-defaults makes "
    ) as error:
        _policy_matrix.refuse(found)
    assert len(error.value.message) < 200


def test_what_is_declared_is_excused_by_persona_rule_target_and_direction() -> None:
    found = changes(made(33), made(33, {"publicize_image": "role:member"}))
    hop: list[str] = []
    declared: list[dict[str, Any]] = [
        {"persona": ["member", "member with service token"], "rule": "publicize_image", "to": "allow"},
        {"persona": "reader", "rule": "publicize_image", "to": "allow"},
    ]
    excused, idle = _policy_matrix.excuse(found, declared, [], hop)
    _policy_matrix.refuse(excused)
    assert idle == ["{'persona': 'reader', 'rule': 'publicize_image', 'to': 'allow'}"]
    wrong, _idle = _policy_matrix.excuse(found, [{**declared[0], "to": "deny"}], [], hop)
    with pytest.raises(GlanceError, match="member gains publicize_image"):
        _policy_matrix.refuse(wrong)
    once, _idle = _policy_matrix.excuse(found, [{**declared[0], "target": "own"}], [], hop)
    assert {change.target for change in once if not change.excused} == {"own protected", "own shared", "own public"}


def test_an_operators_rule_that_upstreams_change_does_not_explain_is_no_upstream_change() -> None:
    # With the older defaults gone, a rule of the file that leaned on one of them changes by itself.
    before, after = (made(release, {"publicize_image": "rule:modify_image"}) for release in (25, 26))
    own = [change for change in changes(before, after) if change.rule == "publicize_image" and not change.upstream]
    assert {change.persona for change in own} == {"_member_", "no role", "reader", "service"}


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"rule": "get_image", "to": "allow"}, "names persona and rule"),
        ({"persona": "member", "rule": "get_image", "to": "maybe"}, "allow or deny"),
        ({"persona": "member", "rule": "get_image", "to": "deny", "on": "own"}, "cannot be used"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_refused(expected: dict[str, Any], said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        _policy_matrix.excuse([], [expected], [], [])


def test_a_name_that_is_no_upstream_change_is_refused_with_those_that_are() -> None:
    with pytest.raises(
        GlanceError, match="27-x is no upstream change here. Between these releases there are: 26-scope."
    ):
        _policy_matrix.excuse([], [], ["27-x"], ["26-scope"])


def test_personas_are_the_usual_ones_and_whoever_the_rules_name_besides() -> None:
    policy = made(20, {"get_image": "role:Auditor or project_id:abc or tenant:%(owner)s", "get_images": "user_id:xyz"})
    holder = Policy(policy.release, {}, _policy.Settings(admin_role=" Boss "))
    found = _policy_matrix.personas(None, policy, holder)
    assert [each.name for each in found[len(_policy_matrix.PERSONAS) :]] == [
        "holder of auditor",
        "member and auditor",
        "member of abc",
        "user xyz",
        "holder of boss",
        "member and boss",
    ]
    assert found[-4:-2] == [
        _policy.Persona("member of abc", ("member", "reader"), project="abc"),
        _policy.Persona("user xyz", ("member", "reader"), user="xyz"),
    ]
    described = [{"name": "x", "roles": ["AUDITOR"], "project": "abc", "user": "xyz"}]
    assert [each.name for each in _policy_matrix.personas(described, policy)] == ["x"]


def test_what_a_rule_gives_to_a_role_that_nobody_asked_for_is_seen_all_the_same() -> None:
    before, after = made(33), made(33, {"publicize_image": "rule:context_is_admin or role:newcomer"})
    who = _policy_matrix.personas([{"name": "member", "roles": ["member", "reader"]}], before, after)
    found = _policy_matrix.compare(before, after, who, _policy_matrix.TARGETS)
    assert {each.persona for each in found} == {"holder of newcomer", "member and newcomer"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([{"roles": ["a"]}], "has no name"),
        ([{"name": "x", "role": "a"}], "A persona has role. It takes: name, roles"),
        ([{"name": "x", "roles": "a"}], "are the text 'a'. Write a list"),
        ([{"name": "x"}, {"name": "x"}], "described twice"),
    ],
)
def test_personas_that_cannot_be_used_are_refused(given: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        _policy_matrix.personas(given)


def test_a_visibility_that_is_none_is_refused() -> None:
    with pytest.raises(GlanceError, match="the visibility 'privat'. It is one of: private, shared, public, community"):
        _policy_matrix.targets([{"name": "x", "visibility": "privat"}])
