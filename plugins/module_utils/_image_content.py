# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file is before it is sent: a disk image of which format and size, a movie, or half of a download.

Disk formats are told by oslo.utils' format inspector, which is what Glance itself (30.0.0 and newer), Nova and Cinder
look with. Added to it is what it has no need to know: files that are no disks, the fixed kind of VHD and ploop, and
whether a qcow2 file ends before its last block.
"""

from __future__ import annotations

import io
import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

INSPECTOR: Any = None
try:
    from oslo_utils.imageutils import format_inspector

    # 7.4.0 is the first that says of a bootable ISO that it is two things.
    if hasattr(format_inspector.InspectWrapper, "formats"):
        INSPECTOR = format_inspector
except ImportError:
    pass

#: How many bytes at most are read at a file's start and at its end, and how many at a time.
HEAD, TAIL, STEP = 32 << 20, 1 << 16, 1 << 16
#: How many bytes of a qcow2 file's tables are read to find its last block: those of 512 GiB in clusters of 64 KiB.
TABLES = 64 << 20
SECTOR = 512
GIB = 1 << 30

#: How files begin that are no disk: offset, bytes and name, from the formats' own specifications.
ARCHIVES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1f\x8b", "gzip data"),
    (0, b"\xfd7zXZ\x00", "xz data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (0, b"\x04\x22\x4d\x18", "LZ4 data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (257, b"ustar", "a tar archive"),
)
OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "an MP4 or QuickTime movie"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM movie"),
    (0, b"RIFF", "an AVI, WAV or WebP file"),
    (0, b"\x00\x00\x01\xba", "an MPEG movie"),
    (0, b"\x00\x00\x01\xb3", "an MPEG movie"),
    (0, b"FLV\x01", "a Flash movie"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file"),
    (0, b"OggS", "an Ogg file"),
    (0, b"ID3", "an MP3 file"),
    (0, b"fLaC", "a FLAC file"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x7fELF", "an ELF program"),
    (0, b"\xed\xab\xee\xdb", "an RPM package"),
    (0, b"!<arch>\n", "a Debian package"),
)
PAGES = (b"<!doctype html", b"<html", b"<?xml")
PLOOP = (b"WithoutFreeSpace", b"WithouFreSpacExt")
#: Disk formats whose data are not a disk of their own format: a kernel, a RAM disk, a machine image.
AMAZON = ("aki", "ari", "ami")
#: What a raw disk may hold, as the inspector calls it.
IN_RAW = ("raw", "gpt", "luks")


@dataclass(frozen=True)
class Content:
    """What a file is.

    ``format`` is the inspector's name, ``raw`` for what it does not know; ``other`` says what it is where that is no disk,
    and ``archive`` whether that is an archive or compressed data. ``virtual_size`` (bytes) is None where it is unknown.
    ``faults`` are reasons against using it, ``notes`` what is worth a look.
    """

    format: str
    virtual_size: int | None = None
    other: str | None = None
    archive: bool = False
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def disk_format(self) -> str | None:
        """Glance's name of the format; None where the content does not tell that it is a disk at all."""
        if self.other or self.format == "raw":
            return None
        return "raw" if self.format in IN_RAW else self.format

    def result(self) -> dict[str, Any]:
        return {
            "format": self.format,
            "virtual_size": self.virtual_size,
            "other": self.other,
            "faults": list(self.faults),
            "notes": list(self.notes),
        }


class _Ends:
    """A stream's beginning and, where its size is known, its end, as if nothing lay between them."""

    def __init__(self, stream: BinaryIO | io.RawIOBase, size: int | None) -> None:
        self.stream = stream
        self.size = size
        self.start = b""
        self._end = b""
        self._left = HEAD

    def read(self, amount: int) -> bytes:
        if self._left <= 0:
            return self._tail()
        piece = self.stream.read(min(amount, self._left))
        self._left = self._left - len(piece) if piece else 0
        self.start = (self.start + piece)[:SECTOR] if len(self.start) < SECTOR else self.start
        return piece or self._tail()

    def _tail(self) -> bytes:
        if self.size is None or self.size <= HEAD or self._end:
            return b""
        self._end = self.last(TAIL)
        return self._end

    def last(self, amount: int) -> bytes:
        """The last bytes of a file, none of a stream of unknown size."""
        if self.size is None:
            return b""
        self.stream.seek(max(0, self.size - amount))
        return self.stream.read(amount)


def inspect(stream: BinaryIO | io.RawIOBase, size: int | None = None) -> Content:
    """What a stream's content is; with its size in bytes the stream can be searched, and its end is looked at as well.

    Raises GlanceError where oslo.utils is missing or too old.
    """
    if INSPECTOR is None:
        raise GlanceError(
            "The content cannot be looked at: that takes oslo.utils 7.4.0 or newer in the Python that runs this module. "
            "Install it there, or set force to true to send what nobody has looked at."
        )
    ends = _Ends(stream, size)
    wrapper = INSPECTOR.InspectWrapper(ends)
    while wrapper.formats is None and wrapper.read(STEP):
        pass
    wrapper.close()
    found = {str(each): each for each in wrapper.formats}
    if found.keys() == {"iso", "gpt"}:  # bootable from a disk as well
        found.pop("gpt")
    if len(found) > 1:
        names = " and ".join(sorted(found))
        return Content("raw", other=f"both {names}", faults=(f"It looks like {names} at once.",))
    name, inspector = found.popitem()
    if name in ("raw", "gpt"):
        return _raw(name, inspector, ends)
    return _disk(name, inspector, ends)


