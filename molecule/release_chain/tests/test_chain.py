# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The whole way, from 15.0.2 to 33.0.0 and back to 32.0.0, with images of each release, the first one made through v1.

Where a release demands another base system, a new host joins and the old one leaves; Debian's packages of 25.1 make room for
environments, and the last hop is online, over two hosts.  The cases build on each other, so their order counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import databases, hops, seed, trial
from lablib.common import LAB, STATE, run
from lablib.hops import NEW, OLD, Places, Users
from lablib.hosts import BY_NAME, GLANCE

FIRST, USSURI, HOST, BALANCER = "glance1", "glance20", "glance25", "infra"
SAME = "25.1.0"
#: What upstream changed between SAME and OLD.
POLICY = ["26-new-defaults", "26-scope", "30-service-roles"]
#: A host of the platform of HOST, which has neither compiler nor pip nor venv.
BUILDER = hops.HOSTS[0]
STORE = "/var/lib/glance/images"
URL = f"http://{BY_NAME[HOST].address}:9292"
DROP_IN = "/etc/systemd/system/glance-api.service.d/stackops-glance-environment.conf"
_UNIT = "systemctl show glance-api -p ActiveState,UnitFileState,FragmentPath,DropInPaths,ExecStart,User,LimitNOFILE"
CONNECTION = f"mysql+pymysql://glance:{databases.PASSWORD}@infra/glance?charset=utf8"
#: What describes the host to the role.
VARIABLES = {
    "glance_release_build": False,
    "glance_release_database_connection": CONNECTION,
    "glance_release_worker_self_reference_url": f"http://{HOST}:9292",
}


@pytest.fixture(scope="module", name="places", autouse=True)
def fixture_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    with trial.joined(USSURI, HOST, *hops.HOSTS), hops.balanced(HOST, HOST):
        hops.empty()
        trial.sh(HOST, "rm -r /opt/glance")  # the lab's own
        for release in (SAME, OLD):
            build = {"release": release, "archive": True, "archives": str(STATE / "environments"), "pip": hops.PIP}
            trial.module(BUILDER, "glance_environment", build).succeeds()
        yield hops.of(tmp_path_factory.mktemp("chain"), {HOST: VARIABLES}, URL)


@pytest.fixture(scope="module", name="images")
def fixture_images() -> dict[str, str]:
    """Ids of images by name; one holds its name, over and over."""
    return {}


def content(name: str) -> bytes:
    return name.encode() * seed.MIB


def add(images: dict[str, str], host: str, name: str) -> None:
    images[name] = trial.uploaded(host, name, content(name))
    all_readable(images, host)


def all_readable(images: dict[str, str], host: str = HOST) -> None:
    for name, image in images.items():
        url = f"http://{BY_NAME[host].address}:9292/v2/images/{image}/file"
        status, _headers, data = seed.request("GET", url, seed.Api("admin").headers, None)
        assert (status, data == content(name)) == (200, True), (name, status, len(data))


def store_follows(host: str, old: str) -> None:
    """As a store would be that both hosts reach."""
    pack, unpack = f"docker exec {LAB}{old} tar -C {STORE} -c .", f"docker exec -i {LAB}{host} tar -C {STORE} -x"
    run("sh", "-c", f"{pack} | {unpack}")
    trial.sh(host, f"chown -R glance:glance {STORE}")


def takes_over(host: str, old: str) -> dict[str, object]:
    """The database and the store of a host that leaves are those of one that joins; what its glance-manage did."""
    trial.sh(old, "systemctl stop glance-api; systemctl stop glance-registry 2>/dev/null || :")
    trial.sh(host, f"sed -i 's#@infra/[a-z0-9]*?#@infra/glance?#' {trial.GLANCE_CONF}; systemctl stop glance-api")
    store_follows(host, old)
    done = trial.result(trial.module(host, "glance_database", {"state": "synchronised"}))
    trial.single_store(host)
    return done


def state() -> dict[str, str]:
    """Files of the configuration, Glance's unit, and where its process has libraries of Python from."""
    found = {name: facts for name, facts in trial.look(HOST).items() if ":/var/" not in name}
    # When a command was started, and as which process, is new each time.
    found["unit"] = re.sub(r"(start_time|stop_time|pid)=[^;]*", r"\1", trial.sh(HOST, _UNIT))
    maps = "cat /proc/$(systemctl show -P MainPID glance-api)/maps"
    found["code"] = trial.sh(HOST, f"{maps} | grep -oE '/[^ ]*/python3[.0-9]*/(site|dist)-packages' | sort -u").strip()
    return found


# -- from one host to the next ----------------------------------------------------------------------------------------


def test_images_of_15_through_v1_and_v2(images: dict[str, str]) -> None:
    headers = {
        **seed.Api("admin").headers, "Content-Type": "application/octet-stream", "x-image-meta-name": "v1",
        "x-image-meta-disk_format": "raw", "x-image-meta-container_format": "bare", "x-image-meta-is_public": "True",
    }  # fmt: skip
    status, _headers, made = seed.request(
        "POST", f"http://{BY_NAME[FIRST].address}:9292/v1/images", headers, content("v1")
    )
    assert status == 201, made
    images["v1"] = json.loads(made)["image"]["id"]
    add(images, FIRST, "15.0.2")


