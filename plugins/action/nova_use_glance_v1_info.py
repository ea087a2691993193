# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's Nova there; judge here, where the release catalogue is."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils._nova_action import ARGUMENTS, NovaAction, judge


class ActionModule(NovaAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        services = self.look(arguments, task_vars)
        return {"changed": False, **judge(services, arguments["nova_release"])}
