# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A look with the newest ansible-core."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lablib import trial

MADE = (trial.REPOSITORY / ".venv-newest" / "bin" / "ansible").exists()


@pytest.mark.skipif(
    not MADE, reason="The environment .venv-newest is missing: this machine has no Python 3.12 or newer."
)
@pytest.mark.usefixtures("untouched")
def test_preflight_and_check_of_the_flip(tmp_path: Path) -> None:
    version = trial.Run("ansible", "--version", environment="newest").succeeds().output
    found = re.search(r"core (\d+)\.(\d+)", version)
    assert found and (int(found[1]), int(found[2])) > (2, 19), version
    looked = trial.playbook("preflight", environment="newest", report_dir=str(tmp_path))
    looked.succeeds().says("verdict: ready", "Nova 14.1.0")
    report = trial.report(tmp_path, "preflight")
    assert "policy_not_decided" not in trial.finding_ids(report)
    assert [each["hosts"] for each in report["policy"]] == [list(trial.GLANCES)]
    trial.flip("--check", "--diff", environment="newest").succeeds().says(
        "-use_glance_v1 = true", "nothing was changed"
    )
