# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Two hosts that the collection has deployed, from 32.0.0 to 33.0.0 and back, and a database from one schema to the next.

The cases build on each other, so their order counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from lablib import databases, faults, hops, trial
from lablib.hops import DATABASE, HOSTS, NEW, OLD, Places, Users, answers, changed_since, running

#: Debian's Glance 25.1, for a database that has to be changed.
LATER = "glance25"


@pytest.fixture(scope="module", name="places", autouse=True)
def fixture_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with hops.places(tmp_path_factory.mktemp("release"), LATER) as found:
        yield found


@pytest.fixture(scope="module", name="users")
def fixture_users() -> Users:
    return Users()


def test_deployed(places: Places, users: Users) -> None:
    places.play("deploy", release=OLD).succeeds()
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}
    trial.wait_for(lambda: answers() == 200)
    for name in ("before", "before as well"):
        users.keep(name)
    users.before = trial.look(*HOSTS)


@trial.thorough
def test_a_look_changes_nothing_and_says_what_would_be(places: Places, users: Users) -> None:
    looked = places.play("flip_release", "--check", "--diff", release=NEW)
    looked.succeeds().says("Glance runs Glance 33.0.0", "way_back", "-> 33.0.0", "gunicorn")
    assert changed_since(users.before) == []
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}


def test_from_one_release_to_the_next_while_images_are_asked_for(places: Places, users: Users) -> None:
    with users.at_work():
        places.play("flip_release", release=NEW).succeeds()
    users.run = trial.runs(HOSTS[0])[-1]
    assert users.failures == [] and users.count > 20
    assert {running(host) for host in HOSTS} == {(NEW, NEW)}
    users.all_readable()


@trial.thorough
def test_again_there_is_nothing_to_do(places: Places) -> None:
    trial.count_executions(*HOSTS)
    before = {host: running(host) for host in HOSTS}
    again = places.play("flip_release", release=NEW, environ={hops.COUNTED: "/root/counted-python"}).succeeds()
    assert again.changed() == 0
    again.says("nothing was to be done")
    assert {host: running(host) for host in HOSTS} == before
    for host in HOSTS:
        assert 0 < trial.executions(host) <= hops.MOST


@trial.thorough
def test_the_contract_step_has_nothing_to_take_away(places: Places) -> None:
    assert places.play("flip_release_contract").succeeds().changed() == 0


@trial.thorough
def test_what_is_contracted_stays_whatever_fails(places: Places) -> None:
    # As after the expand step of 2024.1, whose contract step takes nothing away.
    half = ["2023_1_contract01", "2024_1_expand01"]
    databases.execute("DELETE FROM alembic_version", DATABASE)
    databases.execute("".join(f"INSERT INTO alembic_version VALUES ('{head}');" for head in half), DATABASE)
    writes = "INSERT, UPDATE, DELETE ON `release`.* {} 'glance'@'%'"
    databases.execute(f"REVOKE {writes.format('FROM')}")
    places.play("flip_release_contract").fails("db contract failed", "not finished, the database may hold a part of it")
    assert (
        "committed" not in [entry["event"] for entry in trial.journal(HOSTS[0])]
        and sorted(map(str, hops.heads())) == half
    )
    databases.execute(f"GRANT {writes.format('TO')}")
    places.play("flip_release", release=OLD).fails("unfinished_by_another", "flip_release_contract")
    # Killed after the database was asked, and whatever glance-manage makes of it.
    watch = faults.Watch(f"{HOSTS[0]} database_before database_contract", "modules")
    killed = places.play("flip_release_contract")
    watch.wait(killed)
    killed.kill()
    watch.signal("KILL")
    # The proof fails, since no image can be made.
    refuse = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no image today'"
    databases.execute(f"CREATE TRIGGER no_image BEFORE INSERT ON images FOR EACH ROW {refuse}", DATABASE)
    try:
        failed = places.play("flip_release_contract")
        failed.fails("done, and it stays, though something failed afterwards", "no release undoes a contract step")
    finally:
        databases.execute("DROP TRIGGER no_image", DATABASE)
    assert trial.journal(HOSTS[0])[-1]["event"] == "committed" and hops.heads() == ["2024_1_contract01"]
    places.play("rollback").fails("contract_stays")
    assert {running(host) for host in HOSTS} == {(NEW, NEW)}


