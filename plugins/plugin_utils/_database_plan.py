# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a database needs for a release of Glance, by its revisions: pure functions of them and the release catalogue.

Glance's revisions are named by the series that brought them: ``wallaby_expand01``, ``wallaby_contract01``. Up to 15 there is
one name for both (``pike01``), up to 13 there are numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import DataMigration, Release

#: Series of revisions from before the oldest release of the catalogue, which glance-manage makes out of numbers on its way.
_OLDER = ("liberty", "mitaka")
#: Bytes that the server rewrites in a second where a table has to be copied; a slow disk's, so that nobody is surprised.
COPIED_PER_SECOND = 20e6
#: Seconds that each of the commands of glance-manage takes, most of which is its start.
COMMAND = 5


class Position(NamedTuple):
    """How far a database is: the release whose contract step it is through, and the one whose expand step it is through."""

    contracted: Release
    expanded: Release


def position(heads: Iterable[str]) -> Position:
    """Where these revisions are. Raises GlanceError for one that the catalogue does not know."""
    at: dict[str, Release] = {}
    for head in heads:
        for kind, found in _revision(head):
            if kind not in at or found.major > at[kind].major:
                at[kind] = found
    if "contract" not in at:
        raise GlanceError(
            f"The database is at {', '.join(heads) or 'no revision'}, so it holds no schema of Glance that a release could be "
            "changed with."
        )
    expanded = at.get("expand", at["contract"])
    return Position(at["contract"], max(expanded, at["contract"], key=lambda release: release.major))


def _revision(head: str) -> list[tuple[str, Release]]:
    known = _catalogue.releases("glance")
    if head.isdigit():
        return [("contract", known[0])]
    named = re.fullmatch(r"([a-z]+|\d{4}_\d)(?:_(expand|contract))?\d+", head)
    series = named[1].replace("_", ".") if named else ""
    found = known[0] if series in _OLDER else next((each for each in known if each.series == series), None)
    if named is None or found is None:
        raise GlanceError(
            f"{head} is no revision of Glance's database that the catalogue knows. Is it the database of a newer release, or "
            "of another program?"
        )
    return [(named[2], found)] if named[2] else [("expand", found), ("contract", found)]


def schema_of(release: Release) -> Release:
    """The release that brought the newest revision of this one's database: 32 goes on with the schema of 28."""
    return position([head(release)]).contracted


def head(release: Release) -> str:
    """The revision at which this release's `glance-manage db sync` ends."""
    if release.database is None:
        raise GlanceError(f"Nothing is known of the database of {release}.")
    return release.database.head


def commands(at: Position, release: Release, counted: Mapping[str, int | None]) -> list[str]:
    """The commands of glance-manage that bring the database on for an online hop, and end before its contract step.

    ``counted`` are the numbers of rows of a look: an expanded database that has nothing to move needs none.
    """
    schema = schema_of(release)
    if at.contracted.major >= schema.major:
        return []
    if at.expanded.major < schema.major:
        return ["expand", "migrate"]
    own = schema.database.migrations if schema.database else ()
    return ["migrate"] if any(counted.get(f"{schema.major}-{number}") for number in range(len(own))) else []


def to_contract(at: Position, release: Release) -> bool:
    """Whether the contract step of this release is still to come, and its expand step is done."""
    wanted = schema_of(release).major
    return at.contracted.major < wanted <= at.expanded.major


def chain(at: Release, target: Release) -> list[Release]:
    """The releases whose glance-manage has to be run, one after the other; one alone where the target takes the database."""
    found: list[Release] = []
    while not _takes(target, at):
        known = [each for each in _catalogue.releases("glance") if at.major < each.major < target.major]
        between = [each for each in known if _takes(each, at)]
        if not between:
            raise GlanceError(f"No release known leads from a database of {at} to {target}.")
        # The newest release that can is the shortest way.
        found.append(between[-1])
        at = between[-1]
    return [*found, target]


def _takes(release: Release, at: Release) -> bool:
    takes = release.database.takes if release.database else None
    return takes is None or at.major >= takes.since


def moves(target: Release) -> dict[str, DataMigration]:
    """The data migrations up to a release that its own glance-manage leaves out, by release and number.

    Those of its own series are its own matter. An earlier jump may have left out any of the others.
    """
    own = schema_of(target).series
    return {
        f"{release.major}-{number}": move
        for release in _catalogue.releases("glance")
        if release.major <= target.major and release.database
        for number, move in enumerate(release.database.migrations)
        if move.run and release.series != own
    }


def left_out(release: Release, counted: Mapping[str, int | None] | None = None) -> list[dict[str, Any]]:
    """The data migrations that this release's glance-manage leaves out, as a host takes them.

    With the numbers of rows of a look, those alone that have something to move.
    """
    return [
        {"name": name, "left": move.left, "run": list(move.run)}
        for name, move in moves(release).items()
        if counted is None or counted.get(name)
    ]


def after(verb: str, heads: list[str], release: Release) -> list[str]:
    """Where the database is after a command of this release's glance-manage, as far as that is known beforehand."""
    at = position(heads)
    if at.contracted.major >= schema_of(release).major or verb == "migrate":
        return heads
    if verb == "expand":
        older = [each for each in heads if "_expand" not in each]
        return (
            heads
            if at.expanded.major >= schema_of(release).major
            else sorted([*older, head(release).replace("contract", "expand")])
        )
    return [head(release)]


def counts() -> dict[str, str]:
    """The queries that a look at the database answers: what each data migration has left, there and on the way back."""
    found = {}
    for release in _catalogue.releases("glance"):
        for number, move in enumerate(release.database.migrations if release.database else ()):
            if move.left:
                found[f"{release.major}-{number}"] = move.left
            if move.back:
                found[f"{release.major}-{number}-back"] = move.back.left
    return found


class Verdict(NamedTuple):
    """Whether the code of a release runs on a database: what it cannot do without, and what it would misread."""

    broken: list[str]
    misread: list[str]
    beyond: list[str]

    @property
    def runs(self) -> bool:
        return not self.broken


def verdict(old: Release, at: Position, counted: Mapping[str, int | None]) -> Verdict:
    """Whether the code of ``old`` runs on the database as it is now; ``counted`` are the numbers of rows of a look.

    What an expand step adds, older code does without: that is what makes hops online. What a contract step takes away
    may break it, and data that was moved may be found no more.
    """
    broken, misread, beyond = [], [], []
    for release in _catalogue.releases("glance"):
        if release.major <= old.major or release.major > at.expanded.major or release.database is None:
            continue
        contract = release.database.contract
        if contract and contract.breaks >= old.major and release.major <= at.contracted.major:
            broken.append(f"{contract.text} ({contract.source})")
        if release.database.schema and release.major > old.major:
            beyond.append(f"{release}: {release.database.schema}")
    for release in _catalogue.releases("glance"):
        for number, move in enumerate(release.database.migrations if release.database else ()):
            left = counted.get(f"{release.major}-{number}-back")
            if move.back and left and move.back.releases[0] <= old.major <= move.back.releases[1]:
                misread.append(f"{move.back.text} {left} rows are so. To put them back: {'; '.join(move.back.run)}")
    return Verdict(broken, misread, beyond)


def seconds(at: Release, target: Release, size: int | None) -> int:
    """How long the database of this size (bytes) may take: every schema change may copy every table once."""
    changing = [
        each
        for each in _catalogue.releases("glance")
        if at.major < each.major <= target.major and each.database and each.database.schema
    ]
    return round(2 * COMMAND + len(changing) * (size or 0) / COPIED_PER_SECOND)
