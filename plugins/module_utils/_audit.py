# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What v1 and v2 of the Images API disagree on, as kinds of findings, and the judgement of one image or property.

The judgement is Python, exact to the byte, and the same for both ways in. A database is asked only for rows that may
be of a kind: its collation may call ``Owner`` and ``owner`` equal, and is never believed.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._files import is_secret, sync_directory

#: What v2 keeps in an image's own columns, at any release; a custom property of such a name is hidden by it.
BASE = frozenset(
    "checksum container_format created_at direct_url disk_format file id locations min_disk min_ram name os_hash_algo "
    "os_hash_value os_hidden owner protected schema self size status stores tags updated_at virtual_size visibility".split()
)
RESERVED = frozenset(("location", "deleted", "deleted_at"))
GLANCE_PREFIX = "os_glance_"
#: What Glance itself writes while it imports, and leaves behind.
GLANCE_OWN = frozenset(
    GLANCE_PREFIX + name for name in ("failed_import", "import_task", "importing_to_stores", "stage_host")
)
UNDER_WAY = frozenset((GLANCE_PREFIX + "import_task", GLANCE_PREFIX + "importing_to_stores"))
BOOT = frozenset(("kernel_id", "ramdisk_id"))
#: Nova's snapshots of volumes: images without data that are meant to be so.
VOLUME_SNAPSHOT = "block_device_mapping"
PASSING = ("queued", "saving", "uploading", "importing")
#: The defaults of disk_formats and container_formats of all releases together.
DISK_FORMATS = ("ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
CONTAINER_FORMATS = ("ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
SEVERITIES = ("blocker", "warning", "note")


@dataclass(frozen=True)
class Kind:
    """A kind of finding. ``api`` says whether the Images API shows it; a database shows every kind."""

    id: str
    severity: str
    api: bool
    message: str
    remedy: str
    source: str


_STUCK = {
    "queued": (
        "No data has come for these images. Nothing boots from them, and v1 and v2 both list them.",
        "Delete them, or upload the data, once their owners are known not to be at it.",
    ),
    "saving": (
        "An upload to these images was cut off, as where glance-api was stopped under it.",
        "Delete them and upload anew; a store may hold part of the data.",
    ),
    "uploading": (
        "Data was being staged for an import of these images, and nobody has started the import since.",
        "Start the import, or delete them; the staging directory of one glance-api may hold the data.",
    ),
    "importing": (
        "An import of these images began and did not end, as where glance-api was stopped under it.",
        "Look at the image's tasks and import again, or delete them.",
    ),
}
_V1_HEADERS = "glance 15.0.2, glance/common/utils.py, get_image_meta_from_headers"
_V2_IMAGES = "glance 15.0.2, glance/api/v2/images.py"

KINDS = {
    kind.id: kind
    for kind in (
        Kind(
            "property-name-rewritten",
            "warning",
            True,
            "v1 writes property names in lower case and with _ for -; v2 takes them to the letter. Names such as these are "
            "one thing to a client of v1 and another to a client of v2, and Nova does not honour them through v2.",
            "Rename them to the form that v1 clients know (state renamed), or merge them where that name is there too.",
            _V1_HEADERS,
        ),
        Kind(
            "property-case-collision",
            "warning",
            False,
            "Names that differ by case alone, deleted rows included, stand on one image. They are two to this database and "
            "one to MySQL's collations that ignore case, where the second cannot be written.",
            "Merge them, or remove the one that nobody reads; only SQL can.",
            "glance 15.0.2, unique index ix_image_properties_image_id_name",
        ),
        Kind(
            "property-shadowed",
            "warning",
            False,
            "A custom property has the name of an image's own field. v1 shows both; v2 shows the field alone, a purge "
            "through v2 leaves the property, and writing it through v2 changes the field.",
            "Rename it where somebody reads it, else remove it; only SQL can.",
            f"{_V2_IMAGES}, _base_properties and _format_image",
        ),
        Kind(
            "property-reserved",
            "warning",
            True,
            "The name is reserved in v2: location, deleted and deleted_at cannot be written or removed through it, and "
            "os_glance_* is kept for Glance from release 22 on.",
            "Rename it where somebody reads it, else remove it; only SQL can remove what v2 reserves.",
            f"{_V2_IMAGES}, _reserved_properties; release notes of 22.0.0",
        ),
        Kind(
            "property-null",
            "note",
            False,
            "The value of a property is NULL. v1 leaves the property out of its headers; v2 shows an empty string.",
            "Remove the property, unless somebody tells an empty one from none.",
            f"{_V1_HEADERS}; v2 schema",
        ),
        Kind(
            "boot-property-none",
            "note",
            True,
            "kernel_id or ramdisk_id is empty or the word None. v2 knows strings only; Nova 14 drops such a value, and "
            "other clients of v2 look for an image of that id.",
            "Remove the property.",
            "nova 14.1.0, nova/image/glance.py",
        ),
        Kind(
            "active-empty",
            "warning",
            True,
            "An active image without a byte, which is no volume's snapshot. v1 answers 200 with nothing, v2 answers 204, "
            "which Nova 14 to 16 mishandles.",
            "Delete it, or create it anew with its data.",
            "glance 15.0.2 and nova 14.1.0, seen running",
        ),
        Kind(
            "active-without-location",
            "warning",
            False,
            "An active image that no store holds, and which is no volume's snapshot. v1 streams nothing, v2 answers 204.",
            "Delete it, or create it anew with its data.",
            "glance 15.0.2, seen running",
        ),
        Kind(
            "format-refused",
            "warning",
            True,
            "disk_format or container_format is empty or none of those that this Glance is configured for. v2 refuses an "
            "upload to such an image and its import.",
            "Set the format through v2 while the image is queued; else add it to disk_formats or container_formats.",
            f"{_V2_IMAGES}, schema; glance.location",
        ),
        Kind(
            "member-pending",
            "note",
            False,
            "Members who have not accepted the image. v1 lists it to them, v2 only to those who accepted.",
            "Let the members accept or reject it through v2, or remove them.",
            "glance 15.0.2, image_get_all with member_status",
        ),
        Kind(
            "member-can-share",
            "note",
            False,
            "Members who may pass the image on (can_share). v2 knows no such right, and only the owner adds members.",
            "Tell the owner to add the members himself from now on.",
            "glance 15.0.2, glance/api/v1/members.py",
        ),
        Kind(
            "private-with-members",
            "warning",
            False,
            "A private image with members. The migration of Ocata makes one that is not public shared; after it, v2 "
            "shows a private image to no member.",
            "Set its visibility to shared if the members are to see it, else remove them.",
            "glance 14.0.0, ocata_migrate01_community_images",
        ),
        Kind(
            "community-visibility",
            "warning",
            True,
            "v1 shows community images as not public and leaves them out of other projects' lists. An update through v1 "
            "that carries is_public=false, as Nova's do, makes them shared: other projects then lose them.",
            "Before the way back, make them public or shared with members through v2, or tell their owners; do not update "
            "them through v1.",
            "glance 15.0.2, image_get_all with v1_mode",
        ),
        Kind(
            "shared-visibility",
            "note",
            True,
            "v1 shows shared images as not public, as it shows private ones; of their members it lists also those that "
            "have not accepted. A filter is_public=false of v1 that became visibility=private misses them.",
            "Let scripts ask for visibility shared as well. For the way back nothing, for those without members; for those "
            "with members, have pending ones accepted or removed through v2 where that matters.",
            "glance 15.0.2, image_get_all with v1_mode",
        ),
        Kind(
            "deleted-image",
            "note",
            False,
            "Deleted images that the database still holds. v1 lists them to who asks with changes-since, v2 never does.",
            "Let tools that follow deletions through v1 listen to Glance's notifications instead; `glance-manage db purge` "
            "removes the rows.",
            "glance 15.0.2, image_get_all with changes-since",
        ),
        Kind(
            "location-encrypted",
            "note",
            False,
            "The location is encrypted: it was written with metadata_encryption_key, and is lost to a Glance without it.",
            "Keep metadata_encryption_key the same on every host and at every release.",
            "glance 15.0.2, metadata_encryption_key; release notes of 29.0.0",
        ),
        Kind(
            "location-without-store",
            "note",
            False,
            "Other locations name the store that holds them, and this one does not: Glance has to guess it.",
            "Show the image through v2 once while every store is up, so that Glance writes the store's name.",
            "release notes of 17.0.0 and 19.0.0",
        ),
        Kind(
            "location-http",
            "note",
            False,
            "The data lies at an HTTP address outside of Glance's stores, as the v1 header location leaves it. v2 takes "
            "such an address only where show_multiple_locations or the location API is open to the caller.",
            "Let whoever creates them import with web-download instead; import these anew before their address goes.",
            "glance 15.0.2, glance/api/v1/images.py, x-image-meta-location",
        ),
        Kind(
            "image-id-not-uuid",
            "warning",
            True,
            "The id is no UUID in canonical form, as v1 lets a client choose it. v2's schema knows no such id, and clients "
            "of v2 take it for a name.",
            "Create the image anew with another id, and delete this one once nothing refers to it.",
            f"{_V2_IMAGES}, get_base_properties",
        ),
        *(Kind(f"stuck-{status}", "warning", True, *_STUCK[status], "docs: image statuses") for status in PASSING),
        Kind(
            "stuck-copying",
            "warning",
            True,
            "An active image whose import or copy to another store began and has not ended; a new one may be refused.",
            "Look at the image's tasks; import or copy again, which takes over an old lock.",
            "release notes of 20.1.0 and 21.0.0",
        ),
    )
}
#: Those about one custom property, which a change of that property can be a remedy for.
PROPERTY_KINDS = (
    "property-name-rewritten",
    "property-case-collision",
    "property-shadowed",
    "property-reserved",
    "property-null",
    "boot-property-none",
)
#: What v1 would misread after a way back; what the argument ``since`` is for.
MISREAD = ("community-visibility", "shared-visibility")


def rewritten(name: str) -> str:
    """A property's name as v1 writes it."""
    return name.lower().replace("-", "_")


def free_name(name: str) -> str:
    """The name that is proposed for a property that v2 hides or reserves."""
    return "custom_" + name.removeprefix(GLANCE_PREFIX)


@dataclass(frozen=True)
class Limits:
    """What judgement depends on beside the image."""

    before: str
    disk_formats: frozenset[str]
    container_formats: frozenset[str]

    @classmethod
    def of(cls, hours: float, disk_formats: Any = None, container_formats: Any = None) -> Limits:
        before = datetime.now(timezone.utc) - timedelta(hours=hours)
        return cls(
            before.strftime("%Y-%m-%dT%H:%M:%S"),
            frozenset(disk_formats or DISK_FORMATS),
            frozenset(container_formats or CONTAINER_FORMATS),
        )


@dataclass
class Image:
    """An image as both ways in know it; ``located`` is None where nobody can tell."""

    id: str
    owner: str | None = None
    name: str | None = None
    status: str = "active"
    size: int | None = None
    disk_format: str | None = None
    container_format: str | None = None
    visibility: str = "private"
    created_at: str = ""
    updated_at: str = ""
    volume_snapshot: bool = False
    located: bool | None = None


@dataclass
class Found:
    """One finding of one image; ``to`` is the name that a remedy would give the property."""

    kind: str
    property: str | None = None
    value: Any = None
    to: str | None = None
    detail: str | None = None


def judge_image(image: Image, limits: Limits) -> Iterator[Found]:
    """What can be said of an image without its properties."""
    if not UUID.fullmatch(image.id):
        yield Found("image-id-not-uuid")
    if image.visibility in ("community", "shared"):
        yield Found(f"{image.visibility}-visibility")
    if image.status == "active" and not image.volume_snapshot:
        if not image.size:
            yield Found("active-empty")
        if image.located is False:
            yield Found("active-without-location")
    for field_name, known in (("disk_format", limits.disk_formats), ("container_format", limits.container_formats)):
        value = getattr(image, field_name)
        # A snapshot of a volume has none, and nobody uploads to it.
        if value not in known and not (image.volume_snapshot and not value):
            yield Found("format-refused", field_name, value)
    if image.status in PASSING and image.updated_at < limits.before:
        yield Found(f"stuck-{image.status}", detail=f"since {image.updated_at}")


def judge_property(image: Image, name: str, value: str | None, limits: Limits) -> Iterator[Found]:
    """What can be said of one live custom property."""
    wanted = rewritten(name)
    if wanted != name:
        yield Found("property-name-rewritten", name, value, wanted)
    if name in BASE:
        yield Found("property-shadowed", name, value, free_name(name))
    if name in RESERVED or (name.startswith(GLANCE_PREFIX) and name not in GLANCE_OWN):
        yield Found("property-reserved", name, value, free_name(name))
    if value is None:
        yield Found("property-null", name, None)
    if name in BOOT and (value is None or value.strip().lower() in ("", "none")):
        yield Found("boot-property-none", name, value)
    if name in UNDER_WAY and value and image.status == "active" and image.updated_at < limits.before:
        yield Found("stuck-copying", name, value, detail=f"since {image.updated_at}")


@dataclass
class Tally:
    """What was found of one kind; holds no more than owners and examples."""

    count: int = 0
    rows: int = 0
    last: str | None = None
    owners: set[str | None] = field(default_factory=set)
    examples: list[dict[str, Any]] = field(default_factory=list)


class Findings:
    """Counts what is found, keeps examples, and writes the rest to a file.

    Images are counted, not rows: the rows of one kind have to come image by image.
    """

    def __init__(self, wanted: list[str], examples: int, rows: Rows | None = None) -> None:
        self.tallies = {name: Tally() for name in wanted}
        self.concerned: dict[str | None, int] = {}
        self.most = examples
        self.rows = rows

    def add(self, image: Image, found: Found) -> None:
        tally = self.tallies.get(found.kind)
        if tally is None:
            return
        kind = KINDS[found.kind]
        tally.rows += 1
        if tally.last != image.id:
            tally.last = image.id
            tally.count += 1
            tally.owners.add(image.owner)
            if kind.severity != "note":
                self.concerned[image.owner] = self.concerned.get(image.owner, 0) + 1
            if len(tally.examples) < self.most:
                tally.examples.append(_example(image, found))
        if self.rows is not None:
            self.rows.write(_row(image, found, kind))

    def result(self, kinds: dict[str, Kind] | None = None) -> dict[str, Any]:
        """The part of a module's result that says what was found."""
        known = kinds or KINDS
        findings = [
            {
                "id": name,
                "severity": known[name].severity,
                "count": tally.count,
                "owners": len(tally.owners),
                "message": known[name].message,
                "remedy": known[name].remedy,
                "source": known[name].source,
                "examples": tally.examples,
            }
            for name, tally in self.tallies.items()
            if tally.count
        ]
        findings.sort(key=lambda each: SEVERITIES.index(str(each["severity"])))
        owners = sorted(self.concerned.items(), key=lambda pair: (-pair[1], str(pair[0])))[:10]
        return {
            "findings": findings,
            "count": sum(tally.count for tally in self.tallies.values()),
            "owners": [{"owner": owner, "count": count} for owner, count in owners],
        }


def _example(image: Image, found: Found) -> dict[str, Any]:
    return {
        "id": image.id,
        "name": image.name,
        "owner": image.owner,
        "visibility": image.visibility,
        "created_at": image.created_at,
        "updated_at": image.updated_at,
        "property": found.property,
        "to": found.to,
        "detail": found.detail,
    }


def _row(image: Image, found: Found, kind: Kind) -> dict[str, Any]:
    row: dict[str, Any] = {
        "finding": kind.id,
        "severity": kind.severity,
        "image": image.id,
        "owner": image.owner,
        "name": image.name,
        "property": found.property,
    }
    if found.property is not None and not is_secret(found.property):
        row["value"] = found.value
    for key in ("to", "detail"):
        if getattr(found, key) is not None:
            row[key] = getattr(found, key)
    return {**row, "remedy": kind.remedy}


class Rows:
    """A JSON Lines file that is there whole or not at all: written under another name, and renamed at the end."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)
        folder, name = os.path.split(self.path)
        if os.path.isdir(self.path):
            raise GlanceError(f"file {self.path} is a directory. Name the file in it.")
        try:
            # mkstemp makes it readable to its owner alone.
            descriptor, self.partial = tempfile.mkstemp(prefix=f".{name}.", suffix=".partial", dir=folder)
        except OSError as error:
            raise GlanceError(
                f"file {self.path} cannot be written: {error.strerror}. Check that {folder} is there and may be written to."
            ) from None
        self.stream = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass", buffering=1 << 20)

    def write(self, row: dict[str, Any]) -> None:
        try:
            self.stream.write(json.dumps(row) + "\n")
        except OSError as error:
            raise self._full(error) from None

    def _full(self, error: OSError) -> GlanceError:
        return GlanceError(f"file {self.path} cannot be written: {error.strerror}. Free some space and run again.")

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, kind: object, *_rest: object) -> None:
        try:
            if kind is None:
                self.stream.flush()
                os.fsync(self.stream.fileno())
                os.replace(self.partial, self.path)
                sync_directory(os.path.dirname(self.path))
        except OSError as error:
            raise self._full(error) from None
        finally:
            try:
                self.stream.close()
            except OSError:  # what could not be flushed is thrown away below
                pass
            if os.path.exists(self.partial):
                os.unlink(self.partial)
