#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_config_check
short_description: Check the configuration of Glance or Nova against a release, and against the next
version_added: 0.1.0
description:
  - Reads the files of a service as oslo.config does, and says what the release makes of them. Options that are unknown
    (with the nearest known name), removed, renamed, deprecated, of a wrong type or out of range; rules of Glance's policy
    files likewise; and combinations of options, policy, paste file and unit that stop a start or break something silently.
  - With O(target_release), it judges by that release, and also names what changes on the way, such as defaults of options and
    policy rules that nobody set.
  - Options of the libraries under Glance are judged for the releases whose libraries the catalogue has read. Other groups are
    named as not judged.
  - Of Nova, the section C([glance]) is judged.
  - What the check knows of each release, and what it leaves out, is in the collection's C(docs/config-check.md).
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
  service:
    description: The service, such as V(glance-api), V(glance-registry), V(glance-scrubber) or V(nova-compute).
    type: str
    default: glance-api
  release:
    description:
      - The release that runs, as a major number (V(15)), a series name (V(pike)) or a full version. Left out, it is the
        installed one.
    type: str
  target_release:
    description: The release to judge by, older or newer. Left out, it is the one that runs.
    type: str
  fix:
    description:
      - Whether to rewrite what has one right answer. Older names become the new ones, with the same values. TLS options of a
        Glance without TLS go. C(allow_additional_image_properties = false) becomes C(image_property_quota = 0),
        C(secure_proxy_ssl_header) becomes C([oslo_middleware] enable_proxy_headers_parsing = true), C(sheepdog) leaves
        C(stores), and names of stores and sections that have changed are brought up to date.
      - Everything else is left to you. Each value that is rewritten or taken out is in RV(fixed), with the old value and why.
      - Where O(target_release) is given the files are written for that release. Do it when the old one runs no more.
    type: bool
    default: false
  fail_on:
    description: The least severity that makes the task fail. The result is complete in any case.
    type: str
    choices: [never, blocker, warning]
    default: never
seealso:
  - module: stackops.glance.glance_host_info
  - module: stackops.glance.oslo_config
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: See what the next release would make of Glance's configuration
  stackops.glance.glance_config_check:
    target_release: ussuri
  register: checked

- name: Show it in short
  ansible.builtin.debug:
    msg: "{{ item.severity }} {{ item.place }}: {{ item.message }} {{ item.remedy }}"
  loop: "{{ checked.findings }}"

- name: Show what can be mended by itself, and mend it once --check is gone
  stackops.glance.glance_config_check:
    fix: true
    backup: true
  diff: true

- name: Stop a deployment on a configuration that Glance would not start with
  stackops.glance.glance_config_check:
    config_files: [/etc/glance/glance-api.conf]
    release: 2025.1
    fail_on: blocker

- name: Check what Nova is told about Glance
  stackops.glance.glance_config_check:
    service: nova-compute
    target_release: "22"
'''

RETURN = r'''
findings:
  description: What was found after O(fix), the worst first.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: What kind of finding it is.
      type: str
      sample: option_unknown
    severity:
      description: V(blocker), V(warning) or V(note).
      type: str
    message:
      description: What is so, and what it leads to.
      type: str
    remedy:
      description: What to do.
      type: str
    file:
      description: The file, null for what stands in none.
      type: str
    line:
      description: The line, null for what stands in none.
      type: int
    place:
      description: C(file:line), or empty.
      type: str
    source:
      description: What the rule was read from.
      type: str
    accept:
      description: Whether a playbook of this collection may be told to go on in spite of this blocker.
      type: bool
    host:
      description: Empty here. Reports over several hosts use it.
      type: str
counts:
  description: How many findings there are of each severity.
  returned: success
  type: dict
  sample: {blocker: 0, warning: 2, note: 5}
fixed:
  description: What O(fix) rewrote, or would.
  returned: success
  type: list
  elements: dict
  contains:
    option:
      description: The option.
      type: str
      sample: "[DEFAULT] cert_file"
    file:
      description: The file in which it stands.
      type: str
    line:
      description: The line in which it stood; null for an option that was added.
      type: int
    old:
      description: The old value, a secret masked; null for an option that was added.
      type: str
    new:
      description: The new value, or the new name with it; null for an option that was taken out.
      type: str
    why:
      description: Why that is right.
      type: str
release:
  description: The release that runs.
  returned: success
  type: str
  sample: Glance 15.0.2 (Pike)
target:
  description: The release that this was judged by, where another one was asked for.
  returned: success
  type: str
restart_required:
  description: Whether a unit must be restarted before the files mean what they say.
  returned: success
  type: bool
restart_units:
  description: The units to restart.
  returned: success
  type: list
  elements: str
backup_files:
  description: Copies of the files as they were.
  returned: O(fix=true)
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        argument_spec={
            'service': {'type': 'str', 'default': 'glance-api'},
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'release': {'type': 'str'},
            'target_release': {'type': 'str'},
            'fix': {'type': 'bool', 'default': False},
            'fail_on': {'type': 'str', 'choices': ['never', 'blocker', 'warning'], 'default': 'never'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        supports_check_mode=True,
    )
    # What this module does needs the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_config_check.')


if __name__ == '__main__':
    main()
