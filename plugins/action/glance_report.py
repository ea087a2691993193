# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _metrics, _report, _report_files

ARGUMENTS: dict[str, dict[str, Any]] = {
    "dest": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "title": {"type": "str", "default": ""},
    "plan": {"type": "dict", "required": True},
    "hosts": {"type": "dict", "required": True},
    "after": {"type": "dict", "default": {}},
    "audit": {"type": "dict", "default": {}},
    "round_trip": {"type": "dict", "default": {}},
    "outcome": {"type": "str", "default": ""},
    "failed": {"type": "bool", "default": False},
    "rollback": {"type": "str", "default": ""},
    "permanent": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"place": {"type": "str", "required": True}, "text": {"type": "str", "required": True}},
    },
    "troubles": {"type": "list", "elements": "str", "default": []},
    "metrics_file": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):
    """Write the report on the control node, where everything that it tells has been gathered; in check mode too."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        try:
            report = _report.build(arguments, (task_vars or {}).get("hostvars", {}), now)
            paths = _report_files.write(arguments["dest"], arguments["name"], _report_files.render(report))
            if arguments["metrics_file"]:
                paths["metrics"] = _report_files.publish(arguments["metrics_file"], _metrics.text(report))
        except GlanceError as error:
            return {**result, **error.details, "failed": True, "msg": error.message}
        return {**result, **paths, "changed": False}
