# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import fcntl
import grp
import itertools
import os
import pwd
import shutil
import stat
from collections import namedtuple
from pathlib import Path
from typing import Any, ClassVar

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import (
    _certificates,
    _files,
    _runs,
    _serving,
    _transaction,
    _units,
)
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

BEFORE = b"[DEFAULT]\r\n# v1 and v2 \xc3\xa4\r\nenable_v1_api = true\r\nenable_v2_api = false\r\n"
V2_ON = {"section": "DEFAULT", "option": "enable_v2_api", "value": "true"}
V1_OFF = {"section": "DEFAULT", "option": "enable_v1_api", "value": "false"}
RUN = "20261121T090000Z-abcdef"


class Killed(BaseException):
    """What SIGKILL is to the code: nothing after it runs."""


class Host:
    """A host with systemd and a Glance, as far as a transaction sees them."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.state_dir = str(tmp_path / "state")
        self.conf = tmp_path / "glance-api.conf"
        self.conf.write_bytes(BEFORE)
        self.conf.chmod(0o640)
        self.units = {
            name: {"active_state": "active", "sub_state": "running", "unit_file_state": "enabled"}
            for name in ("glance-api", "glance-registry")
        }
        self.log: list[str] = []
        self.fails: dict[str, BaseException] = {}
        self.busy: str | None = None
        self.ill: str | None = None
        self.asked_versions: list[Any] = []
        self.asked_units: list[str] = []
        self.shows = ""
        self.token = ""

    # what the code under test calls

    def states(self, names: list[str]) -> dict[str, dict[str, Any]]:
        return {name: dict(self.units[name]) for name in names}

    def control(self, verb: str, name: str) -> None:
        self.log.append(f"{verb} {name}")
        if f"{verb} {name}" in self.fails:
            raise self.fails[f"{verb} {name}"]
        key, value = {
            "start": ("active_state", "active"),
            "reload": ("active_state", "active"),
            "restart": ("active_state", "active"),
            "stop": ("active_state", "inactive"),
            "enable": ("unit_file_state", "enabled"),
            "disable": ("unit_file_state", "disabled"),
        }[verb]
        self.units[name][key] = value

    def reload_configuration(self, paths: Any) -> None:
        if any("stunnel" in path for path in paths):
            self.log.append("daemon-reload")

    def unhealthy(self, step: Any, since: float, versions: Any) -> str | None:
        self.asked_versions.append(versions)
        self.asked_units = [unit for verb in ("start", "reload", "restart") for unit in step.get(verb) or []]
        return self.ill

    def atomic_move(self, source: str, target: str, unsafe_writes: bool = False) -> None:
        if os.path.exists(target):
            shutil.copymode(target, source)
        os.rename(source, target)

    # what a playbook does

    def step(self, name: str, *options: dict[str, Any], retire: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
        files = [{"path": str(self.conf), "before": _files.sha256(self.conf.read_bytes()), "options": list(options)}]
        drain = {"file": str(self.tmp_path / "disabled"), "port": 9292, "grace": 0, "timeout": 60}
        health = {"url": "http://127.0.0.1:9292/", "versions": {"present": ["v2"]}, "settle": 0, "timeout": 60}
        return {"name": name, "files": files if options else [], "restart": ["glance-api"], "retire": list(retire),
                "drain": drain, "health": health, **more}  # fmt: skip

    def params(self, **more: Any) -> dict[str, Any]:
        return {"state_dir": self.state_dir, "run_id": RUN, "run_token": self.token, "force": False, "restore": False, "step": None,
                "slice_seconds": 20, "holder": {"host": "control"}, "lease": 900, "seen_token": None, "steps": [],
                "manifest": {"playbook": "upgrade_to_v2", "started": "t", "hosts": ["h"], "catalogue": [],
                             "steps": [{"name": "one", "hosts": ["h"]}]}, **more}  # fmt: skip

    def prepare(self, *steps: dict[str, Any], check_mode: bool = False, **more: Any) -> dict[str, Any]:
        result = _transaction.prepare(self.params(steps=copy.deepcopy(list(steps)), **more), check_mode)
        self.token = result.get("run_token", self.token)
        return result

    def apply(self, name: str, **more: Any) -> dict[str, Any]:
        return self.drive("applying", "done", step=name, **more).apply()

    def undo(self, name: str, **more: Any) -> dict[str, Any]:
        return self.drive("undoing", "undone", step=name, **more).undo()

    def drive(self, begin: str, end: str, **more: Any) -> _transaction.StepRun:
        return _transaction.StepRun(self, self.params(**more), begin, end)

    def close(self, outcome: str | None, keep: int = 10) -> dict[str, Any]:
        return _transaction.close(self.state_dir, RUN, self.token, outcome, keep)

    def open_again(self) -> None:
        """Another control node takes the run up, the lock's holder being dead."""
        self.token = _transaction.open_run(self.params(seen_token=self.token))

    @property
    def run(self) -> _runs.Run:
        return _runs.Run(self.state_dir, RUN)

    @property
    def events(self) -> list[str]:
        return [entry["event"] for entry in self.run.journal()]

    @property
    def drained(self) -> bool:
        return (self.tmp_path / "disabled").exists()


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    host = Host(tmp_path)
    monkeypatch.setattr(_units, "states", host.states)
    monkeypatch.setattr(_units, "control", host.control)
    monkeypatch.setattr(_units, "reload_configuration", host.reload_configuration)
    monkeypatch.setattr(_serving, "unhealthy", host.unhealthy)
    monkeypatch.setattr(_certificates, "shown", lambda where, port: host.shows)
    monkeypatch.setattr(_serving, "still_busy", lambda drain, since: host.busy if drain else None)
    return host


