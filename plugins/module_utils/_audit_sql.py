# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit of Glance's database, in one transaction that reads.

Each table is read once, and by predicates that the server works out: what comes over the wire is what may be a finding.
Rows are sorted by image, since images are counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._audit import (
    BASE,
    BOOT,
    MISREAD,
    PASSING,
    PROPERTY_KINDS,
    RESERVED,
    UUID,
    VOLUME_SNAPSHOT,
    Findings,
    Found,
    Image,
    Limits,
    judge_image,
    judge_property,
    rewritten,
)
from ansible_collections.stackops.glance.plugins.module_utils._audit_database import Database, glance_columns

MEMBER_KINDS = {"member-pending", "member-can-share", "private-with-members"}
LOCATION_KINDS = {"location-encrypted", "location-without-store", "location-http"}
IMAGE_KINDS = {
    "active-empty",
    "active-without-location",
    "format-refused",
    "image-id-not-uuid",
    *(f"stuck-{status}" for status in PASSING),
}


def words(values: Any) -> str:
    """A list for IN. The values are names of this collection and formats that were checked."""
    return ", ".join(f"'{value}'" for value in sorted(values))


def moment(value: object) -> str:
    """A time of the database, as the API writes it but for the Z."""
    return str(value or "")[:19].replace(" ", "T")


