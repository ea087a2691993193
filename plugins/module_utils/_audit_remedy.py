# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes of image properties, each with the way back written down before it is made.

The properties of an image are a dictionary of cells: values by name where the API is asked, rows by their number where
the database is. A change is planned on such a dictionary; what differs afterwards is what is recorded and written, and
the way back is the same with both sides exchanged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ansible_collections.stackops.glance.plugins.module_utils._audit import (
    BASE,
    BOOT,
    GLANCE_OWN,
    GLANCE_PREFIX,
    RESERVED,
    UUID,
)
from ansible_collections.stackops.glance.plugins.module_utils._audit_database import Database, glance_columns
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._files import mask, sync_directory
from ansible_collections.stackops.glance.plugins.module_utils._images import PATCH, Images, one_line, pointer

if TYPE_CHECKING:
    #: The properties of one image, by the store's own keys.
    Cells = dict[str, Any]

STATES = ("renamed", "merged", "removed")
ANY = object()
LONGEST_NAME = 255


@dataclass(frozen=True)
class Change:
    """What is to become of one property. ``value`` is what it must have now, or ANY."""

    image: str
    name: str
    state: str
    to: str | None = None
    keep: str | None = None
    value: Any = ANY
    finding: str | None = None

    @property
    def place(self) -> str:
        return f"property {self.name!r} of image {self.image}"

    @property
    def needs_sql(self) -> bool:
        """Whether v2 cannot do it, or not take it back: it hides or reserves the name, or the database takes both names
        for one, or its schema refuses the value that was there."""
        return (
            self.name in BASE | RESERVED
            or self.name.startswith(GLANCE_PREFIX)
            or self.finding in ("property-case-collision", "boot-property-none")
            or self.value is None
            or (self.to is not None and self.to.lower() == self.name.lower())
        )

    def check(self) -> None:
        """Refuse what nobody may ask for."""
        if self.name in GLANCE_OWN:
            raise GlanceError(
                f"{self.place} is what Glance itself notes while it imports, and is not touched. See to the import instead."
            )
        if self.state == "removed":
            if self.to is not None or self.keep is not None:
                raise GlanceError(f"{self.place}: with state removed there is no to and no keep. Leave them out.")
            return
        if not self.to or len(self.to) > LONGEST_NAME or self.to == self.name:
            raise GlanceError(
                f"{self.place}: state {self.state} needs to, another name of at most {LONGEST_NAME} characters; found {self.to!r}."
            )
        if self.to in BASE | RESERVED or self.to.startswith(GLANCE_PREFIX):
            raise GlanceError(f"{self.place}: v2 hides or reserves the name {self.to!r}. Choose another for to.")
        if self.keep is not None and self.state != "merged":
            raise GlanceError(f"{self.place}: keep is for state merged alone. Leave it out.")


def plan(store: Store, cells: Cells, change: Change) -> Cells:
    """The cells after a change, the same ones where it is made already; GlanceError, by name, for one that cannot be."""
    live, ghosts = store.live(cells), store.ghosts(cells)
    there = change.name in live
    # A deleted row counts only where it stands in the way of another that differs by case alone.
    ghost = not there and change.name in ghosts and _collides(change.name, [*live, *ghosts])
    if change.state == "removed":
        if there:
            _unchanged(change, live[change.name])
        return store.drop(cells, change.name) if there or ghost else cells
    to = str(change.to)
    taken = to in live
    if not there:
        if taken and ghost:
            return store.drop(cells, change.name)
        if taken:
            if change.state == "renamed" and change.value not in (ANY, live[to]):
                raise GlanceError(
                    f"{change.place} is not there, and {to!r} has another value than it is said to have had. "
                    "Look at the image; audit it anew."
                )
            return cells
        raise GlanceError(f"{change.place} is not there, nor is {to!r}. Look at the image; audit it anew.")
    _unchanged(change, live[change.name])
    if not taken:
        return store.move(cells, change.name, to)
    if change.state == "renamed":
        raise GlanceError(f"{change.place} cannot be renamed: {to!r} is there too. Ask for state merged.")
    if live[change.name] != live[to] and change.keep is None:
        raise GlanceError(
            f"{change.place} and {to!r} have different values. Say with keep which of them stays: property or to."
        )
    after = store.put(cells, to, live[change.name]) if change.keep == "property" else cells
    return store.drop(after, change.name)


