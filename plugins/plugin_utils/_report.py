# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a report says, before anything is said about how it looks: the data of ``NAME.json``."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict

from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.plugin_utils import _plan

FORMAT = 1

#: How a run is called, by the playbook that made it.
TITLES = {
    "preflight": "Preflight: the Images API from v1 to v2",
    "upgrade_to_v2": "The Images API from v1 to v2",
    "policy": "Policy: who may do what with Glance",
    "rollback": "The way back",
}

# What is not named here may be there all the same: results of modules are kept as they came.


class _Found(TypedDict):
    id: str
    severity: Literal["blocker", "warning", "note"]
    message: str
    remedy: str


class Found(_Found, total=False):
    host: str
    file: str | None
    line: int | None
    source: str
    #: What to give to a playbook to go on in spite of a blocker.
    override: str | None


class Step(TypedDict):
    name: str
    title: str
    hosts: list[str]


class Part(TypedDict, total=False):
    """What a step changes on a host."""

    host: str
    step: str
    files: list[dict[str, Any]]
    start: list[str]
    restart: list[str]
    retire: list[str]
    #: The command of glance-manage db; empty where there is none.
    database: str
    drained: bool


class Endpoint(TypedDict):
    id: str
    interface: str
    region: str | None
    url_before: str
    url_after: str


class _Spoken(TypedDict):
    host: str
    service: str
    release: str
    api: list[str]


class Spoken(_Spoken, total=False):
    origin: str | None
    reason: str | None
    restart_pending: bool | None


class _Host(TypedDict):
    name: str
    reached: bool


class Host(_Host, total=False):
    groups: list[str]
    trouble: str | None


class Diff(TypedDict):
    host: str
    file: str
    diff: str


class _AuditFinding(TypedDict):
    id: str
    severity: str
    count: int


class AuditFinding(_AuditFinding, total=False):
    owners: int
    message: str
    remedy: str


class Owner(TypedDict):
    owner: str | None
    count: int


class Audit(TypedDict, total=False):
    """What image_audit_info found, or the ``error`` that it ended with."""

    error: str
    way: str
    complete: bool
    cannot_see: list[str]
    images: int
    count: int
    findings: list[AuditFinding]
    owners: list[Owner]
    file: str | None


Span = TypedDict("Span", {"from": str | None, "to": str | None}, total=False)


class _Caller(TypedDict):
    client: str


class Caller(_Caller, total=False):
    #: The host of the run that has this address.
    name: str | None
    user_agent: str | None
    via: str | None
    requests: dict[str, int]
    first: str | None
    last: str | None
    examples: list[str]


class Callers(TypedDict, total=False):
    """What glance_api_log_info read on a host, or the ``error`` that it ended with."""

    host: str
    error: str
    span: Span | None
    covered: list[Span]
    covered_days: float | None
    judged_by: str | None
    files: list[dict[str, Any]]
    versions: dict[str, int]
    callers: list[Caller]
    tools: list[dict[str, Any]]
    troubles: list[str]
    truncated: bool


class _Phase(TypedDict):
    host: str
    step: str
    phase: str
    started: float
    ended: float
    ok: bool


class Phase(_Phase, total=False):
    direction: str


class Trip(TypedDict, total=False):
    url: str
    api_version: int
    ok: bool
    error: str | None
    size: int | None
    seconds: float
    steps: list[dict[str, Any]]


class RoundTrip(TypedDict, total=False):
    """What image_round_trip did, or the ``error`` that it ended with."""

    error: str
    ran: bool
    endpoints: list[Trip]
    leftovers: list[dict[str, Any]]


class PolicyRule(TypedDict):
    """The answers to each persona, a letter a target: + allowed, - denied, ? not decided. None: no such rule there."""

    name: str
    before: list[str] | None
    after: list[str] | None


class PolicyChange(TypedDict):
    """Decisions that change alike."""

    rule: str
    verb: str
    personas: list[str]
    targets: list[str]
    decisions: int
    excused: str | None
    upstream: str | None
    before: dict[str, str]
    after: dict[str, str]


class _Policy(TypedDict):
    """Who may do what on hosts that decide alike, today and by what takes today's place."""

    hosts: list[str]
    file: str
    release_before: str
    release_after: str
    personas: list[dict[str, Any]]
    targets: list[str]
    rules: list[PolicyRule]
    changes: list[PolicyChange]
    undeclared: int
    upstream: list[dict[str, Any]]


class Override(TypedDict):
    """What to tell another deployment tool, and where."""

    place: str
    text: str


class _Report(TypedDict):
    playbook: str
    run_id: str
    started: str
    verdict: Literal["ready", "blocked", "nothing_to_do"]
    findings: list[Found]


class Report(_Report, total=False):
    format: int
    title: str
    written: str
    ended: str | None
    outcome: str
    failed: bool
    rollback: str
    steps: list[Step]
    parts: list[Part]
    catalogue: list[Endpoint]
    spoken: list[Spoken]
    spoken_after: list[Spoken]
    hosts: list[Host]
    diffs: list[Diff]
    audit: Audit | None
    callers: list[Callers]
    timeline: list[Phase]
    round_trip: RoundTrip | None
    policy: list[_Policy]
    permanent: list[Override]
    troubles: list[str]


