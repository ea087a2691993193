# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of glance_config_check, over a host that answers as modules do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.action import glance_config_check

from ..plugin_utils.config_checks import CONF, surveyed

TEXT = "[DEFAULT]\ncert_file = /a\nregistry_host = h\n"


@pytest.fixture
def host(monkeypatch):
    """Run the action over one surveyed service; its result, and what it asked the host."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})

    def run(service, /, **arguments):
        asked = []

        def execute(module_name=None, module_args=None, task_vars=None):
            asked.append((module_name.rpartition(".")[2], module_args))
            if module_name.endswith("glance_host_info"):
                return {"services": {module_args["services"][0]["name"]: service}, "changed": False}
            return {"changed": True, "diff": [{"before": "", "after": ""}], "backup_file": "/copy"}

        action = glance_config_check.ActionModule.__new__(glance_config_check.ActionModule)
        action._task = SimpleNamespace(args=arguments, check_mode=False)
        action._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action._execute_module = execute
        action._remove_tmp_path = lambda path, force=False: None
        return action.run(task_vars={}), asked

    return run


def api(text=TEXT, version="20.2.0", **more):
    installed = {"version": version, "major": int(version.split(".")[0]), "source": "/record"} if version else None
    return surveyed(text, command="/usr/bin/glance-api", **{"release": installed, **more})


def test_it_reports_and_changes_nothing(host):
    result, asked = host(api(), target_release="victoria")
    assert [name for name, _arguments in asked] == ["glance_host_info"]
    question = asked[0][1]["services"][0]
    assert (question["name"], question["options"], question["documents"]) == ("glance-api", ["*"], True)
    assert not result.get("failed") and not result["changed"]
    assert (result["release"], result["target"]) == ("Glance 20.2.0 (Ussuri)", "Glance 21 (Victoria)")
    assert result["counts"] == {
        severity: sum(each["severity"] == severity for each in result["findings"])
        for severity in ("blocker", "warning", "note")
    }
    assert {"tls_options_gone", "option_removed"} <= {each["id"] for each in result["findings"]}


def test_it_mends_and_reports_what_is_left(host):
    result, asked = host(api(), fix=True, backup=True)
    written = [arguments for name, arguments in asked if name == "oslo_config"]
    assert [(each["path"], each["options"]) for each in written] == [
        (CONF, [{"section": "DEFAULT", "option": "cert_file", "state": "absent"}])
    ]
    assert result["changed"] and result["backup_files"] == ["/copy"] and result["restart_units"] == ["glance-api"]
    assert [(each["option"], each["old"], each["new"]) for each in result["fixed"]] == [
        ("[DEFAULT] cert_file", "/a", None)
    ]
    assert "tls_options_gone" not in {each["id"] for each in result["findings"]}


def test_with_nothing_to_mend_nothing_is_written(host):
    result, asked = host(api(""), fix=True)
    assert [name for name, _arguments in asked] == ["glance_host_info"]
    assert not result["changed"] and result["fixed"] == [] and result["restart_units"] == []


@pytest.mark.parametrize(
    ("fail_on", "text", "failed"),
    [
        ("never", "[DEFAULT]\nworkers = x", False),
        ("blocker", "[DEFAULT]\nworkers = x", True),
        ("blocker", TEXT, False),
        ("warning", TEXT, True),
        ("warning", "", False),
    ],
)
def test_what_makes_it_fail(host, fail_on, text, failed):
    result, _asked = host(api(text), fail_on=fail_on)
    assert result.get("failed", False) is failed
    assert "findings" in result
    if failed:
        assert result["msg"].startswith(f"{CONF}:2: [DEFAULT] ")


def test_releases_and_services_that_nobody_knows(host):
    for arguments, said in (
        ({"target_release": "vogon"}, "'vogon' is no release of Glance"),
        ({"service": "cinder-volume"}, "cinder-volume is no service that the release catalogue can judge"),
        ({"fail_on": "never", "release": "99"}, "'99' is no release"),
    ):
        result, _asked = host(api(), **arguments)
        assert result["failed"] and said in result["msg"]
    result, _asked = host(api(version=None))
    assert result["failed"] and "nothing tells its release" in result["msg"]


def test_nova_and_services_of_ones_own(host):
    service = surveyed("[glance]\nhost = g\n", "nova-compute", command="/usr/bin/nova-compute")
    result, asked = host(service, service="nova-compute", release="13", target_release="14")
    assert asked[0][1]["services"][0]["documents"] is False
    assert "option_removed" in {each["id"] for each in result["findings"]}
    result, asked = host(api(), service="glance-api-internal", config_files=["/etc/glance/internal.conf"])
    assert asked[0][1]["services"][0]["config_files"] == ["/etc/glance/internal.conf"]
    assert not result.get("failed")
