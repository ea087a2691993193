#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_policy_test
short_description: Hold statements about who may do what against a policy of Glance
version_added: 0.1.0
description:
  - Reads statements from a YAML file on the control node and decides each of them as M(stackops.glance.glance_policy_info)
    does. One that does not hold fails the task, which names persona, action, target, rule and line.
  - The policy is that of the host, or with O(policy_files) files on the control node. Then no host is asked, so it fits into
    a pipeline.
  - No request is made.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.policy
  - stackops.glance.service.release
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  tests:
    description:
      - The file of statements, on the control node. The collection brings a beginning, C(examples/policy-tests.yml).
      - It holds a list C(tests) and perhaps lists C(personas) and C(targets), as O(stackops.glance.glance_policy_info#module:personas)
        and O(stackops.glance.glance_policy_info#module:targets) take them.
      - A test has C(persona) and C(action) (a name or a list; actions are rules, with C(*) for anything), C(expect) (V(allow) or
        V(deny)), and perhaps C(target) and C(name).
    type: path
    required: true
  policy_files:
    description:
      - Policy files on the control node, the later over the earlier. An empty list stands for no file at all.
      - O(glance_release) is required with it.
    type: list
    elements: path
  settings:
    description: Options of Glance that have a say, with O(policy_files). Left out, they are the release's defaults.
    type: dict
    suboptions:
      admin_role:
        description: C([DEFAULT] admin_role).
        type: str
      enforce_scope:
        description: C([oslo_policy] enforce_scope).
        type: bool
      enforce_new_defaults:
        description: C([oslo_policy] enforce_new_defaults).
        type: bool
      enforce_secure_rbac:
        description: C([DEFAULT] enforce_secure_rbac).
        type: bool
      default_rule:
        description: C([oslo_policy] policy_default_rule).
        type: str
seealso:
  - module: stackops.glance.glance_policy_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Hold what we expect against the policy of each host
  stackops.glance.glance_policy_test:
    tests: "{{ playbook_dir }}/policy-tests.yml"

- name: Hold it against a file before it goes anywhere
  stackops.glance.glance_policy_test:
    tests: "{{ playbook_dir }}/policy-tests.yml"
    policy_files: ["{{ playbook_dir }}/files/policy.yaml"]
    glance_release: "2024.1"
  delegate_to: localhost
'''

RETURN = r'''
release:
  description: The release that this was decided by.
  returned: always
  type: str
  sample: Glance 28 (2024.1)
passed:
  description: How many decisions are as expected.
  returned: always
  type: int
failures:
  description: Statements that the policy does not keep.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The name of the test, as far as it has one.
      type: str
    persona:
      description: Who asks.
      type: str
    action:
      description: What it asks to do.
      type: str
    target:
      description: The image that it is about.
      type: str
    allow:
      description: Whether it was to be allowed.
      type: bool
    found:
      description: Whether it is; null where a rule would ask another program.
      type: bool
    by:
      description: What decides.
      type: str
    place:
      description: The file and line of it, or whose default it is.
      type: str
    chain:
      description: The rules that the answer of the policy comes through, each with its place.
      type: list
      elements: str
    text:
      description: All of that in a sentence.
      type: str
skipped:
  description: Actions of tests that only other releases have.
  returned: always
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
            'tests': {'type': 'path', 'required': True},
            'policy_files': {'type': 'list', 'elements': 'path'},
            'settings': {
                'type': 'dict',
                'options': {
                    'admin_role': {'type': 'str'},
                    'enforce_scope': {'type': 'bool'},
                    'enforce_new_defaults': {'type': 'bool'},
                    'enforce_secure_rbac': {'type': 'bool'},
                    'default_rule': {'type': 'str'},
                },
            },
        },
        required_by={'policy_files': ['glance_release'], 'settings': ['policy_files']},
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_policy_test.')


if __name__ == '__main__':
    main()
