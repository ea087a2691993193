# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The actions of nova_use_glance_v1, nova_use_glance_v1_info and glance_v1_api, over a host that answers as modules do."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.action import (
    glance_v1_api,
    nova_use_glance_v1,
    nova_use_glance_v1_info,
)

CONF = "/etc/nova/nova.conf"


def unit(name, path, **more):
    return {
        "name": name, "active_state": "active", "unit_file_state": "enabled", "triggered_by": [],
        "config_files": [path], "config_dirs": [], "restart_pending": False, **more,
    }  # fmt: skip


def service(prog, path, values, units, version="14.1.0", **more):
    project = prog.split("-")[0]
    return {
        "prog": prog, "project": project, "environment": {}, "oslo_config": "3.17.0/python2", "crons": [], "error": None,
        "config_files": [path], "config_dirs": [], "config_origin": "unit", "files": [{"path": path}],
        "release": {"version": version, "major": int(version.split(".")[0]), "source": "/record"} if version else None,
        "units": units, "restart_pending": any(each["restart_pending"] for each in units),
        "assignments": [
            {"group": group, "option": name, "raw": raw, "file": path, "line": line}
            for line, (group, name, raw) in enumerate(values, 5)
        ], **more,
    }  # fmt: skip


def absent(asked):
    """What the survey says of a service that the host has not."""
    return {"units": [], "files": [], "error": None, "assignments": [], "environment": {}, "crons": [],
            "config_files": [], "prog": asked["prog"], "project": asked["project"], "release": None, "oslo_config": None}  # fmt: skip


