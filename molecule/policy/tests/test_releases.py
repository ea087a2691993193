# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""admin_role on Glance 20.2.0, which honours it, and on 25.1, which ignores it; and what their next releases would change.

The cases build on each other. What a holder of the role may do is asked of the running API with throw-away projects, users and
images; what a release to come decides, of that release's own Glance.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lablib import trial

sys.path.insert(0, str(trial.REPOSITORY / "tests" / "policy"))

import differential  # noqa: E402  (the path comes first)
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy  # noqa: E402

USSURI, ZED = "glance20", "glance25"
POLICY = "/etc/glance/policy.json"
OWN = '{\n    "publicize_image": "role:admin",\n    "deactivate": "role:admin or role:image_police"\n}\n'
ROLE = "image_manager"
MANAGER = {"name": "manager", "roles": [ROLE, "member", "reader"]}
MEMBER = {"name": "member", "roles": ["member", "reader"]}
FOREIGN = {"name": "foreign", "owner": "foreign-project"}
PUBLISHES = {"name": "publicize_image", "check": f"role:admin or role:{ROLE}"}


@pytest.fixture(scope="module", autouse=True)
def hosts() -> Iterator[None]:
    with trial.joined(USSURI, ZED):
        for host in (USSURI, ZED):
            # As its holders' tokens say it, and as an operator may have written it.
            trial.sh(host, f"sed -i '0,/^\\[DEFAULT\\]/s//[DEFAULT]\\nadmin_role = Image_Manager/' {trial.GLANCE_CONF}")
        trial.sh(USSURI, f"cat >{POLICY} <<'EOF'\n{OWN}EOF\nchgrp glance {POLICY}")
        for host in (USSURI, ZED):
            restarted(host)
        yield


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Groups of their own for the Glances that the playbooks shall work on."""
    path = tmp_path_factory.mktemp("inventory") / "releases.json"
    groups = {f"only_{host}": {"hosts": {host: {}}} for host in (USSURI, ZED)}
    path.write_text(json.dumps({"all": {"children": groups}}), encoding="utf-8")
    return path


def restarted(host: str) -> None:
    trial.sh(host, "systemctl restart glance-api")
    trial.wait_for(lambda: trial.answers(host, "/v2/images?limit=1") == 200)


def files(host: str) -> dict[str, str]:
    """What is below /etc, by content, mode and owner."""
    return {name: facts for name, facts in trial.look(host).items() if name.startswith(f"{host}:/etc/")}


def on(host: str, name: str, **arguments: Any) -> dict[str, Any]:
    return trial.result(trial.module(host, name, {"personas": [MANAGER, MEMBER], **arguments}))


def policy(inventory: Path, host: str = USSURI, **wishes: Any) -> trial.Run:
    asked = {f"glance_policy_{name}": value for name, value in wishes.items()}
    return trial.playbook("policy", "-i", str(inventory), "-e", json.dumps(asked), glance_group=f"only_{host}")


def rolled_back(inventory: Path, host: str) -> None:
    trial.roll_back("-i", str(inventory), glance_group=f"only_{host}").succeeds()


def live() -> dict[tuple[str, str, str], bool]:
    """What the running API lets a holder of the role do, and a plain member."""
    found = trial.local_module(
        "image_policy_test",
        {
            "cloud": "lab",
            "glance_release": "20.2.0",
            "endpoint": f"http://{trial.BY_NAME[USSURI].address}:9292",
            "personas": [MANAGER, MEMBER],
            "targets": [{"name": "own"}, FOREIGN],
            "rules": ["get_image", "modify_image", "publicize_image"],
            "missing_roles": "create",
        },
    )
    assert not found["failed"], found["msg"]
    assert found["leftovers"] == []
    return {(each["persona"], each["rule"], each["target"]): each["allowed"] for each in found["answers"]}


# -- 20.2.0 -------------------------------------------------------------------------------------------------------


def test_an_undeclared_change_is_refused_and_a_declared_one_goes_through() -> None:
    before = files(USSURI)
    refused = on(USSURI, "glance_policy", rules=[PUBLISHES])
    assert refused["failed"] and "manager gains publicize_image on own" in refused["msg"]
    assert f"before by publicize_image ({POLICY}:2), after by publicize_image ({POLICY}:2)" in refused["msg"]
    assert trial.differences(before, files(USSURI)) == []
    declared = [{"persona": "manager", "rule": "publicize_image", "to": "allow"}]
    with trial.changed(USSURI, POLICY, ":"):
        done = on(USSURI, "glance_policy", rules=[PUBLISHES], expected_changes=declared)
        assert done["changed"] and {each["excused"] for each in done["changes"]} == {"expected"}
        assert trial.sh(USSURI, f"cat {POLICY}") == OWN.replace('"role:admin"', f'"{PUBLISHES["check"]}"')
        assert not on(USSURI, "glance_policy", rules=[PUBLISHES])["changed"]
    assert trial.differences(before, files(USSURI)) == []


def test_admin_role_is_replaced_in_one_transaction_and_back_and_nobody_gains_or_loses(inventory: Path) -> None:
    before, answers = files(USSURI), live()
    assert answers["manager", "get_image", "foreign"] and answers["manager", "modify_image", "foreign"]
    assert not answers["manager", "publicize_image", "own"]
    assert not answers["member", "get_image", "foreign"]

    shown = trial.module(USSURI, "glance_admin_role", {"personas": [MANAGER, MEMBER]}, "--check", "--diff").succeeds()
    shown.says("-admin_role = Image_Manager", f"role:admin or role:{ROLE}")
    assert trial.differences(before, files(USSURI)) == []

    policy(inventory, personas=[MANAGER, MEMBER], admin_role="replaced").succeeds().says("done.")
    rules = json.loads(trial.sh(USSURI, f"cat {POLICY}"))
    assert rules == {**json.loads(OWN), "context_is_admin": f"role:admin or role:{ROLE}"}
    assert "Image_Manager" not in trial.sh(USSURI, f"cat {trial.GLANCE_CONF}")
    assert live() == answers

    assert not on(USSURI, "glance_admin_role")["changed"]

    rolled_back(inventory, USSURI)
    assert trial.differences(before, files(USSURI)) == []


def test_grants_leave_an_explicit_minimal_file() -> None:
    done = on(USSURI, "glance_admin_role", grants=["publicize_image", "get_image", "deactivate"])
    assert done["changed"] and {each["excused"] for each in done["changes"]} == {"grants"}
    assert json.loads(trial.sh(USSURI, f"cat {POLICY}")) == {
        "publicize_image": f"role:admin or role:{ROLE}",
        "deactivate": f"role:admin or role:image_police or role:{ROLE}",
    }
    restarted(USSURI)
    answers = live()
    assert answers["manager", "publicize_image", "own"]
    assert not answers["manager", "get_image", "foreign"] and not answers["manager", "modify_image", "foreign"]


# -- 25.1 ---------------------------------------------------------------------------------------------------------


def test_where_the_release_ignores_the_option_nobody_gets_back_what_was_lost_long_ago() -> None:
    before = files(ZED)
    refused = on(ZED, "glance_admin_role")
    assert (
        refused["failed"] and "undeclared" in refused["msg"] and "manager gains get_image on foreign" in refused["msg"]
    )
    assert trial.differences(before, files(ZED)) == []


@trial.thorough
def test_a_file_that_does_not_count_is_not_called_a_replacement() -> None:
    place = "/etc/glance/policy.d/99-own.yaml"
    trial.sh(ZED, f"echo 'context_is_admin: role:admin' >{place}")
    before = files(ZED)
    refused = on(ZED, "glance_admin_role")
    assert refused["failed"] and f"{place}:1: a file of a policy directory sets context_is_admin" in refused["msg"]
    assert trial.differences(before, files(ZED)) == []
    trial.sh(ZED, f"rm {place}")


def test_the_leftover_goes_without_a_change_of_rights() -> None:
    done = on(ZED, "glance_admin_role", grants=[])
    assert (done["role"], done["honoured"], done["changes"]) == (ROLE, False, [])
    assert "Image_Manager" not in trial.sh(ZED, f"cat {trial.GLANCE_CONF}")
    assert not on(ZED, "glance_admin_role")["changed"]


# -- what a release to come would change, kept ------------------------------------------------------------------------


#: Rules whose change is accepted here.
ACCEPTED = ("copy_image", "stores_info_detail")


def decided(host: str, version: str) -> dict[tuple[str, str, str], list[bool]]:
    """What that release's own Glance decides with the policy and the switches of the host, by persona, rule and target."""
    release = _catalogue.release("glance", version)
    conf = configparser.ConfigParser(strict=False, interpolation=None)
    conf.read_string(trial.sh(host, f"cat {trial.GLANCE_CONF}"))
    written = conf["oslo_policy"] if "oslo_policy" in conf else {}
    settings = _policy.defaults(release)
    switches = {name: written[name] == "true" for name in ("enforce_scope", "enforce_new_defaults") if name in written}
    settings = _policy.Settings(**{**settings.__dict__, **switches})
    text = trial.sh(host, f"cat {POLICY} 2>/dev/null || :") or None
    names = [
        name
        for name in _policy.Policy(release).names
        if name not in ACCEPTED and _catalogue.policy("glance", release, name)
    ]
    case = (text, "policy.json" if text else "no-such-policy.json", settings)
    (answers,), errors = differential.answered(version, "", [case], names)
    places = [
        (who.name, rule, on.name) for who in differential.PERSONAS for rule in names for on in differential.TARGETS
    ]
    assert len(places) == len(answers["answers"]), errors
    return dict(zip(places, answers["answers"], strict=True))


