# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of each release of Glance and Nova, and of the services that use Glance.

The facts are data (the folder ``data`` beside this file); this is the one place that reads them, so that nothing else
in the collection has to compare version numbers.
"""

from __future__ import annotations

import difflib
import functools
import importlib.resources
import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

PROJECTS = ("glance", "nova")


class CatalogueError(GlanceError):
    """Something that the catalogue does not know; the message lists what it does know."""


class ApiVersion(NamedTuple):
    """One minor version of the Images API that a release offers, when ``condition`` holds (None: always)."""

    version: str
    reported_id: str
    status: str
    condition: str | None


@dataclass(frozen=True)
class Release:
    """One major release; ``version`` is the exact version when the caller named one."""

    project: str
    major: int
    series: str
    version: str | None = None
    codename: str | None = None
    python: str | None = None
    newest_known: str | None = None
    api_versions: tuple[ApiVersion, ...] = ()
    import_methods: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.project.capitalize()} {self.version or self.major} ({self.series.capitalize()})"


@dataclass(frozen=True)
class Option:
    """One configuration option as one release defines it."""

    project: str
    group: str
    name: str
    type: str
    default: Any = None
    choices: tuple[Any, ...] | None = None
    min: float | None = None
    max: float | None = None
    secret: bool = False
    deprecated: bool = False
    deprecated_since: str | None = None
    deprecated_names: tuple[str, ...] = ()
    default_source: str | None = None
    bounds: bool = False
    item_type: str | None = None
    item_choices: tuple[Any, ...] | None = None
    item_min: int | None = None
    item_max: int | None = None
    also_groups: tuple[str, ...] = ()
    store: str | None = None
    programs: tuple[str, ...] = ()
    introduced: int = field(default=0, kw_only=True)
    removed: int | None = field(default=None, kw_only=True)

    @property
    def multi_valued(self) -> bool:
        return self.type == "multistring"

    @property
    def list(self) -> bool:
        return self.type == "list"

    def schema(self) -> dict[str, Any]:
        """The form in which option types travel to a host (see ``_oslo_ini.resolve``)."""
        keys = ("group", "name", "type", "min", "max", "secret", "bounds", "item_type", "item_min", "item_max")
        found = {key: value for key in keys if (value := getattr(self, key)) is not None and value is not False}
        return {
            **found,
            "default": self.default,
            "deprecated": list(self.deprecated_names),
            **{key: list(value) for key in ("choices", "item_choices") if (value := getattr(self, key))},
        }


@functools.cache
def _data(name: str) -> dict[str, Any]:
    if name not in PROJECTS and name not in ("consumers", "enforcement", "services"):
        raise CatalogueError(f"The release catalogue has no project {name!r}. It knows: {', '.join(PROJECTS)}.")
    source = importlib.resources.files(__package__) / "data" / f"{name}.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


@functools.cache
def releases(project: str) -> tuple[Release, ...]:
    """Every release of the project that the catalogue knows, oldest first."""
    return tuple(
        Release(
            project,
            int(major),
            facts["series"],
            codename=facts.get("codename"),
            python=facts.get("python"),
            newest_known=facts["tag"],
            api_versions=tuple(ApiVersion(*version) for version in facts.get("api_versions", ())),
            import_methods=tuple(facts.get("import_methods", ())),
        )
        for major, facts in _data(project)["releases"].items()
    )


def release(project: str, text: str | int) -> Release:
    """The release that a series name, a code name, a major number or a full version (also a package's) means."""
    wanted = str(text).strip().lower()
    known = releases(project)
    for found in known:
        if wanted in (found.series, found.codename, str(found.major)):
            return found
    # Packages put an epoch before the version: 2:15.0.2-0ubuntu1.
    version = re.fullmatch(r"(?:\d+:)?((\d+)\.\d[0-9a-z.+~-]*)", wanted)
    for found in known:
        if version and int(version[2]) == found.major:
            return Release(**{**found.__dict__, "version": version[1]})
    names = ", ".join(f"{found.major} {found.series}" for found in known)
    raise CatalogueError(
        f"{text!r} is no release of {project.capitalize()} that the catalogue knows. "
        f"Give a major number, a series name or a full version of one of: {names}."
    )


@functools.cache
def _history(project: str) -> dict[tuple[str, str], list[dict[str, Any]]]:
    history: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for span in _data(project)["options"]:
        history.setdefault((span["group"], span["name"]), []).append(span)
    return history


def _option(project: str, span: dict[str, Any], history: list[dict[str, Any]]) -> Option:
    """The option of one span; its life is the unbroken row of spans around the release asked for."""
    first, last = span["releases"]
    for other in sorted(history, key=lambda each: each["releases"][0]):
        if other["releases"][0] == last + 1:
            last = other["releases"][1]
    for other in sorted(history, key=lambda each: -each["releases"][0]):
        if other["releases"][1] == first - 1:
            first = other["releases"][0]
    newest = releases(project)[-1].major
    facts: dict[str, Any] = {
        key: tuple(value) if key != "default" and isinstance(value, list) else value
        for key, value in span.items()
        if key != "releases"
    }
    return Option(project, **facts, introduced=first, removed=last + 1 if last < newest else None)


def options(project: str, major: int | Release) -> list[Option]:
    """Every option that the release defines."""
    at = major.major if isinstance(major, Release) else major
    release(project, at)
    return [
        _at_point_release(_option(project, span, history), major)
        for history in _history(project).values()
        for span in history
        if span["releases"][0] <= at <= span["releases"][1]
    ]


def option(project: str, major: int | Release, group: str, name: str) -> Option | None:
    """The option as the release defines it, or None when that release has no such option."""
    at = major.major if isinstance(major, Release) else major
    release(project, at)
    history = _history(project).get((group, name.replace("-", "_")), [])
    for span in history:
        if span["releases"][0] <= at <= span["releases"][1]:
            return _at_point_release(_option(project, span, history), major)
    return None


def renamed(project: str, major: int | Release, group: str, name: str) -> Option | None:
    """The option of that release which still answers to an older name, or None."""
    old = f"{group}/{name}"
    return next((found for found in options(project, major) if old in found.deprecated_names), None)


def nearest(project: str, major: int | Release, group: str, name: str) -> list[str]:
    """Known options, as ``group/name``, that look like the one asked for; the same group first."""
    known = sorted(options(project, major), key=lambda found: found.group != group)
    names = [found.name for found in known]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.7)
    return [f"{known[names.index(each)].group}/{each}" for each in close]


