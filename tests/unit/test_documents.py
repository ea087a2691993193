# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents name what is in the code, all of it and nothing else."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("roles/*/README.md"))]
PLAN = ("_plan", "_policy_plan", "_tls_plan", "_undo", "_takeover", "_nova")


def keeping_v1() -> tuple[str, ...]:
    from ansible_collections.stackops.glance.plugins.plugin_utils import _plan

    return _plan.KEEPS_V1


def findings() -> dict[str, tuple[str, str]]:
    """Severity, and whether it may be accepted, of every finding that a plan can make, by id."""
    found = {}
    for name in PLAN:
        tree = ast.parse((ROOT / "plugins" / "plugin_utils" / f"{name}.py").read_text())
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not call.args or not isinstance(call.args[0], ast.Constant):
                continue
            maker = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if maker not in ("add", "block", "finding", "Finding"):
                continue
            id_ = str(call.args[0].value)
            severity = "blocker" if maker == "block" else ast.literal_eval(call.args[1])
            # What Nova's part finds is accepted or not where the plan takes it up.
            accept = name == "_nova" or any(word.arg == "accept" for word in call.keywords)
            keeps = "keeps v1 on" if id_ in keeping_v1() else "no"
            found[id_] = (severity, "yes" if accept and severity == "blocker" else keeps)
    return found


def rows(path: pathlib.Path, columns: int) -> list[list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in path.read_text().splitlines()]
    return [row for row in cells if len(row) == columns and re.fullmatch(r"`\w+`", row[0])]


def test_every_finding_is_documented_as_it_is() -> None:
    documented = {row[0].strip("`"): (row[1], row[2]) for row in rows(ROOT / "docs" / "findings.md", 5)}
    assert documented == findings()


def test_every_finding_is_documented_once() -> None:
    ids = [row[0] for row in rows(ROOT / "docs" / "findings.md", 5)]
    assert len(ids) == len(set(ids)) > 30


def test_the_readme_names_every_module() -> None:
    section = (ROOT / "README.md").read_text().partition("## Modules")[2].partition("\n## ")[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert sorted(named) == sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))


def test_the_readme_names_every_playbook() -> None:
    section = (ROOT / "README.md").read_text().partition("## Playbooks")[2].partition("\n## ")[0]
    for path in (ROOT / "playbooks").glob("*.yml"):
        assert path.stem in section, path.name


def anchors(path: pathlib.Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: pathlib.Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text()):
        if target.startswith(("https://", "http://")):
            continue
        name, _hash, anchor = target.partition("#")
        path = document.parent / name if name else document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_variables_and_playbooks_that_documents_name_exist(document: pathlib.Path) -> None:
    text = document.read_text()
    # Defaults and argument specifications agree (test_roles), so one of them is enough to ask.
    known = "".join(path.read_text() for path in ROOT.glob("roles/*/meta/argument_specs.yml"))
    known += "".join(path.read_text() for path in ROOT.glob("roles/*/tasks/*.yml"))
    known += " ".join(path.stem for path in ROOT.glob("plugins/modules/*.py"))
    for name in re.findall(r"\b(?:glance_flip|glance_policy|glance_stunnel|nova_image_api|keystone_catalog)_\w+", text):
        assert re.search(rf"\b{name}\b", known), name
    for name in re.findall(r"stackops\.glance\.(\w+)", text):
        places = (
            ROOT / "playbooks" / f"{name}.yml",
            ROOT / "roles" / name,
            ROOT / "plugins" / "modules" / f"{name}.py",
        )
        assert name == "NAME" or any(place.exists() for place in places), name
