# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A change of policy over a fleet out of words, and the transaction that its plan makes, over real files."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from ansible_collections.stackops.glance.plugins.module_utils import _files, _transaction
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _config_check,
    _plan,
    _policy_plan,
    _policy_rules,
    _takeover,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_plan import PolicyWishes

from .config_checks import CONF, PIPELINES, POLICY, surveyed

CONTROLLER = _takeover.Controller("control", "boot", 1, "7", "ops")
PIKE = '{\n    "context_is_admin": "role:admin",\n    "default": "role:admin",\n    "get_image": "",\n    "get_images": ""\n}\n'
SAFE = '"get_image": "rule:default"\n"publicize_image": "role:admin"\n'


@pytest.fixture(autouse=True)
def nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a configuration check finds has tests of its own."""
    monkeypatch.setattr(_config_check, "check", lambda service, release, host: [])


def host(version: str, policy: dict[str, str] | None = None, text: str = "", **more: Any) -> dict[str, Any]:
    conf = f"[DEFAULT]\n{text}"
    service = surveyed(conf, policy=policy, command="glance-api", release={"version": version}, **more)
    service["units"][0]["name"] = "glance-api"
    service["files"] = [{"path": CONF, "sha256": _files.sha256(conf.encode())}]
    return {"hostname": "h", "time": 1.0, "lock": None, "runs": [], "unfinished": None,
            "services": {"glance-api": service}}  # fmt: skip


def plan(
    people: dict[str, Any] | None = None, fleet: dict[str, dict[str, Any]] | None = None, **asked: Any
) -> _plan.Plan:
    fleet = fleet or {"g1": host("25.1.0", {"yaml": SAFE})}
    wishes = PolicyWishes(**asked)
    wishes.check()
    return _policy_plan.make(_plan.Fleet(list(fleet), [], [], fleet), _plan.Wishes(), wishes, people or {}, CONTROLLER)


def ids(made: _plan.Plan) -> list[tuple[str, str]]:
    return [(found.id, found.severity) for found in made.findings]


PUBLISHER = {"name": "publicize_image", "check": "role:admin or role:publisher", "state": "present"}
LETS_PUBLISH = {"persona": "holder of publisher", "rule": "publicize_image", "to": "allow"}


# -- the change -------------------------------------------------------------------------------------------------------


def test_an_undeclared_change_is_a_blocker_with_persona_rule_and_line() -> None:
    made = plan(rules=[PUBLISHER])
    assert made.verdict == "blocked" and set(ids(made)) == {("policy_decision_changes", "blocker")}
    found = made.findings[0]
    assert "publisher would gain publicize_image on own" in found.message
    assert (found.host, found.file, found.line) == ("g1", f"{POLICY}.yaml", 2)


def names(made: _plan.Plan) -> list[str]:
    return [each["name"] for each in made.policy[0]["personas"]]


def declared() -> dict[str, Any]:
    publishers = [name for name in names(plan(rules=[PUBLISHER])) if "publisher" in name]
    return {"rules": [PUBLISHER], "expected_changes": [{**LETS_PUBLISH, "persona": publishers}]}


def test_a_declared_change_is_a_step_of_new_text() -> None:
    made = plan(**declared())
    assert made.verdict == "ready" and [step["name"] for step in made.steps] == ["policy"]
    part = made.local["policy"]["g1"]
    assert part["files"] == [
        {
            "path": f"{POLICY}.yaml",
            "before": _files.sha256(SAFE.encode()),
            "content": SAFE.replace('"role:admin"\n', '"role:admin or role:publisher"\n'),
            "like": CONF,
        }
    ]
    # A check that changes is read by itself; the drain is for what restarts.
    assert (part["restart"], part["restart_back"], part["drain"]) == ([], [], None)


def test_a_new_rule_needs_a_restart_on_the_way_back_alone() -> None:
    rule = {"name": "get_images", "check": "rule:default", "state": "present"}
    made = plan(rules=[rule], fleet={"g1": host("25.1.0", {"yaml": SAFE})}, expected_changes=[])
    part = made.local["policy"]["g1"]
    assert (part["restart"], part["restart_back"]) == ([], ["glance-api"])


def test_a_rule_that_goes_needs_a_restart() -> None:
    made = plan(rules=[{"name": "publicize_image", "check": None, "state": "absent"}])
    part = made.local["policy"]["g1"]
    assert (part["restart"], part["restart_back"]) == (["glance-api"], [])


def contained(policy: dict[str, str]) -> dict[str, dict[str, Any]]:
    """A host whose Glance runs in a container."""
    found = host("25.1.0", policy)
    found["services"]["glance-api"]["units"][0]["container"] = "id"
    return {"g1": found}


def test_a_container_takes_a_changed_policy_when_it_is_started() -> None:
    made = plan(**declared(), fleet=contained({"yaml": SAFE}))
    part = made.local["policy"]["g1"]
    assert (part["restart"], part["restart_back"]) == (["glance-api"], [])


def test_a_container_takes_no_file_that_its_tool_does_not_name() -> None:
    made = plan(format="yaml", fleet=contained({"json": PIKE}))
    [found] = [each for each in made.findings if each.id == "policy_cannot_be_changed"]
    assert found.severity == "blocker" and "Kolla: /etc/kolla/config/glance/" in found.message
    assert made.local == {}


def test_nothing_asked_for_is_a_look() -> None:
    made = plan()
    assert made.verdict == "nothing_to_do" and made.findings == []
    heat = made.policy[0]
    assert heat["hosts"] == ["g1"] and heat["changes"] == [] and heat["undeclared"] == 0
    rule = next(each for each in heat["rules"] if each["name"] == "publicize_image")
    admin = names(made).index("admin")
    assert rule["before"] == rule["after"] and rule["before"][admin].startswith("++++")


def test_a_change_that_was_made_leaves_nothing_to_do() -> None:
    asked = declared()
    text = plan(**asked).local["policy"]["g1"]["files"][0]["content"]
    again = plan(fleet={"g1": host("25.1.0", {"yaml": text})}, **asked)
    assert again.verdict == "nothing_to_do" and ids(again) == [("policy_expectation_idle", "note")]


# -- admin_role and the format ----------------------------------------------------------------------------------------


def test_admin_role_goes_and_rules_take_its_place() -> None:
    fleet = {"g1": host("20.2.0", {"json": PIKE}, "admin_role = CloudAdmin\n")}
    made = plan(fleet=fleet, admin_role="replaced")
    assert made.verdict == "ready" and {id_ for id_, _severity in ids(made)} <= {"policy_gains_later"}
    part = made.local["policy"]["g1"]
    assert [each["path"] for each in part["files"]] == [f"{POLICY}.json", CONF]
    assert '"context_is_admin": "role:admin or role:cloudadmin"' in part["files"][0]["content"]
    assert part["files"][1]["options"] == [{"section": "DEFAULT", "option": "admin_role", "state": "absent"}]
    assert part["restart"] == ["glance-api"]
    assert made.policy[0]["undeclared"] == 0 and made.policy[0]["changes"] == []


def test_grants_excuse_what_the_role_loses() -> None:
    fleet = {"g1": host("20.2.0", {"json": PIKE}, "admin_role = cloudadmin\n")}
    made = plan(fleet=fleet, admin_role="replaced", grants=["publicize_image"])
    assert made.verdict == "ready", [found.message for found in made.findings]
    assert {each["excused"] for each in made.policy[0]["changes"]} == {"grants"}


def test_json_becomes_yaml_through_the_transaction(tmp_path: Any) -> None:
    made = plan(fleet={"g1": host("20.2.0", {"json": PIKE})}, format="yaml")
    files = made.local["policy"]["g1"]["files"]
    assert [each["path"] for each in files] == [f"{POLICY}.yaml", CONF, f"{POLICY}.json"]
    assert files[0]["before"] == "" and files[2]["content"] is None
    assert files[1]["options"] == [{"section": "oslo_policy", "option": "policy_file", "value": "policy.yaml"}]
    # The texts as the host knows them lead to those of the plan.
    (tmp_path / "policy.json").write_text(PIKE)
    (tmp_path / "glance-api.conf").write_text("[DEFAULT]\n")
    here = [{**each, "path": each["path"].replace("/etc/glance", str(tmp_path))} for each in files]
    _before, after = _transaction.plan_files([{"files": here}])
    assert after[str(tmp_path / "policy.json")] is None
    assert b"policy_file = policy.yaml" in (after[str(tmp_path / "glance-api.conf")] or b"")


def test_the_first_rules_become_yaml_at_once() -> None:
    made = plan(fleet={"g1": host("20.2.0")}, format="yaml", **declared())
    assert made.verdict == "ready", [found.message for found in made.findings]
    files = made.local["policy"]["g1"]["files"]
    assert [(each["path"], each["before"]) for each in files if "content" in each] == [(f"{POLICY}.yaml", "")]
    assert [each["path"] for each in files if "options" in each] == [CONF]


# -- a release to come ------------------------------------------------------------------------------------------------


def test_upstreams_changes_are_accepted_by_name() -> None:
    rule = {"name": "get_images", "check": "rule:default", "state": "present"}
    asked: dict[str, Any] = {"rules": [rule], "to_release": "26"}
    blocked = {found.id for found in plan(**asked).findings if found.severity == "blocker"}
    assert "policy_upstream_changes" in blocked
    left = plan(**asked, accepted_changes=["26-new-defaults", "26-scope"])
    assert "policy_upstream_changes" not in {found.id for found in left.findings}
    stage = left.policy[-1]
    assert (stage["release_before"], stage["release_after"]) == ("Glance 25.1.0 (Zed)", "Glance 26 (2023.1)")
    assert [(each["id"], each["accepted"]) for each in stage["upstream"]] == [
        ("26-new-defaults", True),
        ("26-scope", True),
    ]


def test_preflight_warns_of_a_release_to_come() -> None:
    made = plan(to_release="26")
    assert ids(made)[0] == ("policy_changes_at_release", "warning") and made.verdict == "nothing_to_do"


def kept(*names: str, version: str, to: str, policy: dict[str, str] | None = None, **more: Any) -> _plan.Plan:
    return plan(fleet={"g1": host(version, policy)}, to_release=to, kept_changes=list(names), **more)


def written(made: _plan.Plan) -> dict[str, Any]:
    """What each file of the step gets: options, or rules."""
    assert made.verdict == "ready", [found.message for found in made.findings]
    files = made.local["policy"]["g1"]["files"]
    return {
        each["path"].rpartition("/")[2]: {o["option"]: o["value"] for o in each["options"]}
        if "options" in each
        else yaml.safe_load(each["content"])
        for each in files
    }


def test_switches_that_a_release_changes_are_kept_as_they_are_today() -> None:
    made = kept("26-new-defaults", "26-scope", version="25.1.0", to="32", accepted_changes=["30-service-roles"])
    switches = {"enforce_new_defaults": "false", "enforce_scope": "false"}
    assert written(made) == {"glance-api.conf": switches}
    now, then = made.policy
    assert (now["release_after"], now["changes"]) == ("Glance 25.1.0 (Zed)", [])
    assert {each["upstream"] for each in then["changes"]} == {"30-service-roles"} and then["undeclared"] == 0
    assert made.local["policy"]["g1"]["restart"] == ["glance-api"]
    conf = "".join(["[oslo_policy]\n", *(f"{name} = {value}\n" for name, value in switches.items())])
    again = plan(fleet={"g1": host("25.1.0", text=conf)}, to_release="26", kept_changes=["26-new-defaults", "26-scope"])
    assert again.verdict == "nothing_to_do" and again.findings == []


def test_a_switch_that_the_release_to_come_does_not_have_cannot_be_kept() -> None:
    made = kept("26-scope", version="25.1.0", to="33", accepted_changes=["26-new-defaults"])
    assert ids(made) == [("policy_cannot_be_changed", "blocker")]
    assert "26-scope cannot be kept: Glance 33 (2026.2) has no [oslo_policy] enforce_scope." in made.findings[0].message


def test_with_new_defaults_kept_and_scope_accepted_what_would_be_gained_is_refused() -> None:
    made = kept("26-new-defaults", version="25.1.0", to="26", accepted_changes=["26-scope"])
    assert made.verdict == "blocked" and "would gain add_image on foreign" in made.findings[0].message


def test_switches_that_have_to_be_equal_are_said_and_made_so() -> None:
    text = "[oslo_policy]\nenforce_new_defaults = true\n"
    looked = plan(fleet={"g1": host("21.0.0", text=text)}, to_release="23")
    found = next(found for found in looked.findings if found.id == "policy_switches_differ")
    assert found.severity == "warning" and "enforce_new_defaults is true" in found.message
    made = plan(fleet={"g1": host("21.0.0", text=text)}, to_release="23", kept_changes=["22-secure-rbac"])
    (change,) = made.local["policy"]["g1"]["files"]
    assert change["options"] == [{"section": "DEFAULT", "option": "enforce_secure_rbac", "value": "true"}]
    assert "policy_switches_differ" not in {each.id for each in made.findings}
    # Downwards the older release asks for the same.
    back = plan(
        fleet={"g1": host("26.0.0")}, to_release="25", kept_changes=["26-new-defaults"], accepted_changes=["26-scope"]
    )
    (change,) = back.local["policy"]["g1"]["files"]
    assert {each["option"]: each["value"] for each in change["options"]} == {
        "enforce_new_defaults": "true",
        "enforce_secure_rbac": "true",
    }


def test_metadef_deletes_go_on_where_the_file_says_default() -> None:
    asked: dict[str, Any] = {"version": "15.0.2", "to": "20.2.0", "policy": {"json": PIKE}}
    blocked = kept(**asked, explicit_default=True)
    (found,) = [each for each in blocked.findings if each.severity == "blocker"]
    assert found.id == "policy_upstream_changes" and "20-metadef-deletes changes" in found.message
    assert "of delete_metadef_namespace, " in found.message and "glance_policy_kept_changes" in found.remedy
    rules = written(kept("20-metadef-deletes", **asked))["policy.json"]
    assert {name: check for name, check in rules.items() if name not in json.loads(PIKE)} == dict.fromkeys(
        sorted(HOPS[0][2]["deny"]), "@"
    )


def test_metadef_writes_are_kept_by_rules_that_decide_alike_before_and_after() -> None:
    made = kept("22-metadef-writes", version="20.2.0", to="25.1", accepted_changes=["21-copy-image"])
    rules = written(made)["policy.json"]
    assert len(rules) == 16 and not any("copy" in name for name in rules)
    assert rules["add_metadef_namespace"] == "rule:default"
    # From 23 on the rule has to ask whose the namespace is, of which the rules of 20 are told nothing.
    owners = "rule:default and (rule:context_is_admin or project_id:%(project_id)s or not 'public':%(visibility)s)"
    assert rules["modify_metadef_namespace"] == rules["delete_metadef_namespace"] == owners
    assert [stage["undeclared"] for stage in made.policy] == [0, 0]
    assert {each["upstream"] for each in made.policy[1]["changes"]} == {"21-copy-image"}
    later = {"to_release": "25.1", "accepted_changes": ["21-copy-image"], "kept_changes": ["22-metadef-writes"]}
    fleet = {"g1": host("20.2.0", {"json": json.dumps(rules)})}
    assert plan(fleet=fleet, **later).verdict == "nothing_to_do"
    # Where a rule says the same as the release today, it is there for the one to come.
    assert plan(fleet=fleet, drop_defaults=True, **later).verdict == "nothing_to_do"


def test_without_a_policy_file_a_release_that_has_no_rules_in_its_code_gets_no_first_one() -> None:
    made = kept("20-metadef-deletes", version="15.0.2", to="20.2.0")
    assert "glance-api.conf" not in str(made.local) and "policy.json" not in str(made.local)
    renamed = plan(fleet={"g1": host("19.0.0", text="admin_role = boss\n")}, admin_role="replaced")
    assert "Put the policy.json of that release at" in renamed.findings[0].message


def test_people_who_lose_everything_are_named() -> None:
    ada = {"user": "ada", "domain": "Default", "scope": "project", "project": "lab"}
    staff = {"group": "staff", "domain": "Default", "scope": "project", "inherited_from": "Default"}
    root = {"user": "root", "domain": "Default", "scope": "system"}
    boss = {"user": "boss", "domain": "Default", "scope": "domain", "scope_domain": "Other"}
    held = {"users": 3, "groups": 1, "projects": 2, "domains": 0, "scope": "project"}
    people = {
        "role_sets": [
            {**held, "roles": ["_member_"], "examples": [ada, staff]},
            {**held, "roles": ["member", "reader"], "users": 9, "examples": [ada]},
            {**held, "roles": ["admin"], "scope": "system", "users": 4, "projects": 0, "examples": [root]},
            {**held, "roles": ["reader"], "scope": "domain", "users": 5, "domains": 1, "examples": [boss]},
        ]
    }
    made = plan(people, {"g1": host("25.1.0")}, to_release="26")
    found = [each for each in made.findings if each.id == "roles_lose_everything"]
    assert [each.message.partition(", and can do")[0] for each in found] == [
        "3 users and 1 groups in 2 projects hold only _member_ there",
        "4 users and 1 groups hold admin for the system and no role in a project",
        "5 users and 1 groups hold reader for a domain and no role in a project",
    ]
    assert "(such as ada in lab, staff in what is below Default)" in found[0].message
    assert "root on the system" in found[1].message and "boss on the domain Other" in found[2].message
    # Where the scope of tokens is not enforced, they lose nothing.
    unscoped = plan(people, {"g1": host("25.1.0", text="[oslo_policy]\nenforce_scope = false\n")}, to_release="26")
    assert len([each for each in unscoped.findings if each.id == "roles_lose_everything"]) == 1
    kept = {"g1": host("25.1.0", {"yaml": '"get_image": "role:_member_"\n'})}
    told = plan({"msg": "refused"}, {"g1": host("25.1.0"), "g2": host("25.0.0")}, to_release="26")
    assert ids(told).count(("role_assignments_unreadable", "warning")) == 1
    told = plan(people, kept, to_release="26")
    assert "in 2 projects" not in str([each.message for each in told.findings if each.id == "roles_lose_everything"])


# -- a fleet ----------------------------------------------------------------------------------------------------------


def test_hosts_that_decide_alike_are_judged_once_and_others_are_a_finding() -> None:
    safe, other = {"yaml": SAFE}, {"yaml": SAFE.replace("role:admin", "role:boss")}
    fleet = {"g1": host("25.1.0", safe), "g2": host("25.1.0", safe), "g3": host("25.1.0", other)}
    made = plan(fleet=fleet)
    assert [each["hosts"] for each in made.policy] == [["g1", "g2"], ["g3"]]
    found = made.findings[0]
    assert (found.id, found.severity, found.host) == ("policy_differs", "warning", "g3")
    assert (found.file, found.line) == (f"{POLICY}.yaml", 2)
    assert "g1, g2" in found.message and "publicize_image" in found.message


def test_files_that_differ_in_their_comments_decide_alike() -> None:
    fleet = {"g1": host("25.1.0", {"yaml": SAFE}), "g2": host("25.1.0", {"yaml": SAFE + "# mine\n"})}
    assert plan(fleet=fleet).findings == []


def test_what_cannot_be_decided_stops_a_change_and_warns_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise GlanceError("oslo.policy is not installed.")

    monkeypatch.setattr(_policy_rules, "require_oslo_policy", missing)
    assert ids(plan()) == [("policy_not_decided", "warning")]
    assert ids(plan(explicit_default=True)) == [("policy_cannot_be_changed", "blocker")]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"rules": [{"name": "a", "check": "role:", "state": "present"}]}, "names no role"),
        ({"rules": [PUBLISHER, PUBLISHER]}, "given twice"),
        ({"to_release": "nonsense"}, "nonsense"),
        ({"to_release": "26", "accepted_changes": ["26-all"]}, "26-all is no upstream change"),
        ({"accepted_changes": ["26-scope"]}, "Name the release"),
        ({"kept_changes": ["26-scope"]}, "glance_policy_kept_changes names .* Name the release"),
        ({"to_release": "26", "kept_changes": ["26-all"]}, "26-all is no upstream change"),
        ({"to_release": "26", "kept_changes": ["26-scope"], "accepted_changes": ["26-scope"]}, "Either it happens"),
        ({"expected_changes": [{"rule": "x"}]}, "cannot be used"),
        ({"admin_role": "keep", "grants": ["x"], "explicit_default": True}, "glance_policy_admin_role"),
        ({"explicit_default": True, "targets": [{"name": "a", "visibility": "seen"}]}, "visibility"),
    ],
)
def test_bad_wishes_are_refused_before_anything_is_looked_at(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(GlanceError, match=message):
        PolicyWishes(**asked).check()


def test_many_undeclared_changes_are_cut_and_the_rest_is_named() -> None:
    rules = [
        {"name": "default", "check": "!", "state": "present"},
        {"name": "get_images", "check": "@", "state": "present"},
    ]
    everything = [
        {"name": each, "check": "!", "state": "present"}
        for each in (
            "add_image",
            "delete_image",
            "get_image",
            "modify_image",
            "download_image",
            "upload_image",
            "add_member",
        )
    ]
    made = plan(rules=[*rules, *everything], fleet={"g1": host("25.1.0", {"yaml": SAFE}, "", paste=PIPELINES)})
    assert 5 < len(made.findings) <= _policy_plan.SHOWN + 1


# -- years of upgrades ------------------------------------------------------------------------------------------------

OPERATORS = {
    "publicize_image": "role:admin or role:image_publisher",
    "add_member": "role:admin or role:sharer",
    "get_image_location": "role:admin",
    "set_image_location": "role:admin",
    "delete_image_location": "role:admin",
}
DELETES = ["namespace", "object", "tag", "tags"]
#: From Pike to 20 deletes get rules, which the file leaves to its default; from 22 on modify_* no longer asks whose it is;
#: from 26 on rules alone decide whose images are created and who answers for members.
HOPS: list[tuple[str, str, dict[str, Any]]] = [
    ("15.0.2", "20.2.0", {"rules": [], "explicit_default": True, "deny": [
        *(f"delete_metadef_{each}" for each in DELETES),
        "remove_metadef_property", "remove_metadef_resource_type_association"]}),
    ("20.2.0", "25.1.0", {"rules": [
        {"name": f"modify_metadef_{each}", "check": "role:admin"} for each in ("namespace", "object", "property", "tag")],
        "deny": [f"modify_metadef_{each}" for each in ("namespace", "object", "property", "tag")],
        "format": "yaml", "accepted_changes": ["21-copy-image", "22-metadef-writes"]}),
    ("25.1.0", "33.0.0", {"rules": [
        {"name": "add_image", "check": "role:admin or project_id:%(project_id)s"},
        {"name": "delete_member", "check": "role:admin or project_id:%(project_id)s"},
        {"name": "add_member", "check": "role:admin or (role:sharer and project_id:%(project_id)s)"},
        {"name": "modify_member", "check": "role:admin or project_id:%(member_id)s"}],
        "deny": [], "accepted_changes": ["26-new-defaults", "26-scope", "30-service-roles"]}),
]  # fmt: skip


def test_a_policy_of_pike_goes_to_yaml_through_20_25_and_33_without_an_undeclared_change() -> None:
    shipped = _catalogue.policies("glance", _catalogue.release("glance", "15.0.2"))
    text = json.dumps({**{rule.name: rule.check_str for rule in shipped}, **OPERATORS}, indent=4)
    files = {"json": text}
    for now, then, asked in HOPS:
        asked = dict(asked)
        rules = [{**rule, "state": "present"} for rule in asked.pop("rules")]
        denied = asked.pop("deny")
        fleet = {"g1": host(now, files), "g2": host(now, files)}
        people = [name for name in names(plan(fleet=fleet)) if "admin" not in name.split()]
        expected = [{"persona": people, "rule": denied, "to": "deny"}] if denied else []
        made = plan(fleet=fleet, rules=rules, to_release=then, expected_changes=expected, **asked)
        assert made.verdict != "blocked", [found.message for found in made.findings if found.severity == "blocker"]
        assert [stage["undeclared"] for stage in made.policy] == [0] * len(made.policy)
        for change in made.local.get("policy", {}).get("g1", {"files": []})["files"]:
            if "content" in change and change["content"] is not None:
                files = {change["path"].rpartition(".")[2]: change["content"]}
    assert list(files) == ["yaml"] and '"publicize_image": "role:admin or role:image_publisher"' in files["yaml"]
