# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import sqlite3

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _database_plan

RELEASES = _catalogue.releases("glance")
BY_MAJOR = {release.major: release for release in RELEASES}


def at(*heads: str) -> tuple[int, int]:
    found = _database_plan.position(heads)
    return found.contracted.major, found.expanded.major


@pytest.mark.parametrize(
    ("heads", "told"),
    [
        (["044"], (13, 13)),
        (["mitaka02"], (13, 13)),
        (["ocata_expand01", "mitaka02"], (13, 14)),
        (["ocata01"], (14, 14)),
        (["pike01"], (15, 15)),
        (["pike_contract01"], (15, 15)),
        (["rocky_contract02"], (17, 17)),
        (["wallaby_expand01", "ussuri_contract01"], (20, 22)),
        (["wallaby_contract01"], (22, 22)),
        (["zed_contract01"], (25, 25)),
        (["2024_1_expand01", "2023_1_contract01"], (26, 28)),
        (["2024_1_contract01"], (28, 28)),
    ],
)
def test_where_revisions_are(heads, told):
    assert at(*heads) == told


@pytest.mark.parametrize("heads", [[], ["ocata_expand01"], ["2031_1_contract01"], ["nonsense"], ["a1b2c3d4e5f6"]])
def test_revisions_that_nobody_knows(heads):
    with pytest.raises(GlanceError):
        _database_plan.position(heads)


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_every_release_is_at_home_in_its_own_database(release):
    here = _database_plan.position([_database_plan.head(release)])
    assert _database_plan.commands(here, release, {}) == [] and not _database_plan.to_contract(here, release)
    assert _database_plan.chain(here.contracted, release) == [release]
    assert _database_plan.verdict(release, here, {}) == ([], [], [])


@pytest.mark.parametrize("old", RELEASES[:-1], ids=str)
def test_every_hop_of_the_catalogue(old):
    """Each link of a chain takes the database that the one before left, and no shorter way is missed."""
    for new in RELEASES[RELEASES.index(old) + 1 :]:
        left = _database_plan.position([_database_plan.head(old)])
        here = left.contracted
        chain = _database_plan.chain(here, new)
        assert chain[-1] == new and chain == sorted(chain, key=lambda release: release.major)
        for release in chain:
            takes = release.database.takes
            assert takes is None or here.major >= takes.since
            here = release
        # From before 14 through 14 or 15, for later releases leave images without a visibility; from there through one up to 26.
        assert len(chain) == 1 + (old.major < 14 and new.major >= 16) + (old.major < 16 and new.major >= 27)
        same = _database_plan.schema_of(old) == _database_plan.schema_of(new)
        assert _database_plan.commands(left, new, {}) == ([] if same else ["expand", "migrate"])
        verdict = _database_plan.verdict(old, _database_plan.position([_database_plan.head(new)]), {})
        assert bool(verdict.broken) == (old.major == 13)


def test_the_chain_of_the_oldest():
    assert [release.major for release in _database_plan.chain(BY_MAJOR[13], BY_MAJOR[33])] == [15, 26, 33]


def test_between_expand_and_contract():
    half = _database_plan.position(["wallaby_expand01", "ussuri_contract01"])
    assert _database_plan.commands(half, BY_MAJOR[22], {}) == [] and _database_plan.to_contract(half, BY_MAJOR[22])
    train = _database_plan.position(["train_expand01", "rocky_contract02"])
    assert _database_plan.commands(train, BY_MAJOR[19], {"19-0": 5}) == ["migrate"]
    assert _database_plan.commands(train, BY_MAJOR[19], {"19-0": 0}) == []
    # The contract step of Ocata alone breaks the release before: until then there is a way back.
    ocata = _database_plan.position(["ocata_expand01", "mitaka02"])
    assert _database_plan.verdict(BY_MAJOR[13], ocata, {}).runs
    assert not _database_plan.verdict(BY_MAJOR[13], _database_plan.position(["ocata_contract01"]), {}).runs


def test_what_older_code_would_misread():
    """Train's migration, which later releases go on with as images are read."""
    here = _database_plan.position(["2024_1_contract01"])
    for old in RELEASES:
        told = _database_plan.verdict(old, here, {"19-0-back": 3})
        assert bool(told.misread) == (old.major in (17, 18)), old
        assert not _database_plan.verdict(old, here, {"19-0-back": 0}).misread
    assert "3 rows" in _database_plan.verdict(BY_MAJOR[18], here, {"19-0-back": 3}).misread[0]


def test_migrations_that_a_jump_leaves_out():
    """Only the release itself runs Train's: later ones leave it out, and so does whoever has jumped before."""
    left = {release.major: list(_database_plan.moves(release)) for release in RELEASES}
    assert left == {release.major: ["19-0"] if release.major > 19 else [] for release in RELEASES}
    assert _database_plan.left_out(BY_MAJOR[25], {"19-0": 0}) == []
    assert [move["name"] for move in _database_plan.left_out(BY_MAJOR[25], {"19-0": 7})] == ["19-0"]


def test_the_statements_do_what_is_said_of_them():
    """On SQLite, as they are written for any engine."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE image_locations (meta_data TEXT)")
    rows = ['{"backend": "fast"}', '{"store": "slow"}', "{}"]
    database.executemany("INSERT INTO image_locations VALUES (?)", [(row,) for row in rows])
    move = BY_MAJOR[19].database.migrations[0]

    def number(sql):
        return database.execute(sql).fetchone()[0]

    assert (number(move.left), number(move.back.left)) == (1, 1)
    for statement in move.run:
        database.execute(statement)
    assert (number(move.left), number(move.back.left)) == (0, 2)
    assert {row[0] for row in database.execute("SELECT * FROM image_locations")} == {
        *('{"store": "fast"}', '{"store": "slow"}', "{}"),
    }
    for statement in move.back.run:
        database.execute(statement)
    assert (number(move.left), number(move.back.left)) == (2, 0)


@pytest.mark.parametrize(
    ("verb", "heads", "major", "after"),
    [
        ("expand", ["ussuri_contract01"], 22, ["ussuri_contract01", "wallaby_expand01"]),
        ("expand", ["ussuri_contract01", "wallaby_expand01"], 22, ["ussuri_contract01", "wallaby_expand01"]),
        ("migrate", ["ussuri_contract01", "wallaby_expand01"], 22, ["ussuri_contract01", "wallaby_expand01"]),
        ("contract", ["ussuri_contract01", "wallaby_expand01"], 22, ["wallaby_contract01"]),
        ("sync", ["pike01"], 20, ["ussuri_contract01"]),
        ("sync", ["2024_1_contract01"], 33, ["2024_1_contract01"]),
        ("contract", ["2024_1_contract01"], 32, ["2024_1_contract01"]),
    ],
)
def test_where_a_command_ends(verb, heads, major, after):
    assert _database_plan.after(verb, heads, BY_MAJOR[major]) == after


def test_how_long_it_may_take():
    quick = _database_plan.seconds(BY_MAJOR[28], BY_MAJOR[33], 10**12)
    slow = _database_plan.seconds(BY_MAJOR[15], BY_MAJOR[33], 10**9)
    assert quick == 2 * _database_plan.COMMAND and slow > 100
