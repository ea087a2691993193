# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring a host's database on there; what its release leaves out and where it has to end, the catalogue tells here."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _database_plan
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import ARGUMENTS, GlanceAction
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._slices import SlicedAction

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **{name: WRITING[name] for name in ("run_token", "state_dir")},
    "state": {"type": "str", "required": True, "choices": ["expanded", "migrated", "contracted", "synchronised"]},
    "environment": {"type": "path"},
    "timeout": {"type": "float", "default": 86400},
}
VERBS = {"expanded": "expand", "migrated": "migrate", "contracted": "contract", "synchronised": "sync"}


class ActionModule(GlanceAction, SlicedAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        service, release = self.glance(arguments, task_vars)
        verb = VERBS[arguments["state"]]
        moves = _database_plan.left_out(release) if verb in ("migrate", "sync") else []
        installed = os.path.dirname(os.path.dirname(service["interpreter"] or "/usr/bin/python3"))
        work = {
            **{name: service[name] for name in ("config_files", "config_dirs")},
            "verb": verb,
            "environment": arguments["environment"] or installed,
            "user": next((unit["user"] for unit in service["units"]), None),
            "moves": moves,
            "head": _database_plan.head(release) if verb in ("contract", "sync") else None,
        }
        self._task.args = {**self._task.args, "work": work}
        result = SlicedAction.act(self, task_vars)
        result.pop("invocation", None)
        if self._task.check_mode and not result.get("failed"):
            after = _database_plan.after(verb, result["before"], release)
            result.update(after=after, changed=result["changed"] or after != result["before"])
        return result
