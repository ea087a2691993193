# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the access logs of a fleet say about turning v1, or plaintext, off: pure functions of what glance_api_log_info finds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _catalogue
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import Finding

Result = Mapping[str, Any]

#: Callers and files that a message names; of more it tells how many.
NAMED = 10

#: What is missing at the end or the beginning of the quiet time without being a gap: clocks, and the run itself.
SLACK = 3600.0

_DAY = 86400.0


def findings(
    results: Mapping[str, Result], quiet_days: float, now: float, names: Mapping[str, str] | None = None
) -> list[Finding]:
    """Findings of the hosts' logs, each of which keeps v1 on: callers of the last days, and days that no log vouches for.

    ``results`` are what glance_api_log_info returned, by host; a host behind a balancer brings the same callers as its
    neighbours, so that there is one finding for the callers of all. ``names`` names addresses. No quiet days, no findings.
    """
    if quiet_days <= 0:
        return []
    found = [*_seen(results, now - quiet_days * _DAY, quiet_days, names or {})]
    for host, result in results.items():
        found += _unreadable(host, result) or _too_short(host, result, quiet_days, now)
    return found


def speaking_v1(tools: Iterable[Mapping[str, Any]], major: int | None = None) -> list[dict[str, Any]]:
    """The scheduled programs that call v1: their line says so, or a release that has v1 (``major``, else any) does it so."""
    return [
        dict(tool) for tool in tools if tool.get("calls_v1") or _catalogue.command_calls_v1(str(tool["program"]), major)
    ]


# -- callers ------------------------------------------------------------------------------------------------------


def merged(results: Mapping[str, Result], version: str = "v1") -> list[dict[str, Any]]:
    """The callers of that version on all hosts, newest first, with ``hosts``. What several Glance hosts served is added up."""
    callers: dict[tuple[str, str | None], dict[str, Any]] = {}
    for host, result in results.items():
        for caller in result.get("callers") or ():
            number = caller["requests"].get(version, 0)
            if not number:
                continue
            key = (caller["client"], caller["user_agent"])
            one = callers.setdefault(key, {**caller, "requests": {version: 0}, "hosts": []})
            one["requests"][version] += number
            one["hosts"].append(host)
            one["first"], one["last"] = min(one["first"], caller["first"]), max(one["last"], caller["last"])
            one["examples"] = list(dict.fromkeys([*one["examples"], *caller["examples"]]))[:3]
    return sorted(callers.values(), key=lambda each: (each["last"], each["requests"][version]), reverse=True)


def _seen(
    results: Mapping[str, Result], since: float, quiet_days: float, names: Mapping[str, str]
) -> Iterable[Finding]:
    hosts, said = seen(results, since, names)
    if said:
        yield Finding(
            "v1_callers_seen",
            "warning",
            f"v1 was asked for in the last {_days(quiet_days)}: {said}.",
            "Bring these callers to v2 (for Nova's services the flip does so itself) and wait until the logs have been quiet "
            f"for {_days(quiet_days)}.",
            host=", ".join(hosts),
            accept=True,
        )


def seen(
    results: Mapping[str, Result], since: float, names: Mapping[str, str], version: str = "v1"
) -> tuple[list[str], str]:
    """Who asked since that time, in words, and on which hosts; nothing where nobody did."""
    recent = [caller for caller in merged(results, version) if _seconds(caller["last"]) >= since]
    truncated = [host for host, result in results.items() if result.get("truncated")]
    hosts = list(dict.fromkeys(host for caller in recent for host in caller["hosts"])) or truncated
    said = [_said(caller, names, version) for caller in recent[:NAMED]]
    if len(recent) > NAMED:
        said.append(f"and {len(recent) - NAMED} more")
    if truncated:
        said.append(f"and others, of whom there are too many to keep ({', '.join(truncated)})")
    return hosts, "; ".join(said)


def _said(caller: Mapping[str, Any], names: Mapping[str, str], version: str) -> str:
    name = names.get(caller["client"])
    who = f"{caller['client']} ({name})" if name else caller["client"]
    if caller.get("via") in names:
        who += f" through {names[caller['via']]}"
    if caller["user_agent"]:
        who += f" with {caller['user_agent']}"
    number = caller["requests"][version]
    example = f", as {caller['examples'][0]}" if caller["examples"] else ""
    return f"{who} {number} request{'s' if number != 1 else ''}, last {caller['last']}{example}"


# -- what the logs vouch for --------------------------------------------------------------------------------------


def unreadable(result: Result) -> str:
    """Why the logs of a host tell nothing, or not all; empty where they tell."""
    if "files" not in result:
        reasons = [str(result.get("msg") or result.get("module_stderr") or "the module gave no answer").strip()]
    else:
        reasons = [f"{log['path']}: {log['error']}" for log in result["files"] if log["error"]]
        reasons += [
            f"{log['path']}: {log['unreadable']} lines look like requests for v1 and are in no known format"
            for log in result["files"]
            if log["unreadable"]
        ]
        if not any(log["format"] for log in result["files"]):
            looked = [log["path"] for log in result["files"]]
            reasons += [f"no request was found in {', '.join(looked[:NAMED])}" if looked else "no access log was found"]
            reasons += result["troubles"]
    more = [f"and {len(reasons) - NAMED} more"] if len(reasons) > NAMED else []
    return "; ".join(each.rstrip(".") for each in reasons[:NAMED] + more)


def _unreadable(host: str, result: Result) -> list[Finding]:
    why = unreadable(result)
    if not why:
        return []
    return [
        Finding(
            "v1_logs_unreadable",
            "warning",
            f"The access logs do not tell who calls v1: {why}.",
            "Name the logs (glance_flip_access_logs), or mend what is said of each.",
            host=host,
            accept=True,
        )
    ]


def uncovered(result: Result, seconds: float, now: float) -> str | None:
    """What the logs cover of the last seconds, in words; None where that is all of them."""
    begin = now - seconds
    spans = [(_seconds(each["from"]), _seconds(each["to"])) for each in result["covered"]]
    covered = sum(max(0.0, min(end, now) - max(start, begin)) for start, end in spans)
    if covered >= seconds - min(SLACK, seconds / 10):
        return None
    said = ", ".join(f"{each['from']} to {each['to']}" for each in result["covered"][-NAMED:])
    whose = "the balancer's logs" if result.get("judged_by") == "proxy" else "the logs"
    return f"{whose} cover {_days(covered / _DAY)}{f' ({said})' if said else ''}"


def _too_short(host: str, result: Result, quiet_days: float, now: float) -> list[Finding]:
    lack = uncovered(result, quiet_days * _DAY, now)
    if lack is None:
        return []
    return [
        Finding(
            "v1_logs_too_short",
            "warning",
            f"Of the last {_days(quiet_days)}, {lack}.",
            "Wait until they cover that time, name older ones (glance_flip_access_logs), or accept it by name.",
            host=host,
            accept=True,
        )
    ]


def _days(number: float) -> str:
    text = f"{number:.1f}".removesuffix(".0")
    return f"{text} day" if text == "1" else f"{text} days"


def _seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc).timestamp()
