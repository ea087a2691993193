# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Each case: an error that names what is wrong, and no file, unit or address that is different."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lablib import trial


def refused(*messages: str, arguments: tuple[str, ...] = (), **more: Any) -> trial.Run:
    """A flip that ends with these messages and has changed nothing."""
    before = trial.look()
    run = trial.flip(*arguments, **more).fails(*messages)
    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []
    for host in trial.MANAGED:  # what was recorded before another host said no is closed again
        entries = trial.journal(host)
        assert not entries or entries[-1]["event"] == "abandoned"
        assert [entry["event"] for entry in entries if entry.get("step")] == []
    return run


# -- the inventory ------------------------------------------------------------------------------------------------


def test_empty_group() -> None:
    refused("The inventory has no host in the group image_consumers", nova_group="image_consumers")


@pytest.mark.parametrize("limit", trial.some(["nova1,localhost", "glance_api"], 0))
def test_hosts_cut_off_by_limit(limit: str) -> None:
    refused("--limit", "nova2", arguments=("--limit", limit))


# -- the cloud ----------------------------------------------------------------------------------------------------


def test_refused_credentials(tmp_path: Path) -> None:
    clouds = json.loads((trial.STATE / "clouds.yaml").read_text(encoding="utf-8"))
    clouds["clouds"]["lab"]["auth"]["password"] = "none-of-the-right-ones"
    (tmp_path / "clouds.yaml").write_text(json.dumps(clouds), encoding="utf-8")
    run = refused(
        "cloud_unreadable", "401", arguments=("-vvv",), environ={"OS_CLIENT_CONFIG_FILE": str(tmp_path / "clouds.yaml")}
    )
    assert "none-of-the-right-ones" not in run.output
    assert "lab-admin-secret" not in run.output


@trial.thorough
def test_v2_answers_nowhere() -> None:
    trial.sh("infra", "systemctl stop haproxy")
    try:
        refused("v2_answers_nowhere", "No address of the image service answers v2")
    finally:
        trial.sh("infra", "systemctl start haproxy")


# -- configuration ------------------------------------------------------------------------------------------------


@trial.thorough
def test_values_and_files_that_nova_refuses() -> None:
    with (
        trial.changed("nova1", trial.NOVA_CONF, "sed -i 's/^use_glance_v1 = true/use_glance_v1 = maybe/' $file"),
        trial.changed("nova2", trial.NOVA_CONF, "sed -i '3i no sign of equality' $file"),
    ):
        refused("nova_value_refused", "maybe", "nova_configuration_refused", f"{trial.NOVA_CONF}:3")


@trial.thorough
def test_what_would_break_nova() -> None:
    with (
        trial.changed("nova1", trial.NOVA_CONF, "sed -i 's/^images_type = qcow2/images_type = rbd/' $file"),
        trial.changed("nova2", trial.NOVA_CONF, "sed -i 's|^\\(api_servers = .*:9292\\).*|\\1/v1|' $file"),
    ):
        refused("rbd_without_locations", "nova1 keep disks in RBD", "show_multiple_locations", "api_servers", "/v1")


@trial.thorough
def test_unknown_release() -> None:
    refused("nova_release_unknown", "atlantis", services={"nova-compute": {"release": "atlantis"}})


@trial.thorough
def test_a_consumer_that_speaks_v1_keeps_v1_on(tmp_path: Path) -> None:
    trial.sh("infra", "mkdir -p /etc/cinder; printf '[DEFAULT]\\nglance_api_version = 1\\n' >/etc/cinder/cinder.conf")
    consumer = {
        "glance_flip_services": {"cinder-volume": {"config_files": ["/etc/cinder/cinder.conf"], "release": "10.0.0"}}
    }
    inventory = {"all": {"children": {"image_consumers": {"hosts": {"infra": consumer}}}}}
    (tmp_path / "consumers.yml").write_text(json.dumps(inventory), encoding="utf-8")
    run = trial.playbook("preflight", "-i", str(tmp_path / "consumers.yml")).succeeds()
    run.says("consumer_speaks_v1 infra /etc/cinder/cinder.conf:2", "v1 is not turned off: consumer_speaks_v1 on infra.")
    assert "Glance answers v1 no longer" not in run.said
    # Without it, the same fleet would lose v1.
    trial.playbook("preflight").succeeds().says("Glance answers v1 no longer")


# -- disks --------------------------------------------------------------------------------------------------------


@trial.thorough
@pytest.mark.parametrize("directory", ["/etc/nova", trial.RECORDS])
def test_a_disk_without_room_is_found_beforehand(directory: str) -> None:
    with trial.full("nova2", directory):
        refused("nova2", "bytes free and the run needs")


def test_a_disk_that_is_full_at_the_moment_of_writing() -> None:
    with trial.full("nova2", "/etc/nova"):
        before = trial.look("nova2")
        change = {"path": trial.NOVA_CONF, "options": [{"section": "glance", "option": "num_retries", "value": 3}]}
        trial.module("nova2", "oslo_config", change).fails(trial.NOVA_CONF, "No space left on device")
        assert trial.differences(before, trial.look("nova2")) == []


# -- modules by themselves ----------------------------------------------------------------------------------------

OPTIONS = [{"section": "glance", "option": "use_glance_v1", "value": False}]


@pytest.mark.usefixtures("untouched")
def test_no_such_file() -> None:
    trial.module("nova1", "oslo_config", {"path": "/etc/nova/none.conf", "options": OPTIONS}).fails(
        "/etc/nova/none.conf"
    )
    trial.module("nova1", "nova_use_glance_v1", {"config_files": ["/etc/nova/none.conf"], "value": False}).fails(
        "/etc/nova/none.conf"
    )


@pytest.mark.usefixtures("untouched")
def test_unreadable_file() -> None:
    nobody = ("-u", "nobody")
    trial.module("nova1", "oslo_config", {"path": trial.NOVA_CONF, "options": OPTIONS}, *nobody).fails(
        trial.NOVA_CONF, "Permission denied"
    )
    trial.module("nova1", "nova_use_glance_v1", {"config_files": [trial.NOVA_CONF], "value": False}, *nobody).fails(
        trial.NOVA_CONF, "Permission denied"
    )


@pytest.mark.usefixtures("untouched")
def test_release_that_a_module_does_not_know() -> None:
    trial.module("nova1", "nova_use_glance_v1", {"nova_release": "atlantis", "value": False}).fails(
        "atlantis", "newton"
    )
