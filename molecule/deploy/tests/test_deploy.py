# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Empty machines become a Glance, and a second time nothing happens to them.

The cases build on each other, so their order counts.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lablib import databases, fleet, seed, trial
from lablib.common import STATE
from lablib.hosts import BY_NAME

HERE = Path(__file__).resolve().parents[1]
HOSTS = ("deploy1", "deploy2")
RELEASE, OTHER = "33.0.0", "32.0.0"
SECRETS = ("lab-deployed-secret", "lab-deployer-secret", "lab-deployed-$ecret")
#: A second deployment: environment, files and service; and what a first host that may build is asked besides.
MOST = {"deploy1": 5, "deploy2": 3}


@pytest.fixture(scope="module", autouse=True)
def machines() -> Iterator[None]:
    with fleet.empty(*HOSTS, "alone", sources=("deploy1", "alone")):
        databases.execute(
            "CREATE USER deployer@'%' IDENTIFIED BY 'lab-deployer-secret'; GRANT ALL ON *.* TO deployer@'%' WITH GRANT OPTION"
        )
        yield
    databases.execute("DROP USER deployer@'%'; DROP USER IF EXISTS deployed@'%'")
    databases.drop("deployed")


def play(name: str, *arguments: str, inventory: str = "deployed.yml", python: str = "", **variables: Any) -> trial.Run:
    extra = {
        "glance_flip_glance_group": "glance_deployed",
        "glance_release": RELEASE,
        "glance_release_archives": str(STATE / "environments"),
        **variables,
    }
    places = ("-i", str(trial.INVENTORY)) if inventory == "deployed.yml" else ()
    places += ("-i", str(HERE / inventory))
    command = ("ansible-playbook", *places, f"stackops.glance.{name}", "-e", json.dumps(extra), *arguments)
    return trial.Run(*command, DEPLOY_PYTHON=python)


def content(name: str) -> bytes:
    return random.Random(name).randbytes(seed.MIB)


def keystone(path: str) -> Any:
    return json.loads(seed.request("GET", f"{seed.KEYSTONE}{path}", seed.Api("admin").headers, None)[2])


def started(host: str) -> str:
    return trial.sh(host, "systemctl show -p ActiveEnterTimestampMonotonic --value glance-api").strip()


def test_a_look_at_empty_machines_changes_nothing() -> None:
    look = play("deploy", "--check", "--diff").succeeds()
    assert look.changed() > 0
    look.says(
        "+enabled_backends = disk:file,cold:file", "public endpoint http://images.example:9292 in RegionOne, which was"
    )
    for host in HOSTS:
        assert (
            trial.sh(host, "ls -d /opt/glance /etc/glance /srv/images 2>/dev/null; getent passwd glance", check=False)
            == ""
        )
    assert keystone("/users?name=deployed")["users"] == []


def test_the_machines_become_a_glance() -> None:
    deployed = play("deploy", "--diff").succeeds()
    assert [secret for secret in SECRETS if secret in deployed.output] == []
    for host in HOSTS:
        assert trial.sh(host, "readlink /opt/glance/current").strip() == RELEASE
        assert trial.sh(host, "stat -c '%U:%G %a' /etc/glance/glance-api.conf /srv/cold").split("\n")[:2] == [
            "root:glance 640",
            "glance:glance 750",
        ]
        journal = trial.sh(host, "journalctl --no-pager")
        assert [secret for secret in SECRETS if secret in journal] == []


def test_the_second_host_got_what_the_first_has_built() -> None:
    facts = [json.loads(trial.sh(host, f"cat /opt/glance/{RELEASE}/environment.json")) for host in HOSTS]
    assert facts[0] == facts[1] and len(facts[0]["identity"]) == 64
    assert trial.sh("deploy2", "command -v gcc pip || ls -d /usr/lib/python3/dist-packages/pip", check=False) == ""


def test_an_image_through_both_hosts() -> None:
    made = trial.uploaded("deploy1", "deployed", content("deployed"))
    status, image = trial.ask("deploy2", f"/v2/images/{made}")
    assert (status, image["status"], image["stores"]) == (200, "active", "disk")
    assert image["os_hash_value"] == hashlib.sha512(content("deployed")).hexdigest()
    assert (
        trial.sh("deploy1", f"sha256sum /srv/images/{made}").split()[0]
        == hashlib.sha256(content("deployed")).hexdigest()
    )
    assert seed.request("GET", f"http://{BY_NAME['deploy1'].address}:9292/v2/images", {}, None)[0] == 401
    assert len(trial.ask("deploy1", "/v2/metadefs/namespaces?limit=1000")[1]["namespaces"]) > 20


def test_it_stands_in_keystone() -> None:
    (service,) = keystone("/services?type=image")["services"]
    listed = keystone(f"/endpoints?service_id={service['id']}")["endpoints"]
    found = {each["interface"]: each["url"] for each in listed}
    assert found.pop("admin").startswith("http://")  # nobody named it
    assert found == {"public": "http://images.example:9292", "internal": "http://deploy1:9292"}


