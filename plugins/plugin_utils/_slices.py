# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Long work in slices: what a module says is shown between them, on a terminal as in AWX."""

from __future__ import annotations

import time
from typing import Any

from ansible.utils.display import Display
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction

display = Display()


class SlicedAction(HostAction):
    """Base of the actions of modules that work in slices (``module_utils/_slices.Slice``).

    The time that has gone is measured here, since the clocks of two machines need not agree; the module ends by itself
    when its own ``timeout`` is up. Results are those of the last call, and ``changed`` that of any.
    """

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        started = time.monotonic()
        result: dict[str, Any] = {"changed": False}
        state: Any = {}
        while state is not None:
            handed = {"elapsed": time.monotonic() - started, "state": state}
            found = self.run_module(None, {**self._task.args, "_slice": handed}, task_vars)
            handed = found.pop("_slice", None) or {}
            state = handed.get("state")
            if not self._task.no_log:
                for line in handed.get("lines", ()):
                    display.display(f"[{task_vars.get('inventory_hostname')}] {line}")
            found.get("invocation", {}).get("module_args", {}).pop("_slice", None)
            result.update(found, changed=result["changed"] or found.get("changed", False))
        return result
