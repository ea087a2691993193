# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import json
import pathlib
import stat

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _audit, _audit_database, _audit_sql
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import image_audit_info


def _helper():
    path = pathlib.Path(__file__).with_name("glance_database.py")
    spec = importlib.util.spec_from_file_location("glance_database", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


glance = _helper()


def kinds_of(path):
    found = {}
    for row in map(json.loads, path.read_text().splitlines()):
        found.setdefault(row["finding"], set()).add(row["image"])
    return found


@pytest.mark.parametrize("schema", ["visibility", "is_public"])
def test_every_kind_and_nothing_else(tmp_path, run, schema):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite", schema)
    expected = {kind: images for kind, images in glance.fill(database).items() if images}
    found = run(image_audit_info, database=database.url, file=str(tmp_path / "found.jsonl"))
    assert kinds_of(tmp_path / "found.jsonl") == expected
    assert {each["id"]: each["count"] for each in found["findings"]} == {k: len(v) for k, v in expected.items()}
    assert (found["way"], found["schema"], found["complete"], found["cannot_see"]) == ("database", schema, True, [])
    assert found["images"] == database.connection.execute("SELECT COUNT(*) FROM images WHERE NOT deleted").fetchone()[0]
    assert set(glance.GUILTY) == set(_audit.KINDS), "a kind has no image to prove it"
    assert "hush" not in json.dumps(found) + (tmp_path / "found.jsonl").read_text()
    assert stat.S_IMODE((tmp_path / "found.jsonl").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_rows_say_what_to_do(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    image = database.image("<script>", {"two-words": "x", "admin_password": None, "owner": "y"}, owner="<b>")
    run(image_audit_info, database=database.url, file=str(tmp_path / "found.jsonl"))
    rows = [json.loads(line) for line in (tmp_path / "found.jsonl").read_text().splitlines()]
    assert {(row["property"], row.get("to")) for row in rows} == {
        ("two-words", "two_words"),
        ("owner", "custom_owner"),
        ("admin_password", None),
    }
    assert all(row["image"] == image and row["name"] == "<script>" and row["remedy"] for row in rows)
    values = {row["property"]: row.get("value", "left out") for row in rows}
    assert values == {"two-words": "x", "admin_password": "left out", "owner": "y"}


def test_few_examples_and_the_owners_most_concerned(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    for number in range(30):
        database.image(f"image {number}", {"A": "1", "B": "2"}, owner=f"project {number % 20 % 13}")
    found = run(image_audit_info, database=database.url, examples=3)
    (finding,) = found["findings"]
    assert (finding["count"], finding["owners"], len(finding["examples"])) == (30, 13, 3)
    assert len(found["owners"]) == 10 and found["owners"][0] == {"owner": "project 0", "count": 3}
    assert found["file"] is None


def test_only_the_kinds_that_are_wanted(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    glance.fill(database)
    found = run(image_audit_info, database=database.url, kinds=["active-empty", "stuck-queued"])
    assert [each["id"] for each in found["findings"]] == ["active-empty", "stuck-queued"]
    assert "there is no such kind" in run(image_audit_info, database=database.url, kinds=["nonsense"])["msg"]


def test_since_asks_what_v1_would_misread(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    database.image("old", visibility="community", updated_at=glance.OLD)
    database.image("new", {"A": "1"}, visibility="community")
    found = run(image_audit_info, database=database.url, since="2026-11-21")
    assert [(each["id"], each["count"]) for each in found["findings"]] == [("community-visibility", 1)]


def test_formats_of_this_cloud(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    database.image("odd", disk_format="luks")
    assert run(image_audit_info, database=database.url)["count"] == 1
    assert run(image_audit_info, database=database.url, disk_formats=["luks"])["count"] == 0
    assert "no name of a format" in run(image_audit_info, database=database.url, disk_formats=["x') OR 1"])["msg"]


def test_it_writes_nothing(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    glance.fill(database)
    before = database.path.read_bytes()
    run(image_audit_info, database=database.url)
    assert database.path.read_bytes() == before
    with _audit_database.connect(database.url) as opened, pytest.raises(GlanceError, match="readonly"):
        opened.run("DELETE FROM images")


def test_a_database_that_goes_away_leaves_no_file(tmp_path, run, monkeypatch):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    database.image("one", {"A": "1"})
    (tmp_path / "found.jsonl").write_text("of last week\n")

    def broken(_audit):
        raise GlanceError("the connection was lost")

    monkeypatch.setattr(_audit_sql.Audit, "members", broken)
    found = run(image_audit_info, database=database.url, file=str(tmp_path / "found.jsonl"))
    assert "the connection was lost" in found["msg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.jsonl", "glance.sqlite"]
    assert (tmp_path / "found.jsonl").read_text() == "of last week\n"


def test_places_that_cannot_be_written(tmp_path, run):
    database = glance.GlanceDatabase(tmp_path / "glance.sqlite")
    assert "is a directory" in run(image_audit_info, database=database.url, file=str(tmp_path))["msg"]
    there = str(tmp_path / "none" / "x")
    assert "No such file or directory" in run(image_audit_info, database=database.url, file=there)["msg"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("rubbish:geheim", "is no URL"),
        ("postgresql://glance:geheim@db/glance", "begins with postgresql://"),
        ("mysql://glance:geheim@db", "begins with mysql://"),
        ("mysql://glance:geheim@x@db/glance", "begins with mysql://"),
        ("mysql://glance:geheim@db/glance?ssl_ca=/none/such", "no such file"),
        ("mysql://glance:geheim@db/glance?ssl_magic=1", "ssl_magic"),
        ("sqlite:////none/geheim", "is not there"),
    ],
)
def test_addresses_that_say_no_database(run, url, message):
    said = run(image_audit_info, database=url)["msg"]
    assert message in said
    assert "geheim" not in said or url.startswith("sqlite")


def test_addresses_as_oslo_db_writes_them(tmp_path):
    (tmp_path / "ca.pem").write_text("")
    found = _audit_database.parse(
        f"mysql+pymysql://gla%40nce:p%2Fw%3Ao@[::1]:3307/glance?charset=utf8&ssl_ca={tmp_path}/ca.pem&ssl_check_hostname=no"
    )
    assert (found.user, found.password, found.host, found.port) == ("gla@nce", "p/w:o", "::1", 3307)
    assert found.ssl == {"ca": f"{tmp_path}/ca.pem", "check_hostname": False}
    assert "p/w:o" not in f"{found} {found!r}"
    assert _audit_database.parse("mysql:///glance?unix_socket=/run/m.sock").socket == "/run/m.sock"
    assert str(_audit_database.parse("sqlite:////var/lib/glance.sqlite")) == "SQLite file /var/lib/glance.sqlite"


def test_no_password_in_an_error_of_the_library():
    database = _audit_database.Database(_audit_database.parse("mysql://glance:geheim@db/glance"))
    assert "geheim" not in database.trouble(OSError("refused geheim")).message


def test_a_database_that_is_not_glances(tmp_path, run):
    other = tmp_path / "other.sqlite"
    import sqlite3

    sqlite3.connect(other).execute("CREATE TABLE images (id)").connection.commit()
    assert "has no table image_properties" in run(image_audit_info, database=f"sqlite:///{other}")["msg"]
    (tmp_path / "text").write_text("this is no database, however long it may be read " * 9)
    assert "not a database" in run(image_audit_info, database=f"sqlite:///{tmp_path}/text")["msg"]


def test_without_pymysql_it_says_what_to_install(run, monkeypatch):
    monkeypatch.setattr(_audit_database, "PYMYSQL_ERROR", "No module named 'pymysql'")
    assert "PyMySQL" in run(image_audit_info, database="mysql://u:p@h/glance")["msg"]


def test_the_documents_table_says_what_the_kinds_say():
    path = pathlib.Path(__file__).resolve().parents[4] / "docs" / "image-audit.md"
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in path.read_text().splitlines()]
    documented = [row for row in cells if len(row) == 5 and row[0].startswith("`")]
    assert documented == [
        [f"`{kind.id}`", kind.severity, "A" if kind.api else "S", kind.message, kind.remedy]
        for kind in _audit.KINDS.values()
    ]
    assert ", ".join(f"`{name}`" for name in sorted(_audit.BASE)) in path.read_text()
