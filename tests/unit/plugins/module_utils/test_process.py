# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _process


def test_a_process_has_a_time_until_it_is_dead_although_nobody_collected_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        began = _process.started(child.pid)
        assert int(began) > 1 and _process.started(child.pid) == began
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert os.path.exists(f"/proc/{child.pid}") and _process.started(child.pid) == ""
    assert _process.started(child.pid) == ""


def test_the_name_of_a_process_may_hold_anything() -> None:
    name = "a) Z 1 (b"
    code = f"import ctypes; ctypes.CDLL(None).prctl(15, {name.encode()!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        child.stdout.readline()
        assert int(_process.started(child.pid)) > 1
        child.kill()


def test_where_the_kernel_tells_no_times_a_process_is_told_from_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_arguments: Any, **_options: Any) -> Any:
        raise FileNotFoundError

    with subprocess.Popen(["true"]) as child:
        child.wait()
    monkeypatch.setattr(io, "open", nothing)
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    assert _process.started(os.getpid()) == _process.started(1) == "running"
    assert _process.started(child.pid) == ""