# -- prepare ----------------------------------------------------------------------------------------------------------


def test_check_mode_shows_the_difference_and_leaves_nothing(host: Host) -> None:
    result = host.prepare(host.step("one", V2_ON), check_mode=True)
    assert result["changed"] and "run_token" not in result
    assert "enable_v2_api = true" in result["diff"][0]["after"]
    assert not os.path.exists(host.state_dir) and host.conf.read_bytes() == BEFORE


def test_prepare_locks_and_keeps_the_pre_image(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    assert host.conf.read_bytes() == BEFORE and host.log == []
    assert host.run.kept(_files.sha256(BEFORE)) == BEFORE
    assert host.run.manifest()["local"]["one"]["files"][0]["after"] != _files.sha256(BEFORE)
    assert _runs.summary(host.state_dir)["unfinished"]["run_id"] == RUN


def test_a_file_that_moved_since_the_survey_is_refused(host: Host) -> None:
    step = host.step("one", V2_ON)
    host.conf.write_bytes(BEFORE + b"# mine\r\n")
    with pytest.raises(GlanceError, match="has changed since the survey"):
        host.prepare(step)
    assert not os.path.exists(host.state_dir)


def test_a_locked_host_is_refused(host: Host) -> None:
    _runs.acquire(host.state_dir, "other", {})
    with pytest.raises(_runs.LockedError):
        host.prepare(host.step("one", V2_ON))
    assert not host.run.exists


@pytest.mark.parametrize("full", ["state", "conf"])
def test_a_full_disk_is_refused_before_anything(host: Host, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    directory = {"state": host.state_dir, "conf": str(host.tmp_path)}[full]
    os.mkdir(host.state_dir)
    room = namedtuple("room", ["f_bavail", "f_frsize"])
    monkeypatch.setattr(os, "statvfs", lambda path: room(0 if path == directory else 10**6, 4096))
    with pytest.raises(GlanceError, match=rf"{directory} has 0 bytes free"):
        host.prepare(host.step("one", V2_ON))
    assert os.listdir(host.state_dir) == []


def test_a_record_that_cannot_be_written_gives_the_lock_back(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(run: Any, data: bytes) -> str:
        raise GlanceError("no space")

    monkeypatch.setattr(_runs.Run, "keep", full)
    with pytest.raises(GlanceError, match="no space"):
        host.prepare(host.step("one", V2_ON))
    assert _runs.read_lock(host.state_dir) is None
    assert host.run.status() == "abandoned"


# -- apply ------------------------------------------------------------------------------------------------------------


def test_a_step_drains_changes_restarts_and_undrains(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[bool, bytes]] = []
    monkeypatch.setattr(_units, "control", lambda *words: seen.append((host.drained, host.conf.read_bytes())))
    host.prepare(host.step("one", V2_ON))
    result = host.apply("one")
    after = BEFORE.replace(b"enable_v2_api = false", b"enable_v2_api = true")
    assert seen == [(True, after)] and not host.drained
    assert stat.S_IMODE(host.conf.stat().st_mode) == 0o640
    assert (result["changed"], result["finished"], result["files"]) == (True, True, [str(host.conf)])
    assert result["units"] == ["glance-api"]
    phases = result["phases"]
    assert [phase["phase"] for phase in phases] == ["drain", "change", "health", "undrain"]
    assert all(phase["ok"] and phase["step"] == "one" and phase["direction"] == "do" for phase in phases)
    assert all(each["ended"] == following["started"] for each, following in itertools.pairwise(phases))
    assert host.asked_versions == [{"present": ["v2"]}]
    assert host.run.step_states() == {"one": "done"}


def test_a_step_that_is_done_is_not_done_again(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    host.log.clear()
    assert host.apply("one")["changed"] is False and host.log == []


def test_a_step_without_a_part_for_this_host_does_nothing(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    assert host.apply("two")["changed"] is False


def test_waiting_comes_in_slices(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.busy = "2 connections are open"
    first = host.apply("one", slice_seconds=0)
    assert (first["finished"], first["progress"]) == (False, ["waiting for traffic to stop: 2 connections are open"])
    assert host.drained and host.conf.read_bytes() == BEFORE
    host.busy, host.ill = None, "glance-api is activating"
    second = host.apply("one", slice_seconds=0)
    assert second["finished"] is False and second["files"] == [str(host.conf)] and host.drained
    host.ill = None
    third = host.apply("one", slice_seconds=0)
    assert third["finished"] and third["files"] == [] and host.log == ["restart glance-api"]


def test_traffic_that_does_not_stop_ends_the_step_and_the_way_back_cuts_nothing(host: Host) -> None:
    step = host.step("one", V2_ON)
    step["drain"]["timeout"] = 0
    host.prepare(step)
    host.busy = "1 connection is open"
    with pytest.raises(GlanceError, match="waited 0 s for traffic to stop, but 1 connection"):
        host.apply("one")
    assert host.drained
    host.undo("one")
    assert host.log == [] and not host.drained and host.conf.read_bytes() == BEFORE
    assert host.run.step_states() == {"one": "undone"}


def test_ill_health_ends_the_step(host: Host) -> None:
    step = host.step("one", V2_ON)
    step["health"]["timeout"] = 0
    host.prepare(step)
    host.ill = "no answer"
    with pytest.raises(GlanceError, match="for health, but no answer") as error:
        host.apply("one")
    assert [(each["phase"], each["ok"]) for each in error.value.details["phases"]] == [
        ("drain", True), ("change", True), ("health", False),
    ]  # fmt: skip
    host.ill = None
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE and not host.drained


def test_a_unit_that_does_not_start_is_undone(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.fails["restart glance-api"] = GlanceError("systemctl restart glance-api failed")
    with pytest.raises(GlanceError, match="restart glance-api failed"):
        host.apply("one")
    host.fails.clear()
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE and host.log[-1] == "restart glance-api"
    assert "failed" in host.events


def test_somebody_elses_edit_before_the_step_is_refused(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.conf.write_bytes(BEFORE + b"x = 1\r\n")
    with pytest.raises(GlanceError, match="changed since the run was prepared"):
        host.apply("one")
    assert host.run.step_states() == {}


def test_a_stale_worker_writes_nothing(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    stale = host.token
    host.open_again()
    with pytest.raises(_runs.LockedError, match="stale"):
        host.apply("one", run_token=stale)
    assert host.conf.read_bytes() == BEFORE and not host.drained


@pytest.mark.parametrize("trouble", [None, "1 connection is open"])
def test_a_worker_that_turns_stale_while_it_waits_leaves_the_journal_alone(
    host: Host, monkeypatch: pytest.MonkeyPatch, trouble: str | None
) -> None:
    step = host.step("one", V2_ON)
    step["drain"]["timeout"] = 0
    host.prepare(step)
    stale = host.token

    def taken_over(drain: Any, since: float) -> str | None:
        host.open_again()
        return trouble

    monkeypatch.setattr(_serving, "still_busy", taken_over)
    with pytest.raises(_runs.LockedError, match="stale"):
        host.apply("one", run_token=stale)
    assert host.conf.read_bytes() == BEFORE and host.events == ["prepared", "applying"]


def test_what_a_worker_that_outlived_its_playbook_wrote_since_the_survey_is_no_strangers_work(host: Host) -> None:
    step = host.step("one", V2_ON)
    host.prepare(step)
    host.apply("one")  # the survey of the next run came before this, and its plan is made from the file of then
    host.prepare(step, seen_token=host.token)
    assert host.apply("one")["files"] == []
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE
    host.conf.write_bytes(BEFORE + b"x = 1\r\n")
    with pytest.raises(GlanceError, match="has changed since the survey"):
        host.prepare(step, seen_token=host.token)


# -- killed, and again ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["forward", "back"])
def test_killed_between_write_and_restart(host: Host, way: str) -> None:
    host.prepare(host.step("one", V2_ON))
    host.fails["restart glance-api"] = Killed()
    with pytest.raises(Killed):
        host.apply("one")
    changed = host.conf.read_bytes()
    assert changed != BEFORE and host.drained
    host.fails.clear()
    if way == "forward":
        # The file is as wanted, so what a new survey leaves of the step is the pending restart.
        host.prepare(host.step("one"), seen_token=host.token)
        host.apply("one")
        assert host.conf.read_bytes() == changed and host.log[-1] == "restart glance-api"
        assert not host.drained
        host.close("committed")
        host.open_again()
    else:
        host.open_again()
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE and host.log[-1] == "restart glance-api" and not host.drained


def test_killed_after_the_restart_and_finished_from_the_record(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.ill = "not yet"
    host.apply("one", slice_seconds=0)
    host.ill = None
    # A new survey finds nothing to change, and the host is still drained.
    host.prepare(seen_token=host.token)
    host.apply("one")
    assert not host.drained and host.run.step_states() == {"one": "done"}
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE


def test_killed_while_it_was_undone(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    host.fails["restart glance-api"] = Killed()
    with pytest.raises(Killed):
        host.undo("one")
    assert host.conf.read_bytes() == BEFORE
    host.fails.clear()
    host.open_again()
    host.undo("one")
    assert host.log[-1] == "restart glance-api" and not host.drained
    assert host.run.step_states() == {"one": "undone"}


def test_a_run_taken_up_again_keeps_what_it_began_with(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    more = host.params()["manifest"] | {"hosts": ["h", "late"], "steps": [{"name": "two", "hosts": ["late"]}],
                                        "started": "later", "catalogue": [{"id": "e"}]}  # fmt: skip
    host.prepare(host.step("two", V1_OFF), seen_token=host.token, manifest=more)
    manifest = host.run.manifest()
    assert (manifest["started"], manifest["hosts"]) == ("t", ["h", "late"])
    assert [step["name"] for step in manifest["steps"]] == ["one", "two"]
    assert sorted(manifest["local"]) == ["one", "two"]


# -- undo -------------------------------------------------------------------------------------------------------------


def test_two_steps_on_one_file_undone_in_reverse_give_the_same_bytes(host: Host) -> None:
    one, two = host.step("one", V2_ON), host.step("two", V1_OFF, retire=("glance-registry",))
    host.prepare(one, two)
    host.apply("one")
    between = host.conf.read_bytes()
    host.apply("two")
    assert host.units["glance-registry"]["active_state"] == "inactive"
    assert host.units["glance-registry"]["unit_file_state"] == "disabled"
    host.close("committed")
    host.token = _transaction.open_run(host.params())
    host.log.clear()
    host.undo("two")
    assert host.conf.read_bytes() == between
    assert host.log.index("restart glance-registry") < host.log.index("restart glance-api")
    assert host.units["glance-registry"] == {
        "active_state": "active",
        "sub_state": "running",
        "unit_file_state": "enabled",
    }
    host.undo("one")
    assert host.conf.read_bytes() == BEFORE
    assert stat.S_IMODE(host.conf.stat().st_mode) == 0o640
    host.close("undone")
    assert host.run.status() == "undone" and _runs.read_lock(host.state_dir) is None


def test_a_hotfix_is_refused_before_the_way_back_begins(host: Host) -> None:
    host.prepare(host.step("one", V2_ON), host.step("two", V1_OFF))
    host.apply("one")
    host.apply("two")
    host.close("committed")
    left = host.conf.read_bytes()
    host.conf.write_bytes(left + b"# hotfix\n")
    with pytest.raises(GlanceError, match="changed after run"):
        _transaction.reopen(host.params(force=False))
    assert _runs.read_lock(host.state_dir) is None
    assert _transaction.reopen(host.params(force=True, seen_token=None))
    host.conf.write_bytes(left)
    assert _transaction.reopen(host.params(force=False, seen_token=_runs.token_of(_runs.read_lock(host.state_dir))))


def test_undoing_twice_and_what_was_never_done_changes_nothing(host: Host) -> None:
    host.prepare(host.step("one", V2_ON), host.step("two", V1_OFF))
    host.apply("one")
    host.undo("one")
    host.log.clear()
    assert host.undo("one")["changed"] is False
    assert host.undo("two")["changed"] is False
    assert host.log == []


def test_a_unit_that_did_not_run_before_is_left_as_it_was(host: Host) -> None:
    host.units["glance-registry"].update(active_state="inactive", unit_file_state="disabled")
    host.prepare(host.step("one", V1_OFF, retire=("glance-registry",)))
    host.apply("one")
    host.log.clear()
    host.undo("one")
    assert not [line for line in host.log if "registry" in line]


def test_a_hotfix_is_refused_by_name_unless_forced_and_then_kept(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    hotfix = host.conf.read_bytes() + b"workers = 1\r\n"
    host.conf.write_bytes(hotfix)
    with pytest.raises(GlanceError, match="hotfix") as caught:
        host.undo("one")
    assert caught.value.details["files"] == [str(host.conf)] and host.conf.read_bytes() == hotfix
    host.undo("one", force=True)
    assert host.conf.read_bytes() == BEFORE
    (kept,) = [entry["kept"] for entry in host.run.journal() if entry["event"] == "overwritten"]
    assert host.run.kept(kept) == hotfix


def test_a_file_that_was_removed_since_comes_back_when_forced(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    host.conf.unlink()
    with pytest.raises(GlanceError, match="hotfix"):
        host.undo("one")
    host.undo("one", force=True)
    assert host.conf.read_bytes() == BEFORE and stat.S_IMODE(host.conf.stat().st_mode) == 0o640


def test_on_the_way_back_any_version_is_healthy(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    host.asked_versions.clear()
    host.undo("one")
    assert host.asked_versions == [None]


def test_a_preview_of_the_way_back_changes_nothing(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    after, journal = host.conf.read_bytes(), host.events
    result = host.drive("undoing", "undone", step="one").preview()
    assert result["changed"] and "enable_v2_api = false" in result["diff"][0]["after"]
    assert host.conf.read_bytes() == after and host.events == journal


# -- close ------------------------------------------------------------------------------------------------------------


def test_without_an_outcome_an_untouched_run_is_abandoned_and_another_stays_unfinished(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    assert host.close(None)["outcome"] == "abandoned"
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    assert host.close(None)["outcome"] is None
    assert _runs.read_lock(host.state_dir) is None
    assert _runs.summary(host.state_dir)["unfinished"]["run_id"] == RUN


def test_the_lock_of_a_run_that_is_over_is_given_back_without_another_word(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    host.run.record("committed")  # and killed before the lock was given back; of the steps none was this host's
    assert host.close(None)["outcome"] is None
    assert host.run.status() == "committed" and _runs.read_lock(host.state_dir) is None


def test_no_room_for_the_records_leaves_no_lock(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, data: bytes) -> None:
        raise GlanceError(f"{path} cannot be written: No space left on device.")

    monkeypatch.setattr(
        _runs.Run, "write_manifest", lambda run, manifest: monkeypatch.setattr(_runs, "write_private", full)
    )
    with pytest.raises(GlanceError, match="No space left"):
        host.prepare(host.step("one", V2_ON))
    assert _runs.read_lock(host.state_dir) is None


def test_closing_prunes_old_records(host: Host) -> None:
    for name in ("20250101T000000Z-a", "20250102T000000Z-b"):
        old = _runs.Run(host.state_dir, name)
        old.write_manifest({"steps": []})
        old.record("committed")
    host.prepare(host.step("one", V2_ON))
    host.apply("one")
    assert host.close("committed", keep=2)["pruned"] == ["20250101T000000Z-a"]


def test_a_stale_token_cannot_close(host: Host) -> None:
    host.prepare(host.step("one", V2_ON))
    stale = host.token
    host.open_again()
    with pytest.raises(_runs.LockedError):
        _transaction.close(host.state_dir, RUN, stale, "committed")
    assert host.run.status() == "prepared"


# -- whole texts, new files, files that go ----------------------------------------------------------------------------


class Policy:
    """A policy file that is converted: a new file, an option that names it, and the old file gone."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.json, self.yaml = host.tmp_path / "policy.json", host.tmp_path / "policy.yaml"
        self.json.write_text('{"default": ""}')
        self.json.chmod(0o644)

    def step(self, **more: Any) -> dict[str, Any]:
        part = self.host.step("one", V2_ON, **more)
        like = str(self.host.conf)
        part["files"] += [
            {"path": str(self.yaml), "before": "", "content": '"default": "role:ädmin"\n', "like": like},
            {"path": str(self.json), "before": _files.sha256(self.json.read_bytes()), "content": None},
        ]
        return part


@pytest.fixture
def policy(host: Host) -> Policy:
    return Policy(host)


def test_a_new_file_is_written_and_an_old_one_goes(host: Host, policy: Policy) -> None:
    result = host.prepare(policy.step())
    assert [each["after_header"] for each in result["diff"]] == [str(host.conf), str(policy.json), str(policy.yaml)]
    assert not policy.yaml.exists() and policy.json.exists()
    assert host.apply("one")["files"] == [str(host.conf), str(policy.yaml), str(policy.json)]
    assert policy.yaml.read_text() == '"default": "role:ädmin"\n' and not policy.json.exists()
    assert stat.S_IMODE(policy.yaml.stat().st_mode) == 0o640


def test_the_way_back_removes_the_new_file_and_brings_the_old_one_again(host: Host, policy: Policy) -> None:
    host.prepare(policy.step())
    host.apply("one")
    host.undo("one")
    assert not policy.yaml.exists() and policy.json.read_text() == '{"default": ""}'
    assert stat.S_IMODE(policy.json.stat().st_mode) == 0o644 and host.conf.read_bytes() == BEFORE


def test_a_file_that_somebody_made_since_the_survey_is_not_overwritten(host: Host, policy: Policy) -> None:
    part = policy.step()
    policy.yaml.write_text("mine")
    with pytest.raises(GlanceError, match="changed since the survey .*surveyed as no file"):
        host.prepare(part)
    policy.yaml.unlink()
    host.prepare(part)
    policy.yaml.write_text("mine")
    with pytest.raises(GlanceError, match="has changed since"):
        host.apply("one")
    assert policy.yaml.read_text() == "mine"


def test_a_file_that_is_there_again_is_refused_on_the_way_back(host: Host, policy: Policy) -> None:
    host.prepare(policy.step())
    host.apply("one")
    policy.json.write_text("{}")
    with pytest.raises(GlanceError, match="hotfix"):
        host.undo("one")
    host.undo("one", force=True)
    assert policy.json.read_text() == '{"default": ""}'


def test_an_option_of_a_file_that_is_gone_cannot_be_set(host: Host) -> None:
    part = {**host.step("one"), "files": [{"path": str(host.tmp_path / "no"), "before": "", "options": [V2_ON]}]}
    with pytest.raises(GlanceError, match="does not exist, so no option"):
        host.prepare(part)


def test_what_needs_a_restart_only_on_the_way_back_is_not_drained_on_the_way_there(host: Host, policy: Policy) -> None:
    host.prepare(policy.step(restart=[], restart_back=["glance-api"]))
    host.busy = "a connection is open"
    host.apply("one", slice_seconds=0)
    assert host.log == [] and "done" in host.events
    host.busy = None
    host.undo("one")
    assert host.log[-1] == "restart glance-api" and not host.drained


# -- a TLS service beside the API -------------------------------------------------------------------------------------


def tls(host: Host, **verbs: list[str]) -> dict[str, Any]:
    conf = host.tmp_path / "stunnel.service.d" / "x.conf"
    before = _files.digest(conf.read_bytes() if conf.exists() else None)
    health = {
        "url": None,
        "settle": 0,
        "timeout": 0.3,
        "certificate": {"host": "::1", "port": 9293, "fingerprint": "ab"},
    }
    files = [{"path": str(conf), "before": before, "content": "accept = 9293\n", "mode": "0644"}]
    return host.step("one", files=files, restart=[], drain=None, health=health, **verbs)


def test_a_service_is_enabled_started_and_has_to_show_its_certificate_and_goes_again(host: Host) -> None:
    host.units["stunnel"] = {"active_state": "inactive", "sub_state": "dead", "unit_file_state": "disabled"}
    before = copy.deepcopy(host.units)
    host.prepare(tls(host, start=["stunnel"]))
    with pytest.raises(
        GlanceError, match="waited 0 s for health, but port 9293 shows no certificate and not the one with"
    ):
        host.apply("one")
    host.shows = "ab"
    host.open_again()
    assert host.apply("one")["changed"] and host.asked_units == ["stunnel"]
    assert host.log[:3] == ["daemon-reload", "enable stunnel", "start stunnel"]
    assert host.units["stunnel"] == {"active_state": "active", "sub_state": "dead", "unit_file_state": "enabled"}
    assert stat.S_IMODE((host.tmp_path / "stunnel.service.d" / "x.conf").stat().st_mode) == 0o644
    host.shows, host.log = "", []
    assert host.undo("one")["changed"] and host.asked_units == []
    assert host.log == ["daemon-reload", "disable stunnel", "stop stunnel"]
    assert host.units == before and not (host.tmp_path / "stunnel.service.d").exists()


def test_a_running_service_is_reloaded_both_ways(host: Host) -> None:
    host.units["stunnel"] = {"active_state": "active", "sub_state": "running", "unit_file_state": "enabled"}
    conf = host.tmp_path / "stunnel.service.d" / "x.conf"
    conf.parent.mkdir()
    conf.write_text("accept = 9999\n")
    host.shows = "ab"
    host.prepare(tls(host, reload=["stunnel"]))
    host.apply("one")
    host.undo("one")
    assert host.log == ["daemon-reload", "reload stunnel", "daemon-reload", "enable stunnel", "reload stunnel"]
    assert conf.read_text() == "accept = 9999\n"


def test_what_ran_before_it_was_enabled_is_not_cut_on_the_way_back(host: Host) -> None:
    host.units["stunnel"] = {"active_state": "active", "sub_state": "running", "unit_file_state": "disabled"}
    host.shows = "ab"
    host.prepare({**tls(host, start=["stunnel"]), "files": []})
    host.apply("one")
    host.undo("one")
    assert host.log == ["enable stunnel", "start stunnel", "disable stunnel", "start stunnel"]


def test_a_host_has_to_trust_what_it_is_told_of_and_is_asked_elsewhere_on_the_way_back(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str | None] = ["it trusts nobody"]
    asked: list[str] = []
    monkeypatch.setattr(_serving, "not_trusted", lambda places: said[0] if places else None)
    monkeypatch.setattr(_serving, "unhealthy", lambda step, since, versions: asked.append(step["health"]["url"]))
    health = {
        "url": "new",
        "url_back": "old",
        "settle": 0,
        "timeout": 0.3,
        "trust": [{"host": "x", "port": 1, "ca": None}],
    }
    host.prepare(host.step("one", health=health))
    with pytest.raises(GlanceError, match="waited 0 s for health, but it trusts nobody"):
        host.apply("one")
    said[0], asked[:] = None, []
    host.open_again()
    host.apply("one")
    assert set(asked) == {"new"}
    said[0], asked[:] = "it trusts nobody", []
    host.undo("one")
    assert set(asked) == {"old"}


# -- links and databases ----------------------------------------------------------------------------------------------


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    root = tmp_path / "releases"
    for name in ("32.0.0", "33.0.0"):
        (root / name).mkdir(parents=True)
    (root / "current").symlink_to("32.0.0")
    return root


def switch(host: Host, releases: Path, **more: Any) -> dict[str, Any]:
    link = {"path": str(releases / "current"), "before": "32.0.0", "after": "33.0.0"}
    return host.step("one", V2_ON, links=[link], **more)


def test_a_link_goes_with_the_files_and_comes_back_with_them(host: Host, releases: Path) -> None:
    result = host.prepare(switch(host, releases))
    assert {each["after_header"] for each in result["diff"]} == {str(host.conf), str(releases / "current")}
    assert host.apply("one")["files"] == [str(host.conf), str(releases / "current")]
    assert os.readlink(releases / "current") == "33.0.0"
    preview = host.drive("undoing", "undone", step="one").preview()
    assert preview["diff"][-1]["after"] == "-> 32.0.0\n"
    host.undo("one")
    assert os.readlink(releases / "current") == "32.0.0" and host.conf.read_bytes() == BEFORE
    assert host.log == ["restart glance-api", "enable glance-api", "restart glance-api"]


def test_a_link_that_somebody_changed_since_is_refused_by_name(host: Host, releases: Path) -> None:
    host.prepare(switch(host, releases))
    host.apply("one")
    (releases / "current").unlink()
    (releases / "current").symlink_to("34.0.0")
    with pytest.raises(GlanceError, match="current changed after run"):
        _transaction.reopen(host.params(seen_token=host.token))
    with pytest.raises(GlanceError, match="current changed after run"):
        host.undo("one")


def test_a_killed_change_of_a_link_is_finished_or_undone(host: Host, releases: Path) -> None:
    host.fails["restart glance-api"] = Killed()
    host.prepare(switch(host, releases))
    with pytest.raises(Killed):
        host.apply("one")
    host.fails.clear()
    host.open_again()
    host.undo("one")
    assert os.readlink(releases / "current") == "32.0.0"


def test_the_release_has_to_run(host: Host, releases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(_units, "not_from", lambda path, units: asked.append((path, units)))
    step = switch(host, releases)
    step["health"].update(environment="/opt/glance/33.0.0", linked=["glance-api", "glance-scrubber"])
    host.prepare(step)
    host.apply("one")
    host.undo("one")
    assert asked == [("/opt/glance/33.0.0", ["glance-api"]), (None, [])]


# -- units that an earlier step has stopped ---------------------------------------------------------------------------

TIMER = "glance-scrubber.timer"


def offline(host: Host, *retire: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two steps of an offline hop that concern units."""
    start = {**host.step("two"), "restart": [], "start": ["glance-api"], "resume": ["one", "two"]}
    start["health"] = {**start["health"], "environment": None, "url_back": None}
    return {**host.step("one", retire=retire), "restart": []}, start


def test_all_that_was_stopped_runs_again(host: Host) -> None:
    host.units[TIMER] = {"active_state": "active", "sub_state": "waiting", "unit_file_state": "enabled"}
    host.units["glance-registry"]["unit_file_state"] = "disabled"
    before = copy.deepcopy(host.units)
    stop, start = offline(host, TIMER, "glance-api", "glance-registry")
    host.prepare(stop, start)
    host.apply("one")
    assert {unit["active_state"] for unit in host.units.values()} == {"inactive"}
    host.log.clear()
    host.busy = "1 connection is open"
    host.apply("two")  # which has nothing to drain, as nothing runs
    host.busy = None
    assert host.units == before
    assert host.log[2:] == ["start glance-registry", f"start {TIMER}", "start glance-api"]
    assert sorted(host.asked_units) == ["glance-api", "glance-registry", TIMER]
    # The way back drains and stops what this step started, and the other step's way back starts it.
    host.busy = "1 connection is open"
    assert not host.undo("two", slice_seconds=0)["finished"] and host.drained
    host.busy = None
    host.undo("two")
    assert {unit["active_state"] for unit in host.units.values()} == {"inactive"}
    host.undo("one")
    assert host.units == before


@pytest.mark.parametrize("at", ["stop glance-registry", "start glance-registry", f"start {TIMER}", "start glance-api"])
def test_all_that_was_stopped_runs_again_whenever_the_run_was_killed(host: Host, at: str) -> None:
    """The run that goes on sees stopped units, and has nothing of them in its plan."""
    host.units[TIMER] = {"active_state": "active", "sub_state": "waiting", "unit_file_state": "enabled"}
    before = copy.deepcopy(host.units)
    stop, start = offline(host, TIMER, "glance-api", "glance-registry")
    host.prepare(stop, start)
    host.fails[at] = Killed()
    with pytest.raises(Killed):
        host.apply("one")
        host.apply("two")
    host.fails.clear()
    running = [
        unit for unit in (TIMER, "glance-api", "glance-registry") if host.units[unit]["active_state"] == "active"
    ]
    host.prepare(*offline(host, *running), seen_token=host.token)
    host.apply("one")
    host.apply("two")
    assert host.units == before
    host.undo("two")
    host.undo("one")
    assert host.units == before


def test_a_unit_that_a_killed_restart_left_dead_is_started(host: Host, releases: Path) -> None:
    host.prepare(switch(host, releases, resume=["one"]))
    host.fails["restart glance-api"] = Killed()
    with pytest.raises(Killed):
        host.apply("one")
    host.fails.clear()
    host.units["glance-api"]["active_state"] = "failed"
    again = {**host.step("one"), "restart": [], "resume": ["one"]}
    host.prepare(again, seen_token=host.token)
    host.apply("one")
    assert host.units["glance-api"]["active_state"] == "active" and host.log[-1] == "start glance-api"
    host.undo("one")
    assert host.log[-1] == "restart glance-api" and host.conf.read_bytes() == BEFORE


# -- directories ------------------------------------------------------------------------------------------------------


def test_directories_are_made_where_they_are_missing_and_go_again_while_they_are_empty(host: Host) -> None:
    owner = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}
    there, kept, gone = (host.tmp_path / name for name in ("there", "kept", "new/gone"))
    there.mkdir(mode=0o700)
    directories = [{"path": str(path), "mode": "0750", **owner} for path in (there, kept, gone)]
    result = host.prepare(host.step("one", directories=directories))
    assert [each["after_header"] for each in result["diff"]] == [str(kept), str(gone)]
    assert result["diff"][0]["after"] == f"directory 0750 {owner['owner']}:{owner['group']}\n" and not kept.exists()
    assert host.apply("one")["files"] == [str(kept), str(gone)]
    assert stat.S_IMODE(gone.stat().st_mode) == 0o750 and stat.S_IMODE(there.stat().st_mode) == 0o700
    (kept / "image").touch()
    assert sorted(host.undo("one")["files"]) == [str(gone.parent), str(gone)]
    assert (kept / "image").exists() and there.exists() and not gone.parent.exists()


class Work:
    """A command of glance-manage that takes two looks."""

    def __init__(self, directory: str, asked: dict[str, Any]) -> None:
        self.directory, self.asked = directory, asked

    looks = 0
    fails = False
    place: ClassVar[dict[str, Any]] = {}

    def look(self) -> dict[str, Any]:
        return {"heads": ["before"], "counts": {}}

    def go_on(self) -> str | None:
        Work.looks += 1
        if self.fails:
            raise GlanceError("glance-manage db expand failed (1): no.")
        return None if Work.looks % 3 == 0 else "glance-manage db expand runs"

    def result(self, before: dict[str, Any]) -> dict[str, Any]:
        return {"before": before["heads"], "after": ["after"]}


def test_a_database_is_brought_on_in_slices_and_stays(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transaction._database, "Work", Work)
    Work.looks, Work.fails = 0, False
    step = {**host.step("one"), "restart": [], "drain": None, "database": {"verb": "expand"}}
    host.prepare(step)
    first = host.apply("one", slice_seconds=0)
    assert not first["finished"] and first["progress"] == ["glance-manage db expand runs"]
    while not host.apply("one", slice_seconds=0)["finished"]:
        pass
    assert Work.looks == 3
    told = [entry for entry in host.run.journal() if entry["event"].startswith("database")]
    assert [entry.get("heads") or entry["after"] for entry in told] == [["before"], ["after"]]
    # There is nothing to put back, and the record says that the step is undone.
    host.undo("one")
    assert Work.looks == 3 and host.run.step_states() == {"one": "undone"} and host.log == []


class Dump:
    """A dump that is taken in two looks and put back in two."""

    log: ClassVar[list[str]] = []

    def __init__(self, run: _runs.Run, place: Any) -> None:
        self.file = run.path("database", "dump.sql.gz")

    def take(self, attempt: str) -> str | None:
        return self._look("take")

    def put_back(self, attempt: str) -> str | None:
        return self._look("put back")

    def _look(self, what: str) -> str | None:
        self.log.append(what)
        return None if self.log.count(what) % 2 == 0 else f"{what} runs"


@pytest.fixture
def dumps(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(_transaction._database, "Work", Work)
    monkeypatch.setattr(_transaction._database_dump, "Dump", Dump)
    monkeypatch.setattr(_transaction._database_dump, "facts", lambda run: {"images": ["i"], "sha256": "ab"})
    Work.looks, Work.fails = 0, False
    Dump.log = []
    host.prepare(
        {**host.step("one"), "restart": [], "drain": None, "database": {"verb": "sync", "dump": True, "bytes": 9}}
    )
    return Dump.log


@pytest.mark.parametrize("restore", [False, True])
def test_the_way_back_waits_for_a_command_that_a_killed_run_has_begun(
    host: Host, dumps: list[str], restore: bool
) -> None:
    host.apply("one", slice_seconds=0)  # and killed
    command = Path(host.run.path("database", "one-1", "sync"))
    command.mkdir(parents=True)
    with (command / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        host.open_again()
        waits = host.undo("one", restore=restore, slice_seconds=0)
        assert not waits["finished"] and host.run.step_states() == {"one": "undoing"} and "put back" not in dumps
        assert "glance-manage db sync, which an earlier attempt began, still runs" in waits["progress"][0]
    host.undo("one", restore=restore)
    assert host.run.step_states() == {"one": "undone"} and ("put back" in dumps) == restore


def test_a_dump_is_taken_before_the_database_is_changed_and_put_back_where_that_is_asked_for(
    host: Host, dumps: list[str]
) -> None:
    assert host.apply("one", slice_seconds=0)["progress"] == ["take runs"] and Work.looks == 0
    host.apply("one")
    assert dumps == ["take", "take"] and Work.looks == 3
    found = _runs.summary(host.state_dir)["runs"][0]["dump"]
    assert found["images"] == 1 and found["file"].endswith("database/dump.sql.gz")
    assert host.undo("one", restore=True, slice_seconds=0)["progress"] == ["put back runs"]
    host.undo("one", restore=True)
    assert dumps[2:] == ["put back", "put back"] and host.run.step_states() == {"one": "undone"}


def test_a_dump_stays_where_nobody_asks_for_it_and_is_taken_anew_once_glance_may_have_run(
    host: Host, dumps: list[str]
) -> None:
    host.apply("one")
    host.undo("one")
    assert dumps == ["take", "take"]
    host.open_again()
    host.apply("one")
    assert dumps == ["take"] * 4


def test_a_dump_is_not_taken_twice_by_a_run_that_was_cut_off(host: Host, dumps: list[str]) -> None:
    Work.fails = True
    with pytest.raises(GlanceError, match="db expand failed"):
        host.apply("one")
    Work.fails = False
    host.open_again()
    host.apply("one")
    assert dumps == ["take", "take"]


@pytest.mark.parametrize("way", ["forth", "back"])
def test_a_dump_that_was_put_back_half_way_is_put_back_whatever_follows(host: Host, dumps: list[str], way: str) -> None:
    host.apply("one")
    host.undo("one", restore=True, slice_seconds=0)  # and killed
    assert host.run.step_states() == {"one": "undoing"}
    host.open_again()
    dumps[:] = []
    Work.looks = 0
    if way == "forth":
        host.apply("one")
        assert Work.looks == 3
    else:
        host.undo("one")
    assert dumps == ["put back", "put back"]
    assert [event for event in host.events if event.startswith("restor")] == ["restoring", "restored"]


def test_a_dump_needs_room(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    room = namedtuple("room", ["f_bavail", "f_frsize"])
    monkeypatch.setattr(os, "statvfs", lambda path: room(1024, 4096))
    step = {**host.step("one"), "database": {"verb": "sync", "dump": True, "bytes": 10**9}}
    with pytest.raises(GlanceError, match="the run needs 1001048"):
        host.prepare(step, check_mode=True)
    host.prepare({**step, "database": {"verb": "sync", "dump": False, "bytes": 10**9}}, check_mode=True)


def test_a_database_that_fails_fails_the_step(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transaction._database, "Work", Work)
    Work.looks, Work.fails = 0, True
    host.prepare({**host.step("one"), "database": {"verb": "expand"}})
    with pytest.raises(GlanceError, match="db expand failed"):
        host.apply("one")
    assert "failed" in host.events and host.log == []


def test_a_stopped_service_is_asked_on_the_way_back_alone(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(_serving, "unhealthy", lambda step, since, versions: asked.append(step["health"]["url"]))
    step = {**host.step("one", retire=("glance-api",)), "restart": []}
    step["health"].update(url=None, url_back="http://127.0.0.1:9292/")
    host.prepare(step)
    host.apply("one")
    host.undo("one")
    assert asked == [None, "http://127.0.0.1:9292/"]
    assert host.log == ["disable glance-api", "stop glance-api", "enable glance-api", "restart glance-api"]
