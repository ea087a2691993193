# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a process of this machine is still the one that it was: its number may be another one's by now."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import io
import os


def started(pid):
    # type: (int) -> str
    """When a process began, in the kernel's clock ticks since boot; empty when there is none, or when it is dead.

    A dead process whose parent has not asked for its end (a zombie) keeps its number and its time, in a container without an
    init for good. Where the kernel tells no times (not Linux) the text is the same for every process that lives.
    """
    try:
        with io.open('/proc/%d/stat' % pid, encoding='utf-8', errors='replace') as stream:
            # The name comes before, in brackets, and may hold anything.
            fields = stream.read().rpartition(')')[2].split()
    except (IOError, OSError):
        return '' if os.path.exists('/proc/self/stat') or not _answers(pid) else 'running'
    return '' if fields[0] in 'ZX' else fields[19]


def _answers(pid):
    # type: (int) -> bool
    try:
        os.kill(pid, 0)
    except OSError as error:
        return error.errno == errno.EPERM
    return True
