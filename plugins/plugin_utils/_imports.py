# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Import methods, plugins, filters and workers of a Glance: what to write so that it has them.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini, _oslo_types
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Imports, Option, Release
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change, Service

METHODS = ("DEFAULT", "enabled_import_methods")
PLUGINS = ("image_import_opts", "image_import_plugins")
FILTERS = "import_filtering_opts"
FILTERED = ("schemes", "hosts", "ports")
#: Arguments that are one option each.
OPTIONS: dict[str, tuple[str, str]] = {
    "inject": ("inject_metadata_properties", "inject"),
    "inject_ignore_roles": ("inject_metadata_properties", "ignore_user_roles"),
    "output_format": ("image_conversion", "output_format"),
    "extra_properties": ("glance_download_properties", "extra_properties"),
    "max_parallel_stores": ("image_import_opts", "max_parallel_stores"),
    "task_time_to_live": ("task", "task_time_to_live"),
    **{f"{way}_{what}": (FILTERS, f"{way}_{what}") for what in FILTERED for way in ("allowed", "disallowed")},
}
#: The plugins and methods without which nobody reads them.
NEEDS = {
    "inject": "inject_image_metadata",
    "inject_ignore_roles": "inject_image_metadata",
    "output_format": "image_conversion",
    "extra_properties": "glance-download",
}
#: Those that may be sized by the host.
POOLS: dict[str, tuple[str, str]] = {
    "max_workers": ("taskflow_executor", "max_workers"),
    "task_pool_threads": ("wsgi", "task_pool_threads"),
}
AUTO = "auto"


@dataclass(frozen=True)
class Decision:
    """What to write, and what is so afterwards."""

    changes: list[Change]
    methods: list[str]
    plugins: list[str]
    pools: dict[str, int]
    idle: list[str]


def decide(service: Service, release: Release, arguments: Mapping[str, Any], cores: int) -> Decision:
    """What to write. ``cores`` are those of the host, for pools that are sized by them. Raises GlanceError."""
    known = _catalogue.imports(release)
    found = _Reader(service, release)
    methods = _methods(found, known, arguments)
    plugins = _plugins(found, known, arguments)
    wanted: dict[tuple[str, str], Any] = {}
    if methods is not None:
        wanted[METHODS] = methods
    if plugins is not None:
        wanted[PLUGINS] = plugins
    for name, key in OPTIONS.items():
        if arguments[name] is not None:
            wanted[key] = arguments[name]
    pools = {
        name: _size(arguments[name], found, key, cores) for name, key in POOLS.items() if arguments[name] is not None
    }
    wanted |= {POOLS[name]: size for name, size in pools.items()}
    changes = _service.merge([found.give(key, value) for key, value in wanted.items()])
    after = _Reader(_service.after(service, changes), release)
    _refuse_idle_filters(after, arguments)
    now = {"methods": after.effective(*METHODS) or [], "plugins": after.effective(*PLUGINS) or []}
    there = {*now["methods"], *now["plugins"]}
    idle = [
        f"{name} does nothing without {need}" for name, need in NEEDS.items() if arguments[name] and need not in there
    ]
    return Decision(changes, now["methods"], now["plugins"], pools, idle)


class _Reader:
    """The options of a service under a release."""

    def __init__(self, service: Service, release: Release) -> None:
        self.service = service
        self.release = release

    def option(self, group: str, name: str) -> Option:
        found = _catalogue.option("glance", self.release, group, name)
        if found is None:
            lives = _catalogue.lives("glance", group, name)
            since = _catalogue.release("glance", lives[0].introduced) if lives else None
            raise GlanceError(f"{self.release} has no [{group}] {name}; it came with {since}. Leave it out.")
        return found

    def effective(self, group: str, name: str) -> Any:
        """The value in force; None of an option that the release does not have."""
        found = _catalogue.option("glance", self.release, group, name)
        return _service.resolve(self.service, found.schema(), self.release)["effective"] if found else None

    def give(self, key: tuple[str, str], value: Any) -> list[Change]:
        """What to write so that the option has the value. Raises GlanceError for one that the release refuses."""
        option = self.option(*key)
        text = _text(option, value)
        dialect = _oslo_ini.dialect(self.service.get("oslo_config") or "newest")
        try:
            wanted = _oslo_types.convert(option.schema(), text, dialect)
        except ValueError as error:
            raise GlanceError(f"[{key[0]}] {key[1]} = {text} is refused: {str(error).rstrip('.')}.") from error
        return _service.give(self.service, option.schema(), wanted, self.release, text, self.home)

    @property
    def home(self) -> str:
        """Glance's file for these options where it reads that, else the API's own."""
        paths = self.service["config_files"]
        for name in ("/glance-image-import.conf", "/glance-api.conf"):
            if found := next((path for path in paths if path.endswith(name)), None):
                return str(found)
        return _service.own_file(self.service)


