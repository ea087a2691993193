# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of this host that are run to their end. Utilities have no module whose ``run_command`` they could call."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

import subprocess

try:
    from typing import Any, List, Tuple
except ImportError:  # Python 2.7 without the typing backport: the names stand in comments only
    pass


def run(argv, data=b'', **options):
    # type: (List[str], bytes, **Any) -> Tuple[int, str, str]
    """Exit status of a program that is given this input, what it wrote, and its errors; ``options`` are those of Popen.

    Raises OSError where the program cannot be run.
    """
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               close_fds=True, **options)
    out, err = process.communicate(data)
    return process.returncode, out.decode('utf-8', 'replace'), err.decode('utf-8', 'replace')
