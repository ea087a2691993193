# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions about policy over a host whose modules are the real ones and whose files are real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.action import (
    glance_admin_role,
    glance_policy,
    glance_policy_info,
    glance_policy_test,
    glance_property_protection,
)

from .real_host import Host, Run

PIKE = """{
    "context_is_admin": "role:admin",
    "default": "role:admin",
    "get_image": "",
    "get_images": "",
    "modify_image": "",
    "publicize_image": "role:admin",
    "tasks_api_access": "role:admin"
}
"""


@pytest.fixture(name="host")
def fixture_host(real_host: Host) -> Host:
    return real_host


ALLOW = {"persona": ["auditor"], "rule": "publicize_image", "to": "allow"}
WHO = [{"name": "member", "roles": ["member", "reader"]}, {"name": "auditor", "roles": ["auditor", "member", "reader"]}]


# -- glance_policy ----------------------------------------------------------------------------------------------------


def test_check_do_check_do(run: Run, host: Host) -> None:
    host.yaml.write_text("# Ours\n'publicize_image': 'role:admin'  # for now\n")
    arguments: dict[str, Any] = {
        "rules": [{"name": "publicize_image", "check": "role:admin or role:auditor"}],
        "personas": WHO,
        "expected_changes": [ALLOW],
    }
    check = run(glance_policy, "25.1.0", check=True, **arguments)
    assert check["changed"] and "auditor" not in host.yaml.read_text()
    done = run(glance_policy, "25.1.0", **arguments)
    assert done["changed"] and done["changes"] == check["changes"] and done["diff"] == check["diff"]
    assert host.yaml.read_text() == "# Ours\n'publicize_image': 'role:admin or role:auditor'  # for now\n"
    assert {(each["persona"], each["excused"]) for each in done["changes"]} == {("auditor", "expected")}
    assert done["changes"][0]["before"]["place"] == f"{host.yaml}:2"
    assert not done["restart_required"]
    again = run(glance_policy, "25.1.0", **{**arguments, "expected_changes": []})
    assert not again["changed"] and again["changes"] == []


def test_a_decision_that_changes_undeclared_keeps_the_file_as_it_is(run: Run, host: Host) -> None:
    host.yaml.write_text("publicize_image: role:admin\n")
    before = host.snapshot()
    answer = run(glance_policy, "25.1.0", rules=[{"name": "publicize_image", "check": "role:member"}])
    assert answer["failed"] and host.snapshot() == before
    assert (
        f"member gains publicize_image on own, own protected, own shared, own public: before by publicize_image ({host.yaml}:1)"
        in answer["msg"]
    )


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (
            [{"name": "get_image", "check": "role:admin or"}],
            "rules: get_image: in the check 'role:admin or', column 14",
        ),
        ([{"name": "get_imagse", "check": "@"}], "has no rule get_imagse and nothing refers to it"),
        ([{"name": "get_image", "check": "rule:get_image"}], "get_image refers to get_image"),
        ([{"name": "get_image", "check": "rule:nowhere"}], "refers to rule nowhere, which is defined nowhere"),
        ([{"name": "a", "check": "@"}, {"name": "a", "check": "!"}], "given twice"),
    ],
)
def test_bad_rules_are_refused(run: Run, host: Host, rules: list[dict[str, Any]], said: str) -> None:
    host.yaml.write_text("publicize_image: role:admin\n")
    before = host.snapshot()
    answer = run(glance_policy, "25.1.0", rules=rules)
    assert answer["failed"] and said in answer["msg"]
    assert host.snapshot() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"get_image: role:a: b\n", "policy.yaml:1:18: this is no YAML"),
        (b"- get_image\n", "policy.yaml:1:1: this file holds a list"),
        (b"get_image: \xff\n", "policy.yaml:1: the byte 0xff is not UTF-8"),
    ],
)
def test_bad_files_are_said_with_their_place_and_stay(run: Run, host: Host, text: bytes, said: str) -> None:
    host.yaml.write_bytes(text)
    answer = run(glance_policy, "25.1.0", rules=[{"name": "get_image", "check": "@"}])
    assert answer["failed"] and said in answer["msg"]
    assert host.yaml.read_bytes() == text


def test_an_empty_file_and_none_take_rules(run: Run, host: Host) -> None:
    arguments: dict[str, Any] = {"rules": [{"name": "publicize_image", "check": "role:admin"}]}
    host.yaml.write_text("")
    assert run(glance_policy, "25.1.0", **arguments)["changed"]
    assert host.yaml.read_text() == '"publicize_image": "role:admin"\n'
    host.yaml.unlink()
    assert run(glance_policy, "25.1.0", **arguments)["path"] == str(host.yaml)
    assert host.yaml.read_text() == '"publicize_image": "role:admin"\n'


