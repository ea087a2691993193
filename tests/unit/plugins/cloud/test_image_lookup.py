# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_import as importing
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup as lookup
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

ID = "11111111-2222-4333-8444-555555555555"
OTHER = "66666666-2222-4333-8444-555555555555"
CLOUD: Any = types.SimpleNamespace(project_id="p", project="demo")


class Answer:
    def __init__(self, body: dict[str, Any], status: int = 200) -> None:
        self.body, self.status_code = body, status

    def json(self) -> dict[str, Any]:
        return self.body


def image(image_id: str = ID, **more: Any) -> dict[str, Any]:
    return {
        "id": image_id,
        "name": "cirros",
        "owner": "p",
        "status": "active",
        "visibility": "private",
        "created_at": "2026-01-01T00:00:00Z",
        **more,
    }


class Fake:
    """An Images API that has a few images and remembers what it was asked."""

    root = "http://glance.example"

    def __init__(self, *images: dict[str, Any], tasks: dict[str, Answer] | None = None) -> None:
        self.images = {each["id"]: each for each in images}
        self.tasks = tasks or {}
        self.asked: list[str] = []

    def call(self, method: str, path: str, *_wanted: int) -> Answer:
        self.asked.append(path)
        found = self.images.get(path.rpartition("/")[2])
        return Answer(found or {}, 200 if found else 404)

    def ask(self, method: str, path: str) -> Answer:
        return self.tasks.get(path, Answer({}, 404))

    def pages(self, path: str, _limit: int) -> Any:
        self.asked.append(path)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        hidden = asked.get("os_hidden") == "true"
        wanted = asked.get("visibility")
        yield [
            each
            for each in self.images.values()
            if each.get("os_hidden", False) == hidden and (wanted or "community") in (each["visibility"], "community")
        ]


def find(fake: Any, wanted: str, owner: str | None = None) -> dict[str, Any] | None:
    return lookup.find(fake, CLOUD, wanted, owner)


def test_an_id_is_one_request() -> None:
    fake = Fake(image())
    assert find(fake, ID) == image()
    assert fake.asked == [f"/v2/images/{ID}"]


@pytest.mark.parametrize("more", [{}, {"os_hidden": True}, {"visibility": "community"}])
def test_a_name_is_found_in_every_list(more: dict[str, Any]) -> None:
    assert find(Fake(image(**more)), "cirros") == image(**more)


def test_a_name_of_another_project_is_not_meant() -> None:
    assert find(Fake(image(owner="another")), "cirros") is None


def test_two_of_a_name_are_listed() -> None:
    with pytest.raises(GlanceError) as refused:
        find(Fake(image(), image(OTHER)), "cirros")
    assert ID in refused.value.message and OTHER in refused.value.message
    assert refused.value.details["duplicates"] == [ID, OTHER]


def test_a_name_like_a_list_is_quoted() -> None:
    fake = Fake()
    find(fake, 'in:a,"b')
    assert "in%3A%22in%3Aa%2C%5C%22b%22" in fake.asked[0]


def test_what_is_needed_and_not_there_is_named() -> None:
    with pytest.raises(GlanceError, match="no image 'cirros' at http://glance.example .* in project p"):
        lookup.need(Fake(), CLOUD, "cirros")


NOW = datetime(2026, 1, 1, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "updated", "free_in"),
    [
        ("processing", "2026-01-01T11:30:00Z", 1800),
        ("processing", "2026-01-01T10:30:00Z", 0),
        ("pending", "2026-01-01T10:30:00Z", 1800),
    ],
)
def test_when_a_lock_may_be_taken_over(status: str, updated: str, free_in: int) -> None:
    task = {"id": "t", "status": status, "owner": "p", "created_at": "2026-01-01T10:00:00Z", "updated_at": updated}
    fake = Fake(tasks={f"/v2/images/{ID}/tasks": Answer({"tasks": [task]})})
    found = importing.lock(fake, image(os_glance_import_task="t"), NOW)
    assert found and (found.status, found.free_in) == (status, free_in)
    assert ("in 1800 s" in str(found)) == (free_in == 1800)


def test_a_lock_of_a_task_that_is_gone_is_free() -> None:
    found = importing.lock(Fake(), image(os_glance_import_task="t"), NOW)
    assert found and found.status is None and "gone" in str(found)


def test_a_lock_that_may_not_be_seen_is_said_to_be() -> None:
    fake = Fake(tasks={"/v2/tasks/t": Answer({}, 403)})
    found = importing.lock(fake, image(os_glance_import_task="t"), NOW)
    assert found and found.age is None and "may not see" in str(found)


def test_progress_is_read_off_the_image() -> None:
    found = importing.progress(
        image(
            stores="fast", os_glance_importing_to_stores="slow", os_glance_failed_import="far", **{"status": "active"}
        )
    )
    assert (found.stores, found.importing, found.failed, found.running) == (("fast",), ("slow",), ("far",), True)
    over = importing.progress(image(os_glance_importing_to_stores="", os_glance_import_task=""))
    assert not over.running
