# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Every way into a Glance, and everything that can go wrong on the way, with nothing half-made left behind."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lablib import engine, modules, trial, web
from lablib.seed import MIB

HOSTS = ("glance25", "glance33")
OTHER = {"glance25": "glance33", "glance33": "glance25"}
REGION = {"glance25": "ImportFrom25", "glance33": "ImportFrom33"}
CLUSTER = 1 << 16


@pytest.fixture(scope="module", autouse=True)
def regions() -> Iterator[None]:
    """Each Glance has a region of its own, by which the other one finds it."""
    service = trial.keystone("GET", "/services?type=image")["services"][0]["id"]
    endpoints = []
    try:
        for host in HOSTS:
            trial.keystone("POST", "/regions", {"region": {"id": REGION[host]}})
            where = {"interface": "public", "url": modules.address(host), "region_id": REGION[host]}
            made = trial.keystone("POST", "/endpoints", {"endpoint": {"service_id": service, **where}})
            endpoints.append(made["endpoint"]["id"])
        yield
    finally:
        for endpoint_id in endpoints:
            trial.keystone("DELETE", f"/endpoints/{endpoint_id}")
        for region in list(REGION.values())[: len(endpoints)]:
            trial.keystone("DELETE", f"/regions/{region}")


def images(host: str) -> dict[str, dict[str, Any]]:
    found = trial.ask(host, "/v2/images?limit=1000")[1]["images"]
    return {each["id"]: each for each in found}


def named(host: str, name: str) -> list[dict[str, Any]]:
    return [each for each in images(host).values() if each["name"] == name]


@pytest.fixture(autouse=True)
def others_stay() -> Iterator[None]:
    """No image that was there is touched, and nothing half-made is left. What a test made is deleted."""
    before = {host: images(host) for host in HOSTS}
    yield
    after = {host: images(host) for host in HOSTS}
    for host in HOSTS:
        assert {key: after[host].get(key) for key in before[host]} == before[host]
        for key in after[host].keys() - before[host].keys():
            assert after[host][key]["status"] == "active" and "stackops_glance_import" not in after[host][key]
            trial.ask(host, f"/v2/images/{key}", "DELETE")
        staged = trial.sh(host, "ls /var/lib/glance/staging").split()
        assert staged == [], f"{host} keeps what was staged: {staged}"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "import.raw"
    path.write_bytes(web.DATA)
    return path


def large(folder: Path, size: int = 256 * MIB) -> Path:
    """A file that takes a while: a random block, and the rest a hole."""
    path = folder / "large.raw"
    path.write_bytes(web.DATA)
    with path.open("r+b") as stream:
        stream.truncate(size)
    return path


def given(source: dict[str, Any]) -> dict[str, Any]:
    raw = {"disk_format": "raw"} if "file" in source or "url" in source else {}
    return {"timeout": 240, **raw, **source}


def task(host: str, name: str, check: bool = False, **more: Any) -> dict[str, Any]:
    """One import as a task."""
    arguments = modules.given(host, {"name": name, **given(more)})
    return {"stackops.glance.image_import": arguments, "check_mode": check, "diff": True}


def imported(host: str, image: str, check: bool = False, **more: Any) -> dict[str, Any]:
    """The result of one import."""
    return modules.called("image_import", host, check, image=image, **given(more))


def begin(host: str, image: str, **more: Any) -> trial.Run:
    """One import beside the test."""
    return modules.begun("image_import", host, image=image, **given(more))


def qcow2(backing: int = 0) -> bytes:
    """A qcow2 file of version 3 with one block."""
    header = struct.pack(
        ">4sIQIIQIIQQIIQQQQII",
        b"QFI\xfb",
        3,
        backing,
        8 if backing else 0,
        16,
        MIB,
        0,
        1,
        CLUSTER,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        4,
        104,
    )
    tables = struct.pack(">Q", 2 * CLUSTER | 1 << 63).ljust(CLUSTER, b"\0")
    return (
        header.ljust(CLUSTER, b"\0")
        + tables
        + struct.pack(">Q", 3 * CLUSTER | 1 << 63).ljust(CLUSTER, b"\0")
        + web.DATA[:CLUSTER]
    )


#: In check mode or not, one run after the other; what is to change in each.
CHECKS, CHANGES = (True, False, True, False), [True, True, False, False]


