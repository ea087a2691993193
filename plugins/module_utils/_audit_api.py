# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit through the Images API v2, for those without access to the database.

A page can be asked for only once the one before it has come, so the list is cut by creation time and the pieces are
read at the same time. Several pages are under way while one is judged.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode

from ansible_collections.stackops.glance.plugins.module_utils._audit import (
    BASE,
    KINDS,
    MISREAD,
    VOLUME_SNAPSHOT,
    Findings,
    Image,
    Limits,
    judge_image,
    judge_property,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import Images, highest_minor

#: Pieces that are read at the same time, pages that wait to be judged, and pieces in all.
READERS, WAITING, PIECES = 4, 4, 16
#: Nothing is older than OpenStack.
BEGINNING = datetime(2010, 1, 1, tzinfo=timezone.utc)
ISO = "%Y-%m-%dT%H:%M:%SZ"

CANNOT_SEE = sorted(kind.id for kind in KINDS.values() if not kind.api)


class Audit:
    """One look at every image that the user may list."""

    def __init__(self, images: Images, findings: Findings, since: str | None = None) -> None:
        self.images = images
        self.findings = findings
        self.since = since
        found = highest_minor(images.versions())
        if found is None:
            raise GlanceError(
                f"{images.root} does not offer v2, through which the images are listed. Turn v2 on first."
            )
        self.minor = int(found.split(".")[1])
        if self.minor < 5:
            # Both visibilities came with v2.5; before it, v1 and v2 read the same column.
            for kind in MISREAD:
                findings.tallies.pop(kind, None)

    def limits(self, hours: float, disk_formats: list[str] | None, container_formats: list[str] | None) -> Limits:
        """Formats that nobody named are those that this Glance says it is configured for."""
        if "format-refused" in self.findings.tallies and not (disk_formats and container_formats):
            properties = self.images.json("/v2/schemas/image").get("properties", {})
            disk_formats = disk_formats or _listed(properties, "disk_format")
            container_formats = container_formats or _listed(properties, "container_format")
        return Limits.of(hours, disk_formats, container_formats)

    def run(self, limits: Limits) -> int:
        """Judge every image; how many there were."""
        count = 0
        for page in self.pages():
            for each in page:
                count += 1
                self.judge(each, limits)
        self.count_members()
        return count

    def judge(self, shown: dict[str, Any], limits: Limits) -> None:
        image = Image(
            id=shown["id"],
            owner=shown.get("owner"),
            name=shown.get("name"),
            status=shown["status"],
            size=shown.get("size"),
            disk_format=shown.get("disk_format"),
            container_format=shown.get("container_format"),
            visibility=shown["visibility"],
            created_at=shown["created_at"],
            updated_at=shown["updated_at"],
            volume_snapshot=VOLUME_SNAPSHOT in shown,
        )
        for found in judge_image(image, limits):
            self.findings.add(image, found)
        for name, value in shown.items():
            # v2 shows strings only, NULL as an empty one.
            if name not in BASE and isinstance(value, str):
                for found in judge_property(image, name, value, limits):
                    self.findings.add(image, found)

    # -- pages ------------------------------------------------------------------------------------------------

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """Every image once."""
        wanted = self.findings.tallies.keys()
        queries: list[dict[str, str]] = [{}]
        if wanted <= set(MISREAD):
            queries = [{"visibility": kind.removesuffix("-visibility"), "sort": "updated_at:desc"} for kind in wanted]
        elif self.minor >= 5:
            # Those of other projects are listed to nobody who does not ask for them.
            queries.append({"visibility": "community"})
        if self.minor >= 7:
            queries += [{**query, "os_hidden": "true"} for query in queries]
        for query in queries:
            # A list that names no visibility has the project's own community images as well.
            apart = "visibility" not in query and len(queries) > 1
            for page in self.listed({**query, "member_status": "all"}):
                yield [image for image in page if image["visibility"] != "community"] if apart else page

    def listed(self, query: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
        """The pages of one list, in pieces by creation time unless it is sorted otherwise."""
        if self.since:
            query = {**query, "updated_at": f"gte:{self.since}"}
        if "sort" in query:
            yield from self.together([(query, None)])
            return
        bounds = self.bounds(query)
        if bounds is None:
            return
        pieces: list[tuple[dict[str, str], str | None]] = []
        for start, end in zip(bounds, [*bounds[1:], None], strict=True):
            piece = {**query, "sort": "created_at:asc"}
            pieces.append((piece if start is None else {**piece, "created_at": f"gte:{start}"}, end))
        yield from self.together(pieces)

    def bounds(self, query: dict[str, str]) -> list[str | None] | None:
        """Where the pieces begin, the first one with whatever is oldest; None for a list without images."""
        newest = self.images.json(f"/v2/images?{urlencode({**query, 'sort': 'created_at:desc', 'limit': '1'})}")[
            "images"
        ]
        if not newest:
            return None
        oldest = self.images.json(f"/v2/images?{urlencode({**query, 'sort': 'created_at:asc', 'limit': '1'})}")[
            "images"
        ]
        if not oldest:
            return [None]
        first, last = (_moment(found[0]["created_at"]) for found in (oldest, newest))
        step = (last - first) / PIECES
        if step < timedelta(minutes=1):
            return [None]
        return [None, *((first + step * number).strftime(ISO) for number in range(1, PIECES))]

    def together(self, pieces: list[tuple[dict[str, str], str | None]]) -> Iterator[list[dict[str, Any]]]:
        """Pages of all pieces as they come, while the next ones are under way."""
        work: queue.SimpleQueue[tuple[dict[str, str], str | None]] = queue.SimpleQueue()
        for piece in pieces:
            work.put(piece)
        # Bounded, so that memory does not grow where judging is slower than the cloud.
        ready: queue.Queue[list[dict[str, Any]] | BaseException | None] = queue.Queue(WAITING)
        stop = threading.Event()

        def hand_over(what: list[dict[str, Any]] | BaseException | None) -> None:
            while not stop.is_set():
                with contextlib.suppress(queue.Full):
                    ready.put(what, timeout=0.2)
                    return

        def read() -> None:
            try:
                while not stop.is_set():
                    query, end = work.get_nowait()
                    for page in self.images.pages(f"/v2/images?{urlencode(query)}"):
                        own = page if end is None else [image for image in page if image["created_at"] < end]
                        hand_over(own)
                        if stop.is_set() or len(own) < len(page):
                            break
            except queue.Empty:
                hand_over(None)
            except BaseException as error:  # raised anew where the pages are waited for
                hand_over(error)

        readers = [threading.Thread(target=read, daemon=True) for _ in range(min(READERS, len(pieces)))]
        for reader in readers:
            reader.start()
        try:
            running = len(readers)
            while running:
                what = ready.get()
                if what is None:
                    running -= 1
                elif isinstance(what, BaseException):
                    raise what
                else:
                    yield what
        finally:
            stop.set()

    # -- members ----------------------------------------------------------------------------------------------

    def count_members(self) -> None:
        """How many members the shared examples have, as far as the user may know."""
        tally = self.findings.tallies.get("shared-visibility")
        for example in tally.examples if tally else ():
            answer = self.images.ask("GET", f"/v2/images/{example['id']}/members")
            example["members"] = len(answer.json()["members"]) if answer.status_code == 200 else None


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, ISO).replace(tzinfo=timezone.utc)
    except ValueError:
        return BEGINNING


def _listed(properties: dict[str, Any], name: str) -> list[str] | None:
    """The values that a schema allows, or None where it names none."""
    return [value for value in properties.get(name, {}).get("enum", []) if isinstance(value, str)] or None
