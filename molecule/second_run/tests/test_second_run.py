# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The lock lets one run through."""

from __future__ import annotations

from lablib import trial


def test_of_two_that_begin_together_one_is_refused() -> None:
    both = [trial.flip(), trial.flip()]
    lost, won = sorted(both, key=lambda run: run.wait() == 0)
    won.succeeds()
    lost.fails("locked by run")
    assert trial.locked() == []
    assert trial.spoken() == trial.V2
    for host in trial.MANAGED:
        assert [entry["event"] for entry in trial.journal(host)][-1] == "committed"


@trial.thorough
def test_the_holder_is_named_to_those_who_come_later() -> None:
    # The way back is the first run this time.
    flipped = trial.look()
    first = trial.roll_back()
    trial.wait_for(lambda: len(trial.locked()) == len(trial.MANAGED), seconds=trial.LIMIT)
    others = [trial.roll_back(), trial.flip()]
    for other in others:
        other.fails("locked by run", "held by", f"(process {first.process.pid})", "glance_flip_takeover=true")
    first.succeeds()
    assert trial.locked() == []
    assert trial.differences(flipped, trial.look()) != []
    assert trial.spoken() == trial.V1
    for host in trial.MANAGED:
        assert [entry["event"] for entry in trial.journal(host)].count("prepared") == 1
