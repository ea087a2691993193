# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A packaged Glance that runs out of an environment of the release that it has: a drop-in of its unit, and nothing else.

The packages stay, and with them the unit, the configuration, the paste file and the policy that they brought along. So the way
back is to take the drop-in away.
"""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _bind, _service

DROP_IN = "stackops-glance-environment.conf"


def drop_ins(service: _service.Service, link: str) -> list[dict[str, Any]]:
    """The files that let the units run the program that the link leads to, with the arguments that it has now.

    Raises GlanceError where a unit does not run the program itself, as a WSGI server in its place or a container.
    """
    files = []
    for unit in service["units"]:
        argv, script = unit.get("argv") or [], unit.get("script") or ""
        path = _service.drop_in(unit, DROP_IN)
        if script not in argv or os.path.basename(script) != service["prog"] or unit["triggered_by"]:
            raise GlanceError(f"{unit['name']} does not run {service['prog']} itself.")
        line = _bind.command([f"{link}/bin/{service['prog']}", *argv[argv.index(script) + 1 :]])
        content = f"# Written by stackops.glance.flip_release: out of an environment.\n[Service]\nExecStart=\nExecStart={line}\n"
        files.append({"path": path, "before": "", "content": content, "mode": "0644"})
    return files


def leftovers(service: _service.Service) -> list[dict[str, Any]]:
    """The changes that take these drop-ins away, where the units have become this collection's own.

    Raises GlanceError where one is a package's still: what its release is started with is written into it.
    """
    files = []
    for unit in service["units"]:
        path = next((each for each in unit.get("drop_ins") or () if os.path.basename(each) == DROP_IN), None)
        # Those that this collection deploys lie where an administrator's do.
        if path and not unit["fragment"].startswith(_units.UNIT_FILES):
            raise GlanceError(
                f"{unit['name']} is that of the packages ({unit['fragment']}) and runs out of an environment by {path}. Another "
                "release needs units and files of its own. Describe the host by the variables of the role glance_release, and "
                "take it over with deploy.yml in the release that it has."
            )
        if path:
            files.append({"path": path, "content": None})
    return files
