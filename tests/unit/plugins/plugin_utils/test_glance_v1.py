# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _glance_v1, _service

API = "/etc/glance/glance-api.conf"


def unit(name, active="active", file="enabled", timers=()):
    return {"name": name, "active_state": active, "unit_file_state": file, "triggered_by": list(timers)}


def service(prog, units=(), crons=(), **values):
    path = f"/etc/glance/{prog}.conf"
    return {
        "prog": prog, "project": "glance", "config_files": [path], "config_dirs": [], "files": [], "environment": {},
        "oslo_config": "4.11.2/python2", "release": {"version": "15.0.2"}, "units": list(units), "crons": list(crons),
        "assignments": [
            {"group": "DEFAULT", "option": name, "raw": raw, "file": path, "line": line}
            for line, (name, raw) in enumerate(values.items(), 1)
        ],
    }  # fmt: skip


def host(*others, **values):
    """The Glance services of a host: API and registry with their units, and more."""
    services = [service("glance-api", [unit("glance-api")], **values), *others]
    if not any(each["prog"] == "glance-registry" for each in others):
        services.append(service("glance-registry", [unit("glance-registry")]))
    return {each["prog"]: each for each in services}


def release(text):
    return _service.known_release("glance", text)


def judge(text, services):
    return _glance_v1.judge(services, release(text))


# -- versions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values", "v1", "v2"),
    [
        ("newton", {}, True, True),
        ("15", {"enable_v1_api": "false"}, False, True),
        ("16", {"enable_v2_api": "off"}, True, False),
        ("17", {"enable_v1_api": "true"}, False, True),
        ("20", {"enable_v2_api": "false"}, False, False),
        ("21", {"enable_v2_api": "false"}, False, True),
    ],
)
def test_versions_that_are_offered(text, values, v1, v2):
    judged = judge(text, host(**values))
    assert (judged["v1"], judged["v2"]) == (v1, v2)
    assert judged["reason"].endswith(".")


def test_origin_of_v1():
    assert judge("15", host(enable_v1_api="true"))["origin"] == f"{API}:1"
    assert judge("15", host())["origin"] is None


def test_a_value_that_glance_refuses():
    with pytest.raises(GlanceError, match="enable_v1_api = sometimes"):
        judge("15", host(enable_v1_api="sometimes"))


def test_no_api_on_the_host():
    with pytest.raises(GlanceError, match="glance-api is not among"):
        judge("15", {})


# -- the registry -----------------------------------------------------------------------------------------------------


def cron(program, line=3):
    return {"file": "/etc/cron.d/glance", "line": line, "program": program}


@pytest.mark.parametrize(
    ("text", "others", "values", "reasons"),
    [
        ("15", [], {}, []),
        ("15", [service("glance-scrubber", [unit("glance-scrubber")])], {}, ["glance-scrubber"]),
        ("15", [service("glance-scrubber", [unit("glance-scrubber", "inactive", "disabled")])], {}, []),
        ("15", [service("glance-scrubber", [unit("s", "inactive", "static", ["s.timer"])])], {}, ["glance-scrubber"]),
        ("16", [service("glance-scrubber", [unit("glance-scrubber")])], {}, []),
        ("15", [service("x", crons=[cron("glance-cache-prefetcher")])], {}, ["/etc/cron.d/glance:3"]),
        ("15", [service("x", crons=[cron("glance-cache-pruner")])], {}, []),
        ("15", [], {"data_api": "glance.db.registry.api"}, [f"{API}:1"]),
        ("15", [], {"data_api": "glance.db.sqlalchemy.api"}, []),
        ("21", [service("x", crons=[cron("glance-cache-prefetcher")])], {"data_api": "glance.db.registry.api"}, []),
    ],
)
def test_who_needs_the_registry(text, others, values, reasons):
    services = host(*others, **values)
    judged = judge(text, services)
    assert len(judged["registry_needed_by"]) == len(reasons)
    for said, reason in zip(judged["registry_needed_by"], reasons, strict=True):
        assert reason in said
    assert judged["registry"] == ["glance-registry"]
    assert _glance_v1.retire(services, judged) == ([] if reasons else ["glance-registry"])


