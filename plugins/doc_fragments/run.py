# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of every module that writes on a host which a run may have locked."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):
    DOCUMENTATION = r"""
options:
  run_token:
    description: Token of the run that holds the host's lock. Playbooks of this collection give it.
    type: str
  state_dir:
    description: Directory of lock and run records on the managed host. A host that is locked by another run is not written
      to.
    type: path
    default: /var/lib/stackops-glance
"""
