# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several stores: what is written, what is refused, and which images would be left behind."""

from __future__ import annotations

import re

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _stores

from .config_checks import CONF, surveyed

IMAGES = "/var/lib/glance/images"
DISK = {"name": "disk", "type": "file", "options": {"filesystem_store_datadir": IMAGES}}
SLOW = {"name": "slow", "type": "file", "options": {"filesystem_store_datadir": "/srv/slow"}}
WEB = {"name": "web", "type": "http"}
SEVERAL = f"""[DEFAULT]
enabled_backends = disk:file,slow:file
[glance_store]
default_backend = disk
[disk]
filesystem_store_datadir = {IMAGES}
[slow]
filesystem_store_datadir = /srv/slow
"""


def store(**facts):
    return {"options": None, "secrets": None, "description": None, "weight": None, **facts}


def decide(text, *stores, release="25.1", default=None, accept=(), **more):
    arguments = {
        "stores": [store(**each) for each in stores], "default_backend": default or stores[0]["name"],
        "staging_datadir": None, "tasks_datadir": None, "worker_self_reference_url": None,
        "accept_unreachable": list(accept), **more,
    }  # fmt: skip
    return _stores.decide(surveyed(text), _catalogue.release("glance", release), arguments)


def written(decision):
    """What becomes of each option: its value, None for one that goes, or where it comes from."""
    return {
        f"{each['section']}/{each['option']}": each.get("value") or each.get("secret_value") or each.get("renamed_from")
        for change in decision.changes
        for each in change["options"]
    }


# -- what is written --------------------------------------------------------------------------------------------------


def test_two_stores_of_a_glance_that_says_nothing():
    decision = decide("", DISK, SLOW, WEB)
    assert written(decision) == {
        "DEFAULT/enabled_backends": "disk:file,slow:file,web:http",
        "glance_store/default_backend": "disk",
        "disk/filesystem_store_datadir": IMAGES,
        "slow/filesystem_store_datadir": "/srv/slow",
    }
    assert [change["path"] for change in decision.changes] == [CONF]
    assert decision.migrated
    assert decision.directories[:2] == [IMAGES, "/srv/slow"]


def test_what_is_there_already_is_not_written():
    decision = decide(SEVERAL, DISK, SLOW)
    assert (decision.changes, decision.migrated) == ([], False)


def test_only_what_differs_is_written_and_null_removes():
    text = SEVERAL + "store_description = old\nfilesystem_store_chunk_size = 1\n"
    slow = {**SLOW, "options": {"filesystem_store_chunk_size": None}, "description": "new", "weight": 5}
    assert written(decide(text, DISK, slow, release="33.0.0")) == {
        "slow/store_description": "new",
        "slow/filesystem_store_chunk_size": None,
        "slow/weight": "5",
    }


def test_the_api_s_own_file_is_written_where_another_is_read_first():
    service = surveyed(SEVERAL, files={})
    service["config_files"] = ["/etc/glance/glance-image-import.conf", CONF]
    arguments = {
        "stores": [store(**DISK), store(**SLOW, weight=None), store(**WEB)], "default_backend": "disk", "staging_datadir": None,
        "tasks_datadir": "/srv/tasks", "worker_self_reference_url": "http://ctl1:9292", "accept_unreachable": [],
    }  # fmt: skip
    decision = _stores.decide(service, _catalogue.release("glance", "25.1"), arguments)
    assert {change["path"] for change in decision.changes} == {CONF}
    assert "os_glance_tasks_store/filesystem_store_datadir" in written(decision)
    assert written(decision)["DEFAULT/worker_self_reference_url"] == "http://ctl1:9292"


def test_secrets_are_written_apart_and_literally():
    s3 = {
        "name": "objects", "type": "s3", "options": {"s3_store_host": "https://s3", "s3_store_bucket": "glance"},
        "secrets": {"s3_store_access_key": "me", "s3_store_secret_key": "a$b"},
    }  # fmt: skip
    options = [each for change in decide(SEVERAL, DISK, SLOW, s3).changes for each in change["options"]]
    secret = next(each for each in options if each["option"] == "s3_store_secret_key")
    assert secret == {"section": "objects", "option": "s3_store_secret_key", "secret_value": "a$b", "literal": True}


# -- from a single store ----------------------------------------------------------------------------------------------

RBD = """[glance_store]
stores = rbd,http
default_store = rbd
rbd_store_pool = glance-images
rbd_store_user = glance
rbd_store_ceph_conf = /etc/ceph/ceph.conf
"""


