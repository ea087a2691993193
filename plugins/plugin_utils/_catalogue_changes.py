# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What differs between two releases, in either direction, as the release catalogue knows them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import (
    ApiVersion,
    DataMigration,
    Option,
    PolicyDefaults,
    PolicyRule,
    Release,
    Server,
)

K = TypeVar("K")
T = TypeVar("T")
LIMITS = (
    *("type", "choices", "min", "max", "bounds", "ignore_case", "max_length", "quotes", "regex"),
    *("item_type", "item_choices", "item_min", "item_max", "item_quotes"),
)


@dataclass(frozen=True)
class Pair(Generic[T]):
    """One thing as it was at the release left and as it is at the one gone to."""

    old: T
    new: T


@dataclass(frozen=True)
class Moves(Generic[T]):
    """What only one of the two releases has."""

    added: tuple[T, ...]
    removed: tuple[T, ...]


@dataclass(frozen=True)
class OptionChanges:
    """``renamed`` options are in neither ``added`` nor ``removed``; ``deprecated`` are those that newly are."""

    added: tuple[Option, ...]
    removed: tuple[Option, ...]
    renamed: tuple[Pair[Option], ...]
    deprecated: tuple[Option, ...]
    defaults: tuple[Pair[Option], ...]
    limits: tuple[Pair[Option], ...]


@dataclass(frozen=True)
class ApiChanges:
    """Minor versions of the Images API, whatever their conditions; ``current`` when other ones are called CURRENT."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    current: Pair[tuple[str, ...]] | None


@dataclass(frozen=True)
class PolicyChanges:
    """``defaults`` are the rules whose check string, or the older one that still counts beside it, is another one."""

    added: tuple[PolicyRule, ...]
    removed: tuple[PolicyRule, ...]
    defaults: tuple[Pair[PolicyRule], ...]
    deprecated: tuple[PolicyRule, ...]


class DatabaseStep(NamedTuple):
    """A release on the way whose database differs from the one before; going back, this is what stays behind."""

    release: Release
    head: str
    schema: str | None
    migrations: tuple[DataMigration, ...]


@dataclass(frozen=True)
class Changes:
    """What differs between two releases; the database steps lie between them, whichever way one goes."""

    from_: Release
    to: Release
    options: OptionChanges
    policies: PolicyChanges
    api: ApiChanges
    databases: tuple[DatabaseStep, ...]
    import_methods: Moves[str]
    paste_flavors: Moves[str]
    python: Pair[str | None] | None
    server: Pair[Server | None] | None
    policy_defaults: Pair[PolicyDefaults | None] | None

    @property
    def forward(self) -> bool:
        return self.from_.major <= self.to.major

    @property
    def migrations(self) -> tuple[tuple[Release, DataMigration], ...]:
        """Every migration on the way that moves data, with its release."""
        return tuple((step.release, move) for step in self.databases for move in step.migrations)


def changes(project: str, from_: str | int | Release, to: str | int | Release) -> Changes:
    """What differs between two releases of a project; ``to`` may be the older one."""
    old, new = (each if isinstance(each, Release) else _catalogue.release(project, each) for each in (from_, to))
    return _changes(project, old, new)


@functools.lru_cache(maxsize=8)
def _changes(project: str, old: Release, new: Release) -> Changes:
    return Changes(
        old,
        new,
        _options(project, old, new),
        _policies(project, old, new),
        _api(old.api_versions, new.api_versions),
        _databases(project, *sorted((old.major, new.major))),
        _moves(old.import_methods, new.import_methods),
        _moves(old.paste_flavors, new.paste_flavors),
        _pair(old.python, new.python),
        _pair(old.server, new.server),
        _pair(old.policy_defaults, new.policy_defaults),
    )


def _options(project: str, old: Release, new: Release) -> OptionChanges:
    before = {(each.group, each.name): each for each in _catalogue.options(project, old)}
    after = {(each.group, each.name): each for each in _catalogue.options(project, new)}
    added, removed, both = _split(before, after)
    renamed = [Pair(one, other) for one in removed for other in added if _same_by_another_name(one, other)]
    gone = {id(pair.old) for pair in renamed} | {id(pair.new) for pair in renamed}
    return OptionChanges(
        added=tuple(each for each in added if id(each) not in gone),
        removed=tuple(each for each in removed if id(each) not in gone),
        renamed=tuple(renamed),
        deprecated=tuple(pair.new for pair in both if pair.new.deprecated and not pair.old.deprecated),
        defaults=tuple(pair for pair in (*both, *renamed) if _default(pair.old) != _default(pair.new)),
        limits=tuple(pair for pair in (*both, *renamed) if _limits(pair.old) != _limits(pair.new)),
    )


def _same_by_another_name(one: Option, other: Option) -> bool:
    """Whether one of the two answers to the other's name: the newer one does, so that both directions agree."""
    return f"{one.group}/{one.name}" in other.deprecated_names or f"{other.group}/{other.name}" in one.deprecated_names


def _default(option: Option) -> object:
    return option.default, option.default_source


def _limits(option: Option) -> tuple[object, ...]:
    return tuple(getattr(option, name) for name in LIMITS)


def _policies(project: str, old: Release, new: Release) -> PolicyChanges:
    before = {rule.name: rule for rule in _catalogue.policies(project, old)}
    after = {rule.name: rule for rule in _catalogue.policies(project, new)}
    added, removed, both = _split(before, after)
    return PolicyChanges(
        added,
        removed,
        defaults=tuple(pair for pair in both if _checks(pair.old) != _checks(pair.new)),
        deprecated=tuple(
            pair.new for pair in both if pair.new.deprecated_for_removal and not pair.old.deprecated_for_removal
        ),
    )


def _api(old: tuple[ApiVersion, ...], new: tuple[ApiVersion, ...]) -> ApiChanges:
    versions = [tuple(dict.fromkeys(each.version for each in rows)) for rows in (old, new)]
    current = [tuple(dict.fromkeys(each.version for each in rows if each.status == "CURRENT")) for rows in (old, new)]
    moves = _moves(*versions)
    return ApiChanges(moves.added, moves.removed, _pair(*current))


def _checks(rule: PolicyRule) -> tuple[object, ...]:
    return rule.check_str, rule.deprecated_rule and rule.deprecated_rule.check_str, rule.scope_types


def _databases(project: str, first: int, last: int) -> tuple[DatabaseStep, ...]:
    known = _catalogue.releases(project)
    return tuple(
        DatabaseStep(each, each.database.head, each.database.schema, each.database.migrations)
        for before, each in zip(known, known[1:], strict=False)
        if first < each.major <= last
        and each.database
        and (before.database is None or each.database.head != before.database.head or each.database.migrations)
    )


def _split(before: Mapping[K, T], after: Mapping[K, T]) -> tuple[tuple[T, ...], tuple[T, ...], list[Pair[T]]]:
    """What only the one has, what only the other has, and what both have."""
    added = tuple(each for key, each in after.items() if key not in before)
    removed = tuple(each for key, each in before.items() if key not in after)
    return added, removed, [Pair(each, after[key]) for key, each in before.items() if key in after]


def _moves(old: tuple[T, ...], new: tuple[T, ...]) -> Moves[T]:
    return Moves(tuple(each for each in new if each not in old), tuple(each for each in old if each not in new))


def _pair(old: T, new: T) -> Pair[T] | None:
    return Pair(old, new) if old != new else None
