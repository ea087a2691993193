# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the release catalogue is made, and that what is committed was made so."""

from __future__ import annotations

import json
import sys

import dump
import generate
import pytest
from oslo_config import cfg, types


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def defined(opt, **facts):
    """An option object on its way through dump.py and generate.py into the catalogue."""
    row = {**dump.describe("glance", "DEFAULT", opt, opt.default, ("api",)), **facts}
    return generate.definition(json.loads(json.dumps(row)))


@pytest.mark.parametrize("project", ["glance", "nova"])
def test_what_is_committed_is_what_is_generated(project, tmp_path):
    """Whoever edits the data by hand, or by_hand.json without generating again, is told here."""
    committed = generate.DATA / f"{project}.json"
    catalogue = generate.Catalogue.load(project, committed)
    catalogue.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text(encoding="utf-8") == committed.read_text(encoding="utf-8")
    moves = {major: facts.get("database", {}).get("migrations") for major, facts in catalogue.releases.items()}
    by_hand = {int(major): found for major, found in catalogue.by_hand.get("migrations", {}).items()}
    assert {major: found for major, found in moves.items() if found} == by_hand
    for span in catalogue.by_hand.get("databases", ()):
        first, last = span["releases"]
        told = {name: value for name, value in span.items() if name != "releases"}
        for major in range(first, (last or max(catalogue.releases)) + 1):
            assert told.items() <= catalogue.releases[major]["database"].items(), "generate again"


def test_everything_by_hand_names_its_source():
    for facts in read(generate.HERE / "by_hand.json").values():
        entries = [each for part in ("successors", "corrections", "point_releases") for each in facts.get(part, ())]
        entries += [each for moves in facts.get("migrations", {}).values() for each in moves]
        entries += [value for span in facts.get("databases", ()) for name, value in span.items() if name != "releases"]
        assert entries and all(each["source"] for each in entries)


@pytest.mark.parametrize(
    ("opt", "told"),
    [
        (cfg.BoolOpt("a", default=True), {"type": "boolean", "default": True}),
        (cfg.IntOpt("a", min=0, max=9), {"type": "integer", "default": None, "min": 0, "max": 9}),
        (cfg.PortOpt("a", default=9292), {"type": "port", "default": 9292}),
        (cfg.PortOpt("a", min=1024), {"type": "port", "default": None, "min": 1024}),
        (cfg.FloatOpt("a", default=1.5), {"type": "float", "default": 1.5}),
        (cfg.HostAddressOpt("a"), {"type": "hostaddress", "default": None}),
        (cfg.URIOpt("a"), {"type": "string", "default": None}),
        (cfg.DictOpt("a", default={"b": "c"}), {"type": "dict", "default": {"b": "c"}}),
        (cfg.ListOpt("a", default=["b"]), {"type": "list", "default": ["b"]}),
        (cfg.MultiStrOpt("a"), {"type": "multistring", "default": None}),
        (cfg.Opt("a"), {"type": "string", "default": None}),
        (cfg.StrOpt("a", secret=True, deprecated_for_removal=True), {"secret": True, "deprecated": True}),
        (cfg.StrOpt("a", choices=["b", None]), {"choices": ["b"]}),
        (cfg.StrOpt("a", choices=["b"], ignore_case=True), {"choices": ["b"], "ignore_case": True}),
        (cfg.StrOpt("a", regex="^b", max_length=3, quotes=True), {"regex": "^b", "max_length": 3, "quotes": True}),
        (
            cfg.ListOpt("a", bounds=True, item_type=types.Integer(min=1, max=5)),
            {"type": "list", "bounds": True, "item_type": "integer", "item_min": 1, "item_max": 5},
        ),
        (
            cfg.ListOpt("a", item_type=types.String(choices=["b"], quotes=True)),
            {"item_type": "string", "item_choices": ["b"], "item_quotes": True},
        ),
        (
            cfg.StrOpt("a", deprecated_name="old-a", deprecated_group="B", deprecated_since="Zed"),
            {"deprecated_names": ["B/old_a"], "deprecated_since": "Zed"},
        ),
    ],
)
def test_options(opt, told):
    found = defined(opt)
    assert {name: found[name] for name in told} == told
    assert set(found) - set(told) <= {"type", "default", "programs"}


def test_a_default_of_this_machine_is_none_of_the_release(monkeypatch):
    monkeypatch.setattr(dump.socket, "gethostname", lambda: "here")
    found = defined(cfg.StrOpt("a", default="here"))
    assert (found["default"], found["default_source"]) == (None, "socket.gethostname()")


def test_source_and_option_object_say_the_same():
    written = {
        "type": "ListOpt",
        "default": [],
        "item_type": "cfg.types.Integer(min=1, max=65535)",
        "sections": ["api"],
    }
    read = defined(cfg.ListOpt("a", default=[], bounds=True, item_type=types.Integer(1, 65535)))
    assert generate.definition(written) == read