def test_a_dangling_link_is_refused(run: Run, host: Host) -> None:
    host.yaml.symlink_to(host.directory / "gone")
    answer = run(glance_policy, "25.1.0", rules=[{"name": "publicize_image", "check": "role:admin"}])
    assert answer["failed"] and "is a link to" in answer["msg"]


def test_rules_of_policy_directories_are_not_overruled_in_vain(run: Run, host: Host) -> None:
    host.yaml.write_text("get_image: '@'\n")
    overlay = host.directory / "policy.d" / "10-own.yaml"
    overlay.parent.mkdir()
    overlay.write_text("publicize_image: role:admin\n")
    answer = run(glance_policy, "25.1.0", rules=[{"name": "publicize_image", "check": "role:x"}])
    assert answer["failed"] and f"{overlay}:1: a file of a policy directory sets publicize_image" in answer["msg"]


def test_defaults_are_dropped_only_where_the_check_stays(run: Run, host: Host) -> None:
    text = (
        '"publicize_image": "role:admin"\n"modify_image": "role:admin or (role:member and project_id:%(project_id)s)"\n'
    )
    host.yaml.write_text(text)
    # In 25 the older default would come back beside the new one of modify_image.
    assert run(glance_policy, "25.1.0", check=True, drop_defaults=True)["dropped"] == ["publicize_image"]
    done = run(glance_policy, "26.1.0", drop_defaults=True)
    assert done["dropped"] == ["publicize_image", "modify_image"] and host.yaml.read_text() == ""
    assert done["restart_required"]


def test_json_becomes_yaml_with_its_option_and_its_default_made_explicit(run: Run, host: Host) -> None:
    host.json.write_text('{"get_image": "", "metadef_default": "role:admin"}')
    host.conf.write_text("[oslo_policy]\npolicy_file = policy.json\n")
    arguments: dict[str, Any] = {"format": "yaml", "explicit_default": True, "personas": WHO}
    refused = run(glance_policy, "20.2.0", **arguments)
    assert "member loses get_images on own, own protected" in refused["msg"] and host.json.exists()
    host.json.write_text('{"get_image": "", "default": "role:admin"}')
    done = run(glance_policy, "20.2.0", **arguments)
    assert done["changed"] and done["restart_required"] and done["changes"] == []
    assert host.snapshot() == {
        "glance-api.conf": "[oslo_policy]\npolicy_file = policy.yaml\n",
        "policy.yaml": '"get_image": ""\n"default": "role:admin"\n',
    }
    assert not run(glance_policy, "20.2.0", **arguments)["changed"]


# -- glance_admin_role ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["20.2.0", "21.1.0"])
def test_admin_role_becomes_a_rule_and_nobody_gains_or_loses(run: Run, host: Host, release: str) -> None:
    host.conf.write_text("[DEFAULT]\ndebug = false\nadmin_role = CloudAdmin\n")
    host.json.write_text(PIKE)
    check = run(glance_admin_role, release, check=True)
    assert check["changed"] and "CloudAdmin" in host.conf.read_text()
    done = run(glance_admin_role, release)
    assert (done["role"], done["honoured"], done["changes"]) == ("cloudadmin", True, [])
    assert done["rules"] == {"context_is_admin": "role:admin or role:cloudadmin"} == check["rules"]
    assert host.conf.read_text() == "[DEFAULT]\ndebug = false\n"
    assert json.loads(host.json.read_text())["context_is_admin"] == "role:admin or role:cloudadmin"
    gains = {each["rule"]: each["release"] for each in done["gains_later"]}
    assert "publicize_image" not in gains, "this file says role:admin itself"
    assert gains["copy_image"] == "Glance 27 (2023.2)" if release == "21.1.0" else "copy_image" not in gains
    again = run(glance_admin_role, release)
    assert not again["changed"] and again["role"] is None


def test_what_the_defaults_of_27_would_give_is_shown(run: Run, host: Host) -> None:
    host.conf.write_text("[DEFAULT]\nadmin_role = boss\n")
    done = run(glance_admin_role, "20.2.0")
    (gain,) = [each for each in done["gains_later"] if each["rule"] == "publicize_image"]
    assert gain["release"] == "Glance 27 (2023.2)"
    assert gain["chain"][-1] == f"context_is_admin ({host.json}:2)"


