# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions about stores, imports and locations over a host whose modules are the real ones and whose files are real."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.action import (
    glance_image_locations,
    glance_import_methods,
    glance_stores,
)

from .real_host import Host, Run

SWIFT = """[DEFAULT]
debug = false
[glance_store]
stores = swift
default_store = swift
swift_store_auth_address = https://keystone/v3
swift_store_user = service:glance
swift_store_key = p4ssw0rd
"""


def twice(run: Run, host: Host, plugin: Any, release: str, **arguments: Any) -> dict[str, Any]:
    """Check, do, check, do; the answer to the first that did something."""
    before = host.snapshot()
    check = run(plugin, release, check=True, **arguments)
    assert not check.get("failed"), check["msg"]
    assert check["changed"] and host.snapshot() == before
    done = run(plugin, release, **arguments)
    assert done["changed"] and done["diff"] == check["diff"]
    after = host.snapshot()
    assert not run(plugin, release, check=True, **arguments)["changed"]
    assert not run(plugin, release, **arguments)["changed"]
    assert host.snapshot() == after
    return done


def test_from_a_single_swift_to_stores_that_keep_its_key(run: Run, real_host: Host) -> None:
    real_host.conf.write_text(SWIFT)
    stores = [{"name": "objects", "type": "swift"}, {"name": "web", "type": "http"}]
    done = twice(run, real_host, glance_stores, "25.1", stores=stores, default_backend="objects")
    assert real_host.conf.read_text() == (
        "[DEFAULT]\ndebug = false\nenabled_backends = objects:swift,web:http\n"
        "[glance_store]\ndefault_backend = objects\n"
        "\n[objects]\nswift_store_auth_address = https://keystone/v3\nswift_store_key = p4ssw0rd\n"
        "swift_store_user = service:glance\n"
    )
    assert "p4ssw0rd" not in json.dumps(done)
    assert (done["migrated"], done["restart_required"]) == (True, False)


def test_a_secret_is_shown_nowhere_and_compared_on_the_host(run: Run, real_host: Host) -> None:
    s3 = {
        "name": "objects", "type": "s3", "options": {"s3_store_host": "https://s3", "s3_store_bucket": "glance"},
        "secrets": {"s3_store_access_key": "who$am", "s3_store_secret_key": "v3ry$ecret"},
    }  # fmt: skip
    arguments: dict[str, Any] = {"stores": [s3], "default_backend": "objects", "accept_unreachable": ["file", "http"]}
    done = twice(run, real_host, glance_stores, "33.0.0", **arguments)
    assert "s3_store_secret_key = v3ry$$ecret" in real_host.conf.read_text()
    assert "v3ry" not in json.dumps(done) and "who$am" not in json.dumps(done)
    s3["secrets"] = {"s3_store_secret_key": "another"}
    assert run(glance_stores, "33.0.0", **arguments)["changed"]
    del s3["secrets"]
    assert not run(glance_stores, "33.0.0", **arguments)["changed"]


def test_what_is_refused_changes_nothing(run: Run, real_host: Host) -> None:
    before = real_host.snapshot()
    for stores in ([{"name": "a", "type": "file"}], [{"name": "a", "type": "tape"}]):
        assert run(glance_stores, "25.1", stores=stores, default_backend="a")["failed"]
    assert run(glance_import_methods, "25.1", plugins=["image_conversion", "image_decompression"])["failed"]
    assert "'many'" in run(glance_import_methods, "25.1", max_workers="many")["msg"]
    assert real_host.snapshot() == before


def test_import_methods(run: Run, real_host: Host) -> None:
    done = twice(run, real_host, glance_import_methods, "25.1", disable=["web-download"], max_workers="auto", cores=3)
    assert done["methods"] == ["glance-direct", "copy-image"]
    assert done["pools"] == {"max_workers": 6}
    assert "enabled_import_methods = [glance-direct,copy-image]" in real_host.conf.read_text()


def test_an_option_without_its_plugin_is_said(run: Run, real_host: Host) -> None:
    assert run(glance_import_methods, "25.1", output_format="qcow2")["warnings"] == [
        "output_format does nothing without image_conversion."
    ]


# -- locations --------------------------------------------------------------------------------------------------------

SHOWN: dict[str, Any] = {"show_multiple_locations": True}
ADMIN = {"name": "set_image_location", "check": "role:admin"}


def test_locations_are_not_shown_in_public_by_mistake(run: Run, real_host: Host) -> None:
    refused = run(glance_image_locations, "25.1", **SHOWN)
    assert refused["failed"] and "i_accept_ossn_0065" in refused["msg"]
    assert not run(glance_image_locations, "25.1")["changed"]
    done = twice(run, real_host, glance_image_locations, "25.1", i_accept_ossn_0065=True, **SHOWN)
    assert "show_multiple_locations = true" in real_host.conf.read_text()
    assert "warnings" not in done and done["environment"]


def test_they_are_off_again_without_arguments(run: Run, real_host: Host) -> None:
    real_host.conf.write_text("[DEFAULT]\nshow_multiple_locations = true\nshow_image_direct_url = yes\n")
    twice(run, real_host, glance_image_locations, "33.0.0")
    assert real_host.conf.read_text() == "[DEFAULT]\nshow_multiple_locations = false\nshow_image_direct_url = false\n"


def test_options_and_rules_are_one_transaction_and_proven(run: Run, real_host: Host) -> None:
    arguments: dict[str, Any] = {"rules": [ADMIN], "api": "internal", **SHOWN}
    before = real_host.snapshot()
    undeclared = run(glance_image_locations, "25.1", **arguments)
    assert undeclared["failed"] and "member loses set_image_location" in undeclared["msg"]
    assert real_host.snapshot() == before
    who = sorted({each["persona"] for each in undeclared["undeclared"]})
    expected = [{"persona": who, "rule": "set_image_location", "to": "deny"}]
    done = twice(run, real_host, glance_image_locations, "25.1", expected_changes=expected, **arguments)
    assert done["policies"]["set_image_location"] == "role:admin"
    assert real_host.yaml.exists() and "show_multiple_locations = true" in real_host.conf.read_text()


@pytest.mark.parametrize(
    ("release", "rule", "message"),
    [
        ("25.1", "add_image_location", "does not ask add_image_location, which came with Glance 29"),
        ("25.1", "get_image", "Set it with glance_policy"),
    ],
)
def test_rules_that_are_refused(run: Run, release: str, rule: str, message: str) -> None:
    refused = run(glance_image_locations, release, rules=[{"name": rule, "check": "role:admin"}])
    assert refused["failed"] and message in refused["msg"]


def test_the_location_api_is_told_of_where_there_is_one(run: Run, real_host: Host) -> None:
    told = run(glance_image_locations, "33.0.0", api="internal", **SHOWN)["warnings"]
    assert "service_api" in told[0] and "role:service or role:admin" in told[0]
