# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""The project of examples/awx through ansible-runner, the nodes of its workflow one after the other.

Each job has a directory of its own, as AWX makes it: the project, an inventory that is a script, extra-vars and a
credential. Nothing is handed on to the next job but what AWX hands on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lablib import seed, trial
from lablib.common import LAB

AWX = trial.REPOSITORY / "examples" / "awx"
QUESTIONS = yaml.safe_load((AWX / "surveys.yml").read_text())["glance_awx_questions"]
TEMPLATES = yaml.safe_load((AWX / "job_templates.yml").read_text())["glance_awx_job_templates"]
WORKFLOW = yaml.safe_load((AWX / "workflow.yml").read_text())["glance_awx_workflow"]
#: What an operator would set once, as variables of the job template; the lab's balancer is quick.
OF_TEMPLATE = {f"glance_flip_{name}": value for name, value in trial.HASTE.items()}
ADMIN = {
    "auth_url": seed.KEYSTONE,
    "username": "admin",
    "password": "lab-admin-secret",
    "project_name": "admin",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}


@dataclass
class Job:
    """A job that has ended, and what it leaves to AWX."""

    folder: Path
    run: trial.Run
    #: What the last event hands to the next node.
    artifacts: dict[str, Any]


def inventory() -> dict[str, Any]:
    groups = {"glance_api": trial.GLANCES, "nova": trial.NOVAS}
    connection = {"ansible_connection": "community.docker.docker", "ansible_python_interpreter": "/usr/bin/python3"}
    hosts = {host: {**connection, "ansible_host": f"{LAB}{host}"} for host in trial.MANAGED}
    return {"_meta": {"hostvars": hosts}, **{name: {"hosts": list(names)} for name, names in groups.items()}}


def start(folder: Path, *words: str, variables: dict[str, Any], environ: dict[str, str]) -> Job:
    """A job in a directory of its own. The credential is in the job's environment, and nothing else of a cloud is."""
    shutil.copytree(AWX / "project", folder / "project")
    for name in ("inventory", "env", "home", "tmp"):
        (folder / name).mkdir()
    script = folder / "inventory" / "hosts"
    script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(json.dumps(inventory()))})\n")
    script.chmod(0o700)
    (folder / "env" / "extravars").write_text(json.dumps(variables))
    (folder / "env" / "envvars").write_text(json.dumps(environ))
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "OS_CLIENT_CONFIG_FILE": ""}
    run = trial.Run("ansible-runner", "run", str(folder), *words, **own)
    run.wait()
    events = [path for path in folder.glob("artifacts/*/job_events/*.json") if path.name[0].isdigit()]
    last = max(events, key=lambda path: int(path.name.partition("-")[0]))
    return Job(folder, run, json.loads(last.read_text())["event_data"].get("artifact_data", {}))


def openstack_credential(folder: Path) -> dict[str, str]:
    """As AWX injects one of its type OpenStack: a clouds.yaml beside the job with one cloud in it."""
    folder.mkdir()
    path = folder / "credential"
    path.write_text(yaml.safe_dump({"clouds": {"devstack": {"auth": ADMIN, "verify": True}}}))
    path.chmod(0o600)
    return {"OS_CLIENT_CONFIG_FILE": str(path)}


def launch(tmp_path: Path, name: str, handed: dict[str, Any] | None = None, **answers: Any) -> Job:
    """A node of the workflow: its template, its survey's defaults, answers, and what earlier nodes handed on."""
    template = next(each for each in TEMPLATES if each["name"] == name)
    defaults = {each["variable"]: each["default"] for each in QUESTIONS if each["variable"] in template["survey"]}
    variables = {key: value for key, value in defaults.items() if value != ""} | OF_TEMPLATE | answers | (handed or {})
    folder = tmp_path / Path(template["playbook"]).stem
    environ = openstack_credential(tmp_path / f"{folder.name}-credential")
    return start(folder, "-p", template["playbook"], variables=variables, environ=environ)


