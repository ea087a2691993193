# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Locations through both APIs, members from both sides, and damage that is found wherever it lies: Glance 25.1 and 33.0.0.

Each module is checked, done, checked and done again.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any
from urllib.parse import quote

import pytest
from lablib import modules, seed, trial, web
from lablib.hosts import KEYSTONE

HOSTS = ("glance25", "glance33")
STORES = {"fast": "/var/lib/glance/fast", "slow": "/var/lib/glance/slow"}
SIZE = 3 * seed.MIB + 17
SECRET = "s3cret/with slash"
ONE, TWO = f"{web.URL}/good", f"{web.URL}/other"
KNOWN = {"os_hash_algo": "sha512", "os_hash_value": hashlib.sha512(web.DATA).hexdigest()}
_SHOWN = "sed -i '0,/^\\[DEFAULT\\]/s//[DEFAULT]\\nshow_multiple_locations = true/' /etc/glance/glance-api.conf"


def run(name: str, host: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
    found = modules.called(name, host, check, **arguments)
    assert SECRET not in json.dumps(found) and quote(SECRET, "") not in json.dumps(found)
    return found


def through_ansible(name: str, host: str, **arguments: Any) -> dict[str, Any]:
    ran = modules.begun(name, host, "-vvv", "--diff", **arguments)
    found = trial.result(ran)
    # The first line of the log is the command itself.
    said = ran.output.partition("\n")[2]
    assert SECRET not in said and quote(SECRET, "") not in said
    return found


def done(name: str, host: str, **arguments: Any) -> dict[str, Any]:
    """Check, do, check, do: what was done."""
    checked = run(name, host, check=True, **arguments)
    result = run(name, host, **arguments)
    assert not checked["failed"] and not result["failed"], (checked.get("msg"), result.get("msg"))
    assert checked["changed"] and result["changed"]
    differences = [(each["diff"]["before"], each["diff"]["after"]) for each in (checked, result)]
    assert differences[0] == differences[1] and differences[0][0] != differences[0][1]
    for again in (run(name, host, check=True, **arguments), run(name, host, **arguments)):
        assert not again["failed"] and not again["changed"], again
        assert again["diff"]["before"] == again["diff"]["after"] == differences[1][1]
    return result


def refused(found: dict[str, Any], *words: str) -> None:
    assert found["failed"], found
    for word in words:
        assert word in found["msg"], found["msg"]


def image(host: str, name: str, **more: Any) -> str:
    return trial.image(host, name, **{"visibility": "private", **more})


def uploaded(host: str, name: str, size: int = SIZE) -> str:
    return trial.uploaded(host, name, os.urandom(size), visibility="private")


# -- locations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", trial.some(HOSTS, 0))
def test_an_api_that_hides_locations_says_so_and_nothing_is_left(host: str) -> None:
    made = uploaded(host, "hidden", 1)
    where = {"image": made, "url": ONE}
    refused(run("image_location", host, **where), "OSSN-0065", "show_multiple_locations is off")
    refused(run("image_location", host, image=made, url="file:///etc/passwd"), "file://")
    if host == "glance33":
        # The location API shows an administrator what is there.
        assert not run("image_location", host, **where, state="absent")["changed"]
        own = f"file://{STORES['fast']}/{made}"
        refused(run("image_location", host, image=made, url=own, state="absent"), "never removes the last one")
    else:
        refused(run("image_location", host, **where, state="absent"), "OSSN-0065")
        new = {"disk_format": "raw", "container_format": "bare"}
        refused(run("image_location", host, image="by location", url=ONE, **new), "OSSN", "deleted again")
        assert trial.ask(host, "/v2/images?name=by+location")[1]["images"] == []


def test_the_location_api_adds_to_a_queued_image_and_hashes_the_data() -> None:
    host = "glance33"
    new = {"disk_format": "raw", "container_format": "bare"}
    made = done("image_location", host, image="on the web", url=ONE, validation_data=KNOWN, **new)
    assert (made["way"], made["created"], made["status"]) == ("location_api", True, "active")
    assert made["locations"] == [ONE]
    found = trial.ask(host, f"/v2/images/{made['image_id']}")[1]
    assert (found["os_hash_value"], found["size"]) == (KNOWN["os_hash_value"], len(web.DATA))

    wrong = {"os_hash_algo": "sha512", "os_hash_value": "0" * 128}
    refused(
        run("image_location", host, image=made["image_id"], url=ONE, validation_data=wrong),
        KNOWN["os_hash_value"],
        "000",
    )
    other = image(host, "wrongly hashed")
    refused(run("image_location", host, image=other, url=ONE, validation_data=wrong), "queued", "task")
    secret = f"{web.URL}/none".replace("//", f"//user:{quote(SECRET, '')}@")
    refused(through_ansible("image_location", host, image=image(host, "nothing there"), url=secret), "queued")
    refused(run("image_location", host, image=made["image_id"], url=TWO), "OSSN-0065")


def test_the_rule_of_a_release_is_named_and_a_service_token_satisfies_it() -> None:
    """As 30.1 and 31 have it: the service role counts in a service token alone."""
    host = "glance33"
    serving()
    service = {
        "auth": {
            "auth_url": KEYSTONE,
            "username": "glance",
            "password": "lab-glance-secret",
            "project_name": "service",
            "user_domain_name": "Default",
            "project_domain_name": "Default",
        }
    }
    trial.sh(host, 'echo \'"service_api": "service_roles:service"\' >/etc/glance/policy.yaml')
    made = image(host, "with a token", owner=seed.Api("demo").project_id)
    where = {"image": made, "url": TWO}
    refused(run("image_location", host, **where), "service token", "service_cloud", "403")
    assert run("image_location", host, **where, service_cloud=service)["way"] == "location_api"
    again = run("image_location", host, **where, service_cloud=service)
    assert not again["failed"] and not again["changed"]
    trial.sh(host, ": >/etc/glance/policy.yaml")


def serving() -> None:
    """Give the user glance the role service, as deployments do."""
    roles = trial.keystone("GET", "/roles?name=service")["roles"]
    role = roles[0] if roles else trial.keystone("POST", "/roles", {"role": {"name": "service"}})["role"]
    user = trial.keystone("GET", "/users?name=glance")["users"][0]["id"]
    project = trial.keystone("GET", "/projects?name=service")["projects"][0]["id"]
    trial.keystone("PUT", f"/projects/{project}/users/{user}/roles/{role['id']}")


def test_patch_adds_and_removes_one_location_and_never_the_last() -> None:
    host = "glance25"
    trial.sh(host, _SHOWN)
    trial.restarted(host)
    new = {"disk_format": "raw", "container_format": "bare"}
    made = done("image_location", host, image="on the web", url=ONE, validation_data=KNOWN, **new)
    assert (made["way"], made["locations"], made["created"]) == ("patch", [ONE], True)
    refused(run("image_location", host, image=made["image_id"], url=ONE, state="absent"), "last one")
    assert done("image_location", host, image=made["image_id"], url=TWO)["locations"] == [ONE, TWO]
    assert done("image_location", host, image=made["image_id"], url=ONE, state="absent")["locations"] == [TWO]
    secret = f"s3://key:{SECRET}@s3.example/bucket/object"
    refused(
        through_ansible("image_location", host, image=made["image_id"], url=secret),
        "s3://s3.example/bucket/object",
        "400",
    )
    assert [each["url"] for each in trial.ask(host, f"/v2/images/{made['image_id']}")[1]["locations"]] == [TWO]


# -- members ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", trial.some(HOSTS, 0))
def test_the_owner_shares_and_the_member_answers(host: str) -> None:
    partner = seed.Api("partner").project_id
    made = image(host, "golden")
    owner: dict[str, Any] = {"image": "golden", "member": "partner"}
    refused(run("image_member", host, **owner), "private", "only a shared image has members", "visibility to shared")
    assert not run("image_member", host, **owner, state="absent")["changed"]
    patch = b'[{"op": "replace", "path": "/visibility", "value": "shared"}]'
    kind = {"Content_Type": "application/openstack-images-v2.1-json-patch"}
    assert trial.ask(host, f"/v2/images/{made}", "PATCH", patch, **kind)[0] == 200

    refused(run("image_member", host, cloud="lab-partner", image=made, status="accepted"), "no image")
    shared = done("image_member", host, **owner)
    assert shared["members"] == [{"member_id": partner, "status": "pending"}]
    member: dict[str, Any] = {"cloud": "lab-partner", "image": made}
    assert made not in listed(host)
    for status in ("accepted", "rejected"):
        answered = done("image_member", host, **member, status=status)
        assert answered["members"] == [{"member_id": partner, "status": status}]
        assert (made in listed(host)) == (status == "accepted")
    refused(run("image_member", host, **member, members=["0" * 32]), "owner's project adds", "403")
    assert done("image_member", host, **owner, state="absent")["members"] == []
    assert made not in listed(host)


def listed(host: str) -> list[str]:
    """The images in the partner's own list."""
    answer = seed.request("GET", f"{modules.address(host)}/v2/images?limit=1000", seed.Api("partner").headers, None)[2]
    return [each["id"] for each in json.loads(answer)["images"]]


# -- hashes -------------------------------------------------------------------------------------------------------


def found_in(result: dict[str, Any]) -> dict[str, set[str]]:
    assert not result["failed"], result.get("msg")
    kinds: dict[str, set[str]] = {}
    for each in result["findings"]:
        kinds.setdefault(each["id"], set()).add(each["image"])
    return kinds


@pytest.mark.parametrize("host", trial.some(HOSTS, 1))
def test_damage_is_found_through_the_api_and_in_the_stores(host: str) -> None:
    good, flipped, short, old, bare, gone, copied = (uploaded(host, f"image {number}") for number in range(7))
    fast = STORES["fast"]
    body = json.dumps({"method": {"name": "copy-image"}, "stores": ["slow"]}).encode()
    assert trial.ask(host, f"/v2/images/{copied}/import", "POST", body, Content_Type="application/json")[0] == 202
    trial.wait_for(lambda: "slow" in trial.ask(host, f"/v2/images/{copied}")[1]["stores"].split(","))
    trial.wait_for(lambda: not trial.ask(host, f"/v2/images/{copied}")[1].get("os_glance_import_task"))

    sound = [good, flipped, short, old, bare, gone, copied]
    assert found_in(run("image_hash_info", host, images=sound, parallel=4)) == {}
    known = run("image_hash_info", host, filters={}, verify_data=False)["images"]
    stored = trial.result(trial.module(host, "glance_store_hash_info", {"store_paths": STORES, "images": known}))
    # A Glance that was killed leaves files of images that were deleted since.
    before = found_in(stored)
    assert set(before) <= {"file-unknown"} and len(stored["copies"]) >= 8

    trial.sh(
        host,
        f"""set -e
flip() {{ printf "\\\\$(printf %o $((255 - $(od -An -tu1 -j$2 -N1 $1))))" | dd of=$1 bs=1 seek=$2 conv=notrunc 2>/dev/null; }}
flip {fast}/{flipped} 1048577
flip {STORES["slow"]}/{copied} 7
truncate -s 2000000 {fast}/{short}
rm {fast}/{gone}
touch {fast}/00000000-0000-4000-8000-000000000000""",
    )
    trial.execute(f"UPDATE images SET os_hash_algo = NULL, os_hash_value = NULL WHERE id IN ('{old}', '{bare}')", host)
    trial.execute(f"UPDATE images SET checksum = NULL WHERE id = '{bare}'", host)

    # A server that sends less than it announced lets its client wait.
    read = through_ansible("image_hash_info", host, images=sound, parallel=4, api_timeout=6)
    wanted = {"hash-differs": {flipped}, "size-differs": {short}, "data-missing": {gone}, "md5-only": {old}}
    assert found_in(read) == {**wanted, "no-hash": {bare}}
    assert {each["id"] for each in read["images"] if each["verified"]} == {good, old, copied}
    told = [each["message"] for each in read["findings"] if each["id"] == "hash-differs"]
    assert flipped in told[0] and "sha512" in told[0] and "image 1" in told[0]

    every = run("image_hash_info", host, filters={}, verify_data=False)
    assert found_in(every) == {"md5-only": {old}, "no-hash": {bare}}
    given = {"store_paths": STORES, "images": every["images"], "parallel": 4}
    stored = trial.result(trial.module(host, "glance_store_hash_info", given))
    assert found_in(stored) == {
        **{kind: ids for kind, ids in wanted.items() if kind != "md5-only"},
        "hash-differs": {flipped, copied},
        "stores-disagree": {copied},
        "file-unknown": {"00000000-0000-4000-8000-000000000000", *before.get("file-unknown", ())},
    }
    told = [each["message"] for each in stored["findings"] if each["id"] == "stores-disagree"]
    assert all(f"{place}/{copied}" in told[0] for place in STORES.values()) and "as recorded" in told[0]
    alone = trial.result(trial.module(host, "glance_store_hash_info", {"store_paths": STORES}))
    assert found_in(alone) == {"stores-disagree": {copied}}


@pytest.mark.parametrize("host", trial.some(HOSTS, 0))
def test_nobody_downloads_a_deactivated_image(host: str) -> None:
    made = uploaded(host, "under suspicion", 5)
    assert done("image_activation", host, image=made, state="deactivated")["status"] == "deactivated"
    assert run("image_hash_info", host, images=[made])["verified"] == 1
    assert done("image_activation", host, image=made, state="active")["status"] == "active"
    refused(run("image_activation", host, image=image(host, "empty"), state="deactivated"), "queued")
