# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _filter_error

DOCUMENTATION = r"""
name: permanent_overrides
short_description: What to tell another deployment tool so that it does not undo a run
version_added: 0.1.0
description:
  - openstack-ansible, Kolla and Puppet write configuration files anew whenever they run. This filter turns what a run changes into
    the overrides that let them write the same.
  - Options of configuration files and the rules of Glance's policy file are told. What a run changes beside them (units, TLS
    services, the catalogue) is not.
  - A secret is not shown. The override says which one belongs there.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: What M(stackops.glance.glance_plan) returned.
    type: dict
    required: true
  profile:
    description: The other tool.
    type: str
    choices: [openstack_ansible, kolla, puppet]
    required: true
"""

EXAMPLES = r"""
- name: Say what makes it permanent
  ansible.builtin.debug:
    msg: "{{ plan | stackops.glance.permanent_overrides('openstack_ansible') }}"
"""

RETURN = r"""
_value:
  description:
    - C(place), the file that an override belongs into, and C(text), what belongs there.
    - Hosts that are given different values have overrides of their own.
  type: list
  elements: dict
  sample:
    - place: /etc/kolla/config/glance/glance-api.conf
      text: |
        [DEFAULT]
        enable_v1_api = false
"""


@_filter_error.told
def permanent_overrides(plan: Mapping[str, Any], profile: str) -> list[dict[str, str]]:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.plugin_utils import _permanent

    return _permanent.overrides(plan, profile)


class FilterModule:
    """Beside other deployment tools."""

    def filters(self):
        return {"permanent_overrides": permanent_overrides}
