# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026 stackops.glance contributors
"""Jobs as AWX runs them, by ansible-runner, out of the project and the data of examples/awx.

Each job has a directory of its own, as AWX makes it: the project, an inventory that is a script, extra-vars and
credentials. Nothing is handed on to the next job but what AWX hands on.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import seed, trial
from .common import LAB

AWX = trial.REPOSITORY / "examples" / "awx"
QUESTIONS = yaml.safe_load((AWX / "surveys.yml").read_text())["glance_awx_questions"]
TEMPLATES = yaml.safe_load((AWX / "job_templates.yml").read_text())["glance_awx_job_templates"]
WORKFLOW = yaml.safe_load((AWX / "workflow.yml").read_text())["glance_awx_workflow"]
#: The job templates of the workflow, by its nodes.
JOBS = {node["identifier"]: node["unified_job_template"]["name"] for node in WORKFLOW["nodes"]}
#: What an operator would set once, as variables of the job template; the lab's balancer is quick.
OF_TEMPLATE = {f"glance_flip_{name}": value for name, value in trial.HASTE.items()}
PASSWORD = "lab-admin-secret"  # noqa: S105  (it opens nothing but the lab)
ADMIN = {
    "auth_url": seed.KEYSTONE,
    "username": "admin",
    "password": PASSWORD,
    "project_name": "admin",
    "user_domain_name": "Default",
    "project_domain_name": "Default",
}


@dataclass(frozen=True)
class Place:
    """Where jobs run, and how they reach the hosts from there."""

    #: Variables of each host in the inventory, by the host's name.
    hosts: dict[str, dict[str, Any]]
    #: What ansible-runner is told beside the playbook.
    arguments: tuple[str, ...] = ()
    #: A private key, as a credential of the type Machine holds it.
    key: str = ""
    #: Where a container has the job's folder; empty: jobs run on this machine.
    folder: str = ""


#: With Ansible of this environment, through the Docker engine.
HERE = Place(
    {
        host: {
            "ansible_connection": "community.docker.docker",
            "ansible_host": f"{LAB}{host}",
            "ansible_python_interpreter": "/usr/bin/python3",
        }
        for host in trial.MANAGED
    }
)


@dataclass
class Job:
    """A job that has ended, and what it leaves to AWX."""

    folder: Path
    run: trial.Run
    #: What the last event hands to the next node.
    artifacts: dict[str, Any]


def inventory(place: Place) -> dict[str, Any]:
    groups = {"glance_api": trial.GLANCES, "nova": trial.NOVAS}
    return {"_meta": {"hostvars": place.hosts}, **{name: {"hosts": list(names)} for name, names in groups.items()}}


def start(
    folder: Path,
    *words: str,
    variables: dict[str, Any],
    environ: dict[str, str] | None = None,
    cloud: bool = False,
    place: Place = HERE,
) -> Job:
    """A job in a directory of its own. The credential is in the job's environment, and nothing else of a cloud is.

    With ``cloud``, one of the type OpenStack, as AWX injects it: a clouds.yaml in the job's folder with one cloud in it.
    """
    shutil.copytree(AWX / "project", folder / "project")
    for name in ("inventory", "env", "home", "tmp"):
        (folder / name).mkdir()
    script = folder / "inventory" / "hosts"
    script.write_text(f"#!/usr/bin/env python3\nprint({json.dumps(json.dumps(inventory(place)))})\n")
    script.chmod(0o700)
    injected = dict(environ or {})
    if cloud:
        credential = folder / "env" / "credential"
        credential.write_text(yaml.safe_dump({"clouds": {"devstack": {"auth": ADMIN, "verify": True}}}))
        credential.chmod(0o600)
        injected["OS_CLIENT_CONFIG_FILE"] = f"{place.folder or folder}/env/credential"
    if place.key:
        (folder / "env" / "ssh_key").write_text(place.key)
    (folder / "env" / "extravars").write_text(json.dumps(variables))
    (folder / "env" / "envvars").write_text(json.dumps(injected))
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "OS_CLIENT_CONFIG_FILE": ""}
    run = trial.Run("ansible-runner", "run", str(folder), *words, *place.arguments, **own)
    run.wait()
    events = [path for path in folder.glob("artifacts/*/job_events/*.json") if path.name[0].isdigit()]
    assert events, f"The job did not begin:\n{run.tail()}"
    last = max(events, key=lambda path: int(path.name.partition("-")[0]))
    return Job(folder, run, json.loads(last.read_text())["event_data"].get("artifact_data", {}))


def launch(tmp_path: Path, name: str, handed: dict[str, Any] | None = None, place: Place = HERE, **answers: Any) -> Job:
    """A job template: its survey's defaults, answers, and what earlier nodes of the workflow handed on."""
    template = next(each for each in TEMPLATES if each["name"] == name)
    defaults = {each["variable"]: each["default"] for each in QUESTIONS if each["variable"] in template["survey"]}
    variables = {key: value for key, value in defaults.items() if value != ""} | OF_TEMPLATE | answers | (handed or {})
    folder = tmp_path / Path(template["playbook"]).stem
    return start(folder, "-p", template["playbook"], variables=variables, cloud=True, place=place)


def preflight(tmp_path: Path, place: Place = HERE) -> Job:
    """The workflow's first node, which hands on a verdict and a report, and no run."""
    looked = launch(tmp_path, JOBS["preflight"], place=place, glance_flip_v1_off="true")
    looked.run.succeeds().says("verdict: ready")
    assert looked.artifacts["glance_flip_verdict"] == "ready"
    assert looked.artifacts.get("glance_flip_run", "") == ""
    report = Path(looked.artifacts["glance_flip_report"])
    if place.folder:
        report = looked.folder / report.relative_to(place.folder)
    assert report.is_relative_to(looked.folder / "project") and (report / "preflight.html").exists()
    return looked
