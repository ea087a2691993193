# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_copy as copying
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_copy

LOCK, IMPORTING, FAILED = "os_glance_import_task", "os_glance_importing_to_stores", "os_glance_failed_import"


class Answer:
    def __init__(self, status: int, body: Any = None) -> None:
        self.status_code, self.body, self.text = status, body, body if isinstance(body, str) else json.dumps(body)

    def json(self) -> Any:
        return self.body


class Clock:
    """Time that passes while the copies sleep."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Part:
    """A slice of so many seconds."""

    def __init__(self, clock: Clock, seconds: float = 3600) -> None:
        self.clock, self.end = clock, clock.now + seconds

    @property
    def over(self) -> bool:
        return self.clock.now >= self.end


class Glance:
    """Copies that take some looks, in a Glance with locks. ``outcomes`` maps an image to what its imports come to."""

    root = "http://glance.example"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.images: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.outcomes: dict[str, list[str]] = {}
        self.looks = 2
        self.running: dict[str, tuple[list[str], str, int]] = {}
        self.most = 0
        self.requests: list[str] = []
        self.down: Callable[[str], bool] = lambda _request: False

    def add(self, number: int, stores: str = "fast", **more: Any) -> str:
        image_id = f"00000000-0000-4000-8000-{number:012}"
        self.images[image_id] = {
            "id": image_id,
            "name": f"image {number}",
            "owner": "p",
            "status": "active",
            "visibility": "private",
            "os_hidden": False,
            "size": 1 << 20,
            "stores": stores,
            "created_at": f"2026-01-01T00:00:{number:02}Z",
            "updated_at": "2026-01-01T00:00:00Z",
            **more,
        }
        return image_id

    def hold(self, image_id: str, age: int, status: str = "processing", stores: str = "slow") -> None:
        """Another's import that makes no progress."""
        moved = datetime.now(timezone.utc) - timedelta(seconds=age)
        task = {
            "id": "other",
            "status": status,
            "owner": "q",
            "message": "",
            "created_at": "2026-01-01T00:00:00",
            "updated_at": moved.isoformat(),
        }
        self.tasks[image_id] = [task]
        self.images[image_id].update({LOCK: "other", IMPORTING: stores})

    # -- the API -------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, **settings: Any) -> Answer:
        self.requests.append(f"{method} {path}")
        if self.down(self.requests[-1]):
            raise GlanceError("It got no answer.", url=path)
        image_id, _slash, part = path.removeprefix("/v2/images/").partition("/")
        image = self.images.get(image_id)
        if path.startswith("/v2/tasks/") or image is None:
            return Answer(404)
        if part == "tasks":
            return Answer(200, {"tasks": self.tasks.get(image_id, [])})
        if part == "import":
            return self._import(image, settings["json"])
        self._advance(image)
        return Answer(200, dict(image))

    def call(self, method: str, path: str, *_wanted: int) -> Answer:
        return self.ask(method, path)

    def pages(self, path: str, limit: int) -> Any:
        self.requests.append(f"GET {path}")
        if self.down(self.requests[-1]):
            raise GlanceError("It got no answer.", url=path)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        ids = asked.get("id", "").removeprefix("in:").split(",")
        since = asked.get("created_at", "").removeprefix("gte:")
        found = [
            image
            for image in self.images.values()
            if (image["id"] in ids or "id" not in asked)
            and image["os_hidden"] == (asked.get("os_hidden") == "true")
            and image["created_at"] >= since
        ]
        if "id" in asked:
            for image in found:
                self._advance(image)
        for start in range(0, len(found), 2):
            yield [dict(image) for image in found[start : start + 2]]

    def _import(self, image: dict[str, Any], body: dict[str, Any]) -> Answer:
        assert body["method"] == {"name": "copy-image"} and body["all_stores_must_succeed"] is False
        outcome = (self.outcomes.get(image["id"]) or ["ok"]).pop(0)
        held = [store for store in body["stores"] if store in image["stores"].split(",")]
        assert not held, f"{held} hold the image already"
        if outcome.isdigit():
            return Answer(int(outcome), "<html>No.</html>")
        if outcome == "deleted":
            del self.images[image["id"]]
            return Answer(404)
        if image.get(LOCK) and outcome != "steal":
            return Answer(409, "Image has active task")
        image.update({LOCK: "ours", IMPORTING: ",".join(body["stores"])})
        task = {
            "id": "ours",
            "status": "processing",
            "owner": "p",
            "message": "Copied 1 MiB",
            "created_at": "2026-02-01",
        }
        self.tasks[image["id"]] = [{**task, "updated_at": datetime.now(timezone.utc).isoformat()}]
        self.running[image["id"]] = (list(body["stores"]), outcome, self.looks)
        self.most = max(self.most, len(self.running))
        return Answer(202)

    def _advance(self, image: dict[str, Any]) -> None:
        if image["id"] not in self.running:
            return
        stores, outcome, looks = self.running[image["id"]]
        if looks > 1:
            self.running[image["id"]] = (stores, outcome, looks - 1)
            return
        del self.running[image["id"]]
        failed = outcome.removeprefix("full ").split(",") if outcome.startswith("full ") else []
        good = [store for store in stores if store not in failed and outcome != "unstaged"]
        image["stores"] = ",".join([*image["stores"].split(","), *good])
        image.pop(LOCK)
        # A copy that could not even be staged leaves its stores in the list.
        image[IMPORTING] = ",".join(stores) if outcome == "unstaged" else ""
        image[FAILED] = ",".join(failed)
        self.tasks[image["id"]][0]["status"] = "failure" if outcome == "unstaged" else "success"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(copying, "time", clock)
    return clock


