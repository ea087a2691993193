# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A look with the newest ansible-core."""

from __future__ import annotations

import re

import pytest
from lablib import trial

MADE = (trial.REPOSITORY / ".venv-newest" / "bin" / "ansible").exists()


@pytest.mark.skipif(
    not MADE, reason="The environment .venv-newest is missing: this machine has no Python 3.12 or newer."
)
@pytest.mark.usefixtures("untouched")
def test_preflight_and_check_of_the_flip() -> None:
    version = trial.Run("ansible", "--version", environment="newest").succeeds().output
    found = re.search(r"core (\d+)\.(\d+)", version)
    assert found and (int(found[1]), int(found[2])) > (2, 19), version
    trial.playbook("preflight", environment="newest").succeeds().says("verdict: ready", "Nova 14.1.0")
    trial.flip("--check", "--diff", environment="newest").succeeds().says(
        "-use_glance_v1 = true", "nothing was changed"
    )