def _unchanged(change: Change, value: Any) -> None:
    if change.value is not ANY and value != change.value:
        raise GlanceError(
            f"{change.place} has another value than was found in it: it has changed since. Audit it anew."
        )


def _collides(name: str, names: Iterable[str]) -> bool:
    return any(other.lower() == name.lower() for other in names if other != name)


def difference(before: Cells, after: Cells) -> tuple[Cells, Cells]:
    """The cells that differ, on both sides; None where there is none."""
    keys = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return {key: before.get(key) for key in keys}, {key: after.get(key) for key in keys}


class Store:
    """Where the properties of images are read and written."""

    way = ""

    def read(self, image: str, write: bool = False) -> Cells:
        raise NotImplementedError

    def write(self, image: str, before: Cells, after: Cells) -> None:
        raise NotImplementedError

    def begin(self) -> None:
        """Before an image is read to be written."""

    def end(self, commit: bool) -> None:
        """After it was written, or left alone."""

    def live(self, cells: Cells) -> dict[str, Any]:
        """The properties by name."""
        raise NotImplementedError

    def ghosts(self, cells: Cells) -> set[str]:
        """Names that deleted rows occupy."""
        return set()

    def drop(self, cells: Cells, name: str) -> Cells:
        raise NotImplementedError

    def put(self, cells: Cells, name: str, value: Any) -> Cells:
        """The cells with another value for a property that is there."""
        raise NotImplementedError

    def move(self, cells: Cells, name: str, to: str) -> Cells:
        raise NotImplementedError


class ApiStore(Store):
    """Properties through v2: each image's change is one patch, which Glance makes whole or not at all."""

    way = "api"

    def __init__(self, images: Images) -> None:
        self.images = images

    def read(self, image: str, write: bool = False) -> Cells:
        answer = self.images.call("GET", f"/v2/images/{image}", 200, 404)
        if answer.status_code == 404:
            raise GlanceError(f"Image {image} is not there, or this user may not see it.")
        return {name: value for name, value in answer.json().items() if name not in BASE and isinstance(value, str)}

    def write(self, image: str, before: Cells, after: Cells) -> None:
        operations = []
        for name, value in after.items():
            path = pointer(name)
            if value is None:
                operations.append({"op": "remove", "path": path})
            else:
                operations.append({"op": "add" if before[name] is None else "replace", "path": path, "value": value})
        body = json.dumps(operations).encode()
        answer = self.images.ask("PATCH", f"/v2/images/{image}", data=body, headers=PATCH)
        if answer.status_code != 200:
            hint = {
                403: "A property protection or a policy keeps this user from it, or the name is reserved.",
                409: "The image is not in a state for it.",
                500: "A deleted row may hold the name under another case; give database, so that SQL can do it.",
            }.get(answer.status_code, "")
            said = one_line(answer.text) or "no text"
            raise GlanceError(
                f"Image {image}: Glance answered the change with {answer.status_code}: {said} {hint}".strip()
            )
        found = answer.json()
        wrong = [name for name, value in after.items() if found.get(name) != value]
        if wrong:
            raise GlanceError(
                f"Image {image}: Glance took the change and shows something else for: {', '.join(wrong)}."
            )

    def live(self, cells: Cells) -> dict[str, Any]:
        return cells

    def drop(self, cells: Cells, name: str) -> Cells:
        if name in BOOT and not UUID.fullmatch(cells[name]):
            # v2's schema would refuse to take it back.
            raise GlanceError(
                f"Property {name!r} can be taken away through v2 and never be brought back. Give database."
            )
        return {other: value for other, value in cells.items() if other != name}

    def put(self, cells: Cells, name: str, value: Any) -> Cells:
        return {**cells, name: value}

    def move(self, cells: Cells, name: str, to: str) -> Cells:
        return {**self.drop(cells, name), to: cells[name]}