def test_grants_take_the_place_of_blanket_admin(run: Run, host: Host) -> None:
    host.conf.write_text("[DEFAULT]\nadmin_role = boss\n")
    host.json.write_text(PIKE)
    done = run(glance_admin_role, "20.2.0", grants=["publicize_image", "get_image"])
    assert done["rules"] == {"publicize_image": "role:admin or role:boss"}
    assert {each["persona"] for each in done["changes"]} == {"holder of boss", "member and boss"}
    assert {each["excused"] for each in done["changes"]} == {"grants"}
    gained = {(each["rule"], each["target"]) for each in done["changes"] if each["gained"]}
    assert gained == {("publicize_image", f"own{more}") for more in ("", " protected", " shared", " public")}
    assert "admin_role" not in host.conf.read_text()


def test_an_ignored_line_goes_and_what_replacing_it_would_give_is_refused(run: Run, host: Host) -> None:
    host.conf.write_text("[DEFAULT]\nadmin_role = boss\n")
    refused = run(glance_admin_role, "25.1.0")
    assert refused["failed"] and "holder of boss gains" in refused["msg"] and not host.yaml.exists()
    done = run(glance_admin_role, "25.1.0", grants=[])
    assert done["changed"] and not done["honoured"] and done["changes"] == []
    assert host.conf.read_text() == "[DEFAULT]\n" and not host.yaml.exists()


def test_up_to_19_the_default_is_admin_and_no_file_is_no_place_for_one_rule(run: Run, host: Host) -> None:
    host.json.write_text(PIKE)
    assert not run(glance_admin_role, "15.0.2")["changed"]
    host.json.unlink()
    host.conf.write_text("[DEFAULT]\nadmin_role = boss\n")
    answer = run(glance_admin_role, "15.0.2")
    assert answer["failed"] and "Put the policy.json of that release at" in answer["msg"]


def test_without_the_option_and_with_a_grant_that_is_no_rule(run: Run, host: Host) -> None:
    assert not run(glance_admin_role, "33.0.0")["changed"]
    host.conf.write_text("[DEFAULT]\nadmin_role = boss\n")
    assert (
        "has no policy rule publicise_image. Did you mean publicize_image?"
        in (run(glance_admin_role, "20.2.0", grants=["publicise_image"])["msg"])
    )


# -- glance_policy_info -----------------------------------------------------------------------------------------------


def test_decisions_come_with_their_lines_and_the_rest_as_a_matrix(run: Run, host: Host) -> None:
    host.yaml.write_text("# Ours\npublicize_image: rule:trusted\ntrusted: role:auditor\nget_imagse: '@'\n")
    found = run(glance_policy_info, "25.1.0", personas=WHO, about=["publicize_image"])
    assert not found["changed"] and found["changes"] == [] and found["administrators"] == []
    assert found["matrix"]["publicize_image"]["auditor"]["own"] is True
    assert found["matrix"]["publicize_image"]["member"]["own"] is False
    assert found["decisions"][0]["place"] == f"{host.yaml}:2"
    assert found["decisions"][-1]["chain"] == [f"publicize_image ({host.yaml}:2)", f"trusted ({host.yaml}:3)"]
    assert [each["id"] for each in found["problems"]] == ["unknown"]


def test_what_a_rule_or_a_release_would_change_is_said_and_not_done(run: Run, host: Host) -> None:
    host.yaml.write_text("publicize_image: role:admin\n")
    before = host.snapshot()
    rules = [{"name": "publicize_image", "check": "role:auditor or role:admin"}]
    found = run(
        glance_policy_info, "25.1.0", personas=WHO, rules=rules, to_release="26", accepted_changes=["26-new-defaults"]
    )
    assert host.snapshot() == before
    assert {(each["persona"], each["rule"]) for each in found["changes"] if not each["excused"]} == {
        ("auditor", "publicize_image")
    }
    assert [(each["id"], each["accepted"]) for each in found["upstream_changes"]] == [
        ("26-new-defaults", True),
        ("26-scope", False),
    ]


def test_a_file_that_the_next_release_does_not_read_is_shown_by_what_it_loses(run: Run, host: Host) -> None:
    host.json.write_text('{"publicize_image": "role:admin or role:auditor"}')
    found = run(glance_policy_info, "31.1.0", personas=WHO, to_release="32")
    changed = {(each["persona"], each["gained"]) for each in found["changes"] if each["rule"] == "publicize_image"}
    assert changed == {("auditor", False)}


# -- glance_policy_test -----------------------------------------------------------------------------------------------


