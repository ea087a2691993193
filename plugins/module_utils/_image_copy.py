# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of images in further stores, several at once, by the import method copy-image.

From Glance's ``glance/api/v2/images.py`` and ``glance/async_/flows/api_image_import.py`` (tags 20.0.0 to 33.0.0). Only the
stores that an image lacks are asked for, since a store that has it is refused, and ``all_stores_must_succeed`` is false:
otherwise one store that fails takes back the copies in the others. Who may copy is Glance's to say, and so is whether an
import lock may be taken over; its answer to the request is the one that counts.

Images are taken from the list as they come and forgotten when they are done, so that memory does not grow with the cloud.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Callable, Iterator, List, Optional, Tuple

from ansible_collections.stackops.glance.plugins.module_utils import _image_import as importing
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import Image, by_id, gone, listed, stores_of
from ansible_collections.stackops.glance.plugins.module_utils._image_stores import chosen, data_dirs
from ansible_collections.stackops.glance.plugins.module_utils._images import Images, lost, one_line
from ansible_collections.stackops.glance.plugins.module_utils._slices import Slice

METHOD = "copy-image"
#: Images to a page while copies are made: a later call lists the last page's rest again.
PAGE = 200
#: How often one image's copy is asked for, when other imports get in between or nothing is known of what became of it.
TRIES = 3
#: Seconds between looks at the age of a lock, and seconds that a copy may take to show itself.
LOCK_LOOK, GRACE = 10.0, 5.0
#: How much longer the next pause between looks is: an end that is seen late leaves Glance idle for as long.
LONGER = 1.25
#: Requests that are sent at once.
SENDERS = 4
#: Times that a look took, for which the next one waits at least: who copies small images has Glance copy, and not answer looks.
REST = 9.0
#: Seconds that Glance may be silent, as while it is restarted.
SILENCE = 60.0


@dataclass
class Copy:
    """An image on its way into stores that lack it; ``asked`` is false while somebody else's import is waited for."""

    id: str
    name: str | None
    size: int
    hidden: bool
    stores: list[str]
    missing: list[str]
    asked: bool = False
    tries: int = 0
    locked: bool = False

    def __post_init__(self) -> None:
        self.began = self.looked = time.monotonic()

    def __str__(self) -> str:
        return f"{self.name or self.id} to {', '.join(self.missing)}"


#: Lists images with their places, from behind a place on.
Source = Callable[[Optional[List[Any]]], Iterator[Tuple[List[Any], Image]]]


def ready(images: Images, stores: list[str] | None) -> list[str]:
    """The stores to copy to, all when none are named. Raises GlanceError where this Glance copies nothing."""
    wanted = chosen(images, stores)
    methods = images.json("/v2/info/import")["import-methods"]["value"]
    if METHOD not in methods:
        raise GlanceError(
            f"The Glance at {images.root} does not offer the import method {METHOD}; it offers "
            f"{', '.join(methods) or 'none'}. Add it to enabled_import_methods in its configuration."
        )
    return wanted


def ordered(images: Images, lists: list[dict[str, Any]], after: list[Any] | None) -> Iterator[tuple[list[Any], Image]]:
    """The images of several lists, each with its place, from behind a place on; the oldest of a list come first.

    A place is no marker of Glance's, which is refused once its image is deleted.
    """
    first, *rest = after or [0, "", ""]
    for number in range(first, len(lists)):
        filters = {**lists[number], "sort": "created_at:asc,id:asc"}
        if number == first and rest[0]:
            filters.setdefault("created_at", f"gte:{rest[0]}")
        for image in listed(images, filters, PAGE):
            place = [number, image["created_at"], image["id"]]
            if number > first or place[1:] > rest:
                yield place, image


