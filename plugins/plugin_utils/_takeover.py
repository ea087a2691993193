# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks and unfinished runs of a fleet: which run goes on, and whose lock may be taken over."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.stackops.glance.plugins.module_utils import _process
from ansible_collections.stackops.glance.plugins.module_utils._runs import describe_lock, token_of
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding

if TYPE_CHECKING:
    from ansible_collections.stackops.glance.plugins.plugin_utils._plan import Fleet


@dataclass(frozen=True)
class Controller:
    """The process that runs the playbook, told apart from any other by its host, boot and time of start."""

    host: str
    boot: str
    pid: int
    started: str
    user: str

    @classmethod
    def of(cls, pid: int) -> Controller:
        try:
            user = getpass.getuser()
        except (KeyError, OSError):  # an AWX container runs with a number that has no name
            user = str(os.getuid())
        return cls(socket.gethostname(), _boot(), pid, _process.started(pid), user)

    def as_holder(self) -> dict[str, Any]:
        return asdict(self)

    def knows_dead(self, holder: dict[str, Any]) -> bool:
        """Whether the holder was a process of this machine, and is gone."""
        if holder.get("host") != self.host:
            return False
        return holder.get("boot") != self.boot or _process.started(int(holder.get("pid", 0))) != holder.get("started")


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


@dataclass
class Runs:
    """Which run goes on (None: a new one), and the token of each lock that may be taken over."""

    continued: dict[str, Any] | None = None
    seen: dict[str, str] = field(default_factory=dict)


def look(fleet: Fleet, takeover: bool, controller: Controller, findings: list[Finding]) -> Runs:
    """Judge the locks and the unfinished runs that the survey found."""
    runs = Runs()
    unfinished: dict[str, list[str]] = {}
    held = _held(fleet)
    for host in fleet.reached(fleet.hosts):
        survey = fleet.surveys[host]
        lock = survey["lock"]
        if lock is not None:
            if takeover or controller.knows_dead(lock["holder"]) or not held[lock["run_id"]]:
                runs.seen[host] = token_of(lock)
            else:
                findings.append(
                    Finding(
                        "locked",
                        "blocker",
                        f"This host is locked by {describe_lock(lock)}.",
                        "Wait for that run to end. If it is known to be dead: -e glance_flip_takeover=true.",
                        host=host,
                    )
                )
        if survey["unfinished"]:
            unfinished.setdefault(survey["unfinished"]["run_id"], []).append(host)
            runs.continued = survey["unfinished"]
    if len(unfinished) > 1:
        findings.append(
            Finding(
                "unfinished_runs",
                "blocker",
                "Several runs are unfinished: %s."
                % "; ".join(f"{run} on {', '.join(on)}" for run, on in unfinished.items()),
                "Undo them one by one, the newest first: rollback.yml -e glance_flip_run=ID.",
            )
        )
    elif runs.continued:
        run, on = next(iter(unfinished.items()))
        findings.append(
            Finding(
                "unfinished_run",
                "note",
                f"Run {run} is unfinished on {', '.join(on)}; this run finishes it.",
                f"To undo it instead: rollback.yml -e glance_flip_run={run}.",
            )
        )
    return runs


def refuse_another(runs: Runs, playbook: str, findings: list[Finding]) -> list[Finding]:
    """The findings, with a blocker where an unfinished run is of another playbook, which this one would not finish.

    A look by itself (no playbook, or ``preflight``) goes on to show what there is.
    """
    begun = (runs.continued or {}).get("playbook")
    if not begun or playbook in ("", "preflight", begun):
        return findings
    run = (runs.continued or {})["run_id"]
    return [
        *(found for found in findings if found.id != "unfinished_run"),
        Finding(
            "unfinished_by_another",
            "blocker",
            f"Run {run} of the playbook {begun} is unfinished, and this one has not the steps to finish it.",
            f"Finish it with {begun}, or undo it: rollback.yml -e glance_flip_run={run}.",
        ),
    ]


def _held(fleet: Fleet) -> dict[str, bool]:
    """For each run that holds locks: whether its lease lasts on any host.

    A run renews the lease where it works; hosts that wait for their turn hear nothing of it meanwhile. Each lease is
    judged by the clock that it was written by.
    """
    held: dict[str, bool] = {}
    for host in fleet.reached(fleet.hosts):
        survey = fleet.surveys[host]
        if survey["lock"] is not None:
            run_id = survey["lock"]["run_id"]
            held[run_id] = held.get(run_id, False) or survey["lock"]["expires"] > survey["time"]
    return held


def recorded(fleet: Fleet, run_id: str | None) -> dict[str, Any] | None:
    """The run asked for, else the newest that was not abandoned, with the record of each host under ``on``."""
    found: dict[str, dict[str, Any]] = {}
    for host in fleet.reached(fleet.hosts):
        for run in fleet.surveys[host]["runs"]:
            found.setdefault(run["run_id"], {**run, "on": {}})["on"][host] = run
    for name, run in sorted(found.items(), reverse=True):
        if name == run_id or (run_id is None and any(own["status"] != "abandoned" for own in run["on"].values())):
            return run
    return None
