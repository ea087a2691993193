# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of each release of Glance and Nova, and of the services that use Glance.

The facts are data (the folder ``data`` beside this file); this is the one place that reads them, so that nothing else
in the collection has to compare version numbers.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import json
import pathlib
import re
from dataclasses import dataclass, field, replace
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


class MovedBack(NamedTuple):
    """What the code of the ``releases`` from before a data migration cannot read of it.

    ``left`` counts the rows, ``run`` are the statements that put them back (SQL of any engine).
    """

    releases: tuple[int, int]
    text: str
    left: str
    run: tuple[str, ...]
    source: str


class DataMigration(NamedTuple):
    """What one release does to rows that are there; ``when`` is the step of ``glance-manage db`` or ``start``.

    Where a release that comes later can be gone to without it, ``left`` counts the rows that were left out, and ``run`` are
    statements that do the same (SQL of any engine).
    """

    text: str
    when: str
    source: str
    left: str = ""
    run: tuple[str, ...] = ()
    back: MovedBack | None = None


class Contract(NamedTuple):
    """What the contract step of one release takes away; glance-api up to the release ``breaks`` cannot do without."""

    text: str
    source: str
    breaks: int = 0


class Told(NamedTuple):
    """Something to know, and where it was read."""

    text: str
    source: str


class Takes(NamedTuple):
    """The oldest release whose database one release's glance-manage brings up whole, and why not older ones."""

    since: int
    text: str
    source: str


class Database(NamedTuple):
    """The database of one release: ``schema`` says what its own revisions change (None: they are empty).

    So is its ``contract`` step where nothing is said of it. ``triggers`` are what a server may refuse to make.
    """

    head: str
    engine: str
    schema: str | None = None
    migrations: tuple[DataMigration, ...] = ()
    contract: Contract | None = None
    triggers: Told | None = None
    takes: Takes | None = None


class PolicyDefaults(NamedTuple):
    """How one release finds and enforces its policy while ``[oslo_policy]`` says nothing.

    ``json_fallback`` says whether an existing policy.json is still taken when policy.yaml is absent (None: JSON is the
    default format). ``enforce_scope_option`` says whether that option can still be set.
    """

    policy_file: str
    in_code: bool
    json_fallback: bool | None = None
    enforce_scope: bool | None = None
    enforce_scope_option: bool = False
    enforce_new_defaults: bool | None = None


class Server(NamedTuple):
    """The ways in which one release can be run; ``eventlet`` is the program glance-api itself."""

    eventlet: str | None = None
    script: str | None = None
    module: str | None = None

    def __str__(self) -> str:
        eventlet = f"eventlet ({self.eventlet})" if self.eventlet == "deprecated" else self.eventlet and "eventlet"
        wsgi = self.script or self.module
        return ", ".join(filter(None, (eventlet, wsgi and f"WSGI ({wsgi})")))


@dataclass(frozen=True)
class Release:
    """One major release; ``version`` is the exact version when the caller named one.

    What is known of Glance alone (database, policy_defaults, server ...) is None or empty for Nova.
    """

    project: str
    major: int
    series: str
    version: str | None = None
    codename: str | None = None
    python: str | None = None
    newest_known: str | None = None
    api_versions: tuple[ApiVersion, ...] = ()
    import_methods: tuple[str, ...] = ()
    database: Database | None = None
    policy_defaults: PolicyDefaults | None = None
    server: Server | None = None
    paste_flavors: tuple[str, ...] = ()
    libraries: dict[str, str] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.project.capitalize()} {self.version or self.major} ({self.series.capitalize()})"


