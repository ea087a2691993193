# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import stat

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _role_assignments
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_role_assignments_info

DEFAULT = {"id": "default", "name": "Default"}
OTHER = {"id": "other", "name": "Other"}


def row(role, user=None, group=None, project="lab", domain=None, inherited=False, **more):
    who = {"user": user} if user else {"group": group}
    named = {kind: {"id": f"id-{name}", "name": name, "domain": DEFAULT} for kind, name in who.items()}
    scope = {"project": {"id": f"id-{project}", "name": project, "domain": DEFAULT}} if project else {}
    scope = {"domain": domain} if domain else scope or {"system": {"all": True}}
    if inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    return {"role": {"id": f"id-{role}", "name": role}, "scope": scope, **named, **more}


@pytest.fixture(autouse=True)
def keystone(cloud):
    cloud.lists = {
        "role_assignments": [
            row("_member_", user="ada"),
            row("_member_", user="bob"),
            row("Member", user="bob", effective=True),  # by a group, which Keystone resolves when asked to
            row("_member_", user="ada", project="prod"),
            row("reader", user="cleo"),
            row("service", user="nova", project="service"),
            row("admin", user="root", project=None),
            row("_member_", group="students", effective=False),
            row("boss", group="staff", effective=False),
        ],
        "role_inferences": [{"prior_role": {"name": "boss"}, "implies": [{"name": "member"}]}],
    }


def test_users_and_groups_without_the_roles_are_listed(cloud, run):
    found = run(image_role_assignments_info)
    assert not found["changed"] and (found["users"], found["groups"]) == (3, 1)
    assert told(found) == [
        ("project", ["_member_"], 1, 1, 2, 0),
        ("project", ["service"], 1, 0, 1, 0),
        ("system", ["admin"], 1, 0, 0, 0),
    ]
    assert found["role_sets"][0]["examples"][0] == {
        "user": "ada", "user_id": "id-ada", "domain": "Default", "scope": "project", "project": "lab", "project_id": "id-lab",
        "project_domain": "Default", "roles": ["_member_"],
    }  # fmt: skip
    asked = [each for each in cloud.requests if "/role_" in each or "/projects" in each]
    assert len(asked) == 4 and found["assignments"] == 7 + 8


def told(found):
    keys = ("scope", "roles", "users", "groups", "projects", "domains")
    return [tuple(each[key] for key in keys) for each in found["role_sets"]]


def test_other_roles_may_be_enough(run):
    found = run(image_role_assignments_info, without=["_MEMBER_", "service", "reader", "boss"])
    assert [each["scope"] for each in found["role_sets"]] == ["system"]


def test_roles_for_a_domain_or_the_system_are_told_of_those_who_hold_none_in_a_project(cloud, run):
    cloud.lists["role_assignments"] = [
        row("admin", user="root", project=None),
        row("admin", user="ann", domain=OTHER),
        row("reader", user="ann", domain=DEFAULT),
        row("admin", user="bob", domain=OTHER),
        row("member", user="bob"),
        row("auditor", group="auditors", domain=OTHER, effective=False),
        # What is inherited is held in projects, and not for the domain.
        row("reader", group="staff", domain=OTHER, inherited=True, effective=False),
        row("auditor", group="staff", domain=OTHER, effective=False),
    ]
    found = run(image_role_assignments_info)
    assert told(found) == [
        ("domain", ["admin"], 1, 0, 0, 1),
        ("domain", ["reader"], 1, 0, 0, 1),
        ("domain", ["auditor"], 0, 1, 0, 1),
        ("system", ["admin"], 1, 0, 0, 0),
    ]
    assert (found["users"], found["groups"]) == (2, 1)
    assert found["role_sets"][2]["examples"] == [
        {"group": "auditors", "group_id": "id-auditors", "domain": "Default", "scope": "domain", "scope_domain": "Other",
         "scope_domain_id": "other", "roles": ["auditor"]}
    ]  # fmt: skip


def test_what_groups_inherit_counts_in_their_projects(cloud, run):
    cloud.lists["role_assignments"] = [
        row("_member_", group="students", effective=False),
        row("reader", group="students", domain=DEFAULT, inherited=True, effective=False),
        row("_member_", group="guests", domain=OTHER, inherited=True, effective=False),
        row("_member_", group="team", project="part", effective=False),
        row("boss", group="team", project="whole", inherited=True, effective=False),
        row("_member_", group="team", project="whole", effective=False),
    ]
    cloud.lists["projects"] = [
        {"id": "id-part", "parent_id": "id-middle", "domain_id": "default"},
        {"id": "id-middle", "parent_id": "id-whole", "domain_id": "default"},
        {"id": "id-whole", "parent_id": "default", "domain_id": "default"},
    ]
    found = run(image_role_assignments_info)
    # A project does not inherit from itself, so the team has nothing else in the whole.
    assert told(found) == [("project", ["_member_"], 0, 2, 1, 0)]
    assert [each.get("project") or each["inherited_from"] for each in found["role_sets"][0]["examples"]] == [
        "Other",
        "whole",
    ]
    assert len([each for each in cloud.requests if "/projects" in each]) == 1


def test_all_of_them_go_to_a_file(run, tmp_path):
    path = tmp_path / "people.jsonl"
    found = run(image_role_assignments_info, file=str(path), examples=1)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 5 and {each.get("user") or each["group"] for each in rows} == {
        "ada",
        "nova",
        "students",
        "root",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [len(each["examples"]) for each in found["role_sets"]] == [1, 1, 1]


def test_a_keystone_that_refuses_says_so(cloud, run):
    cloud.faults["GET /identity/v3/role_assignments"] = 403
    found = run(image_role_assignments_info)
    assert found["failed"] and "answered 403" in found["msg"]


def test_a_list_is_read_as_it_comes():
    data = json.dumps(
        {"links": {"next": None}, "role_assignments": [{"n": "ä]"}, {"n": 2}]}, ensure_ascii=False
    ).encode()
    pieces = [data[start : start + 1] for start in range(len(data))]
    assert list(_role_assignments.elements(pieces, "role_assignments", "x")) == [{"n": "ä]"}, {"n": 2}]
    with pytest.raises(GlanceError, match="no whole list"):
        list(_role_assignments.elements(pieces[:-2], "role_assignments", "x"))
    with pytest.raises(GlanceError, match="no whole list"):
        list(_role_assignments.elements([b"<html>"], "role_assignments", "x"))


def test_implied_roles_are_followed():
    brings = {"admin": {"member"}, "member": {"reader"}, "reader": {"admin"}}
    assert _role_assignments.with_implied(frozenset({"admin"}), brings) == {"admin", "member", "reader"}
