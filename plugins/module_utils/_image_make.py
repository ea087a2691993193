# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make an image out of a source: create it, let the data come, wait, verify, and only then show it to others.

Until all is well the image is private, unprotected and marked (MARKER) with who is at work on it and how long. What fails
is deleted, never an image that was there before; what a killed run left is known by the mark. Glance keeps nothing of a
transfer that broke, so that another try is a new image.

Nothing in Glance keeps two runs from creating two images of one name: names are not unique. Each run therefore looks
again after it has created its own and once more at the end; the one that was there first stays.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import (
    _image_content,
    _image_import,
    _image_lookup,
    _image_stores,
    _process,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_import import Progress
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import Image
from ansible_collections.stackops.glance.plugins.module_utils._image_source import (
    RECORD,
    File,
    OtherGlance,
    Source,
    Url,
    look_at,
    record,
    recorded,
)
from ansible_collections.stackops.glance.plugins.module_utils._images import (
    DEFAULT_TIMEOUT,
    PATCH,
    Cloud,
    Images,
    lost,
    pointer,
)
from ansible_collections.stackops.glance.plugins.module_utils._slices import Slice

MARKER = "stackops_glance_import"
DATA = {"Content-Type": "application/octet-stream"}
#: Options that are attributes of the image under another name or the same.
ATTRIBUTES = {"min_disk": "min_disk", "min_ram": "min_ram", "hidden": "os_hidden", "tags": "tags"}
#: Those that are set when all is well: nobody else sees the image before, and it can be deleted.
LAST = {"visibility": "visibility", "protected": "protected"}
#: Seconds between two tries to reach a Glance that does not answer.
PAUSE = 1.0
#: Seconds that the deletion of what failed may take when the time for the import is up.
CLEANING = 120.0


@dataclass(frozen=True)
class Mark:
    """Who makes an image: host and process, with the process's start so that a number used again is no mistake."""

    host: str
    pid: int
    started: str
    until: int

    @classmethod
    def mine(cls, seconds: float) -> Mark:
        return cls(socket.gethostname(), os.getpid(), _process.started(os.getpid()), int(time.time() + seconds))

    @classmethod
    def read(cls, text: str) -> Mark:
        """The mark of an image; one that cannot be read is over."""
        try:
            host, pid, started, until = text.split()
            return cls(host, int(pid), started, int(until))
        except ValueError:
            return cls("", 0, "", 0)

    @property
    def alive(self) -> bool:
        """Whether that run may still be at work: on this host its process tells, else its time."""
        if self.host == socket.gethostname():
            return _process.started(self.pid) == self.started
        return time.time() < self.until

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started} {self.until}"


