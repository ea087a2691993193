# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What copies to a second store and a list of many images cost, as ratios to the clients and to what Glance itself can do.

The Glance is the lab's 33.0.0 with two file stores. The same images are copied by the module as Ansible runs it, by a loop
over the `glance` client (one call for each image, none waits for its copy), and by bare requests, all at once, which is as
fast as Glance copies. The ways take turns, a part of the images each time. `cp` of the same files is told beside them.
The list is read by the collection's code and by `openstack image list --long`.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import databases, fleet, seed, trial  # noqa: E402  (the path comes first)
from lablib.common import STATE  # noqa: E402
from lablib.hosts import BY_NAME, KEYSTONE  # noqa: E402

HOST = "glance33"
URL = f"http://{BY_NAME[HOST].address}:9292"
#: At least so many times less than the client's loop, at most so many times what Glance itself takes.
AGAINST_CLIENT, AGAINST_GLANCE, AGAINST_LIST = 3.0, 1.15, 1.0
PARTS = 2
#: How a user of the lab's infra host has the clients' settings.
SETTINGS = {
    "OS_AUTH_URL": KEYSTONE,
    "OS_USERNAME": "admin",
    "OS_PASSWORD": "lab-admin-secret",
    "OS_PROJECT_NAME": "admin",
    "OS_USER_DOMAIN_NAME": "Default",
    "OS_PROJECT_DOMAIN_NAME": "Default",
    "OS_IDENTITY_API_VERSION": "3",
}
LIST = """
import resource, sys
from ansible_collections.stackops.glance.plugins.module_utils import _image_lookup, _images
from openstack.config import get_cloud_region
session = get_cloud_region(cloud="lab").get_session()
print(sum(1 for image in _image_lookup.listed(_images.Images(session, sys.argv[1]), {})))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def environ() -> dict[str, str]:
    return {**os.environ, "OS_CLIENT_CONFIG_FILE": str(STATE / "clouds.yaml"), "ANSIBLE_LOCALHOST_WARNING": "False"}


def must(*command: str) -> str:
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\n{' '.join(command)[:300]} ended with {done.returncode}.")
    return done.stdout


def client(script: str, settings: Mapping[str, str]) -> str:
    """Run a script with the clients of the lab's infra host."""
    named = [part for name, value in settings.items() for part in ("--env", f"{name}={value}")]
    return must("docker", "exec", *named, BY_NAME["infra"].container, "bash", "-ec", f"set -o pipefail; {script}")


def make(size: int) -> str:
    return trial.uploaded(HOST, "bench", os.urandom(1 << 16) * (size >> 16), bench="yes")


def copied(ids: list[str]) -> bool:
    """Whether the second store holds all of these images."""
    found = trial.ask(HOST, f"/v2/images?limit=1000&id=in:{','.join(ids)}")[1]["images"]
    return sum(
        "slow" in image["stores"].split(",") and not image.get("os_glance_import_task") for image in found
    ) == len(ids)


def module(ids: list[str]) -> None:
    arguments = {"cloud": "lab", "endpoint": URL, "stores": ["slow"], "filters": {"id": f"in:{','.join(ids)}"}}
    must("ansible", "localhost", "-m", "stackops.glance.image_copy", "-a", json.dumps(arguments))


def loop(ids: list[str]) -> None:
    call = f"glance --os-image-url {URL} image-import $id --import-method copy-image --stores slow >/dev/null"
    client(f"for id in {' '.join(ids)}; do {call}; done", SETTINGS)


def bare(ids: list[str]) -> None:
    body = json.dumps({"method": {"name": "copy-image"}, "stores": ["slow"], "all_stores_must_succeed": False}).encode()

    def ask(image_id: str) -> None:
        status, said = trial.ask(HOST, f"/v2/images/{image_id}/import", "POST", body, Content_Type="application/json")
        if status != 202:
            sys.exit(f"A copy was not begun: {status} {said}.")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, ids))


def timed(way: Callable[[list[str]], None], ids: list[str]) -> float:
    """Seconds until the second store holds all of them; then it is emptied again."""
    started = time.monotonic()
    way(ids)
    while not copied(ids):
        time.sleep(0.2)
    wall = time.monotonic() - started
    for image_id in ids:
        trial.ask(HOST, f"/v2/stores/slow/{image_id}", "DELETE")
    return wall


