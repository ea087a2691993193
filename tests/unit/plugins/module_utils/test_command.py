# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _command


def test_what_a_program_says_is_told_whatever_its_bytes() -> None:
    script = r"cat; printf 'a\377' >&2; exit 3"
    assert _command.run(["sh", "-c", script], "é".encode()) == (3, "é", "a\ufffd")


def test_a_program_waits_for_no_input() -> None:
    assert _command.run(["cat"]) == (0, "", "")


def test_options_are_those_of_popen(tmp_path: Path) -> None:
    found = _command.run(["/bin/sh", "-c", 'echo "$PWD $WORD"'], cwd=str(tmp_path), env={"WORD": "x"})
    assert found == (0, f"{tmp_path} x\n", "")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _command.run([str(tmp_path / "none")])
