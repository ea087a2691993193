# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.stackops.glance.plugins.action import glance_plan

CLOUD = {"endpoints": [{"url": "http://api:9292", "v2": {"answers": True}}], "catalogue_changes": []}
ENDPOINT = {"id": "e", "interface": "admin", "url_before": "http://api:9292/v1", "url_after": "http://api:9292"}


def host(project: str, name: str, version: str, values: dict[str, str], **more: Any) -> dict[str, Any]:
    path = f"/etc/{project}/{name}.conf"
    unit = {"name": name, "active_state": "active", "unit_file_state": "enabled", "triggered_by": []}
    found = {
        "project": project, "prog": name, "release": {"version": version}, "units": [unit], "config_files": [path],
        "config_dirs": [], "config_origin": "unit", "files": [{"path": path, "sha256": "0" * 64}], "environment": {},
        "oslo_config": "3.17.0/python2", "policy": None, "paste": None, "crons": [], "error": None,
        "restart_pending": False,
        "assignments": [{"group": key.split("/")[0], "option": key.split("/")[1], "raw": raw, "file": path, "line": 7}
                   for key, raw in values.items()],
    }  # fmt: skip
    return {"hostname": "h", "time": 1000.0, "lock": None, "runs": [], "unfinished": None, "services": {name: found},
            **more}  # fmt: skip


def glance(**more: Any) -> dict[str, Any]:
    return host("glance", "glance-api", "15.0.2", {}, **more)


def nova(v1: bool = True, **more: Any) -> dict[str, Any]:
    values = {"glance/api_servers": "http://api:9292", **({"glance/use_glance_v1": "true"} if v1 else {})}
    return host("nova", "nova-compute", "14.1.0", values, **more)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    monkeypatch.setattr(Display, "display", lambda self, text, *args, **more: lines.extend(text.splitlines()))
    return lines


def plan(surveys: dict[str, dict[str, Any]], cloud: dict[str, Any] = CLOUD, **arguments: Any) -> dict[str, Any]:
    kinds = {kind: [name for name in surveys if name.startswith(kind[0])] for kind in ("glance", "nova", "consumer")}
    given = {f"{kind}_hosts": names for kind, names in kinds.items()} | {"cloud": cloud} | arguments
    task = SimpleNamespace(args=given, async_val=0)
    action = glance_plan.ActionModule(task, None, SimpleNamespace(), None, None, None)
    hostvars = {name: {"glance_flip_survey": survey} for name, survey in surveys.items()}
    return action.run(None, {"hostvars": hostvars})


def test_a_new_run(screen: list[str]) -> None:
    made = plan({"g1": glance(), "n1": nova(), "n2": nova(v1=False)}, playbook="upgrade_to_v2")
    assert (made["changed"], made["verdict"], made["continued"]) == (False, "ready", False)
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{6}", made["run_id"])
    assert set(made["hosts"]) == {"n1"}
    assert made["hosts"]["n1"]["to_do"] == made["hosts"]["n1"]["groups"] == ["nova"]
    assert made["hosts"]["n1"]["steps"][0]["files"][0]["path"] == "/etc/nova/nova-compute.conf"
    assert made["manifest"]["hosts"] == ["n1"] and made["manifest"]["playbook"] == "upgrade_to_v2"
    # ansible-playbook, of which this worker is a child
    assert made["holder"]["pid"] == os.getppid() and made["holder"]["started"]


def test_what_many_hosts_share_is_shown_once(screen: list[str]) -> None:
    # [glance] use_glance_v1 is deprecated, which the configuration check says of each host.
    plan({"g1": glance(), **{f"n{number}": nova() for number in range(10)}})
    (line,) = [line for line in screen if "option_deprecated" in line]
    assert "n0, n1, n2, n3 and 6 more /etc/nova/nova-compute.conf:7" in line


def test_what_is_shown(screen: list[str]) -> None:
    plan({"g1": glance(), "n1": nova(), "n2": nova(v1=False)})
    text = "\n".join(screen)
    assert "n1    nova-compute  Nova 14.1.0 (Newton)" in text
    assert "/etc/nova/nova-compute.conf:7" in text and "nova_fleet_mixed" in text
    assert screen[-1] == "verdict: ready"
    screen.clear()
    plan({"g1": glance(), "n1": nova()}, show="versions")
    assert "verdict" not in "\n".join(screen)


def test_a_value_cannot_drive_the_terminal(screen: list[str]) -> None:
    bad = nova()
    bad["services"]["nova-compute"]["assignments"][0]["raw"] = "\x1b[2Japi:9292"
    assert plan({"g1": glance(), "n1": bad})["verdict"] == "blocked"
    assert not any("\x1b" in line for line in screen) and any(r"\x1b[2J" in line for line in screen)


def test_a_change_of_the_catalogue_alone_is_recorded_on_the_glance_hosts(screen: list[str]) -> None:
    made = plan({"g1": glance(), "n1": nova(v1=False)}, {**CLOUD, "catalogue_changes": [ENDPOINT]})
    assert (made["verdict"], list(made["hosts"]), made["hosts"]["g1"]["to_do"]) == ("ready", ["g1"], [])
    assert made["manifest"]["catalogue"] == made["catalogue_undo"] == [ENDPOINT]


def run(states: dict[str, str], status: str = "applying") -> dict[str, Any]:
    return {"run_id": "r1", "started": "then", "hosts": ["g1", "n1"], "steps": list(states), "catalogue": [ENDPOINT],
            "step_states": states, "status": status}  # fmt: skip


