# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has one right answer in a configuration, written as changes for ``oslo_config``; nothing is dropped unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _config_check_rules, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_options import NOVA_GROUPS
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import STORES, View
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change


@dataclass(frozen=True)
class Fixed:
    """One value that is taken out or rewritten; ``old`` and ``new`` are shown with secrets masked, None is unset."""

    option: str
    file: str
    line: int | None
    old: str | None
    new: str | None
    why: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Step:
    """One option of one file and what becomes of it."""

    path: str
    option: dict[str, Any]
    fixed: Fixed


def fixes(view: View) -> tuple[list[Change], list[Fixed]]:
    """The changes that suit the judged release, and in words what each does."""
    steps = [*_renames(view), *(step for fix in _config_check_rules.data()["fixes"] for step in _fix(view, fix))]
    changes = _service.merge([{"path": step.path, "options": [step.option]}] for step in steps)
    return changes, [step.fixed for step in steps]


def _renames(view: View) -> Iterator[_Step]:
    """Older names that the judged release takes still, or the one that runs."""
    for group, name in view.values:
        if (view.project == "nova" and group not in NOVA_GROUPS) or "-" in name or view.option(group, name) is not None:
            continue
        for release in dict.fromkeys((view.release, view.current)):
            option = view.renamed(group, name, release)
            if option is None or _claimants(group, name, release) > 1:
                continue
            new = (group if group in view.backends else option.group, option.name)
            if view.option(*new) is not None:
                yield from _move(view, (group, name), new, f"{view.release} calls it [{new[0]}] {new[1]}")
                break


def _claimants(group: str, name: str, release: Release) -> int:
    """How many options take the older name for theirs; more than one leave no single answer."""
    libraries = _catalogue.libraries(release) if release.project == "glance" else None
    options = [*_catalogue.options(release.project, release), *(libraries.options if libraries else ())]
    return len({(option.group, option.name) for option in options if f"{group}/{name}" in option.deprecated_names})


def _fix(view: View, fix: dict[str, Any]) -> Iterator[_Step]:
    group, _slash, name = fix["option"].partition("/")
    entries = view.values.get((group, name), [])
    if view.project != "glance" or not entries or not _config_check_rules.within(view, fix):
        return
    if not _config_check_rules.holds(view, fix.get("when", {})):
        return
    for option, value in fix.get("set", {}).items():
        yield from _set(view, option, value, entries[-1]["file"], fix["why"])
    if "move" in fix:
        yield from _move(view, (group, name), tuple(fix["move"].split("/", 1)), fix["why"])
    for entry in _last_of_each_file(entries):
        if fix.get("remove"):
            yield _remove(view, entry, fix["why"])
        elif "drop" in fix or "replace" in fix:
            yield from _relist(view, entry, fix)


def _last_of_each_file(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({entry["file"]: entry for entry in entries}.values())


def _remove(view: View, entry: dict[str, Any], why: str) -> _Step:
    option = {"section": entry["group"], "option": entry["option"], "state": "absent"}
    return _Step(entry["file"], option, _fixed(entry, None, why))


def _set(view: View, option: str, value: str, path: str, why: str) -> Iterator[_Step]:
    """Where the option is set already, the file that decides is the one to change."""
    group, _slash, name = option.partition("/")
    if str(view.effective(group, name)).lower() == value:
        return
    entries = view.values.get((group, name), [])
    new: dict[str, Any] = {"group": group, "option": name, "file": path, "line": None, "raw": None}
    entry = entries[-1] if entries else new
    yield _Step(entry["file"], {"section": group, "option": name, "value": value}, _fixed(entry, value, why))


def _move(view: View, old: tuple[str, ...], new: tuple[str, ...], why: str) -> Iterator[_Step]:
    """The values go on the host, where they are not masked. An option that is set under both names is left alone."""
    if (new[0], new[1]) in view.values:
        return
    for entry in _last_of_each_file(view.values[old[0], old[1]]):
        option = {"section": new[0], "option": new[1], "renamed_from": f"{old[0]}/{old[1]}"}
        yield _Step(entry["file"], option, _fixed(entry, f"[{new[0]}] {new[1]} = {_shown(entry)}", why))


def _relist(view: View, entry: dict[str, Any], fix: dict[str, Any]) -> Iterator[_Step]:
    items = [item.strip() for item in entry["raw"].split(",")]
    drop, replace = fix.get("drop", []), fix.get("replace", {})
    kept = [replace.get(item, item) for item in items if item not in drop]
    default = STORES.get(str(view.raw("glance_store", "default_store")))
    if kept == items or not any(kept) or "$" in entry["raw"] or default in drop:
        return
    option = {"section": entry["group"], "option": entry["option"], "value": ",".join(kept)}
    yield _Step(entry["file"], option, _fixed(entry, ",".join(kept), fix["why"]))


def _shown(entry: dict[str, Any]) -> str | None:
    return None if entry["raw"] is None else _files.mask(entry["option"], entry["raw"])


def _fixed(entry: dict[str, Any], new: str | None, why: str) -> Fixed:
    return Fixed(f"[{entry['group']}] {entry['option']}", entry["file"], entry["line"], _shown(entry), new, why)
