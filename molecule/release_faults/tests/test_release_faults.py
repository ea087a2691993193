# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A hop that is cut off between its parts, or whose migration fails: the new release or the old one, and all units run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from lablib import databases, faults, hops, trial
from lablib.common import STATE
from lablib.faults import BACK, Point
from lablib.hops import DATABASE, FORTH, HOSTS, OLD, Hop
from lablib.seed import MIB

OFFLINE = (
    # All hosts are stopped, and the database is as it was.
    Point(FORTH, "killed with its worker", "release2 done glance_stopped", FORTH),
    # The dump is being taken, which goes on.
    Point(FORTH, "killed with its worker", "release1 database_before database_sync", BACK),
    # One host has the new release, and the other runs nothing.
    Point(FORTH, "killed with its worker", "release1 done glance_release", FORTH),
    Point(FORTH, "killed with its worker", "release2 restarted glance_release", BACK),
)
ONLINE = (
    Point(FORTH, "killed with its worker", "release1 database database_expand", FORTH),
    Point(FORTH, "killed with its worker", "release1 database database_migrate", BACK),
    # One host has the new release, and the other runs the old one.
    Point(FORTH, "killed with its worker", "release1 done glance_release", FORTH),
    Point(FORTH, "killed with its worker", "release2 restarted glance_release", BACK),
)


@pytest.fixture(scope="module", name="states")
def fixture_states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hop]:
    with hops.places(tmp_path_factory.mktemp("release_faults"), glance_release_scrubber=True) as places:
        places.play("deploy", release=OLD).succeeds()
        trial.wait_for(lambda: hops.answers() == 200)
        image = hops.upload("from before", b"offline" * MIB)
        yield Hop(old=trial.look(*HOSTS), places=places, image=image)


@pytest.fixture(scope="module", name="online")
def fixture_online(states: Hop) -> Hop:
    """To the next release, which is the one that brought the newest schema."""
    return replace(states, new=None, old_release="27.1.1", new_release="28.2.0", accept=(), policy=())


@pytest.fixture(autouse=True)
def trusts(states: Hop) -> Iterator[None]:
    """A hop begins with the old release; the server trusts function creators or not, as its administrator has it."""
    states.begin()
    states.check(BACK)
    asked = "SELECT @@global.log_bin_trust_function_creators AS trusts"
    before = databases.rows(asked)
    yield
    assert databases.rows(asked) == before


@pytest.mark.parametrize("point", OFFLINE, ids=str)
def test_one_further_command_ends_it(point: Point, states: Hop) -> None:
    faults.attempt(point, states)
    assert hops.heads() == ["2024_1_contract01"] or point.then == BACK


@pytest.mark.parametrize("point", ONLINE, ids=str)
def test_one_further_command_ends_it_online(point: Point, online: Hop) -> None:
    faults.attempt(point, online)
    # What an expand step has added stays, and its contract step is nobody's business here.
    assert sorted(map(str, hops.heads())) == ["2023_1_contract01", "2024_1_expand01"]


def test_the_way_back_waits_for_a_migration_that_a_killed_run_has_begun(states: Hop) -> None:
    manage, hold = f"{hops.ROOT}/{hops.NEW}/bin/glance-manage", "/run/hold"
    slow = (
        f'#!/bin/sh\ncase "$*" in *"db sync") while test -e {hold}; do sleep 1; done ;; esac\nexec {manage}.own "$@"\n'
    )
    # Alone, this case is the first that needs it.
    environment = {"release": hops.NEW, "archives": str(STATE / "environments"), "pip": hops.PIP}
    trial.module(HOSTS[0], "glance_environment", environment).succeeds()
    trial.sh(HOSTS[0], f"touch {hold}; mv {manage} {manage}.own; printf '%s' '{slow}' >{manage}; chmod 755 {manage}")
    waits = "glance-manage db sync, which an earlier attempt began, still runs"

    def begun() -> int:
        return len(trial.sh(HOSTS[0], f"ls {trial.RECORDS}/runs/*/database/*/sync/begun", check=False).split())

    before = begun()
    try:
        killed = states.play(FORTH)
        trial.wait_for(lambda: begun() > before, trial.LIMIT)
        killed.kill()
        back = states.play(BACK)
        trial.wait_for(lambda: waits in back.said or back.process.poll() is not None, trial.LIMIT)
        assert hops.heads() == ["2023_1_contract01"]
        for host in HOSTS:
            assert trial.sh(host, "systemctl is-active glance-api || :").strip() == "inactive"
        trial.sh(HOSTS[0], f"rm {hold}")
        back.succeeds().says(waits)
        assert hops.heads() == ["2024_1_contract01"]
    finally:
        trial.sh(HOSTS[0], f"rm -f {hold}; mv {manage}.own {manage}")
    states.check(BACK)


def test_a_migration_that_fails(states: Hop) -> None:
    databases.execute("SET GLOBAL log_bin_trust_function_creators = 1")
    databases.execute("CREATE TABLE node_reference (somebody INT)", DATABASE)
    try:
        failed = states.play(FORTH)
        failed.fails("Table 'node_reference' already exists", "undone, every file and unit is as it was before")
        states.check(BACK)
        assert databases.rows("SELECT @@global.log_bin_trust_function_creators AS trusts") == [{"trusts": "1"}]
    finally:
        databases.execute("DROP TABLE node_reference", DATABASE)
        databases.execute("SET GLOBAL log_bin_trust_function_creators = 0")


def test_the_dump_is_put_back_once_what_is_lost_is_accepted(states: Hop) -> None:
    tables = [str(next(iter(row.values()))) for row in databases.rows("SHOW TABLES", DATABASE)]
    sums = f"CHECKSUM TABLE {', '.join(tables)}"
    before = databases.execute(sums, DATABASE)
    states.play(FORTH).succeeds()
    made = hops.upload("made since", b"since" * MIB)
    databases.execute("UPDATE images SET name = 'changed since'", DATABASE)
    assert states.places is not None
    refused = states.places.play("rollback", restore=True)
    refused.fails("restore_orphans", f"{made} (changed since)", "1 images were made since")
    states.check(FORTH)
    states.places.play("rollback", restore=True, accept=["restore_orphans"]).succeeds().says("dump_put_back", made)
    assert databases.execute(sums, DATABASE) == before and hops.heads() == ["2023_1_contract01"]
    states.check(BACK)
