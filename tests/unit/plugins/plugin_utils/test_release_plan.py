# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.filter.release_changes import release_changes
from ansible_collections.stackops.glance.plugins.filter.undoes_release import undoes_release
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _catalogue,
    _config_check,
    _database_plan,
    _plan,
    _policy_plan,
    _release_plan,
    _takeover,
    _undo,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._release_plan import Look, ReleaseWishes

CONTROLLER = _takeover.Controller("control", "boot", 1, "7", "ops")
CONF = "/etc/glance/glance-api.conf"
DRAINED = {"drain": {"file": "/off"}}
KNOWN = _catalogue.releases("glance")


@pytest.fixture(autouse=True)
def nothing_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """What configuration checks and policies find has tests of its own."""
    monkeypatch.setattr(_config_check, "check", lambda *given, **more: [])
    monkeypatch.setattr(_policy_plan, "join", lambda *given: None)


def survey(version: str = "32.0.0", running: list[str] | None = None, link: str | None = None, **more: Any) -> Any:
    def unit(name: str) -> dict[str, Any]:
        return {"name": name, "active_state": "active", "unit_file_state": "enabled", "triggered_by": [], "user": "glance",
                "config_files": [CONF], "config_dirs": [], "restart_pending": False,
                "running": [version] if running is None else running,
                "links": [{"path": "/opt/glance/current", "target": link or version}]}  # fmt: skip

    def service(name: str) -> dict[str, Any]:
        return {"project": "glance", "prog": name, "release": {"version": version}, "units": [unit(name)],
                "config_files": [CONF], "config_dirs": [], "config_origin": "unit", "environment": {}, "oslo_config": None,
                "files": [{"path": CONF, "sha256": "sha"}], "assignments": [], "policy": None, "paste": None,
                "crons": [], "restart_pending": False, "error": None}  # fmt: skip

    services = {"glance-api": service("glance-api"), "glance-scrubber": service("glance-scrubber")}
    return {"hostname": "h", "time": 1000.0, "lock": None, "runs": [], "unfinished": None, "services": services, **more}


def database(*heads: str, **more: Any) -> dict[str, Any]:
    return {"engine": "mysql", "heads": list(heads or ["2024_1_contract01"]), "counts": {}, "bytes": 10**8,
            "galera": False, "binary_log": {"on": False, "trust_function_creators": False}, **more}  # fmt: skip


def plan(surveys: Any, to: str = "33.0.0", look: dict[str, Any] | None = None, **wishes: Any) -> _plan.Plan:
    fleet = _plan.Fleet(list(surveys), [], [], surveys)
    files = [{"path": "/etc/systemd/system/glance-api.service", "content": "new"}]
    looks = {host: Look(look or database(), files, [{"path": "/srv/new"}]) for host in surveys}
    return _release_plan.make(
        fleet, looks, _plan.Wishes(**DRAINED, **wishes), ReleaseWishes(to), _policy_plan.PolicyWishes(), {}, CONTROLLER
    )


def ids(made: _plan.Plan, severity: str = "") -> list[str]:
    return [found.id for found in made.findings if severity in ("", found.severity)]


def steps(made: _plan.Plan) -> list[tuple[str, list[str]]]:
    return [(step["name"], step["hosts"]) for step in made.steps]


TWO = {"g1": survey(), "g2": survey()}


def test_a_hop_of_one_schema() -> None:
    """From 32 to 33 the database stays as it is: the hosts are switched, and no more."""
    made = plan(TWO)
    assert (made.verdict, ids(made)) == ("ready", ["way_back"])
    assert steps(made) == [("glance_release", ["g1", "g2"])]
    part = made.local["glance_release"]["g1"]
    assert part["links"] == [{"path": "/opt/glance/current", "before": "32.0.0", "after": "33.0.0"}]
    assert part["restart"] == ["glance-api", "glance-scrubber"] and part["start"] == [] and part["drain"]
    assert part["health"]["environment"] == "/opt/glance/33.0.0" and part["files"][0]["content"] == "new"
    assert (
        part["health"]["linked"] == ["glance-api", "glance-scrubber"] and part["directories"][0]["path"] == "/srv/new"
    )
    assert made.release == {"from": ["32.0.0"], "to": "33.0.0", "offline": False, "heads": ["2024_1_contract01"]}


