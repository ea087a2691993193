# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's Nova there, decide here, where the release catalogue is, and write there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _nova, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._nova_action import (
    ARGUMENTS,
    NovaAction,
    judge,
    release_of,
)

SPECIFICATION: dict[str, Any] = {
    "argument_spec": {
        **ARGUMENTS,
        **WRITING,
        "value": {"type": "bool"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    "required_if": [("state", "present", ("value",))],
}


class ActionModule(NovaAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(**SPECIFICATION)
        said = arguments["nova_release"]
        wanted = None if arguments["state"] == "absent" else arguments["value"]
        services = self.look(arguments, task_vars)
        idle = _nova.check_wanted(wanted, release_of(services, said))
        edits = {name: [] if idle else _nova.edits(service, wanted) for name, service in services.items()}
        changes = _service.merge(edits.values())
        after = {name: _service.after(service, changes) for name, service in services.items()}
        before = judge(services, said)["use_glance_v1"]
        result = self.write(changes, arguments, task_vars)
        units = _service.readers(services.values(), [each["path"] for each in changes]) if result["changed"] else []
        units = list(dict.fromkeys([*units, *_service.pending(services.values())]))
        return {
            **result,
            "before": before,
            "after": {**judge(after, said)["use_glance_v1"], "restart_pending": bool(units)},
            "restart_required": bool(units),
            "restart_units": units,
            **({"msg": idle} if idle else {}),
        }
