# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show or hide where images lie: options and policies decided and proven here, written there in one transaction."""

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _policy_matrix,
    _policy_rules,
    _service,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._glance_action import restart
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import WRITING
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_action import (
    ARGUMENTS,
    PROOF,
    RULES,
    PolicyAction,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._policy_change import (
    Found,
    edited,
    proof,
    refuse_problems,
    wanted_rules,
)

OPTIONS = ("show_multiple_locations", "show_image_direct_url")
#: The rules about locations; a release has those that its catalogue names.
LOCATION_API = ("add_image_location", "fetch_image_location")
LOCATION_RULES = ("get_image_location", "set_image_location", "delete_image_location", *LOCATION_API, "service_api")
SPECIFICATION: dict[str, dict[str, Any]] = {
    **ARGUMENTS,
    **PROOF,
    **WRITING,
    **{name: {"type": "bool", "default": False} for name in OPTIONS},
    "api": {"type": "str", "choices": ["public", "internal"], "default": "public"},
    "i_accept_ossn_0065": {"type": "bool", "default": False},
    "rules": RULES,
}


class ActionModule(PolicyAction):
    def act(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        _validation, arguments = self.validate_argument_spec(argument_spec=SPECIFICATION)
        _policy_rules.require_oslo_policy()
        _refuse_exposure(arguments)
        wanted = wanted_rules(arguments["rules"])
        found = self.look(arguments, task_vars)
        _refuse_rules(wanted, found.release)
        before, text = found.policy(), edited(found, wanted)
        after = found.policy(text)
        refuse_problems(before, after, {name for name, check in wanted.items() if check is not None})
        changes, idle = proof(before, after, arguments)
        _policy_matrix.refuse(changes)
        options = _options(found, arguments)
        # Who may see locations is decided before anybody can.
        files = [*([found.file(text)] if text != found.text else []), *options]
        written = self.replace(files, arguments, task_vars) if files else {"changed": False}
        # Glance keeps a rule that is gone until it is restarted.
        gone = [found.own_file] if set(before.file_rules) - set(after.file_rules) else []
        shown = [name for name in OPTIONS if arguments[name]]
        warnings = [_advice(found.release)] if shown and _has(found.release, LOCATION_API[0]) else []
        return {
            **written,
            **restart(found.service, [*[each["path"] for each in options], *gone]),
            "release": str(found.release),
            "path": found.path,
            "policies": {name: after.effective(name) for name in LOCATION_RULES if _has(found.release, name)},
            "changes": [change.as_dict() for change in changes],
            "idle_expectations": idle,
            "units": [unit["name"] for unit in found.service["units"]],
            "command": next((unit["argv"] for unit in found.service["units"]), []),
            "environment": _oslo_ini.dialect(found.service.get("oslo_config") or "newest").environment,
            **({"warnings": warnings} if warnings else {}),
        }


def _refuse_exposure(arguments: dict[str, Any]) -> None:
    shown = [name for name in OPTIONS if arguments[name]]
    if shown and arguments["api"] == "public" and not arguments["i_accept_ossn_0065"]:
        raise GlanceError(
            f"{' and '.join(shown)} shall be true for a public API. Whoever may see an image then sees where its data lie, "
            "perhaps with credentials, and with show_multiple_locations whoever owns one may put other data in their place "
            "(OSSN-0065, OSSN-0090). Let an API process that services alone reach have it (api: internal; the role "
            "glance_image_locations makes one), or give i_accept_ossn_0065: true."
        )


def _has(release: _catalogue.Release, rule: str) -> bool:
    return _catalogue.policy("glance", release, rule) is not None


def _refuse_rules(wanted: dict[str, str | None], release: _catalogue.Release) -> None:
    for name in wanted:
        if name not in LOCATION_RULES:
            raise GlanceError(
                f"rules: {name} is not about locations. Set it with glance_policy. About locations are: "
                f"{', '.join(LOCATION_RULES)}."
            )
        lives = _catalogue.policy_lives("glance", name)
        if not _has(release, name) and wanted[name] is not None:
            since = _catalogue.release("glance", lives[0].introduced)
            raise GlanceError(f"rules: {release} does not ask {name}, which came with {since}. Leave it out.")


def _options(found: Found, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    changes = []
    for name in OPTIONS:
        option = _catalogue.option("glance", found.release, "DEFAULT", name)
        if option is not None:
            changes.append(_service.give(found.service, option.schema(), arguments[name], found.release))
        elif arguments[name]:
            raise GlanceError(f"{found.release} has no [DEFAULT] {name}. Leave it out.")
    return _service.merge(changes)


def _advice(release: _catalogue.Release) -> str:
    service_api = _catalogue.policy("glance", release, "service_api")
    asked = f" ({service_api.check_str})" if service_api else ""
    return (
        f"{release} has a location API of its own, /v2/images/ID/locations: services for which the rule service_api holds"
        f"{asked} add and read locations while both options are off."
    )