def test_nothing_is_left_to_do() -> None:
    made = plan({"g1": survey("33.0.0"), "g2": survey("33.0.0")})
    assert (made.verdict, ids(made), steps(made)) == ("nothing_to_do", [], [])


@pytest.mark.parametrize(
    "half",
    [survey("33.0.0", running=["32.0.0"]), survey("33.0.0", link="32.0.0"), survey("33.0.0", running=[]),
     survey("33.0.0", running=["32.0.0", "33.0.0"])],
    ids=["not restarted", "link put back", "nothing seen", "an old worker"],
)  # fmt: skip
def test_a_host_that_only_seems_to_have_it(half: Any) -> None:
    assert steps(plan({"g1": survey("33.0.0"), "g2": half})) == [("glance_release", ["g2"])]


def test_a_hop_with_a_new_schema_is_online_from_one_release_to_the_next() -> None:
    made = plan({"g1": survey("27.1.1"), "g2": survey("27.1.1")}, "28.2.0", database("2023_1_contract01"))
    assert steps(made) == [
        *(("database_expand", ["g1"]), ("database_migrate", ["g1"]), ("glance_release", ["g1", "g2"])),
    ]
    work = made.local["database_expand"]["g1"]["database"]
    assert work == {"verb": "expand", "environment": "/opt/glance/28.2.0", "config_files": [CONF], "config_dirs": [],
                    "user": "glance", "moves": []}  # fmt: skip
    assert (made.verdict, ids(made)) == ("ready", ["way_back"])


def test_a_hop_that_was_cut_off_between_expand_and_migrate() -> None:
    half = database("train_expand01", "rocky_contract02", counts={"19-0": 3})
    assert steps(plan({"g1": survey("18.0.1")}, "19.0.4", half)) == [
        *(("database_migrate", ["g1"]), ("glance_release", ["g1"])),
    ]


def test_what_the_hop_leaves_for_the_contract_step_is_nothing_to_do() -> None:
    half = database("2024_1_expand01", "2023_1_contract01")
    made = plan({"g1": survey("28.2.0")}, "28.2.0", half)
    assert (made.verdict, steps(made)) == ("nothing_to_do", [])
    half = database("train_expand01", "rocky_contract02", counts={"19-0": 3})
    assert steps(plan({"g1": survey("19.0.4")}, "19.0.4", half)) == [("database_migrate", ["g1"])]


def test_the_contract_step_of_the_release_before_comes_first() -> None:
    half = database("wallaby_expand01", "ussuri_contract01")
    made = plan({"g1": survey("25.1.0")}, "26.1.0", half)
    assert ids(made, "blocker") == ["contract_pending"]


@pytest.mark.parametrize(
    ("version", "to", "look", "why"),
    [
        ("26.1.0", "33.0.0", database("2023_1_contract01"), "not next to each other"),
        (
            "27.1.1",
            "28.2.0",
            database("2023_1_contract01", engine="postgresql"),
            "a database of postgresql offline alone",
        ),
    ],
)
def test_an_offline_hop_has_to_be_accepted_and_stops_everything(version: str, to: str, look: Any, why: str) -> None:
    surveys = {"g1": survey(version), "g2": survey(version)}
    made = plan(surveys, to, look)
    found = next(each for each in made.findings if each.id == "offline_hop")
    assert (
        (made.verdict, found.accept) == ("blocked", True) and why in found.message and " s by the size" in found.message
    )
    made = plan(surveys, to, look, accept=["offline_hop"])
    assert made.verdict == "ready"
    assert steps(made) == [
        *(("glance_stopped", ["g1", "g2"]), ("database_sync", ["g1"]), ("glance_release", ["g1", "g2"])),
    ]
    stopped, started = made.local["glance_stopped"]["g2"], made.local["glance_release"]["g2"]
    assert (
        stopped["retire"] == ["glance-api", "glance-scrubber"] and stopped["drain"] and stopped["health"]["url"] is None
    )
    assert started["start"] == ["glance-api", "glance-scrubber"] and started["drain"]
    assert stopped["health"]["url_back"] and started["health"]["url_back"] is None
    work = made.local["database_sync"]["g1"]["database"]
    assert work["head"] == _database_plan.head(_catalogue.release("glance", to)) and work["bytes"] == 10**8
    assert work["dump"] == (look["engine"] == "mysql") == ("dump_impossible" not in ids(made))


