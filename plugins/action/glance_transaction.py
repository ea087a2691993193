# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible.utils.display import Display
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """Call the module in slices until its step is finished, and show what it is waiting for."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        done: dict[str, Any] = {"changed": False, "files": [], "units": []}
        while True:
            answer = self.run_module(None, None, task_vars)
            done["changed"] = done["changed"] or answer.get("changed", False)
            for what in ("files", "units"):
                done[what] += answer.get(what, [])
            if answer.get("failed") or answer.get("finished", True):
                return {**answer, **done} if "finished" in answer else answer
            for line in answer["progress"]:
                Display().display(f"{task_vars['inventory_hostname']}: {line}")
