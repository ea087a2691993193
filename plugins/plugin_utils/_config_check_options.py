# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong, or will be, with single options of a configuration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _catalogue_changes
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Option, Release
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import STORES, Place, View, older_names
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding

#: Groups of nova.conf that a survey brings whole; the catalogue knows [glance] alone.
NOVA_GROUPS = ("glance",)


def check(view: View) -> Iterator[Finding]:
    """Findings on every option that somebody sets, and on every default that changes for one that nobody sets."""
    unjudged: dict[str, list[str]] = {}
    for group, name in view.told:
        if view.project == "nova" and group not in NOVA_GROUPS:
            continue
        yield from _set(view, group, name, unjudged)
    for group, names in sorted(unjudged.items()):
        yield _store_unused(view, group, names) or _not_judged(view, group, names)
    if view.target is not None:
        yield from _defaults(view, view.target)


# -- options that are set ---------------------------------------------------------------------------------------------


def _set(view: View, group: str, name: str, unjudged: dict[str, list[str]]) -> Iterator[Finding]:
    option = view.option(group, name)
    if option is not None:
        yield from _known(view, group, name, option, unjudged)
    elif renamed := _alias(view, group, name):
        yield from _known_by_old_name(view, group, name, renamed)
    elif found := _gone(view, group, name) or _not_yet(view, group, name):
        yield found
    elif view.judged(group):
        yield _unknown(view, group, name)
    else:
        unjudged.setdefault(group, []).append(name)


def _alias(view: View, group: str, name: str) -> Option | None:
    return None if "-" in name else view.renamed(group, name)


def _known(view: View, group: str, name: str, option: Option, unjudged: dict[str, list[str]]) -> Iterator[Finding]:
    refused = _refused(view, group, name, option)
    if refused is not None:
        if re.search(r"refers to an option that is not known|there is no group", refused.message) and not view.judged(
            "DEFAULT"
        ):
            unjudged.setdefault(group, []).append(name)
        else:
            yield refused
    if view.target is not None and view.option(group, name, view.current) is None and not _alias_at(view, group, name):
        if _catalogue.lives(view.project, group, name) or view.judged(group, view.current):
            yield _finding(
                view,
                "option_takes_effect",
                "warning",
                group,
                name,
                f"{_label(group, name)} is set, {view.current} does not know it, and {view.release} will obey it.",
                "Make sure that the value is meant for the new release; take the line out otherwise.",
                option,
            )
    if option.deprecated:
        yield _finding(
            view,
            "option_deprecated",
            "note",
            group,
            name,
            f"{_label(group, name)} still works in {view.release}, but is deprecated"
            + (f" since {option.deprecated_since}." if option.deprecated_since else "."),
            _successor(view, group, name) or "Plan to do without it; a later release removes it.",
            option,
        )


def _alias_at(view: View, group: str, name: str) -> bool:
    return view.renamed(group, name, view.current) is not None


def _refused(view: View, group: str, name: str, option: Option) -> Finding | None:
    """The error that oslo.config raises for the value, where the whole value is known here."""
    answer = view.answer(group, name)
    if answer is None or answer["status"] != "refused" or view.masked(group, name):
        return None
    origin, reason = answer["origin"] or "", re.sub(r"\s+", " ", str(answer["reason"])).rstrip(".")
    reason = reason.removeprefix(f"{origin}: ")
    read_by = set(option.programs)
    foreign = view.project == "glance" and read_by and view.program not in read_by
    return _finding(
        view,
        "value_refused",
        "warning" if foreign else "blocker",
        group,
        name,
        f"{_label(group, name)} = {_shown(view, group, name)} is refused by {view.release}: {reason}."
        + (f" {view.service['prog']} does not read this option." if foreign else "")
        + (f" It stands in the {origin} of the unit." if origin.startswith("environment ") else ""),
        _wanted(option),
        option,
    )


def _wanted(option: Option) -> str:
    if option.choices:
        return "Give one of " + ", ".join(str(choice) or "''" for choice in option.choices) + "."
    if option.min is not None or option.max is not None:
        limits = [f"at least {option.min:g}"] if option.min is not None else []
        limits += [f"at most {option.max:g}"] if option.max is not None else []
        return f"Give a number of {' and '.join(limits)}."
    return f"Give a value of type {option.type}, or take the line out."


