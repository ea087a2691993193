# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tasks of the old Task API, in which Glance keeps what its imports do, and all that goes on with images.

From Glance's ``glance/api/v2/tasks.py`` (tags 20.0.0 to 33.0.0). The list of tasks shows neither input nor message, and
filters by no other type than ``import``, so that tasks are asked for one by one, several at once. An image's properties
are filtered by their whole value alone, so that copies are found by their tasks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Dict

from ansible_collections.stackops.glance.plugins.module_utils import _image_import as importing
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import Image, by_id, listed
from ansible_collections.stackops.glance.plugins.module_utils._images import Images

Task = Dict[str, Any]

UNFINISHED = ("pending", "processing")
#: How many requests for single tasks are under way at once.
IN_FLIGHT = 4
#: The states of actions, those in which nothing runs last.
STATES = ("uploading", "importing", "copying", "running", "pending", "stalled", "waiting")
IDLE = ("stalled", "waiting")
#: What an image's status says of what goes on with it.
OF_STATUS = {"queued": "waiting", "saving": "uploading", "uploading": "uploading", "importing": "importing"}


def listed_tasks(images: Images, status: str | None = None) -> Iterator[Task] | None:
    """The tasks that this user may see, the newest first, without input and message; None where the list is refused."""
    answer = images.call("GET", f"/v2/tasks?limit=1000{f'&status={status}' if status else ''}", 200, 403)
    return None if answer.status_code == 403 else _tasks(images, answer.json())


def _tasks(images: Images, page: dict[str, Any]) -> Iterator[Task]:
    yield from page["tasks"]
    while page.get("next"):
        page = images.json(page["next"])
        yield from page["tasks"]


def whole(images: Images, tasks: Iterable[Task]) -> list[Task]:
    """The tasks with input, message and result; one that has expired meanwhile is left out."""

    def fetch(task: Task) -> Task | None:
        answer = images.call("GET", f"/v2/tasks/{task['id']}", 200, 404)
        return answer.json() if answer.status_code == 200 else None

    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        return [task for task in pool.map(fetch, tasks) if task]


@dataclass
class Action:
    """Something that goes on with an image, or waits to; ages are in seconds."""

    state: str
    method: str | None
    image: str | None
    name: str | None
    owner: str | None
    age: int
    without_progress: int
    stores: list[str]
    host: str | None
    task: str | None
    lock: dict[str, Any] | None
    takeover: str | None


class Actions:
    """All that goes on: images on their way, and the tasks that are not finished, put together by image."""

    def __init__(self, images: Images, stuck_after: float, now: datetime | None = None) -> None:
        self.images = images
        self.stuck_after = stuck_after
        self.now = now or datetime.now(timezone.utc)
        self.complete = True

    def find(self) -> list[Action]:
        """Every action, those that run first, the oldest first among them."""
        known = {image["id"]: image for image in self._on_their_way()}
        found = [self._of_task(task, known) for task in self._unfinished()]
        seen = {action.image for action in found}
        found += [self._of_image(image) for image in known.values() if image["id"] not in seen]
        return sorted(found, key=lambda action: (STATES.index(action.state), -action.age, action.image or ""))

    def _on_their_way(self) -> Iterator[Image]:
        since = (self.now - timedelta(hours=self.stuck_after)).strftime("%Y-%m-%dT%H:%M:%SZ")
        for hidden in (False, True):
            query = {"visibility": "all", "os_hidden": hidden}
            yield from listed(self.images, {**query, "status": f"in:{','.join(OF_STATUS)}"})
            # A copy leaves its image active, and so does an import that has reached the first of its stores.
            for image in listed(self.images, {**query, "status": "active", "updated_at": f"gte:{since}"}):
                if importing.progress(image).running:
                    yield image

    def _unfinished(self) -> list[Task]:
        tasks: list[Task] = []
        for status in UNFINISHED:
            some = listed_tasks(self.images, status)
            self.complete = self.complete and some is not None
            tasks += some or ()
        return whole(self.images, tasks)

    def _of_task(self, task: Task, known: dict[str, Image]) -> Action:
        given = task.get("input") or {}
        image_id = str(given.get("image_id") or "")
        image = known.get(image_id) or (by_id(self.images, image_id) if image_id else None) or {}
        method = ((given.get("import_req") or {}).get("method") or {}).get("name")
        held = importing.held_by(task["id"], task, self.now)
        if held.free:
            state = "stalled"
        elif task["status"] == "pending":
            state = "pending"
        else:
            state = "copying" if method == "copy-image" else "importing" if method else "running"
        return self._action(
            state, method or task["type"], image, task, held if image.get(importing.LOCK) == task["id"] else None
        )

    def _of_image(self, image: Image) -> Action:
        held = importing.lock(self.images, image, self.now)
        state = OF_STATUS.get(image["status"], "copying")
        quiet = importing.seconds_since(image["updated_at"], self.now)
        if state != "waiting" and (held.free if held else quiet >= 3600 * self.stuck_after):
            state = "stalled"
        return self._action(state, None, image, None, held)

    def _action(
        self, state: str, method: str | None, image: Image, task: Task | None, held: importing.Lock | None
    ) -> Action:
        given = (task or {}).get("input") or {}
        source = task or image
        return Action(
            state,
            method,
            image.get("id") or given.get("image_id"),
            image.get("name"),
            image.get("owner") or source.get("owner"),
            importing.seconds_since(source["created_at"], self.now),
            importing.seconds_since(source["updated_at"], self.now),
            list(importing.progress(image).importing) if image else [],
            image.get("os_glance_stage_host"),
            task["id"] if task else held.task if held else None,
            asdict(held) if held else None,
            str(held) if held else None,
        )


def summary(actions: list[Action], limit: int) -> dict[str, Any]:
    """What a module returns of the actions: all counts, and as many actions as the limit says."""
    counts = Counter(action.state for action in actions)
    return {
        "idle": all(state in IDLE for state in counts),
        "counts": {state: counts[state] for state in STATES},
        "actions": [asdict(action) for action in actions[:limit]],
    }
