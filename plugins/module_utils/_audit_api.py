# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit through the Images API v2, for those without access to the database.

A page can be asked for only once the one before it has come. So the images are cut into lists that have none in common,
by visibility and by creation time, and several lists are read at the same time: pages are under way while one is judged.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from datetime import datetime
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

#: Pages that wait to be judged.
WAITING = 4
VISIBILITIES = ("public", "private", "shared", "community")
ISO = "%Y-%m-%dT%H:%M:%SZ"
#: What a balancer or a Glance with too much to do answers, and how long is waited each time, in seconds.
BUSY = (502, 503, 504)
PATIENCE = (1, 2, 4, 8)

CANNOT_SEE = sorted(kind.id for kind in KINDS.values() if not kind.api)


class Audit:
    """One look at every image that the user may list."""

    def __init__(self, images: Images, findings: Findings, since: str | None = None, in_flight: int = 2) -> None:
        self.images = images
        self.findings = findings
        self.since = since
        self.in_flight = in_flight
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
        misread_alone = wanted <= set(MISREAD)
        if misread_alone:
            queries = [{"visibility": kind.removesuffix("-visibility")} for kind in MISREAD if kind in wanted]
        else:
            # Without a visibility, the community's images of other projects are left out.
            queries = [{"visibility": each} for each in VISIBILITIES] if self.minor >= 5 else [{}]
        if self.minor >= 7:
            queries += [{**query, "os_hidden": "true"} for query in queries]
        for query in queries:
            query["member_status"] = "all"
            if self.since:
                query["updated_at"] = f"gte:{self.since}"
            if misread_alone:
                query["sort"] = "updated_at:desc"
        yield from self.together(queries if misread_alone else [half for each in queries for half in self.halves(each)])

    def halves(self, query: dict[str, str]) -> list[dict[str, str]]:
        """A list, cut in the middle of the time in which its images were made."""
        ends = []
        for direction in ("asc", "desc"):
            found = self.page(f"/v2/images?{urlencode({**query, 'sort': f'created_at:{direction}', 'limit': '1'})}")
            ends += [datetime.strptime(image["created_at"], ISO) for image in found["images"]]
        if len(ends) < 2 or ends[0] == ends[1]:
            return [query] if ends else []
        middle = (ends[0] + (ends[1] - ends[0]) / 2).strftime(ISO)
        return [{**query, "created_at": f"{operator}:{middle}"} for operator in ("lt", "gte")]

    def page(self, path: str) -> dict[str, Any]:
        """One page; a Glance that is busy is given time."""
        for seconds in PATIENCE:
            try:
                return self.images.json(path)
            except GlanceError as error:
                if error.details.get("status") not in BUSY:
                    raise
            time.sleep(seconds)
        return self.images.json(path)

    def together(self, queries: list[dict[str, str]]) -> Iterator[list[dict[str, Any]]]:
        """Pages of all lists as they come, while the next ones are under way."""
        work: queue.SimpleQueue[dict[str, str]] = queue.SimpleQueue()
        for query in queries:
            work.put(query)
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
                    for page in self.images.pages(f"/v2/images?{urlencode(work.get_nowait())}", ask=self.page):
                        hand_over(page)
                        if stop.is_set():
                            break
            except queue.Empty:
                hand_over(None)
            except BaseException as error:  # raised anew where the pages are waited for
                hand_over(error)

        readers = [threading.Thread(target=read, daemon=True) for _number in range(min(self.in_flight, len(queries)))]
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


def _listed(properties: dict[str, Any], name: str) -> list[str] | None:
    """The values that a schema allows, or None where it names none."""
    return [value for value in properties.get(name, {}).get("enum", []) if isinstance(value, str)] or None