def _known_by_old_name(view: View, group: str, name: str, option: Option) -> Iterator[Finding]:
    new = (group if group in view.backends else option.group, option.name)
    both = f" {_label(*new)} is set as well and wins in the file where both stand." if new in view.values else ""
    yield _finding(
        view,
        "option_renamed",
        "note",
        group,
        name,
        f"{_label(group, name)} is an older name of {_label(*new)}; {view.release} still takes it.{both}",
        f"Write {_label(*new)}, with the same value." if not both else f"Take {_label(group, name)} out.",
        option,
    )
    refused = _refused(view, *new, option)
    if refused is not None and new not in view.values:
        place = view.place(group, name)
        yield replace(refused, file=place.file, line=place.line)


def _gone(view: View, group: str, name: str) -> Finding | None:
    """An option that an earlier release had."""
    last = _last_before(view, group, name)
    if last is None:
        return None
    until, option = last
    successor = _successor(view, group, name)
    if (option.group, option.name) != (group, name) and view.option(option.group, option.name) is not None:
        successor = f"Write {_label(option.group, option.name)}, which is its name today."
    used = view.target is not None and (
        view.option(group, name, view.current) is not None or _alias_at(view, group, name)
    )
    same = _is_default(view, group, name, option)
    effect = f" {view.current} obeys it, and nothing will." if used and not same else " Nothing reads it."
    return _finding(
        view,
        "option_removed",
        "warning" if used and not same else "note",
        group,
        name,
        f"{_label(group, name)} = {_shown(view, group, name)}: {view.release} has no such option; {until} had it "
        f"last.{effect}",
        successor or "Take the line out once you know that nothing is missed.",
        option,
    )


def _last_before(view: View, group: str, name: str) -> tuple[str, Option] | None:
    """The newest earlier release that had the option, and how it had it."""
    major = view.release.major
    lives = [life for life in _catalogue.lives(view.project, group, name) if life.removed and life.removed <= major]
    if not lives and group in view.backends:
        lives = [
            life
            for life in _catalogue.lives(view.project, "glance_store", name)
            if life.removed and life.removed <= major and "<backend>" in life.also_groups
        ]
    if lives and lives[-1].removed:
        return str(_catalogue.release(view.project, lives[-1].removed - 1)), lives[-1]
    if view.project != "glance" or "-" in name:
        return None
    # Or an older name whose day is past, or an option of a library, if those of this release were read.
    judged = _catalogue.libraries(view.release) is not None
    for release in reversed(_catalogue.releases("glance")):
        option = older_names("glance", release.major).get(f"{group}/{name}") or _library(release, group, name)
        if release.major < major and option is not None and (judged or option.project == "glance"):
            return str(release), option
    return None


def _library(release: Release, group: str, name: str) -> Option | None:
    libraries = _catalogue.libraries(release)
    return libraries.option(group, name) if libraries else None


def _is_default(view: View, group: str, name: str, option: Option) -> bool:
    raw = view.raw(group, name)
    default = option.default
    if isinstance(default, list | tuple):
        return [part.strip() for part in str(raw).split(",")] == [str(item) for item in default]
    if isinstance(default, bool):
        return str(raw).lower() in (("true", "1", "on", "yes") if default else ("false", "0", "off", "no"))
    return raw == ("" if default is None else str(default))


def _not_yet(view: View, group: str, name: str) -> Finding | None:
    """An option that only a later release has."""
    lives = [
        life
        for life in _catalogue.lives(view.project, "glance_store" if group in view.backends else group, name)
        if life.introduced > view.release.major
    ]
    if not lives:
        return None
    since = _catalogue.release(view.project, lives[0].introduced)
    back = view.target is not None and view.option(group, name, view.current) is not None
    return _finding(
        view,
        "option_of_later_release",
        "warning" if back or view.target is None else "note",
        group,
        name,
        f"{_label(group, name)} does nothing: {view.release} does not know it, it came with {since}.",
        "Take the line out, or keep it for the day of that release.",
        lives[0],
    )


