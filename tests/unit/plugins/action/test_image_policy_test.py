# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to the module, and what is made of its answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.action.image_policy_test import ActionModule

Run = Callable[..., tuple[dict[str, Any], dict[str, Any]]]
TEST = {"name": "Mine", "persona": "member", "action": "get_image", "target": "own", "expect": "allow"}


@pytest.fixture(name="run")
def fixture_run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})

    def call(
        allowed: bool | None = True, nobody: bool = False, **arguments: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        sent: dict[str, Any] = {}

        def execute(module_name: str, module_args: dict[str, Any], task_vars: Any = None) -> dict[str, Any]:
            assert module_name == "stackops.glance.image_policy_test"
            sent.update(module_args)
            cases = module_args["cases"] or [
                (persona["name"], request["rule"], target["name"])
                for persona in module_args["personas"]
                for request in module_args["requests"]
                for target in module_args["targets"]
            ]
            answers = [
                {"persona": persona, "rule": rule, "target": target, "allowed": allowed, "nobody": nobody, "status": 200,
                 "request": "GET /v2/images/{image}", "reason": None}
                for persona, rule, target in cases
            ]  # fmt: skip
            return {"invocation": {}, "changed": False, "url": "http://glance", "answers": answers}

        task = SimpleNamespace(args={"glance_release": "25.1", **arguments}, check_mode=False, diff=False)
        connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        plugin = ActionModule(task, connection, None, None, None, None)  # type: ignore[arg-type]
        monkeypatch.setattr(plugin, "_execute_module", execute)
        monkeypatch.setattr(plugin, "_find_needle", lambda _folder, name: name)
        return plugin.run(task_vars={}), sent

    return call


def test_without_tests_everybody_tries_everything(run: Run) -> None:
    found, sent = run()
    assert len(sent["personas"]) == 9 and len(sent["targets"]) == 8 and sent["cases"] is None
    assert {"get_image", "delete_metadef_tags"} <= {each["rule"] for each in sent["requests"]}
    assert sent["missing_roles"] == "leave_out"
    assert "failed" not in found and found["release"] == "Glance 25.1 (Zed)"
    assert "add_task" in found["not_shown"]


def test_only_what_tests_speak_of_is_tried(run: Run) -> None:
    found, sent = run(tests=[TEST])
    assert [each["name"] for each in sent["personas"]] == ["member"]
    assert {each["rule"] for each in sent["requests"]} == {"get_image"}
    assert sent["cases"] == [["member", "get_image", "own"]]
    assert "tests" not in sent and found["tests"] == {"held": 1, "failed": 0, "untried": 0}


def test_what_differs_fails_and_is_named(run: Run) -> None:
    found, _sent = run(False, tests=[TEST])
    assert found["failed"] and "1 policy tests do not hold at http://glance" in found["msg"]
    assert found["failures"][0].startswith(
        "Mine: member, get_image, own: wanted allowed, denied (GET /v2/images/{image}"
    )
    assert any("DIFFERS" in line for line in found["table"])


def test_what_nobody_can_do_is_denied_and_cannot_be_wanted(run: Run) -> None:
    denied = {**TEST, "expect": "deny"}
    assert run(None, True, tests=[denied])[0]["tests"] == {"held": 1, "failed": 0, "untried": 0}
    found, _sent = run(None, True, tests=[TEST])
    assert "failed" not in found and found["tests"]["untried"] == 1 and found["untried"]
    # An answer that tells nothing holds no test.
    assert run(None, False, tests=[denied])[0]["tests"]["untried"] == 1


def test_described_personas_need_their_roles(run: Run) -> None:
    _found, sent = run(personas=[{"name": "auditor", "roles": ["auditor"]}])
    assert sent["missing_roles"] == "fail" and [each["name"] for each in sent["personas"]] == ["auditor"]
    assert run(missing_roles="create")[1]["missing_roles"] == "create"


def test_the_cache_of_a_host_is_tidied_only_when_asked_for(run: Run) -> None:
    rules = {each["rule"] for each in run(glance_release="33.0.0")[1]["requests"]}
    assert "cache_list" in rules and not rules & {"cache_clean", "cache_prune"}
    rules = {each["rule"] for each in run(glance_release="33.0.0", housekeeping=True)[1]["requests"]}
    assert rules >= {"cache_clean", "cache_prune"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"glance_release": ""}, "glance_release is not given"),
        ({"glance_release": "atlantis"}, "atlantis"),
        ({"file": "/nowhere/tests.yml"}, "/nowhere/tests.yml"),
        ({"file": "x.yml", "tests": [TEST]}, "Both file and tests"),
        ({"tests": [{**TEST, "persona": "nobody-known"}]}, "nobody-known"),
        ({"tests": [{**TEST, "action": "get_imgae"}]}, "get_image"),
        ({"rules": ["nothing_*"]}, "No request shows"),
    ],
)
def test_bad_input_is_refused_before_anything_is_asked(run: Run, arguments: dict[str, Any], message: str) -> None:
    found, sent = run(**arguments)
    assert found["failed"] and message in found["msg"] and not sent


def test_a_broken_file_is_named_with_line_and_column(run: Run, tmp_path: Path) -> None:
    (tmp_path / "tests.yml").write_text("tests:\n  - {persona: member\n")
    found, _sent = run(file=str(tmp_path / "tests.yml"))
    assert found["failed"] and f"{tmp_path}/tests.yml:" in found["msg"]
