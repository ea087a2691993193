# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions per release. The releases' own Glance is asked by tests/policy/differential.py; here is what each case is about."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy, Settings, Target
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule

ADMIN = Persona("admin", ("admin", "member", "reader"))
MEMBER = Persona("member", ("member", "reader"))
OLDER = Persona("older", ("_member_",))
BOSS = Persona("boss", ("Boss",))
SYSTEM = Persona("system", ("admin", "member", "reader"), project=None, system=True)
OWN, FOREIGN = Target("own"), Target("foreign", owner=_policy.FOREIGN)
SHARED = Target("shared", owner=_policy.FOREIGN, visibility="shared", member=True)


def made(release: int | str, rules: dict[str, Any] | None = None, **settings: Any) -> Policy:
    found = _catalogue.release("glance", release)
    known = _policy.defaults(found)
    placed = {
        name: Rule(name, check, "/etc/glance/policy.yaml", line)
        for line, (name, check) in enumerate((rules or {}).items(), 1)
    }
    return Policy(found, placed if rules is not None else None, Settings(**{**known.__dict__, **settings}))


def allowed(policy: Policy, persona: Persona, rule: str, target: Target = OWN) -> bool | None:
    return policy.decide(persona, rule, target).allowed


def test_every_rule_of_every_release_is_known_to_be_asked_with_something() -> None:
    for release in _catalogue.releases("glance"):
        how = _catalogue.enforcement(release)
        for rule in _catalogue.policies("glance", release):
            assert rule.name in how.rules, f"{release}: {rule.name}"
            _policy.handed(how.rules[rule.name][0], MEMBER, OWN)
            assert how.rules[rule.name][1] in _policy.GUARDS


@pytest.mark.parametrize(
    ("release", "role", "admin"),
    [
        ("19", None, ["admin"]),  # the default is admin, and context_is_admin needs a file to be anybody else
        ("19", " BOSS ", ["admin", "boss"]),
        ("20", None, ["admin"]),
        ("20", "boss", ["admin", "boss"]),
        ("21", "boss", ["admin", "boss"]),
        ("22", "boss", ["admin"]),
    ],
)
def test_admin_role_makes_administrators_as_long_as_a_release_reads_it(
    release: str, role: str, admin: list[str]
) -> None:
    policy = made(release, **({"admin_role": role} if role else {}))
    assert [persona.name for persona in (ADMIN, MEMBER, BOSS) if policy.is_admin(persona)] == admin


def test_admin_role_passes_glances_own_checks_and_no_rule() -> None:
    policy = made(20, admin_role="boss")
    assert allowed(policy, BOSS, "get_image", FOREIGN)
    assert allowed(policy, BOSS, "modify_image", FOREIGN)
    assert not allowed(policy, BOSS, "publicize_image", FOREIGN)
    refused = made(25, admin_role="boss").decide(BOSS, "get_image", FOREIGN)
    assert refused.allowed is False
    assert refused.by == "the image cannot be seen: it is another project's, and whoever asks is no admin"
    assert refused.place == "Glance's own code, Glance 25 (Zed)"


@pytest.mark.parametrize(("release", "answer"), [("15", False), ("20", True), ("33", False)])
def test_what_no_file_names_falls_to_the_rule_default_up_to_19_and_to_the_codes_defaults_then(
    release: str, answer: bool
) -> None:
    rules = {"default": "role:admin", "get_image": ""} if release == "15" else {"get_image": ""}
    assert allowed(made(release, rules), OLDER, "modify_image") is answer


def test_an_empty_file_is_nobody_in_15_and_no_file_nearly_everybody() -> None:
    assert not allowed(made(15, {}), MEMBER, "get_image")
    assert allowed(made(15), MEMBER, "get_image")


def test_the_older_default_counts_beside_the_new_one_until_new_defaults_are_enforced() -> None:
    assert allowed(made(25), OLDER, "modify_image")
    assert made(25).decide(OLDER, "modify_image", OWN).place == "default of Glance 25 (Zed) or the older default"
    assert not allowed(made(25, enforce_new_defaults=True), OLDER, "modify_image")
    assert not allowed(made(26), OLDER, "modify_image")
    assert allowed(made(26), MEMBER, "modify_image")
    # A file that sets the rule drops the older default with it.
    assert not allowed(made(25, {"modify_image": "role:member"}), OLDER, "modify_image")


def test_a_token_for_the_system_is_refused_where_scope_is_enforced() -> None:
    assert allowed(made(25), SYSTEM, "get_image", FOREIGN)
    refused = made(26).decide(SYSTEM, "get_image", FOREIGN)
    assert (refused.allowed, refused.by) == (False, "get_image is for tokens of scope project")


