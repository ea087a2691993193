# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Images API a Nova speaks, what to write so that it speaks another, and what would break then.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue, _service
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change, Service, finding

GROUP, OPTION = "glance", "use_glance_v1"

#: Options outside the catalogue, as every Nova that this collection knows defines them.
_IMAGES_TYPE = {"group": "libvirt", "name": "images_type", "type": "string", "default": "default", "deprecated": []}
_COMPUTE_DRIVER: dict[str, Any] = {
    "group": "DEFAULT",
    "name": "compute_driver",
    "type": "string",
    "default": None,
    "deprecated": [],
}


# -- judging ----------------------------------------------------------------------------------------------------------


def judge(
    values: list[dict[str, Any]],
    environment: dict[str, str] | None,
    release: _catalogue.Release,
    oslo_config: str | None = None,
) -> dict[str, Any]:
    """Say which version of the Images API a Nova with these values speaks, and why.

    Returns ``configured`` (raw text or None), ``effective`` (bool or None), ``api_version`` (1, 2 or None), ``status``
    (honoured, default, ignored or refused), ``origin``, ``reason`` and ``release``. ``oslo_config`` is the version that
    reads the files, as a survey names it: older ones know no environment.
    """
    rule = _catalogue.images_api("nova", release.major)
    service = {"assignments": values, "environment": environment or {}, "oslo_config": oslo_config}
    answer = _service.resolve(service, rule.schema or _switch(), release)
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
        judged["reason"] = f"{release} has no option {named} and speaks v{rule.version}" + (
            f"; what {answer['origin']} says is ignored." if ignored else ", whatever the files say."
        )
    elif answer["status"] == "refused":
        judged.update(status="refused")
        judged["reason"] = (
            f"{release} refuses {named} = {answer['raw']}, and does not start with it: "
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


def judge_service(service: Service, release: _catalogue.Release | None = None) -> dict[str, Any]:
    """Judge one service of a survey, by its installed release when none is given. Raises GlanceError without either."""
    release = release or _service.installed(service)
    return judge(service["assignments"], service["environment"], release, service["oslo_config"])


def _switch() -> dict[str, Any]:
    """The schema of use_glance_v1, from the release that has it."""
    (rule,) = _catalogue.images_api_options("nova")
    return rule.schema or {}


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


def wanted_value(text: str | bool | None) -> bool | None:
    """``true``, ``false`` or ``absent`` (None), as playbooks spell them. Raises GlanceError."""
    values = {"true": True, "false": False, "absent": None, "none": None}
    if str(text).lower() not in values:
        raise GlanceError(f"{text!r} is no value for [{GROUP}] {OPTION}. Give true or false, or state: absent.")
    return values[str(text).lower()]


def edits(service: Service, wanted: str | bool | None) -> list[Change]:
    """What to write into which file so that the service gets the value, or (``absent``) so that no file sets it."""
    return _service.change(service, _switch(), wanted_value(wanted))


# -- what would break -------------------------------------------------------------------------------------------------


def findings(
    service: Service, release: _catalogue.Release, glance_addresses: Collection[str] = ()
) -> list[dict[str, Any]]:
    """What stands in the way of v2, or would break under it, on one Nova service of a survey.

    ``glance_addresses`` are the names and addresses of the Glance hosts themselves, as opposed to their balancer's.
    """
    return [*_api_servers(service, release, glance_addresses), *_xen(service, release)]


def rbd_backed(service: Service) -> bool:
    """Whether its disks lie in Ceph: then a snapshot reaches Glance as a location, which v2 must be told to allow."""
    return bool(_service.resolve(service, _IMAGES_TYPE)["effective"] == "rbd")


def _ask(service: Service, release: _catalogue.Release, name: str) -> dict[str, Any] | None:
    """The answer for an option of [glance]; None where the release has no such option."""
    option = _catalogue.option("nova", release, GROUP, name)
    return _service.resolve(service, option.schema(), release) if option else None


def _api_servers(
    service: Service, release: _catalogue.Release, glance_addresses: Collection[str]
) -> list[dict[str, Any]]:
    answer = _ask(service, release, "api_servers")
    if answer is None:
        return []
    # A value with a reference that cannot be followed from here is judged by its text.
    raw = answer["raw"] if isinstance(answer["raw"], str) else ""
    servers = answer["effective"] if answer["status"] != "refused" else [part.strip() for part in raw.split(",")]
    servers = [server for server in servers or [] if server]
    found = []
    if not servers and not any(_ask(service, release, name) for name in ("host", "endpoint_override")):
        found.append(
            finding(
                "nova_api_servers_unset",
                "blocker",
                answer["origin"],
                f"[{GROUP}] api_servers is not set, and {release} has no other way to find Glance.",
                f"Set [{GROUP}] api_servers to Glance's address with a scheme and without a version.",
            )
        )
    for server in servers:
        if "://" not in server:
            found.append(
                finding(
                    "nova_api_servers_scheme",
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
                    "nova_api_servers_version",
                    "blocker",
                    answer["origin"],
                    f"[{GROUP}] api_servers names {server}, with a version of the API in it.",
                    f"Write {server[: version.start()]}; Nova adds the version that it speaks.",
                )
            )
    retries = _ask(service, release, "num_retries")
    hosts = {_host(server) for server in servers}
    direct = sorted(host for host in hosts if host and host in glance_addresses)
    if direct and retries and retries["effective"] == 0:
        found.append(
            finding(
                "nova_api_servers_direct",
                "warning",
                answer["origin"],
                f"[{GROUP}] api_servers names Glance hosts themselves ({', '.join(direct)}) and num_retries is 0: no "
                "balancer drains them, and a request that meets a restarting Glance fails.",
                f"Let api_servers name the balancer, or set [{GROUP}] num_retries to the number of hosts or more.",
            )
        )
    return found


def _host(server: str) -> str | None:
    try:
        return urlsplit(server if "://" in server else f"//{server}").hostname
    except ValueError:  # brackets that do not pair
        return None


def _xen(service: Service, release: _catalogue.Release) -> list[dict[str, Any]]:
    answer = _service.resolve(service, _COMPUTE_DRIVER)
    if not re.match(r"(nova\.virt\.)?xenapi\b", str(answer["effective"])):
        return []
    return [
        finding(
            "nova_xen_plugin",
            "warning",
            answer["origin"],
            "The Xen driver fetches images through a plugin in dom0, which speaks v2 from plugin version 1.4 on.",
            "In dom0, look for PLUGIN_VERSION in /etc/xapi.d/plugins/nova_plugin_version; below 1.4, install the plugins "
            f"that came with {release} before the flip.",
        )
    ]