@pytest.mark.parametrize("host", trial.some(HOSTS, 0))
def test_every_method_check_do_check_do(host: str, raw: Path) -> None:
    other = OTHER[host]
    there = imported(other, "there", file=str(raw), properties={"os_distro": "debian"}, tags=["a"])
    sha256 = f"sha256:{hashlib.sha256(web.DATA).hexdigest()}"
    ways: dict[str, dict[str, Any]] = {
        "upload": {"file": str(raw), "method": "upload", "stores": ["slow"], "min_disk": 1, "protected": False},
        "glance-direct": {"file": str(raw), "all_stores": True, "visibility": "public", "tags": ["x", "y"]},
        "web-download": {"url": f"{web.URL}/moved", "stores": ["slow", "fast"], "checksum": sha256},
        "glance-download": {
            "from_glance": {"region": REGION[other], "image": there["image_id"]},
            "properties": {"a": 1},
        },
    }
    by_ansible = ways.pop("glance-direct")
    results = {
        "glance-direct": trial.results(*(task(host, "glance-direct", check, **by_ansible) for check in CHECKS)),
        **{name: [imported(host, name, check, **way) for check in CHECKS] for name, way in ways.items()},
    }
    stores = {"upload": "slow", "glance-direct": "fast,slow", "web-download": "fast,slow", "glance-download": "fast"}
    for name, found in results.items():
        assert [each.get("msg") for each in found if each["failed"]] == []
        assert [each["changed"] for each in found] == CHANGES
        [image] = named(host, name)
        assert image["os_hash_value"] == hashlib.sha512(web.DATA).hexdigest()
        assert ",".join(sorted(image["stores"].split(","))) == stores[name]
        assert image["visibility"] == ("public" if name == "glance-direct" else "shared")
    assert named(host, "glance-download")[0]["os_distro"] == "debian"
    found = [imported(host, "upload", check, state="absent") for check in CHECKS]
    assert [each["changed"] for each in found] == CHANGES and not named(host, "upload")


def test_content_that_is_no_image_is_refused(tmp_path: Path) -> None:
    files = {
        "movie": (b"\0\0\0\x18ftypmp42" + web.DATA, "raw", "an MP4 or QuickTime movie"),
        "backed": (qcow2(backing=512), "qcow2", "backing file"),
        "cut": (qcow2()[: 3 * CLUSTER], "qcow2", "the file was cut off"),
        "mislabelled": (qcow2(), "raw", "the content is qcow2"),
    }
    refused = []
    for name, (data, disk_format, _why) in files.items():
        (tmp_path / name).write_bytes(data)
        refused.append(imported("glance33", name, file=str(tmp_path / name), disk_format=disk_format))
    (tmp_path / "good").write_bytes(qcow2())
    good = imported("glance33", "good", file=str(tmp_path / "good"), disk_format=None)
    for each, (_data, _format, why) in zip(refused, files.values(), strict=True):
        assert each["failed"] and why in each["msg"] and not each.get("changed")
    assert not good["failed"] and good["image"]["disk_format"] == "qcow2" and good["image"]["virtual_size"] == MIB


def test_what_comes_from_a_url_is_verified_or_deleted() -> None:
    """On the release that does not look at the content by itself."""
    wanted = {
        "none": ({"url": f"{web.URL}/none"}, "could not import"),
        "page": ({"url": f"{web.URL}/page"}, "a web page or another text"),
        "wrong": ({"url": f"{web.URL}/good", "checksum": "sha256:" + "0" * 64}, "does not hold what was sent"),
        "stalls": ({"url": f"{web.URL}/stalls", "timeout": 6}, "was not over after 6 s"),
    }
    for name, (source, why) in wanted.items():
        each = imported("glance25", name, **source)
        assert each["failed"] and why in each["msg"] and "was deleted" in each["msg"], each.get("msg")
        assert each["status"] == "failure"


def test_a_full_store_fails_the_import_or_is_left_out(raw: Path) -> None:
    place = "/var/lib/glance/slow"
    with trial.full("glance33", place):
        trial.sh("glance33", f"chown glance: {place}")
        both = {"file": str(raw), "stores": ["fast", "slow"]}
        failed = imported("glance33", "all", **both)
        made = imported("glance33", "some", **both, all_stores_must_succeed=False)
    assert failed["failed"] and "in slow" in failed["msg"] and "was deleted" in failed["msg"]
    assert not made["failed"] and made["image"]["stores"] == "fast" and "slow" in str(made["warnings"])


def under_way(host: str, name: str, status: str) -> str:
    """The id of an image as soon as it has this status and its data come."""

    def look() -> str | None:
        for image in named(host, name):
            staged = trial.sh(host, f"stat -c %s /var/lib/glance/staging/{image['id']} 2>/dev/null || echo 0")
            if image["status"] == status and int(staged) > 0:
                return str(image["id"])
        return None

    return str(trial.wait_for(look, 60, 0.05))


def kill(host: str) -> None:
    trial.sh(host, "systemctl kill -s KILL glance-api; systemctl reset-failed glance-api; systemctl start glance-api")
    trial.wait_for(lambda: trial.answers(host, "/v2/images?limit=1") == 200, 240)


@trial.thorough
def test_a_server_killed_while_it_receives(tmp_path: Path) -> None:
    """The transfer starts again from zero in the same run; what was begun is gone."""
    host = "glance33"
    run = begin(host, "received", file=str(large(tmp_path)), timeout=280)
    first = under_way(host, "received", "uploading")
    kill(host)
    found = trial.result(run)
    assert not found["failed"], found["msg"]
    assert found["attempts"] > 1 and "starts again" in json.dumps(found["history"])
    assert [each["id"] for each in named(host, "received")] == [found["image_id"]] != [first]


