# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Databases beside the lab's own, in infra's MariaDB: any release's schema, filled as large as a test needs it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from . import images, releases
from .common import LabError, docker, run, say, state_dir
from .hosts import INFRA, NETWORK

OWN = ("keystone", "glance")
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
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


def drop_others() -> None:
    """All that the lab does not have in its starting state."""
    drop(*(name for name in execute("SHOW DATABASES").split() if name not in (*OWN, *_SYSTEM)))


def _checked(name: str) -> str:
    if not re.fullmatch(r"\w*", name):
        raise LabError(f"{name!r} is no name for a database or a revision here.")
    return name