@dataclass(frozen=True)
class Option:
    """One configuration option as one release defines it.

    It was there from ``introduced`` until before ``removed``; ``renamed_to`` is the ``group/name`` that takes its values
    in a later release.
    """

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
    item_quotes: bool = False
    ignore_case: bool = False
    max_length: int | None = None
    quotes: bool = False
    regex: str | None = None
    store: str | None = None
    programs: tuple[str, ...] = ()
    renamed_to: str | None = None
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
        keys = (
            "group",
            "name",
            "type",
            "min",
            "max",
            "secret",
            "bounds",
            "ignore_case",
            "max_length",
            "quotes",
            "regex",
        )
        found = {key: value for key in keys if (value := getattr(self, key)) is not None and value is not False}
        item = {key: value for key in ("type", "min", "max", "quotes") if (value := getattr(self, f"item_{key}"))}
        if self.item_choices:
            item["choices"] = list(self.item_choices)
        return {
            **found,
            "default": self.default,
            "deprecated": list(self.deprecated_names),
            **({"choices": list(self.choices)} if self.choices else {}),
            **({"item_type": item} if item else {}),
        }

    def schema_in(self, section: str) -> dict[str, Any]:
        """The same for the section of one store, where the older names are those of the section itself."""
        older = [f"{section}/{each.split('/', 1)[1]}" for each in self.deprecated_names]
        return {**self.schema(), "group": section, "deprecated": older}


class DeprecatedRule(NamedTuple):
    """The check string that still counts beside a rule's own until the new defaults are enforced."""

    name: str
    check_str: str
    since: str | None = None


@dataclass(frozen=True)
class PolicyRule:
    """One policy rule with the default of one release (of its policy file, where policies were not yet in code)."""

    project: str
    name: str
    check_str: str
    deprecated_rule: DeprecatedRule | None = None
    deprecated_for_removal: bool = False
    scope_types: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    introduced: int = field(default=0, kw_only=True)
    removed: int | None = field(default=None, kw_only=True)


class Successor(NamedTuple):
    """What takes the place of an option that no longer does what it did; ``to`` is ``group/name`` or None."""

    project: str
    option: str
    to: str | None
    value: Any
    text: str
    source: str


@dataclass(frozen=True)
class LibraryOptions:
    """The options of libraries that one release's glance-api registers, read from the installed packages."""

    versions: dict[str, str]
    options: tuple[Option, ...]

    @functools.cached_property
    def _by_name(self) -> dict[tuple[str, str], Option]:
        return {(found.group, found.name): found for found in self.options}

    @functools.cached_property
    def groups(self) -> frozenset[str]:
        return frozenset(found.group for found in self.options)

    def option(self, group: str, name: str) -> Option | None:
        return self._by_name.get((group, name.replace("-", "_")))

    def renamed(self, group: str, name: str) -> Option | None:
        """The option which still answers to an older name, or None."""
        old = f"{group}/{name.replace('-', '_')}"
        return next((found for found in self.options if old in found.deprecated_names), None)


@functools.cache
def _data(name: str) -> dict[str, Any]:
    others = ("commands", "consumers", "enforcement", "imports", "libraries", "policy_requests", "services", "stores")
    if name not in PROJECTS and name not in others:
        raise CatalogueError(f"The release catalogue has no project {name!r}. It knows: {', '.join(PROJECTS)}.")
    source = pathlib.Path(__file__).with_name("data") / f"{name}.json"
    found: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return found


@functools.cache
def releases(project: str) -> tuple[Release, ...]:
    """Every release of the project that the catalogue knows, oldest first."""
    return tuple(_release(project, int(major), facts) for major, facts in _data(project)["releases"].items())


def _release(project: str, major: int, facts: dict[str, Any]) -> Release:
    database, policy, server = (facts.get(name) for name in ("database", "policy_defaults", "server"))
    if database:
        kinds: dict[str, Any] = {"contract": Contract, "triggers": Told, "takes": Takes}
        parts = {name: kind(**database[name]) for name, kind in kinds.items() if name in database}
        moves = tuple(map(_migration, database.get("migrations", ())))
        database = Database(**{**database, **parts, "migrations": moves})
    return Release(
        project,
        major,
        facts["series"],
        codename=facts.get("codename"),
        python=facts.get("python"),
        newest_known=facts["tag"],
        api_versions=tuple(ApiVersion(*version) for version in facts.get("api_versions", ())),
        import_methods=tuple(facts.get("import_methods", ())),
        database=database,
        policy_defaults=PolicyDefaults(**policy) if policy else None,
        server=Server(**server) if server else None,
        paste_flavors=tuple(facts.get("paste_flavors", ())),
        libraries=facts.get("libraries", {}),
    )


