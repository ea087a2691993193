# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Debian's Glance 25.1 goes on out of an environment of the same release, and out of its packages again.

The cases build on each other, so their order counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import hops, seed, trial
from lablib.common import STATE
from lablib.hops import Places
from lablib.hosts import BY_NAME

pytestmark = trial.thorough

HOST, RELEASE = "glance25", "25.1.0"
#: A host of the same platform, which can build environments; Debian's Glance host has no compiler, pip or venv.
BUILDER = "release1"
URL = f"http://{BY_NAME[HOST].address}:9292"
DROP_IN = "/etc/systemd/system/glance-api.service.d/stackops-glance-environment.conf"
_UNIT = "systemctl show glance-api -p ActiveState,UnitFileState,FragmentPath,DropInPaths,ExecStart,User,LimitNOFILE"
DATA = {name: name.encode() * seed.MIB for name in ("packaged", "in an environment")}


@pytest.fixture(scope="module", name="places", autouse=True)
def fixture_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with trial.joined(HOST, BUILDER):
        trial.sh(HOST, "rm -r /opt/glance")  # the lab's own, and of no package
        build = {"release": RELEASE, "archive": True, "archives": str(STATE / "environments"), "pip": hops.PIP}
        trial.module(BUILDER, "glance_environment", build).succeeds()
        yield hops.of(tmp_path_factory.mktemp("packages"), {HOST: {"glance_release_build": False}}, URL)


@pytest.fixture(scope="module", name="images")
def fixture_images() -> dict[str, str]:
    """Ids by name, of images that packages have made and others."""
    return {"packaged": trial.uploaded(HOST, "packaged", DATA["packaged"])}


@pytest.fixture(scope="module", name="before")
def fixture_before(images: dict[str, str]) -> dict[str, str]:
    return state()


def state() -> dict[str, str]:
    """Files of the configuration, Glance's unit, and where its process has libraries of Python from."""
    found = {name: facts for name, facts in trial.look(HOST).items() if ":/var/" not in name}
    # When a command was started, and as which process, is new each time.
    found["unit"] = re.sub(r"(start_time|stop_time|pid)=[^;]*", r"\1", trial.sh(HOST, _UNIT))
    maps = "cat /proc/$(systemctl show -P MainPID glance-api)/maps"
    found["code"] = trial.sh(HOST, f"{maps} | grep -oE '/[^ ]*/python3[.0-9]*/(site|dist)-packages' | sort -u").strip()
    return found


def all_readable(images: dict[str, str]) -> None:
    for name, image in images.items():
        status, _headers, data = seed.request("GET", f"{URL}/v2/images/{image}/file", seed.Api("admin").headers, None)
        assert (status, data) == (200, DATA[name]), (name, status, len(data))


def test_another_release_goes_by_way_of_the_same_one(places: Places, before: dict[str, str]) -> None:
    places.play("flip_release", release="32.0.0").fails("release_link_missing", f"-e glance_release={RELEASE}")
    assert trial.differences(before, state()) == []


def test_a_look_changes_nothing_and_says_what_would_be(places: Places, before: dict[str, str]) -> None:
    looked = places.play("flip_release", "--check", "--diff", release=RELEASE).succeeds()
    looked.says(
        f"-> {RELEASE}", "+ExecStart=/opt/glance/current/bin/glance-api --config-file=/etc/glance/glance-api.conf"
    )
    assert trial.differences(before, state()) == []
    assert trial.sh(HOST, "ls /opt") == ""


def test_packages_go_on_out_of_an_environment(places: Places, before: dict[str, str], images: dict[str, str]) -> None:
    places.play("flip_release", release=RELEASE).succeeds()
    after = state()
    assert trial.differences(before, after) == ["code", f"{HOST}:{DROP_IN}", "unit"]
    assert after["code"].startswith(f"/opt/glance/{RELEASE}/lib/python3") and "/usr/lib/python3" not in after["code"]
    images["in an environment"] = trial.uploaded(HOST, "in an environment", DATA["in an environment"])
    all_readable(images)


def test_again_there_is_nothing_to_do(places: Places) -> None:
    places.play("flip_release", release=RELEASE).succeeds().says("nothing was to be done")


def test_from_there_another_release_needs_units_of_its_own(places: Places) -> None:
    refused = places.play("flip_release", release="32.0.0", accept=["offline_hop"])
    refused.fails("release_files_refused", "/lib/systemd/system/glance-api.service", "deploy.yml")


def test_and_back_to_the_packages(places: Places, before: dict[str, str], images: dict[str, str]) -> None:
    places.play("rollback").succeeds().says("release_runs_on_schema")
    assert trial.differences(before, state()) == []
    assert trial.sh(HOST, f"ls /opt/glance; ls -d {Path(DROP_IN).parent} || :").split() == [RELEASE]
    all_readable(images)
