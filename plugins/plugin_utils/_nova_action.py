# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the two actions about Nova's use_glance_v1 share: look at a host's Nova and judge it."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _fleet, _nova, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Service

ARGUMENTS: dict[str, dict[str, Any]] = {
    "config_files": {"type": "list", "elements": "path", "default": []},
    "config_dirs": {"type": "list", "elements": "path", "default": []},
    "nova_release": {"type": "str"},
}

#: The service that stands for Nova on a host that runs none.
MAIN = "nova-compute"


class NovaAction(HostAction):
    def look(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Service]:
        """The Nova services of the host, by name."""
        named = {name: arguments[name] for name in ("config_files", "config_dirs")}
        return self.survey([{**asked, **named} for asked in _fleet.services(["nova"])], MAIN, task_vars)


def release_of(services: dict[str, Service], said: str | None) -> _catalogue.Release:
    """The release to judge by: the caller's word, else what is installed. Raises GlanceError."""
    if said:
        return _service.known_release("nova", said)
    return _service.installed(next((each for each in services.values() if each["release"]), services[min(services)]))


def judge(services: dict[str, Service], said: str | None) -> dict[str, Any]:
    """The judgement of each service, and as ``use_glance_v1`` the one that stands for the host.

    Where services disagree, one that still speaks v1 stands for the host, since it is what keeps v1 alive.
    """
    release = release_of(services, said)
    judged = {}
    for name, service in sorted(services.items(), key=lambda item: item[0] != MAIN):
        answer = _nova.judge_service(service, release)
        source = "the nova_release argument" if said else (service["release"] or {}).get("source")
        answer["release"]["source"] = source
        places = {key: _service.unnumbered(answer[key]) for key in ("origin", "reason")}
        judged[name] = {**answer, **places, "restart_pending": service["restart_pending"]}
    ranked = sorted(judged.values(), key=lambda answer: {1: 0, None: 1}.get(answer["api_version"], 2))
    return {"use_glance_v1": ranked[0], "services": judged}
