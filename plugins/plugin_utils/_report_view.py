# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the pages of a report show: its data counted, grouped and measured, in the order of the page.

A fleet of 300 hosts is read as few lines: hosts about which the same is to be said are said it together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _report
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import SEVERITIES
from ansible_collections.stackops.glance.plugins.plugin_utils._report_policy import Heat, heats
from ansible_collections.stackops.glance.plugins.plugin_utils._report_timeline import Timeline, timeline
from ansible_collections.stackops.glance.plugins.plugin_utils._words import (
    Names,
    alike,
    count,
    moment,
    names,
    seconds,
    share,
)

#: Clients of a table that are shown; the rest is in the JSON.
MOST = 100
#: Lines of a difference that are shown.
DIFF_LINES = 400

# -- parts of the page --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fact:
    """A number to be seen at a glance, and where the page tells more."""

    number: str
    label: str
    tone: str = ""
    section: str = ""


@dataclass(frozen=True)
class FoundRow:
    message: str
    remedy: str
    where: str
    hosts: Names


@dataclass(frozen=True)
class FoundGroup:
    """All that was found under one id."""

    id: str
    severity: str
    override: str | None
    sources: list[str]
    rows: list[FoundRow]
    total: int

    @property
    def remedies(self) -> list[str]:
        return list(dict.fromkeys(row.remedy for row in self.rows))


@dataclass(frozen=True)
class Change:
    """What a step does to hosts that are alike: lines of (what, to what, what becomes of it)."""

    hosts: Names
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class StepRow:
    name: str
    title: str
    hosts: Names
    changes: list[Change]


@dataclass(frozen=True)
class DiffRow:
    file: str
    hosts: Names
    added: int
    removed: int
    lines: list[tuple[str, str]]
    cut: int


@dataclass(frozen=True)
class ServiceRow:
    """Services that are alike, on hosts that are alike."""

    hosts: Names
    service: str
    release: str
    before: tuple[str, ...]
    after: tuple[str, ...] | None
    origin: str
    reason: str
    restart_pending: bool


@dataclass(frozen=True)
class HostRow:
    hosts: Names
    groups: tuple[str, ...]
    trouble: str | None
    services: list[ServiceRow]
    findings: list[tuple[str, str, int]]

    @property
    def worst(self) -> str:
        return min((severity for severity, _id, _count in self.findings), key=SEVERITIES.index, default="")


@dataclass(frozen=True)
class Bar:
    """A bar of a chart: its length in per cent of the longest, and its number in words."""

    label: str
    number: str
    length: float
    tone: str
    note: str


@dataclass(frozen=True)
class CallerRow:
    client: str
    name: str
    told: list[str]
    v1: int
    v2: int | None
    first: str
    last: str
    hosts: Names
    examples: list[str]
    length: float


@dataclass(frozen=True)
class LogSpan:
    host: str
    text: str
    files: list[dict[str, Any]]
    troubles: list[str]


@dataclass(frozen=True)
class CallersView:
    """``v2`` is None where requests for v2 were not counted."""

    v1: int
    v2: int | None
    callers: list[CallerRow]
    more: int
    spans: list[LogSpan]
    tools: list[tuple[str, str]]


