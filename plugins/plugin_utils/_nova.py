# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Images API a Nova speaks, what to write so that it speaks another, and what would break then.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.stackops.glance.plugins.module_utils import _oslo_ini, _oslo_parse
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue

GROUP, OPTION = "glance", "use_glance_v1"

#: What a survey must bring for the functions below.
SURVEY_OPTIONS = ("glance/*", "libvirt/images_type", "DEFAULT/compute_driver", "DEFAULT/my_ip")

#: Options outside the catalogue, as every Nova that this collection knows defines them.
_IMAGES_TYPE = {"group": "libvirt", "name": "images_type", "type": "string", "default": "default", "deprecated": []}
_COMPUTE_DRIVER = {"group": "DEFAULT", "name": "compute_driver", "type": "string", "default": None, "deprecated": []}
_MY_IP = {"group": "DEFAULT", "name": "my_ip", "type": "string", "default": None, "deprecated": []}


def survey_services() -> list[dict[str, Any]]:
    """Nova's services as ``glance_host_info`` wants to be asked for them, under every packaging's unit names."""
    return [
        {
            "name": name,
            "project": facts["project"],
            "prog": facts["program"],
            "units": sorted({unit for units in facts["units"].values() for unit in units}),
            "options": list(SURVEY_OPTIONS),
        }
        for name, facts in _catalogue.services().items()
        if facts["project"] == "nova"
    ]


def dialect(oslo_config: str | None) -> Any:
    """The way of reading that the installed oslo.config has; the newest where it is not known."""
    return _oslo_parse.dialect(oslo_config or "newest")


# -- judging ----------------------------------------------------------------------------------------------------------


def judge(
    values: list[dict[str, Any]],
    environment: dict[str, str] | None,
    release: _catalogue.Release,
    oslo_config: str | None = None,
) -> dict[str, Any]:
    """Say which version of the Images API a Nova with these values speaks, and why.

    Returns ``configured`` (raw text or None), ``effective`` (bool or None), ``api_version`` (1, 2 or None), ``status``
    (honoured, default, ignored or refused), ``origin``, ``reason`` and ``release``.
    """
    rule = _catalogue.images_api("nova", release.major)
    answer = _resolve(values, environment, release, oslo_config, rule.schema or _switch())
    judged: dict[str, Any] = {
        "configured": answer["raw"],
        "effective": None,
        "api_version": None,
        "origin": answer["origin"],
        "release": {"major": release.major, "series": release.series, "version": release.version},
    }
    named = f"[{GROUP}] {OPTION}"
    if rule.schema is None:
        ignored = answer["raw"] is not None
        judged.update(status="ignored" if ignored else "default", api_version=rule.version)
        judged["reason"] = (
            f"{release} has no option {named} and speaks v{rule.version}"
            + (f"; what {answer['origin']} says is ignored." if ignored else ", whatever the files say.")
        )
    elif answer["status"] == "refused":
        judged.update(status="refused")
        judged["reason"] = (
            f"{answer['origin'] or named}: {release} refuses {named} = {answer['raw']}: "
            f"{str(answer['reason']).rstrip('.')}. Give it true or false, or remove it."
        )
    else:
        version = rule.spoken(answer["effective"])
        default = answer["status"] == "default"
        judged.update(status="default" if default else "honoured", effective=answer["effective"], api_version=version)
        judged["reason"] = (
            f"{named} is not set, and {release} has {answer['effective']} as its default, so it speaks v{version}."
            if default
            else f"{answer['origin']} sets {named} to {answer['raw']}, which {release} honours, so it speaks v{version}."
        )
    return judged


def judge_service(service: dict[str, Any], release: _catalogue.Release | None = None) -> dict[str, Any]:
    """Judge one service of a survey, by its installed release when none is given. Raises GlanceError without either."""
    return judge(service["values"], service["environment"], release or installed(service), service["oslo_config"])


def installed(service: dict[str, Any]) -> _catalogue.Release:
    """The catalogue's release of what is installed. Raises GlanceError."""
    if not service.get("release"):
        raise GlanceError(
            f"No installed {service['project'].capitalize()} was found behind {service['prog']} on this host, so nothing "
            f"tells its release. Give {service['project']}_release, a major number or a series name."
        )
    return known_release(service["project"], service["release"]["version"])


def known_release(project: str, text: str | int) -> _catalogue.Release:
    """As the catalogue's, with the collection's own exception."""
    try:
        return _catalogue.release(project, text)
    except _catalogue.CatalogueError as error:
        raise GlanceError(error.message) from error


def _switch() -> dict[str, Any]:
    """The schema of use_glance_v1, from the release that has it."""
    (rule,) = _catalogue.images_api_options("nova")
    assert rule.schema is not None
    return rule.schema


