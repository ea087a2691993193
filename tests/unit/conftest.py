# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share."""

from __future__ import annotations

import pytest
from ansible.module_utils import _internal
from ansible.module_utils.common import warnings

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
