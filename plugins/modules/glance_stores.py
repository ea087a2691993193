#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_stores
short_description: Give Glance several stores, and lose no image on the way from a single one
version_added: 0.1.0
description:
  - Sets C(enabled_backends), the section of each store, C([glance_store] default_backend), and the reserved stores for staging
    and tasks. Options, their types and choices are those of the release; what it would refuse or not read is refused here.
  - Several stores are supported from 19 (Train) on. Earlier releases are refused.
  - From a single store to several, the first store that can lie where the single one of its type lay takes over what
    C([glance_store]) has for it, secrets included, which do not leave the host. C(stores) and C(default_store) go.
  - Images that are there name no store in their locations. Glance gives them one when they are looked at, by how their
    addresses begin (glance/common/store_utils.py). So every store of before has to be there again, of the same type and at
    the same place; else images whose only copy lies there could not be read, and the task fails and names the old option.
    The same holds for a store that leaves the list or changes its type. See O(accept_unreachable).
  - An option of a store that is not named keeps its value. The section of a store that leaves the list stays, unread.
  - Directories are not made; RV(directories) names them. The role C(stackops.glance.glance_stores) makes them.
  - A glance-scrubber or other program with a configuration file of its own needs the same stores in it. Name that file in
    O(config_files).
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
  state:
    description: The stores are there. A Glance without any does not start.
    type: str
    choices: [present]
    default: present
  stores:
    description: All stores that Glance shall have, in their order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The id of the store, which users see. Glance writes it into the locations of images.
        type: str
        required: true
      type:
        description: V(file), V(rbd), V(swift), V(s3), V(cinder) or V(http). Stores of type V(http) can only be read.
        type: str
        required: true
      options:
        description: Options of its section by name, as the release knows them. Null removes one.
        type: dict
      secrets:
        description:
          - Options whose values are shown nowhere. Those that are left out stay as they are on the host.
          - From a single Swift or S3 store, leave out those that are a part of images' addresses (user and keys). They are
            taken over.
        type: dict
      description:
        description: What users read about it, C(store_description).
        type: str
      weight:
        description: Which store an image is read from first, the highest (from 27 on).
        type: int
  default_backend:
    description: The store that gets images whose owner names none.
    type: str
    required: true
  staging_datadir:
    description:
      - The directory of C(os_glance_staging_store), where imports wait. Left out, it stays as it is; from a single store to
        several it is the one of C(node_staging_uri), where that is set.
    type: path
  tasks_datadir:
    description: The directory of C(os_glance_tasks_store). Left out, it stays as it is.
    type: path
  worker_self_reference_url:
    description:
      - The address at which other Glance hosts reach this one, such as V(http://ctl1:9292) (from 22 on). Needed where staged
        images are not on a directory that all hosts share.
    type: str
  accept_unreachable:
    description:
      - Stores whose images may become unreachable, by name; from a single store to several, by its type.
      - The module cannot see the database. Its message says what to ask it before.
    type: list
    elements: str
    default: []
seealso:
  - module: stackops.glance.glance_import_methods
  - module: stackops.glance.oslo_config
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: From one directory to two stores; the images there become those of the store disk
  stackops.glance.glance_stores:
    stores:
      - name: disk
        type: file
        options:
          filesystem_store_datadir: /var/lib/glance/images
      - name: ceph
        type: rbd
        description: Fast, three copies
        options:
          rbd_store_pool: images
          rbd_store_user: glance
          rbd_store_ceph_conf: /etc/ceph/ceph.conf
      - name: web # images with a location that somebody else serves
        type: http
    default_backend: ceph
    staging_datadir: /var/lib/glance/staging
    tasks_datadir: /var/lib/glance/tasks
    worker_self_reference_url: "http://{{ inventory_hostname }}:9292"
    backup: true
  register: stores

- name: Objects in another place, with their keys
  stackops.glance.glance_stores:
    stores:
      - name: objects
        type: s3
        options:
          s3_store_host: https://s3.example.org
          s3_store_bucket: glance
        secrets:
          s3_store_access_key: "{{ vault_s3_access_key }}"
          s3_store_secret_key: "{{ vault_s3_secret_key }}"
    default_backend: objects
    accept_unreachable: [ceph] # nothing lies there any more
'''

RETURN = r'''
migrated:
  description: Whether Glance had a single store before.
  returned: success
  type: bool
taken_over:
  description: Options that came from C([glance_store]), or would, for each store.
  returned: success
  type: dict
  sample: {"disk": ["filesystem_store_datadir"]}
directories:
  description: Directories of the file stores and the reserved ones. Glance's user must be able to write there.
  returned: success
  type: list
  elements: str
  sample: [/var/lib/glance/images, /var/lib/glance/staging, /var/lib/glance/tasks]
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
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'choices': ['present'], 'default': 'present'},
            'stores': {
                'type': 'list', 'elements': 'dict', 'required': True,
                'options': {
                    'name': {'type': 'str', 'required': True},
                    'type': {'type': 'str', 'required': True},
                    'options': {'type': 'dict'},
                    'secrets': {'type': 'dict', 'no_log': True},
                    'description': {'type': 'str'},
                    'weight': {'type': 'int'},
                },
            },
            'default_backend': {'type': 'str', 'required': True},
            'staging_datadir': {'type': 'path'},
            'tasks_datadir': {'type': 'path'},
            'worker_self_reference_url': {'type': 'str'},
            'accept_unreachable': {'type': 'list', 'elements': 'str', 'default': []},
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
                         'Call it from a task by its full name, stackops.glance.glance_stores.')


if __name__ == '__main__':
    main()