@pytest.mark.parametrize(
    ("playbook", "verdict"), [("upgrade_to_v2", "blocked"), ("flip_release", "ready"), ("preflight", "ready")]
)
def test_a_run_of_another_playbook_is_not_called_finished(playbook: str, verdict: str, screen: list[str]) -> None:
    half = {**run({"glance_stopped": "done"}), "playbook": "flip_release"}
    made = plan({"g1": glance(runs=[half], unfinished=half), "n1": nova(v1=False)}, playbook=playbook)
    assert made["verdict"] == verdict
    found = {each["id"] for each in made["findings"]}
    assert ("unfinished_by_another" in found) == (verdict == "blocked") != ("unfinished_run" in found)


def test_a_run_that_was_killed_is_taken_up_where_it_stopped(screen: list[str]) -> None:
    lock = {"run_id": "r1", "token": 4, "holder": {}, "expires": 1.0}
    half, whole = run({"glance_v2_on": "applying"}), run({"nova": "done"})
    made = plan({
        "g1": glance(runs=[half], unfinished=half, lock=lock),
        "n1": nova(v1=False, runs=[whole], unfinished=whole),
        "n2": nova(),
    })  # fmt: skip
    assert (made["run_id"], made["continued"], made["run_started"]) == ("r1", True, "then")
    # Nothing is left to change on g1, but the killed run may have left it drained.
    g1, n1, n2 = (made["hosts"][name] for name in ("g1", "n1", "n2"))
    assert (g1["steps"], g1["to_do"], g1["groups"]) == ([], ["glance_v2_on"], ["glance_v2_on"])
    assert g1["seen_token"] == "r1:4"
    # What is done is not done again, and is undone with the rest.
    assert (n1["to_do"], n1["groups"]) == ([], ["nova"])
    assert n2["to_do"] == ["nova"]
    assert made["catalogue"] == [] and made["catalogue_undo"] == [ENDPOINT]


def test_the_way_back(screen: list[str]) -> None:
    made = plan({
        "g1": glance(runs=[run({"glance_v1_off": "done"}, "committed")]),
        "n1": nova(v1=False, runs=[run({"nova": "done"}, "committed")]),
    }, direction="undo", run_id="")  # fmt: skip
    assert (made["verdict"], made["run_id"], made["catalogue_undo"]) == ("ready", "r1", [ENDPOINT])
    assert {name: part["groups"] for name, part in made["hosts"].items()} == {"g1": ["glance_v1_off"], "n1": ["nova"]}
    assert "step to undo" in "\n".join(screen)


@pytest.mark.parametrize("direction", ["do", "undo"])
def test_locks_that_dead_runs_left_are_given_back(screen: list[str], direction: str) -> None:
    """A run was killed after its last word in g1's journal; another before its first one on n1."""
    done = run({"nova": "undone"}, "undone")
    made = plan({
        "g1": glance(runs=[done], lock={"run_id": "r1", "token": 4, "holder": {}, "expires": 1.0}),
        "n1": nova(v1=False, lock={"run_id": "r2", "token": 9, "holder": {}, "expires": 1.0}),
        "n2": nova(v1=False, lock=None),
    }, direction=direction)  # fmt: skip
    assert (made["verdict"], made["hosts"]) == ("nothing_to_do", {})
    assert made["left_locked"] == {"g1": {"run_id": "r1", "token": "r1:4"}, "n1": {"run_id": "r2", "token": "r2:9"}}


def test_no_run_to_undo(screen: list[str]) -> None:
    made = plan({"g1": glance(), "n1": nova()}, direction="undo", run_id="")
    assert (made["verdict"], made["hosts"]) == ("nothing_to_do", {})


# -- policy -----------------------------------------------------------------------------------------------------------


def test_who_may_do_what_is_told_with_every_plan(screen: list[str]) -> None:
    found = plan({"glance1": glance(), "nova1": nova()})
    assert found["verdict"] == "ready" and [each["name"] for each in found["steps"]] == ["nova"]
    (told,) = found["policy"]
    assert told["hosts"] == ["glance1"] and told["changes"] == [] and len(told["rules"]) > 20


def test_a_change_of_policy_goes_before_the_other_steps(screen: list[str]) -> None:
    rules = {"rules": [{"name": "get_task", "check": "role:admin"}]}
    pike = {"file": "/etc/glance/policy.json", "name": "policy.json", "text": '{"get_task": ""}', "error": None}
    survey = glance()
    survey["services"]["glance-api"]["policy"] = {"named": None, "files": [pike], "overlays": []}
    arguments: dict[str, Any] = {"policy": rules}
    blocked = plan({"glance1": survey, "nova1": nova()}, **arguments)
    assert blocked["verdict"] == "blocked" and "policy_decision_changes" in "".join(screen)
    people = sorted({name for each in blocked["policy"][0]["changes"] for name in each["personas"]})
    rules["expected_changes"] = [{"persona": people, "rule": "get_task", "to": "deny"}]  # type: ignore[assignment]
    found = plan({"glance1": survey, "nova1": nova()}, **arguments)
    assert [each["name"] for each in found["steps"]] == ["policy", "nova"]
    part = found["hosts"]["glance1"]["steps"][0]
    assert part["files"][0]["content"] == '{"get_task": "role:admin"}' and part["restart"] == []


def test_policy_alone_needs_neither_nova_nor_the_cloud(screen: list[str]) -> None:
    found = plan({"glance1": glance()}, cloud={}, about="policy")
    assert [each["id"] for each in found["findings"]] == ["policy_file_missing"]
    assert (found["verdict"], len(found["policy"])) == ("nothing_to_do", 1)


def test_wishes_that_cannot_be_used_are_refused(screen: list[str]) -> None:
    found = plan({"glance1": glance()}, policy={"rules": [{"name": "get_image", "check": "role:"}]})
    assert found["failed"] and "names no role" in found["msg"]