def with_timer(made: Any) -> Any:
    """A host whose scrubber a timer starts, and whose registry runs from elsewhere."""
    services = made["services"]
    services["glance-scrubber"]["units"][0].update(active_state="inactive", triggered_by=["glance-scrubber.timer"])
    unit = {**services["glance-api"]["units"][0], "name": "glance-registry", "links": []}
    services["glance-registry"] = {**services["glance-api"], "prog": "glance-registry", "units": [unit]}
    return made


def test_nothing_may_start_glance_while_its_database_is_changed() -> None:
    made = plan({"g1": with_timer(survey("26.1.0"))}, look=database("2023_1_contract01"), accept=["offline_hop"])
    stopped, started = made.local["glance_stopped"]["g1"], made.local["glance_release"]["g1"]
    assert stopped["retire"] == ["glance-scrubber.timer", "glance-api", "glance-registry"]
    # What is not of the release is started by the record.
    assert started["start"] == ["glance-api"] and started["resume"] == ["glance_stopped", "glance_release"]
    assert started["health"]["linked"] == ["glance-api", "glance-scrubber"]


def cut_off(version: str, states: dict[str, str], runs: bool, **release: Any) -> Any:
    """A host of a run that was killed: what it has, whether Glance runs, and how far the steps came."""
    record = {
        "run_id": "20261126T100000Z-1", "playbook": "flip_release", "started": "t", "hosts": ["g1", "g2"], "steps": [],
        "catalogue": [], "status": "applying", "step_states": states,
        "release": {"from": ["26.1.0"], "to": "33.0.0", "offline": True, "heads": ["2023_1_contract01"], **release},
    }  # fmt: skip
    made = survey(version, running=[version] if runs else [], runs=[record], unfinished=record)
    for service in made["services"].values():
        service["units"][0]["active_state"] = "active" if runs else "inactive"
    return made


@pytest.mark.parametrize(
    ("first", "second", "heads", "wanted"),
    [
        # Killed while the database was changed: all are stopped.
        (("26.1.0", False), ("26.1.0", False), "2023_1_contract01", ["glance_stopped", "database_sync", "glance_release"]),
        # Killed between two hosts: the first has the release, and runs.
        (("33.0.0", True), ("26.1.0", False), "2024_1_contract01", ["glance_stopped", "glance_release"]),
        # Killed after the last link was moved: by the looks of it all hosts have the release, and one runs nothing.
        (("33.0.0", True), ("33.0.0", False), "2024_1_contract01", ["glance_stopped", "glance_release"]),
    ],
)  # fmt: skip
def test_an_offline_hop_that_was_killed_goes_on_offline(first: Any, second: Any, heads: str, wanted: list[str]) -> None:
    states = {"glance_stopped": "done"}
    surveys = {"g1": cut_off(first[0], states, first[1]), "g2": cut_off(second[0], states, second[1])}
    assert ids(plan(surveys, look=database(heads)), "blocker") == ["offline_hop"]
    made = plan(surveys, look=database(heads), accept=["offline_hop"])
    assert made.verdict == "ready" and [name for name, _hosts in steps(made)] == wanted
    part = made.local["glance_release"]["g2"]
    assert part["start"] == ["glance-api"] and part["restart"] == []
    assert made.release["from"] == ["26.1.0"] and made.release["offline"]
    told = next(each for each in made.findings if each.id == "way_back")
    assert told.message.startswith("Glance 26.1.0 (2023.1) runs on")


def test_a_hop_that_was_cut_off_is_finished_before_another() -> None:
    made = plan({"g1": cut_off("26.1.0", {"glance_stopped": "done"}, False, to="32.0.0")}, accept=["offline_hop"])
    assert (ids(made, "blocker"), steps(made)) == (["release_begun"], [])
    assert "-e glance_release=32.0.0" in next(each.remedy for each in made.findings if each.id == "release_begun")