class Copies:
    """The copies of a run: ``work`` goes on until all are done or the slice is over, ``state`` is what to go on from."""

    def __init__(
        self,
        images: Images,
        wanted: list[str],
        state: dict[str, Any],
        parallel: int = 8,
        stalled_after: float = 600.0,
        examples: int = 20,
        check: bool = False,
    ) -> None:
        self.images = images
        self.wanted = wanted
        self.parallel = parallel
        self.stalled_after = stalled_after
        self.examples = examples
        self.check = check
        self.place: list[Any] | None = state.get("place")
        self.under_way = [Copy(**each) for each in state.get("under_way", ())]
        names = ("looked_at", "held", "copied", "gone", "not_active", "failed", "bytes")
        self.counts: dict[str, int] = state.get("counts") or dict.fromkeys(names, 0)
        self.copies: list[dict[str, Any]] = state.get("copies", [])
        self.failures: list[dict[str, Any]] = state.get("failures", [])
        silent = state.get("silent")
        self._silent: float | None = None if silent is None else time.monotonic() - silent
        self._data_dirs: dict[str, str] | None = None

    def state(self) -> dict[str, Any]:
        """What the next call goes on from."""
        return {
            "stores": self.wanted,
            "silent": None if self._silent is None else time.monotonic() - self._silent,
            "place": self.place,
            "under_way": [asdict(each) for each in self.under_way],
            "counts": self.counts,
            "copies": self.copies,
            "failures": self.failures,
        }

    def work(self, source: Source, part: Slice) -> bool:
        """Copy until all is done, or the slice is over; whether all is done.

        Raises GlanceError where Glance stays silent, or refuses the very first copy to this user.
        """
        waiting = self._taken(source)
        pause, took = importing.FIRST_LOOK, 0.0
        while True:
            before = len(self.under_way)
            # Every call goes on by an image at least, however long it took to get here.
            while len(self.under_way) < self.parallel:
                image = next(waiting, None)
                if image is None:
                    if not self.under_way:
                        return True
                    break
                self._consider(image)
                if part.over:
                    break
            self._ask_new()
            # Short while something moves, and longer and longer while large images are on their way.
            moved = len(self.under_way) != before
            pause = importing.FIRST_LOOK if moved else min(LONGER * pause, importing.LONGEST_LOOK)
            rest = min(max(pause, REST * took), importing.LONGEST_LOOK)
            time.sleep(max(0.0, min(rest, part.end - time.monotonic())))
            looked = time.monotonic()
            self._look()
            took = time.monotonic() - looked
            if part.over:
                return False

    def _taken(self, source: Source) -> Iterator[Image]:
        """The images, one after the other; what was listed before the list broke off is not listed again."""
        while True:
            begun = self.place
            try:
                for place, image in source(begun):
                    self.place, self._silent = place, None
                    self.counts["looked_at"] += 1
                    yield image
                return
            except GlanceError as error:
                # Glance begins a page behind the last image of the one before, which may have been deleted meanwhile.
                if self.place == begun or error.details.get("status") not in (400, 404):
                    self._bear(error)
                    time.sleep(importing.LONGEST_LOOK)

    def _consider(self, image: Image) -> None:
        held = stores_of(image)
        missing = [store for store in self.wanted if store not in held]
        copy = Copy(image["id"], image["name"], image["size"] or 0, image.get("os_hidden", False), held, missing)
        if not missing:
            self.counts["held"] += 1
        elif image["status"] != "active":
            self.counts["not_active"] += 1
        elif self.check:
            self._copied(copy, missing)
        else:
            self.under_way.append(copy)

    def _ask_new(self) -> None:
        """Ask for the copies that were not asked for yet, several at once: a Glance that copies answers slowly."""
        new = [copy for copy in self.under_way if not copy.tries]
        if new and not self.counts["copied"]:
            self._ask(new.pop(0))  # alone, for it tells whether this user may copy
        with ThreadPoolExecutor(SENDERS) as pool:
            answers = list(pool.map(self._request, new))
        for copy, answer in zip(new, answers):
            self._judge(copy, answer)

    def _ask(self, copy: Copy) -> None:
        self._judge(copy, self._request(copy))

    def _request(self, copy: Copy) -> Any:
        """Ask for the copy: the answer, or the GlanceError in its place."""
        copy.asked, copy.locked, copy.tries, copy.began = True, False, copy.tries + 1, time.monotonic()
        body = {"method": {"name": METHOD}, "stores": copy.missing, "all_stores_must_succeed": False}
        try:
            return self.images.ask("POST", f"/v2/images/{copy.id}/import", json=body)
        except GlanceError as error:
            return error

    def _judge(self, copy: Copy, answer: Any) -> None:
        """See what the answer to the request means."""
        if isinstance(answer, GlanceError):
            self._bear(answer)  # it may have been taken or not; the next looks tell
            return
        self._silent = None
        if answer.status_code == 202:
            return
        said = f"{answer.status_code}: {one_line(answer.text) or 'no text'}"
        if answer.status_code == 403 and not self.counts["copied"]:
            raise GlanceError(
                f"Glance at {self.images.root} does not let this user copy image {copy.id} to other stores ({said}). The "
                "policy rule copy_image lets administrators alone by default: take an administrator's credentials, or "
                "change the rule.",
                image_id=copy.id,
            )
        image = None if answer.status_code == 404 else by_id(self.images, copy.id)
        wanted = copy.missing
        if image is None:
            self._gone(copy)
        elif not self._arrived(copy, image):
            # Another import was faster: it is waited for, or has just ended.
            other = answer.status_code == 409 and image["status"] == "active"
            if (other or copy.missing != wanted) and (importing.progress(image).task or copy.tries < TRIES):
                copy.asked = False
            else:
                self._failed(copy, copy.missing, f"Glance refused the copy with {said}.")

    def _arrived(self, copy: Copy, image: Image) -> bool:
        """Whether nothing is missing any more, though it was not this run that brought it."""
        copy.missing = [store for store in copy.missing if store not in stores_of(image)]
        if not copy.missing:
            self._end(copy, "held")
        return not copy.missing

    def _look(self) -> None:
        """See how far the copies under way are, by one request for all of them."""
        if not self.under_way:
            return
        try:
            found = self._images_under_way()
            for copy in list(self.under_way):
                image = found.get(copy.id) or by_id(self.images, copy.id)
                if image is None or gone(image):
                    self._gone(copy)
                elif not self._runs(copy, image):
                    self._over(copy, image)
            self._silent = None
        except GlanceError as error:
            self._bear(error)

    def _images_under_way(self) -> dict[str, Image]:
        if len(self.under_way) == 1:
            return {}
        query = {"id": f"in:{','.join(copy.id for copy in self.under_way)}", "visibility": "all"}
        return {
            image["id"]: image
            for hidden in {copy.hidden for copy in self.under_way}
            for image in listed(self.images, {**query, "os_hidden": hidden})
        }

    def _bear(self, error: GlanceError) -> None:
        """Pass over a server that does not answer or fails, for a while. Raises the error when that is up."""
        if not lost(error):
            raise error
        self._silent = time.monotonic() if self._silent is None else self._silent
        if time.monotonic() - self._silent > SILENCE:
            raise error

    def _runs(self, copy: Copy, image: Image) -> bool:
        """Whether the image's import goes on; one without progress for too long is given up, or its lock taken over."""
        state = importing.progress(image)
        copy.locked = copy.locked or bool(state.task)
        left = set(copy.missing).difference(state.stores)
        # 20.0 has no locks. Nor is one seen of a copy that ended between two looks, whose stores stay in the list when it
        # could not even be staged.
        unseen = copy.asked and not copy.locked and left and not left.intersection(state.failed)
        fresh = time.monotonic() - copy.began < GRACE
        if not state.task and not (unseen and (fresh or left.intersection(state.importing))):
            return False
        if time.monotonic() - copy.looked < min(LOCK_LOOK, self.stalled_after) or (unseen and fresh):
            return True
        copy.looked = time.monotonic()
        held = importing.lock(self.images, image)
        if held is None:
            tasks = importing.tasks_of(self.images, copy.id)
            if tasks and tasks[-1]["status"] in ("success", "failure"):
                return False
            age = importing.seconds_since(image["updated_at"])
            if age >= self.stalled_after:
                self._failed(copy, sorted(left), f"Nothing was heard of the copy for {age} s.")
        elif held.free or (held.age is not None and held.age >= self.stalled_after):
            if not left:
                return False  # all arrived before whoever held the lock was killed
            if held.free:
                self._again(copy, state)
                return True
            self._failed(
                copy, sorted(left), f"An import holds the image's lock and makes no progress: {held}.", asdict(held)
            )
        return True

    def _over(self, copy: Copy, image: Image) -> None:
        """No import of the image runs any more: what it brought, and what is missing still."""
        state = importing.progress(image)
        here = [store for store in copy.missing if store in state.stores]
        left = [store for store in copy.missing if store not in state.stores]
        if not copy.asked and self._arrived(copy, image):
            return
        known = copy.locked or set(left).intersection(state.failed)
        if left and copy.tries < TRIES and not (copy.asked and known):
            self._again(copy, state)
            return
        if here:
            self._copied(copy, here)
        if left:
            self._failed(copy, left, self._why(copy, left))
        else:
            self._end(copy)

    def _again(self, copy: Copy, state: importing.Progress) -> None:
        """Ask once more, for what is still missing alone."""
        here = [store for store in copy.missing if store in state.stores]
        if here and copy.asked:
            self._copied(copy, here)
        copy.missing = [store for store in copy.missing if store not in here]
        self._ask(copy)

    def _why(self, copy: Copy, stores: list[str]) -> str:
        """Why a copy failed, as far as Glance tells, and what may stand in its way."""
        tasks = importing.tasks_of(self.images, copy.id)
        said = f"; task {tasks[-1]['id']} says: {tasks[-1]['message'] or 'nothing'}" if tasks else ""
        if self._data_dirs is None:
            self._data_dirs = data_dirs(self.images)
        rests = [f"{self._data_dirs[store].rstrip('/')}/{copy.id}" for store in stores if store in self._data_dirs]
        where = " or ".join(rests)
        rest = f" Where there is a file {where}, it is the rest of a copy that was cut off: remove it." if rests else ""
        return (
            f"Glance could not bring the data there{said}. The log of glance-api has the reason; look first for space in the "
            f"store and in the staging directory.{rest} Then run again."
        )

    def _end(self, copy: Copy, count: str | None = None) -> None:
        self.under_way.remove(copy)
        if count:
            self.counts[count] += 1

    def _gone(self, copy: Copy) -> None:
        self._end(copy, "gone")

    def _copied(self, copy: Copy, stores: list[str]) -> None:
        self.counts["copied"] += 1
        self.counts["bytes"] += copy.size * len(stores)
        if len(self.copies) < self.examples:
            self.copies.append({"image": copy.id, "name": copy.name, "from": copy.stores, "to": stores})

    def _failed(self, copy: Copy, stores: list[str], reason: str, lock: dict[str, Any] | None = None) -> None:
        self._end(copy, "failed")
        for store in stores:
            entry = {"image": copy.id, "name": copy.name, "store": store, "reason": reason, "lock": lock}
            self.failures.append(entry)

    def unfinished(self) -> str:
        """The copies under way, for a message."""
        if not self.under_way:
            return ""
        names = "; ".join(f"{copy} (image {copy.id})" for copy in self.under_way)
        return f"These copies were under way, and go on by themselves: {names}. Run again to wait for them."

    def __str__(self) -> str:
        """How far it is, in a line."""
        counts = self.counts
        line = (
            f"{counts['looked_at']} images looked at: {counts['copied']} copied ({counts['bytes'] >> 20} MiB), "
            f"{counts['held']} held already, {counts['failed']} failed"
        )
        under_way = "; ".join(map(str, self.under_way))
        return f"{line}; under way: {under_way}" if under_way else line
