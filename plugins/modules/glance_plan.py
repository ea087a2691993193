#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_plan
short_description: Plan a flip, or the way back, from the survey of a fleet
version_added: 0.1.0
description:
  - Judges what M(stackops.glance.glance_host_info) found on each host and what M(stackops.glance.images_api_info) found in
    the cloud, by the release catalogue, and returns findings and steps.
  - Runs on the control node alone. It reads the surveys that the play registered on the hosts as C(glance_flip_survey) and
    touches nothing.
  - An unfinished run is continued; locks of runs that are known to be dead are named for taking over.
extends_documentation_fragment:
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  direction:
    description: V(do) plans the flip to v2, V(undo) the way back of a run.
    type: str
    choices: [do, undo]
    default: do
  about:
    description:
      - V(v2) plans the flip to the Images API v2, and the change of O(policy) before it where one is asked for. V(policy)
        plans that change alone, V(tls) plans O(tls) alone.
      - V(release) plans the flip to O(release.release), with O(policy) held against that release, and V(contract) the contract
        step of the database after it.
    type: str
    choices: [v2, policy, tls, release, contract]
    default: v2
  policy:
    description:
      - What becomes of Glance's policy. Left out, nothing; who may do what is told in any case.
      - A decision that changes and that is not declared is a blocker.
    type: dict
    default: {}
    suboptions:
      rules:
        description: Rules to set and remove, as M(stackops.glance.glance_policy) takes them.
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
      admin_role:
        description: With V(replaced), rules take the place of C(admin_role), see M(stackops.glance.glance_admin_role).
        type: str
        choices: [keep, replaced]
        default: keep
      grants:
        description: The rules that holders of C(admin_role) shall pass, in place of being administrators.
        type: list
        elements: str
      format:
        description: With V(yaml), files of JSON become files of YAML.
        type: str
        choices: [keep, yaml]
        default: keep
      explicit_default:
        description: Whether to set C(default) to C(role:admin) where the file does not set it.
        type: bool
        default: false
      drop_defaults:
        description: Whether to remove rules that say what the release says by itself.
        type: bool
        default: false
      personas:
        description: Who is asked for. Left out, the usual ones, and whoever the policy speaks of.
        type: list
        elements: dict
        default: []
      targets:
        description: On what. Left out, the usual images.
        type: list
        elements: dict
        default: []
      expected_changes:
        description: Decisions that are meant to change.
        type: list
        elements: dict
        default: []
      accepted_changes:
        description: Names of upstream's changes that are accepted, with O(policy.to_release).
        type: list
        elements: str
        default: []
      kept_changes:
        description:
          - Names of upstream's changes that shall not happen with O(policy.to_release). Switches and rules that keep today's
            decisions are written.
        type: list
        elements: str
        default: []
      to_release:
        description: A release to come, against which the policy is held as well.
        type: str
        default: ''
  role_assignments:
    description:
      - What M(stackops.glance.image_role_assignments_info) returned. With O(policy.to_release), those are named who could
        do nothing with images there.
    type: dict
    default: {}
  tls:
    description:
      - How TLS is offered. What M(stackops.glance.stunnel_service) said in check mode on each Glance host is read from the
        variable C(glance_stunnel_service) of that host; of C(glance_stunnel_closing) where Glance leaves an address of its own.
    type: dict
    default: {}
    suboptions:
      port:
        description: The port that TLS is offered on.
        type: int
        default: 9293
      endpoints:
        description: Addresses that are to stand in the catalogue, by interface. Left out, the hosts that do, with O(tls.port).
        type: dict
        default: {}
      consumers_ca:
        description: File of CA certificates on the hosts of Nova and other services. Empty, what they have today.
        type: str
        default: ''
      worker_ca:
        description: File of CA certificates on the Glance hosts, for workers that ask each other. Empty, what they have today.
        type: str
        default: ''
      close_plaintext:
        description: Whether Glance is to move to the loopback address of its host.
        type: bool
        default: false
      quiet_hours:
        description: Hours without a request in plaintext, by the access logs, before it does. V(0) asks no logs.
        type: float
        default: 24
  release:
    description:
      - The release to go to. What M(stackops.glance.glance_database_info) said on each Glance host is read from the variable
        C(glance_flip_database) of that host, and what becomes of its files from C(glance_release_changes).
    type: dict
    default: {}
    suboptions:
      release:
        description: The exact version, as V(33.0.0). Needed for O(about=release).
        type: str
        default: ''
      root:
        description: The directory of the environments, each named by its version, and of the link C(current) that units run.
        type: path
        default: /opt/glance
      dump:
        description: Whether a dump of the database is taken before an offline hop.
        type: bool
        default: true
      restore:
        description: Whether the way back puts the dump of its run back, in the place of all that the database holds then.
        type: bool
        default: false
  glance_hosts:
    description: Hosts with a Glance API.
    type: list
    elements: str
    required: true
  nova_hosts:
    description: Hosts with a Nova service that reads C([glance]).
    type: list
    elements: str
    required: true
  consumer_hosts:
    description: Hosts with other services that call Glance.
    type: list
    elements: str
    default: []
  cloud:
    description: What M(stackops.glance.images_api_info) returned. Needed for V(do).
    type: dict
    default: {}
  v1_off:
    description: Whether the last step turns v1 off.
    type: bool
    default: false
  v1_quiet_days:
    description:
      - For how many days nobody may have asked for v1, and how many days the access logs have to cover, before v1 is turned
        off. The logs are those that M(stackops.glance.glance_api_log_info) read into the variable C(glance_flip_callers)
        of each Glance host. V(0) asks no logs.
    type: float
    default: 7
  nova_option:
    description:
      - What becomes of C(use_glance_v1) where it is set. V(absent) takes it out, since v2 is the default of the one release
        that reads it; V(false) leaves it visible.
    type: str
    choices: [absent, 'false']
    default: absent
  accept:
    description: Ids of blockers to go on in spite of. Only those that may be accepted have an effect.
    type: list
    elements: str
    default: []
  takeover:
    description: The operator's word that the holder of any lock is dead.
    type: bool
    default: false
  drain:
    description: How a Glance host is drained.
    type: dict
    default: {}
    suboptions:
      by:
        description:
          - V(health_check) makes the host's health check fail, so that the balancer leaves it.
            Where there is no file for that, the host is not drained at all.
          - V(hook) leaves that to the operator's tasks before the step, and V(haproxy) to the playbooks' own; both only wait
            until nothing runs on the host.
        type: str
        choices: [health_check, hook, haproxy]
        default: health_check
      file:
        description: File that makes the health check answer 503, where the paste file does not name it.
        type: path
      grace:
        description: Seconds that the balancer gets to notice.
        type: int
        default: 4
      timeout:
        description: Seconds that what runs on the host gets to end.
        type: int
        default: 600
  settle:
    description: Seconds that a restarted service has to stay up.
    type: int
    default: 3
  start_timeout:
    description: Seconds that a restarted service may take until it is healthy.
    type: int
    default: 120
  run_id:
    description: The run to undo. Left out, the newest that left something behind.
    type: str
  playbook:
    description: Name of the playbook, for the record.
    type: str
    default: ''
  show:
    description: What the action shows while it runs. V(versions) is the table of who speaks which version alone.
    type: str
    choices: [plan, versions]
    default: plan
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Plan the flip
  stackops.glance.glance_plan:
    glance_hosts: "{{ groups['glance_api'] }}"
    nova_hosts: "{{ groups['nova'] }}"
    cloud: "{{ images_api }}"
  register: plan
