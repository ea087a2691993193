# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""glance_api_log_info as Ansible calls it."""

from __future__ import annotations

import gzip
import json
import time

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.stackops.glance.plugins.module_utils import _access_log_places
from ansible_collections.stackops.glance.plugins.modules import glance_api_log_info

NOW = 1795305600.0


def call(capsys, **arguments):
    with patch_module_args(arguments), pytest.raises(SystemExit):
        glance_api_log_info.main()
    return json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    """A host on which nothing is found but what the test names."""
    empty = {"sources": [], "frontends": ["not-glance"], "tools": [], "troubles": ["not looked at"]}
    monkeypatch.setattr(_access_log_places, "find", lambda services: dict(empty, services=services))


def line(days, path="/v1/images"):
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(time.time() - days * 86400))
    return f'192.0.2.1 - - [{stamp}] "GET {path} HTTP/1.1" 200 3 "-" "curl/8"\n'


def test_named_files(tmp_path, capsys):
    (tmp_path / "api.log").write_text(line(2) + line(0, "/v2/images"))
    (tmp_path / "api.log.1.gz").write_bytes(gzip.compress((line(9) + line(2)).encode()))
    result = call(capsys, files=[f"{tmp_path}/api.log*"])
    assert result["changed"] is False and result["versions"] == {"v1": 3}
    assert [log["requests"] for log in result["files"]] == [1, 2]
    assert (round(result["covered_days"]), result["troubles"]) == (9, [])
    assert [caller["user_agent"] for caller in result["callers"]] == ["curl/8"]
    both = call(capsys, files=[f"{tmp_path}/api.log*"], since="3d", api_versions=["v1", "v2"])
    assert both["versions"] == {"v1": 2, "v2": 1}
    assert call(capsys)["troubles"] == ["not looked at"]


def test_a_balancers_log_from_elsewhere(tmp_path, capsys):
    stamp = time.strftime("%d/%b/%Y:%H:%M:%S", time.localtime())
    (tmp_path / "haproxy.log").write_text(
        f'192.0.2.1:4711 [{stamp}.001] images images/ctl1 0/0/1/2/3 200 1 - - ---- 1/1/0/0/0 0/0 "GET /v1/images HTTP/1.1"\n'
    )
    assert call(capsys, files=[str(tmp_path / "haproxy.log")])["versions"] == {"v1": 1}


def test_everything_that_is_returned_is_documented(tmp_path, capsys):
    yaml = pytest.importorskip("yaml")
    documented = yaml.safe_load(glance_api_log_info.RETURN)
    (tmp_path / "api.log").write_text(line(2))
    result = call(capsys, files=[f"{tmp_path}/api.log*"])
    assert set(result) - {"changed", "invocation"} == set(documented)
    for part in ("files", "callers"):
        assert set(result[part][0]) == set(documented[part]["contains"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("8d", NOW - 8 * 86400),
        ("1.5h", NOW - 5400),
        ("2026-11-21", NOW - 86400),
        ("2026-11-21T12:30Z", NOW - 41400),
        ("2026-11-21 12:30:05+05:30", NOW - 41395 - 19800),
        ("2026-11-21T12:30:05.250-0100", NOW - 41395 + 3600),
    ],
)
def test_moments(text, seconds):
    assert glance_api_log_info.moment(text, NOW) == seconds


@pytest.mark.parametrize("text", ["yesterday", "8", "2026-13-01", "2026-11-21T25:00", "-1d", "1d; true"])
def test_what_is_no_moment(text, capsys):
    failed = call(capsys, since=text)
    assert failed["failed"] and "since: " in failed["msg"] and "8d" in failed["msg"]


def test_a_service_without_a_name(capsys):
    assert "must have a name" in call(capsys, services=[{"units": ["glance-api"]}])["msg"]
