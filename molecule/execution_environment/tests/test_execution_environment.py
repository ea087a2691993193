# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Preflight, flip and rollback in a container of the execution environment, which reaches the hosts over SSH alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import awx, execution_environment, images, trial
from lablib.common import LAB, docker, run
from lablib.hosts import BY_NAME, NETWORK

#: Where the server lies on a host; the lab's reset empties it, and the user's home.
SSHD = "/root/sshd"
SERVE = f"""set -eu
useradd --create-home --home-dir /tmp/ops --password '*' --shell /bin/sh ops
useradd --system --home-dir /run/sshd --no-create-home --shell /usr/sbin/nologin sshd
install -d -o ops -m 700 /tmp/ops/.ssh
cat >/tmp/ops/.ssh/authorized_keys
chown ops /tmp/ops/.ssh/authorized_keys
echo 'ops ALL=(root) NOPASSWD: ALL' >/etc/sudoers.d/ops
mkdir -p /run/sshd
libraries=$(find {SSHD} -name '*.so*' -printf '%h\\n' | sort -u | paste -sd :)
LD_LIBRARY_PATH=$libraries {SSHD}/usr/bin/ssh-keygen -q -t ed25519 -N '' -f {SSHD}/key
printf '%s\\n' 'HostKey {SSHD}/key' 'PidFile none' 'PasswordAuthentication no' \
    'Subsystem sftp internal-sftp' >{SSHD}/config
systemd-run --quiet --unit=sshd --setenv=LD_LIBRARY_PATH=$libraries {SSHD}/usr/sbin/sshd -D -f {SSHD}/config
"""
END = f"""systemctl stop sshd
pkill -u ops || :
userdel ops; userdel sshd
rm -rf /etc/sudoers.d/ops {SSHD} /tmp/ops
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private key that opens the hosts to the user ops, who may become root; nothing of it stays."""
    images.ensure("sshd")
    file = tmp_path_factory.mktemp("key") / "id"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file))
    server = subprocess.run(
        ["docker", "run", "--rm", images.tag("sshd"), "tar", "-C", "/opt", "-c", "sshd"],
        check=True,
        capture_output=True,
    ).stdout
    try:
        for host in trial.MANAGED:
            inside = ["docker", "exec", "--interactive", f"{LAB}{host}"]
            subprocess.run([*inside, "tar", "-C", "/root", "-x"], check=True, input=server)
            run(*inside, "sh", "-c", SERVE, stdin=file.with_suffix(".pub").read_text())
        yield file.read_text()
    finally:
        for host in trial.MANAGED:
            trial.sh(host, END, check=False)


@pytest.fixture(scope="module")
def image() -> str:
    return execution_environment.ensure()


@pytest.fixture(scope="module")
def place(key: str, image: str) -> awx.Place:
    """A container of the image on the hosts' network, with nothing of this machine but the job's folder."""
    isolated = ("--process-isolation", "--process-isolation-executable=docker")
    container = (f"--container-image={image}", f"--container-option=--network={NETWORK}")
    hosts = {
        host: {
            "ansible_host": BY_NAME[host].address,
            "ansible_user": "ops",
            "ansible_become": True,
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        for host in trial.MANAGED
    }
    return awx.Place(hosts, (*isolated, *container), key, "/runner")


def test_the_image_holds_what_the_collections_ask_for(image: str) -> None:
    script = "ansible-galaxy collection list; python3 -m pip check; ssh -V 2>&1; qemu-img --version"
    said = docker("run", "--rm", "--network=none", image, "sh", "-ec", script)
    assert "stackops.glance " in said and "openstack.cloud " in said
    assert "No broken requirements found." in said and "OpenSSH" in said and "qemu-img version" in said
    has = "import openstack, oslo_policy, oslo_utils.imageutils.format_inspector, pymysql, ansible_runner"
    docker("run", "--rm", "--network=none", image, "python3", "-c", has)


def test_a_flip_and_its_way_back_as_jobs_of_the_image(tmp_path: Path, place: awx.Place) -> None:
    before = trial.look()
    looked = awx.preflight(tmp_path, place)
    assert trial.differences(before, trial.look()) == []

    flipped = awx.launch(tmp_path, awx.JOBS["flip"], looked.artifacts, place, glance_flip_v1_off="true")
    flipped.run.succeeds().says("Verdict: done.")
    assert [flipped.artifacts["glance_flip_run"]] == trial.runs("nova1")
    assert trial.spoken() == trial.V2

    back = awx.launch(tmp_path, awx.JOBS["rollback"], looked.artifacts | flipped.artifacts, place)
    back.run.succeeds()
    assert back.artifacts["glance_flip_verdict"].startswith("undone")
    assert trial.differences(before, trial.look()) == [] and trial.locked() == []
    assert trial.spoken() == trial.V1
    assert awx.PASSWORD not in back.run.output + flipped.run.output + looked.run.output


@pytest.mark.usefixtures("untouched")
def test_a_module_alone(tmp_path: Path, place: awx.Place) -> None:
    words = ("--hosts", "nova1", "-m", "stackops.glance.nova_use_glance_v1_info")
    awx.start(tmp_path / "host", *words, variables={}, place=place).run.succeeds().says('"api_version": 1')
