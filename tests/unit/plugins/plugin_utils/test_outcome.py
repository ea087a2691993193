# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says when it ends."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils import _outcome

RUN = "20261121T095609Z-ddaebe"
STEPS = [
    {"name": "catalogue", "title": "the catalogue's image endpoints name no version", "hosts": []},
    {"name": "nova", "title": "Nova speaks v2", "hosts": ["nova1", "nova2"]},
]


def said(ended: str, way_back: str = "", troubles: tuple[str, ...] = (), steps: Any = STEPS) -> list[str]:
    return _outcome.lines({"run_id": RUN, "steps": steps}, ended, "in words", "/r/x.html", way_back, troubles)


def test_a_run_that_is_done_says_five_lines() -> None:
    assert said("done", "ansible-playbook it") == [
        "Changed: the catalogue's image endpoints name no version; Nova speaks v2.",
        "Hosts: Keystone, nova1, nova2",
        f"Verdict: in words. Run {RUN}.",
        "Report: /r/x.html",
        "Way back (rows in the database stay as they are): ansible-playbook it",
    ]


@pytest.mark.parametrize("ended", ["idle", "not_begun"])
def test_a_run_that_changed_nothing_names_no_host(ended: str) -> None:
    lines = said(ended)
    assert lines[:2] == ["Changed: nothing.", "Hosts: none"]
    assert lines[4].endswith(": nothing is left to undo")


@pytest.mark.parametrize(
    "ended, begins", [("check", "it would be"), ("undone", "put back"), ("stuck", "not undone yet")]
)
def test_what_was_not_done_or_not_kept_is_not_called_changed(ended: str, begins: str) -> None:
    lines = said(ended)
    assert begins in lines[0] and "Nova speaks v2" in lines[0]
    assert lines[1] == "Hosts: Keystone, nova1, nova2"


def test_a_contract_step_that_failed_or_was_followed_by_a_failure_has_no_way_back() -> None:
    contract = [{"name": "database_contract", "title": "the database has no more of it", "hosts": ["g1"]}]
    kept = said("kept", steps=contract, troubles=("localhost: verify: no",))
    assert kept[0] == "Changed: the database has no more of it." and kept[4].endswith(
        ": no release undoes a contract step"
    )
    assert (
        said("unfinished", steps=contract)[0] == "Changed: a part of this may be done: the database has no more of it."
    )


def test_a_continued_run_with_nothing_left_to_do_changed_nothing() -> None:
    assert said("done", steps=[])[:2] == ["Changed: nothing.", "Hosts: none"]


def test_a_host_that_was_put_back_alone_is_no_changed_one_and_is_named_with_the_verdict() -> None:
    lines = said("done", troubles=("nova2: nova: it died.",))
    assert lines[1] == "Hosts: Keystone, nova1"
    assert lines[2] == f"Verdict: in words. Run {RUN}. Trouble on nova2: nova: it died."


def test_a_large_fleet_is_drawn_together() -> None:
    steps = [{"name": "nova", "title": "Nova speaks v2", "hosts": [f"cmp{number:03}" for number in range(1, 121)]}]
    assert said("done", steps=steps)[1] == "Hosts: cmp001–120"


def test_the_way_back_is_a_command_for_a_shell() -> None:
    command = _outcome.rollback_command(
        RUN,
        ["/home/ops/my cloud", "a,b"],
        {
            "glance_flip_glance_group": "controllers",
            "glance_flip_nova_group": "",
            "glance_flip_cloud": {"password": "s3cret"},
        },
    )
    assert shlex.split(command) == [
        *("ansible-playbook", "-i", "/home/ops/my cloud", "-i", "a,b", "stackops.glance.rollback"),
        *("-e", f"glance_flip_run={RUN}", "-e", "glance_flip_glance_group=controllers"),
    ]


def test_the_way_back_without_more_is_short() -> None:
    assert _outcome.rollback_command(RUN) == f"ansible-playbook stackops.glance.rollback -e glance_flip_run={RUN}"
