# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report as numbers, in the text format that Prometheus and the textfile collector of node_exporter read."""

from __future__ import annotations

import calendar
import collections
import time
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "stackops_glance_"
VERDICTS = ("ready", "blocked", "nothing_to_do")

#: The labels and the value of each sample of a metric.
Samples = Iterable[tuple[Mapping[str, str], float]]


def text(report: Mapping[str, Any]) -> str:
    """What is counted in a report. What was not looked at has no sample, rather than a zero."""
    findings = collections.Counter((each["severity"], each["id"]) for each in report["findings"])
    reached = collections.Counter("true" if each["reached"] else "false" for each in report["hosts"])
    audit = report["audit"] or {}
    read = [each for each in report["callers"] if each.get("span")]  # else no log told of any request
    written = calendar.timegm(time.strptime(report["written"], "%Y-%m-%dT%H:%M:%SZ"))
    metrics: list[tuple[str, str, Samples]] = [
        ("last_look_timestamp_seconds", "When the cloud was looked at last.", [({}, written)]),
        (
            "verdict",
            "1 for the verdict of the last look.",
            [({"verdict": v}, v == report["verdict"]) for v in VERDICTS],
        ),
        (
            "findings",
            "Findings of the last look, by severity and id.",
            [({"severity": severity, "id": id_}, number) for (severity, id_), number in sorted(findings.items())],
        ),
        ("hosts", "Hosts of the groups, by whether they answered.", [({"reached": k}, n) for k, n in reached.items()]),
        ("troubles", "What the last look could not do.", [({}, len(report["troubles"]))]),
        (
            "v1_requests",
            "Requests for version 1 in the access logs that were read.",
            [({"host": each["host"]}, (each.get("versions") or {}).get("v1", 0)) for each in read],
        ),
        (
            "v1_callers",
            "Clients that asked for version 1, by the access logs that were read.",
            [({"host": each["host"]}, _callers(each)) for each in read],
        ),
        (
            "audited_images",
            "Images that the last audit looked at.",
            [({}, audit["images"])] if audit.get("images") is not None else [],
        ),
        (
            "audit_findings",
            "Images that version 1 and 2 treat differently, by severity and id.",
            [({"severity": each["severity"], "id": each["id"]}, each["count"]) for each in audit.get("findings") or []],
        ),
    ]
    return "".join(_metric(PREFIX + name, said, samples) for name, said, samples in metrics)


def _callers(read: Mapping[str, Any]) -> int:
    return len({each["client"] for each in read.get("callers") or [] if each["requests"].get("v1")})


def _metric(name: str, said: str, samples: Samples) -> str:
    lines = [f"{name}{_labels(labels)} {value:.0f}\n" for labels, value in samples]
    return "".join([f"# HELP {name} {said}\n# TYPE {name} gauge\n", *lines]) if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