def test_and_back_to_the_same_bytes(places: Places, users: Users) -> None:
    with users.at_work():
        places.play("rollback", run=users.run).succeeds().says("release_runs_on_schema")
    assert users.failures == []
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}
    assert changed_since(users.before) == []
    users.all_readable()


# -- a database that has to be changed --------------------------------------------------------------------------------


def database(state: str, *more: str) -> dict[str, Any]:
    return trial.result(trial.module(LATER, "glance_database", {"state": state}, *more))


@pytest.fixture(scope="module", name="older")
def fixture_older() -> Iterator[str]:
    """The database of 20.2.0 with images, locations of which have what Train's migration moves, behind Glance 25.1."""
    name = "release_older"
    databases.create(name, "20.2.0")
    databases.fill(name, 100, 1)
    databases.execute('UPDATE image_locations SET meta_data = \'{"backend": "fast"}\' WHERE id % 4 = 0', name)
    trial.sh(LATER, f"sed -i 's#@infra/[a-z0-9]*?#@infra/{name}?#' {trial.GLANCE_CONF}; systemctl stop glance-api")
    yield name
    databases.drop(name)


def test_a_look_at_a_database_writes_nothing(older: str) -> None:
    before = databases.execute("CHECKSUM TABLE images, image_locations, alembic_version", older)
    found = trial.result(trial.module(LATER, "glance_database_info", {"to_release": "zed"}))
    assert (found["engine"], found["heads"], found["images"]) == ("mysql", ["ussuri_contract01"], 100)
    assert found["counts"]["19-0"] == 25 and found["verdict"]["commands"] == ["expand", "migrate"]
    assert not found["verdict"]["runs"] and found["verdict"]["chain"] == ["Glance 25 (Zed)"]
    wanted = database("expanded", "--check")
    assert wanted["changed"] and wanted["after"] == ["ussuri_contract01", "wallaby_expand01"]
    assert databases.execute("CHECKSUM TABLE images, image_locations, alembic_version", older) == before


@trial.thorough
def test_commands_keep_their_order(older: str) -> None:
    for state in ("migrated", "contracted"):
        refused = database(state)
        assert refused["failed"] and "expand has to come before" in refused["msg"]


def test_expand_migrate_contract_each_once(older: str) -> None:
    heads = [
        ["ussuri_contract01", "wallaby_expand01"],
        ["ussuri_contract01", "wallaby_expand01"],
        ["wallaby_contract01"],
    ]
    for state, after in zip(("expanded", "migrated", "contracted"), heads, strict=True):
        first, second = database(state), database(state)
        assert (first["changed"], sorted(first["after"]), second["changed"]) == (True, after, False), (
            state,
            first,
            second,
        )
        assert first["moved"] == ({"19-0": 25} if state == "migrated" else {})
    assert databases.rows("SELECT COUNT(*) AS n FROM image_locations WHERE meta_data LIKE '%backend%'", older) == [
        {"n": "0"}
    ]
    found = trial.result(trial.module(LATER, "glance_database_info", {"to_release": "20"}))
    assert found["verdict"]["runs"] and found["verdict"]["beyond"] == [
        "Glance 22 (Wallaby): tasks: user_id, image_id, request_id"
    ]


@trial.thorough
def test_a_failure_is_told_without_the_password(older: str) -> None:
    trial.sh(LATER, f"sed -i 's#glance:[^@]*@infra#glance:wrong-secret@infra#' {trial.GLANCE_CONF}")
    refused = trial.module(LATER, "glance_database", {"state": "synchronised"}).fails("Access denied")
    assert "wrong-secret" not in refused.output
