# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The policy of the fleet's Glance hosts, changed and put back. The cases build on each other, so their order counts."""

from __future__ import annotations

import json
from typing import Any

from lablib import trial

POLICY = "/etc/glance/policy.json"
ROLE = "CloudAdmin"
PUBLISH = {"name": "publicize_image", "check": "role:admin or role:publisher"}
DECLARED = [
    {"persona": ["holder of publisher", "member and publisher"], "rule": "publicize_image", "to": "allow"},
]
WISHES = {"admin_role": "replaced", "rules": [PUBLISH], "expected_changes": DECLARED}


def policy(*arguments: str, playbook: str = "policy", **wishes: Any) -> trial.Run:
    asked = json.dumps({f"glance_policy_{name}": value for name, value in wishes.items()})
    return trial.playbook(playbook, "-e", asked, *arguments)


def started(host: str) -> str:
    return trial.sh(host, "systemctl show -p ActiveEnterTimestampMonotonic glance-api")


def test_the_fleet_relies_on_admin_role() -> None:
    for host in trial.GLANCES:
        trial.sh(host, f"sed -i '0,/^\\[DEFAULT\\]/s//[DEFAULT]\\nadmin_role = {ROLE}/' {trial.GLANCE_CONF}")
        trial.sh(host, "systemctl restart glance-api")
        trial.wait_for(lambda host=host: trial.answers(host, "/v2/images") == 200)
    trial.remember("before", trial.look(*trial.GLANCES))


@trial.thorough
def test_an_undeclared_change_is_refused_by_persona_rule_and_line(untouched: dict[str, str]) -> None:
    policy(rules=[PUBLISH]).fails(
        "policy_decision_changes", "publisher would gain publicize_image on", f"({POLICY}:", "nothing was changed"
    )


def test_check_mode_shows_the_files_and_the_proof(untouched: dict[str, str]) -> None:
    shown = policy("--check", "--diff", **WISHES).succeeds()
    shown.says(f"-admin_role = {ROLE}", "role:admin or role:publisher", "verdict: ready")


@trial.thorough
def test_hosts_that_decide_otherwise_are_named(untouched: dict[str, str]) -> None:
    with trial.changed("glance2", POLICY, """sed -i 's/"publicize_image": "[^"]*"/"publicize_image": ""/' $file"""):
        policy(playbook="policy").succeeds().says("policy_differs", "publicize_image are other rules there")


def test_the_policy_is_changed_on_every_host() -> None:
    policy(**WISHES).succeeds().says("done.", "glance_flip_run=")
    for host in trial.GLANCES:
        text = trial.sh(host, f"cat {POLICY}")
        assert json.loads(text)["publicize_image"] == PUBLISH["check"]
        assert f"role:{ROLE.lower()}" in json.loads(text)["context_is_admin"]
        assert "admin_role" not in trial.sh(host, f"grep -v ^# {trial.GLANCE_CONF}")
        assert trial.answers(host, "/v2/images") == 200
    done = [host for event, step, host in trial.events(*trial.GLANCES) if (event, step) == ("done", "policy")]
    assert done == sorted(done) == list(trial.GLANCES)
    assert trial.locked() == []
    trial.remember("run", trial.runs("glance1")[-1])


def test_a_second_run_finds_nothing_to_do() -> None:
    again = policy(**WISHES).succeeds()
    again.says("verdict: nothing to do")
    assert again.changed() == 0


@trial.thorough
def test_a_changed_check_needs_no_restart() -> None:
    before = {host: started(host) for host in trial.GLANCES}
    policy(rules=[{"name": "publicize_image", "check": "role:admin"}], expected_changes=[
        {"persona": ["holder of publisher", "member and publisher"], "rule": "publicize_image", "to": "deny"}
    ]).succeeds()  # fmt: skip
    assert before == {host: started(host) for host in trial.GLANCES}
    trial.roll_back().succeeds()
    assert before == {host: started(host) for host in trial.GLANCES}


def test_the_way_back_leads_to_the_same_bytes() -> None:
    # The newest run is undone already, so this one is named.
    trial.roll_back(run=trial.remembered("run")).succeeds()
    assert trial.differences(trial.remembered("before"), trial.look(*trial.GLANCES)) == []
    assert trial.locked() == []
