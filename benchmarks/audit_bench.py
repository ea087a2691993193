# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit of a large database costs, as a ratio to a bare client that streams the same rows.

The database is the lab's MariaDB: tables like those of the lab's Glance, filled with images of five properties each, of
which one image in a hundred has something to be found. The bare client is PyMySQL's streaming cursor, which reads every
live image and property and does nothing with them. The audit is the module as Ansible runs it. Rounds are interleaved;
the medians count.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "molecule" / "lab"))

from lablib import databases  # noqa: E402  (the path comes first)
from lablib.hosts import INFRA  # noqa: E402

SCHEMA = "audit_bench"
RATIO, MEMORY = 2.0, 200.0  # time against the bare client, MiB
PROPERTIES = ("hw_disk_bus", "hw_vif_model", "os_distro", "os_version", "architecture")
#: Kinds that are sown, each into one image of so many.
SOWN = {"HW_Disk_Bus": 400, "two-words": 400, "owner": 400, "deleted": 400}

_HASH = "MD5(seq)"
_UUID = f"CONCAT_WS('-', SUBSTR({_HASH},1,8), SUBSTR({_HASH},9,4), SUBSTR({_HASH},13,4), SUBSTR({_HASH},17,4), SUBSTR({_HASH},21))"

BARE = f"""
import pymysql, sys
from pymysql.cursors import SSCursor
connection = pymysql.connect(host="{INFRA.address}", user="glance", password=sys.argv[1], database="{SCHEMA}",
                             charset="utf8mb4")
count = 0
for table in ("images", "image_properties"):
    cursor = connection.cursor(SSCursor)
    columns = ("id, name, size, status, created_at, updated_at, disk_format, container_format, owner, visibility"
               if table == "images" else "image_id, name, value")
    cursor.execute(f"SELECT {{columns}} FROM {{table}} WHERE deleted = 0")
    for row in cursor:
        count += 1
    cursor.close()
print(count)
"""


def sow(images: int) -> str:
    """A database with so many images, as Glance 15.0.2 holds them; its URL."""
    url = databases.create(SCHEMA, "15.0.2")
    seeds = f"seq_1_to_{images}"
    quick = "SET unique_checks = 0, foreign_key_checks = 0; "
    databases.execute(
        f"{quick} INSERT INTO images (id, name, size, status, created_at, updated_at, deleted, disk_format, "
        "container_format, checksum, owner, min_disk, min_ram, protected, visibility) "
        f"SELECT {_UUID}, CONCAT('image ', seq), seq, 'active', '2016-01-01' + INTERVAL seq MINUTE, "
        "'2016-01-01' + INTERVAL seq MINUTE, 0, 'qcow2', 'bare', MD5(seq), MD5(seq % 1000), 0, 0, 0, "
        f"IF(seq % 10, 'private', 'public') FROM {seeds} ORDER BY 1",
        SCHEMA,
    )
    databases.execute(
        f"{quick} INSERT INTO image_locations (image_id, value, meta_data, status, created_at, deleted) "
        "SELECT id, CONCAT('rbd://cluster/images/', id, '/snap'), '{}', 'active', created_at, 0 FROM images",
        SCHEMA,
    )
    names = "".join(
        f"WHEN i.size % 100 = 0 AND n.number = 0 AND i.size % 400 = {100 * place} THEN '{name}' "
        for place, name in enumerate(SOWN)
    )
    numbers = " UNION ALL ".join(f"SELECT {number} number, '{name}' name" for number, name in enumerate(PROPERTIES))
    databases.execute(
        f"{quick} INSERT INTO image_properties (image_id, name, value, created_at, deleted) "
        f"SELECT i.id, CASE {names} ELSE n.name END, CONCAT('value of ', n.name), i.created_at, 0 "
        f"FROM images i JOIN ({numbers}) n ORDER BY i.id",
        SCHEMA,
    )
    for table in ("images", "image_properties", "image_locations", "image_members"):
        databases.execute(f"ANALYZE TABLE {table}", SCHEMA)
    return url


def measure(command: list[str], stdin: str = "") -> tuple[float, float, float, str]:
    """Wall and CPU seconds of a command, its peak memory in MiB, and its output."""
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as out:
        given.write(stdin)
        given.seek(0)
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdin=given, stdout=out, stderr=subprocess.STDOUT)
        _pid, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode:
        sys.exit(f"{said}\n{command[0]} ended with {process.returncode}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()

    subprocess.run([str(ROOT / "molecule" / "lab" / "lab"), "up"], check=True)
    started = time.monotonic()
    images = arguments.images
    url = sow(images)
    print(f"{images} images were there after {time.monotonic() - started:.0f} s", flush=True)

    module = ROOT / "plugins" / "modules" / "image_audit_info.py"
    figures: dict[str, list[tuple[float, float, float]]] = {"bare client": [], "audit": []}
    try:
        with tempfile.TemporaryDirectory(prefix="stackops-bench-") as folder:
            given = {"database": url, "file": f"{folder}/images.jsonl"}
            # One round to warm the server's caches, as far as they reach.
            for number in range(arguments.rounds + 1):
                bare = measure([sys.executable, "-c", BARE, databases.PASSWORD])
                audit = measure([sys.executable, str(module)], json.dumps({"ANSIBLE_MODULE_ARGS": given}))
                if number:
                    figures["bare client"].append(bare[:3])
                    figures["audit"].append(audit[:3])
            result = json.loads(audit[3])
            rows = sum(1 for _line in open(f"{folder}/images.jsonl", encoding="utf-8"))
    finally:
        databases.drop(SCHEMA)

    print(f"An audit of {images} images with {len(PROPERTIES)} properties each, medians of {arguments.rounds} rounds")
    print(f"{'':12} {'wall s':>8} {'CPU s':>8} {'MiB':>8}")
    medians = {
        what: [statistics.median(each) for each in zip(*rounds, strict=True)] for what, rounds in figures.items()
    }
    for what, (wall, cpu, memory) in medians.items():
        print(f"{what:12} {wall:8.2f} {cpu:8.2f} {memory:8.1f}")
    bare_wall, bare_cpu, _memory = medians["bare client"]
    wall, cpu, memory = medians["audit"]
    print(f"{'ratio':12} {wall / bare_wall:8.2f} {cpu / bare_cpu:8.2f}")
    expected = images // 100
    print(f"found: {result['count']} of {expected} images, {rows} lines; at most {RATIO} times the time, {MEMORY} MiB")
    return 0 if wall <= RATIO * bare_wall and memory <= MEMORY and result["count"] == rows == expected else 1


if __name__ == "__main__":
    sys.exit(main())