def _raw(name: str, inspector: Any, ends: _Ends) -> Content:
    """What the inspector does not know, or takes for a plain disk."""
    if name == "raw":
        for signatures in (ARCHIVES, OTHERS):
            for offset, start, what in signatures:
                if ends.start[offset : offset + len(start)] == start:
                    return Content("raw", ends.size, what, signatures is ARCHIVES)
        if ends.start.lstrip()[:14].lower().startswith(PAGES):
            return Content("raw", ends.size, "a web page or another text")
        if ends.start.startswith(PLOOP):
            return Content("ploop")
    footer = ends.last(SECTOR)
    if footer.startswith(b"conectix"):  # the fixed kind, whose only header is at its end
        return Content("vhd", struct.unpack(">Q", footer[48:56])[0])
    # What Glance, too, lets pass by default: sectors that look like a partition table and are none.
    return Content(name, ends.size, notes=tuple(_failures(inspector)))


def _disk(name: str, inspector: Any, ends: _Ends) -> Content:
    try:
        size = int(inspector.virtual_size) or None
    except Exception as error:  # the inspectors raise whatever reading a broken header does
        return Content(name, faults=(f"Its header cannot be read: {error}.",))
    faults = list(_failures(inspector))
    if name == "luks":
        size = ends.size
    elif name == "qcow2" and ends.size is not None and not faults and _qcow2_end(ends.stream, inspector) > ends.size:
        faults.append(f"It ends after {ends.size} bytes, before its last block: the file was cut off.")
    elif name == "vhd" and ends.size is not None and not ends.last(SECTOR).startswith(b"conectix"):
        faults.append(f"It ends after {ends.size} bytes, without its footer: the file was cut off.")
    return Content(name, size, faults=tuple(faults))


def _failures(inspector: Any) -> Iterator[str]:
    """What the inspector's safety checks say."""
    try:
        inspector.safety_check()
    except INSPECTOR.SafetyCheckFailed as failed:
        for name, reason in sorted(failed.failures.items()):
            yield f"{reason} ({name})."
    except INSPECTOR.ImageFormatError as error:
        yield f"{error}."


def _qcow2_end(stream: BinaryIO | io.RawIOBase, inspector: Any) -> int:
    """The first byte after the last block that a qcow2 file's tables name, as far as TABLES goes.

    The last cluster may be short, so that its first byte is what counts. From QEMU's docs/interop/qcow2.rst.
    """
    header = bytes(inspector.region("header").data)
    cluster_bits = struct.unpack(">I", header[20:24])[0]
    l1_size, l1_offset, refcounts = struct.unpack(">IQQ", header[36:56])
    version, features = struct.unpack(">I", header[4:8])[0], struct.unpack(">Q", header[72:80])[0]
    words = 2 if version > 2 and features & 16 else 1  # extended entries have a bitmap beside each
    cluster = 1 << min(cluster_bits, 21)
    last = max(l1_offset + 8 * l1_size, refcounts + 1)
    if 8 * l1_size > TABLES:
        return last
    offset_bits = (1 << 56) - 512
    compressed_bits = (1 << (62 - (cluster_bits - 8))) - 1
    left = TABLES
    for entry in _words(stream, l1_offset, 8 * l1_size):
        table = entry & offset_bits
        left -= cluster
        if not table or left < 0:
            continue
        last = max(last, table + cluster)
        for block in _words(stream, table, cluster)[::words]:
            last = max(last, (block & (compressed_bits if block >> 62 & 1 else offset_bits)) + 1)
    return last


def _words(stream: BinaryIO | io.RawIOBase, offset: int, size: int) -> array[int]:
    """Big-endian words of 64 bits; fewer where the file ends."""
    stream.seek(offset)
    data = stream.read(size)
    words = array("Q", data[: len(data) // 8 * 8])
    if struct.pack("=H", 1) != struct.pack(">H", 1):
        words.byteswap()
    return words


def refusals(content: Content, disk_format: str, container_format: str, min_disk: int | None) -> list[str]:
    """Why a file must not become an image of these formats, each with a full stop; empty where nothing speaks against it."""
    if container_format != "bare" and content.other and content.archive:
        return []
    if content.other:
        return [f"It is {content.other} and no disk image.", *content.faults]
    if disk_format in AMAZON or container_format != "bare":
        return []
    found = list(content.faults)
    allowed = IN_RAW if disk_format == "raw" else (disk_format,)
    if content.format not in allowed:
        is_ = "nothing that is known as a disk format" if content.format == "raw" else content.format
        found.insert(0, f"disk_format is {disk_format}, and the content is {is_}.")
    if min_disk and content.virtual_size and disk_format != "iso" and content.virtual_size > min_disk * GIB:
        needed = -(-content.virtual_size // GIB)
        found.append(
            f"min_disk is {min_disk} GiB, and the disk has {content.virtual_size} bytes: it takes {needed} GiB."
        )
    return found
