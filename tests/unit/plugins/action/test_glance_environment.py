# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action hands to its module; the module and the archives have tests of their own."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.action import glance_environment
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

PYTHON = {"abi": "cp311", "platform": "cp311-x86_64-glibc2.36", "version": "3.11", "builds": True}


class Asked(Exception):
    """The module was asked to build, which is all that the test is about."""


def asked(tmp_path: Path, **given: Any) -> list[dict[str, Any]]:
    """The arguments of each call of the module, up to the building of the environment."""
    calls: list[dict[str, Any]] = []

    def ask(_name: str, arguments: dict[str, Any], _task_vars: Any) -> dict[str, Any]:
        calls.append(arguments)
        if arguments.get("step") == "build":
            raise Asked
        return {"missing": True, "python": PYTHON, "path": "/opt/glance/33.0.0"}

    action: Any = glance_environment.ActionModule.__new__(glance_environment.ActionModule)
    arguments = {"release": "33.0.0", "archives": str(tmp_path), **given}
    action._task = SimpleNamespace(args=arguments, check_mode=False)
    action.ask = ask
    with pytest.raises(Asked):
        action.act({})
    return calls


def test_what_is_for_pip_reaches_the_host_as_one_text_and_only_to_build(tmp_path: Path) -> None:
    pip = {"PIP_NO_CACHE_DIR": "1", "PIP_INDEX_URL": "https://ops:s3cret@index.example/simple"}
    look, build = asked(tmp_path, pip=pip)
    assert look["pip"] == {} and "s3cret" not in str(look)
    assert build["pip"] == {} and json.loads(build["pip_json"]) == pip
    assert "pip_json" not in asked(tmp_path)[1]


def test_what_is_for_pip_has_to_have_names(tmp_path: Path) -> None:
    with pytest.raises(GlanceError, match="has to be a mapping"):
        asked(tmp_path, pip="PIP_NO_CACHE_DIR=1")
