# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments side by side on a host: shipped, linked, refused, pruned. The scenario builds one."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.module_utils import _environment, _runs
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import glance_environment

Run = Callable[..., dict[str, Any]]
LOCK = "glance==33.0.0"
HASH = hashlib.sha256(LOCK.encode()).hexdigest()


@pytest.fixture(name="run")
def fixture_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(_environment, "_running", list)

    def call(check: bool = False, **arguments: Any) -> dict[str, Any]:
        asked = {
            "release": "33.0.0", "root": str(tmp_path / "opt"), "python": sys.executable, "locks": {"any": HASH},
            "state_dir": str(tmp_path / "state"), **arguments,
        }  # fmt: skip
        with (
            patch_module_args({**asked, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            glance_environment.main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


def environment(root: Path, name: str, lock: str = HASH, age: int = 0) -> Path:
    """An environment as it was built, with a program and a link in it."""
    path = root / name
    (path / "bin").mkdir(parents=True)
    (path / "bin" / "glance-api").write_text(f"#!{path}/bin/python\n")
    (path / "bin" / "python").symlink_to("/usr/bin/python3")
    platform = _environment.ask(sys.executable)["platform"]
    facts = {"release": name, "platform": platform, "lock": lock, "identity": _environment.identity(str(path))}
    (path / "environment.json").write_text(json.dumps(facts))
    os.utime(path / "environment.json", (1e9 - age, 1e9 - age))
    return path


def packed(run: Run, tmp_path: Path) -> tuple[str, str]:
    environment(tmp_path / "builder", "33.0.0")
    file = str(tmp_path / "archive.tar.gz")
    return file, run(root=str(tmp_path / "builder"), step="pack", file=file)["sha256"]


def test_one_that_is_shipped(run: Run, tmp_path: Path) -> None:
    file, sha256 = packed(run, tmp_path)
    assert run()["missing"]
    check = run(check=True, build=False, current=True)
    assert check["changed"] and check["made"] == "unpacked" and not (tmp_path / "opt").exists()
    done = run(step="unpack", file=file, sha256=sha256, content=LOCK, current=True)
    assert (done["made"], done["linked"], done["diff"]) == ("unpacked", True, check["diff"])
    assert os.readlink(tmp_path / "opt" / "current") == "33.0.0"
    assert sorted(os.listdir(tmp_path / "opt")) == ["33.0.0", "current"]
    for settings in ({}, {"check": True}, {"verify": True}, {"current": True}):
        assert not run(**settings)["changed"]


def test_an_archive_that_is_not_what_was_packed(run: Run, tmp_path: Path) -> None:
    file, sha256 = packed(run, tmp_path)
    with open(file, "ab") as stream:
        stream.write(b"x")
    assert "another hash" in run(step="unpack", file=file, sha256=sha256, content=LOCK)["msg"]
    assert not (tmp_path / "opt").exists()


def test_an_environment_in_an_archive_that_is_not_what_was_built(run: Run, tmp_path: Path) -> None:
    path = environment(tmp_path / "builder", "33.0.0")
    (path / "bin" / "glance-api").write_text("somebody else's\n")
    file = str(tmp_path / "archive.tar.gz")
    sha256 = run(root=str(tmp_path / "builder"), step="pack", file=file)["sha256"]
    assert "is not what was built" in run(step="unpack", file=file, sha256=sha256, content=LOCK)["msg"]
    assert os.listdir(tmp_path / "opt") == []


def test_an_environment_that_was_changed_since(run: Run, tmp_path: Path) -> None:
    path = environment(tmp_path / "opt", "33.0.0")
    (path / "__pycache__").mkdir()
    (path / "__pycache__" / "x.pyc").write_bytes(b"by Python itself")
    assert not run(verify=True)["changed"]
    (path / "bin" / "glance-api").chmod(0o755)
    assert "files in it were changed" in run(verify=True)["msg"]


def test_another_lock_file(run: Run, tmp_path: Path) -> None:
    environment(tmp_path / "opt", "33.0.0", lock="0" * 64)
    assert "by another lock file, and an environment never changes" in run()["msg"]
    assert run(name="33.0.0-2")["missing"]


def test_what_is_no_environment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "opt" / "33.0.0").mkdir(parents=True)
    assert "was not made by this module" in run()["msg"]


def test_no_lock_file_for_this_python(run: Run) -> None:
    assert "no lock file for Glance 33.0.0 on Python" in run(locks={"cp27": HASH})["msg"]


def test_no_python(run: Run, tmp_path: Path) -> None:
    assert "cannot be run" in run(python=str(tmp_path / "python3"))["msg"]


def test_another_release_is_led_to(run: Run, tmp_path: Path) -> None:
    environment(tmp_path / "opt", "33.0.0")
    environment(tmp_path / "opt", "32.0.0")
    os.symlink("32.0.0", tmp_path / "opt" / "current")
    assert not run()["changed"]
    assert "flip_release.yml" in run(current=True)["msg"]
    assert os.readlink(tmp_path / "opt" / "current") == "32.0.0"


def test_what_nobody_needs_goes(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "opt"
    for age, name in enumerate(("33.0.0", "32.0.0", "31.0.0", "30.0.0", "29.0.0", "28.0.0")):
        environment(root, name, age=age)
    os.symlink("30.0.0", root / "current")
    run_ = _runs.Run(str(tmp_path / "state"), "20261126T100000Z-1")
    os.makedirs(run_.directory)
    Path(run_.directory, "manifest.json").write_text(json.dumps({"link": f"{root}/29.0.0"}))
    Path(run_.directory, "journal.jsonl").write_text("")
    monkeypatch.setattr(_environment, "_running", lambda: [f"{root}/32.0.0/bin/python3 {root}/32.0.0/bin/glance-api"])
    assert run(keep=1, check=True)["pruned"] == ["31.0.0", "28.0.0"]
    done = run(keep=1)
    assert done["changed"] and done["pruned"] == ["31.0.0", "28.0.0"]
    assert sorted(os.listdir(root)) == ["29.0.0", "30.0.0", "32.0.0", "33.0.0", "current"]
    assert not run(keep=1)["changed"] and not run(keep=0)["changed"]


def test_programs_name_the_place_that_they_will_have(tmp_path: Path) -> None:
    new = tmp_path / ".new-33.0.0"
    (new / "bin").mkdir(parents=True)
    (new / "bin" / "x").write_text(f"#!{new}/bin/python3\n")
    (new / "pyvenv.cfg").write_text(f"command = python3 -m venv {new}\n")
    _environment._relocate(str(new), "/opt/glance/33.0.0")
    assert (new / "bin" / "x").read_text() == "#!/opt/glance/33.0.0/bin/python3\n"
    assert (new / "pyvenv.cfg").read_text() == "command = python3 -m venv /opt/glance/33.0.0\n"


def test_a_short_value_for_pip_masks_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, str]] = []

    def done(argv: list[str], variables: dict[str, str], what: str, secrets: Any = ()) -> None:
        seen.append(variables)
        (tmp_path / "opt" / ".new-33.0.0" / "bin").mkdir(exist_ok=True)

    monkeypatch.setattr(_environment, "_run", done)
    python = {"abi": "cp311", "platform": "cp311-x86_64", "version": "3.11", "builds": True}
    monkeypatch.setattr(_environment, "ask", lambda path: python)
    found = run(step="build", content=LOCK, pip={}, pip_json=json.dumps({"PIP_RETRIES": 1, "PIP_NO_INDEX": "0"}))
    assert (found["made"], found["python"]["abi"], found["environment"]["lock"]) == ("built", "cp311", HASH)
    assert seen[-1]["PIP_RETRIES"] == "1" and seen[-1]["PIP_NO_INDEX"] == "0"


def test_what_pip_says_is_told_without_what_it_was_given() -> None:
    script = "echo from https://ops:s3cret@index.example/simple by t0ken-of-ops 1; exit 2"
    with pytest.raises(GlanceError, match=r"failed \(2\)") as caught:
        _environment._run(["sh", "-c", script], dict(os.environ), "Installing", ["t0ken-of-ops"])
    assert "s3cret" not in caught.value.message and "t0ken" not in caught.value.message
    assert "index.example/simple" in caught.value.message
