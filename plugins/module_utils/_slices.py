# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's half of long work that is done in slices, so that progress is seen while it runs.

The action of such a module derives from ``plugin_utils/_slices.SlicedAction``: it calls the module again with what it
handed over, until it hands over nothing, and shows what it said. Without that action the module does all at once.
"""

from __future__ import annotations

import time
from typing import Any

#: Seconds after which the work is handed over to the next call; what is then under way may take some seconds more.
SECONDS = 20.0
#: For the module's argument_spec; its action gives it, and nobody else.
OPTION: dict[str, dict[str, Any]] = {"_slice": {"type": "dict"}}


class Slice:
    """How long this call may go on, what the last one handed over, and what to show.

    ``deadline`` (``time.monotonic``) ends the whole work ``timeout`` seconds after its first call began, ``end`` this
    call's share of it. ``state`` is what the last call handed over, empty in the first.
    """

    def __init__(self, given: dict[str, Any] | None, timeout: float) -> None:
        now = time.monotonic()
        self._shown = given is not None
        self.state: dict[str, Any] = (given or {}).get("state") or {}
        self.deadline = now + timeout - (given or {}).get("elapsed", 0.0)
        self.end = self.deadline if given is None else min(self.deadline, now + SECONDS)
        self._lines: list[str] = []

    @property
    def over(self) -> bool:
        """Whether to hand over now."""
        return time.monotonic() >= self.end

    def say(self, line: str) -> None:
        """Show a line when this call is over."""
        self._lines.append(line)

    def result(self, state: dict[str, Any] | None = None, **found: Any) -> dict[str, Any]:
        """What to leave the module with: all that was found, and the state to go on from; None when nothing is left."""
        return {**found, "_slice": {"state": state, "lines": self._lines}} if self._shown else found
