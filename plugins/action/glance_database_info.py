# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a host's database there, with questions from the release catalogue, which is here."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _database_plan, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import ARGUMENTS, GlanceAction
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING

SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    "to_release": {"type": "str"},
    "dump_of": {"type": "str"},
    "state_dir": WRITING["state_dir"],
}


class ActionModule(GlanceAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        wanted = _service.known_release("glance", arguments["to_release"]) if arguments["to_release"] else None
        service, _release = self.glance(arguments, task_vars)
        look = {"python": service["interpreter"], "counts": _database_plan.counts()}
        look.update({name: service[name] for name in ("config_files", "config_dirs")})
        more = {name: arguments[name] for name in ("dump_of", "state_dir")}
        found = self.run_module(None, {"look": look, **more}, task_vars)
        found.pop("invocation", None)
        if wanted and found.get("heads"):
            found["verdict"] = _verdict(wanted, found)
        return found


def _verdict(wanted: _catalogue.Release, found: dict[str, Any]) -> dict[str, Any]:
    at = _database_plan.position(found["heads"])
    told = _database_plan.verdict(wanted, at, found["counts"])
    forward = wanted.major >= at.contracted.major
    try:
        chain = [str(each) for each in _database_plan.chain(at.contracted, wanted)] if forward else []
    except GlanceError:
        chain = []
    commands = _database_plan.commands(at, wanted, found["counts"]) if forward else []
    return {
        **told._asdict(),
        "release": str(wanted),
        "chain": chain,
        "commands": commands,
        "runs": told.runs and not commands,
    }
