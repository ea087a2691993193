# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: release_changes
short_description: What becomes of a host's files when its release of Glance changes
version_added: 0.1.0
description:
  - Holds what the variables of the role C(glance_release) make of a host in the release that it has now against what they make of
    it in another one. Of an oslo.config file only what differs between the two is written.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: The variables of the role C(glance_release) that describe a host, as in
      P(stackops.glance.release_layout#filter).
    type: dict
    required: true
  survey:
    description: The result of M(stackops.glance.glance_host_info).
    type: dict
    required: true
  release:
    description: The release to go to, as 33.0.0.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Compute what the files of the host become
  ansible.builtin.set_fact:
    changes: "{{ {'workers': 4} | stackops.glance.release_changes(survey, '33.0.0') }}"
"""

RETURN = r"""
_value:
  description: C(files) and C(directories) of a step, as M(stackops.glance.glance_transaction) takes them, without secrets; or
    C(error), why they cannot be computed.
  type: dict
"""


def release_changes(variables: dict[str, Any], survey: dict[str, Any], release: str) -> dict[str, Any]:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
    from ansible_collections.stackops.glance.plugins.plugin_utils import _release_files, _release_plan, _service

    try:
        api = (survey.get("services") or {}).get("glance-api") or {"project": "glance", "prog": "glance-api"}
        wishes = _release_files.as_wishes(variables)
        _release_files.described(api, wishes)
        old, new = (
            _release_files.layout(each, wishes)
            for each in (_service.installed(api), _service.known_release("glance", release))
        )
        return {"files": list(_release_plan.changes(old, new)), "directories": new["directories"]}
    except GlanceError as error:
        return {"error": error.message}


class FilterModule:
    """What is made of variables."""

    def filters(self):
        return {"release_changes": release_changes}
