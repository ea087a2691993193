# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the way back: which run, which of its steps on which hosts. The journals on the hosts say so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _release_plan, _takeover
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding, accepted
from ansible_collections.stackops.glance.plugins.plugin_utils._plan import STEPS, Fleet, Plan, Wishes

#: States of a step on a host that leave something to put back.
TOUCHED = ("applying", "done", "undoing")


def make(
    fleet: Fleet,
    wishes: Wishes,
    controller: _takeover.Controller,
    run_id: str | None,
    databases: Mapping[str, Mapping[str, Any]] | None = None,
    restore: bool = False,
) -> Plan:
    """Plan the undoing of a run: the one named, else the newest that left something behind.

    ``databases`` is what each Glance host sees of its database, where that run changed the release; with ``restore`` the dump
    that it took is put back.
    """
    plan = Plan(undo=True)
    looked: list[Finding] = []
    plan.runs = _takeover.look(fleet, wishes.takeover, controller, looked)
    # An unfinished run is what a way back is for.
    plan.findings += [found for found in looked if found.id == "locked"]
    run = _takeover.recorded(fleet, run_id)
    if run is None and run_id is not None:
        plan.add(
            "run_unknown",
            "blocker",
            f"No host has a record of run {run_id}.",
            "Leave glance_flip_run out to undo the newest run.",
        )
    if run is None:
        return plan
    if all(own["status"] in ("undone", "abandoned") for own in run["on"].values()):
        plan.runs.continued = None
        plan.add(
            "run_undone",
            "note",
            f"Run {run['run_id']} is undone already.",
            "To undo an earlier one, name it: -e glance_flip_run=ID.",
        )
        return plan
    plan.runs.continued = run
    for host in run["hosts"]:
        if host not in fleet.hosts:
            plan.add(
                "run_host_missing",
                "blocker",
                f"Run {run['run_id']} touched this host, which is not in the groups.",
                "Put it back into the inventory, or accept that it stays as it is.",
                host=host,
                accept=True,
            )
        elif fleet.trouble(host) is not None:
            plan.add(
                "run_host_unreachable",
                "blocker",
                f"It could not be looked at: {fleet.trouble(host)}",
                "Mend the connection; or accept, undo the others now, and run rollback.yml again later.",
                host=host,
                accept=True,
            )
    for step in STEPS:
        hosts = [host for host, own in run["on"].items() if own["step_states"].get(step) in TOUCHED]
        if hosts:
            plan.local[step] = {host: {} for host in hosts}
    _release_plan.undo(plan, fleet, run, databases or {}, restore)
    # An endpoint that somebody changed since is refused by name when its turn comes.
    plan.catalogue = run["catalogue"]
    plan.findings = accepted(plan.findings, wishes.accept)
    return plan
