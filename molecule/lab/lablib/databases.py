# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Databases beside the lab's own, in infra's MariaDB: any release's schema, filled as large as a test needs it."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from . import images, releases
from .common import LabError, docker, run, say, state_dir
from .hosts import INFRA, NETWORK

OWN = ("keystone", "glance")
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
_ID_START = "00000000-0000-4000-8000-"
PASSWORD = "lab-database-secret"  # noqa: S105  (it opens nothing but the lab)


def url(name: str) -> str:
    """As a client on this machine reaches it."""
    return f"mysql+pymysql://glance:{PASSWORD}@{INFRA.address}/{name}?charset=utf8"


def execute(script: str, database: str = "") -> str:
    """Run a script of SQL as MariaDB's administrator; what it prints, a row a line."""
    client = ("mariadb", "--batch", "--skip-column-names")
    return run("docker", "exec", "--interactive", INFRA.container, *client, _checked(database), stdin=script)


def rows(query: str, database: str = "glance") -> list[dict[str, str | None]]:
    """The rows of a query, as text by the names of their columns."""
    answer = docker("exec", INFRA.container, "mariadb", "--xml", "--execute", query, _checked(database))
    null = "{http://www.w3.org/2001/XMLSchema-instance}nil"
    return [
        {field.attrib["name"]: None if null in field.attrib else field.text or "" for field in row}
        for row in (ElementTree.fromstring(answer) if answer else ())
    ]


def create(name: str, version: str = "15.0.2", revision: str = "") -> str:
    """An empty database with the schema of a release, in place of one of that name; its URL.

    With a revision of that release's migrations, the schema as it was there: 15.0.2 at `mitaka02` is
    what Glance had up to Newton, before images had a `visibility`.
    """
    if name in (*OWN, *_SYSTEM):
        raise LabError(f"The database {name} is not to be made anew: the lab itself needs it.")
    release = releases.RELEASES[version]
    images.ensure(release.image)
    execute(
        f"DROP DATABASE IF EXISTS `{_checked(name)}`; CREATE DATABASE `{name}` CHARACTER SET utf8; "
        f"GRANT ALL ON `{name}`.* TO 'glance'@'%';"
    )
    kept = _schema(release, revision)
    if kept.exists():
        execute(kept.read_text(encoding="utf-8"), name)
    else:
        say(f"{name}: making the schema of Glance {version}{f' at {revision}' if revision else ''}")
        _migrate(release, name, revision)
        schema = docker("exec", INFRA.container, "mariadb-dump", "--skip-comments", name)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(schema, encoding="utf-8")
    return url(name)


def _schema(release: releases.Release, revision: str) -> Path:
    image = images.tag(release.image).replace(":", "-")
    return state_dir() / "schemas" / f"{image}{f'-{revision}' if revision else ''}.sql"


def _migrate(release: releases.Release, name: str, revision: str) -> None:
    """Let the release's own program do it, over the network of the lab."""
    version = f"--version {_checked(revision)}" if revision else ""
    connection = f"mysql+pymysql://glance:{PASSWORD}@{INFRA.address}/{name}?charset=utf8"
    script = (
        f"printf '[database]\\nconnection = {connection}\\n' >/tmp/database.conf\n"
        f"exec glance-manage --config-file /etc/glance/glance-api.conf --config-file /tmp/database.conf db sync {version}"
    )
    run(*releases.command(release, [], ["sh", "-c", script], network=NETWORK), timeout=120)


def drop(*names: str) -> None:
    for name in names:
        if name in (*OWN, *_SYSTEM):
            raise LabError(f"The database {name} stays: the lab itself needs it.")
        execute(f"DROP DATABASE IF EXISTS `{_checked(name)}`")


def fill(name: str, images: int, properties: int = 5) -> float:
    """Put that many images with that many properties each into an empty database; the seconds that it took.

    None of them is special: image N has the id `image_id(N)` and one location, every tenth is public, a
    thousand owners share them. A test makes of some what it wants to be found.
    """
    started = time.monotonic()
    columns = {str(row["Field"]) for row in rows("DESCRIBE images", name)}
    execute("\n".join(_filling(columns, images, properties)), name)
    return time.monotonic() - started


def image_id(number: int) -> str:
    """The id of an image that `fill` made."""
    return f"{_ID_START}{number:012x}"


def _filling(columns: set[str], images: int, properties: int) -> list[str]:
    """The statements: one for each table, for what enters an empty table in one go is sorted and written at once."""
    image = f"CONCAT('{_ID_START}', LPAD(LOWER(HEX(seq)), 12, '0'))"
    made = "'2016-01-01' + INTERVAL seq MINUTE"
    values = {
        "id": image,
        "name": "CONCAT('image ', seq)",
        "size": "seq",
        "status": "'active'",
        "created_at": made,
        "updated_at": made,
        "deleted": "0",
        "disk_format": "'qcow2'",
        "container_format": "'bare'",
        "checksum": "MD5(seq)",
        "owner": "MD5(seq % 1000)",
        "min_disk": "0",
        "min_ram": "0",
        "protected": "0",
        "visibility": "IF(seq % 10, 'private', 'public')",
        "is_public": "NOT seq % 10",
        "os_hidden": "0",
        "os_hash_algo": "'sha512'",
        "os_hash_value": "SHA2(seq, 512)",
    }
    values = {column: value for column, value in values.items() if column in columns}
    source = f"FROM seq_1_to_{images}"
    pairs = " UNION ALL ".join(f"SELECT '{name}' AS name, '{value}' AS value" for name, value in _pairs(properties))
    return [
        "SET unique_checks = 0, foreign_key_checks = 0;",
        f"INSERT INTO images ({', '.join(values)}) SELECT {', '.join(values.values())} {source};",
        "INSERT INTO image_locations (image_id, value, meta_data, status, created_at, deleted) "
        f"SELECT {image}, CONCAT('file:///var/lib/glance/images/', {image}), '{{}}', 'active', {made}, 0 {source};",
        "INSERT INTO image_properties (image_id, name, value, created_at, deleted) "
        f"SELECT {image}, pairs.name, pairs.value, {made}, 0 {source} STRAIGHT_JOIN ({pairs}) AS pairs;"
        if properties
        else "",
    ]


def _pairs(count: int) -> list[tuple[str, str]]:
    """Names and values as images have them."""
    usual = [
        ("architecture", "x86_64"),
        ("hw_disk_bus", "virtio"),
        ("hw_vif_model", "virtio"),
        ("os_distro", "debian"),
        ("os_version", "12"),
    ]
    return (usual + [(f"property_{number}", f"value {number}") for number in range(len(usual) + 1, count + 1)])[:count]


def _checked(name: str) -> str:
    if not re.fullmatch(r"\w*", name):
        raise LabError(f"{name!r} is no name for a database or a revision here.")
    return name
