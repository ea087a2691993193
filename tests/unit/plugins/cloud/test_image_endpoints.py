# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.modules import image_endpoints


@pytest.fixture
def wanted(cloud):
    cloud.add_endpoint("e-admin", "admin", cloud.url + "/v1")
    return [
        {"id": each, "url_before": cloud.url + "/v1", "url_after": cloud.url, "interface": "x", "region": "One"}
        for each in ("e-public", "e-admin")
    ]


def urls(cloud):
    return [cloud.endpoints[each]["url"] for each in ("e-public", "e-admin")]


def patches(cloud):
    return [request for request in cloud.requests if request.startswith("PATCH")]


def test_check_do_check_do_and_undo(cloud, run, wanted):
    versioned = urls(cloud)
    check = run(image_endpoints, check=True, endpoints=wanted)
    assert check["changed"] and urls(cloud) == versioned and not patches(cloud)
    done = run(image_endpoints, endpoints=wanted)
    assert done["changed"] and urls(cloud) == [cloud.url] * 2
    assert [each["url"] for each in done["before"]] == versioned
    assert done["diff"] == check["diff"]
    assert [each["id"] for each in done["after"]] == ["e-public", "e-admin"]
    for check_mode in (True, False):
        assert not run(image_endpoints, check=check_mode, endpoints=wanted)["changed"]
    assert len(patches(cloud)) == 2
    undone = run(image_endpoints, endpoints=wanted, direction="undo")
    assert undone["changed"] and urls(cloud) == versioned
    assert not run(image_endpoints, endpoints=wanted, direction="undo")["changed"]


def test_somebody_else_changed_one(cloud, run, wanted):
    cloud.endpoints["e-admin"]["url"] = "http://elsewhere:9292"
    found = run(image_endpoints, endpoints=wanted)
    assert found["failed"]
    assert "http://elsewhere:9292" in found["msg"]
    assert not patches(cloud)


def test_another_service(cloud, run, wanted):
    found = run(image_endpoints, endpoints=[{**wanted[0], "id": "e-nova"}])
    assert "'compute'" in found["msg"]
    assert not patches(cloud)


def test_no_such_endpoint(run, wanted):
    found = run(image_endpoints, endpoints=[{**wanted[0], "id": "e-gone"}])
    assert "answered 404 instead of 200" in found["msg"]


def test_a_refusal_half_way_is_taken_back(cloud, run, wanted):
    versioned = urls(cloud)
    cloud.faults["PATCH /identity/v3/endpoints/e-admin"] = 403
    found = run(image_endpoints, endpoints=wanted)
    assert found["failed"]
    assert urls(cloud) == versioned


def test_no_address(run, wanted):
    found = run(image_endpoints, endpoints=[{**wanted[0], "url_after": "glance:9292"}])
    assert "must begin with http" in found["msg"]


def test_twice_the_same(run, wanted):
    assert "stands twice" in run(image_endpoints, endpoints=[wanted[0], wanted[0]])["msg"]