def _resolve(
    values: list[dict[str, Any]],
    environment: dict[str, str] | None,
    release: _catalogue.Release,
    oslo_config: str | None,
    schema: dict[str, Any],
) -> dict[str, Any]:
    known = [option.schema() for option in _catalogue.options("nova", release)] + [_MY_IP]
    return _oslo_ini.resolve(values, schema, environment, known, dialect(oslo_config))


# -- switching --------------------------------------------------------------------------------------------------------


def check_wanted(wanted: bool | None, release: _catalogue.Release) -> str | None:
    """Raise GlanceError where the value would be a trap; say why nothing need be written where it means nothing.

    ``wanted`` is None for an option that shall be absent, which is right on every release.
    """
    rule = _catalogue.images_api("nova", release.major)
    if wanted is None or rule.schema is not None:
        return None
    deciding = ", ".join(str(found.major) for found in _catalogue.releases("nova") if _decides(found))
    text = f"[{GROUP}] {OPTION} = {str(wanted).lower()}"
    if rule.spoken(None) == (1 if wanted else 2):
        if not wanted:
            return f"{release} speaks v{rule.version} without {text}, so nothing is written."
        hint = f"To write it for a coming release {deciding}, give nova_release: {deciding}."
        raise GlanceError(f"{text} means nothing to {release}, which speaks v{rule.version} alone. {hint}")
    hint = (
        f"To write it for a coming release {deciding}, give nova_release: {deciding}."
        if rule.version == 1
        else "Remove the option (state: absent)."
    )
    raise GlanceError(f"{text} cannot be: {release} speaks v{rule.version} and has no such option. {hint}")


def _decides(release: _catalogue.Release) -> bool:
    return _catalogue.images_api("nova", release.major).schema is not None


def edits(service: dict[str, Any], wanted: bool | None) -> list[dict[str, Any]]:
    """What to write into which file so that the service gets the value, or (None) so that nobody sets it.

    The value goes to the file that decides today, or else to the first of the service's files that does not belong to a
    package. Raises GlanceError where no file can decide.
    """
    schema = _switch()
    read = dialect(service["oslo_config"])
    setting = [value for value in service["values"] if (value["group"], value["option"]) == (GROUP, OPTION)]
    answer = _oslo_ini.resolve(service["values"], schema, service["environment"], [schema], read)
    origin = answer["origin"] or ""
    if origin.startswith("environment "):
        if wanted is not None and answer["status"] == "set" and answer["effective"] == wanted:
            return []
        raise GlanceError(
            f"{service['prog']} takes [{GROUP}] {OPTION} = {answer['raw']} from the {origin} of its unit, which "
            "overrides every file. Remove the variable from the unit, then run again."
        )
    if wanted is None:
        paths = dict.fromkeys(value["file"] for value in setting)
        return [{"path": path, "options": [{"section": GROUP, "option": OPTION, "state": "absent"}]} for path in paths]
    if answer["status"] == "set" and answer["effective"] == wanted:
        return []
    # The last one read decides, so its file is where the value must stand; the ones before it decide nothing.
    path = setting[-1]["file"] if setting else _own_file(service)
    return [{"path": path, "options": [{"section": GROUP, "option": OPTION, "value": str(wanted).lower()}]}]


def _own_file(service: dict[str, Any]) -> str:
    paths = service["config_files"] or [entry["path"] for entry in service["files"]]
    if not paths:
        raise GlanceError(
            f"No configuration file of {service['prog']} was found on this host: no unit names one, and neither its home "
            f"nor /etc/{service['project']} holds one. Give config_files."
        )
    return next((path for path in paths if not path.startswith("/usr/")), paths[0])