def test_data_that_an_earlier_jump_left_out_is_moved() -> None:
    made = plan(TWO, look=database(counts={"19-0": 7, "19-0-back": 1}))
    assert steps(made) == [("database_migrate", ["g1"]), ("glance_release", ["g1", "g2"])]
    assert [move["name"] for move in made.local["database_migrate"]["g1"]["database"]["moves"]] == ["19-0"]
    note = next(each for each in made.findings if each.id == "data_migration_left_out")
    assert note.message.startswith("7 rows") and "backend becomes store" in note.message


@pytest.mark.parametrize(
    ("version", "to", "heads", "told"),
    [
        ("13.0.0", "20.2.0", "044", "by way of Glance 15 (Pike)"),
        ("15.0.2", "33.0.0", "pike01", "by way of Glance 26 (2023.1)"),
        ("13.0.0", "33.0.0", "044", "by way of Glance 15 (Pike), then Glance 26 (2023.1)"),
    ],
)
def test_a_chain_where_one_cannot_jump(version: str, to: str, heads: str, told: str) -> None:
    made = plan({"g1": survey(version, services=without_v1(version))}, to, database(heads), accept=["offline_hop"])
    found = next(each for each in made.findings if each.id == "release_chain")
    assert told in found.remedy and steps(made) == [] and made.verdict == "blocked"


def without_v1(version: str) -> Any:
    services = survey(version)["services"]
    services["glance-api"]["assignments"] = [
        {"group": "DEFAULT", "option": "enable_v1_api", "raw": "false", "file": CONF, "line": 3}
    ]
    return services


def test_a_hop_over_17_is_refused_while_somebody_speaks_v1() -> None:
    made = plan({"g1": survey("15.0.2")}, "20.2.0", database("pike01"), accept=["offline_hop"])
    found = next(each for each in made.findings if each.id == "release_without_v1")
    assert "v1_logs_unreadable on g1" in found.message and made.verdict == "blocked" and steps(made) == []
    made = plan(
        {"g1": survey("15.0.2", services=without_v1("15.0.2"))}, "20.2.0", database("pike01"), accept=["offline_hop"]
    )
    assert made.verdict == "ready" and "release_without_v1" not in ids(made)


def test_units_that_run_through_no_link() -> None:
    bare = survey()
    bare["services"]["glance-api"]["units"][0]["links"] = []
    made = plan({"g1": bare})
    (found,) = [each for each in made.findings if each.severity == "blocker"]
    assert (found.id, steps(made)) == ("release_link_missing", [])
    assert "does not run glance-api itself" in found.message and "deploy.yml" in found.remedy


def packaged(**more: Any) -> Any:
    """Debian's Glance 25.1."""
    found = survey("25.1.0")
    words = [
        "/usr/bin/python3",
        "/usr/bin/glance-api",
        "--config-file=/etc/glance/glance-api.conf",
        "--log-file=/var/log/100%",
    ]
    found["services"]["glance-api"]["units"][0].update({"links": [], "argv": words, "script": words[1], **more})
    found["services"]["glance-scrubber"]["units"][0]["links"] = []
    return found


def test_packages_run_out_of_an_environment_of_their_release() -> None:
    made = plan({"g1": packaged()}, "25.1.0", database("wallaby_contract01"))
    assert (made.verdict, ids(made), steps(made)) == ("ready", ["way_back"], [("glance_release", ["g1"])])
    part = made.local["glance_release"]["g1"]
    (file,) = part["files"]
    assert file["path"] == "/etc/systemd/system/glance-api.service.d/stackops-glance-environment.conf"
    assert file["content"].splitlines()[1:] == [
        "[Service]",
        "ExecStart=",
        "ExecStart=/opt/glance/current/bin/glance-api --config-file=/etc/glance/glance-api.conf --log-file=/var/log/100%%",
    ]
    assert part["links"] == [{"path": "/opt/glance/current", "before": "", "after": "25.1.0"}]
    assert (part["restart"], part["health"]["linked"], part["directories"]) == (["glance-api"], ["glance-api"], [])


