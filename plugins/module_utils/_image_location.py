# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locations of an image through both APIs that Glance has for them, and URLs shown without what is secret in them.

PATCH of ``locations`` works where ``show_multiple_locations`` is on, and nowhere else. The location API of Glance 29.0.0 (v2.17)
adds one to a queued image, hashes the data where ``do_secure_hash`` is on, and removes none. From Glance's
``glance/api/v2/images.py``, ``glance/location.py`` and ``glance/async_/flows/location_import.py``.
"""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from ansible_collections.stackops.glance.plugins.module_utils import _image_import
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_hash import described
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import by_id
from ansible_collections.stackops.glance.plugins.module_utils._images import PATCH, Images, one_line

#: Schemes that Glance refuses from outside (``RESTRICTED_URI_SCHEMAS`` in its ``glance/common/store_utils.py``).
REFUSED = ("file", "filesystem", "swift+config")
#: Everything before the last @ of a URL in a text.
_CREDENTIALS = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s\"'<>]*@", re.IGNORECASE)
HIDDEN = (
    "This API does not let this user see the image's locations, and changes none by PATCH: its show_multiple_locations is off, "
    "as it has to be where end users come (OSSN-0065). Give endpoint as the address of an internal API process that has it "
    "on, with credentials that may use it (rules get_image_location, set_image_location and delete_image_location). From Glance "
    "29.0 on, users whom the rule fetch_image_location allows (service_api) see locations through the location API."
)
SERVICE = (
    "The rule behind it is service_api: up to Glance 30.0 the user needs the role service; 30.1 and 31 want it in a service "
    "token, for which there is service_cloud; from 32 the role service or admin does. A project's member may add a location "
    "to an own image only where it is http or https and Glance has a store of type http."
)

UNREADABLE = (
    "Glance asks there for the size before it takes a location: the scheme needs an enabled store and the data has to be there. "
    "An http address has to pass [import_filtering_opts] where Glance has that fix (ports 80 and 443 alone, no loopback)."
)


def _parts(url: str) -> tuple[str, str, str, str]:
    """Scheme, credentials, address and query. A secret key of S3 may hold slashes, so that the last @ ends them."""
    scheme, _colon, rest = url.partition("://")
    rest, _question, query = rest.partition("?") if scheme.startswith("http") else (rest, "", "")
    credentials, at, address = rest.rpartition("@")
    if at and "/" in credentials and not scheme.startswith("s3"):
        authority, slash, path = rest.partition("/")
        credentials, at, address = authority.rpartition("@")
        address += slash + path
    return scheme, credentials, address, query


def secrets(url: str) -> set[str]:
    """What nobody may see of a URL: its credentials, and the query of an http one, which may be a signature."""
    _scheme, credentials, _address, query = _parts(url)
    password = credentials.partition(":")[2]
    return {text for each in (credentials, password, query) if each for text in (each, unquote(each))}


def shown(url: str) -> str:
    """The URL as it may be shown: without credentials, and without what an http query says."""
    scheme, _credentials, address, query = _parts(url)
    return f"{scheme}://{address}{'?…' if query else ''}"


def clean(text: str) -> str:
    """A text of somebody else's without the credentials in its URLs."""
    return _CREDENTIALS.sub(r"\1", one_line(text))


def same(one: str, other: str) -> bool:
    """Whether two URLs are one location. Where one has no credentials (Glance may take them out), the rest decides."""
    if one == other:
        return True
    (scheme, credentials, address, query), theirs = _parts(one), _parts(other)
    return not (credentials and theirs[1]) and (scheme, address, query) == (theirs[0], theirs[2], theirs[3])


def checked(url: str) -> None:
    """Raise GlanceError for a URL that no Glance takes."""
    scheme = urlsplit(url).scheme
    if "://" not in url or not scheme:
        raise GlanceError("url is no URL. Write it as the store writes its own, such as rbd://FSID/POOL/IMAGE/snap.")
    if scheme in REFUSED:
        raise GlanceError(
            f"url begins with {scheme}://, and Glance takes no such location from outside: it would let its users read files of "
            "the Glance host. Give the data to Glance by upload or import."
        )


