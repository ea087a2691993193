# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a Glance service keeps the files by which a transfer that needs no connection of a client's can be seen.

Imports, copy-image included, go through a staging directory (glance/async_/flows/), and what is written into a file store is
written below its directories (glance_store/_drivers/filesystem.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import STORES, View

RESERVED = ("os_glance_staging_store", "os_glance_tasks_store")
#: Stores that nothing is written to.
READ_ONLY = "http"


@dataclass(frozen=True)
class Places:
    """Directories of staging and of file stores, and the types of the stores that keep images elsewhere."""

    staging: list[str]
    stores: list[str]
    elsewhere: list[str]


def places(service: dict[str, Any], release: Release) -> Places:
    """What the configuration of a glance-api says, defaults included."""
    view = View(service, release)
    staging = [urlsplit(str(view.effective("DEFAULT", "node_staging_uri") or "")).path]
    staging.append(str(view.effective("task", "work_dir") or ""))
    for group in RESERVED:
        staging += _directories(view, group)
    sections = view.backends or {"glance_store": "file" if "filesystem" in view.drivers else ""}
    stores = [
        path
        for group, kind in sections.items()
        if STORES.get(kind) == "filesystem"
        for path in _directories(view, group)
    ]
    return Places(_unique(staging), _unique(stores), sorted(view.drivers - {"filesystem", READ_ONLY}))


def _directories(view: View, group: str) -> list[str]:
    # DIRECTORY:PRIORITY, of which the last part may be left out.
    several = [each.partition(":")[0].strip() for each in view.effective(group, "filesystem_store_datadirs") or []]
    return [*several, str(view.effective(group, "filesystem_store_datadir") or "")]


def _unique(paths: list[str]) -> list[str]:
    return sorted({path for path in paths if path.startswith("/")})
