# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module that judges the configuration of a service on the control node."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  config_files:
    description:
      - The files that the service reads, in order. Left out, they are the ones that its units name, or else the ones that
        oslo.config's own search finds.
    type: list
    elements: path
    default: []
  config_dirs:
    description: Directories whose C(*.conf) files the service reads after O(config_files).
    type: list
    elements: path
    default: []
notes:
  - The release catalogue stays on the control node. The action of this module looks at the host with
    M(stackops.glance.glance_host_info) and judges where the catalogue is.
"""

    # Of those that judge by Glance's release.
    RELEASE = r"""
options:
  glance_release:
    description:
      - The release of Glance, as a major number (V(25)), a series name (V(zed)) or a full version. Left out, it is that of
        the installed Glance.
    type: str
"""

    # Of those that write as well.
    WRITING = r"""
options:
  backup:
    description: Whether to keep a copy of each changed file beside it.
    type: bool
    default: false
notes:
  - What is to be written goes through M(stackops.glance.oslo_config).
"""
