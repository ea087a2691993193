# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The layout of Kolla: services in containers that take their files from /etc/kolla on the host when they are started.

On glance1 systemd starts the API's container, as Kolla-Ansible has it since 16; the registry's, and those of nova1, are the
engine's own, as before that. The lab's Glance runs in them, and Nova's stand-in, from images that hold no more than they need.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import fleet, trial
from lablib.common import LAB, docker
from lablib.layouts import Reader, copied_environment

HOSTS = ("glance1", "nova1")
ENGINE = "podman"
GROUPS = """
[control]
glance1
[compute]
nova1
[glance:children]
control
[glance-api:children]
glance
[nova]
nova1
[nova-api:children]
nova
"""
VENV = "/var/lib/kolla/venv"
API, REGISTRY = "/etc/kolla/glance-api/glance-api.conf", "/etc/kolla/glance-registry/glance-registry.conf"
UNIT = "kolla-glance_api-container"


def install(host: str) -> None:
    """The engine, an image without a service's programs and files, and what Kolla's start script does."""
    docker("cp", str(Path(__file__).parent / "kolla_start"), f"{LAB}{host}:/root/kolla_start")
    trial.sh(
        host,
        f"""set -e
exec >/root/install.log 2>&1
apt-get update -q
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends {ENGINE} runc
cat >/etc/containers/storage.conf <<'EOF'
[storage]
driver = "vfs"
runroot = "/run/containers/storage"
graphroot = "/var/lib/containers/storage"
EOF
cat >/etc/containers/containers.conf <<'EOF'
[containers]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
EOF
mount | sed -n 's,^cgroup on \\(.*\\) type cgroup .*,\\1,p' | while read -r each; do mount -o remount,rw,bind "$each"; done
mkdir -p /root/image && cd /root/image
mkdir -p dev proc sys run tmp usr bin sbin lib lib64 root etc var/log/kolla
mkdir -p var/lib/kolla/config_files var/lib/kolla/venv var/lib/glance var/lib/nova
cp -a /etc/passwd /etc/group /etc/nsswitch.conf /etc/ssl /etc/protocols /etc/services /etc/ld.so.* /etc/alternatives etc
for each in glance nova; do [ ! -d /etc/$each ] || cp -a /etc/$each etc; done
install -m 755 /root/kolla_start kolla_start
tar -c . | {ENGINE} import - localhost/kolla""",
    )


def contain(host: str, project: str, name: str, policy: str = "unless-stopped") -> None:
    """A service of the host as Kolla has it: /etc/kolla/NAME with its file, and a container that runs."""
    conf = "nova.conf" if project == "nova" else f"{name}.conf"
    config = {
        "command": f"{name} --config-file /etc/{project}/{conf}"
        + (f" --log-file /var/log/kolla/nova/{name}.log" if project == "nova" else ""),
        "config_files": [
            {
                "source": f"/var/lib/kolla/config_files/{conf}",
                "dest": f"/etc/{project}/{conf}",
                "owner": project,
                "perm": "0600",
            }
        ],
    }
    container = name.replace("-", "_")
    trial.sh(
        host,
        f"""set -e
systemctl disable --now {name} && rm -f /etc/systemd/system/{name}.service
mkdir -p /etc/kolla/{name}
sed 's,/var/log/{project}/,/var/log/kolla/{project}/,' /etc/{project}/{conf} >/etc/kolla/{name}/{conf}
chmod 660 /etc/kolla/{name}/{conf}
cat >/etc/kolla/{name}/config.json <<'EOF'
{json.dumps(config)}
EOF
{ENGINE} create --name {container} --network host --ulimit host --restart {policy} \\
    --env KOLLA_CONFIG_STRATEGY=COPY_ALWAYS --env PATH={VENV}/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
    {" ".join(f"--volume {each}:{each}:ro" for each in ("/usr", "/bin", "/sbin", "/lib", "/lib64"))} \\
    --volume {VENV}.host:{VENV}:ro --volume /etc/kolla/{name}:/var/lib/kolla/config_files:ro \\
    --volume /var/lib/{project}:/var/lib/{project} --volume /var/log/{project}:/var/log/kolla/{project} \\
    localhost/kolla /kolla_start""",
    )


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """The services of both hosts in containers, and somebody with Kolla's inventory and the profile."""
    trial.sh("nova2", "systemctl stop nova-api nova-compute")  # it is no part of this cloud
    for host in HOSTS:
        install(host)
    copied_environment("glance1", "/opt/glance/15.0.2", f"{VENV}.host", VENV)
    contain("glance1", "glance", "glance-registry")
    contain("glance1", "glance", "glance-api", "no")
    copied_environment("nova1", "/opt/nova/14.1.0", f"{VENV}.host", VENV)
    for name in ("nova-api", "nova-compute"):
        contain("nova1", "nova", name)
    trial.sh(
        "glance1",
        f"""set -e
rm -r /etc/glance
cat >/etc/systemd/system/{UNIT}.service <<'EOF'
[Unit]
Description={ENGINE} {UNIT}
[Service]
ExecStart=/usr/bin/{ENGINE} start -a glance_api
ExecStop=/usr/bin/{ENGINE} stop glance_api -t 60
Restart=always
RestartSec=11
SuccessExitStatus=143
[Install]
WantedBy=multi-user.target
EOF
systemctl daemon-reload
{ENGINE} start glance_registry
systemctl enable --now {UNIT}""",
    )
    trial.sh("nova1", f"rm -r /etc/nova; {ENGINE} start nova_api nova_compute")
    trial.wait_for(lambda: trial.answers("glance1", "/healthcheck") == 200)
    yield Reader("kolla.md", "multinode", GROUPS)
    # What was installed and made there goes with the machines; control groups are those of the engine around them.
    for host in HOSTS:
        groups = "find /sys/fs/cgroup -depth -type d -path '*/libpod_parent*' -exec rmdir {} +"
        trial.sh(host, f"{ENGINE} rm --force --all; {groups}", check=False)
        docker("rm", "--force", "--volumes", LAB + host)
    fleet.up()


