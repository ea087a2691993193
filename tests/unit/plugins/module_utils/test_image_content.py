# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is, told from its bytes. The headers are written here, field by field."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_content as content
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

MIB, GIB = 1 << 20, 1 << 30
CLUSTER = 1 << 16


def qcow2(
    size: int = GIB, backing: int = 0, features: int = 0, version: int = 3, block: int | None = 3 * CLUSTER
) -> bytes:
    """A qcow2 file with one block: header, first table, second table, data."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb", version, backing, 8 if backing else 0, 16, size, 0, 2, CLUSTER, 0, 1, 0, 0, features, 0, 0, 4, 104,
    )  # fmt: skip
    tables = struct.pack(">Q", 2 * CLUSTER | 1 << 63).ljust(CLUSTER, b"\0")
    tables += (struct.pack(">Q", block | 1 << 63) if block else b"").ljust(CLUSTER, b"\0")
    return header.ljust(CLUSTER, b"\0") + tables + b"\x5a" * CLUSTER


def vmdk(kind: str = "monolithicSparse", extent: str = 'RW 2048 SPARSE "disk.vmdk"') -> bytes:
    header = struct.pack("<4sIIQQQQIQQ", b"KDMV", 1, 3, 2048, 128, 1, 20, 512, 0, 21)
    text = f'# Disk DescriptorFile\nversion=1\ncreateType="{kind}"\n{extent}\nddb.adapterType = "ide"\n'
    return header.ljust(512, b"\0") + text.encode().ljust(20 * 512, b"\0") + bytes(MIB)


def mbr(*partitions: int) -> bytes:
    table = b"".join(struct.pack("<B3BB3BII", 0, 0, 2, 0, kind, 0, 0, 0, 1, 2047) for kind in partitions)
    return bytes(446) + table.ljust(64, b"\0") + b"\x55\xaa" + bytes(MIB)


def iso(hybrid: bool = False) -> bytes:
    volume = bytearray(2048)
    volume[0:6] = b"\x01CD001"
    volume[80:84], volume[128:130] = struct.pack("<L", 100), struct.pack("<H", 2048)
    return (mbr(0xEE)[:512] if hybrid else bytes(512)).ljust(32768, b"\0") + bytes(volume) + bytes(MIB)


def vhd(size: int = 64 * MIB, footer: bool = True, header: bool = True) -> bytes:
    block = bytearray(512)
    block[0:8], block[40:48], block[48:56] = b"conectix", struct.pack(">Q", size), struct.pack(">Q", size)
    return (bytes(block) if header else b"") + b"\x11" * MIB + (bytes(block) if footer else b"")


def vdi() -> bytes:
    header = bytearray(512)
    header[0x40:0x44], header[0x170:0x178] = struct.pack("<I", 0xBEDA107F), struct.pack("<Q", 5 * MIB)
    return bytes(header) + bytes(MIB)


def look(data: bytes) -> content.Content:
    return content.inspect(io.BytesIO(data), len(data))


def refused(data: bytes, disk_format: str, container: str = "bare", min_disk: int | None = None) -> str:
    return " ".join(content.refusals(look(data), disk_format, container, min_disk))


@pytest.mark.parametrize(
    ("data", "name", "size", "disk_format"),
    [
        (qcow2(), "qcow2", GIB, "qcow2"),
        (qcow2(version=2, features=0), "qcow2", GIB, "qcow2"),
        (vmdk(), "vmdk", MIB, "vmdk"),
        (vhd(), "vhd", 64 * MIB, "vhd"),
        (vhd(header=False), "vhd", 64 * MIB, "vhd"),
        (vdi(), "vdi", 5 * MIB, "vdi"),
        (iso(), "iso", 204800, "iso"),
        (iso(hybrid=True), "iso", 204800, "iso"),
        (mbr(0x83), "gpt", MIB + 512, "raw"),
        (b"QED\0" + bytes(MIB), "qed", None, "qed"),
        (b"WithouFreSpacExt" + bytes(MIB), "ploop", None, "ploop"),
        (bytes(MIB), "raw", MIB, None),
        (b"\x13" * 100, "raw", 100, None),
    ],
)
def test_formats_are_told(data: bytes, name: str, size: int | None, disk_format: str | None) -> None:
    found = look(data)
    assert (found.format, found.disk_format) == (name, disk_format)
    assert size is None or found.virtual_size == size
    assert found.other is None


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\0\0\0\x18ftypmp42", "MP4"),
        (b"\x1a\x45\xdf\xa3", "Matroska"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"%PDF-1.7", "PDF"),
        (b"\n <!DOCTYPE HTML><html>", "web page"),
        (b"\x1f\x8b\x08", "gzip"),
        (bytes(257) + b"ustar", "tar"),
    ],
)
def test_a_movie_named_raw_is_refused(start: bytes, what: str) -> None:
    assert what in refused(start + bytes(MIB), "raw")


@pytest.mark.parametrize(
    ("data", "disk_format", "why"),
    [
        (qcow2(), "raw", "disk_format is raw, and the content is qcow2"),
        (bytes(MIB), "qcow2", "nothing that is known as a disk format"),
        (qcow2(backing=512), "qcow2", "backing file"),
        (qcow2(features=4), "qcow2", "data_file"),
        (qcow2(features=1 << 20), "qcow2", "Unknown QCOW2 features"),
        (qcow2()[: 3 * CLUSTER], "qcow2", "cut off"),
        (qcow2(block=9 * CLUSTER), "qcow2", "cut off"),
        (qcow2(block=1 << 62 | 9 * CLUSTER), "qcow2", "cut off"),
        (vmdk("twoGbMaxExtentFlat"), "vmdk", "Unsupported subformat"),
        (vmdk(extent='RW 2048 FLAT "/etc/passwd"'), "vmdk", "Invalid extent"),
        (vhd(footer=False), "vhd", "without its footer"),
        (b"QED\0" + bytes(MIB), "qed", "not allowed"),
        (iso(), "raw", "the content is iso"),
    ],
)
def test_what_is_not_safe_is_refused(data: bytes, disk_format: str, why: str) -> None:
    assert why in refused(data, disk_format)


@pytest.mark.parametrize(
    ("data", "disk_format", "container"),
    [
        (qcow2(), "qcow2", "bare"),
        (qcow2(block=1 << 62 | 3 * CLUSTER), "qcow2", "bare"),
        (qcow2(block=None)[: 3 * CLUSTER], "qcow2", "bare"),
        (mbr(0x83), "raw", "bare"),
        (mbr(), "raw", "bare"),
        (bytes(MIB), "raw", "bare"),
        (vmdk("streamOptimized"), "vmdk", "bare"),
        (mbr(0x83), "aki", "aki"),
        (b"\x1f\x8b" + bytes(MIB), "qcow2", "compressed"),
        (bytes(257) + b"ustar" + bytes(MIB), "vmdk", "ova"),
    ],
)
def test_what_is_as_declared_passes(data: bytes, disk_format: str, container: str) -> None:
    assert refused(data, disk_format, container) == ""


def test_partitions_that_are_none_are_worth_a_note() -> None:
    assert "no partitions" in look(mbr()).notes[0]


def test_the_smallest_disk_is_held_against_the_virtual_size() -> None:
    assert "it takes 3 GiB" in refused(qcow2(2 * GIB + 1), "qcow2", min_disk=2)
    assert refused(qcow2(2 * GIB), "qcow2", min_disk=2) == ""


class Counting(io.BytesIO):
    count = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.count += len(found)
        return found


def test_little_is_read() -> None:
    stream = Counting(mbr(0x83) + bytes(200 * MIB))
    assert content.inspect(stream, 200 * MIB + len(mbr(0x83))).format == "gpt"
    assert stream.count < MIB
    # A header that sends the inspector far into the file: the read is bounded, and the end is still seen.
    header = struct.pack("<4sIIQQQQIQQ", b"KDMV", 3, 3, 2048, 128, 1, 20, 512, 0, (1 << 64) - 1)
    stream = Counting(header.ljust(200 * MIB, b"\0"))
    assert content.inspect(stream, 200 * MIB).format == "vmdk"
    assert stream.count < content.HEAD + 2 * content.TAIL


def test_a_stream_of_unknown_size_is_not_searched() -> None:
    class Pipe(Counting):
        def seek(self, *_unused: Any) -> int:
            raise AssertionError("a pipe cannot be searched")

    assert content.inspect(Pipe(qcow2()[:CLUSTER])).format == "qcow2"


def test_without_the_inspector_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "INSPECTOR", None)
    with pytest.raises(GlanceError, match="oslo.utils 7.4.0"):
        look(bytes(MIB))
