# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the lab decides before it asks Docker for anything."""

from __future__ import annotations

import json
from concurrent.futures import Future
from pathlib import Path

import pytest
from lablib import databases, hosts, images, releases, trial
from lablib.common import LabError

# -- images -------------------------------------------------------------------------------------------------------


def test_what_others_wait_for_is_begun_before() -> None:
    names = list(images.IMAGES)
    for image in images.IMAGES.values():
        assert all(names.index(needed) < names.index(image.name) for needed in image.needs)


def test_an_image_brings_what_it_is_made_from() -> None:
    assert images.with_needs(["glance20"]) == ["bullseye", "glance20"]
    assert images.with_needs(["infra"]) == ["bookworm", "bullseye", "keystone", "glance", "infra"]
    assert images.with_needs(images.IMAGES) == list(images.IMAGES)


def test_a_tag_follows_the_files_that_the_build_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("base", "common", "release", "glance", "glance20"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "build").write_text(folder, encoding="ascii")
    monkeypatch.setattr(images, "SOURCES", tmp_path)

    def tags() -> tuple[str, str]:
        images.tag.cache_clear()
        return images.tag("glance"), images.tag("glance20")

    glance, glance20 = tags()
    (tmp_path / "release" / "build").write_text("changed", encoding="ascii")
    assert tags()[0] == glance
    assert tags()[1] != glance20
    (tmp_path / "base" / "build").write_text("changed", encoding="ascii")
    assert tags()[0] != glance
    images.tag.cache_clear()


def test_only_the_absent_is_built_and_a_failure_ends_what_needs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def build(image: images.Image) -> None:
        if image.name == "glance":
            raise LabError("no Glance today")
        built.append(image.name)

    monkeypatch.setattr(images, "present", lambda name: name in ("bullseye", "bookworm"))
    monkeypatch.setattr(images, "_build", build)
    with pytest.raises(LabError, match="no Glance today"):
        images.ensure("infra", "glance33")
    assert sorted(built) == ["glance33", "keystone"]


def test_a_build_waits_for_the_others() -> None:
    failed: Future[None] = Future()
    failed.set_exception(LabError("the parent failed"))
    with pytest.raises(LabError, match="the parent failed"):
        images._build_after([failed], images.IMAGES["infra"])


# -- releases -----------------------------------------------------------------------------------------------------


def test_every_release_has_an_image_of_its_own() -> None:
    assert {release.image for release in releases.RELEASES.values()} <= set(images.IMAGES)
    assert set(releases.OF_IMAGE) >= {host.image for host in hosts.ON_DEMAND}


def test_the_command_that_runs_in_a_release(tmp_path: Path) -> None:
    argv = releases.command(
        releases.RELEASES["33.0.0"], [str(tmp_path), f"{tmp_path}:/etc/glance"], ["python", "-", "x y"]
    )
    assert argv[:4] == ["docker", "run", "--rm", "--interactive"]
    assert "--network=none" in argv
    assert any(word.startswith("--env=PATH=/opt/glance/33.0.0/bin:/usr/local/sbin:") for word in argv)
    assert f"--volume={tmp_path}:{tmp_path}:ro" in argv and f"--volume={tmp_path}:/etc/glance:ro" in argv
    assert argv[-4:] == [images.tag("glance33"), "python", "-", "x y"]


def test_what_cannot_run_in_a_release(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="absent cannot be mounted"):
        releases.command(releases.RELEASES["25.1"], [str(tmp_path / "absent")], ["true"])
    with pytest.raises(LabError, match="What shall run"):
        releases.execute("25.1", [], ["--"])


# -- hosts --------------------------------------------------------------------------------------------------------


def test_hosts_on_demand() -> None:
    assert [host.name for host in hosts.on_demand(["glance33", "glance20", "glance33"])] == ["glance33", "glance20"]
    with pytest.raises(LabError, match="glance26.*there are glance20, glance25, glance33"):
        hosts.on_demand(["glance26"])
    assert len({host.number for host in hosts.ALL}) == len(hosts.ALL)


# -- databases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["glance", "keystone", "mysql"])
def test_a_database_that_the_lab_needs_stays(name: str) -> None:
    with pytest.raises(LabError, match="needs it"):
        databases.create(name)
    with pytest.raises(LabError, match="needs it"):
        databases.drop(name)


def test_a_name_is_a_word() -> None:
    with pytest.raises(LabError, match="no name"):
        databases.drop("a`; DROP DATABASE glance; --")


def test_rows_tell_null_from_an_empty_text(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = """<?xml version="1.0"?>
<resultset statement="x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <row><field name="id">1</field><field name="name">a &lt;b&gt;
c</field><field name="owner" xsi:nil="true" /><field name="value"></field></row>
</resultset>"""
    monkeypatch.setattr(databases, "docker", lambda *words: answer)
    assert databases.rows("x") == [{"id": "1", "name": "a <b>\nc", "owner": None, "value": ""}]
    monkeypatch.setattr(databases, "docker", lambda *words: "")
    assert databases.rows("x") == []


def test_what_fills_a_database() -> None:
    old = " ".join(databases._filling({"id", "name", "is_public"}, 10, 5))
    assert "INSERT INTO images (id, name, is_public)" in old and "FROM seq_1_to_10" in old
    assert "visibility" not in old and "os_hash_value" not in old
    new = " ".join(databases._filling({"id", "visibility", "os_hash_value"}, 10, 0))
    assert "(id, visibility, os_hash_value)" in new and "image_properties" not in new
    assert databases.image_id(255) == "00000000-0000-4000-8000-0000000000ff"
    assert len(dict(databases._pairs(3))) == 3
    assert len(dict(databases._pairs(12))) == 12


# -- what the scenarios read --------------------------------------------------------------------------------------


def test_the_result_of_a_module() -> None:
    assert trial.parsed('[WARNING]: x\nlocalhost | SUCCESS => {\n    "changed": false\n}\nmore') == {
        "failed": False,
        "changed": False,
    }
    assert trial.parsed('glance1 | FAILED! => {"msg": "a => b"}') == {"failed": True, "msg": "a => b"}
    assert trial.parsed("ERROR! no such module") is None
    assert trial.parsed("localhost | SUCCESS => rubbish") is None


def test_the_newest_report(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="no report of preflight"):
        trial.report(tmp_path, "preflight")
    found = {"findings": [{"id": "a", "severity": "blocker"}, {"id": "b", "severity": "note"}]}
    for kind, text in (("html", "<p>"), ("md", "# x"), ("json", json.dumps(found))):
        path = tmp_path / "run" / f"preflight.{kind}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    assert trial.report(tmp_path, "preflight") == found
    assert trial.report_text(tmp_path, "preflight", "html") == "<p>"
    assert trial.finding_ids(found) == {"a", "b"}
    assert trial.finding_ids(found, "blocker") == {"a"}
    (tmp_path / "run" / "preflight.md").chmod(0o644)
    with pytest.raises(AssertionError):
        trial.report(tmp_path, "preflight")
