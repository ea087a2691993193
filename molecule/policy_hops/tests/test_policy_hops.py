# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""An operator's policy.json of Pike becomes policy.yaml and goes through 20, 25 and 33 without an undeclared change.

The modules prove each step, and then each release's own Glance is asked for every decision about the file that came of it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lablib import trial

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(trial.REPOSITORY / "tests" / "policy"))

import differential  # noqa: E402  (the path comes first)
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _policy, _policy_matrix  # noqa: E402

ROAD = yaml.safe_load((HERE / "pike" / "hops.yml").read_text(encoding="utf-8"))
HOPS: list[dict[str, Any]] = ROAD["hops"]
#: Whom each release's own Glance is asked about: the operator's people beside the usual ones of the differential test.
differential.PERSONAS += _policy_matrix.personas(ROAD["personas"])[1:]
ADDITIONS = ("image_publisher", "image_police", "cache_operator")


@pytest.fixture(scope="module")
def etc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration of a Glance on this machine; the cases take it from release to release."""
    etc = tmp_path_factory.mktemp("glance")
    (etc / "glance-api.conf").write_text("[DEFAULT]\n", encoding="utf-8")
    (etc / "policy.json").write_bytes((HERE / "pike" / "policy.json").read_bytes())
    return etc


def local(etc: Path, name: str, release: str, **arguments: Any) -> dict[str, Any]:
    there = {"config_files": [str(etc / "glance-api.conf")], "glance_release": release}
    if name == "glance_policy":
        there["state_dir"] = str(etc / "state")
    return trial.local_module(name, {**there, "personas": ROAD["personas"], **arguments})


def changed(etc: Path, release: str, step: dict[str, Any]) -> None:
    """The rules of a step, with its proof; a second time there is nothing to do."""
    done = local(etc, "glance_policy", release, **step)
    assert not done["failed"], done["msg"]
    assert done["changed"] and done["idle_expectations"] == []
    assert all(change["excused"] == "expected" for change in done["changes"])


def the_file(etc: Path) -> Path:
    (found,) = etc.glob("policy.*")
    return found


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: f"{hop['from']} to {hop['to']}")
def test_a_hop_changes_nothing_undeclared(etc: Path, hop: dict[str, Any]) -> None:
    changed(etc, hop["from"], hop["before"])
    asked = {"to_release": hop["to"], "rules": hop.get("after", {}).get("rules", [])}
    proof = {name: hop[name] for name in ("accepted_changes", "expected_changes")}
    found = local(etc, "glance_policy_info", hop["from"], **asked, **proof)
    assert not found["failed"], found["msg"]
    assert (found["undeclared"], found["idle_expectations"]) == ([], [])
    names = [each["id"] for each in found["upstream_changes"] if each["decisions"]]
    assert set(names) <= set(hop["accepted_changes"])
    if "after" in hop:
        changed(etc, hop["to"], hop["after"])
    agrees(etc, hop["to"])


def agrees(etc: Path, version: str) -> None:
    """Every decision about the file, by the release's own Glance and by us."""
    release = _catalogue.release("glance", version)
    names = [name for name in _policy.Policy(release).names if _catalogue.policy("glance", release, name)]
    file = the_file(etc)
    case = (file.read_text(encoding="utf-8"), file.name, _policy.defaults(release))
    (theirs,), errors = differential.answered(version, "", [case], names)
    assert differential.ours(release, *case, names) == theirs, errors


def test_where_it_has_come_to(etc: Path) -> None:
    assert the_file(etc).name == "policy.yaml"
    rules = yaml.safe_load(the_file(etc).read_text(encoding="utf-8"))
    pike = json.loads((HERE / "pike" / "policy.json").read_text(encoding="utf-8"))
    kept = [name for name, check in pike.items() if rules.get(name) == check]
    assert {"context_is_admin", "publicize_image", "deactivate", "get_image_location"} <= set(kept)
    assert {role for role in ADDITIONS if role in str(rules)} == set(ADDITIONS)


def test_a_hop_that_is_not_declared_names_upstreams_changes_and_the_operators_lines(etc: Path, tmp_path: Path) -> None:
    (tmp_path / "glance-api.conf").write_text("[DEFAULT]\n", encoding="utf-8")
    (tmp_path / "policy.yaml").write_text(the_file(etc).read_text(encoding="utf-8"), encoding="utf-8")
    found = local(tmp_path, "glance_policy_info", "25.1", to_release="33.0.0", rules=[{"name": "owner", "check": "!"}])
    names = {each["id"] for each in found["upstream_changes"] if each["decisions"]}
    assert names == {"26-new-defaults", "26-scope", "30-service-roles"}
    own = next(text for text in found["undeclared"] if text.startswith("member loses delete_image on own:"))
    assert f"{tmp_path / 'policy.yaml'}:" in own
