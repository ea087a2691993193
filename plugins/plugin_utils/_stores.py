# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several stores: what to write so that a Glance has them, and which images it could no longer read.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue.

How images that are there find their store (glance/common/store_utils.py, from 19 on): whenever an image is looked at and
one of its locations names no store, or one that is not in ``enabled_backends``, Glance takes the first store of the
location's scheme whose place the address begins with, and writes its id into the location. So the place of every old
store has to be the place of a new one, to the letter.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils import _files, _oslo_ini, _oslo_types
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Option, Release, StoreType
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import STORES, View
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change, Service

SINGLE = "glance_store"
STAGING, TASKS = "os_glance_staging_store", "os_glance_tasks_store"
DIRECTORY = "filesystem_store_datadir"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Store:
    """One store as it was asked for; an option of None is to go."""

    name: str
    type: StoreType
    options: dict[str, str | None]
    secrets: dict[str, str]

    @property
    def section(self) -> str:
        """The section as oslo.config compares it."""
        return self.name.lower()


@dataclass(frozen=True)
class Decision:
    """What to write, and what is so afterwards. ``taken_over`` are options that came from the single store, per store."""

    changes: list[Change]
    migrated: bool
    taken_over: dict[str, list[str]]
    directories: list[str]
    places: dict[str, dict[str, str]]


@dataclass(frozen=True)
class _Place:
    """Where images lie today. ``id`` is the store, or the type of a single one; ``said`` is where that is configured."""

    id: str
    type: StoreType | None
    values: dict[str, str]
    said: str
    single: bool = True

    def lies_in(self, kind: StoreType, values: Mapping[str, str]) -> bool:
        """Whether a store would find the images by their addresses. Secrets in those of another store cannot be compared."""
        return self.type == kind and self.values == values and (self.single or not kind.in_addresses)

    @property
    def query(self) -> str:
        if self.single:
            return f"value LIKE '{self.type.name if self.type else self.id}%'"
        return f'meta_data LIKE \'%"store": "{self.id}"%\''


@dataclass
class _Edits:
    """Changes as they come together: those that a survey may see, and those with secrets in them."""

    service: Service
    release: Release
    open: list[list[Change]] = field(default_factory=list)
    closed: list[list[Change]] = field(default_factory=list)

    def give(self, schema: dict[str, Any], wanted: Any, text: str | None = None) -> None:
        self.open.append(_service.give(self.service, schema, wanted, self.release, text, self.home))

    def put(self, schema: dict[str, Any], wanted: Any, text: str | None = None) -> None:
        """Also where it is the default: what a store has is to be read in its section."""
        self.open.append(_service.change(self.service, schema, wanted, text, self.home))

    @property
    def home(self) -> str:
        """The API's own file, also where another file, of imports say, is read before it."""
        paths = self.service["config_files"]
        return next((path for path in paths if path.endswith("/glance-api.conf")), _service.own_file(self.service))


def decide(service: Service, release: Release, arguments: Mapping[str, Any]) -> Decision:
    """What to write so that the service has these stores and no others. Raises GlanceError."""
    types = _catalogue.store_types(release)
    stores = [_described(given, types, release) for given in arguments["stores"]]
    _refuse_names(stores, arguments["default_backend"], release)
    before = View(service, release)
    edits = _Edits(service, release)
    wanted = {store.name: store.type.name for store in stores}
    _option(edits, "DEFAULT", "enabled_backends", wanted, ",".join(map(":".join, wanted.items())))
    _option(edits, SINGLE, "default_backend", arguments["default_backend"])
    single = not before.backends
    taken_over: dict[str, list[str]] = {}
    if single:
        for name in ("stores", "default_store"):
            _option(edits, SINGLE, name, None)
        taken_over = _take_over(before, stores, edits)
    for store in stores:
        _store_options(store, edits)
    _reserved(before, edits, arguments, single)
    _option(edits, "DEFAULT", "worker_self_reference_url", arguments["worker_self_reference_url"], only_given=True)
    after = View(_service.after(service, _service.merge(edits.open)), release)
    places = {store.name: _values(after, store.section, store.type) for store in stores}
    _refuse_values(after, stores)
    _refuse_missing(after, stores)
    directories = _directories(after, stores, single)
    _refuse_losses(_old_places(before, types), stores, places, arguments["accept_unreachable"])
    changes = _service.merge([*edits.open, *edits.closed])
    return Decision(changes, single, taken_over, directories, places)


# -- what was asked for -----------------------------------------------------------------------------------------------


