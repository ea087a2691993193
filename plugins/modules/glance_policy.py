#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_policy
short_description: Set and remove rules of Glance's policy, and prove who gains and loses by it
version_added: 0.1.0
description:
  - Sets and removes rules in the policy file that Glance reads, YAML or JSON, in one atomic write. Comments, order, quotes and
    whatever else was not asked for stay as they are.
  - Each check string is held against oslo.policy's grammar before anything is written. Rules that the release does not have
    and that nothing refers to are refused with the nearest known name, and so are circles and references to rules that are
    not there.
  - All decisions before and after are compared (see M(stackops.glance.glance_policy_info)). A decision that changes and is
    not among O(expected_changes) fails the task, and nothing is written.
  - Files of policy directories count after the policy file. A rule that one of them sets is refused.
  - Rules that the property protection file asks, where it is of the format C(policies), are among those compared, and may not
    be taken away from it.
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
  rules:
    description: The rules to set or remove. Each may be named once.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The rule.
        type: str
        required: true
      check:
        description:
          - The check string. V(@) allows everybody and V(!) nobody.
          - Required with O(rules[].state=present).
        type: str
      state:
        description: Whether the file sets the rule.
        type: str
        choices: [present, absent]
        default: present
  explicit_default:
    description:
      - Whether to set C(default) to C(role:admin) where the file does not set it. Up to 19 that was what the shipped file
        said; from 20 on, what falls to C(default) is for everybody.
    type: bool
    default: false
  drop_defaults:
    description:
      - Whether to remove rules of the file that say what the release says by itself.
      - A rule goes only where what is checked stays exactly the same. Before 26, the older default would come back beside the
        new one, so such rules stay. The file itself always stays.
    type: bool
    default: false
  format:
    description:
      - With V(yaml), a file of JSON becomes one of YAML beside it, C(policy_file) is set to it where that is needed, and the
        file of JSON goes. Releases from 32 on read no JSON by themselves.
    type: str
    choices: [keep, yaml]
    default: keep
  backup:
    description: Whether to keep a copy of each changed file beside it.
    type: bool
    default: false
seealso:
  - module: stackops.glance.glance_policy_info
  - module: stackops.glance.glance_admin_role
  - module: stackops.glance.glance_policy_test
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Let auditors read every image's locations
  stackops.glance.glance_policy:
    rules:
      - name: get_image_location
        check: rule:context_is_admin or role:auditor
    personas:
      - {name: member, roles: [member, reader]}
      - {name: auditor, roles: [auditor, reader]}
    expected_changes:
      - {persona: auditor, rule: get_image_location, to: allow}
      - {persona: member, rule: get_image_location, to: deny}

- name: Make ready for a release that reads no JSON
  stackops.glance.glance_policy:
    format: yaml
    explicit_default: true
    expected_changes: []
'''

RETURN = r'''
path:
  description: The policy file.
  returned: success
  type: str
  sample: /etc/glance/policy.yaml
release:
  description: The release that this was decided by.
  returned: success
  type: str
  sample: Glance 25.1.0 (Zed)
dropped:
  description: Rules that were removed since the release says the same.
  returned: success
  type: list
  elements: str
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
  description:
    - Whether glance-api must be restarted before the file means what it says. It reads changed rules by itself, but keeps a
      rule that is gone.
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
            'rules': {
                'type': 'list', 'elements': 'dict', 'default': [],
                'options': {
                    'name': {'type': 'str', 'required': True},
                    'check': {'type': 'str'},
                    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
                },
                'required_if': [('state', 'present', ('check',))],
            },
            'explicit_default': {'type': 'bool', 'default': False},
            'drop_defaults': {'type': 'bool', 'default': False},
            'format': {'type': 'str', 'choices': ['keep', 'yaml'], 'default': 'keep'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_policy.')


if __name__ == '__main__':
    main()