def _text(option: Option, value: Any) -> str:
    """A value as oslo.config reads it from a file: some lists have brackets around them."""
    items = [f"{key}:{item}" for key, item in value.items()] if isinstance(value, dict) else value
    if not isinstance(items, list):
        return str(value)
    if any("," in str(item) for item in items):
        raise GlanceError(
            f"[{option.group}] {option.name}: an item with a comma cannot be written, since it would be divided."
        )
    text = ",".join(map(str, items))
    return f"[{text}]" if option.bounds else text


# -- methods ----------------------------------------------------------------------------------------------------------


def _methods(found: _Reader, known: Imports, arguments: Mapping[str, Any]) -> list[str] | None:
    """The methods in their order; None to leave them as they are. What is not asked for stays."""
    named = [name for key in ("methods", "enable", "disable") for name in arguments[key] or []]
    for name in named:
        _refuse_unknown(name, known.methods, found.release)
    if arguments["methods"] is None and not named:
        return None
    # The option itself must be there, whatever is asked for.
    found.option(*METHODS)
    now = list(found.effective(*METHODS) or [])
    wanted = list(dict.fromkeys(arguments["methods"] if arguments["methods"] is not None else now))
    wanted += [name for name in dict.fromkeys(arguments["enable"] or []) if name not in wanted]
    wanted = [name for name in wanted if name not in (arguments["disable"] or [])]
    both = set(arguments["enable"] or []) & set(arguments["disable"] or [])
    if both:
        raise GlanceError(f"{', '.join(sorted(both))} shall be enabled and disabled. Decide.")
    asked = {*(arguments["methods"] or []), *(arguments["enable"] or [])}
    for name in known.several_stores_only:
        if name in asked and not found.effective("DEFAULT", "enabled_backends"):
            raise GlanceError(
                f"{name} needs several stores, and [DEFAULT] enabled_backends is not set. Give Glance stores with "
                "glance_stores first."
            )
    return wanted


def _refuse_unknown(name: str, known: Sequence[str], release: Release) -> None:
    if name in known:
        return
    for later in _catalogue.releases("glance"):
        if later.major > release.major and name in later.import_methods:
            raise GlanceError(
                f"{release} has no import method {name}, which came with {later}. It has: {', '.join(known)}."
            )
    near = difflib.get_close_matches(name.replace("_", "-"), known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known) or 'none'}."
    raise GlanceError(f"{release} has no import method {name}. {hint}")


# -- plugins ----------------------------------------------------------------------------------------------------------


def _plugins(found: _Reader, known: Imports, arguments: Mapping[str, Any]) -> list[str] | None:
    wanted: list[str] | None = arguments["plugins"]
    if wanted is None:
        return None
    found.option(*PLUGINS)
    for name in wanted:
        if name not in (*known.plugins, *arguments["custom_plugins"]):
            near = difflib.get_close_matches(name.replace("-", "_"), known.plugins, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has: {', '.join(known.plugins) or 'none'}."
            raise GlanceError(
                f"{found.release} has no import plugin {name}. {hint} Name your own in custom_plugins as well."
            )
        if wanted.count(name) > 1:
            raise GlanceError(f"plugins: {name} is given twice.")
    for first, then, reason in known.before:
        if first in wanted and then in wanted and wanted.index(first) > wanted.index(then):
            raise GlanceError(
                f"plugins: {then} stands before {first}. Glance runs plugins in this order, and {reason}: put {first} first."
            )
    return list(wanted)


# -- filters and pools ------------------------------------------------------------------------------------------------


def _refuse_idle_filters(after: _Reader, arguments: Mapping[str, Any]) -> None:
    """Glance looks at what is disallowed only where nothing is allowed by name, and that is so for hosts alone by default."""
    for what in FILTERED:
        allowed = after.effective(FILTERS, f"allowed_{what}")
        if arguments[f"disallowed_{what}"] and allowed:
            raise GlanceError(
                f"disallowed_{what} would be ignored: Glance looks at allowed_{what} alone where that is not empty, and it is "
                f"{', '.join(map(str, allowed))}. Give allowed_{what}: [] as well, or name what is allowed."
            )


def _size(asked: Any, found: _Reader, key: tuple[str, str], cores: int) -> int:
    """Threads of a pool. Imports wait for disks and networks, so two a core, and no more than Glance has by itself."""
    if str(asked) != AUTO:
        return int(asked)
    return max(2, min(2 * cores, int(found.option(*key).default)))
