#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_database
short_description: Bring Glance's database on with the glance-manage of a release
version_added: 0.1.0
description:
  - Runs C(glance-manage db) of an environment, as the user of the host's glance-api and with its configuration, where
    C(glance-manage db check) says that there is something to do.
  - Data migrations of releases that were jumped over, which C(glance-manage) of the newer release neither runs nor looks for,
    are run as well with O(state=migrated) and O(state=synchronised), and looked for afterwards.
  - A command goes on when the playbook or the connection is gone, and the next call waits for it and starts no second one.
    The action of this module calls in slices and shows that it runs.
  - No command is started in check mode, since some releases write while they check. What would be done is read from the
    revisions then.
  - No release takes a database back. The playbooks C(flip_release.yml) and C(flip_release_contract.yml) run these commands
    as steps, at the right time.
extends_documentation_fragment:
  - stackops.glance.attributes
  - stackops.glance.run
  - stackops.glance.slices
  - stackops.glance.service
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - V(expanded) has what the release needs beside what older ones need. V(migrated) has its data where the release looks for
        it. V(contracted) has no more what older releases needed. These three are for MySQL and MariaDB.
      - V(synchronised) is all of that at once, while no Glance runs. It is for every engine.
    type: str
    required: true
    choices: [expanded, migrated, contracted, synchronised]
  environment:
    description: Directory of the release's environment, which holds C(bin/glance-manage). Left out, that of the installed
      Glance.
    type: path
  glance_release:
    description: The release in O(environment), as a major number, a series name or a full version. Left out, it is that of
      the installed Glance.
    type: str
  timeout:
    description: Seconds to wait for the commands. They go on when it is up.
    type: float
    default: 86400
  work:
    description: Given by the action of this module, which knows what to run and how; tasks do not.
    type: dict
seealso:
  - module: stackops.glance.glance_database_info
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Let the database have what 33.0.0 needs, while 32.0.0 runs
  stackops.glance.glance_database:
    state: expanded
    environment: /opt/glance/33.0.0
    glance_release: 33.0.0
  run_once: true
'''

RETURN = r'''
before:
  description: The revisions that the database was at.
  returned: success
  type: list
  elements: str
  sample: [2023_1_contract01]
after:
  description: The revisions that it is at, or would be, as far as they are known beforehand.
  returned: success
  type: list
  elements: str
  sample: [2024_1_contract01]
ran:
  description: Whether the command was needed. Only without check mode.
  returned: success, not in check mode
  type: bool
moved:
  description: Rows that data migrations had left out and that are moved now, or would be, by the number of the release and of
    the migration in it.
  returned: success
  type: dict
  sample: {19-0: 12}
'''

import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _database, _runs, _slices
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError


def run(module, part):
    params = module.params
    state = part.state or {'attempt': '%d-%d' % (time.time(), os.getpid())}
    work = _database.Work(os.path.join(params['state_dir'], 'database', state['attempt']), params['work'])
    if 'before' not in state:
        state['before'] = work.look()
    before = state['before']
    if module.check_mode:
        moved = dict((name, count) for name, count in before['counts'].items() if count)
        return part.result(changed=bool(moved), before=before['heads'], after=before['heads'], moved=moved)
    while True:
        with _runs.write_guard(params['state_dir'], params['run_token']):
            waits = work.go_on()
        if waits is None:
            found = work.result(before)
            shutil.rmtree(work.directory)
            return part.result(changed=found['after'] != found['before'] or bool(found['moved']), before=found['before'],
                               after=found['after'], ran=found['ran'], moved=found['moved'])
        if _slices.now() >= part.deadline:
            raise GlanceError('%s, and %d s are over. It goes on; run the same task again to wait for it.'
                              % (waits, params['timeout']))
        if part.over:
            part.say(waits)
            return part.result(state, changed=False)
        time.sleep(0.2)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            _runs.run_argument_spec(),
            state={'type': 'str', 'required': True, 'choices': ['expanded', 'migrated', 'contracted', 'synchronised']},
            # Its action resolves these on the control node.
            environment={'type': 'path'},
            glance_release={'type': 'str'},
            config_files={'type': 'list', 'elements': 'path', 'default': []},
            config_dirs={'type': 'list', 'elements': 'path', 'default': []},
            timeout={'type': 'float', 'default': 86400},
            work={'type': 'dict'},
            **_slices.OPTION
        ),
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module, _slices.Slice(module.params['_slice'], module.params['timeout'])))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == '__main__':
    main()