@pytest.mark.parametrize(
    ("file", "judged"), [("/opt/glance/current/etc/glance/paste.ini", False), ("/etc/glance/paste.ini", True)]
)
def test_a_paste_file_that_goes_with_the_link_is_not_judged(
    monkeypatch: pytest.MonkeyPatch, file: str, judged: bool
) -> None:
    seen = []
    monkeypatch.setattr(_config_check, "check", lambda service, *given, **more: seen.append(service["paste"]) or [])
    host = survey("25.1.0")
    host["services"]["glance-api"]["paste"] = {"file": file, "text": ""}
    plan({"g1": host}, "26.1.0", database("wallaby_contract01"))
    assert bool(seen[0]) == judged


def test_packages_go_to_another_release_by_way_of_an_environment_of_their_own() -> None:
    made = plan({"g1": packaged()}, "26.1.0", database("wallaby_contract01"))
    (found,) = [each for each in made.findings if each.severity == "blocker"]
    assert (found.id, steps(made)) == ("release_link_missing", [])
    assert found.remedy.endswith("-e glance_release=25.1.0.")


@pytest.mark.parametrize(
    "more", [{"container": "abc"}, {"script": None}, {"argv": []}, {"triggered_by": ["glance-api.socket"]}], ids=str
)
def test_packages_that_cannot(more: Any) -> None:
    made = plan({"g1": packaged(**more)}, "25.1.0", database("wallaby_contract01"))
    assert (ids(made, "blocker"), steps(made)) == (["release_link_missing"], [])


def test_from_there_on_the_unit_has_to_be_deployed() -> None:
    drop_in = "/etc/systemd/system/glance-api.service.d/stackops-glance-environment.conf"
    taken = survey("25.1.0")
    unit = taken["services"]["glance-api"]["units"][0]
    unit.update(fragment="/lib/systemd/system/glance-api.service", drop_ins=[drop_in])
    made = plan({"g1": taken}, "26.1.0", database("wallaby_contract01"))
    (found,) = [each for each in made.findings if each.id == "release_files_refused"]
    assert (
        "is that of the packages (/lib/systemd/system/glance-api.service)" in found.message
        and "deploy.yml" in found.message
    )
    unit.update(fragment="/etc/systemd/system/glance-api.service")
    made = plan({"g1": taken}, "26.1.0", database("wallaby_contract01"))
    assert made.local["glance_release"]["g1"]["files"][-1] == {"path": drop_in, "content": None}


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ({"g1": database(), "g2": {"failed": True, "msg": "refused"}}, "database_unreadable"),
        ({"g1": database(), "g2": database("2023_1_contract01")}, "databases_differ"),
        ({"g1": {**database(), "heads": []}, "g2": {**database(), "heads": []}}, "database_unknown"),
    ],
)
def test_databases_that_cannot_be_judged(looks: Any, told: str) -> None:
    fleet = _plan.Fleet(["g1", "g2"], [], [], TWO)
    given = {host: Look(look, []) for host, look in looks.items()}
    made = _release_plan.make(
        fleet, given, _plan.Wishes(), ReleaseWishes("33.0.0"), _policy_plan.PolicyWishes(), {}, CONTROLLER
    )
    assert (ids(made, "blocker"), made.verdict) == ([told], "blocked")


def test_sqlite_serves_one_host() -> None:
    look = database(engine="sqlite", bytes=None, binary_log=None)
    assert ids(plan(TWO, look=look), "blocker") == ["database_not_shared"]
    assert plan({"g1": survey()}, look=look).verdict == "ready"


def test_triggers_that_the_server_refuses() -> None:
    log = {"on": True, "trust_function_creators": False}
    made = plan({"g1": survey("13.0.0", services=without_v1("13.0.0"))}, "14.0.1", database("mitaka02", binary_log=log))
    assert "triggers_refused" in ids(made, "blocker") and "no_way_back" not in ids(made)
    log = {"on": True, "trust_function_creators": True}
    made = plan({"g1": survey("13.0.0", services=without_v1("13.0.0"))}, "14.0.1", database("mitaka02", binary_log=log))
    assert made.verdict == "ready"


