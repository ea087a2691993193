# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ansible_collections.stackops.glance.plugins.plugin_utils import _filter_error

DOCUMENTATION = r"""
name: release_layout
short_description: What a host of a release of Glance is made of
version_added: 0.1.0
description:
  - Says which directories, files and units a host has, from the variables of the role C(glance_release) and the release
    catalogue. The catalogue decides which options the release has and how they are named there.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: The variables of the role C(glance_release) that describe a host, without their prefix. What is left out has
      the role's default.
    type: dict
    required: true
  release:
    description: The release, as 33.0.0.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Have a host of Glance 33.0.0
  stackops.glance.glance_service:
    directories: "{{ layout.directories }}"
    files: "{{ layout.files }}"
    units: "{{ layout.units }}"
    watched: "{{ layout.watched }}"
  vars:
    layout: "{{ {'workers': 4} | stackops.glance.release_layout('33.0.0') }}"
"""

RETURN = r"""
_value:
  description:
    - C(directories), C(files), C(units), C(watched) and C(health), as M(stackops.glance.glance_service) takes them.
    - C(server) is what runs the API, and C(head) the revision that the database of the release is at.
  type: dict
"""


@_filter_error.told
def release_layout(variables: dict[str, Any], release: str) -> dict[str, Any]:
    # Ansible imports every filter of a collection, in each task that uses one: what is heavy is imported when it is called.
    from ansible_collections.stackops.glance.plugins.plugin_utils import _release_files, _service

    return _release_files.layout(_service.known_release("glance", release), _release_files.as_wishes(variables))


class FilterModule:
    """What is made of variables."""

    def filters(self):
        return {"release_layout": release_layout}
