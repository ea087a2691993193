# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Have a Docker engine that answers, installing and starting it where that is ours to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from .common import LabError, is_root, run, say, state_dir, succeeds
from .machine import os_release

SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def ensure() -> None:
    if succeeds("docker", "info"):
        return
    if os.environ.get("DOCKER_HOST"):
        raise LabError(
            f"No Docker engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}. Start it, or unset DOCKER_HOST."
        )
    if not is_root():
        raise LabError(
            "No Docker engine answers. Install the package docker.io (or Docker's own), start it, and "
            "make sure that this user may talk to it (group docker), or run this command as root."
        )
    if not (shutil.which("docker") and shutil.which("dockerd", path=SBIN)):
        install("docker.io", "docker-cli")
        if succeeds("docker", "info"):
            return
    _start()


#: apt does not wait for itself, and tests/bin/bootstrap.py may install what an environment needs meanwhile.
APT_GET = ("flock", "/run/lock/stackops-glance-apt", "apt-get")


def install(*packages: str) -> None:
    """Install Debian packages; those that the distribution does not have are left out."""
    if not {"debian", "ubuntu"} & {os_release().get("ID", ""), *os_release().get("ID_LIKE", "").split()}:
        raise LabError(f"Please install {' and '.join(packages)}: this machine is neither Debian nor Ubuntu.")
    log = state_dir() / "logs" / "apt.log"
    run(*APT_GET, "update", log=log)
    known = [name for name in packages if run("apt-cache", "--quiet=0", "search", "--names-only", f"^{name}$").strip()]
    say(f"installing {' '.join(known)} (log: {log})")
    run("env", "DEBIAN_FRONTEND=noninteractive", *APT_GET, "install", "-y", "--no-install-recommends", *known, log=log)


def _start() -> None:
    say("starting the Docker engine")
    if Path("/run/systemd/system").is_dir():
        run("systemctl", "start", "docker")
    else:
        # Nothing would keep a service here, so the daemon gets a session of its own and a log file.
        log = (state_dir() / "logs" / "dockerd.log").open("ab")
        daemon = subprocess.Popen(
            [shutil.which("dockerd", path=SBIN) or "dockerd"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": SBIN},
        )
        (state_dir() / "dockerd.pid").write_text(f"{daemon.pid}\n", encoding="ascii")
    deadline = time.monotonic() + 60
    while not succeeds("docker", "info"):
        if time.monotonic() > deadline:
            raise LabError(
                f"The Docker engine did not answer within a minute; see {state_dir() / 'logs' / 'dockerd.log'} "
                "or `journalctl -u docker`."
            )
        time.sleep(0.5)
