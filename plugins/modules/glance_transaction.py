#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_transaction
short_description: Prepare, apply, undo and close one host's part of a flip
version_added: 0.1.0
description:
  - One host's part of a transaction over a fleet, as C(upgrade-to-v2.yml) and C(rollback.yml) drive it.
  - The record of the run lies on the managed host, in O(state_dir), readable by root alone. It holds the plan, an fsynced
    journal and the pre-image of every file that the run touches. A call continues where an earlier one, also a killed
    one, stopped.
  - The action of this module runs on the control node, calls the module in slices of O(slice_seconds) and shows what it is
    waiting for.
  - The steps come from M(stackops.glance.glance_plan).
extends_documentation_fragment:
  - stackops.glance.attributes
attributes:
  check_mode:
    support: partial
    details: V(prepared) checks everything, V(undone) reads the record; both show the differences. The other states need a
      prepared run and are skipped.
  diff_mode:
    support: partial
    details: V(prepared) shows the whole difference that all steps make, V(undone) in check mode what it would put back.
      Secrets are masked.
  idempotent:
    support: full
options:
  state:
    description:
      - V(prepared) checks that every file is as surveyed and that there is room, takes the lock and writes manifest and
        pre-images.
      - V(opened) takes the lock for undoing a run that is on record, unless a file of it was changed since.
      - V(applied) does O(step) on this host, that is drain, change, restart, wait for health, undrain.
      - V(undone) puts every file and unit that O(step) touched back as it was, and restarts.
      - V(closed) writes O(outcome) into the journal and gives the lock back.
    type: str
    required: true
    choices: [prepared, opened, applied, undone, closed]
  run_id:
    description: Name of the run. It begins with the time of its start, so that the newest sorts last.
    type: str
    required: true
  run_token:
    description: Token that V(prepared) or V(opened) returned. A stale one is refused. Needed for the other states.
    type: str
  step:
    description: Name of the step to apply or undo.
    type: str
  steps:
    description: What the run does on this host, in order. Used by V(prepared).
    type: list
    elements: dict
    default: []
  manifest:
    description: What is known of the whole run (playbook, start, hosts, steps, catalogue endpoints before). Used by
      V(prepared).
    type: dict
    default: {}
  holder:
    description: Who runs it (control node, user, process), shown to those whom the lock keeps out.
    type: dict
    default: {}
  seen_token:
    description: Token of a lock that the survey saw and that may be taken over, since its holder is known to be dead or its
      lease has ended. Any other lock is refused.
    type: str
  lease:
    description: Seconds until the lock may be taken over when nothing is heard of the run. Every call renews it.
    type: int
    default: 900
  outcome:
    description: How the run ended. Left out, a run that touched nothing here is abandoned and another stays unfinished.
    type: str
    choices: [committed, undone, abandoned]
  keep_runs:
    description: Number of records of finished runs to keep on the host. The newest are kept.
    type: int
    default: 10
  force:
    description: Undo also where a file is no longer what the run left. What is there is kept beside the pre-images.
    type: bool
    default: false
  restore:
    description: Whether undoing a step that took a dump of the database puts that dump back, in the place of all that the database
      holds then. No Glance may run.
    type: bool
    default: false
  slice_seconds:
    description: Longest time in seconds that one call waits for traffic to stop or for health.
    type: float
    default: 20
  state_dir:
    description: Directory of lock and run records on the managed host.
    type: path
    default: /var/lib/stackops-glance
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Put one step of a run back on this host
  stackops.glance.glance_transaction:
    state: undone
    run_id: 20261121T090000Z-3f9a1c
    run_token: "{{ opened.run_token }}"
    step: nova
'''

RETURN = r'''
run_token:
  description: Token to show in later calls.
  returned: state is prepared or opened
  type: str
finished:
  description: Whether the step is finished. The action calls again until it is.
  returned: state is applied or undone
  type: bool
progress:
  description: What the call was waiting for when its slice of time ended.
  returned: state is applied or undone
  type: list
  elements: str
files:
  description: Files that were written.
  returned: state is applied or undone
  type: list
  elements: str
units:
  description: Units that were stopped, started or restarted.
  returned: state is applied or undone
  type: list
  elements: str
phases:
  description: When the phases of the step began and ended on this host.
  returned: state is applied or undone, and there was something to do; also when it failed
  type: list
  elements: dict
  contains:
    step: {description: The step., type: str, sample: nova}
    direction: {description: "V(do) or V(undo).", type: str}
    phase: {description: "V(drain), V(change), V(health) or V(undrain).", type: str}
    started: {description: Seconds since the epoch., type: float}
    ended: {description: Seconds since the epoch; of the failure where it failed., type: float}
    ok: {description: Whether the phase came to its end., type: bool}
outcome:
  description: What was written into the journal; null when the run stays unfinished.
  returned: state is closed
  type: str
pruned:
  description: Runs whose records were removed.
  returned: state is closed
  type: list
  elements: str
'''

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.stackops.glance.plugins.module_utils import _transaction
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.module_utils._runs import STATE_DIR


def run(module):
    params = module.params
    state = params['state']
    if state == 'prepared':
        return _transaction.prepare(params, module.check_mode)
    if module.check_mode and state == 'undone':
        return _transaction.StepRun(module, params, begin='undoing', end='undone').preview()
    if module.check_mode:
        return {'changed': False, 'skipped': True, 'msg': 'There is no prepared run in check mode.'}
    if state != 'opened' and not params['run_token']:
        raise GlanceError('state %s needs the run_token that state prepared or opened returned.' % state)
    if state == 'opened':
        return {'changed': True, 'run_token': _transaction.reopen(params)}
    if state == 'closed':
        return _transaction.close(params['state_dir'], params['run_id'], params['run_token'], params['outcome'],
                                  params['keep_runs'])
    if state == 'applied':
        return _transaction.StepRun(module, params, begin='applying', end='done').apply()
    return _transaction.StepRun(module, params, begin='undoing', end='undone').undo()


def main():
    module = AnsibleModule(
        argument_spec={
            'state': {'type': 'str', 'required': True, 'choices': ['prepared', 'opened', 'applied', 'undone', 'closed']},
            'run_id': {'type': 'str', 'required': True},
            'run_token': {'type': 'str', 'no_log': False},
            'step': {'type': 'str'},
            'steps': {'type': 'list', 'elements': 'dict', 'default': []},
            'manifest': {'type': 'dict', 'default': {}},
            'holder': {'type': 'dict', 'default': {}},
            'seen_token': {'type': 'str', 'no_log': False},
            'lease': {'type': 'int', 'default': 900},
            'outcome': {'type': 'str', 'choices': ['committed', 'undone', 'abandoned']},
            'keep_runs': {'type': 'int', 'default': 10},
            'force': {'type': 'bool', 'default': False},
            'restore': {'type': 'bool', 'default': False},
            'slice_seconds': {'type': 'float', 'default': 20},
            'state_dir': {'type': 'path', 'default': STATE_DIR},
        },
        required_if=[
            ('state', 'applied', ('step',)),
            ('state', 'undone', ('step',)),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except GlanceError as error:
        module.fail_json(msg=error.message, **error.details)


if __name__ == '__main__':
    main()
