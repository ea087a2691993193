# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A fleet that was found mixed, with a host that is away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lablib import trial


@pytest.fixture(scope="module", autouse=True)
def mixed() -> Iterator[None]:
    trial.sh("nova1", f"sed -i '/^use_glance_v1/d' {trial.NOVA_CONF}; systemctl restart nova-api nova-compute")
    assert trial.wait_for(lambda: trial.spoken() == {"nova1": {"v2"}, "nova2": {"v1"}})
    yield


def test_a_mixed_fleet_is_named_host_by_host() -> None:
    trial.playbook("preflight").succeeds().says("The Nova hosts disagree: nova2 speak v1, nova1 speak v2.")


def test_the_rest_is_finished_and_v1_stays_on() -> None:
    with trial.paused("nova2"):
        run = trial.flip().succeeds()
    run.says("nova_host_unreachable nova2", "v1_stays_on", "v1 is not turned off: nova_host_unreachable on nova2.")
    assert trial.ask("infra", "/v1/images")[0] == 200
    assert not any(url.endswith("/v1") for url in trial.catalogue().values())
    assert trial.spoken() == {"nova1": {"v2"}, "nova2": {"v1"}}
    assert trial.locked() == []


@trial.thorough
def test_a_host_that_fails_is_put_back_alone_and_keeps_v1_on() -> None:
    again = "sed -i 's/^\\[glance\\]$/&\\nuse_glance_v1 = true/'"
    trial.sh("nova1", f"{again} {trial.NOVA_CONF}; systemctl restart nova-api nova-compute")
    trial.refuse_to_start("nova2", "use_glance_v1 = false", "nova-compute", trial.NOVA_CONF)
    before = trial.look("nova2")
    run = trial.flip(nova_option="false", nova_serial=2, max_fail_percentage=60).succeeds()
    run.says("nova2: nova: systemctl restart nova-compute failed")
    assert [name for name in trial.differences(before, trial.look("nova2")) if name.startswith("nova2")] == []
    assert trial.ask("infra", "/v1/images")[0] == 200
    assert trial.wait_for(lambda: trial.spoken() == {"nova1": {"v2"}, "nova2": {"v1"}})
    assert trial.locked() == []
    trial.sh("nova2", "rm -r /etc/systemd/system/nova-compute.service.d; systemctl daemon-reload")


def test_a_second_run_finishes_once_it_is_back() -> None:
    trial.flip().succeeds()
    assert trial.spoken() == trial.V2
    for place in (*trial.GLANCES, "infra"):
        assert trial.ask(place, "/v1/images")[0] in (300, 404)
    assert trial.locked() == []
