# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried, what an answer means, and whose leavings may be removed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _policy_live
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._policy_live import Key, Persona, Target

MEMBER, ADMIN = Persona("member", ("member",)), Persona("admin", ("admin",))
SYSTEM = Persona("system", ("admin",), None, system=True)
NOW = datetime(2026, 11, 21, 11, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "text", "request_", "allowed"),
    [
        (200, "{}", {}, True),
        (204, "", {}, True),
        (403, "Forbidden", {}, False),
        (404, "no such image", {}, False),
        (401, "", {}, False),
        (409, "already there", {}, True),
        (400, "wrong store", {}, True),
        (500, "oh", {}, None),
        (503, "", {}, None),
        (302, "", {}, None),
        (404, "Caching via API is not supported at this site.", {"passes": "Caching via API is not supported"}, True),
        (404, "no such image", {"passes": "Caching via API is not supported"}, False),
        (200, '{"locations": [{"url": "file:///x"}]}', {"shows": "locations|direct_url"}, True),
        (200, '{"direct_url": "file:///x"}', {"shows": "locations|direct_url"}, True),
        (200, '{"locations": []}', {"shows": "locations|direct_url"}, False),
        (200, "no json", {"shows": "locations"}, False),
        (200, "[]", {"shows": "locations"}, False),
    ],
)
def test_what_an_answer_means(status: int, text: str, request_: dict[str, Any], allowed: bool | None) -> None:
    found, reason = _policy_live.judge(request_, status, text)
    assert found is allowed
    assert (reason is None) == (200 <= status < 300 and bool(found) or (status in (401, 403, 404) and not found))


@pytest.mark.parametrize(
    ("obj", "persona", "target", "key"),
    [
        ("none", MEMBER, Target("own"), Key("none", "member")),
        ("new", MEMBER, Target("foreign", "other"), Key("new", "other")),
        ("image", MEMBER, Target("own"), Key("image", _policy_live.OWN, "private")),
        ("image", SYSTEM, Target("own"), Key("image", _policy_live.OWN, "private")),
        (
            "husk",
            MEMBER,
            Target("shared", "other", "shared", True),
            Key("image", "other", "shared", _policy_live.OWN),
        ),
        # Nobody can share an image with the project that owns it, or with somebody who has no project.
        (
            "image",
            MEMBER,
            Target("own", None, "shared", True),
            Key("image", _policy_live.OWN, "shared", "bystander-project"),
        ),
        ("image", SYSTEM, Target("s", "other", "shared", True), Key("image", "other", "shared", "bystander-project")),
        # Namespaces are public or private, and shared with nobody.
        ("namespace", MEMBER, Target("c", "other", "community"), Key("namespace", "other", "private")),
        (
            "ns_husk",
            MEMBER,
            Target("p", None, "public", False, True),
            Key("namespace", _policy_live.OWN, "public", "", True),
        ),
    ],
)
def test_which_object_a_target_needs(obj: str, persona: Persona, target: Target, key: Key) -> None:
    assert _policy_live.key_of(obj, persona, target) == key


def test_targets_that_come_to_the_same_are_tried_once() -> None:
    requests = [{"rule": "get_images", "object": "none"}, {"rule": "get_metadef_namespace", "object": "namespace"}]
    targets = [
        Target("foreign", "other"),
        Target("community", "other", "community"),
        Target("public", "other", "public"),
    ]
    jobs = _policy_live.plan([MEMBER, ADMIN], targets, requests)
    tried = [(a.persona.name, a.request["rule"], tuple(a.targets)) for attempts in jobs.values() for a in attempts]
    assert sorted(tried) == [
        ("admin", "get_images", ("foreign", "community", "public")),
        ("admin", "get_metadef_namespace", ("foreign", "community")),
        ("admin", "get_metadef_namespace", ("public",)),
        ("member", "get_images", ("foreign", "community", "public")),
        ("member", "get_metadef_namespace", ("foreign", "community")),
        ("member", "get_metadef_namespace", ("public",)),
    ]


def test_only_what_is_asked_for_is_tried() -> None:
    requests = [{"rule": "get_image", "object": "image"}, {"rule": "delete_image", "object": "husk"}]
    cases = {("member", "delete_image", "own")}
    jobs = _policy_live.plan([MEMBER, ADMIN], [Target("own"), Target("foreign", "other")], requests, cases)
    assert [(a.persona.name, a.request["rule"], a.targets) for each in jobs.values() for a in each] == [
        ("member", "delete_image", ["own"])
    ]


def test_placeholders_keep_the_type_of_what_stands_alone() -> None:
    body = {"protected": "{protected}", "name": "x-{name}", "list": ["{name}", 1]}
    assert _policy_live.filled(body, {"protected": True, "name": "n"}) == {
        "protected": True,
        "name": "x-n",
        "list": ["n", 1],
    }


