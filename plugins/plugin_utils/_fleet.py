# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services to look for on a host, and what to read of each: the questions of a survey."""

from __future__ import annotations

import difflib
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

#: The options whose raw values the plan needs, per project; secrets among them are masked on the host.
OPTIONS = {
    "glance": ["*"],
    "nova": [
        "glance/*",
        # Older names of options that are in [glance] today.
        "ssl/*",
        "DEFAULT/compute_driver",
        "libvirt/images_type",
    ],
}

#: What an operator may say of a service.
OVERRIDES = ("units", "config_files", "config_dirs", "project", "release")


def services(groups: list[str], overrides: dict[str, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The ``services`` argument of glance_host_info for a host that is in these groups: glance, nova, consumers.

    ``overrides`` names, per service, what differs on this cloud, by the keys of ``OVERRIDES``. A service that the
    catalogue does not know is looked at when its units or files stand there. Raises GlanceError for what it cannot use.
    """
    overrides = overrides or {}
    _check(overrides)
    wanted = [name for name, facts in _catalogue.services().items() if facts["project"] in groups]
    if "consumers" in groups:
        wanted += [
            program
            for service, facts in _catalogue.consumers().items()
            if service not in ("nova", "glance")
            for program in facts["programs"]
        ]
    wanted += [name for name in overrides if name not in wanted and not _known(name)]
    return [_service(name, overrides.get(name, {})) for name in dict.fromkeys(wanted)]


def _known(name: str) -> bool:
    """Whether the catalogue knows the service, if perhaps for other groups than the host's."""
    return name in _catalogue.services() or any(name in facts["programs"] for facts in _catalogue.consumers().values())


def _check(overrides: dict[str, dict[str, Any]]) -> None:
    for name, override in overrides.items():
        strange = [key for key in override if key not in OVERRIDES]
        if strange:
            raise GlanceError(
                f"glance_flip_services: {name}: {', '.join(strange)} is not among {', '.join(OVERRIDES)}."
            )
        if not _known(name) and not (override.get("units") or override.get("config_files")):
            near = difflib.get_close_matches(name, _catalogue.services(), n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise GlanceError(f"glance_flip_services: {name} is not known{hint}; give its units or config_files.")


def _service(name: str, override: dict[str, Any]) -> dict[str, Any]:
    known = _catalogue.services().get(name)
    project = override.get("project") or (known["project"] if known else project_of(name))
    units = override.get("units") or (
        [unit for names in known["units"].values() for unit in names] if known else [name, f"openstack-{name}"]
    )
    return {
        "name": name,
        "project": project,
        "prog": known["program"] if known else name,
        "units": list(dict.fromkeys(units)),
        "config_files": override.get("config_files", []),
        "config_dirs": override.get("config_dirs", []),
        "options": OPTIONS.get(project) or [*_images_api_options(project), *_catalogue.address_options(project)],
        "documents": name == "glance-api",
    }


def _images_api_options(project: str) -> list[str]:
    rules = [rule.schema for rule in _catalogue.images_api_options(project) if rule.schema]
    return list(dict.fromkeys(f"{schema['group']}/{schema['name']}" for schema in rules))


def project_of(program: str) -> str:
    """The consumer that a program belongs to, by the catalogue; else the first part of its name."""
    for service, facts in _catalogue.consumers().items():
        if program in facts["programs"]:
            return service
    return program.split("-")[0]