def look() -> dict[str, str]:
    """Files, and what the containers do."""
    found = trial.look(*HOSTS)
    for host, container in [
        ("glance1", "glance_api"),
        ("glance1", "glance_registry"),
        ("nova1", "nova_api"),
        ("nova1", "nova_compute"),
    ]:
        form = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}"
        found[f"{host} {container}"] = trial.sh(host, f"{ENGINE} inspect --format '{form}' {container}").strip()
    found[f"glance1 {UNIT}"] = trial.sh("glance1", f"systemctl is-active {UNIT}; systemctl is-enabled {UNIT}")
    return found


def spoken() -> set[str]:
    """Which Images API the containers of nova1 speak, by Glance's access logs."""
    heard = trial.listen()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {version for client, _host, version, _status in heard() if client == "nova1"}
        if found:
            return found
        time.sleep(1)
    return set()


@pytest.mark.usefixtures("reader")
def test_before() -> None:
    before = look()
    assert before["glance1 glance_registry"].startswith("running")
    assert trial.ask("glance1", "/v1/images")[0] == 200
    assert spoken() == {"v1"}
    trial.remember("kolla", before)


def test_the_guide_up_to_the_flip_changes_nothing(reader: Reader) -> None:
    trial.as_shown(reader.folder, reader.preflight).succeeds().says("verdict: ready")
    trial.as_shown(reader.folder, reader.check).succeeds().says(f"{API}", "+enable_v1_api = false")
    assert trial.differences(trial.remembered("kolla"), look()) == []


def test_flip_and_what_keeps_it(reader: Reader, tmp_path: Path) -> None:
    run = trial.as_shown(reader.folder, reader.flip, report_dir=str(tmp_path)).succeeds()
    run.says("To /etc/kolla/config/glance/glance-api.conf:", "enable_v1_api = false", "To /etc/kolla/config/nova.conf:")
    report = trial.report(tmp_path, "upgrade_to_v2")
    spoke = {each["service"]: each["release"] for each in report["spoken"]}
    assert spoke["glance-api"] == "Glance 15.0.2 (Pike)" and spoke["nova-compute"].startswith("Nova 14")
    restarted = {part["step"]: part["restart"] for part in report["parts"]}
    assert restarted["nova"] == [f"{ENGINE}:nova_compute", f"{ENGINE}:nova_api"]
    assert restarted["glance_v1_off"] == [UNIT]
    assert trial.ask("glance1", "/v1/images")[0] in (300, 404)
    assert spoken() == {"v2"}
    after = look()
    assert after["glance1 glance_registry"].startswith("exited")
    assert after["glance1 glance_api"].startswith("running") and after[f"glance1 {UNIT}"] == "active\nenabled\n"


def test_nothing_is_left_to_do(reader: Reader) -> None:
    assert trial.as_shown(reader.folder, reader.flip).succeeds().changed() == 0


def test_the_way_back(reader: Reader) -> None:
    trial.as_shown(reader.folder, reader.roll_back).succeeds()
    assert trial.differences(trial.remembered("kolla"), look()) == []
    assert trial.ask("glance1", "/v1/images")[0] == 200
    assert spoken() == {"v1"}


def test_a_container_that_does_not_start_turns_the_run_around(reader: Reader) -> None:
    """It takes the changed file and ends at once; with the file from before it starts again."""
    command = "/etc/kolla/glance-api/command"
    trial.sh(
        "glance1",
        f"""cat >{command} <<'EOF'
! grep -qx 'enable_v1_api = false' /etc/glance/glance-api.conf && exec glance-api --config-file /etc/glance/glance-api.conf
EOF
sed -i 's,"command": "[^"]*","command": "sh /var/lib/kolla/config_files/command",' /etc/kolla/glance-api/config.json
systemctl restart {UNIT}""",
    )
    trial.wait_for(lambda: trial.answers("glance1", "/healthcheck") == 200)
    before = look()
    trial.as_shown(reader.folder, reader.flip).fails("glance1: glance_v1_off", UNIT, "undone, every file and unit")
    assert trial.differences(before, look()) == []
    assert trial.ask("glance1", "/v1/images")[0] == 200
