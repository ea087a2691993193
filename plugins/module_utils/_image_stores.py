# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The stores that a Glance tells its users of (``/v2/info/stores``, 2.8), and which of them are meant."""

from __future__ import annotations

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._images import Images


def stores(images: Images) -> dict[str, bool]:
    """The stores by their ids, and whether each can be written. Raises GlanceError where there is a single store."""
    answer = images.call("GET", "/v2/info/stores", 200, 404)
    if answer.status_code == 404:
        raise GlanceError(
            f"The Glance at {images.root} has a single store and none that could be named: enabled_backends is not set in "
            "its configuration, or it is older than Ussuri. Give it several stores first."
        )
    return {store["id"]: str(store.get("read-only", "")).lower() != "true" for store in answer.json()["stores"]}


def chosen(images: Images, wanted: list[str] | None) -> list[str]:
    """The wanted stores, or all that can be written where none are named. Raises GlanceError for one that cannot be."""
    known = stores(images)
    writable = [store for store, yes in known.items() if yes]
    for store in wanted or ():
        if store not in writable:
            why = "is read-only" if store in known else "does not exist"
            raise GlanceError(
                f"stores names {store!r}, which {why} at {images.root}; the stores that can be written there are "
                f"{', '.join(writable) or 'none'}."
            )
    return list(dict.fromkeys(wanted or writable))


def data_dirs(images: Images) -> dict[str, str]:
    """Where file stores keep their images, by store; nothing before 2.15, or for who may not see it."""
    answer = images.ask("GET", "/v2/info/stores/detail")
    found = answer.json()["stores"] if answer.status_code == 200 else []
    folders = {store["id"]: (store.get("properties") or {}).get("data_dir") for store in found}
    return {store: folder for store, folder in folders.items() if isinstance(folder, str)}
