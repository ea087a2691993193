# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it takes to verify images through the API: peak memory with a large one, and time with several at once.

image_hash_bench.py [--size GIB] [--images N] [--each MIB]. The images are zeros in a file store of the lab's Glance 33.0.0, so
that no disk is measured. They are verified by the module as Ansible runs it, and by what an operator would type, a loop of
`glance image-download ID | sha512sum`. Fails where the large image takes 100 MiB or more, or the module is the slower one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pathlib
import sys
import time
from typing import Any

from audit_bench import measure
from image_copy_bench import SETTINGS, client

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import databases, fleet, trial  # noqa: E402  (the path comes first)
from lablib.common import STATE  # noqa: E402
from lablib.hosts import BY_NAME  # noqa: E402

HOST = "glance33"
ENDPOINT = f"http://{BY_NAME[HOST].address}:9292"
MODULE = str(ROOT / "plugins" / "modules" / "image_hash_info.py")
MEMORY = 100.0  # MiB
MIB = 1 << 20


def zeros(size: int) -> str:
    """The SHA-512 of that many zeros."""
    digest, block = hashlib.sha512(), bytes(MIB)
    for _number in range(size // MIB):
        digest.update(block)
    return digest.hexdigest()


def sow(count: int, size: int) -> list[str]:
    """Images of so many bytes, as if they had been uploaded; their ids."""
    value, ids = zeros(size), []
    for _number in range(count):
        image = trial.uploaded(HOST, "bench", bytes(1))
        trial.sh(HOST, f"truncate -s {size} /var/lib/glance/fast/{image}")
        databases.execute(f"UPDATE images SET size = {size}, os_hash_value = '{value}' WHERE id = '{image}'", HOST)
        ids.append(image)
    return ids


def module(images: list[str], parallel: int) -> tuple[float, float]:
    """Seconds and peak memory in MiB of verifying them."""
    given: dict[str, Any] = {"cloud": "lab", "endpoint": ENDPOINT, "images": images, "parallel": parallel}
    wall, _cpu, memory, said = measure([sys.executable, MODULE], json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    result = json.loads(said)
    if result.get("failed") or result["verified"] != len(images):
        sys.exit(f"not all were verified: {said[:2000]}")
    return wall, memory


def saved(images: list[str]) -> float:
    """Seconds of the loop, in the host of the lab that has the client."""
    save = f"glance --os-image-url {ENDPOINT} image-download $image"
    started = time.monotonic()
    said = client(f"for image in {' '.join(images)}; do {save} | sha512sum; done", SETTINGS)
    if len(set(said.split("\n")[:-1])) != 1 or said.startswith(hashlib.sha512().hexdigest()):
        sys.exit(f"the client did not save the images: {said}")
    return time.monotonic() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=4, help="GiB of the large image")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--each", type=int, default=128, help="MiB of each of the others")
    arguments = parser.parse_args()
    os.environ["OS_CLIENT_CONFIG_FILE"] = str(STATE / "clouds.yaml")
    fleet.up(HOST)
    try:
        wall, memory = module(sow(1, arguments.size << 30), 1)
        rate = arguments.size * 1024 / wall
        print(
            f"one image of {arguments.size} GiB: {wall:.1f} s, {rate:.0f} MiB/s, peak {memory:.1f} MiB, wanted: under {MEMORY:.0f}"
        )
        images = sow(arguments.images, arguments.each * MIB)
        loop = saved(images)
        times = {parallel: module(images, parallel) for parallel in (1, 2, 4)}
        print(
            f"{arguments.images} images of {arguments.each} MiB; a loop of glance image-download | sha512sum: {loop:.1f} s"
        )
        print(f"{'parallel':>8} {'wall s':>8} {'MiB':>8} {'to 1':>8} {'to the loop':>12}")
        for parallel, (seconds, peak) in times.items():
            print(f"{parallel:8} {seconds:8.1f} {peak:8.1f} {times[1][0] / seconds:8.2f} {loop / seconds:12.2f}")
    finally:
        fleet.drop(HOST)
    return 0 if memory < MEMORY and times[1][0] < loop else 1


if __name__ == "__main__":
    sys.exit(main())
