# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Users at work while the cloud is flipped and put back."""

from __future__ import annotations

import sys
from pathlib import Path

from lablib import trial

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks"))

import load  # noqa: E402  (the path comes first)

REQUESTS = 2000
LARGE = 64 * load.MIB


def test_nobody_notices() -> None:
    with load.Load(large=LARGE) as users:
        users.phase("before")
        users.wait(REQUESTS // 10)
        users.leave_v1()
        users.phase("flip, v1 turned off")
        trial.flip(**load.USUAL).succeeds()
        users.phase("rollback")
        trial.roll_back(**load.USUAL).succeeds()
        users.speak_v1()
        users.phase("after")
        users.wait(max(REQUESTS // 10, REQUESTS - len(users.requests)))
    print(users.table())
    assert users.failed == []
    assert any(request.what == "large download" for request in users.requests)
