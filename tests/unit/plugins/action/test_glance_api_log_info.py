# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of glance_api_log_info, over a host that answers as the module does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.stackops.glance.plugins.action import glance_api_log_info

TOOLS = [
    {"file": "/etc/crontab", "line": 1, "program": "glance-scrubber", "calls_v1": False},
    {"file": "/etc/crontab", "line": 2, "program": "glance-replicator", "calls_v1": False},
]


@pytest.fixture
def act(monkeypatch):
    """Run the action on a host with this answer; the arguments that reached the host come back as well."""

    def run(answer, **arguments):
        action = object.__new__(glance_api_log_info.ActionModule)
        action._task = SimpleNamespace(args=arguments)
        sent = []
        monkeypatch.setattr(action, "run_module", lambda name, args, task_vars: sent.append(args) or dict(answer))
        return action.act({}), sent[0]

    return run


def test_the_usual_units_and_the_tools_that_speak_v1(act):
    result, sent = act({"tools": TOOLS}, since="8d")
    assert result["tools"] == TOOLS[1:]
    assert sent["since"] == "8d"
    api = next(service for service in sent["services"] if service["name"] == "glance-api")
    assert {"glance-api", "openstack-glance-api"} <= set(api["units"])


def test_services_that_are_named_and_a_host_that_is_lost(act):
    result, sent = act({"failed": True, "msg": "gone"}, services=[{"name": "glance-api", "units": ["mine"]}])
    assert sent["services"] == [{"name": "glance-api", "units": ["mine"]}]
    assert result == {"failed": True, "msg": "gone"}
