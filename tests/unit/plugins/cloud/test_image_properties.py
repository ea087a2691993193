# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import importlib.util
import json
import pathlib
import stat

import pytest
from ansible_collections.stackops.glance.plugins.modules import image_audit_info, image_properties

PATH = pathlib.Path(__file__).with_name("glance_database.py")
SPEC = importlib.util.spec_from_file_location("glance_database", PATH)
glance = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(glance)


@pytest.fixture
def database(tmp_path):
    return glance.GlanceDatabase(tmp_path / "glance.sqlite")


@pytest.fixture
def change(run, database, tmp_path):
    """Run the module on the database alone."""

    def call(*changes, **more):
        arguments = {"changes": list(changes)} if changes else {}
        record = str(tmp_path / "record.jsonl")
        return run(
            image_properties, **{"way": "database", "database": database.url, "record": record, **arguments, **more}
        )

    return call


def rename(image, name, to, **more):
    return {"image": image, "property": name, "state": "renamed", "to": to, **more}


def merge(image, name, to, **more):
    return {"image": image, "property": name, "state": "merged", "to": to, **more}


def remove(image, name, **more):
    return {"image": image, "property": name, "state": "removed", **more}


def test_check_do_check_do_and_back(database, change, tmp_path):
    one = database.image("one", {"HW_Disk_Bus": "scsi", "keep": "me"}, ("hw_disk_bus",))
    two = database.image("two", {"owner": "x", "custom_owner": "x", "null": None})
    before = database.dump()
    wanted = (rename(one, "HW_Disk_Bus", "hw_disk_bus"), merge(two, "owner", "custom_owner"), remove(two, "null"))
    planned = change(*wanted, check=True)
    assert (planned["changed"], planned["images"], planned["ways"]) == (True, 2, {"database": 2})
    assert database.dump() == before and not (tmp_path / "record.jsonl").exists()
    done = change(*wanted)
    assert done["diff"] == planned["diff"]
    assert f'{one} HW_Disk_Bus = "scsi"' in done["diff"]["before"]
    assert f'{one} hw_disk_bus = "scsi"' in done["diff"]["after"]
    assert database.properties(one) == {"hw_disk_bus": "scsi", "keep": "me"}
    assert database.properties(two) == {"custom_owner": "x"}
    assert stat.S_IMODE((tmp_path / "record.jsonl").stat().st_mode) == 0o600
    after = database.dump()
    for check in (True, False):
        assert not change(*wanted, check=check)["changed"]
    assert change(state="restored", check=True)["changed"]
    assert database.dump() == after
    assert change(state="restored")["images"] == 2
    assert database.dump() == before
    assert not change(state="restored")["changed"]


def test_several_runs_with_one_record_are_undone_together(database, change):
    image = database.image("one", {"a-b": "1"})
    before = database.dump()
    change(rename(image, "a-b", "a_b"))
    change(rename(image, "a_b", "c"))
    assert database.properties(image) == {"c": "1"}
    assert change(state="restored", check=True)["images"] == 2
    change(state="restored")
    assert database.dump() == before


def test_what_cannot_be_is_named_and_nothing_is_done(database, change, tmp_path):
    image = database.image("one", {"A": "1", "a": "2", "os_glance_import_task": "t", "x": "1"})
    before = database.dump()
    found = change(
        rename(image, "A", "a"),
        merge(image, "A", "a"),
        rename(image, "absent", "other"),
        rename(image, "x", "owner"),
        remove(image, "os_glance_import_task"),
        remove(image, "x", value="2"),
        remove("no-such-image", "x"),
    )
    assert found["failed"] and not found["changed"]
    assert found["msg"].startswith("Nothing was changed.")
    for text in (
        "'a' is there too",
        "v2 hides or reserves the name 'owner'",
        "Glance itself notes",
        "Image no-such-image is not in",
    ):
        assert text in found["msg"]
    assert database.dump() == before and not (tmp_path / "record.jsonl").exists()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (lambda image: merge(image, "A", "a"), "different values"),
        (lambda image: rename(image, "absent", "other"), "is not there, nor is 'other'"),
        (lambda image: remove(image, "A", value="9"), "it has changed since"),
        (lambda image: rename(image, "A", "A"), "another name"),
        (lambda image: rename(image, "A", ""), "another name"),
        (lambda image: rename(image, "A", "x" * 256), "another name"),
        (lambda image: {"image": image, "property": "A", "state": "removed", "to": "x"}, "no to and no keep"),
        (lambda image: rename(image, "A", "x", keep="to"), "keep is for state merged"),
    ],
)
def test_refusals(database, change, wanted, message):
    image = database.image("one", {"A": "1", "a": "2"})
    before = database.dump()
    assert message in change(wanted(image))["msg"]
    assert database.dump() == before


@pytest.mark.parametrize(("keep", "value"), [("property", "1"), ("to", "2")])
def test_merge_keeps_what_was_asked_for(database, change, keep, value):
    image = database.image("one", {"A": "1", "a": "2"})
    before = database.dump()
    assert change(merge(image, "A", "a", keep=keep))["changed"]
    assert database.properties(image) == {"a": value}
    change(state="restored")
    assert database.dump() == before


def test_back_refuses_what_somebody_changed_since(database, change):
    image = database.image("one", {"A": "1", "b": "2"})
    other = database.image("two", {"A": "1"})
    change(rename(image, "A", "a"), rename(other, "A", "a"))
    database.connection.execute("UPDATE image_properties SET value = 'new' WHERE image_id = ? AND name = 'a'", (image,))
    found = change(state="restored")
    assert image in found["msg"] and other not in found["msg"] and "'A', 'a'" in found["msg"]
    assert database.properties(other) == {"a": "1"}


