# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _links
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("32.0.0", "33.0.0"):
        (tmp_path / name / "bin").mkdir(parents=True)
    (tmp_path / "current").symlink_to("32.0.0")
    return tmp_path


def change(root: Path, before: str = "32.0.0", after: str = "33.0.0") -> dict[str, str]:
    return {"path": str(root / "current"), "before": before, "after": after}


def test_a_link_leads_elsewhere_and_back(root: Path) -> None:
    path = str(root / "current")
    assert _links.put(path, "32.0.0", "33.0.0") and os.readlink(path) == "33.0.0"
    assert not _links.put(path, "32.0.0", "33.0.0")
    assert _links.put(path, "33.0.0", "") and not os.path.lexists(path)
    assert _links.put(path, "", "32.0.0") and sorted(os.listdir(root)) == ["32.0.0", "33.0.0", "current"]


def test_somebody_elses_link_is_left_alone(root: Path) -> None:
    with pytest.raises(GlanceError, match="leads to 32.0.0, and to 31.0.0 when this step began"):
        _links.put(str(root / "current"), "31.0.0", "33.0.0")
    assert os.readlink(root / "current") == "32.0.0"


def test_a_directory_is_no_link(root: Path) -> None:
    with pytest.raises(GlanceError, match="is no symbolic link"):
        _links.target(str(root / "32.0.0"))


def test_preparing_looks_whether_it_is_as_surveyed(root: Path) -> None:
    steps = [{"links": [change(root)]}, {}]
    assert [each["after"] for each in _links.planned(steps, [])] == ["-> 33.0.0\n"]
    _links.put(str(root / "current"), "32.0.0", "33.0.0")
    with pytest.raises(GlanceError, match="leads to 33.0.0, and to 32.0.0 when it was surveyed"):
        _links.planned(steps, [])
    # A worker of this very run that outlived its playbook.
    assert _links.planned(steps, [[change(root)]]) == []
    # The environment, and with it the directory, is made after that.
    first = {"path": str(root / "no" / "current"), "before": "", "after": "25.1.0"}
    assert [each["after"] for each in _links.planned([{"links": [first]}], [])] == ["-> 25.1.0\n"]
    with pytest.raises(GlanceError, match="which is no directory"):
        _links.described([first])


def test_an_environment_that_is_not_there_is_refused_before_the_change(root: Path) -> None:
    with pytest.raises(GlanceError, match="34.0.0, which is no directory"):
        _links.described([change(root, after="34.0.0")])
    assert _links.described([change(root)]) == [change(root)]
    _links.put(str(root / "current"), "32.0.0", "31.0.0")
    with pytest.raises(GlanceError, match="leads to 31.0.0 since the run was prepared"):
        _links.described([change(root)])


def test_links_on_the_way_to_a_script(root: Path) -> None:
    (root / "32.0.0" / "bin" / "glance-api").write_text("")
    found = _links.along(str(root / "current" / "bin" / "glance-api"))
    assert found[-1] == {"path": str(root / "current"), "target": "32.0.0"}
    assert _links.along("") == []
