# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
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
        "config_dirs": [], "config_origin": "unit", "files": [{"path": CONF, "sha256": "sha"}], "assignments": values,
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


def wsgi(*argv: str) -> dict[str, Any]:
    """A Glance 33, which the command line binds."""
    found = survey("33.0.0")
    found["services"]["glance-api"]["units"][0]["argv"] = list(argv)
    return found


def told(
    name: str = "nova-compute", version: str | None = "14.1.0", project: str = "nova", **options: str
) -> dict[str, Any]:
    """A host with one service that calls Glance; options as GROUP__NAME."""
    conf = f"/etc/{project}/{project}.conf"
    unit = {"name": name, "active_state": "active", "unit_file_state": "enabled", "triggered_by": [], "config_files": [conf],
            "config_dirs": [], "restart_pending": False}  # fmt: skip
    values = [
        {"group": group, "option": option, "raw": raw, "file": conf, "line": line}
        for line, (place, raw) in enumerate(options.items(), 2)
        for group, option in [place.split("__")]
    ]
    found = survey()
    found["services"] = {name: {
        **found["services"]["glance-api"], "project": project, "prog": name, "units": [unit], "config_files": [conf],
        "release": version and {"version": version}, "files": [{"path": conf, "sha256": "sha"}], "assignments": values,
    }}  # fmt: skip
    return found


def look(action: str = "start", **more: Any) -> dict[str, Any]:
    certificate = {
        "fingerprint": "ab",
        "names": ["cloud.example", "*.glance.example"],
        "expires_soon": False,
        "not_after": "2027-01-01T00:00:00Z",
        "days_left": 36,
    }
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
    wishes: _plan.Wishes = DRAINED,
    callers: dict[str, Any] | None = None,
    closing: dict[str, Any] | None = None,
) -> _plan.Plan:
    """A plan for hosts named n1 ... (Nova), c1 ... (other consumers) and otherwise (Glance)."""
    nova, consumers = ([host for host in surveys if re.fullmatch(rf"{letter}\d", host)] for letter in "nc")
    glance = [host for host in surveys if host not in nova + consumers]
    fleet = _plan.Fleet(glance, nova, consumers, surveys, callers=callers or {})
    seen = {host: look() for host in glance} if looks is None else looks
    cloud = {"endpoints": [], "catalogue": catalogue}
    return _tls_plan.make(fleet, cloud, seen, wishes, tls, CONTROLLER, closing)


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
    assert found == {"connect": "127.0.0.1:9292", "loopback": "127.0.0.1:9292", "certificate": "/c.pem", "key": "/k.pem",
                     "client_ca": "/ca.pem", "names": ["cloud.example", "::1"]}  # fmt: skip