def build(arguments: Mapping[str, Any], variables: Mapping[str, Mapping[str, Any]], now: str) -> dict[str, Any]:
    """Gather a report's data from results of modules and from what the hosts of the run have registered."""
    plan = arguments["plan"]
    groups: dict[str, list[str]] = arguments["hosts"]
    hosts = list(dict.fromkeys(host for names in groups.values() for host in names))
    known = {host: variables[host] for host in dict.fromkeys([*hosts, *plan.get("hosts", {})]) if host in variables}
    surveys = {host: said["glance_flip_survey"] for host, said in known.items() if "glance_flip_survey" in said}
    fleet = _plan.Fleet(hosts, [], [], surveys=surveys)
    troubles = {host: fleet.trouble(host) for host in hosts}
    owners = {address: host for host, survey in surveys.items() for address in survey.get("addresses") or ()}
    return plain(
        {
            "format": FORMAT,
            "playbook": arguments["name"],
            "title": arguments["title"] or TITLES.get(arguments["name"], arguments["name"]),
            "run_id": plan.get("run_id"),
            "started": plan.get("run_started"),
            "written": now,
            "ended": now if arguments["outcome"] else None,
            "verdict": plan.get("verdict"),
            "outcome": arguments["outcome"],
            "failed": arguments["failed"],
            "rollback": arguments["rollback"],
            "findings": [{**found, "override": _override(found)} for found in plan.get("findings", [])],
            "steps": plan.get("steps", []),
            "parts": [
                _part(host, part) for host, its in plan.get("hosts", {}).items() for part in its["steps"] if part
            ],
            "catalogue": plan.get("catalogue", []),
            "spoken": plan.get("spoken", []),
            "policy": plan.get("policy", []),
            "spoken_after": arguments["after"].get("spoken", []),
            "hosts": [
                {
                    "name": host,
                    "groups": [group for group, names in groups.items() if host in names],
                    "reached": troubles[host] is None,
                    "trouble": troubles[host],
                }
                for host in hosts
            ],
            "diffs": [
                {"host": host, "file": file, "diff": text}
                for host, said in known.items()
                for file, text in _diffs(said.get("glance_flip_prepared") or {})
            ],
            "audit": _result(arguments["audit"]),
            "callers": [
                {"host": host, **_with_names(read, owners)}
                for host, said in known.items()
                if (read := _result(said.get("glance_flip_callers") or {}))
            ],
            "timeline": [
                {"host": host, **phase}
                for host, said in known.items()
                for phase in said.get("glance_flip_phases") or []
            ],
            "round_trip": _result(arguments["round_trip"]),
            "permanent": arguments["permanent"],
            "troubles": arguments["troubles"],
        }
    )


def plain(value: Any) -> Any:
    """The value in Python's own types, as JSON gives it back; Ansible wraps and tags what it hands over."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _override(found: Mapping[str, Any]) -> str | None:
    if found.get("override") or found.get("severity") != "blocker":
        return found.get("override")
    return accepting([found["id"]]) if found.get("accept") else None


def accepting(ids: Iterable[str]) -> str:
    """What to give to a playbook to go on in spite of blockers that may be accepted."""
    names = ", ".join(f'"{each}"' for each in ids)
    return f"-e '{{\"glance_flip_accept\": [{names}]}}'"


def _part(host: str, part: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "host": host,
        "step": part["name"],
        "files": [
            {"path": change["path"], "options": [_masked(each) for each in change["options"]]}
            if "options" in change
            else {"path": change["path"], "options": [], "becomes": _becomes(change)}
            for change in part.get("files", [])
        ]
        + [
            {
                "path": link["path"],
                "options": [],
                "becomes": f"leads to {link['after']}, and to {link['before']} before",
            }
            for link in part.get("links") or ()
        ],
        "restart_back": part.get("restart_back") or [],
        "start": part.get("start") or [],
        "restart": part.get("restart", []),
        "retire": part.get("retire", []),
        "database": (part.get("database") or {}).get("verb", ""),
        "drained": bool(part.get("drain")) and not (part.get("start") and not part.get("restart")),
    }


def _becomes(change: Mapping[str, Any]) -> str:
    """What becomes of a file as a whole."""
    if change["content"] is None:
        return "taken away"
    if "before" not in change:
        return "as the new release has it"
    return "rewritten; Glance reads it again by itself" if change["before"] else "made"


def _masked(option: Mapping[str, Any]) -> dict[str, Any]:
    if "value" not in option:
        return dict(option)
    return {**option, "value": _files.mask(str(option.get("option")), str(option["value"]))}


def _result(result: Mapping[str, Any]) -> dict[str, Any] | None:
    """A module's registered result; None where the module did not run, its message where it could not."""
    if not result or result.get("skipped"):
        return None
    if result.get("failed") or result.get("unreachable"):
        error = {"error": str(result.get("msg") or "no answer")}
        # A round trip that failed still tells what it did.
        return {**error, **{name: result[name] for name in ("ran", "endpoints", "leftovers") if name in result}}
    return {name: value for name, value in result.items() if name not in _ANSIBLE and not name.startswith("_ansible")}


_ANSIBLE = ("changed", "failed", "invocation", "failed_when_result", "warnings", "deprecations", "ansible_facts")


def _with_names(read: dict[str, Any], owners: Mapping[str, str]) -> dict[str, Any]:
    if "callers" not in read:
        return read
    return {**read, "callers": [{**each, "name": owners.get(each["client"])} for each in read["callers"]]}


def _diffs(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    given = result.get("diff") or []
    return [
        (str(each.get("after_header") or each.get("before_header") or ""), text)
        for each in (given if isinstance(given, list) else [given])
        if (text := each.get("prepared") or unified(str(each.get("before", "")), str(each.get("after", ""))))
    ]


# Hosts of one kind have the same files.
@functools.lru_cache(maxsize=64)
def unified(before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=3)
    return "\n".join(list(lines)[2:])