def _migration(facts: dict[str, Any]) -> DataMigration:
    back = facts.get("back")
    if back:
        back = MovedBack(**{**back, "releases": tuple(back["releases"]), "run": tuple(back["run"])})
    return DataMigration(**{**facts, "run": tuple(facts.get("run", ())), "back": back})


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
            exact = _at_point_release(replace(found, version=version[1]), version[1])
            return replace(exact, api_versions=tuple(ApiVersion(*each) for each in exact.api_versions))
    names = ", ".join(
        f"{found.major} {found.series}" + (f" ({found.codename})" if found.codename else "") for found in known
    )
    raise CatalogueError(
        f"{text!r} is no release of {project.capitalize()} that the catalogue knows. "
        f"Give a major number, a series name or a full version of one of: {names}."
    )


def _exact(project: str, at: int | Release) -> tuple[int, str | None]:
    """The number of a release that the catalogue knows, and the exact version if one was named; or the error."""
    if isinstance(at, Release) and at.project != project:
        raise CatalogueError(f"{at} was given where a release of {project.capitalize()} is needed.")
    found = at if isinstance(at, Release) else release(project, at)
    return found.major, found.version


@functools.cache
def _history(project: str, part: str) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """The spans of each option or policy, oldest first."""
    keys = ("group", "name") if part == "options" else ("name",)
    history: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for span in _data(project)[part]:
        history.setdefault(tuple(span[key] for key in keys), []).append(span)
    return history


