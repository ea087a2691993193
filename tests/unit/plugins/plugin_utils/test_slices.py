# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's slices are put together, and what it says is shown between them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.module_utils._slices import SECONDS, Slice
from ansible_collections.stackops.glance.plugins.plugin_utils import _slices


def act(
    monkeypatch: pytest.MonkeyPatch, answers: list[dict[str, Any]], no_log: bool = False
) -> tuple[dict[str, Any], list[Any], list[str]]:
    """The task's result, what each call of the module was handed, and what was shown."""
    handed: list[Any] = []
    shown: list[str] = []

    def execute(module_name: Any, module_args: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        assert module_args["image"] == "one"
        handed.append(module_args["_slice"])
        return {"invocation": {"module_args": dict(module_args)}, **answers[len(handed) - 1]}

    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    monkeypatch.setattr(_slices.display, "display", shown.append)
    task = SimpleNamespace(args={"image": "one"}, check_mode=False, diff=False, no_log=no_log)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
    plugin = _slices.SlicedAction(task, connection, None, None, None, None)  # type: ignore[arg-type]
    monkeypatch.setattr(plugin, "_execute_module", execute)
    return plugin.run(task_vars={"inventory_hostname": "here"}), handed, shown


def test_the_module_is_called_until_it_hands_over_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = Slice({"elapsed": 0.0, "state": {}}, 60), Slice({"elapsed": 1.0, "state": {"id": 1}}, 60)
    first.say("half of it")
    answers = [first.result({"id": 1}, changed=True, image_id="one"), last.result(changed=False, stores=["fast"])]
    result, handed, shown = act(monkeypatch, answers)
    assert [each["state"] for each in handed] == [{}, {"id": 1}]
    assert 0 <= handed[0]["elapsed"] <= handed[1]["elapsed"] < 5
    assert shown == ["[here] half of it"]
    invocation = {"module_args": {"image": "one"}}
    assert result == {"changed": True, "image_id": "one", "stores": ["fast"], "invocation": invocation}


def test_a_failure_ends_it_and_what_was_known_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Slice({"elapsed": 0.0, "state": {}}, 60).result({"id": 1}, changed=True, image_id="one")
    result, handed, shown = act(monkeypatch, [first, {"failed": True, "msg": "It is gone."}], no_log=True)
    assert len(handed) == 2 and shown == []
    assert result["failed"] and result["changed"] and result["image_id"] == "one"


def test_nothing_is_shown_of_a_task_with_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Slice({"elapsed": 0.0, "state": {}}, 60)
    one.say("a secret")
    assert act(monkeypatch, [one.result()], no_log=True)[2] == []


def test_a_slice_ends_before_the_deadline_and_the_last_one_with_it() -> None:
    alone, first, last = Slice(None, 3600), Slice({"elapsed": 0.0}, 3600), Slice({"elapsed": 3595.0}, 3600)
    assert alone.end == alone.deadline and alone.result(changed=False) == {"changed": False}
    assert first.deadline - first.end == pytest.approx(3600 - SECONDS)
    assert last.end == last.deadline and not last.over
    assert Slice({"elapsed": 3600.0}, 3600).over
