# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _plan,
    _policy_plan,
    _release_plan,
    _takeover,
    _tls_plan,
    _undo,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding
from ansible_collections.stackops.glance.plugins.plugin_utils._table import shown, table

#: Hosts named for one finding on the screen; the report names all.
SHOWN_HOSTS = 4

ARGUMENTS: dict[str, dict[str, Any]] = {
    "direction": {"type": "str", "choices": ["do", "undo"], "default": "do"},
    "about": {"type": "str", "choices": ["v2", "policy", "tls", "release", "contract"], "default": "v2"},
    "policy": {"type": "dict", "default": {}, "options": _policy_plan.ARGUMENTS},
    "role_assignments": {"type": "dict", "default": {}},
    "tls": {"type": "dict", "default": {}, "options": _tls_plan.ARGUMENTS},
    "release": {"type": "dict", "default": {}, "options": _release_plan.ARGUMENTS},
    "glance_hosts": {"type": "list", "elements": "str", "required": True},
    "nova_hosts": {"type": "list", "elements": "str", "required": True},
    "consumer_hosts": {"type": "list", "elements": "str", "default": []},
    "cloud": {"type": "dict", "default": {}},
    "v1_off": {"type": "bool", "default": False},
    "v1_quiet_days": {"type": "float", "default": 7},
    "nova_option": {"type": "str", "choices": ["absent", "false"], "default": "absent"},
    "accept": {"type": "list", "elements": "str", "default": []},
    "takeover": {"type": "bool", "default": False},
    "drain": {
        "type": "dict",
        "default": {},
        "options": {
            "by": {"type": "str", "choices": ["health_check", "hook", "haproxy"], "default": "health_check"},
            "file": {"type": "path"},
            "grace": {"type": "int", "default": 4},
            "timeout": {"type": "int", "default": 600},
        },
    },
    "settle": {"type": "int", "default": 3},
    "start_timeout": {"type": "int", "default": 120},
    "run_id": {"type": "str"},
    "playbook": {"type": "str", "default": ""},
    "show": {"type": "str", "choices": ["plan", "versions"], "default": "plan"},
}


