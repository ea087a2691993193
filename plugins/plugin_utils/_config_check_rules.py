# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several options, files and releases mean together: the rules of ``data/rules.json``, applied.

A rule holds for a row of releases (``at``), or where a flip passes a release upwards (``crosses``) or downwards
(``back``), and fires when everything in ``when`` is so. ``data/README.md`` describes the conditions.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue_changes, _paste
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import STORES, Place, View
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding

_TRUE, _FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no")


@dataclass(frozen=True)
class Found:
    """What a condition written in Python found: words for the message, and where."""

    text: str = ""
    place: Place = Place()


@functools.cache
def data() -> dict[str, Any]:
    source = importlib.resources.files(__package__) / "data" / "rules.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


def check(view: View) -> Iterator[Finding]:
    for rule in data()["rules"]:
        yield from apply(view, rule)


def apply(view: View, rule: dict[str, Any]) -> Iterator[Finding]:
    """The findings of one rule: none, one, or one for each thing that its own condition finds."""
    if rule.get("project", "glance") != view.project or not within(view, rule):
        return
    if view.project == "glance" and view.program not in rule.get("programs", ["api"]):
        return
    when = dict(rule.get("when", {}))
    special = when.pop("call", None)
    if not holds(view, when):
        return
    severity = rule["severity"]
    if "now" in rule and (view.target is None or _in_row(rule.get("at"), view.current.major)):
        severity = rule["now"]
    group, _slash, name = str(rule.get("place", "/")).partition("/")
    for found in _CONDITIONS[special](view) if special else (Found(),):
        place = found.place if found.place.file else _place(view, rule, group, name)
        words = {
            "release": view.release,
            "current": view.current,
            "value": view.raw(group, name),
            "found": found.text,
            "prog": view.service["prog"],
        }
        yield Finding(
            rule["id"],
            severity,
            rule["message"].format(**words),
            rule["remedy"].format(**words),
            file=place.file,
            line=place.line,
            accept=rule.get("accept", severity == "blocker"),
            source=rule["source"],
        )


def _place(view: View, rule: dict[str, Any], group: str, name: str) -> Place:
    pattern = rule.get("when", {}).get("paste")
    paste = view.service.get("paste")
    if name or not (pattern and paste):
        return view.place(group, name)
    match = re.search(pattern, paste["text"])
    return Place(paste["file"], paste["text"].count("\n", 0, match.start()) + 1 if match else None)


def within(view: View, rule: dict[str, Any]) -> bool:
    """Whether the rule speaks of this release, or of a flip between these two."""
    if not _in_row(rule.get("at"), view.release.major):
        return False
    if "was" in rule and not _in_row(rule["was"], view.current.major):
        return False
    here, there = view.current.major, view.release.major
    if "crosses" in rule and not here < rule["crosses"] <= there:
        return False
    return "back" not in rule or there < rule["back"] <= here


def _in_row(row: list[int | None] | None, major: int) -> bool:
    if row is None:
        return True
    return (row[0] is None or major >= row[0]) and (row[1] is None or major <= row[1])


# -- conditions ---------------------------------------------------------------------------------------------------------


def holds(view: View, when: dict[str, Any]) -> bool:
    """Whether everything in it is so."""
    return all(_TESTS[name](view, wanted) for name, wanted in when.items())


def same(value: Any, wanted: Any) -> bool:
    """Whether an effective value, which may be a text that nobody converted, is the one wanted."""
    if isinstance(wanted, list):
        return any(same(value, each) for each in wanted)
    if isinstance(wanted, bool):
        return str(value).lower() in (_TRUE if wanted else _FALSE)
    return wanted is value if wanted is None else str(value) == str(wanted)


def _split(option: str) -> tuple[str, str]:
    group, _slash, name = option.partition("/")
    return group, name


def _text(value: Any) -> str:
    return ",".join(str(item) for item in value) if isinstance(value, list | tuple | dict) else str(value or "")


