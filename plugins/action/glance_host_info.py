# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# The filter survey_services needs this for the argument of every host. ansible-playbook imports an action before it forks, so
# that it is imported here once for all of them.
from ansible_collections.stackops.glance.plugins.plugin_utils import _fleet  # noqa: F401 # pylint: disable=unused-import
from ansible_collections.stackops.glance.plugins.plugin_utils._host_action import HostAction


class ActionModule(HostAction):
    """Run the module as it is, on a host that may be lost or old."""