def _unknown(view: View, group: str, name: str) -> Finding:
    near = _catalogue.nearest(view.project, view.release, group, name)
    exact = [each for each in near if each.split("/", 1)[1] == name.replace("-", "_").lower()]
    hint = (
        f"Did you mean {_label(*(exact or near)[0].split('/', 1))}?"
        if near
        else "Look for the name in the sample file."
    )
    if exact and exact[0].split("/", 1)[0] == group:
        hint = f"Write {exact[0].split('/', 1)[1]}: oslo.config compares names letter by letter."
    elif exact:
        hint = f"It belongs in [{exact[0].split('/', 1)[0]}]."
    return _finding(
        view,
        "option_unknown",
        "warning",
        group,
        name,
        f"{_label(group, name)} does nothing: {view.release} has no such option, nor has any other release.",
        f"{hint} Otherwise take the line out.",
    )


def _store_unused(view: View, group: str, names: list[str]) -> Finding | None:
    """The section of a store that nobody enables, which is easily overlooked."""
    if view.project != "glance" or not all(_catalogue.store_option(view.release, name) for name in names):
        return None
    place = view.place(group, names[0])
    return Finding(
        "store_section_unused",
        "note",
        f"[{group}] holds options of a store, and [DEFAULT] enabled_backends does not name it: nothing reads them.",
        f"Add {group}:TYPE to enabled_backends, or take the section out.",
        file=place.file,
        line=place.line,
        source=f"options of glance_store, {view.release}",
    )


def _not_judged(view: View, group: str, names: list[str]) -> Finding:
    place = view.place(group, names[0])
    return Finding(
        "group_not_judged",
        "note",
        f"Not judged: {len(names)} option{'s' * (len(names) > 1)} of [{group}] ({', '.join(sorted(names))}). The catalogue "
        f"does not know what the libraries of {view.release} read there.",
        "Ask oslo-config-validator of that release's own installation.",
        file=place.file,
        line=place.line,
        source=f"release catalogue, {view.release}",
    )


# -- defaults that change ---------------------------------------------------------------------------------------------


def _defaults(view: View, target: Release) -> Iterator[Finding]:
    for pair in _catalogue_changes.changes(view.project, view.current, target).options.defaults:
        old, new = pair.old, pair.new
        if not _concerned(view, new) or view.is_set(new.group, new.name):
            continue
        backends = [name for name in view.backends if _takes(view, name, new)]
        if backends and all((name, new.name) in view.values for name in backends):
            continue
        yield Finding(
            "default_changes",
            "warning",
            f"{_label(new.group, new.name)} is not set, and its default changes from {_value(old)} to {_value(new)} between "
            f"{view.current} and {target}.",
            f"To keep things as they are, set it to {_value(old)}; else do nothing.",
            source=_source(view, new),
        )


def _concerned(view: View, option: Option) -> bool:
    """Whether the service reads the option at all: its program does, and a store that has it is in use."""
    if view.project == "glance" and option.programs and view.program not in option.programs:
        return False
    return option.store not in STORES.values() or option.store in view.drivers


def _takes(view: View, backend: str, option: Option) -> bool:
    return option.store == STORES.get(view.backends[backend]) and "<backend>" in option.also_groups


def _value(option: Option) -> str:
    if isinstance(option.default, list | tuple):
        return ",".join(str(item) for item in option.default) or "an empty list"
    if option.default is None:
        return option.default_source or "none"
    return "an empty text" if option.default == "" else str(option.default)


# -- words ------------------------------------------------------------------------------------------------------------


def _label(group: str, name: str) -> str:
    return f"[{group}] {name}"


def _shown(view: View, group: str, name: str) -> str:
    text = _files.mask(name, view.raw(group, name) or "").replace("\n", " ")
    option = view.option(group, name)
    if option is not None and option.secret and text:
        return _files.MASK
    return text if len(text) <= 80 else f"{text[:77]}..."


def _successor(view: View, group: str, name: str) -> str:
    found = _catalogue.successor(view.project, group, name)
    return found.text if found else ""


def _source(view: View, option: Option | None) -> str:
    if option is None:
        return f"options of {view.release}"
    last = option.removed - 1 if option.removed else None
    name = "glance_store" if option.store else option.project
    span = f"from release {option.introduced}" + (f" to {last}" if last else "")
    return f"options of {name}, {span}" if option.introduced else f"options of {name}"


def _finding(
    view: View,
    id_: str,
    severity: str,
    group: str,
    name: str,
    message: str,
    remedy: str,
    option: Option | None = None,
) -> Finding:
    place: Place = view.place(group, name)
    successor = _catalogue.successor(view.project, group, name)
    source = successor.source if successor and successor.text == remedy else _source(view, option)
    return Finding(id_, severity, message, remedy, file=place.file, line=place.line, source=source)
