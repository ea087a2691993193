# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where an image's data come from: a file, a URL or another Glance; and whether an image holds just these data.

Glance keeps a multihash since 17.0.0 (``os_hash_algo``, ``os_hash_value``) and an MD5 (``checksum``) of what it stores.
Where neither can be compared with the source, as after a conversion, what was found to belong together is kept in a
property of the image: the source's hash, and the multihash of the image at that time, without which it says nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import time
from functools import partial
from typing import Any, BinaryIO, Tuple

from ansible_collections.stackops.glance.plugins.module_utils import _image_content
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_content import Content
from ansible_collections.stackops.glance.plugins.module_utils._image_hash import recorded as hash_of
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import Image, by_id
from ansible_collections.stackops.glance.plugins.module_utils._images import NO_ANSWER, Cloud, Images, one_line

#: The property that says which source became an image that has another hash than the source.
RECORD = "stackops_glance_source"
BLOCK = 1 << 20
CHECKSUM = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512):([0-9a-f]+)")

Hash = Tuple[str, str]


def new_hash(algorithm: str) -> Any:
    """A hash object; MD5 finds damage here and protects nothing, which FIPS mode has to be told."""
    return hashlib.new(algorithm, usedforsecurity=False)


def checksum(text: str | None) -> Hash | None:
    """The option ``checksum`` as algorithm and value. Raises GlanceError for another form or length."""
    if text is None:
        return None
    found = CHECKSUM.fullmatch(text.strip().lower())
    if not found or len(found[2]) != 2 * new_hash(found[1]).digest_size:
        raise GlanceError(
            f"checksum is {text!r}. Write it as sha256: and 64 hexadecimal digits; md5, sha1, sha224, sha384 and sha512 "
            "are known as well."
        )
    return found[1], found[2]


def record(source: Hash, image: Image) -> str:
    """The value of RECORD for an image that was made of this source."""
    return f"{source[0]}:{source[1]} {image.get('os_hash_value') or image.get('checksum')}"


def recorded(image: Image) -> Hash | None:
    """The hash of the source that an image is recorded to be made of, where its data are still the same."""
    source, _space, made = str(image.get(RECORD) or "").partition(" ")
    algorithm, _colon, value = source.partition(":")
    return (algorithm, value) if made and made == (image.get("os_hash_value") or image.get("checksum")) else None


class Body:
    """A file's bytes as a request's body, hashed as they are read; a file that shrinks meanwhile is an error."""

    def __init__(self, path: str, size: int, algorithms: set[str], deadline: float) -> None:
        self.path = path
        self.size = size
        self.sent = 0
        self.deadline = deadline
        self._hashes = {name: new_hash(name) for name in sorted(algorithms)}
        self._stream = open(path, "rb")

    def __len__(self) -> int:
        return self.size

    def close(self) -> None:
        self._stream.close()

    def hashes(self) -> dict[str, str]:
        return {name: each.hexdigest() for name, each in self._hashes.items()}

    def read(self, amount: int = -1) -> bytes:
        if time.monotonic() >= self.deadline:
            raise GlanceError(f"The time was up after {self.sent} of {self.size} bytes of {self.path} had been sent.")
        left = self.size - self.sent
        data = self._stream.read(min(left, BLOCK if amount is None or amount < 0 else amount))
        if left and not data:
            raise GlanceError(f"{self.path} has become shorter while it was sent: {self.sent} of {self.size} bytes.")
        self.sent += len(data)
        for each in self._hashes.values():
            each.update(data)
        return data


class Source:
    """What all sources can say. ``size`` (bytes) and ``content`` are None where only Glance sees the data."""

    method = ""
    size: int | None = None
    content: Content | None = None

    def __init__(self, wanted: Hash | None) -> None:
        self.wanted = wanted

    def hash(self, image: Image) -> Hash | None:
        """A hash of the source, of the kind that Glance keeps of the image where that can be had."""
        return self.wanted

    def to_record(self, image: Image) -> Hash | None:
        """The source's hash where Glance keeps no such one of the image's data, so that the next run can know it."""
        mine = self.hash(image)
        there = (hash_of(image), ("md5", image.get("checksum")), recorded(image))
        return None if mine in there else mine

    def differs(self, image: Image) -> str | None:
        """How an image's data differ from the source, for a message; None where they are the same.

        None as well where nothing is known of the source: a URL without a checksum is taken at its word.
        """
        raise NotImplementedError

    def arguments(self) -> dict[str, str]:
        """What the import method needs beside its name."""
        return {}


class File(Source):
    """A file on the machine where the module runs."""

    method = "glance-direct"

    def __init__(self, path: str, wanted: Hash | None) -> None:
        super().__init__(wanted)
        self.path = path
        self.known: dict[str, str] = {}
        try:
            with open(path, "rb") as stream:
                self.size = os.fstat(stream.fileno()).st_size
        except OSError as error:
            raise GlanceError(f"file {path} cannot be read: {error.strerror}.") from None
        if not self.size:
            raise GlanceError(f"file {path} is empty, and no image.")

    def __str__(self) -> str:
        return self.path

    def look(self) -> Content:
        """Inspect the content. Raises GlanceError where oslo.utils is missing."""
        with open(self.path, "rb") as stream:
            self.content = _image_content.inspect(stream, self.size)
        return self.content

    def body(self, algorithms: set[str], deadline: float) -> Body:
        return Body(self.path, self.size or 0, algorithms, deadline)

    def digest(self, algorithm: str) -> str:
        """A hash of the file: that of the bytes that were sent, else of those that are there."""
        if algorithm not in self.known:
            found = new_hash(algorithm)
            with open(self.path, "rb") as stream:
                for block in iter(partial(stream.read, BLOCK), b""):
                    found.update(block)
            self.known[algorithm] = found.hexdigest()
        return self.known[algorithm]

    def hash(self, image: Image) -> Hash | None:
        algorithm = (hash_of(image) or ("sha512", ""))[0]
        return algorithm, self.digest(algorithm)

    def wrong(self) -> str | None:
        """How the file differs from the option ``checksum``."""
        if self.wanted is None or self.digest(self.wanted[0]) == self.wanted[1]:
            return None
        return f"{self.path} has {self.wanted[0]} {self.digest(self.wanted[0])}, and checksum is {self.wanted[1]}"

    def differs(self, image: Image) -> str | None:
        made_of = recorded(image)
        if made_of and self.digest(made_of[0]) == made_of[1]:
            return None
        kept = hash_of(image)
        if kept is None:
            return "Glance keeps no hash of its data"
        if self.digest(kept[0]) == kept[1]:
            return None
        return f"its data have {kept[0]} {kept[1]} ({image['size']} bytes), {self.path} has {self.digest(kept[0])} ({self.size} bytes)"


