# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_location as location
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_location

ID = "11111111-2222-4333-8444-555555555555"
ONE, TWO = "https://web.example/one", "rbd://fsid/images/two/snap"


@pytest.mark.parametrize(
    ("url", "shown", "hidden"),
    [
        (ONE, ONE, set()),
        ("rbd://fsid/pool/im@ge/snap", "rbd://fsid/pool/im@ge/snap", set()),
        ("https://u:p%20w@web.example/a@b", "https://web.example/a@b", {"u:p%20w", "u:p w", "p%20w", "p w"}),
        ("https://web.example/x?Signature=abc", "https://web.example/x?…", {"Signature=abc"}),
        (
            "swift+https://account%3Auser:key@auth.example/v3/container/object",
            "swift+https://auth.example/v3/container/object",
            {"account%3Auser:key", "account:user:key", "key"},
        ),
        (
            "s3+https://ACCESS:se/cret@s3.example/bucket/object",
            "s3+https://s3.example/bucket/object",
            {"ACCESS:se/cret", "se/cret"},
        ),
    ],
)
def test_credentials_and_signatures_are_shown_nowhere(url: str, shown: str, hidden: set[str]) -> None:
    assert location.shown(url) == shown
    assert location.secrets(url) == hidden
    assert not any(secret in location.clean(f"Invalid location {url.split('?')[0]} .") for secret in hidden)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ONE, ONE, True),
        (ONE, TWO, False),
        ("s3://a:b@s3.example/x", "s3://s3.example/x", True),
        ("s3://a:b@s3.example/x", "s3://c:d@s3.example/x", False),
        ("s3://a:b@s3.example/x", "s3+https://s3.example/x", False),
    ],
)
def test_a_location_without_credentials_is_the_same(one: str, other: str, same: bool) -> None:
    assert location.same(one, other) is location.same(other, one) is same


@pytest.mark.parametrize("url", ["file:///etc/passwd", "filesystem:///x", "swift+config://ref/c/o", "nonsense"])
def test_what_no_glance_takes_is_refused(url: str) -> None:
    with pytest.raises(GlanceError):
        location.checked(url)


class Answer:
    def __init__(self, status: int, body: Any = None, text: str = "") -> None:
        self.status_code, self.body, self.text = status, body, text

    def json(self) -> Any:
        return self.body


class Fake:
    """One image: ``shown`` where show_multiple_locations is on, ``api`` the location API's answer to GET, None without one."""

    root = "http://glance.example"

    def __init__(
        self, *urls: str, status: str = "active", shown: bool = True, api: int | None = None, post: int = 202
    ) -> None:
        self.urls, self.status, self.shown, self.api, self.post = list(urls), status, shown, api, post
        self.asked: list[tuple[str, str, Any, Any]] = []
        self.tasks: list[dict[str, Any]] = []

    def image(self) -> dict[str, Any]:
        places = {"locations": [{"url": url, "metadata": {}} for url in self.urls]} if self.shown else {}
        return {"id": ID, "name": "golden", "status": self.status, "os_hash_value": "ab", **places}

    def call(self, method: str, path: str, *_wanted: int, **_settings: Any) -> Answer:
        return Answer(200, self.image())

    def ask(self, method: str, path: str, json: Any = None, headers: Any = None) -> Answer:
        self.asked.append((method, path, json, headers))
        if path.endswith("/tasks"):
            return Answer(200, {"tasks": self.tasks})
        if path.endswith("/locations") and method == "GET":
            return Answer(self.api or 404, [{"url": url, "metadata": {}} for url in self.urls])
        if path.endswith("/locations"):
            if self.post == 202:
                self.urls.append(json["url"])
                self.status = "active"
            return Answer(self.post, text="Forbidden: no http://u:pw@web.example/one")
        change = json[0]
        if change["op"] == "add":
            self.urls.append(change["value"]["url"])
            self.status = "active"
        else:
            del self.urls[int(change["path"].rpartition("/")[2])]
        return Answer(200, self.image())


def locations(fake: Any, **headers: str) -> location.Locations:
    return location.Locations(fake, fake.image(), headers)


def test_patch_adds_one_location_at_the_end() -> None:
    fake = Fake(ONE)
    found = locations(fake)
    assert found.add(TWO, "auto", {}, 5) == "patch" and found.urls == [ONE, TWO]
    _method, _path, body, headers = fake.asked[-1]
    assert body == [{"op": "add", "path": "/locations/-", "value": {"url": TWO, "metadata": {}}}]
    assert headers["Content-Type"] == "application/openstack-images-v2.1-json-patch"


