# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Build the lab's images, each tagged by a hash of what it is made from, only where absent."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import engine, machine
from .common import LAB_DIR, PREFIX, LabError, docker, run, say, state_dir, succeeds

SOURCES = LAB_DIR / "images"
PULL_SECONDS = 60
INIT = ("--change", 'CMD ["/sbin/init"]')


@dataclass(frozen=True)
class Image:
    """One image: a folder below images/ with a `build` script that runs as root in a container of the parent."""

    name: str
    suite: str
    parent: str | None = None
    # Other folders below images/ that its build uses, so that a change there makes a new image.
    shares: tuple[str, ...] = ()
    # Configuring starts servers on well-known ports: those builds see a network of their own with nothing in it.
    network: str = "host"
    # An image whose programs fill this one's database while it is built.
    schema_from: str | None = None
    # Whether it is built only where it is asked for by name, as a scenario of `make test-all` does.
    on_demand: bool = False

    @property
    def folder(self) -> Path:
        return SOURCES / (self.name if self.parent else "base")

    @property
    def needs(self) -> tuple[str, ...]:
        """The images that have to be there before."""
        return tuple(filter(None, (self.parent, self.schema_from)))


# In the order in which they are begun: what others wait for comes first, and what waits longest comes last.
IMAGES = {
    image.name: image
    for image in (
        Image("bookworm", "bookworm"),
        Image("bullseye", "bullseye"),
        Image("keystone", "bookworm", parent="bookworm"),
        Image("glance", "bullseye", parent="bullseye", shares=("common",)),
        Image("nova", "bullseye", parent="bullseye", shares=("common",)),
        Image("glance33", "bookworm", parent="bookworm", shares=("common", "release")),
        Image("glance20", "bullseye", parent="bullseye", shares=("common", "release")),
        Image("exporter", "bookworm", parent="bookworm"),
        Image("infra", "bookworm", parent="keystone", shares=("common",), network="none", schema_from="glance"),
        Image("glance25", "bookworm", parent="keystone", shares=("common", "release")),
        Image("ee", "bookworm", parent="bookworm", on_demand=True),
        Image("sshd", "bullseye", parent="bullseye", on_demand=True),
    )
}
#: As many as keep two cores busy: a build is now the network's, now the disk's and now one core's.
AT_ONCE = 3


@cache
def tag(name: str) -> str:
    image = IMAGES[name]
    digest = hashlib.sha256(image.suite.encode())
    for needed in image.needs:
        digest.update(tag(needed).encode())
    for folder in (image.folder, *(SOURCES / share for share in image.shares)):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(SOURCES)}\0{path.stat().st_mode & 0o100}\0".encode())
                digest.update(path.read_bytes())
    return f"{PREFIX}{name}:{digest.hexdigest()[:12]}"


def present(name: str) -> bool:
    return succeeds("docker", "image", "inspect", tag(name))


def ensure(*wanted: str) -> None:
    """Build what is absent of these images, else of all but those on demand, each as soon as those that it needs are there."""
    usual = [image.name for image in IMAGES.values() if not image.on_demand]
    absent = [name for name in with_needs(wanted or usual) if not present(name)]
    if not absent:
        return
    say(f"building images: {', '.join(absent)}")
    if "bullseye" in absent or "bookworm" in absent:
        _registry_answers()
    builds: dict[str, Future[None]] = {}
    # Who waits here waits for builds that were begun before: they cannot wait for each other.
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for name in absent:
            first = [builds[needed] for needed in IMAGES[name].needs if needed in builds]
            builds[name] = pool.submit(_build_after, first, IMAGES[name])
        for build in builds.values():
            build.result()


def with_needs(wanted: Iterable[str]) -> list[str]:
    """These images and all that they are made from, in the order in which they are begun."""
    found = set(wanted)
    for name in reversed(IMAGES):
        if name in found:
            found.update(IMAGES[name].needs)
    return [name for name in IMAGES if name in found]


def _build_after(first: list[Future[None]], image: Image) -> None:
    for build in first:
        build.result()
    _build(image)


@cache
def _registry_answers() -> bool:
    """Whether an ordinary `docker pull` works here; decided once, since a dead registry can take long to fail."""
    for suite in ("bookworm", "bullseye"):
        if not (
            succeeds("docker", "image", "inspect", f"debian:{suite}")
            or succeeds("docker", "pull", "--quiet", f"debian:{suite}", timeout=PULL_SECONDS)
        ):
            say("no container registry answers: mmdebstrap makes the base images")
            if not shutil.which("mmdebstrap"):
                engine.install("mmdebstrap", "debian-archive-keyring")
            return False
    return True


def _build(image: Image) -> None:
    log = state_dir() / "logs" / f"image-{image.name}.log"
    log.write_text("", encoding="ascii")
    say(f"{image.name}: building (log: {log})")
    if image.parent:
        parent = tag(image.parent)
    elif _registry_answers():
        parent = f"debian:{image.suite}"
    else:
        parent = _bootstrap(image.suite, log)
    container = f"{PREFIX}build-{image.name}"
    docker("rm", "--force", "--volumes", container, check=False)
    with machine.package_sources(image.name, image.suite) as sources:
        try:
            docker(
                "run",
                "--detach",
                f"--name={container}",
                f"--network={image.network}",
                f"--add-host={image.name}:127.0.0.1",
                "--security-opt=seccomp=unconfined",
                f"--volume={image.folder}:/build:ro",
                *(f"--volume={SOURCES / share}:/{share}:ro" for share in image.shares),
                *sources,
                parent,
                "sleep",
                "infinity",
            )
            docker("exec", container, "sh", "-eux", "/build/build", log=log)
            if image.schema_from:
                docker(
                    "run",
                    "--rm",
                    "--network",
                    f"container:{container}",
                    tag(image.schema_from),
                    "glance-schema",
                    log=log,
                )
            if (image.folder / "finish").exists():
                docker("exec", container, "sh", "-eux", "/build/finish", log=log)
            docker("commit", *INIT, container, tag(image.name), log=log)
        finally:
            docker("rm", "--force", "--volumes", container, check=False)
    say(f"{image.name}: done")


def _bootstrap(suite: str, log: Path) -> str:
    name = f"{PREFIX}debian:{suite}"
    if succeeds("docker", "image", "inspect", name):
        return name
    with log.open("ab") as out:
        make = subprocess.Popen(
            ["mmdebstrap", "--quiet", "--variant=minbase", *machine.mmdebstrap_arguments(suite)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=out,
        )
        done = subprocess.run(["docker", "import", "-", name], stdin=make.stdout, stdout=out, stderr=out, check=False)
        if make.wait() or done.returncode:
            succeeds("docker", "rmi", name)
            raise LabError(f"mmdebstrap could not make a Debian {suite}; see {log}")
    return name


def remove() -> None:
    """Remove every image that the lab ever made here, older hashes included."""
    names = run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split()
    ours = [name for name in names if name.startswith(PREFIX)]
    if ours:
        docker("rmi", *ours, check=False)