@pytest.fixture
def glance(clock: Clock) -> Glance:
    return Glance(clock)


def run(glance: Glance, wanted: tuple[str, ...] = ("fast", "slow"), **options: Any) -> copying.Copies:
    images: Any = glance
    copies = copying.Copies(images, list(wanted), {}, **options)
    part: Any = Part(glance.clock)
    assert copies.work(partial(copying.ordered, images, [{"status": "active"}]), part)
    assert not copies.under_way
    return copies


def test_only_what_is_missing_is_copied_so_many_at_once(glance: Glance) -> None:
    for number in range(1, 10):
        glance.add(number, stores="fast,slow" if number % 3 == 0 else "fast")
    copies = run(glance, parallel=3)
    assert {name: copies.counts[name] for name in ("looked_at", "held", "copied", "failed")} == {
        "looked_at": 9,
        "held": 3,
        "copied": 6,
        "failed": 0,
    }
    assert all(image["stores"] == "fast,slow" for image in glance.images.values())
    assert glance.most == 3 and copies.counts["bytes"] == 6 << 20
    assert copies.copies[0]["from"] == ["fast"] and copies.copies[0]["to"] == ["slow"]
    assert run(glance).counts["copied"] == 0


def test_one_request_looks_at_all_that_are_under_way(glance: Glance) -> None:
    for number in range(1, 5):
        glance.add(number)
    run(glance, parallel=4)
    lists = [request for request in glance.requests if "id=in" in request]
    single = [request for request in glance.requests if request.startswith("GET /v2/images/")]
    assert len(lists) == 2 and single == []


def test_check_mode_asks_for_nothing(glance: Glance) -> None:
    for number in range(1, 4):
        glance.add(number)
    copies = run(glance, check=True, examples=2)
    assert copies.counts["copied"] == 3 and len(copies.copies) == 2
    assert not any(request.startswith("POST") for request in glance.requests)


def test_a_full_store_keeps_nothing_else_back(glance: Glance) -> None:
    one, two = glance.add(1), glance.add(2)
    glance.outcomes[one] = ["full slow"]
    copies = run(glance, wanted=("fast", "slow", "far"))
    assert glance.images[one]["stores"] == "fast,far" and glance.images[two]["stores"] == "fast,slow,far"
    (failure,) = copies.failures
    assert (failure["image"], failure["store"]) == (one, "slow") and "look first for space" in failure["reason"]
    assert copies.counts["copied"] == 2 and copies.counts["failed"] == 1


