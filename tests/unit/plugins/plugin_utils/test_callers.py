# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _callers

NOW = 1795305600.0  # 2026-11-22T00:00:00Z
DAY = 86400


def at(days: float) -> str:
    """A moment that many days ago."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - days * DAY))


def caller(client: str = "192.0.2.31", days: float = 1, number: int = 4, **more: Any) -> dict[str, Any]:
    return {
        "client": client,
        "user_agent": None,
        "via": None,
        "requests": {"v1": number},
        "first": at(days + 1),
        "last": at(days),
        "examples": ["GET /v1/images"],
        **more,
    }


def log(**more: Any) -> dict[str, Any]:
    return {
        "path": "/var/log/glance/api.log",
        "format": "eventlet",
        "from": at(9),
        "to": at(0),
        "requests": 1,
        "unreadable": 0,
        "error": None,
        **more,
    }


def result(
    *callers: dict[str, Any], covered: tuple[tuple[float, float], ...] = ((9, 0),), **more: Any
) -> dict[str, Any]:
    return {
        "callers": list(callers),
        "covered": [{"from": at(begin), "to": at(end)} for begin, end in covered],
        "files": [log()],
        "troubles": [],
        "truncated": False,
        "judged_by": "glance",
        **more,
    }


def findings(results: dict[str, dict[str, Any]], days: float = 7, **more: Any) -> dict[str, Any]:
    found = _callers.findings(results, days, NOW, **more)
    assert all(each.severity == "warning" and each.accept and each.remedy for each in found)
    return {f"{each.id} {each.host}": each.message for each in found}


def test_quiet():
    assert findings({"glance1": result(caller(days=7.1)), "glance2": result()}) == {}
    assert findings({"glance1": result(caller(days=1), covered=())}, days=0) == {}


def test_callers_of_hosts_behind_a_balancer():
    results = {
        "glance1": result(caller(days=2), caller("192.0.2.9", 0.5, 1, user_agent="curl/8", via="192.0.2.1")),
        "glance2": result(caller(days=1), caller("192.0.2.8", 30)),
    }
    names = {"192.0.2.31": "nova1", "192.0.2.1": "infra"}
    assert findings(results, names=names) == {
        "v1_callers_seen glance1, glance2": "v1 was asked for in the last 7 days: 192.0.2.9 through infra with curl/8 1 request, "
        f"last {at(0.5)}, as GET /v1/images; 192.0.2.31 (nova1) 8 requests, last {at(1)}, as GET /v1/images."
    }


def test_more_callers_than_a_message_holds():
    many = [caller(f"192.0.2.{number}") for number in range(40)]
    (message,) = findings({"glance1": result(*many, truncated=True)}).values()
    assert "and 30 more; and others, of whom there are too many to keep (glance1)" in message
    assert len(message) < 2000
    assert list(findings({"glance1": result(truncated=True)})) == ["v1_callers_seen glance1"]


@pytest.mark.parametrize(
    ("covered", "said"),
    [
        (((9, 0),), None),
        (((7, 0.01),), None),
        (((9, 5), (4, 0)), "cover 6 days"),
        (((2.5, 0),), "cover 2.5 days"),
        (((20, 8),), "cover 0 days"),
        (((9, 3),), "cover 4 days"),
    ],
)
def test_days_that_no_log_vouches_for(covered, said):
    found = findings({"glance1": result(covered=covered)})
    assert bool(found) is bool(said)
    if said:
        assert said in found["v1_logs_too_short glance1"] and at(covered[-1][0]) in found["v1_logs_too_short glance1"]


def test_the_balancers_word_alone():
    found = findings({"glance1": result(covered=((1, 0),), judged_by="proxy")})
    assert "the balancer's logs cover 1 day " in found["v1_logs_too_short glance1"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"failed": True, "msg": "The host cannot be reached."}, "The host cannot be reached"),
        ({"unreachable": True}, "no answer"),
        (result(covered=(), files=[]), "no access log was found"),
        (
            result(covered=(), files=[log(format=None)], troubles=["gunicorn of x writes no requests down."]),
            "gunicorn of x",
        ),
        (
            result(files=[log(), log(path="a.gz", error="Its gzip data ends too early.")]),
            "a.gz: Its gzip data ends too early",
        ),
        (result(files=[log(unreadable=3)]), "3 lines look like requests for v1"),
    ],
)
def test_logs_that_do_not_tell(told, said):
    found = findings({"glance1": told})
    assert list(found) == ["v1_logs_unreadable glance1"]
    assert said in found["v1_logs_unreadable glance1"]


@pytest.mark.parametrize(("major", "programs"), [(None, "rcs"), (15, "rcs"), (18, "rs")])
def test_tools_that_speak_v1(major, programs):
    tools = [
        {"file": "/etc/crontab", "line": 1, "program": "glance-replicator", "calls_v1": False},
        {"file": "/etc/crontab", "line": 2, "program": "glance-cache-manage", "calls_v1": False},
        {"file": "/etc/crontab", "line": 3, "program": "glance-scrubber", "calls_v1": False},
        {"file": "/root/bill", "line": 4, "program": "bill", "calls_v1": True},
    ]
    kept = {"r": tools[0], "c": tools[1], "s": tools[3]}
    assert _callers.speaking_v1(tools, major) == [kept[letter] for letter in programs]
