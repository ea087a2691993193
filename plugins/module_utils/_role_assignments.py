# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds which roles in which project, as Keystone lists it: three requests, however many users there are.

The lists have no pages, so they are read as they come, one assignment at a time. Of each user or group in a project only
the set of its roles is kept.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Optional, Tuple

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import NO_ANSWER, Service, one_line

CHUNK = 1 << 16
Pair = Tuple[str, str, str]  # kind, id of the user or group, id of the project
Named = Tuple[str, Optional[str]]  # name, name of the domain


def assignments(keystone: Service, query: str) -> Iterator[dict[str, Any]]:
    """The role assignments, one by one. Raises GlanceError, also where the list breaks off."""
    path = f"/role_assignments?include_names=true{query}"
    response = keystone.call("GET", path, stream=True)
    try:
        yield from elements(response.iter_content(CHUNK), "role_assignments", keystone.root + path)
    except NO_ANSWER as error:
        raise GlanceError(f"GET {keystone.root}{path} broke off: {one_line(error)}") from error
    finally:
        response.close()


def elements(chunks: Iterable[bytes], name: str, where: str) -> Iterator[dict[str, Any]]:
    """The objects of the list under that name in a document of JSON, as its pieces arrive."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    decoder = json.JSONDecoder()
    buffer, begun = "", False
    for chunk in chunks:
        buffer += decode(chunk)
        if not begun:
            _before, found, after = buffer.partition(f'"{name}"')
            start = after.find("[")
            if not found or start < 0:
                continue
            buffer, begun = after[start + 1 :], True
        position = 0
        while True:
            while position < len(buffer) and buffer[position] in " \t\r\n,":
                position += 1
            if buffer[position : position + 1] == "]":
                return
            try:
                item, position = decoder.raw_decode(buffer, position)
            except ValueError:
                break  # the rest of it is to come
            yield item
        buffer = buffer[position:]
    raise GlanceError(f"GET {where} was answered with something that is no whole list of {name}. Run again.")


def implied(keystone: Service) -> dict[str, set[str]]:
    """The names of the roles that each role brings with it, directly."""
    found: dict[str, set[str]] = {}
    for each in keystone.json("/role_inferences").get("role_inferences", []):
        found[each["prior_role"]["name"]] = {role["name"] for role in each["implies"]}
    return found


def with_implied(roles: frozenset[str], brings: dict[str, set[str]]) -> frozenset[str]:
    """The roles and all that they bring."""
    every, new = set(roles), set(roles)
    while new:
        new = {each for role in new for each in brings.get(role, ())} - every
        every |= new
    return frozenset(every)


@dataclass
class RoleSet:
    """Those who hold exactly these roles in a project, and none of the wanted ones."""

    roles: list[str]
    users: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        counts = {name: len(getattr(self, name)) for name in ("users", "groups", "projects")}
        return {"roles": self.roles, **counts, "examples": self.examples}


class Holders:
    """The roles of each user and group in each project, small: names and sets of roles are kept once."""

    def __init__(self) -> None:
        self.rows = 0
        self.roles: dict[Pair, frozenset[str]] = {}
        self.names: dict[str, Named] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def read(self, rows: Iterable[dict[str, Any]], kind: str) -> None:
        """Take up what users (``kind`` user) or groups hold in projects; tokens for domains and the system are no matter."""
        for row in rows:
            self.rows += 1
            who, where = row.get(kind), row.get("scope", {}).get("project")
            if not who or not where or "OS-INHERIT:inherited_to" in row["scope"]:
                continue
            for each in (who, where):
                if each["id"] not in self.names:
                    self.names[each["id"]] = (each.get("name") or each["id"], each.get("domain", {}).get("name"))
            pair = (kind, who["id"], where["id"])
            # Glance compares roles in lower case.
            held = self.roles.get(pair, frozenset()) | {str(row["role"].get("name") or row["role"]["id"]).lower()}
            self.roles[pair] = self._sets.setdefault(held, held)

    def close(self, brings: dict[str, set[str]]) -> None:
        """Add what the roles of groups bring; Keystone adds it for users by itself."""
        brings = {name.lower(): {each.lower() for each in roles} for name, roles in brings.items()}
        for pair, held in self.roles.items():
            if pair[0] == "group":
                self.roles[pair] = with_implied(held, brings)

    def without(self, wanted: Iterable[str]) -> Iterator[tuple[Pair, list[str]]]:
        """Who holds none of the wanted roles in a project, although others."""
        enough = {role.lower() for role in wanted}
        for pair, held in self.roles.items():
            if not held & enough:
                yield pair, sorted(held)

    def row(self, pair: Pair, roles: list[str]) -> dict[str, Any]:
        kind, who, where = pair
        (name, domain), (project, project_domain) = self.names[who], self.names[where]
        return {
            kind: name,
            f"{kind}_id": who,
            "domain": domain,
            "project": project,
            "project_id": where,
            "project_domain": project_domain,
            "roles": roles,
        }
