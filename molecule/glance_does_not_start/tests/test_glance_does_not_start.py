# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The first step fails on its second host."""

from __future__ import annotations

from lablib import trial


def test_it_is_undone_everywhere() -> None:
    for host in trial.GLANCES:
        trial.sh(
            host,
            f"sed -i 's/^enable_v2_api = true/enable_v2_api = false/' {trial.GLANCE_CONF}; systemctl restart glance-api",
        )
    for host in trial.GLANCES:
        trial.wait_for(lambda host=host: trial.answers(host, "/v1/images") == 200)
    trial.refuse_to_start("glance2", "enable_v2_api = true")
    before = trial.look()

    run = trial.flip().fails(
        "glance2: glance_v2_on: systemctl restart glance-api failed", "undone, every file and unit is as it was before"
    )
    assert "journalctl" in run.output

    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []
    assert [event for event in trial.events() if event[0] in ("applying", "done", "failed", "undone")] == [
        ("applying", "glance_v2_on", "glance1"),
        ("done", "glance_v2_on", "glance1"),
        ("applying", "glance_v2_on", "glance2"),
        ("failed", "glance_v2_on", "glance2"),
        ("undone", "glance_v2_on", "glance2"),
        ("undone", "glance_v2_on", "glance1"),
    ]
    assert trial.spoken() == trial.V1
    # Nobody is left out of the balancer.
    for host in trial.GLANCES:
        assert trial.answers(host, "/healthcheck") == 200