@pytest.fixture
def host(monkeypatch):
    """Run an action over surveyed services; the answer of the action, and what it asked the host."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})

    def run(plugin, services, check_mode=False, **arguments):
        asked = []

        def execute(module_name=None, module_args=None, task_vars=None):
            asked.append((module_name.rpartition(".")[2], module_args))
            if module_name.endswith("glance_host_info"):
                found = {each["name"]: services.get(each["name"]) or absent(each) for each in module_args["services"]}
                return {"services": found, "changed": False}
            return {"changed": True, "diff": {"before": "", "after": ""}}

        action = plugin.ActionModule.__new__(plugin.ActionModule)
        action._task = SimpleNamespace(args=arguments, check_mode=check_mode)
        action._connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None))
        action._execute_module = execute
        action._remove_tmp_path = lambda path, force=False: None
        return action.run(task_vars={}), asked

    return run


def nova(raw=None, prog="nova-compute", path=CONF, **more):
    values = [("glance", "use_glance_v1", raw)] if raw is not None else []
    return {prog: service(prog, path, values, [unit(prog, path)], **more)}


def writes(asked):
    return [(arguments["path"], arguments["options"]) for name, arguments in asked if name == "oslo_config"]


# -- nova_use_glance_v1_info ------------------------------------------------------------------------------------------


def test_the_answer_of_the_info_module(host):
    result, asked = host(nova_use_glance_v1_info, nova("true"))
    assert len(asked) == 1
    found = result["use_glance_v1"]
    assert (found["status"], found["api_version"], found["effective"]) == ("honoured", 1, True)
    assert found["release"] == {"major": 14, "series": "newton", "version": "14.1.0", "source": "/record"}
    assert found["restart_pending"] is False
    assert result["changed"] is False


def test_services_that_disagree_are_named_and_v1_stands_for_the_host(host):
    result, _asked = host(nova_use_glance_v1_info, {**nova("false"), **nova("true", "nova-api", "/etc/nova/api.conf")})
    assert result["use_glance_v1"]["api_version"] == 1
    assert {name: each["api_version"] for name, each in result["services"].items()} == {
        "nova-compute": 2,
        "nova-api": 1,
    }


def test_the_release_that_is_named_wins(host):
    result, _asked = host(nova_use_glance_v1_info, nova("true"), nova_release="ocata")
    assert result["use_glance_v1"]["status"] == "ignored"
    assert result["use_glance_v1"]["release"]["source"] == "the nova_release argument"


def test_neither_installed_nor_named(host):
    result, _asked = host(nova_use_glance_v1_info, nova("true", version=None))
    assert result["failed"]
    assert "Give nova_release" in result["msg"]


def test_files_that_are_named_are_asked_for(host):
    _result, asked = host(nova_use_glance_v1_info, nova(), config_files=["/a"], config_dirs=["/d"])
    for each in asked[0][1]["services"]:
        assert (each["config_files"], each["config_dirs"]) == (["/a"], ["/d"])


# -- nova_use_glance_v1 -----------------------------------------------------------------------------------------------


def test_switching(host):
    result, asked = host(nova_use_glance_v1, nova("true"), value=False, run_token="r:1")
    assert writes(asked) == [(CONF, [{"section": "glance", "option": "use_glance_v1", "value": "false"}])]
    assert asked[1][1]["run_token"] == "r:1"
    assert (result["before"]["api_version"], result["after"]["api_version"]) == (1, 2)
    assert (result["restart_required"], result["restart_units"]) == (True, ["nova-compute"])
    assert result["diff"] == [{"before": "", "after": ""}]


def test_two_services_one_file_one_write(host):
    result, asked = host(nova_use_glance_v1, {**nova("true"), **nova("true", "nova-api")}, state="absent")
    assert len(writes(asked)) == 1
    assert sorted(result["restart_units"]) == ["nova-api", "nova-compute"]


def test_nothing_to_do(host):
    result, asked = host(nova_use_glance_v1, nova("false"), value=False)
    assert writes(asked) == []
    assert (result["changed"], result["restart_required"]) == (False, False)


def test_a_restart_that_is_still_pending_is_said_again(host):
    services = nova("false")
    services["nova-compute"]["units"][0]["restart_pending"] = True
    result, _asked = host(nova_use_glance_v1, services, value=False)
    assert (result["changed"], result["restart_units"]) == (False, ["nova-compute"])


def test_a_new_line_has_no_number_yet(host):
    result, _asked = host(nova_use_glance_v1, nova(), value=True)
    assert result["after"]["origin"] == CONF
    assert f"{CONF} sets" in result["after"]["reason"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"value": True, "nova_release": "15"}, "has no such option"),
        ({"value": True, "nova_release": "13"}, "nova_release: 14"),
        ({"value": True, "nova_release": "zulu"}, "14 newton"),
    ],
)
def test_refused_before_anything_is_written(host, arguments, message):
    result, asked = host(nova_use_glance_v1, nova("false"), **arguments)
    assert result["failed"]
    assert message in result["msg"]
    assert writes(asked) == []


def test_what_the_release_does_anyway(host):
    result, asked = host(nova_use_glance_v1, nova(version="15.0.0"), value=False)
    assert writes(asked) == []
    assert "nothing is written" in result["msg"]


def test_for_a_release_to_come(host):
    result, asked = host(nova_use_glance_v1, nova(version="13.1.4"), value=True, nova_release="14")
    assert len(writes(asked)) == 1
    assert result["after"]["api_version"] == 1


def test_maybe_is_no_value(host):
    with pytest.raises(Exception, match="not a valid boolean"):
        host(nova_use_glance_v1, nova(), value="maybe")


def test_a_value_is_needed(host):
    with pytest.raises(Exception, match="missing: value"):
        host(nova_use_glance_v1, nova())


# -- glance_v1_api ----------------------------------------------------------------------------------------------------


def glance(*values):
    api, registry = "/etc/glance/glance-api.conf", "/etc/glance/glance-registry.conf"
    return {
        "glance-api": service("glance-api", api, values, [unit("glance-api", api)], "15.0.2"),
        "glance-registry": service("glance-registry", registry, [], [unit("glance-registry", registry)], "15.0.2"),
    }


def test_v1_off(host):
    result, asked = host(glance_v1_api, glance(("DEFAULT", "enable_v1_api", "true")), v1=False)
    assert len(writes(asked)) == 1
    assert (result["v1"], result["v2"]) == (False, True)
    assert result["restart_units"] == ["glance-api"]
    assert result["retirable_units"] == ["glance-registry"]


def test_registry_is_not_retirable_while_v1_is_on(host):
    result, asked = host(glance_v1_api, glance(), v2=True)
    assert writes(asked) == []
    assert (result["registry_units"], result["retirable_units"]) == (["glance-registry"], [])


def test_a_release_without_v1(host):
    result, _asked = host(glance_v1_api, glance(), v1=True, glance_release="rocky")
    assert "Glance 17 (Rocky) has no v1" in result["msg"]
