# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run says when it ends, in five lines, and the command that undoes it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _words

#: What became of the steps of the plan, by how the run ended.
CHANGED = {
    "idle": "nothing",
    "check": "nothing; it would be: {}",
    "not_begun": "nothing",
    "done": "{}",
    "undone": "put back to what it was: {}",
    "stuck": "a part of this is not undone yet: {}",
    "kept": "{}",
    "unfinished": "a part of this may be done: {}",
}


def rollback_command(run_id: str, inventories: Iterable[str] = (), variables: Mapping[str, Any] | None = None) -> str:
    """The command that undoes a run; of the variables those that are plain text and not empty."""
    given = {"glance_flip_run": run_id, **(variables or {})}
    words = ["ansible-playbook"]
    words += [word for source in inventories for word in ("-i", source)]
    words.append("stackops.glance.rollback")
    for name, value in given.items():
        if value and isinstance(value, str):
            words += ["-e", f"{name}={value}"]
    return shlex.join(words)


def lines(
    plan: Mapping[str, Any], ended: str, outcome: str, report: str, way_back: str, troubles: Iterable[str] = ()
) -> list[str]:
    """What changed, on which hosts, the verdict, where the report lies and the way back; a line each."""
    troubles = [trouble.removesuffix(".") for trouble in troubles]
    steps = plan["steps"] if "{}" in CHANGED[ended] else []
    titles = "; ".join(step["title"] for step in steps)
    hosts = [host for step in steps for host in step["hosts"] or ["Keystone"]]
    contracts = any(step["name"] == "database_contract" for step in steps)
    left = "no release undoes a contract step" if contracts else "nothing is left to undo"
    if ended == "done":  # one that failed was put back alone
        hosts = [host for host in hosts if not any(trouble.startswith(f"{host}: ") for trouble in troubles)]
    return [
        f"Changed: {CHANGED[ended].format(titles) if titles else 'nothing'}.",
        f"Hosts: {_words.names(hosts).shown or 'none'}",
        f"Verdict: {outcome}. Run {plan['run_id']}." + "".join(f" Trouble on {trouble}." for trouble in troubles),
        f"Report: {report}",
        f"Way back (rows in the database stay as they are): {way_back or left}",
    ]
