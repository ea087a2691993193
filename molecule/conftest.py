# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the tests of all scenarios have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import testinfra

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent / "lab"))

from lablib import trial  # noqa: E402  (the path comes first)


@pytest.fixture
def on() -> Callable[[str], testinfra.host.Host]:
    """A host of the lab, as testinfra sees it: ``on("glance1").service("glance-api")``."""
    return lambda name: testinfra.get_host(f"docker://{trial.LAB}{name}")


@pytest.fixture
def untouched() -> Iterator[dict[str, str]]:
    """Nothing is different after the test, and no lock stays."""
    before = trial.look()
    yield before
    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []
