# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The fault harness: its points, what it remembers, and the callback that ends a playbook at a moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from lablib import faults
from lablib.common import LAB_DIR

KILLS = {"killed", "killed with its worker", "killed, its worker lives on"}


def test_a_point_of_the_sample_can_be_tried() -> None:
    assert len(set(faults.SAMPLE)) == len(faults.SAMPLE) > 40
    for point in faults.SAMPLE:
        assert point.fault in faults.FAULTS or point.fault in KILLS
        assert point.host in faults.trial.MANAGED
        # What a rollback is followed by leads to where it leads.
        assert (point.playbook, point.then) != (faults.BACK, faults.FORTH)
    # Each fault strikes on both ways.
    for fault in faults.FAULTS:
        assert {point.playbook for point in faults.SAMPLE if point.fault == fault} == {faults.FORTH, faults.BACK}


def test_what_was_tried_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "RESULTS", tmp_path / "faults.jsonl")
    assert faults.results() == []
    points = [faults.SAMPLE[0], replace(faults.SAMPLE[0], then=faults.BACK)]
    for point in points:
        faults.record(point, "the state asked for", 61.4)
    assert [faults.point_of(result) for result in faults.results()] == points
    assert faults.results()[0]["seconds"] == "61"


@pytest.mark.parametrize(
    ("kill_at", "code", "starts"),
    [("", 0, 3), ("Two: Again (2)", -signal.SIGKILL, 3), ("One: Again (1)", -signal.SIGKILL, 1)],
)
def test_a_playbook_ends_at_the_start_of_a_task(tmp_path: Path, kill_at: str, code: int, starts: int) -> None:
    task = {"name": "Again", "ansible.builtin.debug": {"msg": "here"}}
    common = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    plays = [{"name": "One", "tasks": [task], **common}, {"name": "Two", "tasks": [task, task], **common}]
    (tmp_path / "plays.yml").write_text(json.dumps(plays), encoding="utf-8")
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_CALLBACK")},
        **faults.callback(str(tmp_path / "starts"), kill_at),
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", str(tmp_path / "plays.yml")],
        env=environ,
        cwd=LAB_DIR,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    lines = (tmp_path / "starts").read_text(encoding="utf-8").splitlines()
    assert lines == ["One: Again (1)", "Two: Again (1)", "Two: Again (2)"][:starts]
