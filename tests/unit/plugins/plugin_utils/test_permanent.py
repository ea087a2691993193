# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What another deployment tool is told so that it does not undo a run."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _permanent

V1_OFF = {"section": "DEFAULT", "option": "enable_v1_api", "value": "False"}
NOVA = {"section": "glance", "option": "use_glance_v1", "state": "absent"}
OSA, ALL = "/etc/openstack_deploy/user_variables.yml", "hieradata of all nodes"


def options(path: str, *changes: dict[str, Any]) -> dict[str, Any]:
    return {"path": path, "before": "0" * 64, "options": list(changes)}


def plan(**files: list[dict[str, Any]]) -> dict[str, Any]:
    """A plan with a step for each file of each host."""
    return {"hosts": {host: {"steps": [{"name": "s", "files": [each]} for each in its]} for host, its in files.items()}}


FLIP = plan(
    glance1=[options("/etc/glance/glance-api.conf", V1_OFF)],
    glance2=[options("/etc/kolla/glance-api/glance-api.conf", V1_OFF)],
    nova1=[options("/etc/nova/nova.conf", NOVA)],
)


def told(tool: str, what: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["place"], each["text"]) for each in _permanent.overrides(what, tool)]


def test_openstack_ansible() -> None:
    glance, nova = told("openstack_ansible", FLIP)
    assert glance[0] == nova[0] == OSA
    assert yaml.safe_load(glance[1]) == {"glance_glance_api_conf_overrides": {"DEFAULT": {"enable_v1_api": "False"}}}
    assert nova[1] == "# Take out of nova_nova_conf_overrides where it is there: [glance] use_glance_v1\n"


def test_kolla() -> None:
    assert told("kolla", FLIP) == [
        ("/etc/kolla/config/glance/glance-api.conf", "[DEFAULT]\nenable_v1_api = False\n"),
        (
            "/etc/kolla/config/nova.conf",
            "# Take out of /etc/kolla/config/nova.conf where it is there: [glance] use_glance_v1\n",
        ),
    ]


def test_puppet() -> None:
    glance, nova = told("puppet", FLIP)
    assert yaml.safe_load(glance[1]) == {"glance::config::api_config": {"DEFAULT/enable_v1_api": {"value": "False"}}}
    assert yaml.safe_load(nova[1]) == {"nova::config::nova_config": {"glance/use_glance_v1": {"ensure": "absent"}}}
    assert (glance[0], nova[0]) == (ALL, ALL)


def test_a_later_step_decides() -> None:
    twice = plan(
        glance1=[options("/etc/glance/glance-api.conf", {**V1_OFF, "value": "True"})]
        + [options("/etc/glance/glance-api.conf", V1_OFF)]
    )
    assert told("kolla", twice) == [("/etc/kolla/config/glance/glance-api.conf", "[DEFAULT]\nenable_v1_api = False\n")]


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ("openstack_ansible", "/etc/openstack_deploy/host_vars/{}.yml"),
        ("kolla", "/etc/kolla/config/glance/{}/glance-api.conf"),
        ("puppet", "hieradata of {}"),
    ],
)
def test_hosts_that_differ_are_told_apart(tool: str, place: str) -> None:
    def url(host: str) -> dict[str, str]:
        return {"section": "DEFAULT", "option": "worker_self_reference_url", "value": f"https://{host}:9293"}

    hosts = ("glance1", "glance2")
    several = plan(**{host: [options("/etc/glance/glance-api.conf", V1_OFF, url(host))] for host in hosts})
    (_everywhere, everywhere), *own = told(tool, several)
    assert "worker" not in everywhere and "enable_v1_api" in everywhere
    assert [each[0] for each in own] == [place.format(host) for host in hosts]
    for host, (_place, text) in zip(hosts, own, strict=True):
        assert f"https://{host}:9293" in text and "enable_v1_api" not in text


@pytest.mark.parametrize("tool", _permanent.PROFILES)
def test_no_secret_is_told(tool: str) -> None:
    secret = {"section": "database", "option": "connection", "value": "mysql://glance:hidden@db/glance"}
    password = {"section": "keystone_authtoken", "option": "password", "value": "hidden"}
    said = told(tool, plan(glance1=[options("/etc/glance/glance-api.conf", secret, password)]))[0][1]
    assert "hidden" not in said
    assert "the secret that [keystone_authtoken] password is on the hosts" in said


@pytest.mark.parametrize(
    ("tool", "place", "rules"),
    [
        ("openstack_ansible", OSA, {"glance_policy_overrides": {"add_image": "role:member"}}),
        ("kolla", "/etc/kolla/config/glance/policy.yaml", {"add_image": "role:member"}),
        (
            "puppet",
            ALL,
            {"glance::policy::policies": {"glance-add_image": {"key": "add_image", "value": "role:member"}}},
        ),
    ],
)
def test_rules_of_the_policy(tool: str, place: str, rules: Any) -> None:
    change = {"path": "/etc/glance/policy.yaml", "before": "0" * 64, "content": '"add_image": "role:member"\n'}
    gone = {"path": "/etc/glance/policy.json", "before": "0" * 64, "content": None}
    [(where, text)] = told(tool, plan(glance1=[change, gone], glance2=[change]))
    assert (where, yaml.safe_load(text)) == (place, rules)


def test_what_no_override_reaches_is_left_out() -> None:
    unit = {"path": "/etc/systemd/system/glance-api.service.d/x.conf", "before": "", "content": "[Service]\n"}
    assert told("kolla", plan(glance1=[unit])) == []


def test_a_profile_that_there_is_not() -> None:
    with pytest.raises(GlanceError, match="'tripleo'; there are openstack_ansible, kolla, puppet"):
        _permanent.overrides(FLIP, "tripleo")
