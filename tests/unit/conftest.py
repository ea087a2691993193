# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all unit tests share."""

from __future__ import annotations

import contextlib
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from hypothesis import HealthCheck, settings

# The lab's own library is on no path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "molecule" / "lab"))

# A gate that gives way to the lab's scenarios has no time to measure, and the same cases in each run.
settings.register_profile("gate", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("gate")

MODULES = {"cloud", "modules"}


@contextlib.contextmanager
def patch_module_args(args: dict[str, Any]) -> Iterator[None]:
    """What ansible-core 2.16 has no `ansible.module_utils.testing` for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode())
        yield


try:
    from ansible.module_utils import _internal
except ImportError:  # ansible-core 2.16, where modules know nothing of the control node's half either
    _internal = None
    testing: Any = types.ModuleType("ansible.module_utils.testing")
    testing.patch_module_args = patch_module_args
    sys.modules[testing.__name__] = testing


@pytest.fixture(autouse=True)
def module_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let modules warn as in a process of their own.

    Tests of actions import the control node's half of Ansible, which turns the warnings of everything in the process
    into lines on the terminal; and what one module has warned of would come with the next one's result.
    """
    if MODULES & set(request.path.parts):
        if _internal is not None:
            monkeypatch.setattr(_internal, "is_controller", False)
        monkeypatch.setattr(warnings, "_global_warnings", type(warnings._global_warnings)())
