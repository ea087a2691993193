#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_import_methods
short_description: Say how images are imported into Glance, its methods, plugins, filters and workers
version_added: 0.1.0
description:
  - Enables and disables import methods, sets the import plugins with their options, what web-download may fetch, and how many
    tasks run at a time. What is left out stays as it is, and what is the release's default is not written.
  - Values go to the file that decides today, else to C(glance-image-import.conf) where Glance reads it, else to its own file.
  - By default 16 to 19 have C(glance-direct) and C(web-download) on, and 20 and newer C(copy-image) as well.
    C(glance-download) comes with 25 and is off by default.
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
  methods:
    description: Exactly these methods, of V(glance-direct), V(web-download), V(copy-image) and V(glance-download).
    type: list
    elements: str
  enable:
    description: Methods to enable beside those that are. V(copy-image) needs several stores.
    type: list
    elements: str
  disable:
    description: Methods to disable.
    type: list
    elements: str
  plugins:
    description:
      - Exactly these import plugins, in the order in which they run, of V(image_decompression) (from 20 on),
        V(image_conversion) (from 17 on) and V(inject_image_metadata). Decompression must come before conversion.
    type: list
    elements: str
  custom_plugins:
    description: Plugins of your own among O(plugins).
    type: list
    elements: str
    default: []
  inject:
    description: Properties that imported images get, by the plugin C(inject_image_metadata).
    type: dict
  inject_ignore_roles:
    description: Roles whose images do not get them.
    type: list
    elements: str
  output_format:
    description: What C(image_conversion) makes of images, V(raw), V(qcow2) or V(vmdk).
    type: str
  extra_properties:
    description: Beginnings of the names of properties that C(glance-download) takes along.
    type: list
    elements: str
  allowed_schemes:
    description: Schemes that web-download may fetch. By default these are V(http) and V(https). An empty list allows all.
    type: list
    elements: str
  disallowed_schemes:
    description:
      - Schemes that it may not fetch. Glance ignores this where O(allowed_schemes) is not empty, so that is refused. The same
        goes for hosts and ports.
    type: list
    elements: str
  allowed_hosts:
    description: Hosts that it may fetch from. By default all, but from 33 on not those at loopback and link-local addresses.
    type: list
    elements: str
  disallowed_hosts:
    description: Hosts that it may not fetch from.
    type: list
    elements: str
  allowed_ports:
    description: Ports that it may fetch from. By default these are 80 and 443. An address without a port passes always.
    type: list
    elements: int
  disallowed_ports:
    description: Ports that it may not fetch from.
    type: list
    elements: int
  max_parallel_stores:
    description: Stores that an image is imported into at a time (from 33 on).
    type: int
  task_time_to_live:
    description: Hours that a task is kept after it has ended.
    type: int
  max_workers:
    description:
      - Parallel steps of one task, C([taskflow_executor] max_workers), as a number.
      - With V(auto) it is two for each core of the host, at least 2 and at most Glance's own default, 10.
    type: str
  task_pool_threads:
    description:
      - Tasks that one worker process runs at a time under a WSGI server, C([wsgi] task_pool_threads) (from 21 on), as a number.
      - With V(auto) it is two for each core of the host, at least 2 and at most Glance's own default, 16.
    type: str
  cores:
    description: Cores to size by. Left out, those of the host.
    type: int
seealso:
  - module: stackops.glance.glance_stores
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Copies between stores, and nothing from the web
  stackops.glance.glance_import_methods:
    enable: [copy-image]
    disable: [web-download]
  register: imports

- name: Unpack and convert what is imported, and mark it
  stackops.glance.glance_import_methods:
    plugins: [image_decompression, image_conversion, inject_image_metadata]
    output_format: raw
    inject:
      imported: 'true'

- name: From two mirrors alone, with pools as the host has cores
  stackops.glance.glance_import_methods:
    enable: [web-download]
    allowed_schemes: [https]
    allowed_hosts: [mirror1.example.org, mirror2.example.org]
    task_pool_threads: auto
    max_workers: auto
'''

RETURN = r'''
methods:
  description: The import methods that are enabled, after this call.
  returned: success
  type: list
  elements: str
  sample: [glance-direct, web-download, copy-image]
plugins:
  description: The import plugins in their order, after this call.
  returned: success
  type: list
  elements: str
  sample: [image_decompression, image_conversion]
pools:
  description: Sizes of the pools that were asked for.
  returned: success
  type: dict
  sample: {"max_workers": 8, "task_pool_threads": 8}
release:
  description: The release that this was judged by.
  returned: success
  type: str
  sample: Glance 25.1 (Zed)
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
backup_files:
  description: Copies of the files as they were.
  returned: success
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule


def main():
    texts = {'type': 'list', 'elements': 'str'}
    ports = {'type': 'list', 'elements': 'int'}
    module = AnsibleModule(
        argument_spec={
            'methods': texts,
            'enable': texts,
            'disable': texts,
            'plugins': texts,
            'custom_plugins': {'type': 'list', 'elements': 'str', 'default': []},
            'inject': {'type': 'dict'},
            'inject_ignore_roles': texts,
            'output_format': {'type': 'str'},
            'extra_properties': texts,
            'allowed_schemes': texts,
            'disallowed_schemes': texts,
            'allowed_hosts': texts,
            'disallowed_hosts': texts,
            'allowed_ports': ports,
            'disallowed_ports': ports,
            'max_parallel_stores': {'type': 'int'},
            'task_time_to_live': {'type': 'int'},
            'max_workers': {'type': 'str'},
            'task_pool_threads': {'type': 'str'},
            'cores': {'type': 'int'},
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'glance_release': {'type': 'str'},
            'backup': {'type': 'bool', 'default': False},
            'run_token': {'type': 'str', 'no_log': False},
            'state_dir': {'type': 'path', 'default': '/var/lib/stackops-glance'},
        },
        mutually_exclusive=[('methods', 'enable'), ('methods', 'disable')],
        supports_check_mode=True,
    )
    # What this module does needs the release catalogue, which its action has on the control node.
    module.fail_json(msg='This module was started without its action, which decides on the control node. '
                         'Call it from a task by its full name, stackops.glance.glance_import_methods.')


if __name__ == '__main__':
    main()
