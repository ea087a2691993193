# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The access logs of a real Glance 15.0.2 and of haproxy. The cases share one lab, so their order counts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lablib import trial

LOG = "/var/log/glance/api.log"
NOVA1, NOVA2, INFRA = (trial.BY_NAME[name].address for name in ("nova1", "nova2", "infra"))
MODULE = "glance_api_log_info"
OLD = Path(__file__).parents[2] / "python27" / "python27.yml"

# Puts copies of the log at other paths, each so many days earlier; packed where the path says so.
EARLIER = r"""
import datetime, gzip, re, sys
text = open(sys.argv[1]).read()
for target, days in zip(sys.argv[2::2], map(float, sys.argv[3::2])):
    def earlier(match):
        stamp = datetime.datetime.strptime(match.group(1), "%d/%b/%Y %H:%M:%S") - datetime.timedelta(days=days)
        return "[" + stamp.strftime("%d/%b/%Y %H:%M:%S") + "]"
    with (gzip.open if target.endswith(".gz") else open)(target, "wb") as stream:
        stream.write(re.sub(r"\[(\d\d/\w{3}/\d{4} \d\d:\d\d:\d\d)\]", earlier, text).encode())
"""


def read(host: str, *more: str, **arguments: Any) -> dict[str, Any]:
    arguments = {"api_versions": ["v1"], **arguments}  # the command takes no empty ones
    return trial.result(trial.module(host, MODULE, arguments, *more).succeeds())


def callers(found: dict[str, Any]) -> dict[str, int]:
    return {caller["client"]: caller["requests"]["v1"] for caller in found["callers"] if caller["requests"].get("v1")}


def earlier(host: str, targets: dict[str, float]) -> None:
    words = [word for target, days in targets.items() for word in (LOG + target, str(days))]
    trial.sh(host, shlex.join(["python3", "-c", EARLIER, LOG, *words]))


def counted(host: str, text: str, *paths: str) -> int:
    """What grep counts, which knows nothing of formats."""
    return int(trial.sh(host, f"zcat -f {' '.join(paths)} | grep -cF -- {shlex.quote(text)} || :"))