@dataclass
class View:
    """All that a page shows; empty lists are sections that it leaves out."""

    report: dict[str, Any]
    tone: str = "info"
    headline: str = ""
    sentences: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    blockers: list[FoundGroup] = field(default_factory=list)
    override: str = ""
    findings: dict[str, list[FoundGroup]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    steps: list[StepRow] = field(default_factory=list)
    diffs: list[DiffRow] = field(default_factory=list)
    hosts: list[HostRow] = field(default_factory=list)
    services: list[ServiceRow] = field(default_factory=list)
    callers: CallersView | None = None
    audit: list[Bar] = field(default_factory=list)
    owners: list[Bar] = field(default_factory=list)
    heats: list[Heat] = field(default_factory=list)
    timeline: Timeline | None = None
    trips: list[tuple[dict[str, Any], list[Bar]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """What needs no counting comes from the data."""
        return self.report.get(name)

    @property
    def ended(self) -> bool:
        return bool(self.report.get("outcome"))


def view(report: dict[str, Any]) -> View:
    """Count, group and measure the data of a report that is whole (``_report.Report``)."""
    seen = View(report)
    found = {severity: _found(report, severity) for severity in SEVERITIES}
    seen.counts = {severity: sum(group.total for group in found[severity]) for severity in SEVERITIES}
    seen.blockers = found["blocker"]
    seen.findings = {severity: found[severity] for severity in ("warning", "note") if found[severity]}
    may = [group.id for group in seen.blockers if group.override == _report.accepting([group.id])]
    seen.override = _report.accepting(may) if len(may) > 1 else ""
    seen.steps = _steps(report)
    seen.diffs = _diffs(report)
    services = _services(report)
    seen.services = [
        _service_row(key, its) for key, its in alike(services, lambda each: _of_service(each, where=False)).items()
    ]
    seen.hosts = _hosts(report, services)
    seen.callers = _callers(report.get("callers") or [])
    audit = report.get("audit") or {}
    seen.audit = _chart(
        (each["id"], each["count"], each["severity"], count(each["owners"], "owner") if each.get("owners") else "")
        for each in sorted(audit.get("findings", []), key=_worst_and_most)
        if each["count"]
    )
    seen.owners = _chart((each["owner"] or "no owner", each["count"], "", "") for each in audit.get("owners", []))
    seen.heats = heats(report.get("policy") or [])
    seen.timeline = timeline(report.get("timeline") or [])
    seen.trips = _trips(report)
    _verdict(seen)
    seen.facts = list(_facts(seen))
    return seen


# -- findings and steps -------------------------------------------------------------------------------------------


def _found(report: dict[str, Any], severity: str) -> list[FoundGroup]:
    of_severity = [each for each in report["findings"] if each["severity"] == severity]
    groups = []
    for id_, its in alike(of_severity, lambda each: each["id"]).items():
        rows = [
            FoundRow(message, remedy, ":".join(str(part) for part in (file, line) if part), names(_named(same)))
            for (message, remedy, file, line), same in alike(
                its, lambda each: (each["message"], each["remedy"], each.get("file"), each.get("line"))
            ).items()
        ]
        sources = list(dict.fromkeys(each["source"] for each in its if each.get("source")))
        groups.append(FoundGroup(id_, severity, its[0].get("override"), sources, rows, len(its)))
    return groups


def _named(found: list[dict[str, Any]]) -> list[str]:
    return [each["host"] for each in found if each.get("host")]


def _steps(report: dict[str, Any]) -> list[StepRow]:
    parts = alike(report.get("parts") or [], lambda part: part["step"])
    return [
        StepRow(
            step["name"],
            step["title"],
            names(step["hosts"]),
            [
                Change(names(part["host"] for part in its), lines)
                for lines, its in alike(parts.get(step["name"], []), _lines).items()
                if lines
            ],
        )
        for step in report.get("steps") or []
    ]


def _lines(part: dict[str, Any]) -> tuple[tuple[str, str, str], ...]:
    lines = [("drain", "", "requests run out before anything is changed")] if part.get("drained") else []
    lines = [] if part.get("restart_back") else lines
    for change in part.get("files", []):
        if change.get("becomes"):
            lines.append(("file", change["path"], change["becomes"]))
        for option in change["options"]:
            section = option.get("section") or option.get("group") or "DEFAULT"
            gone = option.get("state") == "absent"
            becomes = "taken out" if gone else f"= {option.get('value', '')}"
            lines.append(("file", change["path"], f"[{section}] {option['option']} {becomes}"))
    lines += [("database", f"glance-manage db {part['database']}", "")] if part.get("database") else []
    lines += [("stop and disable", unit, "") for unit in part.get("retire", [])]
    lines += [("start", unit, "") for unit in part.get("start", [])]
    lines += [("restart", unit, "") for unit in part.get("restart", [])]
    back = "only on the way back, for a rule that is gone counts until then"
    lines += [("restart", unit, back) for unit in part.get("restart_back", [])]
    return tuple(lines)


def _diffs(report: dict[str, Any]) -> list[DiffRow]:
    rows = []
    for (file, text), same in alike(report.get("diffs") or [], lambda each: (each["file"], each["diff"])).items():
        lines = [(_KINDS.get(line[:1], "same"), line) for line in text.splitlines()]
        added, removed = (sum(kind == wanted for kind, _line in lines) for wanted in ("added", "removed"))
        hosts = names(each["host"] for each in same)
        rows.append(DiffRow(file, hosts, added, removed, lines[:DIFF_LINES], max(0, len(lines) - DIFF_LINES)))
    return rows


_KINDS = {"+": "added", "-": "removed", "@": "place"}


# -- hosts and services -------------------------------------------------------------------------------------------


def _services(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What each service speaks, with what it speaks afterwards."""
    after = {(each["host"], each["service"]): each for each in report.get("spoken_after") or []}
    return [
        {**each, "after": after.get((each["host"], each["service"]), {}).get("api") if after else None}
        for each in report.get("spoken") or []
    ]


def _of_service(each: dict[str, Any], where: bool = True) -> tuple[Any, ...]:
    after = each["after"]
    told = (each.get("origin") or "default", each.get("reason") or "", bool(each.get("restart_pending")))
    return (
        each["service"],
        each["release"],
        tuple(each["api"]),
        after if after is None else tuple(after),
        *(told if where else ("", "", False)),
    )


def _service_row(key: tuple[Any, ...], its: Iterable[dict[str, Any]]) -> ServiceRow:
    return ServiceRow(names(each["host"] for each in its), *key)


def _hosts(report: dict[str, Any], services: list[dict[str, Any]]) -> list[HostRow]:
    spoken = alike(services, lambda each: each["host"])
    found = alike(report["findings"], lambda each: each.get("host") or "")

    def profile(host: dict[str, Any]) -> tuple[Any, ...]:
        its = alike(found.get(host["name"], []), lambda each: (each["severity"], each["id"]))
        return (
            tuple(host.get("groups") or ()),
            host.get("trouble") if not host["reached"] else None,
            tuple(map(_of_service, spoken.get(host["name"], []))),
            tuple((*key, len(same)) for key, same in its.items()),
        )

    rows = [
        HostRow(
            names((host["name"] for host in same), most=3),
            groups,
            trouble,
            [_service_row(key, ()) for key in speaks],
            list(findings),
        )
        for (groups, trouble, speaks, findings), same in alike(report.get("hosts") or [], profile).items()
    ]
    return sorted(rows, key=lambda row: (row.trouble is None, _rank(row.worst)))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _chart(rows: Iterable[tuple[str, float, str, str]], word: Callable[[float], str] = "{:,}".format) -> list[Bar]:
    found = list(rows)
    longest = max((value for _label, value, _tone, _note in found), default=0)
    return [Bar(label, word(value), share(value, longest), tone, note) for label, value, tone, note in found]


def _worst_and_most(each: dict[str, Any]) -> tuple[int, int]:
    return _rank(each["severity"]), -each["count"]


# -- callers ------------------------------------------------------------------------------------------------------


def _callers(logs: list[dict[str, Any]]) -> CallersView | None:
    """The callers of v1 in the logs of all hosts together."""
    if not logs:
        return None
    calls = [{**caller, "host": log.get("host", "")} for log in logs for caller in log.get("callers", [])]
    rows = [_caller(client, its) for client, its in alike(calls, lambda each: each["client"]).items()]
    rows = sorted((row for row in rows if row.v1), key=lambda row: -row.v1)
    most = rows[0].v1 if rows else 0
    tools = [
        (":".join(str(part) for part in (tool.get("file"), tool.get("line")) if part), str(tool.get("program", "")))
        for log in logs
        for tool in log.get("tools", [])
    ]
    return CallersView(
        v1=_requests([log.get("versions") or {} for log in logs], "v1") or 0,
        v2=_requests([log.get("versions") or {} for log in logs], "v2"),
        callers=[replace(row, length=share(row.v1, most)) for row in rows[:MOST]],
        more=max(0, len(rows) - MOST),
        spans=[_span(log) for log in logs],
        tools=list(dict.fromkeys(tools)),
    )


def _requests(counted: list[dict[str, int]], version: str) -> int | None:
    numbers = [each[version] for each in counted if version in each]
    return sum(numbers) if numbers else None


def _caller(client: str, its: list[dict[str, Any]]) -> CallerRow:
    counted = [each.get("requests") or {} for each in its]
    agents = [each["user_agent"] for each in its if each.get("user_agent")]
    through = [f"through {each['via']}" for each in its if each.get("via")]
    examples = [path for each in its for path in each.get("examples", [])]
    return CallerRow(
        client,
        its[0].get("name") or "",
        [*list(dict.fromkeys(agents))[:3], *list(dict.fromkeys(through))[:3]],
        _requests(counted, "v1") or 0,
        _requests(counted, "v2"),
        moment(min((each["first"] for each in its if each.get("first")), default=None)),
        moment(max((each["last"] for each in its if each.get("last")), default=None)),
        names(each["host"] for each in its),
        list(dict.fromkeys(examples))[:3],
        0,
    )


def _days(days: float) -> str:
    return f"{days:,.1f} days" if days >= 1 else seconds(days * 86400)


def _span(log: dict[str, Any]) -> LogSpan:
    span, days, stretches = log.get("span") or {}, log.get("covered_days"), len(log.get("covered") or ())
    text = "no time covered"
    if span.get("from"):
        text = f"{moment(span['from'])} to {moment(span.get('to'))}"
        text += f", {_days(days)} covered" if days is not None else ""
        text += f" in {stretches} stretches" if stretches > 1 else ""
        text += ", by the balancer's logs" if log.get("judged_by") == "proxy" else ""
    troubles = [*([log["error"]] if log.get("error") else []), *log.get("troubles", [])]
    if log.get("truncated"):
        troubles.append("More clients asked than are kept one by one; the sums hold all.")
    return LogSpan(log.get("host", ""), text, log.get("files", []), troubles)


# -- what was done ------------------------------------------------------------------------------------------------


def _trips(report: dict[str, Any]) -> list[tuple[dict[str, Any], list[Bar]]]:
    return [
        (
            trip,
            _chart(
                (
                    (step["name"], step.get("seconds") or 0, *(("good", "") if step.get("ok") else ("bad", "failed")))
                    for step in trip.get("steps", [])
                ),
                seconds,
            ),
        )
        for trip in (report.get("round_trip") or {}).get("endpoints") or []
    ]


# -- the verdict --------------------------------------------------------------------------------------------------


def _verdict(seen: View) -> None:
    report, blockers = seen.report, seen.counts["blocker"]
    if seen.ended:
        outcome = report["outcome"].strip()
        seen.headline = outcome[:1].upper() + outcome[1:]
        seen.tone = "bad" if report.get("failed") else "good" if seen.timeline or seen.trips else "info"
    elif report["verdict"] == "blocked":
        seen.headline, seen.tone = f"Blocked by {count(blockers, 'finding')}", "bad"
    elif report["verdict"] == "ready":
        seen.headline, seen.tone = "Ready", "good"
    else:
        seen.headline, seen.tone = "Nothing to do", "good"
    seen.sentences = [text for text in (_looked(seen), _planned(seen), _spoken(seen)) if text]


def _looked(seen: View) -> str:
    hosts = seen.report.get("hosts") or []
    if not hosts:
        return ""
    lost = [host["name"] for host in hosts if not host["reached"]]
    text = f"{count(len(hosts), 'host')} looked at"
    return f"{text}; {names(lost).shown} could not be reached." if lost else f"{text}, all reached."


def _planned(seen: View) -> str:
    if seen.timeline:
        hosts = len({phase["host"] for phase in seen.report["timeline"]})
        return f"{count(hosts, 'host')} changed in {seen.timeline.took}."
    if not seen.steps:
        return "No step is left to do." if seen.report["verdict"] == "nothing_to_do" else ""
    hosts = len({host for step in seen.steps for host in step.hosts.all})
    would = "would " if seen.ended or seen.report["verdict"] == "blocked" else "will "
    return f"{count(len(seen.steps), 'step')} {would}change {count(hosts, 'host')}."


def _spoken(seen: View) -> str:
    after = seen.report.get("spoken_after")
    services = after or seen.report.get("spoken") or []
    if not services:
        return ""
    v1 = sum("v1" in each["api"] for each in services)
    if not v1:
        return f"{'Now all' if after else 'All'} {count(len(services), 'service')} speak v2 alone."
    return (
        f"{v1:,} of {count(len(services), 'service')} {'still ' if after else ''}{'speaks' if v1 == 1 else 'speak'} v1."
    )


def _facts(seen: View) -> Iterable[Fact]:
    tones = {"blocker": "bad", "warning": "warn", "note": "info"}
    for severity in SEVERITIES:
        number = seen.counts[severity]
        section = "blockers" if severity == "blocker" else "findings"
        yield Fact(
            f"{number:,}", count(number, severity).split(" ")[1], tones[severity] * bool(number), section * bool(number)
        )
    hosts = seen.report.get("hosts") or []
    if hosts:
        lost = sum(not host["reached"] for host in hosts)
        yield Fact(
            f"{len(hosts):,}", "hosts" if not lost else f"hosts, {lost:,} not reached", "warn" * bool(lost), "hosts"
        )
    if seen.callers:
        yield Fact(f"{seen.callers.v1:,}", "v1 requests in the logs", "warn" if seen.callers.v1 else "good", "callers")
    audit = seen.report.get("audit")
    if audit and "findings" in audit:
        grave = sum(each["count"] for each in audit["findings"] if each["severity"] != "note")
        yield Fact(f"{grave:,}", "warnings about images", "warn" if grave else "good", "audit")
    if seen.heats:
        undeclared = sum(heat.undeclared for heat in seen.heats)
        changed = sum(heat.gained + heat.lost for heat in seen.heats)
        label = "decisions change undeclared" if undeclared else "decisions change" if changed else "decisions computed"
        number = undeclared or changed or max(heat.decisions for heat in seen.heats)
        yield Fact(f"{number:,}", label, "warn" if undeclared else "", "policy")
    if seen.timeline:
        yield Fact(seen.timeline.took, "from first to last change", "", "timeline")
