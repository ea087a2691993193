# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What --check showed has not happened."""

from __future__ import annotations

from lablib import trial


def test_check_mode_changed_nothing() -> None:
    assert trial.differences(trial.remembered("before"), trial.look()) == []
    assert trial.runs("glance1") == trial.runs("nova1") == [] == trial.locked()
    assert trial.spoken() == trial.V1
