# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a delta refuses, and what it knows without qemu-img; the scenario image_delta makes and rebuilds real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_delta as delta
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_delta as module

DATA = bytes(range(255)) * 5000
BASE, DELTA, OTHER = (f"{number}1111111-2222-4333-8444-555555555555" for number in (1, 2, 3))
HASH = hashlib.sha512(DATA).hexdigest()
CONTENT = f"sha512:{HASH}"
Run = Callable[..., dict[str, Any]]


def image(image_id: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": image_id, "name": name, "owner": "p", "status": "active", "visibility": "private", "size": len(DATA),
        "created_at": "2026-11-01T00:00:00Z", "os_hash_algo": "sha512", "os_hash_value": HASH, **more,
    }  # fmt: skip


def properties(**more: Any) -> dict[str, Any]:
    return {delta.BASE: BASE, delta.BASE_HASH: CONTENT, delta.CONTENT: CONTENT, delta.FORMAT: "raw", **more}


@pytest.fixture(name="go")
def fixture_go(cloud: Any, run: Any, tmp_path: Path) -> Run:
    """Run the module on the image "one", by default about a raw file with DATA and the image "base"."""
    cloud.images[BASE] = image(BASE, "base")
    path = tmp_path / "full.raw"
    path.write_bytes(DATA)

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        given = {"endpoint": cloud.url, "image": "one", "work_dir": str(tmp_path), **arguments}
        if given.get("state") != "rebuilt":
            given = {"file": str(path), "base": "base", **given}
        found = dict(run(module, check, **given))
        assert [each.name for each in tmp_path.iterdir() if each.name.startswith("stackops")] == [], (
            "work stayed behind"
        )
        return found

    return call


def test_check_mode_says_what_would_be_and_makes_nothing(cloud: Any, go: Run) -> None:
    found = go(check=True)
    assert found["changed"] and (found["base_id"], found["content"]) == (BASE, CONTENT)
    assert found["virtual_size"] == len(DATA) and set(cloud.images) == {BASE}
    assert f"{delta.BASE}: {BASE}" in found["diff"]["after"]


def test_a_delta_that_is_there_is_known_by_the_hash_of_the_disk(cloud: Any, go: Run) -> None:
    cloud.images[DELTA] = image(DELTA, "one", **properties())
    found = go()
    assert not found["changed"] and found["image_id"] == DELTA
    assert found["diff"]["before"] == found["diff"]["after"]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (image(DELTA, "one"), "that is not a delta of"),
        (image(DELTA, "one", **properties(**{delta.CONTENT: "sha512:0"})), f"{delta.CONTENT} differ"),
    ],
)
def test_something_else_of_that_name_is_left_alone(cloud: Any, go: Run, there: dict[str, Any], said: str) -> None:
    cloud.images[DELTA] = there
    found = go()
    assert found["failed"] and said in found["msg"] and DELTA in found["msg"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (properties(), "itself a delta to"),
        ({"status": "queued"}, "queued and cannot be a base"),
        ({"os_hash_algo": None}, "must be active and have a hash"),
    ],
)
def test_what_cannot_be_a_base(cloud: Any, go: Run, more: dict[str, Any], said: str) -> None:
    cloud.images[BASE].update(more)
    found = go()
    assert found["failed"] and said in found["msg"]


def test_a_disk_with_a_backing_file_is_not_opened(go: Run, tmp_path: Path) -> None:
    header = b"QFI\xfb" + (3).to_bytes(4, "big") + (104).to_bytes(8, "big") + (11).to_bytes(4, "big")
    header += (16).to_bytes(4, "big") + (1 << 30).to_bytes(8, "big")
    (tmp_path / "bad.qcow2").write_bytes((header.ljust(104, b"\0") + b"/etc/shadow").ljust(1 << 16, b"\0"))
    found = go(file=str(tmp_path / "bad.qcow2"))
    assert found["failed"] and "not safe to work with" in found["msg"]


def test_a_base_file_with_other_data_is_refused(go: Run, tmp_path: Path) -> None:
    (tmp_path / "other.raw").write_bytes(DATA[1:])
    found = go(base_file=str(tmp_path / "other.raw"))
    assert found["failed"] and f"has not the sha512 {HASH} of image {BASE}" in found["msg"]


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "is no delta: it lacks"),
        (properties(**{delta.FORMAT: "vmdk"}), "is no delta: it lacks a known"),
        (properties(**{delta.BASE: OTHER}), f"{OTHER}, the base of {DELTA}, is gone"),
        (properties(**{delta.BASE_HASH: "sha512:0"}), "was made to sha512:0"),
    ],
)
def test_what_cannot_be_rebuilt(cloud: Any, go: Run, tmp_path: Path, there: dict[str, Any], said: str) -> None:
    cloud.images[DELTA] = image(DELTA, "one", **there)
    found = go(state="rebuilt", dest=str(tmp_path / "dest"))
    assert found["failed"] and said in found["msg"]
    assert not (tmp_path / "dest").exists()


def test_a_disk_that_is_rebuilt_already_is_known(cloud: Any, go: Run, tmp_path: Path) -> None:
    cloud.images[DELTA] = image(DELTA, "one", **properties())
    (tmp_path / "dest").write_bytes(DATA)
    assert not go(state="rebuilt", dest=str(tmp_path / "dest"))["changed"]
    (tmp_path / "dest").write_bytes(DATA[1:])
    found = go(state="rebuilt", dest=str(tmp_path / "dest"))
    assert found["failed"] and "holds something else" in found["msg"]
    cloud.images[OTHER] = image(OTHER, "two", **{delta.CONTENT: CONTENT, delta.FORMAT: "raw"})
    found = go(state="rebuilt", into="two")
    assert not found["changed"] and found["into_id"] == OTHER
    found = go(state="rebuilt", into="base")
    assert found["failed"] and "is not image one rebuilt" in found["msg"]


def test_a_gone_base_whose_data_are_at_hand_will_do(cloud: Any, tmp_path: Path) -> None:
    images: Any = type("Nothing", (), {"call": lambda *_: type("Answer", (), {"status_code": 404})()})()
    found = delta.base_of(images, image(DELTA, "one", **properties()), str(tmp_path / "base"))
    assert delta.base_hash(found) == CONTENT


def test_room_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(GlanceError, match="bytes free, and .* may be needed"), delta.workplace(str(tmp_path), 1 << 60):
        pass
    with pytest.raises(GlanceError, match="work_dir .* cannot be used"), delta.workplace(str(tmp_path / "none"), 0):
        pass


def test_qemu_img_is_asked_for_and_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GlanceError, match="Install qemu-utils"):
        delta.qemu_img("create")
    program = tmp_path / "qemu-img"
    program.write_text("#!/bin/sh\necho 'no space left' >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(GlanceError, match="qemu-img create ended with 3 and said: no space left"):
        delta.qemu_img("create")
