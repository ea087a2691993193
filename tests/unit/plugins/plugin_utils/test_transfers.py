# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a transfer can be seen: staging directories and file stores, as each release has them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _transfers


def places(release: str, *lines: str) -> _transfers.Places:
    values = []
    for number, line in enumerate(lines, 2):
        place, _equals, raw = line.partition("=")
        group, _slash, option = place.strip().partition("/")
        values.append({"group": group, "option": option, "raw": raw.strip(), "file": "/etc/g.conf", "line": number})
    service: dict[str, Any] = {
        "project": "glance", "prog": "glance-api", "units": [], "assignments": values, "environment": {},
        "oslo_config": None, "paste": None, "policy": None,
    }  # fmt: skip
    return _transfers.places(service, _catalogue.release("glance", release))


@pytest.mark.parametrize(
    ("release", "lines", "staging", "stores", "elsewhere"),
    [
        ("15.0.2", (), ["/tmp/staging/"], ["/var/lib/glance/images"], []),
        (
            "15.0.2",
            (
                "glance_store/stores = file,http,swift",
                "glance_store/filesystem_store_datadirs = /a:200",
                "glance_store/filesystem_store_datadirs = /b",
                "task/work_dir = /work",
                "DEFAULT/node_staging_uri = file:///stage",
            ),
            ["/stage", "/work"],
            ["/a", "/b", "/var/lib/glance/images"],
            ["swift"],
        ),
        ("15.0.2", ("glance_store/stores = rbd",), ["/tmp/staging/"], [], ["rbd"]),
        (
            "25.1.0",
            (
                "DEFAULT/enabled_backends = fast:file, ceph:rbd",
                "fast/filesystem_store_datadir = /fast",
                "os_glance_tasks_store/filesystem_store_datadir = /tasks",
                "glance_store/filesystem_store_datadir = /unread",
            ),
            ["/tasks", "/tmp/staging/", "/var/lib/glance/os_glance_staging_store"],
            ["/fast"],
            ["rbd"],
        ),
    ],
)
def test_places(
    release: str, lines: tuple[str, ...], staging: list[str], stores: list[str], elsewhere: list[str]
) -> None:
    assert places(release, *lines) == _transfers.Places(staging, stores, elsewhere)
