# Copyright (c) 2026 stackops.glance contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents name what is in the code, all of it and nothing else."""

from __future__ import annotations

import ast
import functools
import itertools
import json
import pathlib
import re
import shlex
from typing import Any

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("roles/*/README.md"))]
PLAN = (
    *(
        "_plan",
        "_policy_plan",
        "_release_plan",
        "_tls_plan",
        "_tls_consumers",
        "_tls_close",
        "_undo",
        "_takeover",
        "_nova",
    ),
    "_callers",
)


def keeping_v1() -> tuple[str, ...]:
    from ansible_collections.stackops.glance.plugins.plugin_utils import _plan

    return _plan.KEEPS_V1


def keeping_plaintext() -> tuple[str, ...]:
    from ansible_collections.stackops.glance.plugins.plugin_utils import _tls_close

    return _tls_close.KEEPS_PLAINTEXT


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
            keeps = (
                "keeps v1 on" if id_ in keeping_v1() else "keeps plaintext open" if id_ in keeping_plaintext() else "no"
            )
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


def blocks(document: pathlib.Path, language: str) -> list[str]:
    """The listings of a language; indented ones without what they are indented by."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", document.read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"(?m)^{indent}", "", text) for indent, text in found]


def commands(document: pathlib.Path) -> list[list[str]]:
    """The words of each command that a document shows."""
    lines = "\n".join(blocks(document, "console")).replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line.removeprefix("$ "), comments=True))]


SHOWN = [(document, words) for document in DOCUMENTS for words in commands(document)]


@functools.cache
def variables() -> set[str]:
    """Every variable that somebody may give with -e."""
    specs = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    found = {name for spec in specs for name in spec["argument_specs"]["main"]["options"]}
    # The release that a playbook is about; glance_release_version takes it from there.
    found.add("glance_release")
    return found | set(yaml.safe_load((ROOT / "examples" / "awx" / "setup.yml").read_text())[0]["vars"])


def test_documents_show_commands() -> None:
    assert {words[0] for _document, words in SHOWN} >= {"make", "ansible-playbook"} and len(SHOWN) > 20


@pytest.mark.parametrize(
    "words", [words for _document, words in SHOWN if words[0] == "make"], ids=lambda words: "_".join(words)
)
def test_make_targets_that_are_shown_exist(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for word in words[1:]:
        name, given, _value = word.partition("=")
        assert f"$({name})" in makefile if given else re.search(rf"^{name}:", makefile, re.MULTILINE), word


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_that_are_named_exist(document: pathlib.Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", document.read_text())) <= targets


@pytest.mark.parametrize(
    "words",
    [words for _document, words in SHOWN if words[0].endswith("ansible-playbook")],
    ids=lambda words: " ".join(words)[:100],
)
def test_playbooks_and_variables_that_are_shown_exist(words: list[str]) -> None:
    names = [
        word
        for before, word in itertools.pairwise(words)
        if before != "-i" and re.fullmatch(r"stackops\.glance\.\w+|[\w/-]+\.yml", word)
    ]
    assert len(names) == 1, "a command runs one playbook"
    name = names[0].removeprefix("stackops.glance.")
    folder = ROOT / "playbooks" if name != names[0] else ROOT / "examples" / "awx"
    assert (folder / (name if name.endswith(".yml") else f"{name}.yml")).exists() or (ROOT / name).exists()
    for option, value in itertools.pairwise(words):
        if option == "-e" and not value.startswith("@"):
            given = set(json.loads(value)) if value.startswith("{") else {value.partition("=")[0]}
            assert given <= variables(), given


def options(module: str) -> set[str]:
    """The options of a module and their aliases, with those of its fragments."""
    said = documentation(ROOT / "plugins" / "modules" / f"{module}.py", "DOCUMENTATION")
    found = dict(said["options"])
    for fragment in said["extends_documentation_fragment"]:
        file, _dot, part = fragment.removeprefix("stackops.glance.").partition(".")
        source = ROOT / "plugins" / "doc_fragments" / f"{file}.py"
        found.update(documentation(source, part.upper() or "DOCUMENTATION").get("options", {}))
    return {*found, *(alias for option in found.values() for alias in option.get("aliases", []))}


def documentation(path: pathlib.Path, name: str) -> dict[str, Any]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return yaml.safe_load(ast.literal_eval(node.value))
    raise AssertionError(f"{path} has no {name}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_options_that_tasks_show_exist(document: pathlib.Path) -> None:
    for text in blocks(document, "yaml"):
        for task in [each for each in yaml.safe_load(text) if isinstance(each, dict)]:
            for name, arguments in task.items():
                if name.startswith("stackops.glance."):
                    module = name.removeprefix("stackops.glance.")
                    assert set(arguments) <= options(module), name


def test_what_the_seeds_name_is_there_unless_it_is_not_yet() -> None:
    known = {path.stem for pattern in ("plugins/modules/*.py", "playbooks/*.yml") for path in ROOT.glob(pattern)}
    known |= {path.parent.name for path in ROOT.glob("molecule/*/molecule.yml")}
    known |= {path.name for path in ROOT.glob("roles/*")}
    for name in ("findings", "config-check", "image-audit", "policy"):
        known |= set(re.findall(r"`([\w./-]+)`", (ROOT / "docs" / f"{name}.md").read_text()))
    places = [line.split("|")[2] for line in (ROOT / "docs" / "seeds.md").read_text().splitlines() if line[:2] == "| "]
    for place in places:
        done, not_yet, later = place.partition("not yet:")
        named = set(re.findall(r"`([^`]+)`", done))
        assert {name for name in named if name not in variables()} <= known, place
        assert "`" in later or not not_yet, place
