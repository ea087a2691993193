# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The fleet speaks v2 alone."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable

import pytest
import testinfra
from lablib import trial


def test_nova_speaks_v2_by_glances_access_log() -> None:
    assert trial.spoken() == trial.V2


@pytest.mark.parametrize("place", [*trial.GLANCES, "infra"])
def test_v1_is_refused(place: str) -> None:
    assert trial.ask(place, "/v2/images")[0] == 200
    assert trial.ask(place, "/v1/images")[0] in (300, 404)
    assert not [each["id"] for each in trial.ask(place, "/versions")[1]["versions"] if each["id"].startswith("v1")]


@pytest.mark.parametrize("name", trial.GLANCES)
def test_registry_is_retired(on: Callable[[str], testinfra.host.Host], name: str) -> None:
    registry = on(name).service("glance-registry")
    assert not registry.is_running
    assert not registry.is_enabled
    assert on(name).service("glance-api").is_running


@pytest.mark.parametrize(("name", "step"), [("glance2", "glance_v1_off"), ("nova1", "nova")])
def test_the_operators_own_tasks_ran_around_the_change(
    on: Callable[[str], testinfra.host.Host], name: str, step: str
) -> None:
    assert on(name).file("/root/hooks").content_string.splitlines() == [f"{step} before", f"{step} after"]


def test_catalogue_names_no_version_and_keeps_its_ids() -> None:
    before = {name: url for name, url in trial.remembered("before").items() if name.startswith("endpoint ")}
    assert {f"endpoint {id_}": url for id_, url in trial.catalogue().items()} == {
        name: re.sub(r"/v\d/?$", "", url) for name, url in before.items()
    }


def test_only_what_the_flip_is_about_has_changed() -> None:
    before, after = trial.remembered("before"), trial.look()
    changed = [name for name in trial.differences(before, after) if not name.startswith("endpoint ")]
    allowed = r"glance\d:/etc/glance/glance-(api|registry)\.conf|nova\d:/etc/nova/nova\.conf"
    retired = (
        r"glance\d glance-registry|glance\d:/etc/systemd/system/multi-user\.target\.wants/glance-registry\.service"
    )
    assert [name for name in changed if not re.fullmatch(f"{allowed}|{retired}", name)] == []
    # Mode and owner are as they were.
    files = [name for name in changed if re.fullmatch(allowed, name)]
    assert files
    assert [name for name in files if before[name].split()[1:] != after[name].split()[1:]] == []


@pytest.mark.parametrize(
    ("host", "path", "gone", "come"),
    [
        ("nova1", trial.NOVA_CONF, {"use_glance_v1 = true"}, set()),
        ("glance1", trial.GLANCE_CONF, {"enable_v1_api = true"}, {"enable_v1_api = false"}),
        ("glance2", "/etc/glance/glance-registry.conf", {"enable_v1_registry = true"}, {"enable_v1_registry = false"}),
    ],
)  # fmt: skip
def test_comments_and_other_lines_are_whole(host: str, path: str, gone: set[str], come: set[str]) -> None:
    kept = trial.sh(host, f"cat /usr/share/stackops-glance-lab{path}").replace(
        "@INFRA@", trial.BY_NAME["infra"].address
    )
    lines = [
        line for line in difflib.ndiff(kept.splitlines(), trial.sh(host, f"cat {path}").splitlines()) if line[0] in "+-"
    ]
    assert {line[2:] for line in lines if line[0] == "-"} == gone
    assert {line[2:] for line in lines if line[0] == "+"} == come


def test_no_lock_stays_and_the_run_is_committed() -> None:
    assert trial.locked() == []
    for host in trial.MANAGED:
        assert trial.journal(host)[-1]["event"] == "committed"


def test_images_are_all_there_with_the_same_hashes() -> None:
    assert trial.images_intact()
    trial.remember("flipped", trial.look())
    trial.count_executions()
