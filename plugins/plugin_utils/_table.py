# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plain tables for a terminal and for AWX's output."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

#: Characters that a terminal obeys, among them those that turn the direction of what follows.
_OBEYED = ("Cc", "Cf", "Cs", "Zl", "Zp")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Lines of a table, its columns as wide as they need to be."""
    cells = [["-" if cell is None else shown(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def shown(text: object) -> str:
    """Text from a host's file, in which control characters are to be seen and not obeyed."""
    return "".join(repr(char)[1:-1] if unicodedata.category(char) in _OBEYED else char for char in str(text))
