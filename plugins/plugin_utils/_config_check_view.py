# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How one release would see the configuration of one surveyed service."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_ini, _oslo_resolve
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _paste, _policy_file
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Option, Release
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Service

#: Names of stores in configurations, and the driver that each means.
STORES = {
    "file": "filesystem", "filesystem": "filesystem", "http": "http", "https": "http", "swift": "swift",
    "swift+http": "swift", "swift+https": "swift", "swift+config": "swift", "rbd": "rbd", "sheepdog": "sheepdog",
    "cinder": "cinder", "vmware": "vmware_datastore", "vsphere": "vmware_datastore",
    "vmware_datastore": "vmware_datastore", "s3": "s3", "s3+http": "s3", "s3+https": "s3",
}  # fmt: skip

Key = tuple[str, str]


@dataclass(frozen=True)
class Place:
    """Where something stands, as a Finding wants it."""

    file: str | None = None
    line: int | None = None


class View:
    """One service under one release.

    ``current`` is the release that runs, ``release`` the one that is judged by: the target of a flip, or the current one.
    """

    def __init__(self, service: Service, current: Release, target: Release | None = None) -> None:
        self.service = service
        self.current = current
        self.target = target
        self.release = target or current
        self.project = current.project
        self.values: dict[Key, list[dict[str, Any]]] = {}
        for value in service["assignments"]:
            self.values.setdefault((value["group"], value["option"]), []).append(value)
        self._answers: dict[Key, dict[str, Any]] = {}

    @functools.cached_property
    def now(self) -> View:
        """The same service under the release that runs."""
        return View(self.service, self.current) if self.target else self

    @property
    def program(self) -> str:
        """The program as the catalogue calls it: api, registry, scrubber, cache."""
        return str(self.service["prog"]).removeprefix("glance-").partition("-")[0]

    # what the release knows

    def option(self, group: str, name: str, release: Release | None = None) -> Option | None:
        """The option as the release defines it, wherever it is defined: itself, a store's driver, a library."""
        release = release or self.release
        if "-" in name:
            return None  # oslo.config reads no such line
        found = _catalogue.option(self.project, release, group, name)
        if found is None and self.project == "glance":
            if group in self.backends or group == "backend_defaults":
                found = _store_option(release, group, name)
            if found is None and (libraries := _catalogue.libraries(release)) is not None:
                found = libraries.option(group, name)
        return found

    def renamed(self, group: str, name: str, release: Release | None = None) -> Option | None:
        """The option that still answers to this older name."""
        release = release or self.release
        old = "glance_store" if group in self.backends else group
        found = older_names(self.project, release.major).get(f"{old}/{name}")
        return found if group not in self.backends or (found and "<backend>" in found.also_groups) else None

    def judged(self, group: str, release: Release | None = None) -> bool:
        """Whether an option of that group which nobody knows is unknown, and not merely out of the catalogue's sight."""
        if self.project == "glance" and group in self.backends:
            return True
        return _catalogue.judged_group(release or self.release, group)

    # what the service is told

    @functools.cached_property
    def told(self) -> list[Key]:
        """Every option that files set, and those that only the environment sets."""
        found = dict.fromkeys(self.values)
        for variable in self._environment:
            group, _separator, name = variable.removeprefix("OS_").lower().partition("__")
            key = ("DEFAULT" if group == "default" else group, name)
            if self.option(*key) is not None:
                found.setdefault(key)
        return list(found)

    def is_set(self, group: str, name: str) -> bool:
        """Whether anybody gives the option a value, under its own name or an older one."""
        if (group, name) in self.values or self._variable(group, name) in self._environment:
            return True
        option = self.option(group, name) if group not in self.backends else None
        old = [tuple(each.split("/", 1)) for each in option.deprecated_names] if option else []
        return any((old_group or group, old_name or name) in self.values for old_group, old_name in old)

    def raw(self, group: str, name: str) -> str | None:
        """The text that counts, secrets masked; None where nobody sets the option."""
        variable = self._variable(group, name)
        if variable in self._environment:
            return str(self._environment[variable])
        found = self.values.get((group, name))
        return str(found[-1]["raw"]) if found else None

    def place(self, group: str, name: str) -> Place:
        found = self.values.get((group, name))
        if self._variable(group, name) in self._environment or not found:
            return Place()
        return Place(found[-1]["file"], found[-1]["line"] or None)

    def masked(self, group: str, name: str) -> bool:
        return _files.MASK in (self.raw(group, name) or "")

    @functools.cached_property
    def _environment(self) -> dict[str, str]:
        environment: dict[str, str] = self.service["environment"] if self.dialect.environment else {}
        return environment

    @functools.cached_property
    def dialect(self) -> Any:
        return _oslo_ini.dialect(self.service.get("oslo_config") or "newest")

    @staticmethod
    def _variable(group: str, name: str) -> str:
        return f"OS_{group.upper()}__{name.upper()}"

    def answer(self, group: str, name: str) -> dict[str, Any] | None:
        """What the release's oslo.config answers; None where it has no such option."""
        if (group, name) not in self._answers:
            option = self.option(group, name)
            if option is None:
                return None
            if group in self.backends and not self.is_set(group, name):
                return {"status": "default", "effective": option.default, "raw": None, "origin": None, "reason": ""}
            self._answers[group, name] = self._resolver.answer(self._schema(group, name, option))
        return self._answers[group, name]

    def _schema(self, group: str, name: str, option: Option) -> dict[str, Any]:
        if group in self.backends:
            return {**option.schema_in(group), "name": name}
        return {**option.schema(), "group": group, "name": name}

    def effective(self, group: str, name: str) -> Any:
        """The value in force. Of an option that the release does not have, the text that somebody gave it."""
        answer = self.answer(group, name)
        if answer is not None and answer["status"] != "default":
            return answer["effective"]
        if answer is None and (raw := self.raw(group, name)) is not None:
            return raw
        if group == "oslo_policy" and hasattr(self.release.policy_defaults, name):
            return getattr(self.release.policy_defaults, name)  # Glance gives some of these defaults of its own
        return answer["effective"] if answer is not None else None

    @functools.cached_property
    def _resolver(self) -> Any:
        """The service with its options registered. Those that the catalogue cannot judge are taken as they stand."""
        schemas = {(schema["group"], schema["name"]): schema for schema in _schemas(self.release)}
        for group, name in self.values:
            option = self.option(group, name)
            if option is not None:
                schemas[group, name] = self._schema(group, name, option)
            elif not self.judged(group):
                unknown: dict[str, Any] = {
                    "group": group,
                    "name": name,
                    "type": "string",
                    "default": None,
                    "deprecated": [],
                }
                schemas.setdefault((group, name), unknown)
        return _oslo_resolve.resolver(
            self.service["assignments"], list(schemas.values()), self.service["environment"], self.dialect
        )

    # stores

    @functools.cached_property
    def backends(self) -> dict[str, str]:
        """The sections of stores, named as oslo.config compares them, and their types, by ``enabled_backends``."""
        if self.project != "glance":
            return {}
        value = self.raw("DEFAULT", "enabled_backends")
        if value is None or _catalogue.option("glance", self.release, "DEFAULT", "enabled_backends") is None:
            return {}
        pairs = (part.partition(":") for part in value.strip().strip("{}").split(","))
        return {self.dialect.key(name.strip()): kind.strip() for name, _colon, kind in pairs if name.strip()}

    @functools.cached_property
    def stores(self) -> list[str]:
        """The types of stores in use, as they are written."""
        if self.backends:
            return list(self.backends.values())
        named = self.effective("glance_store", "stores") or []
        return list(named) if isinstance(named, list) else [part.strip() for part in str(named).split(",")]

    @functools.cached_property
    def drivers(self) -> set[str]:
        return {STORES.get(name, name) for name in self.stores}

    def driver_known(self, name: str) -> bool:
        """Whether the release has the driver of that store."""
        wanted = STORES.get(name)
        return wanted is None or any(option.store == wanted for option in _catalogue.options("glance", self.release))

    # documents

    @functools.cached_property
    def paste(self) -> list[_paste.Section]:
        """The sections of the paste file; none where there is no file, or one that is refused."""
        try:
            return _paste.sections(self.service["paste"]) if self.service.get("paste") else []
        except GlanceError:
            return []

    def rules(self, release: Release | None = None) -> dict[str, _policy_file.Rule]:
        """The rules of the policy files that the release reads. Raises GlanceError for a file that it refuses."""
        return _policy_file.rules(self.service.get("policy"), *self.policy_defaults(release))

    def policy_defaults(self, release: Release | None = None) -> tuple[str, bool]:
        defaults = (release or self.release).policy_defaults
        return (defaults.policy_file, bool(defaults.json_fallback)) if defaults else ("policy.json", False)

    @functools.cached_property
    def commands(self) -> list[str]:
        """The command lines of the service's units."""
        return [" ".join(unit.get("argv") or []) for unit in self.service["units"]]

    def crons(self, program: str) -> list[dict[str, Any]]:
        return [cron for cron in self.service.get("crons") or [] if cron["program"] == program]


def _store_option(release: Release, group: str, name: str) -> Option | None:
    found = _catalogue.store_option(release, name)
    if found is not None and group == "backend_defaults" and group not in found.also_groups:
        return None
    return found


@functools.cache
def older_names(project: str, major: int) -> dict[str, Option]:
    """Options of the release, its libraries' included, by the older names that they still answer to."""
    options = list(_catalogue.options(project, major))
    if project == "glance" and (libraries := _catalogue.libraries(major)) is not None:
        options += libraries.options
    found: dict[str, Option] = {}
    for option in options:
        for old in option.deprecated_names:
            group, _slash, name = old.partition("/")
            found.setdefault(f"{group or option.group}/{name or option.name}", option)
    return found


@functools.lru_cache(maxsize=16)
def _schemas(release: Release) -> list[dict[str, Any]]:
    options = list(_catalogue.options(release.project, release))
    if release.project == "glance" and (libraries := _catalogue.libraries(release)) is not None:
        options += libraries.options
    schemas = [option.schema() for option in options if not option.group.startswith("<")]
    # Every service has it, outside what the catalogue knows of Nova; addresses like to refer to it.
    return schemas + [{"group": "DEFAULT", "name": "my_ip", "type": "string", "default": None, "deprecated": []}]
