# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paste files as PasteDeploy reads them, with the place of each section and option.

``paste`` is what a survey brings of a service (see ``glance_host_info``): the file's text and the flavor that is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

Paste = dict[str, Any]


@dataclass
class Section:
    """One section, ``[kind:name]``, with its options and the line of each."""

    kind: str
    name: str
    line: int
    options: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)


def sections(paste: Paste) -> list[Section]:
    """The sections in the order of the file. Raises GlanceError, with file and line, for what PasteDeploy refuses."""
    if paste.get("error"):
        raise GlanceError(paste["error"])
    file = paste["file"]
    found: list[Section] = []
    option: str | None = None
    for number, line in enumerate(paste["text"].splitlines(), 1):
        if not line.strip() or line[0] in "#;" or line.lstrip()[0] in "#;":
            continue
        if line[0] in " \t" and option is not None:
            found[-1].options[option] += "\n" + line.strip()
            continue
        option = None
        if header := re.match(r"\[([^]]+)\]", line.strip()):
            kind, _colon, name = header[1].partition(":")
            found.append(Section(kind.strip(), name.strip() or "main", number))
            continue
        match = re.match(r"\s*([^:=]+?)\s*[:=]\s*(.*?)\s*$", line)
        if not match or not found:
            wanted = "a section must come first" if match else "an option is written NAME = VALUE"
            raise GlanceError(f"{file}:{number}: PasteDeploy refuses this line, and Glance does not start: {wanted}.")
        option = match[1]
        found[-1].options[option] = match[2]
        found[-1].lines.setdefault(option, number)
    return found


def drain_file(paste: Paste | None) -> str | None:
    """The file that makes the health check of this paste file fail while it is there, where there is one."""
    if paste is None:
        return None
    try:
        return next(
            (
                section.options.get("disable_by_file_path")
                for section in sections(paste)
                if "disable_by_file" in section.options.get("backends", "")
            ),
            None,
        )
    except GlanceError:
        return None  # what is wrong with the file is a finding of its own
