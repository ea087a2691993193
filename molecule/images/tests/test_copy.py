# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Copies between two file stores of Glance 25.1 and 33.0.0: check, do, check, do; a full store; Glance killed in the middle."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
from lablib import modules, trial

HOSTS = ("glance25", "glance33")
STORES = "/var/lib/glance"
KIB, LARGE = 1024, 128 << 20


@pytest.fixture
def host(request: pytest.FixtureRequest) -> Iterator[str]:
    """A host with an image that nobody means, which is the same afterwards."""
    name = str(request.param)
    bystander = make(name, "bystander", 8 * KIB)
    before = image(name, bystander), held(name, bystander)
    yield name
    assert (image(name, bystander), held(name, bystander)) == before
    for hidden in ("false", "true"):
        for each in trial.ask(name, f"/v2/images?os_hidden={hidden}&limit=1000")[1]["images"]:
            trial.ask(name, f"/v2/images/{each['id']}", "DELETE")


def make(host: str, name: str, size: int, store: str = "fast", **properties: Any) -> str:
    """An active image in one store; its id."""
    return trial.uploaded(host, name, os.urandom(size) if size < LARGE else bytes(size), store, **properties)


def image(host: str, image_id: str) -> dict[str, Any]:
    return dict(trial.ask(host, f"/v2/images/{image_id}")[1])


def held(host: str, image_id: str) -> dict[str, str]:
    """The SHA-256 of each store's copy, as it lies on the disk."""
    lines = trial.sh(host, f"cd {STORES}; sha256sum fast/{image_id} slow/{image_id} 2>/dev/null || :").splitlines()
    return {line.split()[1].partition("/")[0]: line.split()[0] for line in lines}


def in_both(host: str, *image_ids: str) -> bool:
    """Whether both stores hold the images, with the same bytes, and the API says so."""
    copies = [held(host, each) for each in image_ids]
    return all(len(each) == 2 and each["fast"] == each["slow"] for each in copies) and all(
        set(image(host, each)["stores"].split(",")) == {"fast", "slow"} for each in image_ids
    )


