# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's Glance there, decide how it imports here, where the release catalogue is, and write there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _imports
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import ARGUMENTS, GlanceAction, restart
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING

TEXTS: dict[str, Any] = {"type": "list", "elements": "str"}
SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **WRITING,
    **{name: TEXTS for name in ("methods", "enable", "disable", "plugins", "inject_ignore_roles", "extra_properties")},
    **{f"{way}_{what}": TEXTS for way in ("allowed", "disallowed") for what in ("schemes", "hosts")},
    **{f"{way}_ports": {"type": "list", "elements": "int"} for way in ("allowed", "disallowed")},
    **{name: {"type": "int"} for name in ("max_parallel_stores", "task_time_to_live", "cores")},
    **{name: {"type": "str"} for name in ("output_format", "max_workers", "task_pool_threads")},
    "custom_plugins": {**TEXTS, "default": []},
    "inject": {"type": "dict"},
}


class ActionModule(GlanceAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(
            argument_spec=SPECIFICATION, mutually_exclusive=[("methods", "enable"), ("methods", "disable")]
        )
        for name in _imports.POOLS:
            if not str(arguments[name] or _imports.AUTO).isdigit() and arguments[name] not in (None, _imports.AUTO):
                raise GlanceError(f"{name} is {arguments[name]!r}. Give a whole number, or {_imports.AUTO}.")
        service, release = self.glance(arguments, task_vars)
        decision = _imports.decide(service, release, arguments, arguments["cores"] or self.cores)
        written = self.write(decision.changes, arguments, task_vars)
        return {
            **written,
            **restart(service, [each["path"] for each in decision.changes] if written["changed"] else []),
            "release": str(release),
            "methods": decision.methods,
            "plugins": decision.plugins,
            "pools": decision.pools,
            **({"warnings": [f"{text}." for text in decision.idle]} if decision.idle else {}),
        }
