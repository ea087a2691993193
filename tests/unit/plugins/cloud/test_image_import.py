# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image is made of a source, verified, and nothing half-made stays."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_content, _image_make
from ansible_collections.stackops.glance.plugins.modules import image_import as module

DATA = bytes(range(256)) * 5000
OLD = "11111111-2222-4333-8444-555555555555"
Importer = Callable[..., dict[str, Any]]


@pytest.fixture(name="go")
def fixture_go(cloud: Any, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Importer:
    """Run the module on the image "one", by default out of a raw file with DATA."""
    monkeypatch.setattr(_image_make, "PAUSE", 0.01)
    monkeypatch.setattr(_image_make, "CLEANING", 0.2)
    cloud.schema.update(os_hash_algo={}, min_disk={}, name={})
    cloud.stores = [{"id": "fast", "default": "true"}, {"id": "slow"}, {"id": "web", "read-only": "true"}]
    cloud.methods = ["glance-direct", "web-download", "glance-download"]
    path = tmp_path / "one.raw"
    path.write_bytes(DATA)

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {
            "endpoint": cloud.url,
            "image": "one",
            "timeout": 3,
            "disk_format": "raw",
            "file": str(path),
            **arguments,
        }
        if {"url", "from_glance"} & arguments.keys():
            given.pop("file")
        return run(module, check, **{name: value for name, value in given.items() if value is not None})

    return call


def states(found: dict[str, Any]) -> list[str]:
    return [each["status"] for each in found["history"]]


def only(cloud: Any) -> dict[str, Any]:
    [image] = cloud.images.values()
    return dict(image)


def old(cloud: Any, **more: Any) -> dict[str, Any]:
    """An image "one" that is there already."""
    digest = hashlib.sha512(DATA).hexdigest()
    image = {
        "id": OLD, "name": "one", "owner": "p", "status": "active", "visibility": "private", "protected": False, "size": 1,
        "created_at": "2026-11-01T00:00:00Z", "disk_format": "raw", "container_format": "bare", "tags": ["a"], "kept": "yes",
        "os_hash_algo": "sha512", "os_hash_value": digest, "stores": "fast", **more,
    }  # fmt: skip
    cloud.images[OLD] = image
    return image


def marked(cloud: Any, until: float = 600, pid: int | None = None, host: str = "elsewhere", **more: Any) -> None:
    mark = f"{host} {pid or 1} 1 {int(time.time() + until)}"
    old(cloud, **{_image_make.MARKER: mark, **more})


def test_check_do_check_do(cloud: Any, go: Importer) -> None:
    wanted = {
        "stores": ["fast", "slow"],
        "properties": {"hw_x": True},
        "tags": ["b", "a"],
        "visibility": "public",
        "protected": True,
    }
    found = go(check=True, **wanted)
    assert found["changed"] and cloud.images == {} and "+" not in found["diff"]["before"]
    assert found["image"]["hw_x"] == "true" and _image_make.MARKER not in found["image"]
    found = go(**wanted)
    assert found["changed"] and states(found) == ["waiting", "uploading", "verifying", "success"]
    assert found["attempts"] == 1 and found["replaced"] is None and found["status"] == "success"
    image = only(cloud)
    assert (
        image["visibility"] == "public"
        and image["protected"]
        and image["hw_x"] == "true"
        and image["status"] == "active"
    )
    assert _image_make.MARKER not in image and cloud.data[image["id"]] == DATA
    assert cloud.imports == [
        {"method": {"name": "glance-direct"}, "stores": ["fast", "slow"], "all_stores_must_succeed": True}
    ]
    for check in (True, False):
        found = go(check=check, **wanted)
        assert not found["changed"] and found["diff"]["before"] == found["diff"]["after"] and found["history"] == []
    assert len(cloud.imports) == 1


def test_the_image_is_not_shown_before_the_end(cloud: Any, go: Importer) -> None:
    seen: list[dict[str, Any]] = []
    cloud.importer = lambda image: seen.append(dict(image)) or image.update(status="queued")
    go(visibility="public", protected=True)
    assert seen[0]["visibility"] == "private" and not seen[0]["protected"] and _image_make.MARKER in seen[0]
    assert cloud.images == {}


def test_a_plain_upload_names_its_store_in_the_header_alone(cloud: Any, go: Importer) -> None:
    cloud.methods = []
    assert go(stores=["slow"])["changed"]
    assert cloud.imports == [] and any(each.endswith("/file") for each in cloud.requests)
    assert "goes into one store" in go(image="two", all_stores=True)["msg"]


def test_only_what_differs_is_patched(cloud: Any, go: Importer) -> None:
    old(cloud)
    found = go(min_disk=2, tags=["a"], properties={"hw_x": 1})
    assert found["changed"] and only(cloud)["min_disk"] == 2 and only(cloud)["kept"] == "yes"
    assert only(cloud)["visibility"] == "private" and only(cloud)["hw_x"] == "1"
    assert "hw_x: 1" in found["diff"]["after"] and "hw_x" not in found["diff"]["before"]
    assert not go(min_disk=2, tags=["a"], properties={"hw_x": 1})["changed"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"stores": ["tape"]}, "stores names 'tape', which does not exist at"),
        ({"stores": ["web"]}, "stores names 'web', which is read-only"),
        ({"stores": ["fast"], "all_stores": True}, "Give one of them"),
        ({"disk_format": "qcow2"}, "disk_format is qcow2, and the content is nothing that is known"),
        ({"disk_format": None}, "cannot be told from the content"),
        ({"container_format": "ovf", "disk_format": "raw"}, "container_format is ovf, and this Glance has: bare"),
        ({"checksum": "sha256:12"}, "Write it as sha256:"),
        ({"checksum": "md5:" + 32 * "0"}, "Get the file again; nothing was sent"),
        ({"file": "/nowhere"}, "cannot be read: No such file"),
        ({"properties": {"name": "x"}}, "which are no custom properties"),
        ({"url": "ftp://x/y"}, "begins with http:// or https://"),
        ({"url": "http://x/y", "disk_format": None}, "disk_format is not given"),
        (
            {"from_glance": {"region": "Two", "image": OLD}},
            "region is Two, and the service catalogue has public endpoints",
        ),
        ({"image": OLD}, "There is no image"),
    ],
)
def test_bad_input_is_refused_before_anything_is_made(
    cloud: Any, go: Importer, given: dict[str, Any], message: str
) -> None:
    assert message in go(**given)["msg"]
    assert cloud.images == {} and not any(each.startswith(("POST /v2", "PUT")) for each in cloud.requests)


