# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paste files: sections with their lines, what is refused, and the file that drains a host."""

from __future__ import annotations

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _paste


def paste(text, error=None):
    return {"file": "/etc/glance/paste.ini", "text": text, "flavor": None, "error": error}


def test_sections_with_their_lines() -> None:
    found = _paste.sections(
        paste("# a comment\n[pipeline:glance-api]\npipeline = cors\n  rootapp\n\n[DEFAULT]\nx:y\n; z\n[ app : a ]\n")
    )
    assert [(each.kind, each.name, each.line) for each in found] == [
        ("pipeline", "glance-api", 2), ("DEFAULT", "main", 6), ("app", "a", 9),
    ]  # fmt: skip
    assert found[0].options == {"pipeline": "cors\nrootapp"} and found[0].lines == {"pipeline": 3}
    assert found[1].options == {"x": "y"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("a = b", "paste.ini:1: "), ("[app:x]\n\nrubbish\n", "paste.ini:3: "), ("\x00\n", "paste.ini:1: ")],
)
def test_what_pastedeploy_refuses(text, said) -> None:
    with pytest.raises(GlanceError, match="PasteDeploy refuses this line") as caught:
        _paste.sections(paste(text))
    assert said in caught.value.message


def test_the_file_that_drains() -> None:
    text = (
        "[filter:other]\ndisable_by_file_path = /wrong\n[filter:healthcheck]\npaste.filter_factory = x:y\n"
        "backends = disable_by_file\ndisable_by_file_path = /etc/glance/healthcheck_disable\n"
    )
    assert _paste.drain_file(paste(text)) == "/etc/glance/healthcheck_disable"
    assert _paste.drain_file(paste("[filter:a]\nb = c")) is None
    assert _paste.drain_file(paste("rubbish")) is _paste.drain_file(paste(None, "no UTF-8")) is None
    assert _paste.drain_file(None) is None