def test_where_glance_listens() -> None:
    found = tls_service(survey(bind_host="192.0.2.1", bind_port="9191"), [], 1)
    assert (found["connect"], found["loopback"]) == ("192.0.2.1:9191", "127.0.0.1:9191")
    found = tls_service(survey(bind_host="::"), [], 1)
    assert (found["connect"], found["loopback"]) == ("[::1]:9292", "[::1]:9292")
    found = tls_service(wsgi("gunicorn", "--bind=192.0.2.1:9191", "glance.wsgi.api:application"), [], 1)
    assert (found["connect"], found["loopback"]) == ("192.0.2.1:9191", "127.0.0.1:9191")
    assert tls_service({}, [], 1) == {
        "connect": "127.0.0.1:9292",
        "loopback": "127.0.0.1:9292",
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


# -- those who call Glance --------------------------------------------------------------------------------------------


def written(made: _plan.Plan, step: str, host: str) -> dict[str, Any]:
    """What a part of the plan sets on a host, by GROUP/OPTION."""
    return {
        f"{option['section']}/{option['option']}": option.get("value")
        for file in made.local.get(step, {}).get(host, {"files": []})["files"]
        for option in file.get("options", [])
    }


CALLED = "http://cloud.example:9292,http://two.glance.example:9292/image"


CA_15, CA_16, CA_CINDER = "ssl/ca_file", "glance/cafile", "DEFAULT/glance_ca_certificates_file"
SERVERS, OVERRIDE, CINDER = "glance/api_servers", "glance/endpoint_override", "DEFAULT/glance_api_servers"
PLAIN, SECURE = "http://cloud.example:9292", "https://cloud.example:9293"


@pytest.mark.parametrize(
    ("host", "wanted"),
    [
        (
            told(glance__api_servers=CALLED),
            {CA_15: "/ca.pem", SERVERS: f"{SECURE},https://two.glance.example:9293/image"},
        ),
        (told(version="16.0.0", glance__api_servers=PLAIN), {CA_16: "/ca.pem", SERVERS: SECURE}),
        # By an older name it has the CA already.
        (told(version="16.0.0", glance__api_servers=SECURE, ssl__ca_file="/ca.pem"), {}),
        # Those who read the catalogue follow it.
        (told(version="30.0.0"), {CA_16: "/ca.pem"}),
        (told(version="30.0.0", glance__endpoint_override=PLAIN), {CA_16: "/ca.pem", OVERRIDE: SECURE}),
        (
            told("cinder-volume", None, "cinder", DEFAULT__glance_api_servers="cloud.example:9292"),
            {CA_CINDER: "/ca.pem", CINDER: SECURE},
        ),
    ],
    ids=["nova14", "nova16", "nova16-done", "nova30", "nova30-override", "cinder"],
)
def test_addresses_and_ca_of_consumers(host: dict[str, Any], wanted: dict[str, str]) -> None:
    made = plan({"g1": survey(), "n1": host}, tls=TlsWishes(consumers_ca="/ca.pem"))
    assert findings(made) == [] and written(made, "consumers", "n1") == wanted
    if wanted:
        part = made.local["consumers"]["n1"]
        assert part["restart"] and part["drain"] is None
        assert {each["ca"] for each in part["health"]["trust"]} <= {"/ca.pem"}
        steps = [each["name"] for each in made.steps]
        assert steps[-2:] == ["catalogue", "consumers"]


def test_a_ca_that_is_there_stays_and_is_proven() -> None:
    made = plan({"g1": survey(), "n1": told(version="16.0.0", glance__api_servers=CALLED, glance__cafile="/own.pem")})
    assert written(made, "consumers", "n1").keys() == {"glance/api_servers"}
    assert made.local["consumers"]["n1"]["health"]["trust"] == [
        {"host": "cloud.example", "port": 9293, "ca": "/own.pem"},
        {"host": "two.glance.example", "port": 9293, "ca": "/own.pem"},
    ]


def test_what_cannot_be_told_is_said_and_keeps_plaintext_open() -> None:
    hosts = {
        "g1": survey(),
        "n1": told(glance__api_servers="http://cloud.example:9292,http://192.0.2.7:9292"),
        "c1": told("ironic-conductor", None, "ironic"),
        "c2": {"msg": "timed out"},
    }
    made = plan(hosts, tls=TlsWishes(close_plaintext=True, quiet_hours=0))
    assert set(findings(made)) == {
        ("consumer_unreadable", "warning", "c2"), ("consumer_address_unknown", "warning", "n1"),
        ("consumer_tls_by_hand", "warning", "c1"), ("plaintext_stays_open", "warning", ""),
    }  # fmt: skip
    assert any("http://192.0.2.7:9292" in found.message for found in made.findings)
    assert "consumers" not in made.local and "glance_plaintext_off" not in made.local


# -- workers ----------------------------------------------------------------------------------------------------------


def test_workers_name_tls_and_verify_each_other() -> None:
    url = {"worker_self_reference_url": "http://one.glance.example:9292"}
    made = plan({"g1": survey("25.1.0", **url), "g2": survey("21.0.0", **url), "g3": survey("25.1.0")},
                tls=TlsWishes(worker_ca="/all.pem"))  # fmt: skip
    part = made.local["glance_public_endpoint"]["g1"]
    assert (
        written(made, "glance_public_endpoint", "g1")["DEFAULT/worker_self_reference_url"]
        == "https://one.glance.example:9293"
    )
    assert part["files"][1]["path"] == "/etc/systemd/system/glance-api.service.d/stackops-glance-ca.conf"
    assert "Environment=REQUESTS_CA_BUNDLE=/all.pem\n" in part["files"][1]["content"]
    assert part["restart"] == ["glance-api"]
    for host in ("g2", "g3"):
        assert len(made.local["glance_public_endpoint"][host]["files"]) == 1


def test_a_worker_that_is_done_and_one_that_cannot_be() -> None:
    done = survey(
        "25.1.0",
        worker_self_reference_url="https://one.glance.example:9293",
        public_endpoint="https://cloud.example:9293",
    )
    done["services"]["glance-api"]["units"][0]["ca_bundle"] = "/all.pem"
    strange = survey("25.1.0", worker_self_reference_url="http://192.0.2.7:9292")
    other = survey(
        "33.0.0", worker_self_reference_url="http://one.glance.example:9292", image_cache_driver="centralized_db"
    )
    other["services"]["glance-api"]["units"][0]["ca_bundle"] = "/other.pem"
    made = plan({"g1": done, "g2": strange, "g3": other}, tls=TlsWishes(worker_ca="/all.pem"))
    assert set(findings(made)) == {
        ("public_endpoint_cannot_be_set", "blocker", "g2"), ("worker_cache_forgotten", "warning", "g3"),
        ("public_endpoint_cannot_be_set", "blocker", "g3"),
    }  # fmt: skip
    assert "glance_public_endpoint" not in made.local
    said = {found.host: found.message for found in made.findings if found.severity == "blocker"}
    assert "192.0.2.7" in said["g2"] and "/other.pem" in said["g3"]


# -- the end of plaintext ---------------------------------------------------------------------------------------------

CLOSE = TlsWishes(close_plaintext=True, quiet_hours=1)
#: The surveys' clock says 1000 seconds.
HOUR = {"from": "1969-12-31T22:00:00Z", "to": "1970-01-01T00:16:40Z"}
LOG = {"path": "/api.log", "format": "eventlet", "error": None, "unreadable": 0}


def test_a_container_has_its_environment_from_the_tool_that_made_it() -> None:
    contained = survey("25.1.0", worker_self_reference_url="http://one.glance.example:9292")
    contained["services"]["glance-api"]["units"][0]["container"] = "id"
    made = plan({"g1": contained}, tls=TlsWishes(worker_ca="/all.pem"))
    assert ("public_endpoint_cannot_be_set", "blocker", "g1") in findings(made)


def logged(*clients: str, **more: Any) -> dict[str, Any]:
    callers = [
        {"client": client, "via": None, "user_agent": None, "requests": {"any": 7}, "first": "1970-01-01T00:10:00Z",
         "last": "1970-01-01T00:10:00Z", "examples": ["GET /healthcheck"]}
        for client in clients
    ]  # fmt: skip
    return {"files": [LOG], "callers": callers, "covered": [HOUR], "truncated": False, "troubles": [], **more}


def test_plaintext_closes_where_nobody_needs_it() -> None:
    made = plan(
        {"g1": survey(), "g2": survey(bind_host="::")},
        tls=CLOSE,
        callers={"g1": logged("127.0.0.1", "::1"), "g2": logged()},
    )
    assert findings(made) == []
    assert [written(made, "glance_plaintext_off", host) for host in ("g1", "g2")] == [
        {"DEFAULT/bind_host": "127.0.0.1"}, {"DEFAULT/bind_host": "::1"},
    ]  # fmt: skip
    part = made.local["glance_plaintext_off"]["g1"]
    assert part["restart"] == ["glance-api"] and part["reload"] == [] and part["drain"]["port"] == 9292
    assert made.steps[-1]["name"] == "glance_plaintext_off"


def test_it_is_not_closed_unless_asked_for_nor_twice() -> None:
    assert "glance_plaintext_off" not in plan({"g1": survey()}, callers={"g1": logged()}).local
    made = plan({"g1": survey(bind_host="127.0.0.1"), "g2": survey(bind_host="localhost")}, tls=CLOSE)
    assert "glance_plaintext_off" not in made.local and findings(made) == []


@pytest.mark.parametrize(
    ("result", "id_", "says"),
    [
        (logged("192.0.2.5"), "plaintext_callers_seen", "192.0.2.5 7 requests, last 1970-01-01T00:10:00Z, as GET /healthcheck"),
        (logged(covered=[]), "plaintext_logs_too_short", "Of the last 1 hours, the logs cover 0 days"),
        (logged(files=[{**LOG, "error": "It cannot be read"}]), "plaintext_logs_unreadable", "/api.log: It cannot be read"),
        (None, "plaintext_logs_unreadable", "they were not read"),
    ],
    ids=["seen", "short", "unreadable", "missing"],
)  # fmt: skip
def test_it_stays_open_while_somebody_may_need_it(result: dict[str, Any] | None, id_: str, says: str) -> None:
    callers = {"g1": result} if result else {}
    made = plan({"g1": survey()}, tls=CLOSE, callers=callers)
    assert [found.id for found in made.findings] == [id_, "plaintext_stays_open"]
    assert says in made.findings[0].message and "glance_plaintext_off" not in made.local
    accepted = plan({"g1": survey()}, tls=CLOSE, callers=callers, wishes=_plan.Wishes(accept=[id_]))
    assert "g1" in accepted.local["glance_plaintext_off"]


def test_stunnel_follows_a_glance_that_had_one_address() -> None:
    moved = {"path": "/etc/stunnel/glance.conf", "before": "x", "content": "connect = 127.0.0.1:9191", "mode": "0644"}
    made = plan(
        {"g1": survey(bind_host="192.0.2.1", bind_port="9191")}, {"g1": look("none")}, tls=CLOSE,
        callers={"g1": logged("192.0.2.1")}, closing={"g1": look("reload", files=[moved])},
    )  # fmt: skip
    part = made.local["glance_plaintext_off"]["g1"]
    assert findings(made) == [] and part["files"][1] == moved and part["reload"] == ["stunnel@glance.service"]
    assert (part["health"]["url"], part["health"]["url_back"]) == ("http://127.0.0.1:9191/", "http://192.0.2.1:9191/")


def test_a_wsgi_server_gets_another_command_line() -> None:
    made = plan({"g1": wsgi("/v/bin/python3", "/v/bin/gunicorn", "-b", "0.0.0.0:9292", "glance.wsgi.api:application")},
                tls=CLOSE, callers={"g1": logged()})  # fmt: skip
    part = made.local["glance_plaintext_off"]["g1"]
    assert [file["path"] for file in part["files"]] == [
        "/etc/systemd/system/glance-api.service.d/stackops-glance-loopback.conf"
    ]
    assert (
        "\nExecStart=\nExecStart=/v/bin/python3 /v/bin/gunicorn -b 127.0.0.1:9292 glance.wsgi.api:application\n"
        in part["files"][0]["content"]
    )
    assert part["restart"] == ["glance-api"]


def test_a_server_bound_by_a_file_is_left_to_the_operator() -> None:
    made = plan({"g1": wsgi("uwsgi", "--ini", "/etc/glance/uwsgi.ini")}, tls=CLOSE, callers={"g1": logged()})
    assert ("plaintext_cannot_be_closed", "blocker", "g1") in findings(made)


@pytest.mark.parametrize("wrong", [{"consumers_ca": "ca.pem"}, {"worker_ca": "/a b"}, {"quiet_hours": -1}])
def test_wishes_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(GlanceError, match=f"glance_stunnel_{next(iter(wrong))}"):
        TlsWishes(**wrong).check()
