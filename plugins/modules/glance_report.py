#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r'''
module: glance_report
short_description: Write what is known of a flip as a page for people and as data
version_added: 0.1.0
description:
  - Writes the same report three times, as a page of HTML, as Markdown and as JSON. The verdict stands on top, then what stands
    in the way and how to override it, what will be changed, what each host speaks, who still asks for v1, which images are
    concerned, and what was done when.
  - The page needs nothing but itself. It holds no script, loads nothing from anywhere, and follows the reader's light or dark
    colours.
  - Runs on the control node alone, and reads what the play registered on the hosts as C(glance_flip_survey)
    (M(stackops.glance.glance_host_info)), C(glance_flip_prepared) (the differences of M(stackops.glance.glance_transaction)),
    C(glance_flip_phases) (when each phase of a step was) and C(glance_flip_callers) (what the access logs say). Whatever of it
    is missing is left out.
  - Text from the cloud is shown and never obeyed, be it markup, a template or a control character.
extends_documentation_fragment:
  - stackops.glance.attributes
attributes:
  check_mode:
    support: full
    details:
      - Writes the report in check mode too, which is when it is wanted most. It is the control node's own.
  diff_mode:
    support: N/A
    details:
      - The report is new each time.
  idempotent:
    support: full
    details:
      - Never reports a change. The files tell when they were written.
options:
  dest:
    description:
      - Directory of the report. It is made where it is missing, for its owner alone, as the files are.
    type: path
    required: true
  name:
    description:
      - Name of the files without their ends, by custom that of the playbook. A name that is there is replaced, in one step.
    type: str
    required: true
  title:
    description: Heading of the report. Left out, it follows from O(name).
    type: str
    default: ''
  plan:
    description: What M(stackops.glance.glance_plan) returned.
    type: dict
    required: true
  hosts:
    description: The hosts of the fleet, as a list for each group. The groups' names are shown.
    type: dict
    required: true
  after:
    description: What M(stackops.glance.glance_plan) returned after the changes.
    type: dict
    default: {}
  audit:
    description: What M(stackops.glance.image_audit_info) returned, be it that it failed.
    type: dict
    default: {}
  round_trip:
    description: What M(stackops.glance.image_round_trip) returned, be it that it failed.
    type: dict
    default: {}
  outcome:
    description: How the run ended, in words. Left out, the run has not ended, and the verdict of O(plan) stands on top.
    type: str
    default: ''
  failed:
    description: Whether the outcome is not the one that was asked for.
    type: bool
    default: false
  rollback:
    description: The command that undoes the run, shown below the verdict.
    type: str
    default: ''
  permanent:
    description:
      - What to tell the tool that deploys this cloud so that it does not undo the run, as
        P(stackops.glance.permanent_overrides#filter) returns it.
    type: list
    elements: dict
    default: []
    suboptions:
      place:
        description: Where it belongs.
        type: str
        required: true
      text:
        description: What belongs there.
        type: str
        required: true
  troubles:
    description: What went wrong, each in one line.
    type: list
    elements: str
    default: []
  metrics_file:
    description:
      - File that is to hold the report's numbers in Prometheus' text format, as the textfile collector of node_exporter reads
        it. Its name has to end in C(.prom) for that, and its directory has to be there.
      - It is replaced in one step and readable by everybody (mode C(0644)). Left empty, none is written.
    type: path
    default: ''
seealso:
  - module: stackops.glance.glance_plan
author:
  - stackops.glance contributors (@stackops)
'''

EXAMPLES = r'''
- name: Write the report
  stackops.glance.glance_report:
    dest: "glance-reports/{{ plan.run_id }}"
    name: preflight
    plan: "{{ plan }}"
    hosts:
      glance_api: "{{ groups['glance_api'] }}"
      nova: "{{ groups['nova'] }}"
  register: report
'''

RETURN = r'''
html:
  description: Path of the page.
  returned: success
  type: str
  sample: glance-reports/20261121T095609Z-ddaebe/preflight.html
markdown:
  description: Path of the Markdown.
  returned: success
  type: str
  sample: glance-reports/20261121T095609Z-ddaebe/preflight.md
json:
  description: Path of the data.
  returned: success
  type: str
  sample: glance-reports/20261121T095609Z-ddaebe/preflight.json
metrics:
  description: Path of the numbers.
  returned: when O(metrics_file) is given
  type: str
  sample: /var/lib/prometheus/node-exporter/glance.prom
'''
