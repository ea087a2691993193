# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Numbers, times and names as people read them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Key = TypeVar("Key", bound=Hashable)


def count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(value: float) -> str:
    """A length of time as one reads it: 40 ms, 3.2 s, 44 s, 2 min 05 s, 1 h 02 min."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def moment(iso: str | None) -> str:
    """2026-11-21T09:56:09Z as 2026-11-21 09:56:09 UTC; anything else as it is."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(?:Z|\+00:?00)", iso or "")
    return f"{found[1]} {found[2]} UTC" if found else iso or "?"


def size(number: int) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:,.0f} {unit}" if number == int(number) else f"{number:,.1f} {unit}"
        number /= 1024  # type: ignore[assignment]
    raise AssertionError


@dataclass(frozen=True)
class Names:
    """Names of hosts, runs of numbers drawn together: cmp001–120."""

    shown: str
    all: tuple[str, ...]

    @property
    def total(self) -> int:
        return len(self.all)

    @property
    def folded(self) -> bool:
        """Whether ``shown`` does not name each."""
        return any(name not in self.shown for name in self.all)


# The last number of a name's first part.
_NUMBERED = re.compile(r"([^.]*?)(\d{1,18})([^.\d]*(?:\..*)?)", re.DOTALL)


def names(hosts: Iterable[str], most: int = 6) -> Names:
    found = tuple(dict.fromkeys(hosts))
    if len(found) <= most:
        return Names(", ".join(found), found)
    runs: list[list[str]] = []
    for host in sorted(found, key=_natural):
        if runs and host == _next(runs[-1][-1]):
            runs[-1].append(host)
        else:
            runs.append([host])
    texts = [run[0] if len(run) == 1 else _run(run[0], run[-1]) for run in runs]
    if len(texts) > most:
        shown = sum(map(len, runs[: most - 1]))
        texts = [*texts[: most - 1], f"and {len(found) - shown:,} more"]
    return Names(", ".join(texts), found)


def _next(name: str) -> str | None:
    split = _NUMBERED.fullmatch(name)
    return f"{split[1]}{int(split[2]) + 1:0{len(split[2])}}{split[3]}" if split else None


def _run(first: str, last: str) -> str:
    """cmp001.example and cmp120.example as cmp001–120.example."""
    begin, end = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    return f"{begin[1]}{begin[2]}–{end[2]}{begin[3]}" if begin and end else f"{first}–{last}"


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d{1,18})", name)]


def alike(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by what is the same about them, in the order of the first of each."""
    found: dict[Key, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def share(value: float, whole: float) -> float:
    """Per cent, for a length on the page."""
    return round(100 * value / whole, 2) if whole else 0.0
