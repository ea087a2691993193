#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_policy_info
short_description: Say who may do what with Glance, by which rule, and what a change would change
version_added: 0.1.0
description:
  - Decides for each persona, each rule of the release and each target whether it is allowed, with oslo.policy itself and as the
    release does it. Its defaults and the older ones beside them, C(enforce_new_defaults), C(enforce_scope), the rule
    C(default), C(admin_role) and what that release hands to each rule are taken into account.
  - Beside its rules, Glance's own code asks whether an image can be seen and whose it is. A decision is what both say.
  - With O(rules) or O(to_release), it also says what would change.
  - Decisions are about rules. An API call may ask several of them, and may be refused for other reasons.
extends_documentation_fragment:
  - stackops.glance.attributes.info
  - stackops.glance.policy
  - stackops.glance.service.release
  - stackops.glance.policy.proof
options:
  rules:
    description: Rules as they would be, to see what they would change.
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
          - The check string.
          - Required with O(rules[].state=present).
        type: str
      state:
        description: Whether the file would set the rule.
        type: str
        choices: [present, absent]
        default: present
  to_release:
    description: A release to compare with, as O(glance_release). The files and options are taken to stay as they are.
    type: str
  accepted_changes:
    description: Names of changes that upstream made between the two releases, as in RV(upstream_changes).
    type: list
    elements: str
    default: []
  about:
    description: Rules to explain in RV(decisions).
    type: list
    elements: str
    default: []
seealso:
  - module: stackops.glance.glance_policy
  - module: stackops.glance.glance_policy_test
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Say who may publish an image, and which line says so
  stackops.glance.glance_policy_info:
    about: [publicize_image]
  register: policy

- name: Say what an upgrade to 2023.1 would change that upstream does not explain
  stackops.glance.glance_policy_info:
    to_release: "2023.1"
    accepted_changes: [26-new-defaults, 26-scope]
  register: hop
  failed_when: hop.undeclared | length > 0
'''

RETURN = r'''
release:
  description: The release that this was decided by.
  returned: success
  type: str
  sample: Glance 25.1.0 (Zed)
path:
  description: The policy file, or where it would be.
  returned: success
  type: str
settings:
  description: The options that have a say, as they are in force.
  returned: success
  type: dict
  sample: {"admin_role": null, "default_rule": "default", "enforce_new_defaults": false, "enforce_scope": false,
    "enforce_secure_rbac": false}
problems:
  description: Rules of the files that do not do what they seem to, with C(id), C(rule), C(place) and C(message).
  returned: success
  type: list
  elements: dict
administrators:
  description: The personas that Glance's own code takes for administrators.
  returned: success
  type: list
  elements: str
matrix:
  description: All decisions, by rule, persona and target; null where a rule would ask another program.
  returned: success
  type: dict
  sample: {"publicize_image": {"member": {"own": false}}}
decisions:
  description: The decisions that O(about) names, explained.
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
    allowed:
      description: Whether it is allowed.
      type: bool
    by:
      description: What decided, a rule or a check of Glance's own.
      type: str
    place:
      description: The file and line of it, or whose default it is.
      type: str
    chain:
      description: The rules that the answer of the policy comes through, each with its place.
      type: list
      elements: str
changes:
  description: The decisions that would change.
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
undeclared:
  description: The changes that nothing excuses, each in a sentence.
  returned: success
  type: list
  elements: str
upstream_changes:
  description: The changes that upstream made between the two releases, with C(id), C(text), C(notes), the number of
    C(decisions) here, and whether they are C(accepted).
  returned: success
  type: list
  elements: dict
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
            'to_release': {'type': 'str'},
            'accepted_changes': {'type': 'list', 'elements': 'str', 'default': []},
            'about': {'type': 'list', 'elements': 'str', 'default': []},
        },
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_policy_info.')


if __name__ == '__main__':
    main()