def _described(given: Mapping[str, Any], types: Mapping[str, StoreType], release: Release) -> Store:
    name, kind = given["name"], given["type"]
    if not _NAME.fullmatch(name):
        raise GlanceError(
            f"The store {name!r} has a name that enabled_backends cannot hold. Use letters, digits, '_', '-'."
        )
    if kind not in types:
        raise GlanceError(
            f"The store {name} is of type {kind}, which {release} cannot have among several. Types: {', '.join(types)}."
        )
    options: dict[str, Any] = {**(given["options"] or {})}
    for argument, option in (("description", "store_description"), ("weight", "weight")):
        if given[argument] is not None:
            options[option] = given[argument]
    secrets = given["secrets"] or {}
    for option in [*options, *secrets]:
        _refuse_option(option, name, types[kind], release)
        if option in options and _files.is_secret(option):
            raise GlanceError(f"The store {name}: {option} is a secret. Give it in secrets, which are shown nowhere.")
    return Store(
        name,
        types[kind],
        {option: None if value is None else _text(value) for option, value in options.items()},
        {option: str(value) for option, value in secrets.items() if value is not None},
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def _own_options(release: Release, kind: StoreType) -> dict[str, Option]:
    """The options that the section of such a store takes."""
    names = {option.name for option in _catalogue.options("glance", release) if option.store in (kind.driver, _ANY)}
    found = {name: option for name in sorted(names) if (option := _catalogue.store_option(release, name))}
    return {name: option for name, option in found.items() if option.store in (kind.driver, _ANY)}


#: What the catalogue says of options that every store has.
_ANY = "multi-per-backend"


def _refuse_option(name: str, store: str, kind: StoreType, release: Release) -> None:
    if name in kind.refused:
        raise GlanceError(f"The store {store}: {name} is refused: {kind.refused[name]}.")
    own = _own_options(release, kind)
    if name in own:
        return
    for life in (*_catalogue.lives("glance", "<backend>", name), *_catalogue.lives("glance", SINGLE, name)):
        if life.introduced > release.major and life.store in (kind.driver, _ANY):
            since = _catalogue.release("glance", life.introduced)
            raise GlanceError(f"The store {store}: {release} has no {name}, which came with {since}. Leave it out.")
    near = difflib.get_close_matches(name, own, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]}?" if near else f"Its options are: {', '.join(own)}."
    raise GlanceError(f"The store {store}: stores of type {kind.name} have no option {name} in {release}. {hint}")


def _refuse_names(stores: Sequence[Store], default: str, release: Release) -> None:
    if not stores:
        raise GlanceError("No stores are given. Name those that Glance shall have.")
    libraries = _catalogue.libraries(release)
    known = [*_catalogue.options("glance", release), *(libraries.options if libraries else ())]
    groups = {option.group.lower() for option in known}
    for store in stores:
        if [other.section for other in stores].count(store.section) > 1:
            raise GlanceError(f"The store {store.name} is given twice; names differ by more than upper and lower case.")
        if store.section.startswith("os_glance_"):
            raise GlanceError(
                f"The store {store.name}: names that begin with os_glance_ are Glance's own. Choose another."
            )
        if store.section in groups:
            raise GlanceError(
                f"The store {store.name}: [{store.section}] is a section of Glance's own. Choose another name."
            )
    chosen = next((store for store in stores if store.name == default), None)
    if chosen is None:
        raise GlanceError(
            f"default_backend is {default}, which is none of {', '.join(store.name for store in stores)}."
        )
    if chosen.type.read_only:
        raise GlanceError(f"default_backend is {default}, and stores of type {chosen.type.name} can only be read.")


# -- what to write ----------------------------------------------------------------------------------------------------


def _option(
    edits: _Edits, group: str, name: str, wanted: Any, text: str | None = None, only_given: bool = False
) -> None:
    """An option outside the sections of stores; with ``only_given``, one that None leaves as it is."""
    if only_given and wanted is None:
        return
    option = _catalogue.option("glance", edits.release, group, name)
    if option is not None:
        edits.give(option.schema(), wanted, text) if wanted is not None else edits.put(option.schema(), None)
    elif wanted is not None:
        lives = _catalogue.lives("glance", group, name)
        since = f" It came with {_catalogue.release('glance', lives[0].introduced)}." if lives else ""
        raise GlanceError(f"{edits.release} has no [{group}] {name}.{since} Leave it out.")


