#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_property_protection
short_description: Write Glance's property protection file, and say who may do what with a property
version_added: 0.1.0
description:
  - Renders the file and the two options that name it, in one transaction, and refuses what Glance would not start with, an
    operation that is missing, V(@) together with V(!), a pattern that does not compile, more than one rule.
  - Also refused are rules that the policy does not have, or that lead to missing ones or in a circle, each named with file and
    line; patterns that are never reached; and for releases before 32 a file in which nobody may write the C(os_glance_*)
    properties, since imports break without them.
  - With O(query), it says which section decides about a property and who may create, read, update and delete it. Without
    O(protections) it only says, and changes nothing.
  - Properties that somebody may not read vanish from images without a word.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
  - stackops.glance.policy
  - stackops.glance.service.release
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  path:
    description:
      - The file. Left out, it is the one that the configuration names, or C(property-protections.conf) beside the
        configuration.
    type: path
  format:
    description:
      - What the file holds, roles or names of policy rules. Left out, it is what C(property_protection_rule_format) says.
    type: str
    choices: [roles, policies]
  protections:
    description:
      - The sections of the file, in their order. The first whose pattern is found in the name of a property decides; where none
        is found, nobody may do anything.
    type: list
    elements: dict
    suboptions:
      pattern:
        description: A regular expression. It is searched for, so write V(^) where the name has to begin with it.
        type: str
        required: true
      create:
        description: Who may give an image such a property, roles or the name of one rule. V(@) is everybody, V(!) nobody.
        type: list
        elements: str
        required: true
      read:
        description: Who may see it, roles or the name of one rule. V(@) is everybody, V(!) nobody.
        type: list
        elements: str
        required: true
      update:
        description: Who may change it, roles or the name of one rule. V(@) is everybody, V(!) nobody.
        type: list
        elements: str
        required: true
      delete:
        description: Who may remove it, roles or the name of one rule. V(@) is everybody, V(!) nobody.
        type: list
        elements: str
        required: true
  query:
    description: Names of properties to say about who may do what.
    type: list
    elements: str
    default: []
  personas:
    description:
      - Who is asked for in O(query), as O(stackops.glance.glance_policy_info#module:personas) takes them. Left out, these are the
        usual ones.
    type: list
    elements: dict
    default: []
  backup:
    description: Whether to keep a copy of each changed file beside it.
    type: bool
    default: false
seealso:
  - module: stackops.glance.glance_policy
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Licence properties are the administrators' to write
  stackops.glance.glance_property_protection:
    format: roles
    protections:
      - {pattern: ^os_glance_.*, create: ['@'], read: ['@'], update: ['@'], delete: ['@']}
      - {pattern: ^licence_, create: [admin], read: ['@'], update: [admin], delete: [admin]}
      - {pattern: .*, create: ['@'], read: ['@'], update: ['@'], delete: ['@']}
    query: [licence_key, hw_disk_bus]
  register: protection
'''

RETURN = r'''
path:
  description: The file.
  returned: success
  type: str
  sample: /etc/glance/property-protections.conf
format:
  description: What it holds, C(roles) or C(policies).
  returned: success
  type: str
release:
  description: The release that this was judged by.
  returned: success
  type: str
problems:
  description: What is wrong with the file that is there; a file with any of that is not written.
  returned: success
  type: list
  elements: str
answers:
  description: For each property of O(query) the section that decides, and the personas that may C(create), C(read), C(update)
    and C(delete) it.
  returned: success
  type: dict
  sample: {"licence_key": {"section": "^licence_", "create": ["admin"], "read": ["admin", "member"], "update": ["admin"],
    "delete": ["admin"]}}
restart_required:
  description: Whether glance-api must be restarted, which reads the file when it starts.
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
            'path': {'type': 'path'},
            'format': {'type': 'str', 'choices': ['roles', 'policies']},
            'protections': {
                'type': 'list', 'elements': 'dict',
                'options': {
                    'pattern': {'type': 'str', 'required': True},
                    'create': {'type': 'list', 'elements': 'str', 'required': True},
                    'read': {'type': 'list', 'elements': 'str', 'required': True},
                    'update': {'type': 'list', 'elements': 'str', 'required': True},
                    'delete': {'type': 'list', 'elements': 'str', 'required': True},
                },
            },
            'query': {'type': 'list', 'elements': 'str', 'default': []},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_property_protection.')


if __name__ == '__main__':
    main()