@pytest.mark.parametrize("old", KNOWN[1:], ids=str)
def test_every_hop_of_the_catalogue_is_planned_or_refused(old: Any) -> None:
    """Forwards: online to the next release alone, by the chain where it has to be. Backwards: the verdict."""
    version = str(old.newest_known)
    surveys = {"g1": survey(version, services=without_v1(version))} if old.major < 17 else {"g1": survey(version)}
    for new in KNOWN[1:]:
        if new == old:
            continue
        look = database(_database_plan.head(old))
        made = plan(surveys, str(new.newest_known), look, accept=["offline_hop"])
        names = [name for name, _hosts in steps(made)]
        if old.major < 16 and new.major > 26:
            assert "release_chain" in ids(made, "blocker") and names == []
            continue
        assert made.verdict == "ready", made.findings
        schema = _database_plan.schema_of(old) != _database_plan.schema_of(new)
        forward, near = old.major < new.major, abs(old.major - new.major) == 1
        wanted = ["database_expand", "database_migrate"] * (schema and forward and near)
        wanted += ["glance_stopped"] * (not near) + ["database_sync"] * (schema and forward and not near)
        assert names == [*wanted, "glance_release"], (old, new)
        assert ("offline_hop" in ids(made, "warning")) != near
        assert ("release_runs_on_schema" in ids(made)) != forward


@pytest.mark.parametrize("text", ["", "33", "hibiscus", "99.0.0"])
def test_a_flip_goes_to_an_exact_version(text: str) -> None:
    with pytest.raises(GlanceError):
        ReleaseWishes(text).check("release")
    ReleaseWishes(text).check("v2")


def test_what_becomes_of_files_is_what_differs_between_two_layouts() -> None:
    unit = {"path": "/etc/systemd/system/glance-api.service", "mode": "0644"}
    secret = {"section": "database", "option": "connection", "secret_value": "mysql://x:y@z/g"}
    port = {"section": "DEFAULT", "option": "bind_port", "value": "9292"}
    gone = {"section": "DEFAULT", "option": "bind_port", "state": "absent"}
    same = {"section": "paste_deploy", "option": "flavor", "value": "keystone"}
    old = {"files": [{"path": CONF, "options": [secret, port, same, {"section": "task", "option": "old", "value": "1"}]},
                     {**unit, "content": "eventlet"}, {"path": "/etc/logrotate.d/glance", "content": "x", "mode": "0644"},
                     {"path": "/etc/systemd/system/gone.timer", "content": "t", "mode": "0644"}]}  # fmt: skip
    new = {"files": [{"path": CONF, "options": [secret, gone, same]}, {**unit, "content": "gunicorn"},
                     {"path": "/etc/logrotate.d/glance", "content": "x", "mode": "0644"}]}  # fmt: skip
    assert list(_release_plan.changes(old, new)) == [
        {"path": CONF, "options": [gone, {"section": "task", "option": "old", "state": "absent"}]},
        {**unit, "content": "gunicorn"},
        {"path": "/etc/systemd/system/gone.timer", "content": None},
    ]
    assert list(_release_plan.changes(new, new)) == []
    moved = {"files": [{"path": CONF, "options": [{**secret, "option": "sql_connection"}]}]}
    with pytest.raises(GlanceError, match="is a secret that the new release has elsewhere") as caught:
        list(_release_plan.changes(old, moved))
    assert "mysql://" not in caught.value.message


# -- contract ---------------------------------------------------------------------------------------------------------


def contract(surveys: Any, look: dict[str, Any]) -> _plan.Plan:
    fleet = _plan.Fleet(list(surveys), [], [], surveys)
    looks = {host: Look(look, []) for host in surveys}
    return _release_plan.make_contract(fleet, looks, _plan.Wishes(), ReleaseWishes(), CONTROLLER)


HALF = database("2024_1_expand01", "2023_1_contract01")