def _like(view: View, wanted: dict[str, str]) -> bool:
    return all(
        re.search(pattern, _text(view.effective(*_split(name))) or _text(view.raw(*_split(name))))
        for name, pattern in wanted.items()
    )


def _server(view: View, wanted: dict[str, Any]) -> bool:
    """Facts of the release's server: ``{"eventlet": null}`` where it has none."""
    server = view.release.server
    return server is not None and all(getattr(server, name) == value for name, value in wanted.items())


_TESTS: dict[str, Callable[[View, Any], bool]] = {
    "set": lambda view, names: any(view.is_set(*_split(name)) for name in names),
    "unset": lambda view, names: not any(view.is_set(*_split(name)) for name in names),
    "is": lambda view, wanted: all(same(view.effective(*_split(name)), value) for name, value in wanted.items()),
    "now": lambda view, when: holds(view.now, when),
    "like": _like,
    "group": lambda view, group: any(name == group for name, _option in view.values),
    "store": lambda view, store: STORES[store] in view.drivers,
    "stores": lambda view, several: bool(view.backends) is several,
    "flavor": lambda view, pattern: bool(re.search(pattern, _text(view.effective("paste_deploy", "flavor")))),
    "paste": lambda view, pattern: bool(re.search(pattern, (view.service.get("paste") or {}).get("text") or "")),
    "policy": lambda view, wanted: bool(_policy(view)) is wanted,
    "command": lambda view, pattern: any(re.search(pattern, command) for command in view.commands),
    "server": _server,
    "any": lambda view, several: any(holds(view, each) for each in several),
    "not": lambda view, when: not holds(view, when),
}


def _policy(view: View) -> dict[str, Any]:
    try:
        return dict(view.rules(view.current))
    except GlanceError:
        return {}


# -- conditions that need more than a table -------------------------------------------------------------------------------


def _reserved_ids(view: View) -> Iterator[Found]:
    names = [name for name in view.backends if name.startswith("os_glance_")]
    if names:
        yield Found(", ".join(names))


def _missing_drivers(view: View) -> Iterator[Found]:
    for name in dict.fromkeys(view.stores):
        if not view.driver_known(name):
            yield Found(name, view.place("DEFAULT", "enabled_backends"))


def _default_backend(view: View) -> Iterator[Found]:
    default = view.raw("glance_store", "default_backend")
    if view.backends and (not default or view.dialect.key(default) not in view.backends):
        yield Found(f"names {default}" if default else "is not set")


def _shared_directories(view: View) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for name, kind in view.backends.items():
        directory = view.raw(name, "filesystem_store_datadir") if STORES.get(kind) == "filesystem" else None
        key = str(directory).rstrip("/")
        if directory and key in seen:
            yield Found(
                f"[{seen[key]}] and [{name}] both keep images in {directory}",
                view.place(name, "filesystem_store_datadir"),
            )
        seen.setdefault(key, name)


def _healthcheck_filters(view: View) -> Iterator[Found]:
    for section in view.paste:
        if section.kind == "filter" and "oslo_middleware" in (
            factory := section.options.get("paste.filter_factory", "")
        ):
            if "ealthcheck" in factory:
                yield _at(view, section, f"[filter:{section.name}]")


def _flavor_missing(view: View) -> Iterator[Found]:
    if not view.paste:
        return
    flavor = _text(view.effective("paste_deploy", "flavor"))
    wanted = view.service["prog"] + (f"-{flavor}" if flavor else "")
    if not any(section.name == wanted for section in view.paste):
        yield Found(wanted, Place(view.service["paste"]["file"]))


def _flavor_dropped(view: View) -> Iterator[Found]:
    flavor = _text(view.effective("paste_deploy", "flavor"))
    if flavor in view.current.paste_flavors and flavor not in view.release.paste_flavors:
        yield Found(flavor)


def _paste_refused(view: View) -> Iterator[Found]:
    if view.service.get("paste") is None:
        return
    try:
        _paste.sections(view.service["paste"])
    except GlanceError as error:
        match = re.match(r"(/.*?):(\d+): ", error.message)
        yield Found(error.message, Place(match[1], int(match[2])) if match else Place(view.service["paste"]["file"]))


