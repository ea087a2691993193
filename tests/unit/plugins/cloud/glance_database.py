# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Glance database in SQLite, at the schema of Pike or the one up to Newton, to fill with images."""

from __future__ import annotations

import json
import pathlib
import sqlite3
import uuid
from typing import Any

NOW = "2099-01-01 00:00:00.000000"  # nothing of today is stuck
OLD = "2016-05-04 03:02:01.000000"
TIMES = "created_at DATETIME NOT NULL, updated_at DATETIME, deleted_at DATETIME, deleted BOOLEAN NOT NULL DEFAULT 0"
TABLES = f"""
CREATE TABLE images (id VARCHAR(36) NOT NULL PRIMARY KEY, name VARCHAR(255), size BIGINT, status VARCHAR(30) NOT NULL,
  {TIMES}, disk_format VARCHAR(20), container_format VARCHAR(20), owner VARCHAR(255), VISIBLE);
CREATE TABLE image_properties (id INTEGER PRIMARY KEY, image_id VARCHAR(36) NOT NULL, name VARCHAR(255) NOT NULL,
  value TEXT, {TIMES}, UNIQUE (image_id, name));
CREATE TABLE image_members (id INTEGER PRIMARY KEY, image_id VARCHAR(36), member VARCHAR(255), can_share BOOLEAN,
  status VARCHAR(20) NOT NULL DEFAULT 'pending', {TIMES});
CREATE TABLE image_locations (id INTEGER PRIMARY KEY, image_id VARCHAR(36), value TEXT NOT NULL, meta_data TEXT,
  status VARCHAR(30) NOT NULL DEFAULT 'active', {TIMES});
"""
VISIBLE = {"visibility": "visibility VARCHAR(9) NOT NULL", "is_public": "is_public BOOLEAN NOT NULL"}


class GlanceDatabase:
    def __init__(self, path: pathlib.Path, schema: str = "visibility") -> None:
        self.path, self.schema = path, schema
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.executescript(TABLES.replace("VISIBLE", VISIBLE[schema]))

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def image(
        self,
        name: str = "",
        properties: dict[str, Any] | None = None,
        deleted_properties: tuple[str, ...] = (),
        members: tuple[tuple[str, int], ...] = (),
        locations: tuple[tuple[str, str | None], ...] | None = None,
        **columns: Any,
    ) -> str:
        """Add an image about which there is nothing to say, but for what is given; its id."""
        image_id = columns.pop("id", None) or str(uuid.uuid5(uuid.NAMESPACE_URL, name))
        visibility = columns.pop("visibility", "private")
        seen = {"visibility": visibility} if self.schema == "visibility" else {"is_public": visibility == "public"}
        row = {
            "id": image_id,
            "name": name,
            "size": 5,
            "status": "active",
            "created_at": NOW,
            "updated_at": NOW,
            "deleted": 0,
            "disk_format": "raw",
            "container_format": "bare",
            "owner": "project",
            **seen,
            **columns,
        }
        self.insert("images", row)
        common = {"image_id": image_id, "created_at": NOW}
        for key, value in (properties or {}).items():
            self.insert("image_properties", {**common, "name": key, "value": value})
        for key in deleted_properties:
            self.insert("image_properties", {**common, "name": key, "value": "gone", "deleted": 1, "deleted_at": OLD})
        for status, can_share in members:
            self.insert("image_members", {**common, "member": "friend", "status": status, "can_share": can_share})
        for value, meta_data in (("file:///images/1", "{}"),) if locations is None else locations:
            self.insert("image_locations", {**common, "value": value, "meta_data": meta_data})
        return image_id

    def insert(self, table: str, row: dict[str, Any]) -> None:
        sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' for _ in row)})"
        self.connection.execute(sql, list(row.values()))

    def properties(self, image_id: str) -> dict[str, Any]:
        sql = "SELECT name, value FROM image_properties WHERE image_id = ? AND deleted = 0"
        return dict(self.connection.execute(sql, (image_id,)).fetchall())

    def dump(self) -> list[tuple[Any, ...]]:
        return self.connection.execute("SELECT * FROM image_properties ORDER BY id").fetchall()


