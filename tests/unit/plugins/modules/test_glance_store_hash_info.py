# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of file stores against what is recorded, and against one another."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.modules import glance_store_hash_info

ID = "00000000-0000-4000-8000-000000000001"
OTHER = "00000000-0000-4000-8000-000000000002"
DATA = b"an image" * 1000


@pytest.fixture
def stores(tmp_path: pathlib.Path) -> dict[str, str]:
    for name in ("fast", "slow"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ID).write_bytes(DATA)
    (tmp_path / "fast" / "no image").write_bytes(b"")
    return {name: str(tmp_path / name) for name in ("fast", "slow")}


def recorded(image_id: str = ID, **more: Any) -> dict[str, Any]:
    value = hashlib.sha512(DATA).hexdigest()
    known = {"id": image_id, "name": "golden", "status": "active", "size": len(DATA), "stores": "fast,slow"}
    return {**known, "os_hash_algo": "sha512", "os_hash_value": value, **more}


def run(**arguments: Any) -> dict[str, Any]:
    output = io.StringIO()
    with patch_module_args(arguments), redirect_stdout(output), pytest.raises(SystemExit):
        glance_store_hash_info.main()
    found: dict[str, Any] = json.loads(output.getvalue())
    return found


def kinds(result: dict[str, Any]) -> list[str]:
    assert not result.get("failed"), result
    return sorted(each["id"] for each in result["findings"])


def test_copies_that_are_as_recorded(stores: dict[str, str]) -> None:
    result = run(store_paths=stores, images=[recorded()])
    assert kinds(result) == [] and result["verified"] == 2 and result["left"] == []
    assert [copy["store"] for copy in result["copies"]] == ["fast", "slow"]


def test_copies_that_differ_are_named_with_their_paths(stores: dict[str, str]) -> None:
    bad = pathlib.Path(stores["slow"]) / ID
    bad.write_bytes(DATA[:-1] + b"x")
    result = run(store_paths=stores, images=[recorded()])
    assert kinds(result) == ["hash-differs", "stores-disagree"]
    said = next(each for each in result["findings"] if each["id"] == "stores-disagree")
    assert said["paths"] == [f"{stores['fast']}/{ID}", str(bad)]
    assert f"{stores['fast']}/{ID} in store fast has {len(DATA)} bytes" in said["message"]
    assert said["message"].count("as recorded") == 1
    # Nothing is known of the image, and the copies still differ.
    assert kinds(run(store_paths=stores)) == ["stores-disagree"]
    assert kinds(run(store_paths={"slow": stores["slow"]})) == []


def test_a_truncated_file_is_not_read(stores: dict[str, str]) -> None:
    (pathlib.Path(stores["fast"]) / ID).write_bytes(DATA[:100])
    result = run(store_paths=stores, images=[recorded()])
    assert kinds(result) == ["size-differs", "stores-disagree"]
    assert [copy["digest"] for copy in result["copies"]][0] is None
    assert f"has 100 bytes, and {len(DATA)} are recorded" in str(result["findings"])


def test_files_that_are_missing_and_files_that_nobody_knows(stores: dict[str, str]) -> None:
    (pathlib.Path(stores["slow"]) / OTHER).write_bytes(b"orphan")
    lost = "00000000-0000-4000-8000-000000000003"
    images = [recorded(), recorded(lost, stores="fast"), recorded(OTHER[:-1] + "9", stores="elsewhere")]
    result = run(store_paths=stores, images=images)
    assert {(each["id"], each["image"]) for each in result["findings"]} == {
        ("file-unknown", OTHER),
        ("data-missing", lost),
    }


def test_an_md5_alone_verifies(stores: dict[str, str]) -> None:
    checksum = hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    result = run(store_paths=stores, images=[recorded(os_hash_algo=None, os_hash_value=None, checksum=checksum)])
    assert result["verified"] == 2 and {copy["algorithm"] for copy in result["copies"]} == {"md5"}


def test_a_store_may_have_several_directories(stores: dict[str, str]) -> None:
    result = run(store_paths={"both": [stores["fast"], stores["slow"]]}, images=[recorded(stores="both")])
    assert kinds(result) == [] and result["verified"] == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"store_paths": {"fast": "/no/such"}}, "store fast lies in /no/such, and that is no directory"),
        ({"images": [{"name": "x"}]}, "without an id"),
        ({"parallel": 0}, "from 1 to 16"),
    ],
)
def test_bad_input_is_refused(stores: dict[str, str], wrong: dict[str, Any], said: str) -> None:
    result = run(**{"store_paths": stores, **wrong})
    assert result["failed"] and said in result["msg"]


def test_a_slice_goes_on_where_the_last_one_ended(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glance_store_hash_info._slices, "SECONDS", 0.0)
    first = run(store_paths=stores, images=[recorded()], _slice={"elapsed": 0.0, "state": {}})
    assert len(first["left"]) == 1 and first["_slice"]["lines"] == ["1 files read, 1 left"]
    monkeypatch.undo()
    last = run(store_paths=stores, images=[recorded()], _slice={"elapsed": 0.0, "state": first["_slice"]["state"]})
    assert last["verified"] == 2 and last["_slice"]["state"] is None