def test_a_registry_that_is_gone_already():
    services = host(service("glance-registry", [unit("glance-registry", "inactive", "disabled")]))
    judged = judge("15", services)
    assert judged["registry"] == []
    assert _glance_v1.retire(services, judged) == []


def test_the_replicator_calls_v1():
    services = host(service("x", crons=[cron("glance-replicator")]))
    assert judge("15", services)["v1_needed_by"] == ["glance-replicator calls it (/etc/cron.d/glance:3)"]
    assert judge("17", services)["v1_needed_by"] == []


# -- changing ---------------------------------------------------------------------------------------------------------


def written(changes):
    return {
        (change["path"], option["option"]): option["value"] for change in changes for option in change["options"]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values", "wanted", "expected"),
    [
        ("15", {}, {"v2": True}, {}),
        ("15", {}, {"v1": False}, {"enable_v1_api": "false"}),
        ("15", {"enable_v1_api": "no"}, {"v1": False}, {}),
        ("15", {"enable_v2_api": "false"}, {"v2": True}, {"enable_v2_api": "true"}),
        ("15", {"enable_v1_api": "sometimes"}, {"v1": False}, {"enable_v1_api": "false"}),
        (
            "15",
            {"enable_v1_api": "false"},
            {"v1": True, "v2": False},
            {"enable_v1_api": "true", "enable_v2_api": "false"},
        ),
        ("17", {}, {"v1": False}, {}),
        ("17", {"enable_v1_api": "true"}, {"v1": False}, {}),
        ("33", {}, {"v1": False, "v2": True, "registry": False}, {}),
    ],
)
def test_edits(text, values, wanted, expected):
    changes = _glance_v1.edits(host(**values), release(text), **wanted)
    assert written(changes) == {(API, name): value for name, value in expected.items()}


@pytest.mark.parametrize(
    ("text", "values", "wanted", "message"),
    [
        ("17", {}, {"v1": True}, r"Releases that have it: 13, 14, 15, 16\."),
        ("33", {}, {"v2": False}, "always offers v2"),
        ("15", {}, {"v1": False, "v2": False}, "neither v1 nor v2"),
        ("15", {"enable_v2_api": "false"}, {"v1": False}, "neither v1 nor v2"),
        ("15", {}, {"registry": False}, "the v1 API of Glance 15 .Pike. asks it"),
    ],
)
def test_what_cannot_be(text, values, wanted, message):
    with pytest.raises(GlanceError, match=message):
        _glance_v1.edits(host(**values), release(text), **wanted)


def test_the_installed_release_unless_another_is_named():
    assert _glance_v1.edits(host(), v1=False)


def test_the_registrys_own_v1():
    path = "/etc/glance/glance-registry.conf"
    changes = _glance_v1.edits(host(), release("15"), v1=False, registry=False)
    assert written(changes) == {(API, "enable_v1_api"): "false", (path, "enable_v1_registry"): "false"}
    scrubber = service("glance-scrubber", [unit("glance-scrubber")])
    with pytest.raises(GlanceError, match="glance-scrubber asks it"):
        _glance_v1.edits(host(scrubber), release("15"), v1=False, registry=False)


def test_v1_needs_the_registrys_own_v1():
    off = service("glance-registry", [unit("glance-registry")], enable_v1_registry="false")
    with pytest.raises(GlanceError, match="Turn it on as well"):
        _glance_v1.edits(host(off, enable_v1_api="false"), release("15"), v1=True)
    changes = _glance_v1.edits(host(off, enable_v1_api="false"), release("15"), v1=True, registry=True)
    assert set(written(changes).values()) == {"true"}
