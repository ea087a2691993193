# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds which roles for which project, domain or the system, as Keystone lists it: three requests, however many users.

The lists have no pages, so they are read as they come, one assignment at a time. Of each user or group in a project only
the set of its roles is kept. Keystone resolves for users what they inherit and have by groups; for groups that is done here,
with a fourth request where one inherits from a project.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Optional, Tuple

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import NO_ANSWER, Keystone, one_line

CHUNK = 1 << 16
#: What roles are held for. "below" are the projects of a domain or below a project, to which a group's roles are inherited.
PROJECT, DOMAIN, SYSTEM, BELOW = "project", "domain", "system", "below"
Who = Tuple[str, str]  # kind, id of the user or group
Place = Tuple[str, str]  # what for, and its id
Named = Tuple[str, Optional[str]]  # name, name of the domain


def assignments(keystone: Keystone, query: str) -> Iterator[dict[str, Any]]:
    """The role assignments, one by one. Raises GlanceError, also where the list breaks off."""
    yield from _listed(keystone, f"/role_assignments?include_names=true{query}", "role_assignments")


def projects(keystone: Keystone) -> Iterator[dict[str, Any]]:
    """The projects, one by one. Raises GlanceError likewise."""
    yield from _listed(keystone, "/projects", "projects")


def _listed(keystone: Keystone, path: str, name: str) -> Iterator[dict[str, Any]]:
    response = keystone.call("GET", path, stream=True)
    try:
        yield from elements(response.iter_content(CHUNK), name, keystone.root + path)
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


def implied(keystone: Keystone) -> dict[str, set[str]]:
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
    """Those who hold exactly these roles for a project, and none of the wanted ones; or for a domain or the system alone."""

    scope: str
    roles: list[str]
    users: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    projects: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def add(self, who: Who, place: Place) -> None:
        (self.users if who[0] == "user" else self.groups).add(who[1])
        if place[0] in (PROJECT, DOMAIN):
            (self.projects if place[0] == PROJECT else self.domains).add(place[1])

    @property
    def order(self) -> int:
        return (PROJECT, DOMAIN, SYSTEM).index(self.scope)

    def as_dict(self) -> dict[str, Any]:
        counts = {name: len(getattr(self, name)) for name in ("users", "groups", "projects", "domains")}
        return {"scope": self.scope, "roles": self.roles, **counts, "examples": self.examples}


class Holders:
    """The roles of each user and group in each place, small: names and sets of roles are kept once."""

    def __init__(self) -> None:
        self.rows = 0
        self.roles: dict[tuple[Who, Place], frozenset[str]] = {}
        self.names: dict[str, Named] = {}
        self.above: dict[str, str] = {}  # the project above a project, or its domain
        self._sets: dict[frozenset[str], frozenset[str]] = {}

    def read(self, rows: Iterable[dict[str, Any]], kind: str) -> None:
        """Take up what users (``kind`` user) or groups hold."""
        for row in rows:
            self.rows += 1
            scope, holder = row.get("scope", {}), row.get(kind)
            where = scope.get(PROJECT) or scope.get(DOMAIN)
            if not holder or not (where or scope.get(SYSTEM)):
                continue
            for each in (holder, *([where] if where else [])):
                if each["id"] not in self.names:
                    self.names[each["id"]] = (each.get("name") or each["id"], each.get("domain", {}).get("name"))
            if scope.get(PROJECT) and where.get("domain"):
                self.above.setdefault(where["id"], where["domain"]["id"])
            held_for = next(name for name in (PROJECT, DOMAIN, SYSTEM) if scope.get(name))
            if "OS-INHERIT:inherited_to" in scope:
                held_for = BELOW
            place = (held_for, where["id"] if where else "")
            self._add(((kind, holder["id"]), place), {str(row["role"].get("name") or row["role"]["id"]).lower()})

    def _add(self, key: tuple[Who, Place], roles: Iterable[str]) -> None:
        # Glance compares roles in lower case.
        held = self.roles.get(key, frozenset()) | frozenset(roles)
        self.roles[key] = self._sets.setdefault(held, held)

    @property
    def from_projects(self) -> bool:
        """Whether a group inherits roles from a project, which takes the tree of projects to follow."""
        return any(place == BELOW and where in self.above for _who, (place, where) in self.roles)

    def close(self, brings: dict[str, set[str]], projects: Iterable[dict[str, Any]]) -> None:
        """Add what groups inherit and what their roles bring; Keystone adds both for users by itself."""
        self.above.update((each["id"], each.get("parent_id") or each["domain_id"]) for each in projects)
        brings = {name.lower(): {each.lower() for each in roles} for name, roles in brings.items()}
        for who, place in [key for key in self.roles if key[0][0] == "group"]:
            inherited = (self.roles.get((who, (BELOW, above)), ()) for above in self._above(place))
            held = self.roles[who, place].union(*inherited)
            self._add((who, place), with_implied(held, brings))

    def _above(self, place: Place) -> Iterator[str]:
        """What a project lies below, up to its domain."""
        where = self.above.get(place[1]) if place[0] in (PROJECT, BELOW) else None
        while where:
            yield where
            where = self.above.get(where)

    def without(self, wanted: Iterable[str]) -> Iterator[tuple[Who, Place, list[str]]]:
        """Who holds none of the wanted roles in a project, although others; and who holds roles for no project at all."""
        enough = {role.lower() for role in wanted}
        in_projects = {who for who, (place, _where) in self.roles if place in (PROJECT, BELOW)}
        for (who, place), held in self.roles.items():
            if who not in in_projects or (place[0] in (PROJECT, BELOW) and not held & enough):
                yield who, place, sorted(held)

    def row(self, who: Who, place: Place, roles: list[str]) -> dict[str, Any]:
        (kind, id_), (scope, where) = who, place
        name, domain = self.names[id_]
        found = {kind: name, f"{kind}_id": id_, "domain": domain, "scope": PROJECT if scope == BELOW else scope}
        if scope == PROJECT:
            project, project_domain = self.names[where]
            found.update(project=project, project_id=where, project_domain=project_domain)
        elif scope != SYSTEM:
            key = "inherited_from" if scope == BELOW else "scope_domain"
            found.update({key: self.names[where][0], f"{key}_id": where})
        return {**found, "roles": roles}
