# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""A single store becomes two on a running Glance, and what was there is there; users do not see where, services do."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest
from lablib import seed, trial
from lablib.common import run
from lablib.hosts import BY_NAME

HERE = Path(__file__).resolve().parents[1]
HOSTS = ("glance25", "glance33")
INTERNAL = 9293
FILES = ("/etc/glance/glance-api-internal.env", "/etc/systemd/system/glance-api-internal.service")


class Glance:
    """The API of a host, at one of its ports, for the cloud's administrator."""

    def __init__(self, host: str, port: int = 9292) -> None:
        self.base = f"http://{BY_NAME[host].address}:{port}"
        self.headers = seed.Api("admin").headers

    def raw(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        status, _headers, answer = seed.request(method, self.base + path, {**self.headers, "Content-Type": kind}, body)
        assert status < 300, f"{method} {path}: {status} {answer[:300]!r}"
        return answer

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.raw(method, path, None if body is None else json.dumps(body).encode())
        return json.loads(answer) if answer else None

    def image(self, id_: str) -> dict[str, Any]:
        return dict(self.call("GET", f"/v2/images/{id_}"))

    def sha256(self, id_: str) -> str:
        return hashlib.sha256(self.raw("GET", f"/v2/images/{id_}/file")).hexdigest()


def content(host: str) -> bytes:
    return random.Random(host).randbytes(seed.MIB)


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """An image in the single store of each host, by host."""
    found = {}
    for host in HOSTS:
        trial.sh(host, f"cp -a /usr/share/stackops-glance-lab{trial.GLANCE_CONF} {trial.GLANCE_CONF}")
    trial.single_store(*HOSTS)
    for host in HOSTS:
        found[host] = trial.uploaded(host, "old", content(host))
        assert "stores" not in Glance(host).image(found[host])
    return found


def _copied(image: dict[str, Any]) -> bool:
    return "cold" in image["stores"].split(",") and "os_glance_import_task" not in image


def play(name: str, *arguments: str, **variables: Any) -> trial.Run:
    addresses = {host: BY_NAME[host].address for host in HOSTS}
    extra = json.dumps({"addresses": addresses, **variables})
    hosts = ("--limit", ",".join(HOSTS))
    return trial.Run("ansible-playbook", "-i", str(trial.INVENTORY), str(HERE / name), *hosts, "-e", extra, *arguments)


def etc(host: str) -> dict[str, str]:
    found = trial.look(host)
    return {name: facts for name, facts in found.items() if name.startswith(f"{host}:/etc/")}


def test_two_stores_where_there_was_one(images: dict[str, str]) -> None:
    before = {host: etc(host) for host in HOSTS}
    check = play("stores.yml", "--check", "--diff").succeeds()
    assert {host: etc(host) for host in HOSTS} == before
    assert check.output.count("+enabled_backends = disk:file,cold:file,web:http") == len(HOSTS)
    done = play("stores.yml", "--diff").succeeds()
    assert done.output.count("+enabled_backends = disk:file,cold:file,web:http") == len(HOSTS)
    assert "lab-database-secret" not in check.output + done.output
    after = {host: etc(host) for host in HOSTS}
    if trial.THOROUGH:
        assert play("stores.yml", "--check").succeeds().changed() == 0
    assert play("stores.yml").succeeds().changed() == 0
    assert {host: etc(host) for host in HOSTS} == after


@pytest.mark.parametrize("host", HOSTS)
def test_the_image_is_there_and_has_its_store(images: dict[str, str], host: str) -> None:
    api = Glance(host)
    trial.wait_for(lambda: trial.answers(host, "/healthcheck") == 200, seconds=120)
    assert api.image(images[host])["stores"] == "disk"
    assert api.sha256(images[host]) == hashlib.sha256(content(host)).hexdigest()
    stores = {each["id"]: each for each in api.call("GET", "/v2/info/stores")["stores"]}
    assert set(stores) == {"disk", "cold", "web"}
    assert stores["disk"]["default"] == "true" and stores["cold"]["description"] == "Slow and cheap"
    assert trial.sh(host, "stat -c %U /var/lib/glance/cold").strip() == "glance"


@pytest.mark.parametrize("host", HOSTS)
def test_what_can_be_imported(images: dict[str, str], host: str) -> None:
    methods = Glance(host).call("GET", "/v2/info/import")["import-methods"]["value"]
    assert sorted(methods) == ["copy-image", "glance-direct", "glance-download"]
    written = trial.sh(host, f"grep -h '^image_import_plugins' {trial.GLANCE_CONF}").strip()
    assert written == "image_import_plugins = [image_decompression,image_conversion]"


@pytest.mark.parametrize("host", HOSTS)
def test_a_copy_in_the_other_store(images: dict[str, str], host: str) -> None:
    api, id_ = Glance(host), images[host]
    api.call("POST", f"/v2/images/{id_}/import", {"method": {"name": "copy-image"}, "stores": ["cold"]})
    trial.wait_for(lambda: _copied(api.image(id_)), seconds=120)
    sums = trial.sh(host, f"sha256sum /var/lib/glance/images/{id_} /var/lib/glance/cold/{id_}").split()
    assert sums[0] == sums[2] == hashlib.sha256(content(host)).hexdigest()


@pytest.mark.parametrize("host", HOSTS)
def test_services_see_where_images_lie_and_users_do_not(images: dict[str, str], host: str) -> None:
    public, internal = (Glance(host, port).image(images[host]) for port in (9292, INTERNAL))
    assert "locations" not in public and "direct_url" not in public
    assert {each["metadata"]["store"] for each in internal["locations"]} == {"disk", "cold"}
    assert internal["direct_url"] == f"file:///var/lib/glance/images/{images[host]}"
    assert Glance(host, INTERNAL).sha256(images[host]) == hashlib.sha256(content(host)).hexdigest()


def test_what_is_refused_changes_nothing(images: dict[str, str]) -> None:
    before = {host: etc(host) for host in HOSTS}
    assert play("refused.yml").succeeds().changed() == 0
    assert {host: etc(host) for host in HOSTS} == before


RENDERED: list[dict[str, Any]] = [
    {"name": "ceph", "type": "rbd", "options": {"rbd_store_pool": "images", "rbd_store_chunk_size": 16}},
    {
        "name": "objects",
        "type": "s3",
        "description": "Far away",
        "options": {"s3_store_host": "https://s3.example.org", "s3_store_bucket": "glance"},
        "secrets": {"s3_store_access_key": "who", "s3_store_secret_key": "s3$cret"},
    },
    {
        "name": "swift",
        "type": "swift",
        "options": {"swift_store_auth_address": "https://keystone/v3", "swift_store_create_container_on_put": True},
        "secrets": {"swift_store_user": "service:glance", "swift_store_key": "k3y"},
    },
    {"name": "web", "type": "http", "options": {"https_insecure": False}},
    {
        "name": "volumes",
        "type": "cinder",
        "options": {"cinder_volume_type": "glance", "cinder_http_retries": 5},
        "secrets": {"cinder_store_password": "p4ss"},
    },
]


def test_each_release_takes_stores_of_every_type(images: dict[str, str]) -> None:
    """By its own glance_store. The 33.0.0 of the lab has no os-brick, without which there is no store of type cinder."""
    play("rendered.yml", rendered=RENDERED).succeeds()
    asking = (HERE / "ask_stores.py").read_text(encoding="utf-8")
    for host in HOSTS:
        command = "cd / && $(ls /opt/glance/*/bin/python) - /root/rendered.conf"
        answer = json.loads(
            run("docker", "exec", "-i", trial.LAB + host, "sh", "-c", command, stdin=asking, timeout=60).splitlines()[
                -1
            ]
        )
        wanted = [each for each in RENDERED if host == "glance25" or each["type"] != "cinder"]
        unknown = [name for name in answer["unknown"] if not name.startswith("volumes/") or host == "glance25"]
        assert unknown == [] and (answer["default"], answer["staging"]) == ("ceph", "/srv/staging")
        for store in wanted:
            given = {**store.get("options", {}), **store.get("secrets", {})}
            if "description" in store:
                given["store_description"] = store["description"]
            assert answer["stores"][store["name"]] == given


@trial.thorough
def test_the_internal_api_goes_as_it_came(images: dict[str, str]) -> None:
    before = {host: etc(host) for host in HOSTS}
    play("stores.yml", internal="absent").succeeds()
    for host in HOSTS:
        names = [name.partition(":")[2] for name in trial.differences(before[host], etc(host))]
        link = "/etc/systemd/system/multi-user.target.wants/glance-api-internal.service"
        assert names == sorted([*FILES, link])
        assert trial.answers(host, "/healthcheck") == 200
        assert trial.sh(host, "systemctl show -p LoadState --value glance-api-internal").strip() == "not-found"
    assert play("stores.yml", internal="absent").succeeds().changed() == 0
