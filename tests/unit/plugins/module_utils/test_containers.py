# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers in the place of units. The engine here is a program that answers as Docker does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.stackops.glance.plugins.module_utils import _containers, _units
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError

ENGINE = """#!{python}
import json, os, sys
place = {place!r}
containers = json.load(open(place))
with open(place + ".asked", "a") as asked:
    asked.write(" ".join(sys.argv[1:]) + "\\n")
if containers is None:
    sys.exit("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
verb, names = sys.argv[1], [word for word in sys.argv[2:] if not word.startswith("-") and word != "container"]
missing = [name for name in names if name not in containers]
if verb == "inspect":
    print(json.dumps([containers[name] for name in names if name in containers]))
elif not missing and verb in ("start", "restart", "stop"):
    containers[names[0]]["State"]["Status"] = "exited" if verb == "stop" else "running"
elif not missing and verb == "update":
    containers[names[0]]["HostConfig"]["RestartPolicy"]["Name"] = sys.argv[2].partition("=")[2]
json.dump(containers, open(place, "w"))
sys.exit("Error: No such object: " + missing[0] if missing else 0)
"""


def container(name: str, status: str = "running", pid: int = 0, code: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "Id": f"id-of-{name}",
        "Name": f"/{name}",
        "State": {"Status": status, "Pid": pid, "ExitCode": code},
        "Config": {"Env": ["KOLLA_CONFIG_STRATEGY=COPY_ALWAYS", "A=b=c"]},
        "HostConfig": {"RestartPolicy": {"Name": "unless-stopped"}},
        **more,
    }


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that says which containers there are; None is an engine that does not run."""
    place = tmp_path / "containers.json"
    program = tmp_path / "docker"
    program.write_text(ENGINE.format(python=sys.executable, place=str(place)))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    def has(*containers: dict[str, Any] | None) -> Path:
        there = None if containers == (None,) else {each["Name"].lstrip("/"): each for each in containers if each}
        place.write_text(json.dumps(there))
        return Path(f"{place}.asked")

    return has


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("docker:glance_api", ("docker", "glance_api")),
        ("podman:glance_api", ("podman", "glance_api")),
        ("glance-api", None),
        ("docker", None),
        ("docker:", None),
        ("other:glance_api", None),
    ],
)
def test_which_names_are_those_of_containers(name: str, found: Any) -> None:
    assert _containers.named(name) == found


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        (["/usr/bin/docker", "start", "-a", "glance_api"], ("docker", "glance_api")),
        (["/usr/bin/podman", "start", "glance_api", "-a"], ("podman", "glance_api")),
        (["/usr/bin/docker", "run", "-a", "glance_api"], None),
        (["/usr/bin/docker", "start", "-a", "one", "two"], None),
        (["/usr/bin/glance-api"], None),
        ([], None),
    ],
)
def test_which_units_start_a_container(argv: list[str], found: Any) -> None:
    assert _containers.started_by(argv) == found


@pytest.mark.parametrize(
    ("status", "code", "state"),
    [
        ("running", 0, "active"),
        ("restarting", 1, "activating"),
        ("exited", 0, "inactive"),
        ("exited", 137, "failed"),
        ("paused", 0, "inactive"),
        ("created", 0, "inactive"),
    ],
)
def test_what_systemd_would_call_it(engine: Any, status: str, code: int, state: str) -> None:
    engine(container("glance_api", status, code=code))
    found = _containers.look([("docker", "glance_api")])["docker", "glance_api"]
    assert (found["active_state"], found["sub_state"]) == (state, status)
    assert found["unit_environment"] == {"KOLLA_CONFIG_STRATEGY": "COPY_ALWAYS", "A": "b=c"}


def test_all_in_one_call_and_what_is_not_there_left_out(engine: Any) -> None:
    asked = engine(container("glance_api"), container("nova_api"))
    found = _containers.look([("docker", "nova_api"), ("docker", "gone"), ("docker", "glance_api"), ("podman", "x")])
    assert sorted(found) == [("docker", "glance_api"), ("docker", "nova_api")]
    assert asked.read_text() == "inspect --type container -- glance_api gone nova_api\n"


def test_an_engine_that_does_not_run_hides_nothing(engine: Any) -> None:
    engine(None)
    with pytest.raises(GlanceError, match="docker cannot tell the state of glance_api .*Cannot connect"):
        _containers.look([("docker", "glance_api")])


def test_since_when_and_with_which_processes(engine: Any) -> None:
    with subprocess.Popen(["/bin/sh", "-c", "/bin/sleep 60 & wait"]) as first:
        try:
            engine(container("glance_api", pid=first.pid))
            deadline = time.monotonic() + 10
            while len(pids := _containers.processes([("docker", "glance_api")])) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert pids[0] == first.pid
            assert Path(f"/proc/{pids[1]}/cmdline").read_bytes() == b"/bin/sleep\x0060\x00"
            assert _units.processes(["docker:glance_api"]) == pids
            started = _containers.look([("docker", "glance_api")])["docker", "glance_api"]["started"]
            assert abs(started - time.time()) < 30
        finally:
            for pid in reversed(pids):
                subprocess.run(["/bin/kill", str(pid)], check=True)


def test_a_container_that_does_not_run_has_no_processes(engine: Any) -> None:
    engine(container("glance_api", "exited"))
    assert _containers.processes([("docker", "glance_api"), ("docker", "gone")]) == []


# -- as units -----------------------------------------------------------------------------------------------------


def test_a_container_is_shown_as_a_unit(engine: Any) -> None:
    engine(container("glance_api"))
    api, gone = _units.show(["docker:glance_api", "docker:gone"])
    assert (api["name"], api["load_state"], api["active_state"], api["unit_file_state"], api["container"]) == (
        "docker:glance_api", "loaded", "active", "static", "id-of-glance_api",
    )  # fmt: skip
    assert (gone["load_state"], gone["active_state"]) == ("not-found", "inactive")


def test_a_unit_that_starts_the_container_takes_its_place(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(container("glance_api", pid=1), container("glance_registry", pid=1))
    unit = """Id=kolla-glance_api-container.service
