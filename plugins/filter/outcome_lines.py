# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.stackops.glance.plugins.plugin_utils import _outcome

DOCUMENTATION = r"""
name: outcome_lines
short_description: What a run says when it ends
version_added: 0.1.0
description:
  - Says in five lines what changed, on which hosts, the verdict, where the report lies, and the command that undoes the run.
  - Numbered hosts of a large fleet are drawn together, as cmp001–120. Hosts that failed and were put back alone are left out,
    and named with the verdict.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: What M(stackops.glance.glance_plan) returned.
    type: dict
    required: true
  ended:
    description:
      - How the run ended. V(idle) had nothing to do, V(check) only looked, V(not_begun) was refused by a host, and V(stuck)
        could not undo everything.
      - A contract step is never undone. It is V(kept) where something failed after it, and V(unfinished) where it failed itself.
    type: str
    choices: [idle, check, not_begun, done, undone, stuck, kept, unfinished]
    required: true
  outcome:
    description: How the run ended, in words.
    type: str
    required: true
  report:
    description: Path of the report.
    type: str
    required: true
  way_back:
    description: The command that undoes the run, see P(stackops.glance.rollback_command#filter). Empty where nothing is to be undone.
    type: str
    required: true
  troubles:
    description: What went wrong, each as the host's name, a colon and a message.
    type: list
    elements: str
    default: []
seealso:
  - plugin: stackops.glance.rollback_command
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Say how it went
  ansible.builtin.debug:
    msg: >-
      {{ plan | stackops.glance.outcome_lines(ended='done', outcome='done', report=report.html,
                                              way_back=plan.run_id | stackops.glance.rollback_command) }}
"""

RETURN = r"""
_value:
  description: The five lines.
  type: list
  elements: str
  sample:
    - "Changed: Nova speaks v2."
    - "Hosts: nova1, nova2"
    - "Verdict: done. Run 20261121T095609Z-ddaebe."
    - "Report: /home/ops/glance-reports/20261121T095609Z-ddaebe/upgrade_to_v2.html"
    - "Way back (rows in the database stay as they are): ansible-playbook -i /home/ops/inventory stackops.glance.rollback
      -e glance_flip_run=20261121T095609Z-ddaebe"
"""


class FilterModule:
    """The end of a run."""

    def filters(self):
        return {"outcome_lines": _outcome.lines}