def test_the_store_in_its_place_takes_over_what_the_single_store_had():
    decision = decide(RBD, {"name": "ceph", "type": "rbd", "options": {"rbd_store_user": "images"}}, WEB)
    assert decision.taken_over == {"ceph": ["rbd_store_ceph_conf", "rbd_store_pool"]}
    assert written(decision) == {
        "DEFAULT/enabled_backends": "ceph:rbd,web:http",
        "glance_store/default_backend": "ceph",
        "glance_store/stores": None,
        "glance_store/default_store": None,
        "ceph/rbd_store_ceph_conf": "glance_store/rbd_store_ceph_conf",
        "ceph/rbd_store_pool": "glance_store/rbd_store_pool",
        "glance_store/rbd_store_user": None,
        "ceph/rbd_store_user": "images",
    }


@pytest.mark.parametrize(
    ("text", "stores", "place"),
    [
        ("", [SLOW, WEB], "[glance_store] filesystem_store_datadir = /var/lib/glance/images (by default)"),
        (
            "[glance_store]\nfilesystem_store_datadir = /srv/old\n",
            [DISK, WEB],
            f"[glance_store] filesystem_store_datadir = /srv/old ({CONF}:2)",
        ),
        (RBD, [{"name": "ceph", "type": "rbd", "options": {"rbd_store_pool": "new"}}, WEB], f"glance-images ({CONF}:4)"),
        (RBD, [{"name": "ceph", "type": "rbd"}], f"[glance_store] stores = rbd,http ({CONF}:2) holds http"),
        ("[glance_store]\nstores = vmware\n", [DISK], "holds vmware_datastore"),
        (
            "[glance_store]\nstores = file\nfilesystem_store_datadirs = /srv/a:1\nfilesystem_store_datadirs = /srv/slow:2\n",
            [SLOW],
            f"filesystem_store_datadirs = /srv/a:1 ({CONF}:3)",
        ),
        ("[glance_store]\nstores = cinder\ncinder_volume_type = fast\n", [{"name": "c", "type": "cinder", "options":
         {"cinder_volume_type": "slow"}}], f"cinder_volume_type = fast ({CONF}:3)"),
    ],
)  # fmt: skip
def test_images_that_would_be_left_behind(text, stores, place):
    with pytest.raises(GlanceError, match=re.escape(place)) as caught:
        decide(text, *stores)
    assert "accept_unreachable: [" in caught.value.message
    assert "FROM image_locations" in caught.value.message


def test_leaving_them_behind_can_be_accepted_by_type():
    assert decide("", SLOW, accept=["file", "http"]).migrated


def test_several_directories_become_a_store_each():
    text = (
        "[glance_store]\nstores = file\nfilesystem_store_datadirs = /srv/a:1\nfilesystem_store_datadirs = /srv/slow\n"
    )
    first = {"name": "a", "type": "file", "options": {"filesystem_store_datadir": "/srv/a/"}}
    decision = decide(text, first, SLOW, DISK)
    assert (decision.migrated, decision.taken_over) == (True, {})


SWIFT = """[glance_store]
stores = swift
swift_store_auth_address = https://keystone/v3
swift_store_user = service:glance
swift_store_key = ********
"""


def test_keys_in_addresses_are_taken_over_and_cannot_be_given_meanwhile():
    decision = decide(SWIFT, {"name": "objects", "type": "swift"})
    assert written(decision)["objects/swift_store_key"] == "glance_store/swift_store_key"
    with pytest.raises(GlanceError, match=rf"takes swift_store_key over from \[glance_store\] \({CONF}:5\)"):
        decide(SWIFT, {"name": "objects", "type": "swift", "secrets": {"swift_store_key": "k"}})


def test_staged_images_stay_where_they_are():
    text = "[DEFAULT]\nnode_staging_uri = file:///srv/staging/\n"
    decision = decide(text, DISK, WEB)
    assert written(decision)["os_glance_staging_store/filesystem_store_datadir"] == "/srv/staging"


# -- stores that leave ------------------------------------------------------------------------------------------------


def test_a_store_does_not_leave_the_list_by_itself():
    with pytest.raises(GlanceError, match=rf"enabled_backends \({CONF}:2\) has the store slow:file.*slow"):
        decide(SEVERAL, DISK)
    assert written(decide(SEVERAL, DISK, accept=["slow"])) == {"DEFAULT/enabled_backends": "disk:file"}


