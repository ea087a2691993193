# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module's half of long work that is done in slices, so that progress is seen while it runs.

The action of such a module derives from ``plugin_utils/_slices.SlicedAction``: it calls the module again with what it
handed over, until it hands over nothing, and shows what it said. Without that action the module does all at once.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import time

try:
    from typing import Any, Dict, List, Optional
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass

#: Seconds after which the work is handed over to the next call; what is then under way may take some seconds more.
SECONDS = 20.0
#: For the module's argument_spec; its action gives it, and nobody else.
OPTION = {'_slice': {'type': 'dict'}}
#: Python 2.7 has no clock that nobody sets.
now = getattr(time, 'monotonic', time.time)


class Slice(object):
    """How long this call may go on, what the last one handed over, and what to show.

    ``deadline`` (``now``, which is ``time.monotonic``) ends the whole work ``timeout`` seconds after its first call began,
    ``end`` this call's share of it. ``state`` is what the last call handed over, empty in the first.
    """

    def __init__(self, given, timeout):
        # type: (Optional[Dict[str, Any]], float) -> None
        started = now()
        self._shown = given is not None
        self.state = (given or {}).get('state') or {}  # type: Dict[str, Any]
        self.deadline = started + timeout - (given or {}).get('elapsed', 0.0)
        self.end = self.deadline if given is None else min(self.deadline, started + SECONDS)
        self._lines = []  # type: List[str]

    @property
    def over(self):
        # type: () -> bool
        """Whether to hand over now."""
        return now() >= self.end

    def say(self, line):
        # type: (str) -> None
        """Show a line when this call is over."""
        self._lines.append(line)

    def result(self, state=None, **found):
        # type: (Optional[Dict[str, Any]], **Any) -> Dict[str, Any]
        """What to leave the module with: all that was found, and the state to go on from; None when nothing is left."""
        return dict(found, _slice={'state': state, 'lines': self._lines}) if self._shown else found
