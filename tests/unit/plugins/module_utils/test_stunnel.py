# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for stunnel, and when it is started, reloaded or restarted. The scenario has the real one."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _certificates, _files, _stunnel, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

FINGERPRINT = "ab" * 32


class Host:
    """A host with systemd, stunnel and a certificate, as far as the module sees them."""

    def __init__(self) -> None:
        self.unit = {"active_state": "inactive", "unit_file_state": "disabled"}
        self.log: list[str] = []
        self.shows = ""
        self.takes = True
        self.journal = ["Configuration successful"]
        self.warned: list[str] = []
        self.days = 90.0

    # what the code under test calls

    def states(self, names: list[str]) -> dict[str, Any]:
        return {name: dict(self.unit) for name in names}

    def control(self, verb: str, name: str) -> None:
        self.log.append(verb)
        key = "unit_file_state" if verb in ("enable", "disable") else "active_state"
        self.unit[key] = {"enable": "enabled", "disable": "disabled", "stop": "inactive"}.get(verb, "active")
        if verb == "stop":
            self.shows = ""
        elif verb in ("start", "reload", "restart") and self.takes:
            self.shows = FINGERPRINT

    def check(self, *arguments: Any) -> dict[str, Any]:
        return {"subject": "CN=x", "names": ["x"], "fingerprint": FINGERPRINT, "not_after": 1e9 + self.days * 86400}


class Module:
    """AnsibleModule, as far as it is used."""

    def __init__(self, host: Host, params: dict[str, Any], check_mode: bool) -> None:
        self.params, self.check_mode, self._diff, self.warn = params, check_mode, True, host.warned.append

    def atomic_move(self, source: str, target: str, unsafe_writes: bool = False) -> None:
        os.rename(source, target)


@pytest.fixture(name="host")
def fixture_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Host:
    host = Host()
    monkeypatch.setattr(_units, "UNIT_FILES", f"{tmp_path}/units/")
    (tmp_path / "units").mkdir()
    monkeypatch.setattr(_units, "states", host.states)
    monkeypatch.setattr(_units, "control", host.control)
    monkeypatch.setattr(_units, "reload_configuration", lambda paths: host.log.append("daemon-reload"))
    monkeypatch.setattr(_units, "said", lambda unit, since: host.journal)
    monkeypatch.setattr(_certificates, "check", host.check)
    monkeypatch.setattr(_certificates, "check_readers", lambda *arguments: None)
    monkeypatch.setattr(_certificates, "may_read", lambda *arguments: True)
    monkeypatch.setattr(_certificates, "shown", lambda host=None, port=0, h=host: h.shows)
    monkeypatch.setattr(_stunnel, "_check_version", lambda program: None)
    monkeypatch.setattr(_stunnel.time, "time", lambda: 1e9)
    return host


@pytest.fixture(name="params")
def fixture_params(tmp_path: Path) -> dict[str, Any]:
    return {
        "name": "glance", "state": "present", "accept": "127.0.0.1:9293", "connect": "127.0.0.1:9292",
        "certificate": "/etc/x.pem", "key": "/etc/x.key", "names": ["x"], "trusted_ca": None, "client_ca": None,
        "idle_timeout": 43200, "limit_nofile": 16384, "renew_days": 30, "timeout": -1, "config_dir": str(tmp_path),
        "unit": "stunnel", "program": "stunnel", "user": pwd.getpwuid(os.geteuid()).pw_name,
        "group": grp.getgrgid(os.getegid()).gr_name, "run_token": None, "state_dir": str(tmp_path / "state"),
    }  # fmt: skip


def run(host: Host, params: dict[str, Any], check: bool = False, **more: Any) -> dict[str, Any]:
    host.log = []
    return _stunnel.run(Module(host, {**params, **more}, check))