def merge(changes: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One list of changes out of several services' that may share files. Raises GlanceError where two disagree."""
    merged: dict[str, dict[tuple[str, str], dict[str, Any]]] = {}
    for change in (change for each in changes for change in each):
        options = merged.setdefault(change["path"], {})
        for option in change["options"]:
            before = options.setdefault((option["section"], option["option"]), option)
            if before != option:
                raise GlanceError(
                    f"{change['path']}: two services that read this file want [{option['section']}] {option['option']} "
                    f"to be different things. Give them files of their own."
                )
    return [{"path": path, "options": list(options.values())} for path, options in merged.items()]


# -- what would break -------------------------------------------------------------------------------------------------


def findings(
    service: dict[str, Any],
    release: _catalogue.Release,
    locations: dict[str, Any] | None = None,
    glance_addresses: Collection[str] = (),
) -> list[dict[str, Any]]:
    """What stands in the way of v2, or would break under it, on one Nova service of a survey.

    ``locations`` is what ``_glance_v1.locations`` says of the Glance that it talks to, None when that is not known.
    ``glance_addresses`` are the names and addresses of the Glance hosts themselves, as opposed to their balancer's.
    """
    ask = _Ask(service, release)
    return [*_api_servers(ask, glance_addresses), *_rbd(ask, locations), *_xen(ask)]


class _Ask:
    """Effective values of one service, with their places."""

    def __init__(self, service: dict[str, Any], release: _catalogue.Release) -> None:
        self.service, self.release = service, release

    def __call__(self, schema: dict[str, Any]) -> dict[str, Any]:
        service = self.service
        return _resolve(service["values"], service["environment"], self.release, service["oslo_config"], schema)

    def option(self, name: str) -> dict[str, Any] | None:
        """The answer for an option of [glance]; None where the release has no such option."""
        found = _catalogue.option("nova", self.release, GROUP, name)
        return self(found.schema()) if found else None


def finding(id_: str, severity: str, origin: str | None, message: str, remedy: str) -> dict[str, Any]:
    """One finding; ``origin`` is ``file:line`` or None."""
    path, _colon, line = (origin or "").rpartition(":")
    place = {"file": path, "line": int(line)} if path and line.isdigit() else {"file": None, "line": None}
    return {"id": id_, "severity": severity, **place, "message": message, "remedy": remedy}


def _api_servers(ask: _Ask, glance_addresses: Collection[str]) -> list[dict[str, Any]]:
    answer = ask.option("api_servers")
    if answer is None:
        return []
    # A value with a reference that cannot be followed from here is judged by its text.
    raw = answer["raw"] if isinstance(answer["raw"], str) else ""
    servers = answer["effective"] if answer["status"] != "refused" else [part.strip() for part in raw.split(",")]
    servers = [server for server in servers or [] if server]
    found = []
    if not servers and not ask.option("host") and not ask.option("endpoint_override"):
        found.append(
            finding(
                "nova-api-servers-unset",
                "blocker",
                answer["origin"],
                f"[{GROUP}] api_servers is not set, and {ask.release} has no other way to find Glance.",
                f"Set [{GROUP}] api_servers to Glance's address with a scheme and without a version.",
            )
        )
    for server in servers:
        if "://" not in server:
            found.append(
                finding(
                    "nova-api-servers-scheme",
                    "blocker",
                    answer["origin"],
                    f"[{GROUP}] api_servers names {server} without a scheme; newer releases of Nova refuse that.",
                    f"Write http://{server} or https://{server}.",
                )
            )
        version = re.search(r"/v[12](?:\.\d+)?/?$", server)
        if version:
            found.append(
                finding(
                    "nova-api-servers-version",
                    "blocker",
                    answer["origin"],
                    f"[{GROUP}] api_servers names {server}, with a version of the API in it.",
                    f"Write {server[: version.start()]}; Nova adds the version that it speaks.",
                )
            )
    retries = ask.option("num_retries")
    hosts = {urlsplit(server if "://" in server else f"//{server}").hostname for server in servers}
    direct = sorted(host for host in hosts if host and host in glance_addresses)
    if direct and retries and retries["effective"] == 0:
        found.append(
            finding(
                "nova-api-servers-direct",
                "warning",
                answer["origin"],
                f"[{GROUP}] api_servers names Glance hosts themselves ({', '.join(direct)}) and num_retries is 0: no "
                "balancer drains them, and a request that meets a restarting Glance fails.",
                f"Let api_servers name the balancer, or set [{GROUP}] num_retries to the number of hosts or more.",
            )
        )
    return found


def _rbd(ask: _Ask, locations: dict[str, Any] | None) -> list[dict[str, Any]]:
    answer = ask(_IMAGES_TYPE)
    if answer["effective"] != "rbd" or (locations and locations["sufficient"]):
        return []
    missing = "; ".join(locations["missing"]) if locations else "it is not known whether Glance allows that"
    return [
        finding(
            "nova-rbd-locations",
            "blocker" if locations else "warning",
            answer["origin"],
            "[libvirt] images_type is rbd, and under v2 a snapshot on Ceph is handed to Glance as a location, which v1 "
            f"allowed to everybody: {missing}.",
            "Set show_multiple_locations to true in Glance, on an endpoint that only services reach, and let the "
            "policies get_image_location, set_image_location and delete_image_location pass for Nova's user.",
        )
    ]


def _xen(ask: _Ask) -> list[dict[str, Any]]:
    answer = ask(_COMPUTE_DRIVER)
    if not re.match(r"(nova\.virt\.)?xenapi\b", str(answer["effective"])):
        return []
    return [
        finding(
            "nova-xen-plugin",
            "warning",
            answer["origin"],
            "The Xen driver fetches images through a plugin in dom0, which speaks v2 from plugin version 1.4 on.",
            "In dom0, look for PLUGIN_VERSION in /etc/xapi.d/plugins/nova_plugin_version; below 1.4, install the plugins "
            f"that came with {ask.release} before the flip.",
        )
    ]
