# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The end of plaintext: Glance moves to the loopback address of its host, once nobody else has come to it for a time.

Clients keep a catalogue for as long as their token lives, so the access logs decide. Glance sees stunnel as its own host: who
comes from elsewhere came in plaintext, a balancer with its health check too.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _bind, _callers, _catalogue, _plan, _service

STEP = "glance_plaintext_off"
#: Findings that mean that somebody needs plaintext still, or may.
KEEPS_PLAINTEXT = (
    "nova_host_unreachable",
    "consumer_unreadable",
    "consumer_tls_by_hand",
    "consumer_address_unknown",
    "plaintext_callers_seen",
    "plaintext_logs_too_short",
    "plaintext_logs_unreadable",
)
DROP_IN = "stackops-glance-loopback.conf"


def make(
    fleet: _plan.Fleet, looks: Mapping[str, Mapping[str, Any] | None], quiet_hours: float, wishes: _plan.Wishes, plan: _plan.Plan
) -> None:  # fmt: skip
    """Plan the move of every host that still listens to others; ``looks`` say what stunnel needs for it where it is told of
    another address today."""
    parts = {glance.host: _part(glance, looks.get(glance.host) or {}, wishes, plan) for glance in plan.glances}
    open_ = [glance for glance in plan.glances if parts[glance.host]]
    if not open_:
        return
    _callers_of(fleet, open_, quiet_hours, plan)
    keep = [found for found in plan.findings if found.id in KEEPS_PLAINTEXT and found.id not in wishes.accept]
    if keep:
        plan.add(
            "plaintext_stays_open",
            "warning",
            "Plaintext is not closed: %s." % "; ".join(sorted({f"{found.id} on {found.host}" for found in keep})),
            "Bring these to TLS and run the same playbook again.",
        )
        return
    plan.local[STEP] = {host: part for host, part in parts.items() if part}


# -- what is written --------------------------------------------------------------------------------------------------


def _part(
    glance: _plan.Glance, look: Mapping[str, Any], wishes: _plan.Wishes, plan: _plan.Plan
) -> dict[str, Any] | None:
    """A host's part; None where only its own host reaches Glance already, or a blocker says why it cannot be moved."""
    if glance.host in {found.host for found in plan.findings if found.severity == "blocker"} or local(glance.bind_host):
        return None
    loopback = "::1" if ":" in glance.bind_host else "127.0.0.1"
    option = _catalogue.option("glance", glance.release, "DEFAULT", "bind_host")
    files: list[dict[str, Any]] = []
    try:
        if option:
            edits = _service.change(glance.api, option.schema(), loopback)
        else:
            edits, files = [], _drop_ins(glance, loopback)
    except GlanceError as error:
        plan.add("plaintext_cannot_be_closed", "blocker", error.message, "Mend it by hand.", host=glance.host)
        return None
    health = {
        **glance.health(wishes),
        "url": f"http://{_host(loopback)}:{glance.port}/",
        "url_back": glance.health(wishes)["url"],
    }
    part = _plan.part_of(STEP, [glance.api], edits, health, glance.drain(wishes))
    # Where stunnel was told of the address that Glance leaves, it is told of the new one.
    moved = look.get("files", [])
    part["files"] += [*files, *moved]
    part["reload"] = [look["unit"]] if moved else []
    if files:
        part["restart"] = [unit["name"] for unit in glance.api["units"] if unit["active_state"] == "active"]
    return part


def _drop_ins(glance: _plan.Glance, loopback: str) -> list[dict[str, Any]]:
    """Start the WSGI server with another address. Raises GlanceError where its command line does not name one."""
    files = []
    for unit in glance.api["units"]:
        bind = _bind.find(unit.get("argv") or [])
        if bind is None or unit.get("triggered_by"):
            raise GlanceError(
                f"{unit['name']} does not name the one address that it listens on in its command line "
                "(gunicorn --bind, uwsgi --http-socket), so it cannot be moved to the loopback address from here."
            )
        line = _bind.command(_bind.moved(unit["argv"], bind, loopback))
        content = f"# Written by stackops.glance.tls: this host alone.\n[Service]\nExecStart=\nExecStart={line}\n"
        files.append({"path": _service.drop_in(unit, DROP_IN), "before": "", "content": content, "mode": "0644"})
    return files


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def local(address: str) -> bool:
    """Whether an address is one of the loopback interface."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


# -- who needs it -----------------------------------------------------------------------------------------------------


def _callers_of(fleet: _plan.Fleet, glances: list[_plan.Glance], quiet_hours: float, plan: _plan.Plan) -> None:
    """Who came to these hosts from elsewhere in the quiet time, and hours that no log vouches for."""
    if quiet_hours <= 0:
        return
    now = max(fleet.surveys[glance.host]["time"] for glance in glances)
    results = {glance.host: _others(glance, fleet.callers.get(glance.host)) for glance in glances}
    hosts, said = _callers.seen(results, now - quiet_hours * 3600, fleet.addresses, "any")
    if said:
        plan.add(
            "plaintext_callers_seen",
            "warning",
            f"Plaintext was used in the last {quiet_hours:g} hours: {said}.",
            "Bring these callers to TLS, the balancer's own requests and health check too, and wait until the logs have been "
            f"quiet for {quiet_hours:g} hours.",
            host=", ".join(hosts),
            accept=True,
        )
    for host, result in results.items():
        why = _callers.unreadable(result)
        if why:
            plan.add(
                "plaintext_logs_unreadable",
                "warning",
                f"The access logs do not tell who uses plaintext: {why}.",
                "Name the logs (glance_flip_access_logs), or mend what is said of each.",
                host=host,
                accept=True,
            )
            continue
        lack = _callers.uncovered(result, quiet_hours * 3600, now)
        if lack:
            plan.add(
                "plaintext_logs_too_short",
                "warning",
                f"Of the last {quiet_hours:g} hours, {lack}.",
                "Wait until they cover that time, name older ones (glance_flip_access_logs), or accept it by name.",
                host=host,
                accept=True,
            )


def _others(glance: _plan.Glance, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the logs say of others than the host itself. Where Glance listens on one address alone, stunnel comes from it."""
    if result is None:
        return {"msg": "they were not read"}
    callers = [
        caller
        for caller in result.get("callers") or ()
        if not local(caller["client"]) and caller["client"] != glance.bind_host
    ]
    return {**result, "callers": callers}
