# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes down each start of a task, and ends ansible-playbook with SIGKILL at one of them.

For the fault harness (lablib/faults.py) alone; it is no part of the collection. FAULT_POINTS names the file that the starts
are appended to, a line each. FAULT_KILL_AT is such a line. No worker runs at that moment: the one for the task is yet to come.
"""

from __future__ import annotations

import collections
import os
import signal
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: fault_points
type: aggregate
short_description: Write down the starts of tasks, and be killed at one
description: For the fault harness of the lab.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "fault_points"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.play = ""
        self.seen: collections.Counter[str] = collections.Counter()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        self.play = play.get_name()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        name = f"{self.play}: {task.name or task.action}"
        # The same task starts once for each batch of hosts, and in each play that imports its file.
        self.seen[name] += 1
        start = f"{name} ({self.seen[name]})"
        with open(os.environ["FAULT_POINTS"], "a", encoding="utf-8") as file:
            file.write(f"{start}\n")
        if start == os.environ.get("FAULT_KILL_AT"):
            os.killpg(0, signal.SIGKILL)

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        self.v2_playbook_on_task_start(task, False)
