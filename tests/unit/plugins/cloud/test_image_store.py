# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.modules import image_store

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def image(cloud: Any) -> dict[str, Any]:
    cloud.stores = [{"id": "fast", "default": "true"}, {"id": "slow"}]
    cloud.images[ID] = {"id": ID, "name": "one", "owner": "p", "status": "active", "size": 5, "stores": "fast,slow"}
    return cloud.images[ID]


def deletions(cloud: Any) -> list[str]:
    return [request for request in cloud.requests if request.startswith("DELETE")]


def test_check_do_check_do(run: Any, cloud: Any, image: Any) -> None:
    for check in (True, False):
        found = run(image_store, check=check, image=ID, store="slow")
        assert found["changed"] and found["stores"] == ["fast"] and found["image_id"] == ID
        assert (found["diff"]["before"], found["diff"]["after"]) == ("fast\nslow\n", "fast\n")
        assert deletions(cloud) == ([] if check else [f"DELETE /v2/stores/slow/{ID}"])
    assert image["stores"] == "fast"
    for check in (True, False):
        assert not run(image_store, check=check, image=ID, store="slow")["changed"]
    assert len(deletions(cloud)) == 1


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stores": "slow"}, "the last copy is never removed"),
        ({"status": "deactivated"}, "is deactivated"),
    ],
)
def test_what_is_refused(
    run: Any, cloud: Any, image: dict[str, Any], check: bool, change: dict[str, Any], message: str
) -> None:
    image.update(change)
    found = run(image_store, check=check, image=ID, store="slow")
    assert found["failed"] and message in found["msg"] and deletions(cloud) == []


def test_nothing_is_removed_while_an_import_holds_the_lock(run: Any, cloud: Any, image: dict[str, Any]) -> None:
    image["os_glance_import_task"] = "t"
    cloud.faults["GET /v2/tasks/t"] = 403
    found = run(image_store, image=ID, store="slow")
    assert "holds its lock: task t, which this user may not see" in found["msg"] and deletions(cloud) == []
    # The task is gone, and so whoever comes next takes the lock.
    cloud.faults["GET /v2/tasks/t"] = 404
    assert run(image_store, image=ID, store="slow")["changed"]


@pytest.mark.parametrize(
    ("status", "message"), [(403, "the policy rules"), (409, "has the data in use"), (500, "Glance's log")]
)
def test_refusals_are_told_apart(run: Any, cloud: Any, image: Any, status: int, message: str) -> None:
    cloud.faults["DELETE /v2/stores/.*"] = status
    found = run(image_store, image=ID, store="slow")
    assert found["failed"] and message in found["msg"] and f"({status}: fault {status})" in found["msg"]


def test_not_held_is_as_wanted(run: Any, cloud: Any, image: Any) -> None:
    cloud.faults["DELETE /v2/stores/.*"] = 404
    assert not run(image_store, image=ID, store="slow")["changed"]
    assert not run(image_store, image="no such image", store="slow")["changed"]


def test_an_unknown_store_and_a_single_one_are_errors(run: Any, cloud: Any, image: Any) -> None:
    assert "there are fast, slow" in run(image_store, image=ID, store="far")["msg"]
    cloud.stores = []
    assert "single store" in run(image_store, image=ID, store="fast")["msg"]