class ActionModule(ActionBase):
    """Plan on the control node, where the catalogue and every host's survey are."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        task_vars = task_vars or {}
        _validation, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        fleet = self.fleet(arguments, task_vars)
        # The worker that runs this action is a child of ansible-playbook, and it is the latter that has to be alive.
        controller = _takeover.Controller.of(os.getppid())
        wishes = _plan.Wishes(**{name: arguments[name] for name in _plan.Wishes.__dataclass_fields__})
        policy, tls = _policy_plan.as_wishes(arguments["policy"]), _tls_plan.as_wishes(arguments["tls"])
        release = _release_plan.as_wishes(arguments["release"])
        try:
            if arguments["direction"] == "do":  # nothing that is wished for may stand in the way back
                policy.check()
                tls.check()
                release.check(arguments["about"])
        except GlanceError as error:
            return {**result, **error.details, "failed": True, "msg": error.message}
        people = arguments["role_assignments"]
        looks = {host: _release_look(task_vars["hostvars"][host]) for host in fleet.glance}
        if arguments["direction"] == "undo":
            databases = {host: look.database for host, look in looks.items()}
            plan = _undo.make(fleet, wishes, controller, arguments["run_id"] or None, databases, release.restore)
        elif arguments["about"] == "release":
            plan = _release_plan.make(fleet, looks, wishes, release, policy, people, controller)
        elif arguments["about"] == "contract":
            plan = _release_plan.make_contract(fleet, looks, wishes, release, controller)
        elif arguments["about"] == "policy":
            plan = _policy_plan.make(fleet, wishes, policy, people, controller)
        elif arguments["about"] == "tls":
            services = {host: task_vars["hostvars"][host].get("glance_stunnel_service") for host in fleet.glance}
            closing = {host: task_vars["hostvars"][host].get("glance_stunnel_closing") for host in fleet.glance}
            plan = _tls_plan.make(fleet, arguments["cloud"], services, wishes, tls, controller, closing)
        else:
            plan = _plan.make(fleet, arguments["cloud"], wishes, controller)
            _policy_plan.join(plan, wishes, policy, people)
        if arguments["direction"] == "do":
            plan.findings = _takeover.refuse_another(plan.runs, arguments["playbook"], plan.findings)
        self.show(plan, arguments["show"])
        return self.result(plan, fleet, arguments, controller)

    @staticmethod
    def fleet(arguments: dict[str, Any], task_vars: dict[str, Any]) -> _plan.Fleet:
        kinds = [arguments[kind] for kind in ("glance_hosts", "nova_hosts", "consumer_hosts")]
        hosts = list(dict.fromkeys(host for kind in kinds for host in kind))
        surveys, overrides, callers = {}, {}, {}
        for host in hosts:
            variables = task_vars["hostvars"][host]
            if "glance_flip_survey" in variables:
                surveys[host] = dict(variables["glance_flip_survey"])
            overrides[host] = dict(variables.get("glance_flip_services") or {})
            if not (variables.get("glance_flip_callers") or {"skipped": True}).get("skipped"):
                callers[host] = dict(variables["glance_flip_callers"])
        return _plan.Fleet(*kinds, surveys=surveys, overrides=overrides, callers=callers)

    @staticmethod
    def result(
        plan: _plan.Plan, fleet: _plan.Fleet, arguments: dict[str, Any], controller: _takeover.Controller
    ) -> dict[str, Any]:
        started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        continued = plan.runs.continued
        # The newest run sorts last.
        run_id = continued["run_id"] if continued else f"{re.sub('[-:]', '', started)}-{secrets.token_hex(3)}"
        touched = {host for hosts in plan.local.values() for host in hosts}
        if continued:
            # Also a host on which nothing is left to do has a record to close.
            touched |= {
                host
                for host in fleet.reached(fleet.hosts)
                if any(run["run_id"] == run_id for run in fleet.surveys[host]["runs"])
            }
        hosts = [host for host in fleet.hosts if host in touched] or fleet.reached(fleet.glance) * bool(plan.catalogue)
        steps = plan.steps
        return {
            "changed": False,
            "verdict": plan.verdict,
            "run_id": run_id,
            "continued": bool(continued),
            "run_started": continued["started"] if continued else started,
            "findings": [found.as_dict() for found in plan.findings],
            "steps": steps,
            "hosts": {
                host: {
                    "steps": [plan.local[step][host] for step in _plan.STEPS if host in plan.local.get(step, {})],
                    # What an earlier attempt at this run left half-way may have left the host drained, so it is done
                    # again from the record there, even where nothing is left to change.
                    "to_do": [
                        step
                        for step in _plan.STEPS
                        if host in plan.local.get(step, {})
                        or _state(fleet, host, run_id, step) in ("applying", "undoing")
                    ],
                    # What an earlier attempt began here has to be undone with the rest.
                    "groups": [
                        step
                        for step in _plan.STEPS
                        if host in plan.local.get(step, {}) or _state(fleet, host, run_id, step) in _undo.TOUCHED
                    ],
                    "seen_token": plan.runs.seen.get(host),
                }
                for host in hosts
            },
            # Locks of dead runs on hosts that this run has nothing to do with.
            "left_locked": {
                host: {"run_id": token.rpartition(":")[0], "token": token}
                for host, token in plan.runs.seen.items()
                if host not in hosts
            },
            "catalogue": plan.catalogue,
            # What an earlier attempt changed there is not in this plan, but on record.
            "catalogue_undo": (continued or {}).get("catalogue") or plan.catalogue,
            "spoken": plan.spoken,
            "policy": plan.policy,
            "manifest": {
                "playbook": arguments["playbook"],
                "started": started,
                "hosts": hosts,
                "steps": steps,
                "catalogue": plan.catalogue,
                "release": plan.release,
            },
            "holder": controller.as_holder(),
        }

    @staticmethod
    def show(plan: _plan.Plan, what: str) -> None:
        lines: list[str] = []
        if plan.spoken:
            lines += [
                "",
                *table(
                    ("host", "service", "release", "Images API", "where it says so"),
                    [
                        (
                            each["host"],
                            each["service"],
                            each["release"],
                            " and ".join(each["api"]) or "none",
                            each["origin"] or "default",
                        )
                        for each in plan.spoken
                    ],
                ),
            ]
        if what == "versions":
            Display().display("\n".join(lines))
            return
        if plan.findings:
            lines += [
                "",
                *table(
                    ("severity", "finding", "where", "what"),
                    [
                        (each.severity, each.id, _place(each, hosts), each.message)
                        for each, hosts in _by_host(plan.findings)
                    ],
                ),
            ]
            remedies = dict.fromkeys((each.id, each.remedy) for each in plan.findings if each.severity == "blocker")
            lines += [shown(f"  {id_}: {remedy}") for id_, remedy in remedies]
        steps = [(each["name"], each["title"], ", ".join(each["hosts"]) or "Keystone") for each in plan.steps]
        if steps:
            lines += ["", *table(("step to undo" if plan.undo else "step", "so that", "on"), steps)]
        lines += ["", f"verdict: {plan.verdict.replace('_', ' ')}"]
        Display().display("\n".join(lines))


def _release_look(variables: Mapping[str, Any]) -> _release_plan.Look:
    """What the playbooks looked at on a host for a flip of releases; registered results of tasks that were skipped are none."""
    changes = variables.get("glance_release_changes") or {}
    database = dict(variables.get("glance_flip_database") or {})
    return _release_plan.Look(
        database,
        files=list(changes.get("files") or []),
        directories=list(changes.get("directories") or []),
        error=str(changes.get("error") or ""),
    )


def _by_host(findings: list[Finding]) -> list[tuple[Finding, list[str]]]:
    """Findings that differ in their host alone, as one: a fleet's hosts are often alike."""
    found: dict[Finding, list[str]] = {}
    for each in findings:
        found.setdefault(replace(each, host=""), []).append(each.host)
    return list(found.items())


def _place(found: Finding, hosts: list[str]) -> str:
    named = ", ".join(hosts[:SHOWN_HOSTS])
    more = f" and {len(hosts) - SHOWN_HOSTS} more" if len(hosts) > SHOWN_HOSTS else ""
    return replace(found, host=named + more).place


def _state(fleet: _plan.Fleet, host: str, run_id: str, step: str) -> str | None:
    """How far an earlier attempt at the run came with the step here: applying, done, undoing or undone."""
    if fleet.trouble(host) is not None:
        return None
    states = [run["step_states"] for run in fleet.surveys[host]["runs"] if run["run_id"] == run_id]
    return states[0].get(step) if states else None
