# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy tests of operators, and the file that the collection brings to begin with."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy_matrix, _policy_statements
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule

STARTER = Path(__file__).parents[4] / "examples" / "policy-tests.yml"


def policy(release: int, **rules: str) -> Policy:
    placed = {name: Rule(name, check, "policy.yaml", line) for line, (name, check) in enumerate(rules.items(), 1)}
    return Policy(_catalogue.release("glance", release), placed)


def held(text: str, against: Policy) -> list[_policy_statements.Verdict]:
    statements = _policy_statements.read(_policy_statements.load(text, "tests.yml"), "tests.yml", against.release)
    people = {each.name: each for each in statements.personas}
    things = {each.name: each for each in statements.targets}
    answers = [
        asdict(against.decide(people[case.persona], case.action, things[case.target])) for case in statements.cases
    ]
    return _policy_statements.judge(statements.cases, answers)


def failed(text: str, against: Policy) -> set[str]:
    return {verdict.case.name for verdict in held(text, against) if not verdict.held}


@pytest.mark.parametrize("release", _catalogue.releases("glance"), ids=lambda release: str(release.major))
def test_the_starter_file_holds_but_for_what_it_says_itself(release: _catalogue.Release) -> None:
    text = STARTER.read_text(encoding="utf-8")
    expected = {"No end user sees or sets locations"} if release.major <= 25 else set()
    expected |= {"Members add nothing to public metadata definitions of others"} if release.major <= 21 else set()
    assert failed(text, _policy_matrix.shipped(release)) == expected
    closed = {
        name: "rule:context_is_admin"
        for name in ("get_image_location", "set_image_location", "delete_image_location")
        + ("add_metadef_object", "add_metadef_property", "add_metadef_tag", "add_metadef_tags")
    }
    shipped = (
        {rule.name: rule.check_str for rule in _catalogue.policies("glance", release)} if release.major < 20 else {}
    )
    assert not failed(text, policy(release.major, **{**shipped, **closed}))


def test_a_verdict_names_persona_action_target_rule_and_line() -> None:
    text = "tests: [{name: No publishing, persona: member, action: 'publici?e_image', target: own, expect: deny}]"
    (verdict,) = held(text, policy(25, publicize_image="rule:some", some="role:member"))
    assert verdict.held is False
    assert str(verdict) == (
        "No publishing: member, publicize_image, own: wanted denied, allowed (publicize_image, policy.yaml:1)"
    )


def test_own_personas_and_targets() -> None:
    text = """
personas: [{name: auditor, roles: [auditor, reader]}]
targets: [{name: ours, owner: our-project, visibility: community}]
tests: [{persona: auditor, action: get_image, target: ours, expect: allow}]
"""
    assert [verdict.held for verdict in held(text, policy(33))] == [True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: [\n", "tests.yml:2:1: this is no YAML"),
        ("- a", "a mapping with the keys personas, targets and tests"),
        ("tests: []", "there are no tests"),
        ("tests: [{persona: member, expect: deny}]", "it names no action"),
        ("tests: [{persona: member, action: get_image, expect: no}]", "expect is False. It is allow or deny"),
        (
            "tests: [{persona: membre, action: get_image, expect: deny}]",
            "there is no persona 'membre'. There are: admin",
        ),
        ("tests: [{persona: member, action: get_imagse, expect: deny}]", "no release .* Did you mean get_image"),
    ],
)
def test_bad_files_are_said_with_what_is_wanted(text: str, said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        held(text, policy(33))
