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
#: Hosts leave the balancer through haproxy's admin socket here, which needs no time to notice anything; in the other scenarios
#: their health check does that, and in `make load` with the time that is usual for it.
HAPROXY = {
    **load.USUAL,
    "drain": {"by": "haproxy", "grace": 1},
    "haproxy": {"group": "keystone", "backends": ["glance"]},
    "settle": 1,
}


def test_nobody_notices() -> None:
    with load.Load(large=LARGE) as users:
        users.phase("before")
        users.wait(REQUESTS // 10)
        users.leave_v1()
        users.phase("flip, v1 turned off")
        trial.flip(**HAPROXY).succeeds()
        users.phase("rollback")
        trial.roll_back(**HAPROXY).succeeds()
        users.speak_v1()
        users.phase("after")
        users.wait(max(REQUESTS // 10, REQUESTS - len(users.requests)))
    users.told()
    assert users.failed == []
    assert any(request.what == "large download" for request in users.requests)
    assert in_balancer() == dict.fromkeys(trial.GLANCES, "UP")


def in_balancer() -> dict[str, str]:
    """Each server's state, by haproxy."""
    rows = [
        row.split(",") for row in trial.sh("infra", "echo 'show stat' | socat - /run/haproxy/admin.sock").splitlines()
    ]
    status = rows[0].index("status")
    return {row[1]: row[status] for row in rows if row[0] == "glance" and row[1] in trial.GLANCES}
