# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _images
from ansible_collections.stackops.glance.plugins.modules import image_activation, image_member

ID = "11111111-2222-4333-8444-555555555555"
PARTNER, THIRD = "a" * 32, "b" * 32


class Answer:
    def __init__(self, status: int, body: Any = None, text: str = "") -> None:
        self.status_code, self.body, self.text = status, body, text

    def json(self) -> Any:
        return self.body


class Glance:
    """A shared image and its members; ``refuse`` maps a method to the status that it is answered with."""

    root = "http://glance.example"

    def __init__(self) -> None:
        self.image = {"id": ID, "name": "golden", "owner": "p", "status": "active", "visibility": "shared"}
        self.members: dict[str, str] = {}
        self.refuse: dict[str, int] = {}
        self.asked: list[str] = []

    def call(self, _method: str, _path: str, *_wanted: int) -> Answer:
        return Answer(200, self.image)

    def ask(self, method: str, path: str, json: Any = None) -> Answer:
        last = path.rpartition("/")[2]
        self.asked.append(f"{method} {last}")
        if method in self.refuse:
            return Answer(self.refuse[method], text="no")
        if "/actions/" in path:
            self.image["status"] = {"deactivate": "deactivated", "reactivate": "active"}[last]
            return Answer(204)
        if method == "GET":
            if self.image["visibility"] != "shared":
                return Answer(403, text="Only shared images have members.")
            return Answer(200, {"members": [{"member_id": m, "status": s} for m, s in self.members.items()]})
        if method == "POST":
            self.members[json["member"]] = "pending"
            return Answer(200)
        if method == "PUT":
            self.members[last] = json["status"]
            return Answer(200)
        del self.members[last]
        return Answer(204)


@pytest.fixture
def glance(monkeypatch: pytest.MonkeyPatch) -> Glance:
    fake = Glance()
    monkeypatch.setattr(_image_lookup, "api", lambda _cloud, _endpoint: fake)
    return fake


def test_the_owner_adds_and_removes_members(glance: Glance, run: Any) -> None:
    wanted = {"image": ID, "members": [PARTNER, THIRD]}
    checked = run(image_member, check=True, **wanted)
    assert checked["changed"] and glance.members == {}
    found = run(image_member, **wanted)
    assert found["changed"] and found["members"] == checked["members"]
    assert found["diff"]["after"] == f"{PARTNER}: pending\n{THIRD}: pending\n"
    assert not run(image_member, **wanted)["changed"]
    left = run(image_member, image=ID, member=PARTNER, state="absent")
    assert left["changed"] and left["members"] == [{"member_id": THIRD, "status": "pending"}]
    assert not run(image_member, image=ID, member=PARTNER, state="absent")["changed"]


def test_a_member_answers_for_its_own_project(glance: Glance, run: Any) -> None:
    glance.image["owner"], glance.members = PARTNER, {"p": "pending"}
    assert run(image_member, image=ID, status="accepted")["members"] == [{"member_id": "p", "status": "accepted"}]
    assert not run(image_member, image=ID, status="accepted")["changed"]
    assert "PUT p" in glance.asked and not any(each.startswith("POST") for each in glance.asked)
    assert run(image_member, image=ID, status="rejected")["changed"]


def test_who_was_added_meanwhile_is_a_member(glance: Glance, run: Any) -> None:
    glance.refuse["POST"] = 409
    assert not run(image_member, image=ID, member=PARTNER).get("failed")


@pytest.mark.parametrize(
    ("method", "status", "words"),
    [("POST", 403, "visibility is shared"), ("POST", 413, "image_member_quota"), ("PUT", 403, "member's own project")],
)
def test_a_refusal_says_who_may(glance: Glance, run: Any, method: str, status: int, words: str) -> None:
    glance.refuse[method] = status
    found = run(image_member, image=ID, member=PARTNER, status="accepted")
    assert found["failed"] and words in found["msg"] and found["changed"] == (method == "PUT")


def test_only_a_shared_image_has_members(glance: Glance, run: Any) -> None:
    glance.image["visibility"] = "private"
    found = run(image_member, image=ID, member=PARTNER)
    assert found["failed"] and "is private, and only a shared image has members" in found["msg"]
    found = run(image_member, image=ID, member=PARTNER, state="absent")
    assert not found["changed"] and "would have again" in str(found["warnings"])


def test_the_owner_is_no_member_and_who_is_absent_has_no_status(glance: Glance, run: Any) -> None:
    assert "no owner is a member" in run(image_member, image=ID, member="p")["msg"]
    assert "Leave one of them out" in run(image_member, image=ID, state="absent", status="accepted")["msg"]


def test_an_image_is_deactivated_and_brought_back(glance: Glance, run: Any) -> None:
    assert run(image_activation, check=True, image=ID, state="deactivated")["changed"]
    assert glance.image["status"] == "active"
    assert run(image_activation, image=ID, state="deactivated")["diff"]["after"] == "deactivated\n"
    assert not run(image_activation, image=ID, state="deactivated")["changed"]
    glance.refuse["POST"] = 403
    found = run(image_activation, image=ID, state="active")
    assert found["failed"] and "policy rule reactivate" in found["msg"]
    glance.image["status"] = "queued"
    assert "is queued, and only an active" in run(image_activation, image=ID, state="active")["msg"]


def test_arguments_in_the_place_of_the_module_s_own_count(cloud: Any, run: Any) -> None:
    """As for a second set of credentials."""

    class Module:
        params = dict.fromkeys(("cloud", "auth", "auth_type", "region_name", "interface", "validate_certs"))
        no_log_values: set[str] = set()

    Module.params.update(dict.fromkeys(("ca_cert", "client_cert", "client_key", "api_timeout")))
    Module.params["auth"] = {"auth_url": "http://127.0.0.1:1", "password": "not this one"}
    auth = {
        "auth_url": f"{cloud.url}/identity/v3",
        "username": "glance",
        "password": "correct horse",
        "project_name": "service",
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }
    found = _images.connect(Module, auth=None, cloud={"auth": auth})  # type: ignore[arg-type]
    assert found.session.get_token() == "secret-token" and "correct horse" in Module.no_log_values
