# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The collection's cloud modules against the Glance of one host."""

from __future__ import annotations

import importlib
import io
import json
from contextlib import redirect_stdout
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from . import trial
from .hosts import BY_NAME


def address(host: str) -> str:
    return f"http://{BY_NAME[host].address}:9292"


def given(host: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """A module's arguments, as the cloud's administrator unless they say otherwise."""
    return {"cloud": "lab", "endpoint": address(host), **arguments}


def called(name: str, host: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
    """A module's result, without the seconds that Ansible takes for a task."""
    module = importlib.import_module(f"ansible_collections.stackops.glance.plugins.modules.{name}")
    output = io.StringIO()
    with (
        patch_module_args({**given(host, arguments), "_ansible_check_mode": check}),
        redirect_stdout(output),
        pytest.raises(SystemExit),
    ):
        module.main()
    return {"failed": False, **json.loads(output.getvalue())}


def begun(name: str, host: str, *options: str, **arguments: Any) -> trial.Run:
    """A module that Ansible runs beside the test."""
    words = ("-m", f"stackops.glance.{name}", "-a", json.dumps(given(host, arguments)))
    return trial.Run("ansible", "localhost", *words, *options)
