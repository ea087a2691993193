# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.modules import images_api_info


def test_both_versions_behind_an_entry_that_ends_in_v1(cloud, run):
    found = run(images_api_info)
    assert (found["changed"], found["v1"], found["v2"]) == (False, True, True)
    assert found["url"] == cloud.url
    assert found["highest_minor"] == "2.6"
    assert found["import_methods"] == ["glance-direct"]
    assert found["stores"] == []
    entry = next(each for each in found["catalogue"] if each["interface"] == "public")
    assert (entry["version"], entry["versionless"], entry["url_versionless"]) == ("v1", False, cloud.url)
    assert found["catalogue_changes"] == [
        {
            "id": "e-public",
            "interface": "public",
            "region": "One",
            "url_before": cloud.url + "/v1",
            "url_after": cloud.url,
        }
    ]
    # Both interfaces lead to one address: it is asked once.
    assert [each["url"] for each in found["endpoints"]] == [cloud.url]
    assert found["endpoints"][0]["v2"] == {"answers": True, "status": 200, "protected": True}


@pytest.mark.parametrize(("v1", "v2"), [(True, False), (False, True), (False, False)])
def test_a_missing_version_is_an_answer(cloud, run, v1, v2):
    cloud.v1, cloud.v2 = v1, v2
    found = run(images_api_info)
    assert not found.get("failed")
    assert (found["v1"], found["v2"]) == (v1, v2)
    assert found["endpoints"][0]["reachable"]
    assert (found["highest_minor"] is not None) == v2


def test_an_open_glance_is_told(cloud, run):
    cloud.protected = False
    assert run(images_api_info)["endpoints"][0]["v2"]["protected"] is False


def test_single_hosts_beside_the_catalogue(cloud, run):
    found = run(images_api_info, endpoints=["http://127.0.0.1:9/v2", cloud.url + "/v2/"])
    gone = next(each for each in found["endpoints"] if each["source"] == "argument")
    assert (gone["url"], gone["reachable"]) == ("http://127.0.0.1:9", False)
    assert "got no answer" in gone["error"]
    assert len(found["endpoints"]) == 2


def test_a_broken_version_is_told_by_its_status(cloud, run):
    cloud.faults["GET /v1/images"] = 503
    found = run(images_api_info)
    assert found["endpoints"][0]["v1"] == {"answers": False, "status": 503, "protected": None}
    assert found["v2"]


def test_no_entry_for_the_interface(run):
    found = run(images_api_info, interface="admin")
    assert (found["url"], found["v2"]) == (None, False)
    assert found["endpoints"][0]["v2"]["answers"]


def test_other_regions_are_listed_and_left_alone(cloud, run):
    cloud.add_endpoint("e-two", "public", "http://127.0.0.1:9/v1")
    cloud.endpoints["e-two"].update(region="Two", region_id="Two")
    found = run(images_api_info, region_name="One")
    assert [each["id"] for each in found["catalogue"]] == ["e-internal", "e-public", "e-two"]
    assert [each["id"] for each in found["catalogue_changes"]] == ["e-public"]
    assert [each["url"] for each in found["endpoints"]] == [cloud.url]
    everywhere = run(images_api_info)
    assert [each["id"] for each in everywhere["catalogue_changes"]] == ["e-public", "e-two"]


def test_catalogue_not_asked(cloud, run):
    found = run(images_api_info, catalogue=False)
    assert found["endpoints"] == []
    assert found["catalogue_changes"]
    assert not any("/v2" in request for request in cloud.requests)


def test_refused_credentials(cloud, run):
    found = run(images_api_info, password="wrong horse")
    assert found["failed"]
    assert f"Keystone at {cloud.url}/identity/v3 refused the credentials of user admin" in found["msg"]


def test_unreachable_keystone(run):
    auth = {"auth_url": "http://127.0.0.1:9/v3", "username": "somebody", "password": "hidden horse"}
    found = run(images_api_info, auth={**auth, "project_name": "p"})
    assert found["failed"]
    assert "Keystone at http://127.0.0.1:9/v3 cannot be used" in found["msg"]
    assert "hidden horse" not in str(found)


def test_unknown_cloud(run):
    found = run(images_api_info, cloud="nowhere")
    assert found["failed"]
    assert "nowhere" in found["msg"]


@pytest.mark.parametrize(
    ("url", "root", "version"),
    [
        ("http://h:9292", "http://h:9292", None),
        ("http://h:9292/", "http://h:9292", None),
        ("http://h:9292/v1", "http://h:9292", "v1"),
        ("http://h:9292/v2.6/", "http://h:9292", "v2.6"),
        ("https://h/image/v2", "https://h/image", "v2"),
        ("https://h/v1-images", "https://h/v1-images", None),
    ],
)
def test_versions_in_addresses(url, root, version):
    assert _images.versionless(url) == root
    assert _images.version_in(url) == version


@pytest.mark.parametrize(
    ("listed", "highest"),
    [
        ([("v2.9", "CURRENT"), ("v2.10", "SUPPORTED")], "2.10"),
        ([("v1.1", "SUPPORTED")], None),
        # Ussuri with several stores.
        ([("v2.1", "CURRENT"), ("v2.9", "SUPPORTED"), ("v2.1", "SUPPORTED")], "2.10"),
    ],
)
def test_highest_minor(listed, highest):
    assert _images.highest_minor([{"id": name, "status": status} for name, status in listed]) == highest