def copies(images: int, size: int) -> bool:
    """Copy by each way in turn; whether the aims are met."""
    with ThreadPoolExecutor(2) as pool:
        ids = list(pool.map(lambda _number: make(size), range(images)))
    ways = {"module": module, "client": loop, "bare": bare}
    walls = dict.fromkeys([*ways, "start", "cp"], 0.0)
    for part in range(PARTS):
        some = ids[part::PARTS]
        for name in sorted(ways, key=lambda name: (list(ways).index(name) + part) % len(ways)):
            walls[name] += timed(ways[name], some)
        started = time.monotonic()
        module(["00000000-0000-4000-8000-000000000000"])  # what Ansible takes to start, where there is nothing to copy
        walls["start"] += time.monotonic() - started
        started = time.monotonic()
        files = " ".join(f"/var/lib/glance/fast/{image_id}" for image_id in some)
        trial.sh(HOST, f"mkdir /var/lib/glance/cp && cp {files} /var/lib/glance/cp && rm -r /var/lib/glance/cp")
        walls["cp"] += time.monotonic() - started
    for image_id in ids:
        trial.ask(HOST, f"/v2/images/{image_id}", "DELETE")
    mib = images * size >> 20
    print(f"{images} images of {size >> 20} MiB copied to a second store, by turns in {PARTS} parts:")
    for name, what in (
        ("module", "image_copy, Ansible's start included"),
        ("client", "a loop over the glance client"),
        ("bare", "bare requests, all at once"),
        ("cp", "cp of the same files"),
    ):
        print(f"  {what}: {walls[name]:.1f} s, {mib / walls[name]:.0f} MiB/s")
    against_client = walls["client"] / walls["module"]
    against_glance = (walls["module"] - walls["start"]) / walls["bare"]
    print(f"ratio to the client's loop: {against_client:.1f} times less; wanted: {AGAINST_CLIENT}")
    print(
        f"ratio to what Glance itself takes, without Ansible's start of {walls['start']:.1f} s: {against_glance:.2f}; "
        f"wanted: at most {AGAINST_GLANCE}"
    )
    return against_client >= AGAINST_CLIENT and against_glance <= AGAINST_GLANCE


def lists(images: int, rounds: int) -> bool:
    """List a large cloud by turns; whether the aim is met."""
    databases.fill(HOST, images)
    # The host is in no catalogue; this way of authentication takes no other settings.
    admin = f"--os-auth-type admin_token --os-endpoint {URL}/v2 --os-token {seed.Api('admin').headers['X-Auth-Token']}"
    times: dict[str, list[float]] = {"ours": [], "client": []}
    ways: dict[str, Callable[[], Any]] = {
        "ours": lambda: must(sys.executable, "-c", LIST, URL).split(),
        "client": lambda: client(f"openstack {admin} image list --long -f value -c ID | wc -l", {}).split(),
    }
    memory = 0
    try:
        for _round in range(rounds):
            for name, way in ways.items():
                started = time.monotonic()
                found = [int(number) for number in way()]
                times[name].append(time.monotonic() - started)
                if found[0] < images:
                    sys.exit(f"{name} listed {found[0]} images of {images}.")
                memory = found[1] if name == "ours" else memory
    finally:
        like = databases.image_id(0)[:24]
        for table, column in (("image_properties", "image_id"), ("image_locations", "image_id"), ("images", "id")):
            databases.execute(f"DELETE FROM {table} WHERE {column} LIKE '{like}%'", HOST)
    ours, theirs = (statistics.median(times[name]) for name in ("ours", "client"))
    print(f"{images} images listed: {ours:.1f} s and {memory} MiB at most; openstack image list --long: {theirs:.1f} s")
    print(f"ratio to the client: {ours / theirs:.2f}; wanted: at most {AGAINST_LIST}")
    return ours / theirs <= AGAINST_LIST


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--size", type=int, default=8, help="MiB")
    parser.add_argument("--listed", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3, help="of the list")
    arguments = parser.parse_args()
    fleet.up(HOST)
    met = copies(arguments.images, arguments.size << 20)
    return 0 if lists(arguments.listed, arguments.rounds) and met else 1


if __name__ == "__main__":
    sys.exit(main())
