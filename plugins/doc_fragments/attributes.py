# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The attributes that every module of this collection states about itself."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Whether the module runs with C(--check) and says what it would change without changing it.
  diff_mode:
    description: Whether the module shows with C(--diff) what it changes, or would change, secrets masked.
  idempotent:
    description: Whether a second run with the same arguments, when nothing else has changed, reports that it changed nothing.
  platform:
    description: The systems that the module runs on.
    support: full
    platforms: posix
"""

    # A module that only looks: the three attributes have one answer.
    INFO = r"""
options: {}
attributes:
  check_mode:
    description: Whether the module runs with C(--check) and says what it would change without changing it.
    support: full
    details:
      - This module only looks; it changes nothing in either mode.
  diff_mode:
    description: Whether the module shows with C(--diff) what it changes, or would change, secrets masked.
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    description: Whether a second run with the same arguments, when nothing else has changed, reports that it changed nothing.
    support: full
  platform:
    description: The systems that the module runs on.
    support: full
    platforms: posix
"""
