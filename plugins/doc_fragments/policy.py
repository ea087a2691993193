# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type


class ModuleDocFragment(object):

    # Which Glance it is
    DOCUMENTATION = r'''
options:
  config_files:
    description:
      - The files that glance-api reads, in order. Left out, they are the ones that its unit names, or else the ones that
        oslo.config's own search finds.
    type: list
    elements: path
    default: []
  config_dirs:
    description: Directories whose C(*.conf) files glance-api reads after O(config_files).
    type: list
    elements: path
    default: []
requirements:
  - oslo.policy, in the Python that runs Ansible on the control node
notes:
  - The release catalogue and oslo.policy stay on the control node, where the action of this module decides.
'''

    # Who is asked for, on what, and which changes are meant
    PROOF = r'''
options:
  personas:
    description:
      - Who is asked for. Left out, these are an administrator, a member, a reader, somebody with C(_member_) alone,
        somebody without a role, administrators of a domain and of the system, the service role, a member with a service
        token, and a holder of C(admin_role) where that is set.
      - Each is a dictionary with C(name) and any of C(roles) and C(service_roles) (lists), C(project) (an id, or null for a
        token without one), C(domain) (an id), C(system) (a boolean) and C(user) (an id).
    type: list
    elements: dict
    default: []
  targets:
    description:
      - On what. Left out, these are eight images, own and foreign ones, private, protected, shared, public and community.
        Metadata definitions are taken to be public where the image is.
      - Each is a dictionary with C(name) and any of C(owner) (the id of a project; left out, that of whoever asks),
        C(visibility), C(member) (whether it is shared with whoever asks) and C(protected).
    type: list
    elements: dict
    default: []
  expected_changes:
    description:
      - Decisions that are meant to change. One that changes and is not among them fails the task.
      - Each is a dictionary with C(persona) and C(rule) (a name or a list of names), C(to) (V(allow) or V(deny)), and
        perhaps C(target).
    type: list
    elements: dict
    default: []
'''