class Locations:
    """The locations of one image. ``headers`` hold a service token where there is one."""

    def __init__(self, images: Images, image: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.images = images
        self.headers = headers or {}
        self.path = f"/v2/images/{image['id']}"
        self.look(image)

    def look(self, image: dict[str, Any] | None = None) -> None:
        """Ask what is there: ``urls`` None where this user may not see it; ``patch``, ``api``: what is offered."""
        found = image or by_id(self.images, self.path.rpartition("/")[2])
        if found is None:
            raise GlanceError(f"Image {self.path.rpartition('/')[2]} was deleted meanwhile.")
        self.image = found
        self.patch = "locations" in found
        self.urls: list[str] | None = [each["url"] for each in found["locations"]] if self.patch else None
        # Only a queued image takes the location API, but it also shows locations where nothing else does.
        answer = None
        if not self.patch or found["status"] == "queued":
            answer = self.images.ask("GET", f"{self.path}/locations", headers=self.headers)
        self.api = answer is not None and answer.status_code in (200, 403)
        if answer is not None and answer.status_code == 200 and self.urls is None:
            self.urls = [each["url"] for each in answer.json()]

    def place(self, url: str) -> int | None:
        """The index of a location, or None. Raises GlanceError where it cannot be seen, or where several could be meant."""
        if self.urls is None:
            raise GlanceError(f"{described(self.image)}: {HIDDEN}")
        places = [number for number, each in enumerate(self.urls) if same(each, url)]
        exact = [number for number in places if self.urls[number] == url]
        if len(places) > 1 and len(exact) != 1:
            raise GlanceError(
                f"{described(self.image)} has {len(places)} locations at {shown(url)}. Give url with credentials."
            )
        return exact[0] if exact else places[0] if places else None

    def way(self, asked: str) -> str:
        """How a location is to be added: by the location API where a queued image has it, else by PATCH."""
        status = self.image["status"]
        if asked != "patch" and self.api and status == "queued":
            return "location_api"
        if asked == "location_api":
            lacks = "this API has none; Glance has it from 29.0.0 on" if status == "queued" else f"this one is {status}"
            raise GlanceError(
                f"{described(self.image)}: the location API adds a location to a queued image, and {lacks}."
            )
        if not self.patch:
            raise GlanceError(f"{described(self.image)}: {HIDDEN}")
        if status not in ("queued", "active"):
            raise GlanceError(f"{described(self.image)} is {status}; a location is added to a queued or active image.")
        return "patch"

    def add(self, url: str, asked: str, validation: dict[str, str], timeout: float) -> str:
        """Add it, wait until the image is active, and say by which way. Raises GlanceError where Glance refuses or fails."""
        if self.way(asked) == "location_api":
            hashes = {name: value for name, value in validation.items() if name != "checksum"}
            body = {"url": url, **({"validation_data": hashes} if hashes else {})}
            answer = self.images.ask("POST", f"{self.path}/locations", json=body, headers=self.headers)
            if answer.status_code == 202:
                self._wait(url, timeout)
                return "location_api"
            if not (asked == "auto" and answer.status_code == 403 and self.patch):
                raise self._refused(answer, f"Glance does not add {shown(url)} by its location API", SERVICE)
        value = {"url": url, "metadata": {}, **({"validation_data": validation} if validation else {})}
        self._patch({"op": "add", "path": "/locations/-", "value": value}, "set_image_location", url)
        return "patch"

    def _wait(self, url: str, timeout: float) -> None:
        """Until Glance is done. A task that dies keeps the image's lock, so that the task itself is looked at too."""
        deadline = time.monotonic() + timeout
        over = _image_import.wait(self.images, self.image["id"], deadline, until=lambda _state: self._failed() is not None)
        if over is None:
            raise GlanceError(f"{described(self.image)} was deleted while the location was added.")
        failed = self._failed()
        self.look()
        if self.image["status"] == "active":
            return
        status = self.image["status"]
        rest = (
            "An address that Glance cannot read, a scheme without a store, and another hash than validation_data's end like this. "
            "Correct url or validation_data and run again."
            if status == "queued"
            else "Glance brings it nowhere from there: read glance-api's log (without [oslo_concurrency] lock_path every such task "
            "dies where do_secure_hash is on), and delete the image."
        )
        raise GlanceError(
            f"{described(self.image)}: Glance did not take {shown(url)} and left the image {status}; "
            f"{f'its task says: {failed}' if failed else 'no task says why'}. {rest}"
        )

    def _failed(self) -> str | None:
        """What the newest task about the image says where it has failed."""
        newest = _image_import.tasks_of(self.images, self.image["id"])[-1:]
        return next((clean(task.get("message") or "") for task in newest if task.get("status") == "failure"), None)

    def remove(self, url: str, place: int) -> None:
        """Remove the location at this index; every other one has to be there afterwards."""
        before = list(self.urls or ())
        if len(before) == 1:
            raise GlanceError(
                f"{described(self.image)} has no location but {shown(url)}, and Glance never removes the last one. "
                "Add another first, or delete the image."
            )
        if not self.patch:
            raise GlanceError(f"{described(self.image)}: {HIDDEN}")
        self._patch({"op": "remove", "path": f"/locations/{place}"}, "delete_image_location", url)
        wanted = before[:place] + before[place + 1 :]
        if self.urls != wanted:
            raise GlanceError(
                f"{described(self.image)}: somebody else changed the locations at the same time. Left are: "
                f"{', '.join(map(shown, self.urls or ())) or 'none'}. Look at them before anything else.",
                changed=True,
            )

    def _patch(self, change: dict[str, Any], rule: str, url: str) -> None:
        answer = self.images.ask("PATCH", self.path, json=[change], headers={**PATCH, **self.headers})
        if answer.status_code != 200:
            denied = f"The API refuses it, or its policy does (rule {rule}). {HIDDEN}"
            raise self._refused(answer, f"Glance does not {change['op']} {shown(url)}", denied)
        self.look(answer.json())

    def _refused(self, answer: Any, what: str, denied: str) -> GlanceError:
        status = answer.status_code
        said = clean(answer.text).rstrip(".") or "no text"
        advice = {400: UNREADABLE, 403: denied}.get(status, "Read glance-api's log." if status >= 500 else "")
        return GlanceError(f"{described(self.image)}: {what} (status {status}): {said}. {advice}".strip(), status=status)


def agrees(image: dict[str, Any], validation: dict[str, str]) -> None:
    """Raise GlanceError where the image already has other hashes than those that are given."""
    for name, value in validation.items():
        if image.get(name) and image[name].lower() != value.lower():
            raise GlanceError(f"{described(image)} has {name} {image[name]}, and validation_data says {value}.")
