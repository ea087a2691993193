# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Two hosts that the collection has deployed, from 32.0.0 to 33.0.0 and back, and a database from one schema to the next.

The cases build on each other, so their order counts.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lablib import databases, trial
from lablib.common import STATE
from lablib.hosts import INFRA
from lablib.seed import MIB, Api, request

HOSTS = ("release1", "release2")
#: Debian's Glance 25.1, for a database that has to be changed.
LATER = "glance25"
ROOT = "/opt/glance"
OLD, NEW = "32.0.0", "33.0.0"
PORT = 9294
GLANCE = f"http://{INFRA.address}:{PORT}"
BALANCER = f"""
frontend glance-release
    bind :{PORT}
    default_backend glance-release

backend glance-release
    option httpchk GET /healthcheck
    http-check expect status 200
    default-server pool-max-conn 0 check inter 1s fall 2 rise 2
    server release1 release1:9292
    server release2 release2:9292
"""
VARIABLES = {
    "glance_release_packages": [],
    "glance_release_archives": str(STATE / "environments"),
    "glance_release_pip": {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"},
    "glance_release_workers": 2,
    "glance_release_database_connection": f"mysql+pymysql://glance:{databases.PASSWORD}@infra/release?charset=utf8",
    "glance_release_auth_url": "http://infra:5000/v3",
    "glance_release_service_password": "lab-glance-secret",
    "glance_release_stop_timeout": 60,
    "glance_release_metadefs": False,
    "glance_release_cloud": "lab",
}


@pytest.fixture(scope="module", name="places", autouse=True)
def fixture_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Two empty hosts behind a balancer of their own, an inventory of them, and a cloud whose images are theirs."""
    folder = tmp_path_factory.mktemp("release")
    inventory = yaml.safe_load(trial.INVENTORY.read_text(encoding="utf-8"))
    inventory["all"]["vars"].update(VARIABLES)
    inventory["all"]["children"] = {"glance_api": {"hosts": {host: {} for host in HOSTS}}}
    (folder / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    clouds = yaml.safe_load((STATE / "clouds.yaml").read_text(encoding="utf-8"))
    clouds["clouds"]["lab"]["image_endpoint_override"] = GLANCE
    (folder / "clouds.yaml").write_text(yaml.safe_dump(clouds), encoding="utf-8")
    with trial.joined(*HOSTS, LATER):
        for host in HOSTS:
            trial.sh(
                host,
                "systemctl disable --now glance-api; rm -rf /opt/glance /etc/glance /etc/systemd/system/glance-api.service",
            )
        trial.sh("infra", f"cat >>/etc/haproxy/haproxy.cfg <<'EOF'\n{BALANCER}EOF\nsystemctl reload haproxy")
        trial.execute("DROP DATABASE IF EXISTS `release`; CREATE DATABASE `release` CHARACTER SET utf8; "
                      "GRANT ALL ON `release`.* TO 'glance'@'%';")  # fmt: skip
        yield {name: folder / name for name in ("inventory.yml", "clouds.yaml")}
    databases.drop("release")


def playbook(places: dict[str, Path], name: str, *arguments: str, release: str = "", **more: Any) -> trial.Run:
    words = ["-e", f"glance_release={release}"] if release else []
    return trial.playbook(
        name,
        *words,
        *arguments,
        inventory=places["inventory.yml"],
        environ={"OS_CLIENT_CONFIG_FILE": str(places["clouds.yaml"])},
        **more,
    )


def changed_since(before: dict[str, str]) -> list[str]:
    """What is not as it was; without the notes that Python's programs keep of their entry points."""
    return [name for name in trial.differences(before, trial.look(*HOSTS)) if "/.cache/" not in name]


def running(host: str) -> tuple[str, str]:
    """Where the link leads, and what the processes have loaded."""
    link = trial.sh(host, f"readlink {ROOT}/current").strip()
    maps = "cat /proc/$(systemctl show -P MainPID glance-api)/maps"
    loaded = trial.sh(host, f"{maps} | grep -o '{ROOT}/[0-9.]*/' | sort -u").split()
    return link, " ".join(each.removeprefix(f"{ROOT}/").rstrip("/") for each in loaded)


class Users:
    """Who asks for images all the while: downloads that are compared, uploads, lists."""

    def __init__(self) -> None:
        self.headers = Api("admin").headers
        self.data = hashlib.sha256(b"release").digest() * (MIB // 32)
        self.sha512 = hashlib.sha512(self.data).hexdigest()
        self.images: list[str] = []
        self.count = 0
        self.failures: list[str] = []
        #: The hosts as they were deployed.
        self.before: dict[str, str] = {}
        self._over = threading.Event()

    def create(self, name: str) -> str:
        body = json.dumps({"name": name, "disk_format": "raw", "container_format": "bare"}).encode()
        sent = {**self.headers, "Content-Type": "application/json"}
        status, _headers, answer = request("POST", f"{GLANCE}/v2/images", sent, body)
        assert status == 201, (status, answer)
        image = str(json.loads(answer)["id"])
        sent["Content-Type"] = "application/octet-stream"
        status, _headers, answer = request("PUT", f"{GLANCE}/v2/images/{image}/file", sent, self.data)
        assert status == 204, (status, answer)
        return image

    def keep(self, name: str) -> None:
        self.images.append(self.create(name))

    def readable(self, image: str) -> None:
        status, _headers, answer = request("GET", f"{GLANCE}/v2/images/{image}/file", self.headers, None)
        assert status == 200 and hashlib.sha512(answer).hexdigest() == self.sha512, (image, status, len(answer))

    def _use(self, number: int) -> None:
        while not self._over.is_set():
            try:
                image = self.create(f"while it goes on {number}")
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


@pytest.fixture(scope="module", name="users")
def fixture_users() -> Users:
    return Users()


def test_deployed(places: dict[str, Path], users: Users) -> None:
    playbook(places, "deploy", release=OLD).succeeds()
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}
    trial.wait_for(lambda: request("GET", f"{GLANCE}/healthcheck", {}, None)[0] == 200)
    for name in ("before", "before as well"):
        users.keep(name)
    users.before = trial.look(*HOSTS)


@trial.thorough
def test_a_look_changes_nothing_and_says_what_would_be(places: dict[str, Path], users: Users) -> None:
    looked = playbook(places, "flip_release", "--check", "--diff", release=NEW)
    looked.succeeds().says("Glance runs Glance 33.0.0", "way_back", "-> 33.0.0", "gunicorn")
    assert changed_since(users.before) == []
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}