def one(host: str, name: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
    return modules.called(name, host, check, **arguments)


def begun(host: str, **arguments: Any) -> trial.Run:
    """A copy that is made beside the test."""
    return modules.begun("image_copy", host, **arguments)


def once_in(host: str, store: str, image_id: str, then: str = ":") -> None:
    """Do something on the host as soon as the image's data begins to arrive in a store's directory."""
    trial.sh(host, f"timeout 60 sh -c 'until [ -s {STORES}/{store}/{image_id} ]; do sleep 0.02; done' && {then}")


def changed(results: list[dict[str, Any]]) -> list[bool]:
    assert not any(each.get("failed") for each in results), [each.get("msg") for each in results]
    return [each["changed"] for each in results]


@pytest.mark.parametrize("host", trial.some(HOSTS, 0), indirect=True)
def test_check_do_check_do(host: str) -> None:
    lone = make(host, "lone", 12 * KIB)
    fleet = [make(host, f"fleet {number}", 4 * KIB + number, fleet="yes", os_hidden=number > 1) for number in range(3)]
    twice = (True, False, True, False)
    copies = [one(host, "image_copy", check, image="lone", stores=["slow"]) for check in twice]
    wanted = {"filters": {"fleet": "yes"}, "hidden": True, "all_stores": True}
    copy = {"stackops.glance.image_copy": modules.given(host, wanted)}
    fleets = trial.results(*({**copy, "check_mode": check} for check in twice))
    assert changed(copies) == changed(fleets) == [True, True, False, False]
    assert (
        copies[0]["copies"]
        == copies[1]["copies"]
        == [{"image": lone, "name": "lone", "from": ["fast"], "to": ["slow"]}]
    )
    assert fleets[0]["counts"]["copied"] == fleets[1]["counts"]["copied"] == fleets[3]["counts"]["held"] == 3
    assert in_both(host, lone, *fleet)
    removals = [one(host, "image_store", check, image="lone", store="slow", state="absent") for check in twice]
    assert changed(removals) == [True, True, False, False] and list(held(host, lone)) == ["fast"]
    last, unknown = (one(host, "image_store", image="lone", store=store) for store in ("fast", "far"))
    assert last["failed"] and "the last copy is never removed" in last["msg"]
    assert unknown["failed"] and "there are fast, slow" in unknown["msg"]
    tasks, actions = one(host, "image_task_info", image="lone"), one(host, "image_actions_info")
    assert [(each["status"], each["type"]) for each in tasks["tasks"]] == [("success", "api_image_import")]
    assert tasks["tasks"][0]["result"] == {"image_id": lone} and tasks["tasks"][0]["expires_at"]
    assert actions["idle"] and actions["complete"] and actions["actions"] == []


@pytest.mark.parametrize("host", trial.some(HOSTS, 1), indirect=True)
def test_a_full_store_is_named_while_the_others_go_on(host: str) -> None:
    here = [make(host, f"too large {number}", 64 * KIB, fleet="yes") for number in range(2)]
    there = make(host, "from there", 4 * KIB, store="slow", fleet="yes")
    everything = {"filters": {"fleet": "yes"}, "all_stores": True}
    with trial.full(host, f"{STORES}/slow"):
        found = one(host, "image_copy", **everything)
        assert found["failed"] and f"too large 0 ({here[0]}) to slow" in found["msg"]
        failures = {(each["image"], each["store"]) for each in found["failures"]}
        assert len(found["failures"]) == 2 and failures == {(each, "slow") for each in here}
        assert (found["counts"]["copied"], found["counts"]["failed"]) == (1, 2)
        assert set(held(host, there)) == {"fast", "slow"}
    # The file system that was full is gone, and so is what it held of this one.
    assert changed([one(host, "image_copy", **everything)]) == [True]
    assert in_both(host, *here)


@pytest.mark.parametrize("host", trial.some(HOSTS, 0), indirect=True)
def test_an_image_deleted_meanwhile_is_gone_and_two_runs_do_not_collide(host: str) -> None:
    large, small = make(host, "large", LARGE, fleet="yes"), make(host, "small", 4 * KIB, fleet="yes")
    copy = begun(host, filters={"fleet": "yes"}, stores=["slow"])
    once_in(host, "staging", large)
    assert trial.ask(host, f"/v2/images/{large}", "DELETE")[0] == 204
    found = trial.result(copy)
    assert not found["failed"] and found["counts"]["gone"] == 1 and found["counts"]["copied"] == 1, found
    assert in_both(host, small)
    shared = make(host, "shared", LARGE)
    both = [begun(host, image="shared", stores=["slow"]) for _run in range(2)]
    assert sorted(changed([trial.result(each) for each in both])) == [False, True]
    assert in_both(host, shared)


#: Glance is killed while it reads the image into its staging directory, or while it writes it to the store.
PHASES = {"glance25": "staging", "glance33": "slow"}


@pytest.mark.parametrize("host", trial.some(HOSTS, 1), indirect=True)
def test_glance_killed_in_the_middle_of_a_copy(host: str) -> None:
    large = make(host, "large", LARGE)
    wanted = {"image": large, "stores": ["slow"]}
    copy = begun(host, **wanted, stalled_after=5)
    once_in(host, PHASES[host], large, then="systemctl kill --signal=KILL glance-api; systemctl start glance-api")
    found = trial.result(copy)
    trial.wait_for(lambda: trial.answers(host, "/v2/images?limit=1") == 200, seconds=60)
    assert found["failed"] and found["failures"][0]["image"] == large, found
    assert "no progress" in found["msg"] and "the next import may take the lock in" in found["msg"]
    assert 3000 < found["failures"][0]["lock"]["free_in"] < 3600
    refused = one(host, "image_store", image=large, store="fast")
    assert refused["failed"] and "holds its lock" in refused["msg"]
    [actions] = trial.results({"stackops.glance.image_actions_info": modules.given(host, {})})
    assert not actions["idle"] and actions["counts"]["copying"] == 1
    assert actions["actions"][0]["image"] == large and actions["actions"][0]["stores"] == ["slow"]
    assert any("copy-image" in line and "may take the lock in" in line for line in actions["table"])
    # Glance lets the next import take the lock after an hour without progress; the database is told that it is over.
    trial.execute("UPDATE tasks SET updated_at = updated_at - INTERVAL 2 HOUR WHERE status = 'processing'", host)
    actions, again = one(host, "image_actions_info"), one(host, "image_copy", **wanted)
    assert actions["idle"] and actions["counts"]["stalled"] == 1
    if PHASES[host] == "slow":
        # What was written of it lies in the way, and only its host can take it away.
        assert again["failed"] and f"{STORES}/slow/{large}" in again["msg"]
        trial.sh(host, f"rm {STORES}/slow/{large}")
        again = one(host, "image_copy", **wanted)
    assert changed([again]) == [True]
    assert in_both(host, large)
    with contextlib.suppress(KeyError):
        assert not image(host, large)["os_glance_importing_to_stores"]