'''

RETURN = r'''
verdict:
  description: Whether the run may begin.
  returned: success
  type: str
  sample: ready
run_id:
  description: Name of the run that this plan is for.
  returned: success
  type: str
continued:
  description: Whether the run is an unfinished one.
  returned: success
  type: bool
findings:
  description: What an operator has to know, worst first, each with id, severity, message, remedy, host, file and line.
  returned: success
  type: list
  elements: dict
run_started:
  description: When the run began (ISO 8601, UTC).
  returned: success
  type: str
steps:
  description: The steps in the order in which they are done, each with name, title and hosts.
  returned: success
  type: list
  elements: dict
hosts:
  description: For each host of the run its parts of the steps, the names of the steps to do and of all that concern it, and
    the token of a lock that may be taken over.
  returned: success
  type: dict
left_locked:
  description: Hosts that this run has nothing to do with and that a dead run left locked, each with the C(run_id) and the
    C(token) of that lock, to be given back with O(stackops.glance.glance_transaction#module:state=closed).
  returned: success
  type: dict
catalogue:
  description: Endpoints that change, each with id, url_before and url_after.
  returned: success
  type: list
  elements: dict
catalogue_undo:
  description: Endpoints to set back when the run is undone, those of an earlier attempt included.
  returned: success
  type: list
  elements: dict
policy:
  description:
    - Who may do what, once for the hosts that decide alike and for each policy that is held against today's, with C(hosts),
      C(file), C(release_before), C(release_after), C(personas), C(targets), C(rules), C(changes), C(undeclared) and
      C(upstream).
    - A rule has for each persona a letter a target, C(before) and C(after), C(+) where it is allowed, C(-) where it is not,
      C(?) where another program would decide.
  returned: success
  type: list
  elements: dict
spoken:
  description: Which Images API each service speaks.
  returned: success
  type: list
  elements: dict
manifest:
  description: What each host keeps of the whole run.
  returned: success
  type: dict
holder:
  description: The process that holds the locks of this run.
  returned: success
  type: dict
'''