class Url(Source):
    """A URL from which Glance fetches the data by itself (web-download)."""

    method = "web-download"

    def __init__(self, images: Images, url: str, wanted: Hash | None) -> None:
        super().__init__(wanted)
        self.images = images
        self.url = url
        if not re.match(r"https?://[^/]", url):
            raise GlanceError(
                f"url is {url!r}. Give one that begins with http:// or https://; Glance fetches no other."
            )

    def __str__(self) -> str:
        return self.url

    def arguments(self) -> dict[str, str]:
        return {"uri": self.url}

    def differs(self, image: Image) -> str | None:
        if self.wanted is None or recorded(image) == self.wanted:
            return None
        algorithm, value = self.wanted
        kept = {"md5": image.get("checksum"), image.get("os_hash_algo"): image.get("os_hash_value")}
        found = kept.get(algorithm) or download(self.images, image, algorithm)
        return None if found == value else f"its data have {algorithm} {found}, and checksum is {value}"


class OtherGlance(Source):
    """An image of another Glance of the same Keystone (glance-download), in a region of the service catalogue."""

    method = "glance-download"

    def __init__(self, cloud: Cloud, given: dict[str, Any], wanted: Hash | None) -> None:
        super().__init__(wanted)
        self.given = given
        region, interface = given["region"], given["interface"]
        for entry in cloud.catalogue():
            if entry["region"] == region and entry["interface"] == interface:
                self.images = Images(cloud.session, entry["url_versionless"])
                break
        else:
            there = sorted({str(entry["region"]) for entry in cloud.catalogue() if entry["interface"] == interface})
            raise GlanceError(
                f"from_glance.region is {region}, and the service catalogue has {interface} endpoints of the image service in: "
                f"{', '.join(there) or 'no region'}."
            )
        image = by_id(self.images, given["image"])
        if image is None or image["status"] != "active":
            state = f"is {image['status']}" if image else "is not there, or this user may not see it"
            raise GlanceError(f"from_glance.image {given['image']} {state} at {self.images.root}. Give an active one.")
        self.image: Image = image
        self.size = image["size"]

    def __str__(self) -> str:
        return f"image {self.given['image']} in {self.given['region']}"

    def arguments(self) -> dict[str, str]:
        return {
            "glance_image_id": self.given["image"],
            "glance_region": self.given["region"],
            "glance_service_interface": self.given["interface"],
        }

    def hash(self, image: Image) -> Hash | None:
        return hash_of(self.image)

    def differs(self, image: Image) -> str | None:
        source = hash_of(self.image)
        if source is None:
            return f"{self} keeps no hash"
        if recorded(image) == source or hash_of(image) == source:
            return None
        if source[0] != image.get("os_hash_algo"):
            source = ("md5", self.image.get("checksum") or "")
            if image.get("checksum") == source[1]:
                return None
        return f"its data differ from those of {self}, which have {source[0]} {source[1]}"


def download(images: Images, image: Image, algorithm: str, into: BinaryIO | None = None) -> str:
    """A hash of an image's data as Glance hands them out; GlanceError where they are not those that it keeps a hash of.

    The data go ``into`` a file on the way, where one is given.
    """
    kept = hash_of(image)
    wanted, own = new_hash(algorithm), new_hash(kept[0]) if kept else None
    path = f"/v2/images/{image['id']}/file"
    answer = images.call("GET", path, stream=True, headers={"Accept": "application/octet-stream"})
    try:
        for block in answer.iter_content(BLOCK):
            wanted.update(block)
            if own:
                own.update(block)
            if into:
                into.write(block)
    except NO_ANSWER as error:
        raise GlanceError(f"GET {images.root}{path} broke off: {one_line(error)}", url=images.root + path) from error
    finally:
        answer.close()
    if own and kept and own.hexdigest() != kept[1]:
        raise GlanceError(
            f"Image {image['id']} came back with {kept[0]} {own.hexdigest()}, and Glance keeps {kept[1]} of it: "
            "its stored data are damaged."
        )
    return str(wanted.hexdigest())


class _Stream(io.RawIOBase):
    """An answer's body, whose errors are those of the session."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self._blocks = answer.iter_content(_image_content.STEP)

    def read(self, size: int = -1) -> bytes:
        return bytes(next(self._blocks, b""))


def look_at(images: Images, image: Image) -> Content:
    """What the beginning of an image's data is, which is all that is fetched."""
    path = f"/v2/images/{image['id']}/file"
    answer = images.call("GET", path, stream=True, headers={"Accept": "application/octet-stream"})
    try:
        return _image_content.inspect(_Stream(answer))
    except NO_ANSWER as error:
        raise GlanceError(f"GET {images.root}{path} broke off: {one_line(error)}", url=images.root + path) from error
    finally:
        answer.close()
