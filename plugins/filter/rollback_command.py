# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.stackops.glance.plugins.plugin_utils import _outcome

DOCUMENTATION = r"""
name: rollback_command
short_description: The command that undoes a run
version_added: 0.1.0
description:
  - Puts together the command line of C(ansible-playbook) that undoes one run over one inventory, quoted for a shell.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: Id of the run.
    type: str
    required: true
  inventories:
    description: Sources of the inventory, as Ansible's C(ansible_inventory_sources) holds them.
    type: list
    elements: str
    default: []
  variables:
    description:
      - Extra-vars to give once more, by name. Those that are empty are left out, and so are those that are no plain text, such
        as a cloud with its password.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Say how to undo it
  ansible.builtin.debug:
    msg: "{{ plan.run_id | stackops.glance.rollback_command(ansible_inventory_sources) }}"
"""

RETURN = r"""
_value:
  description: The command.
  type: str
  sample: ansible-playbook -i /home/ops/inventory stackops.glance.rollback -e glance_flip_run=20261121T095609Z-ddaebe
"""


class FilterModule:
    """The way back."""

    def filters(self):
        return {"rollback_command": _outcome.rollback_command}
