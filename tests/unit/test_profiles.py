# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories for clouds that another tool deploys, beside that tool's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.stackops.glance.plugins.plugin_utils import _fleet, _permanent

PROFILES = Path(__file__).resolve().parents[2] / "examples" / "profiles"
#: Groups as the tools have them, of which some hold no host here.
KOLLA = """
[control]
ctl1
[compute]
cmp1
[glance:children]
control
[glance-api:children]
glance
[nova:children]
control
[nova-api:children]
nova
[cinder:children]
control
[cinder-volume:children]
cinder
"""
OPENSTACK_ANSIBLE = """
[glance_api]
ctl1_glance_container
[nova_compute]
cmp1
[nova_api_os_compute]
ctl1_nova_api_container
[cinder_volume]
ctl1_cinder_container
"""


def inventory(profile: str, own: str, folder: Path) -> tuple[InventoryManager, VariableManager]:
    path = folder / "inventory.ini"
    path.write_text(own)
    loader = DataLoader()
    found = InventoryManager(loader, [str(path), str(PROFILES / f"{profile}.yml")])
    return found, VariableManager(loader, found)


@pytest.mark.parametrize(
    ("profile", "own", "groups"),
    [
        ("kolla", KOLLA, {"glance_api": ["ctl1"], "nova": ["ctl1", "cmp1"], "image_consumers": ["ctl1"]}),
        (
            "openstack_ansible",
            OPENSTACK_ANSIBLE,
            {
                "glance_api": ["ctl1_glance_container"],
                "nova": ["cmp1", "ctl1_nova_api_container"],
                "image_consumers": ["ctl1_cinder_container"],
            },
        ),
    ],
)
def test_its_groups_are_made_of_the_tools_own(
    profile: str, own: str, groups: dict[str, list[str]], tmp_path: Path
) -> None:
    found, variables = inventory(profile, own, tmp_path)
    assert {name: found.groups[name].get_hosts() for name in groups} == {
        name: [found.get_host(host) for host in hosts] for name, hosts in groups.items()
    }
    # The control node is in no group but that of all, and it is the one that tells how to keep a change.
    assert variables.get_vars(host=found.localhost or found.get_host("localhost"))["glance_flip_profile"] == profile
    assert profile in _permanent.PROFILES


def services() -> dict[str, dict[str, Any]]:
    inventory = yaml.safe_load((PROFILES / "kolla.yml").read_text())
    return dict(inventory["all"]["children"]["image_cloud"]["vars"]["glance_flip_services"])


def test_kollas_services_are_known_and_asked_for_with_their_files() -> None:
    asked = {each["name"]: each for each in _fleet.services(["glance", "nova", "consumers"], services())}
    assert set(services()) <= set(asked)
    for name, said in services().items():
        assert _fleet._known(name), name
        assert (asked[name]["units"], asked[name]["config_files"]) == (said["units"], said["config_files"])
        (container,) = {unit.partition(":")[2] for unit in said["units"] if ":" in unit}
        assert said["units"] == [f"kolla-{container}-container", f"docker:{container}", f"podman:{container}"]
        assert said["config_files"][0].startswith(f"/etc/kolla/{container.replace('_', '-')}/")


def test_a_host_of_one_kind_is_not_asked_for_the_others() -> None:
    assert {each["name"] for each in _fleet.services(["glance"], services())} >= {"glance-api", "glance-registry"}
    assert not any(each["project"] == "nova" for each in _fleet.services(["glance"], services()))
