# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _callers, _fleet
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """Name the usual units, and judge which of the scheduled programs speak v1, by the catalogue."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        arguments = dict(self._task.args)
        if not arguments.get("services"):
            arguments["services"] = _fleet.services(["glance"])
        result = self.run_module(None, arguments, task_vars)
        if "tools" in result:
            result["tools"] = _callers.speaking_v1(result["tools"])
        return result
