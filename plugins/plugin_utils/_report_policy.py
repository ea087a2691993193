# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who may do what, as a report shows it: a heat map of rules by personas, and what changes in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils._words import Names, alike, count, names

#: Changes that are told one by one; the rest is in the JSON.
MOST = 60
#: As many changed rules are drawn together, and more under what they are about.
TOGETHER = 20
#: Rules by what they are about: the first whose word is in the name of a rule.
FAMILIES = {
    "metadef": "Metadata definitions",
    "cache": "The cache",
    "queued": "The cache",
    "location": "Locations",
    "member": "Members of images",
    "task": "Tasks",
    "": "Images",
}
#: The order on the page.
ORDER = ("Images", "Locations", "Members of images", "Metadata definitions", "The cache", "Tasks")


@dataclass(frozen=True)
class Cell:
    """What somebody may do by a rule: on how many targets (``level`` in fifths), and how many that gains and loses."""

    text: str
    level: int
    gained: int
    lost: int
    title: str

    @property
    def changed(self) -> bool:
        return bool(self.gained or self.lost)


@dataclass(frozen=True)
class Row:
    rule: str
    cells: list[Cell]
    #: Where only one of two releases has the rule.
    note: str = ""

    @property
    def changed(self) -> bool:
        return any(cell.changed for cell in self.cells)


@dataclass(frozen=True)
class Family:
    title: str
    rows: list[Row]

    @property
    def changed(self) -> int:
        return sum(row.changed for row in self.rows)


@dataclass(frozen=True)
class Told:
    """Decisions that change alike."""

    rule: str
    gained: bool
    who: str
    on: str
    before: str
    after: str
    excuse: str
    open: bool


@dataclass(frozen=True)
class Heat:
    """One policy, or one held against another."""

    title: str
    file: str
    hosts: Names
    personas: list[str]
    targets: list[str]
    families: list[Family]
    changed: list[Row]
    told: list[Told]
    more: int
    gained: int
    lost: int
    undeclared: int
    upstream: list[dict[str, Any]]
    decisions: int

    @property
    def together(self) -> list[Row]:
        return self.changed if len(self.changed) <= TOGETHER else []

    @property
    def open(self) -> list[str]:
        """The family that is unfolded: what changes first, or what comes first."""
        changed = [family.title for family in self.families if family.changed]
        return [] if self.together else (changed or [family.title for family in self.families])[:1]


def heats(data: Iterable[dict[str, Any]]) -> list[Heat]:
    return [_heat(each) for each in data]


def _heat(data: dict[str, Any]) -> Heat:
    personas = [each["name"] for each in data["personas"]]
    targets = data["targets"]
    rows = [_row(rule, targets) for rule in data["rules"]]
    by_family = alike(rows, lambda row: _family(row.rule))
    told = sorted((_told(each) for each in data["changes"]), key=lambda each: (not each.open, each.rule))
    cells = [cell for row in rows for cell in row.cells]
    same = data["release_before"] == data["release_after"]
    return Heat(
        title=data["release_before"] if same else f"{data['release_before']} to {data['release_after']}",
        file=data["file"],
        hosts=names(data["hosts"]),
        personas=personas,
        targets=targets,
        families=[Family(title, by_family[title]) for title in ORDER if title in by_family],
        changed=[row for row in rows if row.changed],
        told=told[:MOST],
        more=max(0, len(told) - MOST),
        gained=sum(cell.gained for cell in cells),
        lost=sum(cell.lost for cell in cells),
        undeclared=data["undeclared"],
        upstream=[each for each in data["upstream"] if each["decisions"]],
        decisions=len(cells) * len(targets),
    )


def _family(rule: str) -> str:
    return next(title for word, title in FAMILIES.items() if word in rule)


def _row(rule: dict[str, Any], targets: list[str]) -> Row:
    before, after = rule["before"], rule["after"]
    note = "new" if before is None else "goes" if after is None else ""
    # What only one release has is shown as it is there, and is nobody's gain or loss.
    pairs = zip(before or after, after or before, strict=True)
    return Row(rule["name"], [_cell(old, new, targets) for old, new in pairs], note)


def _cell(before: str, after: str, targets: list[str]) -> Cell:
    gained = [name for old, new, name in zip(before, after, targets, strict=True) if new == "+" and old != "+"]
    lost = [name for old, new, name in zip(before, after, targets, strict=True) if old == "+" and new != "+"]
    allowed = [name for letter, name in zip(after, targets, strict=True) if letter == "+"]
    text = "all" if len(allowed) == len(targets) else str(len(allowed)) if allowed else "?" if "?" in after else "·"
    title = "allowed on " + (", ".join(allowed) if 0 < len(allowed) < len(targets) else "all" if allowed else "none")
    for word, which in (("gains", gained), ("loses", lost)):
        title += f"; {word} {', '.join(which)}" if which else ""
    level = 0 if not allowed else max(1, round(4 * len(allowed) / len(targets)))
    return Cell(text, level, len(gained), len(lost), title)


def _told(change: dict[str, Any]) -> Told:
    excuse = change["excused"]
    if excuse is None:
        excuse = f"{change['upstream']}, not accepted" if change["upstream"] else "undeclared"
    before, after = (f"{change[side]['by']} ({change[side]['place']})" for side in ("before", "after"))
    return Told(
        rule=change["rule"],
        gained=change["verb"] == "gains",
        who=", ".join(change["personas"]),
        on=", ".join(change["targets"]),
        before=before,
        after=after,
        excuse=excuse,
        open=change["excused"] is None,
    )


def sentence(heat: Heat) -> str:
    """What changes, in words."""
    if not heat.changed:
        return f"{count(heat.decisions, 'decision')}, none of which changes."
    text = f"Of {count(heat.decisions, 'decision')}, {heat.gained:,} are gained and {heat.lost:,} lost"
    return text + (f", {heat.undeclared:,} of them undeclared." if heat.undeclared else ", all declared or accepted.")
