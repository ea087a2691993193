# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several files are replaced together or not at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.module_utils import _files
from ansible_collections.stackops.glance.plugins.module_utils._errors import GlanceError
from ansible_collections.stackops.glance.plugins.modules import glance_files

Run = Callable[..., dict[str, Any]]


@pytest.fixture(name="run")
def fixture_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*files: dict[str, Any], check: bool = False, **arguments: Any) -> dict[str, Any]:
        asked = {"files": list(files), "state_dir": str(tmp_path / "state"), **arguments}
        with (
            patch_module_args({**asked, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            glance_files.main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return call


@pytest.fixture(name="conf")
def fixture_conf(tmp_path: Path) -> Path:
    path = tmp_path / "glance-api.conf"
    path.write_text("[DEFAULT]\nadmin_role = boss\ntransport_url = rabbit://a:Secret1@mq\n")
    path.chmod(0o640)
    return path


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def test_check_do_check_do(run: Run, conf: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    files = [
        {"path": str(policy), "content": '"a": "@"\n', "like": str(conf)},
        {"path": str(conf), "options": [{"option": "admin_role", "state": "absent"}]},
    ]
    check = run(*files, check=True)
    assert check["changed"] and not policy.exists() and "admin_role" in conf.read_text()
    done = run(*files, backup=True)
    assert done["changed"] and done["files"] == check["files"] and done["diff"] == check["diff"]
    assert policy.read_text() == '"a": "@"\n' and policy.stat().st_mode & 0o777 == 0o640
    assert "admin_role" not in conf.read_text()
    assert len(done["backup_files"]) == 1 and "admin_role = boss" in Path(done["backup_files"][0]).read_text()
    assert "Secret1" not in json.dumps(done)
    again = run(*files)
    assert not again["changed"] and again["files"] == [] and not run(*files, check=True)["changed"]


def test_nothing_is_written_where_one_file_is_not_what_was_looked_at(run: Run, conf: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    answer = run({"path": str(new), "content": "x"}, {"path": str(conf), "content": "y", "sha256": "0" * 64})
    assert answer["failed"] and not new.exists()
    assert "is not what was looked at: its content has another hash" in answer["msg"]
    assert run({"path": str(conf), "content": "y", "sha256": digest(conf)})["changed"]
    assert "it is gone" in run({"path": str(new), "content": "x", "sha256": "0" * 64})["msg"]
    assert "it was not there then" in run({"path": str(conf), "content": "x", "sha256": ""})["msg"]


def test_what_was_written_goes_back_when_a_later_file_fails(
    run: Run, conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, new, write = conf.read_bytes(), tmp_path / "new", _files.write

    def failing(module: Any, path: str, data: bytes, **more: Any) -> None:
        if path.endswith("last"):
            raise GlanceError("The disk is full.", path=path)
        write(module, path, data, **more)

    monkeypatch.setattr(_files, "write", failing)
    answer = run(
        {"path": str(conf), "content": "changed\n"},
        {"path": str(new), "content": "x"},
        {"path": str(tmp_path / "last"), "content": "y"},
    )
    assert answer["failed"] and answer["msg"] == "The disk is full. The files written before it were put back."
    assert conf.read_bytes() == before and not new.exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["glance-api.conf"]


def test_a_file_goes_with_its_name_and_a_link_stays_one(run: Run, conf: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(conf)
    assert run({"path": str(link), "content": "x"})["changed"]
    assert link.is_symlink() and conf.read_text() == "x"
    assert run({"path": str(conf), "state": "absent"})["changed"] and not conf.exists()
    assert not run({"path": str(conf), "state": "absent"})["changed"]


def test_bad_input(run: Run, conf: Path, tmp_path: Path) -> None:
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    assert "is a link to" in run({"path": str(dangling), "content": "x"})["msg"]
    assert "is named twice" in run({"path": str(conf), "content": "x"}, {"path": str(conf), "content": "y"})["msg"]
    assert (
        "no option can be set in it"
        in run({"path": str(tmp_path / "no"), "options": [{"option": "a", "value": "b"}]})["msg"]
    )
    assert "its directory does not exist" in run({"path": str(tmp_path / "no" / "file"), "content": "x"})["msg"]
    assert "is a directory" in run({"path": str(tmp_path), "content": "x"})["msg"]
    assert os.path.islink(dangling) and "boss" in conf.read_text()