@trial.thorough
def test_a_server_killed_while_it_imports(tmp_path: Path) -> None:
    """Glance leaves such an image importing for good: the run ends in time and deletes it, and the next one makes it."""
    path = str(large(tmp_path))
    run = begin("glance33", "imported", file=path, all_stores=True, timeout=18)
    under_way("glance33", "imported", "importing")
    kill("glance33")
    found = trial.result(run)
    assert found["failed"] and "was not over after 18 s" in found["msg"] and "was deleted" in found["msg"], found
    found = imported("glance33", "imported", file=path, all_stores=True)
    assert found["changed"] and found["image"]["stores"] == "fast,slow"


def test_a_run_killed_while_it_sends(tmp_path: Path) -> None:
    path = str(large(tmp_path))
    run = begin("glance25", "killed", file=path)
    first = under_way("glance25", "killed", "uploading")
    run.kill()
    time.sleep(1)
    assert named("glance25", "killed"), "the image is there, half-way"
    found = imported("glance25", "killed", file=path)
    assert not found["failed"], found
    assert found["replaced"] == first, found
    assert [each["id"] for each in named("glance25", "killed")] == [found["image_id"]]


def test_an_image_deleted_meanwhile() -> None:
    run = begin("glance25", "deleted", url=f"{web.URL}/stalls")
    image = under_way("glance25", "deleted", "importing")
    trial.ask("glance25", f"/v2/images/{image}", "DELETE")
    found = trial.result(run)
    assert found["failed"] and "was deleted by somebody else" in found["msg"]


@trial.thorough
def test_two_runs_at_once_make_one_image(tmp_path: Path) -> None:
    path = str(large(tmp_path, 128 * MIB))
    runs = [begin("glance33", "twice", file=path) for _each in range(2)]
    found = [trial.result(run) for run in runs]
    failed = [each for each in found if each["failed"]]
    assert len(named("glance33", "twice")) == 1
    assert len(failed) <= 1
    for each in failed:
        assert "Another run made image" in each["msg"] or "another run on" in each["msg"]


# -- incremental images -------------------------------------------------------------------------------------------


DELTAS = [("glance25", "raw"), ("glance33", "qcow2")]


@pytest.mark.parametrize(("host", "form"), trial.some(DELTAS, 0))
def test_a_delta_and_its_base_are_the_whole_disk(tmp_path: Path, host: str, form: str) -> None:
    if shutil.which("qemu-img") is None:
        engine.install("qemu-utils")
    disk = bytearray(random.Random(host).randbytes(8 * MIB))
    (tmp_path / "base.raw").write_bytes(disk)
    disk[2 * MIB : 2 * MIB + 5000] = web.DATA[:5000]
    disk[4 * MIB : 4 * MIB + CLUSTER] = bytes(CLUSTER)
    disk += web.DATA[: MIB // 2]
    (tmp_path / "full.raw").write_bytes(disk)
    full = tmp_path / f"full.{form}"
    if form != "raw":
        subprocess.run(["qemu-img", "convert", "-f", "raw", "-O", form, tmp_path / "full.raw", full], check=True)

    def delta(check: bool = False, **more: Any) -> dict[str, Any]:
        return modules.called("image_delta", host, check, image="delta", **more)

    assert imported(host, "base", file=str(tmp_path / "base.raw"))["changed"]
    make, made = {"file": str(full), "base": "base"}, []
    dest, into = ({"state": "rebuilt", **each} for each in ({"dest": str(tmp_path / "again")}, {"into": "again"}))
    for wanted in (make, dest, into):
        answers = [delta(check, **wanted) for check in CHECKS]
        assert [each.get("msg") for each in answers if each["failed"]] == []
        assert [each["changed"] for each in answers] == CHANGES
        made.append(answers[1])
    assert imported(host, "base", state="absent")["changed"]
    late = {"state": "rebuilt", "dest": str(tmp_path / "late")}
    refused = delta(**late)
    assert refused["failed"] and "the base of" in refused["msg"] and "base_file" in refused["msg"]
    rebuilt = trial.result(
        modules.begun("image_delta", host, image="delta", **late, base_file=str(tmp_path / "base.raw"))
    )
    assert not rebuilt["failed"] and rebuilt["changed"], rebuilt
    [kept], [again] = hidden(host, "delta"), named(host, "again")
    assert kept["size"] < 2 * MIB and kept["os_hidden"] and kept["min_disk"] == kept["min_ram"] == 2**31 - 1
    assert made[0]["delta_size"] == kept["size"] and made[0]["virtual_size"] == len(disk)
    assert again["disk_format"] == form and again["min_disk"] == 0
    for name in ("again", "late"):
        command = ["qemu-img", "compare", "-f", form, "-F", "raw", tmp_path / name, tmp_path / "full.raw"]
        subprocess.run(command, check=True)
    trial.ask(host, f"/v2/images/{kept['id']}", "DELETE")


def hidden(host: str, name: str) -> list[dict[str, Any]]:
    found = trial.ask(host, "/v2/images?os_hidden=true&limit=1000")[1]["images"]
    return [each for each in found if each["name"] == name]
