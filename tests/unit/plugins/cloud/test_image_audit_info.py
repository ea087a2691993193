# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import uuid

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _audit_api, _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_audit_info


def add(cloud, visibility, count, day=20, **more):
    for number in range(count):
        image_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{visibility}-{day}-{number}"))
        cloud.images[image_id] = {
            "id": image_id,
            "name": image_id,
            "owner": f"project-{number % 2}",
            "visibility": visibility,
            "created_at": "2026-11-01T00:00:00Z",
            "updated_at": f"2026-11-{day}T12:00:00Z",
            "status": "active",
            "size": 5,
            "disk_format": "raw",
            "container_format": "bare",
            **more,
        }


def test_counts_over_pages_and_returns_few(cloud, run):
    add(cloud, "community", 7)
    add(cloud, "shared", 3, members=[{"member_id": "m"}])
    add(cloud, "public", 4)
    add(cloud, "private", 4)
    found = run(image_audit_info, examples=2)
    assert found["count"] == 10
    community, shared = found["findings"]
    assert (community["id"], community["severity"], community["count"]) == ("community-visibility", "warning", 7)
    assert (community["owners"], len(community["examples"])) == (2, 2)
    assert shared["examples"][0]["members"] == 1
    assert found["complete"]


def test_every_image_once_however_it_is_seen(cloud, run, tmp_path):
    cloud.versions = ["v2.9", "v2.0"]
    for day in (10, 15, 20):
        for visibility in ("public", "private", "shared", "community"):
            add(cloud, visibility, 3, day, Odd="x", created_at=f"2026-11-{day}T00:00:00Z")
    add(cloud, "private", 2, 21, Odd="x", os_hidden=True)
    found = run(image_audit_info, kinds=["property-name-rewritten"], file=str(tmp_path / "found.jsonl"))
    rows = [json.loads(line)["image"] for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert sorted(rows) == sorted(cloud.images)
    assert (found["images"], found["count"]) == (38, 38)


def test_what_the_api_shows(cloud, run, tmp_path):
    add(cloud, "public", 1, **{"HW_Bus": "x", "location": "y", "kernel_id": "", "os_glance_mine": "z", "size": 0})
    add(cloud, "private", 1, disk_format="vhd", os_glance_importing_to_stores="fast", updated_at="2016-01-01T00:00:00Z")
    cloud.images["ODD"] = {**next(iter(cloud.images.values())), "id": "ODD", "status": "queued", "size": None}
    cloud.images["ODD"]["updated_at"] = "2016-01-01T00:00:00Z"
    found = run(image_audit_info)
    assert {each["id"] for each in found["findings"]} == {
        "property-name-rewritten",
        "property-reserved",
        "boot-property-none",
        "active-empty",
        "format-refused",
        "stuck-copying",
        "stuck-queued",
        "image-id-not-uuid",
    }
    assert "property-shadowed" in found["cannot_see"] and "active-empty" not in found["cannot_see"]


def test_a_busy_glance_is_given_time(cloud, run, monkeypatch):
    waited = []
    monkeypatch.setattr(_audit_api.time, "sleep", waited.append)
    cloud.faults["GET /v2/images"] = 503
    assert "answered 503" in run(image_audit_info)["msg"]
    assert waited == [1, 2, 4, 8]


@pytest.mark.parametrize(
    ("option", "value"), [("in_flight", 0), ("stuck_after", -1), ("kinds", ["none-such"]), ("since", "soon")]
)
def test_arguments_that_say_nothing(run, option, value):
    assert option in run(image_audit_info, **{option: value})["msg"]


def test_since_takes_changes_into_account(cloud, run):
    add(cloud, "community", 2, day=10)
    add(cloud, "community", 1, day=21)
    found = run(image_audit_info, since="2026-11-21")
    assert (found["count"], found["since"]) == (1, "2026-11-21T00:00:00Z")


def test_nothing_found(cloud, run):
    add(cloud, "public", 3)
    assert run(image_audit_info)["findings"] == []


def test_before_the_two_visibilities_existed(cloud, run):
    cloud.versions = ["v2.4", "v2.3"]
    add(cloud, "shared", 1)
    assert run(image_audit_info)["findings"] == []


def test_without_admin_it_says_so(cloud, run):
    cloud.roles = ["member"]
    found = run(image_audit_info)
    assert not found["complete"]
    assert "Without the role admin" in str(found["warnings"])


def test_without_v2_there_is_no_way_in(cloud, run):
    cloud.v2 = False
    assert "does not offer v2" in run(image_audit_info)["msg"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-11-21", "2026-11-21T00:00:00Z"),
        ("2026-11-21T06:30:00Z", "2026-11-21T06:30:00Z"),
        ("2026-11-21 07:30:00+01:00", "2026-11-21T06:30:00Z"),
    ],
)
def test_moments(text, wanted):
    assert _images.moment(text) == wanted


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "21.11.2026"])
def test_no_moments(text):
    with pytest.raises(GlanceError, match="no ISO 8601"):
        _images.moment(text)
