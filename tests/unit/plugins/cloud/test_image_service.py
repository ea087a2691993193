# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image service in Keystone: what lacks is made, what differs is changed, the rest stays. The scenario has a real one."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._image_service import Registration

USER = {"name": "glance", "password": "s3cret", "domain": "Default", "project": "service", "roles": ["admin"]}
URLS = {"public": "https://images.example", "internal": "http://10.0.0.1:9292"}


class Answer:
    def __init__(self, status: int, body: Any = None) -> None:
        self.status_code, self.body = status, body

    def json(self) -> Any:
        return self.body


class Keystone:
    """Keystone's lists, as far as they are asked."""

    def __init__(self) -> None:
        self.things: dict[str, list[dict[str, Any]]] = {
            "services": [], "endpoints": [], "users": [], "projects": [],
            "domains": [{"id": "d", "name": "Default"}], "roles": [{"id": "r", "name": "admin"}],
        }  # fmt: skip
        self.granted: set[str] = set()
        self.written: list[str] = []

    def json(self, path: str) -> dict[str, Any]:
        parts = urlsplit(path)
        kind, query = parts.path.strip("/"), dict(parse_qsl(parts.query))
        return {kind: [each for each in self.things[kind] if all(each.get(key) == query[key] for key in query)]}

    def ask(self, method: str, path: str, **settings: Any) -> Answer:
        given = settings["json"]["auth"]["identity"]["password"]["user"]
        known = {(each["id"], each["password"]) for each in self.things["users"]}
        return Answer(201 if (given["id"], given["password"]) in known else 401)

    def call(self, method: str, path: str, *wanted: int, **settings: Any) -> Answer:
        if path.startswith("/projects/") and "/roles/" in path:
            if method == "HEAD":
                return Answer(204 if path in self.granted else 404)
            self.granted.add(path)
        else:
            kind, _slash, key = path.strip("/").partition("/")
            ((_one, facts),) = settings["json"].items()
            if method == "POST":
                self.things[kind].append(
                    {"id": f"{kind}-{len(self.things[kind])}", **facts, "region_id": facts.get("region")}
                )
            else:
                next(each for each in self.things[kind] if each["id"] == key).update(facts)
        self.written.append(f"{method} {path}")
        thing = self.things[path.strip("/")][-1] if method == "POST" else {}
        return Answer(wanted[0], {path.strip("/")[:-1]: thing})


def register(keystone: Keystone, check: bool = False, urls: dict[str, str] | None = None, **user: Any) -> list[str]:
    registration = Registration(keystone, check)  # type: ignore[arg-type]
    service = registration.service("glance", "Images")
    registration.user({**USER, **user})
    registration.endpoints(service, "RegionOne", URLS if urls is None else urls)
    return registration.changes


def test_check_do_check_do() -> None:
    keystone = Keystone()
    check = register(keystone, check=True)
    assert len(check) == 6 and keystone.written == []
    assert register(keystone) == check and len(keystone.written) == 6
    assert register(keystone, check=True) == register(keystone) == [] and len(keystone.written) == 6
    assert "s3cret" not in json.dumps(check)


def test_a_password_that_keystone_refuses_is_set() -> None:
    keystone = Keystone()
    register(keystone)
    assert register(keystone, check=True, password="new") == ["password of user glance"]
    assert register(keystone, password="new") == ["password of user glance"]
    assert register(keystone, password="new") == []


def test_an_address_changes_in_place_and_others_stay() -> None:
    keystone = Keystone()
    register(keystone)
    ids = [each["id"] for each in keystone.things["endpoints"]]
    changed = register(keystone, urls={"public": "https://new.example"})
    assert changed == ["public endpoint https://new.example in RegionOne, which was https://images.example"]
    assert [each["id"] for each in keystone.things["endpoints"]] == ids
    assert [each["url"] for each in keystone.things["endpoints"]] == ["https://new.example", URLS["internal"]]


def test_the_only_image_service_is_taken_whatever_its_name() -> None:
    keystone = Keystone()
    keystone.things["services"] = [{"id": "s", "type": "image", "name": "images"}]
    assert Registration(keystone, False).service("glance", "")["id"] == "s"  # type: ignore[arg-type]
    keystone.things["services"].append({"id": "t", "type": "image", "name": "other"})
    with pytest.raises(GlanceError, match="none is called glance: images, other"):
        Registration(keystone, False).service("glance", "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("urls", "user", "message"),
    [
        ({"private": "http://x"}, {}, "private: http://x is no address of the interface"),
        ({"public": "x:9292"}, {}, "public: x:9292 is no address"),
        ({}, {"roles": ["boss"]}, "Keystone has no role boss"),
        ({}, {"domain": "Nowhere"}, "Keystone has no domain Nowhere"),
    ],
)
def test_what_is_refused(urls: dict[str, str], user: dict[str, Any], message: str) -> None:
    with pytest.raises(GlanceError, match=message):
        register(Keystone(), urls=urls, **user)