LoadState=loaded
ActiveState=active
MainPID=77
ExecStart={ path=/usr/bin/docker ; argv[]=/usr/bin/docker start -a glance_api ; ignore_errors=no ; start_time=[n/a] }
"""
    monkeypatch.setattr(_units, "_systemctl", lambda arguments: (0, unit, ""))
    names = ["docker:glance_registry", "kolla-glance_api-container", "docker:glance_api"]
    registry, api = _units.show(names)
    assert [registry["name"], api["name"]] == names[:2]
    assert (api["container"], api["main_pid"], api["active_state"]) == ("id-of-glance_api", 1, "active")
    assert api["unit_environment"]["KOLLA_CONFIG_STRATEGY"] == "COPY_ALWAYS"


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("restart", "restart glance_api"),
        ("stop", "stop glance_api"),
        ("start", "start glance_api"),
        ("enable", "update --restart=always glance_api"),
    ],
)
def test_the_engine_is_asked_and_the_result_looked_at(engine: Any, verb: str, asked: str) -> None:
    log = engine(container("glance_api"))
    _units.control(verb, "docker:glance_api")
    assert log.read_text().splitlines() == [asked, "inspect --type container -- glance_api"]


def test_one_that_always_starts_again_is_kept_from_it(engine: Any) -> None:
    engine(container("glance_registry", HostConfig={"RestartPolicy": {"Name": "always"}}))
    before = _units.states(["docker:glance_registry"])["docker:glance_registry"]
    assert before["unit_file_state"] == "enabled"
    for verb in ("disable", "stop"):
        _units.control(verb, "docker:glance_registry")
    stopped = _units.states(["docker:glance_registry"])["docker:glance_registry"]
    assert (stopped["active_state"], stopped["unit_file_state"]) == ("inactive", "static")
    for verb in ("enable", "restart"):
        _units.control(verb, "docker:glance_registry")
    assert _units.states(["docker:glance_registry"])["docker:glance_registry"]["unit_file_state"] == "enabled"


def test_one_that_stays_stopped_is_left_as_it_is(engine: Any) -> None:
    """Podman can change that only since its release 5."""
    log = engine(container("glance_registry"))
    _units.control("disable", "docker:glance_registry")
    assert log.read_text().splitlines() == ["inspect --type container -- glance_registry"]


def test_what_the_engine_refuses_says_what_it_said(engine: Any) -> None:
    engine()
    with pytest.raises(
        GlanceError, match=r"docker restart glance_api failed \(1\): Error: No such object.*docker logs"
    ):
        _units.control("restart", "docker:glance_api")