def test_the_location_api_takes_a_queued_image_and_the_service_token_goes_along() -> None:
    fake = Fake(status="queued", shown=False, api=403)
    found = locations(fake, **{"X-Service-Token": "t"})
    assert found.urls is None
    hashes = {"os_hash_algo": "sha512", "os_hash_value": "ab"}
    assert found.add(ONE, "auto", {**hashes, "checksum": "cd"}, 5) == "location_api"
    posted = next(each for each in fake.asked if each[0] == "POST")
    assert posted[2:] == ({"url": ONE, "validation_data": hashes}, {"X-Service-Token": "t"})


def test_a_refusal_by_the_location_api_turns_to_patch_where_that_is_offered() -> None:
    fake = Fake(status="queued", api=403, post=403)
    assert locations(fake).add(ONE, "auto", {}, 5) == "patch"
    fake = Fake(status="queued", api=403, post=403)
    with pytest.raises(GlanceError, match="service_cloud") as refused:
        locations(fake).add(ONE, "location_api", {}, 5)
    assert "pw" not in refused.value.message


@pytest.mark.parametrize(
    ("status", "words"), [("queued", "Correct url or validation_data"), ("importing", "oslo_concurrency. lock_path")]
)
def test_an_image_that_does_not_become_active_is_a_failure_with_its_task_s_words(status: str, words: str) -> None:
    class Failing(Fake):
        def ask(self, method: str, path: str, json: Any = None, headers: Any = None) -> Answer:
            if method != "POST":
                return super().ask(method, path, json, headers)
            said = "no data at http://u:pw@web.example/one"
            self.tasks = [{"created_at": "2026", "status": "failure", "message": said}]
            self.status = status
            return Answer(202)

        def image(self) -> dict[str, Any]:
            return {**super().image(), **({"os_glance_import_task": "t"} if self.status == "importing" else {})}

    found = locations(Failing(status="queued", shown=False, api=403))
    with pytest.raises(GlanceError, match=words) as refused:
        found.add(ONE, "auto", {}, 5)
    assert f"left the image {status}; its task says: no data at http://web.example/one." in refused.value.message


@pytest.mark.parametrize(
    ("fake", "way", "words"),
    [
        (Fake(shown=False), "auto", "OSSN-0065"),
        (Fake(shown=False, status="queued"), "location_api", "from 29.0.0 on"),
        (Fake(shown=False, api=403), "auto", "OSSN-0065"),
        (Fake(api=200), "location_api", "this one is active"),
        (Fake(status="importing"), "auto", "importing"),
    ],
)
def test_where_no_way_leads_the_reason_is_said(fake: Any, way: str, words: str) -> None:
    with pytest.raises(GlanceError, match=words):
        locations(fake).way(way)


def test_one_location_is_removed_and_the_last_one_never() -> None:
    fake = Fake(ONE, TWO)
    found = locations(fake)
    found.remove(ONE, found.place(ONE) or 0)
    assert fake.urls == [TWO]
    with pytest.raises(GlanceError, match="last one"):
        found.remove(TWO, 0)


def test_a_change_of_somebody_else_at_the_same_time_is_seen() -> None:
    fake = Fake(ONE, TWO)
    found = locations(fake)
    fake.urls.reverse()
    with pytest.raises(GlanceError, match="somebody else"):
        found.remove(ONE, 0)


def test_hidden_locations_are_no_answer() -> None:
    with pytest.raises(GlanceError, match="OSSN-0065"):
        locations(Fake(shown=False)).place(ONE)
    assert locations(Fake(ONE, shown=False, api=200)).place(ONE) == 0


def test_hashes_of_another_image_are_refused() -> None:
    location.agrees(Fake().image(), {"os_hash_value": "AB", "checksum": "x"})
    with pytest.raises(GlanceError, match="has os_hash_value ab, and validation_data says cd"):
        location.agrees(Fake().image(), {"os_hash_value": "cd"})


def test_the_module_masks_a_url_and_shows_the_rest_of_it(cloud: Any, run: Any) -> None:
    url = "https://user:hunter2@web.example/one"
    cloud.images[ID] = {"id": ID, "name": "golden", "status": "active", "locations": [{"url": url, "metadata": {}}]}
    found = run(image_location, image=ID, url=url)
    assert not found["changed"] and found["locations"] == ["https://web.example/one"]
    assert "hunter2" not in json.dumps(found)
    if "invocation" in found:  # ansible-core 2.21 adds it where it is asked for
        assert "web.example" in found["invocation"]["module_args"]["url"]
    assert not run(image_location, image=ID, url="https://web.example/one")["changed"]
    last = run(image_location, image=ID, url=url, state="absent")
    assert last["failed"] and "hunter2" not in json.dumps(last) and "https://web.example/one" in last["msg"]
