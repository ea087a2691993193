# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share."""

from __future__ import annotations

import pytest
from ansible.module_utils import _internal
from ansible.module_utils.common import warnings
from hypothesis import HealthCheck, settings

# A gate that gives way to the lab's scenarios has no time to measure, and the same cases in each run.
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")

MODULES = {"cloud", "modules"}


@pytest.fixture(autouse=True)
def module_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules warn as in a process of their own.

    Tests of actions import the control node's half of Ansible, which turns the warnings of everything in the process
    into lines on the terminal; and what one module has warned of would come with the next one's result.
    """
    if MODULES & set(request.path.parts):
        monkeypatch.setattr(_internal, "is_controller", False)
        monkeypatch.setattr(warnings, "_global_warnings", {})
