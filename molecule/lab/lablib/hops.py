# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Two hosts that the collection deploys behind the lab's balancer, for hops from one release of Glance to another."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import databases, faults, trial
from .common import STATE
from .hosts import GLANCE
from .seed import MIB, Api, request

HOSTS = ("release1", "release2")
ROOT = "/opt/glance"
OLD, NEW = "32.0.0", "33.0.0"
DATABASE = "release"
BALANCER = "/etc/haproxy/haproxy.cfg"
COUNTED = "COUNTED_PYTHON"
#: Of a run that has nothing to do, starts of Python on a host.
MOST = 15
#: Where pip on a host finds who vouches for the package index.
PIP = {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"}
_VARIABLES = {
    # A scenario that counts how often Python is started names a wrapper.
    "ansible_python_interpreter": f"{{{{ lookup('env', '{COUNTED}') | default('/usr/bin/python3', true) }}}}",
    "glance_release_packages": [],
    "glance_release_archives": str(STATE / "environments"),
    "glance_release_pip": PIP,
    "glance_release_workers": 2,
    "glance_release_database_connection": f"mysql+pymysql://glance:{databases.PASSWORD}@infra/{DATABASE}?charset=utf8",
    "glance_release_auth_url": "http://infra:5000/v3",
    "glance_release_service_password": "lab-glance-secret",
    "glance_release_stop_timeout": 60,
    "glance_release_metadefs": False,
    "glance_release_cloud": "lab",
}


@dataclass(frozen=True)
class Places:
    """An inventory of the two hosts, and a cloud whose images are theirs."""

    inventory: Path
    clouds: Path

    def play(self, name: str, *arguments: str, release: str = "", **more: Any) -> trial.Run:
        words = ["-e", f"glance_release={release}"] if release else []
        environ = {"OS_CLIENT_CONFIG_FILE": str(self.clouds), **more.pop("environ", {})}
        more = {"start_timeout": 120, **more}  # a release that was just unpacked is first read off the disk
        return trial.playbook(name, *words, *arguments, inventory=self.inventory, environ=environ, **more)


def of(folder: Path, hosts: Mapping[str, dict[str, Any]], url: str, **variables: Any) -> Places:
    """The places of these hosts alone, each with variables of its own, whose images are at a URL."""
    found = Places(folder / "inventory.yml", folder / "clouds.yaml")
    inventory = yaml.safe_load(trial.INVENTORY.read_text(encoding="utf-8"))
    inventory["all"]["vars"].update(_VARIABLES, **variables)
    inventory["all"]["children"] = {"glance_api": {"hosts": dict(hosts)}}
    found.inventory.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    clouds = yaml.safe_load((STATE / "clouds.yaml").read_text(encoding="utf-8"))
    clouds["clouds"]["lab"]["image_endpoint_override"] = url
    found.clouds.write_text(yaml.safe_dump(clouds), encoding="utf-8")
    return found


def lead_to(first: str, second: str) -> None:
    """These hosts are behind the balancer from now on."""
    servers = (
        f"-e 's/server glance1 [^:]*/server glance1 {first}/' -e 's/server glance2 [^:]*/server glance2 {second}/'"
    )
    trial.sh("infra", f"sed -i {servers} {BALANCER}; systemctl reload haproxy")


@contextlib.contextmanager
def balanced(first: str, second: str) -> Iterator[None]:
    """The balancer, and so what the catalogue leads to, has these hosts behind it for a while: a run proves its result there."""
    try:
        with trial.changed("infra", BALANCER, ":"):
            lead_to(first, second)
            yield
    finally:
        trial.sh("infra", "systemctl reload haproxy")


def empty() -> None:
    """The lab's own Glance of the two hosts goes."""
    gone = "/opt/glance /etc/glance /etc/systemd/system/glance-api.service"
    for host in HOSTS:
        trial.sh(host, f"systemctl disable --now glance-api; rm -rf {gone}")


@contextlib.contextmanager
def places(folder: Path, *others: str, **variables: Any) -> Iterator[Places]:
    """Two empty hosts and other ones on demand; variables of the inventory beside those that make a Glance of them."""
    found = of(folder, {host: {} for host in HOSTS}, GLANCE, **variables)
    with trial.joined(*HOSTS, *others), balanced(*HOSTS):
        empty()
        trial.execute(f"DROP DATABASE IF EXISTS `{DATABASE}`; CREATE DATABASE `{DATABASE}` CHARACTER SET utf8; "
                      f"GRANT ALL ON `{DATABASE}`.* TO 'glance'@'%';")  # fmt: skip
        yield found
    databases.drop(DATABASE)


def running(host: str) -> tuple[str, str]:
    """Where the link leads, and what the processes have loaded."""
    link = trial.sh(host, f"readlink {ROOT}/current").strip()
    maps = "cat /proc/$(systemctl show -P MainPID glance-api)/maps"
    loaded = trial.sh(host, f"{maps} | grep -o '{ROOT}/[0-9.]*/' | sort -u").split()
    return link, " ".join(each.removeprefix(f"{ROOT}/").rstrip("/") for each in loaded)


def changed_since(before: dict[str, str]) -> list[str]:
    """What is not as it was; without the notes that Python's programs keep of their entry points."""
    return [name for name in trial.differences(before, trial.look(*HOSTS)) if "/.cache/" not in name]


def answers() -> int:
    """The status of the balancer's health check."""
    return request("GET", f"{GLANCE}/healthcheck", {}, None)[0]


def heads(database: str = DATABASE) -> list[str | None]:
    """The revisions that a database is at, that of the two hosts when none is named."""
    return [row["version_num"] for row in databases.rows("SELECT version_num FROM alembic_version", database)]


# -- who uses them ------------------------------------------------------------------------------------------------------


def upload(name: str, data: bytes) -> str:
    """An active image of the two hosts; its id."""
    body = json.dumps({"name": name, "disk_format": "raw", "container_format": "bare"}).encode()
    headers = {**Api("admin").headers, "Content-Type": "application/json"}
    status, _headers, answer = request("POST", f"{GLANCE}/v2/images", headers, body)
    assert status == 201, (status, answer)
    image = str(json.loads(answer)["id"])
    headers["Content-Type"] = "application/octet-stream"
    status, _headers, answer = request("PUT", f"{GLANCE}/v2/images/{image}/file", headers, data)
    assert status == 204, (status, answer)
    return image


class Users:
    """Who asks for images all the while: downloads that are compared, uploads, lists."""

    def __init__(self) -> None:
        self.headers = Api("admin").headers
        self.data = hashlib.sha256(b"release").digest() * (MIB // 32)
        self.sha512 = hashlib.sha512(self.data).hexdigest()
        self.images: list[str] = []
        self.count = 0
        self.failures: list[str] = []
        #: The run that changed the release.
        self.run = ""
        #: The hosts as they were deployed.
        self.before: dict[str, str] = {}
        self._over = threading.Event()

    def keep(self, name: str) -> None:
        self.images.append(upload(name, self.data))

    def readable(self, image: str) -> None:
        status, _headers, answer = request("GET", f"{GLANCE}/v2/images/{image}/file", self.headers, None)
        assert status == 200 and hashlib.sha512(answer).hexdigest() == self.sha512, (image, status, len(answer))

    def _use(self, number: int) -> None:
        while not self._over.is_set():
            try:
                image = upload(f"while it goes on {number}", self.data)
                self.readable(image)
                if self.count % 50 < 5:
                    self.images.append(image)
                else:
                    status = request("DELETE", f"{GLANCE}/v2/images/{image}", self.headers, None)[0]
                    assert status == 204, status
                status = request("GET", f"{GLANCE}/v2/images?limit=5", self.headers, None)[0]
                assert status == 200, status
                self.count += 5
            except Exception as error:  # noqa: BLE001  (whatever a user sees is a failure)
                self.failures.append(f"{time.strftime('%X')} {type(error).__name__}: {error}")
            self._over.wait(0.3)

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._use, args=(number,)) for number in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
            self._over.clear()

    def all_readable(self) -> None:
        for image in self.images:
            self.readable(image)


# -- to be cut off ------------------------------------------------------------------------------------------------

FORTH = "flip_release"
TIMER = "glance-scrubber.timer"
#: As the schema was before 2024.1, which is what this hop brings on: its expand step makes these tables.
_BEFORE = (
    "DROP TABLE IF EXISTS cached_images; DROP TABLE IF EXISTS node_reference; "
    "DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('2023_1_contract01')"
)


@dataclass
class Hop(faults.States):
    """The hosts before and after a hop whose points are tried: by the operator's word they have an older release than they do."""

    places: Places | None = None
    image: str = ""
    #: From there to NEW a hop is offline.
    old_release: str = "31.0.0"
    new_release: str = NEW
    accept: tuple[str, ...] = ("offline_hop",)
    #: What upstream changed on the way is no matter here.
    policy: tuple[str, ...] = ("32-service-role",)

    def play(self, name: str, **environ: str) -> trial.Run:
        assert self.places is not None
        said = {"accept": list(self.accept), "services": {"glance-api": {"release": self.old_release}}}
        policy = json.dumps({"glance_policy_accepted_changes": list(self.policy)})
        release = self.new_release if name == FORTH else ""
        return self.places.play(name, "-e", policy, release=release, environ=environ, **said)

    def check(self, playbook: str) -> None:
        release = self.new_release if playbook == FORTH else OLD
        assert {host: running(host) for host in HOSTS} == dict.fromkeys(HOSTS, (release, release))
        for host in HOSTS:
            assert trial.sh(host, f"systemctl is-active {TIMER}; systemctl is-enabled {TIMER}").split() == [
                "active",
                "enabled",
            ]
            assert trial.sh(host, f"test -e {trial.RECORDS}/lock.json && echo locked || :") == ""
        wanted = self.new if playbook == FORTH else self.old
        if wanted is None:
            self.new = wanted = trial.look(*HOSTS)
        assert changed_since(wanted) == []
        trial.wait_for(lambda: answers() == 200)
        status = request("GET", f"{GLANCE}/v2/images/{self.image}/file", Api("admin").headers, None)[0]
        assert status == 200, status

    def begin(self) -> None:
        """As before the hop: the old release, on the database of an older one."""
        if running(HOSTS[0])[0] != OLD:
            self.play(faults.BACK).succeeds()
        databases.execute(_BEFORE, DATABASE)
