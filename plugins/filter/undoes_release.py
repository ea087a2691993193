# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
name: undoes_release
short_description: Whether the run to undo changed the release of Glance
version_added: 0.1.0
description:
  - Looks among the runs that M(stackops.glance.glance_host_info) found on a host, so that a play can leave out what is about
    releases alone.
author:
  - stackops.glance contributors (@stackops)
options:
  _input:
    description: The result of M(stackops.glance.glance_host_info).
    type: dict
    required: true
  run_id:
    description: The run to undo. Left out or empty, the newest that was not abandoned.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Look at the database where the release from before has to run on it
  stackops.glance.glance_database_info:
  when: survey | stackops.glance.undoes_release
"""

RETURN = r"""
_value:
  description: Whether it did; false as well where no run is on record.
  type: bool
"""


def undoes_release(survey: dict[str, Any], run_id: str = "") -> bool:
    for run in survey.get("runs") or ():
        if run["run_id"] == run_id or (not run_id and run["status"] != "abandoned"):
            return bool(run["release"].get("from"))
    return False


class FilterModule:
    """Judgements of a survey."""

    def filters(self):
        return {"undoes_release": undoes_release}