class SqlStore(Store):
    """Properties as rows, deleted ones too: each image's change is one transaction."""

    way = "database"

    def __init__(self, database: Database) -> None:
        self.database = database
        self.columns = list(glance_columns(database)["image_properties"])

    def begin(self) -> None:
        self.database.begin(write=True)

    def end(self, commit: bool) -> None:
        self.database.end(commit)

    def read(self, image: str, write: bool = False) -> Cells:
        lock = self.database.lock if write else ""
        there = self.database.rows(f"SELECT id FROM images WHERE id = ? AND deleted = 0{lock}", (image,))
        # A collation may find an id that differs by case.
        if image not in [row[0] for row in there]:
            raise GlanceError(f"Image {image} is not in {self.database.address}, or is deleted.")
        sql = f"SELECT {', '.join(self.columns)} FROM image_properties WHERE image_id = ?{lock}"
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.database.rows(sql, (image,))]
        return {str(row["id"]): row for row in rows if row["image_id"] == image}

    def write(self, image: str, before: Cells, after: Cells) -> None:
        # Names are freed before others take them.
        for key in (key for key, row in after.items() if row is None):
            self._one("DELETE FROM image_properties WHERE id = ?", (key,), image)
        for key, row in after.items():
            if row is not None and before[key] is not None:
                names = [name for name in self.columns if row[name] != before[key][name]]
                sets = ", ".join(f"{name} = ?" for name in names)
                values = [row[name] for name in names]
                self._one(f"UPDATE image_properties SET {sets} WHERE id = ?", (*values, key), image)
        for key, row in after.items():
            if row is not None and before[key] is None:
                marks = ", ".join("?" for _name in self.columns)
                sql = f"INSERT INTO image_properties ({', '.join(self.columns)}) VALUES ({marks})"
                self._one(sql, [row[name] for name in self.columns], image)

    def _one(self, sql: str, values: Any, image: str) -> None:
        if self.database.run(sql, values) != 1:
            raise GlanceError(
                f"Image {image}: a row of image_properties was changed by somebody else meanwhile. Run again."
            )

    def live(self, cells: Cells) -> dict[str, Any]:
        return {row["name"]: row["value"] for row in cells.values() if not row["deleted"]}

    def ghosts(self, cells: Cells) -> set[str]:
        return {row["name"] for row in cells.values() if row["deleted"]}

    def drop(self, cells: Cells, name: str) -> Cells:
        return {key: row for key, row in cells.items() if row["name"] != name}

    def put(self, cells: Cells, name: str, value: Any) -> Cells:
        return {key: {**row, "value": value} if row["name"] == name else row for key, row in cells.items()}

    def move(self, cells: Cells, name: str, to: str) -> Cells:
        """The row under its new name; deleted rows that hold the name, as the database compares it, go."""
        kept = {
            key: row
            for key, row in cells.items()
            if row["name"] == name or not row["deleted"] or row["name"].lower() != to.lower()
        }
        return {key: {**row, "name": to} if row["name"] == name else row for key, row in kept.items()}


def _plain(value: Any) -> Any:
    """A cell as JSON keeps it."""
    return value if value is None or isinstance(value, int | str) else str(value)


# -- the record ---------------------------------------------------------------------------------------------------


