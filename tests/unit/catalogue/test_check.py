# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""That the check of the release catalogue can fail, and what it says then."""

from __future__ import annotations

import copy
import json
import sys

import check
import dump
import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from oslo_config import cfg

KEY = ("DEFAULT", "image_size_cap")


def row(**changed):
    known = _catalogue.option("glance", 33, *KEY)
    opt = cfg.IntOpt(KEY[1], default=known.default, min=known.min, max=known.max)
    return {**dump.describe("glance", "DEFAULT", opt, opt.default, ("api",)), **changed}


def told(found, known=...):
    known = _catalogue.option("glance", 33, *KEY) if known is ... else known
    return [
        (each.field, each.catalogue, each.installed) for each in check.option_differences("33.0.0", KEY, found, known)
    ]


def test_an_option_that_is_as_the_catalogue_says():
    assert told(row()) == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"default": 7}, "default"),
        ({"default": None}, "default"),
        ({"limits": {"min": 3}}, "min"),
        ({"kind": "String"}, "type"),
        ({"secret": True}, "secret"),
        ({"deprecated": True}, "deprecated"),
        ({"deprecated_names": ["DEFAULT/old"]}, "deprecated_names"),
    ],
)
def test_each_field_of_an_option_is_compared(changed, field):
    assert field in [name for name, _ours, _theirs in told(row(**changed))]


def test_an_option_that_the_catalogue_does_not_know():
    assert told(row(), None) == [("", "not there", "there")]


def policies():
    """The rules of 33 as dump.py prints them."""
    return {
        each.name: {
            "name": each.name,
            "check_str": each.check_str,
            "deprecated_rule": each.deprecated_rule and each.deprecated_rule._asdict(),
            "deprecated_for_removal": each.deprecated_for_removal,
            "scope_types": list(each.scope_types) or None,
            "operations": list(each.operations),
        }
        for each in _catalogue.policies("glance", 33)
    }


def test_policies_are_compared():
    release, found = _catalogue.release("glance", 33), policies()
    assert list(check.policy_differences("33.0.0", release, found)) == []
    changed = copy.deepcopy(found)
    changed["get_image"]["check_str"] = "@"
    changed["add_image"]["deprecated_rule"]["check_str"] = "@"
    changed["new_rule"] = changed.pop("delete_image")
    differences = list(check.policy_differences("33.0.0", release, changed))
    assert {(each.what, each.field) for each in differences} == {
        *(("policy get_image", "check_str"), ("policy add_image", "deprecated_rule")),
        *(("policy delete_image", ""), ("policy new_rule", "")),
    }


def test_differences_are_printed_and_fail(tmp_path, monkeypatch, capsys):
    facts = {
        "tag": "33.0.0",
        "options": [row(default=7)],
        "policies": [*policies().values()][1:],
        "images_api_versions": [],
        "db": {"head_after_sync": "2030_1_contract01"},
        "import_methods_internal_plugins": [],
        "paste_flavors": None,
        "python": {"requires_python": None},
        "wsgi_scripts": None,
        "wsgi_module": None,
        "operations": None,
    }
    file = tmp_path / "dump.json"
    file.write_text(json.dumps(facts))
    monkeypatch.setattr(sys, "argv", ["check.py", f"33.0.0={file}"])
    assert check.main() == 1
    out = capsys.readouterr().out
    assert "option DEFAULT/image_size_cap" in out and '"2024_1_contract01"' in out and "2030_1_contract01" in out
    # Glance's own options are missed; drivers and libraries of which nothing is installed are not.
    assert "option DEFAULT/image_cache_driver" in out and "option database/connection" not in out
    assert "operation PATCH /v2/images/{image_id}" in out
    assert "not installed: " in out and "option glance_store/rbd_store_pool" not in out


def test_a_release_that_does_not_run_is_an_error(tmp_path):
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho no Glance here >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(SystemExit, match="ended with 3:\nno Glance here"):
        check.dump("33.0.0", str(broken))
