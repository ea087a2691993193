#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_image_locations
short_description: Show or hide where the data of images lie, options and policies together
version_added: 0.1.0
description:
  - Sets C(show_multiple_locations), C(show_image_direct_url) and the policy rules about locations in one transaction. Without
    arguments both options are off, as they are by default.
  - Whoever may see an image sees its locations once they are shown, and whoever owns it may change them, if the rules let
    them. OSSN-0065 and OSSN-0090 advise to have both options off in an API that users reach. Turning one of them on there
    needs O(i_accept_ossn_0065=true).
  - C(show_multiple_locations) is deprecated since 13 (Newton), and no release is without it. C(get_image_location),
    C(set_image_location) and C(delete_image_location) are asked beside it, never in its place. Up to 22 (Wallaby) Glance asks
    them for its own work as well, and whoever fails the first cannot download, whoever fails the second cannot upload.
  - From 29 (2024.2) on services add and read locations through an API of its own, by the rules C(add_image_location) and
    C(fetch_image_location) or C(service_api), while both options are off.
  - All decisions before and after are compared; what changes has to be among O(expected_changes).
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
  show_multiple_locations:
    description: Whether images are shown with all their locations, and their locations may be changed.
    type: bool
    default: false
  show_image_direct_url:
    description: Whether images are shown with the address of their data, C(direct_url).
    type: bool
    default: false
  api:
    description: Who reaches this API. V(internal) is your word that services alone do.
    type: str
    choices: [public, internal]
    default: public
  i_accept_ossn_0065:
    description: Whether locations may be shown in a public API in spite of OSSN-0065.
    type: bool
    default: false
  rules:
    description:
      - Policy rules to set and remove, of C(get_image_location), C(set_image_location), C(delete_image_location) and, from 29
        on, C(add_image_location), C(fetch_image_location) and C(service_api).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The rule.
        type: str
        required: true
      check:
        description: The check string.
        type: str
      state:
        description: Whether the file sets the rule.
        type: str
        choices: [present, absent]
        default: present
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
- name: Nobody sees where images lie
  stackops.glance.glance_image_locations:

- name: Services see it, in an API that they alone reach
  stackops.glance.glance_image_locations:
    config_files: [/etc/glance/glance-api-internal.conf]
    api: internal
    show_multiple_locations: true
    show_image_direct_url: true

- name: From 23 on members upload without it, and do not set locations whatever is shown
  stackops.glance.glance_image_locations:
    rules:
      - {name: set_image_location, check: 'role:admin'}
    expected_changes:
      - {persona: [member, member with service token], rule: set_image_location, to: deny}
'''

RETURN = r'''
policies:
  description: The checks of the rules about locations that this release asks, after this call.
  returned: success
  type: dict
  sample: {"get_image_location": "role:admin", "set_image_location": "role:admin", "delete_image_location": "role:admin"}
path:
  description: The policy file.
  returned: success
  type: str
  sample: /etc/glance/policy.yaml
release:
  description: The release that this was decided by.
  returned: success
  type: str
  sample: Glance 25.1 (Zed)
changes:
  description: The decisions that change, or would; each declared. See M(stackops.glance.glance_policy).
  returned: success
  type: list
  elements: dict
idle_expectations:
  description: Expected changes that did not happen.
  returned: success
  type: list
  elements: str
restart_required:
  description: Whether a unit must be restarted before the files mean what they say.
  returned: success
  type: bool
restart_units:
  description: The units to restart.
  returned: success
  type: list
  elements: str
  sample: [glance-api]
units:
  description: Units of glance-api on the host.
  returned: success
  type: list
  elements: str
  sample: [glance-api]
command:
  description: The command line of the first of them.
  returned: success
  type: list
  elements: str
environment:
  description: Whether this Glance takes options from the environment of its unit as well, over those of files.
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
            'show_multiple_locations': {'type': 'bool', 'default': False},
            'show_image_direct_url': {'type': 'bool', 'default': False},
            'api': {'type': 'str', 'choices': ['public', 'internal'], 'default': 'public'},
            'i_accept_ossn_0065': {'type': 'bool', 'default': False},
            'rules': {
                'type': 'list', 'elements': 'dict', 'default': [],
                'options': {
                    'name': {'type': 'str', 'required': True},
                    'check': {'type': 'str'},
                    'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
                },
                'required_if': [('state', 'present', ('check',))],
            },
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs oslo.policy and the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_image_locations.')


if __name__ == '__main__':
    main()
