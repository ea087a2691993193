# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dump of a real SQLite, taken and put back by an environment whose SQLAlchemy is a few lines. MariaDB's is for the lab."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _database, _database_dump, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

RUN = "20261126T100000Z-1"
SQLALCHEMY = """
import sqlite3
class create_engine:
    def __init__(self, url):
        assert url.startswith("sqlite:///"), url
        self.path = url[10:]
        self.dialect = self
        self.name = "sqlite"
    def raw_connection(self):
        self.driver_connection = sqlite3.connect(self.path)
        return self
"""
SCHEMA = """
CREATE TABLE images (id TEXT PRIMARY KEY, name TEXT, created_at TEXT, deleted INTEGER);
CREATE TABLE image_properties (number INTEGER PRIMARY KEY AUTOINCREMENT, image TEXT REFERENCES images (id), value TEXT);
CREATE INDEX of_images ON image_properties (image);
INSERT INTO images VALUES ('a', 'it''s; two
lines', '2026-11-01', 0), ('b', 'schön', '2026-11-02', 0), ('gone', NULL, '2026-11-03', 1);
INSERT INTO image_properties (image, value) VALUES ('a', '{"x": "\\"y\\""}'), ('b', NULL);
"""


class Place:
    """A run's record, a database, and the environment that reaches it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "glance.sqlite"
        self.state_dir = str(folder / "state")
        self.run = _runs.Run(self.state_dir, RUN)
        self.run.write_manifest({"playbook": "flip_release", "steps": []})
        (folder / "sqlalchemy.py").write_text(SQLALCHEMY)
        python = folder / "python"
        python.write_text(f'#!/bin/sh\nPYTHONPATH={folder} exec {sys.executable} "$@"\n')
        python.chmod(0o755)
        conf = folder / "glance-api.conf"
        conf.write_text(f"[database]\nconnection = sqlite:///{self.path}\n")
        self.place = {"python": str(python), "config_files": [str(conf)], "config_dirs": []}
        self.sql(SCHEMA)
        self.dump = _database_dump.Dump(self.run, self.place)

    def sql(self, script: str) -> None:
        connection = sqlite3.connect(self.path)
        connection.executescript(script)
        connection.close()

    def holds(self) -> list[str]:
        connection = sqlite3.connect(self.path)
        try:
            return list(connection.iterdump())
        finally:
            connection.close()


@pytest.fixture(name="place")
def fixture_place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def finish(go_on: Callable[[str], str | None], attempt: str = "1") -> None:
    deadline = time.monotonic() + 20
    while go_on(attempt) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_dump_holds_everything_and_is_for_root_alone(place: Place) -> None:
    before = place.holds()
    finish(place.dump.take)
    found: Any = _database_dump.facts(place.run)
    assert found["images"] == ["a", "b"] and len(found["sha256"]) == 64
    assert place.holds() == before
    folder = Path(place.run.path("database"))
    assert folder.stat().st_mode & 0o077 == 0 and list(folder.rglob("asked.json")) == list(folder.rglob("*.new")) == []


def test_it_is_put_back_in_the_place_of_all_that_came_since(place: Place) -> None:
    before = place.holds()
    finish(place.dump.take)
    place.sql("ALTER TABLE images ADD COLUMN visibility TEXT; CREATE TABLE node_reference (id INTEGER);"
              "INSERT INTO images VALUES ('c', 'new', '2026-11-26', 0, 'public'); DELETE FROM images WHERE id = 'b'")  # fmt: skip
    finish(place.dump.put_back)
    assert place.holds() == before


def test_what_would_be_lost(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _database_dump.lost(place.state_dir, RUN, place.place) is None
    finish(place.dump.take)
    rows = [["a", "it", "2026-11-01"], ["c", "new", "2026-11-26"]]
    monkeypatch.setattr(_database, "look", lambda where, listed: {"listed": rows})
    wanted = {"run_id": RUN, "made": [{"id": "c", "name": "new", "created_at": "2026-11-26"}], "deleted": ["b"]}
    assert _database_dump.lost(place.state_dir, RUN, place.place) == wanted
    assert _database_dump.lost(place.state_dir, "newest", place.place) == wanted
    assert _database_dump.lost(place.state_dir, "another", place.place) is None
    place.run.record("abandoned")
    assert _database_dump.lost(place.state_dir, "newest", place.place) is None


def test_a_dump_that_is_damaged_is_not_put_back(place: Place) -> None:
    with pytest.raises(GlanceError, match="There is no dump of run"):
        place.dump.put_back("1")
    finish(place.dump.take)
    with open(place.dump.file, "ab") as stream:
        stream.write(b"x")
    with pytest.raises(GlanceError, match="no longer has the hash"):
        place.dump.put_back("1")


def test_a_dump_that_fails_says_why_and_is_none(place: Place) -> None:
    place.sql("DROP TABLE images")
    with pytest.raises(GlanceError, match=r"It failed \(1\): a dump of the database is taken: .*no such table: images"):
        finish(place.dump.take)
    assert _database_dump.facts(place.run) is None


def test_what_an_earlier_attempt_began_is_waited_for(place: Place) -> None:
    job = _database.Job(place.run.path("database", "dump-0"))
    job.start([sys.executable, "-c", "import time; time.sleep(1)"], None)
    assert place.dump.take("1") == "an earlier attempt still takes a dump or puts it back"
    finish(place.dump.take)
    assert _database_dump.facts(place.run)
