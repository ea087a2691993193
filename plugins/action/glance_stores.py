# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's Glance there, decide on its stores here, where the release catalogue is, and write there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _stores
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import ARGUMENTS, GlanceAction, restart
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **WRITING,
    "state": {"type": "str", "choices": ["present"], "default": "present"},
    "stores": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True},
            "options": {"type": "dict"},
            "secrets": {"type": "dict", "no_log": True},
            "description": {"type": "str"},
            "weight": {"type": "int"},
        },
    },
    "default_backend": {"type": "str", "required": True},
    "staging_datadir": {"type": "path"},
    "tasks_datadir": {"type": "path"},
    "worker_self_reference_url": {"type": "str"},
    "accept_unreachable": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(GlanceAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        service, release = self.glance(arguments, task_vars)
        decision = _stores.decide(service, release, arguments)
        written = self.write(decision.changes, arguments, task_vars)
        return {
            **written,
            **restart(service, [each["path"] for each in decision.changes] if written["changed"] else []),
            "release": str(release),
            "migrated": decision.migrated,
            "taken_over": decision.taken_over,
            "directories": decision.directories,
        }
