# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A second flip changed nothing, and took little to find that out."""

from __future__ import annotations

import pytest
from lablib import trial


def test_nothing_has_changed() -> None:
    assert trial.differences(trial.remembered("flipped"), trial.look()) == []
    assert trial.locked() == []


@pytest.mark.parametrize(
    ("host", "most"), [*((host, 4) for host in trial.GLANCES), *((host, 2) for host in trial.NOVAS)]
)
def test_it_started_few_programs_on_a_host(host: str, most: int) -> None:
    assert 0 < trial.executions(host) <= most
