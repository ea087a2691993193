# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that reads options, as Ansible calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.modules import oslo_config_info

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Call the module; ``output`` is all that it printed."""

    def call(content: bytes = b"", **arguments: Any) -> dict[str, Any]:
        (tmp_path / "f").write_bytes(content)
        with patch_module_args({"config_files": [str(tmp_path / "f")], **arguments}), pytest.raises(SystemExit):
            oslo_config_info.main()
        output = capsys.readouterr().out
        return dict(json.loads(output), output=output)

    return call


def test_values_and_effective_values(run: Run, tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "x.conf").write_bytes(b"[GLANCE]\nnum_retries = 4\n")
    result = run(
        b"[DEFAULT]\nhost: a\n[glance]\nuse_glance_v1 = Yes\napi_servers = http://$host:9292,\n",
        config_dirs=[str(directory)],
        options=["GLANCE/*"],
        schema=[
            {"name": "host"},
            {"group": "glance", "name": "use_glance_v1", "type": "boolean", "default": False},
            {"group": "glance", "name": "api_servers", "type": "list"},
            {"group": "glance", "name": "num_retries", "type": "integer", "min": 0, "max": 3},
            {"group": "glance", "name": "verify", "type": "boolean", "default": True},
        ],
    )
    assert not result["changed"] and result["files"] == [str(tmp_path / "f"), str(directory / "x.conf")]
    assert [(value["option"], value["line"]) for value in result["assignments"]] == [
        ("use_glance_v1", 4),
        ("api_servers", 5),
        ("num_retries", 2),
    ]
    answers = {answer["name"]: answer for answer in result["options"]}
    assert answers["use_glance_v1"]["effective"] is True
    assert answers["use_glance_v1"]["origin"] == f"{tmp_path}/f:4"
    assert answers["api_servers"]["effective"] == ["http://a:9292"]
    assert answers["num_retries"]["status"] == "refused" and "4 is more than 3" in answers["num_retries"]["reason"]
    assert answers["verify"]["status"] == "default" and answers["verify"]["effective"] is True


def test_dialects_and_environment(run: Run) -> None:
    arguments: dict[str, Any] = {
        "content": b"[g]\na = 1,\n",
        "schema": [{"group": "g", "name": "a", "type": "list"}],
        "environment": {"OS_G__A": "2", "PATH": "/bin"},
    }
    assert run(**arguments)["options"][0]["effective"] == ["2"]
    assert run(dialect="pike", **arguments)["options"][0]["effective"] == ["1", ""]
    assert run(dialect="6.0.0", **arguments)["options"][0]["effective"] == ["1"]
    assert "no oslo.config dialect" in run(dialect="newton", **arguments)["msg"]


def test_secrets_are_masked(run: Run) -> None:
    result = run(
        b"[a]\npassword = Secret1\nurl = http://u:Secret2@h/\nmine = Secret3\ncopy = <$password>\npin = Secret4\n",
        schema=[
            {"group": "a", "name": "password"},
            {"group": "a", "name": "url"},
            {"group": "a", "name": "mine", "secret": True},
            {"group": "a", "name": "copy"},
            {"group": "a", "name": "pin", "type": "integer", "secret": True},
        ],
    )
    assert "Secret" not in result["output"]
    answers = [answer["effective"] for answer in result["options"]]
    assert answers == ["********", "http://u:********@h/", "********", "<********>", None]
    assert result["options"][4]["status"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"content": b"a = 1\n"}, "f:1: oslo.config refuses"),
        ({"config_files": ["/nonexistent"]}, "/nonexistent does not exist"),
        ({"config_files": []}, "Neither config_files nor config_dirs"),
        ({"config_dirs": ["/nonexistent"]}, "/nonexistent does not exist"),
        ({"options": ["debug"]}, "no pattern of an option"),
        ({"schema": [{"name": "a", "type": "uri"}]}, "value of type must be one of"),
    ],
)
def test_bad_input(run: Run, arguments: dict[str, Any], message: str) -> None:
    result = run(**arguments)
    assert result["failed"] and message in result["msg"]
