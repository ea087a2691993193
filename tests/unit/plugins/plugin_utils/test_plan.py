# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _config_check, _plan, _takeover, _undo
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding
from ansible_collections.stackops.glance.plugins.plugin_utils._plan import Fleet, Plan, Wishes

CONTROLLER = _takeover.Controller("control", "boot", 1, "7", "ops")
CLOUD: dict[str, Any] = {
    "endpoints": [{"url": "http://api:9292", "v1": {"answers": True}, "v2": {"answers": True}}],
    "catalogue_changes": [],
}
PROJECTS = {"glance": "15.0.2", "nova": "14.1.0", "cinder": "9.1.4", "ironic": "7.0.3"}


@pytest.fixture(autouse=True)
def nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a configuration check finds has tests of its own."""
    monkeypatch.setattr(_config_check, "check", lambda service, release, host: [])


# -- a fleet out of words ---------------------------------------------------------------------------------------------


def service(name: str, lines: str = "", **more: Any) -> dict[str, Any]:
    """A service of a survey whose one file has these lines: ``group/option = value``."""
    project = name.partition("-")[0]
    path = f"/etc/{project}/{'nova' if project == 'nova' else name}.conf"
    values = []
    for number, line in enumerate(lines.strip().splitlines(), 2):
        place, _equals, raw = line.partition("=")
        group, _slash, option = place.strip().partition("/")
        values.append({"group": group, "option": option, "raw": raw.strip(), "file": path, "line": number})
    unit = {
        "name": name, "active_state": "active", "sub_state": "running", "unit_file_state": "enabled",
        "triggered_by": [], "config_files": [path], "config_dirs": [], "restart_pending": False,
    }  # fmt: skip
    return {
        "project": project, "prog": name, "release": {"version": PROJECTS[project]}, "units": [unit],
        "config_files": [path], "config_dirs": [], "config_origin": "unit", "files": [file(path)],
        "assignments": values, "environment": {}, "oslo_config": "3.17.0/python2", "policy": None, "paste": None, "crons": [],
        "restart_pending": False, "error": None, **more,
    }  # fmt: skip


def file(path: str) -> dict[str, Any]:
    return {"path": path, "sha256": f"sha of {path}"}


def survey(*services: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"hostname": "h", "time": 1000.0, "lock": None, "runs": [], "unfinished": None,
            "services": {each["prog"]: each for each in services}, **more}  # fmt: skip


def glance(lines: str = "", *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    return survey(service("glance-api", lines, **more), service("glance-registry"), *others)


V1 = "glance/use_glance_v1 = true\nglance/api_servers = http://api:9292"
V2 = "glance/api_servers = http://api:9292"


def nova(lines: str = V1, **more: Any) -> dict[str, Any]:
    return survey(service("nova-compute", lines, **more))


def fleet(overrides: dict[str, Any] | None = None, **surveys: dict[str, Any]) -> Fleet:
    """Hosts by the beginning of their names: g..., n... and c..."""
    kinds = [[host for host in surveys if host.startswith(letter)] for letter in "gnc"]
    return Fleet(*kinds, surveys=surveys, overrides=overrides or {})


def healthy() -> dict[str, Any]:
    return {"g1": glance(), "g2": glance(), "n1": nova(), "n2": nova()}


def plan(given: Fleet, cloud: dict[str, Any] = CLOUD, **wishes: Any) -> Plan:
    return _plan.make(given, cloud, Wishes(**{"v1_quiet_days": 0, **wishes}), CONTROLLER)


def ids(made: Plan, severity: str | None = None) -> list[str]:
    return [found.id for found in made.findings if severity in (None, found.severity)]


def steps(made: Plan) -> dict[str, list[str]]:
    return {step["name"]: step["hosts"] for step in made.steps}


# -- the fleet as it should be ----------------------------------------------------------------------------------------


def test_a_healthy_fleet_that_speaks_v1() -> None:
    made = plan(fleet(**healthy()))
    assert (made.verdict, ids(made), steps(made)) == ("ready", [], {"nova": ["n1", "n2"]})
    part = made.local["nova"]["n1"]
    assert part["files"] == [
        {
            "path": "/etc/nova/nova.conf",
            "before": "sha of /etc/nova/nova.conf",
            "options": [{"section": "glance", "option": "use_glance_v1", "state": "absent"}],
        }
    ]
    assert (part["restart"], part["retire"], part["drain"]) == (["nova-compute"], [], None)
    spoken = {(each["host"], tuple(each["api"])) for each in made.spoken}
    assert spoken == {("g1", ("v1", "v2")), ("g2", ("v1", "v2")), ("n1", ("v1",)), ("n2", ("v1",))}
    assert made.spoken[2]["origin"] == "/etc/nova/nova.conf:2"


def test_every_configuration_is_checked_and_shared_files_are_told_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(service: dict[str, Any], release: Any, host: str) -> list[Finding]:
        path = service["config_files"][0]
        return [Finding("option_unknown", "warning", f"{release} knows no x.", "Look.", host=host, file=path, line=3)]

    monkeypatch.setattr(_config_check, "check", check)
    made = plan(fleet(g1=glance(), n1=survey(service("nova-compute", V2), service("nova-api", V2))))
    assert made.verdict == "nothing_to_do"
    assert [found.place for found in made.findings] == [
        "g1 /etc/glance/glance-api.conf:3",
        "g1 /etc/glance/glance-registry.conf:3",
        "n1 /etc/nova/nova.conf:3",
    ]


def test_the_option_may_stay_visible() -> None:
    made = plan(fleet(**healthy()), nova_option="false")
    assert made.local["nova"]["n1"]["files"][0]["options"] == [
        {"section": "glance", "option": "use_glance_v1", "value": "false"}
    ]


def test_nothing_to_do() -> None:
    made = plan(fleet(g1=glance(), n1=nova(V2)))
    assert (made.verdict, made.findings, made.steps) == ("nothing_to_do", [], [])


def test_a_restart_that_is_pending_is_something_to_do() -> None:
    host = nova(V2, restart_pending=True)
    made = plan(fleet(g1=glance(), n1=host))
    assert steps(made) == {"nova": ["n1"]}
    assert (made.local["nova"]["n1"]["files"], made.local["nova"]["n1"]["restart"]) == ([], ["nova-compute"])


def test_units_that_do_not_run_are_not_started() -> None:
    host = nova()
    host["services"]["nova-compute"]["units"][0]["active_state"] = "inactive"
    assert plan(fleet(g1=glance(), n1=host)).local["nova"]["n1"]["restart"] == []


def test_every_service_that_reads_a_changed_file_is_restarted() -> None:
    # The conductor has a file of its own that decides for v2, and reads the shared one as well.
    own = {"group": "glance", "option": "use_glance_v1", "raw": "false", "file": "/etc/nova/conductor.conf", "line": 9}
    conductor = service("nova-conductor", V1)
    conductor["assignments"].append(own)
    conductor["files"].append(file("/etc/nova/conductor.conf"))
    made = plan(fleet(g1=glance(), n1=survey(service("nova-compute", V1), conductor)))
    assert made.local["nova"]["n1"]["restart"] == ["nova-compute", "nova-conductor"]


def test_services_that_share_a_file_share_its_change() -> None:
    made = plan(fleet(g1=glance(), n1=survey(service("nova-compute", V1), service("nova-api", V1))))
    part = made.local["nova"]["n1"]
    assert len(part["files"]) == 1 and part["restart"] == ["nova-compute", "nova-api"]


# -- Glance -----------------------------------------------------------------------------------------------------------


def test_v2_is_turned_on_where_it_is_off() -> None:
    off = glance("DEFAULT/enable_v2_api = false\nDEFAULT/bind_port = 9393")
    off["services"]["glance-api"]["paste"] = {
        "file": "/etc/glance/paste.ini", "flavor": None, "error": None,
        "text": "[filter:h]\nbackends = disable_by_file\ndisable_by_file_path = /etc/glance/off\n",
    }  # fmt: skip
    dead = {"endpoints": [{"url": "http://api:9292", "v2": {"answers": False}}], "catalogue_changes": []}
    made = plan(fleet(g1=glance(), g2=off, n1=nova(V2)), dead, drain={"timeout": 30})
    assert (steps(made), ids(made)) == ({"glance_v2_on": ["g2"]}, [])
    part = made.local["glance_v2_on"]["g2"]
    assert part["health"]["url"] == "http://127.0.0.1:9393/" and part["health"]["versions"] == {"present": ["v2"]}
    assert part["drain"] == {
        "file": "/etc/glance/off", "port": 9393, "grace": 4, "timeout": 30,
        "units": ["glance-api"], "staging": ["/tmp/staging/"], "stores": ["/var/lib/glance/images"],
    }  # fmt: skip


def test_where_a_hook_drains_what_runs_is_waited_for() -> None:
    made = plan(
        fleet(g1=glance(), n1=nova(V2)), v1_off=True, drain={"by": "hook", "file": "/etc/glance/off", "grace": 0}
    )
    part = made.local["glance_v1_off"]["g1"]["drain"]
    assert (part["file"], part["port"], part["grace"], part["timeout"]) == (None, 9292, 0, 600)
    made = plan(fleet(g1=glance(), n1=nova(V2)), v1_off=True, drain={"by": "health_check"})
    assert made.local["glance_v1_off"]["g1"]["drain"] is None


def test_a_copy_from_that_no_file_shows_is_said() -> None:
    paste = {"file": "/etc/glance/paste.ini", "flavor": None, "error": None,
             "text": "[filter:h]\nbackends = disable_by_file\ndisable_by_file_path = /etc/glance/off\n"}  # fmt: skip
    hosts = {name: glance(f"glance_store/stores = {stores}", paste=paste) for name, stores in
             {"g1": "file,rbd,http", "g2": "file,http"}.items()}  # fmt: skip
    made = plan(fleet(**hosts, n1=nova(V2)), v1_off=True)
    _plan.unseen_transfers(made)
    assert [(found.id, found.host) for found in made.findings] == [("copy_from_unseen", "g1")]
    assert "into rbd" in made.findings[0].message and "hook_before" in made.findings[0].remedy
    # It matters where a host restarts.
    made = plan(fleet(**hosts, n1=nova(V2)))
    _plan.unseen_transfers(made)
    assert ids(made) == []


@pytest.mark.parametrize(
    ("lines", "url"),
    [
        ("", "http://127.0.0.1:9292/"),
        ("DEFAULT/bind_host = 10.0.0.5", "http://10.0.0.5:9292/"),
        ("DEFAULT/bind_host = ::", "http://[::1]:9292/"),
        ("DEFAULT/bind_host = fd00::5", "http://[fd00::5]:9292/"),
        ("DEFAULT/cert_file = /etc/ssl/x.pem", "https://127.0.0.1:9292/"),
    ],
)
def test_where_a_glance_is_asked_for_its_health(lines: str, url: str) -> None:
    made = plan(fleet(g1=glance(lines + "\nDEFAULT/enable_v2_api = false"), n1=nova()))
    assert made.local["glance_v2_on"]["g1"]["health"]["url"] == url


def test_v2_that_answers_nowhere_though_it_is_on() -> None:
    dead = {"endpoints": [{"url": "http://api:9292", "v2": {"answers": False}}], "catalogue_changes": []}
    made = plan(fleet(**healthy()), dead)
    assert (made.verdict, ids(made, "blocker")) == ("blocked", ["v2_answers_nowhere"])


def test_a_cloud_that_refuses_the_credentials() -> None:
    made = plan(fleet(**healthy()), {"failed": True, "msg": "Keystone says 401."})
    (found,) = made.findings
    assert (found.id, found.severity, found.message) == ("cloud_unreadable", "blocker", "Keystone says 401.")


def test_a_versioned_catalogue_is_a_step_of_its_own() -> None:
    change = {"id": "e", "url_before": "http://api:9292/v1", "url_after": "http://api:9292"}
    made = plan(fleet(g1=glance(), n1=nova(V2)), {**CLOUD, "catalogue_changes": [change]})
    assert (made.verdict, steps(made), made.catalogue) == ("ready", {"catalogue": []}, [change])


@pytest.mark.parametrize(
    ("host", "id_"),
    [
        ({"msg": "no route to host", "unreachable": True}, "glance_host_unreachable"),
        (survey(), "glance_api_missing"),
        (glance(error="glance-api.conf:3: no section"), "glance_configuration_refused"),
        (glance("DEFAULT/enable_v2_api = maybe"), "glance_configuration_refused"),
        (glance(release=None), "glance_release_unknown"),
        (glance(release={"version": "999.0"}), "glance_release_unknown"),
        (glance(environment={"OS_DEFAULT__ENABLE_V2_API": "false"}, oslo_config="8.0.1"), "glance_cannot_offer_v2"),
    ],
)
def test_a_glance_host_that_cannot_be_judged_blocks(host: dict[str, Any], id_: str) -> None:
    made = plan(fleet(g1=glance(), g2=host, n1=nova()))
    assert (made.verdict, ids(made)) == ("blocked", [id_])
    assert made.findings[0].host == "g2" and not made.findings[0].accept


def test_the_operator_names_a_release() -> None:
    made = plan(fleet({"g1": {"glance-api": {"release": "pike"}}}, g1=glance(release=None), n1=nova()))
    assert made.verdict == "ready"
    made = plan(fleet({"g1": {"glance-api": {"release": "nowhere"}}}, g1=glance(), n1=nova()))
    assert ids(made) == ["glance_release_unknown"]


# -- Nova -------------------------------------------------------------------------------------------------------------


def test_a_mixed_fleet_is_named_and_finished() -> None:
    made = plan(fleet(g1=glance(), n1=nova(), n2=nova(V2)))
    assert (made.verdict, ids(made), steps(made)) == ("ready", ["nova_fleet_mixed"], {"nova": ["n1"]})
    assert "n1 speak v1, n2 speak v2" in made.findings[0].message


def test_a_nova_host_that_does_not_answer_is_a_warning_and_keeps_v1() -> None:
    made = plan(fleet(**healthy() | {"n2": {"msg": "timed out", "unreachable": True}}), v1_off=True)
    assert ids(made) == ["nova_host_unreachable", "v1_stays_on"] and made.verdict == "ready"
    assert steps(made) == {"nova": ["n1"]}
    accepted = plan(fleet(**healthy() | {"n2": {"msg": "timed out"}}), v1_off=True, accept=["nova_host_unreachable"])
    assert steps(accepted) == {"nova": ["n1"], "glance_v1_off": ["g1", "g2"]}


def test_a_host_that_was_never_surveyed_is_named() -> None:
    made = plan(Fleet(["g1"], ["n1", "n2"], [], surveys={"g1": glance(), "n1": nova()}))
    assert ids(made) == ["nova_host_unreachable"] and "--limit" in made.findings[0].message


@pytest.mark.parametrize(
    ("host", "id_"),
    [
        (survey(), "nova_missing"),
        (nova(error="nova.conf:3: refused"), "nova_configuration_refused"),
        (nova(release=None), "nova_release_unknown"),
        (nova("glance/use_glance_v1 = maybe\nglance/api_servers = http://api:9292"), "nova_value_refused"),
        (nova(V1, release={"version": "13.1.4"}), "nova_speaks_v1_only"),
    ],
)
def test_a_nova_host_that_cannot_be_judged_blocks(host: dict[str, Any], id_: str) -> None:
    made = plan(fleet(g1=glance(), n1=host, n2=nova()))
    assert (made.verdict, ids(made, "blocker")) == ("blocked", [id_])
    assert not made.findings[0].accept


def test_a_newer_nova_speaks_v2_whatever_the_file_says() -> None:
    made = plan(fleet(g1=glance(), n1=nova(V1, release={"version": "15.0.0"})))
    assert made.verdict == "nothing_to_do" and made.spoken[1]["api"] == ["v2"]


@pytest.mark.parametrize(
    ("value", "severity", "id_"),
    [
        ("http://api:9292/v1", "blocker", "nova_api_servers_version"),
        ("api:9292", "blocker", "nova_api_servers_scheme"),
        ("http://g1:9292\nglance/num_retries = 0", "warning", "nova_api_servers_direct"),
    ],
)
def test_api_servers(value: str, severity: str, id_: str) -> None:
    given = fleet(g1=glance(), n1=nova(f"glance/use_glance_v1 = true\nglance/api_servers = {value}"))
    (found,) = plan(given).findings
    assert (found.id, found.severity, found.place) == (id_, severity, "n1 /etc/nova/nova.conf:3")
    made = plan(given, accept=[id_])
    assert made.verdict == "ready" and ids(made, "warning") == [id_]


def test_rbd_needs_locations() -> None:
    rbd = V1 + "\nlibvirt/images_type = rbd"
    made = plan(fleet(g1=glance(), n1=nova(rbd), n2=nova()))
    assert ids(made, "blocker") == ["rbd_without_locations"]
    assert made.findings[0].host == "g1" and made.findings[0].message.startswith("n1 keep")
    shown = glance("DEFAULT/show_multiple_locations = true")
    assert plan(fleet(g1=shown, n1=nova(rbd))).verdict == "ready"
    text = '{\n"add_image": "!",\n"set_image_location": "!"}'
    document = {"name": "policy.json", "file": "/p.json", "text": text, "error": None}
    shown["services"]["glance-api"]["policy"] = {"named": None, "files": [document], "overlays": []}
    made = plan(fleet(g1=shown, n1=nova(rbd)))
    assert ids(made) == ["rbd_without_location_policy"] and made.findings[0].place == "g1 /p.json:3"
    assert plan(fleet(g1=shown, n1=nova(rbd)), accept=["rbd_without_location_policy"]).verdict == "ready"


def test_xen_is_a_warning() -> None:
    made = plan(fleet(g1=glance(), n1=nova(V1 + "\nDEFAULT/compute_driver = xenapi.XenAPIDriver")))
    assert (ids(made, "warning"), made.verdict) == (["nova_xen_plugin"], "ready")


# -- consumers and v1 off ---------------------------------------------------------------------------------------------


def test_v1_off_turns_off_and_retires() -> None:
    made = plan(fleet(**healthy()), v1_off=True)
    assert steps(made) == {"nova": ["n1", "n2"], "glance_v1_off": ["g1", "g2"]}
    part = made.local["glance_v1_off"]["g1"]
    assert part["retire"] == ["glance-registry"] and part["restart"] == ["glance-api"]
    assert part["health"]["versions"] == {"present": ["v2"], "absent": ["v1"]}
    written = {change["path"]: [option["option"] for option in change["options"]] for change in part["files"]}
    assert written["/etc/glance/glance-api.conf"] == ["enable_v1_api"]


def test_v2_on_and_v1_off_fit_into_one_run() -> None:
    made = plan(fleet(g1=glance("DEFAULT/enable_v2_api = false"), n1=nova()), v1_off=True)
    assert steps(made) == {"glance_v2_on": ["g1"], "nova": ["n1"], "glance_v1_off": ["g1"]}
    assert made.verdict == "ready"


def test_a_registry_that_is_needed_goes_on() -> None:
    asking = glance("DEFAULT/data_api = glance.db.registry.api")
    made = plan(fleet(g1=asking, n1=nova()), v1_off=True)
    assert ids(made, "note") == ["registry_needed"]
    assert made.local["glance_v1_off"]["g1"]["retire"] == []


def quiet(seen: str | None = None, days: int = 8) -> dict[str, Any]:
    """Logs that end now and cover these days, with one caller of v1 at most."""
    moment = "2026-11-20T12:00:00Z"
    caller = {
        "client": "192.0.2.9",
        "user_agent": None,
        "requests": {"v1": 3},
        "first": seen,
        "last": seen,
        "examples": [],
    }
    log = {"path": "/var/log/glance/api.log", "format": "eventlet", "error": None, "unreadable": 0}
    covered = [{"from": f"2026-11-{20 - days:02}T12:00:00Z", "to": moment}]
    return {"files": [log], "covered": covered, "callers": [caller] if seen else [], "troubles": []}


NOW = 1795176000.0  # 2026-11-20T12:00:00Z


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (quiet(), None),
        (quiet("2026-11-19T12:00:00Z"), "v1_callers_seen"),
        (quiet("2026-11-12T13:00:00Z"), None),
        (quiet(days=2), "v1_logs_too_short"),
        ({"failed": True, "msg": "no"}, "v1_logs_unreadable"),
    ],
)
def test_v1_goes_off_only_after_quiet_days(log: dict[str, Any], expected: str | None) -> None:
    host = glance()
    host.update(time=NOW, addresses=["192.0.2.9"])
    given = replace(fleet(g1=host, n1=nova(V2)), callers={"g1": log})
    made = plan(given, v1_off=True, v1_quiet_days=7)
    assert ids(made) == ([expected, "v1_stays_on"] if expected else [])
    assert list(steps(made)) == ([] if expected else ["glance_v1_off"])
    if expected:
        accepted = plan(given, v1_off=True, v1_quiet_days=7, accept=[expected])
        assert list(steps(accepted)) == ["glance_v1_off"]
        # Where v1 is to stay on, it is worth a note and no more.
        assert ids(plan(given, v1_quiet_days=7), "note") == [expected]
    if expected == "v1_callers_seen":
        assert "192.0.2.9 (g1) 3 requests" in made.findings[0].message


def test_v1_that_cannot_be_turned_off_is_a_blocker() -> None:
    fixed = glance(environment={"OS_DEFAULT__ENABLE_V1_API": "true"}, oslo_config="8.0.1")
    made = plan(fleet(g1=fixed, n1=nova()), v1_off=True)
    assert (
        ids(made, "blocker") == ["glance_v1_cannot_go_off"] and "OS_DEFAULT__ENABLE_V1_API" in made.findings[0].message
    )


@pytest.mark.parametrize(
    ("lines", "more", "expected"),
    [
        ("", {}, ["consumer_speaks_v1"]),
        ("DEFAULT/glance_api_version = 2", {}, []),
        ("DEFAULT/glance_api_version = 1", {"release": None}, ["consumer_speaks_v1"]),
        ("", {"release": None}, ["consumer_unknown"]),
        ("", {"error": "cannot be read"}, ["consumer_unreadable"]),
    ],
)
def test_consumers(lines: str, more: dict[str, Any], expected: list[str]) -> None:
    cinder = survey(service("cinder-volume", lines, **more))
    made = plan(fleet(**healthy(), c1=cinder), v1_off=True)
    assert ids(made) == expected + ["v1_stays_on"] * bool(expected)
    assert ("glance_v1_off" in steps(made)) is not bool(expected)
    assert made.verdict == "ready" and "c1" not in {host for part in made.local.values() for host in part}


@pytest.mark.parametrize(("release", "api"), [("11", ["v2"]), (9, ["v1"]), ("2:12.0.1-0ubuntu1", ["v2"])])
def test_the_operator_names_the_release_of_a_consumer(release: object, api: list[str]) -> None:
    cinder = survey(service("cinder-volume", release=None))
    made = plan(fleet({"c1": {"cinder-volume": {"release": release}}}, **healthy(), c1=cinder))
    assert made.spoken[-1]["api"] == api


@pytest.mark.parametrize("value", ["3", "maybe"])
def test_a_consumer_with_a_value_that_means_nothing_keeps_v1(value: str) -> None:
    cinder = survey(service("cinder-volume", f"DEFAULT/glance_api_version = {value}"))
    made = plan(fleet(**healthy(), c1=cinder), v1_off=True)
    assert ids(made) == ["consumer_unknown", "v1_stays_on"]
    assert "/etc/cinder/cinder-volume.conf:2" in made.findings[0].message


def test_a_series_name_does_not_tell_the_release_of_a_consumer() -> None:
    cinder = survey(service("cinder-volume", release=None))
    made = plan(fleet({"c1": {"cinder-volume": {"release": "queens"}}}, **healthy(), c1=cinder))
    assert ids(made) == ["consumer_unknown"] and "queens is no number" in made.findings[0].message


def test_a_consumer_that_the_catalogue_does_not_know_is_named() -> None:
    unknown = service("cinder-volume", release={"version": "1.0"}) | {"project": "murano", "prog": "murano-engine"}
    made = plan(fleet(**healthy(), c1=survey(unknown)))
    assert ids(made) == ["consumer_unknown"]


def test_a_consumer_that_does_not_answer_is_named() -> None:
    made = plan(fleet(**healthy(), c1={"msg": "no route"}), v1_off=True)
    assert ids(made) == ["consumer_unreadable", "v1_stays_on"]


# -- locks, unfinished runs, the way back -----------------------------------------------------------------------------


def run(run_id: str, hosts: list[str], status: str = "applying", **states: str) -> dict[str, Any]:
    return {"run_id": run_id, "playbook": "upgrade_to_v2", "started": "t", "hosts": hosts, "steps": list(states),
            "catalogue": [], "step_states": states, "status": status}  # fmt: skip


def with_runs(host: dict[str, Any], *runs: dict[str, Any], **more: Any) -> dict[str, Any]:
    open_runs = [each for each in runs if each["status"] not in ("committed", "undone", "abandoned")]
    return {**host, "runs": list(runs), "unfinished": open_runs[0] if open_runs else None, **more}


def test_an_unfinished_run_is_finished() -> None:
    old = run("r1", ["n1"], nova="applying")
    made = plan(fleet(g1=glance(), n1=with_runs(nova(V2), old)))
    assert (made.verdict, ids(made)) == ("ready", ["unfinished_run"])
    assert made.runs.continued and made.runs.continued["run_id"] == "r1"


def test_two_unfinished_runs_are_too_many() -> None:
    made = plan(fleet(g1=with_runs(glance(), run("r1", ["g1"])), n1=with_runs(nova(), run("r2", ["n1"]))))
    assert ids(made, "blocker") == ["unfinished_runs"]


def lock(expires: float = 2000.0, **holder: Any) -> dict[str, Any]:
    return {"run_id": "other", "token": 3, "holder": {"host": "elsewhere", **holder}, "lease": 900, "expires": expires}


@pytest.mark.parametrize(
    ("given", "takeover", "seen"),
    [
        (lock(), False, None),
        (lock(), True, "other:3"),
        (lock(expires=999.0), False, "other:3"),
        (lock(host="control", boot="an earlier one", pid=1, started="7"), False, "other:3"),
    ],
)
def test_locks(given: dict[str, Any], takeover: bool, seen: str | None) -> None:
    made = plan(fleet(**healthy() | {"n2": with_runs(nova(), lock=given)}), takeover=takeover)
    assert made.runs.seen == ({"n2": seen} if seen else {})
    assert ids(made) == ([] if seen else ["locked"])


def test_a_lease_that_lasts_anywhere_lasts_everywhere() -> None:
    old, fresh = with_runs(nova(), lock=lock(expires=1.0)), with_runs(nova(), lock=lock())
    made = plan(fleet(g1=glance(), n1=old, n2=fresh))
    assert ids(made) == ["locked", "locked"] and made.runs.seen == {}


def undo(given: Fleet, run_id: str | None = None, **wishes: Any) -> Plan:
    return _undo.make(given, Wishes(**wishes), CONTROLLER, run_id)


def done() -> Iterator[tuple[str, dict[str, Any]]]:
    hosts = ["g1", "n1", "n2"]
    yield "g1", with_runs(glance(), run("r2", hosts, "committed", glance_v1_off="done"), run("r1", ["g1"], "undone"))
    yield "n1", with_runs(nova(V2), run("r2", hosts, "committed", nova="done"))
    yield "n2", with_runs(nova(V2), run("r2", hosts, "committed", nova="undone"))


def test_the_way_back_takes_the_newest_run_and_what_it_touched() -> None:
    made = undo(fleet(**dict(done())))
    assert (made.verdict, ids(made)) == ("ready", [])
    assert steps(made) == {"nova": ["n1"], "glance_v1_off": ["g1"]}
    assert made.runs.continued and made.runs.continued["run_id"] == "r2"


def test_a_run_that_nobody_knows() -> None:
    assert ids(undo(fleet(**dict(done())), "r9"), "blocker") == ["run_unknown"]
    assert undo(fleet(**healthy())).verdict == "nothing_to_do"


def test_a_run_that_is_undone_already() -> None:
    made = undo(fleet(**dict(done())), "r1")
    assert (made.verdict, ids(made)) == ("nothing_to_do", ["run_undone"])


def test_hosts_of_the_run_that_are_gone_or_silent_block_unless_accepted() -> None:
    surveys = dict(done())
    made = undo(fleet(g1=surveys["g1"], n1={"msg": "no route"}))
    assert ids(made, "blocker") == ["run_host_missing", "run_host_unreachable"]
    accepted = undo(
        fleet(g1=surveys["g1"], n1={"msg": "no route"}), accept=["run_host_missing", "run_host_unreachable"]
    )
    assert accepted.verdict == "ready" and steps(accepted) == {"glance_v1_off": ["g1"]}


def test_the_way_back_waits_for_a_living_run_and_passes_a_dead_one() -> None:
    surveys = dict(done())
    surveys["n1"]["lock"] = lock()
    assert ids(undo(fleet(**surveys)), "blocker") == ["locked"]
    made = undo(fleet(**surveys), takeover=True)
    assert made.verdict == "ready" and made.runs.seen == {"n1": "other:3"}


def test_an_unfinished_run_is_what_a_way_back_is_for() -> None:
    half = with_runs(nova(), run("r3", ["n1"], nova="applying"))
    made = undo(fleet(g1=glance(), n1=half))
    assert (made.verdict, ids(made), steps(made)) == ("ready", [], {"nova": ["n1"]})
