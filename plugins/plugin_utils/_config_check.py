# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check a surveyed service against the release that it runs and, if there is one, against the target of a flip.

Pure functions of a survey (see ``glance_host_info``) and the release catalogue.
"""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.stackops.glance.plugins.plugin_utils import (
    _config_check_fixes,
    _config_check_options,
    _config_check_policy,
    _config_check_rules,
)
from ansible_collections.stackops.glance.plugins.plugin_utils._catalogue import Release
from ansible_collections.stackops.glance.plugins.plugin_utils._config_check_view import View
from ansible_collections.stackops.glance.plugins.plugin_utils._finding import SEVERITIES, Finding
from ansible_collections.stackops.glance.plugins.plugin_utils._service import Change, Service


def check(service: Service, current: Release, target: Release | None = None, host: str = "") -> list[Finding]:
    """Everything to know of the service's configuration, the worst first.

    Without a target it is judged by the release that runs; with one, by the target and by what changes on the way.
    """
    view = View(service, current, target)
    rules = list(_config_check_rules.check(view))
    # A rule says of its option what the option alone could not.
    told = {(finding.file, finding.line) for finding in rules if finding.line}
    found = rules + [
        finding
        for finding in _config_check_options.check(view)
        if (finding.file, finding.line) not in told or finding.id not in ("option_removed", "option_unknown")
    ]
    if view.project == "glance" and view.program == "api":
        found += _config_check_policy.check(view)
    found = [replace(finding, host=host) for finding in dict.fromkeys(found)]
    return sorted(
        found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.file or "", finding.line or 0)
    )


def fixes(
    service: Service, current: Release, target: Release | None = None
) -> tuple[list[Change], list[_config_check_fixes.Fixed]]:
    """What to write where one answer is right for the release that is judged by, and what each change does."""
    return _config_check_fixes.fixes(View(service, current, target))