def test_from_one_release_to_the_next_while_images_are_asked_for(places: dict[str, Path], users: Users) -> None:
    with users.at_work():
        playbook(places, "flip_release", release=NEW).succeeds()
    assert users.failures == [] and users.count > 20
    assert {running(host) for host in HOSTS} == {(NEW, NEW)}
    users.all_readable()


@trial.thorough
def test_again_there_is_nothing_to_do(places: dict[str, Path]) -> None:
    again = playbook(places, "flip_release", release=NEW).succeeds()
    assert again.changed() == 0
    again.says("nothing was to be done")


@trial.thorough
def test_the_contract_step_has_nothing_to_take_away(places: dict[str, Path]) -> None:
    assert playbook(places, "flip_release_contract").succeeds().changed() == 0


def test_and_back_to_the_same_bytes(places: dict[str, Path], users: Users) -> None:
    with users.at_work():
        playbook(places, "rollback").succeeds().says("release_runs_on_schema")
    assert users.failures == []
    assert {running(host) for host in HOSTS} == {(OLD, OLD)}
    assert changed_since(users.before) == []
    users.all_readable()


# -- a database that has to be changed --------------------------------------------------------------------------------


def database(state: str, *more: str) -> dict[str, Any]:
    return trial.result(trial.module(LATER, "glance_database", {"state": state}, *more))


@pytest.fixture(scope="module", name="older")
def fixture_older() -> Iterator[str]:
    """The database of 20.2.0 with images, locations of which have what Train's migration moves, behind Glance 25.1."""
    name = "release_older"
    databases.create(name, "20.2.0")
    databases.fill(name, 100, 1)
    databases.execute('UPDATE image_locations SET meta_data = \'{"backend": "fast"}\' WHERE id % 4 = 0', name)
    trial.sh(LATER, f"sed -i 's#@infra/[a-z0-9]*?#@infra/{name}?#' {trial.GLANCE_CONF}; systemctl stop glance-api")
    yield name
    databases.drop(name)


def test_a_look_at_a_database_writes_nothing(older: str) -> None:
    before = databases.execute("CHECKSUM TABLE images, image_locations, alembic_version", older)
    found = trial.result(trial.module(LATER, "glance_database_info", {"to_release": "zed"}))
    assert (found["engine"], found["heads"], found["images"]) == ("mysql", ["ussuri_contract01"], 100)
    assert found["counts"]["19-0"] == 25 and found["verdict"]["commands"] == ["expand", "migrate"]
    assert not found["verdict"]["runs"] and found["verdict"]["chain"] == ["Glance 25 (Zed)"]
    wanted = database("expanded", "--check")
    assert wanted["changed"] and wanted["after"] == ["ussuri_contract01", "wallaby_expand01"]
    assert databases.execute("CHECKSUM TABLE images, image_locations, alembic_version", older) == before


@trial.thorough
def test_commands_keep_their_order(older: str) -> None:
    for state in ("migrated", "contracted"):
        refused = database(state)
        assert refused["failed"] and "expand has to come before" in refused["msg"]


def test_expand_migrate_contract_each_once(older: str) -> None:
    heads = [
        ["ussuri_contract01", "wallaby_expand01"],
        ["ussuri_contract01", "wallaby_expand01"],
        ["wallaby_contract01"],
    ]
    for state, after in zip(("expanded", "migrated", "contracted"), heads, strict=True):
        first, second = database(state), database(state)
        assert (first["changed"], sorted(first["after"]), second["changed"]) == (True, after, False), (
            state,
            first,
            second,
        )
        assert first["moved"] == ({"19-0": 25} if state == "migrated" else {})
    assert databases.rows("SELECT COUNT(*) AS n FROM image_locations WHERE meta_data LIKE '%backend%'", older) == [
        {"n": "0"}
    ]
    found = trial.result(trial.module(LATER, "glance_database_info", {"to_release": "20"}))
    assert found["verdict"]["runs"] and found["verdict"]["beyond"] == [
        "Glance 22 (Wallaby): tasks: user_id, image_id, request_id"
    ]


@trial.thorough
def test_a_failure_is_told_without_the_password(older: str) -> None:
    trial.sh(LATER, f"sed -i 's#glance:[^@]*@infra#glance:wrong-secret@infra#' {trial.GLANCE_CONF}")
    refused = trial.module(LATER, "glance_database", {"state": "synchronised"}).fails("Access denied")
    assert "wrong-secret" not in refused.output