class Maker:
    """One image and what is to become of it. ``options`` are the module's."""

    def __init__(
        self, images: Images, cloud: Cloud, options: dict[str, Any], source: Source, run: Slice, check: bool
    ) -> None:
        self.images = images
        self.cloud = cloud
        self.options = options
        self.source = source
        self.run = run
        self.check = check
        state = run.state
        options.update(state.get("settled", {}))
        source.method = state.get("method", source.method)
        self.image_id: str | None = state.get("image_id")
        self.history: list[dict[str, Any]] = state.get("history", [])
        self.attempt: int = state.get("attempt", 0)
        self.replaced: str | None = state.get("replaced")
        self.task: str | None = state.get("task")
        self.joined: bool = state.get("joined", False)
        self.algorithm: str = state.get("algorithm", "sha512")
        self.warnings: list[str] = state.get("warnings", [])
        self.content: dict[str, Any] | None = state.get("content")
        self.before: Image | None = None
        if isinstance(source, File):
            source.known.update(state.get("hashes", {}))

    # -- what is there, and what is wanted -------------------------------------------------------------------------

    def go(self) -> dict[str, Any]:
        """Do what is to be done, as far as this slice goes, and return the module's result."""
        if self.run.state:
            return self._work()
        self._look()
        found = _image_lookup.find(self.images, self.cloud, self.options["image"], self.options["owner"])
        if found is None and _image_lookup.is_id(self.options["image"]):
            raise GlanceError(f"There is no image {self.options['image']}. Give a name, and Glance gives the new image an id.")
        if found and MARKER not in found:
            return self._existing(found)
        self._possible()
        answer = self._half_way(found) if found else None
        if answer:
            return answer
        self.before = {}
        if self.check:
            image = {**self._first(), **self._wanted()}
            image.pop(MARKER)
            return self.result(image, changed=True)
        return self._work()

    def _look(self) -> None:
        """Refuse what must not become an image."""
        source = self.source
        if isinstance(source, File):
            if not (self.options["force"] and _image_content.INSPECTOR is None):
                source.look()
            problem = source.wrong()
            if problem:
                raise GlanceError(f"{problem}. Get the file again; nothing was sent.")
        if isinstance(source, OtherGlance):
            for name in ("disk_format", "container_format"):
                if self.options[name] not in (None, source.image[name]):
                    raise GlanceError(f"{name} is {self.options[name]}, and {source} is {source.image[name]}. Leave it out.")
                self.options[name] = source.image[name]
        self.options["container_format"] = self.options["container_format"] or "bare"
        self.options["disk_format"] = self.options["disk_format"] or (source.content and source.content.disk_format)
        if not self.options["disk_format"]:
            known = f"{source} is {source.content.other or 'nothing that is known'}" if source.content else str(source)
            raise GlanceError(f"disk_format is not given, and cannot be told from the content: {known}. Give it.")
        if source.content:
            self.content = source.content.result()
            self._judge(source.content, str(source))

    def _judge(self, content: _image_content.Content, where: str) -> None:
        options = self.options
        found = _image_content.refusals(
            content, options["disk_format"], options["container_format"], options["min_disk"]
        )
        if found and not options["force"]:
            raise GlanceError(
                f"{where} is refused as an image: {' '.join(found)} Set force to true if it is meant.",
                content=content.result(),
            )
        self.warnings += [f"{where}: {each}" for each in [*found, *content.notes]]

    def _possible(self) -> None:
        """Refuse, before anything is made, what this Glance cannot do. Settles method, stores and hash."""
        options, source = self.options, self.source
        schema = self.images.json("/v2/schemas/image")["properties"]
        for name in ("disk_format", "container_format"):
            allowed = schema[name].get("enum")
            if allowed and options[name] not in allowed:
                known = ", ".join(str(each) for each in allowed if each)
                raise GlanceError(f"{name} is {options[name]}, and this Glance has: {known}.")
        if "os_hash_algo" not in schema:
            self.algorithm = "md5"
        base = [name for name in options["properties"] or {} if schema.get(name, {}).get("is_base", name in schema)]
        if base:
            raise GlanceError(f"properties has {', '.join(base)}, which are no custom properties. Use the options for them.")
        methods = self._methods()
        if isinstance(source, File):
            plain = options["method"] == "upload" or (options["method"] == "auto" and source.method not in methods)
            source.method = "upload" if plain else source.method
        if source.method != "upload" and source.method not in methods:
            raise GlanceError(
                f"{source.method} is not enabled at {self.images.root}; there are: {', '.join(methods) or 'no import methods'}. "
                "Enable it with stackops.glance.glance_import_methods on the hosts of this Glance."
            )
        self._check_stores()

    def _methods(self) -> list[str]:
        answer = self.images.ask("GET", "/v2/info/import")
        return list(answer.json()["import-methods"]["value"]) if answer.status_code == 200 else []

    def _check_stores(self) -> None:
        options = self.options
        wanted = options["stores"] or []
        if wanted and options["all_stores"]:
            raise GlanceError("Both stores and all_stores are given. Give one of them.")
        self._stores()
        if self.source.method == "upload" and (options["all_stores"] or len(wanted) > 1):
            raise GlanceError(
                "A plain upload goes into one store. Name one, or let glance-direct be enabled in this Glance; "
                "stackops.glance.image_copy brings an image into further stores."
            )

    def _stores(self) -> list[str]:
        """The stores that are asked for. Raises GlanceError for one that is not there, or can only be read."""
        wanted, everywhere = self.options["stores"], self.options["all_stores"]
        return _image_stores.chosen(self.images, wanted) if wanted or everywhere else []

    def _wanted(self) -> dict[str, Any]:
        """The attributes and properties that are asked for, as the API calls them."""
        options = self.options
        found = {name: options[option] for option, name in {**ATTRIBUTES, **LAST}.items() if options[option] is not None}
        for name, value in (options["properties"] or {}).items():
            found[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return found

    def _patch(self, image: Image) -> list[dict[str, Any]]:
        """What makes the image as it is wanted; nothing that is so already, and nothing that was not asked for."""
        changes = []
        for name, value in self._wanted().items():
            there: Any = image.get(name)
            if (sorted(there) != sorted(set(value))) if name == "tags" else there != value:
                changes.append({"op": "replace" if name in image else "add", "path": pointer(name), "value": value})
        return changes

    # -- an image that is there --------------------------------------------------------------------------------------

    def _existing(self, image: Image) -> dict[str, Any]:
        """An image that this module did not leave half-way: it must hold these data; its attributes are set."""
        self.image_id = image["id"]
        if image["status"] not in ("active", "deactivated"):
            held = _image_import.lock(self.images, image)
            why = f" Its import lock is held by {held}." if held else ""
            raise GlanceError(
                f"Image {self.options['image']} ({image['id']}) is {image['status']}, and was not begun by this module.{why} "
                "Wait until it is active, or delete it, or choose another name.",
                image_id=image["id"],
            )
        different = self.source.differs(image)
        if different:
            raise GlanceError(
                f"There is an image {self.options['image']} ({image['id']}) with other data: {different}. An active image's data "
                "cannot be replaced: rename it or delete it (state absent), or choose another name.",
                image_id=image["id"],
            )
        if not recorded(image) and image["disk_format"] != self.options["disk_format"]:
            raise GlanceError(
                f"Image {image['id']} has these data as {image['disk_format']}, and disk_format is "
                f"{self.options['disk_format']}. It cannot be changed: delete the image, or leave disk_format out.",
                image_id=image["id"],
            )
        return self._update(image, self._patch(image))

    def _update(self, image: Image, changes: list[dict[str, Any]]) -> dict[str, Any]:
        self.before = dict(image)
        self._missing_stores(image)
        if changes and not self.check:
            image = self.images.call("PATCH", f"/v2/images/{image['id']}", json=changes, headers=PATCH).json()
        elif changes:
            image = {**image, **self._wanted()}
        return self.result(image, changed=bool(changes))

    def _missing_stores(self, image: Image) -> None:
        held = _image_lookup.stores_of(image)
        missing = [store for store in self._stores() if store not in held] if held else []
        if missing:
            self.warnings.append(
                f"Image {image['id']} is not in {', '.join(missing)}. stackops.glance.image_copy copies it there."
            )

    def _half_way(self, image: Image) -> dict[str, Any] | None:
        """An image that a run of this module left: go on where the API lets anybody, else delete it to begin anew."""
        mark, status = Mark.read(str(image[MARKER])), _image_import.progress(image)
        held = _image_import.lock(self.images, image) if status.task else None
        stuck = self.options["take_over"] or bool(held and held.free)
        if image["status"] == "active" or (status.running and not stuck):
            self.image_id, self.task, self.joined = image["id"], status.task, True
            self._enter("waiting", f"an earlier run began this image; it is {image['status']}")
            return self.result(image, changed=True) if self.check else self._work()
        if mark.alive and not stuck:
            until = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(mark.until))
            raise GlanceError(
                f"Image {self.options['image']} ({image['id']}) is {image['status']}, and another run on {mark.host} (process "
                f"{mark.pid}) may be at work on it until {until}. Wait for it, or set take_over to true when it is dead.",
                image_id=image["id"],
            )
        self.replaced = image["id"]
        self._enter("waiting", f"an earlier run left image {image['id']} {image['status']}; it is deleted and made again")
        if not self.check:
            self._delete(image["id"])
        return None

    # -- a new image -------------------------------------------------------------------------------------------------

    def _work(self) -> dict[str, Any]:
        """Let the image come, be verified and shown, as often as it takes and may be tried; or hand over."""
        while True:
            try:
                if self.image_id is None:
                    self.attempt += 1
                    self._create()
                    self._transfer()
                image = self._wait(str(self.image_id))
                if image is None:  # what fails later is deleted, and has changed nothing
                    return self.run.result(self._state(), changed=False, **self._told())
                self._verify(image)
                self._alone(image)
                return self._finish(image)
            except GlanceError as error:
                if not self._again(error):
                    raise
            except BaseException:  # also when somebody stops the task
                self._remove()
                raise

    def _again(self, error: GlanceError) -> bool:
        """Clean up after a failure, and say whether to try again; else the error is told what became of the image."""
        expired = time.monotonic() >= self.run.deadline
        if self.joined and expired:
            error.message += " An earlier run began it; it was left as it is. With take_over it is deleted and made again."
            gone = False
        else:
            gone = self._remove()
            if gone and not expired and lost(error) and self.attempt <= self.options["retries"]:
                self._enter("waiting", f"the connection was lost ({error.message}); the transfer starts again")
                self.image_id, self.joined = None, False
                return True
            if self.image_id:
                error.message += f" Image {self.image_id}, begun by this module, " + (
                    "was deleted." if gone else "could not be deleted; the next run does that."
                )
        self._enter("failure", error.message)
        error.details.update(self._told(), warnings=self.warnings, changed=not gone or bool(self.replaced))
        return False

    def _first(self) -> dict[str, Any]:
        options = self.options
        found = {
            "name": options["image"],
            "disk_format": options["disk_format"],
            "container_format": options["container_format"],
            MARKER: str(Mark.mine(self.run.deadline - time.monotonic())),
        }
        project = _image_lookup.project_id(self.cloud, options["owner"])
        if project != self.cloud.project_id:
            found["owner"] = project
        return found

    def _create(self) -> None:
        self.image_id, self.task = str(uuid.uuid4()), None  # known before the request, so that it can be cleaned up
        wanted = {name: value for name, value in self._wanted().items() if name != "protected"}
        self._enter("waiting", f"creating it for {self.source}")
        # A user who may not publish is to hear it now and not after the transfer; nobody is to see the image before the end.
        try:
            asked = {"id": self.image_id, **self._first(), **wanted}
            image = self.images.call("POST", "/v2/images", 201, json=asked).json()
        except GlanceError as error:
            if not lost(error):  # refused: there is no image
                self.image_id = None
            raise
        if wanted.get("visibility") in ("public", "community"):
            private = [{"op": "replace", "path": "/visibility", "value": "private"}]
            self.images.call("PATCH", f"/v2/images/{self.image_id}", json=private, headers=PATCH)
        self._alone(image)

    def _alone(self, image: Image) -> None:
        """Give way to another image of the name that is finished, or that was there before this one."""
        project = _image_lookup.project_id(self.cloud, self.options["owner"])
        filters = {"name": self.options["image"], "owner": project}
        for other in _image_lookup.matching(self.images, filters):
            first = (other["created_at"], other["id"]) < (image["created_at"], image["id"])
            if other["id"] != image["id"] and other["name"] == self.options["image"] and (MARKER not in other or first):
                raise GlanceError(
                    f"Another run made image {other['id']} of the same name {self.options['image']!r} at the same time. It stays; "
                    "run again to see that it is as it should be.",
                    duplicates=[other["id"]],
                )

    def _transfer(self) -> None:
        """Send the data, or tell Glance where to get them."""
        self._enter("uploading", f"{self.source} by {self.source.method}")
        if isinstance(self.source, File):
            part = "file" if self.source.method == "upload" else "stage"
            headers = {**DATA}
            if part == "file" and self.options["stores"]:
                headers["X-Image-Meta-Store"] = self.options["stores"][0]
            body = self.source.body({self.algorithm}, self.run.deadline)
            # The server may be slow to write what is sent; whoever has to show a new token has to send all again.
            stall = self.images.session.timeout or DEFAULT_TIMEOUT
            patience = max(stall, self.run.deadline - time.monotonic())
            try:
                self.images.call(
                    "PUT",
                    f"/v2/images/{self.image_id}/{part}",
                    204,
                    headers=headers,
                    data=body,
                    timeout=(stall, patience),
                    allow_reauth=False,
                )
            finally:
                body.close()
            self.source.known.update(body.hashes())
            self.run.say(f"{self._name}: {body.sent} bytes were sent")
        if self.source.method != "upload":
            wanted: dict[str, Any] = {"method": {"name": self.source.method, **self.source.arguments()}}
            if self.options["all_stores"]:
                wanted["all_stores"] = True
            elif self.options["stores"]:
                wanted["stores"] = self.options["stores"]
            if self.options["all_stores"] or self.options["stores"]:
                wanted["all_stores_must_succeed"] = self.options["all_stores_must_succeed"]
            self.images.call("POST", f"/v2/images/{self.image_id}/import", 202, json=wanted)

    # -- until it is done --------------------------------------------------------------------------------------------

    def _wait(self, image_id: str) -> Image | None:
        """The image once its import is over; None when the slice is."""

        def seen(progress: Progress) -> None:
            self.task = progress.task or self.task
            if progress.task and progress.status == "importing":
                self._enter("uploading", "Glance imports it")

        while True:
            try:
                image = _image_import.wait(
                    self.images, image_id, self.run.deadline, seen, lambda progress: self.run.over
                )
            except GlanceError as error:
                if not lost(error) or time.monotonic() >= self.run.deadline:
                    raise
                if self.run.over:
                    self.run.say(f"{self._name}: no answer from {self.images.root}")
                    return None
                time.sleep(PAUSE)
                continue
            if image is None:
                raise GlanceError(f"Image {image_id} was deleted by somebody else while it was imported.")
            if _over(image):
                return image
            if time.monotonic() >= self.run.deadline:
                held = _image_import.lock(self.images, image)
                raise GlanceError(
                    f"The import of image {image_id} was not over after {self.options['timeout']} s: it is {image['status']}"
                    + (f", held by {held}." if held else ".")
                )
            if self.run.over:
                progress = _image_import.progress(image)
                rest = f", left: {', '.join(progress.importing)}" if progress.importing else ""
                self.run.say(f"{self._name}: {image['status']}, in {', '.join(progress.stores) or 'no store'}{rest}")
                return None
            time.sleep(PAUSE)

    def _verify(self, image: Image) -> None:
        """The image is active, in its stores, and holds the source's data. Raises GlanceError where it is not so."""
        progress = _image_import.progress(image)
        if image["status"] != "active" or (progress.failed and self.options["all_stores_must_succeed"]):
            where = f" in {', '.join(progress.failed)}" if progress.failed else ""
            raise GlanceError(
                f"Glance could not import {self.source} into image {image['id']}{where}: {self._reason(image['id'])}"
            )
        if progress.failed:
            self.warnings.append(
                f"Image {image['id']} could not be brought into {', '.join(progress.failed)}: {self._reason(image['id'])}"
            )
        self._enter("verifying", f"{image['size']} bytes")
        if any(image[name] != self.options[name] for name in ("disk_format", "container_format")):
            what = f"{self.options['disk_format']} into {image['disk_format']}"
            if not self.options["accept_conversion"]:
                raise GlanceError(
                    f"Glance's import plugins have made {what}, so that nothing sent can be found again. "
                    "Set accept_conversion to true to take what they make."
                )
            self.warnings.append(f"Glance's import plugins have made {what}; the data could not be verified.")
            return
        if isinstance(self.source, Url) and not (self.options["force"] and _image_content.INSPECTOR is None):
            self._judge(look_at(self.images, image), str(self.source))
        different = self.source.differs(image)
        if different:
            raise GlanceError(f"Image {image['id']} does not hold what was sent: {different}.")

    def _reason(self, image_id: str) -> str:
        """What the task said, where this user may read it."""
        tasks = _image_import.tasks_of(self.images, image_id)
        if not tasks and self.task:
            answer = self.images.ask("GET", f"/v2/tasks/{self.task}")
            tasks = [answer.json()] if answer.status_code == 200 else []
        said = [task.get("message") for task in tasks if task.get("message")]
        return f"{str(said[-1]).rstrip('. ')}." if said else "it says no more; see Glance's log."

    def _finish(self, image: Image) -> dict[str, Any]:
        """Take the mark away and set what others see, in one request."""
        changes = [{"op": "remove", "path": pointer(MARKER)}, *self._patch(image)]
        source = self.source.to_record(image)
        if source:
            changes.append({"op": "add", "path": pointer(RECORD), "value": record(source, image)})
        image = self.images.call("PATCH", f"/v2/images/{image['id']}", json=changes, headers=PATCH).json()
        self._enter("success", f"{image['size']} bytes in {', '.join(_image_lookup.stores_of(image)) or 'the store'}")
        return self.result(image, changed=True)

    # -- what is told ------------------------------------------------------------------------------------------------

    @property
    def _name(self) -> str:
        return f"{self.options['image']} ({self.image_id})" if self.image_id else str(self.options["image"])

    def _enter(self, status: str, what: str) -> None:
        """The import's next state, in the words of the first proposal of such an API."""
        if not self.history or self.history[-1]["status"] != status or status == "waiting":
            self.history.append({"status": status, "message": what})
            self.run.say(f"{self._name}: {status}: {what}")

    def _state(self) -> dict[str, Any]:
        """What the next slice goes on from."""
        return {
            "image_id": self.image_id,
            "history": self.history,
            "attempt": self.attempt,
            "replaced": self.replaced,
            "task": self.task,
            "joined": self.joined,
            "algorithm": self.algorithm,
            "method": self.source.method,
            "settled": {name: self.options[name] for name in ("disk_format", "container_format")},
            "warnings": self.warnings,
            "content": self.content,
            "hashes": self.source.known if isinstance(self.source, File) else {},
        }

    def _told(self) -> dict[str, Any]:
        return {
            "status": self.history[-1]["status"] if self.history else "success",
            "history": self.history,
            "attempts": self.attempt,
            "replaced": self.replaced,
            "image_id": self.image_id,
            "content": self.content,
        }

    def result(self, image: Image, changed: bool) -> dict[str, Any]:
        diff = {"before": _shown(self.before or {}), "after": _shown(image)}
        return self.run.result(changed=changed, image=image, diff=diff, warnings=self.warnings, **self._told())

    # -- deleting ----------------------------------------------------------------------------------------------------

    def _remove(self) -> bool:
        """Delete the image that this module began; whether it is gone."""
        try:
            if self.image_id:
                self._delete(self.image_id)
        except GlanceError:
            return False
        return True

    def _delete(self, image_id: str) -> None:
        """Delete an image, also of a Glance that has to come back first."""
        end = time.monotonic() + CLEANING
        while True:
            try:
                self.images.call("DELETE", f"/v2/images/{image_id}", 204, 404)
                return
            except GlanceError as error:
                if not lost(error) or time.monotonic() >= end:
                    raise
            time.sleep(PAUSE)


def remove(images: Images, image: Image | None, run: Slice, check: bool) -> dict[str, Any]:
    """state absent. Raises GlanceError for a protected image."""
    if image is None:
        return run.result(changed=False, image_id=None)
    if image["protected"]:
        raise GlanceError(
            f"Image {image['name']} ({image['id']}) is protected. Set protected to false first; then it can be deleted.",
            image_id=image["id"],
        )
    if not check:
        images.call("DELETE", f"/v2/images/{image['id']}", 204, 404)
    return run.result(changed=True, image_id=image["id"], diff={"before": _shown(image), "after": ""})


def _over(image: Image) -> bool:
    """Whether an import has ended. Before 20.0.0 Glance shows no lock, and an import that has not begun shows none."""
    return not _image_import.progress(image).running and (
        image["status"] in ("active", "deactivated", "killed", "deleted") or _image_import.IMPORTING in image
    )


def _shown(image: dict[str, Any]) -> str:
    """An image in a difference: a line for each of its fields that say what it is, in order."""
    hidden = ("schema", "self", "file", "updated_at", "created_at", MARKER)
    return "".join(f"{name}: {image[name]}\n" for name in sorted(image) if name not in hidden)