class Audit:
    """One look at a database, whose transaction has begun."""

    def __init__(self, database: Database, findings: Findings, limits: Limits, since: str | None = None) -> None:
        self.database = database
        self.findings = findings
        self.limits = limits
        tables = glance_columns(database)
        self.schema = "visibility" if "visibility" in tables["images"] else "is_public"
        self.visibility = (
            "i.visibility" if self.schema == "visibility" else "CASE WHEN i.is_public THEN 'public' ELSE 'private' END"
        )
        self.facts = f"i.id, i.owner, i.name, i.status, {self.visibility}, i.created_at, i.updated_at"
        changed = "COALESCE(i.updated_at, i.created_at)"
        self.live = "i.deleted = 0"
        if since:
            # Glance writes times without a zone, in UTC; SQLite compares them as texts.
            self.live += f" AND {changed} >= '{since.removesuffix('Z').replace('T', ' ')}'"
        self.old = f"{changed} < '{limits.before.replace('T', ' ')}'"

    def run(self) -> int:
        """Look for the kinds that are wanted; how many live images there are."""
        wanted = self.findings.tallies.keys()
        for kinds, look in (
            ({*PROPERTY_KINDS, "stuck-copying"}, self.properties),
            (IMAGE_KINDS, self.images),
            (set(MISREAD), self.visibilities),
            (MEMBER_KINDS, self.members),
            (LOCATION_KINDS, self.locations),
            ({"deleted-image"}, self.deleted),
        ):
            if wanted & kinds:
                for image, found in look():
                    self.findings.add(image, found)
        return int(self.database.one(f"SELECT COUNT(*) FROM images i WHERE {self.live}"))

    def image(self, row: tuple[Any, ...]) -> Image:
        """The image in the first columns of a row."""
        return Image(
            id=str(row[0]),
            owner=row[1],
            name=row[2],
            status=row[3],
            visibility=row[4],
            created_at=moment(row[5]),
            updated_at=moment(row[6] or row[5]),
        )

    def properties(self) -> Iterator[tuple[Image, Found]]:
        lower = f"{self.database.binary.format('p.name')} <> {self.database.binary.format('LOWER(p.name)')}"
        # Of a name outside of ASCII only Python knows the lower case.
        cased = f"({lower} OR {self.database.long_name.format('p.name')})"
        same = " = ".join(self.database.binary.format(f"LOWER({name})") for name in ("q.name", "p.name"))
        other = f"SELECT MIN(q.name) FROM image_properties q WHERE q.image_id = p.image_id AND q.id <> p.id AND {same}"
        sql = (
            f"SELECT {self.database.straight} {self.facts}, p.name, p.value, p.deleted, "
            f"CASE WHEN {cased} THEN ({other}) END "
            f"FROM image_properties p JOIN images i ON i.id = p.image_id AND {self.live} "
            f"WHERE {cased} OR (p.deleted = 0 AND (p.name LIKE '%-%' OR p.value IS NULL OR p.name LIKE 'os_glance%' "
            f"OR p.name IN ({words(BASE | RESERVED)}) OR (p.name IN ({words(BOOT)}) AND LENGTH(p.value) < 36))) "
            "ORDER BY p.image_id"
        )
        for *facts, name, value, deleted, other_name in self.database.rows(sql):
            image = self.image(tuple(facts))
            if other_name is not None:
                yield (
                    image,
                    Found("property-case-collision", name, value, rewritten(name), _collision(deleted, other_name)),
                )
            if not deleted:
                for found in judge_property(image, name, value, self.limits):
                    yield image, found

    def images(self) -> Iterator[tuple[Image, Found]]:
        snapshot = (
            "EXISTS (SELECT 1 FROM image_properties b WHERE b.image_id = i.id AND b.deleted = 0 AND "
            f"{self.database.binary.format('b.name')} = {self.database.binary.format(repr(VOLUME_SNAPSHOT))})"
        )
        located = (
            "EXISTS (SELECT 1 FROM image_locations l WHERE l.image_id = i.id AND l.deleted = 0 AND l.status = 'active')"
        )
        binary = self.database.binary.format
        known = {"disk_format": self.limits.disk_formats, "container_format": self.limits.container_formats}
        formats = " OR ".join(
            "{} NOT IN ({})".format(binary(f"COALESCE(i.{name}, '')"), words(values)) for name, values in known.items()
        )
        wanted = self.findings.tallies
        suspicious = {
            "image-id-not-uuid": f"{binary('i.id')} <> {binary('LOWER(i.id)')} OR LENGTH(i.id) <> 36 "
            f"OR i.id NOT REGEXP '^{UUID.pattern}$'",
            "active-empty": "(i.status = 'active' AND COALESCE(i.size, 0) = 0)",
            "active-without-location": f"(i.status = 'active' AND NOT {located})",
            "format-refused": formats,
            **{f"stuck-{status}": f"(i.status = '{status}' AND {self.old})" for status in PASSING},
        }
        sql = (
            f"SELECT {self.facts}, i.size, i.disk_format, i.container_format, {snapshot}, {located} "
            f"FROM images i WHERE {self.live} AND ({' OR '.join(suspicious[kind] for kind in wanted if kind in suspicious)})"
        )
        for *facts, size, disk_format, container_format, is_snapshot, is_located in self.database.rows(sql):
            image = self.image(tuple(facts))
            image.size, image.disk_format, image.container_format = size, disk_format, container_format
            image.volume_snapshot, image.located = bool(is_snapshot), bool(is_located)
            for found in judge_image(image, self.limits):
                if found.kind not in MISREAD:
                    yield image, found

    def visibilities(self) -> Iterator[tuple[Image, Found]]:
        """Apart from the other images, since most may be of these kinds, and nothing else has to be looked up for them."""
        sql = f"SELECT {self.facts} FROM images i WHERE {self.live} AND {self.visibility} IN ('community', 'shared')"
        for row in self.database.rows(sql):
            yield self.image(row), Found(f"{row[4]}-visibility")

    def members(self) -> Iterator[tuple[Image, Found]]:
        sql = (
            f"SELECT {self.database.straight} {self.facts}, m.member, m.status, m.can_share "
            f"FROM image_members m JOIN images i ON i.id = m.image_id AND {self.live} "
            f"WHERE m.deleted = 0 AND {self.visibility} <> 'public' ORDER BY m.image_id"
        )
        for *facts, member, status, can_share in self.database.rows(sql):
            image = self.image(tuple(facts))
            shared = image.visibility == "shared" or self.schema == "is_public"
            if image.visibility == "private":
                yield image, Found("private-with-members", detail=f"member {member}")
            if shared and status != "accepted":
                yield image, Found("member-pending", detail=f"member {member} is {status}")
            if shared and can_share:
                yield image, Found("member-can-share", detail=f"member {member}")

    def locations(self) -> Iterator[tuple[Image, Found]]:
        named = "(l.meta_data LIKE '%\"store\"%' OR l.meta_data LIKE '%\"backend\"%')"
        # Without several stores no location names one, and none lacks it.
        several = (
            self.database.one(f"SELECT 1 FROM image_locations l WHERE l.deleted = 0 AND {named} LIMIT 1") is not None
        )
        unnamed = f"OR l.meta_data IS NULL OR NOT {named}" if several else ""
        # An address may hold a user and a password: its beginning is all that leaves the server.
        sql = (
            f"SELECT {self.database.straight} {self.facts}, l.id, SUBSTR(l.value, 1, 8), l.value LIKE '%://%', l.meta_data "
            f"FROM image_locations l JOIN images i ON i.id = l.image_id AND {self.live} "
            f"WHERE l.deleted = 0 AND (l.value NOT LIKE '%://%' OR l.value LIKE 'http%' {unnamed}) "
            "ORDER BY l.image_id"
        )
        for *facts, number, beginning, plain, meta_data in self.database.rows(sql):
            image, where = self.image(tuple(facts)), f"location {number}"
            if not plain:
                yield image, Found("location-encrypted", detail=where)
            if str(beginning).startswith(("http://", "https://")):
                yield image, Found("location-http", detail=where)
            if several and not _store(meta_data):
                yield image, Found("location-without-store", detail=where)

    def deleted(self) -> Iterator[tuple[Image, Found]]:
        live = self.live.replace("i.deleted = 0", "i.deleted = 1")
        for row in self.database.rows(f"SELECT {self.facts}, i.deleted_at FROM images i WHERE {live}"):
            yield self.image(row[:-1]), Found("deleted-image", detail=f"deleted at {moment(row[-1])}")


def _collision(deleted: object, other: str) -> str:
    return f"{'a deleted row' if deleted else 'a row'}, beside {other}"


def _store(meta_data: str | None) -> bool:
    """Whether a location's metadata names its store; before Stein the key was another."""
    try:
        found = json.loads(meta_data or "{}")
    except ValueError:
        return False
    return isinstance(found, dict) and bool(found.get("store") or found.get("backend"))
