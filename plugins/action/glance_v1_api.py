# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's Glance there, decide here, where the release catalogue is, and write there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _fleet, _glance_v1, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING, HostAction

MAIN = "glance-api"
ARGUMENTS: dict[str, dict[str, Any]] = {
    **WRITING,
    "v1": {"type": "bool"},
    "v2": {"type": "bool"},
    "v1_registry": {"type": "bool"},
    "config_files": {"type": "list", "elements": "path", "default": []},
    "config_dirs": {"type": "list", "elements": "path", "default": []},
    "glance_release": {"type": "str"},
}


class ActionModule(HostAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        named = {MAIN: {name: arguments[name] for name in ("config_files", "config_dirs")}}
        services = self.survey(_fleet.services(["glance"], named), MAIN, task_vars)
        said = arguments["glance_release"]
        release = _service.known_release("glance", said) if said else _service.installed(services[MAIN])
        changes = _glance_v1.edits(
            services, release, v1=arguments["v1"], v2=arguments["v2"], registry=arguments["v1_registry"]
        )
        after = {name: _service.after(service, changes) for name, service in services.items()}
        judged = _glance_v1.judge(after, release)
        written = self.write(changes, arguments, task_vars)
        paths = [each["path"] for each in changes]
        units = _service.readers(services.values(), paths) if written["changed"] else []
        units = list(dict.fromkeys([*units, *_service.pending(services.values())]))
        retirable = [] if judged["v1"] else _glance_v1.retire(services, judged)
        return {
            **written,
            **{name: judged[name] for name in ("v1", "v2", "release", "registry_needed_by", "v1_needed_by")},
            "reason": _service.unnumbered(judged["reason"]),
            "registry_units": judged["registry"],
            "retirable_units": retirable,
            "restart_required": bool(units),
            "restart_units": units,
        }