class Record:
    """What was there before each change: a JSON Lines file, on the disk before the change is made."""

    def __init__(self, path: str) -> None:
        self.path = os.path.abspath(path)

    def check(self) -> None:
        """Refuse a place that cannot be written before anything is changed."""
        folder = os.path.dirname(self.path)
        if os.path.isdir(self.path) or not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise GlanceError(f"record {self.path} cannot be written. Name a file in a directory that is there.")

    def add(self, entry: dict[str, Any]) -> None:
        try:
            new = not os.path.exists(self.path)
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogatepass") as stream:
                stream.write(json.dumps(entry) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            if new:
                sync_directory(os.path.dirname(self.path))
        except OSError as error:
            raise GlanceError(
                f"record {self.path} cannot be written: {error.strerror}. The change it was for was not made; free some "
                "space and run again."
            ) from None

    def entries(self) -> list[dict[str, Any]]:
        """The entries, the newest first. A last line that was cut off was for a change that was never made."""
        lines = list(read_lines(self.path, "record", torn=True))
        for number, entry in lines:
            if entry.get("way") not in ("api", "database") or not {"image", "before", "after"} <= entry.keys():
                raise GlanceError(
                    f"{self.path}:{number} is no record of changed properties. Name the file given as record."
                )
        return [entry for _number, entry in reversed(lines)]


def read_lines(path: str, what: str, torn: bool = False) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file, with their line numbers."""
    try:
        with open(path, encoding="utf-8") as stream:
            for number, line in enumerate(stream, 1):
                if torn and not line.endswith("\n"):
                    return
                try:
                    found = json.loads(line)
                except ValueError:
                    found = None
                if not isinstance(found, dict):
                    raise GlanceError(f"{what} {path}:{number} is no line of JSON with an object.")
                yield number, found
    except UnicodeDecodeError:
        raise GlanceError(f"{what} {path} is no text in UTF-8. Name a JSON Lines file.") from None
    except OSError as error:
        raise GlanceError(f"{what} {path} cannot be read: {error.strerror}.") from None


def from_file(path: str, findings: list[str], state: str, keep: str | None) -> list[Change]:
    """The changes that an audit's file asks for, by the ids of findings."""
    changes = []
    for number, row in read_lines(path, "from_file"):
        if row.get("finding") not in findings:
            continue
        if not isinstance(row.get("image"), str) or not isinstance(row.get("property"), str):
            raise GlanceError(
                f"from_file {path}:{number} has no image or no property. Name a file of image_audit_info."
            )
        to = row.get("to") if state != "removed" else None
        if state != "removed" and not to:
            raise GlanceError(
                f"from_file {path}:{number}: the finding {row['finding']} proposes no other name. Remove the property, or "
                "name the changes one by one."
            )
        changes.append(Change(row["image"], row["property"], state, to, keep, row.get("value", ANY), row["finding"]))
    return changes


# -- carry out ----------------------------------------------------------------------------------------------------


@dataclass
class Step:
    """What differs at one image, one way."""

    store: Store
    image: str
    before: Cells
    after: Cells

    def names(self, cells: Cells) -> list[str]:
        return sorted(self.store.live(_there(cells)))

    def lines(self, cells: Cells) -> list[str]:
        """The side of a difference that an operator sees; a value whose name speaks of a secret is masked."""
        shown, ghosts = self.store.live(_there(cells)), self.store.ghosts(_there(cells))
        lines = [f"{self.image} {name} = {json.dumps(_masked(name, shown[name]))}" for name in sorted(shown)]
        return [*lines, *(f"{self.image} {name} (a deleted row)" for name in sorted(ghosts))]


def _there(cells: Cells) -> Cells:
    return {key: cell for key, cell in cells.items() if cell is not None}


def _masked(name: str, value: Any) -> Any:
    return mask(name, value) if isinstance(value, str) else value


class Remedy:
    """Plans all changes before it makes the first one."""

    def __init__(self, stores: dict[str, Store], record: Record) -> None:
        self.stores = stores
        self.record = record
        self.made = 0

    def store_for(self, change: Change) -> Store:
        if change.needs_sql or "api" not in self.stores:
            if "database" not in self.stores:
                raise GlanceError(f"{change.place}: v2 cannot do this, only SQL can. Give database as well.")
            return self.stores["database"]
        return self.stores["api"]

    def plan(self, changes: list[Change]) -> list[tuple[Step, list[Change]]]:
        """The steps that differ from what is there, with what they are for; GlanceError names all that cannot be done."""
        groups: dict[tuple[str, str], list[Change]] = {}
        troubles: list[str] = []
        for change in changes:
            try:
                change.check()
                groups.setdefault((change.image, self.store_for(change).way), []).append(change)
            except GlanceError as error:
                troubles.append(error.message)
        steps = []
        for (image, way), group in groups.items():
            store = self.stores[way]
            try:
                step = self._step(store, image, group)
            except GlanceError as error:
                troubles.append(error.message)
                continue
            if step.before != step.after:
                steps.append((step, group))
        refuse(troubles)
        return steps

    def _step(self, store: Store, image: str, group: list[Change], write: bool = False) -> Step:
        cells = before = store.read(image, write)
        for change in group:
            cells = plan(store, cells, change)
        return Step(store, image, *difference(before, cells))

    def carry_out(self, steps: list[tuple[Step, list[Change]]]) -> None:
        """Each image anew from what is there now, recorded before it is written."""
        for planned, group in steps:
            store = planned.store
            with transaction(store) as commit:
                step = self._step(store, planned.image, group, write=True)
                if step.before == step.after:
                    continue
                self.record.add(
                    {
                        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "way": store.way,
                        "image": step.image,
                        "changes": [{"property": each.name, "state": each.state, "to": each.to} for each in group],
                        "before": step.before,
                        "after": step.after,
                    }
                )
                store.write(step.image, step.before, step.after)
                commit()
            self.made += 1

    # -- the way back -----------------------------------------------------------------------------------------

    def plan_back(self) -> list[tuple[Step, list[Change]]]:
        """The steps of the record that are not undone, the newest first."""
        steps: list[tuple[Step, list[Change]]] = []
        assumed: dict[tuple[str, str], Cells] = {}
        troubles: list[str] = []
        for entry in self.record.entries():
            store = self.stores.get(entry["way"])
            if store is None:
                what = "database" if entry["way"] == "database" else "the cloud (way auto or api)"
                raise GlanceError(f"The record has changes that were made through {what}: give it to restore them.")
            key = (entry["way"], entry["image"])
            try:
                if key not in assumed:
                    assumed[key] = store.read(entry["image"])
                step = self._back(store, entry, assumed[key])
            except GlanceError as error:
                troubles.append(error.message)
                continue
            if step is not None:
                steps.append((step, []))
                rest = {each: cell for each, cell in assumed[key].items() if each not in step.after}
                assumed[key] = {**rest, **{each: cell for each, cell in step.after.items() if cell is not None}}
        refuse(troubles)
        return steps

    def _back(self, store: Store, entry: dict[str, Any], cells: Cells) -> Step | None:
        now = {key: cells.get(key) for key in entry["after"]}
        if now == entry["before"]:
            return None
        if now != entry["after"]:
            sides = [entry["before"], entry["after"], now]
            names = sorted({name for side in sides for name in store.live(_there(side))})
            raise GlanceError(
                f"Image {entry['image']}: {', '.join(map(repr, names))} are neither as they were recorded nor as they were left: "
                "somebody changed them since. They are left alone; put them right by hand."
            )
        return Step(store, entry["image"], entry["after"], entry["before"])

    def carry_back(self, steps: list[tuple[Step, list[Change]]]) -> None:
        for planned, _group in steps:
            store = planned.store
            with transaction(store) as commit:
                cells = store.read(planned.image, write=True)
                step = self._back(
                    store, {"image": planned.image, "before": planned.after, "after": planned.before}, cells
                )
                if step is not None:
                    store.write(step.image, step.before, step.after)
                    commit()
            self.made += 1


class transaction:  # noqa: N801  (reads as a word)
    """One image's change: whole once ``commit`` was called, else not at all."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.wanted = False

    def __enter__(self) -> Any:
        self.store.begin()
        return self.commit

    def commit(self) -> None:
        self.wanted = True

    def __exit__(self, kind: object, *_rest: object) -> None:
        try:
            self.store.end(commit=self.wanted and kind is None)
        except GlanceError:
            # The first error is the one to tell; a lost connection rolls back by itself.
            if kind is None:
                raise


def refuse(troubles: list[str], most: int = 20) -> None:
    """One error for all that cannot be done."""
    if troubles:
        more = f" And {len(troubles) - most} more." if len(troubles) > most else ""
        raise GlanceError(
            f"Nothing was changed. {len(troubles)} of the changes cannot be made: {' '.join(troubles[:most])}{more}",
            troubles=troubles[:most],
        )
