# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policy tests of operators, and the file that the collection brings to begin with."""

from __future__ import annotations

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


def held(text: str, against: Policy) -> _policy_statements.Results:
    return _policy_statements.hold(against, _policy_statements.load(text, "tests.yml"))


@pytest.mark.parametrize("release", _catalogue.releases("glance"), ids=lambda release: str(release.major))
def test_the_starter_file_holds_but_for_what_it_says_itself(release: _catalogue.Release) -> None:
    tests = _policy_statements.load(STARTER.read_text(encoding="utf-8"), str(STARTER))
    found = _policy_statements.hold(_policy_matrix.shipped(release), tests)
    assert found.passed > 180
    assert {each["test"] for each in found.failures} <= {"No end user sees or sets locations"}
    assert bool(found.failures) == (release.major <= 25)
    closed = {
        name: "rule:context_is_admin" for name in ("get_image_location", "set_image_location", "delete_image_location")
    }
    shipped = (
        {rule.name: rule.check_str for rule in _catalogue.policies("glance", release)} if release.major < 20 else {}
    )
    assert not _policy_statements.hold(policy(release.major, **{**shipped, **closed}), tests).failures


def test_a_failure_names_persona_action_target_rule_and_line() -> None:
    text = "tests: [{name: No publishing, persona: member, action: 'publici?e_image', target: own, expect: deny}]"
    found = held(text, policy(25, publicize_image="rule:some", some="role:member"))
    assert (found.passed, len(found.failures)) == (0, 1)
    assert found.failures[0]["text"] == (
        "No publishing: publicize_image of member on own should be denied and is allowed, by publicize_image (policy.yaml:1)"
    )
    assert found.failures[0]["chain"] == ["publicize_image (policy.yaml:1)", "some (policy.yaml:2)"]


def test_an_action_of_other_releases_is_skipped() -> None:
    found = held("tests: [{persona: member, action: cache_prune, expect: deny}]", policy(25))
    assert (found.passed, found.failures) == (0, [])
    assert found.skipped == ["member deny cache_prune: Glance 25 (Zed) has no cache_prune"]


def test_own_personas_and_targets() -> None:
    text = """
personas: [{name: auditor, roles: [auditor, reader]}]
targets: [{name: ours, owner: our-project, visibility: community}]
tests: [{persona: auditor, action: get_image, target: ours, expect: allow}]
"""
    assert held(text, policy(33)).passed == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: [\n", "tests.yml:2:1: this is no YAML"),
        ("- a", "a mapping with a list 'tests' is wanted"),
        ("tests: []", "a mapping with a list 'tests' is wanted"),
        ("test: []\ntests: [{}]", "test is not among personas, targets and tests"),
        ("tests: [{persona: member, expect: deny}]", "test 1 takes name, persona, action, target, expect"),
        ("tests: [{persona: member, action: get_image, expect: no}]", "expects False. Write allow or deny"),
        (
            "tests: [{persona: membre, action: get_image, expect: deny}]",
            "the persona 'membre' is not described. Did you mean",
        ),
        ("tests: [{persona: member, action: get_image, target: [5], expect: deny}]", "Write a name or a list of names"),
        (
            "tests: [{persona: member, action: get_imagse, expect: deny}]",
            "has a policy rule|no release .* Did you mean get_image",
        ),
    ],
)
def test_bad_files_are_said_with_what_is_wanted(text: str, said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        held(text, policy(33))
