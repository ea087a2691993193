# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users noticed, as a page with a plot: the latency of small requests over time, and what happened meanwhile."""

from __future__ import annotations

import html
import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, TOP = 1080, 320, 70, 110
#: The plot has this many moments at most.
MOMENTS = 240
MEDIAN, HIGH, BAD = "#2b6cb0", "#dd6b20", "#b0241b"


@dataclass(frozen=True)
class Request:
    """One request: when it ended, how many seconds it took, and what went wrong if anything did."""

    ended: float
    seconds: float
    what: str
    trouble: str = ""

    @property
    def small(self) -> bool:
        return not self.what.startswith("large")


@dataclass(frozen=True)
class Phase:
    """What happened from ``began`` to ``ended``, in seconds since the epoch, and the requests that ended meanwhile."""

    name: str
    began: float
    ended: float
    requests: list[Request]

    def row(self) -> list[str]:
        """Latency of the small requests in ms, and the number of large transfers that came to their end."""
        small = sorted(1000 * request.seconds for request in self.requests if request.small)
        failed = sum(bool(request.trouble) for request in self.requests)
        figures = [statistics.median(small), _within(small, 0.95), small[-1]] if small else []
        return [
            self.name,
            f"{self.ended - self.began:.0f}",
            str(len(self.requests)),
            str(failed),
            *([f"{figure:.0f}" for figure in figures] or ["-"] * 3),
            str(len(self.requests) - len(small)),
        ]


def _within(times: Sequence[float], share: float) -> float:
    """The time, of sorted ones, within which this share of them lies."""
    return times[int(share * len(times))]


COLUMNS = ("phase", "seconds", "requests", "failed", "median ms", "95 % ms", "most ms", "large")


def phases(marks: Sequence[tuple[float, str]], requests: Sequence[Request], ended: float) -> list[Phase]:
    """The phases that began at these times, the last of which ended then."""
    edges = [*marks, (ended, "")]
    return [
        Phase(name, began, end, [request for request in requests if began <= request.ended < end])
        for (began, name), (end, _next) in itertools.pairwise(edges)
    ]


def table(found: Sequence[Phase]) -> str:
    rows = [COLUMNS, *(phase.row() for phase in found)]
    return "\n".join(f"{row[0]:24}" + "".join(f"{cell:>11}" for cell in row[1:]) for row in rows)


def plot(found: Sequence[Phase]) -> str:
    """Median and 95th percentile of small requests, on a logarithmic scale, as SVG; a mark where one failed."""
    began, ended = found[0].began, found[-1].ended
    requests = [request for phase in found for request in phase.requests]
    step = max((ended - began) / MOMENTS, 0.5)
    moments: dict[int, list[float]] = {}
    for request in requests:
        if request.small:
            moments.setdefault(int((request.ended - began) / step), []).append(1000 * request.seconds)
    for times in moments.values():
        times.sort()
    most = max((times[-1] for times in moments.values()), default=1.0)
    decades = max(1, math.ceil(math.log10(most)))

    def across(seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - 8) * seconds / (ended - began)

    def up(milliseconds: float) -> float:
        return TOP + HEIGHT * (1 - math.log10(max(milliseconds, 1)) / decades)

    parts = []
    for number, phase in enumerate(found):
        left, right = across(phase.began - began), across(phase.ended - began)
        shade = "#eef0f5" if number % 2 else "#ffffff"
        parts.append(f'<rect x="{left:.1f}" y="{TOP}" width="{right - left:.1f}" height="{HEIGHT}" fill="{shade}"/>')
        parts.append(
            f'<text transform="translate({(left + right) / 2:.1f} {TOP - 6}) rotate(-30)">{html.escape(phase.name)}</text>'
        )
    for decade in range(decades + 1):
        height = up(10**decade)
        parts.append(f'<path d="M{LEFT} {height:.1f}H{WIDTH - 8}" stroke="#c5cbd8" stroke-width="0.5"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{10**decade:,} ms</text>')
    for share, colour in ((0.95, HIGH), (0.5, MEDIAN)):
        points = [
            f"{across((moment + 0.5) * step):.1f},{up(_within(times, share)):.1f}"
            for moment, times in sorted(moments.items())
        ]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
    for request in requests:
        if request.trouble:
            place = across(request.ended - began)
            parts.append(f'<path d="M{place:.1f} {TOP}v{HEIGHT}" stroke="{BAD}"/>')
    for minute in range(0, int((ended - began) / 60) + 1):
        parts.append(f'<text x="{across(60 * minute):.1f}" y="{TOP + HEIGHT + 16}">{minute} min</text>')
    bottom = TOP + HEIGHT + 38
    for place, colour, name in ((LEFT, MEDIAN, "median"), (LEFT + 90, HIGH, "95 %"), (LEFT + 170, BAD, "failed")):
        parts.append(f'<rect x="{place}" y="{bottom - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{place + 18}" y="{bottom}">{name}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 12}" font-family="sans-serif" '
        f'font-size="11" role="img" aria-label="Latency of small requests over time">{"".join(parts)}</svg>'
    )


def page(found: Sequence[Phase], summary: str) -> str:
    """Plot and table as HTML that opens without a network."""
    head = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
    body = "".join(f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in phase.row())}</tr>" for phase in found)
    return (
        '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>What users noticed</title><style>'
        "body{font:16px/1.5 sans-serif;max-width:1100px;margin:24px auto;padding:0 16px;color:#182033;background:#fff}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:4px 12px;text-align:right;"
        "border-bottom:1px solid #dde1ea}td:first-child,th:first-child{text-align:left}</style>"
        f"<h1>What users noticed</h1><p>{html.escape(summary)}</p>{plot(found)}"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></html>\n"
    )