def test_the_contract_step() -> None:
    made = contract({"g1": survey("28.2.0"), "g2": survey("28.2.0")}, HALF)
    assert (made.verdict, steps(made)) == ("ready", [("database_contract", ["g1"])])
    assert ids(made) == ["contract_takes_nothing"]
    assert made.local["database_contract"]["g1"]["database"]["environment"] == "/opt/glance/28.2.0"
    assert contract({"g1": survey("28.2.0")}, database()).verdict == "nothing_to_do"


@pytest.mark.parametrize(
    "behind", [survey("27.1.1"), survey("28.2.0", running=["27.1.1"]), survey("28.2.0", running=[]),
               survey("28.2.0", running=["27.1.1", "28.2.0"])]
)  # fmt: skip
def test_the_contract_step_is_refused_until_every_host_runs_the_release(behind: Any) -> None:
    made = contract({"g1": survey("28.2.0"), "g2": behind}, HALF)
    assert (made.verdict, ids(made, "blocker"), steps(made)) == ("blocked", ["contract_too_early"], [])


def test_what_the_contract_step_takes_away_is_said() -> None:
    made = contract({"g1": survey("14.0.1")}, database("ocata_expand01", "mitaka02"))
    found = next(each for each in made.findings if each.id == "contract_takes_away")
    assert found.severity == "warning" and "is_public" in found.message and "up to 13" in found.message


def test_the_contract_step_before_the_flip() -> None:
    made = contract({"g1": survey("28.2.0")}, database("2023_1_contract01"))
    assert ids(made, "blocker") == ["contract_before_expand"]


# -- the way back -----------------------------------------------------------------------------------------------------


def undone(
    release: dict[str, Any],
    look: dict[str, Any],
    steps_: tuple[str, ...] = ("glance_release",),
    dump: dict[str, Any] | None = None,
    restore: bool = False,
    accept: tuple[str, ...] = (),
) -> _plan.Plan:
    record = {
        "run_id": "20261126T100000Z-1", "playbook": "flip_release", "started": "t", "hosts": ["g1"], "steps": list(steps_),
        "catalogue": [], "release": release, "status": "committed", "step_states": dict.fromkeys(steps_, "done"),
        "dump": dump,
    }  # fmt: skip
    surveys = {"g1": survey("33.0.0", runs=[record])}
    assert undoes_release(surveys["g1"]) == bool(release.get("from"))
    fleet = _plan.Fleet(["g1"], [], [], surveys)
    return _undo.make(fleet, _plan.Wishes(accept=list(accept)), CONTROLLER, None, {"g1": look}, restore)


def test_the_verdict_comes_before_the_way_back() -> None:
    made = undone({"from": ["32.0.0"], "to": "33.0.0"}, database())
    assert (made.verdict, ids(made)) == ("ready", ["release_runs_on_schema"])
    assert steps(made) == [("glance_release", ["g1"])]


def test_no_way_back_to_code_that_does_not_run_on_the_schema() -> None:
    made = undone({"from": ["13.0.0"], "to": "14.0.1"}, database("ocata_contract01"))
    assert (made.verdict, ids(made)) == ("blocked", ["release_not_on_schema"])
    assert undone({"from": ["13.0.0"], "to": "14.0.1"}, database("ocata_expand01", "mitaka02")).verdict == "ready"


def test_data_that_the_older_code_would_not_find() -> None:
    made = undone({"from": ["18.0.1"], "to": "19.0.4"}, database("train_contract01", counts={"19-0-back": 4}))
    found = made.findings[0]
    assert (found.id, found.severity, found.accept) == ("release_misreads_data", "blocker", True)
    assert "4 rows" in found.message and "UPDATE image_locations" in found.message


OFFLINE = ("glance_stopped", "database_sync", "glance_release")
DUMP = {"file": "/var/lib/stackops-glance/runs/R/database/dump.sql.gz", "time": 1790000000.0, "images": 12}


def test_the_dump_stays_where_nobody_asks_for_it() -> None:
    made = undone({"from": ["26.1.0"], "to": "33.0.0", "offline": True}, database(), OFFLINE, DUMP)
    assert (made.verdict, ids(made)) == ("ready", ["offline_way_back", "dump_kept", "release_runs_on_schema"])
    assert "2026-09-21 14:13:20 UTC, with 12 images, is /var/lib" in made.findings[1].message


