# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What has to be there again at the end."""

from __future__ import annotations

from lablib import trial


def test_note_what_is_there() -> None:
    trial.seed_images()
    assert trial.spoken() == trial.V1
    # An owner and a mode of its own must survive too.
    trial.sh("nova1", f"chown nova:adm {trial.NOVA_CONF}; chmod 604 {trial.NOVA_CONF}")
    trial.remember("before", trial.look())
