# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The fleet speaks v1, and holds images that were created through it."""

from __future__ import annotations

from lablib import trial


def test_nova_speaks_v1() -> None:
    trial.seed_images()
    assert trial.spoken() == trial.V1
    for place in (*trial.GLANCES, "infra"):
        assert trial.ask(place, "/v1/images")[0] == 200
    assert any(url.endswith(("/v1", "/v2")) for url in trial.catalogue().values())
    # An owner and a mode of its own must survive too.
    trial.sh("nova1", f"chown nova:adm {trial.NOVA_CONF}; chmod 604 {trial.NOVA_CONF}")
    trial.remember("before", trial.look())
    trial.count_executions()