def _paste_options(view: View) -> Iterator[Found]:
    """Sections of the paste file that are no parts of an application, but groups of options."""
    for section in view.paste:
        if section.kind not in ("app", "composite", "pipeline", "filter", "filter-app", "DEFAULT", "server"):
            yield _at(view, section, f"[{section.kind}]")


def _at(view: View, section: _paste.Section, text: str) -> Found:
    return Found(text, Place(view.service["paste"]["file"], section.line))


def _no_default_rule(view: View) -> Iterator[Found]:
    rules = _policy(view)
    if "default" not in rules:
        for first in list(rules.values())[:1]:
            yield Found(place=Place(first.file))


def _limits(view: View) -> Iterator[Found]:
    if not any(group == "oslo_limit" for group, _name in view.values):
        yield Found()


def _cron(*programs: str) -> Callable[[View], Iterator[Found]]:
    def find(view: View) -> Iterator[Found]:
        for program in programs:
            for cron in view.crons(program):
                yield Found(program, Place(cron["file"], cron["line"]))

    return find


def _other_files(view: View) -> Iterator[Found]:
    """Files of a server with a command line that one under WSGI would not read."""
    files = [path for path in view.service["config_files"] if not re.search(r"/glance-(api|image-import)\.conf$", path)]
    directories = {path.rpartition("/")[0] for path in view.service["config_files"]}
    lost = files + view.service["config_dirs"] + (sorted(directories) if len(directories) > 1 else [])
    if lost:
        yield Found(", ".join(dict.fromkeys(lost)))


def _python(view: View) -> Iterator[Found]:
    if view.target is not None and view.current.python != view.target.python and view.target.python:
        yield Found(view.target.python)


def _database(view: View) -> Iterator[Found]:
    if view.target is None or view.target.major <= view.current.major:
        return
    changes = _catalogue_changes.changes("glance", view.current, view.target)
    if changes.databases:
        heads = [release.database.head for release in (view.current, view.target) if release.database]
        moved = "; ".join(migration.text.rstrip(".") for _release, migration in changes.migrations)
        yield Found(f"from {heads[0]} to {heads[-1]}" + (f", and data are moved: {moved}" if moved else ""))


def _database_back(view: View) -> Iterator[Found]:
    if view.target is None or view.target.major >= view.current.major:
        return
    heads = [release.database.head for release in (view.current, view.target) if release.database]
    if len(set(heads)) > 1:
        yield Found(f"{heads[0]}, while {view.target} wants {heads[1]}")


def _link_local(view: View) -> Iterator[Found]:
    if "web-download" in _text(view.effective("DEFAULT", "enabled_import_methods")):
        yield Found()


def _plain_addresses(view: View) -> Iterator[Found]:
    """Addresses of Glance without a scheme."""
    servers = _text(view.raw("glance", "api_servers"))
    plain = [server.strip() for server in servers.split(",") if server.strip() and not urlsplit(server.strip()).netloc]
    if plain:
        yield Found(", ".join(plain))


_CONDITIONS: dict[str, Callable[[View], Iterator[Found]]] = {
    "reserved_ids": _reserved_ids,
    "missing_drivers": _missing_drivers,
    "default_backend": _default_backend,
    "shared_directories": _shared_directories,
    "healthcheck_filters": _healthcheck_filters,
    "flavor_missing": _flavor_missing,
    "flavor_dropped": _flavor_dropped,
    "paste_refused": _paste_refused,
    "paste_options": _paste_options,
    "limits": _limits,
    "no_default_rule": _no_default_rule,
    "cron_prefetcher": _cron("glance-cache-prefetcher"),
    "cron_cleaners": _cron("glance-cache-cleaner", "glance-cache-pruner"),
    "cron_manage": _cron("glance-cache-manage"),
    "other_files": _other_files,
    "python": _python,
    "database": _database,
    "database_back": _database_back,
    "web_download": _link_local,
    "plain_addresses": _plain_addresses,
}