def differing(before: dict[Any, list[bool]], after: dict[Any, list[bool]]) -> set[tuple[str, str, str]]:
    """Where another answer comes of it; whether the rule or Glance's own code gives it is no matter."""
    return {place for place, (_rule, said) in before.items() if place in after and after[place][1] != said}


@trial.thorough
def test_metadef_writes_are_kept_over_the_upgrade_from_20_to_25(inventory: Path) -> None:
    before, today = files(USSURI), decided(USSURI, "20.2.0")
    assert {"add_metadef_object", "delete_metadef_tag"} <= {
        rule for _who, rule, _on in differing(today, decided(USSURI, "25.1"))
    }
    accepted = ["21-copy-image"]
    kept = policy(inventory, to_release="25.1", kept_changes=["22-metadef-writes"], accepted_changes=accepted)
    kept.succeeds().says("done.")
    rules = json.loads(trial.sh(USSURI, f"cat {POLICY}"))
    assert len([name for name in rules if "metadef" in name]) == 16
    assert differing(today, decided(USSURI, "20.2.0")) == differing(today, decided(USSURI, "25.1")) == set()
    rolled_back(inventory, USSURI)
    assert trial.differences(before, files(USSURI)) == []


@trial.thorough
def test_new_defaults_are_kept_over_the_upgrade_from_25_to_33_and_people_are_told(inventory: Path) -> None:
    before, today = files(ZED), decided(ZED, "25.1")
    with assigned():
        found = trial.local_module("image_role_assignments_info", {"cloud": "lab"})
        assert {(each["scope"], *each["roles"]) for each in found["role_sets"]} >= {
            ("domain", "reader"),
            ("system", "reader"),
        }
        assert [name for name in PEOPLE if f'"{name}"' in json.dumps(found["role_sets"])] == ["on_domain", "on_system"]
        look = policy(inventory, ZED, to_release="33.0.0").succeeds()
        look.says("by upstream's 26-new-defaults", "by upstream's 26-scope", "on_domain on the domain Default")
    accepted = ["26-scope", "30-service-roles"]
    kept = policy(inventory, ZED, to_release="33.0.0", kept_changes=["26-new-defaults"], accepted_changes=accepted)
    kept.succeeds().says("done.")
    trial.sh(ZED, f"grep -x 'enforce_new_defaults = false' {trial.GLANCE_CONF}")
    assert trial.answers(ZED, "/v2/images") == 200
    assert differing(today, decided(ZED, "25.1")) == set()
    unscoped = [each.name for each in differential.PERSONAS if each.project is None]
    assert {who for who, _rule, _on in differing(today, decided(ZED, "33.0.0"))} == set(unscoped)
    rolled_back(inventory, ZED)
    assert trial.differences(before, files(ZED)) == []