def test_spans_fold_and_unfold():
    same, other = {"type": "string"}, {"type": "list"}
    majors = {13: {("g", "a"): same}, 14: {("g", "a"): same}, 15: {("g", "a"): other}, 16: {}, 17: {("g", "a"): other}}
    spans = list(generate.folded(majors, ("group", "name")))
    assert [(span["releases"], span["type"]) for span in spans] == [
        *(([13, 14], "string"), ([15, 15], "list"), ([17, 17], "list"))
    ]
    assert generate.unfolded(majors, spans, ("group", "name")) == majors


def newer(tag="34.0.0", **facts):
    """What dump.py would print of a Glance that the catalogue has never seen."""
    options = [
        dump.describe("glance", "DEFAULT", cfg.IntOpt("image_size_cap", default=7), 7, ("api",)),
        dump.describe("glance", "glance_store", cfg.StrOpt("rbd_store_pool", default="images"), "images", ("api",)),
        dump.describe("oslo.log", "DEFAULT", cfg.BoolOpt("debug"), False),
    ]
    policies = [
        {"name": "default", "check_str": "", "deprecated_rule": None, "scope_types": ["project"], "operations": []}
    ]
    defaults = {**{"policy_file": "policy.yaml", "in_code": True, "json_fallback": False, "enforce_scope": True}}
    return {
        "tag": tag,
        "python": {"requires_python": ">=3.12"},
        "images_api_versions": [{"version": "2.19", "reported_id": "v2.19", "status": "CURRENT", "condition": None}],
        "import_methods_internal_plugins": ["web_download"],
        "db": {"head_after_sync": "2027_1_contract01", "engine": "alembic"},
        "policy_defaults": {**defaults, "enforce_scope_option": False, "enforce_new_defaults": True},
        "eventlet_server": "removed",
        "wsgi_scripts": [],
        "wsgi_module": "glance.wsgi.api:application",
        "paste_flavors": ["keystone"],
        "libraries": {"glance-store": "6.0.0", "oslo.policy": "6.1.0", "oslo.log": "9.0.0"},
        "options": options,
        "policies": policies,
        **facts,
    }


def generated(tmp_path, monkeypatch, *arguments):
    output = tmp_path / "out.json"
    monkeypatch.setattr(sys, "argv", ["generate.py", "--output", str(output), *map(str, arguments)])
    generate.main()
    return read(output)


def test_a_newer_release_is_added(tmp_path, monkeypatch, capsys):
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(newer()))
    found = generated(tmp_path, monkeypatch, "installed", "glance", "--series", "2027.1", file)
    facts = found["releases"]["34"]
    assert (facts["series"], facts["database"]["head"], facts["python"]) == ("2027.1", "2027_1_contract01", ">=3.12")
    options = {(each["group"], each["name"]): each for each in found["options"] if each["releases"][1] == 34}
    assert set(options) == {("DEFAULT", "image_size_cap"), ("glance_store", "rbd_store_pool")}
    # The driver is known from the release before.
    assert options["glance_store", "rbd_store_pool"]["store"] == "rbd"
    assert [each["name"] for each in found["policies"] if each["releases"][1] == 34] == ["default"]
    assert "by_hand.json" in capsys.readouterr().out
    # What was known of the others stays.
    assert {**found["releases"], "34": 0} == {**read(generate.DATA / "glance.json")["releases"], "34": 0}


def test_a_newer_release_needs_its_series(tmp_path, monkeypatch):
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(newer()))
    with pytest.raises(SystemExit, match="--series"):
        generated(tmp_path, monkeypatch, "installed", "glance", file)


def test_a_release_whose_policies_are_a_file_keeps_them(tmp_path, monkeypatch):
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(newer("15.0.2", policies=None)))
    found = generated(tmp_path, monkeypatch, "installed", "glance", file)
    assert found["policies"] == read(generate.DATA / "glance.json")["policies"]


def test_libraries_of_several_dumps(tmp_path, monkeypatch):
    first, second = newer("33.0.0"), newer("33.0.0", libraries={"oslo.log": "1.0", "oslo.db": "2.0"})
    second["options"] = [
        dump.describe("oslo.log", "DEFAULT", cfg.BoolOpt("debug"), True),
        dump.describe("oslo.db", "database", cfg.StrOpt("connection", secret=True), None),
    ]
    files = [tmp_path / "first.json", tmp_path / "second.json"]
    for file, facts in zip(files, (first, second), strict=True):
        file.write_text(json.dumps(facts))
    found = generated(tmp_path, monkeypatch, "libraries", *files)
    assert [(each["group"], each["name"], each["default"], each["releases"]) for each in found["options"]] == [
        *(("DEFAULT", "debug", False, [33]), ("database", "connection", None, [33]))
    ]
    assert found["releases"]["33"]["oslo.log"] == "9.0.0" and found["releases"]["33"]["oslo.db"] == "2.0"
