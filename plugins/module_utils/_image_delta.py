# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Incremental images: of a disk, the blocks that differ from a base image, and the whole disk out of both.

A delta is a qcow2 file whose reference to its backing file is taken out, since Glance refuses one that has it (25.1.1,
26.0.1 and 27.0.0 on: CVE-2024-32498). Properties of the image say which base it belongs to. qemu-img does the work on disks,
and is told every format: it is never left to guess one from content that somebody else has made.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _image_content
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_lookup import Image, by_id
from ansible_collections.stackops.glance.plugins.module_utils._image_source import File, download, hash_of
from ansible_collections.stackops.glance.plugins.module_utils._images import Images, one_line

#: Properties of a delta: its base image's id and hash, the hash of the whole disk's content, and the disk's format.
BASE = "stackops_glance_delta_base"
BASE_HASH = "stackops_glance_delta_base_hash"
CONTENT = "stackops_glance_delta_content"
FORMAT = "stackops_glance_delta_format"
#: GiB of disk and MiB of memory, more than any flavor has: Nova refuses to boot a delta, which is no disk by itself.
NEVER = (1 << 31) - 1
#: The hash of a disk's content, which is that of its raw bytes whatever format it is kept in.
ALGORITHM = "sha512"


@dataclass(frozen=True)
class Disk:
    """A disk in a file: its format as qemu-img calls it, and its virtual size in bytes."""

    path: str
    format: str
    virtual_size: int


def disk(path: str, what: str) -> Disk:
    """The disk in a file. Raises GlanceError for what is no raw or qcow2 disk, or not safe to open."""
    content = File(path, None).look()
    if content.other or content.format not in (*_image_content.IN_RAW, "qcow2") or not content.virtual_size:
        raise GlanceError(
            f"{what} ({path}) is {content.other or content.format}. Deltas are made of raw and qcow2 disks."
        )
    if content.faults:
        raise GlanceError(f"{what} ({path}) is not safe to work with: {' '.join(content.faults)}")
    return Disk(path, "qcow2" if content.format == "qcow2" else "raw", content.virtual_size)


def qemu_img(*arguments: str) -> None:
    """Run qemu-img. Raises GlanceError where it is missing or fails, with what it says."""
    program = shutil.which("qemu-img")
    if program is None:
        raise GlanceError("qemu-img is not on this machine. Install qemu-utils (Debian, Ubuntu) or qemu-img (others).")
    done = subprocess.run([program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        said = one_line(done.stderr or done.stdout) or "nothing"
        raise GlanceError(f"qemu-img {arguments[0]} ended with {done.returncode} and said: {said}")


@contextmanager
def workplace(folder: str | None, needed: int) -> Iterator[str]:
    """A directory for files that are gone afterwards. Raises GlanceError where there is no room for ``needed`` bytes."""
    top = folder or tempfile.gettempdir()
    try:
        free = shutil.disk_usage(top).free
        if free < needed:
            raise GlanceError(f"{top} has {free} bytes free, and {needed} may be needed. Give another work_dir.")
        place = tempfile.mkdtemp(prefix="stackops-glance-delta-", dir=top)
    except OSError as error:
        raise GlanceError(f"work_dir {top} cannot be used: {error.strerror}.") from None
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def fetched(images: Images, image: Image, path: str) -> str:
    """The file with an image's data. Raises GlanceError where they are not those that Glance keeps the hash of."""
    try:
        with open(path, "wb") as stream:
            download(images, image, ALGORITHM, stream)
    except OSError as error:
        raise GlanceError(f"{path} cannot be written: {error.strerror}. Give another work_dir.") from None
    return path


def allocated(path: str) -> int:
    """The bytes that a file takes on its disk, which are fewer than its size where it has holes."""
    return 512 * os.stat(path).st_blocks


def content_hash(found: Disk, place: str) -> str:
    """The hash of a disk's content, with its algorithm before it."""
    if found.format == "raw":
        return f"{ALGORITHM}:{File(found.path, None).digest(ALGORITHM)}"
    path = os.path.join(place, "content")
    qemu_img("convert", "-f", found.format, "-O", "raw", found.path, path)
    try:
        return f"{ALGORITHM}:{File(path, None).digest(ALGORITHM)}"
    finally:
        os.unlink(path)


def make(full: Disk, base: Disk, path: str) -> None:
    """Write the delta of a disk to its base, and compare the two together with the disk."""
    qemu_img("create", "-q", "-f", "qcow2", "-b", full.path, "-F", full.format, path)
    qemu_img("rebase", "-q", "-f", "qcow2", "-b", base.path, "-F", base.format, path)
    qemu_img("compare", "-q", "-f", full.format, "-F", "qcow2", full.path, path)
    qemu_img("rebase", "-q", "-u", "-f", "qcow2", "-b", "", path)


def rebuild(delta: str, base: Disk, wanted: Image, path: str, place: str) -> None:
    """Write the whole disk to ``path``. Raises GlanceError where its content has not the hash that the delta's image says."""
    qemu_img("rebase", "-q", "-u", "-f", "qcow2", "-b", base.path, "-F", base.format, delta)
    qemu_img("convert", "-q", "-f", "qcow2", "-O", wanted[FORMAT], delta, path)
    found = content_hash(Disk(path, wanted[FORMAT], 0), place)
    if found != wanted[CONTENT]:
        raise GlanceError(
            f"What comes of image {wanted['id']} and its base {wanted[BASE]} has {found}, and {wanted[CONTENT]} was kept. "
            "One of them is damaged; nothing was kept."
        )


def base_of(images: Images, delta: Image, base_file: str | None = None) -> Image:
    """The base image of a delta. Raises GlanceError where it has other data, or is gone and there is no file with its data."""
    lacking = [name for name in (BASE, BASE_HASH, CONTENT, FORMAT) if not delta.get(name)]
    if lacking or delta[FORMAT] not in ("raw", "qcow2"):
        raise GlanceError(f"Image {delta['id']} is no delta: it lacks {', '.join(lacking) or f'a known {FORMAT}'}.")
    base = by_id(images, delta[BASE])
    if base is None and base_file:
        algorithm, _colon, value = delta[BASE_HASH].partition(":")
        base = {"id": delta[BASE], "status": "active", "size": 0, "os_hash_algo": algorithm, "os_hash_value": value}
    if base is None:
        raise GlanceError(
            f"Image {delta[BASE]}, the base of {delta['id']}, is gone or may not be seen by this user. Without it the disk "
            "cannot be rebuilt; a copy of its data in base_file will do.",
            base=delta[BASE],
        )
    if base_hash(base) != delta[BASE_HASH]:
        raise GlanceError(
            f"Image {base['id']} has {base_hash(base)}, and {delta['id']} was made to {delta[BASE_HASH]}."
        )
    return base


def base_hash(image: Image) -> str:
    """The hash that Glance keeps of an image, with its algorithm before it. Raises GlanceError where it keeps none."""
    found = hash_of(image)
    if image["status"] != "active" or found is None:
        raise GlanceError(
            f"Image {image['id']} is {image['status']} and cannot be a base: it must be active and have a hash."
        )
    return ":".join(found)


def properties(base: Image, content: str, full: Disk) -> dict[str, Any]:
    """What a delta's image says of itself."""
    return {BASE: base["id"], BASE_HASH: base_hash(base), CONTENT: content, FORMAT: full.format}
