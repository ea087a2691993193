# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.modules import image_round_trip


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("size", [1, 65536, 200_001])
def test_round_trip(cloud, run, version, size):
    found = run(image_round_trip, api_version=version, size=size)
    assert (found["changed"], found["ran"], found["leftovers"]) == (False, True, [])
    trip = found["endpoints"][0]
    assert (trip["ok"], trip["error"], trip["cleaned"]) == (True, None, True)
    assert [step["name"] for step in trip["steps"]] == list(_images.STEPS[version])
    assert len(cloud.data[trip["image_id"]]) == size
    assert cloud.images == {}


def test_every_address_is_tried(cloud, run):
    found = run(image_round_trip, endpoints=["http://127.0.0.1:9", cloud.url])
    assert found["failed"]
    assert [trip["ok"] for trip in found["endpoints"]] == [False, True]
    assert "1 of 2 addresses" in found["msg"]
    # Nothing answers there, so nobody can say whether an image stayed behind.
    assert found["leftovers"][0]["url"] == "http://127.0.0.1:9"


@pytest.mark.parametrize("version", [1, 2])
def test_other_bytes_come_back(cloud, run, version):
    cloud.spoil = lambda data: data[:-1] + bytes([data[-1] ^ 1])
    found = run(image_round_trip, api_version=version)
    assert found["failed"]
    assert "came back different" in found["msg"]
    assert found["leftovers"] == []
    assert cloud.images == {}


@pytest.mark.parametrize("fault", ["POST /v2/images", "PUT /v2/images/.*/file", "GET /v2/images/.*"])
def test_cleans_up_after_a_refusal(cloud, run, fault):
    cloud.faults[fault] = 500
    found = run(image_round_trip)
    assert found["failed"]
    assert "was answered 500" in found["msg"]
    assert "<b>" not in found["msg"]
    assert found["leftovers"] == []
    assert cloud.images == {}


def test_names_what_it_could_not_delete(cloud, run):
    cloud.faults["DELETE /v2/images/.*"] = 409
    found = run(image_round_trip)
    assert found["failed"]
    assert found["changed"]
    (image_id,) = cloud.images
    assert found["leftovers"][0]["image_id"] == image_id
    assert image_id in found["msg"]


def test_missing_version_fails_clearly(cloud, run):
    cloud.v2 = False
    found = run(image_round_trip)
    assert "POST" in found["msg"] and "answered 300 instead of 201" in found["msg"]


def test_check_mode_makes_nothing(cloud, run):
    found = run(image_round_trip, check=True)
    assert (found["changed"], found["ran"]) == (False, False)
    assert "Check mode" in found["msg"]
    assert not any(request.startswith("POST /v") for request in cloud.requests)


def test_no_time_left(run):
    found = run(image_round_trip, timeout=0)
    assert "time was up" in found["msg"]


@pytest.mark.parametrize("size", [0, -1])
def test_impossible_size(run, size):
    assert "at least 1 byte" in run(image_round_trip, size=size)["msg"]


def test_body_is_of_its_size_and_never_repeats():
    body = _images.RandomBody(3 * _images.BLOCK + 5)
    blocks = []
    while block := body.read(1 << 20):
        blocks.append(block)
    assert sum(map(len, blocks)) == len(body)
    assert len(set(blocks)) == len(blocks)
