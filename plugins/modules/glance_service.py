#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_service
short_description: Have the account, directories, files and units of a Glance on a host, in one execution
version_added: 0.1.0
description:
  - Makes the group and the user where they are missing, and the directories and files where they differ by content, owner or
    mode. Each file is replaced in one step.
  - Of an oslo.config file it sets and removes the named options, and keeps every other byte, so that what others wrote there
    stays. Where the file is not there it is made.
  - With O(state=started) units are enabled and started. A running service is restarted where it is older than one of
    O(watched), also when an earlier call wrote that file. Then O(health) has to answer 200.
  - The filter P(stackops.glance.release_layout#filter) says what a release needs.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Secrets, old ones included, are masked.
  idempotent:
    support: full
options:
  user:
    description: User of the system that has to be there. A new one has no shell and cannot log in.
    type: str
  group:
    description: Group of the system that has to be there, the user's own.
    type: str
  directories:
    description: The directories.
    type: list
    elements: dict
    default: []
    suboptions:
      path: &path
        description: Where it is.
        type: path
        required: true
      owner: &owner
        description: The user whose it is.
        type: str
        default: root
      group: &group
        description: The group whose it is.
        type: str
        default: root
      mode:
        description: Its mode, in octal digits.
        type: str
        default: '0755'
  files:
    description: The files, in the order in which they are written.
    type: list
    elements: dict
    default: []
    suboptions:
      path: *path
      owner: *owner
      group: *group
      mode:
        description: Its mode, in octal digits.
        type: str
        default: '0644'
      content:
        description: All that it shall hold. Do not put secrets here.
        type: str
      options:
        description: Options of an oslo.config file to set or remove instead.
        type: list
        elements: dict
        suboptions:
          section:
            description: The section.
            type: str
            default: DEFAULT
          option:
            description: The option.
            type: str
            required: true
          value:
            description: The value.
            type: str
          values:
            description: The values of an option that is given several times.
            type: list
            elements: str
          secret_value:
            description: A value that is shown nowhere.
            type: str
          literal:
            description: Whether C($) stands for itself.
            type: bool
            default: false
          state:
            description: Whether the option is set or removed.
            type: str
            choices: [present, absent]
            default: present
  units:
    description: Units that are enabled and run with O(state=started).
    type: list
    elements: str
    default: []
  watched:
    description: Files and links that the services read when they start.
    type: list
    elements: path
    default: []
  health:
    description: Address on the host itself that answers 200 once the service is healthy.
    type: str
  timeout:
    description: Seconds until O(health) has to answer 200.
    type: int
    default: 120
  state:
    description: V(configured) leaves units as they are; V(started) has them run.
    type: str
    choices: [configured, started]
    default: started
seealso:
  - module: stackops.glance.glance_environment
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Have a Glance that runs
  stackops.glance.glance_service:
    user: glance
    group: glance
    directories: "{{ layout.directories }}"
    files: "{{ layout.files }}"
    units: "{{ layout.units }}"
    watched: "{{ layout.watched }}"
    health: "{{ layout.health }}"
  vars:
    layout: "{{ {'workers': 4} | stackops.glance.release_layout('33.0.0') }}"
'''

RETURN = r'''
account:
  description: The commands that made group and user, or would.
  returned: success
  type: list
  elements: str
directories:
  description: The directories that were made or changed, or would be.
  returned: success
  type: list
  elements: str
files:
  description: The files that were written or changed, or would be.
  returned: success
  type: list
  elements: str
actions:
  description: What became of units, or would.
  returned: success
  type: list
  elements: str
  sample: [enable glance-api.service, start glance-api.service]
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _host_files, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main():
    # type: () -> None
    place = {
        'path': {'type': 'path', 'required': True},
        'owner': {'type': 'str', 'default': 'root'},
        'group': {'type': 'str', 'default': 'root'},
    }
    option = {
        'section': {'type': 'str', 'default': 'DEFAULT'},
        'option': {'type': 'str', 'required': True},
        'value': {'type': 'str'},
        'values': {'type': 'list', 'elements': 'str'},
        'secret_value': {'type': 'str', 'no_log': True},
        'literal': {'type': 'bool', 'default': False},
        'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
    }
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            user={'type': 'str'},
            group={'type': 'str'},
            directories={
                'type': 'list', 'elements': 'dict', 'default': [],
                'options': dict(place, mode={'type': 'str', 'default': '0755'}),
            },
            files={
                'type': 'list', 'elements': 'dict', 'default': [],
                'options': dict(
                    place,
                    mode={'type': 'str', 'default': '0644'},
                    content={'type': 'str'},
                    options={
                        'type': 'list', 'elements': 'dict', 'options': option,
                        'mutually_exclusive': [('value', 'values', 'secret_value')],
                        'required_if': [('state', 'present', ('value', 'values', 'secret_value'), True)],
                    },
                ),
                'mutually_exclusive': [('content', 'options')],
                'required_one_of': [('content', 'options')],
            },
            units={'type': 'list', 'elements': 'str', 'default': []},
            watched={'type': 'list', 'elements': 'path', 'default': []},
            health={'type': 'str'},
            timeout={'type': 'int', 'default': 120},
            state={'type': 'str', 'choices': ['configured', 'started'], 'default': 'started'},
        ),
        supports_check_mode=True,
    )
    try:
        result = _host_files.run(module)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
