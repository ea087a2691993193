# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The cases share one flipped fleet, so their order counts."""

from __future__ import annotations

import json
from pathlib import Path

from lablib import trial

HOTFIX = "# somebody's hotfix"


def test_check_mode_shows_the_way_back_and_goes_none_of_it() -> None:
    shown = trial.roll_back("--check", "--diff").succeeds()
    assert "+use_glance_v1 = true" in shown.output
    assert trial.differences(trial.remembered("flipped"), trial.look()) == []
    assert trial.locked() == []


def test_a_hotfix_is_refused_by_name_before_anything_is_undone() -> None:
    trial.sh("nova2", f'echo "{HOTFIX}" >>{trial.NOVA_CONF}')
    trial.roll_back().fails(
        "nova2", f"{trial.NOVA_CONF} changed after run", "glance_flip_force=true", "nothing was changed"
    )
    assert trial.differences(trial.remembered("flipped"), trial.look()) == [f"nova2:{trial.NOVA_CONF}"]
    assert trial.locked() == []


def test_rollback_goes_on_by_force_and_names_what_v1_will_misread(tmp_path: Path) -> None:
    status, image = trial.ask(
        "infra",
        "/v2/images",
        "POST",
        json.dumps({"name": "of-the-community", "visibility": "community"}).encode(),
        Content_Type="application/json",
    )
    assert status == 201, image
    back = trial.roll_back(force=True, report_dir=str(tmp_path)).succeeds()
    assert image["id"] in back.output
    assert "community" in back.output
    report = trial.report(tmp_path, "rollback")
    assert report["outcome"].startswith("undone") and {each["direction"] for each in report["timeline"]} == {"undo"}


def test_everything_is_as_before() -> None:
    assert trial.differences(trial.remembered("before"), trial.look()) == []
    assert trial.locked() == []
    for host in trial.MANAGED:
        assert trial.journal(host)[-1]["event"] == "undone"


def test_the_hotfix_is_kept_aside() -> None:
    kept = trial.sh("nova2", f'grep -l "{HOTFIX}" {trial.RECORDS}/runs/*/files/*')
    assert kept.strip()


def test_nova_speaks_v1_by_glances_access_log() -> None:
    assert trial.spoken() == trial.V1


def test_images_are_all_there_with_the_same_hashes() -> None:
    assert trial.images_intact()


def test_a_second_rollback_finds_nothing_to_do() -> None:
    again = trial.roll_back().succeeds()
    assert again.changed() == 0
    assert trial.differences(trial.remembered("before"), trial.look()) == []