def test_content_is_refused_unless_forced(cloud: Any, go: Importer, tmp_path: Path) -> None:
    movie = tmp_path / "movie.raw"
    movie.write_bytes(b"\0\0\0\x18ftypmp42" + DATA)
    found = go(file=str(movie))
    assert "MP4" in found["msg"] and found["content"]["other"] and cloud.images == {}
    found = go(file=str(movie), force=True)
    assert found["changed"] and "MP4" in str(found["warnings"])


def test_without_oslo_utils_force_sends_unseen(cloud: Any, go: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_image_content, "INSPECTOR", None)
    assert "oslo.utils 7.4.0" in go()["msg"]
    assert go(force=True)["changed"]


def test_other_data_under_the_name_are_an_error(cloud: Any, go: Importer) -> None:
    old(cloud, os_hash_value="0" * 128)
    assert "with other data" in go()["msg"] and only(cloud)["id"] == OLD


def test_stores_that_lack_an_image_that_is_there_are_named(cloud: Any, go: Importer) -> None:
    old(cloud)
    for wanted in ({"all_stores": True}, {"stores": ["fast", "slow"]}):
        found = go(**wanted)
        assert not found["changed"] and f"Image {OLD} is not in slow. stackops.glance.image_copy" in str(
            found["warnings"]
        )


def test_an_image_without_a_multihash_is_compared_by_md5(cloud: Any, go: Importer) -> None:
    old(cloud, os_hash_value=None, checksum=hashlib.md5(DATA, usedforsecurity=False).hexdigest())
    assert not go()["changed"]
    cloud.images[OLD]["checksum"] = None
    assert "keeps no hash" in go()["msg"]


def test_an_old_glance_is_sent_to_and_verified_by_md5(cloud: Any, go: Importer) -> None:
    cloud.schema.pop("os_hash_algo")
    cloud.stores, cloud.methods = [], []
    found = go()
    assert found["changed"] and "os_hash_value" not in only(cloud) and "stackops_glance_source" not in only(cloud)
    assert not go()["changed"]
    assert "has a single store" in go(image="two", stores=["fast"])["msg"]


def test_damage_on_the_way_is_found_and_deleted(cloud: Any, go: Importer) -> None:
    cloud.importer = lambda image: image.update(
        status="active", size=1, stores="fast", os_hash_algo="sha512", os_hash_value="0" * 128
    )
    found = go()
    assert "does not hold what was sent" in found["msg"] and "was deleted" in found["msg"]
    assert found["status"] == "failure" and not found["changed"] and cloud.images == {}


def test_a_failed_import_says_why_and_is_deleted(cloud: Any, go: Importer) -> None:
    cloud.importer = lambda image: image.update(status="importing", os_glance_failed_import="slow")
    found = go(stores=["fast", "slow"])
    assert "into image" in found["msg"] and "in slow" in found["msg"] and cloud.images == {}
    assert states(found)[-1] == "failure"