def _store_options(store: Store, edits: _Edits) -> None:
    own = _own_options(edits.release, store.type)
    dialect = _oslo_ini.dialect(edits.service.get("oslo_config") or "newest")
    for name, text in store.options.items():
        schema = own[name].schema_in(store.section)
        try:
            wanted = None if text is None else _oslo_types.convert(schema, text, dialect)
        except ValueError as error:
            raise GlanceError(
                f"The store {store.name}: {name} = {text} is refused: {str(error).rstrip('.')}."
            ) from error
        edits.put(schema, wanted, text)
    for name, secret in store.secrets.items():
        there = [value for value in edits.service["assignments"] if _key(value) == (store.section, name)]
        change = {"section": store.section, "option": name, "secret_value": secret, "literal": True}
        edits.closed.append([{"path": there[-1]["file"] if there else edits.home, "options": [change]}])


def _key(value: Mapping[str, Any]) -> tuple[str, str]:
    return value["group"], value["option"]


def _take_over(view: View, stores: Sequence[Store], edits: _Edits) -> dict[str, list[str]]:
    """Move what the single store had into the section of the store in its place, so that addresses stay the same.

    Values move on the host, secrets among them. What the new store is given itself counts instead.
    """
    taken: dict[str, list[str]] = {}
    for store in _heirs(view, stores):
        own = _own_options(view.release, store.type)
        for name in own:
            setting = view.values.get((SINGLE, name), [])
            given = name in store.options or name in store.secrets
            if not setting:
                continue
            origin = f"{setting[-1]['file']}:{setting[-1]['line']}"
            there = (store.section, name) in view.values
            if name in store.type.in_addresses and (given or there):
                where = f"[{store.section}] has it already" if there else "secrets has it as well"
                raise GlanceError(
                    f"The store {store.name} takes {name} over from [{SINGLE}] ({origin}), since it is a part of the "
                    f"addresses of images that are there; {where}, and whether they are the same cannot be seen. Leave it "
                    "out this time; it stays as it is."
                )
            if given or there:
                edits.open.append(_service.change(edits.service, {"group": SINGLE, "name": name, **_PLAIN}, None))
                continue
            renamed = {"section": store.section, "option": name, "renamed_from": f"{SINGLE}/{name}"}
            edits.open.append([{"path": setting[-1]["file"], "options": [renamed]}])
            taken.setdefault(store.name, []).append(name)
    return taken


_PLAIN: dict[str, Any] = {"type": "string", "default": None, "deprecated": []}


def _heirs(view: View, stores: Sequence[Store]) -> Iterator[Store]:
    """For each type of the single-store deployment, the first store that can lie where its images lie."""
    for driver in dict.fromkeys(STORES.get(name, name) for name in view.stores):
        for store in stores:
            if any((SINGLE, name) in view.values for name in store.type.refused):
                continue
            old = _values(view, SINGLE, store.type)
            if store.type.driver == driver and all(
                _same(store.type, name, wanted) == old[name]
                for name in store.type.place
                if (wanted := store.options.get(name, view.raw(store.section, name))) is not None
            ):
                yield store
                break


def _reserved(before: View, edits: _Edits, arguments: Mapping[str, Any], single: bool) -> None:
    staging = arguments["staging_datadir"]
    if staging is None and single and (STAGING, DIRECTORY) not in before.values:
        # Images that are staged but not imported yet stay where they are.
        uri = str(before.effective("DEFAULT", "node_staging_uri") or "")
        if before.is_set("DEFAULT", "node_staging_uri") and uri.startswith("file://"):
            staging = uri.removeprefix("file://").rstrip("/")
    _option(edits, STAGING, DIRECTORY, staging, only_given=True)
    _option(edits, TASKS, DIRECTORY, arguments["tasks_datadir"], only_given=True)


# -- what may not be --------------------------------------------------------------------------------------------------


def _refuse_values(after: View, stores: Sequence[Store]) -> None:
    """As far as that can be seen: what refers to something unknown, for one."""
    for store in stores:
        for name in store.options:
            answer = after.answer(store.section, name)
            if answer is not None and answer["status"] == "refused":
                reason = _service.unnumbered(str(answer["reason"]).rstrip("."))
                raise GlanceError(f"The store {store.name}: {name} = {store.options[name]} is refused: {reason}.")


def _refuse_missing(after: View, stores: Sequence[Store]) -> None:
    for store in stores:
        rows = [[name for name in row if not _has(after, store, name)] for row in store.type.needs]
        if all(rows):
            # The way on which most is there already.
            had = [len(row) - len(lacks) for row, lacks in zip(store.type.needs, rows, strict=True)]
            lacking = ", ".join(rows[had.index(max(had))])
            raise GlanceError(
                f"The store {store.name} of type {store.type.name} lacks {lacking}: Glance would start and not be "
                "able to write to it. Give them in options, or in secrets where they are secret."
            )


