# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The report of a fleet that is about to be flipped, and the gates that it is made of."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from lablib import images, trial
from lablib.common import LAB, docker

DATABASE = f"mysql+pymysql://glance:lab-database-secret@{trial.BY_NAME['infra'].address}/glance"
MARKUP = '<img src=x onerror="alert(1)">{{ 1 + 1 }}'
LOOK = {"v1_quiet_days": 7, "audit": "api"}


@pytest.fixture(scope="module", autouse=True)
def cloud() -> None:
    """Nova has asked for v1, and one image is not the same to v1 and v2."""
    trial.seed_images()
    headers = {
        "x-image-meta-name": MARKUP,
        "x-image-meta-disk_format": "raw",
        "x-image-meta-container_format": "bare",
        "x-image-meta-property-owner": MARKUP,
    }
    assert trial.ask("glance1", "/v1/images", "POST", b"", **headers)[0] == 201
    trial.wait_for(lambda: all(trial.spoken().values()))


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Path]:
    """The directory that a node_exporter reads, as the user that Debian runs it as."""
    folder = tmp_path / "collector"
    folder.mkdir()
    folder.chmod(0o755)
    images.ensure("exporter")
    options = ("--collector.disable-defaults", "--collector.textfile", "--collector.textfile.directory=/collector")
    run = ("run", "--detach", "--rm", f"--name={LAB}exporter", "--user=prometheus", f"--volume={folder}:/collector:ro")
    docker(*run, images.tag("exporter"), "prometheus-node-exporter", *options)
    try:
        yield folder
    finally:
        docker("rm", "--force", f"{LAB}exporter")


def scraped() -> dict[str, float]:
    """What node_exporter serves, as Prometheus would read it."""
    fetch = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:9100/metrics', timeout=10).read().decode())"
    text = trial.wait_for(lambda: docker("exec", f"{LAB}exporter", "python3", "-c", fetch, check=False))
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _space, value in lines}


@pytest.mark.usefixtures("untouched")
def test_a_report_for_people_and_one_for_programs(tmp_path: Path, collector: Path) -> None:
    started = time.time()
    metrics = str(collector / "glance.prom")
    run = trial.playbook("preflight", report_dir=str(tmp_path), metrics_file=metrics, **LOOK)
    run.succeeds().says("verdict: ready", "preflight.html")
    found = trial.report(tmp_path, "preflight")
    assert found["verdict"] == "ready"
    assert trial.finding_ids(found, "blocker") == set()
    assert trial.finding_ids(found, "warning") >= {"v1_callers_seen", "v1_logs_too_short", "v1_stays_on"}
    assert {(each["host"], tuple(each["api"])) for each in found["spoken"] if each["service"] == "nova-compute"} == {
        ("nova1", ("v1",)),
        ("nova2", ("v1",)),
    }
    callers = {
        caller["client"] for log in found["callers"] for caller in log["callers"] if caller["requests"].get("v1")
    }
    assert callers >= {trial.BY_NAME[host].address for host in trial.NOVAS}
    changes = {(each["host"], each["file"]): each["diff"] for each in found["diffs"]}
    assert "\n-use_glance_v1 = true\n" in changes["nova1", trial.NOVA_CONF]
    assert found["audit"]["way"] == "api" and found["audit"]["images"] >= 5

    shown = trial.report_text(tmp_path, "preflight", "html")
    assert "<img" not in shown and "<script" not in shown
    for secret in ("lab-database-secret", "lab-admin-secret", "lab-glance-secret"):
        assert secret not in shown + json.dumps(found)

    served = scraped()
    assert served["node_textfile_scrape_error"] == 0
    assert started - 1 <= served["stackops_glance_last_look_timestamp_seconds"] <= time.time()
    assert served['stackops_glance_verdict{verdict="ready"}'] == 1
    for (id_, severity), number in Counter((each["id"], each["severity"]) for each in found["findings"]).items():
        assert served[f'stackops_glance_findings{{id="{id_}",severity="{severity}"}}'] == number
    assert sum(value for name, value in served.items() if "v1_requests" in name) > 0
    assert served["stackops_glance_audited_images"] == found["audit"]["images"]
    assert served['stackops_glance_hosts{reached="true"}'] == len(trial.MANAGED)


@pytest.mark.usefixtures("untouched")
@trial.thorough
def test_what_the_database_alone_knows(tmp_path: Path) -> None:
    look = {**LOOK, "audit": "database", "audit_database": DATABASE}
    trial.playbook("preflight", report_dir=str(tmp_path), **look).succeeds()
    audit = trial.report(tmp_path, "preflight")["audit"]
    assert (audit["way"], audit["cannot_see"]) == ("database", [])
    shadowing = next(each for each in audit["findings"] if "owner" in json.dumps(each["examples"]))
    assert shadowing["count"] == 1
    assert "<img" not in trial.report_text(tmp_path, "preflight", "html")


@pytest.mark.usefixtures("untouched")
@trial.thorough
def test_a_database_that_refuses_the_password(tmp_path: Path) -> None:
    look = {**LOOK, "audit": "database", "audit_database": DATABASE.replace("lab-database-secret", "not-the-password")}
    run = trial.playbook("preflight", "-vvv", report_dir=str(tmp_path), **look).fails("audit:", "Access denied")
    assert "not-the-password" not in run.output.replace(json.dumps(look["audit_database"]), "")
    assert "audit:" in " ".join(trial.report(tmp_path, "preflight")["troubles"])


@pytest.mark.usefixtures("untouched")
def test_a_blocker_names_what_overrides_it(tmp_path: Path) -> None:
    with trial.changed("nova1", trial.NOVA_CONF, "sed -i 's/^images_type = qcow2/images_type = rbd/' $file"):
        run = trial.playbook("preflight", report_dir=str(tmp_path), **LOOK)
        run.fails("rbd_without_locations", 'glance_flip_accept": ["rbd_without_locations"]')
    assert "rbd_without_locations" in trial.report_text(tmp_path, "preflight", "html")


def test_v1_stays_on_while_somebody_asks_for_it(tmp_path: Path) -> None:
    run = trial.flip(report_dir=str(tmp_path), **LOOK).succeeds()
    run.says("v1 is not turned off", "v1_callers_seen on glance1")
    run.says("Nova speaks v2.", "Verdict: done.", f"-i {trial.INVENTORY} stackops.glance.rollback -e glance_flip_run=")
    assert trial.spoken() == trial.V2
    assert trial.ask("infra", "/v1/images")[0] == 200
    timeline = trial.report(tmp_path, "upgrade_to_v2")["timeline"]
    assert {(each["host"], each["step"]) for each in timeline} == {(host, "nova") for host in trial.NOVAS}
    assert {each["phase"] for each in timeline if each["host"] == "nova2"} == {"drain", "change", "health", "undrain"}
    assert all(each["ok"] and each["started"] <= each["ended"] for each in timeline)


@trial.thorough
def test_v1_goes_once_that_is_accepted(tmp_path: Path) -> None:
    accept = ["v1_callers_seen", "v1_logs_too_short"]
    trial.flip(report_dir=str(tmp_path), accept=accept, **LOOK).succeeds()
    assert trial.ask("infra", "/v1/images")[0] in (300, 404)
    found = trial.report(tmp_path, "upgrade_to_v2")
    assert found["outcome"] == "done" and not found["failed"]
    assert {each["host"] for each in found["timeline"]} == set(trial.GLANCES)
    assert trial.images_intact()
