# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _filter_error

DOCUMENTATION = r"""
name: survey_services
short_description: Services that a survey looks for on a host
version_added: 0.1.0
description:
  - Turns the groups that a host belongs to into the O(stackops.glance.glance_host_info#module:services) argument, with
    the units and options that the catalogue knows.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: Any of V(glance), V(nova) and V(consumers).
    type: list
    elements: string
    required: true
  overrides:
    description:
      - What differs on this cloud, by the name of the service, as V(nova-compute).
      - Each may have C(units), C(config_files), C(config_dirs), C(project) and C(release).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Survey a host
  stackops.glance.glance_host_info:
    services: "{{ ['glance', 'nova'] | stackops.glance.survey_services({'nova-compute': {'units': ['my-nova']}}) }}"
"""

RETURN = r"""
_value:
  description: The services, each with name, project, units, options and policies.
  type: list
  elements: dictionary
"""


@_filter_error.told
def survey_services(groups: list[str], overrides: dict[str, dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.plugin_utils import _fleet

    return _fleet.services(groups, overrides)


class FilterModule:
    """Questions of a survey."""

    def filters(self):
        return {"survey_services": survey_services}
