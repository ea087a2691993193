# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.filter.tls_service import tls_service
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _config_check, _plan, _takeover, _tls_plan
from ansible_collections.stackops.glance.plugins.plugin_utils._tls_plan import TlsWishes

CONTROLLER = _takeover.Controller("control", "boot", 1, "7", "ops")
CONF = "/etc/glance/glance-api.conf"
DRAINED = _plan.Wishes(drain={"file": "/off"})


@pytest.fixture(autouse=True)
def nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a configuration check finds has tests of its own."""
    monkeypatch.setattr(_config_check, "check", lambda service, release, host: [])


def survey(version: str = "15.0.2", **options: str) -> dict[str, Any]:
    unit = {"name": "glance-api", "active_state": "active", "unit_file_state": "enabled", "triggered_by": [],
            "config_files": [CONF], "config_dirs": [], "restart_pending": False}  # fmt: skip
    values = [
        {"group": "DEFAULT", "option": name, "raw": raw, "file": CONF, "line": line}
        for line, (name, raw) in enumerate(options.items(), 2)
    ]
    api = {
        "project": "glance", "prog": "glance-api", "release": {"version": version}, "units": [unit], "config_files": [CONF],
        "config_dirs": [], "config_origin": "unit", "files": [{"path": CONF, "sha256": "sha"}], "values": values,
        "environment": {}, "oslo_config": None, "policy": None, "paste": None, "crons": [], "restart_pending": False,
        "error": None,
    }  # fmt: skip
    return {
        "hostname": "h",
        "time": 1000.0,
        "lock": None,
        "runs": [],
        "unfinished": None,
        "services": {"glance-api": api},
    }


def look(action: str = "start", **more: Any) -> dict[str, Any]:
    certificate = {"fingerprint": "ab", "expires_soon": False, "not_after": "2027-01-01T00:00:00Z", "days_left": 36}
    files = [{"path": "/etc/stunnel/glance.conf", "before": "", "content": "x", "mode": "0644"}] * (action != "none")
    return {"enabled": action != "start", "action": action, "unit": "stunnel@glance.service", "files": files,
            "listens": {"host": "127.0.0.1", "port": 9293}, "certificate": certificate, **more}  # fmt: skip


def entry(interface: str, url: str) -> dict[str, Any]:
    return {"id": interface[0], "interface": interface, "region": "R", "url": url,
            "url_versionless": url.removesuffix("/v1")}  # fmt: skip


CATALOGUE = [entry("public", "http://cloud.example:9292"), entry("internal", "http://[::1]:9292/v1")]


def plan(
    surveys: dict[str, dict[str, Any]],
    looks: dict[str, Any] | None = None,
    catalogue: list[dict[str, Any]] = CATALOGUE,
    tls: TlsWishes = TlsWishes(),  # noqa: B008  (frozen)
) -> _plan.Plan:
    fleet = _plan.Fleet(list(surveys), [], [], surveys)
    seen = {host: look() for host in surveys} if looks is None else looks
    return _tls_plan.make(fleet, {"endpoints": [], "catalogue": catalogue}, seen, DRAINED, tls, CONTROLLER)


def findings(made: _plan.Plan) -> list[tuple[str, str, str]]:
    return [(found.id, found.severity, found.host) for found in made.findings]


def test_a_fleet_without_tls() -> None:
    made = plan({"g1": survey(), "g2": survey()})
    assert (made.verdict, findings(made)) == ("ready", [])
    assert [(each["name"], each["hosts"]) for each in made.steps] == [
        ("glance_tls_open", ["g1", "g2"]), ("glance_public_endpoint", ["g1", "g2"]), ("catalogue", []),
    ]  # fmt: skip
    assert made.steps[2]["title"] == "the catalogue's image endpoints are https"
    part = made.local["glance_tls_open"]["g1"]
    assert part["files"] == look()["files"] and part["drain"] is None
    assert (part["start"], part["reload"], part["restart"]) == (["stunnel@glance.service"], [], [])
    assert part["health"]["certificate"] == {"host": "127.0.0.1", "port": 9293, "fingerprint": "ab"}
    assert made.local["glance_public_endpoint"]["g1"]["files"] == [
        {"path": CONF, "before": "sha", "options": [
            {"section": "DEFAULT", "option": "public_endpoint", "value": "https://cloud.example:9293"}]}
    ]  # fmt: skip
    assert [(each["id"], each["url_before"], each["url_after"]) for each in made.catalogue] == [
        ("p", "http://cloud.example:9292", "https://cloud.example:9293"),
        ("i", "http://[::1]:9292/v1", "https://[::1]:9293/v1"),
    ]


def test_nothing_is_left_where_all_is_done() -> None:
    done = [entry("public", "https://cloud.example:9293"), entry("admin", "https://other.example")]
    made = plan({"g1": survey(public_endpoint="https://cloud.example:9293/")}, {"g1": look("none")}, done)
    assert (made.verdict, made.steps, findings(made)) == ("nothing_to_do", [], [])


def test_a_service_that_would_not_come_again_at_boot_is_enabled() -> None:
    part = plan({"g1": survey()}, {"g1": look("none", enabled=False)}).local["glance_tls_open"]["g1"]
    assert (part["start"], part["files"]) == (["stunnel@glance.service"], [])


@pytest.mark.parametrize("action", ["reload", "restart"])
def test_a_running_stunnel_is_drained_for_a_restart_alone(action: str) -> None:
    part = plan({"g1": survey()}, {"g1": look(action)}).local["glance_tls_open"]["g1"]
    assert part[action] == ["stunnel@glance.service"] and part["start"] == []
    assert (part["drain"] is not None) is (action == "restart")


def test_what_the_module_refused_is_a_blocker() -> None:
    soon = look(certificate={**look()["certificate"], "expires_soon": True})
    made = plan(
        {"g1": survey(), "g2": survey(), "g3": survey()}, {"g1": {"msg": "x.pem has expired"}, "g2": soon, "g3": None}
    )
    assert findings(made) == [
        ("tls_service_refused", "blocker", "g1"), ("tls_service_refused", "blocker", "g3"),
        ("tls_certificate_expires_soon", "warning", "g2"),
    ]  # fmt: skip
    assert made.findings[0].message == "x.pem has expired" and made.verdict == "blocked"


def test_options_that_the_release_lost_go_and_those_that_it_has_are_a_blocker() -> None:
    options = {"cert_file": "/c.pem", "key_file": "/k.pem", "ca_file": "/ca.pem"}
    made = plan({"old": survey("19.0.4", **options), "new": survey("20.2.0", **options)})
    assert findings(made) == [("glance_speaks_tls_itself", "blocker", "old")]
    changed = made.local["glance_public_endpoint"]["new"]["files"][0]["options"]
    assert [each["option"] for each in changed if each.get("state") == "absent"] == list(options)
    found = tls_service(survey("20.2.0", **options), CATALOGUE, 9293)
    assert found == {"connect": "127.0.0.1:9292", "certificate": "/c.pem", "key": "/k.pem", "client_ca": "/ca.pem",
                     "names": ["cloud.example", "::1"]}  # fmt: skip


def test_where_glance_listens() -> None:
    assert tls_service(survey(bind_host="192.0.2.1", bind_port="9191"), [], 1)["connect"] == "192.0.2.1:9191"
    assert tls_service(survey(bind_host="::"), [], 1)["connect"] == "[::1]:9292"
    assert tls_service({}, [], 1) == {
        "connect": "127.0.0.1:9292",
        "certificate": "",
        "key": "",
        "client_ca": "",
        "names": [],
    }


def test_addresses_that_are_named() -> None:
    tls = TlsWishes(9293, {"public": "https://images.example"})
    made = plan({"g1": survey()}, catalogue=CATALOGUE, tls=tls)
    assert [each["url_after"] for each in made.catalogue] == ["https://images.example", "https://[::1]:9293/v1"]
    assert _tls_plan.names(CATALOGUE, tls) == ["images.example", "::1"]
    with pytest.raises(GlanceError, match="glance_stunnel_endpoints: public: http://x is no https"):
        TlsWishes(9293, {"public": "http://x"}).check()


def test_a_cloud_without_a_public_endpoint() -> None:
    made = plan({"g1": survey()}, catalogue=[entry("internal", "http://x:9292")])
    assert [found[0] for found in findings(made)] == ["public_endpoint_unknown"]
    unreadable = _tls_plan.make(
        _plan.Fleet(["g1"], [], [], {"g1": survey()}),
        {"msg": "401"},
        {"g1": look()},
        _plan.Wishes(),
        TlsWishes(),
        CONTROLLER,
    )
    assert [found[0] for found in findings(unreadable)] == ["cloud_unreadable"]
