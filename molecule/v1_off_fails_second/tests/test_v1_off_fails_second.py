# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The last step fails on its second host, with everything before it done."""

from __future__ import annotations

from lablib import trial


def test_all_steps_are_undone_in_order() -> None:
    trial.refuse_to_start("glance2", "enable_v1_api = false")
    before = trial.look()

    trial.flip().fails(
        "glance2: glance_v1_off: systemctl restart glance-api failed", "undone, every file and unit is as it was before"
    )

    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []
    found = [event for event in trial.events() if event[0] in ("done", "failed", "undone")]
    # Nova's hosts are changed side by side.
    assert [sorted(found[:2]), *found[2:4], *found[4:6], sorted(found[6:])] == [
        [("done", "nova", "nova1"), ("done", "nova", "nova2")],
        ("done", "glance_v1_off", "glance1"),
        ("failed", "glance_v1_off", "glance2"),
        ("undone", "glance_v1_off", "glance2"),
        ("undone", "glance_v1_off", "glance1"),
        [("undone", "nova", "nova1"), ("undone", "nova", "nova2")],
    ]
    assert trial.spoken() == trial.V1


@trial.thorough
def test_it_goes_through_once_the_host_is_mended() -> None:
    trial.sh("glance2", "rm -r /etc/systemd/system/glance-api.service.d; systemctl daemon-reload")
    trial.flip().succeeds()
    assert trial.spoken() == trial.V2
    assert trial.ask("glance2", "/v1/images")[0] in (300, 404)
