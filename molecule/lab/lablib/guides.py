# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""What the documents show: their listings, and the commands in them.

A listing of commands that begins with ```` ```console lab ```` is run on the lab as it stands, by the scenario guides.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from .common import REPOSITORY

DOCUMENTS = (
    REPOSITORY / "README.md",
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted(REPOSITORY.glob("roles/*/README.md")),
)
#: What the first words of a listing of commands may be: those that are read, and those that are run as well.
SHOWN, RUN = "console(?: lab)?", "console lab"


def listings(document: Path, language: str) -> list[str]:
    """The listings of a language; indented ones without what they are indented by."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", document.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"(?m)^{indent}", "", text) for indent, text in found]


def commands(document: Path, language: str = SHOWN) -> list[list[str]]:
    """The words of each command that a document shows."""
    return [words for text in listings(document, language) for words in words_of(text)]


def words_of(listing: str) -> list[list[str]]:
    lines = listing.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line.removeprefix("$ "), comments=True))]


def example(document: Path, name: str) -> str:
    """A file that a document shows: the listing whose first line is a comment with its name."""
    (found,) = (text for text in listings(document, "yaml") if text.startswith(f"# {name}\n"))
    return found
