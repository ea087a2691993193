# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ansible_collections.stackops.glance.plugins.plugin_utils._takeover import Controller


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def test_a_living_process_is_not_taken_for_dead_and_a_killed_one_is(process: subprocess.Popen[bytes]) -> None:
    holder = Controller.of(process.pid).as_holder()
    judge = Controller.of(os.getpid())
    assert holder["started"] and not judge.knows_dead(holder)
    process.kill()
    process.wait()
    assert judge.knows_dead(holder)


def test_a_number_that_another_process_has_now_is_no_sign_of_life(process: subprocess.Popen[bytes]) -> None:
    holder = Controller.of(process.pid).as_holder()
    assert Controller.of(os.getpid()).knows_dead({**holder, "started": "1"})


def test_of_another_machine_nothing_is_known(process: subprocess.Popen[bytes]) -> None:
    judge = Controller.of(os.getpid())
    assert not judge.knows_dead({**Controller.of(process.pid).as_holder(), "host": "elsewhere", "pid": 0})
    assert not judge.knows_dead({})


def test_what_ran_before_the_last_boot_is_dead() -> None:
    judge = Controller.of(os.getpid())
    assert judge.knows_dead(replace(judge, boot="an earlier one").as_holder())


def test_a_zombie_holds_nothing(process: subprocess.Popen[bytes]) -> None:
    holder = Controller.of(process.pid).as_holder()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet collected by its parent
    assert Controller.of(os.getpid()).knows_dead(holder)


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError

    monkeypatch.setattr("getpass.getuser", nameless)
    assert Controller.of(os.getpid()).user == str(os.getuid())
