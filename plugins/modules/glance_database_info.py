#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_database_info
short_description: Look at Glance's database, its revisions, and whether releases can run on it
version_added: 0.1.0
description:
  - Reads from the managed host, with the address in the configuration of its glance-api and the Python of its Glance, at which
    revisions the database is, what server it is on, and what data migrations have left.
  - With O(to_release) it says how that release is reached, and whether its code runs on the database as it is.
  - Nothing is written, also not what C(glance-manage db version) and C(db check) of some releases correct while they look.
  - The address of the database stays on the host.
extends_documentation_fragment:
  - stackops.glance.attributes.info
  - stackops.glance.service
  - stackops.glance.service.release
options:
  to_release:
    description: A release to hold the database against, newer or older.
    type: str
  dump_of:
    description:
      - Run of C(flip_release.yml) whose dump of the database is on this host, or V(newest). What was made and deleted since that
        dump is returned in RV(dump).
    type: str
  state_dir:
    description: Directory of run records on the managed host.
    type: path
    default: /var/lib/stackops-glance
  look:
    description: Given by the action of this module, which knows what to ask and how; tasks do not.
    type: dict
seealso:
  - module: stackops.glance.glance_database
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: See whether the release from before runs on the database as it is
  stackops.glance.glance_database_info:
    to_release: "32"
  register: database

- name: Say what it could not do without
  ansible.builtin.debug:
    var: database.verdict.broken
'''

RETURN = r'''
engine:
  description: What SQLAlchemy calls the kind of database.
  returned: success
  type: str
  sample: mysql
server:
  description: What a server of MySQL or MariaDB calls its version; null for others.
  returned: success
  type: str
  sample: 10.11.6-MariaDB
heads:
  description: The revisions that the database is at; empty where it holds no schema of Glance.
  returned: success
  type: list
  elements: str
  sample: [2024_1_contract01]
images:
  description: Rows of the table of images, deleted ones among them; null where there is no such table.
  returned: success
  type: int
bytes:
  description: Size of the database on a server of MySQL or MariaDB, in bytes; null for others.
  returned: success
  type: int
counts:
  description: Rows that data migrations have left, by the number of the release and of the migration in it. Names that end
    in C(-back) count what an older release would not find. Null where the schema has no such rows.
  returned: success
  type: dict
  sample: {19-0: 0, 19-0-back: 12}
galera:
  description: Whether the server is a node of a Galera cluster; null for other engines.
  returned: success
  type: bool
binary_log:
  description: Whether a binary log is written (C(on)), and C(trust_function_creators), the server's
    C(log_bin_trust_function_creators); null for other engines.
  returned: success
  type: dict
dump:
  description: What putting back the dump of O(dump_of) would lose; null where there is none on this host.
  returned: O(dump_of) is given
  type: dict
  contains:
    run_id:
      description: The run that took the dump.
      type: str
    made:
      description: The images that were made since, with C(id), C(name) and C(created_at).
      type: list
      elements: dict
    deleted:
      description: The ids of the images that were deleted since.
      type: list
      elements: str
verdict:
  description: What O(to_release) means for this database.
  returned: O(to_release) is given, and the catalogue knows the revisions
  type: dict
  contains:
    release:
      description: The release that O(to_release) names.
      type: str
    chain:
      description: The releases whose C(glance-manage) leads there one after the other; empty for an older one.
      type: list
      elements: str
    commands:
      description: What an online hop there still runs of C(glance-manage db) before the hosts are switched.
      type: list
      elements: str
    runs:
      description: Whether its code runs on the database as it is. For a newer release it does once nothing is pending.
      type: bool
    broken:
      description: What it cannot do without, and is not there any more.
      type: list
      elements: str
    misread:
      description: What the release would not find.
      type: list
      elements: str
    beyond:
      description: What the database has that this release does not know, which does no harm.
      type: list
      elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _database, _database_dump, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def main():
    module = AnsibleModule(
        argument_spec={
            # Its action resolves these on the control node.
            'config_files': {'type': 'list', 'elements': 'path', 'default': []},
            'config_dirs': {'type': 'list', 'elements': 'path', 'default': []},
            'glance_release': {'type': 'str'},
            'to_release': {'type': 'str'},
            'dump_of': {'type': 'str'},
            'state_dir': {'type': 'path', 'default': _runs.STATE_DIR},
            'look': {'type': 'dict'},
        },
        supports_check_mode=True,
    )
    asked = module.params['look']
    try:
        found = _database.look(asked, asked['counts'])
        if module.params['dump_of']:
            found['dump'] = _database_dump.lost(module.params['state_dir'], module.params['dump_of'], asked)
        module.exit_json(changed=False, **found)
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == '__main__':
    main()
