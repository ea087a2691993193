# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: offers_v1
short_description: Whether a surveyed Glance host offers v1 of the Images API
version_added: 0.1.0
description:
  - Judges the result of M(stackops.glance.glance_host_info) by the release catalogue, so that a play can leave out what is
    about v1 alone.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: The result of M(stackops.glance.glance_host_info).
    type: dict
    required: true
  overrides:
    description: What differs on this cloud, as in P(stackops.glance.survey_services#filter).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Read the access logs where v1 is on
  stackops.glance.glance_api_log_info:
  when: survey | stackops.glance.offers_v1
"""

RETURN = r"""
_value:
  description: Whether v1 is on; false as well where that cannot be told.
  type: bool
"""


def offers_v1(survey: dict[str, Any], overrides: dict[str, dict[str, Any]] | None = None) -> bool:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
    from ansible_collections.stackops.glance.plugins.plugin_utils import _glance_v1, _plan

    fleet = _plan.Fleet(["host"], [], [], {"host": survey}, {"host": overrides or {}})
    services = fleet.services("host", "glance")
    try:
        return bool(_glance_v1.judge(services, fleet.release("host", "glance-api", "glance"))["v1"])
    except (GlanceError, KeyError):
        return False


class FilterModule:
    """Judgements of a survey."""

    def filters(self):
        return {"offers_v1": offers_v1}
