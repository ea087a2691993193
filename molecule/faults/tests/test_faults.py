# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Six of the points that `make faults` tries, on a small fleet. Each begins where the one before it ended, so their order counts."""

from __future__ import annotations

import json

import pytest
from lablib import faults, trial
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
    Point(BACK, "killed with its worker", "glance1 undoing glance_v1_off", BACK),
    Point(FORTH, "killed, its worker lives on", "glance1 applying glance_v1_off", BACK),
    # Nova is put back too.
    Point(FORTH, "service does not start", "glance1 drained glance_v1_off", BACK),
    Point(FORTH, "a second run beside it", "glance1 prepared", FORTH),
)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> faults.States:
    found = faults.prepare()
    found.glances, found.inventory = ("glance1",), tmp_path_factory.mktemp("fleet") / "hosts.json"
    fleet = {"glance_api": ["glance1"], "nova": ["nova1"]}
    groups = {
        group: {"hosts": {name: {"ansible_host": f"{trial.LAB}{name}"} for name in names}}
        for group, names in fleet.items()
    }
    found.inventory.write_text(json.dumps({"all": {"vars": trial.CONNECTION, "children": groups}}), encoding="utf-8")
    return found


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_one_further_command_ends_it(point: Point, states: faults.States) -> None:
    faults.attempt(point, states)
