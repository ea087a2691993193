# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The layout of openstack-ansible: an environment for each tag under /openstack/venvs, units that name no files, its groups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import trial
from lablib.common import LAB, docker
from lablib.layouts import Reader, copied_environment

VENV = "/openstack/venvs/glance-15.0.2"
GROUPS = """
[glance_api]
glance1
glance2
[glance_all:children]
glance_api
[nova_compute]
nova1
nova2
[nova_api_os_compute]
nova1
"""


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """Glance moved to where openstack-ansible has it, and somebody with its inventory and the profile."""
    for host in trial.GLANCES:
        copied_environment(host, "/opt/glance/15.0.2", VENV)
        trial.sh(
            host,
            f"""set -e
sed -i 's,^ExecStart=.*/bin/\\(.*\\) --config-file .*,ExecStart={VENV}/bin/\\1,' /etc/systemd/system/glance-*.service
systemctl daemon-reload
systemctl restart glance-registry glance-api""",
        )
        trial.wait_for(lambda host=host: trial.answers(host, "/healthcheck") == 200)  # type: ignore[misc]
    yield Reader("openstack-ansible.md", "inventory", GROUPS)
    for host in trial.GLANCES:
        docker("exec", LAB + host, "sh", "-c", "umount /opt/glance; rm -rf /openstack")
    trial.reset()


def test_the_guide_up_to_the_flip_changes_nothing(reader: Reader) -> None:
    before = trial.look()
    trial.as_shown(reader.folder, reader.preflight).succeeds().says("verdict: ready")
    trial.as_shown(reader.folder, reader.check).succeeds().says("-use_glance_v1 = true", "+enable_v1_api = false")
    assert trial.differences(before, trial.look()) == []
    trial.remember("openstack_ansible", before)


def test_flip_and_what_keeps_it(reader: Reader, tmp_path: Path) -> None:
    run = trial.as_shown(reader.folder, reader.flip, report_dir=str(tmp_path)).succeeds()
    run.says(
        "To /etc/openstack_deploy/user_variables.yml:",
        "glance_glance_api_conf_overrides:",
        "enable_v1_api: 'false'",
        "glance_glance_registry_conf_overrides:",
        "enable_v1_registry: 'false'",
        "Take out of nova_nova_conf_overrides where it is there: [glance] use_glance_v1",
    )
    report = trial.report(tmp_path, "upgrade_to_v2")
    assert [each["place"] for each in report["permanent"]] == ["/etc/openstack_deploy/user_variables.yml"] * 3
    assert {each["release"] for each in report["spoken"] if each["service"] == "glance-api"} == {"Glance 15.0.2 (Pike)"}
    assert trial.spoken() == trial.V2
    for host in trial.GLANCES:
        assert trial.ask(host, "/v1/images")[0] in (300, 404)


def test_the_way_back(reader: Reader) -> None:
    trial.as_shown(reader.folder, reader.roll_back).succeeds()
    assert trial.differences(trial.remembered("openstack_ansible"), trial.look()) == []
    assert trial.locked() == []
    assert trial.spoken() == trial.V1
