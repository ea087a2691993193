#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_v1_api
short_description: Turn versions of Glance's Images API on and off, and say whether its registry may go
version_added: 0.1.0
description:
  - Sets C(enable_v1_api), C(enable_v2_api) and C(enable_v1_registry) in the files that decide, each only if it has to
    change.
  - Releases up to 16 (Queens) have v1. Turning off what a release does not have changes nothing, turning it on is refused,
    and so is turning off both versions.
  - With v1 off, glance-registry is needed by a scrubber or cache prefetcher of the older releases, whether a unit or a line
    of a crontab runs it, and by C(data_api = glance.db.registry.api). RV(retirable_units) names its units once nothing on
    this host needs them. What other hosts need is not seen from here.
  - Nothing is restarted, stopped or disabled. RV(restart_units) says what must be restarted.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
  - stackops.glance.service
  - stackops.glance.service.release
  - stackops.glance.service.writing
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  v1:
    description: Whether Glance shall offer v1. Left out, that stays as it is.
    type: bool
  v2:
    description: Whether Glance shall offer v2. Left out, that stays as it is.
    type: bool
  v1_registry:
    description:
      - Whether glance-registry shall serve its own v1, which the v1 API, scrubbers and cache prefetchers of the older
        releases ask. Left out, that stays as it is.
    type: bool
seealso:
  - module: stackops.glance.glance_host_info
  - module: stackops.glance.oslo_config
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Let Glance answer v2 beside v1
  stackops.glance.glance_v1_api:
    v2: true
  register: glance

- name: Restart what reads the file
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: restarted
  loop: "{{ glance.restart_units }}"

- name: Turn v1 off once nobody speaks it
  stackops.glance.glance_v1_api:
    v1: false
  register: glance

- name: Stop and disable the registry where nothing needs it
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: stopped
    enabled: false
  loop: "{{ glance.retirable_units }}"
'''

RETURN = r'''
v1:
  description: Whether the files let Glance offer v1, after this call.
  returned: success
  type: bool
v2:
  description: Whether the files let Glance offer v2, after this call.
  returned: success
  type: bool
reason:
  description: One sentence that says why v1 is on or off.
  returned: success
  type: str
release:
  description: The release that this was judged by.
  returned: success
  type: str
  sample: Glance 15.0.2 (Pike)
v1_needed_by:
  description: Glance's own programs on this host that call v1.
  returned: success
  type: list
  elements: str
registry_units:
  description: Units of glance-registry that run, or would after a boot.
  returned: success
  type: list
  elements: str
registry_needed_by:
  description: What on this host asks the registry, the v1 API aside.
  returned: success
  type: list
  elements: str
  sample: [glance-scrubber asks it (glance-scrubber)]
retirable_units:
  description: Units of the registry that may be stopped and disabled; none while v1 is on or something needs them.
  returned: success
  type: list
  elements: str
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
  sample: [glance-api]
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
            'v1': {'type': 'bool'},
            'v2': {'type': 'bool'},
            'v1_registry': {'type': 'bool'},
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'glance_release': {'type': 'str'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_v1_api.')


if __name__ == '__main__':
    main()