def _at_point_release(found: Option, release_: int | Release) -> Option:
    """Undo a default that changed inside a major release, when an exact earlier version was named."""
    version = release_.version if isinstance(release_, Release) else None
    if version is None:
        return found
    for change in _data(found.project)["point_releases"]:
        if (change["group"], change["name"]) == (found.group, found.name) and _before(version, change["until"]):
            return Option(**{**found.__dict__, "default": change["default"]})
    return found


def _before(version: str, limit: str) -> bool:
    """Whether the version is an earlier point release of the same major as the limit."""
    left, right = ([int(part) for part in re.findall(r"\d+", text)[:3]] for text in (version, limit))
    return left[0] == right[0] and left < right


def services() -> dict[str, Any]:
    """Usual units, programs and files of Glance's and Nova's services, per way of packaging."""
    return _data("services")


def consumers() -> dict[str, Any]:
    """Services that call Glance: programs, configuration files, and what decides which Images API they speak."""
    return _data("consumers")


@dataclass(frozen=True)
class ImagesApi:
    """What decides which version of the Images API one release of a service speaks.

    Either ``version`` is fixed, or the option ``schema`` decides: ``versions`` says which of its values, as lower-case
    text, means which version, and ``default`` is the version that is spoken when it is left unset.
    """

    service: str
    releases: tuple[int | None, int | None]
    version: int | None = None
    schema: dict[str, Any] | None = None
    versions: dict[str, int] = field(default_factory=dict)
    default: int | None = None
    note: str = ""
    source: str = ""

    def spoken(self, effective: Any) -> int | None:
        """The version spoken with this effective value of the option; None for a value that means neither."""
        return self.version if self.schema is None else self.versions.get(str(effective).lower())


def images_api(service: str, major: int) -> ImagesApi:
    """Which Images API that release of the service speaks, or which option decides it."""
    found = consumers().get(service, {"images_api": ()})
    for rule in found["images_api"]:
        first, last = rule["releases"]
        if (first is None or major >= first) and (last is None or major <= last):
            return _rule(service, found, rule)
    known = ", ".join(sorted(consumers()))
    raise CatalogueError(f"It is not known which Images API {service} {major} speaks. The catalogue knows: {known}.")


def images_api_options(service: str) -> list[ImagesApi]:
    """Every rule by option, for a service whose release cannot be told; without defaults to lean on."""
    found = consumers().get(service) or {"images_api": ()}
    return [_rule(service, found, rule) for rule in found["images_api"] if "option" in rule]


def _rule(service: str, facts: dict[str, Any], rule: dict[str, Any]) -> ImagesApi:
    common = {"note": rule.get("note", ""), "source": facts["source"]}
    span = (rule["releases"][0], rule["releases"][1])
    if "option" not in rule:
        return ImagesApi(service, span, version=rule["api_version"], **common)
    group, name = rule["option"].split("/")
    schema = {"group": group, "name": name, "type": rule["type"], "default": rule["default"], "deprecated": []}
    default = rule["versions"][str(rule["default"]).lower()]
    return ImagesApi(service, span, schema=schema, versions=rule["versions"], default=default, **common)


@dataclass(frozen=True)
class Enforcement:
    """How one release of Glance decides, beside its policy rules.

    ``rules`` names, per rule, what Glance hands to it (``target``) and what Glance's own code asks as well (``guard``).
    ``credentials`` is what rules are told of the caller, ``request`` what context_is_admin is handed as its target. ``own_check_unless`` are the options that switch off the guards of the API. ``admin_role`` is the default of the option
    of that name, and ``reads_admin_role`` whether the release reads it at all.
    """

    rules: dict[str, tuple[str, str]]
    credentials: frozenset[str]
    request: frozenset[str]
    without_file: dict[str, str] | None
    reads_admin_role: bool
    admin_role: str | None
    own_check_unless: tuple[str, ...]


def enforcement(release: Release) -> Enforcement:
    """How that release of Glance decides."""
    facts = {
        name: [span for span in spans if _spans(span["releases"], release.major)]
        for name, spans in _data("enforcement").items()
        if isinstance(spans, list)
    }
    return Enforcement(
        rules={rule: (span["target"], span["guard"]) for span in facts["rules"] for rule in span["rules"]},
        credentials=frozenset(name for span in facts["credentials"] for name in span["names"]),
        request=frozenset(name for span in facts["request"] for name in span["names"]),
        without_file=next((span["rules"] for span in facts["without_file"]), None),
        reads_admin_role=bool(facts["admin_role"]),
        admin_role=next((span["default"] for span in facts["admin_role"]), None),
        own_check_unless=tuple(name for span in facts["own_check"] for name in span["unless"]),
    )


def _spans(releases: tuple[int | None, int | None], major: int) -> bool:
    first, last = releases
    return (first is None or major >= first) and (last is None or major <= last)
