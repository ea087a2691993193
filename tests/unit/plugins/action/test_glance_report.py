# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.action import glance_report

PLAN = {"run_id": "R-1", "run_started": "2026-11-21T09:56:09Z", "verdict": "ready", "findings": [], "hosts": {}}


@pytest.fixture(autouse=True)
def base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})


def write(directory: pathlib.Path, **more: Any) -> dict[str, Any]:
    given = {"dest": str(directory), "name": "preflight", "plan": PLAN, "hosts": {"nova": ["n1"]}, **more}
    task = SimpleNamespace(args=given, async_val=0, check_mode=True)
    action = glance_report.ActionModule(task, None, SimpleNamespace(check_mode=True), None, None, None)
    return action.run(None, {"hostvars": {"n1": {"glance_flip_survey": {"services": {}}}}})


def test_it_writes_in_check_mode_and_changes_nothing(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "R-1"
    stem = str(directory / "preflight")
    assert write(directory) == {
        "changed": False, "html": f"{stem}.html", "markdown": f"{stem}.md", "json": f"{stem}.json",
    }  # fmt: skip
    data = json.loads((directory / "preflight.json").read_text())
    assert data["format"] == 1 and data["hosts"][0]["reached"] is True


def test_the_way_back_has_steps_without_a_part(tmp_path: pathlib.Path) -> None:
    plan = {**PLAN, "steps": [{"name": "nova", "title": "Nova", "hosts": ["n1"]}], "hosts": {"n1": {"steps": [{}]}}}
    write(tmp_path, name="rollback", plan=plan)
    assert json.loads((tmp_path / "rollback.json").read_text())["parts"] == []


def test_what_is_no_plan_is_refused_before_anything_is_written(tmp_path: pathlib.Path) -> None:
    answer = write(tmp_path, plan={"msg": "skipped"})
    assert answer["failed"] and answer["msg"] == "report.run_id is None; wanted is a text."
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    answer = write(tmp_path / "file")
    assert answer["failed"] and f"{tmp_path}/file" in answer["msg"]
