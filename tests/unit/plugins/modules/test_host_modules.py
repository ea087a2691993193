# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""glance_host_info as Ansible calls it, and the modules that have an action, called without it."""

from __future__ import annotations

import json

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.modules import (
    glance_admin_role,
    glance_host_info,
    glance_policy,
    glance_policy_info,
    glance_policy_test,
    glance_property_protection,
    glance_v1_api,
    nova_use_glance_v1,
    nova_use_glance_v1_info,
)


def call(module, capsys, **arguments):
    with patch_module_args(arguments), pytest.raises(SystemExit):
        module.main()
    return json.loads(capsys.readouterr().out)


def test_survey(tmp_path, capsys):
    path = tmp_path / "nova.conf"
    path.write_text("[glance]\nuse_glance_v1 = true\n")
    services = [{"name": "nova-compute", "project": "nova", "config_files": [str(path)], "options": ["glance/*"]}]
    result = call(glance_host_info, capsys, services=services, state_dir=str(tmp_path / "state"))
    assert result["changed"] is False
    assert (result["lock"], result["runs"], result["unfinished"]) == (None, [], None)
    found = result["services"]["nova-compute"]
    assert found["prog"] == "nova-compute"
    assert found["assignments"] == [
        {"group": "glance", "option": "use_glance_v1", "raw": "true", "file": str(path), "line": 2},
    ]  # fmt: skip


def test_everything_that_is_returned_is_documented(tmp_path, capsys):
    yaml = pytest.importorskip("yaml")
    documented = yaml.safe_load(glance_host_info.RETURN)
    services = [{"name": "nova-compute", "project": "nova", "config_files": [str(tmp_path / "none")]}]
    result = call(glance_host_info, capsys, services=services, state_dir=str(tmp_path / "state"))
    assert set(result) - {"changed", "invocation"} == set(documented)
    assert set(result["services"]["nova-compute"]) == set(documented["services"]["contains"])


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        (glance_admin_role, {}),
        (glance_policy, {}),
        (glance_policy_info, {}),
        (glance_policy_test, {"tests": "/tests.yml"}),
        (glance_property_protection, {}),
        (glance_v1_api, {}),
        (nova_use_glance_v1, {"state": "absent"}),
        (nova_use_glance_v1_info, {}),
    ],
)
def test_without_the_action(module, arguments, capsys):
    result = call(module, capsys, **arguments)
    assert result["failed"]
    assert f"stackops.glance.{module.__name__.rpartition('.')[2]}" in result["msg"]
