# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

COMPUTE = """Id=nova-compute.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
MainPID={pid}
ExecMainStartTimestampMonotonic={since}
ExecStart={{ path=/usr/bin/nova-compute ; argv[]=/usr/bin/nova-compute --config-file=/etc/nova/nova.conf $MORE "a b" ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }}
User=nova
Environment=LANG=C "OS_GLANCE__API_SERVERS=http://a, http://b"
EnvironmentFiles={environment} (ignore_errors=yes)
TriggeredBy=
"""  # noqa: E501
MISSING = """Id=nova-api.service
LoadState=not-found
ActiveState=inactive
SubState=dead
MainPID=0
"""


@pytest.fixture
def systemctl(monkeypatch):
    """Answers of systemctl by verb, and a record of what it was asked."""
    answers, asked = {}, []

    def answer(arguments):
        asked.append(arguments)
        found = answers[arguments[0]]
        return found.pop(0) if len(found) > 1 else found[0]

    monkeypatch.setattr(_units, "_systemctl", answer)
    return answers, asked


def shown(name="x", active="active", file="enabled", **more):
    lines = {
        "Id": f"{name}.service",
        "LoadState": "loaded",
        "ActiveState": active,
        "SubState": "s",
        "UnitFileState": file,
    }
    return 0, "".join(f"{key}={value}\n" for key, value in {**lines, **more}.items()), ""


def test_all_units_in_one_call(systemctl):
    answers, asked = systemctl
    started = _units._monotonic() - 60
    text = COMPUTE.format(pid=os.getpid(), since=int(started * 1e6), environment="/nowhere")
    answers["show"] = [(0, text + "\n" + MISSING, "")]
    compute, api = _units.show(["nova-compute", "nova-api"])
    assert len(asked) == 1
    assert (compute["name"], compute["active_state"], compute["unit_file_state"]) == (
        "nova-compute",
        "active",
        "enabled",
    )
    assert abs(compute["started"] - (time.time() - 60)) < 1
    assert api["load_state"] == "not-found"
    assert api["started"] is None


def test_two_names_of_one_unit_are_one(systemctl):
    answers, _asked = systemctl
    answers["show"] = [
        (0, COMPUTE.format(pid=0, since=0, environment="") + "\n" + COMPUTE.format(pid=0, since=0, environment=""), "")
    ]
    assert [unit["name"] for unit in _units.show(["nova-compute", "alias"])] == ["nova-compute"]


def test_no_names_no_call(systemctl):
    assert _units.show([]) == []
    assert systemctl[1] == []


def test_an_answer_for_other_units_is_refused(systemctl):
    systemctl[0]["show"] = [(0, MISSING, "")]
    with pytest.raises(GlanceError, match="systemd, which must be running"):
        _units.show(["a", "b"])


def test_without_systemctl(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GlanceError, match="systemctl is not on this host"):
        _units.show(["nova-compute"])


def test_command_of_a_stopped_unit(systemctl, tmp_path):
    environment = tmp_path / "default"
    environment.write_text('# comment\nMORE="--config-file /etc/nova/more.conf"\nOS_DEFAULT__DEBUG=true\n')
    systemctl[0]["show"] = [(0, COMPUTE.format(pid=0, since=0, environment=environment), "")]
    argv, found = _units.command(_units.show(["nova-compute"])[0])
    assert argv == [
        "/usr/bin/nova-compute",
        "--config-file=/etc/nova/nova.conf",
        "--config-file",
        "/etc/nova/more.conf",
        "a b",
    ]
    assert found["OS_DEFAULT__DEBUG"] == "true"
    assert found["OS_GLANCE__API_SERVERS"] == "http://a, http://b"


