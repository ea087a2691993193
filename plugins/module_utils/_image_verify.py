# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Download images and hold their bytes against the hash that Glance recorded, block by block, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _image_hash
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import BLOCK, NO_ANSWER, Images, one_line

#: A download that breaks is begun again; where it breaks twice in the same block, the data ends there.
TRIES = 3
PLACE = "the data that the API delivers"


class TimeUp(Exception):
    """The time for all of the work was up in the middle of an image."""


class Broken(Exception):
    """A download ended early, in the block after so many bytes."""

    def __init__(self, size: int, reason: str) -> None:
        super().__init__(reason)
        self.size = size
        self.reason = reason


def metadata(image: dict[str, Any]) -> dict[str, Any]:
    """What of an image a verification needs, here or on the host of a store."""
    names = ("id", "name", "owner", "status", "size", "os_hash_algo", "os_hash_value", "checksum", "stores")
    return {name: image.get(name) for name in names}


def verify(images: Images, image: dict[str, Any], deadline: float) -> dict[str, Any] | None:
    """Download one image: what was found, with ``verified`` True, False or None; None as a whole when the time was up."""
    started = time.monotonic()
    result: dict[str, Any] = {"image": image["id"], "verified": None, "bytes": 0, "findings": []}
    try:
        read = _download(images, image, deadline)
    except TimeUp:
        return None
    except GlanceError as error:
        result["findings"] = [_image_hash.finding("not-verified", image, error.message)]
    else:
        result.update(_judged(image, read), bytes=read.size if read else 0)
    result["seconds"] = round(time.monotonic() - started, 3)
    return result


def _judged(image: dict[str, Any], read: _image_hash.Read | None) -> dict[str, Any]:
    label = _image_hash.described(image)
    if read is None:
        message = f"{label} is {image['status']}, and Glance has no data for it."
        return {"verified": False, "findings": [_image_hash.finding("data-missing", image, message)]}
    if read.algorithm is None:
        message = f"{label}: {PLACE} ends some {read.size} bytes in, and {image['size']} bytes are recorded."
        return {"verified": False, "findings": [_image_hash.finding("size-differs", image, message)]}
    wrong = _image_hash.wrong(image, read, PLACE)
    if wrong:
        return {"verified": False, "findings": [wrong]}
    if _image_hash.verifiable(image, read):
        return {"verified": True}
    known = _image_hash.recorded(image)
    if known:
        message = f"{label}: this Python has no {known[0]}, by which its data would have to be verified."
        return {"findings": [_image_hash.finding("not-verified", image, message)]}
    return {}


def _download(images: Images, image: dict[str, Any], deadline: float) -> _image_hash.Read | None:
    """All bytes of an image, counted and hashed; None where there is no data. Raises GlanceError and TimeUp."""
    breaks: list[Broken] = []
    while True:
        try:
            return _stream(images, image, deadline)
        except Broken as error:
            # Nothing at all may be a server that has no time.
            if error.size and error.size in [each.size for each in breaks]:
                return _image_hash.Read(error.size, None, None)
            breaks.append(error)
            if len(breaks) == TRIES:
                raise GlanceError(
                    f"{_image_hash.described(image)}: the download broke {TRIES} times, after "
                    f"{', '.join(str(each.size) for each in breaks)} bytes: {error.reason}"
                ) from None


def _stream(images: Images, image: dict[str, Any], deadline: float) -> _image_hash.Read | None:
    path = f"/v2/images/{image['id']}/file"
    response = images.call("GET", path, 200, 204, stream=True, headers={"Accept": "application/octet-stream"})
    algorithm = (_image_hash.recorded(image) or (_image_hash.USUAL,))[0]
    digest, size = _image_hash.new(algorithm), 0
    try:
        if response.status_code != 200:
            return None
        for block in response.iter_content(BLOCK):
            size += len(block)
            if digest:
                digest.update(block)
            if time.monotonic() >= deadline:
                raise TimeUp
    except NO_ANSWER as error:
        raise Broken(size, one_line(error)) from None
    finally:
        response.close()
    return _image_hash.Read(size, algorithm, digest.hexdigest() if digest else None)


def verify_all(
    images: Images,
    found: list[dict[str, Any]],
    parallel: int,
    deadline: float,
    over: Callable[[], bool],
    seen: Callable[[dict[str, Any]], None],
) -> list[str]:
    """Verify images until all are done or it is over; each result is told, one at a time. Returns the ids that are left."""
    telling = threading.Lock()

    def work(image: dict[str, Any]) -> bool:
        result = verify(images, image, deadline)
        if result:
            with telling:
                seen(result)
        return bool(result)

    begun, rest = _image_hash.in_turn(work, found, parallel, over)
    unfinished = [image for image, done in zip(found, begun, strict=False) if not done]
    return [image["id"] for image in [*unfinished, *rest]]
