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


def row(role, user=None, group=None, project="lab", **more):
    who = {"user": user} if user else {"group": group}
    named = {kind: {"id": f"id-{name}", "name": name, "domain": DEFAULT} for kind, name in who.items()}
    scope = (
        {"project": {"id": f"id-{project}", "name": project, "domain": DEFAULT}}
        if project
        else {"system": {"all": True}}
    )
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
    assert not found["changed"] and (found["users"], found["groups"]) == (2, 1)
    assert [(each["roles"], each["users"], each["groups"], each["projects"]) for each in found["role_sets"]] == [
        (["_member_"], 1, 1, 2),
        (["service"], 1, 0, 1),
    ]
    assert found["role_sets"][0]["examples"][0] == {
        "user": "ada", "user_id": "id-ada", "domain": "Default", "project": "lab", "project_id": "id-lab",
        "project_domain": "Default", "roles": ["_member_"],
    }  # fmt: skip
    asked = [each for each in cloud.requests if "role_" in each]
    assert len(asked) == 3 and found["assignments"] == 7 + 8


def test_other_roles_may_be_enough(run):
    found = run(image_role_assignments_info, without=["_MEMBER_", "service", "reader", "boss"])
    assert found["role_sets"] == []


def test_all_of_them_go_to_a_file(run, tmp_path):
    path = tmp_path / "people.jsonl"
    found = run(image_role_assignments_info, file=str(path), examples=1)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 4 and {each.get("user") or each["group"] for each in rows} == {"ada", "nova", "students"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [len(each["examples"]) for each in found["role_sets"]] == [1, 1]


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
