# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the actions about glance-api share: look at it on its host, and say what must be restarted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _fleet, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction

MAIN = "glance-api"
#: Where to look.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "config_files": {"type": "list", "elements": "path", "default": []},
    "config_dirs": {"type": "list", "elements": "path", "default": []},
    "glance_release": {"type": "str"},
}


class GlanceAction(HostAction):
    """Look at a host's glance-api there, decide here, where the catalogue is."""

    def glance(
        self, arguments: Mapping[str, Any], task_vars: dict[str, Any]
    ) -> tuple[_service.Service, _catalogue.Release]:
        """The glance-api of the host and its release. Raises GlanceError."""
        named = {MAIN: {name: arguments[name] for name in ("config_files", "config_dirs")}}
        service = self.survey(_fleet.services(["glance"], named), MAIN, task_vars).get(MAIN)
        if service is None:
            raise GlanceError(f"There is no {MAIN} on this host. Give config_files, or take the host out of the group.")
        said = arguments["glance_release"]
        return service, _service.known_release("glance", said) if said else _service.installed(service)


def restart(service: _service.Service, paths: Iterable[str]) -> dict[str, Any]:
    """What must be restarted: running units that read one of these files, and those older than a file that they read."""
    units = list(dict.fromkeys([*_service.readers([service], paths), *_service.pending([service])]))
    return {"restart_required": bool(units), "restart_units": units}
