# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which image is meant: by id, by name within its owner's project, or all that match a filter.

Glance's own lists leave out hidden images and those that other projects offer to the community unless they are asked for,
so a name is looked for in all three lists: an image that was not seen would be made a second time.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from typing import Any, Dict
from urllib.parse import urlencode

from ansible_collections.stackops.glance.plugins.module_utils import _images
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

Image = Dict[str, Any]

#: An id as Keystone makes them; everything else is taken for a name.
PROJECT_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
#: What has to be asked beside a filter, so that no image stays unseen: also one that was shared and not accepted yet.
LISTS: tuple[dict[str, str], ...] = ({"member_status": "all"}, {"os_hidden": "true"}, {"visibility": "community"})


def argument_spec(**options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The options of the doc fragments ``stackops.glance.openstack`` and ``stackops.glance.image`` and those given."""
    return _images.argument_spec(
        image={"type": "str", "required": True, "aliases": ["id", "name"]},
        owner={"type": "str"},
        endpoint={"type": "str"},
        **options,
    )


def api(cloud: _images.Cloud, endpoint: str | None) -> _images.Images:
    """The Images API at an address, or where the catalogue has it."""
    return _images.Images(cloud.session, endpoint or cloud.image_url())


def is_id(text: str) -> bool:
    """Whether a text is an id as Glance makes them: a canonical UUID."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def project_id(cloud: _images.Cloud, owner: str | None) -> str | None:
    """The id of the owner's project: the session's own where none is named. Raises GlanceError for a name nobody has."""
    if owner is None or owner in (cloud.project_id, cloud.project):
        return cloud.project_id
    if PROJECT_ID.fullmatch(owner):
        return owner
    identity = _images.Keystone(cloud.session, cloud.identity_url)
    answer = identity.ask("GET", f"/projects?{urlencode({'name': owner})}")
    if answer.status_code == 403:
        raise GlanceError(
            f"Keystone does not let this user look up the project {owner!r} by its name. Give owner as the project's id."
        )
    found = answer.json().get("projects", []) if answer.status_code == 200 else []
    if len(found) != 1:
        names = ", ".join(f"{each['id']} in domain {each['domain_id']}" for each in found) or "none"
        raise GlanceError(f"owner is {owner!r}, and Keystone has {names} of that name. Give the id of one project.")
    return str(found[0]["id"])


def by_id(images: _images.Images, image_id: str) -> Image | None:
    """The image with this id, or None where there is none that this user may see."""
    answer = images.call("GET", f"/v2/images/{image_id}", 200, 404)
    return None if answer.status_code == 404 or gone(answer.json()) else answer.json()


def gone(image: Image) -> bool:
    """Whether an image is being deleted: for a moment it is still there, without its properties."""
    return image["status"] in ("deleted", "pending_delete")


def find(images: _images.Images, cloud: _images.Cloud, wanted: str, owner: str | None = None) -> Image | None:
    """The one image with this id, or with this name in the owner's project; None where there is none.

    Raises GlanceError where several have the name; the message lists them.
    """
    image = by_id(images, wanted) if is_id(wanted) else None
    if image:
        return image
    project = project_id(cloud, owner)
    found = [
        image
        for image in matching(images, {"name": wanted, "owner": project})
        if image["name"] == wanted and image["owner"] == project
    ]
    if len(found) > 1:
        raise GlanceError(
            f"{len(found)} images of project {project} are called {wanted!r}: {described(found)}. "
            "Give the id of one of them.",
            duplicates=sorted(image["id"] for image in found),
        )
    return found[0] if found else None


def need(images: _images.Images, cloud: _images.Cloud, wanted: str, owner: str | None = None) -> Image:
    """As ``find``, and a GlanceError where there is no such image."""
    found = find(images, cloud, wanted, owner)
    if found is None:
        raise GlanceError(
            f"There is no image {wanted!r} at {images.root} that this user may see"
            + ("" if is_id(wanted) else f" in project {project_id(cloud, owner)}")
            + ". Check its id or name, and owner."
        )
    return found


def listed(images: _images.Images, filters: dict[str, Any], limit: int = 1000) -> Iterator[Image]:
    """Every image that matches, as the pages of at most ``limit`` come. A list (of tags) is asked for as often."""
    pairs = [
        (name, _quoted(name, each))
        for name, value in sorted(filters.items())
        for each in (value if isinstance(value, list) else [value])
        if each is not None
    ]
    for page in images.pages("/v2/images" + (f"?{urlencode(pairs)}" if pairs else ""), limit):
        yield from page


def matching(images: _images.Images, filters: dict[str, Any]) -> Iterator[Image]:
    """Every image that matches, once, hidden ones and the community's included unless the filters say otherwise."""
    seen: set[str] = set()
    for number, extra in enumerate(LISTS):
        query = {**extra, **filters}
        if query in [{**each, **filters} for each in LISTS[:number]]:
            continue
        for image in listed(images, query):
            if image["id"] not in seen:
                seen.add(image["id"])
                yield image


def _quoted(name: str, value: Any) -> str:
    """A value as a filter takes it; a name that looks like a list of names is quoted, as the API wants it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if name == "name" and text.startswith("in:"):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'in:"{escaped}"'
    return text


def described(images: Any) -> str:
    """Images for a message: id, status and when each was made."""
    return "; ".join(
        f"{each['id']} ({each['status']}, {each['visibility']}, made {each['created_at']})"
        for each in sorted(images, key=lambda image: (image["created_at"], image["id"]))
    )


def stores_of(image: Image) -> list[str]:
    """The stores that hold the image's data, as the API shows them; none where the Glance has a single store."""
    return [store for store in str(image.get("stores") or "").split(",") if store]
