# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which versions of the Images API a Glance offers, how to change that, and who needs its registry.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue. ``services`` are the Glance services of
one host, by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change, Service

V1_API, V2_API, V1_REGISTRY = "enable_v1_api", "enable_v2_api", "enable_v1_registry"

#: The driver with which glance-api asks the registry for everything, v2 included.
REGISTRY_DRIVER = "glance.db.registry.api"

#: Programs that use the registry's client where the release still gives that client its options, and what the catalogue
#: calls them among the programs that read an option.
_CLIENTS = {"glance-scrubber": "scrubber", "glance-cache-prefetcher": "cache"}


def judge(services: Mapping[str, Service], release: _catalogue.Release) -> dict[str, Any]:
    """Say which versions this host's Glance offers and who needs its registry, v1 itself left aside.

    Returns ``v1``, ``v2``, ``registry`` (its units that run or would at boot), ``registry_needed_by`` (a list of
    reasons), ``v1_needed_by`` (Glance's own programs that call v1), ``origin`` and ``reason`` (of v1), and ``release``.
    Raises GlanceError for a value that Glance refuses.
    """
    api = program(services, "glance-api")
    if api is None:
        raise GlanceError("glance-api is not among the services of this host. Name its unit or its config_files.")
    v1, origin, reason = _offered(api, release, "v1", V1_API)
    v2, _origin, _reason = _offered(api, release, "v2", V2_API)
    return {
        "v1": v1,
        "v2": v2,
        "registry": _registry_units(services),
        "registry_needed_by": needed_by(services, release),
        "v1_needed_by": _v1_callers(services, release) if v1 else [],
        "origin": origin,
        "reason": reason,
        "release": str(release),
    }


def program(services: Mapping[str, Service], prog: str) -> Service | None:
    return next((service for service in services.values() if service["prog"] == prog), None)


def _offered(api: Service, release: _catalogue.Release, version: str, name: str) -> tuple[bool, str | None, str]:
    """Whether the release has the version and the option lets it through; where that is said, and a sentence."""
    if not any(each.version.startswith(version[1:] + ".") for each in release.api_versions):
        return False, None, f"{release} has no {version}."
    option = _catalogue.option("glance", release, "DEFAULT", name)
    if option is None:
        return True, None, f"{release} always offers {version}."
    answer = _service.resolve(api, option.schema(), release)
    if answer["status"] == "refused":
        raise GlanceError(
            f"{release} refuses [DEFAULT] {name} = {answer['raw']}, and does not start with it: "
            f"{str(answer['reason']).rstrip('.')}. Give it true or false, or remove it."
        )
    where = f"{answer['origin']} sets" if answer["origin"] else "the default leaves"
    state = "on" if answer["effective"] else "off"
    return bool(answer["effective"]), answer["origin"], f"{where} [DEFAULT] {name} {state}."


# -- the registry -----------------------------------------------------------------------------------------------------


def _registry_units(services: Mapping[str, Service]) -> list[str]:
    registry = program(services, "glance-registry")
    return [unit["name"] for unit in (registry or {"units": []})["units"] if _alive(unit)]


def _alive(unit: dict[str, Any]) -> bool:
    """Whether a unit runs, or will run again by itself."""
    return (
        unit["active_state"] in ("active", "activating", "reloading")
        or unit["unit_file_state"].startswith("enabled")
        or bool(unit["triggered_by"])
    )


def needed_by(services: Mapping[str, Service], release: _catalogue.Release) -> list[str]:
    """Who asks the registry, apart from the v1 API: programs of this host, which may ask a registry elsewhere."""
    return [*_driver_users(services, release), *_client_users(services, release)]


def _driver_users(services: Mapping[str, Service], release: _catalogue.Release) -> list[str]:
    data_api = _catalogue.option("glance", release, "DEFAULT", "data_api")
    found = []
    for service in services.values():
        used = service["prog"] == "glance-api" or any(_alive(unit) for unit in service["units"])
        if data_api is None or service["prog"] == "glance-registry" or not used:
            continue
        answer = _service.resolve(service, data_api.schema(), release)
        if answer["effective"] == REGISTRY_DRIVER:
            found.append(f"{service['prog']} has data_api = {REGISTRY_DRIVER} ({answer['origin']})")
    return found


