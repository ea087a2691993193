# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property protections are read, judged and answered as Glance does it."""

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _property_protection
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_file import Rule
from ansible_collections.stackops.glance.plugins.plugin_utils._property_protection import OPERATIONS, Section

ADMIN = Persona("admin", ("Admin",))
MEMBER = Persona("member", ("member",), service_roles=("service",))
TEXT = """\
# Ours
[^os_glance_.*]
create = @
read = @
update = @
delete = @

[licence]
create = admin,billing
read = @
update = Admin
delete = !

[.*]
create = @
read = @
update = @
delete = service
"""


def policy(release: int, *asked: Section, **rules: str) -> Policy:
    placed = {name: Rule(name, check, "policy.yaml", line) for line, (name, check) in enumerate(rules.items(), 1)}
    return Policy(
        _catalogue.release("glance", release), placed, protections=_property_protection.rules(asked, "p.conf")
    )


def who(sections: list[Section], name: str, operation: str, release: int = 25, format_: str = "roles") -> list[str]:
    found = policy(release, licensor="role:admin")
    return [
        persona.name
        for persona in (ADMIN, MEMBER)
        if _property_protection.allowed(sections, format_, found, persona, name, operation)
    ]


def test_the_first_section_that_is_found_decides() -> None:
    sections = _property_protection.parse(TEXT, "p.conf", "roles")
    assert [section.line for section in sections] == [2, 8, 14]
    assert who(sections, "my_licence_key", "create") == ["admin"]  # searched for, not matched
    assert who(sections, "my_licence_key", "update") == ["admin"]  # in lower case
    assert who(sections, "my_licence_key", "delete") == []
    assert who(sections, "hw_disk_bus", "read") == ["admin", "member"]
    assert who(sections[:2], "hw_disk_bus", "read") == []  # no section, nobody
    assert who([], "hw_disk_bus", "read") == ["admin", "member"]  # no file, everybody


def test_roles_of_a_service_token_count_from_16_on() -> None:
    sections = _property_protection.parse(TEXT, "p.conf", "roles")
    assert who(sections, "x", "delete", 15) == []
    assert who(sections, "x", "delete", 16) == ["member"]


def test_rules_are_asked_as_the_policy_has_them() -> None:
    section = Section("licence", dict.fromkeys(OPERATIONS, ("licensor",)))
    assert who([section], "licence", "create", format_="policies") == ["admin"]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"licensor": "role:admin"}, None),
        ({"licensor": "rule:context_is_admin or rule:modify_image"}, None),  # as the release has them in its code
        (
            {},
            "p.conf:4: [licence] create asks rule licensor, which is defined nowhere, so rule default answers for it.",
        ),
        (
            {"licensor": "rule:boss", "boss": "rule:licensor"},
            "policy.yaml:1: licensor refers to boss refers to licensor: Glance fails on a request that asks it.",
        ),
        (
            {"licensor": "rule:owner", "owner": "rule:nobody_has_it"},
            "policy.yaml:2: owner refers to rule nobody_has_it, which is defined nowhere, so rule default answers for it.",
        ),
        ({"licensor": "role:admin or"}, "policy.yaml:1: licensor: in the check 'role:admin or', column 14"),
        # What no protection asks is nothing of theirs.
        ({"licensor": "role:admin", "get_image": "rule:get_image"}, None),
    ],
)
def test_the_rules_that_are_asked_have_to_be_there_and_lead_somewhere(rules: dict[str, str], said: str | None) -> None:
    section = Section("licence", dict.fromkeys(OPERATIONS, ("licensor",)), 4)
    found = _property_protection.problems([section], "policies", policy(33, section, **rules))
    assert bool(found) == bool(said) and (said or "") in " ".join(found)
    assert not [problem for problem in _policy.problems(policy(33, section, **rules)) if problem.id == "unknown"]


def test_the_section_of_glances_own_properties_is_missed_before_32() -> None:
    sections = _property_protection.parse(TEXT, "p.conf", "roles")
    assert not _property_protection.problems(sections, "roles", policy(25))
    (problem,) = _property_protection.problems(sections[1:], "roles", policy(25))
    assert "[.*] decides about os_glance_* properties, and imports break" in problem
    assert not _property_protection.problems(sections[1:], "roles", policy(32))
    assert who(sections[1:2], "os_glance_import_task", "create", 32) == ["admin", "member"]


def test_a_pattern_behind_one_that_matches_everything_is_said() -> None:
    sections = _property_protection.parse(TEXT, "p.conf", "roles")
    assert "[licence] is never reached" in _property_protection.problems(
        [sections[0], sections[2], sections[1]], "roles", policy(25)
    )[0]  # fmt: skip


def test_what_is_rendered_is_read_again() -> None:
    sections = _property_protection.parse(TEXT, "p.conf", "roles")
    again = _property_protection.parse(_property_protection.render(sections), "p.conf", "roles")
    assert [(each.pattern, each.permissions) for each in again] == [
        (each.pattern, each.permissions) for each in sections
    ]


def content(pattern: str = "a", **more: str) -> str:
    values = {**dict.fromkeys(OPERATIONS, "@"), **more}
    return f"[{pattern}]\n" + "".join(f"{name} = {value}\n" for name, value in values.items() if value != "-")


@pytest.mark.parametrize(
    ("text", "format_", "said"),
    [
        (content(read="-"), "roles", "p.conf:1: .a. has no read, and Glance does not start"),
        (content(read="@,!"), "roles", "read holds both '@' and '!'"),
        (content("(a"), "roles", "is no regular expression"),
        (content("[ab]"), "roles", "ends at the first ']'"),
        (content(read="one,two"), "policies", "names 2 rules, and Glance takes one"),
        (content(read="100%"), "roles", "bare '%'"),
        (content() + content(), "roles", "Glance does not start with this file"),
        ("read = @\n", "roles", "Glance does not start with this file"),
    ],
)
def test_what_keeps_glance_from_starting_is_refused(text: str, format_: str, said: str) -> None:
    with pytest.raises(GlanceError, match=said):
        _property_protection.parse(text, "p.conf", format_)


@pytest.mark.parametrize(
    ("change", "said"),
    [({"read": []}, "read is empty"), ({"read": ["a,b"]}, "has a comma"), ({"pattern": " "}, "cannot be the name")],
)
def test_protections_of_a_task_are_held_against_the_same(change: dict[str, object], said: str) -> None:
    asked = {"pattern": "a", **{name: ["@"] for name in OPERATIONS}, **change}
    with pytest.raises(GlanceError, match=said):
        _property_protection.described([asked], "roles")
    with pytest.raises(GlanceError, match="given twice"):
        _property_protection.described([{"pattern": "a", **{name: ["@"] for name in OPERATIONS}}] * 2, "roles")
