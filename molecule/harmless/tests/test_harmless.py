# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""One flip and its way back, as talkative as they get, over a cloud full of text that wants to be more than text."""

from __future__ import annotations

import json
import re
import shlex
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from lablib import trial
from lablib.common import LAB_DIR
from lablib.databases import PASSWORD
from lablib.hosts import INFRA

#: A shell, a template or a browser that takes it for its own leaves a file, a product or an alert.
MARK, PRODUCT = "/tmp/spelled", str(7919 * 7907)
SPELL = (
    f"""'";touch {MARK};$(touch {MARK})`touch {MARK}`{{{{ 7919 * 7907 }}}}{{% for x in 1 %}}<script>alert(1)</script>"""
)
#: Host names as an inventory may have them.
NAMES = {
    "glance1": f"glance1$(touch {MARK})",
    "glance2": "glance2'\"",
    "nova1": f"nova1`touch {MARK}`",
    "nova2": "nova2<script>",
}


@dataclass
class Told:
    """What the runs said, and where they wrote it."""

    began: float
    output: str
    reports: Path


def secrets() -> set[str]:
    """Every password in what the lab is built from."""
    found = set()
    for path in LAB_DIR.rglob("*"):
        if path.is_file():
            found.update(re.findall(r"\blab-[a-z]+-secret\b", path.read_text(encoding="utf-8", errors="replace")))
    assert {"lab-rabbit-secret", "lab-glance-secret", PASSWORD} <= found
    return found


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def hosts(*names: str) -> dict[str, dict[str, str]]:
        return {NAMES[name]: {"ansible_host": f"{trial.LAB}{name}"} for name in names}

    groups = {"glance_api": {"hosts": hosts(*trial.GLANCES)}, "nova": {"hosts": hosts(*trial.NOVAS)}}
    path = tmp_path_factory.mktemp("inventory") / "spells.json"
    path.write_text(json.dumps({"all": {"vars": trial.CONNECTION, "children": groups}}), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    """The lab under a spell: in options, in comments, in image names and properties, in requests."""
    for host, path in (("glance1", trial.GLANCE_CONF), ("glance2", trial.GLANCE_CONF), ("nova1", trial.NOVA_CONF)):
        line = f"spelled = {SPELL}\\n# {SPELL}\\n"
        trial.sh(host, f"printf %b {shlex.quote(line)} >/root/line; sed -i '/^\\[DEFAULT\\]/r /root/line' {path}")
    image = {
        "name": f"{SPELL}\n{SPELL}",
        "disk_format": "raw",
        "container_format": "bare",
        "visibility": "community",
        f"HW_{SPELL}"[:200]: SPELL,
    }
    code, answer = trial.ask("infra", "/v2/images", "POST", json.dumps(image).encode(), Content_Type="application/json")
    assert code == 201, answer
    for host in trial.GLANCES:
        assert trial.ask(host, "/v1/images?name=%7B%7B7919*7907%7D%7D", User_Agent=SPELL)[0] == 200
    return trial.look()


@pytest.fixture(scope="module")
def told(before: dict[str, str], inventory: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder, began = tmp_path_factory.mktemp("reports"), time.time()
    database = folder / "database.json"
    url = f"mysql+pymysql://glance:{PASSWORD}@{INFRA.address}/glance"
    database.write_text(
        json.dumps({"glance_flip_audit": "database", "glance_flip_audit_database": url}), encoding="utf-8"
    )
    more = {"inventory": inventory, "report_dir": str(folder), "v1_quiet_days": 1, "start_timeout": 120}
    accept = ["v1_callers_seen", "v1_logs_too_short"]
    runs = [
        trial.flip("-vvv", "--diff", "-e", f"@{database}", accept=accept, **more).succeeds(),
        trial.roll_back("-vvv", "--diff", **more).succeeds(),
    ]
    database.unlink()
    return Told(began, "".join(run.output for run in runs), folder)


def test_the_way_back_leads_to_the_same_bytes(told: Told, before: dict[str, str]) -> None:
    assert trial.differences(before, trial.look()) == []
    assert trial.locked() == []


def test_no_secret_is_shown_or_reported(told: Told) -> None:
    assert "use_glance_v1" in told.output and "7919 * 7907" in told.output
    reports = {path.name: path.read_text(encoding="utf-8") for path in told.reports.rglob("*") if path.is_file()}
    assert {"upgrade_to_v2.html", "rollback.json"} <= reports.keys()
    for secret in secrets():
        assert secret not in told.output
        assert [name for name, text in reports.items() if secret in text] == []


@pytest.mark.parametrize("host", trial.MANAGED)
def test_no_secret_is_in_journal_and_syslog(told: Told, host: str) -> None:
    written = trial.sh(
        host,
        f"journalctl --no-pager --since=@{int(told.began)}; cat /var/log/syslog /var/log/messages 2>/dev/null || :",
    )
    assert "Invoked with" in written, "The modules' own words are not there, so this proves nothing."
    assert [secret for secret in secrets() if secret in written] == []


@pytest.mark.parametrize("host", trial.MANAGED)
def test_run_records_are_for_root_alone(told: Told, host: str) -> None:
    # They hold what the files held.
    assert trial.sh(host, f"grep -rl secret {trial.RECORDS}")
    assert trial.sh(host, f"find {trial.RECORDS} ! -user root -o -perm /077") == ""


def test_a_backup_is_as_closed_as_its_original() -> None:
    options = [{"section": "glance", "option": "num_retries", "value": 3}]
    found = trial.result(
        trial.module("nova2", "oslo_config", {"path": trial.NOVA_CONF, "options": options, "backup": True})
    )
    try:
        original, backup = (
            trial.sh("nova2", f"stat -c '%a %u %g' {path}") for path in (trial.NOVA_CONF, found["backup_file"])
        )
        assert backup == original
        assert trial.sh("nova2", f"grep -c lab-nova-secret {found['backup_file']}")
    finally:
        trial.sh("nova2", f"mv {found['backup_file']} {trial.NOVA_CONF}")


def test_text_stays_text(told: Told) -> None:
    for host in (*trial.MANAGED, "infra"):
        assert trial.sh(host, f"ls {MARK} 2>/dev/null || :") == ""
    assert not Path(MARK).exists()
    assert PRODUCT not in told.output
    for path in told.reports.rglob("*"):
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            assert PRODUCT not in text
            assert path.suffix != ".html" or "<script>alert" not in text
