# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on with images: image_actions_info and image_task_info."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.stackops.glance.plugins.action import image_actions_info as action
from ansible_collections.stackops.glance.plugins.module_utils import _image_tasks as tasks
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_task_info
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction

NOW = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)
LOCK, IMPORTING = "os_glance_import_task", "os_glance_importing_to_stores"


def ago(seconds: int) -> str:
    return (NOW - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answer:
    def __init__(self, status: int, body: Any = None) -> None:
        self.status_code, self.body = status, body or {}

    def json(self) -> Any:
        return self.body


class Glance:
    root = "http://glance.example"

    def __init__(self) -> None:
        self.images: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.may_see_tasks = True
        self.requests: list[str] = []

    def image(self, name: str, status: str, age: int = 100, **more: Any) -> None:
        made = {"created_at": ago(age), "updated_at": ago(age), "os_hidden": False, "owner": "p"}
        self.images[name] = {"id": name, "name": name, "status": status, **made, **more}

    def task(
        self, name: str, image: str, status: str = "processing", age: int = 10, method: str = "copy-image"
    ) -> None:
        self.tasks[name] = {
            "id": name,
            "type": "api_image_import",
            "status": status,
            "owner": "q",
            "created_at": ago(age),
            "updated_at": ago(age),
            "message": "Copied 3 MiB",
            "result": None,
            "expires_at": None,
            "input": {"image_id": image, "import_req": {"method": {"name": method}}, "backend": ["slow"]},
        }

    def ask(self, _method: str, path: str) -> Answer:
        self.requests.append(path)
        parts = urlsplit(path)
        kind, _slash, name = parts.path.removeprefix("/v2/").partition("/")
        if kind == "images" and name.endswith("/tasks"):
            image = name.removesuffix("/tasks")
            return Answer(200, {"tasks": [t for t in self.tasks.values() if t["input"]["image_id"] == image]})
        if kind == "tasks" and not self.may_see_tasks:
            return Answer(403)
        if kind == "tasks" and not name:
            wanted = parse_qs(parts.query).get("status", [None])[0]
            hidden = ("input", "message", "result")
            found = [t for t in self.tasks.values() if wanted in (None, t["status"])]
            rest = found if "marker" in parts.query else found[:1]
            page: dict[str, Any] = {"tasks": [{k: v for k, v in t.items() if k not in hidden} for t in rest]}
            if rest == found[:1] and found[1:]:
                page["tasks"], page["next"] = [], f"{path}&marker=1"
            return Answer(200, page)
        known = self.tasks if kind == "tasks" else self.images
        return Answer(200, known[name]) if name in known else Answer(404)

    def call(self, method: str, path: str, *_wanted: int) -> Answer:
        return self.ask(method, path)

    def json(self, path: str) -> Any:
        return self.ask("GET", path).json()

    def pages(self, path: str, _limit: int) -> Any:
        self.requests.append(path)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        statuses = asked["status"].removeprefix("in:").split(",")
        since = asked.get("updated_at", "").removeprefix("gte:")
        hidden = asked["os_hidden"] == "true"
        assert asked["visibility"] == "all"
        yield [
            i
            for i in self.images.values()
            if i["status"] in statuses and i["updated_at"] >= since and i["os_hidden"] == hidden
        ]


def find(glance: Any, **options: Any) -> tuple[list[tasks.Action], bool]:
    found = tasks.Actions(glance, options.get("stuck_after", 24.0), NOW)
    return found.find(), found.complete


def test_nothing_goes_on() -> None:
    glance = Glance()
    glance.image("one", "active")
    glance.image("two", "active", **{IMPORTING: "", "os_glance_failed_import": "slow"})
    found, complete = find(glance)
    assert found == [] and complete
    assert len(glance.requests) == 6
    assert tasks.summary(found, 5)["idle"]


def test_what_runs_comes_first_and_is_put_together_by_image() -> None:
    glance = Glance()
    glance.image("waits", "queued")
    glance.image("sent", "saving", age=50)
    glance.image("staged", "uploading", os_glance_stage_host="http://glance1:9292")
    glance.image("imported", "importing", **{LOCK: "t1", IMPORTING: "fast"})
    glance.image("copied", "active", age=30 * 3600, **{LOCK: "t2", IMPORTING: "slow"})
    glance.image("hidden", "active", os_hidden=True, **{LOCK: "t3", IMPORTING: "slow"})
    glance.task("t1", "imported", method="web-download", age=70)
    glance.task("t2", "copied")
    glance.task("t3", "hidden", status="pending")
    found, _complete = find(glance)
    assert [(each.state, each.image, each.method) for each in found] == [
        ("uploading", "staged", None),
        ("uploading", "sent", None),
        ("importing", "imported", "web-download"),
        ("copying", "copied", "copy-image"),
        ("pending", "hidden", "copy-image"),
        ("waiting", "waits", None),
    ]
    assert found[0].host == "http://glance1:9292" and found[3].stores == ["slow"]
    assert found[3].lock and found[3].lock["free_in"] == 3590 and "of project q" in str(found[3].takeover)
    summary = tasks.summary(found, 2)
    assert not summary["idle"] and len(summary["actions"]) == 2 and summary["counts"]["waiting"] == 1


def test_what_was_killed_is_stalled_and_does_not_count() -> None:
    glance = Glance()
    glance.image("copied", "active", **{LOCK: "t1", IMPORTING: "slow"})
    glance.task("t1", "copied", age=3700)
    glance.image("sent", "saving", age=25 * 3600)
    glance.image("lock of a task that is gone", "active", **{LOCK: "t9"})
    found, _complete = find(glance)
    assert {each.state for each in found} == {"stalled"} and len(found) == 3
    assert tasks.summary(found, 5)["idle"]


def test_who_may_not_see_tasks_is_shown_the_images() -> None:
    glance = Glance()
    glance.may_see_tasks = False
    glance.image("imported", "importing", **{LOCK: "t1", IMPORTING: "fast"})
    glance.task("t1", "imported")
    found, complete = find(glance)
    assert [each.state for each in found] == ["importing"] and not complete
    assert found[0].lock and found[0].lock["age"] == 10


def test_the_action_makes_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    glance = Glance()
    glance.image("copied", "active", **{LOCK: "t1", IMPORTING: "slow"})
    glance.task("t1", "copied")
    answer = tasks.summary(find(glance)[0], 5)
    monkeypatch.setattr(HostAction, "act", lambda self, task_vars: answer)
    plugin: Any = action.ActionModule.__new__(action.ActionModule)
    header, _line, row = plugin.act({})["table"]
    assert header.startswith("state") and "copying" in row and "copy-image" in row and "10 s" in row
    monkeypatch.setattr(HostAction, "act", lambda self, task_vars: {"failed": True})
    assert plugin.act({}) == {"failed": True}


def listed(glance: Any, **options: Any) -> list[dict[str, Any]]:
    found = image_task_info.many(glance, {"status": None, "type": None, "limit": 50, **options})
    return [image_task_info.shown(task) for task in found]


def test_tasks_are_listed_whole_and_filtered() -> None:
    glance = Glance()
    glance.task("t1", "one")
    glance.task("t2", "two", status="failure")
    assert [(each["id"], each["image_id"], each["message"]) for each in listed(glance)] == [
        ("t1", "one", "Copied 3 MiB"),
        ("t2", "two", "Copied 3 MiB"),
    ]
    assert [each["id"] for each in listed(glance, status="failure")] == ["t2"]
    assert listed(glance, type="import") == []
    assert len(listed(glance, limit=1)) == 1


def test_tasks_of_an_image_come_newest_first() -> None:
    glance: Any = Glance()
    for number in range(3):
        glance.task(f"t{number}", "one", age=10 - number)
    found = image_task_info.of_image(glance, "one", {"status": None, "type": None, "limit": 2})
    assert [task["id"] for task in found] == ["t2", "t1"]


def test_who_may_not_see_tasks_is_told_so() -> None:
    glance: Any = Glance()
    glance.may_see_tasks = False
    with pytest.raises(GlanceError, match="tasks_api_access"):
        listed(glance)
    with pytest.raises(GlanceError, match="tasks_api_access"):
        image_task_info.one(glance, "t1")
    glance.may_see_tasks = True
    with pytest.raises(GlanceError, match="no task 't1'"):
        image_task_info.one(glance, "t1")
