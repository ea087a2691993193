# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""SIGKILL in the middle of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from lablib import trial


@pytest.fixture(autouse=True)
def starting_state() -> Iterator[None]:
    yield
    trial.reset()


def kill_once(it_happened: Callable[[], bool]) -> None:
    """Begin the flip, and kill it as soon as something is seen to have happened."""
    run = trial.flip()
    trial.wait_for(it_happened, seconds=trial.LIMIT)
    run.kill()
    assert trial.locked() == list(trial.MANAGED)


def begun(step: str, host: str) -> bool:
    found = trial.events(host)
    assert ("done", step, host) not in found, "The step was over too soon to be killed."
    return ("applying", step, host) in found


def test_the_next_run_finishes_what_was_killed() -> None:
    kill_once(lambda: begun("nova", "nova1"))
    trial.flip().succeeds().says("is unfinished on", "this run finishes it")
    assert trial.spoken() == trial.V2
    for host in trial.GLANCES:
        assert trial.ask(host, "/v1/images")[0] in (300, 404)
        assert trial.answers(host, "/healthcheck") == 200
    assert trial.locked() == []
    for host in trial.MANAGED:
        assert len(trial.runs(host)) == 1
        assert trial.journal(host)[-1]["event"] == "committed"


@pytest.mark.parametrize("place", trial.some(["the catalogue", "glance1"], 1))
def test_rollback_undoes_what_was_killed(place: str) -> None:
    before, catalogue = trial.look(), trial.catalogue()
    kill_once(
        (lambda: begun("glance_v1_off", place)) if place == "glance1" else (lambda: trial.catalogue() != catalogue)
    )
    assert trial.differences(before, trial.look()) != []
    trial.roll_back().succeeds()
    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []
    assert trial.spoken() == trial.V1
    for host in trial.MANAGED:
        assert trial.journal(host)[-1]["event"] == "undone"