def test_statements_are_held_against_a_host_and_against_local_files(run: Run, host: Host, tmp_path: Path) -> None:
    tests = tmp_path / "tests.yml"
    tests.write_text("tests: [{persona: member, action: publicize_image, expect: deny}]\n")
    assert run(glance_policy_test, "25.1.0", tests=str(tests))["passed"] == 8
    host.yaml.write_text("publicize_image: role:member\n")
    for where in ({}, {"policy_files": [str(host.yaml)]}):
        found = run(glance_policy_test, "25.1.0", tests=str(tests), **where)
        assert found["failed"] and len(found["failures"]) == 4
        assert f"member, publicize_image, own: wanted denied, allowed (publicize_image, {host.yaml}:1)" in found["msg"]
    settings = {"policy_files": [], "settings": {"admin_role": "member"}}
    tests.write_text("tests: [{persona: member, action: modify_image, target: foreign, expect: allow}]\n")
    assert run(glance_policy_test, "20.2.0", tests=str(tests), **settings)["passed"] == 1
    assert "cannot be read on the control node" in run(glance_policy_test, "25.1.0", tests="/no/such/file")["msg"]


def test_rules_that_property_protections_ask_count_like_the_others(run: Run, host: Host) -> None:
    protections = host.directory / "protections.conf"
    protections.write_text(
        "[licence]\n" + "".join(f"{name} = licensor\n" for name in ("create", "read", "update", "delete"))
    )
    host.conf.write_text(
        "[DEFAULT]\nproperty_protection_file = protections.conf\nproperty_protection_rule_format = policies\n"
    )
    host.yaml.write_text("licensor: role:admin\n")
    found = run(glance_policy_info, "25.1.0", personas=WHO)
    assert found["problems"] == [] and not found["matrix"]["licensor"]["member"]["own"]
    for check in ("@", None):
        rule = {"name": "licensor", "check": check, "state": "present" if check else "absent"}
        refused = run(glance_policy, "25.1.0", personas=WHO, rules=[rule])
        assert refused["failed"]
        said = (
            "member gains licensor on"
            if check
            else f"{protections}:1: [licence] create asks rule licensor, which is defined"
        )
        assert said in refused["msg"]
    assert host.yaml.read_text() == "licensor: role:admin\n"
    # What was wrong before is shown, and stops nothing else.
    host.yaml.write_text("get_image: role:admin\n")
    assert f"{protections}:1: [licence]" in run(glance_policy_info, "25.1.0")["problems"][0]["message"]
    rule = {"name": "get_images", "check": "rule:default"}
    assert run(glance_policy, "25.1.0", rules=[rule])["changed"]
    broken = run(glance_policy, "25.1.0", rules=[{"name": "licensor", "check": "rule:licensor"}])
    assert broken["failed"] and "licensor refers to licensor" in broken["msg"]


# -- glance_property_protection ---------------------------------------------------------------------------------------

OPEN = {name: ["@"] for name in ("create", "read", "update", "delete")}
PROTECTIONS = [
    {"pattern": "^os_glance_.*", **OPEN},
    {"pattern": "^licence_", **OPEN, "create": ["admin"], "delete": ["!"]},
    {"pattern": ".*", **OPEN},
]


def test_protections_are_written_with_their_options_and_answered(run: Run, host: Host) -> None:
    arguments: dict[str, Any] = {"protections": PROTECTIONS, "query": ["licence_key"], "personas": WHO}
    check = run(glance_property_protection, "25.1.0", check=True, **arguments)
    path = host.directory / "property-protections.conf"
    assert check["changed"] and not path.exists()
    done = run(glance_property_protection, "25.1.0", **arguments)
    assert done["changed"] and done["restart_required"] and done["path"] == str(path)
    assert "[^licence_]\ncreate = admin\nread = @\nupdate = @\ndelete = !\n" in path.read_text()
    assert host.conf.read_text() == f"[DEFAULT]\ndebug = false\nproperty_protection_file = {path}\n"
    assert done["answers"]["licence_key"] == {
        "section": "^licence_", "create": [], "read": ["member", "auditor"], "update": ["member", "auditor"], "delete": [],
    }  # fmt: skip
    assert not run(glance_property_protection, "25.1.0", **arguments)["changed"]
    asked = run(glance_property_protection, "25.1.0", query=["licence_key"], personas=WHO)
    assert asked["answers"] == done["answers"] and not asked["changed"]


def test_protections_that_would_break_glance_are_refused(run: Run, host: Host) -> None:
    before = host.snapshot()
    for protections, format_, said in (
        (PROTECTIONS[1:2], "roles", "imports break"),
        ([{**PROTECTIONS[0], "read": ["@", "!"]}], "roles", "holds both"),
        ([PROTECTIONS[0], {"pattern": "a", **OPEN, "read": ["nowhere"]}], "policies", "[a] read asks rule nowhere"),
    ):
        answer = run(glance_property_protection, "25.1.0", protections=protections, format=format_)
        assert answer["failed"] and said in answer["msg"]
    assert host.snapshot() == before
