#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: nova_use_glance_v1
short_description: Set or remove the option that tells Nova 14 which Images API to speak
version_added: 0.1.0
description:
  - Sets C([glance] use_glance_v1) in the file that decides, or removes it from every file that sets it.
  - Nova 14 (Newton) alone has this option. A V(true) or V(false) that the release would not follow is refused, so that it
    cannot lie in wait for an upgrade. To write it for a release that is still to come, name that release in
    O(nova_release).
  - A new value goes to the file that decides today, or else to the first configuration file that is not below C(/usr).
  - Nothing is restarted; RV(restart_units) says what must be. The option is immutable, so a reload is not enough.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
  - stackops.glance.service
  - stackops.glance.service.writing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  value:
    description:
      - V(true) for v1, V(false) for v2. Needed with O(state=present).
      - Nova logs a deprecation warning for either; V(false) says in the file what 14 does anyway.
    type: bool
  state:
    description: Whether the option shall be there. With V(absent), O(value) is not looked at.
    type: str
    choices: [present, absent]
    default: present
  nova_release:
    description:
      - The release of Nova, as a major number (V(14)), a series name (V(newton)) or a full version. Left out, it is that of
        the installed Nova.
    type: str
seealso:
  - module: stackops.glance.nova_use_glance_v1_info
  - module: stackops.glance.oslo_config
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Let Nova speak v2, and say so in its file
  stackops.glance.nova_use_glance_v1:
    value: false
  register: nova

- name: Restart what reads the file
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: restarted
  loop: "{{ nova.restart_units }}"

- name: Keep v1 over the upgrade from 13 to 14, whose default is v2
  stackops.glance.nova_use_glance_v1:
    value: true
    nova_release: 14

- name: Tidy up after it
  stackops.glance.nova_use_glance_v1:
    state: absent
'''

RETURN = r'''
before:
  description: What Nova was told, as RV(stackops.glance.nova_use_glance_v1_info#module:use_glance_v1).
  returned: success
  type: dict
after:
  description: What it is told now, or would be told without check mode.
  returned: success
  type: dict
msg:
  description: Why nothing needed to be written.
  returned: when the release does it anyway
  type: str
restart_required:
  description:
    - Whether a unit must be restarted before the files mean what they say, because they changed now or after it started.
    - The options are immutable. A reload is not enough.
  returned: success
  type: bool
restart_units:
  description: The units to restart.
  returned: success
  type: list
  elements: str
  sample: [nova-compute]
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
            'value': {'type': 'bool'},
            'state': {'type': 'str', 'choices': ['present', 'absent'], 'default': 'present'},
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'nova_release': {'type': 'str'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        required_if=[('state', 'present', ('value',))],
        supports_check_mode=True,
    )
    # What this module does needs the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.nova_use_glance_v1.')


if __name__ == '__main__':
    main()