def test_a_failure_in_the_middle_rolls_its_image_back_and_says_what_was_done(database, change, monkeypatch):
    first, second = (database.image(name, {"A": "1", "B": "2"}) for name in ("one", "two"))
    write = image_properties._audit_remedy.SqlStore.write

    def failing(self, image, before, after):
        write(self, image, before, after)
        if image == second:
            raise image_properties.GlanceError("the disk is gone")

    with monkeypatch.context() as patched:
        patched.setattr(image_properties._audit_remedy.SqlStore, "write", failing)
        found = change(remove(first, "A"), remove(second, "A"))
    assert "1 images were changed before that" in found["msg"] and found["changed"]
    assert database.properties(second) == {"A": "1", "B": "2"}
    assert change(state="restored")["images"] == 1
    assert database.properties(first) == {"A": "1", "B": "2"}


def test_the_audits_file_is_remedied_and_the_audit_is_content(database, change, run, tmp_path):
    glance.fill(database)
    named = str(tmp_path / "found.jsonl")

    def audit():
        run(image_audit_info, database=database.url, file=named)
        return [json.loads(line) for line in pathlib.Path(named).read_text().splitlines()]

    rows, before = audit(), database.dump()
    for kind, remedy in (
        ("property-name-rewritten", "renamed"),
        ("property-case-collision", "removed"),
        ("property-shadowed", "renamed"),
        ("property-reserved", "removed"),
        ("property-null", "removed"),
        ("boot-property-none", "removed"),
    ):
        found = change(from_file=named, findings=[kind], remedy=remedy)
        assert found["changed"], found
        assert not change(from_file=named, findings=[kind], remedy=remedy)["changed"]
    kinds = set(image_properties._audit.PROPERTY_KINDS)
    left = audit()
    assert [row for row in left if row["finding"] in kinds] == []
    assert len(left) == len([row for row in rows if row["finding"] not in kinds])
    change(state="restored")
    assert database.dump() == before


def test_files_that_are_none(database, change, tmp_path):
    more = {"findings": ["property-null"], "remedy": "removed"}
    assert "cannot be read" in change(from_file="/none", **more)["msg"]
    (tmp_path / "bad").write_bytes(b"\x00\xff{")
    assert "no text in UTF-8" in change(from_file=str(tmp_path / "bad"), **more)["msg"]
    (tmp_path / "bad").write_text('{"finding": "property-null"}\nrubbish\n')
    assert "bad:1 has no image" in change(from_file=str(tmp_path / "bad"), **more)["msg"]
    assert "bad:2 is no line of JSON" in change(state="restored", record=str(tmp_path / "bad"))["msg"]
    assert "cannot be written" in change(remove(database.image("x", {"a": "1"}), "a"), record="/none/x")["msg"]


# -- through the API ----------------------------------------------------------------------------------------------


@pytest.fixture
def shown(cloud):
    cloud.images["one"] = {
        "id": "one",
        "status": "active",
        "two-words": "x",
        "a/b~c": "1",
        "HW_Bus": "scsi",
        "keep": "me",
        "owner": "p",
    }
    return cloud.images["one"]


def test_through_the_api_and_back(cloud, run, shown, tmp_path):
    record, before = str(tmp_path / "record.jsonl"), dict(shown)
    wanted = [rename("one", "two-words", "two_words"), remove("one", "a/b~c")]
    arguments = {"changes": wanted, "record": record}
    assert run(image_properties, check=True, **arguments)["changed"]
    assert shown == before
    assert run(image_properties, **arguments)["ways"] == {"api": 1}
    assert {k: v for k, v in shown.items() if k not in before} == {"two_words": "x"} and "a/b~c" not in shown
    assert not run(image_properties, **arguments)["changed"]
    assert len([each for each in cloud.requests if each.startswith("PATCH")]) == 1
    assert run(image_properties, state="restored", record=record)["changed"]
    assert shown == before
    assert not run(image_properties, state="restored", record=record)["changed"]


@pytest.mark.parametrize(
    "wanted",
    [
        rename("one", "HW_Bus", "hw_bus"),
        remove("one", "owner"),
        remove("one", "deleted"),
        remove("one", "os_glance_mine"),
    ],
)
def test_what_only_sql_can_do(run, shown, tmp_path, wanted):
    found = run(image_properties, changes=[wanted], record=str(tmp_path / "record.jsonl"))
    assert "only SQL can. Give database" in found["msg"]


def test_both_ways_in_one_run(run, shown, database, tmp_path):
    database.image("one", {"two-words": "x", "owner": "custom"}, id="one")
    wanted = [rename("one", "two-words", "two_words"), rename("one", "owner", "custom_owner")]
    arguments = {"database": database.url, "record": str(tmp_path / "record.jsonl")}
    assert run(image_properties, changes=wanted, **arguments)["ways"] == {"api": 1, "database": 1}
    assert shown["two_words"] == "x"
    assert database.properties("one") == {"two-words": "x", "custom_owner": "custom"}
    assert run(image_properties, state="restored", **arguments)["ways"] == {"api": 1, "database": 1}
    assert shown["two-words"] == "x"
    assert "give it to restore" in run(image_properties, state="restored", record=arguments["record"])["msg"]


@pytest.mark.parametrize(("status", "hint"), [(403, "property protection"), (500, "under another case")])
def test_refusals_of_glance(cloud, run, shown, tmp_path, status, hint):
    cloud.faults["PATCH /v2/images/one"] = status
    found = run(image_properties, changes=[remove("one", "keep")], record=str(tmp_path / "record.jsonl"))
    assert str(status) in found["msg"] and hint in found["msg"] and not found["changed"]
    assert not run(image_properties, state="restored", record=str(tmp_path / "record.jsonl"))["changed"]
