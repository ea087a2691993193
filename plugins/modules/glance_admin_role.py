#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_admin_role
short_description: Put rules in the place of Glance's admin_role
version_added: 0.1.0
description:
  - Takes C([DEFAULT] admin_role) out of Glance's configuration and puts rules into its policy file that say the same, both in
    one transaction.
  - Up to 19 the option is honoured and is C(admin) by default, in 20 and 21 it is honoured where it is set, and from 22 on a
    line of it is ignored without a word. Whoever holds the role passes Glance's own checks, whose image it is and whether it
    can be seen, but no policy rule. C(context_is_admin) does the same, so it gains the role, in lower case as Glance compares
    it.
  - With O(grants), the role is an administrator no longer and passes the named rules instead.
  - All decisions before and after are compared. Without O(grants) none may change; with it, none but those of the role's
    holders. What else changes has to be among O(expected_changes).
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
  - stackops.glance.policy
  - stackops.glance.service.release
  - stackops.glance.policy.proof
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description: The option is gone, and rules say what it said.
    type: str
    choices: [replaced]
    default: replaced
  grants:
    description:
      - The rules that holders of the role shall pass, in place of being administrators. An empty list takes everything from
        them.
      - Glance's own checks are not rules. A granted rule on an image of another project is of no use to somebody who is no
        administrator.
    type: list
    elements: str
  backup:
    description: Whether to keep a copy of each changed file beside it.
    type: bool
    default: false
seealso:
  - module: stackops.glance.glance_policy
  - module: stackops.glance.glance_policy_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: The same rights as before, by rule
  stackops.glance.glance_admin_role:
    state: replaced
    backup: true
  register: admin_role

- name: No administrator any more, but somebody who publishes images
  stackops.glance.glance_admin_role:
    state: replaced
    grants: [publicize_image, communitize_image]
'''

RETURN = r'''
role:
  description: The role that the option named, as Glance compares it; null where none.
  returned: success
  type: str
  sample: cloudadmin
honoured:
  description: Whether this release reads the option at all.
  returned: success
  type: bool
rules:
  description: Rules that were written, or would be, with their checks.
  returned: success
  type: dict
  sample: {"context_is_admin": "role:admin or role:cloudadmin"}
gains_later:
  description:
    - Rules that holders of the role do not pass today and would pass after an upgrade, since the defaults from 27 on ask
      C(context_is_admin) where those before ask for C(role:admin).
    - The step to that release asks for them. Set these rules to C(role:admin) there to keep them as they are.
  returned: success
  type: list
  elements: dict
  contains:
    rule:
      description: The rule.
      type: str
    release:
      description: The first release that would let them through.
      type: str
    chain:
      description: The rules that the answer comes through there.
      type: list
      elements: str
path:
  description: The policy file.
  returned: success
  type: str
  sample: /etc/glance/policy.json
release:
  description: The release that this was decided by.
  returned: success
  type: str
  sample: Glance 20.2.0 (Ussuri)
changes:
  description: The decisions that change, or would; each declared.
  returned: success
  type: list
  elements: dict
  contains:
    persona:
      description: Who asks.
      type: str
    rule:
      description: The rule that was asked.
      type: str
    target:
      description: The image that it was about.
      type: str
    gained:
      description: Whether it is allowed now.
      type: bool
    before:
      description: What was decided, as C(allowed), C(by) and C(place).
      type: dict
    after:
      description: What is decided after it, likewise.
      type: dict
    chain:
      description: The rules that the answer comes through, each with its file and line.
      type: list
      elements: str
    upstream:
      description: The name of the change of upstream's defaults that it is, if it is one.
      type: str
    excused:
      description: What excuses it.
      type: str
    text:
      description: All of that in a sentence.
      type: str
idle_expectations:
  description: Expected changes that did not happen.
  returned: success
  type: list
  elements: str
restart_required:
  description: Whether glance-api must be restarted, since an option of it is gone.
  returned: success
  type: bool
backup_files:
  description: Copies of the files as they were.
  returned: success
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'glance_release': {'type': 'str'},
            'personas': {'type': 'list', 'elements': 'dict', 'default': []},
            'targets': {'type': 'list', 'elements': 'dict', 'default': []},
            'expected_changes': {'type': 'list', 'elements': 'dict', 'default': []},
            'state': {'type': 'str', 'choices': ['replaced'], 'default': 'replaced'},
            'grants': {'type': 'list', 'elements': 'str'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_admin_role.')


if __name__ == '__main__':
    main()
