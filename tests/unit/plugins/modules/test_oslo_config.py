# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that changes options, as Ansible calls it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.module_utils import _runs
from ansible_collections.stackops.glance.plugins.modules import oslo_config

BEFORE = b"""[DEFAULT]
# How much to say
#debug = false
transport_url = rabbit://nova:OldTransport@mq:5672/
[database]
connection = mysql://glance:OldDatabase@db/glance
[keystone_authtoken]
password = OldPassword
#password = OlderPassword
"""

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the module; its result is that of exit_json or fail_json, with the text it printed as ``output``."""

    def call(*options: dict[str, Any], check: bool = False, **arguments: Any) -> dict[str, Any]:
        arguments = {"path": str(tmp_path / "f"), "state_dir": str(tmp_path / "state"), **arguments}
        arguments.update(options=list(options), _ansible_check_mode=check, _ansible_diff=True)
        with patch_module_args(arguments), pytest.raises(SystemExit):
            oslo_config.main()
        output = capsys.readouterr().out
        return dict(json.loads(output), output=output)

    return call


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "f"
    path.write_bytes(BEFORE)
    path.chmod(0o640)
    return path


def test_check_do_check_do(run: Run, target: Path) -> None:
    options = [
        {"option": "debug", "value": True},
        {"section": "glance_store", "option": "stores", "value": ["file", "http"]},
        {"section": "glance_store", "option": "weights", "value": {"a": 1, "b": "x"}},
        {"section": "pci", "option": "alias", "values": [1, "$two % 'x'"]},
        {"section": "database", "option": "max_retries", "state": "absent"},
    ]
    check = run(*options, check=True)
    assert check["changed"] and target.read_bytes() == BEFORE
    done = run(*options)
    assert done["changed"] and done["options"] == check["options"] and done["diff"] == check["diff"]
    assert done["options"][0] == {
        "section": "DEFAULT",
        "option": "debug",
        "before": [],
        "after": ["true"],
        "origins": [f"{target}:4"],
    }
    assert target.read_bytes() == BEFORE.replace(b"#debug = false\n", b"#debug = false\ndebug = true\n") + (
        b"\n[glance_store]\nstores = file,http\nweights = a:1,b:x\n\n[pci]\nalias = 1\nalias = $two % 'x'\n"
    )
    assert target.stat().st_mode & 0o777 == 0o640
    for check_mode in (True, False):
        again = run(*options, check=check_mode)
        assert (
            not again["changed"] and again["options"] == [] and again["diff"][0]["before"] == again["diff"][0]["after"]
        )
    assert sorted(os.listdir(target.parent)) == ["f"]


def test_nothing_secret_is_shown(run: Run, target: Path) -> None:
    result = run(
        {"option": "transport_url", "secret_value": "rabbit://nova:NewTransport@mq:5672/"},
        {"section": "database", "option": "connection", "value": "mysql://glance:NewDatabase@db/glance"},
        {"section": "keystone_authtoken", "option": "password", "secret_value": "New$Password", "literal": True},
        {"section": "x", "option": "harmless", "secret_value": "NewHarmless"},
        backup=True,
    )
    text = target.read_text()
    for part in ("NewTransport", "NewDatabase", "New$$Password", "NewHarmless"):
        assert part in text
    for secret in ("Transport@", "Database", "OldPassword", "OlderPassword", "New$", "NewHarmless"):
        assert secret not in result["output"]
    assert "database/connection looks like a secret" in result["output"]
    assert "password = ******** (changed)" in result["diff"][0]["after"]
    assert Path(result["backup_file"]).read_bytes() == BEFORE
    assert os.stat(result["backup_file"]).st_mode & 0o777 == 0o640
    rotated = run({"section": "x", "option": "harmless", "secret_value": "Newest"})
    assert "NewHarmless" not in rotated["output"] and rotated["options"][0]["before"] == ["********"]


def test_a_link_stays_a_link(run: Run, target: Path) -> None:
    link = target.parent / "link"
    link.symlink_to("f")
    result = run({"option": "debug", "value": "1"}, path=str(link))
    assert result["path"] == str(target) and link.is_symlink() and b"\ndebug = 1\n" in target.read_bytes()


def test_create(run: Run, tmp_path: Path) -> None:
    option = {"option": "debug", "value": False}
    assert "does not exist" in run(option)["msg"]
    assert run(option, create=True, check=True)["changed"] and not (tmp_path / "f").exists()
    assert run(option, create=True, mode="0600")["changed"]
    assert (tmp_path / "f").read_bytes() == b"[DEFAULT]\ndebug = false\n"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600
    assert not run(option, create=True, mode="0600")["changed"]
    assert run(option, create=True, mode="0644", check=True)["changed"]
    assert "its directory does not exist" in run(option, create=True, path=str(tmp_path / "no" / "f"))["msg"]


def test_a_misspelt_line_is_warned_of(run: Run, target: Path) -> None:
    target.write_bytes(b"[glance]\nUse-Glance-V1 = true\n")
    result = run({"section": "glance", "option": "use_glance_v1", "value": "false"})
    assert "f:2: [glance] Use-Glance-V1 is not glance/use_glance_v1 to oslo.config" in result["output"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[DEFAULT]\ndebug\n", "f:2: oslo.config refuses this file"),
        (b"\x00\xff\x7fELF", "f:1: oslo.config refuses this file"),
        (b"\xef\xbb\xbf[DEFAULT]\n", "byte order mark"),
    ],
)
def test_bad_files(run: Run, target: Path, content: bytes, message: str) -> None:
    target.write_bytes(content)
    result = run({"option": "debug", "value": "true"})
    assert result["failed"] and message in result["msg"] and target.read_bytes() == content


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"option": "a"}, "value, values, secret_value"),
        ({"option": "a", "value": "x", "values": ["y"]}, "mutually exclusive"),
        ({"option": "a", "value": ["x,y", "z"]}, "has a comma in it"),
        ({"option": "a", "value": "x\n\ny"}, "cannot hold an empty line"),
        ({"option": "a b]\n", "value": "x"}, "no name of option"),
    ],
)
def test_bad_options(run: Run, target: Path, option: dict[str, Any], message: str) -> None:
    result = run(option)
    assert result["failed"] and message in result["msg"] and target.read_bytes() == BEFORE


def test_a_directory_is_refused(run: Run, tmp_path: Path) -> None:
    assert "is a directory" in run({"option": "a", "value": "x"}, path=str(tmp_path))["msg"]


def test_a_host_locked_by_a_run_is_not_written_to(run: Run, target: Path) -> None:
    state = str(target.parent / "state")
    token = _runs.acquire(state, "20261121T080000Z-1", {"user": "u", "host": "h", "pid": 1})
    option = {"option": "debug", "value": "true"}
    assert "This host is locked by run 20261121T080000Z-1" in run(option)["msg"]
    assert "is stale" in run(option, run_token="20261121T080000Z-1:9")["msg"]
    assert target.read_bytes() == BEFORE
    assert run(option, run_token=token)["changed"]
    assert not run(option)["changed"], "what changes nothing needs no lock"


def test_a_change_by_somebody_else_is_noticed(run: Run, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit = oslo_config._oslo_edit.edit

    def slow(*arguments: Any) -> bytes:
        target.write_bytes(BEFORE + b"other = 1\n")
        return edit(*arguments)

    monkeypatch.setattr(oslo_config._oslo_edit, "edit", slow)
    assert "was changed by somebody else" in run({"option": "debug", "value": "true"})["msg"]
    assert target.read_bytes() == BEFORE + b"other = 1\n"


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk can be mounted by root alone")
    (disk / "f").write_bytes(BEFORE)
    try:
        with open(disk / "filler", "wb", buffering=0) as stream:
            while stream.write(b"x" * 4096):
                pass
    except OSError:
        pass
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_changes_nothing(run: Run, full_disk: Path) -> None:
    result = run({"option": "debug", "value": "true"}, path=str(full_disk / "f"))
    assert result["failed"] and "No space left on device" in result["msg"] and "The file is as it was" in result["msg"]
    assert (full_disk / "f").read_bytes() == BEFORE
    assert sorted(os.listdir(full_disk)) == ["f", "filler"]


# -- renaming ---------------------------------------------------------------------------------------------------------


def test_an_older_name_gives_its_values_to_the_new_one(run: Run, target: Path) -> None:
    target.write_bytes(
        b"[DEFAULT]\n# why\nsql_connection = mysql://a:OldDatabase@db/\nold = 'a '\nold = $b\n[database]\n#connection = x\n"
    )
    options = [
        {"section": "database", "option": "connection", "renamed_from": "DEFAULT/sql_connection"},
        {"section": "new", "option": "name", "renamed_from": "DEFAULT/old"},
        {"option": "another", "renamed_from": "DEFAULT/absent"},
    ]
    check = run(*options, check=True)
    assert check["changed"] and b"sql_connection" in target.read_bytes()
    done = run(*options)
    assert target.read_bytes() == (
        b"[DEFAULT]\n# why\n[database]\n#connection = x\nconnection = mysql://a:OldDatabase@db/\n\n"
        b'[new]\nname = "a "\nname = $b\n'
    )
    assert [(each["section"], each["option"], len(each["before"]), len(each["after"])) for each in done["options"]] == [
        ("database", "connection", 0, 1), ("DEFAULT", "sql_connection", 1, 0),
        ("new", "name", 0, 2), ("DEFAULT", "old", 2, 0),
    ]  # fmt: skip
    assert "OldDatabase" not in check["output"] + done["output"]
    assert check["options"] == done["options"]
    assert not run(*options)["changed"]


def test_a_renamed_secret_is_shown_under_neither_name(run: Run, target: Path) -> None:
    options = {"section": "other", "option": "plain", "renamed_from": "keystone_authtoken/password"}
    done = run(options)
    assert b"plain = OldPassword" in target.read_bytes()
    assert "OldPassword" not in done["output"]


def test_both_names_are_refused(run: Run, target: Path) -> None:
    target.write_bytes(b"[a]\nold = 1\nnew = 2\n")
    failed = run({"section": "a", "option": "new", "renamed_from": "a/old"})
    assert failed["failed"] and "a/new is set, and so is its older name a/old" in failed["msg"]
    assert target.read_bytes() == b"[a]\nold = 1\nnew = 2\n"
