# Copyright (c) 2026 stackops.glance contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.stackops.glance.plugins import filter as filters
from ansible_collections.stackops.glance.plugins.filter.survey_services import survey_services

#: What filters may bring along: every task that uses any filter of the collection imports them all.
LIGHT = {"_errors", "_filter_error", "_outcome", "_words"}


def test_a_task_that_uses_one_filter_does_not_pay_for_all() -> None:
    names = sorted(path.stem for path in Path(next(iter(filters.__path__))).glob("*.py") if path.stem != "__init__")
    assert len(names) > 5
    script = "\n".join(
        [f"import {filters.__name__}.{name}" for name in names]
        + [
            "import sys",
            "print(*[name for name in sys.modules if '.glance.plugins.' in name or name.startswith('oslo')])",
        ]
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    found = {name.rpartition(".")[2] for name in done.stdout.split() if ".plugins.filter" not in name}
    assert found - {"plugin_utils", "module_utils"} <= LIGHT


def test_the_questions_of_a_survey_are_imported_once_for_all_hosts() -> None:
    """Ansible imports the action in the process that all others come from, and the filter in each of those."""
    script = """if True:
        import sys
        from ansible_collections.stackops.glance.plugins.action import glance_host_info
        from ansible_collections.stackops.glance.plugins.filter.survey_services import survey_services
        before = set(sys.modules)
        assert survey_services(["glance", "nova"])
        print(*[name for name in set(sys.modules) - before if ".glance.plugins." in name])
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_filter_fails_with_the_message_alone() -> None:
    with pytest.raises(AnsibleFilterError, match="nova-compte is not known .did you mean nova-compute"):
        survey_services(["nova"], {"nova-compte": {}})
