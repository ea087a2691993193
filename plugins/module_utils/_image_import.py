# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far an import is, who holds an image's import lock, and when it may be taken over.

From Glance's ``glance/api/v2/images.py`` and ``glance/async_/flows/api_image_import.py`` (tags 20.0.0 to 33.0.0). An
image's status alone does not tell: copy-image leaves it active throughout, and an import into several stores may make it
active at the first. An import is over when no store is left to import to and the lock is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import by_id, stores_of
from ansible_collections.stackops.glance.plugins.module_utils._images import Images

#: The image's properties in which Glance keeps what its import does.
LOCK = "os_glance_import_task"
IMPORTING = "os_glance_importing_to_stores"
FAILED = "os_glance_failed_import"
#: Seconds without progress after which Glance lets the next import take the lock; a task that has not begun has twice that.
LOCK_AGE = 3600
#: How an interval between looks grows, in seconds: a small image takes one, a large one minutes.
FIRST_LOOK, LONGEST_LOOK = 0.1, 2.0


@dataclass(frozen=True)
class Progress:
    """What an image says of its import."""

    status: str
    stores: tuple[str, ...]
    importing: tuple[str, ...]
    failed: tuple[str, ...]
    task: str | None

    @property
    def running(self) -> bool:
        return bool(self.importing or self.task)


def progress(image: dict[str, Any]) -> Progress:
    """How far the image's import is, and which stores have it already."""
    return Progress(
        image["status"],
        tuple(stores_of(image)),
        _names(image.get(IMPORTING)),
        _names(image.get(FAILED)),
        image.get(LOCK) or None,
    )


def _names(value: Any) -> tuple[str, ...]:
    return tuple(name for name in str(value or "").split(",") if name)


@dataclass(frozen=True)
class Lock:
    """An import lock: the task that holds it, its age in seconds, and in how many seconds the next import may take it.

    ``status`` is None where the task is gone (the lock may be taken at once) and "unknown" where this user may not see it.
    """

    task: str
    status: str | None
    owner: str | None = None
    age: int | None = None
    free_in: int | None = None

    @property
    def free(self) -> bool:
        """Whether the next import takes it."""
        return self.status is None or self.free_in == 0

    def __str__(self) -> str:
        if self.status is None:
            return f"task {self.task}, which is gone: the next import takes the lock"
        if self.age is None:
            return f"task {self.task}, which this user may not see"
        if not self.free_in:
            when = "the next import takes the lock"
        else:
            when = f"the next import may take the lock in {self.free_in} s"
        return f"task {self.task} ({self.status}, of project {self.owner}, without progress for {self.age} s): {when}"


def lock(images: Images, image: dict[str, Any], now: datetime | None = None) -> Lock | None:
    """Who holds the image's import lock, by the API's list of the image's tasks (2.12), else by the task itself."""
    held = image.get(LOCK)
    return held_by(held, _task(images, image["id"], held), now) if held else None


def held_by(held: str, task: dict[str, Any] | None, now: datetime | None = None) -> Lock:
    """A lock, by the task that holds it: None where that is gone, empty where it may not be seen."""
    if task is None:
        return Lock(held, None)
    if not task:
        return Lock(held, "unknown")
    age = seconds_since(task["updated_at"], now)
    limit = LOCK_AGE * (2 if task["status"] == "pending" else 1)
    return Lock(held, task["status"], task.get("owner"), age, max(0, limit - age))


def seconds_since(text: str, now: datetime | None = None) -> int:
    """Seconds since a time as the API writes it: UTC, with its zone or, in an image's tasks, without."""
    moved = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moved.tzinfo is None:
        moved = moved.replace(tzinfo=timezone.utc)
    return max(0, int(((now or datetime.now(timezone.utc)) - moved).total_seconds()))


def _task(images: Images, image_id: str, task_id: str) -> dict[str, Any] | None:
    """The task; None where it is gone, empty where this user may not see it."""
    for task in tasks_of(images, image_id):
        if task["id"] == task_id:
            return task
    answer = images.ask("GET", f"/v2/tasks/{task_id}")
    if answer.status_code == 200:
        return dict(answer.json())
    return None if answer.status_code == 404 else {}


def tasks_of(images: Images, image_id: str) -> list[dict[str, Any]]:
    """The image's tasks, the oldest first; none where the API has no such list (before 2.12) or this user may see none."""
    answer = images.ask("GET", f"/v2/images/{image_id}/tasks")
    found: list[dict[str, Any]] = answer.json()["tasks"] if answer.status_code == 200 else []
    return sorted(found, key=lambda task: str(task["created_at"]))


def wait(
    images: Images,
    image_id: str,
    deadline: float,
    seen: Callable[[Progress], None] | None = None,
    until: Callable[[Progress], bool] | None = None,
) -> dict[str, Any] | None:
    """The image once its import is over, or once ``until`` says so; None where it was deleted meanwhile.

    ``seen`` is told each time what the image says. Raises GlanceError when the time (``time.monotonic``) is up.
    """
    pause = FIRST_LOOK
    while True:
        image = by_id(images, image_id)
        if image is None:
            return None
        state = progress(image)
        if seen:
            seen(state)
        if not state.running or (until and until(state)):
            return image
        if time.monotonic() >= deadline:
            rest = f"; left to import to: {', '.join(state.importing)}" if state.importing else ""
            raise GlanceError(
                f"The import of image {image_id} was not over in time: it is {state.status}{rest}. "
                "It goes on by itself; run again to wait for it.",
                image_id=image_id,
            )
        time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        pause = min(2 * pause, LONGEST_LOOK)