def _has(after: View, store: Store, name: str) -> bool:
    return name in store.secrets or bool(after.raw(store.section, name))


def _directories(after: View, stores: Sequence[Store], single: bool) -> list[str]:
    """The directories of file stores and the reserved ones, each alone. Raises GlanceError."""
    sections = {store.name: store.section for store in stores if store.type.driver == "filesystem"}
    sections |= {name: name for name in (STAGING, TASKS)}
    found = {name: str(after.effective(section, DIRECTORY)).rstrip("/") for name, section in sections.items()}
    for one, inner in found.items():
        for other, outer in found.items():
            if one == other:
                continue
            if f"{inner}/".startswith(f"{outer}/"):
                raise GlanceError(
                    f"The stores {one} ({inner}) and {other} ({outer}) share a directory. Each needs one of its own, outside "
                    "the others."
                )
            if single and inner.startswith(outer):
                raise GlanceError(
                    f"The directory of {one}, {inner}, begins like that of {other}, {outer}. Glance gives images that are "
                    "there to the first store whose directory their address begins with, letter by letter. Choose another."
                )
    return list(found.values())


# -- images that are there --------------------------------------------------------------------------------------------


def _same(kind: StoreType, name: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value).rstrip("/")
    return kind.same[name][0] if text in kind.same.get(name, ()) else text


def _values(view: View, section: str, kind: StoreType) -> dict[str, str]:
    found = {}
    for name in kind.place:
        option = _catalogue.store_option(view.release, name)
        answer = view.answer(section, name)
        value = answer["effective"] if answer else option.default if option else None
        found[name] = _same(kind, name, value)
    return found


def _old_places(view: View, types: Mapping[str, StoreType]) -> Iterator[_Place]:
    if view.backends:
        raw = view.raw("DEFAULT", "enabled_backends")
        place = view.place("DEFAULT", "enabled_backends")
        names = [part.partition(":")[0].strip() for part in str(raw).strip("{} ").split(",")]
        for name in names:
            kind = types.get(view.backends.get(name.lower(), ""))
            where = f"{place.file}:{place.line}" if place.file else "the environment of the unit"
            said = f"[DEFAULT] enabled_backends ({where}) has the store {name}:{view.backends.get(name.lower())}"
            yield _Place(name, kind, _values(view, name.lower(), kind) if kind else {}, said, single=False)
        return
    for driver in dict.fromkeys(STORES.get(name, name) for name in view.stores):
        kind = next((each for each in types.values() if each.driver == driver), None)
        if kind is None:
            yield _Place(driver, None, {}, f"{_told(view, 'stores')} holds {driver}")
        elif driver == "filesystem" and (SINGLE, "filesystem_store_datadirs") in view.values:
            for value in view.values[SINGLE, "filesystem_store_datadirs"]:
                path, _colon, priority = str(value["raw"]).rpartition(":")
                path = (path if priority.strip().isdigit() and path else value["raw"]).strip()
                said = f"[{SINGLE}] filesystem_store_datadirs = {value['raw']} ({value['file']}:{value['line']})"
                yield _Place(kind.name, kind, {DIRECTORY: path.rstrip("/")}, said)
        else:
            said = ", ".join(_told(view, name) for name in kind.place[:1]) or f"{_told(view, 'stores')} holds {driver}"
            yield _Place(kind.name, kind, _values(view, SINGLE, kind), said)


def _told(view: View, name: str) -> str:
    """An option of the single store as it is found, with its place."""
    place = view.place(SINGLE, name)
    value = view.effective(SINGLE, name)
    where = f"{place.file}:{place.line}" if place.file else "by default"
    return f"[{SINGLE}] {name} = {_text(value) if value is not None else ''} ({where})"


def _refuse_losses(
    old: Iterator[_Place], stores: Sequence[Store], new: Mapping[str, dict[str, str]], accepted: Sequence[str]
) -> None:
    """Refuse to leave images behind. A file, a volume or an object stays where it is, but nothing would read it."""
    for place in old:
        kept = next((store for store in stores if store.name == place.id and not place.single), None)
        if place.id in accepted or (kept and place.type == kept.type):
            continue
        if any(place.lies_in(store.type, new[store.name]) for store in stores):
            continue
        raise GlanceError(
            f"{place.said}, and no store of the new list has its images: those whose only copy lies there could not be read "
            f"any more. Give a store of that type{' and place' if place.values else ''}. Where nothing lies there, or where "
            f"that is meant, give accept_unreachable: [{place.id}]; nothing is deleted. What lies there the database "
            f"knows: SELECT image_id FROM image_locations WHERE deleted = 0 AND {place.query}."
        )
