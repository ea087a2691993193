# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The cases share one fleet, so their order counts."""

from __future__ import annotations

from pathlib import Path

from lablib import trial

OLD = ("-i", str(Path(__file__).parents[1] / "python27.yml"))


def test_this_is_the_last_core_for_such_hosts() -> None:
    trial.Run("ansible", "--version").succeeds().says("ansible [core 2.16.")
    trial.module("glance1", "glance_host_info", {"services": []}, *OLD).succeeds().says('"python": "2.7.')


def test_a_newer_core_names_this_one() -> None:
    before = trial.look()
    trial.flip(*OLD, environment="main").fails("glance1", "/usr/bin/python2.7", "Run with ansible-core 2.16")
    assert trial.differences(before, trial.look()) == []
    trial.remember("before", before)


def test_flip(tmp_path: Path) -> None:
    assert trial.flip(*OLD, report_dir=str(tmp_path)).succeeds().changed() > 0
    report = trial.report(tmp_path, "upgrade_to_v2")
    assert "policy_not_decided" not in trial.finding_ids(report)
    assert [each["hosts"] for each in report["policy"]] == [list(trial.GLANCES)]
    assert trial.spoken() == trial.V2
    for host in trial.GLANCES:
        assert trial.ask(host, "/v1/images")[0] in (300, 404)
        assert trial.journal(host)[-1]["event"] == "committed"
    assert trial.locked() == []


@trial.thorough
def test_nothing_is_left_to_do() -> None:
    assert trial.flip(*OLD).succeeds().changed() == 0


def test_rollback() -> None:
    trial.roll_back(*OLD).succeeds()
    assert trial.differences(trial.remembered("before"), trial.look()) == []
    assert trial.locked() == []
    assert trial.spoken() == trial.V1
