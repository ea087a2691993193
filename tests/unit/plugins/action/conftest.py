# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of actions share."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.plugins.action import ActionBase

from .real_host import Host, Run


@pytest.fixture
def real_host(tmp_path: Path) -> Host:
    directory = tmp_path / "etc"
    directory.mkdir()
    return Host(directory)


@pytest.fixture
def run(real_host: Host, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run an action on the real host."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp=None, task_vars=None: {})
    return real_host.run