def _client_users(services: Mapping[str, Service], release: _catalogue.Release) -> list[str]:
    """Programs that ask the registry's own v1 as long as the release gives them an address for it."""
    host = _catalogue.option("glance", release, "DEFAULT", "registry_host")
    found = []
    for name, reader in _CLIENTS.items():
        if host is None or reader not in host.programs:
            continue
        own = [service for service in services.values() if service["prog"] == name]
        units = [unit["name"] for service in own for unit in service["units"] if _alive(unit)]
        found += [f"{name} asks it ({place})" for place in units + _crons(services, name)]
    return found


def _crons(services: Mapping[str, Service], prog: str) -> list[str]:
    crons = [cron for service in services.values() for cron in service["crons"] if cron["program"] == prog]
    return sorted({f"{cron['file']}:{cron['line']}" for cron in crons})


def _v1_callers(services: Mapping[str, Service], release: _catalogue.Release) -> list[str]:
    crons = [cron for service in services.values() for cron in service["crons"]]
    places = {
        f"{cron['program']} calls it ({cron['file']}:{cron['line']})"
        for cron in crons
        if cron.get("calls_v1") or _catalogue.command_calls_v1(cron["program"], release.major)
    }
    return sorted(places)


def retire(services: Mapping[str, Service], judged: Mapping[str, Any]) -> list[str]:
    """Units of the registry to stop and disable once v1 is off; none while something else needs it."""
    return [] if judged["registry_needed_by"] else list(judged["registry"])


# -- changing ---------------------------------------------------------------------------------------------------------


def edits(
    services: Mapping[str, Service],
    release: _catalogue.Release | None = None,
    *,
    v1: bool | None = None,
    v2: bool | None = None,
    registry: bool | None = None,
) -> list[Change]:
    """What to write so that Glance offers these versions; None leaves one as it is.

    ``registry`` is the registry's own v1 API. A version that the release lacks is off already; to turn it on raises
    GlanceError, as does turning off both.
    """
    api = program(services, "glance-api")
    if api is None:
        raise GlanceError("glance-api is not among the services of this host. Name its unit or its config_files.")
    release = release or _service.installed(api)
    changes = [_edit(api, release, V1_API, v1, "v1"), _edit(api, release, V2_API, v2, "v2")]
    own_registry = program(services, "glance-registry")
    if own_registry is not None and own_registry["units"]:
        changes.append(_edit(own_registry, release, V1_REGISTRY, registry, "v1"))
        _check_registry(services, release, v1, registry)
    if False in (v1, v2) and not any(
        _offered(api, release, version, name)[0] if wanted is None else wanted
        for version, name, wanted in (("v1", V1_API, v1), ("v2", V2_API, v2))
    ):
        raise GlanceError(f"{release} would offer neither v1 nor v2 of the Images API. Leave one of them on.")
    return _service.merge(changes)


def _check_registry(
    services: Mapping[str, Service], release: _catalogue.Release, v1: bool | None, registry: bool | None
) -> None:
    """Refuse to cut off those who ask the registry of this host. Raises GlanceError."""
    option = _catalogue.option("glance", release, "DEFAULT", V1_REGISTRY)
    if option is None or registry or (registry is None and not v1):
        return
    api, own = program(services, "glance-api"), program(services, "glance-registry")
    if registry is None and own and _service.resolve(own, option.schema(), release)["effective"] is not False:
        return
    askers = _client_users(services, release)
    if v1 or (v1 is None and api and _offered(api, release, "v1", V1_API)[0]):
        askers = [f"the v1 API of {release} asks it for everything", *askers]
    if askers:
        raise GlanceError(
            f"[DEFAULT] {V1_REGISTRY} must be true for glance-registry on this host: {'; '.join(askers)}. "
            "Turn it on as well, or retire these first."
        )


def _edit(service: Service, release: _catalogue.Release, name: str, wanted: bool | None, version: str) -> list[Change]:
    if wanted is None:
        return []
    has_version = any(each.version.startswith(version[1:] + ".") for each in release.api_versions)
    option = _catalogue.option("glance", release, "DEFAULT", name)
    if wanted and not has_version:
        having = [
            str(each.major)
            for each in _catalogue.releases("glance")
            if any(offered.version.startswith(version[1:] + ".") for offered in each.api_versions)
        ]
        raise GlanceError(
            f"[DEFAULT] {name} = true cannot be: {release} has no {version}. Releases that have it: {', '.join(having)}."
        )
    if option is None and not wanted and has_version:
        raise GlanceError(f"[DEFAULT] {name} = false cannot be: {release} always offers {version}.")
    if option is None or not has_version:
        return []
    if _service.resolve(service, option.schema(), release)["effective"] is wanted:
        return []
    return _service.change(service, option.schema(), wanted)
