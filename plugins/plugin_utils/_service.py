# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to one service of a survey (see ``glance_host_info``): its release, an option's value, how to change it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

Service = dict[str, Any]
Change = dict[str, Any]

#: Every Nova and Glance has it, outside the groups that the catalogue knows; addresses like to refer to it.
_MY_IP: dict[str, Any] = {"group": "DEFAULT", "name": "my_ip", "type": "string", "default": None, "deprecated": []}


def installed(service: Service) -> _catalogue.Release:
    """The catalogue's release of what is installed. Raises GlanceError."""
    if not service.get("release"):
        raise GlanceError(
            f"No installed {service['project'].capitalize()} was found behind {service['prog']} on this host, so nothing "
            f"tells its release. Give {service['project']}_release, a major number or a series name."
        )
    return known_release(service["project"], service["release"]["version"])


def known_release(project: str, text: str | int) -> _catalogue.Release:
    """As the catalogue's, with the collection's own exception."""
    try:
        return _catalogue.release(project, text)
    except _catalogue.CatalogueError as error:
        raise GlanceError(error.message) from error


def resolve(service: Service, schema: dict[str, Any], release: _catalogue.Release | None = None) -> dict[str, Any]:
    """What oslo.config answers the service for an option, as the oslo.config installed there reads."""
    options = _catalogue.options(release.project, release) if release else []
    known = [option.schema() for option in options] + [_MY_IP]
    dialect = _oslo_ini.dialect(service.get("oslo_config") or "newest")
    return _oslo_ini.resolve(service["assignments"], schema, service["environment"], known, dialect)


def change(
    service: Service, schema: dict[str, Any], wanted: Any, text: str | None = None, home: str | None = None
) -> list[Change]:
    """What to write so that the service gets this value, or (None) so that nobody sets it.

    ``text`` is how the value is written where that is not plain. It goes to the file that decides today, else to ``home``,
    else to the first of the service's files that does not belong to a package. Raises GlanceError where no file can decide.
    """
    group, name = schema["group"], schema["name"]
    setting = [value for value in service["assignments"] if (value["group"], value["option"]) == (group, name)]
    answer = resolve(service, schema)
    right = answer["status"] == "set" and answer["effective"] == wanted
    if str(answer["origin"]).startswith("environment "):
        if right:
            return []
        raise GlanceError(
            f"{service['prog']} takes [{group}] {name} = {answer['raw']} from the {answer['origin']} of its unit, which "
            "overrides every file. Remove the variable from the unit, then run again."
        )
    if wanted is None:
        paths = dict.fromkeys(value["file"] for value in setting)
        return [{"path": path, "options": [{"section": group, "option": name, "state": "absent"}]} for path in paths]
    if right:
        return []
    # The last one read decides, so its file is where the value must stand; the ones before it decide nothing.
    path = setting[-1]["file"] if setting else home or own_file(service)
    written = (str(wanted).lower() if isinstance(wanted, bool) else str(wanted)) if text is None else text
    return [{"path": path, "options": [{"section": group, "option": name, "value": written}]}]


def give(
    service: Service, schema: dict[str, Any], wanted: Any, release: _catalogue.Release, text: str | None = None,
    home: str | None = None,
) -> list[Change]:  # fmt: skip
    """As ``change``, and nothing where the release gives the service this value by default."""
    answer = resolve(service, schema, release)
    if answer["status"] == "default" and answer["effective"] == wanted:
        return []
    return change(service, schema, wanted, text, home)


def drop_in(unit: dict[str, Any], name: str) -> str:
    """The path of a file that adds to a unit. Raises GlanceError for a container, which no such file reaches."""
    if unit.get("container"):
        raise GlanceError(
            f"{unit['name']} runs in a container, whose environment and command line are those of the tool that made it."
        )
    return f"{_units.UNIT_FILES}{unit['name'].removesuffix('.service')}.service.d/{name}"


def own_file(service: Service) -> str:
    """The first of its configuration files that belongs to no package. Raises GlanceError where it has none."""
    paths = service["config_files"] or [entry["path"] for entry in service["files"]]
    if not paths:
        raise GlanceError(
            f"No configuration file of {service['prog']} was found on this host: no unit names one, and neither its home "
            f"nor /etc/{service['project']} holds one. Give config_files."
        )
    return next((path for path in paths if not path.startswith("/usr/")), paths[0])


def merge(changes: Iterable[list[Change]]) -> list[Change]:
    """One list of changes out of several services' that may share files. Raises GlanceError where two disagree."""
    merged: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for each in (each for several in changes for each in several):
        options = merged.setdefault(each["path"], {})
        for option in each["options"]:
            if options.setdefault((option["section"], option["option"]), option) != option:
                raise GlanceError(
                    f"{each['path']}: two services that read this file want [{option['section']}] {option['option']} to "
                    "be different things. Give them files of their own."
                )
    return [{"path": path, "options": list(options.values())} for path, options in merged.items()]


def readers(services: Iterable[Service], paths: Iterable[str]) -> list[str]:
    """Running units that read one of these files."""
    wanted = set(paths)
    directories = {os.path.dirname(path) for path in wanted}
    return [
        unit["name"]
        for service in services
        for unit in service["units"]
        if unit["active_state"] == "active"
        if wanted & set(unit["config_files"]) or directories & {path.rstrip("/") for path in unit["config_dirs"]}
    ]


def pending(services: Iterable[Service]) -> list[str]:
    """Running units that are older than a file that they read."""
    return [unit["name"] for service in services for unit in service["units"] if unit.get("restart_pending")]


def after(service: Service, changes: list[Change]) -> Service:
    """The service as it will be once these changes are written.

    A new line has the number 0, since its place is found on the host; the others keep the numbers that they have today.
    """
    values = list(service["assignments"])
    for each in changes:
        for option in each["options"]:
            key = (each["path"], option["section"], option["option"])
            if "renamed_from" in option:
                old = (each["path"], *option["renamed_from"].split("/", 1))
                named = {"group": option["section"], "option": option["option"], "line": 0}
                values = [{**value, **named} if _place(value) == old else value for value in values]
                continue
            at = [index for index, value in enumerate(values) if _place(value) == key]
            new = dict(zip(("file", "group", "option"), key, strict=True), raw=option.get("value"), line=0)
            if at:
                new["line"] = values[at[-1]]["line"]
            position = at[-1] if at else len(values)
            values[position : position + 1] = [] if option.get("state") == "absent" else [new]
            values = [value for index, value in enumerate(values) if index not in at[:-1]]
    return {**service, "assignments": values}


def _place(value: dict[str, Any]) -> tuple[str, str, str]:
    return value["file"], value["group"], value["option"]


def unnumbered(text: str | None) -> str | None:
    """An origin, or a sentence with origins in it, without the number of a line that is only to be written."""
    return re.sub(r"(/\S+):0(?=\s|$)", r"\1", text) if text else text


def finding(id_: str, severity: str, origin: str | None, message: str, remedy: str) -> dict[str, Any]:
    """One finding; ``origin`` is ``file:line`` or None."""
    path, _colon, line = (origin or "").rpartition(":")
    place = {"file": path, "line": int(line)} if path and line.isdigit() else {"file": None, "line": None}
    return {"id": id_, "severity": severity, **place, "message": message, "remedy": remedy}
