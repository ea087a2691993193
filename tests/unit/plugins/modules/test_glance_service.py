# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Account, directories, files and units of a service: what differs is changed, and what is older is restarted."""

from __future__ import annotations

import getpass
import grp
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.module_utils import _host_files, _serving, _units
from ansible_collections.stackops.glance.plugins.modules import glance_service

Run = Callable[..., dict[str, Any]]
ME = {"owner": getpass.getuser(), "group": grp.getgrgid(os.getgid()).gr_name}


class Systemd:
    """Units, as far as the module sees them."""

    def __init__(self) -> None:
        self.unit: dict[str, Any] = {"active_state": "inactive", "unit_file_state": "disabled", "started": None}
        self.log: list[str] = []

    def states(self, names: list[str]) -> dict[str, Any]:
        return {name: dict(self.unit) for name in names}

    def control(self, verb: str, name: str) -> None:
        self.log.append(f"{verb} {name}")
        self.unit.update(
            {"unit_file_state": "enabled"} if verb == "enable" else {"active_state": "active", "started": time.time()}
        )


@pytest.fixture(name="systemd")
def fixture_systemd(monkeypatch: pytest.MonkeyPatch) -> Systemd:
    systemd = Systemd()
    monkeypatch.setattr(_units, "states", systemd.states)
    monkeypatch.setattr(_units, "control", systemd.control)
    monkeypatch.setattr(_serving, "status", lambda url: 200)
    return systemd


@pytest.fixture(name="run")
def fixture_run(systemd: Systemd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        conf = {
            "path": str(tmp_path / "etc" / "glance-api.conf"), "mode": "0640", **ME,
            "options": [
                {"option": "debug", "value": "true"},
                {"option": "bind_host", "state": "absent"},
                {"section": "database", "option": "connection", "secret_value": "mysql://a:Secret$1@h/g", "literal": True},
            ],
        }  # fmt: skip
        asked = {
            "directories": [{"path": str(tmp_path / "etc"), "mode": "0750", **ME}],
            "files": [conf, {"path": str(tmp_path / "etc" / "unit"), "content": "[Unit]\n", "mode": "0644", **ME}],
            "units": ["glance-api.service"], "watched": [conf["path"]], "health": "http://127.0.0.1:9292/healthcheck",
            "state_dir": str(tmp_path / "state"), **arguments,
        }  # fmt: skip
        with (
            patch_module_args({**asked, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            glance_service.main()
        output = capsys.readouterr().out
        assert "Secret" not in output
        found: dict[str, Any] = json.loads(output)
        return found

    return call


@pytest.fixture(name="conf")
def fixture_conf(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "glance-api.conf"


def test_check_do_check_do(run: Run, systemd: Systemd, conf: Path) -> None:
    check = run(check=True)
    assert check["changed"] and not conf.parent.exists() and systemd.log == []
    done = run()
    assert {**done, "invocation": 0} == {**check, "invocation": 0}
    assert systemd.log == ["enable glance-api.service", "start glance-api.service"]
    assert conf.stat().st_mode & 0o777 == 0o640 and conf.parent.stat().st_mode & 0o777 == 0o750
    assert "connection = mysql://a:Secret$$1@h/g\n" in conf.read_text()
    assert not run(check=True)["changed"] and not run()["changed"] and len(systemd.log) == 2


def test_what_others_wrote_stays(run: Run, systemd: Systemd, conf: Path) -> None:
    run()
    conf.write_text("# mine\n[DEFAULT]\nbind_host = 192.0.2.1\npublic_endpoint = https://x\n")
    assert run()["files"] == [str(conf)]
    text = conf.read_text()
    assert text.startswith("# mine\n[DEFAULT]\n") and "public_endpoint = https://x\n" in text
    assert "bind_host" not in text and "debug = true" in text
    assert systemd.log[2:] == ["restart glance-api.service"]


def test_a_restart_that_is_pending_from_another_call(run: Run, systemd: Systemd) -> None:
    run(state="configured")
    assert systemd.log == []
    systemd.unit.update(active_state="active", unit_file_state="enabled", started=time.time() - 100)
    assert run(check=True)["actions"] == ["restart glance-api.service"]
    assert run()["actions"] == ["restart glance-api.service"]
    assert not run()["changed"]


def test_a_file_that_no_service_reads_restarts_nothing(run: Run, systemd: Systemd, conf: Path) -> None:
    run()
    (conf.parent / "unit").write_text("[Unit]\n# bent\n")
    assert run()["actions"] == [] and len(systemd.log) == 2


def test_modes_are_set_right(run: Run, conf: Path) -> None:
    run()
    conf.chmod(0o644)
    assert run()["files"] == [str(conf)] and conf.stat().st_mode & 0o777 == 0o640


def test_an_unhealthy_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_serving, "status", lambda url: 503)
    assert "healthcheck was answered 503 after 0 s" in run(timeout=0)["msg"]
    monkeypatch.setattr(_serving, "status", lambda url: None)
    assert "was not answered after 0 s" in run(timeout=0)["msg"]


def test_no_directory(run: Run, tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("")
    assert "is no directory" in run()["msg"]


def test_an_account_that_is_missing() -> None:
    missing = "nobody-has-this-name"
    assert _host_files.missing_account(ME["owner"], ME["group"]) == []
    made = _host_files.missing_account(missing, missing)
    assert made[0] == ["groupadd", "--system", missing] and made[1][:4] == ["useradd", "--system", "--gid", missing]