def described(until: datetime, holder: str) -> str:
    return f"{_policy_live.MARK}, until {until.strftime('%Y-%m-%dT%H:%M:%SZ')}, held by {holder}"


def test_a_running_call_keeps_its_objects() -> None:
    assert _policy_live.abandoned(described(NOW + timedelta(hours=1), _policy_live.holder()), NOW) is False
    assert _policy_live.abandoned(described(NOW + timedelta(hours=1), "another-machine:1"), NOW) is False


def test_a_call_that_is_over_leaves_them() -> None:
    assert _policy_live.abandoned(described(NOW - timedelta(seconds=1), "another-machine:1"), NOW) is True
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True, check=True
    )
    machine = _policy_live.holder().rpartition(":")[0]
    assert _policy_live.abandoned(described(NOW + timedelta(hours=1), f"{machine}:{gone.stdout.strip()}"), NOW) is True
    assert _policy_live.holder() == f"{machine}:{os.getpid()}"


@pytest.mark.parametrize("text", ["", "a domain of somebody's", f"see {_policy_live.MARK}, until never, held by me"])
def test_what_somebody_else_made_is_never_taken_for_ours(text: str) -> None:
    assert _policy_live.abandoned(text, NOW) is None
    assert _policy_live.Cleaner(Identity({"domains": [{"name": "stackops-glance-policy-1", "description": text}]}), None).domains(
        "stackops-glance-policy"
    ) == []  # fmt: skip


class Identity:
    """A Keystone that knows what it is given, and remembers what it was asked."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known
        self.asked: list[str] = []

    def json(self, path: str) -> dict[str, Any]:
        self.asked.append(f"GET {path}")
        return {path.strip("/").split("?")[0]: self.known[path.strip("/").split("?")[0]]}

    def call(self, method: str, path: str, *_wanted: int, **_more: Any) -> None:
        self.asked.append(f"{method} {path}")


class Answer:
    def __init__(self, status_code: int, body: Any = None) -> None:
        self.status_code, self.body, self.text = status_code, body, ""

    def json(self) -> Any:
        return self.body


class Glance:
    """A Glance with images of two projects; ``stuck`` cannot be deleted."""

    def __init__(self, *images: dict[str, Any], stuck: str = "") -> None:
        self.images, self.stuck, self.deleted = list(images), stuck, []  # type: ignore[var-annotated]

    def ask(self, method: str, path: str, *_more: Any, **_settings: Any) -> Answer:
        if method == "DELETE":
            self.deleted.append(path)
            return Answer(403 if self.stuck and self.stuck in path else 204)
        if path.startswith("/v2/metadefs"):
            return Answer(
                200, {"namespaces": [{"namespace": "p-1-0-0"}, {"namespace": "p-10-0-0"}, {"namespace": "OS::Own"}]}
            )
        return Answer(200, {"images": self.images})


def test_nothing_is_removed_but_what_belongs_to_the_domain() -> None:
    keystone = Identity(
        {
            "projects": [{"id": "P1"}],
            "roles": [
                {"id": "R1", "description": f"{_policy_live.MARK}, domain D1"},
                {"id": "R2", "description": f"{_policy_live.MARK}, domain D2"},
                {"id": "R3"},
            ],
        }
    )
    glance = Glance({"id": "I1", "owner": "P1"}, {"id": "I2", "owner": "P2"})
    assert _policy_live.Cleaner(keystone, glance).remove("D1", "p-1") == []
    assert set(glance.deleted) == {"/v2/images/I1", "/v2/metadefs/namespaces/p-1-0-0"}
    assert [each for each in keystone.asked if not each.startswith("GET")] == [
        "DELETE /roles/R1",
        "PATCH /domains/D1",
        "DELETE /domains/D1",
    ]


def test_the_domain_stays_while_something_of_it_cannot_be_removed() -> None:
    keystone = Identity({"projects": [{"id": "P1"}], "roles": []})
    left = _policy_live.Cleaner(keystone, Glance({"id": "I1", "owner": "P1"}, stuck="I1")).remove("D1", "p-1")
    assert "image I1: DELETE was answered 403" in left and "domain p-1 (D1), which is kept until they are gone" in left
    assert not [each for each in keystone.asked if not each.startswith("GET")]


def test_a_role_that_keystone_lacks_is_an_error_unless_something_else_is_asked_for() -> None:
    keystone = Identity({"roles": [{"id": "R", "name": "Member"}]})
    throwaway = _policy_live.Throwaway(keystone, "p", "fail", lambda text: None)
    with pytest.raises(GlanceError, match="Keystone has no role auditor.*missing_roles"):
        throwaway.make([MEMBER, Persona("auditor", ("auditor",))], set(), NOW)
    assert keystone.asked == ["GET /roles"]