def test_a_failure_of_an_earlier_import_is_not_told_again(glance: Glance) -> None:
    glance.add(1, **{FAILED: "slow"})
    assert run(glance).failures == []


def test_a_copy_that_could_not_be_staged_has_failed(glance: Glance) -> None:
    image_id = glance.add(1)
    glance.outcomes[image_id] = ["unstaged"] * 3
    copies = run(glance)
    assert [failure["store"] for failure in copies.failures] == ["slow"]


def test_an_image_that_is_deleted_is_gone_and_no_failure(glance: Glance) -> None:
    one, two, _three = glance.add(1), glance.add(2), glance.add(3)
    glance.outcomes[one] = ["deleted"]
    glance.looks = 3

    def delete(request: str) -> bool:
        if "id=in" in request:
            glance.images.pop(two, None)
        return False

    glance.down = delete
    copies = run(glance)
    assert copies.counts["gone"] == 2 and copies.counts["copied"] == 1 and copies.failures == []


def test_an_import_of_somebody_else_is_waited_for(glance: Glance) -> None:
    image_id = glance.add(1)
    glance.hold(image_id, age=10)
    glance.running[image_id] = (["slow"], "ok", 4)
    copies = run(glance)
    assert copies.counts["held"] == 1 and copies.counts["copied"] == 0


def test_what_another_import_did_not_bring_is_copied_after_it(glance: Glance) -> None:
    image_id = glance.add(1)
    glance.hold(image_id, age=10, stores="far")
    glance.running[image_id] = (["far"], "ok", 4)
    copies = run(glance)
    assert copies.counts["copied"] == 1 and glance.images[image_id]["stores"] == "fast,far,slow"


def test_a_lock_without_progress_is_reported_with_its_end(glance: Glance) -> None:
    image_id = glance.add(1)
    glance.add(2)
    glance.hold(image_id, age=900)
    copies = run(glance, stalled_after=600)
    (failure,) = copies.failures
    assert failure["image"] == image_id and 2600 < failure["lock"]["free_in"] <= 2700
    assert "of project q" in failure["reason"] and "may take the lock in" in failure["reason"]
    assert copies.counts["copied"] == 1


def test_a_lock_that_has_expired_is_taken(glance: Glance) -> None:
    image_id = glance.add(1)
    glance.hold(image_id, age=4000)
    glance.outcomes[image_id] = ["steal"]
    assert run(glance).counts["copied"] == 1


def test_a_refusal_names_image_store_and_what_glance_said(glance: Glance) -> None:
    one = glance.add(1)
    glance.add(2)
    glance.outcomes[one] = ["413"]
    copies = run(glance)
    (failure,) = copies.failures
    assert failure["image"] == one and "413: No." in failure["reason"] and copies.counts["copied"] == 1


def test_a_user_who_may_not_copy_is_told_at_once(glance: Glance) -> None:
    glance.outcomes = {glance.add(number): ["403"] for number in range(1, 9)}
    with pytest.raises(GlanceError, match="policy rule copy_image"):
        run(glance)
    assert len([request for request in glance.requests if request.startswith("POST")]) == 1


def test_an_image_that_is_not_active_is_counted(glance: Glance) -> None:
    glance.add(1, status="queued", stores="")
    assert run(glance).counts["not_active"] == 1


@pytest.mark.parametrize("silence", [20.0, 90.0])
def test_a_glance_that_is_away_for_a_while_is_borne(glance: Glance, silence: float) -> None:
    for number in range(1, 6):
        glance.add(number)
    begun = glance.clock.now
    glance.down = lambda _request: begun + 0.15 < glance.clock.now < begun + silence
    if silence > copying.SILENCE:
        with pytest.raises(GlanceError, match="got no answer"):
            run(glance)
        return
    assert run(glance).counts["copied"] == 5


