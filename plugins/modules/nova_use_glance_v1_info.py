#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: nova_use_glance_v1_info
short_description: Say which Images API the Nova of a host speaks, and why
version_added: 0.1.0
description:
  - Says which Images API Nova speaks on a host, and why.
  - Which version of Glance's Images API a Nova speaks depends on C([glance] use_glance_v1) and on Nova's release. Nova 14
    (Newton) alone has the option. Older ones speak v1, newer ones speak v2, whatever the files say; left unset, 14 speaks
    v2.
  - This module reads the files exactly as oslo.config does, also where it refuses them, and judges by the release.
  - All of Nova's services on the host are looked at. Where they disagree, RV(use_glance_v1) is about one that speaks v1.
extends_documentation_fragment:
  - stackops.glance.attributes.info
  - stackops.glance.service
options:
  nova_release:
    description:
      - The release of Nova, as a major number (V(14)), a series name (V(newton)) or a full version. Left out, it is that of
        the installed Nova.
    type: str
seealso:
  - module: stackops.glance.nova_use_glance_v1
  - module: stackops.glance.glance_host_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Ask which Images API Nova speaks here
  stackops.glance.nova_use_glance_v1_info:
  register: nova

- name: Stop where it still speaks v1
  ansible.builtin.assert:
    that: nova.use_glance_v1.api_version == 2
    fail_msg: "{{ nova.use_glance_v1.reason }}"

- name: Ask what a file would mean to a coming release
  stackops.glance.nova_use_glance_v1_info:
    config_files: [/etc/nova/nova.conf]
    nova_release: newton
'''

RETURN = r'''
use_glance_v1:
  description: What stands for the host.
  returned: success
  type: dict
  contains:
    configured:
      description: The raw text of the option, null where nothing sets it.
      type: str
    effective:
      description: The value that Nova gets, null where the release has no such option or refuses the text.
      type: bool
    api_version:
      description: The version of the Images API that it speaks, V(1) or V(2); null where Nova refuses its value.
      type: int
    status:
      description:
        - V(honoured), the release has the option and it is set.
        - V(default), nothing sets it.
        - V(ignored), it is set, but the release has no such option.
        - V(refused), Nova does not start with the text that is there.
      type: str
    origin:
      description: File and line that decide, or C(environment NAME); null where nothing sets the option.
      type: str
    reason:
      description: One sentence that says why.
      type: str
    release:
      description: C(major), C(series), C(version) and C(source) of the release that it was judged by.
      type: dict
    restart_pending:
      description: Whether a process is older than a file that it reads, so that it may still do what the file said before.
      type: bool
services:
  description: As RV(use_glance_v1), for each of Nova's services by its name.
  returned: success
  type: dict
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'nova_release': {'type': 'str'},
        },
        supports_check_mode=True,
    )
    # What this module does needs the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.nova_use_glance_v1_info.')


if __name__ == '__main__':
    main()