def test_a_store_that_may_fail_is_a_warning(cloud: Any, go: Importer) -> None:
    digest = hashlib.sha512(DATA).hexdigest()
    cloud.importer = lambda image: image.update(
        status="active",
        size=1,
        stores="fast",
        os_glance_failed_import="slow",
        os_hash_algo="sha512",
        os_hash_value=digest,
    )
    found = go(stores=["fast", "slow"], all_stores_must_succeed=False)
    assert found["changed"] and "could not be brought into slow" in str(found["warnings"])
    assert not cloud.imports[0]["all_stores_must_succeed"]


def test_an_import_that_does_not_end_is_deleted(cloud: Any, go: Importer) -> None:
    cloud.importer = lambda image: image.update(status="importing", os_glance_import_task="t")
    found = go(file=None, url="http://x/y", timeout=1)
    assert "was not over after 1 s" in found["msg"] and "was deleted" in found["msg"] and cloud.images == {}


def test_an_image_deleted_meanwhile_is_said(cloud: Any, go: Importer) -> None:
    cloud.importer = lambda image: cloud.images.pop(image["id"])
    assert "deleted by somebody else" in go()["msg"]


def test_a_lost_connection_starts_again_from_zero(cloud: Any, go: Importer) -> None:
    cloud.faults = {"PUT .*/stage": 503}
    found = go(retries=2)
    assert found["attempts"] == 3 and cloud.images == {} and "answered 503" in found["msg"]
    assert sum(each.startswith("POST /v2/images") for each in cloud.requests) == 3
    cloud.faults = {"PUT .*/stage": 413}
    cloud.requests.clear()
    assert "answered 413" in go()["msg"]
    assert sum(each.startswith("POST /v2/images") for each in cloud.requests) == 1


def test_what_cannot_be_deleted_is_said(cloud: Any, go: Importer) -> None:
    cloud.faults = {"PUT .*/stage": 400, "DELETE .*": 503}
    found = go()
    assert "could not be deleted; the next run does that" in found["msg"] and found["changed"]


def test_a_run_that_was_killed_is_made_good(cloud: Any, go: Importer) -> None:
    marked(cloud, until=-1, status="uploading")
    assert go(check=True)["replaced"] == OLD and only(cloud)["id"] == OLD
    found = go()
    assert found["changed"] and found["replaced"] == OLD and only(cloud)["id"] == found["image_id"] != OLD


def test_a_dead_process_of_this_machine_is_known(cloud: Any, go: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_image_make.socket, "gethostname", lambda: "here")
    marked(cloud, host="here", pid=os.getpid(), status="queued")  # it began at another time than this one
    assert go()["replaced"] == OLD


def test_a_run_that_may_be_alive_is_left_in_peace(cloud: Any, go: Importer) -> None:
    marked(cloud, status="uploading")
    found = go()
    assert "another run on elsewhere" in found["msg"] and "take_over" in found["msg"] and only(cloud)["id"] == OLD
    assert go(take_over=True)["replaced"] == OLD


def test_an_import_under_way_is_waited_for(cloud: Any, go: Importer) -> None:
    marked(cloud, status="active", os_glance_importing_to_stores="")
    found = go()
    assert found["changed"] and found["replaced"] is None and found["image_id"] == OLD
    assert _image_make.MARKER not in only(cloud) and cloud.imports == []


def test_an_import_of_an_earlier_run_is_not_deleted_when_only_this_run_s_time_is_up(cloud: Any, go: Importer) -> None:
    marked(cloud, status="importing", os_glance_import_task="t")
    cloud.faults = {"GET /v2/tasks/t": 403}
    found = go(timeout=1)
    assert "it was left as it is" in found["msg"] and only(cloud)["id"] == OLD


def test_what_others_left_half_way_is_not_touched(cloud: Any, go: Importer) -> None:
    old(cloud, status="queued")
    assert "was not begun by this module" in go()["msg"] and only(cloud)["status"] == "queued"


def test_of_two_runs_at_once_one_gives_way(cloud: Any, go: Importer) -> None:
    """The other image appears after this run has looked and before it has created its own."""
    cloud.images[OLD] = old(cloud, name="other")
    cloud.importer = lambda image: cloud.images[OLD].update(name="one")
    digest = hashlib.sha512(DATA).hexdigest()
    importer = cloud.importer
    cloud.importer = lambda image: (
        importer(image), image.update(status="active", size=1, os_hash_algo="sha512", os_hash_value=digest)
    )  # fmt: skip
    found = go()
    assert "Another run made image" in found["msg"] and found["duplicates"] == [OLD]
    assert only(cloud)["id"] == OLD


