# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Glance's property protection file: read, judged and answered as Glance does it.

The file is an INI file. Each section is a regular expression that is searched for in the name of a property; the first that
is found decides, and where none is found everything is denied. What an operation of it holds are roles, or one policy rule.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _policy, _policy_rules, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._policy import Persona, Policy

OPERATIONS = ("create", "read", "update", "delete")
FILE, FORMAT = "property_protection_file", "property_protection_rule_format"
#: A property of Glance's own, as imports set it.
GLANCES_OWN = "os_glance_import_task"


@dataclass(frozen=True)
class Section:
    """One pattern and what each operation of it holds: roles, or the name of one rule."""

    pattern: str
    permissions: dict[str, tuple[str, ...]]
    line: int | None = None


def option(service: _service.Service, name: str) -> str | None:
    """What the service gets for one of the two options that say where the protections are, and of which format."""
    schema: dict[str, Any] = {"group": "DEFAULT", "name": name, "type": "string", "default": None, "deprecated": []}
    answer = _service.resolve(service, schema)
    return answer["effective"] if answer["status"] == "set" else None


def of_service(service: _service.Service) -> dict[str, str]:
    """The policy rules that the protections of a surveyed service ask, each with its place. Raises GlanceError."""
    document = service.get("property_protection")
    if document is None or (option(service, FORMAT) or "roles").lower() != "policies":
        return {}
    if document["error"]:
        raise GlanceError(document["error"])
    return rules(parse(document["text"], document["file"], "policies"), document["file"])


def rules(sections: Sequence[Section], path: str) -> dict[str, str]:
    """The policy rules that sections of the format policies ask, each with the first place."""
    found: dict[str, str] = {}
    for section in sections:
        for operation, permitted in section.permissions.items():
            for rule in permitted:
                if rule not in ("@", "!"):
                    where = f"{path}:{section.line}" if section.line else path
                    found.setdefault(rule, f"{where}: [{section.pattern}] {operation}")
    return found


def parse(text: str, path: str, format_: str) -> list[Section]:
    """The sections, in order. Raises GlanceError for what keeps Glance from starting."""
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text, path)
    except configparser.Error as error:
        raise GlanceError(f"{path}: Glance does not start with this file: {' '.join(str(error).split())}.") from error
    lines = _lines(text)
    return [_section(parser, pattern, f"{path}:{lines.get(pattern, 0)}", format_) for pattern in parser.sections()]


def _lines(text: str) -> dict[str, int]:
    found = ((re.match(r"\[(.+)\]", line), number) for number, line in enumerate(text.splitlines(), 1))
    return {match[1]: number for match, number in found if match}


def _section(parser: configparser.ConfigParser, pattern: str, where: str, format_: str) -> Section:
    permissions: dict[str, tuple[str, ...]] = {}
    for operation in OPERATIONS:
        try:
            value = parser.get(pattern, operation)
        except configparser.NoOptionError as error:
            raise GlanceError(
                f"{where}: [{pattern}] has no {operation}, and Glance does not start without all of {', '.join(OPERATIONS)}. "
                "Write '!' where nobody may."
            ) from error
        except configparser.InterpolationError as error:
            raise GlanceError(f"{where}: [{pattern}] {operation} = … has a bare '%'. Write '%%'.") from error
        permissions[operation] = tuple(each.strip() for each in value.split(",")) if value else ()
    section = Section(pattern, permissions, int(where.rpartition(":")[2]) or None)
    hold(section, where, format_)
    return section


