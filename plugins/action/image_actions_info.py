# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _table
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction

HEADER = ("state", "method", "image", "name", "owner", "age", "quiet", "stores", "lock")


class ActionModule(HostAction):
    """What goes on, as a table as well."""

    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        result = super().act(task_vars)
        if "actions" in result:
            rows = [
                (
                    each["state"],
                    each["method"],
                    each["image"],
                    each["name"],
                    each["owner"],
                    f"{each['age']} s",
                    f"{each['without_progress']} s",
                    ", ".join(each["stores"]) or None,
                    each["takeover"],
                )
                for each in result["actions"]
            ]
            result["table"] = _table.table(HEADER, rows)
        return result