def test_command_of_a_running_process_is_its_own(systemctl):
    code = "import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "x"], env={"OS_GLANCE__DEBUG": "on"}) as process:
        try:
            systemctl[0]["show"] = [(0, COMPUTE.format(pid=process.pid, since=1, environment=""), "")]
            argv, environment = _units.command(_units.show(["nova-compute"])[0])
            for _attempt in range(600):  # the process may still be what it was forked from
                if argv[-1] == "x":
                    break
                time.sleep(0.1)
                argv, environment = _units.command(_units.show(["nova-compute"])[0])
        finally:
            process.kill()
    assert argv == [sys.executable, "-c", code, "x"]
    assert environment["OS_GLANCE__DEBUG"] == "on"


def test_a_process_that_rewrote_its_title(systemctl, monkeypatch):
    monkeypatch.setattr(
        _units, "_process", lambda pid, what: ["gunicorn: master [glance]"] if what == "cmdline" else []
    )
    systemctl[0]["show"] = [(0, COMPUTE.format(pid=7, since=1, environment=""), "")]
    argv, _environment = _units.command(_units.show(["nova-compute"])[0])
    assert argv[0] == "/usr/bin/nova-compute"


def test_words_are_expanded_as_systemd_does():
    words = _units._expand(["a", "$MANY", "${MANY}", "$NONE", "b${X}c"], {"MANY": "1  2", "X": "x"})
    assert words == ["a", "1", "2", "1  2", "bxc"]


def test_old_systemd_names_the_property_differently(systemctl):
    systemctl[0]["show"] = [shown(EnvironmentFile="/etc/default/x (ignore_errors=no)")]
    assert _units.show(["x"])[0]["environment_files"] == ["/etc/default/x"]


def test_control_looks_whether_it_is_so(systemctl):
    answers, asked = systemctl
    answers.update({"show": [shown()], "restart": [(0, "", "")]})
    _units.control("restart", "x")
    assert ["restart", "--", "x"] in asked
    answers["show"] = [shown(), shown(active="failed")]
    with pytest.raises(GlanceError, match="systemctl restart x failed") as caught:
        _units.control("restart", "x")
    assert caught.value.details["state"]["active_state"] == "failed"


def test_a_failed_unit_is_reset_before_it_is_started(systemctl):
    answers, asked = systemctl
    answers.update({"show": [shown(active="failed"), shown()], "reset-failed": [(0, "", "")], "start": [(0, "", "")]})
    _units.control("start", "x")
    assert [arguments[0] for arguments in asked] == ["show", "reset-failed", "start", "show"]


def test_a_refused_verb_says_what_systemctl_said(systemctl):
    systemctl[0].update({"show": [shown(file="masked")], "enable": [(1, "", "Unit x.service is masked.")]})
    with pytest.raises(GlanceError, match="is masked"):
        _units.control("enable", "x")


@pytest.mark.parametrize(("verb", "state"), [("stop", {"active": "inactive"}), ("disable", {"file": "disabled"})])
def test_what_counts_as_done(systemctl, verb, state):
    systemctl[0].update({"show": [shown(**state)], verb: [(0, "", "")]})
    _units.control(verb, "x")
    systemctl[0]["show"] = [shown()]
    with pytest.raises(GlanceError):
        _units.control(verb, "x")


def test_unit_files_are_read_again_only_where_one_has_changed(systemctl):
    answers, asked = systemctl
    answers["daemon-reload"] = [(0, "", ""), (1, "", "Access denied")]
    _units.reload_configuration(["/etc/nova/nova.conf"])
    assert asked == []
    _units.reload_configuration(["/etc/nova/nova.conf", "/etc/systemd/system/x.service.d/y.conf"])
    assert asked == [["daemon-reload"]]
    with pytest.raises(GlanceError, match=r"daemon-reload failed \(1\): Access denied"):
        _units.reload_configuration(["/etc/systemd/system/x.service"])


def test_what_a_unit_has_said(monkeypatch, tmp_path):
    program = tmp_path / "journalctl"
    program.write_text("#!/bin/sh\nprintf '%s\\n' \"$3\" '' two\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert _units.said("x", 12.5) == ["--since=@12.500", "two"]
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert _units.said("x", 12.5) == []