def test_the_account_may_do_what_migrations_do_and_no_more() -> None:
    grants = databases.execute("SHOW GRANTS FOR deployed@'%'")
    assert "ALL PRIVILEGES" not in grants
    assert re.search(
        r"GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER ON `deployed`", grants
    )


def test_a_second_time_nothing_happens() -> None:
    before = {host: started(host) for host in HOSTS}
    trial.count_executions(*HOSTS)
    assert play("deploy", python="/root/counted-python").succeeds().changed() == 0
    assert {host: started(host) for host in HOSTS} == before
    for host, most in MOST.items():
        assert 0 < trial.executions(host) <= most


@trial.thorough
def test_what_others_wrote_stays_and_what_was_bent_is_set_right() -> None:
    trial.sh("deploy2", "sed -i 's/^default_backend = .*/default_backend = cold/' /etc/glance/glance-api.conf")
    trial.sh(
        "deploy2",
        "sed -i 's/^\\[DEFAULT\\]$/[DEFAULT]\\npublic_endpoint = https:\\/\\/images.example/' /etc/glance/glance-api.conf",
    )
    before = {host: started(host) for host in HOSTS}
    play("deploy", "--diff").succeeds().says("-default_backend = cold", "+default_backend = disk")
    written = trial.sh("deploy2", "cat /etc/glance/glance-api.conf")
    assert "public_endpoint = https://images.example\n" in written and "default_backend = disk\n" in written
    assert started("deploy1") == before["deploy1"] and started("deploy2") != before["deploy2"]
    assert trial.answers("deploy2", "/healthcheck") == 200


def test_another_release_is_for_a_flip() -> None:
    before = {host: started(host) for host in HOSTS}
    play("deploy", glance_release=OTHER).fails("/opt/glance/current leads to 33.0.0", "flip_release.yml")
    assert {host: started(host) for host in HOSTS} == before
    assert trial.sh("deploy1", "ls /opt/glance").split() == [RELEASE, "current"]


_ALONE = r"""
import hashlib, json, os, urllib.request
def call(method, path, body=None, kind="application/json"):
    request = urllib.request.Request("http://127.0.0.1:9292" + path, body, {"Content-Type": kind}, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()
data = os.urandom(1 << 20)
made = json.loads(call("POST", "/v2/images", b'{"name": "alone", "disk_format": "raw", "container_format": "bare"}'))
call("PUT", "/v2/images/%s/file" % made["id"], data, "application/octet-stream")
image = json.loads(call("GET", "/v2/images/" + made["id"]))
assert call("GET", "/v2/images/%s/file" % made["id"]) == data
print(image["status"], image["os_hash_value"] == hashlib.sha512(data).hexdigest())
"""


def test_one_machine_all_by_itself() -> None:
    done = play("all_in_one", inventory="alone.yml", glance_release_build=False).succeeds()
    done.says("Glance 33.0.0 answers at http://127.0.0.1:9292")
    assert trial.sh("alone", f"python3 - <<'EOF'\n{_ALONE}\nEOF").split() == ["active", "True"]
    # Nobody is asked who he is, so nobody else may ask.
    assert trial.answers("alone", "/healthcheck") == 0
    if trial.THOROUGH:
        assert play("all_in_one", inventory="alone.yml", glance_release_build=False).succeeds().changed() == 0


_RESTARTED = r"""
import subprocess, time, urllib.request
image = "IMAGE"
with urllib.request.urlopen("http://127.0.0.1:9292/v2/images/%s/file" % image, timeout=60) as answer:
    restart = subprocess.Popen(["systemctl", "restart", "glance-api"])
    size = 0
    while piece := answer.read(4 << 20):
        size += len(piece)
        time.sleep(0.4)
print(size, restart.wait())
"""


@trial.thorough
def test_eventlet_with_cache_and_scrubber() -> None:
    trial.sh("alone", "systemctl disable --now glance-api; rm -rf /opt/glance /etc/glance /var/lib/glance")
    variables = {
        "glance_release": OTHER,
        "glance_release_cache": True,
        "glance_release_scrubber": True,
        "glance_release_worker_self_reference_url": "http://127.0.0.1:9292",
    }
    play("all_in_one", inventory="alone.yml", **variables).succeeds()
    assert trial.sh("alone", f"python3 - <<'EOF'\n{_ALONE}\nEOF").split() == ["active", "True"]
    for job in ("glance-scrubber", "glance-cache-pruner", "glance-cache-cleaner"):
        trial.sh("alone", f"systemctl start {job}.service")
        assert trial.sh("alone", f"systemctl is-enabled {job}.timer; systemctl is-active {job}.timer").split() == [
            "enabled",
            "active",
        ]
    # A restart while a download runs waits for it.
    big = trial.sh(
        "alone", f"python3 - <<'EOF'\n{_ALONE.replace('1 << 20', '64 << 20')}\nprint(made['id'])\nEOF"
    ).split()[-1]
    assert trial.sh("alone", f"python3 - <<'EOF'\n{_RESTARTED.replace('IMAGE', big)}\nEOF").split() == [
        str(64 << 20),
        "0",
    ]
    assert play("all_in_one", inventory="alone.yml", **variables).succeeds().changed() == 0