def tree(folder: Path) -> dict[str, bytes | None]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_check_do_check_do_and_back(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    before = tree(tmp_path)
    check = run(host, params, check=True)
    assert check["changed"] and check["action"] == "start" and host.log == [] and tree(tmp_path) == before
    done = run(host, params)
    assert {**done, "diff": check["diff"]} == check
    assert host.log == ["daemon-reload", "enable", "start"]
    drop_in, conf = (Path(each["path"]) for each in done["files"])
    assert drop_in.read_text().endswith("[Service]\nExecReload=/bin/kill -HUP $MAINPID\nLimitNOFILE=16384\n")
    assert conf.read_text() == done["files"][1]["content"] and conf.stat().st_mode & 0o777 == 0o644
    for check_mode in (True, False):
        again = run(host, params, check=check_mode)
        assert not again["changed"] and (again["action"], again["files"], host.log) == ("none", [], [])
    gone = run(host, params, state="absent")
    assert gone["changed"] and host.log == ["disable", "stop", "daemon-reload"]
    assert {name: data for name, data in tree(tmp_path).items() if not name.startswith("state")} == before
    assert not run(host, params, state="absent")["changed"] and host.log == []


def test_what_is_written(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.write_text("one CA")
    lines = _stunnel.Service({**params, "accept": "9293", "client_ca": str(ca)}).config().splitlines()
    assert lines[0].startswith("; Written by stackops.glance.stunnel_service")
    assert lines.index("foreground = yes") < lines.index("[glance]") < lines.index("accept = 9293")
    assert {"pid =", "setuid = " + params["user"], "sslVersionMin = TLSv1.2", "socket = r:TCP_NODELAY=1"} <= set(lines)
    assert {"verifyChain = yes", "requireCert = yes", f"CAfile = {ca}", "TIMEOUTidle = 43200"} <= set(lines)
    other = ca.write_text("another CA")
    assert other and _stunnel.Service({**params, "client_ca": str(ca)}).config().splitlines() != lines


@pytest.mark.parametrize(
    ("more", "action"),
    [({"connect": "127.0.0.1:9191"}, "reload"), ({"limit_nofile": 1024}, "restart"), ({"idle_timeout": 60}, "reload")],
)
def test_a_restart_only_where_a_reload_would_not_do(
    host: Host, params: dict[str, Any], more: dict[str, Any], action: str
) -> None:
    run(host, params)
    done = run(host, params, **more)
    assert done["action"] == action and host.log == ["daemon-reload", action]


def test_a_renewed_certificate_is_a_reload(host: Host, params: dict[str, Any]) -> None:
    run(host, params)
    host.shows = "cd" * 32
    assert run(host, params, check=True)["action"] == "reload"
    assert run(host, params)["files"] == [] and host.log == ["daemon-reload", "reload"]
    host.days = 29.5
    soon = run(host, params)
    assert not soon["changed"] and soon["certificate"]["expires_soon"] and soon["certificate"]["days_left"] == 29
    assert host.warned == ["/etc/x.pem expires on 2001-10-08T13:46:40Z."]


def test_a_reload_that_did_not_take_is_noticed(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    run(host, params)
    before, host.takes, host.shows = tree(tmp_path), False, "cd" * 32
    host.journal = ["Binding service", "cannot be opened"]
    with pytest.raises(
        GlanceError, match="has not taken what it was given: port 9293 shows the certificate cdcd"
    ) as seen:
        run(host, params, idle_timeout=60)
    assert "Binding service; cannot be opened" in seen.value.message and "as they were before" in seen.value.message
    assert tree(tmp_path) == before and host.log == ["daemon-reload", "reload", "daemon-reload"]


def test_a_refusal_that_no_certificate_shows_is_read_in_the_journal(
    host: Host, params: dict[str, Any], tmp_path: Path
) -> None:
    run(host, params)
    before, host.journal = tree(tmp_path), ["Failed to reload the configuration file"]
    with pytest.raises(GlanceError, match="has not taken what it was given. Its journal says: Failed to reload"):
        run(host, params, idle_timeout=60, timeout=60)
    assert tree(tmp_path) == before


def test_a_service_that_does_not_start_leaves_nothing(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    before, host.takes = tree(tmp_path), False
    with pytest.raises(GlanceError, match="port 9293 shows no certificate"):
        run(host, params)
    assert {name: data for name, data in tree(tmp_path).items() if not name.startswith("state")} == before
    assert host.unit == {"active_state": "inactive", "unit_file_state": "disabled"}


def test_somebody_elses_service_is_left_alone(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "glance.conf").write_text("[other]\n")
    for state in ("present", "absent"):
        with pytest.raises(GlanceError, match="glance.conf was not written by this module"):
            run(host, params, state=state)
    assert (tmp_path / "glance.conf").read_text() == "[other]\n" and host.log == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "../x"}, "cannot be the name of a service"),
        ({"connect": "127.0.0.1"}, "127.0.0.1 is no address such as"),
        ({"connect": "[::1]:99999"}, "is no address such as"),
        ({"key": "/etc/x\nexec = /bin/sh"}, "key must be one line"),
        ({"user": "nobody-here"}, "There is no user nobody-here"),
        ({"client_ca": "/nowhere/ca.pem"}, "/nowhere/ca.pem does not exist"),
    ],
)
def test_bad_input(host: Host, params: dict[str, Any], tmp_path: Path, more: dict[str, Any], said: str) -> None:
    before = tree(tmp_path)
    with pytest.raises(GlanceError, match=said.replace("[", "\\[")):
        run(host, params, **more)
    assert tree(tmp_path) == before and host.log == []


def test_addresses() -> None:
    assert _stunnel.split_address("9293") == ("", 9293)
    assert _stunnel.split_address("[::1]:9293") == ("::1", 9293)
    assert _stunnel.split_address("glance.example:1") == ("glance.example", 1)


def test_what_is_left_out_stays_as_the_service_has_it(host: Host, params: dict[str, Any], tmp_path: Path) -> None:
    ca = tmp_path / "state" / "ca.pem"
    ca.parent.mkdir()
    ca.write_text("a CA")
    with pytest.raises(GlanceError, match="key was not given, and there is no service glance yet"):
        run(host, params, key=None)
    service = _stunnel.Service({**params, "client_ca": str(ca)})
    Path(service.conf).write_text(service.config())
    kept = _stunnel.Service({**params, "certificate": None, "key": None, "client_ca": None})
    assert kept.config() == service.config() and kept.listens == {"host": "127.0.0.1", "port": 9293}


def test_a_directory_of_drop_ins_comes_and_goes_with_them(tmp_path: Path) -> None:
    class Mover:
        def atomic_move(self, source: str, target: str, unsafe_writes: bool = False) -> None:
            os.rename(source, target)

    first, second = (tmp_path / "x.service.d" / name for name in ("a.conf", "b.conf"))
    for path in (first, second):
        _files.put(Mover(), str(path), b"x", mode="0644")
    _files.put(Mover(), str(first), None)
    assert second.exists()
    _files.put(Mover(), str(second), None)
    assert list(tmp_path.iterdir()) == []
