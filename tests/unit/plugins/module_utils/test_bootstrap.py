# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a database still needs, and which databases are left alone. The scenario fills real ones."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _bootstrap
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

HEAD = "2024_1_contract01"
EMPTY: dict[str, Any] = {"engine": "mysql", "tables": 0, "revisions": [], "images": 0, "namespaces": 0, "refused": None}
FULL = {**EMPTY, "tables": 20, "revisions": [HEAD], "images": 3, "namespaces": 30}


def todo(found: dict[str, Any], **params: Any) -> list[str]:
    return _bootstrap._todo({"head": HEAD, "metadefs": True, "login": {}, **params}, found)


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (EMPTY, ["tables", "metadefs"]),
        (FULL, []),
        # A filling that was cut off.
        ({**EMPTY, "tables": 5, "revisions": ["pike_expand01"]}, ["tables", "metadefs"]),
        ({**FULL, "namespaces": 0}, ["metadefs"]),
    ],
)
def test_what_is_done(found: dict[str, Any], wanted: list[str]) -> None:
    assert todo(found) == wanted
    assert todo(found, metadefs=False) == [each for each in wanted if each != "metadefs"]


def test_an_account_is_made_where_an_administrator_is_named() -> None:
    refused = {**EMPTY, "refused": "(1045, \"Access denied for user 'glance'@'h'\")"}
    assert todo(refused, login={"user": "root"}) == ["account", "tables", "metadefs"]
    with pytest.raises(GlanceError, match="refuses Glance's account: .*Access denied.* or give login"):
        todo(refused)
    with pytest.raises(GlanceError, match="refuses"):
        todo({**refused, "engine": "postgresql"}, login={"user": "root"})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({**EMPTY, "tables": 7}, "7 tables and no revision of Glance's"),
        (
            {**FULL, "revisions": ["2023_1_contract01"]},
            "at 2023_1_contract01, and this release wants 2024_1_contract01.*flip",
        ),
    ],
)
def test_databases_that_are_left_alone(found: dict[str, Any], message: str) -> None:
    with pytest.raises(GlanceError, match=message):
        todo(found)
