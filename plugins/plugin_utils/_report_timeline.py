# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When each phase of a run was, as lanes along a time axis and as seconds in a table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils._words import Names, alike, names, seconds, share

PHASES = ("drain", "change", "health", "undrain")
#: Hosts up to which each has a lane of its own in the timeline.
LANES = 24
#: Lanes of a step that are shown; the table has every host.
MOST = 100


@dataclass(frozen=True)
class Stretch:
    """A phase in a lane, in per cent of the whole time."""

    phase: str
    left: float
    width: float
    title: str
    ok: bool


@dataclass(frozen=True)
class Lane:
    hosts: Names
    stretches: list[Stretch]
    took: str


@dataclass(frozen=True)
class Track:
    """A step in one direction: its lanes, and the seconds of each phase on each host."""

    step: str
    undo: bool
    lanes: list[Lane]
    more: int
    took: str
    slowest: str
    hosts: int
    failed: int
    phases: tuple[str, ...]
    table: list[tuple[str, list[str], str, bool]]


@dataclass(frozen=True)
class Timeline:
    began: str
    took: str
    ticks: list[tuple[float, str]]
    tracks: list[Track]


def timeline(phases: list[dict[str, Any]]) -> Timeline | None:
    if not phases:
        return None
    first = min(each["started"] for each in phases)
    whole = max(each["ended"] for each in phases) - first
    tracks = []
    for (step, direction), its in alike(
        sorted(phases, key=lambda each: each["started"]), lambda each: (each["step"], each.get("direction", "do"))
    ).items():
        tracks.append(_track(step, direction == "undo", its, first, whole))
    unit = next((unit for unit in _UNITS if whole / unit <= 6), _UNITS[-1])
    ticks = [(share(number * unit, whole), _tick(number * unit)) for number in range(int(whole // unit) + 1)]
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(first))
    return Timeline(began, seconds(whole), ticks, tracks)


#: Seconds between the marks of a time axis.
_UNITS = (0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


def _tick(value: float) -> str:
    for unit, name in ((3600, "h"), (60, "min")):
        if value >= unit and value % unit == 0:
            return f"{value // unit:.0f} {name}"
    return seconds(value) if value > 60 else f"{value:g} s"


def _track(step: str, undo: bool, phases: list[dict[str, Any]], first: float, whole: float) -> Track:
    by_host = alike(phases, lambda each: each["host"])
    took = {host: _took(its) for host, its in by_host.items()}
    slowest = max(took, key=lambda host: took[host])
    lanes = [[host] for host in by_host] if len(by_host) <= LANES else _batches(by_host)
    kinds = tuple(kind for kind in PHASES if any(each["phase"] == kind for each in phases))
    kinds += tuple(dict.fromkeys(each["phase"] for each in phases if each["phase"] not in PHASES))
    table = [
        (
            host,
            [seconds(sum(_length(each) for each in its if each["phase"] == kind)) for kind in kinds],
            seconds(took[host]),
            all(each["ok"] for each in its),
        )
        for host, its in by_host.items()
    ]
    return Track(
        step,
        undo,
        [_lane([each for host in lane for each in by_host[host]], first, whole) for lane in lanes[:MOST]],
        max(0, len(lanes) - MOST),
        seconds(_took(phases)),
        f"{slowest}, {seconds(took[slowest])}" if len(took) > 1 else "",
        len(by_host),
        sum(not ok for _host, _cells, _took, ok in table),
        kinds,
        table,
    )


def _length(phase: dict[str, Any]) -> float:
    return max(0.0, phase["ended"] - phase["started"])


def _took(phases: list[dict[str, Any]]) -> float:
    return max(each["ended"] for each in phases) - min(each["started"] for each in phases)


def _batches(by_host: dict[str, list[dict[str, Any]]]) -> list[list[str]]:
    """Hosts that were changed at the same time, together."""
    found: list[list[str]] = []
    until = float("-inf")
    for host, its in by_host.items():
        if min(each["started"] for each in its) >= until:
            found.append([])
        found[-1].append(host)
        until = (
            max(until, max(each["ended"] for each in its)) if len(found[-1]) > 1 else max(each["ended"] for each in its)
        )
    return found


def _lane(phases: list[dict[str, Any]], first: float, whole: float) -> Lane:
    """A phase of several hosts begins, for the eye, when the one before it has ended on all."""
    stretches, until = [], first
    for kind, its in alike(phases, lambda each: each["phase"]).items():
        started = max(until, min(each["started"] for each in its))
        until = max(started, *(each["ended"] for each in its))
        ok = all(each["ok"] for each in its)
        title = f"{kind} {seconds(until - started)}" + ("" if ok else ", failed")
        stretches.append(Stretch(kind, share(started - first, whole), share(until - started, whole), title, ok))
    return Lane(names(each["host"] for each in phases), stretches, seconds(_took(phases)))
