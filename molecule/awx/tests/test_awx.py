# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The project of examples/awx through ansible-runner, the nodes of its workflow one after the other."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from lablib import awx, trial


def left_outside() -> set[str]:
    """What lies in the checkout, from which the jobs are begun, and is not git's; what gates beside keep is hidden."""
    command = ["git", "-c", "safe.directory=*", "status", "--porcelain", "--ignored"]
    said = subprocess.run(command, cwd=trial.REPOSITORY, check=True, capture_output=True, text=True).stdout
    return {name for name in said.splitlines() if "/." not in name and "__pycache__" not in name and name[3] != "."}


@pytest.mark.usefixtures("untouched")
def test_a_preflight_leaves_its_verdict_to_the_next_node(tmp_path: Path) -> None:
    outside = left_outside()
    assert awx.PASSWORD not in awx.preflight(tmp_path).run.output
    assert left_outside() == outside


@trial.thorough
def test_the_workflow_from_preflight_to_the_way_back(tmp_path: Path) -> None:
    before, outside = trial.look(), left_outside()
    looked = awx.preflight(tmp_path)

    flipped = awx.launch(tmp_path, awx.JOBS["flip"], looked.artifacts, glance_flip_v1_off="true")
    flipped.run.succeeds().says("Verdict: done.")
    assert flipped.artifacts["glance_flip_verdict"] == "done"
    run = flipped.artifacts["glance_flip_run"]
    assert [run] == trial.runs("nova1") and trial.ask("infra", "/v1/images")[0] in (300, 404)
    # The job's own file system ends with it; the way back needs the hosts alone.
    shutil.rmtree(looked.folder)
    shutil.rmtree(flipped.folder)

    handed = looked.artifacts | flipped.artifacts
    awx.launch(tmp_path, awx.JOBS["verify"], handed, glance_flip_v1_off="true").run.succeeds()
    back = awx.launch(tmp_path, awx.JOBS["rollback"], handed)
    back.run.succeeds().says(run)
    assert back.artifacts["glance_flip_verdict"].startswith("undone")
    assert trial.differences(before, trial.look()) == [] and trial.locked() == []
    assert left_outside() == outside
    assert awx.PASSWORD not in back.run.output + flipped.run.output + looked.run.output


def test_a_workflow_that_began_no_run_undoes_none(tmp_path: Path) -> None:
    awx.launch(tmp_path, awx.JOBS["rollback"], {"glance_flip_run": ""}).run.fails("handed on no run")


@pytest.mark.usefixtures("untouched")
def test_modules_one_at_a_time(tmp_path: Path) -> None:
    """On a host, and on the control node with a credential of a type of one's own, which injects OS_*."""
    arguments = ("--hosts", "nova1", "-m", "stackops.glance.nova_use_glance_v1_info")
    awx.start(tmp_path / "host", *arguments, variables={}).run.succeeds().says('"api_version": 1')
    names = {f"OS_{key.upper()}": value for key, value in awx.ADMIN.items()}
    arguments = ("--hosts", "localhost", "-m", "stackops.glance.images_api_info")
    asked = awx.start(tmp_path / "cloud", *arguments, variables={}, environ=names)
    asked.run.succeeds().says('"catalogue"')
    assert awx.PASSWORD not in asked.run.output