def hold(section: Section, where: str, format_: str) -> None:
    """Raise GlanceError for a section with which Glance does not start, or which older Pythons read otherwise."""
    pattern = section.pattern
    try:
        re.compile(pattern)
    except re.error as error:
        raise GlanceError(
            f"{where}: [{pattern}] is no regular expression ({error}), and Glance does not start with it."
        ) from error
    if "]" in pattern or "\n" in pattern or not pattern.strip():
        raise GlanceError(
            f"{where}: [{pattern}] cannot be the name of a section: before Python 3.11 it ends at the first ']'. Write the "
            "pattern without brackets, such as a|b in place of [ab]."
        )
    for operation, permitted in section.permissions.items():
        if format_ == "policies" and len(permitted) > 1:
            raise GlanceError(
                f"{where}: [{pattern}] {operation} names {len(permitted)} rules, and Glance takes one. Combine them in the "
                "policy file."
            )
        if "@" in permitted and "!" in permitted:
            raise GlanceError(
                f"{where}: [{pattern}] {operation} holds both '@' and '!', and Glance does not start with that."
            )


def render(sections: Sequence[Section]) -> str:
    return "\n".join(
        f"[{section.pattern}]\n" + "".join(f"{name} = {','.join(section.permissions[name])}\n" for name in OPERATIONS)
        for section in sections
    )


def described(given: Sequence[Mapping[str, Any]], format_: str) -> list[Section]:
    """Sections as an operator wrote them in a task. Raises GlanceError."""
    found: list[Section] = []
    for each in given:
        section = Section(each["pattern"], {name: tuple(each[name] or ()) for name in OPERATIONS})
        for name, permitted in section.permissions.items():
            if not permitted:
                raise GlanceError(f"protections: [{section.pattern}] {name} is empty. Write '!' where nobody may.")
            if any(set(permission) & set("\n,%") for permission in permitted):
                raise GlanceError(f"protections: [{section.pattern}] {name} has a comma, '%' or line break in a name.")
        hold(section, "protections", format_)
        if section.pattern in [other.pattern for other in found]:
            raise GlanceError(f"protections: [{section.pattern}] is given twice, and Glance does not start with that.")
        found.append(section)
    return found


def problems(sections: Sequence[Section], format_: str, policy: Policy) -> list[str]:
    """What is wrong with the sections for this Glance and its policy; nothing of it keeps Glance from starting.

    ``policy`` knows them as its protections.
    """
    found = []
    if sections and "own_section" not in policy.how.property_protection:
        own = match(sections, GLANCES_OWN)
        if own is None or any(own.permissions[name] != ("@",) for name in OPERATIONS):
            by = f"[{own.pattern}] decides" if own else "no section decides"
            found.append(
                f"{by} about os_glance_* properties, and imports break where users may not write them; {policy.release} does "
                "not add the section by itself, as releases from 32 on do. Put [os_glance_.*] with '@' for all four first."
            )
    if format_ == "policies":
        asked = policy.reached(policy.protections)
        found += [each.message for each in _policy.problems(policy) if each.fatal and each.rule in asked]
    for index, section in enumerate(sections):
        hiding = next(
            (before for before in sections[:index] if before.pattern in (".*", "", ".+", "^.*", "^.*$")), None
        )
        if hiding:
            found.append(
                f"[{section.pattern}] is never reached: [{hiding.pattern}] stands before it and matches everything."
            )
    return found


def match(sections: Sequence[Section], name: str) -> Section | None:
    """The section that decides about a property."""
    return next((section for section in sections if re.search(section.pattern, name)), None)


def allowed(
    sections: Sequence[Section], format_: str, policy: Policy, persona: Persona, name: str, operation: str
) -> bool | None:
    """Whether somebody may do that with the property, as Glance decides; None where a rule would ask another program."""
    if not sections:
        return True
    if name.startswith("os_glance") and "own_section" in policy.how.property_protection:
        return True
    section = match(sections, name)
    permitted = section.permissions[operation] if section else ()
    if not permitted or "!" in permitted:
        return False
    if "@" in permitted:
        return True
    if format_ == "policies":
        return policy.check(_policy_rules.read(f"rule:{permitted[0]}"), persona, {})
    roles = {role.lower() for role in persona.roles}
    if "service_roles" in policy.how.property_protection:
        roles |= set(persona.service_roles)
    return bool(roles & {role.lower() for role in permitted})