def asked() -> bool:
    """Whether the balancer has sent requests of each Nova to this Glance as well as to the other."""
    trial.let_nova_ask()
    return all(counted("glance1", f"{address},{INFRA} - - ", LOG) for address in (NOVA1, NOVA2))


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Both Novas have asked for v1 through the balancer, and then ask for nothing."""
    trial.wait_for(asked)
    for host in trial.NOVAS:
        trial.sh(host, "systemctl stop nova-compute nova-api")
    for _number in range(50):
        assert trial.ask("glance1", "/v1/images")[0] == 200
    yield
    for host in trial.NOVAS:
        trial.sh(host, "systemctl start nova-compute nova-api")


def test_callers_behind_the_balancer() -> None:
    found = read("glance1")
    assert set(callers(found)) >= {NOVA1, NOVA2}
    for caller in found["callers"]:
        if caller["client"] in (NOVA1, NOVA2):
            assert caller["via"] == INFRA
            assert caller["requests"]["v1"] == counted("glance1", f" {caller['client']},{INFRA} - - ", LOG)
            assert any("/v1/images" in example for example in caller["examples"])
    (log,) = found["files"]
    assert (log["path"], log["format"], log["error"], log["unreadable"]) == (LOG, "eventlet", None, 0)
    assert found["judged_by"] == "glance" and found["covered_days"] < 1 and found["troubles"] == []


def test_the_balancers_own_log() -> None:
    trial.wait_for(lambda: trial.answers("infra", "/healthcheck") == 200)
    found = read("infra", since="2h")
    assert (found["judged_by"], {log["format"] for log in found["files"]}) == ("proxy", {"haproxy"})
    assert set(callers(found)) >= {NOVA1, NOVA2}
    # As a file of its own it says the same, and what a stranger's service would ask for is not Glance's.
    trial.sh("infra", "journalctl -u haproxy --since=-2h -o short-iso >/root/haproxy.log")
    text = '10.0.0.9:1 [21/Nov/2026:09:59:23.162] heat heat/x 0/0/1/15/16 200 1 - - ---- 4/4/0/0/0 0/0 "GET /v1/8e1b/stacks HTTP/1.1"'
    trial.sh("infra", f"echo {shlex.quote(text)} >>/root/haproxy.log")
    named = read("infra", files=["/root/haproxy.log"])
    assert callers(named)[NOVA1] == callers(found)[NOVA1]
    assert "10.0.0.9" not in callers(named)


def test_what_the_collection_asks_itself_counts_for_nobody() -> None:
    before = read("glance1")["versions"]["v1"] + read("glance2")["versions"]["v1"]
    asked = counted("glance1", '"GET /v1/', LOG) + counted("glance2", '"GET /v1/', LOG)
    trial.playbook("preflight", v1_quiet_days=0).succeeds()
    assert counted("glance1", '"GET /v1/', LOG) + counted("glance2", '"GET /v1/', LOG) > asked
    assert read("glance1")["versions"]["v1"] + read("glance2")["versions"]["v1"] == before


def test_strangers_in_the_forwarded_header() -> None:
    header = "<script>alert(1)</script>"
    assert trial.ask("glance1", "/v1/images?" + "x" * 3000, X_Forwarded_For=header)[0] == 200
    found = read("glance1", files=[LOG])
    assert all(len(example) <= 200 for caller in found["callers"] for example in caller["examples"])
    # It is no address: the one that really asked is named.
    assert header not in callers(found)


def test_rotated_and_packed() -> None:
    earlier("glance1", {".1": 1, ".2.gz": 1.1, ".4.gz": 1.2})
    found = read("glance1")
    assert [log["path"] for log in found["files"]] == [LOG, f"{LOG}.1", f"{LOG}.2.gz", f"{LOG}.4.gz"]
    assert callers(found)[NOVA1] == 4 * counted("glance1", f" {NOVA1},{INFRA} - - ", LOG)
    # Between number 2 and number 4 one is missing, and of today the night.
    assert len(found["covered"]) == 3
    assert found["span"]["from"] == found["files"][3]["from"]
    recent = read("glance1", since="12h")
    assert callers(recent)[NOVA1] == counted("glance1", f" {NOVA1},{INFRA} - - ", LOG)


def test_a_gzip_that_was_cut_off_and_what_is_no_log() -> None:
    trial.sh("glance1", f"size=$(stat -c %s {LOG}.2.gz); truncate -s $((size / 2)) {LOG}.2.gz; rm {LOG}.4.gz")
    trial.sh("glance1", "head -c 1000000 /dev/urandom >/root/rubbish; mkdir -p /root/directory")
    files = [f"{LOG}*", "/root/rubbish", "/root/directory", "/root/none"]
    found = read("glance1", files=files)
    errors = {log["path"]: log["error"] for log in found["files"] if log["error"]}
    assert list(errors) == [f"{LOG}.2.gz", "/root/rubbish", "/root/directory", "/root/none"]
    assert "ends too early" in errors[f"{LOG}.2.gz"] and "directory" in errors["/root/directory"]
    once = read("glance1", files=[LOG])["versions"]["v1"]
    assert 2 * once < found["versions"]["v1"] < 3 * once
    # Named to somebody who may not read them, they do not fail the task either.
    nobody = read("glance1", "-u", "nobody", files=["/root/rubbish"])
    assert "Permission denied" in nobody["files"][0]["error"]


def test_the_same_with_python_2() -> None:
    arguments = {"files": [f"{LOG}*"], "api_versions": ["v1", "v2"]}
    command = ["glance1", "-m", f"stackops.glance.{MODULE}", "-a", json.dumps(arguments)]
    run = trial.Run("ansible", "-i", str(trial.INVENTORY), "-i", str(OLD), *command, environment="core-2.16")
    old, new = trial.result(run.succeeds()), read("glance1", **arguments)
    assert [old[name] for name in ("callers", "versions", "covered_days")] == [
        new[name] for name in ("callers", "versions", "covered_days")
    ]


def test_a_journal() -> None:
    with trial.changed("glance2", trial.GLANCE_CONF, "sed -i 's/^log_file = .*/use_stderr = true/' $file"):
        trial.sh("glance2", f"systemctl restart glance-api; rm {LOG}")
        trial.wait_for(lambda: trial.answers("glance2", "/healthcheck") == 200)
        assert trial.ask("glance2", "/v1/images/detail")[0] == 200
        assert trial.ask("glance2", "/v2/images")[0] == 200
        found = trial.wait_for(
            lambda: next((one for one in [read("glance2", api_versions=["v1", "v2"])] if one["callers"]), None)
        )
    # The next cases are to see none of it.
    trial.sh("glance2", "systemctl restart glance-api; journalctl --quiet --rotate --vacuum-size=1")
    trial.wait_for(lambda: trial.answers("glance2", "/healthcheck") == 200)
    assert [(log["path"], log["format"]) for log in found["files"]] == [("journal of glance-api", "eventlet")]
    assert found["versions"]["v1"] == 1 and found["versions"]["v2"] >= 1


def test_tools_with_v1_built_in() -> None:
    trial.sh(
        "glance1",
        "echo '0 3 * * 0 glance glance-replicator livecopy a:9292 b:9292' >/etc/cron.d/copy\n"
        "printf '#!/bin/sh\\ncurl -s http://infra:9292/v1/images/detail\\n' >/usr/local/bin/billing\n"
        "printf '[Timer]\\nOnCalendar=weekly\\n[Install]\\nWantedBy=timers.target\\n' >/etc/systemd/system/billing.timer\n"
        "printf '[Service]\\nExecStart=/usr/local/bin/billing\\n' >/etc/systemd/system/billing.service\n"
        "systemctl enable billing.timer",
    )
    try:
        assert [(tool["file"], tool["line"], tool["program"]) for tool in read("glance1")["tools"]] == [
            ("/etc/cron.d/copy", 1, "glance-replicator"),
            ("/usr/local/bin/billing", 2, "billing"),
        ]
        run = trial.playbook("preflight").succeeds()
        run.says("glance-replicator calls it (/etc/cron.d/copy:1)", "billing calls it (/usr/local/bin/billing:2)")
    finally:
        trial.sh(
            "glance1",
            "systemctl disable billing.timer; rm -f /etc/cron.d/copy /usr/local/bin/billing /etc/systemd/system/billing.*",
        )


def test_nobody_asks(tmp_path: Path) -> None:
    """A week without v1 is a week in which logs were written: then v1 may go."""
    look = {"v1_quiet_days": 7, "report_dir": str(tmp_path)}
    for host in trial.GLANCES:
        trial.sh(host, "systemctl restart glance-api")
        trial.wait_for(lambda host=host: trial.answers(host, "/healthcheck") == 200)  # type: ignore[misc]
        assert trial.ask(host, "/v2/images")[0] == 200
        trial.sh(host, f"rm -f {LOG}.*; grep -v /v1/ {LOG} >/root/clean; cat /root/clean >{LOG}")
    found = read("glance1", api_versions=["v1", "v2"])
    assert callers(found) == {} and found["versions"]["v2"] > 0
    run = trial.playbook("preflight", **look).succeeds()
    run.says("v1_logs_too_short", "v1 is not turned off")
    assert "v1_callers_seen" not in run.said
    for host in trial.GLANCES:
        earlier(host, {f".{number}": number / 5 for number in range(1, 39)})
    run = trial.playbook("preflight", **look).succeeds()
    assert "v1_callers_seen" not in run.said and "v1_logs" not in run.said
    run.says("Glance answers v1 no longer")