#: For each kind, an image of that kind alone (but for those named with it).
GUILTY: dict[str, dict[str, Any]] = {
    "property-name-rewritten": {"properties": {"HW_Disk_Bus": "scsi", "two-words": "x", "Größe": "1"}},
    "property-case-collision": {"properties": {"os_type": "linux"}, "deleted_properties": ("OS_Type",)},
    "property-shadowed": {"properties": {"owner": "custom", "os_hash_algo": "md5", "Owner_": "x"}},
    "property-reserved": {"properties": {"deleted_at": "x", "os_glance_mine": "x"}},
    "property-null": {"properties": {"note": None}},
    "boot-property-none": {"properties": {"kernel_id": "None", "ramdisk_id": ""}},
    "active-empty": {"size": 0},
    "active-without-location": {"locations": ()},
    "format-refused": {"disk_format": "RAW"},
    "member-pending": {"visibility": "shared", "members": (("pending", 0),)},
    "member-can-share": {"visibility": "shared", "members": (("accepted", 1),)},
    "private-with-members": {"members": (("accepted", 0),)},
    "community-visibility": {"visibility": "community"},
    "shared-visibility": {"visibility": "shared"},
    "deleted-image": {"deleted": 1, "deleted_at": OLD, "properties": {"Ignored": "x"}, "locations": ()},
    "location-encrypted": {"locations": (("gAAAAABf-4Z0", '{"store": "fast"}'),)},
    "location-without-store": {"locations": (("rbd://a/b", None),)},
    "location-http": {"locations": (("https://user:hush@elsewhere/image", '{"store": "http"}'),)},
    "image-id-not-uuid": {"id": "0D2FF5B9-2C5C-4F5B-8E9A-2F3A4C1D5E6F"},
    "stuck-queued": {"status": "queued", "updated_at": OLD, "size": None, "locations": ()},
    "stuck-saving": {"status": "saving", "updated_at": OLD, "locations": ()},
    "stuck-uploading": {"status": "uploading", "updated_at": OLD, "locations": ()},
    "stuck-importing": {"status": "importing", "updated_at": OLD, "locations": ()},
    "stuck-copying": {"updated_at": OLD, "properties": {"os_glance_importing_to_stores": "fast"}},
}
ALSO = {
    "property-shadowed": {"property-name-rewritten"},  # Owner_ is none of v2's names
    "member-pending": {"shared-visibility"},
    "member-can-share": {"shared-visibility"},
}
#: Images that look like the above and are none.
INNOCENT: list[dict[str, Any]] = [
    {"properties": {"hw_disk_bus": "scsi", "ower": "x", "kernel_id": str(uuid.uuid4()), "a b": "", "ñandú": "x"}},
    {"properties": {"os_glance_failed_import": "", "os_glance_importing_to_stores": ""}, "updated_at": OLD},
    {"deleted_properties": ("HW_Disk_Bus", "owner", "two-words")},
    {"size": 0, "locations": (), "disk_format": None, "properties": {"block_device_mapping": "[{}]"}},
    {"status": "queued", "size": None, "locations": ()},
    {"visibility": "public", "members": (("pending", 1),)},
    {"properties": {"owner ": "a space", "name\n": "a line", "é": "accent"}},
    {"name": "<b>&amp;</b> 'quoted' \"twice\" \u2028"},
]


def fill(database: GlanceDatabase) -> dict[str, set[str]]:
    """One image of each kind and many innocent ones; for each kind, the ids that are of it."""
    named = (("file:///1", json.dumps({"store": "fast"})),)
    expected: dict[str, set[str]] = {kind: set() for kind in GUILTY}
    old = database.schema == "is_public"
    for kind, about in GUILTY.items():
        about = {"locations": named, **about}
        if old and about.get("visibility") in ("community", "shared"):
            if kind.endswith("-visibility"):
                continue
            about = {**about, "visibility": "private"}
        also = ALSO.get(kind, set())
        if old and "members" in about:
            also = {"private-with-members"}
        image_id = database.image(f"guilty of {kind}", **about)
        for each in {kind, *also}:
            expected[each].add(image_id)
    for number, about in enumerate(INNOCENT):
        about = {"name": f"innocent {number}", "locations": named, **about}
        database.image(**about)
    for number in range(50):
        database.image(f"plain {number}", {f"key_{n}": "value" for n in range(5)}, locations=named)
    return expected
