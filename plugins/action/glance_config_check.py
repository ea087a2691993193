# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Look at a service's configuration on its host, check it here, where the release catalogue is, and write there."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _config_check, _fleet, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import SEVERITIES, Finding
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING, HostAction

ARGUMENTS: dict[str, dict[str, Any]] = {
    **WRITING,
    "service": {"type": "str", "default": "glance-api"},
    "config_files": {"type": "list", "elements": "path", "default": []},
    "config_dirs": {"type": "list", "elements": "path", "default": []},
    "release": {"type": "str"},
    "target_release": {"type": "str"},
    "fix": {"type": "bool", "default": False},
    "fail_on": {"type": "str", "choices": ["never", "blocker", "warning"], "default": "never"},
}


class ActionModule(HostAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        asked = _question(arguments)
        target = _named(asked["project"], arguments["target_release"])
        service = self.survey([asked], asked["name"], task_vars)[asked["name"]]
        current = _named(asked["project"], arguments["release"]) or _service.installed(service)
        result: dict[str, Any] = {"changed": False, "fixed": [], "restart_required": False, "restart_units": []}
        if arguments["fix"]:
            changes, fixed = _config_check.fixes(service, current, target)
            result.update(self.write(changes, arguments, task_vars))
            result["fixed"] = [each.as_dict() for each in fixed]
            units = _service.readers([service], [each["path"] for each in changes]) if result["changed"] else []
            units = list(dict.fromkeys([*units, *_service.pending([service])]))
            result.update(restart_required=bool(units), restart_units=units)
            service = _service.after(service, changes)
        findings = _config_check.check(service, current, target)
        return {**result, **_report(findings, current, target), **_verdict(findings, arguments["fail_on"])}


def _question(arguments: dict[str, Any]) -> dict[str, Any]:
    """What to ask of the host. Raises GlanceError for a service that the catalogue cannot judge."""
    name = arguments["service"]
    files = {key: arguments[key] for key in ("config_files", "config_dirs")}
    known = _catalogue.services()
    project = known[name]["project"] if name in known else _fleet.project_of(name)
    if project not in _catalogue.PROJECTS:
        raise GlanceError(
            f"{name} is no service that the release catalogue can judge. It knows: {', '.join(sorted(known))}; and others of "
            "Glance and Nova by their names (glance-..., nova-...) with config_files."
        )
    asked = next(each for each in _fleet.services([project], {name: files}) if each["name"] == name)
    return {**asked, "documents": name == "glance-api"}


def _named(project: str, text: str | None) -> _catalogue.Release | None:
    return _service.known_release(project, text) if text else None


def _report(findings: list[Finding], current: _catalogue.Release, target: _catalogue.Release | None) -> dict[str, Any]:
    counts = {severity: sum(found.severity == severity for found in findings) for severity in SEVERITIES}
    return {
        "findings": [found.as_dict() for found in findings],
        "counts": counts,
        "release": str(current),
        "target": str(target) if target else None,
    }


def _verdict(findings: list[Finding], fail_on: str) -> dict[str, Any]:
    if fail_on == "never":
        return {}
    severe = [found for found in findings if found.severity in SEVERITIES[: SEVERITIES.index(fail_on) + 1]]
    if not severe:
        return {}
    first = severe[0]
    more = f" (and {len(severe) - 1} more, see findings)" if len(severe) > 1 else ""
    place = f"{first.place}: " if first.place else ""
    return {"failed": True, "msg": f"{place}{first.message} {first.remedy}{more}"}