def _lives(history: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The spans in unbroken rows: an option that went and came back has two."""
    rows: list[list[dict[str, Any]]] = []
    for span in history:
        if rows and rows[-1][-1]["releases"][1] == span["releases"][0] - 1:
            rows[-1].append(span)
        else:
            rows.append([span])
    return rows


def _facts(project: str, span: dict[str, Any], history: list[dict[str, Any]]) -> dict[str, Any]:
    """What a span says, lists made tuples, with the life that it belongs to."""
    life = next(row for row in _lives(history) if span in row)
    first, last = life[0]["releases"][0], life[-1]["releases"][1]
    gone = last + 1 if last < releases(project)[-1].major else None
    return {**_frozen(span), "introduced": first, "removed": gone}


def _frozen(span: dict[str, Any]) -> dict[str, Any]:
    """What a span says of an option or policy: lists made tuples, except a default, which is a value of its type."""
    return {
        key: tuple(value) if key != "default" and isinstance(value, list) else value
        for key, value in span.items()
        if key != "releases"
    }


def _option(project: str, span: dict[str, Any], history: list[dict[str, Any]]) -> Option:
    return Option(
        project, **_facts(project, span, history), renamed_to=_renames(project).get(f"{span['group']}/{span['name']}")
    )


@functools.cache
def _renames(project: str) -> dict[str, str]:
    """The newest option that answers to each older name; an option that lists its own name renames nothing."""
    found = {}
    for (group, name), history in _history(project, "options").items():
        for span in history:
            for old in span.get("deprecated_names", ()):
                if old != f"{group}/{name}":
                    found[old] = f"{group}/{name}"
    return found


def _span(history: list[dict[str, Any]], major: int) -> dict[str, Any] | None:
    return next((span for span in history if span["releases"][0] <= major <= span["releases"][1]), None)


def options(project: str, major: int | Release) -> list[Option]:
    """Every option that the release defines."""
    return list(_options(project, *_exact(project, major)))


@functools.lru_cache(maxsize=16)
def _options(project: str, major: int, version: str | None) -> tuple[Option, ...]:
    found = (
        _at_point_release(_option(project, span, history), version)
        for history in _history(project, "options").values()
        if (span := _span(history, major))
    )
    return tuple(each for each in found if each)


def option(project: str, major: int | Release, group: str, name: str) -> Option | None:
    """The option as the release defines it, or None when that release has no such option."""
    at, version = _exact(project, major)
    history = _history(project, "options").get((group, name.replace("-", "_")), [])
    span = _span(history, at)
    return _at_point_release(_option(project, span, history), version) if span else None


def store_option(major: int | Release, name: str) -> Option | None:
    """The option as a section of one store takes it, where several stores have a section each; None if it does not."""
    for group in ("<backend>", "glance_store"):
        found = option("glance", major, group, name)
        if found and (group == "<backend>" or "<backend>" in found.also_groups):
            return found
    return None


@dataclass(frozen=True)
class StoreType:
    """A type of store, as ``enabled_backends`` names it.

    ``needs`` are the ways to configure it, each a row of options that must be there. The options of ``place`` say where its
    images lie, and those of ``in_addresses`` are secrets that stand in the addresses of images as well; ``same`` are values
    of an option that mean one place. ``refused`` says of options of the driver why a store shall not have them.
    """

    name: str
    driver: str
    needs: tuple[tuple[str, ...], ...]
    place: tuple[str, ...]
    in_addresses: tuple[str, ...] = ()
    same: dict[str, list[str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    read_only: bool = False


def store_types(release: Release) -> dict[str, StoreType]:
    """The types of stores that release can have several of, by name. Raises CatalogueError for one that has a single store."""
    facts = _data("stores")
    refused = next((each for each in facts["refused"] if _spans(each["releases"], release.major)), None)
    if refused:
        raise CatalogueError(f"{release} {refused['reason']}.")
    drivers = {found.store for found in options("glance", release)}
    types = {}
    for name, each in facts["types"].items():
        if each["driver"] in drivers:
            needs = tuple(map(tuple, each["needs"]))
            lists = {key: tuple(each.get(key, ())) for key in ("place", "in_addresses")}
            types[name] = StoreType(**{**each, "name": name, "needs": needs, **lists})
    return types


@dataclass(frozen=True)
class Imports:
    """What an import of one release can do: its methods, those of them that need several stores, its plugins.

    ``before`` are pairs of plugins, the first of which must come before the second, and why.
    """

    methods: tuple[str, ...]
    several_stores_only: tuple[str, ...]
    plugins: tuple[str, ...]
    before: tuple[tuple[str, str, str], ...]


def imports(release: Release) -> Imports:
    """What an import of that release can do."""
    facts = _data("imports")
    return Imports(
        methods=release.import_methods,
        several_stores_only=tuple(facts["several_stores_only"]),
        plugins=tuple(each["name"] for each in facts["plugins"] if _spans(each["releases"], release.major)),
        before=tuple((each["first"], each["then"], each["reason"]) for each in facts["before"]),
    )


def lives(project: str, group: str, name: str) -> tuple[Option, ...]:
    """The newest definition of each life of an option, oldest first; empty for one that no release ever had."""
    history = _history(project, "options").get((group, name.replace("-", "_")), [])
    return tuple(_option(project, row[-1], history) for row in _lives(history))


def renamed(project: str, major: int | Release, group: str, name: str) -> Option | None:
    """The option of that release which still answers to an older name, or None."""
    old = f"{group}/{name.replace('-', '_')}"
    return next((found for found in _options(project, *_exact(project, major)) if old in found.deprecated_names), None)


def successor(project: str, group: str, name: str) -> Successor | None:
    """What takes the place of an option that was removed or no longer does anything, where that is known."""
    wanted = f"{group}/{name.replace('-', '_')}"
    found = next((each for each in _data(project)["successors"] if each["option"] == wanted), None)
    return Successor(project, **{"to": None, "value": None, **found}) if found else None


def nearest(project: str, major: int | Release, group: str, name: str) -> list[str]:
    """Known options, as ``group/name``, that look like the one asked for; the same group first."""
    theirs = libraries(major) if project == "glance" else None
    known = sorted(
        [*options(project, major), *(theirs.options if theirs else ())], key=lambda each: each.group != group
    )
    names = [found.name for found in known]
    close = difflib.get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.7)
    return [f"{known[names.index(each)].group}/{each}" for each in close]


def policies(project: str, major: int | Release) -> list[PolicyRule]:
    """Every policy rule that the release knows, with its default."""
    at, version = _exact(project, major)
    found = (
        _at_point_release(_policy(project, span, history), version)
        for history in _policy_history(project).values()
        if (span := _span(history, at))
    )
    return [each for each in found if each]


def policy(project: str, major: int | Release, name: str) -> PolicyRule | None:
    """The policy rule as the release defines it, or None when that release has no such rule."""
    at, version = _exact(project, major)
    history = _policy_history(project).get((name,), [])
    span = _span(history, at)
    return _at_point_release(_policy(project, span, history), version) if span else None


def policy_lives(project: str, name: str) -> tuple[PolicyRule, ...]:
    """The newest definition of each life of a policy rule, oldest first; empty for one that no release ever had."""
    history = _policy_history(project).get((name,), [])
    return tuple(_policy(project, row[-1], history) for row in _lives(history))


def nearest_policy(project: str, major: int | Release, name: str) -> list[str]:
    """Known policy rules that look like the one asked for."""
    return difflib.get_close_matches(name, [rule.name for rule in policies(project, major)], n=3, cutoff=0.7)


def _policy_history(project: str) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    return _history(project, "policies") if "policies" in _data(project) else {}


def _policy(project: str, span: dict[str, Any], history: list[dict[str, Any]]) -> PolicyRule:
    facts = _facts(project, span, history)
    old = facts.get("deprecated_rule")
    return PolicyRule(project, **{**facts, "deprecated_rule": DeprecatedRule(**old) if old else None})


def libraries(major: int | Release) -> LibraryOptions | None:
    """The libraries' options at that release of Glance; None for a release whose libraries were not read."""
    return _libraries(_exact("glance", major)[0])


@functools.cache
def _libraries(major: int) -> LibraryOptions | None:
    data = _data("libraries")
    versions = data["releases"].get(str(major))
    if versions is None:
        return None
    spans = (span for span in data["options"] if major in span["releases"])
    return LibraryOptions(versions, tuple(Option(**_frozen(span), programs=("api",)) for span in spans))


def judged_group(major: int | Release, group: str) -> bool:
    """Whether an option of this group that the catalogue does not know at that release really is unknown to it.

    Libraries share groups with Glance ([DEFAULT] most of all), so a group that any library has a part in is judged for
    those releases alone whose libraries were read.
    """
    project = major.project if isinstance(major, Release) else "glance"
    own = any(group in (found.group, *found.also_groups) for found in _options(project, *_exact(project, major)))
    theirs = libraries(major) if project == "glance" else None
    if theirs:
        return own or group in theirs.groups
    return own and (project != "glance" or group not in _shared_groups())


@functools.cache
def _shared_groups() -> frozenset[str]:
    """Every group in which a library has an option at some release; [DEFAULT] is one."""
    return frozenset(span["group"] for span in _data("libraries")["options"])


def _at_point_release(found: Any, version: str | None) -> Any:
    """Undo what changed inside a major release, when an exact earlier version was named; None if it was not there."""
    for change in _data(found.project)["point_releases"] if version else ():
        if _concerns(change, found) and _before(version or "", change["until"]):
            if "was" not in change:
                return None
            found = replace(found, **_frozen(change["was"]))
    return found


def _concerns(change: dict[str, Any], found: Option | PolicyRule | Release) -> bool:
    if isinstance(found, Release):
        return "release" in change
    if isinstance(found, PolicyRule):
        return bool(change.get("policy") == found.name)
    return bool(change.get("option") == f"{found.group}/{found.name}")


def _before(version: str, limit: str) -> bool:
    """Whether the version is an earlier point release of the same major as the limit."""
    left, right = ([*map(int, re.findall(r"\d+", text)[:3]), 0, 0][:3] for text in (version, limit))
    return left[0] == right[0] and left < right


def services() -> dict[str, Any]:
    """Usual units, programs and files of Glance's and Nova's services, per way of packaging."""
    return _data("services")


def command_calls_v1(program: str, major: int | None = None) -> bool:
    """Whether a command line tool has v1 of the Images API built in at that release, or at any when none is given."""
    rules = _data("commands").get(program, {"images_api": ()})["images_api"]
    return any(
        rule["api_version"] == 1
        and (major is None or (rule["releases"][0] or 0) <= major <= (rule["releases"][1] or major))
        for rule in rules
    )


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


@dataclass(frozen=True)
class Addresses:
    """Where one release of a service reads Glance's addresses and the CA that vouches for them, as GROUP/OPTION.

    ``servers`` hold one address, or several with commas between them. ``ca`` is one file of CA certificates.
    """

    servers: tuple[str, ...]
    ca: str


def addresses(service: str, major: int | None) -> Addresses | None:
    """The options of that release; None for a service whose options the catalogue does not know, or not without a release."""
    rows = consumers().get(service, {}).get("addresses", [])
    fitting = [row for row in rows if len(rows) == 1 or (major is not None and _spans(row["releases"], major))]
    return Addresses(tuple(fitting[0]["servers"]), fitting[0]["ca"]) if fitting else None


def address_options(service: str) -> list[str]:
    """All of these options of any release, as GROUP/OPTION."""
    rows = consumers().get(service, {}).get("addresses", [])
    return list(dict.fromkeys(name for row in rows for name in (*row["servers"], row["ca"])))


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
    ``credentials`` is what rules are told of the caller, ``request`` what context_is_admin is handed as its target.
    ``own_check_unless`` are the options that switch off the guards of the API. ``admin_role`` is the default of the option
    of that name, and ``reads_admin_role`` whether the release reads it at all. ``property_protection`` holds "service_roles"
    where the roles of a service token count there, and "own_section" where Glance adds the section for its own properties.
    """

    rules: dict[str, tuple[str, str]]
    credentials: frozenset[str]
    request: frozenset[str]
    without_file: dict[str, str] | None
    reads_admin_role: bool
    admin_role: str | None
    own_check_unless: tuple[str, ...]
    property_protection: frozenset[str]


def enforcement(release: Release) -> Enforcement:
    """How that release of Glance decides."""
    facts = {
        name: [span for span in spans if _spans(span["releases"], release.major)]
        for name, spans in _data("enforcement").items()
        if isinstance(spans, list) and name != "upstream"
    }
    return Enforcement(
        rules={rule: (span["target"], span["guard"]) for span in facts["rules"] for rule in span["rules"]},
        credentials=frozenset(name for span in facts["credentials"] for name in span["names"]),
        request=frozenset(name for span in facts["request"] for name in span["names"]),
        without_file=next((span["rules"] for span in facts["without_file"]), None),
        reads_admin_role=bool(facts["admin_role"]),
        admin_role=next((span["default"] for span in facts["admin_role"]), None),
        property_protection=frozenset(span["counts"] for span in facts["property_protection"]),
        own_check_unless=tuple(name for span in facts["own_check"] for name in span["unless"]),
    )


def _spans(releases: tuple[int | None, int | None], major: int) -> bool:
    first, last = releases
    return (first is None or major >= first) and (last is None or major <= last)


def policy_requests(release: Release) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The requests by which that release of Glance shows its policy rules, and why others of its rules cannot be tried."""
    facts = _data("policy_requests")
    kinds = enforcement(release).rules.items()
    known = {rule.name for rule in policies("glance", release)} | {name for name, how in kinds if how[0] == "unruled"}
    untried = {
        rule: each["reason"]
        for each in facts["untried"]
        for rule in each["rules"]
        if rule in known and _spans(each["releases"], release.major)
    }
    requests = [each for each in facts["requests"] if each["rule"] in known and _spans(each["releases"], release.major)]
    return requests, untried


@dataclass(frozen=True)
class UpstreamChange:
    """Decisions that a release takes otherwise than the one before, by its own defaults.

    ``rules`` are names, or patterns of them; ``tokens`` the scopes that it is about, none for all. ``switches`` are the
    options that decide as before when they are written out; where there are none, rules of the policy file do.
    """

    id: str
    release: int
    rules: tuple[str, ...]
    text: str
    notes: str
    tokens: tuple[str, ...] = ()
    switches: tuple[str, ...] = ()

    def covers(self, rule: str, token: str) -> bool:
        return token in (self.tokens or (token,)) and self._names(rule)

    def keeps(self, rule: str) -> bool:
        """Whether it is this rule of a policy file that keeps decisions as they were."""
        return not self.switches and self._names(rule)

    def _names(self, rule: str) -> bool:
        return any(fnmatch.fnmatchcase(rule, pattern) for pattern in self.rules)


def upstream_changes(from_: Release, to: Release) -> list[UpstreamChange]:
    """The named changes of decisions between two releases of Glance, in either direction."""
    first, last = sorted((from_.major, to.major))
    named: list[dict[str, Any]] = [
        {key: tuple(value) if isinstance(value, list) else value for key, value in facts.items()}
        for facts in _data("enforcement")["upstream"]
        if first < facts["release"] <= last
    ]
    return [UpstreamChange(**facts) for facts in named]