def test_credentials_that_a_release_no_longer_tells_make_a_rule_fall_silent() -> None:
    rules = {"modify_image": "tenant:%(owner)s"}
    assert allowed(made(17, rules), MEMBER, "modify_image")
    assert not allowed(made(18, rules), MEMBER, "modify_image")
    (problem,) = _policy.problems(made(18, rules))
    assert problem.id == "dead"
    assert "modify_image asks for tenant, which Glance 18 (Stein) does not tell its rules" in problem.message
    assert problem.message.endswith("Write project_id.")


def test_protected_images_are_deleted_by_nobody() -> None:
    assert made(33).decide(ADMIN, "delete_image", Target("kept", protected=True)).by == "the image is protected"


def test_who_an_image_is_shared_with_answers_and_its_owner_does_not() -> None:
    own = Target("own shared", visibility="shared")
    for release in (15, 20, 25, 33):
        assert allowed(made(release), MEMBER, "modify_member", SHARED)
        assert not allowed(made(release), MEMBER, "modify_member", own)
        assert allowed(made(release), MEMBER, "add_member", own)
        assert not allowed(made(release), MEMBER, "add_member", SHARED)


def test_the_chain_names_each_rule_that_an_answer_came_through() -> None:
    policy = made(25, {"publicize_image": "rule:trusted or role:auditor", "trusted": "role:boss"})
    assert policy.chain(BOSS, "publicize_image", OWN) == [
        "publicize_image (/etc/glance/policy.yaml:1)",
        "trusted (/etc/glance/policy.yaml:2)",
    ]


def test_what_cannot_be_decided_here_is_neither_allowed_nor_denied() -> None:
    policy = made(25, {"get_image": "role:admin or http://example.org/"})
    assert allowed(policy, ADMIN, "get_image") is True
    assert allowed(policy, MEMBER, "get_image") is None


@pytest.mark.parametrize(
    ("rules", "id_", "said"),
    [
        ({"get_image": "role:admin or"}, "syntax", "column 14"),
        ({"get_image": "rule:a", "a": "rule:b", "b": "not rule:a"}, "cycle", "a refers to b refers to a"),
        ({"get_image": "rule:metadef_defualt"}, "missing", "Did you mean metadef_default?"),
        ({"get_imagse": "@"}, "unknown", "Did you mean get_image?"),
        ({"own": "@"}, "unknown", "nothing refers to it"),
    ],
)
def test_problems_name_rule_line_and_remedy(rules: dict[str, Any], id_: str, said: str) -> None:
    found = [problem for problem in _policy.problems(made(25, rules)) if problem.id == id_]
    assert found, _policy.problems(made(25, rules))
    assert said in found[0].message
    assert found[0].message.startswith("/etc/glance/policy.yaml:")


def test_a_circle_denies_instead_of_ending_the_stack() -> None:
    policy = made(25, {"get_image": "rule:a", "a": "rule:get_image"})
    assert allowed(policy, ADMIN, "get_image") is False
    everything = made(25, {"context_is_admin": "rule:context_is_admin"})
    assert allowed(everything, ADMIN, "get_images") is False


def test_a_rule_that_a_release_has_not_is_said_with_the_nearest() -> None:
    with pytest.raises(GlanceError, match="Glance 25 .Zed. has no policy rule get_imagse. Did you mean get_image?"):
        made(25).decide(ADMIN, "get_imagse", OWN)


def test_settings_come_from_the_files_and_their_bad_values_are_named() -> None:
    def service(*lines: tuple[str, str, str]) -> dict[str, Any]:
        values = [
            {"file": "/etc/glance/glance-api.conf", "line": number, "group": group, "option": option, "raw": raw}
            for number, (group, option, raw) in enumerate(lines, 1)
        ]
        return {"prog": "glance-api", "assignments": values, "environment": {}, "oslo_config": None}

    release = _catalogue.release("glance", "20.2.0")
    found = _policy.settings(
        service(("DEFAULT", "admin_role", "Boss"), ("oslo_policy", "enforce_scope", "yes")), release
    )
    assert found == Settings(admin_role="Boss", enforce_scope=True)
    # Pike knows neither option, 33 has no enforce_scope any more.
    pike = _policy.settings(service(("oslo_policy", "enforce_scope", "true")), _catalogue.release("glance", 15))
    assert pike == Settings(admin_role="admin")
    newest = _policy.settings(service(("oslo_policy", "enforce_scope", "false")), _catalogue.release("glance", 33))
    assert newest.enforce_scope
    with pytest.raises(GlanceError, match="glance-api.conf:1: .oslo_policy. enforce_scope = perhaps is refused"):
        _policy.settings(service(("oslo_policy", "enforce_scope", "perhaps")), release)
