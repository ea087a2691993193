# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The lab's hosts: start them, bring them back to the starting state, remove them."""

from __future__ import annotations

import contextlib
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import databases, images, machine, releases
from .common import LabError, docker, say, state_dir
from .hosts import (
    ALL,
    BY_NAME,
    FACTS,
    GLANCE,
    HOSTS,
    INFRA,
    KEYSTONE,
    NETWORK,
    ON_DEMAND,
    SUBNET,
    VOLUME,
    Host,
    on_demand,
)

#: How long a host may take to boot and a service to answer, on a machine that has much else to do.
BOOT_SECONDS = SERVICE_SECONDS = 240
#: systemd mounts, and root sees what another user's process has open, as on a machine.
RIGHTS = ("SYS_ADMIN", "SYS_PTRACE")


def in_parallel(work: Callable[[Host], None], hosts: Iterable[Host]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(work, hosts))


def up(*names: str) -> None:
    """Start what does not run of the lab, and of the hosts on demand with these names."""
    wanted = [*HOSTS, *on_demand(names)]
    images.ensure(*(host.image for host in wanted))
    stale = [host for host in wanted if state(host) != "running" or not _current(host)]
    if not stale:
        _write_access()
        try:
            wait(seconds=10)
            say("the lab is up already")
        except LabError as error:
            say(f"not all of the lab answers: {error}")
            reset()
        return
    _ensure_network()
    say(f"starting {', '.join(host.name for host in stale)}")
    in_parallel(_start, stale)
    in_parallel(wait_for_boot, stale)
    _write_access()
    # What joins a lab that runs leaves the others as they are.
    _bring_back(present() if any(host in HOSTS for host in stale) else stale)


def present() -> list[Host]:
    """The lab's hosts, and of those on demand the ones that are there."""
    return [*HOSTS, *(host for host in ON_DEMAND if state(host) != "absent")]


def state(host: Host) -> str:
    """Docker's word for the container: running, paused, exited … or absent."""
    return (
        docker("container", "inspect", "--format", "{{.State.Status}}", host.container, check=False).strip() or "absent"
    )


def _current(host: Host) -> bool:
    """Whether the container runs today's image at today's address, and may what it has to."""
    found = docker(
        "container",
        "inspect",
        "--format",
        '{{.Config.Image}} {{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{join .HostConfig.CapAdd ","}}',
        host.container,
        check=False,
    )
    *place, rights = found.split() or [""]
    return place == [images.tag(host.image), host.address] and all(each in rights for each in RIGHTS)


def _ensure_network() -> None:
    found = docker(
        "network", "inspect", "--format", "{{range .IPAM.Config}}{{.Subnet}}{{end}}", NETWORK, check=False
    ).strip()
    if found == str(SUBNET):
        return
    if found:
        for host in ALL:
            docker("rm", "--force", "--volumes", host.container, check=False)
        docker("network", "rm", NETWORK)
    docker("network", "create", "--subnet", str(SUBNET), NETWORK)


def _start(host: Host, *more: str) -> None:
    if state(host) == "exited" and _current(host):
        docker("start", host.container)
        return
    docker("rm", "--force", "--volumes", host.container, check=False)
    # With one hierarchy (cgroup v2) systemd has to write to it; the older layout has a mount of its own for that.
    access = "rw" if Path("/sys/fs/cgroup/cgroup.controllers").exists() else "ro"
    names = [f"--add-host={other.name}:{other.address}" for other in ALL if other != host]
    store = [f"--volume={VOLUME}:/var/lib/glance/images"] if host.shares else []
    docker(
        "run",
        "--detach",
        f"--name={host.container}",
        f"--hostname={host.name}",
        f"--network={NETWORK}",
        f"--ip={host.address}",
        *names,
        "--stop-signal=SIGRTMIN+3",
        *(f"--cap-add={each}" for each in RIGHTS),
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
        "--cgroupns=host",
        f"--volume=/sys/fs/cgroup:/sys/fs/cgroup:{access}",
        "--tmpfs=/run",
        "--tmpfs=/run/lock",
        "--tmpfs=/tmp:exec",
        "--env=container=docker",
        f"--env=LAB_INFRA={INFRA.address}",
        *store,
        *more,
        images.tag(host.image),
    )


def wait_for_boot(host: Host) -> None:
    deadline = time.monotonic() + BOOT_SECONDS
    while True:
        word = docker("exec", host.container, "systemctl", "is-system-running", "--wait", check=False).strip()
        if word in ("running", "degraded"):
            return
        if time.monotonic() > deadline:
            raise LabError(
                f"{host.name} did not finish booting within {BOOT_SECONDS} s ({word or 'no answer'}); look with "
                f"`docker exec {host.container} systemctl list-jobs`."
            )
        time.sleep(0.2)


def reset() -> None:
    """Bring files, units, databases, images and what runs left on the hosts back to the starting state."""
    hosts = present()
    for host in hosts:
        word = state(host)
        if word == "paused":
            docker("unpause", host.container)
        elif word == "exited":
            docker("start", host.container)
            wait_for_boot(host)
        elif word != "running":
            raise LabError(f"{host.name} is {word}: run `lab up` first.")
        docker("network", "connect", "--ip", host.address, NETWORK, host.container, check=False)
    say("resetting the hosts")
    _bring_back(hosts)
    (state_dir() / "seed.json").unlink(missing_ok=True)
    say("the lab is in its starting state")


