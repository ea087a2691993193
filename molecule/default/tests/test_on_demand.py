# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Later releases of Glance join the lab and leave it, and databases of any release and size beside its own."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from lablib import databases, fleet, releases, trial
from lablib.common import run
from lablib.hosts import ON_DEMAND

# Scenarios of `make test` live on these hosts; here they are looked at for themselves.
pytestmark = trial.thorough

HOSTS = {host.name: releases.OF_IMAGE[host.image] for host in ON_DEMAND}


@pytest.fixture(autouse=True, scope="module")
def joined() -> Iterator[None]:
    with trial.joined(*HOSTS):
        yield
    assert {host.name for host in fleet.present()}.isdisjoint(HOSTS)


@pytest.mark.parametrize("host", HOSTS)
def test_an_image_is_copied_to_the_second_store(host: str) -> None:
    path = f"/v2/images/{trial.uploaded(host, 'small', b'data' * 100)}"
    body = json.dumps({"method": {"name": "copy-image"}, "stores": ["slow"]}).encode()
    assert trial.ask(host, f"{path}/import", "POST", body, Content_Type="application/json")[0] == 202
    trial.wait_for(lambda: trial.ask(host, path)[1]["stores"] == "fast,slow")
    assert trial.sh(host, "cd /var/lib/glance && cmp fast/* slow/* && ls fast").split() == [path.rpartition("/")[2]]
    assert len(trial.rows("SELECT id FROM images WHERE status = 'active'", host)) == 1


def test_the_single_store_on_request() -> None:
    trial.single_store("glance20")
    path = f"/v2/images/{trial.uploaded('glance20', 'small', b'data' * 100)}"
    assert "stores" not in trial.ask("glance20", path)[1]
    assert trial.sh("glance20", "ls /var/lib/glance/images").split() == [path.rpartition("/")[2]]


def test_reset_knows_who_joined() -> None:
    fleet.reset()
    for host in HOSTS:
        status, answer = trial.ask(host, "/v2/images")
        assert (status, answer["images"]) == (200, [])
        assert trial.sh(host, "cd /var/lib/glance && find fast slow images staging -type f") == ""
    assert trial.ask("glance20", "/v2/info/stores")[1]["stores"][0]["id"] == "fast"


@pytest.mark.parametrize("release", releases.RELEASES.values(), ids=lambda release: release.version)
def test_a_command_runs_with_the_python_of_a_release(release: releases.Release) -> None:
    script = "import glance.version as v, sys; sys.stdout.write(v.version_info.release_string())"
    said = run(*releases.command(release, [], ["python", "-"]), stdin=script)
    assert release.version in (said, said.removesuffix(".0"))


@pytest.mark.parametrize(("version", "revision"), [("15.0.2", "mitaka02"), ("15.0.2", ""), ("33.0.0", "")])
def test_a_filled_database_of_any_release(version: str, revision: str) -> None:
    databases.create("lab_filled", version, revision)
    try:
        databases.fill("lab_filled", images=300, properties=6)
        columns = {row["Field"] for row in databases.rows("DESCRIBE images", "lab_filled")}
        assert ("is_public" in columns, "visibility" in columns) == (bool(revision), not revision)
        public = "is_public" if revision else "visibility = 'public'"
        (count,) = databases.rows(
            f"SELECT COUNT(*) AS images, SUM({public}) AS public, MAX(id) AS last, "
            "(SELECT COUNT(*) FROM image_properties) AS properties FROM images",
            "lab_filled",
        )
        assert count == {"images": "300", "public": "30", "last": databases.image_id(300), "properties": "1800"}
    finally:
        databases.drop("lab_filled")
