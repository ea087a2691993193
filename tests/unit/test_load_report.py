# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The page about what users noticed."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import load_report  # noqa: E402  (the path comes first)
from load_report import Request  # noqa: E402

MARKS = [(100.0, "before"), (110.0, "<flip>"), (120.0, "nobody asks")]
REQUESTS = [
    Request(101, 0.010, "v2 list"),
    Request(102, 0.030, "v1 show"),
    Request(103, 0.020, "v2 upload"),
    Request(104, 9.000, "large upload"),
    Request(115, 0.500, "v2 show", "503"),
]


def test_each_request_belongs_to_the_phase_in_which_it_ended() -> None:
    rows = [phase.row() for phase in load_report.phases(MARKS, REQUESTS, 130)]
    assert rows == [
        ["before", "10", "4", "0", "20", "30", "30", "1"],
        ["<flip>", "10", "1", "1", "500", "500", "500", "0"],
        ["nobody asks", "10", "0", "0", "-", "-", "-", "0"],
    ]


def test_a_failed_request_is_marked_in_the_plot() -> None:
    drawn = ElementTree.fromstring(load_report.plot(load_report.phases(MARKS, REQUESTS, 130)))
    paths = [each for each in drawn if each.get("stroke") == load_report.BAD]
    assert len(paths) == 1
    left, right = load_report.LEFT, load_report.WIDTH
    assert left < float(str(paths[0].get("d"))[1:].split()[0]) < right
    lines = [each for each in drawn if each.tag.endswith("polyline")]
    assert [len(str(line.get("points")).split()) for line in lines] == [4, 4]


def test_names_are_escaped() -> None:
    page = load_report.page(load_report.phases(MARKS, REQUESTS, 130), "5 requests, 1 failed")
    assert "<flip>" not in page and page.count("&lt;flip&gt;") == 2