def _bring_back(hosts: list[Host]) -> None:
    nova, glance = ([host for host in hosts if host.image == image] for image in ("nova", "glance"))
    infra = [host for host in hosts if host == INFRA]
    later = [host for host in hosts if host in ON_DEMAND]
    # The database goes only once nobody holds a connection to it; haproxy comes back to servers that answer at once.
    in_parallel(_lab_host("stop"), [*nova, *glance, *later])
    in_parallel(_lab_host("stop"), infra)
    # Hosts of one image have one database.
    in_parallel(_empty_database, {host.image: host for host in later}.values())
    in_parallel(_lab_host("start"), [*glance, *later])
    # v1 asks the registry for everything.
    wait(f"http://{host.address}:{port}/healthcheck" for host in glance for port in (9191, 9292))
    in_parallel(_lab_host("start"), infra)
    wait()
    in_parallel(_lab_host("start"), nova)
    wait(f"http://{host.address}:9292/healthcheck" for host in later)


def _empty_database(host: Host) -> None:
    databases.create(host.image, releases.OF_IMAGE[host.image].version)


def _lab_host(action: str) -> Callable[[Host], None]:
    def work(host: Host) -> None:
        docker("exec", host.container, "lab-host", action)

    return work


def wait(places: Iterable[str] = (KEYSTONE, f"{GLANCE}/healthcheck"), seconds: float = SERVICE_SECONDS) -> None:
    """Until every place answers with 200."""
    deadline = time.monotonic() + seconds
    for place in places:
        while (trouble := _trouble(place)) is not None:
            if time.monotonic() > deadline:
                raise LabError(f"{place} does not answer: {trouble}. Look with `lab shell HOST` and journalctl.")
            time.sleep(0.1)


def _trouble(place: str) -> object:
    # A service that has its socket but no worker yet lets a connection hang: ask again rather than wait.
    try:
        with urllib.request.urlopen(place, timeout=1) as answer:
            return None if answer.status == 200 else answer.status
    except OSError as error:
        return error


@contextlib.contextmanager
def empty(*names: str, sources: Iterable[str] = ()) -> Iterator[None]:
    """Empty hosts, for a while; of them, these know where this machine gets packages from."""
    hosts = [BY_NAME[name] for name in names]
    images.ensure(*(host.image for host in hosts))
    with contextlib.ExitStack() as undo:
        for host in hosts:
            options: list[str] = []
            if host.name in sources:
                suite = images.IMAGES[host.image].suite
                options = undo.enter_context(machine.package_sources(host.name, suite))
            undo.callback(docker, "rm", "--force", "--volumes", host.container, check=False)
            _start(host, *options)
        in_parallel(wait_for_boot, hosts)
        yield


def drop(*names: str) -> None:
    """Remove hosts on demand."""
    for host in on_demand(names):
        docker("rm", "--force", "--volumes", host.container, check=False)
    _write_access()


def down(with_images: bool = False) -> None:
    for host in ALL:
        docker("rm", "--force", "--volumes", host.container, check=False)
    docker("network", "rm", NETWORK, check=False)
    docker("volume", "rm", VOLUME, check=False)
    for path in (state_dir() / "clouds.yaml", state_dir() / "seed.json", FACTS):
        path.unlink(missing_ok=True)
    if with_images:
        images.remove()
    say("the lab is gone")
    daemon = state_dir() / "dockerd.pid"
    if daemon.exists():
        say(f"the Docker engine that the lab started still runs; `kill $(cat {daemon})` ends it")


def shell(name: str) -> None:
    host = BY_NAME.get(name)
    if host is None:
        raise LabError(f"There is no host {name!r}; the lab has {', '.join(BY_NAME)}.")
    os.execvp("docker", ["docker", "exec", "--interactive", "--tty", host.container, "bash"])


def status() -> bool:
    """Print one line per host; true when all run and their services are active."""
    good = True
    for host in present():
        word = state(host)
        units = ""
        if word == "running":
            listing = docker(
                "exec",
                host.container,
                "bash",
                "-c",
                '. /usr/share/stackops-glance-lab/host; for s in "${services[@]}"; do '
                'echo "${s%.service}=$(systemctl is-active "$s")"; done',
                check=False,
            )
            units = " ".join(listing.split())
            good = good and "=" in units and all(unit.endswith("=active") for unit in units.split())
        else:
            good = False
        print(f"{host.name:8} {host.address:15} {word:8} {units}")
    return good


def _write_access() -> None:
    """What the control node needs to reach the cloud."""
    clouds = {
        "clouds": {
            "lab": _cloud("admin", "admin", "lab-admin-secret"),
            "lab-demo": _cloud("demo", "demo", "lab-demo-secret"),
            "lab-partner": _cloud("partner", "partner", "lab-partner-secret"),
        }
    }
    # JSON is YAML, and the standard library writes it.
    (state_dir() / "clouds.yaml").write_text(json.dumps(clouds, indent=2) + "\n", encoding="utf-8")
    facts = {
        "subnet": str(SUBNET),
        "keystone": KEYSTONE,
        "glance": GLANCE,
        "hosts": {host.name: {"container": host.container, "address": host.address} for host in present()},
    }
    FACTS.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def _cloud(user: str, project: str, password: str) -> dict[str, object]:
    return {
        "auth": {
            "auth_url": KEYSTONE,
            "username": user,
            "password": password,
            "project_name": project,
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        },
        "region_name": "RegionOne",
        "identity_api_version": 3,
        "interface": "public",
    }
