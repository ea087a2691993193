# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The lab is an old cloud in working order, and comes back to that state whatever was done to it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import testinfra
from lablib import fleet, seed, trial

HEALTH_FILE = "/etc/glance/healthcheck_disable"


@pytest.mark.parametrize("place", ["glance1", "glance2", "infra"])
def test_both_versions_and_the_health_check_answer(place: str) -> None:
    for path in ("/v1/images", "/v2/images", "/healthcheck"):
        status, answer = trial.ask(place, path)
        assert status == 200, answer


@pytest.mark.parametrize("place", ["glance1", "glance2"])
def test_glance_is_the_last_release_with_v1_on_python_2_7(on: Callable[[str], testinfra.host.Host], place: str) -> None:
    host = on(place)
    for unit in ("glance-api", "glance-registry"):
        assert host.service(unit).is_running
        assert host.service(unit).is_enabled
    assert host.check_output("/opt/glance/15.0.2/bin/glance-api --version 2>&1") == "15.0.2"
    assert host.check_output("/opt/glance/15.0.2/bin/python --version 2>&1").startswith("Python 2.7.")
    assert host.run("/usr/bin/python2.7 -c 1").succeeded


@pytest.mark.parametrize("place", ["nova1", "nova2"])
def test_nova_is_a_stand_in_that_says_so(on: Callable[[str], testinfra.host.Host], place: str) -> None:
    host = on(place)
    for unit in ("nova-api", "nova-compute"):
        assert host.service(unit).is_running
    shown = host.check_output("/opt/nova/14.1.0/bin/pip --disable-pip-version-check show nova 2>/dev/null")
    assert "Version: 14.1.0+standin" in shown
    assert "stand-in" in shown


def test_nova_speaks_v1() -> None:
    assert trial.spoken() == trial.V1


def test_the_catalogue_names_versions_as_an_old_cloud_does() -> None:
    assert sorted(trial.catalogue().values()) == [
        f"admin {fleet.GLANCE}/v1",
        f"internal {fleet.GLANCE}/v1",
        f"public {fleet.GLANCE}",
    ]


def test_the_balancer_follows_the_health_check() -> None:
    def servers_up() -> int:
        return balancer_states().count("UP")

    assert servers_up() == 2
    trial.sh("glance1", f"touch {HEALTH_FILE}")
    trial.wait_for(lambda: servers_up() == 1, seconds=10)
    assert trial.ask("glance1", "/healthcheck")[0] == 503
    assert trial.ask("infra", "/v2/images")[0] == 200
    trial.sh("glance1", f"rm {HEALTH_FILE}")
    trial.wait_for(lambda: servers_up() == 2, seconds=10)


def balancer_states() -> list[str]:
    """What haproxy thinks of each Glance host, by its admin socket."""
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/haproxy/admin.sock'); "
        "s.sendall(b'show stat\\n'); print(s.makefile().read())"
    )
    rows = [line.split(",") for line in trial.sh("infra", f'python3 -c "{script}"').splitlines() if "," in line]
    status = rows[0].index("status")
    return [row[status] for row in rows if row[0] == "glance" and row[1].startswith("glance")]


def test_a_reload_does_not_change_the_version(on: Callable[[str], testinfra.host.Host]) -> None:
    trial.sh(
        "nova1",
        f"sed -i 's/^use_glance_v1 = true/use_glance_v1 = false/' {trial.NOVA_CONF}; systemctl reload nova-compute",
    )
    log = on("nova1").file("/var/log/nova/nova-compute.log")
    trial.wait_for(lambda: "Ignoring change to immutable option glance.use_glance_v1" in log.content_string, seconds=10)
    assert trial.spoken()["nova1"] == {"v1"}


def test_a_restart_does(on: Callable[[str], testinfra.host.Host]) -> None:
    trial.sh("nova1", "systemctl restart nova-compute nova-api")
    assert trial.spoken()["nova1"] == {"v2"}


def test_a_refused_value_keeps_nova_from_starting(on: Callable[[str], testinfra.host.Host]) -> None:
    trial.sh("nova1", f"sed -i 's/^use_glance_v1 = false/use_glance_v1 = maybe/' {trial.NOVA_CONF}")
    refused = on("nova1").run(f"/opt/nova/14.1.0/bin/nova-compute --config-file {trial.NOVA_CONF}")
    assert refused.rc == 1
    assert "use_glance_v1" in refused.stderr


@trial.thorough
def test_reset_undoes_it_all() -> None:
    fleet.reset()
    before = trial.look()
    status, answer = trial.ask(
        "infra", "/v2/images", "POST", b'{"name": "left behind"}', Content_Type="application/json"
    )
    assert status == 201, answer
    trial.sh(
        "nova1",
        f"sed -i '/use_glance_v1/d' {trial.NOVA_CONF}; chmod 600 {trial.NOVA_CONF}; systemctl disable --now nova-api",
    )
    trial.sh("nova2", "mount -t tmpfs tmpfs /etc/nova; systemctl stop nova-compute")
    trial.sh("glance1", f"mkdir -p {trial.RECORDS}/runs/x; rm -r /etc/glance; systemctl disable --now glance-registry")
    trial.sh("glance1", "ln -s /dev/null /etc/systemd/system/glance-scrubber.service")
    trial.sh("glance2", "mkdir /etc/systemd/system/glance-api.service.d; systemctl kill -s KILL glance-api")
    transaction = "start transaction; select count(*) from endpoint; select sleep(300)"
    client = "mariadb --host 127.0.0.1 --user keystone --password=lab-database-secret keystone"
    trial.sh("infra", f"nohup {client} --execute '{transaction}' >/dev/null 2>&1 &")
    drop = json.dumps({"endpoint": {"url": "http://elsewhere"}}).encode()
    for each, address in trial.catalogue().items():
        if address.startswith("admin"):
            headers = {**seed.Api("admin").headers, "Content-Type": "application/json"}
            assert seed.request("PATCH", f"{fleet.KEYSTONE}/endpoints/{each}", headers, drop)[0] == 200
    started = time.monotonic()
    fleet.reset()
    assert time.monotonic() - started < 60
    assert trial.differences(before, trial.look()) == []
    assert trial.ask("infra", "/v2/images")[1]["images"] == []
    assert not trial.runs("glance1")
    assert trial.spoken() == trial.V1
