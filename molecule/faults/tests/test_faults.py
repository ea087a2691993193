# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Six of the points that `make faults` tries. Each begins where the one before it ended, so their order counts."""

from __future__ import annotations

import pytest
from lablib import faults
from lablib.faults import BACK, FORTH, Point

POINTS = (
    # Half of the hosts are locked, and there is nothing to undo on any.
    Point(
        FORTH,
        "killed",
        "Lock and record on the other hosts: Check the files, take the lock, keep the pre-images (1)",
        BACK,
    ),
    # The host is out of the balancer, and its files are as they were.
    Point(FORTH, "killed with its worker", "glance1 drained glance_v1_off", FORTH),
    Point(BACK, "killed with its worker", "glance2 undoing glance_v1_off", BACK),
    Point(FORTH, "killed, its worker lives on", "glance1 applying glance_v1_off", BACK),
    Point(FORTH, "host crashed", "glance1 drained glance_v1_off", BACK),
    Point(FORTH, "no room for records", "glance1 drained glance_v1_off", FORTH),
)


@pytest.fixture(scope="module")
def states() -> faults.States:
    return faults.prepare()


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_one_further_command_ends_it(point: Point, states: faults.States) -> None:
    faults.attempt(point, states)