def test_20_takes_over(images: dict[str, str]) -> None:
    trial.sh("glance2", "systemctl stop glance-api glance-registry")
    done = takes_over(USSURI, FIRST)
    assert (done["before"], done["after"]) == (["pike01"], ["ussuri_contract01"])
    add(images, USSURI, "20.2.0")
    assert trial.ask(USSURI, f"/v2/images/{images['v1']}")[1]["visibility"] == "public"


def test_packages_of_25_take_over(images: dict[str, str]) -> None:
    done = takes_over(HOST, USSURI)
    assert (done["before"], done["after"]) == (["ussuri_contract01"], ["wallaby_contract01"])
    add(images, HOST, "packages")


# -- from packages to an environment, and back ------------------------------------------------------------------------


@pytest.fixture(scope="module", name="packaged")
def fixture_packaged() -> dict[str, str]:
    return state()


def test_another_release_goes_by_way_of_the_same_one(places: Places, packaged: dict[str, str]) -> None:
    places.play("flip_release", release=OLD).fails("release_link_missing", f"-e glance_release={SAME}")
    assert trial.differences(packaged, state()) == []


def test_a_look_changes_nothing_and_says_what_would_be(places: Places, packaged: dict[str, str]) -> None:
    looked = places.play("flip_release", "--check", "--diff", release=SAME).succeeds()
    looked.says(f"-> {SAME}", "+ExecStart=/opt/glance/current/bin/glance-api --config-file=/etc/glance/glance-api.conf")
    assert trial.differences(packaged, state()) == []
    assert trial.sh(HOST, "ls -d /opt/glance 2>/dev/null || :") == ""


def test_packages_go_on_out_of_an_environment(places: Places, packaged: dict[str, str], images: dict[str, str]) -> None:
    places.play("flip_release", release=SAME).succeeds()
    after = state()
    assert trial.differences(packaged, after) == ["code", f"{HOST}:{DROP_IN}", "unit"]
    assert after["code"].startswith(f"/opt/glance/{SAME}/lib/python3") and "/usr/lib/python3" not in after["code"]
    add(images, HOST, "environment")
    places.play("flip_release", release=SAME).succeeds().says("nothing was to be done")


def test_and_back_to_the_packages(places: Places, packaged: dict[str, str], images: dict[str, str]) -> None:
    places.play("rollback").succeeds().says("release_runs_on_schema")
    assert trial.differences(packaged, state()) == []
    assert trial.sh(HOST, f"ls /opt/glance; ls -d {Path(DROP_IN).parent} 2>/dev/null || :").split() == [SAME]
    all_readable(images)


# -- from one environment to the next ---------------------------------------------------------------------------------


def test_the_unit_is_deployed_before_another_release(places: Places, images: dict[str, str]) -> None:
    places.play("flip_release", release=SAME).succeeds()
    refused = places.play("flip_release", release=OLD, accept=["offline_hop"])
    refused.fails("release_files_refused", "/lib/systemd/system/glance-api.service", "deploy.yml")
    places.play("deploy", release=SAME).succeeds()
    assert "FragmentPath=/etc/systemd/system/glance-api.service" in trial.sh(HOST, _UNIT)
    all_readable(images)


def test_from_25_to_32_offline(places: Places, images: dict[str, str]) -> None:
    places.play("flip_release", release=OLD, accept=["offline_hop"]).fails(*POLICY)
    accepted = json.dumps({"glance_policy_accepted_changes": POLICY})
    places.play("flip_release", "-e", accepted, release=OLD, accept=["offline_hop"]).succeeds()
    assert hops.running(HOST) == (OLD, OLD) and hops.heads("glance") == ["2024_1_contract01"]
    add(images, HOST, OLD)


@pytest.fixture(scope="module", name="pair")
def fixture_pair(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Two hosts that join."""
    variables = {"glance_release_database_connection": CONNECTION}
    return hops.of(tmp_path_factory.mktemp("pair"), {host: {} for host in hops.HOSTS}, GLANCE, **variables)


def test_two_hosts_of_32_take_over(pair: Places, images: dict[str, str]) -> None:
    trial.sh(HOST, "systemctl stop glance-api")
    pair.play("deploy", release=OLD).succeeds()
    store_follows(hops.HOSTS[0], HOST)
    hops.lead_to(*hops.HOSTS)
    trial.wait_for(lambda: hops.answers() == 200)
    add(images, BALANCER, "two hosts")


def test_from_32_to_33_online_and_back_while_images_are_asked_for(pair: Places, images: dict[str, str]) -> None:
    users, before = Users(), trial.look(*hops.HOSTS)
    with users.at_work():
        pair.play("flip_release", release=NEW).succeeds()
    assert users.failures == [] and users.count > 20
    assert {hops.running(host) for host in hops.HOSTS} == {(NEW, NEW)}
    add(images, BALANCER, NEW)
    with users.at_work():
        pair.play("rollback").succeeds().says("release_runs_on_schema")
    assert users.failures == []
    assert {hops.running(host) for host in hops.HOSTS} == {(OLD, OLD)}
    assert hops.changed_since(before) == []
    all_readable(images, BALANCER)
    users.all_readable()