def left_outside() -> set[str]:
    """What lies in the checkout, from which the jobs are begun, and is not git's; what gates beside keep is hidden."""
    command = ["git", "-c", "safe.directory=*", "status", "--porcelain", "--ignored"]
    said = subprocess.run(command, cwd=trial.REPOSITORY, check=True, capture_output=True, text=True).stdout
    return {name for name in said.splitlines() if "/." not in name and "__pycache__" not in name and name[3] != "."}


def jobs_of_workflow() -> dict[str, str]:
    return {node["identifier"]: node["unified_job_template"]["name"] for node in WORKFLOW["nodes"]}


def preflight(folder: Path) -> Job:
    """The workflow's first node, which hands on a verdict and a report, and no run."""
    looked = launch(folder, jobs_of_workflow()["preflight"], glance_flip_v1_off="true")
    looked.run.succeeds().says("verdict: ready")
    assert looked.artifacts["glance_flip_verdict"] == "ready"
    assert looked.artifacts.get("glance_flip_run", "") == ""
    report = Path(looked.artifacts["glance_flip_report"])
    assert report.is_relative_to(looked.folder / "project") and (report / "preflight.html").exists()
    return looked


@pytest.mark.usefixtures("untouched")
def test_a_preflight_leaves_its_verdict_to_the_next_node(tmp_path: Path) -> None:
    outside = left_outside()
    assert "lab-admin-secret" not in preflight(tmp_path).run.output
    assert left_outside() == outside


@trial.thorough
def test_the_workflow_from_preflight_to_the_way_back(tmp_path: Path) -> None:
    before, outside, names = trial.look(), left_outside(), jobs_of_workflow()
    looked = preflight(tmp_path)

    flipped = launch(tmp_path, names["flip"], looked.artifacts, glance_flip_v1_off="true")
    flipped.run.succeeds().says("Verdict: done.")
    assert flipped.artifacts["glance_flip_verdict"] == "done"
    run = flipped.artifacts["glance_flip_run"]
    assert [run] == trial.runs("nova1") and trial.ask("infra", "/v1/images")[0] in (300, 404)
    # The job's own file system ends with it; the way back needs the hosts alone.
    shutil.rmtree(looked.folder)
    shutil.rmtree(flipped.folder)

    handed = looked.artifacts | flipped.artifacts
    launch(tmp_path, names["verify"], handed, glance_flip_v1_off="true").run.succeeds()
    back = launch(tmp_path, names["rollback"], handed)
    back.run.succeeds().says(run)
    assert back.artifacts["glance_flip_verdict"].startswith("undone")
    assert trial.differences(before, trial.look()) == [] and trial.locked() == []
    assert left_outside() == outside
    assert "lab-admin-secret" not in back.run.output + flipped.run.output + looked.run.output


def test_a_workflow_that_began_no_run_undoes_none(tmp_path: Path) -> None:
    launch(tmp_path, jobs_of_workflow()["rollback"], {"glance_flip_run": ""}).run.fails("handed on no run")


@pytest.mark.usefixtures("untouched")
def test_modules_one_at_a_time(tmp_path: Path) -> None:
    """On a host, and on the control node with a credential of a type of one's own, which injects OS_*."""
    arguments = ("--hosts", "nova1", "-m", "stackops.glance.nova_use_glance_v1_info")
    start(tmp_path / "host", *arguments, variables={}, environ={}).run.succeeds().says('"api_version": 1')
    names = {f"OS_{key.upper()}": value for key, value in ADMIN.items()}
    arguments = ("--hosts", "localhost", "-m", "stackops.glance.images_api_info")
    asked = start(tmp_path / "cloud", *arguments, variables={}, environ=names)
    asked.run.succeeds().says('"catalogue"')
    assert "lab-admin-secret" not in asked.run.output
