# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What examples/awx says to AWX is what the playbooks take, and what ansible-builder and Ansible accept."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
AWX = ROOT / "examples" / "awx"
PROJECT = AWX / "project"
#: Types of argument_specs that an answer of each type of question fits.
FITS = {
    "text": {"str", "path", "raw"},
    "float": {"float"},
    "multiplechoice": {"bool", "str"},
    "multiselect": {"list"},
}


def load(path: pathlib.Path) -> Any:
    return yaml.safe_load(path.read_text())


def site() -> Any:
    """The builder of the site, which knows the variables that a playbook reads."""
    spec = importlib.util.spec_from_file_location("site_build", ROOT / "docs" / "site" / "build.py")
    assert spec and spec.loader
    module = sys.modules.setdefault("site_build", importlib.util.module_from_spec(spec))
    spec.loader.exec_module(module)
    return module


QUESTIONS = {each["variable"]: each for each in load(AWX / "surveys.yml")["glance_awx_questions"]}
TEMPLATES = load(AWX / "job_templates.yml")["glance_awx_job_templates"]
WORKFLOW = load(AWX / "workflow.yml")["glance_awx_workflow"]
SITE = site()
DOCUMENTED = {**SITE.options("glance_flip"), **SITE.options("glance_policy")}


def read_by(playbook: str) -> set[str]:
    """The documented variables that a playbook of the project reads, through the collection's that it imports."""
    found: set[str] = set()
    for play in load(PROJECT / playbook):
        name = play.get("ansible.builtin.import_playbook", "").removeprefix("stackops.glance.")
        if name:
            used = SITE.Playbook(ROOT / "playbooks" / f"{name}.yml")
            found |= {variable for _role, variable, _option in used.variables()}
    return found


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_asks_for_a_documented_variable(name: str) -> None:
    question, option = QUESTIONS[name], DOCUMENTED[name]
    assert option["type"] in FITS[question["type"]]
    assert not option.get("no_log"), "a secret belongs into a credential"
    if question["type"] == "multiplechoice":
        allowed = {"true", "false"} if option["type"] == "bool" else set(option["choices"])
        assert set(question["choices"]) <= allowed
    default = option["default"]
    shown = str(default).lower() if isinstance(default, bool) else "" if default == [] else default
    assert question["default"] == (str(shown) if question["type"] == "text" else shown)
    assert question["required"] == (question["default"] != "")


def test_findings_to_accept_are_there_and_may_be_accepted() -> None:
    rows = [
        line.split("|") for line in (ROOT / "docs" / "findings.md").read_text().splitlines() if line.startswith("| `")
    ]
    accepted = {row[1].strip(" `") for row in rows if row[3].strip() in ("yes", "keeps v1 on")}
    assert set(QUESTIONS["glance_flip_accept"]["choices"]) <= accepted


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template["name"])
def test_a_template_asks_only_for_what_its_playbook_reads(template: dict[str, Any]) -> None:
    assert set(template["survey"]) <= set(QUESTIONS)
    assert set(template["survey"]) <= read_by(template["playbook"])


def test_each_playbook_of_the_project_has_one_template() -> None:
    assert sorted(template["playbook"] for template in TEMPLATES) == sorted(path.name for path in PROJECT.glob("*.yml"))


def test_each_question_is_asked_somewhere() -> None:
    assert {name for template in TEMPLATES for name in template["survey"]} == set(QUESTIONS)


def test_the_workflow_leads_from_preflight_by_a_person_to_flip_and_verify_and_from_failures_back() -> None:
    nodes = {node["identifier"]: node for node in WORKFLOW["nodes"]}
    templates = {template["name"]: template for template in TEMPLATES}

    def follow(name: str, when: str) -> list[str]:
        return [each["identifier"] for each in nodes[name].get("related", {}).get(f"{when}_nodes", [])]

    assert follow("preflight", "success") == ["approval"]
    assert nodes["approval"]["unified_job_template"]["type"] == "workflow_approval"
    assert follow("approval", "success") == ["flip"]
    assert follow("flip", "success") == ["verify"]
    assert follow("flip", "failure") == follow("verify", "failure") == ["rollback"]
    jobs = {name: node["unified_job_template"] for name, node in nodes.items() if name != "approval"}
    for name in ("preflight", "flip", "verify"):  # an answer that a template does not ask for never reaches its job
        assert set(WORKFLOW["survey"]) <= set(templates[jobs[name]["name"]]["survey"])
    assert templates[jobs["rollback"]["name"]]["playbook"] == "rollback_this.yml"


def tasks() -> Iterator[dict[str, Any]]:
    for path in ROOT.glob("roles/*/tasks/*.yml"):
        yield from SITE.mappings(load(path))


def test_no_artifact_hides_what_a_run_keeps_for_itself() -> None:
    """AWX gives artifacts to the next job as extra-vars, which win over everything that is registered or set."""
    handed = {name for task in tasks() for name in (task.get("ansible.builtin.set_stats") or {}).get("data", {})}
    kept = Counter(str(task["register"]) for task in tasks() if "register" in task)
    kept.update(name for task in tasks() for name in task.get("ansible.builtin.set_fact") or {})
    assert handed == {"glance_flip_run", "glance_flip_verdict", "glance_flip_report"}
    assert not handed & set(kept)


def test_ansible_accepts_the_playbooks() -> None:
    playbooks = [AWX / "setup.yml", *sorted(PROJECT.glob("*.yml"))]
    done = subprocess.run(["ansible-playbook", "--syntax-check", *playbooks], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_ansible_builder_accepts_the_execution_environment(tmp_path: pathlib.Path) -> None:
    command = ["ansible-builder", "create", "-f", AWX / "execution-environment.yml", "-c", tmp_path / "context"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "stackops.glance" in (tmp_path / "context" / "_build" / "requirements.yml").read_text()


def test_ansible_builder_finds_what_the_collection_needs(tmp_path: pathlib.Path) -> None:
    link = tmp_path / "ansible_collections" / "stackops" / "glance"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT)
    done = subprocess.run(["ansible-builder", "introspect", tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = yaml.safe_load(done.stdout)
    python = {"openstacksdk>=1.0.0", "oslo.policy", "oslo.utils>=7.4.0", "PyMySQL"}
    system = {"openssh-client", "openssh-clients", "qemu-utils", "qemu-img"}
    assert {line.split()[0] for line in found["python"]} == python
    assert {line.split()[0] for line in found["system"]} == system
