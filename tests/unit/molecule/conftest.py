# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What unit tests of the lab share."""

from __future__ import annotations

from pathlib import Path

import pytest
from lablib import common


@pytest.fixture(autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The lab's directory of this test: a lab that runs meanwhile keeps its own."""
    place = tmp_path_factory.mktemp("lab") / ".lab"
    monkeypatch.setattr(common, "STATE", place)
    return place