def test_duplicates_are_listed(cloud: Any, go: Importer) -> None:
    old(cloud)
    cloud.images["x"] = {**cloud.images[OLD], "id": "x"}
    assert go()["duplicates"] == [OLD, "x"]


def test_a_url_is_verified_by_any_hash(cloud: Any, go: Importer) -> None:
    url = "http://web.example/one.raw"
    cloud.web[url] = DATA
    good = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
    found = go(url=url, checksum=good)
    assert found["changed"] and cloud.imports[0]["method"] == {"name": "web-download", "uri": url}
    assert only(cloud)["stackops_glance_source"].startswith(good)
    downloads = sum(each.endswith("/file") for each in cloud.requests)
    assert downloads == 2  # its beginning, and all of it for a hash that Glance does not keep
    assert not go(url=url, checksum=good)["changed"] and not go(url=url)["changed"]
    assert sum(each.endswith("/file") for each in cloud.requests) == downloads
    assert "with other data" in go(url=url, checksum="sha256:" + 64 * "0")["msg"]
    found = go(image="two", url=url, checksum="sha256:" + 64 * "0")
    assert "does not hold what was sent" in found["msg"] and len(cloud.images) == 1


def test_what_a_url_brought_is_looked_at(cloud: Any, go: Importer) -> None:
    url = "http://web.example/one.raw"
    cloud.web[url] = b"<html><body>Please log in" + DATA
    assert "web page" in go(url=url)["msg"] and cloud.images == {}


def test_another_glance_says_what_the_image_is(cloud: Any, go: Importer) -> None:
    cloud.add_endpoint("e-two", "public", cloud.url)
    cloud.endpoints["e-two"].update(region="Two", region_id="Two")
    old(cloud, name="there")
    cloud.importer = lambda image: image.update(
        status="active", size=1, os_hash_algo="sha512", os_hash_value=cloud.images[OLD]["os_hash_value"]
    )
    source = {"region": "Two", "image": OLD}
    found = go(from_glance=source, disk_format=None)
    assert found["changed"] and found["image"]["disk_format"] == "raw"
    assert cloud.imports[0]["method"] == {
        "name": "glance-download", "glance_image_id": OLD, "glance_region": "Two", "glance_service_interface": "public",
    }  # fmt: skip
    assert not go(from_glance=source, disk_format=None)["changed"]
    assert "Leave it out" in go(from_glance=source, disk_format="qcow2")["msg"]


def test_a_conversion_is_refused_unless_accepted(cloud: Any, go: Importer) -> None:
    cloud.importer = lambda image: image.update(
        status="active", size=1, disk_format="qcow2", os_hash_algo="sha512", os_hash_value="1" * 128
    )
    assert "raw into qcow2" in go()["msg"] and cloud.images == {}
    found = go(accept_conversion=True)
    assert found["changed"] and "could not be verified" in str(found["warnings"])
    assert not go(accept_conversion=True)["changed"]


def test_a_slice_hands_over_and_the_next_goes_on(cloud: Any, go: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.stackops.glance.plugins.module_utils._slices.SECONDS", 0.2)
    cloud.importer = lambda image: image.update(status="importing", os_glance_import_task="t")
    found = go(_slice={"elapsed": 0.0, "state": {}})
    assert not found["changed"] and any("importing, in no store" in line for line in found["_slice"]["lines"])
    digest = hashlib.sha512(DATA).hexdigest()
    only_id = only(cloud)["id"]
    cloud.images[only_id].update(
        status="active", size=1, os_glance_import_task="", os_hash_algo="sha512", os_hash_value=digest
    )
    found = go(_slice={"elapsed": 0.3, "state": found["_slice"]["state"]})
    assert found["_slice"]["state"] is None and states(found) == ["waiting", "uploading", "verifying", "success"]
    assert only(cloud)["id"] == only_id and _image_make.MARKER not in only(cloud)


def test_a_keystone_that_is_away_between_slices_is_waited_for(cloud: Any, go: Importer) -> None:
    cloud.faults = {"POST /identity/.*": 503}
    state = {"image_id": OLD}
    found = go(_slice={"elapsed": 0.3, "state": state})
    assert found["_slice"]["state"] == state and "cannot be used" in found["_slice"]["lines"][0]
    assert go(_slice={"elapsed": 9.0, "state": state})["failed"]


def test_absent(cloud: Any, go: Importer) -> None:
    old(cloud, protected=True)
    assert "is protected" in go(state="absent")["msg"]
    cloud.images[OLD]["protected"] = False
    assert go(check=True, state="absent")["changed"] and cloud.images
    assert go(state="absent")["changed"] and cloud.images == {}
    assert not go(state="absent")["changed"]