def test_slices_go_on_where_the_last_one_ended(glance: Glance) -> None:
    for number in range(1, 8):
        glance.add(number, created_at="2026-01-01T00:00:00Z")
    images: Any = glance
    state: dict[str, Any] = {}
    calls, done = 0, False
    while not done:
        calls += 1
        copies = copying.Copies(images, ["slow"], json.loads(json.dumps(state)), parallel=2)
        part: Any = Part(glance.clock, 0.15)
        done = copies.work(partial(copying.ordered, images, [{}]), part)
        state = copies.state()
    assert 3 < calls < 50
    assert state["counts"]["looked_at"] == state["counts"]["copied"] == 7 and state["under_way"] == []


def test_every_call_goes_on_however_late_it_is(glance: Glance) -> None:
    for number in range(1, 4):
        glance.add(number)
    images: Any = glance
    state: dict[str, Any] = {}
    for _call in range(12):
        copies = copying.Copies(images, ["slow"], state, parallel=2)
        part: Any = Part(glance.clock, 0)
        done = copies.work(partial(copying.ordered, images, [{}]), part)
        state = copies.state()
    assert done and state["counts"]["copied"] == 3


def test_every_list_is_read_from_a_place_on(glance: Glance) -> None:
    ids = [glance.add(number, os_hidden=number > 2) for number in range(1, 5)]
    images: Any = glance
    lists: list[dict[str, Any]] = [{"os_hidden": False}, {"os_hidden": True}]
    places = [place for place, _image in copying.ordered(images, lists, None)]
    assert [place[2] for place in places] == ids
    for number, place in enumerate(places):
        assert [image["id"] for _place, image in copying.ordered(images, lists, place)] == ids[number + 1 :]


# -- the module ---------------------------------------------------------------------------------------------------

ID = "00000000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": ID}, "either stores"),
        ({"image": ID, "stores": []}, "either stores"),
        ({"image": ID, "stores": ["slow"], "all_stores": True}, "either stores"),
        ({"filters": {"limit": 3}, "stores": ["slow"]}, "filters has limit"),
        ({"filters": {"os_hidden": True}, "hidden": True, "stores": ["slow"]}, "hidden asks"),
        ({"image": ID, "stores": ["slow"], "parallel": 0}, "parallel is 0"),
        ({"image": ID, "filters": {}, "stores": ["slow"]}, "mutually exclusive"),
        ({"image": ID, "stores": ["slow"]}, "single store"),
    ],
)
def test_bad_input_is_refused_first(run: Any, cloud: Any, arguments: dict[str, Any], message: str) -> None:
    found = run(image_copy, **arguments)
    assert found["failed"] and message in found["msg"]
    assert not any(request.startswith("POST /v2") for request in cloud.requests)


def test_stores_and_method_have_to_be_there(run: Any, cloud: Any) -> None:
    cloud.stores = [{"id": "fast", "default": "true"}, {"id": "slow"}, {"id": "web", "read-only": "true"}]
    assert "'web', which is read-only" in run(image_copy, image=ID, stores=["web"])["msg"]
    assert "'far', which does not exist" in run(image_copy, image=ID, stores=["far"])["msg"]
    assert "enabled_import_methods" in run(image_copy, image=ID, stores=["slow"])["msg"]


def test_one_image_in_check_mode(run: Any, cloud: Any) -> None:
    cloud.stores = [{"id": "fast", "default": "true"}, {"id": "slow"}, {"id": "web", "read-only": "true"}]
    cloud.methods = ["copy-image"]
    cloud.images[ID] = {
        "id": ID,
        "name": "one",
        "status": "active",
        "size": 5,
        "stores": "fast",
        "created_at": "2026-01-01T00:00:00Z",
    }
    found = run(image_copy, check=True, image=ID, all_stores=True)
    assert found["changed"] and found["stores"] == ["fast", "slow"]
    assert found["diff"]["after"] == f"{ID} one: fast, slow\n" and found["diff"]["before"] == f"{ID} one: fast\n"
    assert found["counts"]["copied"] == 1 and found["under_way"] == []
    cloud.images[ID]["stores"] = "fast,slow"
    assert not run(image_copy, check=True, image=ID, all_stores=True)["changed"]
    cloud.images[ID]["status"] = "queued"
    assert "is queued" in run(image_copy, image=ID, all_stores=True)["msg"]
