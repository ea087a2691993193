# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""admin_role on Glance 20.2.0, which honours it, and on 25.1, which ignores it. The cases build on each other.

What a holder of the role may do is asked of the running API with throw-away projects, users and images.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lablib import trial

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
    """Another group for the Glance that the playbooks shall work on."""
    path = tmp_path_factory.mktemp("inventory") / "ussuri.json"
    path.write_text(json.dumps({"all": {"children": {"ussuri": {"hosts": {USSURI: {}}}}}}), encoding="utf-8")
    return path


def restarted(host: str) -> None:
    trial.sh(host, "systemctl restart glance-api")
    trial.wait_for(lambda: trial.answers(host, "/v2/images?limit=1") == 200)


def files(host: str) -> dict[str, str]:
    """What is below /etc, by content, mode and owner."""
    return {name: facts for name, facts in trial.look(host).items() if name.startswith(f"{host}:/etc/")}


def on(host: str, name: str, **arguments: Any) -> dict[str, Any]:
    return trial.result(trial.module(host, name, {"personas": [MANAGER, MEMBER], **arguments}))


def policy(inventory: Path, *arguments: str, **wishes: Any) -> trial.Run:
    asked = {f"glance_policy_{name}": value for name, value in {"personas": [MANAGER, MEMBER], **wishes}.items()}
    arguments = ("-i", str(inventory), "-e", json.dumps(asked), *arguments)
    return trial.playbook("policy", *arguments, glance_group="ussuri")


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

    policy(inventory, admin_role="replaced").succeeds().says("done.")
    rules = json.loads(trial.sh(USSURI, f"cat {POLICY}"))
    assert rules == {**json.loads(OWN), "context_is_admin": f"role:admin or role:{ROLE}"}
    assert "Image_Manager" not in trial.sh(USSURI, f"cat {trial.GLANCE_CONF}")
    assert live() == answers

    assert not on(USSURI, "glance_admin_role")["changed"]

    trial.roll_back("-i", str(inventory), glance_group="ussuri").succeeds()
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


# -- bad input (the unit tests of the actions have more of it) --------------------------------------------------------

ANY = [{"name": "publicize_image", "check": "role:admin"}]
FILE = "/etc/glance/policy.yaml"


@pytest.mark.parametrize(
    ("made", "arguments", "said"),
    [
        ("printf 'get_image: role:a: b\\n' >$file", {"rules": ANY}, f"{FILE}:1:18: this is no YAML"),
        ("ln -s nowhere $file", {"rules": ANY}, "is a link to"),
        ("mkdir $file", {"rules": ANY}, FILE),
        (":", {"rules": [{"name": "get_image", "check": "rule:get_image"}]}, "get_image refers to get_image"),
        (":", {"rules": ANY, "personas": [{"name": "x", "role": ["a"]}]}, "A persona has role"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(made: str, arguments: dict[str, Any], said: str) -> None:
    trial.sh(ZED, f"file={FILE}; {made}")
    before = files(ZED)
    refused = on(ZED, "glance_policy", **arguments)
    assert refused["failed"] and said in refused["msg"]
    assert trial.differences(before, files(ZED)) == []
    trial.sh(ZED, f"rm -rf {FILE}")


def test_an_unreadable_file_is_named_and_an_empty_one_takes_rules() -> None:
    trial.sh(ZED, f"printf '' >{FILE}; chmod 600 {FILE}")
    before = files(ZED)
    run = trial.module(ZED, "glance_policy", {"rules": ANY}, "-u", "nobody")
    assert "Permission denied" in trial.result(run)["msg"]
    assert trial.differences(before, files(ZED)) == []
    assert on(ZED, "glance_policy", rules=ANY)["changed"]
    assert trial.sh(ZED, f"cat {FILE}") == '"publicize_image": "role:admin"\n'