def test_a_store_may_get_another_name_but_not_another_type():
    assert written(decide(SEVERAL, DISK, {**SLOW, "name": "cold"}))["DEFAULT/enabled_backends"] == "disk:file,cold:file"
    with pytest.raises(GlanceError, match="has the store slow:file"):
        decide(SEVERAL, DISK, {"name": "slow", "type": "rbd"})


def test_another_name_for_a_store_with_keys_in_its_addresses():
    text = "[DEFAULT]\nenabled_backends = a:s3\n[a]\ns3_store_host = s3\ns3_store_bucket = b\n"
    new = {
        "name": "b", "type": "s3", "options": {"s3_store_host": "s3", "s3_store_bucket": "b"},
        "secrets": {"s3_store_access_key": "a", "s3_store_secret_key": "b"},
    }  # fmt: skip
    with pytest.raises(GlanceError, match="has the store a:s3"):
        decide(text, new)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stores", "message"),
    [
        ([{"name": "a", "type": "vmware"}], "Types: file, rbd, swift, s3, cinder, http"),
        ([{"name": "a", "type": "file", "options": {"filesystem_store_datadirs": "/a:1"}}], "Make a store of each directory"),
        ([{"name": "a", "type": "file", "options": {"filesystem_datadir": "/a"}}], "Did you mean filesystem_store_datadir"),
        ([{"name": "a", "type": "rbd", "options": {"filesystem_store_datadir": "/a"}}], "stores of type rbd have no option"),
        ([{"name": "a", "type": "rbd", "options": {"rbd_store_chunk_size": "big"}}], "rbd_store_chunk_size = big is refused"),
        ([{"name": "a", "type": "rbd", "options": {"rbd_store_user": "$nobody"}}], r"rbd_store_user = \$nobody is refused"),
        ([{"name": "a", "type": "rbd", "weight": 3}], r"has no weight, which came with Glance 27 \(2023.2\)"),
        ([{"name": "a", "type": "s3", "options": {"s3_store_host": "s3"}}], "lacks s3_store_bucket, s3_store_access_key"),
        ([{"name": "a", "type": "s3", "options": {"s3_store_secret_key": "x"}}], "Give it in secrets"),
        ([{"name": "a", "type": "swift", "options": {"swift_store_auth_address": "k"}}], "lacks swift_store_user"),
        ([{"name": "a b", "type": "rbd"}], "enabled_backends cannot hold"),
        ([{"name": "os_glance_a", "type": "rbd"}], "are Glance's own"),
        ([{"name": "Database", "type": "rbd"}], "is a section of Glance's own"),
        ([{"name": "a", "type": "rbd"}, {"name": "A", "type": "rbd"}], "is given twice"),
        ([{"name": "web", "type": "http"}], "can only be read"),
    ],
)  # fmt: skip
def test_refused(stores, message):
    with pytest.raises(GlanceError, match=message):
        decide("", *stores, accept=["file", "http"])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (IMAGES, "share a directory"),
        (f"{IMAGES}/slow", "share a directory"),
        ("/var/lib/glance/image", "letter by letter"),
    ],
)
def test_directories_that_glance_would_confuse(other, message):
    with pytest.raises(GlanceError, match=message):
        decide("", DISK, {**SLOW, "options": {"filesystem_store_datadir": other}}, WEB)


def test_a_default_that_is_no_store():
    with pytest.raises(GlanceError, match="is gone, which is none of disk"):
        decide("", DISK, default="gone")


@pytest.mark.parametrize(
    ("release", "message"),
    [("15.0.2", "knows a single store"), ("18", "as an experiment only"), ("21", "It came with Glance 22")],
)
def test_releases_that_cannot(release, message):
    with pytest.raises(GlanceError, match=message):
        decide("", DISK, WEB, release=release, worker_self_reference_url="http://ctl1:9292")


def test_an_environment_that_overrides_files():
    service = surveyed("")
    service["environment"] = {"OS_DEFAULT__ENABLED_BACKENDS": "a:file"}
    arguments = {"stores": [store(**DISK)], "default_backend": "disk", "accept_unreachable": ["a"], "staging_datadir": None,
                 "tasks_datadir": None, "worker_self_reference_url": None}  # fmt: skip
    with pytest.raises(GlanceError, match="overrides every file"):
        _stores.decide(service, _catalogue.release("glance", "25.1"), arguments)
