# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_hash, _image_verify
from ansible_collections.stackops.glance.plugins.modules import image_hash_info

Run = Callable[..., dict[str, Any]]
DATA = b"not much of an image" * 10_000


def put(cloud: Any, number: int, data: bytes | None = DATA, **more: Any) -> str:
    """An image as Glance holds it; the API delivers the data."""
    image_id = f"00000000-0000-4000-8000-{number:012}"
    cloud.images[image_id] = {
        "id": image_id,
        "name": f"image {number}",
        "owner": "p",
        "status": "active",
        "visibility": "private",
        "size": len(DATA),
        "checksum": hashlib.md5(DATA, usedforsecurity=False).hexdigest(),
        "os_hash_algo": "sha512",
        "os_hash_value": hashlib.sha512(DATA).hexdigest(),
        **more,
    }
    if data is not None:
        cloud.data[image_id] = data
    return image_id


def verified(result: dict[str, Any]) -> dict[str, Any]:
    return {image["id"]: image.get("verified") for image in result["images"]}


def kinds(result: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((each["id"], each["image"]) for each in result["findings"])


def test_sound_and_damaged_images_are_told_apart(cloud: Any, run: Run) -> None:
    good, short = put(cloud, 1), put(cloud, 2, DATA[:-1])
    flipped = put(cloud, 3, b"N" + DATA[1:])
    result = run(image_hash_info, filters={})
    assert verified(result) == {good: True, short: False, flipped: False}
    assert kinds(result) == [("hash-differs", flipped), ("size-differs", short)]
    assert (result["verified"], result["bytes"], result["left"]) == (1, 3 * len(DATA) - 1, [])
    assert result["counts"] == {"hash-differs": 1, "size-differs": 1}
    said = next(each["message"] for each in result["findings"] if each["id"] == "hash-differs")
    assert hashlib.sha512(DATA).hexdigest() in said and "(image 3)" in said


def test_an_md5_verifies_and_is_named_and_without_a_hash_nothing_is_verified(cloud: Any, run: Run) -> None:
    none = {"os_hash_algo": None, "os_hash_value": None}
    old, bare = put(cloud, 1, **none), put(cloud, 2, checksum=None, **none)
    wrong = put(cloud, 3, b"N" + DATA[1:], **none)
    result = run(image_hash_info, filters={})
    assert verified(result) == {old: True, bare: None, wrong: False}
    assert kinds(result) == [("hash-differs", wrong), ("md5-only", old), ("md5-only", wrong), ("no-hash", bare)]


def test_what_cannot_be_read_is_no_damage(cloud: Any, run: Run) -> None:
    refused, odd = put(cloud, 1), put(cloud, 2, os_hash_algo="sm3000")
    cloud.faults[f"GET /v2/images/{refused}/file"] = 403
    result = run(image_hash_info, filters={})
    assert kinds(result) == [("not-verified", refused), ("not-verified", odd)]
    assert verified(result) == {refused: None, odd: None}
    assert any("answered 403" in each["message"] for each in result["findings"])


def test_data_that_glance_does_not_have_is_missing(cloud: Any, run: Run) -> None:
    gone = put(cloud, 1)
    cloud.faults[f"GET /v2/images/{gone}/file"] = 204
    assert kinds(run(image_hash_info, images=["image 1"])) == [("data-missing", gone)]


def test_nothing_is_downloaded_unless_it_is_to_be_verified(cloud: Any, run: Run) -> None:
    queued, old = put(cloud, 1, None, status="queued"), put(cloud, 2, os_hash_value=None)
    result = run(image_hash_info, filters={}, verify_data=False)
    assert kinds(result) == [("md5-only", old)] and result["skipped"] == [queued]
    assert not any("/file" in request for request in cloud.requests)
    result = run(image_hash_info, images=[queued, old])
    assert [request for request in cloud.requests if "/file" in request] == [f"GET /v2/images/{old}/file"]


def test_bad_numbers_are_refused(cloud: Any, run: Run) -> None:
    assert "from 1 to 16" in run(image_hash_info, filters={}, parallel=17)["msg"]


def test_slices_go_on_where_the_last_one_ended(cloud: Any, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        put(cloud, number)
    monkeypatch.setattr(image_hash_info._slices, "SECONDS", 0.0)
    first = run(image_hash_info, filters={}, _slice={"elapsed": 0.0, "state": {}})
    state = first["_slice"]["state"]
    assert len(state["left"]) == 2 and first["_slice"]["lines"] == ["1 images verified, 0 MiB read, 2 images left"]
    monkeypatch.undo()
    last = run(image_hash_info, filters={}, parallel=1, _slice={"elapsed": 1.0, "state": state})
    assert last["_slice"]["state"] is None and last["verified"] == 3 and last["left"] == []


def test_when_the_time_is_up_the_rest_is_named(cloud: Any, run: Run) -> None:
    ids = [put(cloud, number) for number in range(3)]
    result = run(image_hash_info, filters={}, timeout=0)
    assert sorted(result["left"]) == ids and result["verified"] == 0


class Response:
    """A download that breaks after some blocks."""

    status_code = 200

    def __init__(self, blocks: list[bytes], breaks: bool) -> None:
        self.blocks, self.breaks = blocks, breaks

    def iter_content(self, _size: int) -> Any:
        yield from self.blocks
        if self.breaks:
            raise OSError("reset by peer")

    def close(self) -> None:
        pass


def served(*responses: Response) -> Any:
    left = list(responses)
    return type("Images", (), {"call": lambda self, *_a, **_k: left.pop(0)})()


IMAGE = {"id": "i", "name": None, "status": "active", "size": 4, "checksum": hashlib.md5(b"abcd").hexdigest()}  # noqa: S324


def test_a_download_that_breaks_is_begun_again() -> None:
    images = served(Response([b"ab"], True), Response([b"ab", b"cd"], False))
    result = _image_verify.verify(images, IMAGE, float("inf"))
    assert result and result["verified"] and result["bytes"] == 4


def test_one_that_breaks_twice_in_the_same_place_ends_there() -> None:
    images = served(*(Response([b"ab"], True) for _number in range(2)))
    result = _image_verify.verify(images, IMAGE, float("inf"))
    assert result and result["verified"] is False
    assert "ends some 2 bytes in, and 4 bytes are recorded" in result["findings"][0]["message"]


def test_one_that_breaks_elsewhere_each_time_is_not_verified() -> None:
    images = served(Response([], True), Response([], True), Response([b"abc"], True))
    result = _image_verify.verify(images, IMAGE, float("inf"))
    assert result and result["verified"] is None
    assert "broke 3 times, after 0, 0, 3 bytes: reset by peer" in result["findings"][0]["message"]


def test_work_is_done_so_many_at_a_time_and_in_order() -> None:
    threads, three = set(), threading.Barrier(3, timeout=120)

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        three.wait()  # fewer at once would wait in vain
        return number

    assert _image_hash.in_turn(work, list(range(6)), 3, lambda: False) == (list(range(6)), [])
    assert len(threads) == 3


def test_an_error_of_one_ends_the_work() -> None:
    def work(number: int) -> int:
        if number == 1:
            raise KeyError(number)
        return number

    with pytest.raises(KeyError):
        _image_hash.in_turn(work, [0, 1, 2], 1, lambda: False)