def test_a_dump_is_put_back_once_what_is_lost_is_accepted() -> None:
    since = {"run_id": "20261126T100000Z-1", "made": [{"id": f"i{n}", "name": "x", "created_at": "t"} for n in range(25)],
             "deleted": ["d"]}  # fmt: skip
    # Whether the old code runs on the database of now is no matter.
    look = database("ocata_contract01", dump=since)
    made = undone({"from": ["13.0.0"], "to": "15.0.2"}, look, OFFLINE, DUMP, restore=True)
    assert (made.verdict, ids(made)) == ("blocked", ["restore_orphans", "dump_put_back"])
    message = made.findings[0].message
    assert (
        "25 images were made since" in message
        and "i19 (x) and 5 more" in message
        and "1 images were deleted" in message
    )
    made = undone({"from": ["13.0.0"], "to": "15.0.2"}, look, OFFLINE, DUMP, restore=True, accept=("restore_orphans",))
    assert made.verdict == "ready" and [name for name, _hosts in steps(made)] == list(OFFLINE)
    nothing = database(dump={**since, "made": [], "deleted": []})
    assert ids(undone({"from": ["26.1.0"]}, nothing, OFFLINE, DUMP, restore=True)) == ["dump_put_back"]


@pytest.mark.parametrize(
    ("dump", "look", "told"),
    [(None, database(dump=None), "dump_missing"), (DUMP, database(dump=None), "database_unreadable"),
     (DUMP, {"failed": True, "msg": "refused"}, "database_unreadable"),
     (DUMP, database(dump={"run_id": "another", "made": [], "deleted": []}), "database_unreadable")],
)  # fmt: skip
def test_a_dump_that_cannot_be_put_back(dump: Any, look: Any, told: str) -> None:
    made = undone({"from": ["26.1.0"], "to": "33.0.0"}, look, OFFLINE, dump, restore=True)
    assert (made.verdict, ids(made, "blocker")) == ("blocked", [told])


def test_a_contract_step_stays() -> None:
    made = undone({}, database(), ("database_contract",))
    assert (made.verdict, ids(made)) == ("blocked", ["contract_stays"])


def test_a_run_about_something_else_asks_no_database() -> None:
    assert undone({}, {}, ("policy",)).verdict == "ready"
    assert not undoes_release({"runs": []}) and not undoes_release({})


def test_the_files_of_a_host_by_its_variables() -> None:
    """From eventlet to gunicorn: the unit, and the options that Glance itself no longer has."""
    found = release_changes({"auth_url": "http://keystone:5000", "service_password": "s3cret"}, survey(), "33.0.0")
    files = {each["path"]: each for each in found["files"]}
    assert set(files) == {CONF, "/etc/systemd/system/glance-api.service"}
    options = {(each["section"], each["option"]): each for each in files[CONF]["options"]}
    assert options["DEFAULT", "bind_port"]["state"] == "absent"
    assert "/var/lib/glance/staging" in [each["path"] for each in found["directories"]]
    assert "gunicorn" in files["/etc/systemd/system/glance-api.service"]["content"] and "s3cret" not in str(found)
    assert "No installed Glance" in release_changes({}, {}, "33.0.0")["error"]


def test_a_host_with_keystone_is_not_described_as_an_open_one() -> None:
    found = survey()
    found["services"]["glance-api"]["paste"] = {
        "flavor": "keystone+cachemanagement",
        "text": "",
        "file": None,
        "error": None,
    }
    assert "glance_release_auth_url is empty" in release_changes({}, found, "33.0.0")["error"]
    assert "error" not in release_changes({"auth_url": "http://keystone:5000"}, found, "33.0.0")


def test_files_that_cannot_be_computed_stop_the_flip() -> None:
    fleet = _plan.Fleet(["g1"], [], [], {"g1": survey()})
    looks = {"g1": Look(database(), [], error="no paste flavor")}
    made = _release_plan.make(
        fleet, looks, _plan.Wishes(), ReleaseWishes("33.0.0"), _policy_plan.PolicyWishes(), {}, CONTROLLER
    )
    assert (made.verdict, ids(made, "blocker")) == ("blocked", ["release_files_refused"])