PEOPLE = {
    "on_domain": "/domains/default/users/{user}/roles/{role}",
    "on_system": "/system/users/{user}/roles/{role}",
    "inherited": "/OS-INHERIT/domains/default/users/{user}/roles/{role}/inherited_to_projects",
}


@contextlib.contextmanager
def assigned() -> Iterator[None]:
    """Users whose one role is for the domain, for the system, and inherited by the projects of the domain."""
    role = next(each["id"] for each in trial.keystone("GET", "/roles")["roles"] if each["name"] == "reader")
    users = {}
    try:
        for name, path in PEOPLE.items():
            made = trial.keystone("POST", "/users", {"user": {"name": name, "domain_id": "default"}})
            users[name] = made["user"]["id"]
            trial.keystone("PUT", path.format(user=users[name], role=role))
        yield
    finally:
        for user in users.values():
            trial.keystone("DELETE", f"/users/{user}")


# -- bad input (the unit tests of the actions have more of it) --------------------------------------------------------

ANY = [{"name": "publicize_image", "check": "role:admin"}]
FILE = "/etc/glance/policy.yaml"


#: What somebody made of the file, what is asked for, and what is said to it.
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("printf 'get_image: role:a: b\\n' >$file", {"rules": ANY}, f"{FILE}:1:18: this is no YAML"),
    ("ln -s nowhere $file", {"rules": ANY}, "is a link to"),
    ("mkdir $file", {"rules": ANY}, FILE),
    (":", {"rules": [{"name": "get_image", "check": "rule:get_image"}]}, "get_image refers to get_image"),
    (":", {"rules": ANY, "personas": [{"name": "x", "role": ["a"]}]}, "A persona has role"),
]


@pytest.mark.parametrize(("made", "arguments", "said"), trial.some(REFUSED, 0, 3))
def test_bad_input_is_named_and_nothing_is_written(made: str, arguments: dict[str, Any], said: str) -> None:
    trial.sh(ZED, f"file={FILE}; {made}")
    before = files(ZED)
    refused = on(ZED, "glance_policy", **arguments)
    assert refused["failed"] and said in refused["msg"]
    assert trial.differences(before, files(ZED)) == []
    trial.sh(ZED, f"rm -rf {FILE}")


@trial.thorough
def test_an_unreadable_file_is_named_and_an_empty_one_takes_rules() -> None:
    trial.sh(ZED, f"printf '' >{FILE}; chmod 600 {FILE}")
    before = files(ZED)
    run = trial.module(ZED, "glance_policy", {"rules": ANY}, "-u", "nobody")
    assert "Permission denied" in trial.result(run)["msg"]
    assert trial.differences(before, files(ZED)) == []
    assert on(ZED, "glance_policy", rules=ANY)["changed"]
    assert trial.sh(ZED, f"cat {FILE}") == '"publicize_image": "role:admin"\n'
