# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import stat
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.plugin_utils import _metrics, _report_files

REPORT: dict[str, Any] = {
    "written": "2026-11-21T09:56:09Z",
    "verdict": "blocked",
    "findings": [
        {"id": "option_unknown", "severity": "warning"},
        {"id": "option_unknown", "severity": "warning"},
        {"id": "cloud_unreadable", "severity": "blocker"},
    ],
    "hosts": [{"name": "g1", "reached": True}, {"name": "n1", "reached": False}],
    "audit": None,
    "callers": [],
    "troubles": [],
}


def samples(**more: Any) -> list[str]:
    return [line for line in _metrics.text({**REPORT, **more}).splitlines() if not line.startswith("#")]


def test_findings_are_counted_by_severity_and_id() -> None:
    assert samples() == [
        "stackops_glance_last_look_timestamp_seconds 1795254969",
        'stackops_glance_verdict{verdict="ready"} 0',
        'stackops_glance_verdict{verdict="blocked"} 1',
        'stackops_glance_verdict{verdict="nothing_to_do"} 0',
        'stackops_glance_findings{severity="blocker",id="cloud_unreadable"} 1',
        'stackops_glance_findings{severity="warning",id="option_unknown"} 2',
        'stackops_glance_hosts{reached="true"} 1',
        'stackops_glance_hosts{reached="false"} 1',
        "stackops_glance_troubles 0",
    ]


def test_each_metric_is_described_once_before_its_samples() -> None:
    lines = _metrics.text(REPORT).splitlines()
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) == sum(line.startswith("# HELP") for line in lines)
    assert all(line.endswith(" gauge") for line in lines if line.startswith("# TYPE"))


def test_who_asked_for_v1_and_what_the_audit_counted() -> None:
    callers = [
        {"client": "10.0.0.1", "requests": {"v1": 3}},
        {"client": "10.0.0.1", "user_agent": "other", "requests": {"v1": 1}},
        {"client": "10.0.0.2", "requests": {"v2": 9}},
    ]
    span = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-21T09:00:00Z"}
    read = {"host": "g1", "span": span, "versions": {"v1": 4, "v2": 9}, "callers": callers}
    audit = {"images": 12, "findings": [{"id": "property-shadowed", "severity": "warning", "count": 3}]}
    others = [{"host": "g2", "error": "no log"}, {"host": "g3", "span": None, "versions": {"v1": 0}, "callers": []}]
    assert samples(callers=[read, *others], audit=audit)[-4:] == [
        'stackops_glance_v1_requests{host="g1"} 4',
        'stackops_glance_v1_callers{host="g1"} 1',
        "stackops_glance_audited_images 12",
        'stackops_glance_audit_findings{severity="warning",id="property-shadowed"} 3',
    ]


def test_an_audit_that_failed_has_no_numbers() -> None:
    assert not [line for line in samples(audit={"error": "Keystone does not answer."}) if "audit" in line]


def test_a_label_is_escaped() -> None:
    (line,) = [
        each
        for each in samples(callers=[{"host": 'a"\\\nb', "span": {"from": None, "to": None}}])
        if "requests" in each
    ]
    assert line == r'stackops_glance_v1_requests{host="a\"\\\nb"} 0'


def test_the_file_is_replaced_whole_and_readable_by_the_collector(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "glance.prom"
    path.write_text("old")
    assert _report_files.publish(str(path), "new") == str(path)
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_collector_s_directory_that_is_missing_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(GlanceError, match="gone/glance.prom: No such file or directory. Name a file") as caught:
        _report_files.publish(str(tmp_path / "gone" / "glance.prom"), "new")
    assert "glance_flip_metrics_file" in caught.value.message
